//! What is done to each element alone, or to pairs.

use hodoscope_program::{Operation, Value, ValueId};

use super::Lowering;
use super::rescale::{overflow, product, round_shift, times};
use super::tables::{BITS_OF_A_PRODUCT, tabulated};
use crate::build::Builder;
use crate::circuit::WireId;

impl Lowering<'_> {
    pub(super) fn elementwise(&mut self, value: &Value) -> Vec<WireId> {
        let channels = value.shape.channels();
        match &value.operation {
            Operation::Rescale {
                x,
                multipliers,
                offsets,
                shifts,
                rounding,
                overflow: rule,
            } => {
                let x = self.of(*x).into_iter().enumerate();
                x.map(|(index, x)| {
                    let c = index % channels;
                    let multiplier = i128::from(multipliers[c % multipliers.len()]);
                    let offset = i128::from(offsets[c % offsets.len()]);
                    let shift = shifts[c % shifts.len()];
                    let one = |b: &mut Builder, x: WireId| {
                        let product = times(b, x, multiplier);
                        let moved = b.add_constant(product, offset);
                        let rounded = round_shift(b, moved, shift, *rounding);
                        overflow(b, rounded, value.element, *rule)
                    };
                    match multiplier.unsigned_abs().is_power_of_two() {
                        true => one(&mut self.b, x),
                        false => tabulated(&mut self.b, x, &value.name, BITS_OF_A_PRODUCT, one),
                    }
                })
                .collect()
            }
            Operation::Relu { x } => self.map(*x, |b, x| b.clamp(x, 0, i128::MAX)),
            Operation::Clip {
                x,
                minimum,
                maximum,
            } => self.map(*x, |b, x| b.clamp(x, (*minimum).into(), (*maximum).into())),
            Operation::LeakyRelu {
                x,
                multiplier,
                shift,
                rounding,
            } => self.map(*x, |b, x| {
                tabulated(b, x, &value.name, BITS_OF_A_PRODUCT, |b, x| {
                    let negative = b.less_than(x, 0);
                    let below = b.clamp(x, i128::MIN, 0);
                    let product = times(b, below, (*multiplier).into());
                    let slope = round_shift(b, product, *shift, *rounding);
                    b.choose(negative, slope, x)
                })
            }),
            Operation::Mul { a, b } => {
                let elements = self.of(*a).len().max(self.of(*b).len());
                let factor = |id: &ValueId, index: usize| match self.channels(*id) {
                    1 => self.values[id.index()][index / channels],
                    _ => self.values[id.index()][index],
                };
                let pairs: Vec<_> = (0..elements)
                    .map(|i| (factor(a, i), factor(b, i)))
                    .collect();
                pairs
                    .into_iter()
                    .map(|(a, b)| product(&mut self.b, a, b))
                    .collect()
            }
            Operation::Add { a, b } => self.pairs(*a, *b, Builder::add),
            Operation::Sub { a, b } => self.pairs(*a, *b, Builder::sub),
            Operation::Larger { a, b } => self.pairs(*a, *b, Builder::larger),
            Operation::Smaller { a, b } => self.pairs(*a, *b, Builder::smaller),
            _ => unreachable!("not element by element"),
        }
    }

    pub(super) fn map(
        &mut self,
        x: ValueId,
        mut f: impl FnMut(&mut Builder, WireId) -> WireId,
    ) -> Vec<WireId> {
        let x = self.of(x).into_iter();
        x.map(|x| f(&mut self.b, x)).collect()
    }

    fn pairs(
        &mut self,
        a: ValueId,
        b: ValueId,
        f: fn(&mut Builder, WireId, WireId) -> WireId,
    ) -> Vec<WireId> {
        let pairs = self.of(a).into_iter().zip(self.of(b));
        pairs.map(|(a, b)| f(&mut self.b, a, b)).collect()
    }
}
