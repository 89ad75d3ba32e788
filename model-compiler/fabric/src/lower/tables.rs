//! Functions of one raw: tables, straight lines between entries, binary digits.

use hodoscope_program::{Interval, Operation, Rounding, Value};

use super::Lowering;
use super::rescale::{product, round_shift};
use crate::build::Builder;
use crate::circuit::WireId;

/// A product with a number is a table where its operand has no more bits.
pub(super) const BITS_OF_A_PRODUCT: u32 = 8;
/// So are straight lines.
const BITS_OF_LINES: u32 = 10;

/// f(x): a table where x has few bits, else what f builds. On a number f has to give a number.
pub(super) fn tabulated(
    b: &mut Builder,
    x: WireId,
    name: &str,
    bits: u32,
    f: impl Fn(&mut Builder, WireId) -> WireId,
) -> WireId {
    let Interval { minimum, maximum } = b.range(x);
    if b.value_of(x).is_some() || maximum - minimum >= 1 << bits {
        return f(b, x);
    }
    let mut entries = Vec::with_capacity((maximum - minimum + 1) as usize);
    for raw in minimum..=maximum {
        let raw = b.constant(raw);
        let result = f(b, raw);
        match b.value_of(result).map(i64::try_from) {
            Some(Ok(entry)) => entries.push(entry),
            _ => return f(b, x),
        }
    }
    b.look(x, name, minimum, &entries)
}

impl Lowering<'_> {
    pub(super) fn table(&mut self, value: &Value) -> Vec<WireId> {
        let program = self.program;
        match &value.operation {
            Operation::Table { x, table } => {
                let first = program.value(*x).element.minimum().into();
                let table = program.constant(*table);
                self.map(*x, |b, x| b.look(x, &table.name, first, &table.data))
            }
            Operation::Interpolate {
                x,
                table,
                first,
                shift,
            } => {
                let table = program.constant(*table);
                let differences: Vec<i64> = table.data.windows(2).map(|e| e[1] - e[0]).collect();
                let names = (table.name.clone(), format!("{}.steps", table.name));
                self.map(*x, |b, x| {
                    tabulated(b, x, &table.name, BITS_OF_LINES, |b, x| {
                        let moved = b.add_constant(x, -i128::from(*first));
                        let cell = b.right(moved, *shift);
                        let start = b.look(cell, &names.0, 0, &table.data);
                        if *shift == 0 {
                            return start;
                        }
                        let rest = b.wrap(moved, *shift, false);
                        let step = b.look(cell, &names.1, 0, &differences);
                        let rise = product(b, step, rest);
                        let rise = round_shift(b, rise, *shift, Rounding::Rnd);
                        b.add(start, rise)
                    })
                })
            }
            Operation::Exponent { x } => self.map(*x, |b, x| {
                tabulated(b, x, &value.name, BITS_OF_A_PRODUCT, exponent)
            }),
            Operation::Mantissa { x, bits } => self.map(*x, |b, x| {
                tabulated(b, x, &value.name, BITS_OF_A_PRODUCT, |b, x| {
                    mantissa(b, x, *bits)
                })
            }),
            _ => unreachable!("no function of one raw"),
        }
    }
}

/// The number of binary digits of x: a search that halves.
fn exponent(b: &mut Builder, x: WireId) -> WireId {
    let mut rest = b.clamp(x, 0, i128::MAX);
    let positive = b.less_than(x, 1);
    let positive = b.not(positive);
    let mut place = b.constant(0);
    for step in [5u8, 4, 3, 2, 1, 0] {
        let high = b.right(rest, 1 << step);
        let is_high = b.equals(high, 0);
        let is_high = b.not(is_high);
        let low = b.wrap(rest, 1 << step, false);
        rest = b.choose(is_high, high, low);
        let bit = b.left(is_high, step);
        place = b.add(place, bit);
    }
    b.add(place, positive)
}

/// The first `bits` binary digits of x: moved up until the first is at the top of 32.
fn mantissa(b: &mut Builder, x: WireId, bits: u8) -> WireId {
    let mut x = b.clamp(x, 0, i128::MAX);
    for step in [4u8, 3, 2, 1, 0] {
        let by = 1u8 << step;
        let high = b.right(x, 32 - by);
        let is_low = b.equals(high, 0);
        let moved = b.left(x, by);
        let moved = b.wrap(moved, 32, false);
        x = b.choose(is_low, moved, x);
    }
    b.right(x, 32 - bits)
}
