//! The worst case of a soft-core's firmware, from its code alone.
//!
//! The firmware is executed, in a simple model of the instruction set, with an event of a given
//! multiplicity. From the beginning of the inference the words of the event are *data*, and so is
//! whatever is computed from them; all else (addresses, loop counters, lengths) is the same for
//! every event. Where it depended on data to where something is stored or jumped, there would be no
//! bound, and the walk ends with an error. A branch may depend on data where a mask takes a
//! constituent out, or where an index is checked: such branches are counted, and each is also taken
//! the other way.
//!
//! So loops need no annotation, nothing is sampled, and the path stands for all events of its
//! multiplicity with live constituents: [`Bound::instructions`] holds for each of them.
//! [`Bound::at_most`] adds up what each instruction takes at most by the core's table in
//! `hodoscope-cost`, with all caches empty at first; a read whose address depends on data may be anywhere
//! in the cache. Of a number it is known bit by bit whether it depends on data, and so how the entry of
//! a table lies in a line.
//!
//! [`modelled`] prices the path of given events instead, with the caches as the events before left them.
//!
//! [`Walk`] gives the path instruction by instruction.

mod cache;
mod cost;
mod error;
mod events;
mod execute;
mod expand;
mod loose;
mod memory;
mod price;
mod value;
mod walk;

pub use cost::Bound;
pub use error::BoundError;
pub use events::modelled;
pub use memory::Image;
pub use walk::{LooseAddress, Step, Walk};
