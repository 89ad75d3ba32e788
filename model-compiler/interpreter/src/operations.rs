//! Each operation, as `hodoscope_program::Operation` defines it.

use hodoscope_program::{
    ConstantId, Input, Operation, Overflow, Product, Program, Rounding, Shape, Value, ValueId,
};

use crate::arithmetic::{digits, divide, overflow, quotient, round_shift, square_root};

/// Words of an input, clamped; of a set's rows those in `rows`.
pub(crate) fn input(input: &Input, words: &[i64], rows: Option<&[usize]>) -> Vec<i64> {
    let clamped = |row: usize| {
        (0..input.channels).map(move |c| {
            let field = input.field(c);
            words[row * input.channels + c].clamp(field.minimum, field.maximum)
        })
    };
    match rows {
        Some(rows) => rows.iter().flat_map(|row| clamped(*row)).collect(),
        None => clamped(0).collect(),
    }
}

/// The raws of `value`, from those of the values before it and the live constituents of each set.
pub(crate) fn compute(
    program: &Program,
    value: &Value,
    operation: &Operation,
    known: &[Vec<i64>],
    multiplicity: &[usize],
) -> Vec<i64> {
    let own = Operands {
        program,
        value,
        known,
    };
    match operation {
        Operation::Input(_) => unreachable!("inputs are read from the event"),
        Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow,
        } => own.rescale(x, (multipliers, offsets, shifts), *rounding, *overflow),
        Operation::Dense { x, weights, bias } => own.dense(x, weights, bias),
        Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        } => own.dense_stepwise(x, weights, bias, product),
        Operation::Divide {
            x,
            divisor,
            rounding,
        } => own.map(x, |x| divide(x, *divisor, *rounding)),
        Operation::Relu { x } => own.map(x, |x| x.max(0)),
        Operation::LeakyRelu {
            x,
            multiplier,
            shift,
            rounding,
        } => own.map(x, |x| match x {
            0.. => x,
            _ => round_shift(x * multiplier, *shift, *rounding),
        }),
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => own.map(x, |x| x.clamp(*minimum, *maximum)),
        Operation::Table { x, table } => {
            let first = program.value(*x).element.minimum();
            let entries = &program.constant(*table).data;
            own.map(x, |x| entries[(x - first) as usize])
        }
        Operation::Interpolate {
            x,
            table,
            first,
            shift,
        } => {
            let entries = &program.constant(*table).data;
            own.map(x, |x| interpolate(entries, x - first, *shift))
        }
        Operation::Exponent { x } => own.map(x, digits),
        Operation::Mantissa { x, bits } => own.map(x, |x| mantissa(x, *bits)),
        Operation::Sum { x } => own.sum(x),
        Operation::Max { x, empty } => own.max(x, &program.constant(*empty).data),
        Operation::Count { set } => vec![multiplicity[set.index()] as i64],
        Operation::ArgMax { x } => own.rows(x).map(arg_max).collect(),
        Operation::Mul { a, b } => own.mul(a, b),
        Operation::Add { a, b } => own.pairs(a, b, |a, b| a + b),
        Operation::Sub { a, b } => own.pairs(a, b, |a, b| a - b),
        Operation::SquaredError { a, b } => {
            let squares = own.pairs(a, b, |a, b| (a - b) * (a - b));
            let rows = squares.chunks(own.channels(a));
            rows.map(|row| row.iter().sum()).collect()
        }
        Operation::SumSquares { x } => {
            let squares = |row: &[i64]| row.iter().map(|x| x * x).sum();
            own.rows(x).map(squares).collect()
        }
        Operation::Select { x, channels } => {
            let taken = |row: &[i64]| channels.iter().map(|c| row[*c]).collect::<Vec<_>>();
            own.rows(x).flat_map(taken).collect()
        }
        Operation::Larger { a, b } => own.pairs(a, b, i64::max),
        Operation::Smaller { a, b } => own.pairs(a, b, i64::min),
        Operation::Largest { x } => {
            let largest = |row: &[i64]| row.iter().copied().max().unwrap_or(0);
            own.rows(x).map(largest).collect()
        }
        Operation::TopK { x, count } => {
            let rows = own.rows(x);
            rows.flat_map(|row| top_k(row, *count)).collect()
        }
        Operation::Take { x, indices } => {
            let rows: Vec<&[i64]> = own.rows(x).collect();
            let row = |index: &i64| rows[*index as usize];
            own.raws(indices).iter().flat_map(row).copied().collect()
        }
        Operation::MatMul { a, b } => own.mat_mul(a, b),
        Operation::Quotient {
            a,
            b,
            shift,
            rounding,
        } => own.quotient(a, b, *shift, *rounding),
        Operation::SquareRoot { x, shift } => own.map(x, |x| square_root(x.max(0) << shift)),
        Operation::Trees(trees) => {
            let rows = own.rows(&trees.x);
            rows.flat_map(|row| crate::trees::evaluate(program, trees, row))
                .collect()
        }
        Operation::Reshape { x } => own.raws(x).to_vec(),
        Operation::Gather { x, elements } => elements.iter().map(|e| own.raws(x)[*e]).collect(),
        Operation::Concat { parts } => own.concat(parts),
    }
}

/// What an operation reads.
struct Operands<'a> {
    program: &'a Program,
    /// The result.
    value: &'a Value,
    known: &'a [Vec<i64>],
}

impl<'a> Operands<'a> {
    fn raws(&self, id: &ValueId) -> &'a [i64] {
        &self.known[id.index()]
    }

    fn channels(&self, id: &ValueId) -> usize {
        self.program.value(*id).shape.channels()
    }

    /// An operand row by row.
    fn rows(&self, id: &ValueId) -> std::slice::Chunks<'a, i64> {
        self.raws(id).chunks(self.channels(id))
    }

    fn map(&self, x: &ValueId, f: impl Fn(i64) -> i64) -> Vec<i64> {
        self.raws(x).iter().map(|x| f(*x)).collect()
    }

    fn pairs(&self, a: &ValueId, b: &ValueId, f: fn(i64, i64) -> i64) -> Vec<i64> {
        let pairs = self.raws(a).iter().zip(self.raws(b));
        pairs.map(|(a, b)| f(*a, *b)).collect()
    }

    /// The raw beside element `index` of the result; an operand with one channel serves all.
    fn beside(&self, id: &ValueId, index: usize) -> i64 {
        match self.channels(id) {
            1 => self.raws(id)[index / self.value.shape.channels()],
            _ => self.raws(id)[index],
        }
    }

    fn rescale(
        &self,
        x: &ValueId,
        (multipliers, offsets, shifts): (&[i64], &[i64], &[u8]),
        rounding: Rounding,
        rule: Overflow,
    ) -> Vec<i64> {
        let channels = self.value.shape.channels();
        let one = |(index, raw): (usize, &i64)| {
            let c = index % channels;
            let exact = raw * multipliers[c % multipliers.len()] + offsets[c % offsets.len()];
            let rounded = round_shift(exact, shifts[c % shifts.len()], rounding);
            overflow(rounded, self.value.element, rule)
        };
        self.raws(x).iter().enumerate().map(one).collect()
    }

    /// bias + weights · x for each row of x. The verifier proved that no sum overflows.
    fn dense(&self, x: &ValueId, weights: &ConstantId, bias: &ConstantId) -> Vec<i64> {
        let weights = &self.program.constant(*weights).data;
        let bias = &self.program.constant(*bias).data;
        let mut result = Vec::with_capacity(self.value.shape.elements(0));
        for row in self.rows(x) {
            for (bias, weights) in bias.iter().zip(weights.chunks(row.len())) {
                let products = weights.iter().zip(row).map(|(w, x)| w * x);
                result.push(bias + products.sum::<i64>());
            }
        }
        result
    }

    /// The same with products that are rounded each.
    fn dense_stepwise(
        &self,
        x: &ValueId,
        weights: &ConstantId,
        bias: &ConstantId,
        product: &Product,
    ) -> Vec<i64> {
        let weights = &self.program.constant(*weights).data;
        let bias = &self.program.constant(*bias).data;
        let stepped = |(w, x): (&i64, &i64)| {
            let rounded = round_shift(w * x, product.shift, product.rounding);
            overflow(rounded, product.element, product.overflow)
        };
        let mut result = Vec::new();
        for row in self.rows(x) {
            for (bias, weights) in bias.iter().zip(weights.chunks(row.len())) {
                result.push(bias + weights.iter().zip(row).map(stepped).sum::<i64>());
            }
        }
        result
    }

    fn sum(&self, x: &ValueId) -> Vec<i64> {
        let mut sums = vec![0; self.value.shape.elements(1)];
        for row in self.raws(x).chunks(sums.len()) {
            for (sum, raw) in sums.iter_mut().zip(row) {
                *sum += raw;
            }
        }
        sums
    }

    fn max(&self, x: &ValueId, empty: &[i64]) -> Vec<i64> {
        let set = self.program.value(*x).shape.set();
        let capacity = set.map_or(0, |set| self.program.set(set).capacity);
        let rows: Vec<&[i64]> = self.raws(x).chunks(empty.len()).collect();
        let largest = |c: usize| {
            let live = rows.iter().map(|row| row[c]);
            let padded = (rows.len() < capacity).then_some(empty[c]);
            live.chain(padded).max().unwrap_or(empty[c])
        };
        (0..empty.len()).map(largest).collect()
    }

    fn mul(&self, a: &ValueId, b: &ValueId) -> Vec<i64> {
        let elements = self.raws(a).len().max(self.raws(b).len());
        let product = |i: usize| self.beside(a, i) * self.beside(b, i);
        (0..elements).map(product).collect()
    }

    fn mat_mul(&self, a: &ValueId, b: &ValueId) -> Vec<i64> {
        let shape = &self.value.shape;
        let (inner, columns) = (self.channels(a), shape.channels());
        let rows = shape.0.iter().rev().nth(1);
        let rows = rows.map_or(1, |dim| Shape(vec![*dim]).elements(0));
        let mut result = Vec::with_capacity(shape.elements(0));
        let matrices = self.raws(a).chunks(rows * inner);
        for (a, b) in matrices.zip(self.raws(b).chunks(columns * inner)) {
            result.extend(mat_mul(a, b, inner));
        }
        result
    }

    fn quotient(&self, a: &ValueId, b: &ValueId, shift: u8, rounding: Rounding) -> Vec<i64> {
        let dividends = self.raws(a).iter().enumerate();
        let one = |(i, a): (usize, &i64)| {
            quotient(*a, self.beside(b, i), shift, rounding, self.value.element)
        };
        dividends.map(one).collect()
    }

    fn concat(&self, parts: &[ValueId]) -> Vec<i64> {
        let rows = self.rows(&parts[0]).len();
        let part = |row: usize, id: &ValueId| {
            let channels = self.channels(id);
            &self.raws(id)[row * channels..][..channels]
        };
        let row = |row: usize| parts.iter().flat_map(move |id| part(row, id));
        (0..rows).flat_map(row).copied().collect()
    }
}

/// The line between the two entries of a cell, at `place` behind the first of all cells.
fn interpolate(entries: &[i64], place: i64, shift: u8) -> i64 {
    let (cell, rest) = (place >> shift, place % (1 << shift));
    let (a, b) = (entries[cell as usize], entries[cell as usize + 1]);
    a + round_shift((b - a) * rest, shift, Rounding::Rnd)
}

/// The first `bits` binary digits.
fn mantissa(x: i64, bits: u8) -> i64 {
    match i64::from(bits) - digits(x) {
        _ if x <= 0 => 0,
        left @ 0.. => x << left,
        right => x >> -right,
    }
}

/// Of equal ones the first.
fn arg_max(row: &[i64]) -> i64 {
    let mut best = 0;
    for (c, raw) in row.iter().enumerate() {
        if *raw > row[best] {
            best = c;
        }
    }
    best as i64
}

/// The channels of the largest.
fn top_k(row: &[i64], count: usize) -> Vec<i64> {
    let mut order: Vec<usize> = (0..row.len()).collect();
    // Stable: of equal ones the lower channel comes first.
    order.sort_by_key(|c| std::cmp::Reverse(row[*c]));
    order.into_iter().take(count).map(|c| c as i64).collect()
}

/// Rows of a times rows of b. The verifier proved that no sum overflows.
fn mat_mul(a: &[i64], b: &[i64], inner: usize) -> Vec<i64> {
    let mut result = Vec::new();
    for a in a.chunks(inner) {
        for b in b.chunks(inner) {
            result.push(a.iter().zip(b).map(|(a, b)| a * b).sum());
        }
    }
    result
}
