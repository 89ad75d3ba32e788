//! One row of a step.

use hodoscope_compiler::plan::{Kernel, Step};
use hodoscope_program::{Constant, ConstantId, Program, ValueId};

use crate::{
    Array, Constituent, Executor, elementwise, forest, layers, numbers, reductions, rescales, words,
};

/// A row of a step: the step, and what it may read.
pub(crate) struct Row<'r> {
    pub executor: &'r Executor<'r>,
    pub step: &'r Step,
    pub words: &'r Constituent,
    pub values: &'r [Option<Array>],
}

impl<'r> Row<'r> {
    pub fn new(
        executor: &'r Executor<'r>,
        step: &'r Step,
        words: &'r Constituent,
        values: &'r [Option<Array>],
    ) -> Self {
        Self {
            executor,
            step,
            words,
            values,
        }
    }

    pub fn program(&self) -> &'r Program {
        self.executor.plan.program
    }

    pub fn value(&self, id: ValueId) -> &'r Array {
        self.values[id.index()]
            .as_ref()
            .expect("operands come before")
    }

    pub fn constant(&self, id: ConstantId) -> Array {
        let Constant { element, data, .. } = self.program().constant(id);
        Array::new(*element, data)
    }

    /// The result, still to be computed.
    pub fn zeros(&self) -> Array {
        self.executor.zeros(self.step.result)
    }

    /// A result in the storage of the step's.
    pub fn result(&self, raws: &[i64]) -> Array {
        Array::new(self.program().value(self.step.result).element, raws)
    }

    /// What the step's kernel computes.
    pub fn compute(&self) -> Array {
        if let Some(raws) = self.executor.streamed(self.step, self.values) {
            return self.result(&raws);
        }
        if let Some(raws) = self.executor.imported(self.step, self.values) {
            return self.result(&raws);
        }
        match &self.step.kernel {
            Kernel::Dense { .. } | Kernel::DenseRescale { .. } | Kernel::DenseStepwise { .. } => {
                layers::layer(self)
            }
            Kernel::Grid { words } => words::looked_up(self, *words),
            Kernel::Words { input } => words::words(self, *input),
            Kernel::WordsRescale {
                input,
                accumulator,
                before,
                requantise,
                limits,
                ..
            } => words::rescaled(self, *input, *accumulator, before, requantise, *limits),
            Kernel::Rescale { .. } => rescales::rescale(self),
            Kernel::Relu { .. }
            | Kernel::Clip { .. }
            | Kernel::LeakyRelu { .. }
            | Kernel::Table { .. }
            | Kernel::Interpolate { .. }
            | Kernel::Exponent { .. }
            | Kernel::Mantissa { .. } => elementwise::function(self),
            Kernel::Pair {
                operator,
                a,
                b,
                accumulator,
            } => elementwise::pair(self, *operator, [*a, *b], *accumulator),
            Kernel::Divide { .. } | Kernel::Quotient { .. } | Kernel::SquareRoot { .. } => {
                numbers::number(self)
            }
            Kernel::Largest { .. }
            | Kernel::TopK { .. }
            | Kernel::ArgMax { .. }
            | Kernel::SquaredError { .. }
            | Kernel::SumSquares { .. } => reductions::reduction(self),
            Kernel::Trees {
                trees,
                compare,
                accumulator,
            } => {
                let x = self.value(trees.x);
                self.result(&forest::forest(
                    self.program(),
                    trees,
                    x,
                    *compare,
                    *accumulator,
                ))
            }
            Kernel::Select { x, channels } => {
                let raws = self.value(*x).raws();
                let picked: Vec<i64> = channels.iter().map(|c| raws[*c]).collect();
                self.result(&picked)
            }
            Kernel::Concat { parts } => {
                let parts = parts.iter().flat_map(|part| self.value(*part).raws());
                self.result(&parts.collect::<Vec<i64>>())
            }
            Kernel::Count => panic!("it is counted, not computed from operands"),
            Kernel::View { .. }
            | Kernel::Gather { .. }
            | Kernel::MatMul { .. }
            | Kernel::Take { .. }
            | Kernel::SumRows { .. } => panic!("all rows at once"),
        }
    }
}
