//! Circular and hyperbolic functions and their inverses: one row of facts each.

/// A circular or hyperbolic function of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circular {
    /// Sine, of radians.
    Sin,
    /// Cosine, of radians.
    Cos,
    /// Tangent, of radians.
    Tan,
    /// Arc sine, in radians.
    Asin,
    /// Arc cosine, in radians.
    Acos,
    /// Arc tangent, in radians.
    Atan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
}

/// What is known about a function.
struct Facts {
    name: &'static str,
    compute: fn(f32) -> f32,
    /// Where it is a number, ends included.
    domain: (f32, f32),
}

const EVERYWHERE: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

impl Circular {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Asin,
        Self::Acos,
        Self::Atan,
        Self::Sinh,
        Self::Cosh,
        Self::Asinh,
        Self::Acosh,
        Self::Atanh,
    ];

    fn facts(self) -> Facts {
        let (name, compute, domain): (_, fn(f32) -> f32, _) = match self {
            Self::Sin => ("Sin", libm::sinf, EVERYWHERE),
            Self::Cos => ("Cos", libm::cosf, EVERYWHERE),
            Self::Tan => ("Tan", libm::tanf, EVERYWHERE),
            Self::Asin => ("Asin", libm::asinf, (-1.0, 1.0)),
            Self::Acos => ("Acos", libm::acosf, (-1.0, 1.0)),
            Self::Atan => ("Atan", libm::atanf, EVERYWHERE),
            Self::Sinh => ("Sinh", libm::sinhf, EVERYWHERE),
            Self::Cosh => ("Cosh", libm::coshf, EVERYWHERE),
            Self::Asinh => ("Asinh", libm::asinhf, EVERYWHERE),
            Self::Acosh => ("Acosh", libm::acoshf, (1.0, f32::INFINITY)),
            Self::Atanh => ("Atanh", libm::atanhf, (-1.0, 1.0)),
        };
        Facts {
            name,
            compute,
            domain,
        }
    }

    /// The function's name, which is ONNX's, too.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The function of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    /// f(x), in single precision; NaN outside of the domain.
    pub fn compute(self, x: f32) -> f32 {
        (self.facts().compute)(x)
    }

    /// Smallest and largest x of which there is an f(x).
    pub fn domain(self) -> (f32, f32) {
        self.facts().domain
    }
}
