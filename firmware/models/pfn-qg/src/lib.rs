//! The tagger `pfn-qg`, compiled by Hodoscope 0.1.0.
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
use hodoscope_kernels::set::{Hardest, Pushed};

/// Largest multiplicity that is computed: of more, the hardest are kept.
pub const CAPACITY: usize = 32;

/// The tagger as planned for the core that it is built for: what a board runs.
pub type Deployed = PfnQg<Target>;

/// One constituent's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constituent {
    /// `x`: [pt of 0.25 GeV, 0 to 4095; deta of 0.004363323129985824 1, -128 to 127; dphi of 0.004363323129985824 rad, -128 to 127].
    pub x: [i16; 3],
}

impl Constituent {
    /// Whether the slot holds a constituent.
    #[inline]
    pub fn is_live(&self) -> bool {
        hodoscope_kernels::order::within(i32::from(self.x[0]), 0, 4095) > 0
    }

    /// By what the hardest are kept when more than the capacity arrive.
    #[inline]
    pub fn hardness(&self) -> i32 {
        hodoscope_kernels::order::within(i32::from(self.x[0]), 0, 4095)
    }

    #[inline]
    fn read(mut bytes: &[u8]) -> Self {
        Self { x: payload::take(&mut bytes) }
    }
}

/// Raw outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outputs {
    /// `logit`: one count is 2^-13.
    pub logit: [i32; 1],
}

impl Outputs {
    /// All raws, one output after the other.
    pub fn raws(&self) -> [i64; 1] {
        [self.logit[0].into()]
    }

    /// `logit` as a fixed-point number.
    pub fn logit(&self) -> fixed::FixedI32<fixed::types::extra::U13> {
        fixed::FixedI32::from_bits(self.logit[0])
    }
}

impl Raws for Outputs {
    #[inline]
    fn get(&self, index: usize) -> Option<i64> {
        match index {
            0 => Some(self.logit[0].into()),
            _ => None,
        }
    }
}

/// From where on `logit` accepts an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold(i32);

impl Threshold {
    /// Accepts what has a raw of `logit` of at least `raw`, exactly.
    #[must_use]
    pub const fn new(raw: i32) -> Self {
        Self(raw)
    }
}

/// The tagger `pfn-qg`, as planned for the cores of `P`; holds an event that is arriving.
///
/// Of more than 32 live constituents the hardest are kept; ties keep those that came first.
#[derive(Clone, Debug)]
pub struct PfnQg<P = Target> {
    held: Hardest<Constituent, CAPACITY>,
    sums: compute::Sums,
    plan: PhantomData<P>,
}

impl<P: Plan> Default for PfnQg<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Plan> PfnQg<P> {
    /// An empty event.
    pub const fn new() -> Self {
        Self { held: Hardest::new(), sums: compute::Sums::ZERO, plan: PhantomData }
    }

    /// Computes one event, in whatever order its constituents stand; slots that are not live are
    /// passed over.
    pub fn run(constituents: &[Constituent]) -> Outputs {
        P::event(&Self::sums(constituents), &mut ())
    }

    /// Decides on one event as [`Self::run`] computes it: whether `logit` reaches the threshold.
    pub fn accepts(constituents: &[Constituent], threshold: Threshold) -> bool {
        P::event(&Self::sums(constituents), &mut ()).logit[0] >= threshold.0
    }

    fn sums(constituents: &[Constituent]) -> compute::Sums {
        let live = constituents.iter().filter(|c| c.is_live());
        if live.clone().count() <= CAPACITY {
            return P::constituents(live, &mut ());
        }
        let mut held = Hardest::<&Constituent, CAPACITY>::new();
        for constituent in live {
            held.push(constituent, constituent.hardness());
        }
        P::constituents(held.iter().copied(), &mut ())
    }

    /// Takes a constituent as it arrives, in any order, and computes its layers at once.
    pub fn push(&mut self, constituent: &Constituent) {
        if !constituent.is_live() {
            return;
        }
        match self.held.push(*constituent, constituent.hardness()) {
            Pushed::Kept => {}
            Pushed::Displaced(gone) => P::subtract(&mut self.sums, &P::constituent(&gone, 0, &mut ())),
            Pushed::Dropped => return,
        }
        P::add(&mut self.sums, &P::constituent(constituent, 0, &mut ()));
    }

    /// Number of constituents that are kept so far.
    pub fn multiplicity(&self) -> usize {
        self.held.len()
    }

    /// Ends the event: computes the outputs and starts an empty one.
    pub fn finish(&mut self) -> Outputs {
        let outputs = P::event(&self.sums, &mut ());
        self.clear();
        outputs
    }

    /// Ends the event: decides whether `logit` reaches the threshold, and starts an empty one.
    pub fn decide(&mut self, threshold: Threshold) -> bool {
        let is_accepted = P::event(&self.sums, &mut ()).logit[0] >= threshold.0;
        self.clear();
        is_accepted
    }

    fn clear(&mut self) {
        self.held.clear();
        self.sums = compute::Sums::ZERO;
    }

    fn compute<'a, O: Observer>(constituents: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Outputs {
        let sums = P::constituents(constituents, observer);
        P::event(&sums, observer)
    }
}

impl<P: Plan> Model for PfnQg<P> {
    const NAME: &'static str = "pfn-qg";
    const PROGRAM: [u8; 32] = [
        0x04, 0x30, 0x08, 0x29, 0x3a, 0xd7, 0xed, 0x64, 0xf2, 0x1a, 0xb1, 0xae, 0x17, 0xbf, 0xc6, 0x41,
        0x6c, 0x01, 0x1f, 0x0e, 0x6f, 0x4b, 0xdf, 0xfc, 0xe9, 0x33, 0x6f, 0xb4, 0xbb, 0x66, 0xf8, 0x27,
    ];
    const CAPACITY: usize = CAPACITY;
    const INPUTS: &'static [InputInfo] = &[
        InputInfo { name: "x", words: 3, bytes: 2, set: true },
    ];
    const OUTPUTS: &'static [OutputInfo] = &[
        OutputInfo { name: "logit", len: 1 },
    ];
    type Raws = Outputs;

    fn infer<O: Observer>(payload: &[u8], observer: &mut O) -> Result<Self::Raws, EventError> {
        let (_, rows) = payload::split(payload, 0, 6)?;
        let mut held = Hardest::<Constituent, CAPACITY>::new();
        for row in rows.chunks_exact(6) {
            let constituent = Constituent::read(row);
            if constituent.is_live() {
                held.push(constituent, constituent.hardness());
            }
        }
        Ok(Self::compute(held.iter(), observer))
    }
}
