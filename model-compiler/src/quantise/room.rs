//! Formats with room for what calibration has not seen, where the words can take it and the sample events pay little for it.

use hodoscope_interpreter::Event;
use hodoscope_program::{Encoding, Field, Program};

use super::beyond::Beyond;
use super::{QuantiseError, precision};

/// What room for such events may cost on those of the calibration: a part of what precision asks for, or hardly more than
/// is missed anyway.
const COST: f64 = 1.0 / 4096.0;
const HARDLY: f64 = 1.1;
/// The part of it that room still farther beyond may cost.
const HARDLY_ANY: f64 = 0.125;
/// What values may miss of themselves: a score of many decades keeps its small values.
const PART: f64 = 1.0 / 1024.0;
/// Of a learned network's: a bit of them, as its weights are rounded, too.
const LEARNED: f64 = 2.0;

/// For which events formats have room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// Those like the calibration's.
    Seen,
    /// Those far beyond, at the price of some bits.
    Beyond,
    /// Those farther beyond, as an exponential takes them, at the price of more bits of what is read in 32.
    Farther,
}

impl Room {
    /// What the operand of a layer may become, in units of what calibration saw.
    pub fn of_layer(self, width: u8) -> f64 {
        match (self, width > 16) {
            (Self::Seen, false) => 2.0,
            (Self::Beyond | Self::Farther, false) => 16.0,
            (_, true) => 32.0,
        }
    }

    /// The same of a word that a layer reads with a unit of its own.
    pub fn of_words(self, width: u8) -> f64 {
        match (self, width > 16) {
            (Self::Beyond | Self::Farther, true) => 256.0,
            _ => 16.0,
        }
    }

    /// The part of a word's range that a format of few bits may want to cover: words that are not stated have room by
    /// themselves.
    pub fn of_range(self, field: &Field) -> f64 {
        match (self, field.encoding) {
            (Self::Seen, Encoding::Calibrated) => 0.25,
            _ => 1.0,
        }
    }

    /// Bits that a layer's operand may lose so that it covers the whole range of its words.
    pub fn bits_for_words(self, width: u8) -> i32 {
        match (self, width > 16) {
            (Self::Beyond | Self::Farther, true) => 8,
            _ => 4,
        }
    }

    /// The same of what is read in 32 bits, and in somewhat fewer.
    pub fn of_operand(self, full: bool) -> f64 {
        match (self, full) {
            (Self::Seen, true) => 16.0,
            (Self::Seen, false) => 4.0,
            (Self::Beyond, true) => 1024.0,
            (Self::Farther, true) => 16_384.0,
            (Self::Beyond | Self::Farther, false) => 64.0,
        }
    }

    /// The same of the argument of a function.
    pub fn of_argument(self) -> f64 {
        match self {
            Self::Seen => 4.0,
            Self::Beyond | Self::Farther => 16.0,
        }
    }
}

/// Formats that were tried.
#[derive(Clone, Debug)]
pub(super) struct Tried<A> {
    /// What was made of them.
    pub made: A,
    /// What its outputs miss of the float network's on the sample events, over their range.
    pub missed: f64,
    /// What nineteen of twenty values miss of themselves.
    pub relative: f64,
    /// Up to how much larger words they hold.
    pub reached: i64,
    /// What outputs miss where words are larger than that.
    pub beyond: f64,
}

/// Makes room: in as many bits as there are, then in more bits for as few of the values of `order` as it takes; and farther
/// beyond in those bits where that costs next to nothing.
///
/// Of a `learned` network relative errors weigh less. `attempt` makes a program with values of so many bits; where there is
/// none with more room, there is none to make.
pub(super) fn make<A>(
    beyond: &Beyond,
    settled: Tried<A>,
    widths: &[u8],
    order: &[usize],
    learned: bool,
    mut attempt: impl FnMut(&[u8], Room) -> Result<Option<Tried<A>>, QuantiseError>,
) -> Result<Tried<A>, QuantiseError> {
    let (before, relative) = (settled.missed, settled.relative);
    let of_relative = if learned { LEARNED } else { HARDLY };
    let (mut best, widths) = widened(beyond, settled, widths, order, of_relative, &mut attempt)?;
    if best.reached < beyond.farthest()
        && let Some(trial) = attempt(&widths, Room::Farther)?
        && trial.missed <= (COST * HARDLY_ANY).max(HARDLY * before)
        && trial.relative <= PART.max(HARDLY * relative)
        && (trial.reached, -trial.beyond) >= (best.reached, -best.beyond)
    {
        best = trial;
    }
    Ok(best)
}

/// With room, in as few bits as that takes; and the bits.
fn widened<A>(
    beyond: &Beyond,
    settled: Tried<A>,
    widths: &[u8],
    order: &[usize],
    of_relative: f64,
    attempt: &mut impl FnMut(&[u8], Room) -> Result<Option<Tried<A>>, QuantiseError>,
) -> Result<(Tried<A>, Vec<u8>), QuantiseError> {
    let (before, relative) = (settled.missed, settled.relative);
    let mut best = settled;
    if best.reached == beyond.farthest() {
        return Ok((best, widths.to_vec()));
    }
    let is_better = |trial: &Tried<A>, than: &Tried<A>| {
        trial.missed <= COST.max(HARDLY * before)
            && trial.relative <= PART.max(of_relative * relative)
            && trial.reached > than.reached
    };
    if let Some(trial) = attempt(widths, Room::Beyond)?
        && is_better(&trial, &best)
    {
        best = trial;
    }
    if best.reached == beyond.farthest() || order.is_empty() {
        return Ok((best, widths.to_vec()));
    }
    let widened = |count: usize| {
        let mut widths = widths.to_vec();
        order[..count]
            .iter()
            .for_each(|v| widths[*v] = precision::WIDE);
        widths
    };
    let all = match attempt(&widened(order.len()), Room::Beyond)? {
        Some(all) if is_better(&all, &best) => all,
        _ => return Ok((best, widths.to_vec())),
    };
    let (mut too_few, mut enough, few) = (0, order.len(), best);
    best = all;
    while enough - too_few > 1 {
        let middle = (too_few + enough) / 2;
        match attempt(&widened(middle), Room::Beyond)? {
            Some(trial) if is_better(&trial, &few) && trial.reached >= best.reached => {
                (enough, best) = (middle, trial);
            }
            _ => too_few = middle,
        }
    }
    Ok((best, widened(enough)))
}

/// What a program misses, and how far it reaches.
pub(super) fn tried<A>(
    made: A,
    program: impl Fn(&A) -> &Program,
    sample: (&[Event], &[Vec<Vec<f32>>]),
    beyond: &Beyond,
) -> Result<Tried<A>, QuantiseError> {
    let missed = precision::measured(program(&made), sample.0, sample.1)?;
    let (reached, beyond) = beyond.reach(program(&made), missed.over_range)?;
    Ok(Tried {
        beyond,
        missed: missed.over_range,
        relative: missed.relative,
        reached,
        made,
    })
}

#[cfg(test)]
mod tests {
    use hodoscope_program::{ExactF64, FieldOverflow, Input};

    use super::*;
    use crate::quantise::Options;

    #[test]
    fn farther_room_is_taken_where_it_costs_next_to_nothing() {
        let field = Field {
            name: "pt".into(),
            unit: String::new(),
            lsb: ExactF64(1.0),
            minimum: 0,
            maximum: 1000,
            overflow: FieldOverflow::Saturate,
            empty: 0,
            encoding: Encoding::Nearest,
        };
        let input = Input {
            name: "x".into(),
            set: None,
            channels: 1,
            fields: vec![field],
        };
        let event = |word: i64| Event {
            inputs: vec![vec![word]],
        };
        let sample: Vec<Event> = (0..72).map(event).collect();
        let float = |x: &[&[f32]]| Ok::<_, QuantiseError>(vec![x[0].to_vec()]);
        let beyond = Beyond::of(&[&input], &sample, &Options::default(), float);
        let tried = |made, reached, left, missed| Tried {
            made,
            missed,
            relative: 0.0,
            reached,
            beyond: left,
        };
        let made = |farther: Option<Tried<&'static str>>| {
            let settled = tried("seen", 2, 0.4, 0.0);
            let attempt = |_: &[u8], room| {
                Ok(match room {
                    Room::Farther => farther.clone(),
                    _ => Some(tried("beyond", 6, 0.3, 0.0)),
                })
            };
            make(&beyond, settled, &[16], &[], false, attempt).map(|best| best.made)
        };
        assert_eq!(made(Some(tried("farther", 6, 0.1, 1e-5))), Ok("farther"));
        assert_eq!(made(Some(tried("farther", 10, 0.0, COST))), Ok("beyond"));
        assert_eq!(made(Some(tried("farther", 6, 0.35, 0.0))), Ok("beyond"));
        assert_eq!(made(None), Ok("beyond"));
    }
}
