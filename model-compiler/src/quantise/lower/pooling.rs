//! Pooling over constituents: sums, maxima, and what depends on the multiplicity.

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{
    Input, IntType, Live, Operation, Output, Program, Scale, SetId, Shape, Value, ValueId,
};

use super::build::ACCUMULATOR;
use super::{Lower, Lowering, Wide};
use crate::quantise::QuantiseError;
use crate::quantise::statistics::SENTINEL;
use crate::recognise::{Layer, NodeIndex};

/// Bits of the reciprocal of a multiplicity.
const RECIPROCAL_BITS: u8 = 16;
/// Widest type that a table is over.
const MAX_INDEX: u8 = 16;

impl Lowering<'_> {
    /// Σ over live constituents; where padding counts, every empty slot adds what empty words give.
    pub(super) fn sum(&mut self, node: NodeIndex, x: NodeIndex, padded: bool) -> Lower<Wide> {
        let name = self.network.nodes[node].name.clone();
        let wide = self.wide[x].clone();
        let shape = pooled_shape(self.builder.shape(wide.value));
        let operation = Operation::Sum { x: wide.value };
        if !padded {
            let value = self.builder.accumulate(&name, shape, &wide.lsb, operation);
            return Ok(Wide { value, ..wide });
        }
        let live = format!("{name}.live");
        let live = self
            .builder
            .accumulate(&live, shape.clone(), &wide.lsb, operation);
        // (P − n)·pad is a dense layer of the multiplicity.
        let pad = self.padding(wide.value)?;
        let capacity = self.capacity();
        let count = self.count();
        let weights: Vec<i64> = pad.iter().map(|raw| -raw).collect();
        let bias: Vec<i64> = pad.iter().map(|raw| raw * capacity as i64).collect();
        let (outputs, element) = (pad.len(), narrowest(&weights));
        let weights = format!("{name}.padding");
        let weights = self.builder.constant(
            &weights,
            vec![outputs, 1],
            element,
            pad.iter().map(|raw| -raw).collect(),
        );
        let bias_name = format!("{name}.all");
        let bias = self
            .builder
            .constant(&bias_name, vec![outputs], IntType::signed(64), bias);
        let operation = Operation::Dense {
            x: count,
            weights,
            bias,
        };
        let empty = format!("{name}.empty");
        let empty = self
            .builder
            .accumulate(&empty, shape.clone(), &wide.lsb, operation);
        let operation = Operation::Add { a: live, b: empty };
        let value = self.builder.accumulate(&name, shape, &wide.lsb, operation);
        Ok(Wide { value, ..wide })
    }

    /// The largest over all slots, the empty ones included.
    pub(super) fn maximum(
        &mut self,
        node: NodeIndex,
        x: NodeIndex,
        empty: Option<f32>,
    ) -> Lower<Wide> {
        let name = self.network.nodes[node].name.clone();
        // A factor of another sign would turn the largest into the smallest.
        let wide = match self.wide[x].lsb.iter().all(|lsb| *lsb > 0.0) {
            true => self.wide[x].clone(),
            false => {
                let narrow = self.narrow(x)?;
                Wide {
                    value: narrow.value,
                    lsb: vec![libm::ldexp(1.0, -narrow.frac)],
                }
            }
        };
        let element = self.builder.element(wide.value);
        let channels = self.builder.shape(wide.value).channels();
        let raws = match empty {
            None => self.padding(wide.value)?,
            // Lower than everything that is real: how low that is, the proof of the whole tells.
            Some(value) if element == ACCUMULATOR && self.is_sentinel(x, value) => {
                vec![element.minimum(); channels]
            }
            Some(value) => (0..channels)
                .map(|c| {
                    let lsb = crate::recognise::of_channel(&wide.lsb, c);
                    let counts = (f64::from(value) / lsb + 0.5).floor();
                    // Lower than any value that x can have is the lowest of them.
                    let ends = (element.minimum() as f64, element.maximum() as f64);
                    (counts.clamp(ends.0, ends.1) as i64)
                        .clamp(element.minimum(), element.maximum())
                })
                .collect(),
        };
        let constant = format!("{name}.empty");
        let stored = narrowest(&raws);
        let constant = self
            .builder
            .constant(&constant, vec![channels], stored, raws);
        let shape = pooled_shape(self.builder.shape(wide.value));
        let operation = Operation::Max {
            x: wide.value,
            empty: constant,
        };
        let scale = super::build::scale(&wide.lsb);
        let value = self.builder.push(&name, shape, element, scale, operation);
        Ok(Wide { value, ..wide })
    }

    /// Whether what an empty slot holds lies below all that was seen, as a mask has it.
    fn is_sentinel(&self, x: NodeIndex, empty: f32) -> bool {
        let seen = &self.statistics.nodes[x];
        let spread = seen.maximum - seen.minimum;
        empty.abs() >= SENTINEL && empty < seen.minimum - spread
    }

    /// x times the reciprocal of the multiplicity, which stands in a table.
    pub(super) fn per_count(
        &mut self,
        node: NodeIndex,
        x: NodeIndex,
        minimum: f64,
        offset: f64,
    ) -> Lower<Wide> {
        let name = self.network.nodes[node].name.clone();
        let capacity = self.capacity();
        let count = self.count();
        let index = self.builder.element(count);
        if index.width > MAX_INDEX {
            return Err(QuantiseError::Layer {
                layer: name,
                reason: format!("a set of {capacity} slots is too large for a mean"),
            });
        }
        // A sum over no constituent is zero whatever it is divided by: its reciprocal needs no bits.
        let least = match self.network.nodes[x].layer {
            Layer::Sum { padded: false, .. } => 1,
            _ => 0,
        };
        let reciprocal = |n: i64| {
            // The type of the count may hold more than the capacity; those entries are never read.
            let divisor = (n.clamp(least, capacity as i64) as f64).max(minimum) + offset;
            if divisor > 0.0 { 1.0 / divisor } else { 0.0 }
        };
        let entries = 0..=index.maximum();
        let largest = entries.clone().map(reciprocal).fold(0.0, f64::max);
        let frac = crate::quantise::format::covering_frac(largest, RECIPROCAL_BITS);
        let element = IntType::signed(RECIPROCAL_BITS);
        let raw = |n: i64| {
            let exact = (libm::ldexp(reciprocal(n), frac) + 0.5).floor() as i64;
            exact.min(element.maximum())
        };
        let raws: Vec<i64> = entries.map(raw).collect();
        let table = format!("{name}.reciprocals");
        let table = self
            .builder
            .constant(&table, vec![raws.len()], element, raws);
        let operation = Operation::Table { x: count, table };
        let by = format!("{name}.reciprocal");
        let by = self
            .builder
            .push(&by, Shape::row(1), element, Scale::Pow2(frac), operation);
        let wide = self.wide[x].clone();
        let lsb: Vec<f64> = wide
            .lsb
            .iter()
            .map(|lsb| lsb * libm::ldexp(1.0, -frac))
            .collect();
        let shape = self.builder.shape(wide.value).clone();
        let operation = Operation::Mul {
            a: wide.value,
            b: by,
        };
        let value = self.builder.accumulate(&name, shape, &lsb, operation);
        Ok(Wide { value, lsb })
    }

    pub(super) fn arg_max(&mut self, node: NodeIndex, x: NodeIndex) -> Lower<Wide> {
        let name = self.network.nodes[node].name.clone();
        let wide = self.wide[x].clone();
        // Channels of different units are no larger or smaller than one another.
        let comparable = wide.lsb.iter().all(|lsb| *lsb == wide.lsb[0] && *lsb > 0.0);
        let value = match comparable {
            true => wide.value,
            false => self.narrow(x)?.value,
        };
        let shape = super::layers::with_channels(self.builder.shape(value), 1);
        let element = narrowest(&[0, self.network.nodes[x].channels as i64 - 1]);
        let operation = Operation::ArgMax { x: value };
        let scale = Scale::Pow2(0);
        let value = self.builder.push(&name, shape, element, scale, operation);
        Ok(Wide {
            value,
            lsb: vec![1.0],
        })
    }

    /// Whole numbers by an index.
    pub(super) fn lookup(&mut self, node: NodeIndex, x: NodeIndex, entries: &[i64]) -> Lower<Wide> {
        let name = self.network.nodes[node].name.clone();
        let index = self.wide[x].value;
        let ty = self.builder.element(index);
        let element = narrowest(entries);
        // Raws of the type that are no index are never read.
        let entry = |raw: i64| usize::try_from(raw).ok().and_then(|i| entries.get(i));
        let raws: Vec<i64> = (ty.minimum()..=ty.maximum())
            .map(|raw| entry(raw).copied().unwrap_or(entries[0]))
            .collect();
        let table = format!("{name}.labels");
        let table = self
            .builder
            .constant(&table, vec![raws.len()], element, raws);
        let shape = self.builder.shape(index).clone();
        let operation = Operation::Table { x: index, table };
        let scale = Scale::Pow2(0);
        let value = self.builder.push(&name, shape, element, scale, operation);
        Ok(Wide {
            value,
            lsb: vec![1.0],
        })
    }

    fn capacity(&self) -> usize {
        self.frame.sets.first().map_or(1, |set| set.capacity)
    }

    /// The number of live constituents, as one value for all that read it.
    fn count(&mut self) -> ValueId {
        let is_count = |v: &Value| matches!(v.operation, Operation::Count { .. });
        if let Some(index) = self.builder.program.values.iter().position(is_count) {
            return ValueId::new(index);
        }
        let capacity = self.capacity() as i64;
        let element = (1..=16)
            .map(IntType::unsigned)
            .find(|ty| ty.contains(capacity))
            .unwrap_or(IntType::unsigned(16));
        let operation = Operation::Count { set: SetId::new(0) };
        let scale = Scale::Pow2(0);
        self.builder
            .push("multiplicity", Shape::row(1), element, scale, operation)
    }

    /// The raws of `x` for a constituent of empty words, as the interpreter computes them.
    fn padding(&self, x: ValueId) -> Lower<Vec<i64>> {
        let mut program: Program = self.builder.program.clone();
        for set in &mut program.sets {
            set.live = Live::Always;
        }
        // The sum over one constituent is what it holds; a program must have an output of the event.
        let value = program.value(x);
        let sum = Value {
            name: "padding.probe".into(),
            shape: pooled_shape(&value.shape),
            element: IntType::signed(64),
            scale: value.scale.clone(),
            operation: Operation::Sum { x },
        };
        let missing = |index: usize| !has_value(&program, index);
        let inputs: Vec<usize> = (0..program.inputs.len()).filter(|i| missing(*i)).collect();
        program.values.push(sum);
        program.outputs = vec![Output {
            name: "padding".into(),
            value: ValueId::new(program.values.len() - 1),
        }];
        // Every input of a program has a value; those that come later get theirs here.
        for index in inputs {
            let input = &program.inputs[index];
            let shape = match input.set {
                Some(set) => Shape::per_constituent(set, input.channels),
                None => Shape::row(input.channels),
            };
            program.values.push(Value {
                name: format!("padding.input.{index}"),
                shape,
                element: input.element(),
                scale: Scale::Pow2(0),
                operation: Operation::Input(hodoscope_program::InputId::new(index)),
            });
        }
        let words = |input: &Input| (0..input.channels).map(|c| input.field(c).empty).collect();
        let event = Event {
            inputs: program.inputs.iter().map(words).collect(),
        };
        let outputs = Interpreter::new(&program)?
            .run(&event)
            .map_err(|e| QuantiseError::Calibration(e.to_string()))?;
        Ok(outputs.into_iter().next().unwrap_or_default())
    }
}

fn has_value(program: &Program, input: usize) -> bool {
    program
        .values
        .iter()
        .any(|v| matches!(v.operation, Operation::Input(id) if id.index() == input))
}

/// The shape without its multiplicity.
fn pooled_shape(shape: &Shape) -> Shape {
    Shape(shape.0[1..].to_vec())
}

/// The narrowest type that holds all raws.
pub(super) fn narrowest(raws: &[i64]) -> IntType {
    let holds = |ty: &IntType| raws.iter().all(|raw| ty.contains(*raw));
    (1..=64)
        .map(IntType::signed)
        .find(holds)
        .unwrap_or(IntType::signed(64))
}
