//! Real tensors that are known to be integers times a step plus an offset.

use hodoscope_program::{Product, ValueId};

use super::dyadic::Dyadic;

/// A tensor of the graph: element e has the value (raw\[e\]·step\[e\] + offset\[e\]) / divisor, exactly.
#[derive(Clone, Debug)]
pub(super) struct Real {
    /// Extents, as in the graph.
    pub shape: Vec<usize>,
    /// Where the raws come from.
    pub source: Source,
    /// Positive, one per element.
    pub step: Vec<Dyadic>,
    /// One per element.
    pub offset: Vec<Dyadic>,
    /// 1, or the number of rows of a mean that is no power of two.
    pub divisor: i64,
}

/// Raws.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Constants.
    Constant(Vec<i64>),
    /// A value of the program, elements in the same order.
    Value(ValueId),
}

/// A dense layer to which a bias may still be added.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    /// The operand, `[rows, in]`.
    pub x: ValueId,
    pub rows: usize,
    pub inputs: usize,
    /// `[out, in]`.
    pub weights: Vec<i64>,
    /// Value of one count of each output's sum.
    pub step: Vec<Dyadic>,
    /// One per output.
    pub bias: Vec<Dyadic>,
    /// What becomes of each product, for a stepwise accumulator.
    pub product: Option<Product>,
    /// Shape of the result in the graph.
    pub shape: Vec<usize>,
}

/// What a value of the graph is.
#[derive(Clone, Debug)]
pub(super) enum Term {
    /// Known numbers.
    Real(Real),
    /// A dense layer, not yet computed.
    Linear(Linear),
    /// A quotient of two numbers, of a shape, which only a quantiser can read.
    Quotient(Real, Real, Vec<usize>),
    /// A function of a number, which only a quantiser can read: it becomes a table.
    Function(crate::graph::Unary, Real),
}

impl Real {
    pub fn elements(&self) -> usize {
        self.step.len()
    }

    /// Real constants, each element on its own grid.
    pub fn constant(shape: Vec<usize>, data: &[f32]) -> Option<Self> {
        let numbers = data
            .iter()
            .map(|v| Dyadic::of(f64::from(*v)))
            .collect::<Option<Vec<_>>>()?;
        let raw = |n: &Dyadic| i64::try_from(n.mantissa()).ok();
        let raws = numbers.iter().map(raw).collect::<Option<Vec<_>>>()?;
        let step = numbers
            .iter()
            .map(|n| Dyadic::power(n.exponent()))
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            shape,
            source: Source::Constant(raws),
            offset: vec![Dyadic::ZERO; step.len()],
            step,
            divisor: 1,
        })
    }

    /// Integers of 8 bits in steps of one, where they are such, else [`Self::constant`]: what is made of stored integers
    /// counts in their scale, also where all of a row are even.
    pub fn integers(shape: Vec<usize>, data: &[f32]) -> Option<Self> {
        let small = |v: &f32| *v == v.trunc() && v.abs() <= 255.0;
        if !data.iter().all(small) {
            return Self::constant(shape, data);
        }
        Some(Self {
            shape,
            source: Source::Constant(data.iter().map(|v| *v as i64).collect()),
            offset: vec![Dyadic::ZERO; data.len()],
            step: vec![Dyadic::ONE; data.len()],
            divisor: 1,
        })
    }

    /// The numbers of a constant.
    pub fn numbers(&self) -> Option<Vec<Dyadic>> {
        let Source::Constant(raws) = &self.source else {
            return None;
        };
        let parts = raws.iter().zip(&self.step).zip(&self.offset);
        parts
            .map(|((raw, step), offset)| Dyadic::integer(*raw).times(*step)?.plus(*offset))
            .collect()
    }

    /// The constant's raws with the offset folded into them, where it is a number of steps.
    pub fn raws(&self) -> Option<Vec<i64>> {
        let Source::Constant(raws) = &self.source else {
            return None;
        };
        let parts = raws.iter().zip(&self.step).zip(&self.offset);
        parts
            .map(|((raw, step), offset)| {
                let steps = i64::try_from(offset.integer_over(*step)?).ok()?;
                raw.checked_add(steps)
            })
            .collect()
    }

    pub fn is_constant(&self) -> bool {
        matches!(self.source, Source::Constant(_))
    }

    /// The same elements under another shape.
    pub fn reshaped(mut self, shape: &[usize]) -> Self {
        self.shape = shape.to_vec();
        self
    }
}
