//! The layers: what the plans of all cores share.

mod portable;
mod armv6m;
mod armv7e_dsp;
mod rv32im;

use hodoscope_kernels::model::Observer;

use crate::{Event, Outputs};

/// How the layers are computed: the same bits by each plan.
pub trait Plan {
    /// The layers of one event.
    fn event<O: Observer>(words: &Event, observer: &mut O) -> Outputs;
}

