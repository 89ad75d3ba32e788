//! Quantities of time, as exact integers.

use std::str::FromStr;

use super::StreamError;

/// Picoseconds of a second.
const PER_SECOND: u64 = 1_000_000_000_000;

/// What a tick of the simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timebase {
    per_second: u64,
}

impl Timebase {
    /// Ticks of a picosecond.
    pub const PICOSECONDS: Self = Self {
        per_second: PER_SECOND,
    };

    /// Ticks of one cycle of a clock: what happens in between happens at the next edge before it.
    ///
    /// Nothing for a clock that stands still.
    pub fn cycles(clock_hz: u64) -> Option<Self> {
        (clock_hz > 0).then_some(Self {
            per_second: clock_hz,
        })
    }

    /// Ticks of a second.
    pub fn per_second(self) -> u64 {
        self.per_second
    }

    /// Ticks of `cycles` of a clock, rounded up.
    pub fn of_cycles(self, cycles: u64, clock_hz: u64) -> Option<u64> {
        self.of_ratio(cycles, clock_hz)
    }

    /// Ticks of `numerator / denominator` seconds, rounded up.
    pub(super) fn of_ratio(self, numerator: u64, denominator: u64) -> Option<u64> {
        let ticks = u128::from(numerator) * u128::from(self.per_second);
        let denominator = u128::from(denominator);
        (denominator > 0)
            .then(|| ticks.div_ceil(denominator))
            .and_then(|ticks| u64::try_from(ticks).ok())
    }

    /// Ticks of `span`, rounded up; a span in cycles is one of `clock_hz`.
    pub fn of_span(self, span: Span, clock_hz: u64) -> Option<u64> {
        match span {
            Span::Picoseconds(ps) => self.of_ratio(ps, PER_SECOND),
            Span::Cycles(cycles) => self.of_cycles(cycles, clock_hz),
        }
    }

    /// Ticks of `span` where they are a whole number; a span in cycles is one of `clock_hz`.
    pub fn exactly(self, span: Span, clock_hz: u64) -> Option<u64> {
        let (numerator, denominator) = match span {
            Span::Picoseconds(ps) => (ps, PER_SECOND),
            Span::Cycles(cycles) => (cycles, clock_hz),
        };
        let ticks = u128::from(numerator) * u128::from(self.per_second);
        let is_whole = denominator > 0 && ticks.is_multiple_of(denominator.into());
        is_whole
            .then(|| self.of_ratio(numerator, denominator))
            .flatten()
    }

    /// Seconds of `ticks`.
    pub fn seconds(self, ticks: f64) -> f64 {
        ticks / self.per_second as f64
    }
}

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Of any clock.
    Picoseconds(u64),
    /// Of the board's clock.
    Cycles(u64),
}

impl FromStr for Span {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        const UNITS: [(&str, i32); 6] = [
            ("ps", 0),
            ("ns", 3),
            ("us", 6),
            ("µs", 6),
            ("ms", 9),
            ("s", 12),
        ];
        let wrong = || StreamError::Quantity {
            text: text.to_owned(),
            what: "length of time",
            example: "`50us`, `2.5ns` or `1200cycles`",
        };
        if let Some(number) = text.strip_suffix("cycles") {
            return scaled(number, 0)
                .and_then(|cycles| cycles.try_into().ok())
                .map(Self::Cycles)
                .ok_or_else(wrong);
        }
        UNITS
            .iter()
            .find_map(|(unit, power)| scaled(text.strip_suffix(unit)?, *power))
            .and_then(|ps| ps.try_into().ok())
            .map(Self::Picoseconds)
            .ok_or_else(wrong)
    }
}

/// Events per second, exact to a millionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    micro_hz: u64,
}

impl Rate {
    /// The nearest rate; nothing for what is not positive, or beyond 10¹³ Hz.
    pub fn from_hz(hz: f64) -> Option<Self> {
        let micro_hz = (hz * 1e6).round();
        (1.0..=1e19).contains(&micro_hz).then_some(Self {
            micro_hz: micro_hz as u64,
        })
    }

    /// Events per second.
    pub fn hz(self) -> f64 {
        self.micro_hz as f64 / 1e6
    }

    /// Events in a million seconds.
    pub fn micro_hz(self) -> u64 {
        self.micro_hz
    }
}

impl FromStr for Rate {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        const UNITS: [(&str, i32); 4] = [("GHz", 15), ("MHz", 12), ("kHz", 9), ("Hz", 6)];
        UNITS
            .iter()
            .find_map(|(unit, power)| scaled(text.strip_suffix(unit)?, *power))
            .and_then(|micro_hz| u64::try_from(micro_hz).ok())
            .filter(|micro_hz| *micro_hz > 0)
            .map(|micro_hz| Self { micro_hz })
            .ok_or_else(|| StreamError::Quantity {
                text: text.to_owned(),
                what: "rate",
                example: "`2kHz`, `0.5MHz` or `40Hz`",
            })
    }
}

/// Bits per second of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// Bits per second.
    pub bits_per_second: u64,
}

impl FromStr for Bandwidth {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        const UNITS: [(&str, i32); 5] = [
            ("Gbit/s", 9),
            ("Mbit/s", 6),
            ("kbit/s", 3),
            ("bit/s", 0),
            ("baud", 0),
        ];
        UNITS
            .iter()
            .find_map(|(unit, power)| scaled(text.strip_suffix(unit)?, *power))
            .and_then(|bits| u64::try_from(bits).ok())
            .filter(|bits| *bits > 0)
            .map(|bits_per_second| Self { bits_per_second })
            .ok_or_else(|| StreamError::Quantity {
                text: text.to_owned(),
                what: "bandwidth",
                example: "`10Mbit/s` or `115200baud`",
            })
    }
}

/// A decimal number, times 10^`power`, as an integer; what lies beyond the last digit is rounded,
/// half up. Exponents are no decimal numbers: nobody writes `1e3Hz`.
pub(super) fn scaled(text: &str, power: i32) -> Option<u128> {
    let text = text.trim();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = || whole.bytes().chain(decimals.bytes());
    if digits().next().is_none() || !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut number = 0u128;
    for digit in digits() {
        number = number
            .checked_mul(10)?
            .checked_add(u128::from(digit - b'0'))?;
    }
    let power = power - i32::try_from(decimals.len()).ok()?;
    let factor = 10u128.checked_pow(power.unsigned_abs());
    match (power >= 0, factor) {
        (true, factor) => number.checked_mul(factor?),
        (false, None) => Some(0),
        (false, Some(divisor)) => Some((number + divisor / 2) / divisor),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn quantities_are_exact() {
        let span = |text: &str| text.parse::<Span>().unwrap();
        assert_eq!(span("50us"), Span::Picoseconds(50_000_000));
        assert_eq!(span("0.025 us"), span("25ns"));
        assert_eq!(span("1.5µs"), Span::Picoseconds(1_500_000));
        assert_eq!(span("2s"), Span::Picoseconds(2 * PER_SECOND));
        assert_eq!(span("1200cycles"), Span::Cycles(1200));
        let rate = |text: &str| text.parse::<Rate>().unwrap().micro_hz();
        assert_eq!(rate("2kHz"), 2_000_000_000);
        assert_eq!(rate("40.079MHz"), 40_079_000_000_000);
        assert_eq!(rate("0.1Hz"), 100_000);
        let bits = |text: &str| text.parse::<Bandwidth>().unwrap().bits_per_second;
        assert_eq!(bits("10Mbit/s"), 10_000_000);
        assert_eq!(bits("115200baud"), 115_200);
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "",
            "us",
            "50",
            "-5us",
            "1e3us",
            "5 parsecs",
            "9999999999s",
            "1.2.3ns",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        for text in ["2", "0Hz", "kHz", "2kHz2", "nanHz", "0.0000001Hz"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        assert!("0baud".parse::<Bandwidth>().is_err());
    }

    #[test]
    fn ticks_are_rounded_up_once() {
        let cycles = Timebase::cycles(72_000_000).unwrap();
        assert_eq!(cycles.of_cycles(1000, 72_000_000), Some(1000));
        // 25 ns are 1.8 cycles.
        assert_eq!(cycles.of_span(Span::Picoseconds(25_000), 1), Some(2));
        let ps = Timebase::PICOSECONDS;
        assert_eq!(ps.of_cycles(1, 72_000_000), Some(13_889));
        assert_eq!(ps.of_cycles(72, 72_000_000), Some(1_000_000));
        assert_eq!(ps.of_cycles(u64::MAX, 1), None);
        assert_eq!(Timebase::cycles(0), None);
    }
}
