//! From node to node: what becomes of the slots.

use super::conv;
use super::slots::Slots;
use super::step::{Step, keeps, mixes};
use super::{End, SetAxis};
use crate::graph::{Graph, Node, Op, Reduction, Tensor, ValueId};

/// Follows the slots of `members` through the graph.
pub(super) fn follow(graph: &Graph, slots: usize, members: &[(usize, Slots)]) -> SetAxis {
    let mut axis = SetAxis {
        slots,
        values: vec![None; graph.value_count()],
        inputs: members.iter().map(|(index, _)| *index).collect(),
        layers: 0,
        ends: vec![],
    };
    for (index, own) in members {
        axis.values[graph.inputs()[*index].value.index()] = Some(*own);
    }
    for node in graph.nodes() {
        let follower = Follower {
            graph,
            values: &axis.values,
            node,
        };
        let fixed = match follower.step() {
            Step::Event => continue,
            Step::Keeps(own) => {
                axis.values[node.output.index()] = Some(own);
                axis.layers += usize::from(is_layer(&node.op));
                continue;
            }
            Step::Pools => None,
            Step::Mixes(reason) => Some(reason),
        };
        axis.ends.push(End {
            node: node.name.clone(),
            operation: node.op.name(),
            fixed,
        });
    }
    for output in graph.outputs() {
        if axis.values[output.value.index()].is_some() {
            axis.ends.push(End {
                node: output.name.clone(),
                operation: "output",
                fixed: Some("it has a row per slot".into()),
            });
        }
    }
    axis
}

fn is_layer(op: &Op) -> bool {
    matches!(
        op,
        Op::Dense { .. } | Op::DenseStepwise { .. } | Op::Conv { .. } | Op::MatMul | Op::Trees(_)
    )
}

const CUTS: &str = "it cuts through the slots: their axis is no axis of its operand";
const PLACES: &str = "its numbers differ from slot to slot";

struct Follower<'a> {
    graph: &'a Graph,
    values: &'a [Option<Slots>],
    node: &'a Node,
}

impl Follower<'_> {
    fn operand(&self, index: usize) -> (ValueId, Option<Slots>) {
        let value = self.node.inputs[index];
        (value, self.values[value.index()])
    }

    fn result(&self) -> &[usize] {
        self.graph.shape(self.node.output)
    }

    fn step(&self) -> Step {
        let inputs = &self.node.inputs;
        if inputs.iter().all(|v| self.values[v.index()].is_none()) {
            return Step::Event;
        }
        match &self.node.op {
            Op::Constant(_) => Step::Event,
            Op::Binary(_) | Op::Compare(_) | Op::Logic(_) | Op::Where => self.broadcast(),
            Op::MatMul => self.matmul(),
            Op::Concat { axis } => self.concat(*axis),
            Op::Gather { axis } => self.gather(*axis),
            _ => match self.operand(0) {
                (value, Some(slots)) => self.single(self.graph.shape(value), slots),
                _ => mixes("an operand of it has no slots"),
            },
        }
    }

    /// Operations of one operand.
    fn single(&self, x: &[usize], slots: Slots) -> Step {
        let to = self.result();
        let on_axis = |own: usize, step: &dyn Fn() -> Step| match slots.axis(x) {
            Some(axis) if axis == own => step(),
            Some(axis) => keeps(Slots::along(to, axis)),
            None => mixes(CUTS),
        };
        match &self.node.op {
            Op::Unary(_) | Op::Reshape { .. } => keeps(slots),
            Op::ScaleShift { axis, scale, shift } => {
                let extent = Slots::along(x, *axis);
                let entry = |of: &[f64], e: usize| of[extent.slot(e) % of.len()];
                alike(slots, |e| (entry(scale, e), entry(shift, e)))
            }
            Op::Quantise(q) => tensors(slots, x, &[&q.scale, &q.zero_point]),
            Op::Dequantise { scale, zero_point } => tensors(slots, x, &[scale, zero_point]),
            Op::FixedPoint(q) => alike(slots, |e| q.types[e % q.types.len()]),
            Op::Dense { weights, .. } | Op::DenseStepwise { weights, .. } => {
                let pooled = matches!(self.node.op, Op::Dense { .. });
                dense(slots, weights, pooled)
            }
            Op::Trees(_) => {
                let features = x.last().copied().unwrap_or(1);
                let targets = to.last().copied().unwrap_or(1);
                rows(slots, features, targets)
                    .unwrap_or_else(|| mixes("its trees read several slots side by side"))
            }
            Op::Reduce { op, axes, .. } => reduce(slots, x, *op, axes),
            Op::Broadcast { .. } => match broadcast_slots(slots, x, to) {
                Some(own) => keeps(own),
                None => mixes(CUTS),
            },
            Op::Transpose { perm } => match slots.axis(x) {
                Some(axis) => match perm.iter().position(|from| *from == axis) {
                    Some(at) => keeps(Slots::along(to, at)),
                    None => mixes(CUTS),
                },
                None => mixes(CUTS),
            },
            Op::Slice { axis, .. } | Op::Select { axis, .. } => {
                on_axis(*axis, &|| mixes("it takes slots by their places"))
            }
            Op::Softmax { axis } | Op::LogSoftmax { axis } => {
                on_axis(*axis, &|| mixes("each slot's result depends on all others"))
            }
            Op::ArgMax { axis, .. } | Op::TopK { axis, .. } => {
                on_axis(*axis, &|| mixes("it orders the slots"))
            }
            Op::Pad { pads, .. } => match slots.axis(x) {
                Some(axis) if pads[axis] == (0, 0) => keeps(Slots::along(to, axis)),
                Some(_) => mixes("it puts elements before or behind the slots"),
                None => mixes(CUTS),
            },
            Op::Conv { window, .. } => match slots.axis(x) {
                Some(axis) => conv::window(window, x, axis, to),
                None => mixes(CUTS),
            },
            Op::Pool { window, .. } => match slots.axis(x) {
                Some(axis) if axis == 1 => keeps(Slots::along(to, axis)),
                Some(axis) if conv::holds_all(window, x, axis) => Step::Pools,
                Some(axis) => conv::window(window, x, axis, to),
                None => mixes(CUTS),
            },
            _ => mixes("it is not known to treat all slots alike"),
        }
    }

    /// Operands of several shapes that broadcast.
    fn broadcast(&self) -> Step {
        let to = self.result();
        let mut own: Option<Slots> = None;
        for index in 0..self.node.inputs.len() {
            let (value, Some(slots)) = self.operand(index) else {
                continue;
            };
            let Some(here) = broadcast_slots(slots, self.graph.shape(value), to) else {
                return mixes(CUTS);
            };
            if own.is_some_and(|own| own != here) {
                return mixes("slots meet each other in pairs");
            }
            own = Some(here);
        }
        let Some(own) = own else {
            return Step::Event;
        };
        for index in 0..self.node.inputs.len() {
            let (value, None) = self.operand(index) else {
                continue;
            };
            if let Err(step) = self.same_in_all(value, own, to) {
                return step;
            }
        }
        keeps(own)
    }

    /// Whether a value without slots is the same for all slots of a shape to which it broadcasts.
    fn same_in_all(&self, value: ValueId, own: Slots, to: &[usize]) -> Result<(), Step> {
        let shape = self.graph.shape(value);
        let alike = match self.graph.constant(value) {
            Some(tensor) => matches!(tensors(own, to, &[tensor]), Step::Keeps(_)),
            None => {
                let missing = to.len() - shape.len();
                own.axis(to)
                    .is_some_and(|axis| axis < missing || shape[axis - missing] == 1)
            }
        };
        match (alike, self.graph.constant(value)) {
            (true, _) => Ok(()),
            (false, Some(_)) => Err(mixes(PLACES)),
            (false, None) => Err(mixes("a value of the event differs from slot to slot")),
        }
    }

    fn matmul(&self) -> Step {
        let ((a, of_a), (b, of_b)) = (self.operand(0), self.operand(1));
        let (a_shape, b_shape, to) = (self.graph.shape(a), self.graph.shape(b), self.result());
        // From the end: 0 columns, 1 rows, then matrices.
        let place = |slots: Option<Slots>, shape: &[usize]| match slots {
            None => Ok(None),
            Some(slots) => match slots.axis(shape) {
                Some(axis) => Ok(Some(shape.len() - 1 - axis)),
                None => Err(mixes(CUTS)),
            },
        };
        let (at_a, at_b) = match (place(of_a, a_shape), place(of_b, b_shape)) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(step), _) | (_, Err(step)) => return step,
        };
        let from_end = |at: usize| keeps(Slots::along(to, to.len() - 1 - at));
        // Weights that are the same for all slots, over which is summed.
        let weighted = |other: ValueId, rows: bool| match self.graph.constant(other) {
            None => mixes("a value of the event differs from slot to slot"),
            Some(tensor) => {
                let shape = &tensor.shape;
                let axis = shape.len() - if rows { 2 } else { 1 };
                let own = Slots::along(shape, axis);
                match own.agree(|e| tensor.data[e]) {
                    true => Step::Pools,
                    false => mixes("its weights differ from slot to slot"),
                }
            }
        };
        match (at_a, at_b) {
            (Some(0), Some(1)) => Step::Pools,
            (Some(0), None) => weighted(b, true),
            (None, Some(1)) => weighted(a, false),
            (Some(1), None) => from_end(1),
            (None, Some(0)) => from_end(0),
            (Some(a), Some(b)) if a == b && a > 1 => from_end(a),
            (Some(at), None) | (None, Some(at)) if at > 1 => {
                let other = if at_a.is_some() { b } else { a };
                let shape = self.graph.shape(other);
                match shape.len() <= at || shape[shape.len() - 1 - at] == 1 {
                    true => from_end(at),
                    false => mixes(PLACES),
                }
            }
            _ => mixes("slots meet each other in pairs"),
        }
    }

    fn concat(&self, axis: usize) -> Step {
        let to = self.result();
        let mut own: Option<usize> = None;
        for index in 0..self.node.inputs.len() {
            let (value, Some(slots)) = self.operand(index) else {
                continue;
            };
            let Some(at) = slots.axis(self.graph.shape(value)) else {
                return mixes(CUTS);
            };
            if at == axis {
                return mixes("it puts other elements before or behind the slots");
            }
            if own.is_some_and(|own| own != at) {
                return mixes("slots meet each other in pairs");
            }
            own = Some(at);
        }
        let Some(at) = own else {
            return Step::Event;
        };
        for index in 0..self.node.inputs.len() {
            let (value, None) = self.operand(index) else {
                continue;
            };
            let shape = self.graph.shape(value);
            let own = Slots::along(shape, at);
            match self.graph.constant(value) {
                Some(tensor) if own.agree(|e| tensor.data[e].to_bits()) => {}
                Some(_) => return mixes(PLACES),
                None if self.is_repeated(value, at) => {}
                None => return mixes("a value of the event differs from slot to slot"),
            }
        }
        keeps(Slots::along(to, at))
    }

    /// Whether a value of the event is the same along an axis, since it was broadcast.
    fn is_repeated(&self, value: ValueId, axis: usize) -> bool {
        let shape = self.graph.shape(value);
        let Some(node) = self.graph.producing_node(value) else {
            return false;
        };
        let from = node.inputs.first().map(|x| self.graph.shape(*x));
        matches!(node.op, Op::Broadcast { .. })
            && from.is_some_and(|from| {
                let missing = shape.len() - from.len();
                axis < missing || from[axis - missing] == 1
            })
    }

    fn gather(&self, axis: usize) -> Step {
        let (table, of_table) = self.operand(0);
        match (of_table, self.operand(1).1) {
            (None, Some(slots)) => {
                // The indices' axes take the place of the table's.
                let shape = self.graph.shape(table);
                keeps(Slots {
                    outer: slots.outer * shape[..axis].iter().product::<usize>(),
                    inner: slots.inner * shape[axis + 1..].iter().product::<usize>(),
                    ..slots
                })
            }
            _ => mixes("it takes elements by computed places"),
        }
    }
}

/// What happens where an entry of each element should be the same in all slots.
fn alike<T: PartialEq>(slots: Slots, entry: impl Fn(usize) -> T) -> Step {
    match slots.agree(entry) {
        true => keeps(slots),
        false => mixes(PLACES),
    }
}

/// [`alike`] for tensors that broadcast to a shape.
fn tensors(slots: Slots, shape: &[usize], tensors: &[&Tensor]) -> Step {
    let entry = |tensor: &Tensor, element: usize| {
        let missing = shape.len() - tensor.shape.len();
        let (mut rest, mut index, mut stride) = (element, 0, 1);
        for axis in (0..shape.len()).rev() {
            let at = rest % shape[axis];
            rest /= shape[axis];
            if axis >= missing {
                let extent = tensor.shape[axis - missing];
                index += if extent == 1 { 0 } else { at * stride };
                stride *= extent;
            }
        }
        tensor.data[index].to_bits()
    };
    let all = |e| -> Vec<u32> {
        tensors
            .iter()
            .filter(|tensor| tensor.single().is_none())
            .map(|tensor| entry(tensor, e))
            .collect()
    };
    alike(slots, all)
}

/// A layer that maps rows of `inputs` to rows of `outputs` elements, each within a slot.
fn rows(slots: Slots, inputs: usize, outputs: usize) -> Option<Step> {
    slots.inner.is_multiple_of(inputs).then(|| {
        keeps(Slots {
            inner: slots.inner / inputs * outputs,
            ..slots
        })
    })
}

/// A dense layer: along the features, or over all slots with weights that do not tell them apart.
fn dense(slots: Slots, weights: &Tensor, pools: bool) -> Step {
    let (outputs, inputs) = (weights.shape[0], weights.shape[1]);
    if let Some(step) = rows(slots, inputs, outputs) {
        return step;
    }
    if !inputs.is_multiple_of(slots.slots * slots.inner) {
        return mixes(CUTS);
    }
    let of_row = Slots {
        outer: outputs * inputs / (slots.slots * slots.inner),
        ..slots
    };
    match pools && of_row.agree(|e| weights.data[e].to_bits()) {
        true => Step::Pools,
        false => mixes("its weights differ from slot to slot"),
    }
}

fn reduce(slots: Slots, x: &[usize], op: Reduction, axes: &[usize]) -> Step {
    let Some(axis) = slots.axis(x) else {
        return mixes(CUTS);
    };
    if axes.contains(&axis) {
        return match op {
            Reduction::Prod => mixes("a product over the slots"),
            _ => Step::Pools,
        };
    }
    let extent = |range: std::ops::Range<usize>| {
        let kept = range.filter(|axis| !axes.contains(axis));
        kept.map(|axis| x[axis]).product::<usize>()
    };
    keeps(Slots {
        outer: extent(0..axis),
        slots: slots.slots,
        inner: extent(axis + 1..x.len()),
    })
}

/// The slots of an operand in the shape to which it broadcasts.
fn broadcast_slots(slots: Slots, from: &[usize], to: &[usize]) -> Option<Slots> {
    let differs = |(a, b): (&usize, &usize)| a != b;
    let is_same = from.iter().product::<usize>() == to.iter().product::<usize>()
        && !from.iter().rev().zip(to.iter().rev()).any(differs);
    if is_same {
        return Some(slots);
    }
    let axis = slots.axis(from)? + to.len() - from.len();
    Some(Slots::along(to, axis))
}
