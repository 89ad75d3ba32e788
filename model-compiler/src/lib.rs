//! ONNX import, quantisation, planning and emission.

pub mod graph;
pub mod import;
pub mod inputs;
pub mod quantise;
pub mod recognise;
