//! What the calibration events show of every value of the graph.

use hodoscope_interpreter::Event;
use hodoscope_program::Input;

use super::live::LiveSlots;
use super::words::Words;
use crate::graph::{Executor, Graph, Op, ValueId};
use crate::quantise::rounding::Moments;
use crate::quantise::statistics::{self, SAMPLE_EVENTS, SAMPLES};
use crate::quantise::{Calibration, QuantiseError};

/// Multiply-accumulates of all events on which programs are compared, about.
const WORK: usize = 1 << 27;
/// Events that are compared at least.
const FEWEST: usize = 32;
/// Columns of an operand of which a covariance is kept, at most.
const MOST_COLUMNS: usize = 1024;

/// Range and samples of one value, all its elements together.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub minimum: f32,
    pub maximum: f32,
    /// The smallest value; ∞ where none was seen. The range above includes zero.
    pub least: f32,
    pub samples: Vec<f32>,
    /// Of the operand of a dense layer.
    pub moments: Option<Moments>,
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
    /// Mean number of live constituents; 0 without a set.
    pub mean_multiplicity: f64,
    /// The slots of constituents, where not all count.
    slots: Option<LiveSlots>,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            minimum: 0.0,
            maximum: 0.0,
            least: f32::INFINITY,
            samples: vec![],
            moments: None,
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
/// is none of the network's own values, and leaves no trace; neither does what stands in `slots` that are not live.
pub(super) fn observe(
    graph: &Graph,
    other: Option<&Graph>,
    words: &[Words],
    calibration: &Calibration,
    slots: Option<LiveSlots>,
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
        mean_multiplicity: 0.0,
        slots: None,
    };
    for (layer, x) in layers(graph) {
        all.values[x.index()].moments = Some(Moments::new(layer));
    }
    let mut multiplicity = 0;
    for index in 0..events {
        let (event, decoded) = statistics::words(&inputs, calibration, index, &mut all.saturated)?;
        let live = slots.as_ref().map(|slots| slots.live(&event));
        let constituents = live
            .as_ref()
            .map(|live| live.iter().filter(|l| **l).count());
        multiplicity += constituents.unwrap_or(0);
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
            let own = slots.as_ref().and_then(|slots| slots.of_value(value));
            let counts = |position: usize| match (own, &live) {
                (Some(own), Some(live)) => live[own.slot(position)],
                _ => true,
            };
            // Without any constituent a value of the event is that of an empty one: no operand that weights are rounded for.
            if let Some(moments) = &mut into.moments
                && constituents != Some(0)
            {
                let rows = elements.len() / moments.channels();
                let apart = (rows * events / moments.rows()).max(1);
                let pairs = elements
                    .chunks(moments.channels())
                    .zip(others.chunks(moments.channels()));
                for (row, (own, other)) in pairs.enumerate() {
                    let mut pairs = own.iter().zip(other);
                    if (index + row) % apart == 0
                        && counts(row * own.len())
                        && pairs.all(|(a, b)| a.is_finite() && !is_sentinel(*a, *b))
                    {
                        moments.add(own);
                    }
                }
            }
            for (position, (element, other)) in elements.iter().zip(others).enumerate() {
                if !element.is_finite() || is_sentinel(*element, *other) || !counts(position) {
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
    all.mean_multiplicity = multiplicity as f64 / events.max(1) as f64;
    all.slots = slots;
    Ok(all)
}

/// The operands of dense layers, with the number of their columns: those of which a covariance is kept.
fn layers(graph: &Graph) -> impl Iterator<Item = (usize, ValueId)> {
    graph.nodes().iter().filter_map(|node| match &node.op {
        Op::Dense { weights, .. } => {
            let inputs = weights.shape[1];
            (inputs <= MOST_COLUMNS).then(|| (inputs, node.inputs[0]))
        }
        _ => None,
    })
}

impl Observations {
    /// Elements of a value per event, live ones where there are slots: what wider activations cost, up to a factor.
    pub fn elements(&self, graph: &Graph, value: usize) -> f64 {
        let Some(id) = graph.values().nth(value) else {
            return 0.0;
        };
        let elements = graph.elements(id) as f64;
        match self.slots.as_ref().and_then(|slots| slots.of_value(id)) {
            Some(own) => elements / own.slots as f64 * self.mean_multiplicity.max(1.0),
            None => elements,
        }
    }
}

/// Whether an element is another one where sentinels are: more than what rounding does to it.
fn is_sentinel(element: f32, other: f32) -> bool {
    let size = element.abs().max(other.abs());
    other.is_nan() || (element - other).abs() > 0.01 * size
}

/// Multiply-accumulates of an event, roughly.
fn work(graph: &Graph) -> usize {
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
