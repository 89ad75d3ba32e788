//! Multiples of whole numbers, which a rounding reads: floors of quotients, of a number of bins.

use super::{Insert, Insertion};
use crate::graph::{Binary, Node, Op, Tensor, Unary, ValueId};
use crate::quantise::general::whole::Whole;

/// Bits of a divisor's inverse.
const INVERSE_BITS: i32 = 30;
/// Whole numbers that a rounding of their multiple is tried on, at most.
const TRIALS: usize = 1 << 16;

impl Insertion<'_> {
    /// The operand of a rounding that is a multiple of a whole number: exact enough that no result differs from that of
    /// single precision.
    pub(super) fn affine(&mut self, node: &Node, value: ValueId) -> Insert<Option<ValueId>> {
        let Some(scaled) = self.multiple(value) else {
            return Ok(None);
        };
        let Some(whole) = self.whole_number(scaled.x) else {
            return Ok(None);
        };
        let Op::Unary(rounding) = &node.op else {
            return Ok(None);
        };
        let axis = self.graph.shape(scaled.x).len().saturating_sub(1);
        let Some((scale, shift)) = scaled.multiple.exact(*rounding, whole) else {
            return Ok(None);
        };
        let op = Op::ScaleShift {
            axis,
            scale: vec![scale],
            shift: vec![shift],
        };
        let operand = self.integers(scaled.x)?;
        let name = self.graph.value_name(value).to_owned();
        let line = self.new.push(&name, op, &[operand])?;
        Ok(Some(self.in_place(&name, &scaled, line)?))
    }

    /// The whole number of which a value is a multiple, the same one for all elements.
    pub(super) fn multiple(&self, value: ValueId) -> Option<Scaled> {
        let node = self.graph.producing_node(value)?;
        let single = |v: &ValueId| self.graph.constant(*v).and_then(Tensor::single);
        let (x, multiple) = match (&node.op, &node.inputs[..]) {
            (Op::Binary(Binary::Div), [x, d]) => (*x, Multiple::Over(single(d)?)),
            (Op::Binary(Binary::Mul), [x, m]) if single(m).is_some() => {
                (*x, Multiple::Times(single(m)?))
            }
            (Op::Binary(Binary::Mul), [m, x]) => (*x, Multiple::Times(single(m)?)),
            (Op::ScaleShift { scale, shift, .. }, [x]) => {
                let one = |v: &[f64]| v.first().copied().filter(|f| v.iter().all(|o| o == f));
                (*x, Multiple::Line(one(scale)?, one(shift)?))
            }
            (op, &[before]) if op.moves() => {
                let mut scaled = self.multiple(before)?;
                scaled.moves.push(op.clone());
                return Some(scaled);
            }
            _ => return None,
        };
        let same = self.graph.shape(x) == self.graph.shape(value);
        let whole = self.is_exact(x) && self.graph.constant(x).is_none();
        (same && whole).then_some(Scaled {
            x,
            multiple,
            moves: vec![],
        })
    }

    /// What was computed of x, in the places of its multiple.
    pub(super) fn in_place(&mut self, name: &str, scaled: &Scaled, x: ValueId) -> Insert<ValueId> {
        let mut moved = x;
        for op in &scaled.moves {
            moved = self.new.push(name, op.clone(), &[moved])?;
        }
        Ok(moved)
    }
}

/// A multiple of a whole number, and where its elements went.
pub(super) struct Scaled {
    pub x: ValueId,
    pub multiple: Multiple,
    pub moves: Vec<Op>,
}

/// How a number follows from a whole one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Multiple {
    Over(f32),
    Times(f32),
    Line(f64, f64),
}

impl Multiple {
    /// As the float network computes it.
    fn float(self, x: f32) -> f32 {
        match self {
            Self::Over(d) => x / d,
            Self::Times(m) => x * m,
            Self::Line(scale, shift) => (f64::from(x) * scale + shift) as f32,
        }
    }

    /// A scale and a shift of few bits that round as the float does, for every whole number of a range or for most: single
    /// precision itself puts some multiples of an inverse on the wrong side.
    fn exact(self, rounding: Unary, whole: Whole) -> Option<(f64, f64)> {
        let (scale, shift) = match self {
            Self::Over(d) => (1.0 / f64::from(d), 0.0),
            Self::Times(m) => (f64::from(m), 0.0),
            Self::Line(scale, shift) => (scale, shift),
        };
        if scale == 0.0 || !scale.is_finite() {
            return None;
        }
        let (nearest, unit) = of_few_bits(scale);
        let range = (whole.maximum - whole.minimum) as usize;
        let stride = (range / TRIALS).max(1);
        let differing = |(scale, shift): (f64, f64)| {
            let differs = |i: &usize| {
                let x = whole.minimum + *i as f64;
                let exact = round(rounding, x * scale + shift);
                exact != f64::from(round_single(rounding, self.float(x as f32)))
            };
            (0..=range).step_by(stride).filter(differs).count()
        };
        // A little more or less, where the float's own rounding reaches a whole number. Towards zero that is a little
        // steeper.
        let end = whole.maximum.abs().max(whole.minimum.abs()).max(1.0);
        let little = libm::ldexp(1.0, -22 + libm::ilogb(end * scale.abs()).max(-20));
        let shifts = [0.0, 0.25, -0.25, 1.0, -1.0, 4.0, -4.0].map(|n| fine(shift + n * little));
        let scales = [0.0, 1.0, -1.0].map(|n| nearest + n * unit);
        let trials = shifts.iter().flat_map(|t| scales.map(|s| (s, *t)));
        let mut best: Option<(usize, (f64, f64))> = None;
        for trial in trials {
            let count = differing(trial);
            if best.is_none_or(|(fewest, _)| count < fewest) {
                best = Some((count, trial));
            }
            if count == 0 {
                break;
            }
        }
        best.map(|(_, trial)| trial)
    }
}

/// A scale in as many bits as an inverse has, and the unit of their last one.
pub(super) fn of_few_bits(scale: f64) -> (f64, f64) {
    let unit = libm::ldexp(1.0, libm::ilogb(scale) - INVERSE_BITS);
    (libm::round(scale / unit) * unit, unit)
}

/// A shift on the grid that shifts have.
pub(super) fn fine(shift: f64) -> f64 {
    libm::ldexp(libm::round(libm::ldexp(shift, 40)), -40)
}

fn round(rounding: Unary, x: f64) -> f64 {
    match rounding {
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Trunc => x.trunc(),
        _ => libm::rint(x),
    }
}

fn round_single(rounding: Unary, x: f32) -> f32 {
    match rounding {
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Trunc => x.trunc(),
        _ => libm::rintf(x),
    }
}
