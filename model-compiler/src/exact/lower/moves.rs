//! Operations that only move elements.

use hodoscope_program::{Operation, Overflow, Rounding, ValueId};

use super::{Factors, Lowered, Lowering, PROPORTION, Real, Source, extents};
use crate::exact::dyadic::Dyadic;
use crate::graph::{GraphBuilder, Node, Op, Padding, Tensor, eval_constant};

/// The operand's element for each element of a broadcast.
pub(super) fn broadcast(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len().saturating_sub(from.len());
    let elements: usize = to.iter().product();
    let source = |element: usize| {
        let (mut rest, mut index, mut stride) = (element, 0, 1);
        for axis in (0..to.len()).rev() {
            let at = rest % to[axis];
            rest /= to[axis];
            if axis >= missing {
                let extent = from[axis - missing];
                index += if extent == 1 { 0 } else { at * stride };
                stride *= extent;
            }
        }
        index
    };
    (0..elements).map(source).collect()
}

/// Where each element of the result of `op` comes from, counted through all operands.
fn origins(op: &Op, shapes: &[&[usize]]) -> Lowered<Vec<usize>> {
    let mut graph = GraphBuilder::new("");
    let mut next = 0;
    let mut ids = Vec::new();
    for shape in shapes {
        let elements: usize = shape.iter().product();
        // Positions are small enough to be exact in single precision.
        let data = (next..next + elements).map(|i| i as f32).collect();
        next += elements;
        let tensor = Tensor {
            shape: shape.to_vec(),
            data,
        };
        ids.push(graph.constant("", tensor).map_err(|e| e.to_string())?);
    }
    if next > 1 << 24 {
        return Err("too many elements to be moved".into());
    }
    let mut budget = 1 << 26;
    let moved = eval_constant(graph.graph(), op, &ids, &mut budget).map_err(|e| e.to_string())?;
    let moved = moved.ok_or("too many elements to be moved")?;
    Ok(moved.data.iter().map(|i| *i as usize).collect())
}

impl Lowering<'_> {
    /// Broadcast, Transpose, Slice, Select and Concat.
    pub(super) fn moved(&mut self, name: &str, node: &Node, shape: &[usize]) -> Lowered<Real> {
        let parts = (0..node.inputs.len())
            .map(|i| self.operand(node, i))
            .collect::<Lowered<Vec<_>>>()?;
        let shapes: Vec<&[usize]> = parts.iter().map(|p| &p.shape[..]).collect();
        let origins = origins(&node.op, &shapes)?;
        let last = shape.len().checked_sub(1);
        let by_channels = matches!(&node.op, Op::Concat { axis } if Some(*axis) == last);
        match <[Real; 1]>::try_from(parts) {
            Ok([x]) => self.rearranged(name, x, &origins, shape),
            Err(parts) if by_channels => self.side_by_side(name, parts, &origins, shape),
            Err(parts) => {
                let total: usize = parts.iter().map(Real::elements).sum();
                let flat: Vec<Real> = parts
                    .into_iter()
                    .map(|p| {
                        let elements = p.elements();
                        p.reshaped(&[elements])
                    })
                    .collect();
                let in_order: Vec<usize> = (0..total).collect();
                let joined = self.side_by_side(name, flat, &in_order, &[total])?;
                self.rearranged(name, joined, &origins, shape)
            }
        }
    }

    /// x with elements around it: its own again, or zeros.
    pub(super) fn padded(
        &mut self,
        name: &str,
        node: &Node,
        pads: &[(usize, usize)],
        padding: Padding,
        shape: &[usize],
    ) -> Lowered<Real> {
        let Padding::Constant(value) = padding else {
            return self.moved(name, node, shape);
        };
        if value != 0.0 {
            return Err(format!(
                "padding of {value} has no exact form: pad with zeros, or with the tensor's own elements"
            ));
        }
        let x = self.operand(node, 0)?;
        super::no_divisor(&x)?;
        let behind = x.elements();
        let own = x.shape.clone();
        let marked = Op::Pad {
            pads: pads.to_vec(),
            padding: Padding::Constant(behind as f32),
        };
        let (x, zero, order) = self.with_zero(name, x)?;
        let origins = origins(&marked, &[&own])?;
        let place = |origin: usize| order.get(origin).copied().unwrap_or(zero);
        let origins: Vec<usize> = origins.into_iter().map(place).collect();
        self.rearranged(name, x, &origins, shape)
    }

    /// x with its elements in another order, or only some of them.
    pub(super) fn rearranged(
        &mut self,
        name: &str,
        x: Real,
        origins: &[usize],
        shape: &[usize],
    ) -> Lowered<Real> {
        let pick = |entries: &[Dyadic]| origins.iter().map(|i| entries[*i]).collect::<Vec<_>>();
        let (step, offset) = (pick(&x.step), pick(&x.offset));
        let unchanged = origins.len() == x.elements() && origins.is_sorted_by(|a, b| a < b);
        let source = match x.source {
            Source::Constant(raws) => Source::Constant(origins.iter().map(|i| raws[*i]).collect()),
            Source::Value(id) if unchanged => Source::Value(id),
            Source::Value(id) => {
                let dims = extents(shape);
                Source::Value(self.builder.gather(name, id, origins, &dims, &step)?)
            }
        };
        Ok(Real {
            shape: shape.to_vec(),
            source,
            step,
            offset,
            divisor: x.divisor,
        })
    }

    /// Parts joined along their last axis.
    pub(super) fn side_by_side(
        &mut self,
        name: &str,
        parts: Vec<Real>,
        origins: &[usize],
        shape: &[usize],
    ) -> Lowered<Real> {
        let all = |entries: fn(&Real) -> &[Dyadic]| {
            let joined: Vec<Dyadic> = parts.iter().flat_map(|p| entries(p).to_vec()).collect();
            origins.iter().map(|i| joined[*i]).collect::<Vec<_>>()
        };
        let (step, offset) = (all(|p| &p.step), all(|p| &p.offset));
        if parts.iter().any(|p| p.divisor != 1) {
            return Err("a mean that is not quantised is joined; add a quantiser behind it".into());
        }
        if parts.iter().all(Real::is_constant) {
            let raws: Vec<i64> = parts
                .iter()
                .flat_map(|p| match &p.source {
                    Source::Constant(raws) => raws.clone(),
                    Source::Value(_) => vec![],
                })
                .collect();
            return Ok(Real {
                shape: shape.to_vec(),
                source: Source::Constant(origins.iter().map(|i| raws[*i]).collect()),
                step,
                offset,
                divisor: 1,
            });
        }
        let any = parts.iter().find_map(|p| match p.source {
            Source::Value(id) => Some(id),
            Source::Constant(_) => None,
        });
        let any = any.ok_or(PROPORTION)?;
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            let channels = part.shape.last().copied().unwrap_or(1);
            let id = match part.source {
                Source::Value(id) => id,
                Source::Constant(raws) => self.constant_value(name, any, &raws)?,
            };
            let rows = shape.iter().product::<usize>() / shape.last().copied().unwrap_or(1);
            let dims = extents(&[rows, channels]);
            values.push(self.builder.view(id, &dims)?);
        }
        let operation = Operation::Concat { parts: values };
        let dims = extents(shape);
        let id = self.builder.push(name, &dims, operation, None, &step)?;
        Ok(Real {
            shape: shape.to_vec(),
            source: Source::Value(id),
            step,
            offset,
            divisor: 1,
        })
    }

    /// x as a value of the program, a constant too; `any` is some value.
    pub(super) fn as_value(&mut self, name: &str, x: &Real, any: ValueId) -> Lowered<ValueId> {
        match &x.source {
            Source::Value(id) => Ok(*id),
            Source::Constant(raws) => self.constant_value(name, any, raws),
        }
    }

    /// Constants as a value: 0·x + c, of any x.
    fn constant_value(&mut self, name: &str, any: ValueId, raws: &[i64]) -> Lowered<ValueId> {
        let elements: usize = self.builder.dims(any).iter().product();
        let flat = self.builder.view(any, &[elements])?;
        let step = vec![Dyadic::ONE; raws.len()];
        let name = format!("{name}.constant");
        let operation = Operation::Select {
            x: flat,
            channels: vec![0; raws.len()],
        };
        let element = Some(self.builder.element(flat));
        let row = self
            .builder
            .push(&name, &[raws.len()], operation, element, &step)?;
        let factors = Factors {
            multipliers: vec![0; raws.len()],
            offsets: raws.to_vec(),
            shifts: vec![0; raws.len()],
        };
        self.builder.rescale(
            &name,
            row,
            factors,
            Rounding::Trn,
            Overflow::Sat,
            None,
            &step,
        )
    }
}
