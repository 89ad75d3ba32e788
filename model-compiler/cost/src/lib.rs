//! Cycle cost models of the cores that firmware runs on.
//!
//! A [`Core`] is a table of figures, each with its source, kept as data in `cores/NAME.toml`. There
//! are two ways to use it. Where only the kind and number of instructions is known, as in a choice
//! between layouts, [`Core::cycles`] adds up a [`Mix`]. Where every executed instruction is known, as
//! after an emulation, a [`Pipeline`] takes them one by one and also sees what depends on
//! neighbours: pairs of loads, results that are not ready, taken branches, dual issue, fetches from
//! a flash that waits. [`decode`] says what an encoded instruction is.
//!
//! What comes out is *modelled*: as good as the table. Figures of cores whose maker publishes none
//! are marked [`Core::approximate`].
//!
//! ```
//! use hodoscope_cost::{Class, Core, Mix};
//!
//! # fn main() -> Result<(), hodoscope_cost::CoreError> {
//! let m4 = Core::named("cortex-m4")?;
//! // Four loads back to back, four multiply-accumulates, and the loop's two instructions.
//! let mix = Mix::new()
//!     .with(Class::Load, 1)
//!     .with(Class::LoadNext, 3)
//!     .with(Class::MultiplyAccumulate, 4)
//!     .with(Class::Alu, 1)
//!     .with(Class::BranchTaken, 1);
//! assert_eq!(m4.cycles(&mix), 2 + 3 + 4 + 1 + 3);
//! # Ok(())
//! # }
//! ```

mod class;
mod core;
pub mod decode;
mod error;
mod figure;
mod mix;
mod pipeline;
mod table;

pub use class::Class;
pub use core::Core;
pub use decode::{DecodeError, Instruction, Registers};
pub use error::CoreError;
pub use figure::{Cache, Figure, InstructionSet, Issue, Prediction};
pub use mix::Mix;
pub use pipeline::{Access, Memory, Pipeline};
