//! ONNX import, quantisation, planning and emission.
