//! Live constituents of the calibration events, as words and as floats.

use hodoscope_interpreter::Event;
use hodoscope_program::{Input, Live, Operation, Program, Set, Value, WordRef};

use super::statistics::words;
use super::{Calibration, QuantiseError};
use crate::graph::sets::{SetAxis, Slots};
use crate::graph::{Executor, Graph, ValueId, Workspace};

/// Whether each slot of an event is live; `inputs` are those that the set's words refer to.
pub(super) fn live(set: &Set, inputs: &[&Input], event: &Event) -> Vec<bool> {
    let word = |at: WordRef, slot: usize| {
        let input = at.input.index();
        event.inputs[input][slot * inputs[input].channels + at.channel]
    };
    let is_live = |slot: usize| match set.live {
        Live::Always => true,
        Live::NotEmpty { input } => {
            let own = inputs[input.index()];
            (0..own.channels)
                .any(|channel| word(WordRef { input, channel }, slot) != own.field(channel).empty)
        }
        Live::Above {
            word: at,
            threshold,
        } => word(at, slot) > threshold,
        Live::NotEqual { word: at, empty } => word(at, slot) != empty,
    };
    (0..set.capacity).map(is_live).collect()
}

/// Whether slots that are not live count as live ones do, as what empty slots hold.
pub(super) fn counts_padding(program: &Program) -> bool {
    let is_count = |x| matches!(program.value(x).operation, Operation::Count { .. });
    let adds = |value: &Value| match value.operation {
        Operation::Dense { x, .. } => is_count(x),
        Operation::Max { .. } => true,
        _ => false,
    };
    match program.sets.first().map(|set| set.live) {
        Some(Live::Always) => true,
        Some(Live::NotEmpty { .. }) => program.values.iter().any(adds),
        _ => false,
    }
}

/// The mean number of live constituents of a program over them, and how many count in its graph, where `axis` is the set,
/// and are not live as words.
///
/// # Errors
/// When a value of the calibration has no word, or the graph does not run.
pub(crate) fn constituents(
    graph: &Graph,
    axis: &SetAxis,
    program: &Program,
    calibration: &Calibration,
) -> Result<(f64, usize), QuantiseError> {
    let Some(set) = program.sets.first() else {
        return Ok((0.0, 0));
    };
    let inputs: Vec<&Input> = program.inputs.iter().collect();
    let executor = Executor::new(graph)?;
    let mut floats = Floats {
        pooled: pooled(graph, axis),
        workspace: executor.workspace(),
        executor,
        left: MOST_RUNS,
    };
    let members = members(graph, axis, &inputs);
    // What is rounded to an empty slot that counts as such is not lost.
    let can_lose = !counts_padding(program);
    let (mut total, mut lost) = (0, 0);
    for index in 0..calibration.events() {
        let (event, decoded) = words(&inputs, calibration, index, &mut 0)?;
        let live = live(set, &inputs, &event);
        total += live.iter().filter(|is_live| **is_live).count();
        let rows: Vec<&[f32]> = (0..inputs.len())
            .map(|input| calibration.row(input, index))
            .collect();
        let holds = |slot: &usize| match deciding(set.live) {
            // What its word says without a loss is none.
            Some(at) => {
                let input = at.input.index();
                let element = slot * inputs[input].channels + at.channel;
                rows[input][element] != decoded[input][element]
            }
            None => members.iter().any(|m| m.holds(&rows, *slot)),
        };
        let dead = (0..set.capacity).filter(|slot| can_lose && !live[*slot]);
        let candidates: Vec<usize> = dead.filter(holds).collect();
        lost += floats.counted(&rows, &members, &candidates)?;
    }
    Ok((total as f64 / calibration.events() as f64, lost))
}

/// The word by which a slot is live.
fn deciding(live: Live) -> Option<WordRef> {
    match live {
        Live::Above { word, .. } | Live::NotEqual { word, .. } => Some(word),
        Live::Always | Live::NotEmpty { .. } => None,
    }
}

/// An input of the set.
struct Member<'a> {
    index: usize,
    slots: Slots,
    input: &'a Input,
}

fn members<'a>(graph: &Graph, axis: &SetAxis, inputs: &[&'a Input]) -> Vec<Member<'a>> {
    let member = |index: &usize| {
        Some(Member {
            index: *index,
            slots: axis.of(graph.inputs()[*index].value)?,
            input: inputs[*index],
        })
    };
    axis.inputs.iter().filter_map(member).collect()
}

impl Member<'_> {
    /// Elements of a slot, each with what an empty one has there.
    fn elements(&self, slot: usize) -> impl Iterator<Item = (usize, f32)> {
        let (slots, input) = (self.slots, self.input);
        (0..slots.outer * slots.inner).map(move |channel| {
            let (outer, inner) = (channel / slots.inner, channel % slots.inner);
            let element = (outer * slots.slots + slot) * slots.inner + inner;
            let field = input.field(channel);
            (element, field.decode(field.empty) as f32)
        })
    }

    /// Whether a slot holds something else than an empty one.
    fn holds(&self, rows: &[&[f32]], slot: usize) -> bool {
        self.elements(slot)
            .any(|(element, empty)| rows[self.index][element] != empty)
    }
}

/// Runs of the float network that find which of an event's slots count, before all of an event's are taken for it.
const MOST_RUNS: usize = 4_096;

/// The float network, seen where it pools its constituents.
struct Floats<'g> {
    executor: Executor<'g>,
    workspace: Workspace,
    pooled: Vec<ValueId>,
    /// Runs for single slots that are left.
    left: usize,
}

impl Floats<'_> {
    /// How many of the `candidates` change what is pooled: without them it would be another event.
    fn counted(
        &mut self,
        rows: &[&[f32]],
        members: &[Member<'_>],
        candidates: &[usize],
    ) -> Result<usize, QuantiseError> {
        if candidates.is_empty() {
            return Ok(0);
        }
        let mut rows: Vec<Vec<f32>> = rows.iter().map(|row| row.to_vec()).collect();
        let whole = rows.clone();
        let empty = |rows: &mut Vec<Vec<f32>>, slot: usize| {
            for member in members {
                for (element, empty) in member.elements(slot) {
                    rows[member.index][element] = empty;
                }
            }
        };
        let with = self.pooled_of(&rows)?;
        candidates.iter().for_each(|slot| empty(&mut rows, *slot));
        if self.pooled_of(&rows)? == with {
            return Ok(0);
        }
        if candidates.len() > self.left {
            return Ok(candidates.len());
        }
        self.left -= candidates.len();
        // One after the other, since of two that are alike a maximum does not miss the first.
        let (mut rows, mut before, mut counted) = (whole, with, 0);
        for slot in candidates {
            empty(&mut rows, *slot);
            let without = self.pooled_of(&rows)?;
            counted += usize::from(without != before);
            before = without;
        }
        Ok(counted)
    }

    /// The bits of what is pooled, zeros without a sign.
    fn pooled_of(&mut self, rows: &[Vec<f32>]) -> Result<Vec<u32>, QuantiseError> {
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        self.executor.run_all(&mut self.workspace, &rows)?;
        let values = self.pooled.iter().flat_map(|v| self.workspace.value(*v));
        Ok(values.map(|value| (value + 0.0).to_bits()).collect())
    }
}

/// What the steps give that pool the slots.
fn pooled(graph: &Graph, axis: &SetAxis) -> Vec<ValueId> {
    let pools = graph.nodes().iter().filter(|node| {
        axis.of(node.output).is_none() && node.inputs.iter().any(|x| axis.of(*x).is_some())
    });
    pools.map(|node| node.output).collect()
}
