//! The float graph's numbers behind the layers of a program.

use std::collections::HashMap;

use anyhow::{Context, Result};
use hodoscope_compiler::graph::{self, Executor, Graph, Workspace};
use hodoscope_compiler::recognise::recognise;
use hodoscope_program::ValueId;
use hodoscope_sim::npz::Npz;

use crate::commands::compile;
use crate::float;
use crate::model_dir::ModelDir;

/// Runs the graph, event by event, and finds the numbers of a program's layers in it.
pub struct FloatLayers<'g> {
    executor: Executor<'g>,
    workspace: Workspace,
    /// `[events, elements]` of each input.
    inputs: Vec<Vec<f32>>,
    events: usize,
    /// By value of the program.
    same: Vec<Option<graph::ValueId>>,
}

impl<'g> FloatLayers<'g> {
    /// Prepares `graph`, from which DIR was compiled.
    pub fn new(graph: &'g Graph, model: &ModelDir, npz: &Npz) -> Result<Self> {
        let spec = compile::read_spec(&model.onnx(), None)?;
        let network = recognise(graph, &spec, model.score().as_ref())
            .with_context(|| model.onnx().display().to_string())?;
        let nodes: HashMap<String, graph::ValueId> = network
            .nodes
            .iter()
            .filter_map(|node| Some((plain(&node.name), node.value?)))
            .collect();
        let same = model.program.values.iter().map(|value| {
            let name = plain(&value.name);
            let Some(layer) = of_narrowed(&name) else {
                return nodes.get(&name).copied();
            };
            // Words in few bits are equalised: their channels have units of their own.
            let of_words = |value: &graph::ValueId| {
                matches!(graph.producer(*value), graph::Producer::Input(_))
            };
            nodes.get(layer).copied().filter(|value| !of_words(value))
        });
        let fields = |name: &str| float::fields(&model.program, name);
        let (events, inputs) = float::inputs(graph, npz, fields)?;
        let executor = Executor::new(graph)?;
        Ok(Self {
            same: same.collect(),
            workspace: executor.workspace(),
            executor,
            inputs,
            events,
        })
    }

    /// Computes one event.
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

    /// The float numbers of a layer in the event that was computed last, padding included.
    pub fn values(&self, id: ValueId) -> Option<&[f32]> {
        self.same[id.index()].map(|value| self.workspace.value(value))
    }
}

/// The layer that a value is in few bits: `f.q` and `f.q.2` are of `f`.
fn of_narrowed(name: &str) -> Option<&str> {
    let (layer, count) = name.rsplit_once(".q")?;
    let counted = || {
        count
            .strip_prefix('.')
            .is_some_and(|n| n.parse::<u32>().is_ok())
    };
    (count.is_empty() || counted()).then_some(layer)
}

/// A name with only the characters that a program's names have.
fn plain(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = name.trim_start_matches(|c: char| !legal(c));
    name.chars()
        .map(|c| if legal(c) { c } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::of_narrowed;

    #[test]
    fn names_of_narrowed_layers() {
        assert_eq!(of_narrowed("f_f.0_Gemm.q"), Some("f_f.0_Gemm"));
        assert_eq!(of_narrowed("x.q.2"), Some("x"));
        for other in ["x", "x.quark", "x.q2", "x.q.y"] {
            assert_eq!(of_narrowed(other), None, "{other}");
        }
    }
}
