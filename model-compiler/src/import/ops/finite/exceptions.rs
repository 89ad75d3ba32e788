//! Where a value of the float network is NaN, ∞ or −∞: as conditions on masks and divisors, followed from the inputs, which are
//! finite, through every operation. What overflows single precision is not followed: no calibrated range reaches there.

use super::super::super::{ImportError, context::Context, node::NodeView, value::Value};
use super::signs::{self, Least};
use super::truth::Truth;
use crate::graph::{Node, Op, Padding, Pooling, ValueId};
use std::collections::HashMap;

/// Where a value is no finite number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exceptions {
    pub nan: Truth,
    /// ∞.
    pub above: Truth,
    /// −∞.
    pub below: Truth,
}

pub(super) const FINITE: Exceptions = Exceptions {
    nan: Truth::Never,
    above: Truth::Never,
    below: Truth::Never,
};

impl Exceptions {
    pub fn finite(self) -> bool {
        self.nan.never() && !self.infinite()
    }

    pub fn infinite(self) -> bool {
        !self.above.never() || !self.below.never()
    }

    pub fn negated(self) -> Self {
        Self {
            above: self.below,
            below: self.above,
            ..self
        }
    }
}

/// What follows exceptions from the inputs on.
pub(super) struct Tracer<'c, 'a> {
    pub context: &'c mut Context<'a>,
    pub node: &'c NodeView<'c>,
    /// Of values that the file has, by their place in the graph.
    least: Vec<Least>,
    found: HashMap<ValueId, Exceptions>,
}

pub(super) type Traced = Result<Exceptions, ImportError>;

impl<'c, 'a> Tracer<'c, 'a> {
    /// Follows everything that a value is computed from.
    pub fn of(
        context: &'c mut Context<'a>,
        node: &'c NodeView<'c>,
        value: &Value,
    ) -> Result<Self, ImportError> {
        let graph = context.graph();
        let least = signs::least(graph);
        let mut reached = vec![false; graph.value_count()];
        if let Value::Graph(_, id) = value {
            reached[id.index()] = true;
        }
        let mut nodes: Vec<usize> = vec![];
        for (place, node) in graph.nodes().iter().enumerate().rev() {
            if reached[node.output.index()] {
                for input in &node.inputs {
                    reached[input.index()] = true;
                }
                nodes.push(place);
            }
        }
        context.spend(node, reached.len())?;
        let mut tracer = Self {
            context,
            node,
            least,
            found: HashMap::new(),
        };
        while let Some(place) = nodes.pop() {
            let node = &tracer.context.graph().nodes()[place];
            if !tracer.stays_finite(node) {
                let node = node.clone();
                let found = tracer.of_node(&node)?;
                tracer.found.insert(node.output, found);
            }
        }
        Ok(tracer)
    }

    /// Whether a node gives finite numbers, without a closer look.
    fn stays_finite(&self, node: &Node) -> bool {
        match &node.op {
            Op::Constant(tensor) => tensor.data.iter().all(|v| v.is_finite()),
            Op::Unary(_) | Op::Binary(_) => false,
            _ => node.inputs.iter().all(|id| self.of_id(*id).finite()),
        }
    }

    /// Of a value that was followed.
    pub fn of_value(&self, value: &Value) -> Exceptions {
        match value {
            Value::Graph(_, id) => self.of_id(*id),
            Value::Ints(..) => FINITE,
        }
    }

    pub fn of_id(&self, id: ValueId) -> Exceptions {
        self.found.get(&id).copied().unwrap_or(FINITE)
    }

    pub fn shape(&self, id: ValueId) -> Vec<usize> {
        self.context.graph().shape(id).to_vec()
    }

    pub fn least(&self, id: ValueId) -> Least {
        self.least
            .get(id.index())
            .copied()
            .unwrap_or(Least::Anything)
    }

    /// A node through which nothing is followed.
    pub fn refused(&self, node: &Node) -> ImportError {
        self.node.operand_error(format!(
            "NaN or ∞ reaches it through '{}' ({}), behind which it is not known where they are: ask the mask or the divisor itself \
             whether anything is there, as in where(count > 0, …, 0)",
            node.name,
            node.op.name()
        ))
    }

    fn of_node(&mut self, node: &Node) -> Traced {
        let own: Vec<Exceptions> = node.inputs.iter().map(|id| self.of_id(*id)).collect();
        match (&node.op, &node.inputs[..]) {
            (Op::Constant(tensor), _) => Ok(Exceptions {
                nan: self.of_constant(tensor, f32::is_nan)?,
                above: self.of_constant(tensor, |v| v == f32::INFINITY)?,
                below: self.of_constant(tensor, |v| v == f32::NEG_INFINITY)?,
            }),
            (Op::Unary(function), [x]) => self.function(*function, *x),
            (Op::Binary(op), [a, b]) => self.binary(node, *op, *a, *b),
            // What these give is always a number.
            (
                Op::Compare(_) | Op::Logic(_) | Op::ArgMax { .. } | Op::TopK { indices: true, .. },
                _,
            ) => Ok(FINITE),
            (op, _) if op.moves() => self.each(node, &own, |tracer, truths, shapes| {
                tracer.moved(op, truths, shapes)
            }),
            (Op::Gather { .. }, [x, indices]) if own[1].finite() => {
                let (shape, indices) = (self.shape(*x), *indices);
                self.each(node, &own[..1], |tracer, truths, _| match truths {
                    [Truth::At(truth)] => {
                        let whole = tracer.whole(Truth::At(*truth), &shape)?;
                        tracer
                            .emit(node.op.clone(), &[whole, indices])
                            .map(Truth::At)
                    }
                    _ => Ok(truths[0]),
                })
            }
            (Op::Pad { pads, padding }, [_]) => {
                let number = match padding {
                    Padding::Constant(number) => *number,
                    _ => 0.0,
                };
                if !number.is_finite() {
                    return Err(self.refused(node));
                }
                let padding = match padding {
                    Padding::Constant(_) => Padding::Constant(0.0),
                    other => *other,
                };
                let pads = pads.clone();
                let op = Op::Pad { pads, padding };
                let shape = self.shape(node.inputs[0]);
                self.each(node, &own, |tracer, truths, _| match truths {
                    [Truth::Never] => Ok(Truth::Never),
                    _ => {
                        let whole = tracer.whole(truths[0], &shape)?;
                        tracer.emit(op.clone(), &[whole]).map(Truth::At)
                    }
                })
            }
            (Op::Where, [condition, a, b]) => {
                let (condition, a, b) = (*condition, self.of_id(*a), self.of_id(*b));
                Ok(Exceptions {
                    nan: self.choice(condition, a.nan, b.nan)?,
                    above: self.choice(condition, a.above, b.above)?,
                    below: self.choice(condition, a.below, b.below)?,
                })
            }
            (Op::ScaleShift { scale, .. }, [_]) => {
                let first = scale[0];
                match scale.iter().all(|s| s * first > 0.0) {
                    true if first > 0.0 => Ok(own[0]),
                    true => Ok(own[0].negated()),
                    false if !own[0].infinite() => Ok(own[0]),
                    false => Err(self.refused(node)),
                }
            }
            (Op::Reduce { op, axes, keepdims }, [x]) => {
                self.reduced(node, *op, (axes, *keepdims), *x, own[0])
            }
            (Op::Softmax { axis } | Op::LogSoftmax { axis }, [x]) => self.softmax(node, *axis, *x),
            (
                Op::TopK {
                    axis, k, largest, ..
                },
                [x],
            ) if own[0].nan.never() => self.top_k((*axis, *k, *largest), *x),
            (
                Op::Pool {
                    op: Pooling::Max, ..
                },
                [x],
            ) => self.max_pool(&node.op, *x),
            // NaN times anything is NaN, ∞ times 0 too.
            (Op::MatMul, [a, b]) if !own.iter().any(|one| one.infinite()) => {
                let shapes = [self.shape(*a), self.shape(*b)];
                let axes = [shapes[0].len() - 1, shapes[1].len() - 2];
                let rows = self.along(own[0].nan, false, &shapes[0], &axes[..1], true)?;
                let columns = self.along(own[1].nan, false, &shapes[1], &axes[1..], true)?;
                let nan = self.or(rows, columns)?;
                Ok(Exceptions { nan, ..FINITE })
            }
            (Op::Dense { .. }, [x]) if !own[0].infinite() => {
                let shape = self.shape(*x);
                let axis = [shape.len() - 1];
                let nan = self.along(own[0].nan, false, &shape, &axis, true)?;
                Ok(Exceptions { nan, ..FINITE })
            }
            _ => Err(self.refused(node)),
        }
    }

    /// The same of NaN, ∞ and −∞.
    fn each(
        &mut self,
        node: &Node,
        own: &[Exceptions],
        mut then: impl FnMut(&mut Self, &[Truth], &[Vec<usize>]) -> Result<Truth, ImportError>,
    ) -> Traced {
        let shapes: Vec<Vec<usize>> = node.inputs.iter().map(|id| self.shape(*id)).collect();
        let of = |one: fn(&Exceptions) -> Truth| own.iter().map(one).collect::<Vec<_>>();
        let (nan, above, below) = (of(|e| e.nan), of(|e| e.above), of(|e| e.below));
        Ok(Exceptions {
            nan: then(self, &nan, &shapes)?,
            above: then(self, &above, &shapes)?,
            below: then(self, &below, &shapes)?,
        })
    }
}
