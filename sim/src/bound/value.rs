//! Numbers of which some bits depend on data.

/// A number, and which of its bits would be others for other data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value {
    pub number: u32,
    /// The bits that would be others for other data.
    pub varies: u32,
    /// Values of one origin differ by the same number for all data. 0: nothing is known of others.
    pub origin: u32,
}

impl Value {
    /// The same for all data.
    pub fn fixed(number: u32) -> Self {
        Self {
            number,
            varies: 0,
            origin: 0,
        }
    }

    /// Anything for other data.
    pub fn data_of(number: u32) -> Self {
        Self {
            number,
            varies: u32::MAX,
            origin: 0,
        }
    }

    /// Whether it would be another one for other data.
    pub fn data(self) -> bool {
        self.varies != 0
    }

    /// Lowest bits that are the same for all data.
    pub fn known_bits(self) -> u32 {
        self.varies.trailing_zeros()
    }

    /// A result of both of which nothing is known if one of them depends on data.
    pub fn with(self, other: Self, number: u32) -> Self {
        match self.data() || other.data() {
            true => Self::data_of(number),
            false => Self::fixed(number),
        }
    }

    fn bits(number: u32, varies: u32) -> Self {
        Self {
            number,
            varies,
            origin: 0,
        }
    }

    /// A sum keeps the origin of what a fixed number is added to.
    pub fn add(self, other: Self) -> Self {
        let origin = match (self.data(), other.data()) {
            (true, false) => self.origin,
            (false, true) => other.origin,
            _ => 0,
        };
        Self {
            number: self.number.wrapping_add(other.number),
            varies: from_lowest(self.varies | other.varies),
            origin,
        }
    }

    pub fn subtract(self, other: Self) -> Self {
        Self {
            number: self.number.wrapping_sub(other.number),
            varies: from_lowest(self.varies | other.varies),
            origin: if other.data() { 0 } else { self.origin },
        }
    }

    /// The lower half of the product.
    pub fn multiply(self, other: Self) -> Self {
        let number = self.number.wrapping_mul(other.number);
        // a + x 2^i times b + y 2^k, of which x and y vary: a b, and what has 2^i b, 2^k a or 2^(i + k) in it.
        let (i, k) = (self.known_bits(), other.known_bits());
        let low =
            |value: Self, known: u32| value.number & !u32::MAX.checked_shl(known).unwrap_or(0);
        let (a, b) = (low(self, i), low(other, k));
        let lowest = (i + b.trailing_zeros())
            .min(k + a.trailing_zeros())
            .min(i + k);
        Self::bits(number, u32::MAX.checked_shl(lowest).unwrap_or(0))
    }

    pub fn and(self, other: Self) -> Self {
        let either = self.varies | other.varies;
        let may_be_set = (self.number | self.varies) & (other.number | other.varies);
        Self::bits(self.number & other.number, either & may_be_set)
    }

    pub fn or(self, other: Self) -> Self {
        let either = self.varies | other.varies;
        let is_set = self.number & !self.varies | other.number & !other.varies;
        Self::bits(self.number | other.number, either & !is_set)
    }

    pub fn xor(self, other: Self) -> Self {
        Self::bits(self.number ^ other.number, self.varies | other.varies)
    }

    /// Shifts move by the last five bits of `by`.
    pub fn shift_left(self, by: Self) -> Self {
        let number = self.number << (by.number & 31);
        match by.varies & 31 {
            0 => Self::bits(number, self.varies << (by.number & 31)),
            _ => Self::bits(number, from_lowest(self.number | self.varies)),
        }
    }

    pub fn shift_right(self, by: Self) -> Self {
        let number = self.number >> (by.number & 31);
        match by.varies & 31 {
            0 => Self::bits(number, self.varies >> (by.number & 31)),
            _ => Self::data_of(number),
        }
    }

    pub fn shift_right_signed(self, by: Self) -> Self {
        let number = (self.number as i32 >> (by.number & 31)) as u32;
        match by.varies & 31 {
            0 => Self::bits(number, (self.varies as i32 >> (by.number & 31)) as u32),
            _ => Self::data_of(number),
        }
    }

    /// 1 if `holds`, a comparison of both, else 0.
    pub fn compared(self, other: Self, holds: bool) -> Self {
        let data = self.data() || other.data();
        Self::bits(holds.into(), data.into())
    }

    /// The lowest `bytes` bytes, extended.
    pub fn extended(self, bytes: u32, signed: bool) -> Self {
        let unused = 32 - 8 * bytes;
        let extend = |bits: u32| match signed {
            true => ((bits << unused) as i32 >> unused) as u32,
            false => bits << unused >> unused,
        };
        Self::bits(extend(self.number), extend(self.varies))
    }
}

/// The lowest of the bits and all above it: where a carry may go.
fn from_lowest(bits: u32) -> u32 {
    bits | bits.wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both operands, and the bits of each that vary.
    const MASKS: [u32; 9] = [0, 1, 6, 0x30, !0xf, 0xff00, 1 << 31, 0xffff_0000, !0];
    const NUMBERS: [u32; 8] = [0, 1, 16, 0x1230, 103 * 16, u32::MAX, 1 << 31, 0x0f0f_0f0f];

    /// What the operation gives for any other data agrees in the bits that are said to be the same.
    fn holds(operation: impl Fn(Value, Value) -> Value) {
        let fixed = Value::fixed;
        for (x, vx) in NUMBERS.iter().flat_map(|x| MASKS.map(|mask| (*x, mask))) {
            for (y, vy) in NUMBERS.iter().flat_map(|y| MASKS.map(|mask| (*y, mask))) {
                let known = operation(Value::bits(x, vx), Value::bits(y, vy));
                assert_eq!(known.number, operation(fixed(x), fixed(y)).number);
                for (other_x, other_y) in NUMBERS.iter().flat_map(|x| NUMBERS.map(|y| (*x, y))) {
                    let other_x = x & !vx | other_x & vx;
                    let other_y = y & !vy | other_y & vy;
                    let other = operation(fixed(other_x), fixed(other_y));
                    assert!(!other.data());
                    let differ = (other.number ^ known.number) & !known.varies;
                    assert_eq!(differ, 0, "{x:#x} {vx:#x} {y:#x} {vy:#x}: {known:x?}");
                }
            }
        }
    }

    #[test]
    fn bits_that_are_said_to_be_the_same_are() {
        holds(Value::add);
        holds(Value::subtract);
        holds(Value::multiply);
        holds(Value::and);
        holds(Value::or);
        holds(Value::xor);
        holds(Value::shift_left);
        holds(Value::shift_right);
        holds(Value::shift_right_signed);
        holds(|a, b| a.compared(b, a.number < b.number));
        holds(|a, _| a.extended(1, true));
        holds(|a, _| a.extended(2, false));
    }

    #[test]
    fn an_entry_of_a_table_begins_at_a_known_place_in_a_line() {
        let index = Value::data_of(77);
        let entry = index.shift_left(Value::fixed(4)).add(Value::fixed(0x10040));
        assert_eq!(entry.known_bits(), 4);
        assert_eq!(index.multiply(Value::fixed(103 * 16)).known_bits(), 4);
    }

    #[test]
    fn an_origin_stays_while_fixed_numbers_are_added() {
        let entry = Value {
            origin: 7,
            ..Value::data_of(77)
        };
        assert_eq!(entry.add(Value::fixed(3)).origin, 7);
        assert_eq!(Value::fixed(3).add(entry).origin, 7);
        assert_eq!(entry.subtract(Value::fixed(3)).origin, 7);
        assert_eq!(Value::fixed(3).subtract(entry).origin, 0);
        assert_eq!(entry.add(entry).origin, 0);
        assert_eq!(entry.shift_left(Value::fixed(0)).origin, 0);
    }
}
