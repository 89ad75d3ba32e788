//! Which slots of an event are constituents: formats and weights are fitted to these alone.

use hodoscope_interpreter::Event;
use hodoscope_program::{InputId, Live, Operation, Program, WordRef};

use crate::exact;
use crate::graph::sets::{SetAxis, Slots};
use crate::graph::{Graph, ValueId};
use crate::inputs::InputsSpec;

/// A set of constituents, and which of its slots are live.
#[derive(Clone, Debug)]
pub(super) struct LiveSlots {
    axis: SetAxis,
    rule: Live,
    /// Words of a slot, by input of the program.
    channels: Vec<usize>,
    /// Words of an empty slot, by input.
    empty: Vec<Vec<i64>>,
}

impl LiveSlots {
    /// Of a graph, and a program of it that computes all slots; none where there is no set, or where slots that are not
    /// live count as live ones do.
    pub fn of(graph: &Graph, spec: &InputsSpec, padded: Program) -> Option<Self> {
        let axis = exact::axis(graph, spec).filter(SetAxis::is_set)?;
        let (program, _) = exact::over_live(padded, graph, spec);
        let rule = program.sets.first()?.live;
        let counts = matches!(rule, Live::Always);
        let padded = matches!(rule, Live::NotEmpty { .. }) && counts_padding(&program);
        if counts || padded {
            return None;
        }
        let inputs = program.inputs.iter();
        let channels = inputs.clone().map(|input| input.channels).collect();
        let empty = inputs.map(|input| {
            let channels = 0..input.channels;
            channels.map(|c| input.field(c).empty).collect()
        });
        Some(Self {
            axis,
            rule,
            channels,
            empty: empty.collect(),
        })
    }

    /// Where the slots lie in a value.
    pub fn of_value(&self, value: ValueId) -> Option<Slots> {
        self.axis.of(value)
    }

    /// Whether each slot of an event is live.
    pub fn live(&self, event: &Event) -> Vec<bool> {
        let word = |input: InputId, slot: usize, channel: usize| {
            let index = input.index();
            event.inputs[index][slot * self.channels[index] + channel]
        };
        let at = |word_of: WordRef, slot: usize| word(word_of.input, slot, word_of.channel);
        let is_live = |slot: usize| match self.rule {
            Live::Always => true,
            Live::NotEmpty { input } => {
                let empty = self.empty[input.index()].iter().enumerate();
                let mut differ = empty.map(|(c, empty)| word(input, slot, c) != *empty);
                differ.any(|differs| differs)
            }
            Live::Above {
                word: of,
                threshold,
            } => at(of, slot) > threshold,
            Live::NotEqual { word: of, empty } => at(of, slot) != empty,
        };
        (0..self.axis.slots).map(is_live).collect()
    }
}

/// Whether a program adds what empty slots hold.
fn counts_padding(program: &Program) -> bool {
    let is_count = |x| matches!(program.value(x).operation, Operation::Count { .. });
    program.values.iter().any(|value| match value.operation {
        Operation::Dense { x, .. } => is_count(x),
        Operation::Max { .. } => true,
        _ => false,
    })
}
