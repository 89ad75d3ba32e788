//! Sums of shifted operands, written out: no multiply, nothing for a weight of zero, and what several rows
//! have in common is computed once. For cores without a multiplier.
//!
//! A weight is a few powers of two with signs ([`digits`]); two terms that stand in several rows become a sum
//! of their own ([`share`]). Everything is modulo 2^32, so that the order of additions changes no bit of a sum
//! that fits.

mod digits;
mod share;

use digits::digits;
use share::share;

use super::{Constants, Definition, Layer, Storage};
use crate::plan::cost::Mix;
use crate::plan::{Accumulator, Isa};

/// Digits of a layer beyond which its code is not worth its flash: about eight bytes each before sharing. A function of not
/// many more overflows the stack of rustc.
const MOST_DIGITS: usize = 3 << 12;

/// An operand, shifted to the left, with a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// A column, or behind the last column a shared sum.
    pub operand: usize,
    /// Power of two.
    pub shift: u8,
    /// Whether it is subtracted.
    pub negative: bool,
}

/// A layer as additions of shifted operands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adders {
    /// Number of columns.
    pub columns: usize,
    /// Sums of two terms, each of which may read those before it.
    pub shared: Vec<[Term; 2]>,
    /// The terms of each row, the largest shifts first.
    pub rows: Vec<Vec<Term>>,
}

impl Adders {
    /// Those of a layer.
    pub fn new(layer: &Layer<'_>) -> Self {
        let rows: Vec<Vec<Term>> = layer.each_row().map(terms).collect();
        let (shared, mut rows) = share(layer.columns(), rows);
        for row in &mut rows {
            row.sort_by_key(|term| (std::cmp::Reverse(term.shift), term.operand));
        }
        Self {
            columns: layer.columns(),
            shared,
            rows,
        }
    }

    /// The rows' sums over `x`, without a bias, modulo 2^32.
    pub fn sums(&self, x: &[i32]) -> Vec<i32> {
        fn sum(operands: &[i32], terms: &[Term]) -> i32 {
            terms.iter().fold(0i32, |sum, term| {
                let shifted = operands[term.operand].wrapping_shl(term.shift.into());
                match term.negative {
                    true => sum.wrapping_sub(shifted),
                    false => sum.wrapping_add(shifted),
                }
            })
        }
        let mut operands = x.to_vec();
        for pair in &self.shared {
            operands.push(sum(&operands, pair));
        }
        self.rows.iter().map(|row| sum(&operands, row)).collect()
    }

    /// Additions, subtractions and shifts.
    pub fn operations(&self) -> usize {
        let shared = self.shared.iter().flatten();
        let shifted = shared.filter(|term| term.shift > 0).count();
        let rows = self.rows.iter().map(|row| {
            let mut shifts: Vec<u8> = row.iter().map(|term| term.shift).collect();
            shifts.dedup();
            // The last shift, of 0, is none.
            row.len() + shifts.iter().filter(|shift| **shift > 0).count()
        });
        self.shared.len() + shifted + rows.sum::<usize>()
    }
}

/// A row of weights as terms.
fn terms(weights: &[i64]) -> Vec<Term> {
    let columns = weights.iter().enumerate();
    columns
        .flat_map(|(operand, weight)| {
            digits(*weight).map(move |(shift, negative)| Term {
                operand,
                shift,
                negative,
            })
        })
        .collect()
}

pub(super) struct ShiftAdds;

impl Definition for ShiftAdds {
    fn name(&self) -> &'static str {
        "shift_adds"
    }

    fn suits(&self, isa: Isa) -> bool {
        isa == Isa::Rv32i
    }

    fn prove(&self, layer: &Layer<'_>) -> Result<(), String> {
        if layer.accumulator != Accumulator::I32 {
            return Err("its sums take 64 bits".into());
        }
        let stored = layer.operand.storage().width;
        if stored > 32 {
            return Err(format!("its operand has {stored} bits, not 32"));
        }
        let count: usize = layer.each_row().map(|row| terms(row).len()).sum();
        match count > MOST_DIGITS {
            true => Err(format!(
                "its weights have {count} digits: too much code beyond {MOST_DIGITS}"
            )),
            false => Ok(()),
        }
    }

    /// What the compiler makes of it: most operands come from memory, since there are more than registers.
    fn mix(&self, layer: &Layer<'_>, _isa: Isa) -> Mix {
        let adders = Adders::new(layer);
        let rows = adders.rows.len() as u64;
        let terms: usize = adders.rows.iter().map(Vec::len).sum();
        let operands = terms + 2 * adders.shared.len();
        Mix {
            arithmetic: adders.operations() as u64 + 23 * rows,
            loads: operands as u64 + 2 * rows,
            stores: (adders.shared.len() + adders.columns) as u64 + 2 * rows,
            branches: rows,
            ..Mix::default()
        }
    }

    fn constants(&self, _layer: &Layer<'_>) -> Constants {
        Constants {
            is_code: true,
            ..Constants::default()
        }
    }

    fn generics(&self, _accumulator: Accumulator) -> String {
        String::new()
    }

    fn block_rows(&self) -> Option<usize> {
        None
    }

    fn operand(&self) -> Storage {
        Storage::Narrowest
    }

    fn result(&self, _rescaled: bool) -> Storage {
        Storage::Narrowest
    }
}
