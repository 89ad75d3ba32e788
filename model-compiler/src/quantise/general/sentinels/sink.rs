//! Masks carried forward, through what is done to each value alone, to the operation that orders them.

use super::super::observe::{Observations, Observed};
use super::Fill;
use super::mapped::{Mapped, Masked};
use super::masks::{self, LARGE, Mask, uniform};
use crate::graph::{
    Binary, Comparison, Graph, GraphBuilder, GraphError, Logic, Node, Op, Pooling, Reduction,
    Tensor, Unary, ValueId, apply_unary, broadcast,
};

/// What a sentinel of an infinity is among floats.
const HUGE: f32 = 1e9;

/// What is larger in size is the end of a floating-point type.
const LARGEST: f32 = 1e30;
/// Where that saturates, in units of the largest value that was seen.
const UNSEEN: f32 = 4.0;

/// The graph with each mask where values are ordered; the same nodes whatever `fill` is.
pub(super) fn sunk(
    graph: &Graph,
    observations: &Observations,
    fill: Fill,
) -> Result<Graph, GraphError> {
    let mut sinking = Sinking {
        graph,
        observations,
        fill,
        builder: GraphBuilder::new(graph.name()),
        map: vec![None; graph.value_count()],
    };
    for input in graph.inputs() {
        let shape = graph.shape(input.value).to_vec();
        let value = sinking.builder.input(&input.name, shape, input.kind)?;
        sinking.map[input.value.index()] = Some(Mapped::Plain(value));
    }
    for node in graph.nodes() {
        let mapped = sinking.node(node)?;
        sinking.map[node.output.index()] = Some(mapped);
    }
    for output in graph.outputs() {
        let value = sinking.plain(output.value)?;
        sinking.builder.output(&output.name, value)?;
    }
    Ok(sinking.builder.finish())
}

pub(super) struct Sinking<'a> {
    pub graph: &'a Graph,
    observations: &'a Observations,
    fill: Fill,
    pub builder: GraphBuilder,
    map: Vec<Option<Mapped>>,
}

pub(super) type Sunk<T> = Result<T, GraphError>;

impl Sinking<'_> {
    pub fn mapped(&self, value: ValueId) -> Sunk<Mapped> {
        let mapped = self.map.get(value.index()).cloned().flatten();
        mapped.ok_or(GraphError::UnknownValue(value.index() as u32))
    }

    pub fn seen(&self, value: ValueId) -> &Observed {
        &self.observations.values[value.index()]
    }

    /// A value as the network has it.
    pub fn plain(&mut self, value: ValueId) -> Sunk<ValueId> {
        match self.mapped(value)? {
            Mapped::Plain(value) => Ok(value),
            Mapped::Absent(mut absent) => {
                if let Some(plain) = absent.plain {
                    return Ok(plain);
                }
                let plain = self.plain_absent(value, &absent)?;
                absent.plain = Some(plain);
                self.map[value.index()] = Some(Mapped::Absent(absent));
                Ok(plain)
            }
            Mapped::Masked(masked) => {
                // No operation that orders values reads it: it stays what it is.
                let own = self.graph.producing_node(value);
                let own = own.filter(|n| masks::mask(self.graph, self.observations, n).is_some());
                let plain = match own {
                    // A choice that no event of the calibration made: what it would be saturates.
                    Some(_) if self.is_unseen(value, &masked) => {
                        let name = self.graph.value_name(value);
                        let end = UNSEEN * self.seen(value).magnitude().max(1.0);
                        let end = libm::exp2f(libm::ceilf(libm::log2f(end)));
                        self.chosen(name, masked, end.copysign(masked.fill))?
                    }
                    Some(node) => {
                        let operands = node.inputs.iter().map(|value| self.plain(*value));
                        let operands = operands.collect::<Sunk<Vec<_>>>()?;
                        self.push(node, &operands)?
                    }
                    None => {
                        let name = self.graph.value_name(value);
                        self.chosen(name, masked, masked.fill)?
                    }
                };
                self.map[value.index()] = Some(Mapped::Plain(plain));
                Ok(plain)
            }
        }
    }

    /// Whether a sentinel is a number that no format holds, and that calibration did not show: what `nan_to_num` makes of
    /// an infinity is one.
    fn is_unseen(&self, value: ValueId, masked: &Masked) -> bool {
        let seen = self.seen(value);
        !masked.added
            && masked.fill.is_finite()
            && masked.fill.abs() >= LARGEST
            && !seen.samples.is_empty()
            && seen.magnitude() < LARGEST
    }

    /// The choice between real values and a number.
    fn chosen(&mut self, name: &str, masked: Masked, number: f32) -> Sunk<ValueId> {
        let number = self.builder.constant(name, Tensor::scalar(number))?;
        let other = match masked.added {
            true => self
                .builder
                .push(name, Op::Binary(Binary::Add), &[masked.real, number])?,
            false => number,
        };
        self.builder
            .push(name, Op::Where, &[masked.keep, masked.real, other])
    }

    /// The choice that an operation reads which takes the real values first.
    fn ordered(&mut self, name: &str, masked: Masked) -> Sunk<ValueId> {
        let own = match masked.fill.is_finite() {
            true => masked.fill,
            false => HUGE.copysign(masked.fill),
        };
        let number = match self.fill {
            Fill::Own => own,
            Fill::Twice => 2.0 * own,
            Fill::Infinite => f32::INFINITY.copysign(own),
        };
        self.chosen(name, masked, number)
    }

    fn node(&mut self, node: &Node) -> Sunk<Mapped> {
        if let Some(mask) = masks::mask(self.graph, self.observations, node) {
            return self.source(node, mask).map(Mapped::Masked);
        }
        if let Some(absent) = self.carried_absent(node)? {
            return Ok(Mapped::Absent(Box::new(absent)));
        }
        let mut masked = vec![];
        for (place, value) in node.inputs.iter().enumerate() {
            if let Mapped::Masked(found) = self.mapped(*value)? {
                masked.push((place, found));
            }
        }
        let carried = match masked[..] {
            [] => None,
            [(place, one)] if self.drops(node, place, one) => {
                let operands = node.inputs.iter().enumerate();
                let operands = operands.map(|(own, value)| match own == place {
                    true => Ok(one.real),
                    false => self.plain(*value),
                });
                let operands = operands.collect::<Sunk<Vec<_>>>()?;
                Some(Mapped::Plain(self.push(node, &operands)?))
            }
            [(place, one)] => self.one(node, place, one)?,
            [(_, a), (_, b)] => self.both(node, a, b)?,
            _ => None,
        };
        if let Some(carried) = carried {
            return Ok(carried);
        }
        let operands = node.inputs.iter().map(|value| self.plain(*value));
        let operands = operands.collect::<Sunk<Vec<_>>>()?;
        self.push(node, &operands).map(Mapped::Plain)
    }

    /// Whether a product or a choice takes every sentinel away, as a second mask does.
    fn drops(&self, node: &Node, place: usize, x: Masked) -> bool {
        let may = match &node.op {
            Op::Where => place > 0,
            Op::Binary(Binary::Mul) => self.graph.constant(node.inputs[1 - place]).is_none(),
            _ => false,
        };
        let seen = self.seen(node.output);
        may && x.fill.is_finite()
            && !seen.samples.is_empty()
            && seen.magnitude() * 8.0 <= x.fill.abs()
    }

    pub fn push(&mut self, node: &Node, operands: &[ValueId]) -> Sunk<ValueId> {
        self.builder.push(&node.name, node.op.clone(), operands)
    }

    /// A node that masks.
    fn source(&mut self, node: &Node, mask: Mask) -> Sunk<Masked> {
        let (real, fill) = match mask {
            Mask::Choice { real, fill, .. } | Mask::Sum { real, fill } => (real, fill),
        };
        let value = node.inputs[real];
        let inner = self.mapped(value)?;
        let (keep, added) = match mask {
            Mask::Choice { when, .. } => {
                let condition = self.plain(node.inputs[0])?;
                (self.unless(&node.name, condition, !when)?, false)
            }
            Mask::Sum { .. } => {
                let term = node.inputs[1 - real];
                let zero = masks::two_valued(self.graph, self.observations, term, 0);
                let kept_where_no = zero.is_some_and(|two| two.no == 0.0);
                self.settle(term)?;
                let map = &self.map;
                let plain = |value: ValueId| match &map[value.index()] {
                    Some(Mapped::Plain(value)) => *value,
                    Some(Mapped::Masked(masked)) => masked.real,
                    Some(Mapped::Absent(absent)) => absent.plain.unwrap_or(absent.real),
                    None => value,
                };
                let (graph, seen) = (self.graph, self.observations);
                let truth = masks::truth(&mut self.builder, graph, seen, term, &plain)?;
                // In single precision a large number swallows what is added to it: then all sentinels are equal.
                let swallows = fill.abs() >= self.seen(value).magnitude() * 16_777_216.0;
                let keep = self.unless(&node.name, truth, kept_where_no)?;
                (keep, !swallows)
            }
        };
        let inner = match inner {
            Mapped::Absent(_) => Mapped::Plain(self.plain(value)?),
            other => other,
        };
        let masked = match inner {
            Mapped::Plain(real) => Masked {
                real,
                keep,
                fill,
                added,
                seen: value,
            },
            // Masked once more: both have to hold.
            Mapped::Masked(inner) if inner.fill * fill > 0.0 => Masked {
                keep: self
                    .builder
                    .push(&node.name, Op::Logic(Logic::And), &[inner.keep, keep])?,
                added: inner.added && added,
                ..inner
            },
            _ => Masked {
                real: self.plain(value)?,
                keep,
                fill,
                added,
                seen: value,
            },
        };
        // As large as the result, also where only the mask is.
        let shape = self.graph.shape(node.output);
        let real = match self.builder.graph().shape(masked.real) == shape {
            true => masked.real,
            false => {
                let shape = shape.to_vec();
                self.builder
                    .push(&node.name, Op::Broadcast { shape }, &[masked.real])?
            }
        };
        Ok(Masked { real, ..masked })
    }

    /// What a mask's term is spelled in, as the network has it.
    fn settle(&mut self, term: ValueId) -> Sunk<()> {
        let graph = self.graph;
        let mut value = Some(term);
        while let Some(own) = value {
            if let Mapped::Absent(_) = self.mapped(own)? {
                self.plain(own)?;
            }
            let node = graph.producing_node(own);
            let mut operands = node.iter().flat_map(|node| &node.inputs);
            value = operands.find(|v| graph.constant(**v).is_none()).copied();
        }
        Ok(())
    }

    /// A truth, or its contrary.
    fn unless(&mut self, name: &str, truth: ValueId, contrary: bool) -> Sunk<ValueId> {
        match contrary {
            true => self.builder.push(name, Op::Unary(Unary::Not), &[truth]),
            false => Ok(truth),
        }
    }

    /// A node of which one operand is masked; none where the mask goes no further.
    fn one(&mut self, node: &Node, place: usize, x: Masked) -> Sunk<Option<Mapped>> {
        if orders(&node.op, x.fill) {
            let value = node.inputs[place];
            let name = self.graph.value_name(value).to_owned();
            // A Softmax of sentinels alone is one of what they were added to; of other orders any will do.
            let added = x.added && matches!(node.op, Op::Softmax { .. });
            let operand = self.ordered(&name, Masked { added, ..x })?;
            let result = self.push(node, &[operand])?;
            let absent = self.ordered_absent(node, &x, result)?;
            return Ok(Some(match absent {
                Some(absent) => Mapped::Absent(Box::new(absent)),
                None => Mapped::Plain(result),
            }));
        }
        match (&node.op, &node.inputs[..]) {
            (op, [_]) if op.moves() => {
                let own = self.builder.graph().shape(x.real).to_vec();
                let keep = match self.builder.graph().shape(x.keep) == own {
                    true => x.keep,
                    false => {
                        let whole = Op::Broadcast { shape: own };
                        self.builder.push(&node.name, whole, &[x.keep])?
                    }
                };
                let (real, keep) = (self.push(node, &[x.real])?, self.push(node, &[keep])?);
                Ok(Some(Mapped::Masked(Masked { real, keep, ..x })))
            }
            (Op::ScaleShift { scale, shift, .. }, [_]) => {
                let first = scale[0];
                if first == 0.0 || scale.iter().any(|s| s * first <= 0.0) {
                    return Ok(None);
                }
                let offset = if x.added { 0.0 } else { shift[0] };
                let fill = (f64::from(x.fill) * first + offset) as f32;
                let real = self.push(node, &[x.real])?;
                self.carried(node, Masked { real, fill, ..x })
            }
            (Op::Unary(function), [_]) => self.function(node, *function, x),
            (Op::Binary(op), [_, _]) => self.with_another(node, *op, place, x),
            (Op::Compare(comparison), [_, _]) => self.compared(node, *comparison, place, x),
            _ => Ok(None),
        }
    }

    /// Still a sentinel, or a number among others.
    fn carried(&mut self, node: &Node, masked: Masked) -> Sunk<Option<Mapped>> {
        Ok(match masked.fill.abs() >= LARGE {
            _ if masked.fill.is_nan() => None,
            true => Some(Mapped::Masked(masked)),
            false if masked.added => None,
            false => {
                let chosen = self.chosen(&node.name, masked, masked.fill)?;
                Some(Mapped::Plain(chosen))
            }
        })
    }

    fn function(&mut self, node: &Node, function: Unary, x: Masked) -> Sunk<Option<Mapped>> {
        if function == Unary::Neg {
            let real = self.push(node, &[x.real])?;
            let fill = -x.fill;
            return Ok(Some(Mapped::Masked(Masked { real, fill, ..x })));
        }
        let ends = match x.added {
            true => {
                let seen = self.seen(x.seen);
                vec![seen.minimum + x.fill, seen.maximum + x.fill]
            }
            false => vec![x.fill],
        };
        let values = apply_unary(function, &ends);
        let first = values[0];
        // What an exponential, a sigmoid or a ReLU makes of a sentinel is a number like any other.
        if values.iter().any(|v| *v != first || !v.is_finite()) || first.abs() >= LARGE {
            return Ok(None);
        }
        let real = self.push(node, &[x.real])?;
        let masked = Masked {
            real,
            fill: first,
            added: false,
            ..x
        };
        self.carried(node, masked)
    }

    /// An operand that is not masked beside one that is.
    fn with_another(
        &mut self,
        node: &Node,
        op: Binary,
        place: usize,
        x: Masked,
    ) -> Sunk<Option<Mapped>> {
        let other = node.inputs[1 - place];
        let constant = self.graph.constant(other);
        let size = match constant {
            Some(tensor) => tensor.data.iter().fold(0.0f32, |m, v| m.max(v.abs())),
            // Of no event in which everything is masked.
            None => typical(self.seen(other)),
        };
        let sign = |tensor: &Tensor| {
            let first = tensor.data[0];
            let same = first != 0.0 && tensor.data.iter().all(|v| v * first > 0.0);
            same.then_some(first)
        };
        let fill = match (op, place, constant.and_then(sign)) {
            (Binary::Add, ..) | (Binary::Sub, 0, _) if size * 8.0 <= x.fill.abs() => x.fill,
            (Binary::Sub, 1, _) if size * 8.0 <= x.fill.abs() => -x.fill,
            (Binary::Mul, _, Some(factor)) => x.fill * factor,
            (Binary::Div, 0, Some(factor)) => x.fill / factor,
            (Binary::Max | Binary::Min, ..) if !x.added => {
                let Some(bound) = constant.and_then(uniform) else {
                    return Ok(None);
                };
                match op {
                    Binary::Max => x.fill.max(bound),
                    _ => x.fill.min(bound),
                }
            }
            _ => return Ok(None),
        };
        let other = self.plain(other)?;
        let operands = match place {
            0 => [x.real, other],
            _ => [other, x.real],
        };
        let real = self.push(node, &operands)?;
        self.carried(node, Masked { real, fill, ..x })
    }

    /// A bound between real values and sentinels tells which is which.
    fn compared(
        &mut self,
        node: &Node,
        comparison: Comparison,
        place: usize,
        x: Masked,
    ) -> Sunk<Option<Mapped>> {
        let bound = self.graph.constant(node.inputs[1 - place]);
        let Some(bound) = bound.and_then(uniform).filter(|_| !x.added) else {
            return Ok(None);
        };
        let seen = self.seen(x.seen);
        let (low, high) = (seen.minimum, seen.maximum);
        let apart = match x.fill < 0.0 {
            true => x.fill <= bound && bound < low - 1.0,
            false => high + 1.0 < bound && bound <= x.fill,
        };
        if !apart {
            return Ok(None);
        }
        let holds = |value: f32| {
            let (a, b) = if place == 0 {
                (value, bound)
            } else {
                (bound, value)
            };
            match comparison {
                Comparison::Greater => a > b,
                Comparison::GreaterOrEqual => a >= b,
                Comparison::Less => a < b,
                Comparison::LessOrEqual => a <= b,
                Comparison::Equal => a == b,
            }
        };
        let truth = match (holds(low), holds(x.fill)) {
            (true, false) => x.keep,
            (false, true) => self.unless(&node.name, x.keep, true)?,
            _ => return Ok(None),
        };
        let shape = self.graph.shape(node.output).to_vec();
        let truth = match self.builder.graph().shape(truth) == shape {
            true => truth,
            false => self
                .builder
                .push(&node.name, Op::Broadcast { shape }, &[truth])?,
        };
        Ok(Some(Mapped::Plain(truth)))
    }

    /// A sum of two masked values is real where both are.
    fn both(&mut self, node: &Node, a: Masked, b: Masked) -> Sunk<Option<Mapped>> {
        let same = node.inputs.len() == 2 && a.fill * b.fill > 0.0;
        if !matches!(node.op, Op::Binary(Binary::Add)) || !same {
            return Ok(None);
        }
        let shapes = [a.keep, b.keep].map(|keep| self.builder.graph().shape(keep).to_vec());
        if broadcast(&[&shapes[0], &shapes[1]]).is_none() {
            return Ok(None);
        }
        let keep = Op::Logic(Logic::And);
        let keep = self.builder.push(&node.name, keep, &[a.keep, b.keep])?;
        let real = self.push(node, &[a.real, b.real])?;
        Ok(Some(Mapped::Masked(Masked {
            real,
            keep,
            fill: a.fill,
            added: a.added && b.added,
            seen: node.output,
        })))
    }
}

/// A size that three quarters of what was seen exceed.
pub(super) fn typical(seen: &Observed) -> f32 {
    let mut sizes: Vec<f32> = seen.samples.iter().map(|v| v.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    sizes.get(sizes.len() / 4).copied().unwrap_or(0.0)
}

/// Whether an operation orders values, and takes real ones before sentinels of this sign.
fn orders(op: &Op, fill: f32) -> bool {
    let low = fill < 0.0;
    match op {
        Op::Softmax { .. } => low,
        Op::Reduce {
            op: Reduction::Max, ..
        }
        | Op::Pool {
            op: Pooling::Max, ..
        } => low,
        Op::Reduce {
            op: Reduction::Min, ..
        } => !low,
        Op::TopK { largest, .. } | Op::ArgMax { largest, .. } => *largest == low,
        _ => false,
    }
}
