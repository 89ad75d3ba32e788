//! What the calibration events show of every value of the graph.

use hodoscope_interpreter::Event;
use hodoscope_program::Input;

use super::words::Words;
use crate::graph::{Executor, Graph};
use crate::quantise::statistics::{self, SAMPLE_EVENTS, SAMPLES};
use crate::quantise::{Calibration, QuantiseError};

/// Multiply-accumulates of all events on which programs are compared, about.
const WORK: usize = 1 << 27;
/// Events that are compared at least.
const FEWEST: usize = 32;

/// Range and samples of one value, all its elements together.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub minimum: f32,
    pub maximum: f32,
    /// The smallest value; ∞ where none was seen. The range above includes zero.
    pub least: f32,
    pub samples: Vec<f32>,
}

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Observations {
    pub events: usize,
    /// By value of the graph.
    pub values: Vec<Observed>,
    /// Words of the sample events.
    pub sample: Vec<Event>,
    /// For each output, each sample event's float values.
    pub outputs: Vec<Vec<Vec<f32>>>,
    /// Input values outside of their word's range.
    pub saturated: usize,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            minimum: 0.0,
            maximum: 0.0,
            least: f32::INFINITY,
            samples: vec![],
        }
    }
}

impl Observed {
    /// Largest absolute value.
    pub fn magnitude(&self) -> f32 {
        self.minimum.abs().max(self.maximum.abs())
    }
}

/// What the calibration events show. An element that differs in the `other` graph, which is the same but for its sentinels,
/// is none of the network's own values, and leaves no trace.
pub(super) fn observe(
    graph: &Graph,
    other: Option<&Graph>,
    words: &[Words],
    calibration: &Calibration,
) -> Result<Observations, QuantiseError> {
    let executor = Executor::new(graph)?;
    let mut workspace = executor.workspace();
    let other = other.map(Executor::new).transpose()?;
    let mut beside = other.as_ref().map(Executor::workspace);
    let events = calibration.events();
    let few = (WORK / work(graph)).clamp(FEWEST, SAMPLE_EVENTS);
    let sample_events = events.min(SAMPLE_EVENTS);
    let inputs: Vec<&Input> = words.iter().map(|words| &words.input).collect();
    let mut all = Observations {
        events,
        values: vec![Observed::default(); graph.value_count()],
        sample: vec![],
        outputs: vec![vec![]; graph.outputs().len()],
        saturated: 0,
    };
    for index in 0..events {
        let (event, decoded) = statistics::words(&inputs, calibration, index, &mut all.saturated)?;
        let slices: Vec<&[f32]> = decoded.iter().map(Vec::as_slice).collect();
        executor.run_all(&mut workspace, &slices)?;
        if let (Some(other), Some(beside)) = (&other, &mut beside) {
            other.run_all(beside, &slices)?;
        }
        for value in graph.values() {
            if graph.constant(value).is_some() {
                continue;
            }
            let elements = workspace.value(value);
            let others = beside
                .as_ref()
                .map_or(elements, |beside| beside.value(value));
            // By a stride that no shape follows.
            let stride = (elements.len() * sample_events / SAMPLES).max(1);
            let into = &mut all.values[value.index()];
            for (position, (element, other)) in elements.iter().zip(others).enumerate() {
                if !element.is_finite() || is_sentinel(*element, *other) {
                    continue;
                }
                into.minimum = into.minimum.min(*element);
                into.maximum = into.maximum.max(*element);
                into.least = into.least.min(*element);
                if index < sample_events && (index + position) % stride == 0 {
                    into.samples.push(*element);
                }
            }
        }
        // An output that hangs on the size of a sentinel tells nothing of what is lost.
        let hangs = beside.as_ref().is_some_and(|beside| {
            graph.outputs().iter().any(|output| {
                let own = workspace.value(output.value).iter();
                let mut pairs = own.zip(beside.value(output.value));
                pairs.any(|(own, other)| is_sentinel(*own, *other))
            })
        });
        let last = index + 1 == few.min(events) && all.sample.is_empty();
        if index < few && (!hangs || last) {
            for (output, rows) in graph.outputs().iter().zip(&mut all.outputs) {
                rows.push(workspace.value(output.value).to_vec());
            }
            all.sample.push(event);
        }
    }
    Ok(all)
}

/// Whether an element is another one where sentinels are: more than what rounding does to it.
fn is_sentinel(element: f32, other: f32) -> bool {
    let size = element.abs().max(other.abs());
    other.is_nan() || (element - other).abs() > 0.01 * size
}

/// Multiply-accumulates of an event, roughly.
fn work(graph: &Graph) -> usize {
    use crate::graph::Op;
    let of = |node: &crate::graph::Node| {
        let elements = graph.elements(node.output);
        match &node.op {
            Op::Constant(_) => 0,
            Op::Dense { weights, .. } => elements * weights.shape[1],
            Op::Conv { weights, .. } => elements * weights.data.len() / weights.shape[0],
            Op::ConvTranspose { weights, .. } => {
                graph.elements(node.inputs[0]) * weights.data.len() / weights.shape[0]
            }
            _ => elements,
        }
    };
    graph.nodes().iter().map(of).sum::<usize>().max(1)
}
