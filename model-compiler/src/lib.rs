//! ONNX import, quantisation, planning and emission.

pub mod emit;
pub mod exact;
pub mod graph;
pub mod import;
pub mod inputs;
pub mod plan;
pub mod quantise;

mod compile;
mod format;
mod functions;
mod names;
mod windows;

pub use compile::{
    CompileError, Compiled, Planned, Road, Tabulated, Target, compile, compile_for,
    compile_quantised, emit_program, quantised, trial,
};
