//! What `inputs.toml` states, against the model that it is for.

use super::{InputSpec, InputsError, InputsSpec, SetSpec};
use crate::graph::sets::SetAxis;
use crate::graph::{Graph, GraphInput};

impl InputsSpec {
    /// Checks the statements against a graph, in which `axis` is or may be a set.
    ///
    /// # Errors
    /// An input that the model has not, or a set, a capacity or an order that are not the input's.
    pub(crate) fn check(&self, graph: &Graph, axis: Option<&SetAxis>) -> Result<(), InputsError> {
        for name in self.names() {
            if !graph.inputs().iter().any(|input| input.name == name) {
                return Err(refused(name, "the model has no input of this name".into()));
            }
        }
        let mut sets: Vec<(String, usize)> = vec![];
        for (index, input) in graph.inputs().iter().enumerate() {
            let Some(stated) = self.get(&input.name) else {
                continue;
            };
            let shape = graph.shape(input.value);
            let of_axis = axis.filter(|axis| axis.inputs.contains(&index));
            // What is no set has no slots but those of its second axis.
            let slots = of_axis.filter(|axis| axis.is_set()).map(|axis| axis.slots);
            let slots = slots.or_else(|| shape.get(1).copied());
            let check = || {
                set(graph, input, stated, slots)?;
                capacity(stated, slots)?;
                order(stated)?;
                fields(stated, shape)?;
                match stated.states_set() && of_axis.is_none() {
                    true => Err(not_of(graph, axis)),
                    false => Ok(()),
                }
            };
            check().map_err(|reason| refused(&input.name, reason))?;
            let name = match &stated.set {
                Some(SetSpec::Name(name)) => name,
                Some(SetSpec::IsOne(true)) => "constituents",
                Some(SetSpec::IsOne(false)) | None => continue,
            };
            let own = (name.to_owned(), slots.unwrap_or(0));
            if sets.first().is_some_and(|known| *known != own) {
                let reason =
                    "a second set is not supported yet; state `set = false` for one of them";
                return Err(refused(&input.name, reason.into()));
            }
            sets.push(own);
        }
        Ok(())
    }
}

fn refused(input: &str, reason: String) -> InputsError {
    InputsError::Input {
        input: input.into(),
        reason,
    }
}

/// Whether there can be a set where one is stated.
fn set(
    graph: &Graph,
    input: &GraphInput,
    stated: &InputSpec,
    slots: Option<usize>,
) -> Result<(), String> {
    if !stated.states_set() {
        return Ok(());
    }
    match slots {
        None => Err(format!(
            "shape {:?} has no set axis",
            graph.shape(input.value)
        )),
        Some(1) => {
            Err("a set of one slot is no set: state `set = false` in inputs.toml".to_owned())
        }
        Some(_) => Ok(()),
    }
}

fn capacity(stated: &InputSpec, slots: Option<usize>) -> Result<(), String> {
    match (stated.capacity, slots) {
        (Some(stated), Some(slots)) if stated != slots => Err(format!(
            "capacity {stated} is stated, the model has {slots} slots"
        )),
        (Some(stated), None) => Err(format!("capacity {stated} is stated, it has no slots")),
        _ => Ok(()),
    }
}

fn order(stated: &InputSpec) -> Result<(), String> {
    match &stated.order {
        Some(wanted) if stated.fields().iter().all(|field| field.name != *wanted) => {
            Err(format!("order = \"{wanted}\" is not one of its fields"))
        }
        _ => Ok(()),
    }
}

/// Fields repeat along the last axis.
fn fields(stated: &InputSpec, shape: &[usize]) -> Result<(), String> {
    let (fields, last) = (stated.fields().len(), shape.last().copied().unwrap_or(1));
    match fields > 1 && !last.is_multiple_of(fields) {
        true => Err(format!(
            "{fields} fields do not repeat along its last axis, of {last} values: state as many as it has, or a number that divides it"
        )),
        false => Ok(()),
    }
}

/// Why an input is none of a set that is stated of it.
fn not_of(graph: &Graph, axis: Option<&SetAxis>) -> String {
    let why = match axis {
        Some(axis) => {
            let members = axis.inputs.iter().map(|index| &graph.inputs()[*index].name);
            let members: Vec<String> = members.map(|name| format!("'{name}'")).collect();
            format!(
                "a second set is not supported yet, the first is of {}",
                members.join(", ")
            )
        }
        None => "it has no axis of slots that are treated alike and pooled".to_owned(),
    };
    format!("a set is stated of it: {why}; state `set = false`")
}
