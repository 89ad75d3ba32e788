//! Squared errors of what layers made again: both sides in one format, so that they are one operation.

use super::{Grid, Held, HeldKind, Insert, Insertion, OUTPUT_WIDTH, formats};
use crate::format;
use crate::graph::{Binary, Graph, Node, Op, Reduction, ValueId};
use hodoscope_program::Encoding;

/// Of each value whether it is a difference of two activations, of which only squares are summed, and one of which a layer
/// gave.
pub(super) fn errors(graph: &Graph) -> Vec<bool> {
    let uses = graph.use_counts();
    let mut errors = vec![false; graph.value_count()];
    for node in graph.nodes() {
        let (Op::Reduce { op, .. }, &[x, ..]) = (&node.op, &node.inputs[..]) else {
            continue;
        };
        let Some(difference) = graph.producing_node(x) else {
            continue;
        };
        let is_difference = difference.op == Op::Binary(Binary::Sub);
        let varies = |value: &ValueId| graph.constant(*value).is_none();
        if *op == Reduction::SumSquare
            && uses[x.index()] == 1
            && is_difference
            && difference.inputs.iter().all(varies)
            && difference.inputs.iter().any(|v| is_made(graph, *v))
        {
            errors[x.index()] = true;
        }
    }
    errors
}

/// Whether a layer made a value, which was shaped and scaled perhaps.
pub(super) fn is_made(graph: &Graph, value: ValueId) -> bool {
    graph
        .producing_node(value)
        .is_some_and(|node| match node.op {
            Op::Dense { .. } | Op::Conv { .. } | Op::ConvTranspose { .. } => true,
            Op::Unary(_) | Op::ScaleShift { .. } => is_made(graph, node.inputs[0]),
            ref op => op.moves() && node.inputs.iter().all(|v| is_made(graph, *v)),
        })
}

impl Insertion<'_> {
    /// The difference of a target and what was made again of it: at the format that the target has, coarser where the other
    /// needs it.
    pub(super) fn error(&mut self, node: &Node) -> Insert<Option<Held>> {
        if !self.errors[node.output.index()] {
            return Ok(None);
        }
        let &[a, b] = &node.inputs[..] else {
            return Ok(None);
        };
        // The target (the network's input) comes before its reconstruction.
        let swapped = b < a;
        let (target, made) = if swapped { (b, a) } else { (a, b) };
        let bits = self.width(target).max(self.width(made)).max(OUTPUT_WIDTH);
        let seen = |i: &Self, v: ValueId| f64::from(i.observations.values[v.index()].magnitude());
        let end = |width: u8, frac: i32| libm::ldexp(1.0, i32::from(width) - 1 - frac);
        let own = |i: &Self, v: ValueId, width: u8| {
            formats::of_value(&i.observations.values[v.index()], width, i.room())
        };
        let width = self.width(target);
        let known = self
            .held(target)?
            .narrow
            .as_ref()
            .map(|(_, grid)| grid.single());
        let frac = known
            .flatten()
            .unwrap_or_else(|| own(self, target, width).frac);
        // Words that are stated keep the formats that they had.
        let mut fields = self.words.iter().flat_map(|words| &words.input.fields);
        let calibrated = fields.any(|field| field.encoding == Encoding::Calibrated);
        let saturates = seen(self, target) > end(width, frac) || seen(self, made) > end(bits, frac);
        let (first, frac) = match calibrated && saturates {
            false => self.uniform(target)?,
            true => {
                // What saturates is no error: an anomaly would look like what is known.
                let mut covering = own(self, target, bits);
                covering.frac = covering.frac.min(own(self, made, bits).frac);
                let samples = &self.observations.values[target.index()].samples;
                covering.noise = format::noise(samples, covering.frac, bits);
                let wide = self.held(target)?.wide;
                let first = self.quantised(target, wide, &[covering.frac], bits)?;
                self.note(target, covering, bits);
                (first, covering.frac)
            }
        };
        let samples = &self.observations.values[made.index()].samples;
        let noise = format::noise(samples, frac, bits);
        let wide = self.held(made)?.wide;
        let second = self.quantised(made, wide, &[frac], bits)?;
        self.note(made, format::Chosen { frac, noise }, bits);
        let operands = match swapped {
            true => [second, first],
            false => [first, second],
        };
        let wide = self.new.push(&node.name, node.op.clone(), &operands)?;
        Ok(Some(Held {
            wide,
            narrow: Some((wide, Grid::uniform(frac))),
            kind: HeldKind::Sums,
        }))
    }
}
