//! From values to wires: every operation of the program, element by element.

mod dense;
mod divide;
mod elementwise;
mod order;
mod places;
mod pools;
mod rescale;
mod tables;
mod trees;

use hodoscope_program::{
    Dim, Input, InputId, Interval, Live, Operation, Program, Proof, Scale, Value, ValueId,
    VerifyError, WordRef,
};

use crate::build::Builder;
use crate::circuit::{Circuit, Inlet, Layer, Module, Port, Stream, WireId};
use crate::matrix::{self, Aim};

/// More wires than this are no circuit for one event per clock.
const WIRES: usize = 2_000_000;

/// How a program becomes a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is looked for where constant matrices become adders.
    pub aim: Aim,
}

impl Default for Options {
    fn default() -> Self {
        Self { aim: Aim::Shallow }
    }
}

/// Why a program does not become a circuit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no program.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Several sets.
    #[error(
        "sets {}: fabric takes the constituents of one set, one each clock; give the others a constant number of slots, as rows of an input",
        names.join(", ")
    )]
    Sets {
        /// Their names.
        names: Vec<String>,
    },
    /// More logic than any device has.
    #[error(
        "value '{value}' ({operation}): more than {WIRES} wires; every product has logic of its own in fabric: make the layer smaller, or take a soft-core"
    )]
    Large {
        /// Name of the value.
        value: String,
        /// Its operation.
        operation: &'static str,
    },
    /// More rows, columns or channels than an operation compares at once.
    #[error(
        "value '{value}' ({operation}): {what} is more than fabric compares at once, which is {limit}; take fewer, or a soft-core"
    )]
    Many {
        /// Name of the value.
        value: String,
        /// Its operation.
        operation: &'static str,
        /// What there is.
        what: String,
        /// What is allowed.
        limit: usize,
    },
}

/// A program while it is lowered.
struct Lowering<'p> {
    program: &'p Program,
    proof: Proof,
    options: Options,
    b: Builder,
    /// The wires of each value, row-major, of one constituent where there are several.
    values: Vec<Vec<WireId>>,
    layers: Vec<Layer>,
}

impl Circuit {
    /// The circuit of `program`.
    ///
    /// # Errors
    /// [`Refused`], with what to do instead.
    pub fn of(program: &Program, options: Options) -> Result<Self, Refused> {
        let proof = program.verify()?;
        if program.sets.len() > 1 {
            let names = program.sets.iter().map(|set| set.name.clone()).collect();
            return Err(Refused::Sets { names });
        }
        let mut lowering = Lowering {
            program,
            proof,
            options,
            b: Builder::default(),
            values: Vec::with_capacity(program.values.len()),
            layers: vec![],
        };
        let mut modules: Vec<Module> = Vec::new();
        let mut module_of: Vec<usize> = Vec::new();
        for (id, value) in program.values() {
            let operands = value.operation.operands();
            let latest = operands.iter().map(|o| module_of[o.index()]).max();
            let module = match latest {
                Some(latest) if !starts_a_module(&value.operation) => latest,
                _ if matches!(value.operation, Operation::Input(_)) && !modules.is_empty() => 0,
                _ => {
                    modules.push(Module {
                        name: value.name.clone(),
                        notes: vec![],
                    });
                    modules.len() - 1
                }
            };
            modules[module].notes.push(note(value));
            module_of.push(module);
            lowering.b.module = module;
            let large = Refused::Large {
                value: value.name.clone(),
                operation: value.operation.keyword(),
            };
            if lowering.estimate(value) > WIRES {
                return Err(large);
            }
            let wires = lowering.value(id, value)?;
            for (element, wire) in wires.iter().enumerate() {
                let label = &mut lowering.b.wires[wire.index()].label;
                label.get_or_insert((id.index() as u32, element as u32));
            }
            lowering.values.push(wires);
            if lowering.b.wires.len() > WIRES {
                return Err(large);
            }
        }
        let outputs = program.outputs.iter().map(|output| Port {
            name: output.name.clone(),
            wires: lowering.values[output.value.index()].clone(),
            width: program.value(output.value).element.width,
            is_signed: program.value(output.value).element.signed,
        });
        let outputs = outputs.collect();
        lowering.b.module = 0;
        let stream = lowering.stream();
        let inputs = program.inputs.iter().map(|input| Inlet {
            name: input.name.clone(),
            channels: input.channels,
            width: input.element().width,
            is_signed: input.element().signed,
            of_set: input.set.is_some(),
        });
        let circuit = Self {
            name: program.name.clone(),
            values: program.values.iter().map(|v| v.name.clone()).collect(),
            inputs: inputs.collect(),
            layers: lowering.layers,
            wires: lowering.b.wires,
            tables: lowering.b.tables,
            modules,
            outputs,
            stream,
        };
        Ok(circuit.without_the_unused())
    }

    /// Only the wires that something reads.
    fn without_the_unused(mut self) -> Self {
        let mut used = vec![false; self.wires.len()];
        let roots = self.outputs.iter().flat_map(|o| o.wires.iter().copied());
        for root in roots.chain(self.stream.as_ref().map(|s| s.live)) {
            used[root.index()] = true;
        }
        for index in (0..self.wires.len()).rev() {
            if used[index] {
                for operand in self.wires[index].op.operands() {
                    used[operand.index()] = true;
                }
            }
        }
        let mut names = vec![WireId::new(0); self.wires.len()];
        let mut wires = Vec::new();
        for (index, mut wire) in std::mem::take(&mut self.wires).into_iter().enumerate() {
            if used[index] {
                names[index] = WireId::new(wires.len());
                wire.op = wire.op.renamed(&|id| names[id.index()]);
                wires.push(wire);
            }
        }
        self.wires = wires;
        for wire in self.outputs.iter_mut().flat_map(|o| &mut o.wires) {
            *wire = names[wire.index()];
        }
        if let Some(stream) = &mut self.stream {
            stream.live = names[stream.live.index()];
        }
        self
    }
}

/// What is more than a few gates for each element.
fn starts_a_module(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Dense { .. }
            | Operation::DenseStepwise { .. }
            | Operation::MatMul { .. }
            | Operation::Sum { .. }
            | Operation::Max { .. }
            | Operation::SquaredError { .. }
            | Operation::SumSquares { .. }
            | Operation::Trees(_)
            | Operation::TopK { .. }
            | Operation::Quotient { .. }
            | Operation::SquareRoot { .. }
    )
}

/// A value in words.
fn note(value: &Value) -> String {
    let extents: Vec<String> = value
        .shape
        .0
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(n) => n.to_string(),
            Dim::Multiplicity(_) => "one constituent".to_owned(),
        })
        .collect();
    let scale = match &value.scale {
        Scale::Pow2(frac) => format!("frac {frac}"),
        Scale::Pow2PerChannel(_) => "a frac for each channel".to_owned(),
        Scale::Lsb(lsbs) if lsbs.len() == 1 => format!("lsb {:?}", lsbs[0]),
        Scale::Lsb(_) => "an lsb for each channel".to_owned(),
    };
    format!(
        "{}: {} [{}] {}, {scale}",
        value.name,
        value.operation.keyword(),
        extents.join(", "),
        value.element
    )
}

impl Lowering<'_> {
    fn of(&self, id: ValueId) -> Vec<WireId> {
        self.values[id.index()].clone()
    }

    fn channels(&self, id: ValueId) -> usize {
        self.program.value(id).shape.channels()
    }

    fn rows(&self, id: ValueId) -> Vec<Vec<WireId>> {
        let rows = self.values[id.index()].chunks(self.channels(id));
        rows.map(<[WireId]>::to_vec).collect()
    }

    /// About how many wires a value takes, so that what is far too large is not begun.
    fn estimate(&self, value: &Value) -> usize {
        let elements = value.shape.elements(1);
        let terms = |weights: hodoscope_program::ConstantId, bias| {
            let digits = |w: &i64| matrix::digits::count((*w).into());
            let of_row: usize = self.program.constant(weights).data.iter().map(digits).sum();
            let outputs: &hodoscope_program::Constant = self.program.constant(bias);
            (elements / outputs.data.len().max(1)).saturating_mul(of_row)
        };
        match &value.operation {
            Operation::Dense { weights, bias, .. }
            | Operation::DenseStepwise { weights, bias, .. } => terms(*weights, *bias),
            Operation::MatMul { a, .. } => elements.saturating_mul(2 * self.channels(*a)),
            Operation::Divide { .. } | Operation::Quotient { .. } => elements.saturating_mul(40),
            Operation::SquareRoot { .. } | Operation::Mantissa { .. } => {
                elements.saturating_mul(40)
            }
            Operation::TopK { x, .. } => elements.saturating_mul(self.channels(*x)),
            Operation::Take { x, .. } => {
                elements.saturating_mul(self.program.value(*x).shape.rows(1))
            }
            Operation::Trees(trees) => {
                let nodes = self.program.constant(trees.nodes).shape[0];
                elements.saturating_mul(nodes)
            }
            _ => elements,
        }
    }

    /// The wires of `value`, no wider than what is proved.
    fn value(&mut self, id: ValueId, value: &Value) -> Result<Vec<WireId>, Refused> {
        let wires = match &value.operation {
            Operation::Input(input) => self.input(*input),
            Operation::Rescale { .. }
            | Operation::Relu { .. }
            | Operation::LeakyRelu { .. }
            | Operation::Clip { .. }
            | Operation::Mul { .. }
            | Operation::Add { .. }
            | Operation::Sub { .. }
            | Operation::Larger { .. }
            | Operation::Smaller { .. } => self.elementwise(value),
            Operation::Dense { x, weights, bias } => self.dense(value, *x, *weights, *bias),
            Operation::DenseStepwise {
                x,
                weights,
                bias,
                product,
            } => self.stepwise(*x, *weights, *bias, product),
            Operation::MatMul { a, b } => self.mat_mul(value, *a, *b),
            Operation::Divide {
                x,
                divisor,
                rounding,
            } => self.divide(*x, *divisor, *rounding),
            Operation::Quotient {
                a,
                b,
                shift,
                rounding,
            } => self.quotient(value, (*a, *b), *shift, *rounding),
            Operation::SquareRoot { x, shift } => self.square_root(*x, *shift),
            Operation::Table { .. }
            | Operation::Interpolate { .. }
            | Operation::Exponent { .. }
            | Operation::Mantissa { .. } => self.table(value),
            Operation::Sum { .. }
            | Operation::Max { .. }
            | Operation::Count { .. }
            | Operation::SquaredError { .. }
            | Operation::SumSquares { .. } => self.pool(value),
            Operation::ArgMax { .. } | Operation::Largest { .. } | Operation::TopK { .. } => {
                self.order(value)?
            }
            Operation::Select { .. }
            | Operation::Concat { .. }
            | Operation::Reshape { .. }
            | Operation::Gather { .. }
            | Operation::Take { .. } => self.places(value),
            Operation::Trees(trees) => self.trees(trees),
        };
        let intervals = self.proof.intervals[id.index()].clone();
        let proved = |(index, wire): (usize, WireId)| {
            let interval = intervals[index % intervals.len()];
            match self.b.value_of(wire) {
                Some(_) => wire,
                None => self.b.narrow(wire, interval),
            }
        };
        Ok(wires.into_iter().enumerate().map(proved).collect())
    }

    fn input(&mut self, id: InputId) -> Vec<WireId> {
        let input = self.program.input(id);
        let channels = 0..input.channels;
        channels.map(|c| self.clamped(input, id, c)).collect()
    }

    /// A word, clamped to its field.
    fn clamped(&mut self, input: &Input, id: InputId, channel: usize) -> WireId {
        let port = Interval::of_type(input.element());
        let word = self.b.word(id.index(), channel, port, input.set.is_some());
        let field = input.field(channel);
        self.b
            .clamp(word, field.minimum.into(), field.maximum.into())
    }

    /// The set, and whether a slot of it holds a constituent.
    fn stream(&mut self) -> Option<Stream> {
        let program = self.program;
        let set = program.sets.first()?;
        let word = |this: &mut Self, at: WordRef| {
            this.clamped(program.input(at.input), at.input, at.channel)
        };
        let live = match set.live {
            Live::Always => self.b.constant(1),
            Live::Above {
                word: at,
                threshold,
            } => {
                let x = word(self, at);
                let threshold = self.b.constant(threshold.into());
                self.b.less(threshold, x)
            }
            Live::NotEqual { word: at, empty } => {
                let x = word(self, at);
                let is = self.b.equals(x, empty.into());
                self.b.not(is)
            }
            Live::NotEmpty { input } => {
                let mut empty = self.b.constant(1);
                for channel in 0..program.input(input).channels {
                    let x = word(self, WordRef { input, channel });
                    let code = program.input(input).field(channel).empty;
                    let is = self.b.equals(x, code.into());
                    empty = self.b.and(empty, is);
                }
                self.b.not(empty)
            }
        };
        Some(Stream {
            name: set.name.clone(),
            capacity: set.capacity,
            live,
            is_ordered: set.order.is_some(),
        })
    }
}
