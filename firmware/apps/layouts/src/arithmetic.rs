//! Order without branches, and products without a multiplier.

use core::hint::black_box;

use hodoscope_kernels::order::{Order, negative_part, positive_part, sign};

use crate::random::Random;
use crate::{Difference, Kernel};

/// Random pairs, beside all pairs of extremes.
const PAIRS: usize = 2000;

/// Numbers at which an order or a product can go wrong.
const EXTREMES: [i64; 15] = [
    i64::MIN,
    i64::MIN + 1,
    -(1 << 32),
    -(1 << 32) - 1,
    i32::MIN as i64,
    -32_768,
    -128,
    -1,
    0,
    1,
    127,
    i32::MAX as i64,
    1 << 32,
    i64::MAX - 1,
    i64::MAX,
];

/// Calls `each` with the pairs.
fn pairs(
    random: &mut Random,
    mut each: impl FnMut(i64, i64) -> Result<(), Difference>,
) -> Result<(), Difference> {
    for a in EXTREMES {
        for b in EXTREMES {
            each(black_box(a), black_box(b))?;
        }
    }
    let mut any = || {
        let wide = i64::from(random.word()) << 32 | i64::from(random.word());
        // As many of each length.
        wide >> random.below(64)
    };
    for _ in 0..PAIRS {
        let (a, b) = (any(), any());
        each(black_box(a), black_box(b))?;
    }
    Ok(())
}

/// Compares both.
pub fn check(random: &mut Random, seen: &mut dyn FnMut(Kernel)) -> Result<(), Difference> {
    let mut orders = Held {
        name: "order",
        results: 0,
    };
    pairs(random, |a, b| {
        orders.order(a, b)?;
        orders.order(a as i32, b as i32)?;
        orders.order(a as i16, b as i16)?;
        orders.order(a as i8, b as i8)?;
        let x = a as i32;
        orders.same(sign(x), if black_box(x < 0) { -1 } else { 0 })?;
        orders.same(negative_part(x), if black_box(x < 0) { x } else { 0 })?;
        orders.same(positive_part(x), if black_box(x < 0) { 0 } else { x })
    })?;
    seen(orders.kernel());

    let mut products = Held {
        name: "products",
        results: 0,
    };
    pairs(random, |a, b| {
        products.same(a.wrapping_mul(b), sum_of_shifts(a, b))?;
        let (c, d) = (a as i32, b as i32);
        products.same(c.wrapping_mul(d), sum_of_shifts(a, b) as i32)?;
        let wide = sum_of_shifts(c.into(), d.into());
        products.same(i64::from(c) * i64::from(d), wide)
    })?;
    seen(products.kernel());
    Ok(())
}

/// a · b modulo 2^64, by its definition.
fn sum_of_shifts(a: i64, b: i64) -> i64 {
    let mut sum = 0i64;
    for bit in 0..64 {
        if black_box(b >> bit & 1) == 1 {
            sum = sum.wrapping_add(a << bit);
        }
    }
    sum
}

struct Held {
    name: &'static str,
    results: u32,
}

impl Held {
    fn same<T: PartialEq + Into<i64>>(&mut self, own: T, exact: T) -> Result<(), Difference> {
        self.results += 1;
        match own == exact {
            true => Ok(()),
            false => Err(Difference::Result {
                name: self.name,
                shape: (2, 1),
                row: 0,
                assembly: own.into(),
                portable: exact.into(),
            }),
        }
    }

    fn order<T: Order + Ord + Into<i64>>(&mut self, a: T, b: T) -> Result<(), Difference> {
        self.same(a.larger(b), if black_box(a > b) { a } else { b })?;
        self.same(a.smaller(b), if black_box(a < b) { a } else { b })
    }

    fn kernel(self) -> Kernel {
        Kernel {
            name: self.name,
            results: self.results,
            flips: 0,
        }
    }
}
