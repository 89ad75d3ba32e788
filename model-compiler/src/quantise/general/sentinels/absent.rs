//! What orders values gives a sentinel where there was nothing to order: n = 0, or fewer values than TopK takes. From there on
//! the network computes the same for every such event, as long as nothing else of the event comes in: that is computed here, in
//! float, and chosen behind it all instead of what the integers make of a sentinel.

use super::mapped::{Absent, Mapped, Masked};
use super::masks::uniform;
use super::sink::{Sinking, Sunk, typical};
use crate::graph::{
    Comparison, GraphBuilder, GraphError, Node, Op, Reduction, Tensor, Unary, ValueId, broadcast,
    eval_constant,
};

/// Work that computing what nothing leads to may take for a node, in multiplications.
const BUDGET: usize = 1 << 24;
/// How far beyond what is usual a number may be that a layer reads.
const MODERATE: f32 = 16.0;
/// The same of an output, which has more bits.
const OF_OUTPUT: f32 = 2_147_483_648.0;

impl Sinking<'_> {
    /// The result of a node that orders masked values, if it gives values.
    pub(super) fn ordered_absent(
        &mut self,
        node: &Node,
        x: &Masked,
        real: ValueId,
    ) -> Sunk<Option<Absent>> {
        let from = self.builder.graph().shape(x.real).to_vec();
        let own = self.builder.graph().shape(x.keep).to_vec();
        let mut aligned = vec![1; from.len().saturating_sub(own.len())];
        aligned.extend(&own);
        let (op, shape) = match &node.op {
            Op::Reduce { axes, keepdims, .. } => {
                let (axes, keepdims) = (axes.clone(), *keepdims);
                let op = Reduction::Max;
                (Op::Reduce { op, axes, keepdims }, aligned)
            }
            Op::TopK {
                axis,
                k,
                indices: false,
                ..
            } => {
                aligned[*axis] = from[*axis];
                let (axis, k) = (*axis, *k);
                let op = Op::TopK {
                    axis,
                    k,
                    largest: true,
                    indices: false,
                };
                (op, aligned)
            }
            Op::Pool { .. } => (node.op.clone(), from),
            _ => return Ok(None),
        };
        let name = &node.name;
        let keep = match own == shape {
            true => x.keep,
            false => self
                .builder
                .push(name, Op::Broadcast { shape }, &[x.keep])?,
        };
        let mut keep = self.builder.push(name, op, &[keep])?;
        if !self.builder.graph().is_boolean(keep) {
            let half = self.builder.constant(name, Tensor::scalar(0.5))?;
            keep = self
                .builder
                .push(name, Op::Compare(Comparison::Greater), &[keep, half])?;
        }
        let seen = self.seen(x.seen);
        let range = (seen.minimum, seen.maximum);
        let (low, high) = match x.added {
            true => (x.fill + range.0, x.fill + range.1),
            false => (x.fill, x.fill),
        };
        let shape = self.builder.graph().shape(real).to_vec();
        let all = |number: f32| Tensor {
            data: vec![number; shape.iter().product()],
            shape: shape.clone(),
        };
        Ok(Some(Absent {
            real,
            keep,
            low: all(low),
            high: all(high),
            range: Some(range),
            plain: None,
        }))
    }

    /// A node that reads nothing of the event but values that are absent together; none where it reads more, or mixes
    /// what is there with what is not.
    pub(super) fn carried_absent(&mut self, node: &Node) -> Sunk<Option<Absent>> {
        let mut first: Option<Absent> = None;
        let mut operands = vec![];
        let (mut low, mut high) = (vec![], vec![]);
        for value in &node.inputs {
            if let Some(tensor) = self.graph.constant(*value) {
                low.push(tensor.clone());
                high.push(tensor.clone());
                operands.push(self.plain(*value)?);
                continue;
            }
            let Mapped::Absent(absent) = self.mapped(*value)? else {
                return Ok(None);
            };
            if first
                .as_ref()
                .is_some_and(|first| first.keep != absent.keep)
            {
                return Ok(None);
            }
            low.push(absent.low.clone());
            high.push(absent.high.clone());
            operands.push(absent.real);
            first.get_or_insert(*absent);
        }
        let Some(first) = first else {
            return Ok(None);
        };
        let Some(keep) = self.keep_behind(node, first.keep, &operands)? else {
            return Ok(None);
        };
        let (Some(low), Some(high)) = (value_of(&node.op, low)?, value_of(&node.op, high)?) else {
            return Ok(None);
        };
        let real = match (&node.op, &operands[..]) {
            (Op::Compare(_), [_, _]) => match self.settled(node, first.range)? {
                Some(real) => real,
                None => self.push(node, &operands)?,
            },
            (Op::Where, [condition, a, b]) => {
                match self.builder.graph().constant(*condition).and_then(uniform) {
                    // What is known of everything that is there.
                    Some(truth) => {
                        let chosen = if truth != 0.0 { *a } else { *b };
                        let shape = self.graph.shape(node.output).to_vec();
                        match self.builder.graph().shape(chosen) == shape {
                            true => chosen,
                            false => {
                                self.builder
                                    .push(&node.name, Op::Broadcast { shape }, &[chosen])?
                            }
                        }
                    }
                    _ => self.push(node, &operands)?,
                }
            }
            _ => self.push(node, &operands)?,
        };
        let range = first.range.filter(|_| node.op.moves());
        Ok(Some(Absent {
            real,
            keep,
            low,
            high,
            range,
            plain: None,
        }))
    }

    /// Where a result is real; none where it depends on both.
    fn keep_behind(
        &mut self,
        node: &Node,
        keep: ValueId,
        operands: &[ValueId],
    ) -> Sunk<Option<ValueId>> {
        let graph = self.builder.graph();
        let (own, to) = (
            graph.shape(keep).to_vec(),
            self.graph.shape(node.output).to_vec(),
        );
        if own.iter().product::<usize>() == 1 {
            if own.len() <= to.len() {
                return Ok(Some(keep));
            }
            let shape = vec![1; to.len()];
            return self
                .builder
                .push(&node.name, Op::Reshape { shape }, &[keep])
                .map(Some);
        }
        match &node.op {
            Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::ScaleShift { .. } | Op::Where => {
                let fits = broadcast(&[&own, &to]).is_some_and(|shape| shape == to);
                Ok(fits.then_some(keep))
            }
            op if op.moves() && operands.len() == 1 => {
                let from = graph.shape(operands[0]).to_vec();
                let whole = match own == from {
                    true => keep,
                    false => {
                        let shape = from;
                        self.builder
                            .push(&node.name, Op::Broadcast { shape }, &[keep])?
                    }
                };
                self.push(node, &[whole]).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The constant that a comparison gives of everything that is there.
    fn settled(&mut self, node: &Node, range: Option<(f32, f32)>) -> Sunk<Option<ValueId>> {
        let Some((low, high)) = range else {
            return Ok(None);
        };
        let place = usize::from(self.graph.constant(node.inputs[0]).is_some());
        let Some(bound) = self.graph.constant(node.inputs[1 - place]) else {
            return Ok(None);
        };
        // With room for what calibration did not show.
        let reach = (high - low).max(1.0);
        let apart = |bound: &f32| *bound < low - reach || *bound > high + reach;
        if !bound.data.iter().all(apart) {
            return Ok(None);
        }
        let mut results = vec![];
        for bound in &bound.data {
            let mut operands = vec![Tensor::scalar(low); 2];
            operands[1 - place] = Tensor::scalar(*bound);
            if let Some(result) = value_of(&node.op, operands)? {
                results.extend(result.data);
            }
        }
        match results.first() {
            Some(first) if results.iter().all(|other| other == first) => {
                let shape = self.graph.shape(node.output).to_vec();
                let data = vec![*first; shape.iter().product()];
                let truth = Tensor { shape, data };
                self.builder.constant(&node.name, truth).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The value as the network has it, where a format can hold it; else what the integers make of a sentinel.
    pub(super) fn plain_absent(&mut self, value: ValueId, absent: &Absent) -> Sunk<ValueId> {
        let is_output = self.graph.outputs().iter().any(|o| o.value == value);
        let name = self.graph.value_name(value).to_owned();
        let usual = typical(self.seen(value)).max(1.0);
        let reach = usual * if is_output { OF_OUTPUT } else { MODERATE };
        let held = absent.low == absent.high && absent.low.data.iter().all(|v| v.abs() <= reach);
        if !held {
            return Ok(absent.real);
        }
        // A truth that is known where something is there.
        let known = self.builder.graph().constant(absent.real);
        if let (Some(known), Some(first)) = (known.and_then(uniform), uniform(&absent.low)) {
            let keep = match (known, first) {
                _ if known == first => Some(absent.real),
                (1.0, 0.0) => Some(absent.keep),
                (0.0, 1.0) => {
                    let not = Op::Unary(Unary::Not);
                    Some(self.builder.push(&name, not, &[absent.keep])?)
                }
                _ => None,
            };
            if let Some(keep) = keep {
                let shape = self.graph.shape(value).to_vec();
                return match self.builder.graph().shape(keep) == shape {
                    true => Ok(keep),
                    false => self.builder.push(&name, Op::Broadcast { shape }, &[keep]),
                };
            }
        }
        let constant = self.builder.constant(&name, absent.low.clone())?;
        let operands = [absent.keep, absent.real, constant];
        self.builder.push(&name, Op::Where, &operands)
    }
}

/// What an operation makes of constants.
fn value_of(op: &Op, operands: Vec<Tensor>) -> Result<Option<Tensor>, GraphError> {
    let mut builder = GraphBuilder::new("");
    let mut ids = vec![];
    for operand in operands {
        ids.push(builder.constant("", operand)?);
    }
    let mut budget = BUDGET;
    eval_constant(builder.graph(), op, &ids, &mut budget)
}
