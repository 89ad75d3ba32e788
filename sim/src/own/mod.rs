//! Events of a verification's own: words at every limit, all multiplicities, and words that are searched for.
//!
//! Test events show what a detector sends, and leave alone what it seldom sends: the saturated end of a rescale, cells at the edge of
//! a table, an empty set, one that overflows. [`events`] makes such events, the same on every host: first corners, then
//! mutations of the given events, of the corners, and of those mutations that reached something new.

mod coverage;
mod words;

use hodoscope_interpreter::{Event, EventError, Interpreter};
use hodoscope_program::{Program, SetId};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub use coverage::{Coverage, DISTINCT, Kind, OfOutput, OfSet, Reached};
use words::{STYLES, Source, Style};

/// Given events from which mutations begin, at most.
const PARENTS: usize = 64;

/// Slots of the largest events, at most, beside one of each set's capacity and one of more.
const SLOTS: usize = 256;

/// `count` events of the program beside `given` ones, for which `coverage` tells what they reached; each with its outputs, one after
/// the other.
///
/// # Errors
/// When a given event has not the program's inputs.
pub fn events(
    interpreter: &Interpreter<'_>,
    given: &[Event],
    count: usize,
    seed: u64,
    coverage: &mut Coverage,
) -> Result<Vec<(Event, Vec<i64>)>, EventError> {
    let program = interpreter.program();
    let mut source = Source {
        program,
        random: ChaCha8Rng::seed_from_u64(seed),
    };
    let step = (given.len() / PARENTS).max(1);
    let mut parents: Vec<Event> = given.iter().step_by(step).cloned().collect();
    let mut corners = corners(&mut source);
    corners.truncate(count);
    parents.extend(corners.iter().cloned());
    let mut own = Vec::with_capacity(count);
    for event in corners {
        let (raws, _) = see(interpreter, &event, coverage)?;
        own.push((event, raws));
    }
    while own.len() < count {
        let event = match parents.is_empty() || source.below(8) == 0 {
            true => any(&mut source),
            false => {
                // Those that were found last lead on.
                let recent = parents.len() - source.below(parents.len().min(PARENTS)) - 1;
                let parent = match source.below(2) {
                    0 => recent,
                    _ => source.below(parents.len()),
                };
                let other = source.below(parents.len());
                source.mutant(&parents[parent], &parents[other])
            }
        };
        let (raws, is_new) = see(interpreter, &event, coverage)?;
        if is_new {
            parents.push(event.clone());
        }
        own.push((event, raws));
    }
    Ok(own)
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
    Ok(see(interpreter, event, coverage)?.0)
}

/// The outputs of an event, and whether it reached something new.
fn see(
    interpreter: &Interpreter<'_>,
    event: &Event,
    coverage: &mut Coverage,
) -> Result<(Vec<i64>, bool), EventError> {
    let program = interpreter.program();
    let trace = interpreter.trace(event)?;
    let sets = 0..program.sets.len();
    let slots: Vec<usize> = sets
        .map(|set| words::slots(program, event, SetId::new(set)))
        .collect();
    let is_new = coverage.add(program, &trace, &slots);
    let outputs = program.outputs.iter();
    let raws = outputs.flat_map(|output| trace.values[output.value.index()].iter().copied());
    Ok((raws.collect(), is_new))
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
