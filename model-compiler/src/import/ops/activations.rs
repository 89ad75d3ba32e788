//! Activation functions by name, as recurrent layers, fused operators and newer operator sets have them.

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use crate::graph::{Binary, Comparison, Kind, Op, Unary};

/// A function of one element that may take several operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Activation {
    Function(Unary),
    /// α·x + β.
    Affine(f32, f32),
    /// α·tanh(β·x).
    ScaledTanh(f32, f32),
    /// x where x > α, else 0.
    Thresholded(f32),
}

/// Which of α and β a function has, with their defaults.
type Defaults = [Option<Option<f32>>; 2];

impl Activation {
    /// Names that are known, for messages.
    pub const NAMES: &'static str = "Sigmoid, HardSigmoid, Tanh, ScaledTanh, Relu, LeakyRelu, ThresholdedRelu, Elu, Affine, \
                                     Softsign and Softplus";

    /// The defaults of a function, by its name in lower case; nothing where there is none of that name.
    fn defaults(name: &str) -> Option<Defaults> {
        let none = [None, None];
        Some(match name {
            "sigmoid" | "tanh" | "relu" | "softsign" | "softplus" => none,
            "leakyrelu" => [Some(Some(0.01)), None],
            "thresholdedrelu" | "elu" => [Some(Some(1.0)), None],
            "hardsigmoid" => [Some(Some(0.2)), Some(Some(0.5))],
            "affine" | "scaledtanh" => [Some(None), Some(None)],
            _ => return None,
        })
    }

    /// The next function of a list: α and β are taken from lists of those that have some, in order.
    pub fn next(
        name: &str,
        alphas: &mut dyn Iterator<Item = f32>,
        betas: &mut dyn Iterator<Item = f32>,
    ) -> Result<Self, String> {
        let lower = name.to_ascii_lowercase();
        let defaults = Self::defaults(&lower)
            .ok_or_else(|| format!("has '{name}': {} are supported", Self::NAMES))?;
        let parameter = |which: usize, list: &mut dyn Iterator<Item = f32>| {
            let letter = ["alpha", "beta"][which];
            match defaults[which] {
                None => Ok(0.0),
                Some(default) => list
                    .next()
                    .or(default)
                    .ok_or_else(|| format!("has '{name}' without its {letter}")),
            }
        };
        let (alpha, beta) = (parameter(0, alphas)?, parameter(1, betas)?);
        Ok(match lower.as_str() {
            "sigmoid" => Self::Function(Unary::Sigmoid),
            "tanh" => Self::Function(Unary::Tanh),
            "relu" => Self::Function(Unary::Relu),
            "softsign" => Self::Function(Unary::Softsign),
            "softplus" => Self::Function(Unary::Softplus),
            "leakyrelu" => Self::Function(Unary::LeakyRelu { alpha }),
            "elu" => Self::Function(Unary::Elu { alpha }),
            "hardsigmoid" => Self::Function(Unary::HardSigmoid { alpha, beta }),
            "thresholdedrelu" => Self::Thresholded(alpha),
            "scaledtanh" => Self::ScaledTanh(alpha, beta),
            _ => Self::Affine(alpha, beta),
        })
    }

    /// The function of a value.
    pub fn apply(self, c: &mut Compose<'_, '_, '_>, x: &Value) -> Result<Value, ImportError> {
        let scaled = |c: &mut Compose<'_, '_, '_>, x: &Value, scale: f32, shift: f32| {
            let op = Op::ScaleShift {
                axis: c.shape(x).len().saturating_sub(1),
                scale: vec![scale.into()],
                shift: vec![shift.into()],
            };
            c.context
                .apply(c.node, Kind::Float, op, std::slice::from_ref(x))
        };
        match self {
            Self::Function(function) => c.unary(function, x),
            Self::Affine(alpha, beta) => scaled(c, x, alpha, beta),
            Self::ScaledTanh(alpha, beta) => {
                let inner = scaled(c, x, beta, 0.0)?;
                let inner = c.unary(Unary::Tanh, &inner)?;
                scaled(c, &inner, alpha, 0.0)
            }
            Self::Thresholded(alpha) => {
                let (bound, zero) = (c.number(alpha)?, c.number(0.0)?);
                let above = c.compare(Comparison::Greater, x, &bound)?;
                c.choose(&above, x, &zero)
            }
        }
    }
}

/// ThresholdedRelu: x where x > α, else 0.
pub(super) fn thresholded_relu(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let alpha = node.float("alpha")?.unwrap_or(1.0);
    let mut c = Compose::new(context, node);
    Ok(vec![Activation::Thresholded(alpha).apply(&mut c, &x)?])
}

/// x·σ(α·x): Swish of operator set 24, and onnxruntime's QuickGelu.
pub(super) fn swish(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let default = if node.proto.op_type == "QuickGelu" {
        1.702
    } else {
        1.0
    };
    let alpha = node.float("alpha")?.unwrap_or(default);
    let mut c = Compose::new(context, node);
    let inner = match alpha == 1.0 {
        true => x.clone(),
        false => Activation::Affine(alpha, 0.0).apply(&mut c, &x)?,
    };
    let gate = c.unary(Unary::Sigmoid, &inner)?;
    Ok(vec![c.binary(Binary::Mul, &x, &gate)?])
}

/// Shrink: x + bias below −λ, x − bias above λ, else 0; of `torch.nn.Softshrink` and `Hardshrink`.
pub(super) fn shrink(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let lambda = node.float("lambd")?.unwrap_or(0.5);
    let bias = node.float("bias")?.unwrap_or(0.0);
    let mut c = Compose::new(context, node);
    if bias == lambda && lambda >= 0.0 {
        let cut = Unary::Clip {
            min: -lambda,
            max: lambda,
        };
        let cut = c.unary(cut, &x)?;
        return Ok(vec![c.binary(Binary::Sub, &x, &cut)?]);
    }
    let (low, high, zero) = (c.number(-lambda)?, c.number(lambda)?, c.number(0.0)?);
    let above = c.compare(Comparison::Greater, &x, &high)?;
    let below = c.compare(Comparison::Less, &x, &low)?;
    let (plus, minus) = match bias == 0.0 {
        true => (x.clone(), x.clone()),
        false => (
            c.with(Binary::Add, &x, bias)?,
            c.with(Binary::Sub, &x, bias)?,
        ),
    };
    let upper = c.choose(&above, &minus, &zero)?;
    Ok(vec![c.choose(&below, &plus, &upper)?])
}
