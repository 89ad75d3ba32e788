//! The float graph's numbers behind the layers of a program.

use std::borrow::Cow;
use std::collections::HashMap;

use anyhow::Result;
use hodoscope_compiler::exact;
use hodoscope_compiler::graph::sets::Slots;
use hodoscope_compiler::graph::{self, Executor, Graph, Node, Op, Workspace};
use hodoscope_interpreter::Trace;
use hodoscope_program::{Program, Value, ValueId};
use hodoscope_sim::npz::Npz;

use crate::commands::compile;
use crate::float;
use crate::model_dir::ModelDir;

/// Runs the graph, event by event, and finds the numbers of a program's layers in it.
pub struct FloatLayers<'g> {
    graph: &'g Graph,
    executor: Executor<'g>,
    workspace: Workspace,
    /// `[events, elements]` of each input.
    inputs: Vec<Vec<f32>>,
    events: usize,
    /// By value of the program.
    same: Vec<Option<Same>>,
}

/// A value of the graph that is a layer.
#[derive(Clone, Copy, Debug)]
struct Same {
    value: graph::ValueId,
    /// Whether the program has the channels, axis 1 of the graph, last.
    channels_last: bool,
    /// Where the slots are of a value that the program has rows of.
    slots: Option<Slots>,
}

impl<'g> FloatLayers<'g> {
    /// Prepares `graph`, from which DIR was compiled.
    ///
    /// # Errors
    /// When the events are not the model's.
    pub fn new(graph: &'g Graph, model: &ModelDir, npz: &Npz) -> Result<Self> {
        let fields = |name: &str| float::fields(&model.program, name);
        let (events, inputs) = float::inputs(graph, npz, fields)?;
        let executor = Executor::new(graph)?;
        Ok(Self {
            same: of_names(graph, model)?,
            graph,
            workspace: executor.workspace(),
            executor,
            inputs,
            events,
        })
    }

    /// Computes one event.
    ///
    /// # Errors
    /// When a node cannot be computed.
    pub fn run(&mut self, event: usize) -> Result<()> {
        let rows: Vec<&[f32]> = self
            .inputs
            .iter()
            .map(|values| {
                let elements = values.len() / self.events;
                &values[event * elements..][..elements]
            })
            .collect();
        self.executor.run_all(&mut self.workspace, &rows)?;
        Ok(())
    }

    /// Decides, by the event that was computed last, which layers of images have their channels last: a program may
    /// have either, and says it nowhere.
    pub fn align(&mut self, program: &Program, trace: &Trace) {
        for (id, value) in program.values() {
            let Some(same) = self.same[id.index()] else {
                continue;
            };
            let shape = self.graph.shape(same.value);
            if shape.len() < 3 || shape[1] < 2 || value.shape.set().is_some() {
                continue;
            }
            let numbers = self.workspace.value(same.value);
            let channels = value.shape.channels();
            let error = |numbers: &[f32]| -> f64 {
                let raws = trace.values[id.index()].iter().enumerate();
                let values = raws.map(|(e, &raw)| raw as f64 * value.scale.lsb(e % channels));
                let pairs = values.zip(numbers);
                pairs.map(|(a, b)| (a - f64::from(*b)).powi(2)).sum()
            };
            let last = error(&channels_last(numbers, shape[1])) < error(numbers);
            self.same[id.index()] = Some(Same {
                channels_last: last,
                ..same
            });
        }
    }

    /// The float numbers of a layer in the event that was computed last, padding included, in the program's order.
    pub fn values(&self, id: ValueId) -> Option<Cow<'_, [f32]>> {
        let same = self.same[id.index()]?;
        let numbers = self.workspace.value(same.value);
        Some(match (same.slots, same.channels_last) {
            (Some(slots), _) if slots.outer > 1 => slot_by_slot(numbers, slots).into(),
            (None, true) => channels_last(numbers, self.graph.shape(same.value)[1]).into(),
            _ => numbers.into(),
        })
    }
}

/// `[channels, places]` as `[places, channels]`.
fn channels_last(numbers: &[f32], channels: usize) -> Vec<f32> {
    let places = numbers.len() / channels;
    let at = |place: usize| (0..channels).map(move |channel| numbers[channel * places + place]);
    (0..places).flat_map(at).collect()
}

/// `[outer, slots, inner]` as `[slots, outer, inner]`.
fn slot_by_slot(numbers: &[f32], slots: Slots) -> Vec<f32> {
    let row = |slot: usize| {
        let places = (0..slots.outer).map(move |outer| (outer * slots.slots + slot) * slots.inner);
        places.flat_map(move |place| &numbers[place..place + slots.inner])
    };
    (0..slots.slots).flat_map(row).copied().collect()
}

/// Layers by the names of the graph's nodes: the last value that a node became, and what it is once it is narrowed.
///
/// # Errors
/// When the `inputs.toml` beside the network cannot be read.
fn of_names(graph: &Graph, model: &ModelDir) -> Result<Vec<Option<Same>>> {
    let program = &model.program;
    let axis = exact::axis(graph, &compile::read_spec(&model.onnx(), None)?);
    let mut nodes: HashMap<String, Option<graph::ValueId>> = HashMap::new();
    let inputs = graph.inputs().iter().map(|i| (i.name.as_str(), i.value));
    // A quantiser's result is counts, where the program's value is the number that they mean.
    let numbers = |node: &&Node| !matches!(node.op, Op::Quantise(_));
    let nodes_of = graph.nodes().iter().filter(numbers);
    let all = inputs.chain(nodes_of.map(|n| (n.name.as_str(), n.output)));
    for (name, value) in all {
        // A name that several nodes have names none.
        let known = nodes.entry(plain(name)).or_insert(Some(value));
        *known = known.filter(|known| *known == value);
    }
    let named = |name: &str| nodes.get(name).copied().flatten();
    let slots = |of: graph::ValueId| axis.as_ref().and_then(|axis| axis.of(of));
    let matches = |value: &Value, of: &graph::ValueId| match (value.shape.set(), slots(*of)) {
        (None, _) => value.shape.elements(0) == graph.elements(*of),
        (Some(_), Some(slots)) => value.shape.channels() == slots.outer * slots.inner,
        (Some(_), None) => false,
    };
    let by_phase = by_phase(graph);
    let mut same = vec![None; program.values.len()];
    let mut last: HashMap<graph::ValueId, usize> = HashMap::new();
    for (place, value) in program.values.iter().enumerate() {
        let name = plain(&value.name);
        let own = named(&name).or_else(|| named(without_count(&name)));
        // What was computed in another order comes into the graph's behind it.
        let own = own.or_else(|| without_count(&name).strip_suffix(".moved").and_then(named));
        let (found, narrowed) = match own {
            Some(_) => (own, false),
            None => (of_narrowed(&name).and_then(named), true),
        };
        let Some(found) = found.filter(|found| matches(value, found)) else {
            continue;
        };
        if by_phase[found.index()] {
            continue;
        }
        let in_rows = value.shape.set().is_some();
        same[place] = Some(Same {
            value: found,
            channels_last: false,
            slots: slots(found).filter(|_| in_rows),
        });
        // What comes before the last is on the way to the node's result.
        if !narrowed && let Some(before) = last.insert(found, place) {
            same[before] = None;
        }
    }
    Ok(same)
}

/// Of each value of the graph whether a transposed convolution gives it, or a function of one: the program has its elements
/// phase by phase.
fn by_phase(graph: &Graph) -> Vec<bool> {
    let mut by_phase = vec![false; graph.value_count()];
    for node in graph.nodes() {
        by_phase[node.output.index()] = match node.op {
            Op::ConvTranspose { .. } => true,
            Op::Unary(_) | Op::ScaleShift { .. } => by_phase[node.inputs[0].index()],
            _ => false,
        };
    }
    by_phase
}

/// `f` of `f.2`: values of a program have names of their own.
fn without_count(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((layer, count)) if count.parse::<u32>().is_ok() => layer,
        _ => name,
    }
}

/// The layer that a value is in few bits: `f.q` and `f.q.2` are of `f`.
fn of_narrowed(name: &str) -> Option<&str> {
    without_count(name)
        .strip_suffix(".q")
        .or_else(|| name.strip_suffix(".q"))
}

/// A name with only the characters that a program's names have.
fn plain(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = name.trim_start_matches(|c: char| !legal(c));
    let name: String = name
        .chars()
        .map(|c| if legal(c) { c } else { '_' })
        .collect();
    match name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        true => name,
        false => format!("v{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_narrowed_layers() {
        assert_eq!(of_narrowed("f_f.0_Gemm.q"), Some("f_f.0_Gemm"));
        assert_eq!(of_narrowed("x.q.2"), Some("x"));
        for other in ["x", "x.quark", "x.q2", "x.q.y"] {
            assert_eq!(of_narrowed(other), None, "{other}");
        }
        assert_eq!(without_count("conv.2"), "conv");
        assert_eq!(without_count("conv.moved"), "conv.moved");
        assert_eq!(plain("/0/Conv"), "v0_Conv");
    }

    #[test]
    fn slots_go_first() {
        let numbers = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0];
        let slots = Slots {
            outer: 2,
            slots: 3,
            inner: 1,
        };
        let rows = [0.0, 10.0, 1.0, 11.0, 2.0, 12.0];
        assert_eq!(slot_by_slot(&numbers, slots), rows);
    }

    #[test]
    fn channels_go_last() {
        let numbers = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0];
        assert_eq!(
            channels_last(&numbers, 2),
            [0.0, 10.0, 1.0, 11.0, 2.0, 12.0]
        );
    }
}
