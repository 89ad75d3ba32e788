//! What can be wrong with a model, said so that its author knows what to change.

use crate::graph::GraphError;
use std::path::PathBuf;

/// Why a model cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The bytes are no ONNX model.
    #[error("not an ONNX model: {detail}")]
    NotOnnx {
        /// What they look like, or where decoding stopped.
        detail: String,
    },
    /// An operator set whose meaning is not known here.
    #[error("operator set '{domain}' version {version} is not supported; {hint}")]
    Opset {
        /// The domain; `ai.onnx` for ONNX's own.
        domain: String,
        /// The version.
        version: i64,
        /// What to do.
        hint: String,
    },
    /// An operator that is not supported.
    #[error("node '{node}': operator {operator} is not supported; {hint}")]
    Operator {
        /// The node.
        node: String,
        /// The operator, with its domain unless that is ONNX's own.
        operator: String,
        /// What to do.
        hint: String,
    },
    /// An attribute that is missing, has the wrong type, or a value that is not supported.
    #[error("node '{node}': {operator}: attribute '{attribute}' {detail}")]
    Attribute {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
        /// The attribute.
        attribute: String,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// Operands that are missing, must be constant, or do not fit.
    #[error("node '{node}': {operator}: {detail}")]
    Operand {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// Shapes that do not fit.
    #[error("node '{node}': {operator}: {source}")]
    Graph {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
        /// What does not fit.
        source: GraphError,
    },
    /// A value that nothing defines.
    #[error("node '{node}': {operator} reads '{value}', {detail}")]
    MissingValue {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
        /// The value.
        value: String,
        /// Why it is not there.
        detail: String,
    },
    /// A name that is defined twice.
    #[error(
        "value '{value}' is defined more than once (again by node '{node}'): the file is corrupt"
    )]
    Duplicate {
        /// The value.
        value: String,
        /// The second definition.
        node: String,
    },
    /// A name that cannot be shown.
    #[error("{what} '{name}': its name {detail}; rename it, as `onnx.helper` or the export can")]
    Name {
        /// What has it.
        what: &'static str,
        /// The name, its beginning, and without what would lead a reader astray.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A constant that cannot be read.
    #[error("tensor '{tensor}': {detail}")]
    Tensor {
        /// The tensor.
        tensor: String,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// A constant with a NaN or an infinity.
    #[error(
        "tensor '{tensor}': element {index} is {value}; a network with such a weight has no meaning, was the training stable?"
    )]
    NonFinite {
        /// The tensor.
        tensor: String,
        /// The element, in row-major order.
        index: usize,
        /// What it is.
        value: f32,
    },
    /// A graph input whose type or shape cannot be handled.
    #[error("input '{input}': {detail}")]
    Input {
        /// The input.
        input: String,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// A graph input with an unknown extent that is not the batch.
    #[error(
        "input '{input}': axis {axis} has no fixed extent ({name}); export the model with a fixed size there (only the \
         leading axis may be dynamic), or state the extent of '{name}'"
    )]
    DynamicDimension {
        /// The input.
        input: String,
        /// The axis.
        axis: usize,
        /// The extent's name in the file, or `INPUT:AXIS`; the key of [`Options::extents`](super::Options::extents).
        name: String,
    },
    /// An extent was stated of an axis that is not open.
    #[error("the extent of '{name}' was stated, and no input leaves such an axis open: {open}")]
    StatedExtent {
        /// The axis's name, or `INPUT:AXIS`.
        name: String,
        /// The axes that are open, for the message.
        open: String,
    },
    /// A graph output that cannot be given.
    #[error("output '{output}': {detail}")]
    Output {
        /// The output.
        output: String,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// Constants or shape arithmetic beyond any sensible network.
    #[error(
        "node '{node}': {operator}: folding the model's constants takes more than is allowed; {hint}"
    )]
    Budget {
        /// The node.
        node: String,
        /// The operator.
        operator: String,
        /// What to do.
        hint: String,
    },
}
