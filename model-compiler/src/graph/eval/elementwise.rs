//! Functions of elements, with broadcasting.

use super::View;
use crate::graph::{
    op::{Binary, Comparison, Logic, Unary},
    tensor::strides,
};

/// Applies a function to every element.
pub(super) fn unary(op: Unary, x: &[f32], out: &mut [f32]) {
    let apply = |out: &mut [f32], f: &dyn Fn(f32) -> f32| {
        for (o, &v) in out.iter_mut().zip(x) {
            *o = f(v);
        }
    };
    match op {
        // The frequent one is worth a loop that the compiler can vectorise.
        Unary::Relu => {
            for (o, &v) in out.iter_mut().zip(x) {
                *o = if v > 0.0 { v } else { 0.0 };
            }
        }
        _ => apply(out, &|v| unary_one(op, v)),
    }
}

fn unary_one(op: Unary, x: f32) -> f32 {
    match op {
        Unary::Neg => -x,
        Unary::Abs => x.abs(),
        Unary::Sqrt => libm::sqrtf(x),
        Unary::Exp => libm::expf(x),
        Unary::Log => libm::logf(x),
        Unary::Relu => x.max(0.0),
        Unary::LeakyRelu { alpha } => {
            if x >= 0.0 {
                x
            } else {
                alpha * x
            }
        }
        Unary::Elu { alpha } => {
            if x >= 0.0 {
                x
            } else {
                alpha * libm::expm1f(x)
            }
        }
        Unary::Selu { alpha, gamma } => {
            if x > 0.0 {
                gamma * x
            } else {
                gamma * (alpha * libm::expm1f(x))
            }
        }
        Unary::Celu { alpha } => x.max(0.0) + (alpha * libm::expm1f(x / alpha)).min(0.0),
        Unary::Gelu { tanh: false } => {
            0.5 * x * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
        }
        Unary::Gelu { tanh: true } => {
            // √(2/π), the constant of the approximation as ONNX defines it.
            let inner = 0.797_884_6 * (x + 0.044_715 * x * x * x);
            0.5 * x * (1.0 + libm::tanhf(inner))
        }
        Unary::Sigmoid => 1.0 / (1.0 + libm::expf(-x)),
        Unary::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
        Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        Unary::Tanh => libm::tanhf(x),
        Unary::Softplus => softplus(x),
        Unary::Softsign => x / (1.0 + x.abs()),
        Unary::Mish => x * libm::tanhf(softplus(x)),
        Unary::Erf => libm::erff(x),
        Unary::Clip { min, max } => {
            // As ONNX has it: with min > max the result is max.
            let x = if x < min { min } else { x };
            if x > max { max } else { x }
        }
        Unary::Circular(function) => function.compute(x),
        Unary::Square => x * x,
        Unary::Reciprocal => 1.0 / x,
        Unary::Power { exponent } => libm::powf(x, exponent),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round_ties_even(),
        Unary::Trunc => x.trunc(),
        Unary::Sign => {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                x
            }
        }
        Unary::Not => truth(x == 0.0),
        Unary::Wrap { period } => x - period * (x / period + 0.5).floor(),
    }
}

/// log(1 + eˣ) without overflow for large x.
fn softplus(x: f32) -> f32 {
    x.max(0.0) + libm::log1pf(libm::expf(-x.abs()))
}

fn truth(value: bool) -> f32 {
    if value { 1.0 } else { 0.0 }
}

fn binary_one(op: Binary, a: f32, b: f32) -> f32 {
    match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        Binary::Pow => libm::powf(a, b),
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::PRelu => {
            if a >= 0.0 {
                a
            } else {
                a * b
            }
        }
    }
}

/// Arithmetic on two operands.
pub(super) fn binary(op: Binary, a: View<'_>, b: View<'_>, shape: &[usize], out: &mut [f32]) {
    // One instance of the loop per frequent operation, so that it vectorises.
    match op {
        Binary::Add => zip(a, b, shape, out, |x, y| x + y),
        Binary::Sub => zip(a, b, shape, out, |x, y| x - y),
        Binary::Mul => zip(a, b, shape, out, |x, y| x * y),
        _ => zip(a, b, shape, out, |x, y| binary_one(op, x, y)),
    }
}

/// Comparison of two operands.
pub(super) fn compare(op: Comparison, a: View<'_>, b: View<'_>, shape: &[usize], out: &mut [f32]) {
    zip(a, b, shape, out, |x, y| {
        truth(match op {
            Comparison::Greater => x > y,
            Comparison::GreaterOrEqual => x >= y,
            Comparison::Less => x < y,
            Comparison::LessOrEqual => x <= y,
            Comparison::Equal => x == y,
        })
    });
}

/// Logic of two operands.
pub(super) fn logic(op: Logic, a: View<'_>, b: View<'_>, shape: &[usize], out: &mut [f32]) {
    zip(a, b, shape, out, |x, y| {
        let (x, y) = (x != 0.0, y != 0.0);
        truth(match op {
            Logic::And => x && y,
            Logic::Or => x || y,
            Logic::Xor => x != y,
        })
    });
}

/// `x` where the condition holds, else `y`.
pub(super) fn select(c: View<'_>, x: View<'_>, y: View<'_>, shape: &[usize], out: &mut [f32]) {
    let (sc, sx, sy) = (
        stretch(c.shape, shape),
        stretch(x.shape, shape),
        stretch(y.shape, shape),
    );
    let mut walk = Walk::new(shape, [sc, sx, sy]);
    for o in out {
        let [ic, ix, iy] = walk.offsets;
        *o = if c.data[ic] != 0.0 {
            x.data[ix]
        } else {
            y.data[iy]
        };
        walk.advance();
    }
}

/// Multiplies and adds per index of an axis.
pub(super) fn scale_shift(x: View<'_>, axis: usize, scale: &[f64], shift: &[f64], out: &mut [f32]) {
    let one = |v: f32, s: f64, t: f64| (f64::from(v) * s + t) as f32;
    if let ([s], [t]) = (scale, shift) {
        for (o, &v) in out.iter_mut().zip(x.data) {
            *o = one(v, *s, *t);
        }
        return;
    }
    let inner: usize = x.shape[axis + 1..].iter().product();
    for (row, (o, v)) in out
        .chunks_exact_mut(inner)
        .zip(x.data.chunks_exact(inner))
        .enumerate()
    {
        let k = row % scale.len();
        for (o, &v) in o.iter_mut().zip(v) {
            *o = one(v, scale[k], shift[k]);
        }
    }
}

/// Strides of an operand over the result's axes: 0 where it is repeated.
pub(super) fn stretch(operand: &[usize], shape: &[usize]) -> Vec<usize> {
    let own = strides(operand);
    let missing = shape.len() - operand.len();
    (0..shape.len())
        .map(|i| {
            if i < missing || operand[i - missing] == 1 {
                0
            } else {
                own[i - missing]
            }
        })
        .collect()
}

/// Walks a shape in row-major order, keeping an offset into each of `N` strided operands.
pub(super) struct Walk<'a, const N: usize> {
    shape: &'a [usize],
    strides: [Vec<usize>; N],
    index: Vec<usize>,
    pub offsets: [usize; N],
}

impl<'a, const N: usize> Walk<'a, N> {
    pub fn new(shape: &'a [usize], strides: [Vec<usize>; N]) -> Self {
        Self {
            shape,
            strides,
            index: vec![0; shape.len()],
            offsets: [0; N],
        }
    }

    pub fn advance(&mut self) {
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                *offset += strides[axis];
            }
            if self.index[axis] < self.shape[axis] {
                return;
            }
            for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                *offset -= strides[axis] * self.shape[axis];
            }
            self.index[axis] = 0;
        }
    }
}

fn zip(a: View<'_>, b: View<'_>, shape: &[usize], out: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    if a.data.len() == out.len() && b.data.len() == out.len() {
        for ((o, &x), &y) in out.iter_mut().zip(a.data).zip(b.data) {
            *o = f(x, y);
        }
    } else if let (true, [y]) = (a.data.len() == out.len(), b.data) {
        for (o, &x) in out.iter_mut().zip(a.data) {
            *o = f(x, *y);
        }
    } else {
        let mut walk = Walk::new(shape, [stretch(a.shape, shape), stretch(b.shape, shape)]);
        for o in out {
            let [i, j] = walk.offsets;
            *o = f(a.data[i], b.data[j]);
            walk.advance();
        }
    }
}
