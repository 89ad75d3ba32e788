//! Grows a program value by value, with unique names and types that hold.

use std::collections::HashSet;

use hodoscope_program::{
    Constant, ConstantId, Input, InputId, IntType, Operation, Overflow, Program, Rounding, Scale,
    Shape, Value, ValueId,
};

use crate::quantise::QuantiseError;
use crate::quantise::format::is_power_of_two;
use crate::quantise::words::Frame;
use crate::recognise::Network;

/// Type of an accumulator until its bound is proved.
pub(super) const ACCUMULATOR: IntType = IntType::signed(64);

/// A program under construction.
#[derive(Debug)]
pub(super) struct Builder {
    pub program: Program,
    names: HashSet<String>,
}

impl Builder {
    pub fn new(network: &Network, frame: &Frame) -> Self {
        Self {
            program: Program {
                name: identifier(&network.name),
                sets: frame.sets.clone(),
                inputs: frame.inputs.clone(),
                constants: vec![],
                values: vec![],
                outputs: vec![],
            },
            names: HashSet::new(),
        }
    }

    pub fn name(&self, id: ValueId) -> &str {
        &self.program.value(id).name
    }

    pub fn element(&self, id: ValueId) -> IntType {
        self.program.value(id).element
    }

    pub fn shape(&self, id: ValueId) -> &Shape {
        &self.program.value(id).shape
    }

    pub fn input(&mut self, index: usize) -> ValueId {
        let input: &Input = &self.program.inputs[index];
        let shape = match input.set {
            Some(set) => Shape::per_constituent(set, input.channels),
            None => Shape::row(input.channels),
        };
        let lsb: Vec<f64> = (0..input.channels).map(|c| input.field(c).lsb.0).collect();
        let (element, name) = (input.element(), input.name.clone());
        let operation = Operation::Input(InputId::new(index));
        self.push(&name, shape, element, scale(&lsb), operation)
    }

    pub fn constant(
        &mut self,
        name: &str,
        shape: Vec<usize>,
        element: IntType,
        data: Vec<i64>,
    ) -> ConstantId {
        // Equal ones are one.
        let is_equal = |c: &Constant| c.element == element && c.shape == shape && c.data == data;
        if let Some(index) = self.program.constants.iter().position(is_equal) {
            return ConstantId::new(index);
        }
        let name = self.unique(name);
        self.program.constants.push(Constant {
            name,
            shape,
            element,
            data,
        });
        ConstantId::new(self.program.constants.len() - 1)
    }

    #[allow(clippy::too_many_arguments)] // One per field of the operation.
    pub fn rescale(
        &mut self,
        name: &str,
        x: ValueId,
        multipliers: Vec<i64>,
        offsets: Vec<i64>,
        shifts: Vec<u8>,
        element: IntType,
        frac: i32,
    ) -> Result<ValueId, QuantiseError> {
        let operation = Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding: Rounding::Rnd,
            overflow: Overflow::Sat,
        };
        let shape = self.shape(x).clone();
        let name = format!("{name}.q");
        Ok(self.push(&name, shape, element, Scale::Pow2(frac), operation))
    }

    /// A value whose type is settled once all bounds are known.
    pub fn accumulate(
        &mut self,
        name: &str,
        shape: Shape,
        lsb: &[f64],
        operation: Operation,
    ) -> ValueId {
        self.push(name, shape, ACCUMULATOR, scale(lsb), operation)
    }

    pub fn push(
        &mut self,
        name: &str,
        shape: Shape,
        element: IntType,
        scale: Scale,
        operation: Operation,
    ) -> ValueId {
        let name = self.unique(name);
        self.program.values.push(Value {
            name,
            shape,
            element,
            scale,
            operation,
        });
        ValueId::new(self.program.values.len() - 1)
    }

    fn unique(&mut self, name: &str) -> String {
        let base = identifier(name);
        let mut candidate = base.clone();
        let mut count = 1;
        while !self.names.insert(candidate.clone()) {
            count += 1;
            candidate = format!("{base}.{count}");
        }
        candidate
    }
}

/// A name of the text form, from any name: `/phi/phi.0/MatMul` becomes `phi_phi.0_MatMul`.
pub(crate) fn identifier(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let replaced: String = name
        .trim_start_matches(|c: char| !legal(c))
        .chars()
        .map(|c| if legal(c) { c } else { '_' })
        .collect();
    if replaced.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        replaced
    } else {
        format!("v{replaced}")
    }
}

/// The scale of real LSBs.
pub(super) fn scale(lsb: &[f64]) -> Scale {
    let frac = |lsb: &f64| -libm::ilogb(*lsb);
    if !lsb.iter().all(|lsb| is_power_of_two(*lsb)) {
        let mut lsb: Vec<_> = lsb
            .iter()
            .map(|x| hodoscope_program::ExactF64(*x))
            .collect();
        super::collapse(&mut lsb);
        return Scale::Lsb(lsb);
    }
    let mut fracs: Vec<i32> = lsb.iter().map(frac).collect();
    super::collapse(&mut fracs);
    match fracs[..] {
        [frac] => Scale::Pow2(frac),
        _ => Scale::Pow2PerChannel(fracs),
    }
}

/// What a masked maximum takes for a slot that is empty, one count below all that its operand can reach. Until now that is
/// the smallest raw of an accumulator.
fn sentinels(program: &mut Program) -> Result<(), QuantiseError> {
    let lowest = ACCUMULATOR.minimum();
    let pending = program
        .values
        .iter()
        .filter_map(|value| match value.operation {
            Operation::Max { x, empty } => Some((x, empty)),
            _ => None,
        });
    let pending = pending.filter(|(_, empty)| {
        let data = &program.constants[empty.index()].data;
        data.iter().all(|raw| *raw == lowest)
    });
    let pending: Vec<(ValueId, ConstantId)> = pending.collect();
    if pending.is_empty() {
        return Ok(());
    }
    for (_, empty) in &pending {
        program.constants[empty.index()].data.fill(0);
    }
    // In order: what one of them is may be what the next one's operand can reach.
    for (x, empty) in pending {
        let reach = program.verify()?.interval(x);
        let below = i64::try_from(reach.minimum - 1).unwrap_or(lowest);
        let constant = &mut program.constants[empty.index()];
        constant.data.fill(below);
        constant.element = super::pooling::narrowest(&constant.data);
    }
    Ok(())
}

/// Gives every accumulator the narrowest of 32 and 64 bits that its proof allows, with room for
/// the rounding term of the rescale that reads it, and verifies the result.
pub(super) fn settle(mut program: Program) -> Result<Program, QuantiseError> {
    sentinels(&mut program)?;
    let proof = program.verify()?;
    let rounding_term = |id: ValueId| {
        let half = |value: &Value| match &value.operation {
            Operation::Rescale { x, shifts, .. } if *x == id => {
                shifts.iter().map(|s| (1i128 << s) >> 1).max().unwrap_or(0)
            }
            _ => 0,
        };
        program.values.iter().map(half).max().unwrap_or(0)
    };
    let narrow = IntType::signed(32);
    let fits =
        |id: ValueId| proof.bounds[id.index()] + rounding_term(id) <= i128::from(narrow.maximum());
    let settled: Vec<bool> = program
        .values()
        .map(|(id, value)| value.element == ACCUMULATOR && fits(id))
        .collect();
    for (value, settled) in program.values.iter_mut().zip(settled) {
        if settled {
            value.element = narrow;
        }
    }
    // Biases are stored like the accumulators they start.
    let biases: Vec<(ConstantId, IntType)> = program
        .values
        .iter()
        .filter_map(|value| match value.operation {
            Operation::Dense { bias, .. } => Some((bias, value.element)),
            _ => None,
        })
        .collect();
    for (bias, element) in biases {
        program.constants[bias.index()].element = element;
    }
    program.verify()?;
    Ok(program)
}
