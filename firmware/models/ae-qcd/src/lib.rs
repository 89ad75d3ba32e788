//! The tagger `ae-qcd`, compiled by Hodoscope 0.1.0.
//!
//! Detector words in, raw outputs out: exact integers, the same on every target.
#![no_std]
#![forbid(unsafe_code)]

mod compute;
mod weights;

use core::marker::PhantomData;

use compute::Plan;
use hodoscope_kernels::model::{EventError, InputInfo, Model, Observer, OutputInfo, Raws};
use hodoscope_kernels::payload;
pub use hodoscope_kernels::plans::{Portable, ArmV6m, ArmV7eDsp, Rv32im, Rv32i, Target};

/// The tagger as planned for the core that it is built for: what a board runs.
pub type Deployed = AeQcd<Target>;

/// One event's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// `x`: [pt of 0.25 GeV, 0 to 4095; deta of 0.004363323129985824 1, -256 to 255; dphi of 0.004363323129985824 rad, -256 to 255; and so on].
    pub x: [i16; 48],
}

/// Raw outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// `score`: one count is 5.086263172415784e-6.
    pub score: [i32; 1],
}

impl Outputs {
    /// All raws, one output after the other.
    pub fn raws(&self) -> [i64; 1] {
        [self.score[0].into()]
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

/// The tagger `ae-qcd`, as planned for the cores of `P`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AeQcd<P = Target>(PhantomData<P>);

impl<P: Plan> AeQcd<P> {
    /// Computes one event.
    pub fn run(event: &Event) -> Outputs {
        P::event(event, &mut ())
    }

    /// Decides on one event: whether `score` reaches the threshold.
    pub fn accepts(event: &Event, threshold: Threshold) -> bool {
        P::event(event, &mut ()).score[0] >= threshold.0
    }
}

impl<P: Plan> Model for AeQcd<P> {
    const NAME: &'static str = "ae-qcd";
    const PROGRAM: [u8; 32] = [
        0x9b, 0xc0, 0xf0, 0x90, 0xa9, 0xc6, 0xfb, 0x58, 0x0e, 0xb4, 0xb3, 0x71, 0x65, 0x61, 0x15, 0x6d,
        0xb2, 0x6f, 0xe2, 0xb9, 0x96, 0xe0, 0x6a, 0x82, 0x52, 0x33, 0x04, 0x30, 0x1d, 0xb4, 0x3f, 0xe0,
    ];
    const CAPACITY: usize = 0;
    const INPUTS: &'static [InputInfo] = &[
        InputInfo { name: "x", words: 48, bytes: 2, set: false },
    ];
    const OUTPUTS: &'static [OutputInfo] = &[
        OutputInfo { name: "score", len: 1 },
    ];
    type Raws = Outputs;

    fn infer<O: Observer>(payload: &[u8], observer: &mut O) -> Result<Self::Raws, EventError> {
        let (mut head, _) = payload::split(payload, 96, 0)?;
        let words = Event { x: payload::take(&mut head) };
        Ok(P::event(&words, observer))
    }
}
