//! Fabric: the integer program as logic.
//!
//! A verified [`Program`](hodoscope_program::Program) becomes a [`Circuit`]: wires of one integer each, every one as wide as its
//! interval, constant matrices as shared shift-and-add trees. [`Circuit::evaluate`] is what the circuit means. A
//! [`Schedule`] cuts it into pipeline stages, and [`verilog::write`] writes it.

mod build;
mod circuit;
mod evaluate;
mod lower;
pub mod matrix;
mod schedule;
pub mod verilog;

pub use circuit::{Circuit, Inlet, Layer, Module, Op, Port, Stream, Table, Wire, WireId};
pub use evaluate::{TooMany, Words};
pub use lower::{Options, Refused};
pub use schedule::{Cut, Schedule};
