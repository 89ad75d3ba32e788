//! Which activations need 16 bits.

use super::beyond::Beyond;
use super::lower::{Lowered, lower};
use super::refused::Refused;
use super::room::Room;
use super::rounding::Roundings;
use super::statistics::Statistics;
use super::widen::Made;
use super::words::Frame;
use super::{
    Activations, CalibrationReport, Loss, Options, QuantiseError, Quantised, loss, precision, room,
    widen,
};
use crate::recognise::Network;
use hodoscope_program::Program;

/// Layers of which is tried whether 16 bits are enough, at most.
const TRIALS: usize = 32;
/// What counts as no loss of precision.
const SAME: f64 = 1.1;

pub(super) fn search(
    network: &Network,
    frame: &Frame,
    statistics: &Statistics,
    beyond: &Beyond,
    options: &Options,
) -> Result<Quantised, QuantiseError> {
    let start = match options.activations {
        Activations::Sixteen => 16,
        Activations::Widened | Activations::Eight => 8,
    };
    let mut widths = vec![start; network.nodes.len()];
    let mut roundings = Roundings::default();
    let mut attempt_in = |widths: &[u8], room: Room| -> Result<(Lowered, Loss), QuantiseError> {
        let formats = (widths, room);
        let lowered = lower(network, frame, statistics, options, formats, &mut roundings)?;
        let loss = loss::measure(&lowered.program, &statistics.sample, &statistics.outputs)?;
        Ok((lowered, loss))
    };
    let mut attempt = |widths: &[u8]| attempt_in(widths, Room::Seen);
    let (mut lowered, mut loss) = attempt(&widths)?;
    if options.activations == Activations::Widened {
        let narrow = |at: &Made<Lowered>| {
            let formats = at.program.formats.iter();
            let eight = formats.filter(|(node, format)| format.width == 8 && at.widths[*node] == 8);
            eight.map(|(node, _)| *node).collect()
        };
        let start = Made {
            widths,
            program: lowered,
            loss,
        };
        let cost = |node| cost(network, statistics, node);
        let reached = widen::widened(start, narrow, cost, |widths| attempt(widths).map(Some))?;
        (widths, lowered, loss) = (reached.widths, reached.program, reached.loss);
    }
    let missed =
        |program: &Program| precision::missed(program, &statistics.sample, &statistics.outputs);
    let before = match options.activations {
        Activations::Sixteen => missed(&lowered.program)?,
        _ => 0.0,
    };
    if precision::is_missed(before) {
        let mut wide = vec![precision::WIDE; network.nodes.len()];
        let (mut best, mut reached) = attempt(&wide)?;
        let all = missed(&best.program)?;
        if precision::is_better(all, before) {
            // Back to 16 bits where that costs nothing, what is most expensive first.
            let mut order: Vec<usize> = best.formats.iter().map(|(node, _)| *node).collect();
            let by_cost = |node: &usize| cost(network, statistics, *node);
            order.sort_by(|a, b| by_cost(b).total_cmp(&by_cost(a)).then(a.cmp(b)));
            order.truncate(TRIALS);
            for node in order {
                let mut fewer = wide.clone();
                fewer[node] = 16;
                let (trial, of_trial) = attempt(&fewer)?;
                let own = missed(&trial.program)?;
                if !precision::is_missed(own) || own <= SAME * all {
                    (wide, best, reached) = (fewer, trial, of_trial);
                }
            }
            (lowered, loss) = (best, reached);
            widths = wide;
        }
    }
    let sample = (&statistics.sample[..], &statistics.outputs[..]);
    let judged = |made| {
        room::tried(
            made,
            |(lowered, _): &(Lowered, _)| &lowered.program,
            sample,
            beyond,
        )
    };
    let mut best = judged((lowered, loss))?;
    let refused = Refused::default();
    if options.activations == Activations::Sixteen {
        let order = ascending(&best.made.0, 16);
        let attempt = |widths: &[u8], room| {
            let trial = refused.kept(attempt_in(widths, room))?;
            trial.map(judged).transpose()
        };
        best = room::make(beyond, best, &widths, &order, attempt)?;
    }
    let reach = beyond.told(best.reached, best.beyond);
    let (lowered, loss) = best.made;
    Ok(Quantised {
        program: lowered.program,
        formats: lowered
            .formats
            .into_iter()
            .map(|(_, format)| format)
            .collect(),
        calibration: Some(CalibrationReport {
            events: statistics.events,
            mean_multiplicity: statistics.mean_multiplicity,
            saturated: statistics.saturated,
            lost: statistics.lost,
            loss,
            reach,
            refused: refused.reason(),
        }),
    })
}

/// Values of so many bits, those in which they lose most first.
fn ascending(lowered: &Lowered, width: u8) -> Vec<usize> {
    let own = lowered.formats.iter();
    let own = own.filter(|(_, format)| format.width == width);
    let mut order: Vec<(f64, usize)> = own.map(|(v, format)| (format.sqnr_db, *v)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, node)| node).collect()
}

/// Values of a layer per event: what wider activations cost, up to a factor.
fn cost(network: &Network, statistics: &Statistics, node: usize) -> f64 {
    let node = &network.nodes[node];
    let rows = match node.per_constituent {
        true => statistics.mean_multiplicity.max(1.0),
        false => 1.0,
    };
    rows * node.channels as f64
}
