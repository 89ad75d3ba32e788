//! Bunches of a collider.

use std::str::FromStr;

use rand_chacha::ChaCha8Rng;

use super::uniform;
use crate::stream::{Span, StreamError, Timebase};

/// Most slots of an orbit: many colliders are shorter, none is much longer.
const SLOTS: usize = 1 << 20;

/// Which slots of an orbit hold a bunch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filling {
    slots: u32,
    filled: Vec<u32>,
}

impl Filling {
    /// The nominal proton filling of the LHC with 25 ns between bunches: 3564 slots, 2808 bunches in
    /// 39 trains of 72, injected in batches of 3 3 4 3 3 4 3 3 4 3 3 3 trains, with gaps for the kickers
    /// of the SPS (8 slots), of the LHC (38 or 39) and for the beam dump (119).
    ///
    /// R. Bailey and P. Collier, *Standard Filling Schemes for Various LHC Operation Modes*,
    /// LHC-PROJECT-NOTE-323, CERN, 2003.
    pub const STANDARD: &'static str =
        "(((72b 8e)x3 30e)x2 (72b 8e)x4 31e)x3 ((72b 8e)x3 30e)x3 81e";

    /// [`STANDARD`](Self::STANDARD), read.
    pub fn standard() -> Self {
        // It is well-formed: a test reads it.
        Self::STANDARD.parse().unwrap_or(Self {
            slots: 3564,
            filled: vec![0],
        })
    }

    /// Slots of an orbit.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Filled slots, rising from 0.
    pub fn filled(&self) -> &[u32] {
        &self.filled
    }

    /// Bunches per second, gaps averaged in; slots are as long as `slot`.
    pub fn bunches_hz(&self, slot: Span, clock_hz: u64) -> f64 {
        let (length, per_second) = ratio(slot, clock_hz);
        let slot_seconds = length as f64 / per_second as f64;
        self.filled.len() as f64 / (f64::from(self.slots) * slot_seconds)
    }
}

/// The notation of the LHC: `72b` are 72 bunches, `8e` eight empty slots, `(…)x3` is repeated three
/// times.
impl FromStr for Filling {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        let mut reader = Reader { text, at: 0 };
        let slots = reader.sequence(0)?;
        if reader.at < text.len() {
            return Err(reader.wrong("a `)` too many"));
        }
        let filled = slots.iter().zip(0u32..).filter(|(slot, _)| **slot);
        let filled: Vec<u32> = filled.map(|(_, index)| index).collect();
        if filled.is_empty() {
            return Err(reader.wrong("no slot is filled"));
        }
        Ok(Self {
            slots: slots.len() as u32,
            filled,
        })
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    /// Slots up to a `)` or the end.
    fn sequence(&mut self, depth: usize) -> Result<Vec<bool>, StreamError> {
        let mut slots = Vec::new();
        loop {
            self.blanks();
            match self.peek() {
                None | Some(b')') => return Ok(slots),
                Some(b'(') if depth == 16 => return Err(self.wrong("too many brackets")),
                Some(b'(') => {
                    self.at += 1;
                    let inner = self.sequence(depth + 1)?;
                    self.expect(b')', "a `)` is missing")?;
                    self.expect(b'x', "a group is repeated: write (…)x3")?;
                    let times = self.number()?;
                    self.room(slots.len(), inner.len(), times)?;
                    for _ in 0..times {
                        slots.extend_from_slice(&inner);
                    }
                }
                Some(_) => {
                    let count = self.number()?;
                    let filled = match self.peek() {
                        Some(b'b') => true,
                        Some(b'e') => false,
                        _ => return Err(self.wrong("write 72b for bunches, 8e for empty slots")),
                    };
                    self.at += 1;
                    self.room(slots.len(), 1, count)?;
                    slots.resize(slots.len() + count, filled);
                }
            }
        }
    }

    fn room(&self, before: usize, each: usize, times: usize) -> Result<(), StreamError> {
        let fits = each
            .checked_mul(times)
            .and_then(|more| before.checked_add(more))
            .is_some_and(|all| all <= SLOTS);
        if fits {
            Ok(())
        } else {
            Err(self.wrong("an orbit has at most 2^20 slots"))
        }
    }

    fn number(&mut self) -> Result<usize, StreamError> {
        self.blanks();
        let digits = self.text[self.at..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        match self.text[self.at..self.at + digits].parse() {
            Ok(number) => {
                self.at += digits;
                Ok(number)
            }
            Err(_) => Err(self.wrong("a number is expected")),
        }
    }

    fn expect(&mut self, byte: u8, reason: &str) -> Result<(), StreamError> {
        self.blanks();
        if self.peek() != Some(byte) {
            return Err(self.wrong(reason));
        }
        self.at += 1;
        Ok(())
    }

    fn blanks(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn wrong(&self, reason: &str) -> StreamError {
        StreamError::Filling {
            text: self.text.to_owned(),
            at: self.at + 1,
            reason: reason.to_owned(),
        }
    }
}

/// Where slots lie in ticks: slot s begins at ⌊s · numerator / denominator⌋.
#[derive(Clone, Copy)]
pub(super) struct Slots {
    numerator: u128,
    denominator: u128,
}

impl Slots {
    pub(super) fn new(slot: Span, timebase: Timebase, clock_hz: u64) -> Self {
        let (length, per_second) = ratio(slot, clock_hz);
        let numerator = u128::from(length) * u128::from(timebase.per_second());
        let denominator = u128::from(per_second).max(1);
        // Most slots are whole ticks: then no division is left.
        if numerator.is_multiple_of(denominator) {
            return Self {
                numerator: numerator / denominator,
                denominator: 1,
            };
        }
        Self {
            numerator,
            denominator,
        }
    }

    fn begin(self, slot: u64) -> Option<u64> {
        let ticks = self.numerator.checked_mul(u128::from(slot))?;
        let ticks = match self.denominator {
            1 => ticks,
            denominator => ticks / denominator,
        };
        u64::try_from(ticks).ok()
    }
}

/// A span in seconds, as a fraction.
fn ratio(span: Span, clock_hz: u64) -> (u64, u64) {
    match span {
        Span::Picoseconds(ps) => (ps, Timebase::PICOSECONDS.per_second()),
        Span::Cycles(cycles) => (cycles, clock_hz),
    }
}

/// Every filled bunch gives an event with the same probability: the number of bunches until the
/// next is geometrically distributed.
pub(super) struct Crossings<'a> {
    filling: &'a Filling,
    slots: Slots,
    /// ln(1 − probability), −∞ for 1.
    log_none: f64,
    /// The next bunch that is asked, counted from the first of the first orbit.
    bunch: u64,
    random: ChaCha8Rng,
}

impl<'a> Crossings<'a> {
    pub(super) fn new(
        filling: &'a Filling,
        slots: Slots,
        probability: f64,
        random: ChaCha8Rng,
    ) -> Self {
        Self {
            filling,
            slots,
            log_none: libm::log1p(-probability),
            bunch: 0,
            random,
        }
    }
}

impl Iterator for Crossings<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let without = (libm::log(uniform(&mut self.random)) / self.log_none).floor();
        let bunch = self.bunch.checked_add(without as u64)?;
        self.bunch = bunch.checked_add(1)?;
        let filled = self.filling.filled.len() as u64;
        let slot = u64::from(self.filling.filled[(bunch % filled) as usize]);
        let orbit = (bunch / filled).checked_mul(u64::from(self.filling.slots))?;
        self.slots.begin(orbit.checked_add(slot)?)
    }
}
