//! Rows of a set: a program that computes all slots becomes one that computes the live constituents.
//!
//! The padded program is followed element by element: each belongs to a slot, and every step has to compute the same thing
//! of each slot's own elements, until a sum or a maximum pools them. What an empty slot adds to a pooled value is a proved
//! constant, which is put in for the slots that are not live. So the result is equal to the padded program's, bit for bit, for
//! every event whose missing slots hold the empty words; where that is not proved, the padded program stays.

mod layers;
mod masks;
mod pairs;
mod pooling;
mod rewrite;
mod rows;
mod rule;

use std::fmt;

use hodoscope_program::{Program, Set, WordRef};

use crate::graph::Graph;
use crate::graph::sets::{SetAxis, Stated};
use crate::inputs::{InputsSpec, SetSpec};
use crate::names::identifier;

/// What is computed of the slots of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constituents {
    /// No input has an axis of slots that are treated alike.
    None,
    /// The live ones.
    Live {
        /// Where an empty slot counts though another word would not: what of `inputs.toml` makes it so.
        counted: Option<String>,
    },
    /// All of them.
    All {
        /// Why not the live ones alone.
        because: String,
    },
}

impl fmt::Display for Constituents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no axis of slots"),
            Self::Live { counted } => {
                f.write_str(
                    "a set: live constituents are computed, the same bits as of all slots",
                )?;
                match counted {
                    Some(counted) => write!(f, "; {counted}"),
                    None => Ok(()),
                }
            }
            Self::All { because } => write!(f, "all slots are computed: {because}"),
        }
    }
}

/// The axis of the graph that may be a set, as far as its user allows it.
pub fn axis(graph: &Graph, spec: &InputsSpec) -> Option<SetAxis> {
    crate::graph::sets::set_axis(graph, |input| {
        match spec.get(&input.name).and_then(|input| input.set.as_ref()) {
            None => Stated::Nothing,
            Some(SetSpec::IsOne(false)) => Stated::NoSet,
            Some(SetSpec::IsOne(true) | SetSpec::Name(_)) => Stated::Set,
        }
    })
}

/// The program over live constituents instead of `padded`, the program of `graph` that computes all slots; or `padded`,
/// and why.
pub fn over_live(padded: Program, graph: &Graph, spec: &InputsSpec) -> (Program, Constituents) {
    let Some(axis) = axis(graph, spec) else {
        return (padded, Constituents::None);
    };
    if let Some(end) = axis.fixed() {
        let reason = end.fixed.clone().unwrap_or_default();
        let members = axis.inputs.iter().map(|index| &graph.inputs()[*index].name);
        let stated = members.filter(|name| spec.get(name).is_some_and(|input| input.states_set()));
        let stated: Vec<String> = stated.map(|name| format!("'{name}'")).collect();
        let without_effect = match stated.is_empty() {
            true => String::new(),
            false => format!(
                "; what inputs.toml states of the set of {} has no effect: pool over the constituents, or state `set = false`",
                stated.join(", ")
            ),
        };
        let because = format!(
            "'{}' ({}): {reason}{without_effect}",
            end.node, end.operation
        );
        return (padded, Constituents::All { because });
    }
    match rewritten(&padded, graph, spec, &axis) {
        Ok((program, counted)) => (program, Constituents::Live { counted }),
        Err(because) => (padded, Constituents::All { because }),
    }
}

fn rewritten(
    padded: &Program,
    graph: &Graph,
    spec: &InputsSpec,
    axis: &SetAxis,
) -> Result<(Program, Option<String>), String> {
    let proof = padded.verify().map_err(|error| error.to_string())?;
    let inputs = rule::inputs(padded, graph, axis)?;
    let set = Set {
        name: name(graph, spec, axis),
        capacity: axis.slots,
        live: rule::plain(padded, &inputs),
        order: stated_order(padded, graph, spec, axis, &inputs)?,
    };
    let try_with = |live: rule::Rule| {
        let once = |tight: bool| {
            let set = Set {
                live: live.live,
                order: set.order.or(live.word()),
                ..set.clone()
            };
            let program = rewrite::rewrite(padded, &proof, &inputs, set, &live, tight)?;
            let program = super::tidy::without_dead(program);
            program.verify().map_err(|error| error.to_string())?;
            Ok(program)
        };
        once(false).or_else(|_: String| once(true))
    };
    // Whether there is a set at all, before masks are looked for.
    let plain = try_with(rule::Rule::plain(padded, &inputs))?;
    Ok(match rule::masked(&inputs, &try_with) {
        Some(live) => (masks::without(live), None),
        None => {
            let counted = rule::counted(padded, &inputs, &try_with);
            (masks::without(plain), counted)
        }
    })
}

/// The set's name: as the user calls it.
fn name(graph: &Graph, spec: &InputsSpec, axis: &SetAxis) -> String {
    let mut members = axis.inputs.iter().map(|index| &graph.inputs()[*index].name);
    let stated = members.find_map(|name| match spec.get(name)?.set.as_ref()? {
        SetSpec::Name(name) => Some(identifier(name)),
        SetSpec::IsOne(_) => None,
    });
    stated.unwrap_or_else(|| "constituents".into())
}

/// The word by which the hardest constituents are kept, where it is stated.
fn stated_order(
    padded: &Program,
    graph: &Graph,
    spec: &InputsSpec,
    axis: &SetAxis,
    inputs: &[rule::Member],
) -> Result<Option<WordRef>, String> {
    for index in &axis.inputs {
        let name = &graph.inputs()[*index].name;
        let Some(wanted) = spec.get(name).and_then(|input| input.order.as_ref()) else {
            continue;
        };
        let member = inputs.iter().find(|m| padded.input(m.input).name == *name);
        let place = member.and_then(|member| {
            let channel = member.fields.iter().position(|f| f.name == *wanted)?;
            Some(WordRef {
                input: member.input,
                channel,
            })
        });
        return match place {
            Some(word) => Ok(Some(word)),
            None => Err(format!(
                "order = \"{wanted}\" of '{name}' is not one of its fields"
            )),
        };
    }
    Ok(None)
}
