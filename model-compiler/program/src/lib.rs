//! The integer program: the contract between the quantiser, the interpreter and every emitted crate.
//!
//! A [`Program`] is a list of values in single static assignment. Every value has a type (shape,
//! integer type, scale) and comes from one [`Operation`] with an exact integer meaning; weights
//! and tables are baked in. Nothing in it knows a board. [`Program::verify`] proves that no
//! accumulator can overflow, [`Program::to_text`] and [`Program::from_text`] are its written form.

mod ids;
mod input;
mod operation;
mod text;
mod trees;
mod types;
mod verify;

pub use ids::{ConstantId, InputId, SetId, ValueId};
pub use input::{
    Encoded, Encoding, Field, FieldOverflow, Input, Live, NotANumber, Set, WordRef, WordRounding,
};
pub use operation::{Operation, Product};
pub use text::{FORMAT_VERSION, TextError};
pub use trees::{TreeAggregate, Trees};
pub use types::{Dim, ExactF64, IntType, Overflow, Rounding, Scale, Shape};
pub use verify::{Interval, Proof, VerifyError};

/// An integer program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Name of the model, an identifier.
    pub name: String,
    /// Sets of constituents, each with its own multiplicity.
    pub sets: Vec<Set>,
    /// Inputs, in the order of an event's payload.
    pub inputs: Vec<Input>,
    /// Weights, biases and tables.
    pub constants: Vec<Constant>,
    /// Values, each after its operands.
    pub values: Vec<Value>,
    /// Outputs, in the order of an answer.
    pub outputs: Vec<Output>,
}

/// A value: an operation and the type of its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Unique name, an identifier; the layer's name in reports.
    pub name: String,
    /// Extents, the multiplicity first where there is one.
    pub shape: Shape,
    /// Integer type of every element.
    pub element: IntType,
    /// What a raw means.
    pub scale: Scale,
    /// How it is computed.
    pub operation: Operation,
}

/// Weights, biases or table entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Unique name, an identifier.
    pub name: String,
    /// Extents, row-major.
    pub shape: Vec<usize>,
    /// Integer type in which a crate stores it.
    pub element: IntType,
    /// Elements, row-major.
    pub data: Vec<i64>,
}

/// An output: a value under the name that the model gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name, as in the model.
    pub name: String,
    /// The value.
    pub value: ValueId,
}

impl Program {
    /// The value `id`.
    ///
    /// # Panics
    /// If `id` is not of this program.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// The constant `id`.
    ///
    /// # Panics
    /// If `id` is not of this program.
    pub fn constant(&self, id: ConstantId) -> &Constant {
        &self.constants[id.index()]
    }

    /// The set `id`.
    ///
    /// # Panics
    /// If `id` is not of this program.
    pub fn set(&self, id: SetId) -> &Set {
        &self.sets[id.index()]
    }

    /// The input `id`.
    ///
    /// # Panics
    /// If `id` is not of this program.
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.index()]
    }

    /// All values with their ids, in order.
    pub fn values(&self) -> impl Iterator<Item = (ValueId, &Value)> {
        self.values
            .iter()
            .enumerate()
            .map(|(i, v)| (ValueId::new(i), v))
    }

    /// Number of elements of a value when its sets hold `multiplicity` constituents.
    pub fn elements(&self, id: ValueId, multiplicity: usize) -> usize {
        self.value(id).shape.elements(multiplicity)
    }

    /// Multiply-accumulate operations of one event with `multiplicity` live constituents: one per
    /// weight of each dense layer and constituent, and those of products of two activations.
    pub fn macs(&self, multiplicity: usize) -> u64 {
        self.values
            .iter()
            .map(|value| match &value.operation {
                Operation::Dense { weights, .. } | Operation::DenseStepwise { weights, .. } => {
                    let per_row: usize = self.constant(*weights).shape.iter().product();
                    let rows = value.shape.rows(multiplicity);
                    (per_row * rows) as u64
                }
                Operation::MatMul { a, .. } => {
                    let inner = self.value(*a).shape.channels();
                    (value.shape.elements(multiplicity) * inner) as u64
                }
                _ => 0,
            })
            .sum()
    }

    /// Checks every invariant and proves every accumulator wide enough.
    ///
    /// # Errors
    /// The first invariant that does not hold, with the value that breaks it.
    pub fn verify(&self) -> Result<Proof, VerifyError> {
        verify::verify(self)
    }

    /// The raws that each channel of `value` can take, when those of the values before it are `known`:
    /// what [`Program::verify`] will prove of it, and the bound on its partial sums.
    ///
    /// # Errors
    /// When an operation's constants are not allowed, or a product leaves 63 bits.
    ///
    /// # Panics
    /// If an operand is not among the known values, or shapes do not fit.
    pub fn intervals_of(
        &self,
        value: &Value,
        known: &[Vec<Interval>],
    ) -> Result<(Vec<Interval>, i128), String> {
        verify::intervals_of(self, value, known)
    }

    /// The text form: versioned, integers exact, the same bytes for the same program.
    pub fn to_text(&self) -> String {
        text::write(self)
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// Where the text is not a program: line and what was expected. It is not verified yet.
    pub fn from_text(text: &str) -> Result<Self, TextError> {
        text::read(text)
    }
}
