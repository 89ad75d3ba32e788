//! Operations, each after its keyword.

use super::{Namespace, Read, Reader};
use crate::{InputId, Operation, Product, SetId, TreeAggregate, Trees, ValueId};

impl Reader<'_> {
    pub(super) fn operation(&mut self) -> Read<Operation> {
        Ok(match self.word()? {
            "input" => Operation::Input(InputId::new(self.refer(Namespace::Input)?)),
            "rescale" => self.rescale()?,
            "dense" => self.dense()?,
            "dense_stepwise" => self.dense_stepwise()?,
            "divide" => {
                let x = self.value_ref()?;
                self.keyword("by")?;
                Operation::Divide {
                    x,
                    divisor: self.number()?,
                    rounding: self.rounding()?,
                }
            }
            "reshape" => self.one(|x| Operation::Reshape { x })?,
            "trees" => self.trees()?,
            "gather" => {
                let x = self.value_ref()?;
                self.keyword("elements")?;
                Operation::Gather {
                    x,
                    elements: self.numbers()?,
                }
            }
            "relu" => self.one(|x| Operation::Relu { x })?,
            "leaky_relu" => {
                let x = self.value_ref()?;
                self.keyword("by")?;
                let multiplier = self.number()?;
                self.keyword("shift")?;
                let shift = self.number()?;
                Operation::LeakyRelu {
                    x,
                    multiplier,
                    shift,
                    rounding: self.rounding()?,
                }
            }
            "clip" => {
                let x = self.value_ref()?;
                self.keyword("range")?;
                Operation::Clip {
                    x,
                    minimum: self.number()?,
                    maximum: self.number()?,
                }
            }
            "table" => {
                let x = self.value_ref()?;
                self.keyword("entries")?;
                let table = self.constant_ref()?;
                Operation::Table { x, table }
            }
            "interpolate" => self.interpolate()?,
            "exponent" => self.one(|x| Operation::Exponent { x })?,
            "mantissa" => {
                let x = self.value_ref()?;
                self.keyword("bits")?;
                Operation::Mantissa {
                    x,
                    bits: self.number()?,
                }
            }
            "sum" => self.one(|x| Operation::Sum { x })?,
            "max" => {
                let x = self.value_ref()?;
                self.keyword("empty")?;
                let empty = self.constant_ref()?;
                Operation::Max { x, empty }
            }
            "count" => Operation::Count {
                set: SetId::new(self.refer(Namespace::Set)?),
            },
            "arg_max" => self.one(|x| Operation::ArgMax { x })?,
            "sum_squares" => self.one(|x| Operation::SumSquares { x })?,
            "mul" => self.two(|a, b| Operation::Mul { a, b })?,
            "add" => self.two(|a, b| Operation::Add { a, b })?,
            "sub" => self.two(|a, b| Operation::Sub { a, b })?,
            "squared_error" => self.two(|a, b| Operation::SquaredError { a, b })?,
            "mat_mul" => self.two(|a, b| Operation::MatMul { a, b })?,
            "quotient" => {
                let (a, b) = (self.value_ref()?, self.value_ref()?);
                self.keyword("shift")?;
                let shift = self.number()?;
                Operation::Quotient {
                    a,
                    b,
                    shift,
                    rounding: self.rounding()?,
                }
            }
            "square_root" => {
                let x = self.value_ref()?;
                self.keyword("shift")?;
                let shift = self.number()?;
                Operation::SquareRoot { x, shift }
            }
            "larger" => self.two(|a, b| Operation::Larger { a, b })?,
            "smaller" => self.two(|a, b| Operation::Smaller { a, b })?,
            "largest" => self.one(|x| Operation::Largest { x })?,
            "top_k" => {
                let x = self.value_ref()?;
                self.keyword("count")?;
                let count = self.number()?;
                Operation::TopK { x, count }
            }
            "take" => {
                let x = self.value_ref()?;
                self.keyword("rows")?;
                let indices = self.value_ref()?;
                Operation::Take { x, indices }
            }
            "select" => {
                let x = self.value_ref()?;
                self.keyword("channels")?;
                Operation::Select {
                    x,
                    channels: self.numbers()?,
                }
            }
            "concat" => Operation::Concat {
                parts: self.listed(Self::value_ref)?,
            },
            other => return self.fail(format!("'{other}' is not an operation")),
        })
    }

    /// An operation of one operand.
    fn one(&mut self, operation: fn(ValueId) -> Operation) -> Read<Operation> {
        Ok(operation(self.value_ref()?))
    }

    /// An operation of two.
    fn two(&mut self, operation: fn(ValueId, ValueId) -> Operation) -> Read<Operation> {
        let (a, b) = (self.value_ref()?, self.value_ref()?);
        Ok(operation(a, b))
    }

    fn rescale(&mut self) -> Read<Operation> {
        let x = self.value_ref()?;
        self.keyword("by")?;
        let multipliers = self.numbers()?;
        self.keyword("plus")?;
        let offsets = self.numbers()?;
        self.keyword("shift")?;
        let shifts = self.numbers()?;
        let rounding = self.rounding()?;
        let overflow = self.overflow()?;
        if multipliers.is_empty() || offsets.is_empty() || shifts.is_empty() {
            return self.fail("a rescale needs a multiplier, an offset and a shift".into());
        }
        Ok(Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow,
        })
    }

    fn dense(&mut self) -> Read<Operation> {
        let x = self.value_ref()?;
        self.keyword("weights")?;
        let weights = self.constant_ref()?;
        self.keyword("bias")?;
        let bias = self.constant_ref()?;
        Ok(Operation::Dense { x, weights, bias })
    }

    fn dense_stepwise(&mut self) -> Read<Operation> {
        let x = self.value_ref()?;
        self.keyword("weights")?;
        let weights = self.constant_ref()?;
        self.keyword("bias")?;
        let bias = self.constant_ref()?;
        self.keyword("product")?;
        self.keyword("shift")?;
        let product = Product {
            shift: self.number()?,
            rounding: self.rounding()?,
            element: self.element()?,
            overflow: self.overflow()?,
        };
        Ok(Operation::DenseStepwise {
            x,
            weights,
            bias,
            product,
        })
    }

    fn trees(&mut self) -> Read<Operation> {
        let x = self.value_ref()?;
        self.keyword("nodes")?;
        let nodes = self.constant_ref()?;
        self.keyword("first")?;
        let first = self.number()?;
        self.keyword("roots")?;
        let roots = self.constant_ref()?;
        self.keyword("leaves")?;
        let leaves = self.constant_ref()?;
        let aggregates = [TreeAggregate::Sum, TreeAggregate::Min, TreeAggregate::Max];
        let word = self.word()?;
        let aggregate = aggregates.into_iter().find(|a| a.keyword() == word);
        let Some(aggregate) = aggregate else {
            return self.fail(format!("'{word}' where sum, min or max is wanted"));
        };
        Ok(Operation::Trees(Trees {
            x,
            nodes,
            first,
            roots,
            leaves,
            aggregate,
        }))
    }

    fn interpolate(&mut self) -> Read<Operation> {
        let x = self.value_ref()?;
        self.keyword("entries")?;
        let table = self.constant_ref()?;
        self.keyword("first")?;
        let first = self.number()?;
        self.keyword("shift")?;
        Ok(Operation::Interpolate {
            x,
            table,
            first,
            shift: self.number()?,
        })
    }
}
