//! The tagger `vae-l1`, compiled by Hodoscope 0.1.0.
//!
//! Detector words in, raw outputs out: exact integers, the same on every target.
#![no_std]
#![forbid(unsafe_code)]

mod compute;
mod weights;

use core::marker::PhantomData;

use compute::Plan;
use hodoscope_kernels::fixed;
use hodoscope_kernels::model::{EventError, InputInfo, Model, Observer, OutputInfo, Raws};
use hodoscope_kernels::payload;
pub use hodoscope_kernels::plans::{Portable, ArmV6m, ArmV7eDsp, Rv32im, Rv32i, Target};

/// The tagger as planned for the core that it is built for: what a board runs.
pub type Deployed = VaeL1<Target>;

/// One event's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// `x`: [pt of 0.5 GeV, 0 to 2047; eta of 0.0435 1, -128 to 127; phi of 0.04363323129985824 rad, -72 to 71, periodic; and so on].
    pub x: [i16; 57],
}

/// Raw outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// `score`: one count is 2^-16.
    pub score: [i32; 1],
}

impl Outputs {
    /// All raws, one output after the other.
    pub fn raws(&self) -> [i64; 1] {
        [self.score[0].into()]
    }

    /// `score` as a fixed-point number.
    pub fn score(&self) -> fixed::FixedI32<fixed::types::extra::U16> {
        fixed::FixedI32::from_bits(self.score[0])
    }
}

impl Raws for Outputs {
    #[inline]
    fn get(&self, index: usize) -> Option<i64> {
        match index {
            0 => Some(self.score[0].into()),
            _ => None,
        }
    }
}

/// From where on `score` accepts an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold(i32);

impl Threshold {
    /// Accepts what has a raw of `score` of at least `raw`, exactly.
    #[must_use]
    pub const fn new(raw: i32) -> Self {
        Self(raw)
    }
}

/// The tagger `vae-l1`, as planned for the cores of `P`.
#[derive(Clone, Copy, Debug, Default)]
pub struct VaeL1<P = Target>(PhantomData<P>);

impl<P: Plan> VaeL1<P> {
    /// Computes one event.
    pub fn run(event: &Event) -> Outputs {
        P::event(event, &mut ())
    }

    /// Decides on one event: whether `score` reaches the threshold.
    pub fn accepts(event: &Event, threshold: Threshold) -> bool {
        P::event(event, &mut ()).score[0] >= threshold.0
    }
}

impl<P: Plan> Model for VaeL1<P> {
    const NAME: &'static str = "vae-l1";
    const PROGRAM: [u8; 32] = [
        0x89, 0xf5, 0x6b, 0x30, 0x8d, 0x38, 0x81, 0x3d, 0x33, 0xe0, 0x30, 0xee, 0x9f, 0x42, 0x29, 0x70,
        0x9d, 0x8a, 0x7c, 0x86, 0xd1, 0x2a, 0x1c, 0x33, 0x80, 0x0e, 0xf7, 0x74, 0xff, 0x87, 0x97, 0x24,
    ];
    const CAPACITY: usize = 0;
    const INPUTS: &'static [InputInfo] = &[
        InputInfo { name: "x", words: 57, bytes: 2, set: false },
    ];
    const OUTPUTS: &'static [OutputInfo] = &[
        OutputInfo { name: "score", len: 1 },
    ];
    type Raws = Outputs;

    fn infer<O: Observer>(payload: &[u8], observer: &mut O) -> Result<Self::Raws, EventError> {
        let (mut head, _) = payload::split(payload, 114, 0)?;
        let words = Event { x: payload::take(&mut head) };
        Ok(P::event(&words, observer))
    }
}
