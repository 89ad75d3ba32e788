//! The layers: what the plans of all cores share.

mod portable;
mod armv6m;
mod armv7e_dsp;
mod rv32im;

use hodoscope_kernels::{model::Observer, plans};

use crate::{Event, Outputs};

/// How the layers are computed: the same bits by each plan.
pub trait Plan {
    /// The layers of one event.
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs;
}

macro_rules! same_steps {
    ($($plan:ident as $other:ident),+) => {$(
        impl Plan for plans::$plan {
            #[inline(always)]
            fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs {
                plans::$other::event(words, observer)
            }
        }
    )+};
}

// Cores whose plan would be the same, or was not asked for.
same_steps!(Rv32i as Portable);
