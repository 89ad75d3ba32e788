//! Floating-point numbers computed with integers: the processor's rounding mode and its flushing of small numbers
//! cannot be seen in them. Results are those of IEEE 754 with rounding to nearest, ties to even.

use core::cmp::Ordering;

/// A format of IEEE 754.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Binary digits.
    digits: i32,
    /// Exponent of the last digit of the smallest numbers.
    least: i32,
    /// Exponent of the last digit of the largest numbers.
    most: i32,
}

/// 32 bits.
pub const SINGLE: Format = Format {
    digits: 24,
    least: -149,
    most: 104,
};
/// 64 bits.
pub const DOUBLE: Format = Format {
    digits: 53,
    least: -1074,
    most: 971,
};

/// A finite number, ± digits · 2^exponent.
#[derive(Clone, Copy, Debug)]
pub struct Soft {
    negative: bool,
    digits: u64,
    exponent: i32,
}

/// How a number becomes a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// Towards −∞.
    Floor,
    /// Towards +∞.
    Ceil,
    /// Towards zero.
    Truncate,
    /// Away from zero.
    Away,
    /// Nearest, halves to even.
    TiesEven,
    /// Nearest, halves away from zero.
    TiesAway,
}

impl Soft {
    /// Zero.
    pub const ZERO: Self = Self {
        negative: false,
        digits: 0,
        exponent: 0,
    };
    /// One half.
    pub const HALF: Self = Self {
        negative: false,
        digits: 1,
        exponent: -1,
    };

    /// A double; nothing for NaN and the infinities.
    #[must_use]
    pub const fn of(value: f64) -> Option<Self> {
        let bits = value.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        let (digits, exponent) = match exponent {
            0x7ff => return None,
            0 => (fraction, DOUBLE.least),
            _ => (fraction | 1 << 52, exponent - 1075),
        };
        Some(Self {
            negative: bits >> 63 == 1,
            digits,
            exponent,
        })
    }

    /// An integer in `format`.
    #[must_use]
    pub fn of_integer(value: i64, format: Format) -> Self {
        let digits = u128::from(value.unsigned_abs());
        rounded(value < 0, digits, 0, false, format).unwrap_or(Self::ZERO)
    }

    /// The nearest number of `format`; nothing where that is infinite.
    #[must_use]
    pub fn to(self, format: Format) -> Option<Self> {
        rounded(
            self.negative,
            self.digits.into(),
            self.exponent,
            false,
            format,
        )
    }

    /// Its size.
    #[must_use]
    pub fn abs(self) -> Self {
        Self {
            negative: false,
            ..self
        }
    }

    /// The number of the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self {
            negative: !self.negative,
            ..self
        }
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.negative && self.digits != 0
    }

    /// Quotient in `format`; nothing where it is infinite or no number.
    #[must_use]
    pub fn over(self, divisor: Self, format: Format) -> Option<Self> {
        let negative = self.negative != divisor.negative;
        if divisor.digits == 0 {
            return None;
        }
        if self.digits == 0 {
            return Some(Self {
                negative,
                ..Self::ZERO
            });
        }
        // 127 digits over at most 64: far more digits than any format has, so that a remainder only says "a little more".
        let shift = u128::from(self.digits).leading_zeros() as i32 - 1;
        let dividend = u128::from(self.digits) << shift;
        let quotient = dividend / u128::from(divisor.digits);
        let rest = dividend % u128::from(divisor.digits);
        let exponent = self.exponent - shift - divisor.exponent;
        rounded(negative, quotient, exponent, rest != 0, format)
    }

    /// Product in `format`; nothing where it is infinite.
    #[must_use]
    pub fn times(self, other: Self, format: Format) -> Option<Self> {
        let product = u128::from(self.digits) * u128::from(other.digits);
        let exponent = self.exponent + other.exponent;
        rounded(
            self.negative != other.negative,
            product,
            exponent,
            false,
            format,
        )
    }

    /// Sum in `format`; nothing where it is infinite.
    #[must_use]
    pub fn plus(self, other: Self, format: Format) -> Option<Self> {
        let (one, two) = (self.normal(), other.normal());
        if one.digits == 0 || two.digits == 0 {
            return if one.digits == 0 { two } else { one }.to(format);
        }
        let (high, low) = if one.exponent >= two.exponent {
            (one, two)
        } else {
            (two, one)
        };
        let same = high.negative == low.negative;
        let apart = high.exponent - low.exponent;
        if apart > 62 {
            // The low one lies below all digits of the result.
            let digits = u128::from(high.digits) << 62;
            let digits = if same { digits } else { digits - 1 };
            return rounded(high.negative, digits, high.exponent - 62, true, format);
        }
        let (large, small) = (u128::from(high.digits) << apart, u128::from(low.digits));
        let (negative, digits) = match same {
            true => (high.negative, large + small),
            false if large >= small => (high.negative, large - small),
            false => (low.negative, small - large),
        };
        rounded(negative, digits, low.exponent, false, format)
    }

    /// The whole number beside it, saturated.
    #[must_use]
    pub fn whole(self, how: Whole) -> i64 {
        let (below, half, exact) = self.split();
        let up = match how {
            Whole::Floor => self.negative && !exact,
            Whole::Ceil => !self.negative && !exact,
            Whole::Truncate => false,
            Whole::Away => !exact,
            Whole::TiesEven => {
                half == Ordering::Greater || half == Ordering::Equal && below % 2 == 1
            }
            Whole::TiesAway => half != Ordering::Less,
        };
        let size = below.saturating_add(u64::from(up));
        match self.negative {
            true => 0i64.checked_sub_unsigned(size).unwrap_or(i64::MIN),
            false => i64::try_from(size).unwrap_or(i64::MAX),
        }
    }

    /// Its whole part without sign, saturated; how the rest compares with ½; and whether there is none.
    fn split(self) -> (u64, Ordering, bool) {
        if self.digits == 0 {
            return (0, Ordering::Less, true);
        }
        if self.exponent >= 0 {
            let fits = self.exponent < self.digits.leading_zeros() as i32 + 1;
            let whole = if fits {
                self.digits << self.exponent
            } else {
                u64::MAX
            };
            return (whole, Ordering::Less, true);
        }
        let places = -self.exponent;
        if places > 64 {
            return (0, Ordering::Less, false);
        }
        let digits = u128::from(self.digits);
        let rest = digits & ((1 << places) - 1);
        let whole = (digits >> places) as u64;
        (whole, rest.cmp(&(1 << (places - 1))), rest == 0)
    }

    /// The same number with its first digit in the first place.
    fn normal(self) -> Self {
        if self.digits == 0 {
            return self;
        }
        let shift = self.digits.leading_zeros();
        Self {
            digits: self.digits << shift,
            exponent: self.exponent - shift as i32,
            ..self
        }
    }

    /// The double of a number that [`DOUBLE`] holds.
    #[must_use]
    pub fn double(self) -> f64 {
        let sign = u64::from(self.negative) << 63;
        if self.digits == 0 {
            return f64::from_bits(sign);
        }
        let normal = self.normal();
        // The first of 64 digits becomes the first of 53, or a later one where the exponent ends.
        let (exponent, drop) = match normal.exponent + 11 {
            exponent if exponent < DOUBLE.least => (DOUBLE.least, DOUBLE.least - normal.exponent),
            exponent => (exponent, 11),
        };
        let digits = normal.digits.checked_shr(drop as u32).unwrap_or(0);
        let bits = match digits >> 52 {
            0 => digits,
            _ => (digits & ((1 << 52) - 1)) | ((exponent + 1075) as u64) << 52,
        };
        f64::from_bits(sign | bits)
    }
}

/// A single as a double, which is exact; the small ones, too.
#[must_use]
pub fn widened(value: f32) -> f64 {
    let bits = value.to_bits();
    if bits & 0x7f80_0000 != 0 || bits & 0x007f_ffff == 0 {
        return value.into();
    }
    let digits = u64::from(bits & 0x007f_ffff);
    Soft {
        negative: bits >> 31 == 1,
        digits,
        exponent: SINGLE.least,
    }
    .double()
}

/// ± digits · 2^exponent, and less than one more digit where there is a rest, in `format`; nothing where that is infinite.
/// With a rest there are two digits more than the format has.
fn rounded(
    negative: bool,
    digits: u128,
    exponent: i32,
    has_rest: bool,
    format: Format,
) -> Option<Soft> {
    let length = 128 - digits.leading_zeros() as i32;
    let drop = (length - format.digits).max(format.least - exponent);
    let (kept, exponent) = if digits == 0 || drop > length {
        (0, 0)
    } else if drop <= 0 {
        (digits as u64, exponent)
    } else {
        let rest = digits & ((1 << drop) - 1);
        let half = 1 << (drop - 1);
        let kept = (digits >> drop) as u64;
        let up = rest > half || rest == half && (has_rest || kept % 2 == 1);
        (kept + u64::from(up), exponent + drop)
    };
    let length = 64 - kept.leading_zeros() as i32;
    (kept == 0 || length + exponent <= format.digits + format.most).then_some(Soft {
        negative,
        digits: kept,
        exponent,
    })
}
