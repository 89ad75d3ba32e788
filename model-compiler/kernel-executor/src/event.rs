//! An event's steps in their order, behind the pooling.

use hodoscope_compiler::plan::Kernel;
use hodoscope_kernels::{reduce, unary};
use hodoscope_program::ValueId;

use crate::{Array, Constituent, Executor, Seen, blocks};

impl Executor<'_> {
    pub(crate) fn constituent(&self, words: &Constituent) -> Vec<Option<Array>> {
        let mut values = vec![None; self.plan.program.values.len()];
        for step in &self.plan.constituent {
            let result = self.step(step, words, &values);
            values[step.result.index()] = Some(result);
        }
        values
    }

    pub(crate) fn event(&self, inputs: &[Vec<i64>], sums: &[Array], seen: &mut Seen) {
        let words = self.words(inputs, None);
        let mut values = vec![None; self.plan.program.values.len()];
        let multiplicity = sums.last().map_or(0, |n| n.raws()[0]);
        for (sum, pooled) in sums.iter().zip(&self.plan.pooled) {
            let mut y = self.zeros(pooled.result);
            if let Some(empty) = pooled.empty {
                let constant = self.plan.program.constant(empty);
                let empty = Array::new(constant.element, &constant.data);
                let capacity = self.plan.program.sets[0].capacity as i64;
                let full = multiplicity == capacity;
                match sum {
                    Array::I32(sum) => each32!(&empty, e => each!(&mut y, y => {
                        reduce::maximum_with_empty(sum, e, full, y)
                    })),
                    Array::I64(sum) => each!(&empty, e => each!(&mut y, y => {
                        reduce::maximum_with_empty(sum, e, full, y)
                    })),
                    _ => panic!("a maximum has 32 or 64 bits"),
                }
            } else {
                each!(sum, x => each!(&mut y, y => unary::copy(x, y)));
            }
            values[pooled.result.index()] = Some(y);
        }
        for step in &self.plan.event {
            let result = match step.kernel {
                // With the squared error of it.
                _ if self.plan.blocks_of(step).is_some() => continue,
                Kernel::SquaredError { a, b, accumulator }
                    if self.plan.compared(step).is_some() =>
                {
                    blocks::error(self, step, [a, b], accumulator, &values)
                }
                Kernel::Count => {
                    let element = self.plan.program.value(step.result).element;
                    Array::new(element, &[multiplicity])
                }
                _ => self.step(step, &words, &values),
            };
            values[step.result.index()] = Some(result);
        }
        for (into, value) in seen.iter_mut().zip(values) {
            if let (Some(into), Some(value)) = (into, value) {
                *into = value.raws();
            }
        }
    }

    pub(crate) fn zeros(&self, id: ValueId) -> Array {
        let value = self.plan.program.value(id);
        Array::new(value.element, &vec![0; value.shape.channels()])
    }
}
