//! From value to value: the padded program's, and its rows over live constituents.

use std::collections::HashSet;

use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{
    Constant, ConstantId, Dim, ExactF64, Input, IntType, Interval, Live, Operation, Output,
    Overflow, Program, Proof, Rounding, Scale, Set, SetId, Shape, Value, ValueId,
};

use super::rows::{Entry, Rows, Tag, in_each, owners, per_channel};
use super::rule::{Member, Rule};
use crate::exact::builder::narrowest;

/// Why a set is none.
pub(super) type Found<T> = Result<T, String>;

/// What a value of the padded program is in the other.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// The same value.
    Event(ValueId),
    /// Rows of the set.
    Rows(Rows),
    /// The same raws always, made of rows.
    Constant(Vec<i64>),
    /// Its slots are fixed in their places, for this reason.
    Fixed(String),
}

pub(super) struct Rewriter<'p> {
    pub old: &'p Program,
    proof: &'p Proof,
    pub new: Program,
    pub slots: usize,
    members: &'p [Member],
    rule: &'p Rule,
    /// Whether pooled values are cut to what is proved of the padded ones.
    tight: bool,
    known: Vec<Known>,
    intervals: Vec<Vec<Interval>>,
    /// Of rows: what they can be in a slot that is not live.
    dead: Vec<Vec<Interval>>,
    names: HashSet<String>,
    count: Option<ValueId>,
}

/// A row of the set.
fn row(channels: usize) -> Shape {
    Shape::per_constituent(SetId::new(0), channels)
}

pub(super) const DIFFERS: &str = "the slots do not hold the same elements";

/// The program over the live constituents of `set`, of the inputs `members`.
pub(super) fn rewrite(
    old: &Program,
    proof: &Proof,
    members: &[Member],
    set: Set,
    rule: &Rule,
    tight: bool,
) -> Found<Program> {
    let mut inputs = old.inputs.clone();
    for member in members {
        let input: &mut Input = &mut inputs[member.input.index()];
        input.set = Some(SetId::new(0));
        input.channels = member.channels;
        input.fields = member.fields.clone();
    }
    let mut rewriter = Rewriter {
        old,
        proof,
        slots: set.capacity,
        members,
        rule,
        tight,
        new: Program {
            name: old.name.clone(),
            sets: vec![set],
            inputs,
            constants: vec![],
            values: vec![],
            outputs: vec![],
        },
        known: vec![],
        intervals: vec![],
        dead: vec![],
        names: HashSet::new(),
        count: None,
    };
    for (id, value) in old.values() {
        let known = match rewriter.value(id, value) {
            Ok(known) => known,
            Err(reason) => {
                let operation = value.operation.keyword();
                Known::Fixed(format!("'{}' ({operation}): {reason}", value.name))
            }
        };
        rewriter.known.push(known);
    }
    for output in &old.outputs {
        let value = rewriter.event(output.value)?;
        rewriter.new.outputs.push(Output {
            name: output.name.clone(),
            value,
        });
    }
    Ok(rewriter.new)
}

impl Rewriter<'_> {
    fn value(&mut self, id: ValueId, value: &Value) -> Found<Known> {
        if let Operation::Input(input) = value.operation
            && let Some(index) = self.members.iter().position(|member| member.input == input)
        {
            let channels = self.members[index].channels;
            let scale = self.scale(id, channels, |channel| channel);
            let new = self.push(
                &value.name,
                row(channels),
                self.new.input(input).element(),
                scale,
                value.operation.clone(),
            )?;
            self.dead[new.index()] = self.rule.dead[index].clone();
            let place = |e: usize| Tag::Of {
                slot: e / channels,
                channel: e % channels,
            };
            let tags = (0..self.elements(id)).map(place).collect();
            return Ok(Known::Rows(Rows { value: new, tags }));
        }
        let operands = value.operation.operands();
        let mut has_rows = false;
        for operand in &operands {
            match &self.known[operand.index()] {
                Known::Fixed(reason) => return Ok(Known::Fixed(reason.clone())),
                Known::Rows(_) | Known::Constant(_) => has_rows = true,
                Known::Event(_) => {}
            }
        }
        if !has_rows {
            return self.copied(value).map(Known::Event);
        }
        let proved = &self.proof.intervals[id.index()];
        if proved.iter().all(|i| i.minimum == i.maximum) {
            let raws = proved.iter().map(|i| i.minimum as i64).cycle();
            return Ok(Known::Constant(raws.take(self.elements(id)).collect()));
        }
        let is_constant =
            |operand: &ValueId| !matches!(self.known[operand.index()], Known::Rows(_));
        if operands.iter().all(is_constant) {
            return self.copied(value).map(Known::Event);
        }
        self.of_rows(id, value)
    }

    /// A value that is made of rows.
    fn of_rows(&mut self, id: ValueId, value: &Value) -> Found<Known> {
        let of = |operands: Vec<ValueId>| operands[0];
        let rows = match &value.operation {
            Operation::Reshape { x } => self.rows(*x)?,
            Operation::Gather { x, elements } => {
                let x = self.rows(*x)?;
                let tags = elements.iter().map(|e| x.tags[*e]).collect();
                Rows { tags, ..x }
            }
            Operation::Select { x, channels } => {
                let own = self.channels(*x);
                let x = self.rows(*x)?;
                let chunks = x.tags.chunks(own);
                let tags = chunks.flat_map(|row| channels.iter().map(|c| row[*c]));
                Rows {
                    tags: tags.collect(),
                    value: x.value,
                }
            }
            Operation::Concat { parts } => self.concat(id, parts)?,
            Operation::Rescale { .. } => self.rescale(id, value)?,
            Operation::Relu { .. }
            | Operation::LeakyRelu { .. }
            | Operation::Clip { .. }
            | Operation::Table { .. }
            | Operation::Interpolate { .. }
            | Operation::Exponent { .. }
            | Operation::Mantissa { .. }
            | Operation::SquareRoot { .. }
            | Operation::Divide { .. } => {
                let x = of(value.operation.operands());
                let (x, tags) = self.arranged(x)?;
                let mut operation = value.operation.clone();
                self.with_constants(&mut operation);
                self.elementwise(id, x, tags, |x| on(&operation, x))?
            }
            Operation::Dense { .. } | Operation::DenseStepwise { .. } => {
                return self.dense(id, value);
            }
            Operation::Largest { .. } => return self.largest(id, value),
            Operation::ArgMax { .. }
            | Operation::SumSquares { .. }
            | Operation::TopK { .. }
            | Operation::Trees(_) => self.row_by_row(id, value)?,
            Operation::Sum { x } => return self.sum(id, *x),
            Operation::Mul { a, b }
            | Operation::Add { a, b }
            | Operation::Sub { a, b }
            | Operation::Larger { a, b }
            | Operation::Smaller { a, b }
            | Operation::Quotient { a, b, .. } => self.pair(id, value, *a, *b)?,
            Operation::MatMul { a, b } => return self.weighted(id, *a, *b),
            Operation::SquaredError { .. }
            | Operation::Take { .. }
            | Operation::Max { .. }
            | Operation::Count { .. }
            | Operation::Input(_) => {
                return Err("it has no form row by row yet".into());
            }
        };
        Ok(Known::Rows(rows))
    }

    /// The parts of a row, side by side.
    fn concat(&mut self, id: ValueId, parts: &[ValueId]) -> Found<Rows> {
        let mut values: Vec<(ValueId, usize)> = Vec::new();
        let mut width = 0;
        let mut all = Vec::new();
        for part in parts {
            let tags = match &self.known[part.index()] {
                Known::Rows(rows) => {
                    let (value, tags) = (rows.value, rows.tags.clone());
                    let base = match values.iter().find(|(known, _)| *known == value) {
                        Some((_, base)) => *base,
                        None => {
                            values.push((value, width));
                            width += self.new.value(value).shape.channels();
                            values[values.len() - 1].1
                        }
                    };
                    let moved = |tag: &Tag| match *tag {
                        Tag::Of { slot, channel } => Tag::Of {
                            slot,
                            channel: channel + base,
                        },
                        constant => constant,
                    };
                    tags.iter().map(moved).collect()
                }
                Known::Constant(raws) => raws.iter().map(|raw| Tag::Constant(*raw)).collect(),
                Known::Event(_) => return Err(BESIDE.into()),
                Known::Fixed(reason) => return Err(reason.clone()),
            };
            let tags: Vec<Tag> = tags;
            all.push((tags, self.channels(*part)));
        }
        let outer = self.elements(id) / self.channels(id);
        let row = |r: usize| {
            let parts = all.iter();
            parts.flat_map(move |(tags, channels)| tags[r * channels..(r + 1) * channels].to_vec())
        };
        let tags: Vec<Tag> = (0..outer).flat_map(row).collect();
        let value = match values[..] {
            [(only, _)] => only,
            _ => {
                let parts: Vec<ValueId> = values.iter().map(|(value, _)| *value).collect();
                self.side_by_side(id, parts, &tags)?
            }
        };
        Ok(Rows { value, tags })
    }

    /// Rows whose channels are those of several.
    pub fn side_by_side(
        &mut self,
        id: ValueId,
        parts: Vec<ValueId>,
        tags: &[Tag],
    ) -> Found<ValueId> {
        let widths = parts.iter().map(|p| self.new.value(*p).shape.channels());
        let channels = widths.sum();
        let types: Vec<IntType> = parts.iter().map(|p| self.new.value(*p).element).collect();
        let old = self.old.value(id);
        let widest = types.iter().copied().reduce(|a, b| IntType {
            signed: a.signed || b.signed,
            width: (a.width + u8::from(!a.signed && b.signed))
                .max(b.width + u8::from(!b.signed && a.signed)),
        });
        let place = |channel: usize| {
            let is_own = |tag: &Tag| matches!(tag, Tag::Of { channel: c, .. } if *c == channel);
            tags.iter().position(is_own).unwrap_or(0)
        };
        let scale = self.scale(id, channels, place);
        self.push(
            &old.name,
            row(channels),
            widest.unwrap_or(old.element),
            scale,
            Operation::Concat { parts },
        )
    }

    fn rescale(&mut self, id: ValueId, value: &Value) -> Found<Rows> {
        let Operation::Rescale {
            x,
            multipliers,
            offsets,
            shifts,
            rounding,
            overflow,
        } = &value.operation
        else {
            return Err(DIFFERS.into());
        };
        let own = self.channels(id);
        let (x, tags) = self.arranged(*x)?;
        let channels = self.new.value(x).shape.channels();
        let differs = || "its steps or offsets differ from slot to slot".to_owned();
        let at = |entries: &[i64], e: usize| entries[e % own % entries.len()];
        let of = |entries: &[i64]| {
            let all = per_channel(&tags, channels, |e| at(entries, e)).ok_or_else(differs)?;
            Ok::<_, String>(compressed(all))
        };
        let wide: Vec<i64> = shifts.iter().map(|s| (*s).into()).collect();
        let operation = Operation::Rescale {
            x,
            multipliers: of(multipliers)?,
            offsets: of(offsets)?,
            shifts: of(&wide)?.into_iter().map(|s| s as u8).collect(),
            rounding: *rounding,
            overflow: *overflow,
        };
        self.elementwise(id, x, tags, |_| operation)
    }

    /// A function of each element.
    fn elementwise(
        &mut self,
        id: ValueId,
        x: ValueId,
        tags: Vec<Tag>,
        operation: impl FnOnce(ValueId) -> Operation,
    ) -> Found<Rows> {
        let old = self.old.value(id);
        let channels = self.new.value(x).shape.channels();
        let scale = self.scale_of(id, channels, &tags);
        let value = self.push(&old.name, row(channels), old.element, scale, operation(x))?;
        Ok(Rows { value, tags })
    }

    /// Rows of exactly the elements of a value: as they stand, where each channel is one of them.
    fn arranged(&mut self, x: ValueId) -> Found<(ValueId, Vec<Tag>)> {
        let rows = self.rows(x)?;
        let channels = self.new.value(rows.value).shape.channels();
        let mut seen = vec![0; channels];
        for tag in &rows.tags {
            match tag {
                Tag::Of { channel, .. } => seen[*channel] += 1,
                Tag::Constant(_) => seen.push(0),
            }
        }
        if seen.iter().all(|times| *times == self.slots) {
            return Ok((rows.value, rows.tags));
        }
        let owners = owners(&rows.tags, self.channels(x)).ok_or(DIFFERS)?;
        let entries: Vec<Entry> = rows.tags.iter().map(|tag| tag.entry()).collect();
        let (list, tags) = in_each(&entries, &owners, self.slots).ok_or(DIFFERS)?;
        let value = self.selected(x, rows.value, &list)?;
        Ok((value, tags))
    }

    /// Rows of some channels of `base`, and constants; they have the type of the padded value `of`.
    pub fn selected(&mut self, of: ValueId, base: ValueId, list: &[Entry]) -> Found<ValueId> {
        let own = self.new.value(base);
        let channel = |entry: &Entry| match entry {
            Entry::Channel(channel) => *channel,
            Entry::Constant(_) => 0,
        };
        let channels: Vec<usize> = list.iter().map(channel).collect();
        let is_plain = list.iter().all(|entry| matches!(entry, Entry::Channel(_)));
        let (element, count) = (own.element, own.shape.channels());
        let name = format!("{}.selected", self.old.value(of).name);
        let scale = self.scale(of, list.len(), |channel| channel);
        let identity = channels.len() == count && channels.iter().enumerate().all(|(i, c)| i == *c);
        let picked = match identity {
            true => base,
            false => {
                let operation = Operation::Select { x: base, channels };
                self.push(&name, row(list.len()), element, scale.clone(), operation)?
            }
        };
        if is_plain {
            return Ok(picked);
        }
        let factor = |entry: &Entry| match entry {
            Entry::Channel(_) => (1, 0),
            Entry::Constant(raw) => (0, *raw),
        };
        let (multipliers, offsets) = list.iter().map(factor).unzip();
        let operation = Operation::Rescale {
            x: picked,
            multipliers,
            offsets,
            shifts: vec![0],
            rounding: Rounding::Trn,
            overflow: Overflow::Sat,
        };
        let element = self.old.value(of).element;
        self.push(&name, row(list.len()), element, scale, operation)
    }

    /// The same operation on the same values of the event.
    fn copied(&mut self, value: &Value) -> Found<ValueId> {
        let mut operation = value.operation.clone();
        for operand in operation.operands_mut() {
            *operand = self.event(*operand)?;
        }
        self.with_constants(&mut operation);
        self.push(
            &value.name,
            value.shape.clone(),
            value.element,
            value.scale.clone(),
            operation,
        )
    }

    /// A value of the event.
    pub fn event(&mut self, id: ValueId) -> Found<ValueId> {
        match self.known[id.index()].clone() {
            Known::Event(value) => Ok(value),
            Known::Fixed(reason) => Err(reason),
            Known::Rows(_) => Err(format!(
                "'{}' has a row for each slot, and is not pooled",
                self.old.value(id).name
            )),
            Known::Constant(raws) => {
                let name = format!("{}.constant", self.old.value(id).name);
                let weights = vec![0; raws.len()];
                let scale = self.scale(id, raws.len(), |channel| channel);
                let flat = self.of_count(&name, weights, raws, scale)?;
                self.in_shape(id, flat)
            }
        }
    }

    /// weights · n + bias, n the number of live constituents.
    pub fn of_count(
        &mut self,
        name: &str,
        weights: Vec<i64>,
        bias: Vec<i64>,
        scale: Scale,
    ) -> Found<ValueId> {
        let count = match self.count {
            Some(count) => count,
            None => {
                let set = SetId::new(0);
                let capacity = Interval::between(0, self.slots as i128);
                let element = narrowest(capacity, false).unwrap_or(IntType::signed(32));
                let operation = Operation::Count { set };
                let count =
                    self.push("count", Shape::row(1), element, Scale::Pow2(0), operation)?;
                self.count = Some(count);
                count
            }
        };
        let channels = bias.len();
        let weights = self.constant(&format!("{name}.weights"), vec![channels, 1], weights);
        let bias = self.constant(&format!("{name}.bias"), vec![channels], bias);
        let operation = Operation::Dense {
            x: count,
            weights,
            bias,
        };
        self.push_sum(name, Shape::row(channels), scale, operation)
    }

    /// A value of the event in the padded one's shape.
    pub fn in_shape(&mut self, id: ValueId, x: ValueId) -> Found<ValueId> {
        let old = self.old.value(id);
        if self.new.value(x).shape == old.shape {
            return Ok(x);
        }
        let (name, element) = (format!("{}.view", old.name), self.new.value(x).element);
        let operation = Operation::Reshape { x };
        self.push(
            &name,
            old.shape.clone(),
            element,
            old.scale.clone(),
            operation,
        )
    }

    pub fn constant(&mut self, name: &str, shape: Vec<usize>, data: Vec<i64>) -> ConstantId {
        let least = data.iter().copied().min().unwrap_or(0).into();
        let most = data.iter().copied().max().unwrap_or(0).into();
        let element = narrowest(Interval::between(least, most), true);
        let name = self.unique(name);
        self.new.constants.push(Constant {
            name,
            shape,
            element: element.unwrap_or(IntType::signed(64)).storage(),
            data,
        });
        ConstantId::new(self.new.constants.len() - 1)
    }

    /// Takes the constants of the padded program over.
    pub fn with_constants(&mut self, operation: &mut Operation) {
        for id in crate::exact::tidy::constants_of(operation) {
            let constant = self.old.constant(*id).clone();
            let name = self.unique(&constant.name);
            self.new.constants.push(Constant { name, ..constant });
            *id = ConstantId::new(self.new.constants.len() - 1);
        }
    }

    /// A sum of 32 bits, or of 64 where they do not hold it.
    pub fn push_sum(
        &mut self,
        name: &str,
        shape: Shape,
        scale: Scale,
        operation: Operation,
    ) -> Found<ValueId> {
        let narrow = IntType::signed(32);
        let copy = (shape.clone(), scale.clone(), operation.clone());
        self.push(name, shape, narrow, scale, operation)
            .or_else(|_| self.push(name, copy.0, IntType::signed(64), copy.1, copy.2))
    }

    /// Adds a value, if its type is proved to hold it.
    pub fn push(
        &mut self,
        name: &str,
        shape: Shape,
        element: IntType,
        scale: Scale,
        operation: Operation,
    ) -> Found<ValueId> {
        let mut value = Value {
            name: String::new(),
            shape,
            element,
            scale,
            operation,
        };
        let (intervals, partial) = self.new.intervals_of(&value, &self.intervals)?;
        let fits = intervals.iter().all(|interval| interval.fits(element));
        if !fits || partial > element.maximum().into() {
            return Err(format!("{element} does not hold it"));
        }
        let dead = match value.shape.set() {
            Some(_) => self.new.intervals_of(&value, &self.dead)?.0,
            None => intervals.clone(),
        };
        value.name = self.unique(name);
        self.intervals.push(intervals);
        self.dead.push(dead);
        self.new.values.push(value);
        Ok(ValueId::new(self.new.values.len() - 1))
    }

    /// The raws of a row in a slot that is not live.
    pub fn empty(&self, rows: ValueId) -> Found<Vec<i64>> {
        let dead = &self.dead[rows.index()];
        if dead.iter().all(|i| i.minimum == i.maximum) {
            return Ok(dead.iter().map(|i| i.minimum as i64).collect());
        }
        match self.rule.word() {
            Some(_) => Err("what an empty slot adds depends on its words".into()),
            // All words are known: intervals do not say how they are rounded, the interpreter does.
            None => self.of_empty_words(rows),
        }
    }

    /// The row of a constituent of empty words.
    fn of_empty_words(&self, rows: ValueId) -> Found<Vec<i64>> {
        let mut program = self.new.clone();
        program.sets[0].live = Live::Always;
        let value = self.new.value(rows);
        program.values.push(Value {
            name: (0..)
                .map(|n| format!("empty.{n}"))
                .find(|name| !self.names.contains(name))
                .unwrap_or_default(),
            shape: Shape::row(value.shape.channels()),
            element: IntType::signed(64),
            scale: value.scale.clone(),
            operation: Operation::Sum { x: rows },
        });
        program.outputs.push(Output {
            name: "empty".into(),
            value: ValueId::new(program.values.len() - 1),
        });
        let words = |(index, input): (usize, &Input)| {
            let member = self.members.iter().position(|m| m.input.index() == index);
            match member {
                Some(member) => self.rule.dead[member]
                    .iter()
                    .map(|word| word.minimum as i64)
                    .collect(),
                None => (0..input.channels).map(|c| input.field(c).empty).collect(),
            }
        };
        let event = Event {
            inputs: program.inputs.iter().enumerate().map(words).collect(),
        };
        let interpreter = Interpreter::new(&program).map_err(|error| error.to_string())?;
        let trace = interpreter.trace(&event).map_err(|e| e.to_string())?;
        Ok(trace.values[rows.index()].clone())
    }

    /// What is proved of the padded value, where pooled ones are cut to it.
    pub fn cut(&self, id: ValueId) -> Option<Interval> {
        self.tight.then(|| self.proof.interval(id))
    }

    pub fn rows(&self, id: ValueId) -> Found<Rows> {
        match &self.known[id.index()] {
            Known::Rows(rows) => Ok(rows.clone()),
            Known::Fixed(reason) => Err(reason.clone()),
            Known::Event(_) | Known::Constant(_) => Err(BESIDE.into()),
        }
    }

    pub fn known(&self, id: ValueId) -> &Known {
        &self.known[id.index()]
    }

    pub fn channels(&self, id: ValueId) -> usize {
        self.old.value(id).shape.channels()
    }

    pub fn elements(&self, id: ValueId) -> usize {
        self.old.value(id).shape.elements(0)
    }

    pub fn dims(&self, id: ValueId) -> Vec<usize> {
        let dims = self.old.value(id).shape.0.iter();
        let fixed = dims.filter_map(|dim| match dim {
            Dim::Fixed(n) => Some(*n),
            Dim::Multiplicity(_) => None,
        });
        fixed.collect()
    }

    /// What the raws of rows mean: as those of the padded value's elements.
    pub fn scale_of(&self, id: ValueId, channels: usize, tags: &[Tag]) -> Scale {
        let place = |channel: usize| {
            let is_own = |tag: &Tag| matches!(tag, Tag::Of { channel: c, .. } if *c == channel);
            tags.iter().position(is_own).unwrap_or(0)
        };
        self.scale(id, channels, place)
    }

    /// The scale of the padded value's elements, one for each channel.
    pub fn scale(&self, id: ValueId, channels: usize, element: impl Fn(usize) -> usize) -> Scale {
        let own = self.channels(id);
        let place = |channel: usize| element(channel) % own;
        match &self.old.value(id).scale {
            Scale::Pow2(frac) => Scale::Pow2(*frac),
            Scale::Pow2PerChannel(fracs) => {
                Scale::Pow2PerChannel((0..channels).map(|c| fracs[place(c)]).collect())
            }
            Scale::Lsb(lsbs) if lsbs.len() == 1 => Scale::Lsb(lsbs.clone()),
            Scale::Lsb(lsbs) => {
                let lsbs: Vec<ExactF64> = (0..channels).map(|c| lsbs[place(c)]).collect();
                Scale::Lsb(lsbs)
            }
        }
    }

    fn unique(&mut self, name: &str) -> String {
        let mut candidate = name.to_owned();
        let mut count = 1;
        while !self.names.insert(candidate.clone()) {
            count += 1;
            candidate = format!("{name}.{count}");
        }
        candidate
    }
}

pub(super) const BESIDE: &str = "a value of the event stands beside the rows of constituents";

/// The operation on another operand.
pub(super) fn on(operation: &Operation, x: ValueId) -> Operation {
    let mut operation = operation.clone();
    for operand in operation.operands_mut() {
        *operand = x;
    }
    operation
}

/// One entry where all are equal.
fn compressed(mut entries: Vec<i64>) -> Vec<i64> {
    if entries.windows(2).all(|pair| pair[0] == pair[1]) {
        entries.truncate(1);
    }
    entries
}
