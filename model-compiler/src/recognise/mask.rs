//! Masks: which slots of a padded set hold a constituent.

use crate::graph::Comparison;

/// A condition on one input value, in the input's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicate {
    /// Input by index.
    pub input: usize,
    /// Channel of its row.
    pub channel: usize,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub threshold: f64,
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
}

impl Predicate {
    /// The same slots without an inversion: `!(x ≤ t)` is `x > t`. `None` for `x = t`, `x < t`.
    pub fn normal(self) -> Option<Self> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let comparison = match (self.comparison, self.inverted) {
            (Greater, false) | (LessOrEqual, true) => Greater,
            (GreaterOrEqual, false) | (Less, true) => GreaterOrEqual,
            (Equal, true) => {
                return Some(self);
            }
            _ => return None,
        };
        Some(Self {
            comparison,
            inverted: false,
            ..self
        })
    }

    /// Whether it holds for a value of the input.
    pub fn holds(self, value: f64) -> bool {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        let truth = match self.comparison {
            Greater => value > self.threshold,
            GreaterOrEqual => value >= self.threshold,
            Less => value < self.threshold,
            LessOrEqual => value <= self.threshold,
            Equal => value == self.threshold,
        };
        truth != self.inverted
    }
}
