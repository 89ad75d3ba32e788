//! Rescales as TensorFlow Lite's integer kernels compute them.
//!
//! The quotient of the scales is m · 2^(s − 31), m of 31 bits (`QuantizeMultiplier` in tensorflow/lite/kernels/internal/
//! quantization_util.cc). Rounded twice, a sum is multiplied by m and divided by 2^31, halves upwards
//! (`SaturatingRoundingDoublingHighMul`, gemmlowp's fixedpoint.h), then divided by 2^−s, halves away from zero
//! (`RoundingDivideByPOT`): two rescales of the program. Rounded once (`TFLITE_SINGLE_ROUNDING`) it is divided by
//! 2^(31 − s), halves upwards: one.

use hodoscope_program::{IntType, Overflow, Rounding};

use super::quantise::{counted, numbers, uniform};
use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source};
use crate::exact::Rescale;
use crate::exact::dyadic::Dyadic;
use crate::graph::{Binary, Node, Op, Quantiser, RoundingMode, Unary, ValueId};

/// Binary digits of a multiplier.
const DIGITS: i32 = 31;
/// Bits of what the first rounding gives.
const WIDTH: u8 = 32;

impl Lowering<'_> {
    /// The integers of a quantiser of ONNX by multiplier and shift; none where the network's own rounding is wanted, or
    /// nothing is rounded.
    pub(super) fn by_multiplier(
        &mut self,
        name: &str,
        node: &Node,
        x: &Real,
        q: &Quantiser,
    ) -> Lowered<Option<Real>> {
        let twice = match self.rescale {
            Rescale::Quotient => return Ok(None),
            Rescale::Single => false,
            Rescale::Double => true,
        };
        // QuantizeLinear, and not a quantiser of QONNX, which states how it rounds.
        if q.zero_first || q.rounding != RoundingMode::HalfEven || x.is_constant() {
            return Ok(None);
        }
        let scale = numbers(&q.scale, &x.shape)?;
        let zero = numbers(&q.zero_point, &x.shape)?;
        let same = |e: usize| x.step[e] == scale[e] && x.offset[e].integer_over(scale[e]).is_some();
        if x.divisor != 1 || (0..x.elements()).all(same) {
            return Ok(None);
        }
        let positive = |step: &Dyadic| !step.is_negative();
        let x = self.before_relu(x.clone(), q, &zero);
        let x = match x.step.iter().all(positive) {
            true => x,
            false => self.centred(name, x)?,
        };
        let Source::Value(id) = x.source else {
            return Err("its operand is a constant".into());
        };
        let zero = uniform(&zero).and_then(|zero| i64::try_from(zero.counts(0)?).ok());
        let zero = zero.ok_or("zero points that differ per channel have no exact form yet")?;
        let (minimum, maximum) = q.range.ok_or(PROPORTION)?;
        let range = (minimum - zero, maximum - zero);
        let single = self.of_dense_layer(node.inputs[0]);
        let mut first = Factors {
            multipliers: vec![],
            offsets: vec![],
            shifts: vec![],
        };
        let mut second = Vec::with_capacity(x.elements());
        for (e, scale) in scale.iter().enumerate() {
            let step = match single {
                // Of a dense layer the product of the scales is a single.
                true => f64::from(x.step[e].to_f64() as f32),
                false => x.step[e].to_f64(),
            };
            let (multiplier, shift) = multiplier(step / scale.to_f64(), twice)?;
            let counts = match x.offset[e].is_zero() {
                true => Some(0),
                false => x.offset[e].integer_over(x.step[e]),
            };
            let counts =
                counts.and_then(|counts| i64::try_from(counts).ok()?.checked_mul(multiplier));
            let counts = counts.ok_or(
                "an offset of its operand is no multiple of a count; this rescale needs biases on the grid of their sums",
            )?;
            let (left, right) = match twice {
                true => (shift.max(0), (-shift).max(0)),
                false => (shift, 0),
            };
            first.multipliers.push(multiplier);
            first.offsets.push(counts);
            first
                .shifts
                .push(u8::try_from(DIGITS - left).map_err(|_| PROPORTION)?);
            second.push(u8::try_from(right).map_err(|_| PROPORTION)?);
        }
        let step = vec![Dyadic::ONE; x.elements()];
        let value = match twice {
            false => self.clamped(name, id, first, Rounding::Rnd, range, &step)?,
            true => {
                let ty = Some(IntType::signed(WIDTH));
                let high = format!("{name}.high");
                let high = self.builder.rescale(
                    &high,
                    id,
                    first,
                    Rounding::Rnd,
                    Overflow::Sat,
                    ty,
                    &step,
                )?;
                let divided = Factors {
                    multipliers: vec![1; second.len()],
                    offsets: vec![0; second.len()],
                    shifts: second,
                };
                self.clamped(name, high, divided, Rounding::RndInf, range, &step)?
            }
        };
        Ok(Some(counted(x, value, step, Dyadic::integer(zero))))
    }

    /// Whether a value is the result of a dense layer, not of a convolution: perhaps behind its bias and its activation.
    fn of_dense_layer(&self, value: ValueId) -> bool {
        let Some(node) = self.graph.producing_node(value) else {
            return false;
        };
        match &node.op {
            Op::Dense { .. } | Op::MatMul => true,
            Op::Binary(Binary::Add) => node.inputs.iter().any(|v| self.of_dense_layer(*v)),
            Op::Unary(Unary::Relu | Unary::Clip { .. })
            | Op::Reshape { .. }
            | Op::ScaleShift { .. } => self.of_dense_layer(node.inputs[0]),
            _ => false,
        }
    }
}

/// ratio = multiplier · 2^(shift − 31), the multiplier at least 2^30 unless it is zero.
fn multiplier(ratio: f64, twice: bool) -> Lowered<(i64, i32)> {
    if ratio == 0.0 {
        return Ok((0, 0));
    }
    if !ratio.is_finite() {
        return Err(PROPORTION.into());
    }
    let mut shift = libm::ilogb(ratio) + 1;
    let mut multiplier = libm::round(libm::ldexp(ratio, DIGITS - shift)) as i64;
    if multiplier == 1 << DIGITS {
        multiplier /= 2;
        shift += 1;
    }
    // As the sources have it: what is too small is zero.
    if shift < -DIGITS {
        return Ok((0, 0));
    }
    match shift > DIGITS - 1 {
        true if twice => Err(PROPORTION.into()),
        true => Ok(((1 << DIGITS) - 1, DIGITS - 1)),
        false => Ok((multiplier, shift)),
    }
}
