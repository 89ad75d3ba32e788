//! The axis of slots, and where it ends.

use hodoscope_compiler::exact::Constituents;
use hodoscope_compiler::graph::Graph;
use hodoscope_compiler::graph::sets::{End, SetAxis};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_program::{InputId, Live, Program, WordRef};
use serde_json::{Value, json};

use crate::compiled::constituents_json;

/// Which axis is a set or is none, and the nodes that decide it: a line each.
pub fn described(graph: &Graph, axis: &SetAxis, constituents: Option<&Constituents>) -> String {
    let inputs: Vec<String> = axis
        .inputs
        .iter()
        .map(|index| of_input(graph, axis, *index))
        .collect();
    let inputs = inputs.join(", ");
    let ends = match axis.fixed() {
        None => {
            let pooled: Vec<String> = axis.pooled().map(node).collect();
            format!(
                "  {inputs}: a set, all its slots are treated alike until they are pooled by {}\n",
                pooled.join(", ")
            )
        }
        Some(end) => format!(
            "  {inputs}: no set, at {} each slot has its place: {}\n",
            node(end),
            end.fixed.as_deref().unwrap_or_default()
        ),
    };
    match constituents {
        // The line before says all of it.
        Some(Constituents::All { .. }) if !axis.is_set() => ends,
        Some(constituents @ (Constituents::Live { .. } | Constituents::All { .. })) => {
            format!("{ends}  {constituents}\n")
        }
        _ => ends,
    }
}

/// `axis 1 of x, 16 slots`.
fn of_input(graph: &Graph, axis: &SetAxis, index: usize) -> String {
    let input = &graph.inputs()[index];
    let slots = axis.of(input.value);
    let own = slots.and_then(|slots| slots.axis(graph.shape(input.value)));
    match (own, slots) {
        (Some(own), _) => format!("axis {own} of {}, {} slots", input.name, axis.slots),
        (None, Some(slots)) => format!(
            "the words of {}, {} slots of {}",
            input.name, axis.slots, slots.inner
        ),
        (None, None) => input.name.clone(),
    }
}

fn node(end: &End) -> String {
    format!("'{}' ({})", end.node, end.operation)
}

/// The same for programs.
pub fn json(graph: &Graph, axis: &SetAxis, constituents: Option<&Constituents>) -> Value {
    let names = axis.inputs.iter().map(|index| &graph.inputs()[*index].name);
    json!({
        "slots": axis.slots,
        "inputs": names.collect::<Vec<_>>(),
        "is_set": axis.is_set(),
        "pooled_by": axis.pooled().map(|end| &end.node).collect::<Vec<_>>(),
        "fixed_by": axis.fixed().map(|end| json!({
            "node": end.node,
            "operator": end.operation,
            "reason": end.fixed,
        })),
        "constituents": constituents.map(constituents_json),
    })
}

/// Which constituents are live, in words; nothing where the words that tell it are not stated.
pub fn live(program: &Program, spec: &InputsSpec) -> Option<String> {
    let is_stated = |input: InputId| {
        let stated = spec.get(&program.input(input).name);
        stated.is_some_and(|stated| !stated.fields().is_empty())
    };
    let of = |at: WordRef, word: i64, sign: &str| {
        let (input, field) = (
            &program.input(at.input),
            program.input(at.input).field(at.channel),
        );
        let unit = match field.unit.as_str() {
            "" => String::new(),
            unit => format!(" {unit}"),
        };
        format!(
            "{} of {} {sign} {}{unit}, word {word}",
            field.name,
            input.name,
            field.decode(word)
        )
    };
    match program.sets.first()?.live {
        Live::Always => Some("every slot".to_owned()),
        Live::NotEmpty { input } => Some(format!(
            "some word of {} is not that of an empty slot",
            program.input(input).name
        )),
        Live::Above { word, threshold } => {
            is_stated(word.input).then(|| of(word, threshold, "above"))
        }
        Live::NotEqual { word, empty } => is_stated(word.input).then(|| of(word, empty, "not")),
    }
}

/// The set of a program, for programs.
pub fn set(program: &Program, live: Option<&str>) -> Option<Value> {
    let set = program.sets.first()?;
    let inputs = program.inputs.iter().filter(|input| input.set.is_some());
    Some(json!({
        "name": set.name,
        "capacity": set.capacity,
        "live": live,
        "inputs": inputs.map(|input| &input.name).collect::<Vec<_>>(),
    }))
}
