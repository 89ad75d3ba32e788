//! What the calibration events show of every layer.

use hodoscope_interpreter::Event;
use hodoscope_program::{Input, Live, Set};

use super::rounding::{MOMENT_ROWS, Moments};
use super::words::Frame;
use super::{Calibration, QuantiseError};
use crate::graph::{Executor, Graph};
use crate::recognise::{Layer, Network, Rule};

/// Events whose values are kept as samples, and on which a program is compared with the floats.
pub(super) const SAMPLE_EVENTS: usize = 256;
/// Samples per layer, at most about.
pub(super) const SAMPLES: usize = 16_384;

/// What is smaller in size is no sentinel of a mask.
pub(super) const SENTINEL: f32 = 30.0;

/// Samples, events and float outputs.
#[derive(Debug)]
pub(super) struct Statistics {
    pub events: usize,
    /// Of each network node.
    pub nodes: Vec<NodeStatistics>,
    /// Words of the sample events.
    pub sample: Vec<Event>,
    /// For each output, each sample event's float values.
    pub outputs: Vec<Vec<Vec<f32>>>,
    pub mean_multiplicity: f64,
    pub saturated: usize,
    pub lost: usize,
}

/// What a layer's values look like, over live constituents.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeStatistics {
    pub minimum: f32,
    pub maximum: f32,
    pub samples: Vec<f32>,
    /// Largest absolute value of each channel.
    pub channel_maximum: Vec<f32>,
    /// Of the operand of a dense layer.
    pub moments: Option<Moments>,
}

pub(super) fn collect(
    graph: &Graph,
    network: &Network,
    frame: &Frame,
    calibration: &Calibration,
) -> Result<Statistics, QuantiseError> {
    let executor = Executor::new(graph)?;
    let mut workspace = executor.workspace();
    let capacity = frame.sets.first().map_or(1, |set| set.capacity);
    let fresh = |channels: usize| NodeStatistics {
        channel_maximum: vec![0.0; channels],
        ..NodeStatistics::default()
    };
    let mut nodes: Vec<NodeStatistics> = network.nodes.iter().map(|n| fresh(n.channels)).collect();
    for node in &network.nodes {
        if let Layer::Dense { x, .. } = node.layer {
            nodes[x].moments = Some(Moments::new(network.nodes[x].channels));
        }
    }
    let mut statistics = Statistics {
        events: calibration.events(),
        nodes: vec![],
        sample: vec![],
        outputs: vec![vec![]; network.outputs.len()],
        mean_multiplicity: 0.0,
        saturated: 0,
        lost: 0,
    };
    let mut live_total = 0;
    let every_slot: Vec<usize> = (0..capacity).collect();
    let padded = network.set.as_ref().map(|set| set.live) == Some(Rule::Padding);
    let sample_events = calibration.events().min(SAMPLE_EVENTS);
    let inputs: Vec<&Input> = frame.inputs.iter().collect();
    for index in 0..calibration.events() {
        let (event, decoded) = words(&inputs, calibration, index, &mut statistics.saturated)?;
        let live = frame.sets.first().map(|set| live_slots(set, frame, &event));
        if let (Some(live), Some(set)) = (&live, &network.set) {
            live_total += live.len();
            statistics.lost += lost(set.live, network, calibration, index, live);
        }
        // Without any constituent a maximum is its fill, of −10⁹ perhaps: no operand that weights are rounded for.
        let filled = live.as_ref().is_some_and(Vec::is_empty);
        // And no value that a format is for.
        let sentinel = filled && network.nodes.iter().any(masks);
        let slices: Vec<&[f32]> = decoded.iter().map(Vec::as_slice).collect();
        executor.run_all(&mut workspace, &slices)?;
        for (node, into) in network.nodes.iter().zip(&mut nodes) {
            let Some(value) = node.value else { continue };
            if sentinel && !matches!(node.layer, Layer::Input(_)) {
                continue;
            }
            let values = workspace.value(value);
            let keep = index < sample_events;
            let rows = node.channels * if node.per_constituent { capacity } else { 1 };
            // Subsampled row by row, by a stride that no shape follows.
            let stride = (rows * sample_events / SAMPLES).max(1);
            let apart = (rows / node.channels * calibration.events() / MOMENT_ROWS).max(1);
            let slots = match (&live, node.per_constituent) {
                // Padding counts like any constituent.
                (Some(_), true) if padded => &every_slot[..],
                (Some(live), true) => &live[..],
                _ => &[0],
            };
            for slot in slots {
                let row = &values[slot * node.channels..][..node.channels];
                if let Some(moments) = &mut into.moments
                    && (index + slot) % apart == 0
                    && !filled
                    && row.iter().all(|value| value.is_finite())
                {
                    moments.add(row);
                }
                for (channel, value) in row.iter().enumerate() {
                    into.minimum = into.minimum.min(*value);
                    into.maximum = into.maximum.max(*value);
                    let largest = &mut into.channel_maximum[channel];
                    *largest = largest.max(value.abs());
                    if keep && (index + slot + channel) % stride == 0 {
                        into.samples.push(*value);
                    }
                }
            }
        }
        if index < sample_events {
            for ((_, node), outputs) in network.outputs.iter().zip(&mut statistics.outputs) {
                outputs.push(output(network, *node, &workspace));
            }
            statistics.sample.push(event);
        }
    }
    statistics.nodes = nodes;
    statistics.mean_multiplicity = live_total as f64 / calibration.events() as f64;
    Ok(statistics)
}

/// Whether a node is a maximum that a mask fills with what is far from everything.
fn masks(node: &crate::recognise::NetworkNode) -> bool {
    matches!(node.layer, Layer::Max { empty: Some(fill), .. } if fill.abs() >= SENTINEL)
}

/// The words of an event, and the floats that they mean.
pub(super) fn words(
    inputs: &[&Input],
    calibration: &Calibration,
    index: usize,
    saturated: &mut usize,
) -> Result<(Event, Vec<Vec<f32>>), QuantiseError> {
    let mut event = Event::default();
    let mut decoded = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let values = calibration.row(i, index);
        let mut words = Vec::with_capacity(values.len());
        let mut floats = Vec::with_capacity(values.len());
        for (position, value) in values.iter().enumerate() {
            let field = input.field(position % input.channels);
            let encoded = field.encode(f64::from(*value)).map_err(|_| {
                let name = &input.name;
                QuantiseError::Calibration(format!(
                    "input '{name}', event {index}: {value} has no word"
                ))
            })?;
            *saturated += usize::from(encoded.saturated);
            words.push(encoded.word);
            floats.push(field.decode(encoded.word) as f32);
        }
        event.inputs.push(words);
        decoded.push(floats);
    }
    Ok((event, decoded))
}

fn live_slots(set: &Set, frame: &Frame, event: &Event) -> Vec<usize> {
    let word = |at: hodoscope_program::WordRef, slot: usize| {
        let input = at.input.index();
        event.inputs[input][slot * frame.inputs[input].channels + at.channel]
    };
    let is_live = |slot: &usize| match set.live {
        Live::Always => true,
        Live::NotEmpty { input } => {
            let fields = &frame.inputs[input.index()];
            (0..fields.channels).any(|channel| {
                let at = hodoscope_program::WordRef { input, channel };
                word(at, *slot) != fields.field(channel).empty
            })
        }
        Live::Above {
            word: at,
            threshold,
        } => word(at, *slot) > threshold,
        Live::NotEqual { word: at, empty } => word(at, *slot) != empty,
    };
    (0..set.capacity).filter(is_live).collect()
}

/// The mean number of live constituents, and how many are live as floats and not as words.
pub(super) fn constituents(
    network: &Network,
    frame: &Frame,
    calibration: &Calibration,
) -> Result<(f64, usize), QuantiseError> {
    let (Some(of_frame), Some(of_network)) = (frame.sets.first(), &network.set) else {
        return Ok((0.0, 0));
    };
    let inputs: Vec<&Input> = frame.inputs.iter().collect();
    let (mut total, mut all_lost) = (0, 0);
    for index in 0..calibration.events() {
        let (event, _) = words(&inputs, calibration, index, &mut 0)?;
        let live = live_slots(of_frame, frame, &event);
        total += live.len();
        all_lost += lost(of_network.live, network, calibration, index, &live);
    }
    Ok((total as f64 / calibration.events() as f64, all_lost))
}

/// Slots that are live as floats and not as words.
fn lost(
    rule: Rule,
    network: &Network,
    calibration: &Calibration,
    event: usize,
    live: &[usize],
) -> usize {
    let (input, channel) = match rule {
        // What is padded is not lost: it counts as padding does.
        Rule::Padding => return 0,
        Rule::Any { input, value } => {
            let channels = network.inputs[input].channels;
            let rows = calibration.row(input, event).chunks(channels);
            let float_live = rows.map(|row| row.iter().any(|v| *v != value));
            return float_live
                .enumerate()
                .filter(|(slot, is_live)| *is_live && !live.contains(slot))
                .count();
        }
        Rule::Mask(p) => (p.input, p.channel),
        Rule::Weight { input, channel } => (input, channel),
    };
    let channels = network.inputs[input].channels;
    let row = calibration.row(input, event);
    let float_live = |slot: &usize| rule.holds(row[slot * channels + channel]);
    let slots = row.len() / channels;
    (0..slots)
        .filter(float_live)
        .filter(|s| !live.contains(s))
        .count()
}

/// An output's float values; of a score that is not in the graph, from its operands.
pub(super) fn output(
    network: &Network,
    node: usize,
    workspace: &crate::graph::Workspace,
) -> Vec<f32> {
    let values = |node: usize| match network.nodes[node].value {
        Some(value) => workspace.value(value),
        None => &[],
    };
    let squares = |terms: &mut dyn Iterator<Item = f64>, divisor: f64| {
        vec![(terms.map(|x| x * x).sum::<f64>() / divisor) as f32]
    };
    match (&network.nodes[node].layer, network.nodes[node].value) {
        (_, Some(value)) => workspace.value(value).to_vec(),
        (Layer::SumSquares { x, divisor }, None) => {
            squares(&mut values(*x).iter().map(|v| f64::from(*v)), *divisor)
        }
        (Layer::Select { x, channels }, None) => {
            let values = values(*x);
            channels.iter().map(|channel| values[*channel]).collect()
        }
        (Layer::SquaredError { a, b, divisor }, None) => {
            let pairs = values(*a).iter().zip(values(*b));
            squares(
                &mut pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)),
                *divisor,
            )
        }
        _ => vec![],
    }
}
