//! Layers that are compared block by block, called as an emitted crate calls them.

use hodoscope_compiler::plan::layout::Parts;
use hodoscope_compiler::plan::{Accumulator, Kernel, Plan, Step};
use hodoscope_kernels::reduce;
use hodoscope_program::{Dim, Shape, ValueId};

use crate::row::Row;
use crate::{Array, Executor, groups};

/// The squared error of `step`, of which one operand is computed in blocks.
///
/// # Panics
/// If a block is not as long as the emitted loop takes it.
pub fn error(
    executor: &Executor<'_>,
    step: &Step,
    operands: [ValueId; 2],
    accumulator: Accumulator,
    values: &[Option<Array>],
) -> Array {
    let plan = executor.plan;
    let (blocks, layer_step) = plan.compared(step).expect("a layer in blocks");
    let parts = plan.parts(layer_step).expect("a layer in blocks");
    let other = operands.iter().find(|id| **id != blocks.result);
    let other = other.expect("another operand");
    let of = |id: ValueId| values[id.index()].as_ref().expect("operands come before");
    let stored = plan.program.value(*other).element;
    let (x, other) = (of(layer_step.kernel.operands()[0]), of(*other).raws());
    let element = plan.program.value(blocks.result).element;
    let mut sum = 0i64;
    for (number, other) in other.chunks(blocks.rows).enumerate() {
        let block = Array::new(
            element,
            &block(executor, layer_step, &parts, (number, other.len()), x),
        );
        let other = Array::new(stored, other);
        sum += accumulate!(accumulator, a = &block, b = &other => {
            i64::from(reduce::squared_error::<A, _, _>(a, b))
        });
    }
    Array::new(plan.program.value(step.result).element, &[sum])
}

/// The results of block number `number`, of `rows` rows, from its part of the constants.
fn block(
    executor: &Executor<'_>,
    step: &Step,
    parts: &Parts,
    (number, rows): (usize, usize),
    x: &Array,
) -> Vec<i64> {
    let (plan, part) = (executor.plan, parts.part(number));
    let layout = step.layout().expect("a dense layer");
    if let Some(mut raws) = executor.streamed_by(step, &part, x) {
        raws.truncate(rows);
        return raws;
    }
    let element = plan.program.value(step.result).element;
    if groups::are(layout) {
        let limits = plan.layer(step).and_then(|layer| layer.rescale);
        let mut y = Array::new(element, &vec![0; rows]);
        groups::dense(layout, &part, x, limits.map(|(_, limits)| limits), &mut y);
        return y.raws();
    }
    // The program's own constants, of a layer of fewer rows.
    let first = number * parts.strides.bias;
    let (mut program, mut step) = (plan.program.clone(), step.clone());
    let (Kernel::Dense {
        weights,
        bias,
        x: operand,
        ..
    }
    | Kernel::DenseRescale {
        weights,
        bias,
        x: operand,
        ..
    }) = &step.kernel
    else {
        panic!("a dense layer");
    };
    for (id, stride) in [(weights, parts.strides.weights), (bias, parts.strides.bias)] {
        let data = &mut program.constants[id.index()].data;
        *data = data.chunks(stride).nth(number).expect("a block").to_vec();
    }
    let mut values = vec![None; program.values.len()];
    values[operand.index()] = Some(x.clone());
    program.values[step.result.index()].shape = Shape(vec![Dim::Fixed(rows)]);
    if let Kernel::DenseRescale { requantise, .. } = &mut step.kernel {
        *requantise = requantise.rows(first..first + rows);
    }
    let plan = Plan {
        program: &program,
        ..plan.clone()
    };
    let executor = Executor::new(&plan);
    Row::new(&executor, &step, &vec![], &values)
        .compute()
        .raws()
}
