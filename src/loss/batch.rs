//! Outputs that depend on the other events of a batch: a softmax or a mean over the axis of the events, indices that count
//! them. A trigger computes each event alone.

use anyhow::Result;
use hodoscope_compiler::graph::{Executor, Graph, GraphInput};

/// Pairs of events that are tried.
const PAIRS: usize = 4;
/// What an output may differ by, as a part of its largest value: sums in another order.
const PART: f64 = 1e-3;
/// An output of which nothing is larger is taken to be so large.
const LEAST: f64 = 1e-3;

/// Of `pair`, the network for two events at once, the outputs that are not those of `graph` for one; `row` gives the values of
/// an input in one of `events`.
pub fn notes<'e>(
    pair: &Graph,
    graph: &Graph,
    events: usize,
    row: impl Fn(usize, usize) -> &'e [f32],
) -> Result<Vec<String>> {
    // Two events may be more than there is room for: that is nothing against the network.
    let Ok(two) = Executor::new(pair) else {
        return Ok(vec![]);
    };
    let mut workspace = two.workspace();
    let one = Executor::new(graph)?;
    let mut alone = one.workspace();
    let mut notes = vec![];
    for first in 0..PAIRS.min(events / 2) {
        let chosen = [first, events - 1 - first];
        let rows = |event: usize| -> Vec<&'e [f32]> {
            let inputs = 0..graph.inputs().len();
            inputs.map(|input| row(input, event)).collect()
        };
        let Some(both) = together(pair, graph, chosen.map(rows)) else {
            return Ok(notes);
        };
        let both: Vec<&[f32]> = both.iter().map(Vec::as_slice).collect();
        if two.run_all(&mut workspace, &both).is_err() {
            return Ok(notes);
        }
        for (place, event) in chosen.into_iter().enumerate() {
            one.run_all(&mut alone, &rows(event))?;
            for output in graph.outputs() {
                let Some(own) = pair.outputs().iter().find(|o| o.name == output.name) else {
                    continue;
                };
                let shapes = (pair.shape(own.value), graph.shape(output.value));
                // Where no axis is that of the events, there is one answer of both.
                let Some(own) = of_event(workspace.value(own.value), shapes, place) else {
                    continue;
                };
                let note = note(&output.name);
                if differs(&own, alone.value(output.value)) && !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
    }
    Ok(notes)
}

/// What a pair has of the event at `place`, along the axis that is one longer than that of a single event.
fn of_event(both: &[f32], (two, one): (&[usize], &[usize]), place: usize) -> Option<Vec<f32>> {
    let differ = |axis: &usize| two[*axis] != one[*axis];
    let mut axes = (0..one.len().min(two.len())).filter(differ);
    let axis = axes.next()?;
    if axes.next().is_some() || two.len() != one.len() || (two[axis], one[axis]) != (2, 1) {
        return None;
    }
    let inner: usize = two[axis + 1..].iter().product();
    let rows = both
        .chunks(2 * inner)
        .map(|rows| &rows[place * inner..][..inner]);
    Some(rows.flatten().copied().collect())
}

fn note(output: &str) -> String {
    format!(
        "output `{output}` of an event depends on the other events of its batch, or on its place among them (an operation over the axis of \
         the events, indices of one event or that count events): a trigger computes each event alone, and the program gives what a batch \
         of one does; if that is what is meant, export the network with a fixed batch of 1"
    )
}

/// The inputs of a pair, event after event, in its own order; none where it has other inputs.
fn together(pair: &Graph, graph: &Graph, rows: [Vec<&[f32]>; 2]) -> Option<Vec<Vec<f32>>> {
    let of = |input: &GraphInput| {
        let place = graph.inputs().iter().position(|i| i.name == input.name)?;
        let both = [rows[0][place], rows[1][place]].concat();
        (both.len() == pair.elements(input.value)).then_some(both)
    };
    pair.inputs().iter().map(of).collect()
}

fn differs(own: &[f32], expected: &[f32]) -> bool {
    let finite = expected.iter().filter(|v| v.is_finite());
    let largest = finite.fold(LEAST, |m, v| f64::max(m, v.abs().into()));
    let beyond = |(a, b): (&f32, &f32)| {
        let both = a.is_finite() && b.is_finite();
        both && (f64::from(*a) - f64::from(*b)).abs() > PART * largest
    };
    own.len() != expected.len() || own.iter().zip(expected).any(beyond)
}

#[cfg(test)]
mod tests {
    use hodoscope_compiler::graph::{GraphBuilder, Kind, Op};

    use super::*;

    /// A softmax over an axis of so many events of three values.
    fn softmax(events: usize, axis: usize) -> Graph {
        let mut graph = GraphBuilder::new("net");
        let x = graph.input("x", vec![events, 3], Kind::Float).unwrap();
        let y = graph.push("y", Op::Softmax { axis }, &[x]).unwrap();
        graph.output("y", y).unwrap();
        graph.finish()
    }

    #[test]
    fn a_softmax_over_the_events_is_told() {
        let values = [[0.5, 1.0, -1.0], [2.0, 0.0, 0.25], [1.0, 1.0, 3.0]];
        let told = |axis| {
            let (one, two) = (softmax(1, axis), softmax(2, axis));
            notes(&two, &one, values.len(), |_, event| &values[event][..]).unwrap()
        };
        assert!(told(1).is_empty());
        let over_events = told(0);
        assert_eq!(over_events.len(), 1);
        assert!(over_events[0].contains("`y`"), "{over_events:?}");
    }

    #[test]
    fn events_along_another_axis_are_told_apart() {
        let transposed = |events: usize| {
            let mut graph = GraphBuilder::new("net");
            let x = graph.input("x", vec![events, 3], Kind::Float).unwrap();
            let perm = vec![1, 0];
            let y = graph.push("y", Op::Transpose { perm }, &[x]).unwrap();
            graph.output("y", y).unwrap();
            graph.finish()
        };
        let values = [[0.5, 1.0, -1.0], [2.0, 0.0, 0.25]];
        let row = |_, event: usize| &values[event][..];
        let told = notes(&transposed(2), &transposed(1), 2, row).unwrap();
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn a_network_with_other_inputs_tells_nothing() {
        let mut other = GraphBuilder::new("net");
        let x = other.input("z", vec![2, 3], Kind::Float).unwrap();
        other.output("y", x).unwrap();
        let row = |_, _| &[0.0f32, 1.0, 2.0][..];
        let told = notes(&other.finish(), &softmax(1, 0), 4, row).unwrap();
        assert!(told.is_empty());
    }
}
