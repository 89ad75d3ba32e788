//! Arithmetic with constants per channel becomes [`Op::ScaleShift`], successive ones become one, and they move towards the
//! layer before them, where the next pass absorbs them.

use super::rewrite::{Rewriter, rewrite};
use crate::graph::{Binary, Graph, GraphError, Node, Op, Tensor, Unary, ValueId};

/// Factors along an axis; one factor serves all indices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine {
    pub axis: usize,
    pub scale: Vec<f64>,
    pub shift: Vec<f64>,
}

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        if let Some((x, affine)) = recognise(graph, node) {
            let x = r.mapped(x)?;
            return affine.push(r, &node.name, x).map(Some);
        }
        let Some(affine) = Affine::of(&node.op) else {
            return Ok(None);
        };
        if affine.is_identity() {
            return r.mapped(node.inputs[0]).map(Some);
        }
        let Some(before) = r.sole_producer(node.inputs[0]) else {
            return Ok(None);
        };
        let Some(&source) = before.inputs.first() else {
            return Ok(None);
        };
        if let Some(first) = Affine::of(&before.op) {
            let Some(both) = first.then(&affine) else {
                return Ok(None);
            };
            let source = r.mapped(source)?;
            return both.push(r, &node.name, source).map(Some);
        }
        let axis = match &before.op {
            _ if affine.is_uniform() => Some(graph.shape(source).len().saturating_sub(1)),
            Op::Reshape { shape } => axis_before_reshape(graph.shape(source), shape, affine.axis),
            Op::Transpose { perm } => perm.get(affine.axis).copied(),
            _ => None,
        };
        match (&before.op, axis) {
            (Op::Reshape { .. } | Op::Transpose { .. }, Some(axis)) => {
                let source = r.mapped(source)?;
                let scaled = Affine { axis, ..affine }.push(r, &node.name, source)?;
                r.push(&before.name, before.op.clone(), &[scaled]).map(Some)
            }
            _ => Ok(None),
        }
    })
}

/// The axis of `from` that becomes axis `axis` of `to` when the elements are reshaped, if there is one.
pub(super) fn axis_before_reshape(from: &[usize], to: &[usize], axis: usize) -> Option<usize> {
    let inner = |shape: &[usize], axis: usize| shape[axis + 1..].iter().product::<usize>();
    let extent = *to.get(axis)?;
    (0..from.len())
        .rev()
        .find(|&i| from[i] == extent && inner(from, i) == inner(to, axis))
}

/// Arithmetic with a constant: the other operand, and what happens to it.
fn recognise(graph: &Graph, node: &Node) -> Option<(ValueId, Affine)> {
    if let (Op::Unary(Unary::Neg), [x]) = (&node.op, &node.inputs[..]) {
        return Some((
            *x,
            Affine {
                axis: 0,
                scale: vec![-1.0],
                shift: vec![0.0],
            },
        ));
    }
    let (Op::Binary(op), [a, b]) = (&node.op, &node.inputs[..]) else {
        return None;
    };
    let (x, constant, flipped) = match (graph.constant(*a), graph.constant(*b)) {
        (None, Some(c)) => (*a, c, false),
        (Some(c), None) => (*b, c, true),
        _ => return None,
    };
    if graph.shape(x) != graph.shape(node.output) || !constant.is_finite() {
        return None;
    }
    let (axis, values) = per_channel(constant, graph.shape(x).len())?;
    let (ones, zeros) = (vec![1.0; values.len()], vec![0.0; values.len()]);
    let (scale, shift) = match (op, flipped) {
        (Binary::Add, _) => (ones, values),
        (Binary::Sub, false) => (ones, values.iter().map(|v| -v).collect()),
        (Binary::Sub, true) => (ones.iter().map(|v| -v).collect(), values),
        (Binary::Mul, _) => (values, zeros),
        (Binary::Div, false) if values.iter().all(|&v| v != 0.0) => {
            (values.iter().map(|v| v.recip()).collect(), zeros)
        }
        _ => return None,
    };
    Some((x, Affine { axis, scale, shift }))
}

/// A constant that varies along one axis at most, as that axis of an operand of the given rank, and its values.
fn per_channel(constant: &Tensor, rank: usize) -> Option<(usize, Vec<f64>)> {
    let missing = rank.checked_sub(constant.shape.len())?;
    let mut wide = constant.shape.iter().enumerate().filter(|&(_, &d)| d != 1);
    let axis = wide
        .next()
        .map_or(rank.saturating_sub(1), |(i, _)| i + missing);
    if wide.next().is_some() {
        return None;
    }
    Some((axis, constant.data.iter().map(|&v| f64::from(v)).collect()))
}

impl Affine {
    /// The factors of a [`Op::ScaleShift`].
    pub fn of(op: &Op) -> Option<Self> {
        match op {
            Op::ScaleShift { axis, scale, shift } => Some(Self {
                axis: *axis,
                scale: scale.clone(),
                shift: shift.clone(),
            }),
            _ => None,
        }
    }

    /// Whether one pair of factors serves all elements.
    pub fn is_uniform(&self) -> bool {
        self.scale.len() == 1
    }

    fn is_identity(&self) -> bool {
        self.scale.iter().all(|&v| v == 1.0) && self.shift.iter().all(|&v| v == 0.0)
    }

    /// The factor and offset of an index along the axis.
    pub fn at(&self, index: usize) -> (f64, f64) {
        if self.is_uniform() {
            (self.scale[0], self.shift[0])
        } else {
            (self.scale[index], self.shift[index])
        }
    }

    /// This map and then another one, if they vary along the same axis and stay finite.
    fn then(&self, next: &Self) -> Option<Self> {
        if !self.is_uniform() && !next.is_uniform() && self.axis != next.axis {
            return None;
        }
        let axis = if self.is_uniform() {
            next.axis
        } else {
            self.axis
        };
        let pairs = (0..self.scale.len().max(next.scale.len())).map(|i| {
            let ((s, t), (s2, t2)) = (self.at(i), next.at(i));
            (s * s2, t * s2 + t2)
        });
        let (scale, shift): (Vec<f64>, Vec<f64>) = pairs.unzip();
        let finite = scale.iter().chain(&shift).all(|v| v.is_finite());
        finite.then_some(Self { axis, scale, shift })
    }

    fn push(self, r: &mut Rewriter<'_>, name: &str, x: ValueId) -> Result<ValueId, GraphError> {
        r.push(
            name,
            Op::ScaleShift {
                axis: self.axis,
                scale: self.scale,
                shift: self.shift,
            },
            &[x],
        )
    }
}
