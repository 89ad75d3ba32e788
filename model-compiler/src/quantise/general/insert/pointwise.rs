//! Functions of one element, sums, products and scalings.

use super::layers::rounded_factor;
use super::{Grid, Held, HeldKind, Insert, Insertion, OUTPUT_WIDTH, formats, weights};
use crate::format;
use crate::graph::{Binary, Node, Op, Tensor, Unary, ValueId};

/// Bits that an operand's grid may be coarser than the result's.
const COARSER: i32 = 3;

impl Insertion<'_> {
    /// x·scale + shift: another meaning of the same integers, until a quantiser reads it.
    pub(super) fn scaled(
        &mut self,
        node: &Node,
        axis: usize,
        scale: &[f64],
        shift: &[f64],
    ) -> Insert<Held> {
        let x = node.inputs[0];
        let held = self.held(x)?;
        if self.deciding[node.output.index()] {
            let wide = held.wide;
            return self.pushed(node, &[wide], HeldKind::Function);
        }
        let operand = match held.kind {
            HeldKind::Sums => held.wide,
            _ => self.narrow(x)?.0,
        };
        let op = self.line(x, axis, (scale, shift), weights::factor);
        let wide = self.new.push(&node.name, op, &[operand])?;
        Ok(Held {
            wide,
            narrow: None,
            // An offset that is no multiple of a count is one only behind a quantiser.
            kind: match shift.iter().all(|t| *t == 0.0) {
                true => HeldKind::Sums,
                false => HeldKind::Function,
            },
        })
    }

    /// x·scale + shift with factors that are rounded: where x may be zero behind it, it stays zero there, so that what
    /// varies beside a large offset loses a part of itself and not of the offset.
    pub(super) fn line(
        &self,
        x: ValueId,
        axis: usize,
        (scale, shift): (&[f64], &[f64]),
        rounded: fn(f64) -> f64,
    ) -> Op {
        let seen = f64::from(self.observations.values[x.index()].magnitude());
        let factors: Vec<f64> = scale.iter().map(|v| rounded(*v)).collect();
        let entry = |entries: &[f64], i: usize| entries[if entries.len() == 1 { 0 } else { i }];
        let moved = |i: usize| {
            let (scale, factor, shift) = (entry(scale, i), entry(&factors, i), entry(shift, i));
            match scale != 0.0 && (shift / scale).abs() <= 2.0 * seen {
                true => shift * (factor / scale),
                false => shift,
            }
        };
        Op::ScaleShift {
            axis,
            shift: (0..scale.len().max(shift.len())).map(moved).collect(),
            scale: factors,
        }
    }

    pub(super) fn unary(&mut self, node: &Node, function: Unary) -> Insert<Held> {
        let x = node.inputs[0];
        match function {
            Unary::Relu => self.relu(node, x),
            Unary::Clip { min, max } => {
                let (operand, frac) = self.for_result(x, node.output)?;
                let bound = |v: f32| match v.is_finite() {
                    true => weights::on_grid(v, frac),
                    false => v,
                };
                let (min, max) = (bound(min), bound(max));
                let clip = Op::Unary(Unary::Clip { min, max });
                if let Some(whole) = self.whole_number(x).filter(|_| self.is_exact(x)) {
                    // On a finer grid whole numbers have more bits.
                    let ends = [whole.minimum, whole.maximum];
                    let ends = ends.map(|v| v.max(min.into()).min(max.into()));
                    let counts = ends.map(|v| libm::ldexp(v.abs(), frac));
                    if counts.iter().any(|n| *n >= libm::ldexp(1.0, 15)) {
                        return self.pushed_as(node, clip, &[operand]);
                    }
                }
                self.kept(node, clip, operand, Grid::uniform(frac))
            }
            Unary::Neg if self.ordering[node.output.index()] => {
                let operand = self.unrounded(x)?;
                self.pushed(node, &[operand], HeldKind::Sums)
            }
            Unary::Neg | Unary::Abs => {
                let (operand, grid) = self.narrow(x)?;
                self.kept(node, node.op.clone(), operand, grid)
            }
            Unary::LeakyRelu { alpha } => {
                let (operand, frac) = self.uniform(x)?;
                let width = self.width(x).max(8);
                let few = self.span(operand).is_some_and(|s| s.bits() <= width.into());
                let is_fine = self.fine(node.output, frac) == frac;
                if few && is_fine && (0.0..=1.0).contains(&alpha) {
                    // One operation: what lies above zero stays what it is.
                    let line = self.new.push(&node.name, node.op.clone(), &[operand])?;
                    let wide = self.quantised(node.output, line, &[frac], width)?;
                    return Ok(Held {
                        wide,
                        narrow: Some((wide, Grid::uniform(frac))),
                        kind: HeldKind::Sums,
                    });
                }
                let slope = Tensor::scalar(alpha);
                self.leaky(node, x, &slope)
            }
            Unary::Square => {
                let operand = self.narrow(x)?.0;
                self.pushed(node, &[operand], HeldKind::Sums)
            }
            Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc => {
                // So large that single precision does not hold each whole number.
                let operand = self.narrow(x)?.0;
                self.pushed(node, &[operand], HeldKind::Sums)
            }
            Unary::Wrap { .. } => {
                let operand = self.uniform(x)?.0;
                self.pushed(node, &[operand], HeldKind::Sums)
            }
            Unary::Sqrt => {
                // Not a table: an exact root, of as many bits as there are.
                let held = self.held(x)?;
                let operand = match held.kind {
                    HeldKind::Sums => held.wide,
                    _ => self.narrow(x)?.0,
                };
                self.pushed(node, &[operand], HeldKind::Function)
            }
            function => self.tabulated(node, x, function),
        }
    }

    /// A value as an operation reads it whose result is some of its numbers: on one grid that shows them. Bounds and slopes
    /// are fractions of it, also where the value is whole.
    fn for_result(&mut self, x: ValueId, output: ValueId) -> Insert<(ValueId, i32)> {
        if self.is_exact(x) {
            let (operand, frac) = self.uniform(x)?;
            return Ok((operand, self.fine(output, frac)));
        }
        if self.sole_reader(x) {
            let (operand, grid) = self.narrow_like(x, output)?;
            if let Some(frac) = grid.single() {
                return Ok((operand, frac));
            }
        }
        let (operand, frac) = self.uniform(x)?;
        let fine = self.fine(output, frac);
        let held = self.held(x)?;
        if fine == frac || held.kind == HeldKind::Constant || self.words_of(x).is_some() {
            return Ok((operand, frac));
        }
        // Most of what others read of it does not reach the result.
        let wide = held.wide;
        Ok((self.quantised(x, wide, &[fine], self.width(output))?, fine))
    }

    /// The fraction bits of constants that meet an operand of `frac`: those of the result where its operand's would lose
    /// much of it.
    fn fine(&self, output: ValueId, frac: i32) -> i32 {
        let width = match self.feeds[output.index()] {
            true => self.width(output),
            false => OUTPUT_WIDTH,
        };
        let own = formats::of_value(
            &self.observations.values[output.index()],
            width,
            self.room(),
        )
        .frac;
        match own > frac + COARSER {
            true => own,
            false => frac,
        }
    }

    /// Whether nothing but one operation reads a value.
    fn sole_reader(&self, value: ValueId) -> bool {
        self.uses[value.index()] == 1
    }

    /// max(x, 0): what lies below zero needs no bits, so that the format is that of the result.
    fn relu(&mut self, node: &Node, x: ValueId) -> Insert<Held> {
        let held = self.held(x)?;
        if !self.feeds[node.output.index()] && held.kind == HeldKind::Sums {
            let wide = held.wide;
            return self.pushed(node, &[wide], HeldKind::Sums);
        }
        let like = if self.sole_reader(x) { node.output } else { x };
        let (operand, grid) = self.narrow_like(x, like)?;
        self.kept(node, node.op.clone(), operand, grid)
    }

    /// Sums of another operation than the node's.
    fn pushed_as(&mut self, node: &Node, op: Op, operands: &[ValueId]) -> Insert<Held> {
        let node = Node { op, ..node.clone() };
        self.pushed(&node, operands, HeldKind::Sums)
    }

    /// An operation that keeps its operand's grid, in as many bits.
    fn kept(&mut self, node: &Node, op: Op, operand: ValueId, grid: Grid) -> Insert<Held> {
        let wide = self.new.push(&node.name, op, &[operand])?;
        Ok(Held {
            wide,
            narrow: Some((wide, grid)),
            kind: HeldKind::Sums,
        })
    }

    /// x above zero, slope·x below it: the sum of both parts, of which one is zero.
    fn leaky(&mut self, node: &Node, x: ValueId, slope: &Tensor) -> Insert<Held> {
        let (operand, own) = self.uniform(x)?;
        let frac = self.fine(node.output, own);
        let name = node.name.as_str();
        let above = self.new.push(name, Op::Unary(Unary::Relu), &[operand])?;
        let negative = Unary::Clip {
            min: f32::NEG_INFINITY,
            max: 0.0,
        };
        let below = self.new.push(name, Op::Unary(negative), &[operand])?;
        let data = slope
            .data
            .iter()
            .map(|v| weights::factor(f64::from(*v)) as f32);
        let factor = Tensor {
            shape: slope.shape.clone(),
            data: data.collect(),
        };
        let factor = self.new.constant(name, factor)?;
        let below = self
            .new
            .push(name, Op::Binary(Binary::Mul), &[below, factor])?;
        let sum = Op::Binary(Binary::Add);
        if slope.data.iter().any(|v| v.abs() > 1.0) {
            // Below zero it is steeper than x: the sum needs a format of its own.
            let wide = self.new.push(name, sum, &[above, below])?;
            return Ok(Held {
                wide,
                narrow: None,
                kind: HeldKind::Sums,
            });
        }
        let width = match frac == own {
            true => self.width(x).max(8),
            false => OUTPUT_WIDTH,
        };
        let below = self.quantised_part(node.output, below, &[frac], width)?;
        let wide = self.new.push(name, sum, &[above, below])?;
        Ok(Held {
            wide,
            narrow: (frac == own).then(|| (wide, Grid::uniform(frac))),
            kind: HeldKind::Sums,
        })
    }

    /// A function that becomes a table.
    fn tabulated(&mut self, node: &Node, x: ValueId, function: Unary) -> Insert<Held> {
        let width = self.table_bits(node.output);
        let observed = &self.observations.values[x.index()];
        let chosen = match self.is_table(node.output) {
            // Scores that are near each other stay in their order, where the function is flat, too.
            true => format::best_frac(&observed.samples, width),
            false => formats::of_index(observed, function, width),
        };
        let held = self.held(x)?;
        let operand = match held.kind {
            HeldKind::Constant => self.narrow(x)?.0,
            _ => held.wide,
        };
        let index = self.quantised(x, operand, &[chosen.frac], width)?;
        self.note(x, chosen, width);
        self.pushed(node, &[index], HeldKind::Function)
    }

    pub(super) fn binary(&mut self, node: &Node, op: Binary) -> Insert<Held> {
        let &[a, b] = &node.inputs[..] else {
            return self.pushed(node, &[], HeldKind::Sums);
        };
        let constant = |value| self.graph.constant(value);
        match (op, constant(a), constant(b)) {
            (Binary::PRelu, _, Some(slope)) => self.leaky(node, a, slope),
            (Binary::Add | Binary::Sub, None, Some(tensor)) => self.offset(node, a, tensor, 1),
            (Binary::Add | Binary::Sub, Some(tensor), None) => self.offset(node, b, tensor, 0),
            (Binary::Mul, None, Some(tensor)) => self.factored(node, a, tensor, 1),
            (Binary::Mul, Some(tensor), None) => self.factored(node, b, tensor, 0),
            (Binary::Div, None, Some(tensor)) => {
                let data = tensor.data.iter().map(|v| 1.0 / v).collect();
                let shape = tensor.shape.clone();
                let product = Node {
                    op: Op::Binary(Binary::Mul),
                    ..node.clone()
                };
                self.factored(&product, a, &Tensor { shape, data }, 1)
            }
            (Binary::Max | Binary::Min, None, Some(tensor)) if tensor.single().is_some() => {
                self.bounded(node, op, a, tensor)
            }
            (Binary::Max | Binary::Min, Some(tensor), None) if tensor.single().is_some() => {
                self.bounded(node, op, b, tensor)
            }
            (Binary::Pow, None, Some(_)) => {
                let (base, exponent) = (self.narrow(a)?.0, self.held(b)?.wide);
                self.pushed(node, &[base, exponent], HeldKind::Sums)
            }
            (Binary::Add | Binary::Sub, None, None) if self.ordering[node.output.index()] => {
                // Nothing is rounded before it is put in order.
                let operands = self.operands(node, |i, value| i.unrounded(value))?;
                self.pushed(node, &operands, HeldKind::Sums)
            }
            (Binary::Mul, ..) => {
                // Words of few bits as they are: a product rounds nothing.
                let operands = self.operands(node, |i, value| match i.few_words(value)? {
                    Some(words) => Ok(words),
                    None => Ok(i.narrow(value)?.0),
                })?;
                self.pushed(node, &operands, HeldKind::Sums)
            }
            (Binary::Add | Binary::Sub, ..) => {
                let operands = self.operands(node, |i, value| Ok(i.narrow(value)?.0))?;
                self.pushed(node, &operands, HeldKind::Sums)
            }
            (op, ..) => {
                if op == Binary::Div
                    && let Some(held) = self.per_count(node, a, b)?
                {
                    return Ok(held);
                }
                let operands = self.operands(node, |i, value| Ok(i.uniform(value)?.0))?;
                let kind = match op {
                    Binary::Div | Binary::Pow => HeldKind::Function,
                    _ => HeldKind::Sums,
                };
                self.pushed(node, &operands, kind)
            }
        }
    }

    /// A constant is added, on the grid of the other operand.
    fn offset(&mut self, node: &Node, x: ValueId, tensor: &Tensor, place: usize) -> Insert<Held> {
        let (operand, frac) = self.uniform(x)?;
        let frac = self.fine(node.output, frac);
        let round = |v: &f32| weights::on_grid(*v, frac);
        let data = tensor.data.iter().map(round).collect();
        self.with_constant(node, operand, tensor, data, place)
    }

    /// A constant multiplies, rounded like weights.
    fn factored(&mut self, node: &Node, x: ValueId, tensor: &Tensor, place: usize) -> Insert<Held> {
        let operand = self.narrow(x)?.0;
        let data = rounded_factor(tensor, self.options.weights.max(8));
        self.with_constant(node, operand, tensor, data, place)
    }

    fn with_constant(
        &mut self,
        node: &Node,
        operand: ValueId,
        tensor: &Tensor,
        data: Vec<f32>,
        place: usize,
    ) -> Insert<Held> {
        let shape = tensor.shape.clone();
        let constant = self.new.constant(&node.name, Tensor { shape, data })?;
        let operands = match place {
            0 => [constant, operand],
            _ => [operand, constant],
        };
        self.pushed(node, &operands, HeldKind::Sums)
    }

    /// The larger or smaller of x and a constant.
    fn bounded(&mut self, node: &Node, op: Binary, x: ValueId, bound: &Tensor) -> Insert<Held> {
        let bound = bound.data[0];
        let clip = match op {
            Binary::Max => Unary::Clip {
                min: bound,
                max: f32::INFINITY,
            },
            _ => Unary::Clip {
                min: f32::NEG_INFINITY,
                max: bound,
            },
        };
        let clipped = Node {
            op: Op::Unary(clip),
            inputs: vec![x],
            ..node.clone()
        };
        self.unary(&clipped, clip)
    }
}
