//! Fabric: the integer program as logic.
//!
//! A verified [`Program`](hodoscope_program::Program) becomes a [`Circuit`]: wires of one integer each, every one as wide as its
//! interval, constant matrices as shared shift-and-add trees. [`Circuit::evaluate`] is what the circuit means.

mod build;
mod circuit;
mod evaluate;
mod lower;
pub mod matrix;

pub use circuit::{Circuit, Module, Op, Port, Stream, Table, Wire, WireId};
pub use evaluate::{TooMany, Words};
pub use lower::{Options, Refused};
