//! The tagger `efn-top`, compiled by Hodoscope 0.1.0.
//!
//! Detector words in, raw outputs out: exact integers, the same on every target.
#![no_std]
#![forbid(unsafe_code)]

mod compute;
mod weights;

use core::marker::PhantomData;

use compute::Plan;
use hodoscope_kernels::fixed;
use hodoscope_kernels::model::{EventError, InputInfo, Model, Observer, OutputInfo};
use hodoscope_kernels::payload;
pub use hodoscope_kernels::plans::{Portable, ArmV6m, ArmV7eDsp, Rv32im, Rv32i, Target};
use hodoscope_kernels::set::{Hardest, Pushed};

/// Largest multiplicity that is computed: of more, the hardest are kept.
pub const CAPACITY: usize = 32;

/// The tagger as planned for the core that it is built for: what a board runs.
pub type Deployed = EfnTop<Target>;

/// One constituent's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constituent {
    /// `x`: [pt of 0.25 GeV, 0 to 4095; deta of 0.017453292519943295 1, -51 to 51; dphi of 0.017453292519943295 rad, -51 to 51].
    pub x: [i16; 3],
}

impl Constituent {
    /// Whether the slot holds a constituent.
    #[inline]
    pub fn is_live(&self) -> bool {
        hodoscope_kernels::order::within(i32::from(self.x[0]), 0, 4095) != 0
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
    /// `probability`: one count is 2^-15.
    pub probability: [i16; 1],
}

impl Outputs {
    /// All raws, one output after the other.
    pub fn raws(&self) -> [i64; 1] {
        [self.probability[0].into()]
    }

    /// `probability` as a fixed-point number.
    pub fn probability(&self) -> fixed::FixedI16<fixed::types::extra::U15> {
        fixed::FixedI16::from_bits(self.probability[0])
    }
}

/// The tagger `efn-top`, as planned for the cores of `P`; holds an event that is arriving.
///
/// Of more than 32 live constituents the hardest are kept; ties keep those that came first.
#[derive(Clone, Debug)]
pub struct EfnTop<P = Target> {
    held: Hardest<Constituent, CAPACITY>,
    sums: compute::Sums,
    plan: PhantomData<P>,
}

impl<P: Plan> Default for EfnTop<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Plan> EfnTop<P> {
    /// An empty event.
    pub const fn new() -> Self {
        Self { held: Hardest::new(), sums: compute::Sums::ZERO, plan: PhantomData }
    }

    /// Computes one event, in whatever order its constituents stand; slots that are not live are
    /// passed over.
    pub fn run(constituents: &[Constituent]) -> Outputs {
        let live = constituents.iter().filter(|c| c.is_live());
        if live.clone().count() <= CAPACITY {
            return Self::compute(live, &mut ());
        }
        let mut held = Hardest::<&Constituent, CAPACITY>::new();
        for constituent in live {
            held.push(constituent, constituent.hardness());
        }
        Self::compute(held.iter().copied(), &mut ())
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
        self.held.clear();
        self.sums = compute::Sums::ZERO;
        outputs
    }

    fn compute<'a, O: Observer>(constituents: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Outputs {
        let sums = P::constituents(constituents, observer);
        P::event(&sums, observer)
    }
}

impl<P: Plan> Model for EfnTop<P> {
    const NAME: &'static str = "efn-top";
    const PROGRAM: [u8; 32] = [
        0xe1, 0x62, 0x8f, 0x70, 0x77, 0x9a, 0x2c, 0x84, 0xe9, 0xe6, 0x59, 0x9b, 0x02, 0x48, 0x63, 0x0b,
        0x7d, 0xf8, 0x61, 0xa7, 0xfb, 0x90, 0x7e, 0x96, 0xec, 0x44, 0x89, 0x8e, 0xf6, 0x14, 0x50, 0x53,
    ];
    const CAPACITY: usize = CAPACITY;
    const INPUTS: &'static [InputInfo] = &[
        InputInfo { name: "x", words: 3, bytes: 2, set: true },
    ];
    const OUTPUTS: &'static [OutputInfo] = &[
        OutputInfo { name: "probability", len: 1 },
    ];
    type Raws = [i64; 1];

    fn infer<O: Observer>(payload: &[u8], observer: &mut O) -> Result<Self::Raws, EventError> {
        let (_, rows) = payload::split(payload, 0, 6)?;
        let mut held = Hardest::<Constituent, CAPACITY>::new();
        for row in rows.chunks_exact(6) {
            let constituent = Constituent::read(row);
            if constituent.is_live() {
                held.push(constituent, constituent.hardness());
            }
        }
        Ok(Self::compute(held.iter(), observer).raws())
    }
}
