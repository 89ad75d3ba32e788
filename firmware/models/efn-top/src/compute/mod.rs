//! The layers: what the plans of all cores share.

mod portable;
mod armv6m;
mod armv7e_dsp;
mod rv32im;

use hodoscope_kernels::{model::Observer, plans};

use crate::{Constituent, Outputs};

/// How the layers are computed: the same bits by each plan.
pub trait Plan {
    /// What a constituent adds to the sums.
    type Summands;

    /// The layers of one constituent.
    fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Self::Summands;

    /// One more constituent.
    fn add(sums: &mut Sums, summands: &Self::Summands);

    /// One fewer, exactly.
    fn subtract(sums: &mut Sums, summands: &Self::Summands);

    /// The sums over all constituents.
    #[inline(always)]
    fn constituents<'a, O: Observer>(all: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Sums {
        let mut sums = Sums::ZERO;
        for (words, row) in all.zip(0u16..) {
            Self::add(&mut sums, &Self::constituent(words, row, observer));
        }
        sums
    }

    /// The layers of one event.
    fn event<O: Observer>(sums: &Sums, observer: &mut O) -> Outputs;

    /// What is compared with a threshold, and no more.
    fn decision<O: Observer>(sums: &Sums, observer: &mut O) -> i32;
}

/// Sums over the constituents so far.
#[derive(Clone, Debug)]
pub struct Sums {
    v14: [i32; 16], // ReduceSum
}

impl Sums {
    /// Of no constituent.
    pub const ZERO: Self = Self {
        v14: [0; 16],
    };
}

macro_rules! same_steps {
    ($($plan:ident as $other:ident),+) => {$(
        impl Plan for plans::$plan {
            type Summands = <plans::$other as Plan>::Summands;

            #[inline(always)]
            fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Self::Summands {
                plans::$other::constituent(words, row, observer)
            }

            #[inline(always)]
            fn add(sums: &mut Sums, summands: &Self::Summands) {
                plans::$other::add(sums, summands);
            }

            #[inline(always)]
            fn subtract(sums: &mut Sums, summands: &Self::Summands) {
                plans::$other::subtract(sums, summands);
            }

            #[inline(always)]
            fn constituents<'a, O: Observer>(all: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Sums {
                plans::$other::constituents(all, observer)
            }

            #[inline(always)]
            fn event<O: Observer>(sums: &Sums, observer: &mut O) -> Outputs {
                plans::$other::event(sums, observer)
            }

            #[inline(always)]
            fn decision<O: Observer>(sums: &Sums, observer: &mut O) -> i32 {
                plans::$other::decision(sums, observer)
            }
        }
    )+};
}

// Cores whose plan would be the same, or was not asked for.
same_steps!(Rv32i as Portable);
