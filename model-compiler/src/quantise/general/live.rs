//! Which slots of an event are constituents: formats and weights are fitted to these alone.

use hodoscope_interpreter::Event;
use hodoscope_program::{Input, Program, Set};

use crate::exact;
use crate::graph::sets::{SetAxis, Slots};
use crate::graph::{Graph, ValueId};
use crate::inputs::InputsSpec;
use crate::quantise::constituents;

/// A set of constituents, and which of its slots are live.
#[derive(Clone, Debug)]
pub(super) struct LiveSlots {
    axis: SetAxis,
    set: Set,
    /// The words that a slot has.
    inputs: Vec<Input>,
}

impl LiveSlots {
    /// Of a graph, and a program of it that computes all slots; none where there is no set, or where slots that are not
    /// live count as live ones do.
    pub fn of(graph: &Graph, spec: &InputsSpec, padded: Program) -> Option<Self> {
        let axis = exact::axis(graph, spec).filter(SetAxis::is_set)?;
        let (mut program, _) = exact::over_live(padded, graph, spec);
        program.sets.first()?;
        if constituents::counts_padding(&program) {
            return None;
        }
        Some(Self {
            axis,
            set: program.sets.remove(0),
            inputs: program.inputs,
        })
    }

    /// Where the slots lie in a value.
    pub fn of_value(&self, value: ValueId) -> Option<Slots> {
        self.axis.of(value)
    }

    /// Whether each slot of an event is live.
    pub fn live(&self, event: &Event) -> Vec<bool> {
        let inputs: Vec<&Input> = self.inputs.iter().collect();
        constituents::live(&self.set, &inputs, event)
    }
}
