//! Multiply-accumulates of dense layers and convolutions.

use hodoscope_compiler::graph::sets::SetAxis;
use hodoscope_compiler::graph::{Graph, Node, Op};

use crate::report::{Table, thousands};

/// How often weights are multiplied.
pub struct Macs {
    /// Once per event.
    pub event: u64,
    /// For each live constituent.
    pub constituent: u64,
    /// Largest multiplicity; 0 without a set.
    capacity: u64,
}

impl Macs {
    /// Of a graph, in which live constituents of `set` are computed.
    pub fn of(graph: &Graph, set: Option<&SetAxis>) -> Self {
        let mut all = Self {
            event: 0,
            constituent: 0,
            capacity: set.map_or(0, |set| set.slots as u64),
        };
        for node in graph.nodes() {
            let macs = of_node(graph, node);
            match set.filter(|set| set.of(node.output).is_some()) {
                Some(set) => all.constituent += macs / set.slots as u64,
                None => all.event += macs,
            }
        }
        all
    }

    /// For the terminal.
    pub fn described(&self) -> String {
        let total = |n: u64| thousands(self.event + n * self.constituent);
        let event = thousands(self.event);
        if self.constituent == 0 {
            return format!("  {event} MACs per event\n");
        }
        let mut table = Table::new(["constituents", "MACs per event"]);
        table.row([
            "n".to_owned(),
            format!("{event} + {} n", thousands(self.constituent)),
        ]);
        let mut shown = vec![0, 1, self.capacity / 2, self.capacity];
        shown.dedup();
        for n in shown {
            table.row([n.to_string(), total(n)]);
        }
        table.to_string()
    }
}

fn of_node(graph: &Graph, node: &Node) -> u64 {
    let elements = |value| graph.elements(value) as u64;
    match &node.op {
        // Each weight of a row, for each of the results that it gives.
        Op::Dense { weights, bias } | Op::Conv { weights, bias, .. } => {
            let of_result = weights.data.len() / bias.len().max(1);
            elements(node.output) * of_result as u64
        }
        Op::ConvTranspose { weights, .. } => {
            let of_operand = weights.data.len() / weights.shape[0].max(1);
            elements(node.inputs[0]) * of_operand as u64
        }
        _ => 0,
    }
}
