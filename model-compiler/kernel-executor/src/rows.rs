//! A step: all rows at once, or row by row.

use hodoscope_compiler::plan::{Accumulator, Kernel, Step};
use hodoscope_kernels::{gather, matrix, reduce};
use hodoscope_program::ValueId;

use crate::row::Row;
use crate::{Array, Constituent, Executor};

impl Executor<'_> {
    /// A step, row by row where its value has several.
    pub(crate) fn step(&self, step: &Step, words: &Constituent, values: &[Option<Array>]) -> Array {
        let program = self.plan.program;
        let value = program.value(step.result);
        let raws = |id: &ValueId| {
            values[id.index()]
                .as_ref()
                .expect("operands come first")
                .raws()
        };
        let rows = match value.shape.set() {
            Some(_) => 1,
            None => value.shape.rows(1),
        };
        match &step.kernel {
            Kernel::View { x } => return Array::new(value.element, &raws(x)),
            Kernel::Gather { x, elements } => {
                // An index of 16 bits where that is enough, as a crate has it.
                let short: Option<Vec<u16>> =
                    elements.iter().map(|e| u16::try_from(*e).ok()).collect();
                let wide: Vec<u32> = elements.iter().map(|e| *e as u32).collect();
                let mut y = Array::new(value.element, &vec![0; elements.len()]);
                let x = values[x.index()].as_ref().expect("operands come first");
                match short {
                    Some(e) => each!(x, x => each!(&mut y, y => gather::gather(x, &e, y))),
                    None => each!(x, x => each!(&mut y, y => gather::gather_wide(x, &wide, y))),
                }
                return y;
            }
            Kernel::SumRows { x, accumulator } => {
                let x = values[x.index()].as_ref().expect("operands come first");
                let channels = value.shape.elements(1);
                let sums: Vec<i64> = accumulate!(accumulator, x = x => {
                    let mut sums: Vec<A> = vec![0; channels];
                    for row in x.chunks_exact(channels) {
                        reduce::add(&mut sums, row);
                    }
                    sums.into_iter().map(i64::from).collect()
                });
                return Array::new(value.element, &sums);
            }
            Kernel::MatMul {
                a,
                b,
                extents: [rows, inner, columns],
                accumulator,
            } => {
                let extents = matrix::Extents {
                    rows: *rows,
                    inner: *inner,
                    columns: *columns,
                };
                let mut y = Array::new(value.element, &vec![0; value.shape.elements(0)]);
                let operand =
                    |id: &ValueId| values[id.index()].as_ref().expect("operands come first");
                accumulate!(accumulator, a = operand(a), b = operand(b) => {
                    each!(&mut y, y => matrix::product::<A, _, _, _>(a, b, extents, y));
                });
                return y;
            }
            Kernel::Take { x, indices } => {
                let mut y = Array::new(value.element, &vec![0; value.shape.elements(0)]);
                let operand =
                    |id: &ValueId| values[id.index()].as_ref().expect("operands come first");
                let channels = value.shape.channels();
                each!(operand(x), x => each!(operand(indices), i => each!(&mut y, y => {
                    gather::take(x, i, channels, y)
                })));
                return y;
            }
            _ if rows == 1 => return Row::new(self, step, words, values).compute(),
            _ => {}
        }
        let mut all = Vec::new();
        for row in 0..rows {
            let mut own: Vec<Option<Array>> = vec![None; values.len()];
            for operand in step.kernel.operands() {
                let channels = program.value(operand).shape.channels();
                let raws = raws(&operand)[row * channels..][..channels].to_vec();
                own[operand.index()] = Some(Array::new(program.value(operand).element, &raws));
            }
            all.extend(Row::new(self, step, words, &own).compute().raws());
        }
        Array::new(value.element, &all)
    }
}
