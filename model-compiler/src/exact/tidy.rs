//! Values that nothing reads are dropped, and constants that are equal are one: the steps of a recurrent layer share their
//! weights and tables.

use std::collections::HashMap;

use hodoscope_program::{Constant, ConstantId, IntType, Operation, Program, Value, ValueId};

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
    let mut known: HashMap<(&[usize], IntType, &[i64]), ConstantId> = HashMap::new();
    let mut moved = vec![ValueId::new(0); program.values.len()];
    for (index, mut value) in program.values.into_iter().enumerate() {
        if !live[index] {
            continue;
        }
        for operand in value.operation.operands_mut() {
            *operand = moved[operand.index()];
        }
        for constant in constants_of(&mut value.operation) {
            let own = &program.constants[constant.index()];
            let content = (&own.shape[..], own.element, &own.data[..]);
            *constant = *known.entry(content).or_insert_with(|| {
                constants.push(own.clone());
                ConstantId::new(constants.len() - 1)
            });
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

pub(super) fn constants_of(operation: &mut Operation) -> Vec<&mut ConstantId> {
    match operation {
        Operation::Dense { weights, bias, .. } | Operation::DenseStepwise { weights, bias, .. } => {
            vec![weights, bias]
        }
        Operation::Table { table, .. } | Operation::Interpolate { table, .. } => vec![table],
        Operation::Max { empty, .. } => vec![empty],
        Operation::Trees(trees) => vec![&mut trees.nodes, &mut trees.roots, &mut trees.leaves],
        _ => vec![],
    }
}
