//! Events that tell a program from its mutants.

use hodoscope_interpreter::{Difference, Event, Interpreter, Trace};
use hodoscope_program::Program;

use super::mutants::{self, Mutant};
use super::words::Source;

/// Raws and products that a search computes, about: some hundred milliseconds.
const WORK: u64 = 300_000_000;

/// What a value takes beside its raws, in such.
const VALUE: u64 = 32;

/// Mutants of a program, at most.
const MUTANTS: u64 = 2048;

/// What events tell of a program's mutants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Mutants that give another answer for one of them.
    pub told: usize,
    /// All that were tried: what no event tells may be the same function, or seldom another.
    pub mutants: usize,
    /// Events that they were tried on.
    pub events: usize,
}

/// A mutant that no event has told so far.
struct Live {
    mutant: Mutant,
    /// How far it was seen.
    best: Difference,
    /// The event in which it was.
    closest: Option<Event>,
}

/// A search.
pub(super) struct Search {
    mutated: Program,
    /// What no event has told so far.
    live: Vec<Live>,
    pub told: Told,
    /// Work that is left.
    left: u64,
    /// Work of one event.
    event: u64,
}

impl Search {
    pub fn new(source: &mut Source<'_>) -> Self {
        let program = source.program;
        let capacity = program.sets.iter().map(|set| set.capacity).max();
        let rows = capacity.unwrap_or(0).min(super::SLOTS);
        let values = program.values.len() as u64 + 1;
        let elements = program.values().map(|(id, _)| program.elements(id, rows));
        let event = program.macs(rows) + elements.sum::<usize>() as u64 + VALUE * values;
        // Each mutant is verified once, which takes about as much as an event, and tried on some events at least.
        let most = (WORK / 16 / event).clamp(64, MUTANTS);
        let live = mutants::list(source, most as usize).into_iter();
        let live: Vec<Live> = live
            .map(|mutant| Live {
                mutant,
                best: Difference::default(),
                closest: None,
            })
            .collect();
        Self {
            mutated: program.clone(),
            told: Told {
                mutants: live.len(),
                ..Told::default()
            },
            live,
            left: WORK,
            event,
        }
    }

    /// Whether more events can be tried.
    pub fn has_work(&self) -> bool {
        self.left > self.event && !self.live.is_empty()
    }

    /// How many mutants an event tells that none told before.
    pub fn see(&mut self, event: &Event, trace: &Trace) -> usize {
        let before = self.live.len();
        // Much ends at the changed value itself, and what does not is told.
        let each = self.event / 4 + 1;
        self.left = self.left.saturating_sub(self.event + each * before as u64);
        let mutated = &mut self.mutated;
        self.live.retain_mut(|live| {
            live.mutant.exchange(mutated);
            let difference = live.mutant.difference(mutated, event, trace);
            live.mutant.exchange(mutated);
            let difference = difference.unwrap_or_default();
            if difference > live.best {
                live.best = difference;
                live.closest = Some(event.clone());
            }
            !difference.in_output
        });
        let told = before - self.live.len();
        self.told.told += told;
        self.told.events += 1;
        told
    }

    /// The event in which one of the mutants that are left was seen the farthest.
    pub fn closest(&self, source: &mut Source<'_>) -> Option<&Event> {
        let live = self.live.get(source.below(self.live.len()))?;
        live.closest.as_ref()
    }
}

/// The outputs of a trace, one after the other.
pub(super) fn outputs(interpreter: &Interpreter<'_>, trace: &Trace) -> Vec<i64> {
    let outputs = interpreter.program().outputs.iter();
    let raws = outputs.flat_map(|output| trace.values[output.value.index()].iter().copied());
    raws.collect()
}
