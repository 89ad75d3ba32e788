//! Events of a verification's own: words at every limit, all multiplicities, and words that are searched for.
//!
//! Test events show what a detector sends, and leave alone what it seldom sends: the saturated end of a rescale, cells at the edge of
//! a table, an empty set, one that overflows. [`events`] makes such events, the same on every host: first corners, then
//! mutations of the given events, of the corners, and of those mutations that reached something new. Reaching is not enough: a wrong
//! entry of a table shows only where it changes an output. So mutants of the program lead the search, too.

mod coverage;
pub mod mutants;
mod search;
mod words;

use std::cmp::Reverse;
use std::collections::BTreeSet;

use hodoscope_interpreter::{Event, EventError, Interpreter, Trace};
use hodoscope_program::{Program, SetId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use coverage::Reach;
pub use coverage::{Coverage, DISTINCT, Kind, OfOutput, OfSet, Reached};
use search::Search;
pub use search::Told;
use words::{STYLES, Source, Style};

/// Given events from which mutations begin, at most.
const PARENTS: usize = 64;

/// Slots of the largest events, at most, beside one of each set's capacity and one of more.
const SLOTS: usize = 256;

/// Events that are tried for one that is kept, at most.
const TRIES: usize = 32;

/// Events of a verification's own.
#[derive(Clone, Debug)]
pub struct Own {
    /// Each with its outputs, one after the other.
    pub events: Vec<(Event, Vec<i64>)>,
    /// What they and the given events tell.
    pub told: Told,
}

/// What an event is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// It reaches nothing that others did not.
    Little,
    /// A value's magnitude that no event had.
    Some,
    /// It reaches what is reported.
    Much,
    /// It tells a mutant, or is a corner.
    Most,
}

/// `count` events of the program beside `given` ones, for which `coverage` tells what they reached.
///
/// More are tried: those are kept that tell the program from a mutant, or reach something new.
///
/// # Errors
/// When a given event has not the program's inputs.
pub fn events(
    interpreter: &Interpreter<'_>,
    given: &[Event],
    count: usize,
    seed: u64,
    coverage: &mut Coverage,
) -> Result<Own, EventError> {
    let program = interpreter.program();
    let mut source = Source {
        program,
        random: ChaCha8Rng::seed_from_u64(seed),
    };
    let mut search = Search::new(&mut source);
    let step = (given.len() / PARENTS).max(1);
    let mut parents: Vec<Event> = given.iter().step_by(step).cloned().collect();
    for event in &parents {
        search.see(event, &interpreter.trace(event)?);
    }
    let mut corners = corners(&mut source);
    corners.truncate(count);
    parents.extend(corners.iter().cloned());
    let mut corners = corners.into_iter();
    let mut kept: Vec<(Worth, Event, Trace)> = Vec::with_capacity(count);
    let mut most = 0;
    let mut reached = coverage.clone();
    for tried in 0.. {
        let is_enough = kept.len() >= count && (tried >= TRIES * count || !search.has_work());
        if most >= count || is_enough {
            break;
        }
        let corner = corners.next();
        let is_corner = corner.is_some();
        let event = corner.unwrap_or_else(|| next(&mut source, &parents, &search));
        let trace = interpreter.trace(&event)?;
        let reach = reached.reach(program, &trace);
        let told = match search.has_work() {
            true => search.see(&event, &trace),
            false => 0,
        };
        let worth = match reach {
            _ if told > 0 || is_corner => Worth::Most,
            Reach::Reported => Worth::Much,
            Reach::Magnitude => Worth::Some,
            Reach::Nothing => Worth::Little,
        };
        most += usize::from(worth == Worth::Most);
        if worth > Worth::Little {
            parents.push(event.clone());
        }
        if worth > Worth::Little || kept.len() < count {
            kept.push((worth, event, trace));
        }
    }
    // What is worth least goes, what was found last first; the others stay in their order.
    let mut least: Vec<(Worth, Reverse<usize>)> = kept
        .iter()
        .enumerate()
        .map(|(index, (worth, ..))| (*worth, Reverse(index)))
        .collect();
    least.sort_unstable();
    let gone: BTreeSet<usize> = least
        .iter()
        .take(kept.len().saturating_sub(count))
        .map(|(_, Reverse(index))| *index)
        .collect();
    let mut own = Vec::with_capacity(count);
    for (index, (_, event, trace)) in kept.into_iter().enumerate() {
        if !gone.contains(&index) {
            coverage.reach(program, &trace);
            coverage.count(program, &trace, &slots(program, &event));
            let raws = search::outputs(interpreter, &trace);
            own.push((event, raws));
        }
    }
    Ok(Own {
        events: own,
        told: search.told,
    })
}

/// A mutation of an event that is there, or any event.
fn next(source: &mut Source<'_>, parents: &[Event], search: &Search) -> Event {
    if parents.is_empty() || source.below(8) == 0 {
        return any(source);
    }
    if source.below(4) == 0
        && let Some(closest) = search.closest(source)
    {
        let other = source.below(parents.len());
        return source.mutant(closest, &parents[other]);
    }
    // Those that were found last lead on.
    let recent = parents.len() - source.below(parents.len().min(PARENTS)) - 1;
    let parent = match source.below(2) {
        0 => recent,
        _ => source.below(parents.len()),
    };
    let other = source.below(parents.len());
    source.mutant(&parents[parent], &parents[other])
}

/// The outputs of an event, one after the other; `coverage` has what it reached.
///
/// # Errors
/// When the event has not the program's inputs.
pub fn outputs(
    interpreter: &Interpreter<'_>,
    event: &Event,
    coverage: &mut Coverage,
) -> Result<Vec<i64>, EventError> {
    let program = interpreter.program();
    let trace = interpreter.trace(event)?;
    coverage.reach(program, &trace);
    coverage.count(program, &trace, &slots(program, event));
    Ok(search::outputs(interpreter, &trace))
}

/// Slots of each set that an event fills.
fn slots(program: &Program, event: &Event) -> Vec<usize> {
    let sets = 0..program.sets.len();
    sets.map(|set| words::slots(program, event, SetId::new(set)))
        .collect()
}

/// Multiplicities at which something changes.
fn multiplicities(program: &Program) -> Vec<usize> {
    let Some(capacity) = program.sets.iter().map(|set| set.capacity).max() else {
        return vec![1];
    };
    let mut rows = vec![capacity, 0, 1, capacity + 1, capacity / 2, capacity + 3];
    rows.dedup();
    rows
}

/// Every style of words in every multiplicity; each channel at either end, the others anywhere.
fn corners(source: &mut Source<'_>) -> Vec<Event> {
    let program = source.program;
    let mut events = Vec::new();
    let multiplicities = multiplicities(program);
    for rows in &multiplicities {
        let styles = match *rows {
            0 => &STYLES[..2],
            rows if rows > SLOTS => &STYLES[4..6],
            _ => &STYLES[..],
        };
        for style in styles {
            events.push(source.event(*rows, *style));
        }
        let mut event = source.event(*rows, Style::Uniform);
        source.tied(&mut event);
        events.push(event.clone());
        source.at_the_rule(&mut event);
        events.push(event);
    }
    let rows = multiplicities[0].min(SLOTS);
    for (index, input) in program.inputs.iter().enumerate() {
        // Of a long row every few channels: a search goes on from there.
        let step = input.channels.div_ceil(32);
        for channel in (0..input.channels).step_by(step) {
            for style in [Style::Low, Style::High] {
                let mut event = source.event(rows, Style::Uniform);
                let words = event.inputs[index].iter_mut();
                for word in words.skip(channel).step_by(input.channels) {
                    *word = source.word(input, input.field(channel), style);
                }
                events.push(event);
            }
        }
    }
    events
}

/// An event of any words and any number of slots.
fn any(source: &mut Source<'_>) -> Event {
    let capacity = source.program.sets.iter().map(|set| set.capacity).max();
    let rows = match capacity {
        Some(capacity) => source.below(capacity.min(SLOTS) + 3),
        None => 1,
    };
    let style = source.pick(&[Style::Uniform, Style::Small, Style::Stored, Style::Sparse]);
    let mut event = source.event(rows, style);
    if source.below(3) == 0 {
        source.at_the_rule(&mut event);
    }
    event
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
