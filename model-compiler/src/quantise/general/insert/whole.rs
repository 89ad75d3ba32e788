//! Whole numbers stay whole: what is computed from integers alone is computed exactly, and rounded nowhere.

use super::fine::BITS as FULL;
use super::{Grid, Held, HeldKind, Insert, Insertion};
use crate::format;
use crate::graph::{Binary, Comparison, Node, Op, Reduction, Tensor, Unary, ValueId};
use crate::quantise::general::whole::Whole;

/// Bits of a whole number that a layer reads as it is.
const WIDTH: u8 = 16;

impl Insertion<'_> {
    /// What is known of a value that is whole.
    pub(super) fn whole_number(&self, value: ValueId) -> Option<Whole> {
        self.whole[value.index()]
    }

    /// Whether a value is computed as integers of any size.
    pub(super) fn is_exact(&self, value: ValueId) -> bool {
        let held = self.values[value.index()].as_ref();
        self.whole_number(value).is_some()
            && held.is_some_and(|held| held.kind != HeldKind::Function)
    }

    /// The integers of a whole value, however many bits they have.
    pub(super) fn integers(&self, value: ValueId) -> Insert<ValueId> {
        Ok(self.held(value)?.wide)
    }

    /// What is computed from whole numbers alone, and is one; none of other nodes.
    pub(super) fn exactly(&mut self, node: &Node) -> Insert<Option<Held>> {
        if self.whole_number(node.output).is_none() {
            return Ok(None);
        }
        let exact = node.inputs.iter().all(|v| self.is_exact(*v));
        let &[first, ..] = &node.inputs[..] else {
            return Ok(None);
        };
        let held = match &node.op {
            Op::Where => return self.chosen_by_range(node),
            Op::Unary(Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc) => {
                if let Some(nearest) = self.nearest_of_quotient(node, first)? {
                    return Ok(Some(nearest));
                }
                let operand = match exact {
                    true => return Ok(Some(self.held(first)?.clone())),
                    false => match self.affine(node, first)? {
                        Some(scaled) => scaled,
                        None => match self.of_words(first)? {
                            Some(words) => words,
                            None if self.is_fine(node) => self.in_full(first, FULL)?,
                            None => self.narrow(first)?.0,
                        },
                    },
                };
                self.integral(node, node.op.clone(), &[operand])?
            }
            Op::Unary(Unary::Not) => {
                let operand = self.truth(node, first)?;
                self.integral(node, node.op.clone(), &[operand])?
            }
            Op::Logic(_) => {
                let operands = self.operands(node, |i, value| i.truth(node, value))?;
                self.integral(node, node.op.clone(), &operands)?
            }
            Op::Compare(_) if self.is_fine(node) => {
                let (a, b) = self.compared(first, node.inputs[1])?;
                self.integral(node, node.op.clone(), &[a, b])?
            }
            Op::Compare(_) => {
                // Words as they came: no format of theirs may move a bound.
                let words = match exact {
                    true => None,
                    false => self.compared_words(first, node.inputs[1])?,
                };
                let operands = match words {
                    Some((a, b)) => vec![a, b],
                    // A constant bound is compared as it is.
                    None => self.operands(node, |insertion, value| {
                        let held = insertion.held(value)?;
                        match held.kind == HeldKind::Constant || insertion.is_exact(value) {
                            true => Ok(held.wide),
                            false => Ok(insertion.narrow(value)?.0),
                        }
                    })?,
                };
                self.integral(node, node.op.clone(), &operands)?
            }
            Op::ArgMax { .. } | Op::TopK { indices: true, .. } => {
                let operand = match self.is_exact(first) {
                    true => self.integers(first)?,
                    false => match self.ordered_words(first)? {
                        Some(words) => words,
                        None if self.is_fine(node) => self.in_full(first, FULL)?,
                        None => self.ranked(first)?,
                    },
                };
                self.integral(node, node.op.clone(), &[operand])?
            }
            Op::Gather { axis } => {
                let &[table, indices] = &node.inputs[..] else {
                    return Ok(None);
                };
                if !self.is_exact(table) {
                    return Ok(None);
                }
                let extent = self.graph.shape(table)[*axis];
                let indices = self.indices(node, indices, extent)?;
                let table = self.integers(table)?;
                self.integral(node, node.op.clone(), &[table, indices])?
            }
            op if exact && keeps(op) => {
                let operands = self.operands(node, |i, value| i.integers(value))?;
                self.integral(node, node.op.clone(), &operands)?
            }
            _ => return Ok(None),
        };
        Ok(Some(held))
    }

    /// A node whose results are whole numbers, read as they are where they have few bits.
    pub(super) fn integral(&mut self, node: &Node, op: Op, operands: &[ValueId]) -> Insert<Held> {
        let wide = self.new.push(&node.name, op, operands)?;
        Ok(Held {
            wide,
            narrow: self.as_it_is(node.output, wide),
            kind: HeldKind::Sums,
        })
    }

    /// Whole numbers of few bits, on their own grid.
    pub(super) fn as_it_is(&self, value: ValueId, wide: ValueId) -> Option<(ValueId, Grid)> {
        let whole = self.whole_number(value)?;
        let width = match whole.measured {
            true => self.width(value).min(WIDTH),
            false => WIDTH,
        };
        whole.fits(width).then(|| (wide, Grid::uniform(0)))
    }

    /// A value in few bits, as one of several parts: beside fractions whole numbers have a fine grid, too, or a layer's weights
    /// of one kind would leave no bits to those of the other.
    pub(super) fn beside(&mut self, value: ValueId, several: bool) -> Insert<(ValueId, Grid)> {
        let (narrow, grid) = self.narrow(value)?;
        let whole = self
            .whole_number(value)
            .filter(|_| several && self.is_exact(value));
        let constant = self.graph.constant(value).is_some();
        match (whole, grid.single()) {
            (Some(whole), Some(0)) if !constant => {
                let end = whole.maximum.abs().max(whole.minimum.abs());
                let width = self.width(value).max(8);
                let frac = format::covering_frac(end, width);
                if frac <= 0 {
                    return Ok((narrow, grid));
                }
                let fine = self.quantised(value, narrow, &[frac], width)?;
                Ok((fine, Grid::uniform(frac)))
            }
            _ => Ok((narrow, grid)),
        }
    }

    /// A choice between whole numbers, or one side where the condition is known.
    fn chosen_by_range(&mut self, node: &Node) -> Insert<Option<Held>> {
        let &[condition, a, b] = &node.inputs[..] else {
            return Ok(None);
        };
        let known = self.whole_number(condition).and_then(Whole::single);
        if let Some(known) = known {
            let side = if known == 0.0 { b } else { a };
            let shape = self.graph.shape(node.output).to_vec();
            if self.is_exact(side) && self.held(side)?.kind != HeldKind::Constant {
                let wide = self.integers(side)?;
                if self.graph.shape(side) == shape {
                    return Ok(Some(self.held(side)?.clone()));
                }
                let held = self.integral(node, Op::Broadcast { shape }, &[wide])?;
                return Ok(Some(held));
            }
        }
        if !self.is_exact(a) || !self.is_exact(b) {
            return Ok(None);
        }
        let condition = self.truth(node, condition)?;
        let (a, b) = (self.integers(a)?, self.integers(b)?);
        let held = self.integral(node, Op::Where, &[condition, a, b])?;
        Ok(Some(held))
    }

    /// A value as 0 or 1: anything but 0 is true.
    pub(super) fn truth(&mut self, node: &Node, value: ValueId) -> Insert<ValueId> {
        if self.whole_number(value).is_some_and(Whole::is_truth) && self.is_exact(value) {
            return self.integers(value);
        }
        let operand = match self.is_exact(value) {
            true => self.integers(value)?,
            false => match self.of_words(value)? {
                Some(words) => words,
                None => self.narrow(value)?.0,
            },
        };
        let name = format!("{}.truth", node.name);
        let zero = self.new.constant(&name, Tensor::scalar(0.0))?;
        let equal = Op::Compare(Comparison::Equal);
        let none = self.new.push(&name, equal, &[operand, zero])?;
        self.new.push(&name, Op::Unary(Unary::Not), &[none])
    }

    /// Indices of an axis: whole numbers, those that count from the end counted from the beginning, and none behind
    /// either end.
    pub(super) fn indices(
        &mut self,
        node: &Node,
        value: ValueId,
        extent: usize,
    ) -> Insert<ValueId> {
        let last = extent as f64 - 1.0;
        let name = format!("{}.index", node.name);
        let (mut index, whole) = match (self.is_exact(value), self.whole_number(value)) {
            (true, Some(whole)) => (self.integers(value)?, Some(whole)),
            // What nothing proves to be whole is made so.
            _ => {
                let wide = match self.held(value)?.kind {
                    HeldKind::Constant => self.narrow(value)?.0,
                    _ => self.held(value)?.wide,
                };
                (self.quantised(value, wide, &[0], WIDTH)?, None)
            }
        };
        let low = whole.map_or(f64::NEG_INFINITY, |w| w.minimum);
        let high = whole.map_or(f64::INFINITY, |w| w.maximum);
        if low < 0.0 {
            let zero = self.new.constant(&name, Tensor::scalar(0.0))?;
            let less = Op::Compare(Comparison::Less);
            let below = self.new.push(&name, less, &[index, zero])?;
            let turn = self.new.constant(&name, Tensor::scalar(extent as f32))?;
            let turn = self
                .new
                .push(&name, Op::Binary(Binary::Mul), &[below, turn])?;
            index = self
                .new
                .push(&name, Op::Binary(Binary::Add), &[index, turn])?;
        }
        if low < 0.0 || high > last {
            let clip = Unary::Clip {
                min: 0.0,
                max: last as f32,
            };
            index = self.new.push(&name, Op::Unary(clip), &[index])?;
        }
        Ok(index)
    }
}

/// Whether an operation on integers gives integers, and has an exact form.
fn keeps(op: &Op) -> bool {
    op.moves()
        || matches!(
            op,
            Op::Pad { .. }
                | Op::Pool { .. }
                | Op::TopK { .. }
                | Op::ScaleShift { .. }
                | Op::Reduce {
                    op: Reduction::Max | Reduction::Min | Reduction::Sum | Reduction::SumSquare,
                    ..
                }
                | Op::Unary(
                    Unary::Relu | Unary::Neg | Unary::Abs | Unary::Square | Unary::Clip { .. }
                )
                | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min)
        )
}
