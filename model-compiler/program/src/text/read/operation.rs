//! Operations, each after its keyword.

use super::{Namespace, Read, Reader};
use crate::{InputId, Operation, Product, SetId, TreeAggregate, Trees};

impl Reader<'_> {
    pub(super) fn operation(&mut self) -> Read<Operation> {
        Ok(match self.word()? {
            "input" => Operation::Input(InputId::new(self.refer(Namespace::Input)?)),
            "rescale" => {
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
                Operation::Rescale {
                    x,
                    multipliers,
                    offsets,
                    shifts,
                    rounding,
                    overflow,
                }
            }
            "dense" => {
                let x = self.value_ref()?;
                self.keyword("weights")?;
                let weights = self.constant_ref()?;
                self.keyword("bias")?;
                let bias = self.constant_ref()?;
                Operation::Dense { x, weights, bias }
            }
            "dense_stepwise" => {
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
                Operation::DenseStepwise {
                    x,
                    weights,
                    bias,
                    product,
                }
            }
            "divide" => {
                let x = self.value_ref()?;
                self.keyword("by")?;
                Operation::Divide {
                    x,
                    divisor: self.number()?,
                    rounding: self.rounding()?,
                }
            }
            "reshape" => Operation::Reshape {
                x: self.value_ref()?,
            },
            "trees" => {
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
                Operation::Trees(Trees {
                    x,
                    nodes,
                    first,
                    roots,
                    leaves,
                    aggregate,
                })
            }
            "gather" => {
                let x = self.value_ref()?;
                self.keyword("elements")?;
                Operation::Gather {
                    x,
                    elements: self.numbers()?,
                }
            }
            "relu" => Operation::Relu {
                x: self.value_ref()?,
            },
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
            "interpolate" => {
                let x = self.value_ref()?;
                self.keyword("entries")?;
                let table = self.constant_ref()?;
                self.keyword("first")?;
                let first = self.number()?;
                self.keyword("shift")?;
                Operation::Interpolate {
                    x,
                    table,
                    first,
                    shift: self.number()?,
                }
            }
            "exponent" => Operation::Exponent {
                x: self.value_ref()?,
            },
            "mantissa" => {
                let x = self.value_ref()?;
                self.keyword("bits")?;
                Operation::Mantissa {
                    x,
                    bits: self.number()?,
                }
            }
            "sum" => Operation::Sum {
                x: self.value_ref()?,
            },
            "max" => {
                let x = self.value_ref()?;
                self.keyword("empty")?;
                let empty = self.constant_ref()?;
                Operation::Max { x, empty }
            }
            "count" => Operation::Count {
                set: SetId::new(self.refer(Namespace::Set)?),
            },
            "arg_max" => Operation::ArgMax {
                x: self.value_ref()?,
            },
            "sum_squares" => Operation::SumSquares {
                x: self.value_ref()?,
            },
            "mul" => Operation::Mul {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "add" => Operation::Add {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "sub" => Operation::Sub {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "squared_error" => Operation::SquaredError {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "mat_mul" => Operation::MatMul {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
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
            "larger" => Operation::Larger {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "smaller" => Operation::Smaller {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "largest" => Operation::Largest {
                x: self.value_ref()?,
            },
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
}
