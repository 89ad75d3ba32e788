//! Post-training quantisation: from the float network to the integer program.
//!
//! Scales are powers of two, per tensor for activations and per row for weights. A format is the
//! one with the least squared error over the calibration events; activations have 8 bits, and
//! those in which 8 bits lose most get 16 until the program's outputs agree with the float ones.

mod beyond;
mod calibration;
mod centre;
mod columns;
mod constituents;
mod general;
mod loss;
mod precision;
mod refused;
mod room;
mod rounding;
mod score;
mod statistics;
mod widen;

use crate::exact::ExactError;
use crate::graph::GraphError;
use hodoscope_program::{Program, VerifyError};

pub use calibration::{Calibration, CalibrationInput};
pub(crate) use centre::centre;
pub(crate) use constituents::constituents;
pub use general::quantise_graph;
pub(crate) use general::with_score;
pub use loss::Loss;
pub use score::Score;

/// What the user chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bits of a weight, 4 to 16.
    pub weights: u8,
    /// Bits of activations.
    pub activations: Activations,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            weights: 8,
            activations: Activations::Widened,
        }
    }
}

/// Bits of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activations {
    /// 8 bits, 16 where the calibration loss demands it.
    Widened,
    /// 8 bits for all.
    Eight,
    /// 16 bits for all.
    Sixteen,
}

/// A quantised network.
#[derive(Clone, Debug)]
pub struct Quantised {
    /// The program, verified.
    pub program: Program,
    /// The chosen formats, in the order of the layers.
    pub formats: Vec<TensorFormat>,
    /// What the calibration saw; nothing where the network came with its own quantisers.
    pub calibration: Option<CalibrationReport>,
}

/// The format of an activation tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorFormat {
    /// Name of the value in the program.
    pub name: String,
    /// Bits.
    pub width: u8,
    /// Fraction bits: one count is 2^−frac (of a normalised unit where inputs are equalised).
    pub frac: i32,
    /// Smallest and largest float value among the calibration events.
    pub range: (f32, f32),
    /// Signal over quantisation noise, in decibel.
    pub sqnr_db: f64,
}

/// What the calibration saw.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationReport {
    /// Number of events.
    pub events: usize,
    /// Mean number of live constituents; 0 without a set.
    pub mean_multiplicity: f64,
    /// Input values outside of their word's range.
    pub saturated: usize,
    /// Constituents that count in float, and not after rounding to words.
    pub lost: usize,
    /// How far the program's outputs are from the float ones.
    pub loss: Loss,
    /// On events how much larger than the calibration's outputs still are what the float network gives: words that are
    /// numbers are taken times 2, 4, 6 and 10.
    pub reach: Reach,
    /// Why formats with more bits or more room, which might have kept more, have no program; none where all of them have one.
    pub refused: Option<String>,
}

/// Events beyond what calibration saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// The largest factor at which outputs are those of the float network; 1 where they are at none, or no word can be larger.
    pub held: i64,
    /// The smallest factor at which they are not; none where no word can be larger, or they are at all that were tried.
    pub lost: Option<i64>,
    /// What outputs then miss of the float network's: root mean square over their range; 0 where none is lost.
    pub missed: f64,
}

/// Why a network was not quantised.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuantiseError {
    /// Options that cannot be.
    #[error("{0}")]
    Options(String),
    /// Calibration events that are not the model's.
    #[error("calibration: {0}")]
    Calibration(String),
    /// An input whose words are not stated well.
    #[error("input '{input}': {reason}")]
    Input {
        /// Its name.
        input: String,
        /// What is wrong.
        reason: String,
    },
    /// A layer that has no integer form.
    #[error("layer '{layer}': {reason}")]
    Layer {
        /// Its name.
        layer: String,
        /// What is wrong.
        reason: String,
    },
    /// The graph with quantisers has no exact integers.
    #[error(transparent)]
    Exact(#[from] ExactError),
    /// The float graph does not run.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The program that was made is not one: a fault of the quantiser.
    #[error("the quantised program does not verify: {0}")]
    Verify(#[from] VerifyError),
}

fn check(options: &Options) -> Result<(), QuantiseError> {
    if (4..=16).contains(&options.weights) {
        return Ok(());
    }
    let bits = options.weights;
    let reason = format!("{bits} bits for weights: 4 to 16 are supported");
    Err(QuantiseError::Options(reason))
}
