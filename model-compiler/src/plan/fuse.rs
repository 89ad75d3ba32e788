//! Which values disappear into the kernel of the value that reads them.

use hodoscope_program::{Operation, Program, Proof, ValueId};

use super::Isa;
use super::accumulator::storage_bits;
use super::blocks::LEAST;
use super::rescale::{fits_dense_accumulator, follows, upper_scale};

/// For each value, whether its only reader computes it on the way: the sums of a dense layer
/// before their rescale, and a rescale before its relu, or before another rescale. Of an event's words that would take an array, whether all their readers
/// are rescales.
pub(super) fn absorbed(program: &Program, proof: &Proof, isa: Isa) -> Vec<bool> {
    let mut readers = vec![0usize; program.values.len()];
    for value in &program.values {
        for operand in value.operation.operands() {
            readers[operand.index()] += 1;
        }
    }
    for output in &program.outputs {
        readers[output.value.index()] += 1;
    }
    let mut absorbed = vec![false; program.values.len()];
    for (id, value) in program.values() {
        let operand = match &value.operation {
            Operation::Rescale { x, .. } | Operation::Relu { x } => *x,
            _ => continue,
        };
        // Words may have several rescales: each reads them where they arrive.
        let is_words = matches!(program.value(operand).operation, Operation::Input(_));
        if is_words {
            absorbed[operand.index()] = is_array(program, operand)
                && rescales(program, operand) == readers[operand.index()];
            continue;
        }
        if readers[operand.index()] != 1 {
            continue;
        }
        let before = &program.value(operand).operation;
        absorbed[operand.index()] = match (&value.operation, before) {
            (Operation::Rescale { .. }, Operation::Dense { .. }) => {
                // Where an instruction multiplies and keeps the upper half.
                let scales = || upper_scale(program, operand, value).is_some();
                fits_dense_accumulator(program, proof, operand, value)
                    || isa == Isa::ArmV7eDsp && scales()
            }
            (Operation::Relu { .. }, Operation::Rescale { .. }) => true,
            // Behind a dense layer the first of them ends it.
            (Operation::Rescale { .. }, Operation::Rescale { x, .. }) => {
                let is_layer = matches!(program.value(*x).operation, Operation::Dense { .. });
                !(is_layer && absorbed[x.index()]) && follows(program, proof, operand, id)
            }
            _ => false,
        };
    }
    absorbed
}

/// The rescale behind a relu that absorbed it, or the value itself.
pub(super) fn behind_relu(program: &Program, absorbed: &[bool], id: ValueId) -> ValueId {
    match program.value(id).operation {
        Operation::Relu { x } if absorbed[x.index()] => x,
        _ => id,
    }
}

/// How many rescales read a value.
fn rescales(program: &Program, id: ValueId) -> usize {
    let values = program.values.iter();
    let rescales =
        values.filter(|v| matches!(v.operation, Operation::Rescale { x, .. } if x == id));
    rescales.count()
}

/// Whether words would stand in an array that is worth to be saved. Those of a constituent are few.
fn is_array(program: &Program, id: ValueId) -> bool {
    let value = program.value(id);
    let bytes = usize::from(storage_bits(value.element) / 8);
    let is_row = value.shape.set().is_none() && value.shape.rows(1) == 1;
    is_row && bytes <= 4 && value.shape.channels() * bytes >= LEAST
}
