//! When events arrive.

mod bunches;
mod file;
mod fixed;
mod poisson;

pub use bunches::Filling;
pub use file::{read_times, read_times_as};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Rate, Span, StreamError, Timebase};

/// When events arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// One after the other at a constant distance; the first at tick 0.
    Fixed(Rate),
    /// At random, independent of each other.
    Poisson(Rate),
    /// At the crossings of filled bunches, each with the same probability, independent of each
    /// other.
    Bunches {
        /// Which slots of an orbit are filled.
        filling: Filling,
        /// Distance of two slots.
        slot: Span,
        /// Events per filled bunch.
        probability: f64,
    },
    /// As recorded.
    Times {
        /// Ticks, not falling.
        ticks: Vec<u64>,
        /// By what distances are stretched: 1 for the times as they are.
        stretch: f64,
    },
}

/// Ticks of arrivals, not falling. It ends where time does not fit its ticks any more, or with the
/// recorded times.
pub type Ticks<'a> = Box<dyn Iterator<Item = u64> + 'a>;

impl Arrivals {
    /// The ticks at which events arrive. A random sequence is the generator's (ChaCha with 8 rounds)
    /// of `seed`.
    pub fn ticks(&self, timebase: Timebase, clock_hz: u64, seed: u64) -> Ticks<'_> {
        let random = ChaCha8Rng::seed_from_u64(seed);
        match self {
            Self::Fixed(rate) => Box::new(fixed::Fixed::new(*rate, timebase)),
            Self::Poisson(rate) => Box::new(poisson::Poisson::new(*rate, timebase, random)),
            Self::Bunches {
                filling,
                slot,
                probability,
            } => Box::new(bunches::Crossings::new(
                filling,
                bunches::Slots::new(*slot, timebase, clock_hz),
                *probability,
                random,
            )),
            Self::Times { ticks, stretch } if *stretch == 1.0 => Box::new(ticks.iter().copied()),
            Self::Times { ticks, stretch } => Box::new(
                ticks
                    .iter()
                    .map(move |&tick| (tick as f64 * stretch) as u64),
            ),
        }
    }

    /// The rate, averaged over a long time.
    ///
    /// Nothing for fewer than two recorded times, or when all are the same.
    pub fn mean_hz(&self, timebase: Timebase, clock_hz: u64) -> Option<f64> {
        match self {
            Self::Fixed(rate) | Self::Poisson(rate) => Some(rate.hz()),
            Self::Bunches {
                filling,
                slot,
                probability,
            } => Some(probability * filling.bunches_hz(*slot, clock_hz)),
            Self::Times { ticks, stretch } => {
                let span = ticks.last()?.checked_sub(*ticks.first()?)?;
                (span > 0)
                    .then(|| (ticks.len() - 1) as f64 / (timebase.seconds(span as f64) * stretch))
            }
        }
    }

    /// The same arrivals at another mean rate. Of bunches the probability changes: nothing when it
    /// would exceed 1.
    pub fn at_rate(&self, hz: f64, timebase: Timebase, clock_hz: u64) -> Option<Self> {
        match self {
            Self::Fixed(_) => Rate::from_hz(hz).map(Self::Fixed),
            Self::Poisson(_) => Rate::from_hz(hz).map(Self::Poisson),
            Self::Bunches { filling, slot, .. } => {
                let probability = hz / filling.bunches_hz(*slot, clock_hz);
                (probability > 0.0 && probability <= 1.0).then(|| Self::Bunches {
                    filling: filling.clone(),
                    slot: *slot,
                    probability,
                })
            }
            Self::Times { ticks, stretch } => {
                let now = self.mean_hz(timebase, clock_hz)?;
                let stretch = stretch * now / hz;
                stretch.is_finite().then(|| Self::Times {
                    ticks: ticks.clone(),
                    stretch,
                })
            }
        }
    }
}

/// What a text such as `poisson:2kHz` says; times are read from their file.
///
/// `filling` and `slot` are of the bunches, where there are any.
///
/// # Errors
/// When the text says nothing that is known, a rate or probability is none, or a file is no use.
pub fn parse(
    text: &str,
    filling: Option<&Filling>,
    slot: Span,
    timebase: Timebase,
    clock_hz: u64,
) -> Result<Arrivals, StreamError> {
    let wrong = |reason: String| StreamError::Arrivals {
        text: text.to_owned(),
        reason,
    };
    let (kind, rest) = text.split_once(':').ok_or_else(|| {
        wrong("write fixed:RATE, poisson:RATE, lhc:RATE, lhc:PROBABILITY or file:PATH".to_owned())
    })?;
    match kind {
        "fixed" => Ok(Arrivals::Fixed(rest.parse()?)),
        "poisson" => Ok(Arrivals::Poisson(rest.parse()?)),
        "lhc" => {
            let filling = filling.cloned().unwrap_or_else(Filling::standard);
            if timebase
                .of_span(slot, clock_hz)
                .is_none_or(|ticks| ticks == 0)
            {
                return Err(wrong("a slot takes no time".to_owned()));
            }
            let filled = filling.bunches_hz(slot, clock_hz);
            let probability = match rest.parse::<f64>() {
                Ok(probability) => probability,
                Err(_) => rest.parse::<Rate>()?.hz() / filled,
            };
            if !(probability > 0.0 && probability <= 1.0) {
                return Err(wrong(format!(
                    "{probability} events per bunch: it is a probability, and bunches cross at {filled:.0} Hz on average"
                )));
            }
            Ok(Arrivals::Bunches {
                filling,
                slot,
                probability,
            })
        }
        "file" => {
            let ticks = match rest.rsplit_once('@') {
                Some((path, unit)) => read_times_as(path.as_ref(), unit, timebase, clock_hz)?,
                None => read_times(rest.as_ref(), timebase, clock_hz)?,
            };
            Ok(Arrivals::Times {
                ticks,
                stretch: 1.0,
            })
        }
        other => Err(wrong(format!(
            "`{other}` is none of fixed, poisson, lhc, file"
        ))),
    }
}

/// A number in (0, 1], from 53 random bits.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    ((random.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
