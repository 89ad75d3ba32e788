//! Which activations need 16 bits.

use std::cell::RefCell;

use super::insert::{Inserted, Ways, insert};
use super::learned;
use super::observe::Observations;
use super::words::Words;
use crate::exact;
use crate::graph::Graph;
use crate::quantise::beyond::Beyond;
use crate::quantise::refused::Refused;
use crate::quantise::rounding::Roundings;
use crate::quantise::widen::{self, Made};
use crate::quantise::{
    Activations, CalibrationReport, Loss, Options, QuantiseError, Quantised, loss, precision, room,
};
use hodoscope_program::Program;

/// Activations of which each is tried on its own, at most.
const FEW: usize = 24;

pub(super) fn search(
    graph: &Graph,
    name: &str,
    words: &[Words],
    observations: &Observations,
    beyond: &Beyond,
    options: &Options,
) -> Result<Quantised, QuantiseError> {
    let roundings = RefCell::new(Roundings::default());
    let attempt_in = |widths: &[u8], ways| -> Result<(Inserted, Program, Loss), QuantiseError> {
        let formats = (widths, ways);
        let roundings = &mut roundings.borrow_mut();
        let inserted = insert(graph, words, observations, options, formats, roundings)?;
        let inputs = words.iter().map(|words| words.input.clone()).collect();
        let program = exact::on_words(&inserted.graph, name, inputs)?;
        let loss = loss::measure(&program, &observations.sample, &observations.outputs)?;
        Ok((inserted, program, loss))
    };
    let refused = Refused::default();
    // A trial; nothing where its formats have no program, for a reason that is kept.
    let trial_in = |widths: &[u8], ways| refused.kept(attempt_in(widths, ways));
    let attempt = |widths: &[u8]| trial_in(widths, Ways::PLAIN);
    let mut ways = Ways::PLAIN;
    let (narrow, wider) = match options.activations {
        Activations::Sixteen => (16, Some(precision::WIDE)),
        Activations::Widened => (8, Some(16)),
        Activations::Eight => (8, None),
    };
    let mut widths = vec![narrow; graph.value_count()];
    let mut best = match (attempt_in(&widths, ways), wider) {
        (Ok(start), _) => start,
        (Err(reason), Some(wider)) => {
            widths.fill(wider);
            attempt(&widths)?.ok_or(reason)?
        }
        (Err(reason), None) => return Err(reason),
    };
    if options.activations == Activations::Widened && best.2.excess() > 1.0 {
        (widths, best) = widened(graph, observations, widths, best, attempt)?;
    }
    let missed =
        |program: &Program| precision::missed(program, &observations.sample, &observations.outputs);
    if options.activations == Activations::Sixteen {
        let before = missed(&best.1)?;
        if precision::is_missed(before) {
            let order = ascending(&best.0, 16);
            let widened = |count: usize| {
                let mut widths = widths.clone();
                order[..count]
                    .iter()
                    .for_each(|v| widths[*v] = precision::WIDE);
                widths
            };
            let mut settled = widened(order.len());
            let all = match attempt(&settled)? {
                Some(all) => Some((missed(&all.1)?, all)),
                None => None,
            };
            if let Some((reached, all)) = all
                && precision::is_better(reached, before)
            {
                let (mut too_few, mut enough) = (0, order.len());
                best = all;
                while !precision::is_missed(reached) && enough - too_few > 1 {
                    let middle = (too_few + enough) / 2;
                    match attempt(&widened(middle))? {
                        Some(trial) if !precision::is_missed(missed(&trial.1)?) => {
                            (enough, best) = (middle, trial);
                            settled = widened(middle);
                        }
                        _ => too_few = middle,
                    }
                }
                widths = settled;
            }
        }
    }
    let sample = (&observations.sample[..], &observations.outputs[..]);
    if options.activations != Activations::Eight && !learned::is_learned(graph) {
        let measured = |program: &Program| precision::measured(program, sample.0, sample.1);
        let before = measured(&best.1)?;
        // Few bits lose some percent of a quantity: that is what they were asked for.
        let is_missed = match options.activations {
            Activations::Sixteen => {
                precision::is_missed_relatively(before.of_quantities)
                    || precision::is_missed(before.over_range)
            }
            _ => precision::is_missed_by_far(before.of_quantities),
        };
        let doubled = Ways {
            double: true,
            ..ways
        };
        let wider: Vec<u8> = widths.iter().map(|width| *width.max(&16)).collect();
        // Where it has no integer form that way, it stays as it is.
        if is_missed
            && let Some(trial) = trial_in(&wider, doubled)?
            && precision::gains(&before, &measured(&trial.1)?)
        {
            (best, ways, widths) = (trial, doubled, wider);
        }
    }
    let judged = |made| room::tried(made, |(_, program, _)| program, sample, beyond);
    let mut best = judged(best)?;
    if options.activations == Activations::Sixteen {
        let order = ascending(&best.made.0, 16);
        let attempt = |widths: &[u8], room| {
            let trial = trial_in(widths, Ways { room, ..ways })?;
            trial.map(judged).transpose()
        };
        let learned = learned::is_learned(graph);
        best = room::make(beyond, best, &widths, &order, learned, attempt)?;
    }
    let reach = beyond.told(best.reached, best.beyond);
    let (inserted, program, loss) = best.made;
    let formats = inserted.formats.into_iter().map(|(_, format)| format);
    Ok(Quantised {
        program,
        formats: formats.collect(),
        calibration: Some(CalibrationReport {
            events: observations.events,
            mean_multiplicity: observations.mean_multiplicity,
            saturated: observations.saturated,
            lost: 0,
            loss,
            reach,
            refused: refused.reason(),
        }),
    })
}

/// Inserted quantisers, the program, and what it loses.
type Attempt = (Inserted, Program, Loss);

/// The widths at which outputs agree: of few activations those that gain most for what they cost, of many as few as the
/// outputs demand, in the order of what 8 bits lose.
fn widened(
    graph: &Graph,
    observations: &Observations,
    widths: Vec<u8>,
    start: Attempt,
    attempt: impl Fn(&[u8]) -> Result<Option<Attempt>, QuantiseError>,
) -> Result<(Vec<u8>, Attempt), QuantiseError> {
    let order = ascending(&start.0, 8);
    // What stays where nothing wider has a program.
    let mut best = (widths.clone(), start.clone());
    if order.len() <= FEW {
        let (inserted, program, loss) = start;
        let start = Made {
            widths,
            program: (inserted, program),
            loss,
        };
        let narrow = |at: &Made<(Inserted, Program)>| {
            let mut narrow = ascending(&at.program.0, 8);
            narrow.retain(|value| at.widths[*value] == 8);
            narrow.sort_unstable();
            narrow.dedup();
            narrow
        };
        let cost = |value: usize| observations.elements(graph, value);
        let made = widen::widened(start, narrow, cost, |widths| {
            let made = attempt(widths)?;
            Ok(made.map(|(inserted, program, loss)| ((inserted, program), loss)))
        })?;
        let (inserted, program) = made.program;
        best = (made.widths, (inserted, program, made.loss));
        if made.loss.excess() <= 1.0 {
            return Ok(best);
        }
    } else {
        let widened = |count: usize| {
            let mut widths = widths.clone();
            order[..count].iter().for_each(|v| widths[*v] = 16);
            widths
        };
        let (mut too_few, mut enough) = (0, order.len());
        let mut reached = None;
        while enough - too_few > 1 {
            let middle = (too_few + enough) / 2;
            match attempt(&widened(middle))? {
                Some(trial) if trial.2.excess() <= 1.0 => {
                    (enough, reached) = (middle, Some((widened(middle), trial)));
                }
                _ => too_few = middle,
            }
        }
        if let Some(reached) = reached {
            return Ok(reached);
        }
    }
    // Inputs, too, which carry no format of their own where each feature has one.
    let widths = vec![16; graph.value_count()];
    Ok(match attempt(&widths)? {
        Some(trial) => (widths, trial),
        None => best,
    })
}

/// Values of so many bits, those in which they lose most first.
fn ascending(inserted: &Inserted, width: u8) -> Vec<usize> {
    let own = inserted.formats.iter();
    let own = own.filter(|(_, format)| format.width == width);
    let mut order: Vec<(f64, usize)> = own.map(|(v, format)| (format.sqnr_db, *v)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, value)| value).collect()
}
