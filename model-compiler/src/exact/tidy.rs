//! Values that nothing reads are dropped.

use hodoscope_program::{Constant, ConstantId, Operation, Program, Value, ValueId};

/// The program without values and constants that no output depends on. Inputs stay.
pub(super) fn without_dead(program: Program) -> Program {
    let mut live = vec![false; program.values.len()];
    for output in &program.outputs {
        live[output.value.index()] = true;
    }
    for (index, value) in program.values.iter().enumerate().rev() {
        live[index] |= matches!(value.operation, Operation::Input(_));
        if live[index] {
            for operand in value.operation.operands() {
                live[operand.index()] = true;
            }
        }
    }
    let mut values: Vec<Value> = Vec::new();
    let mut constants: Vec<Constant> = Vec::new();
    let mut moved = vec![ValueId::new(0); program.values.len()];
    for (index, mut value) in program.values.into_iter().enumerate() {
        if !live[index] {
            continue;
        }
        for operand in operands(&mut value.operation) {
            *operand = moved[operand.index()];
        }
        for constant in constants_of(&mut value.operation) {
            constants.push(program.constants[constant.index()].clone());
            *constant = ConstantId::new(constants.len() - 1);
        }
        moved[index] = ValueId::new(values.len());
        values.push(value);
    }
    let mut outputs = program.outputs;
    for output in &mut outputs {
        output.value = moved[output.value.index()];
    }
    Program {
        name: program.name,
        sets: program.sets,
        inputs: program.inputs,
        constants,
        values,
        outputs,
    }
}

fn operands(operation: &mut Operation) -> Vec<&mut ValueId> {
    match operation {
        Operation::Input(_) | Operation::Count { .. } => vec![],
        Operation::Rescale { x, .. }
        | Operation::Dense { x, .. }
        | Operation::DenseStepwise { x, .. }
        | Operation::Divide { x, .. }
        | Operation::Relu { x }
        | Operation::LeakyRelu { x, .. }
        | Operation::Clip { x, .. }
        | Operation::Table { x, .. }
        | Operation::Sum { x }
        | Operation::Max { x, .. }
        | Operation::ArgMax { x }
        | Operation::SumSquares { x }
        | Operation::Select { x, .. }
        | Operation::Reshape { x }
        | Operation::SquareRoot { x, .. }
        | Operation::Largest { x }
        | Operation::TopK { x, .. }
        | Operation::Gather { x, .. } => vec![x],
        Operation::Take { x, indices } => vec![x, indices],
        Operation::Trees(trees) => vec![&mut trees.x],
        Operation::Mul { a, b }
        | Operation::Add { a, b }
        | Operation::Sub { a, b }
        | Operation::MatMul { a, b }
        | Operation::Quotient { a, b, .. }
        | Operation::Larger { a, b }
        | Operation::Smaller { a, b }
        | Operation::SquaredError { a, b } => vec![a, b],
        Operation::Concat { parts } => parts.iter_mut().collect(),
    }
}

fn constants_of(operation: &mut Operation) -> Vec<&mut ConstantId> {
    match operation {
        Operation::Dense { weights, bias, .. } | Operation::DenseStepwise { weights, bias, .. } => {
            vec![weights, bias]
        }
        Operation::Table { table, .. } => vec![table],
        Operation::Max { empty, .. } => vec![empty],
        Operation::Trees(trees) => vec![&mut trees.nodes, &mut trees.roots, &mut trees.leaves],
        _ => vec![],
    }
}
