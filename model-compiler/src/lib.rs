//! ONNX import, quantisation, planning and emission.

pub mod graph;
pub mod import;
