//! From the nodes of a quantised graph to integer operations.

mod arithmetic;
mod compare;
mod conv;
mod dense;
mod divide;
mod ends;
mod factors;
mod fixed_point;
mod function;
mod matrix;
mod moves;
mod multiplier;
mod near;
mod order;
mod places;
mod pool;
pub(super) mod quantise;
mod reduce;
mod sentinel;
mod softmax;
mod stated;
mod table;
mod ties;
mod trees;
mod unary;

use std::collections::HashMap;

use hodoscope_program::{Input, IntType, Interval, Output, Overflow, Program, Rounding, ValueId};

use super::builder::{Builder, Factors};
use super::dyadic::Dyadic;
use super::real::{Linear, Real, Source, Term};
use super::{ExactError, Rescale};
use crate::graph::{Binary, Graph, Node, Op, Reduction, Unary};
use near::{common, divides};

/// Why a node has no exact form, and what to do.
pub(super) type Lowered<T> = Result<T, String>;

/// Elements of a tensor, at most.
const ELEMENTS: usize = 1 << 22;

/// A quotient or product that is out of all proportion.
pub(super) const PROPORTION: &str =
    "its scales are out of all proportion; are all operands quantised?";

pub(super) struct Lowering<'g> {
    graph: &'g Graph,
    builder: Builder,
    terms: Vec<Option<Term>>,
    /// Of values that are a quantiser's integers: the first one that was computed for it.
    integers: HashMap<ValueId, usize>,
    rescale: Rescale,
    /// Whether the quantisers are ours: then a grid that is no power of two may be left for one that is, and a function
    /// may lie on lines between the entries of its table.
    ours: bool,
}

pub(super) fn lower(
    graph: &Graph,
    name: &str,
    inputs: Vec<Input>,
    rescale: Rescale,
    ours: bool,
) -> Result<Program, ExactError> {
    let mut lowering = Lowering {
        graph,
        rescale,
        ours,
        builder: Builder::new(name),
        terms: vec![None; graph.value_count()],
        integers: HashMap::new(),
    };
    for (input, words) in graph.inputs().iter().zip(inputs) {
        let real = lowering
            .words(words, graph.shape(input.value))
            .map_err(|reason| ExactError::Input {
                input: input.name.clone(),
                reason,
            })?;
        lowering.terms[input.value.index()] = Some(Term::Real(real));
    }
    for node in graph.nodes() {
        if lowering.infinity(node.output).is_some() {
            // No number: a choice that reads it says what stands for it.
            continue;
        }
        let first = lowering.builder.program.values.len();
        let term = lowering.node(node).map_err(|reason| ExactError::Node {
            // What a node was spelled out in is the node's.
            node: node.name.trim_end_matches(".part").into(),
            operation: node.op.name().into(),
            reason,
        })?;
        lowering.state(&node.name, first, &term);
        if matches!(node.op, Op::Quantise(_) | Op::FixedPoint(_)) {
            lowering.note_integers(first, &term);
        }
        lowering.terms[node.output.index()] = Some(term);
    }
    for output in graph.outputs() {
        let value = lowering
            .output(&output.name, output.value)
            .map_err(|reason| ExactError::Output {
                output: output.name.clone(),
                reason,
            })?;
        lowering.builder.program.outputs.push(Output {
            name: output.name.clone(),
            value,
        });
    }
    Ok(lowering.builder.program)
}

impl Lowering<'_> {
    fn words(&mut self, input: Input, shape: &[usize]) -> Lowered<Real> {
        let lsb = |channel: usize| Dyadic::of(input.field(channel).lsb.0).ok_or(PROPORTION);
        let step = (0..input.channels)
            .map(lsb)
            .collect::<Result<Vec<_>, _>>()?;
        let offset = |(channel, step): (usize, &Dyadic)| {
            let zero = Dyadic::integer(input.field(channel).zero_point());
            Some(zero.times(*step)?.negated())
        };
        let offset = step.iter().enumerate().map(offset);
        let offset = offset.collect::<Option<Vec<_>>>().ok_or(PROPORTION)?;
        let id = self.builder.input(input)?;
        Ok(Real {
            shape: shape.to_vec(),
            source: Source::Value(id),
            offset,
            step,
            divisor: 1,
        })
    }

    fn node(&mut self, node: &Node) -> Lowered<Term> {
        let shape = self.graph.shape(node.output).to_vec();
        if shape.iter().product::<usize>() > ELEMENTS {
            return Err(format!("more than {ELEMENTS} elements"));
        }
        let name = node.name.as_str();
        Ok(Term::Real(match &node.op {
            Op::Constant(tensor) => {
                let real = Real::constant(tensor.shape.clone(), &tensor.data);
                real.ok_or("an infinity has no integer")?
            }
            Op::Quantise(quantiser) => self.quantise(name, node, quantiser)?,
            Op::FixedPoint(quantiser) => self.fixed_point(name, node, quantiser)?,
            Op::Dequantise { scale, zero_point } => {
                let x = self.operand(node, 0)?;
                self.dequantise(x, scale, zero_point)?
            }
            Op::Dense { weights, bias } => {
                let matrix = Real::constant(weights.shape.clone(), &weights.data);
                let mut linear = self.dense(name, node, matrix.ok_or(PROPORTION)?, None)?;
                for (o, bias) in bias.iter().enumerate() {
                    let bias = Dyadic::of(f64::from(*bias)).ok_or(PROPORTION)?;
                    linear.add_bias(o, bias)?;
                }
                return Ok(Term::Linear(linear));
            }
            Op::DenseStepwise { weights, product } => {
                let matrix = Real::constant(weights.shape.clone(), &weights.data);
                let matrix = matrix.ok_or(PROPORTION)?;
                return Ok(Term::Linear(self.dense(
                    name,
                    node,
                    matrix,
                    Some(product),
                )?));
            }
            Op::MatMul => return self.matmul(name, node, &shape),
            Op::ScaleShift { axis, scale, shift } => {
                let x = self.operand(node, 0)?;
                self.scale_shift(x, *axis, scale, shift)?
            }
            Op::Unary(function) => return self.unary(name, node, *function),
            Op::Binary(op) => return self.binary(name, node, *op, &shape),
            Op::Compare(comparison) => self.compare(name, node, *comparison, &shape)?,
            Op::Logic(logic) => self.logic(name, node, *logic, &shape)?,
            Op::Where => self.choose(name, node, &shape)?,
            Op::Reduce { op, axes, .. } => match op {
                Reduction::Prod => {
                    return Err(
                        "a product of many activations has no exact form: multiply them one by one, or leave 64 or fewer to a float network"
                            .into(),
                    );
                }
                Reduction::L2 => {
                    let sum = self.reduce(name, node, *op, axes, &shape)?;
                    return Ok(Term::Function(Unary::Sqrt, sum));
                }
                _ => self.reduce(name, node, *op, axes, &shape)?,
            },
            Op::Gather { axis } => {
                let (table, x) = (self.operand(node, 0)?, self.operand(node, 1)?);
                if !table.is_constant() {
                    return Ok(Term::Real(self.gathered(name, node, *axis, &shape)?));
                }
                if *axis != 0 {
                    return Err(
                        "only rows of a constant table have an exact form: gather along axis 0"
                            .into(),
                    );
                }
                self.lookup(name, x, &table, &shape)?
            }
            Op::TopK {
                axis,
                k,
                largest,
                indices,
            } => {
                let x = self.operand(node, 0)?;
                self.top(name, x, *axis, (*k, *largest, *indices))?
            }
            Op::ArgMax {
                axis,
                largest,
                last,
            } => {
                let x = self.operand(node, 0)?;
                self.arg_extreme(name, x, *axis, (*largest, *last))?
            }
            Op::Softmax { axis } => {
                let x = self.operand(node, 0)?;
                self.softmax(name, x, *axis)?
            }
            Op::Reshape { .. } => match self.term(node, 0)? {
                Term::Quotient(a, b, of) => {
                    // Both as large as the result, so that they can be reshaped.
                    let (a, b, of) = (a.clone(), b.clone(), of.clone());
                    let a = self.broadcast(name, a, &of)?.reshaped(&shape);
                    let b = self.broadcast(name, b, &of)?.reshaped(&shape);
                    return Ok(Term::Quotient(a, b, shape));
                }
                Term::Function(function, x) => {
                    return Ok(Term::Function(*function, x.clone().reshaped(&shape)));
                }
                _ => self.operand(node, 0)?.reshaped(&shape),
            },
            Op::Broadcast { .. }
            | Op::Transpose { .. }
            | Op::Slice { .. }
            | Op::Select { .. }
            | Op::Concat { .. } => self.moved(name, node, &shape)?,
            Op::Conv { .. } | Op::ConvTranspose { .. } => self.convolution(name, node, &shape)?,
            Op::Pool { op, window, .. } => self.pooled(name, node, *op, window, &shape)?,
            Op::Pad { pads, padding } => self.padded(name, node, pads, *padding, &shape)?,
            Op::Trees(forest) => {
                let x = self.operand(node, 0)?;
                self.trees(name, x, forest, &shape)?
            }
            Op::LogSoftmax { axis } => {
                let x = self.operand(node, 0)?;
                self.log_softmax(name, x, *axis)?
            }
        }))
    }

    fn term(&self, node: &Node, index: usize) -> Lowered<&Term> {
        let value = node.inputs.get(index).ok_or("an operand is missing")?;
        self.terms[value.index()]
            .as_ref()
            .ok_or_else(|| "an operand is an infinity, which has no integer".into())
    }

    /// An operand whose numbers are known; a dense layer is computed now.
    fn operand(&mut self, node: &Node, index: usize) -> Lowered<Real> {
        match self.term(node, index)?.clone() {
            Term::Real(real) => Ok(real),
            Term::Linear(linear) => {
                let value = node.inputs[index];
                let name = self.graph.value_name(value).to_owned();
                let real = self.computed(&name, &linear)?;
                // Other readers take the same sums.
                self.terms[value.index()] = Some(Term::Real(real.clone()));
                Ok(real)
            }
            Term::Quotient(..) => Err(
                "its operand, a division by an activation, is not quantised; add a quantiser behind it"
                    .into(),
            ),
            Term::Function(function, _) => Err(format!(
                "its operand, a {}, is not quantised; add a quantiser behind it",
                function.name()
            )),
        }
    }

    /// The operand's program value with integers that are multiples of its step: offsets are added to the raws.
    fn centred(&mut self, name: &str, x: Real) -> Lowered<Real> {
        no_divisor(&x)?;
        let positive = |s: &Dyadic| !s.is_negative() && !s.is_zero();
        if x.offset.iter().all(|o| o.is_zero()) && x.step.iter().all(positive) {
            return Ok(x);
        }
        let finest = |e: usize| {
            let (step, offset) = (x.step[e], x.offset[e]);
            let own = if step.is_negative() {
                step.negated()
            } else {
                step
            };
            match offset.integer_over(own) {
                Some(_) => Some(own),
                None if offset.is_zero() => Some(Dyadic::ONE),
                None if step.is_zero() => Dyadic::power(offset.exponent()),
                // The coarsest power of two that divides both.
                None => common(&[step, offset], self.ours),
            }
        };
        let grid = (0..x.elements())
            .map(finest)
            .collect::<Option<Vec<_>>>()
            .ok_or(PROPORTION)?;
        self.on_grid(name, x, &grid)
    }

    /// The same numbers as multiples of `grid`, one per element, of which all must be.
    fn on_grid(&mut self, name: &str, x: Real, grid: &[Dyadic]) -> Lowered<Real> {
        no_divisor(&x)?;
        if x.step == grid && x.offset.iter().all(|o| o.is_zero()) {
            return Ok(x);
        }
        if self.ours && !divides(&x, grid) {
            return self.near_grid(name, x, grid);
        }
        let integer = |n: Dyadic, grid: Dyadic| {
            let counts = n.integer_over(grid).ok_or("its grids do not divide")?;
            i64::try_from(counts).map_err(|_| PROPORTION)
        };
        let pairs = || x.step.iter().zip(&x.offset).zip(grid);
        let multipliers = pairs()
            .map(|((step, _), grid)| integer(*step, *grid))
            .collect::<Result<Vec<_>, _>>()?;
        let offsets = pairs()
            .map(|((_, offset), grid)| integer(*offset, *grid))
            .collect::<Result<Vec<_>, _>>()?;
        let source = match x.source {
            Source::Constant(raws) => {
                let all = raws.iter().zip(multipliers).zip(offsets);
                let raws = all.map(|((raw, m), o)| raw.checked_mul(m)?.checked_add(o));
                Source::Constant(raws.collect::<Option<Vec<_>>>().ok_or(PROPORTION)?)
            }
            Source::Value(id) => {
                let name = format!("{name}.grid");
                let (first, second) = in_two(&multipliers);
                let mut scaled = id;
                let mut push = |multipliers: Vec<i64>, offsets: Vec<i64>| {
                    let factors = Factors {
                        shifts: vec![0; multipliers.len()],
                        multipliers,
                        offsets,
                    };
                    let (rounding, overflow) = (Rounding::Trn, Overflow::Sat);
                    let builder = &mut self.builder;
                    scaled =
                        builder.rescale(&name, scaled, factors, rounding, overflow, None, grid)?;
                    Ok::<(), String>(())
                };
                if let Some(second) = second {
                    push(second, vec![0; offsets.len()])?;
                }
                push(first, offsets)?;
                Source::Value(scaled)
            }
        };
        Ok(Real {
            shape: x.shape,
            source,
            step: grid.to_vec(),
            offset: vec![Dyadic::ZERO; grid.len()],
            divisor: 1,
        })
    }

    /// What is proved of the raws.
    fn interval(&self, x: &Real) -> Interval {
        match &x.source {
            Source::Value(id) => self.builder.interval(*id),
            Source::Constant(raws) => {
                let points = raws.iter().map(|raw| Interval::point((*raw).into()));
                points.reduce(Interval::hull).unwrap_or(Interval::point(0))
            }
        }
    }

    fn output(&mut self, name: &str, value: crate::graph::ValueId) -> Lowered<ValueId> {
        let reader = Node {
            name: name.to_owned(),
            op: Op::Binary(Binary::Add),
            inputs: vec![value],
            output: value,
        };
        let real = match self.term(&reader, 0)?.clone() {
            Term::Function(function, x) => self.ended(name, function, x)?,
            _ => self.operand(&reader, 0)?,
        };
        let real = self.in_unit(name, real)?;
        let Source::Value(id) = real.source else {
            return Err(ends::CONSTANT.into());
        };
        // An output is one row, each channel with its own LSB.
        let flat = self.builder.view(id, &[real.step.len()])?;
        // Raws that are an input, or another output, may have another unit there.
        let outputs = &self.builder.program.outputs;
        let taken = outputs.iter().any(|o| o.value == flat) || self.builder.is_input(flat);
        match taken {
            true => self.builder.restated(name, flat, &real.step),
            false => {
                // With another meaning it is no longer what its node's name says.
                if self.builder.set_scale(flat, &real.step) {
                    self.builder.rename(flat, name);
                }
                Ok(flat)
            }
        }
    }
}

/// Multipliers, and powers of two before them where a multiplier has more than 31 bits.
fn in_two(multipliers: &[i64]) -> (Vec<i64>, Option<Vec<i64>>) {
    let is_wide = |m: &&i64| i32::try_from(**m).is_err();
    if !multipliers.iter().any(|m| is_wide(&m)) {
        return (multipliers.to_vec(), None);
    }
    let power = |m: &i64| match is_wide(&m) {
        true => 1i64 << m.trailing_zeros().min(30),
        false => 1,
    };
    let powers: Vec<i64> = multipliers.iter().map(power).collect();
    let left = multipliers.iter().zip(&powers).map(|(m, power)| m / power);
    (left.collect(), Some(powers))
}

fn no_divisor(x: &Real) -> Lowered<()> {
    match x.divisor {
        1 => Ok(()),
        rows => Err(format!(
            "its operand is a mean over {rows} rows, or a quotient by {rows}, that is not quantised; add a quantiser behind it"
        )),
    }
}

/// Rows and channels of a shape, the batch of one left out.
fn extents(shape: &[usize]) -> Vec<usize> {
    let channels = shape.last().copied().unwrap_or(1);
    let rows = shape.iter().product::<usize>() / channels;
    match rows {
        1 => vec![channels],
        _ => vec![rows, channels],
    }
}

/// A type, its overflow, and the clip that a range still needs.
type Clamp = (IntType, Overflow, Option<(i64, i64)>);

/// How a range is reached.
fn clamp_type(minimum: i64, maximum: i64) -> Option<Clamp> {
    let interval = Interval::between(minimum.into(), maximum.into());
    let ty = super::builder::narrowest(interval, false)?;
    Some(match (ty.minimum() == minimum, ty.maximum() == maximum) {
        (true, true) => (ty, Overflow::Sat, None),
        (false, true) if minimum == -maximum => (ty, Overflow::SatSym, None),
        _ => (ty, Overflow::Sat, Some((minimum, maximum))),
    })
}

impl Linear {
    fn elements(&self) -> usize {
        self.rows * self.step.len()
    }
}
