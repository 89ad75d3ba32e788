//! Quantisers: how a real number becomes an integer, as QONNX and ONNX's QuantizeLinear define it.

use super::Tensor;

/// How a quotient becomes an integer; the names are those of QONNX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundingMode {
    /// To the nearest, halves to even (`ROUND`, `HALF_EVEN`).
    HalfEven,
    /// Towards +∞ (`CEIL`).
    Ceil,
    /// Towards −∞ (`FLOOR`).
    Floor,
    /// Away from zero (`UP`).
    Up,
    /// Towards zero (`DOWN`, `ROUND_TO_ZERO`).
    Down,
    /// To the nearest, halves away from zero (`HALF_UP`).
    HalfUp,
    /// To the nearest, halves towards zero (`HALF_DOWN`).
    HalfDown,
    /// To the nearest, halves towards +∞: `AP_RND`, and what our own quantiser does.
    HalfCeil,
}

impl RoundingMode {
    /// The integer of `x`.
    pub fn apply(self, x: f32) -> f32 {
        match self {
            Self::HalfEven => x.round_ties_even(),
            Self::Ceil => x.ceil(),
            Self::Floor => x.floor(),
            Self::Up => x.abs().ceil().copysign(x),
            Self::Down => x.trunc(),
            Self::HalfUp => (x.abs() + 0.5).floor().copysign(x),
            Self::HalfDown => (x.abs() - 0.5).ceil().copysign(x),
            Self::HalfCeil => (x + 0.5).floor(),
        }
    }
}

/// From a real number to an integer: q = clamp(round(x / scale) + zero point), or, with `zero_first`,
/// q = round(clamp(x / scale + zero point)).
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiser {
    /// Value of one count, positive; broadcasts to the operand.
    pub scale: Tensor,
    /// The integer of zero; broadcasts to the operand.
    pub zero_point: Tensor,
    /// Smallest and largest integer; none for an integer of any size.
    pub range: Option<(i64, i64)>,
    /// How the quotient is rounded.
    pub rounding: RoundingMode,
    /// Whether the zero point is added before rounding (QONNX) or after it (ONNX).
    pub zero_first: bool,
}

impl Quantiser {
    /// The integer of `x`, computed in `f32` as the exporters' own runtimes do.
    pub fn apply(&self, x: f32, scale: f32, zero_point: f32) -> f32 {
        let clamp = |q: f32| match self.range {
            Some((minimum, maximum)) => q.max(minimum as f32).min(maximum as f32),
            None => q,
        };
        if self.zero_first {
            self.rounding.apply(clamp(x / scale + zero_point))
        } else {
            clamp(self.rounding.apply(x / scale) + zero_point)
        }
    }
}
