//! Which activations need 16 bits.

use super::lower::{Lowered, lower};
use super::statistics::Statistics;
use super::words::Frame;
use super::{Activations, CalibrationReport, Loss, Options, QuantiseError, Quantised, loss};
use crate::recognise::Network;

pub(super) fn search(
    network: &Network,
    frame: &Frame,
    statistics: &Statistics,
    options: &Options,
) -> Result<Quantised, QuantiseError> {
    let start = match options.activations {
        Activations::Sixteen => 16,
        Activations::Widened | Activations::Eight => 8,
    };
    let mut widths = vec![start; network.nodes.len()];
    let attempt = |widths: &[u8]| -> Result<(Lowered, Loss), QuantiseError> {
        let lowered = lower(network, frame, statistics, options, widths)?;
        let loss = loss::measure(&lowered.program, statistics)?;
        Ok((lowered, loss))
    };
    let (mut lowered, mut loss) = attempt(&widths)?;
    // Widen what loses most to its noise, until the outputs agree or nothing is left to widen.
    while options.activations == Activations::Widened && loss.excess() > 1.0 {
        let widest_noise = lowered
            .formats
            .iter()
            .filter(|(node, format)| format.width == 8 && widths[*node] == 8)
            .min_by(|(_, a), (_, b)| a.sqnr_db.total_cmp(&b.sqnr_db));
        let Some((node, _)) = widest_noise else { break };
        widths[*node] = 16;
        (lowered, loss) = attempt(&widths)?;
    }
    Ok(Quantised {
        program: lowered.program,
        formats: lowered
            .formats
            .into_iter()
            .map(|(_, format)| format)
            .collect(),
        calibration: CalibrationReport {
            events: statistics.events,
            mean_multiplicity: statistics.mean_multiplicity,
            saturated: statistics.saturated,
            lost: statistics.lost,
            loss,
        },
    })
}
