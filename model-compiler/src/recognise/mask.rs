//! Masks: which slots of a padded set hold a constituent.

use crate::graph::Comparison;

/// A condition on one input value: whether x·scale + shift compares with a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicate {
    /// Input by index.
    pub input: usize,
    /// Channel of its row.
    pub channel: usize,
    /// Factor before the comparison.
    pub scale: f64,
    /// Offset before the comparison.
    pub shift: f64,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub threshold: f32,
    /// Whether the truth value is turned around.
    pub inverted: bool,
}

/// What makes a slot live.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// The graph's own mask.
    Mask(Predicate),
    /// No mask, but a weight that is an input value: a slot in which it is zero adds nothing.
    Weight {
        /// Input by index.
        input: usize,
        /// Channel of its row.
        channel: usize,
    },
    /// The graph's own mask over several features: a slot is live where some value of the input is not this one.
    Any {
        /// Input by index.
        input: usize,
        /// The value of all features in an empty slot.
        value: f32,
    },
    /// No mask at all: padded slots count, and hold what empty words give.
    Padding,
}

impl Predicate {
    /// The same slots without an inversion where there is such a comparison: `!(x ≤ t)` is `x > t`.
    pub fn normal(self) -> Self {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let comparison = match (self.comparison, self.inverted) {
            (_, false) | (Equal, _) => return self,
            (LessOrEqual, true) => Greater,
            (Less, true) => GreaterOrEqual,
            (Greater, true) => LessOrEqual,
            (GreaterOrEqual, true) => Less,
        };
        Self {
            comparison,
            inverted: false,
            ..self
        }
    }

    /// Whether it holds for a value of the input, in the graph's own arithmetic.
    pub fn holds(self, value: f32) -> bool {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let compared = (f64::from(value) * self.scale + self.shift) as f32;
        let truth = match self.comparison {
            Greater => compared > self.threshold,
            GreaterOrEqual => compared >= self.threshold,
            Less => compared < self.threshold,
            LessOrEqual => compared <= self.threshold,
            Equal => compared == self.threshold,
        };
        truth != self.inverted
    }
}

impl Rule {
    /// Input and channel of the one value that it looks at, if it is one.
    pub fn place(self) -> Option<(usize, usize)> {
        match self {
            Self::Mask(p) => Some((p.input, p.channel)),
            Self::Weight { input, channel } => Some((input, channel)),
            Self::Any { .. } | Self::Padding => None,
        }
    }

    /// Whether a slot with this value, where [`Self::place`] says, is live.
    pub fn holds(self, value: f32) -> bool {
        match self {
            Self::Mask(p) => p.holds(value),
            Self::Weight { .. } => value != 0.0,
            Self::Any { value: empty, .. } => value != empty,
            Self::Padding => true,
        }
    }

    /// The opposite: live where this is not, if that can be said.
    pub fn inverted(self) -> Option<Self> {
        match self {
            Self::Mask(p) => Some(Self::Mask(Predicate {
                inverted: !p.inverted,
                ..p
            })),
            _ => None,
        }
    }
}
