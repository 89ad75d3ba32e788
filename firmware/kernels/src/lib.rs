//! Integer kernels of Hodoscope: what emitted crates call.
//!
//! Every kernel has a portable body; those that an instruction set makes faster have an assembly
//! body as well, in [`arch`]. A kernel works on slices and is always inlined: an emitted crate
//! calls it with arrays, so that every length is a constant where it is compiled.
//!
//! The planner has proved, from the program's weights and ranges, that no accumulator overflows;
//! kernels check nothing again.
#![no_std]

pub mod arch;
pub mod decide;
pub mod divide;
pub mod function;
pub mod gather;
pub mod grid;
pub mod layout;
pub mod matrix;
pub mod model;
pub mod number;
pub mod order;
pub mod payload;
pub mod plans;
pub mod quotient;
pub mod rank;
pub mod reduce;
pub mod rescale;
pub mod root;
pub mod rounding;
pub mod set;
pub mod slot;
pub mod stepwise;
pub mod trees;
pub mod unary;

pub use fixed;
pub use heapless;
