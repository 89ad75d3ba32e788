//! Events from which formats are taken.

use super::QuantiseError;
use crate::graph::Graph;

/// Calibration events: for each of the graph's inputs, in its order, a value per event and element.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    events: usize,
    inputs: Vec<CalibrationInput>,
}

/// One input's values.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationInput {
    /// Values of one event.
    pub elements: usize,
    /// `[events, elements]`, in the input's own unit.
    pub values: Vec<f32>,
}

impl Calibration {
    /// Takes the values of each of `graph`'s inputs, in its order.
    ///
    /// # Errors
    /// When there is no event, an input is missing or has another number of elements or events, or
    /// a value is NaN or infinite.
    pub fn new(graph: &Graph, inputs: Vec<Vec<f32>>) -> Result<Self, QuantiseError> {
        let fail = |reason: String| Err(QuantiseError::Calibration(reason));
        if inputs.len() != graph.inputs().len() {
            let (got, expected) = (inputs.len(), graph.inputs().len());
            return fail(format!("{got} inputs, the model has {expected}"));
        }
        let mut events = None;
        let mut taken = Vec::new();
        for (input, values) in graph.inputs().iter().zip(inputs) {
            let name = &input.name;
            let elements = graph.elements(input.value);
            if !values.len().is_multiple_of(elements) {
                let count = values.len();
                return fail(format!(
                    "input '{name}': {count} values are no multiple of the {elements} of an event"
                ));
            }
            let got = values.len() / elements;
            if got == 0 {
                return fail(format!("input '{name}' has no events"));
            }
            if *events.get_or_insert(got) != got {
                return fail(format!("input '{name}' has {got} events, others have not"));
            }
            if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                let event = at / elements;
                return fail(format!(
                    "input '{name}', event {event}: a value is not finite"
                ));
            }
            taken.push(CalibrationInput { elements, values });
        }
        match events {
            Some(events) => Ok(Self {
                events,
                inputs: taken,
            }),
            None => fail("the model has no inputs".into()),
        }
    }

    /// Number of events, at least one.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Values of input `index` in `event`.
    pub(super) fn row(&self, index: usize, event: usize) -> &[f32] {
        let input = &self.inputs[index];
        &input.values[event * input.elements..][..input.elements]
    }

    /// All values of input `index`.
    pub(super) fn input(&self, index: usize) -> &CalibrationInput {
        &self.inputs[index]
    }
}
