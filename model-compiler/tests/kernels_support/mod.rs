//! Runs a `Plan` on the host by calling the kernels as an emitted crate does: the same functions,
//! storage types and accumulators, step by step. Only the lengths are no constants.
#![allow(dead_code)] // Each test takes what it needs.
#![allow(clippy::useless_conversion)] // An accumulator of 64 bits is an i64 already.

use std::collections::BTreeMap;

use hodoscope_compiler::plan::layout::{Adders, Constants, Layout, filled};
use hodoscope_compiler::plan::{
    Accumulator, Kernel, Pair, Plan, Reduction, Requantise, Step, storage_bits,
};
use hodoscope_kernels::layout::{byte_pairs, half_pairs, nested_pairs, rows};
use hodoscope_kernels::number::{Accumulator as Number, Narrow};
use hodoscope_kernels::rescale::Requantise as _;
use hodoscope_kernels::set::{Hardest, Pushed};
use hodoscope_kernels::{
    divide, function, gather, matrix, quotient, rank, reduce, rescale, root, rounding, stepwise,
    trees, unary,
};
use hodoscope_program::{
    Constant, IntType, Live, Program, Rounding, SetId, TreeAggregate, Trees, ValueId,
};

/// A value as a crate stores it.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

/// `body` for each type that an array may have.
macro_rules! each {
    ($array:expr, $x:ident => $body:expr) => {
        match $array {
            Array::I8($x) => $body,
            Array::I16($x) => $body,
            Array::I32($x) => $body,
            Array::I64($x) => $body,
        }
    };
}

/// `body` for each type that converts to `i32`: no other may meet accumulators of 32 bits.
macro_rules! each32 {
    ($array:expr, $x:ident => $body:expr) => {
        match $array {
            Array::I8($x) => $body,
            Array::I16($x) => $body,
            Array::I32($x) => $body,
            Array::I64(_) => panic!("an operand of 64 bits in accumulators of 32"),
        }
    };
}

/// `body` with `A` as the accumulator, and the operands in each type that converts to it.
macro_rules! accumulate {
    ($accumulator:expr, $x:ident = $a:expr => $body:expr) => {
        match $accumulator {
            Accumulator::I32 => {
                type A = i32;
                each32!($a, $x => $body)
            }
            Accumulator::I64 => {
                type A = i64;
                each!($a, $x => $body)
            }
        }
    };
    ($accumulator:expr, $x:ident = $a:expr, $z:ident = $b:expr => $body:expr) => {
        match $accumulator {
            Accumulator::I32 => {
                type A = i32;
                each32!($a, $x => each32!($b, $z => $body))
            }
            Accumulator::I64 => {
                type A = i64;
                each!($a, $x => each!($b, $z => $body))
            }
        }
    };
}

/// `body` with a rounding's own type.
macro_rules! rounded {
    ($rounding:expr, $r:ident => $body:expr) => {
        match $rounding {
            Rounding::Trn => {
                let $r = rounding::Trn;
                $body
            }
            Rounding::TrnZero => {
                let $r = rounding::TrnZero;
                $body
            }
            Rounding::Rnd => {
                let $r = rounding::Rnd;
                $body
            }
            Rounding::RndConv => {
                let $r = rounding::RndConv;
                $body
            }
            Rounding::RndZero => {
                let $r = rounding::RndZero;
                $body
            }
            Rounding::RndInf => {
                let $r = rounding::RndInf;
                $body
            }
            Rounding::RndMinInf => {
                let $r = rounding::RndMinInf;
                $body
            }
        }
    };
}

/// `body` with the requantiser of an imported network.
macro_rules! imported {
    ($rounding:expr, $overflow:expr, $a:ty, $factors:expr, $shifts:expr, $q:ident => $body:expr) => {
        rounded!($rounding, r => match &$factors {
            Some((multipliers, offsets)) => {
                let inner = rounding::RoundedAffine::new(r, multipliers, offsets, $shifts);
                reduced!($overflow, $a, inner, $q => $body)
            }
            None => {
                let inner = rounding::Rounded::new(r, $shifts);
                reduced!($overflow, $a, inner, $q => $body)
            }
        })
    };
}

macro_rules! reduced {
    ($overflow:expr, $a:ty, $inner:expr, $q:ident => $body:expr) => {
        match $overflow {
            Reduction::Saturated => {
                let $q = $inner;
                $body
            }
            Reduction::Wrapped(bits) => {
                let $q = rounding::Wrapped {
                    inner: $inner,
                    bits: bits.into(),
                };
                $body
            }
            Reduction::WrappedUnsigned(bits) => {
                let $q = rounding::WrappedUnsigned {
                    inner: $inner,
                    bits: bits.into(),
                };
                $body
            }
            Reduction::OrZero(low, high) => {
                let $q = rounding::OrZero {
                    inner: $inner,
                    limits: ends::<$a>((low, high)),
                };
                $body
            }
        }
    };
}

/// A dense layer of rounded products of type `p` and sums of type `a`.
macro_rules! stepwise {
    ($p:ty, $a:ty, $rounding:expr, $x:expr, $w:expr, $bias:expr, $shift:expr, $limits:expr) => {{
        let bias = accumulators::<$a>(&$bias);
        let (x, w) = (exact::<$p>(&$x.raws()), exact::<$p>(&$w.raws()));
        let mut wide: Vec<$a> = vec![0; bias.len()];
        let y = &mut wide;
        rounded!($rounding, r => match $limits {
            Some(limits) => {
                let limits = ends::<$p>(*limits);
                stepwise::dense_saturated::<$p, $a, $p, $p, $a, $a, _>(r, &x, &w, &bias, $shift, limits, y)
            }
            None => stepwise::dense::<$p, $a, $p, $p, $a, $a, _>(r, &x, &w, &bias, $shift, y),
        });
        narrowed(&wide)
    }};
}

// Behind the macros that it uses.
mod blocks;
mod groups;

impl Array {
    /// Raws in the storage of `ty`.
    ///
    /// # Panics
    /// If one is not of it: a crate would not compile.
    pub fn new(ty: IntType, raws: &[i64]) -> Self {
        Self::of_bits(storage_bits(ty), raws)
    }

    fn of_bits(bits: u8, raws: &[i64]) -> Self {
        fn all<T: TryFrom<i64, Error: std::fmt::Debug>>(raws: &[i64]) -> Vec<T> {
            raws.iter()
                .map(|r| T::try_from(*r).expect("raws fit their storage"))
                .collect()
        }
        match bits {
            8 => Self::I8(all(raws)),
            16 => Self::I16(all(raws)),
            32 => Self::I32(all(raws)),
            _ => Self::I64(raws.to_vec()),
        }
    }

    pub fn raws(&self) -> Vec<i64> {
        each!(self, x => x.iter().map(|raw| i64::from(*raw)).collect())
    }
}

/// What one event gave: the raws of each visible value, row-major.
pub type Seen = Vec<Option<Vec<i64>>>;

/// Runs one plan.
pub struct Executor<'a> {
    plan: &'a Plan<'a>,
    visible: Vec<bool>,
    /// Of the layers that are additions, by their results.
    adders: BTreeMap<ValueId, Adders>,
}

type Constituent = Vec<Array>;

impl<'a> Executor<'a> {
    pub fn new(plan: &'a Plan<'a>) -> Self {
        let steps = plan.constituent.iter().chain(&plan.event);
        let adders = steps.filter(|step| step.layout() == Some(Layout::ShiftAdds));
        let adders = adders.filter_map(|step| Some((step.result, Adders::new(&plan.layer(step)?))));
        Self {
            plan,
            visible: plan.visible(),
            adders: adders.collect(),
        }
    }

    /// A whole event at once, as `run` and `infer` of an emitted crate.
    pub fn run(&self, inputs: &[Vec<i64>]) -> Seen {
        let mut seen: Seen = vec![None; self.plan.program.values.len()];
        for (value, visible) in seen.iter_mut().zip(&self.visible) {
            *value = visible.then(Vec::new);
        }
        let mut sums = self.zero();
        for constituent in self.kept(inputs) {
            let values = self.constituent(&constituent);
            for (into, value) in seen.iter_mut().zip(&values) {
                if let (Some(into), Some(value)) = (into, value) {
                    into.extend(value.raws());
                }
            }
            self.add(&mut sums, &values, false);
        }
        self.event(inputs, &sums, &mut seen);
        seen
    }

    /// Constituent by constituent, as `push` and `finish`: only what is computed at the end.
    pub fn stream(&self, inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
        let mut sums = self.zero();
        if let Some(set) = self.plan.program.sets.first() {
            match set.capacity {
                1 => self.push_all::<1>(inputs, &mut sums),
                2 => self.push_all::<2>(inputs, &mut sums),
                3 => self.push_all::<3>(inputs, &mut sums),
                4 => self.push_all::<4>(inputs, &mut sums),
                8 => self.push_all::<8>(inputs, &mut sums),
                32 => self.push_all::<32>(inputs, &mut sums),
                other => panic!("a capacity of {other}"),
            }
        }
        let mut seen: Seen = vec![Some(vec![]); self.plan.program.values.len()];
        self.event(inputs, &sums, &mut seen);
        self.outputs(&seen)
    }

    pub fn outputs(&self, seen: &Seen) -> Vec<Vec<i64>> {
        let outputs = self.plan.program.outputs.iter();
        outputs
            .map(|o| seen[o.value.index()].clone().expect("outputs are visible"))
            .collect()
    }

    /// The outputs of one event.
    pub fn infer(&self, inputs: &[Vec<i64>]) -> Vec<Vec<i64>> {
        self.outputs(&self.run(inputs))
    }

    fn push_all<const P: usize>(&self, inputs: &[Vec<i64>], sums: &mut Vec<Array>) {
        let mut held = Hardest::<Constituent, P>::new();
        for constituent in self.live(inputs) {
            let arrived = self.constituent(&constituent);
            let hardness = self.hardness(&constituent);
            match held.push(constituent, hardness) {
                Pushed::Kept => {}
                Pushed::Displaced(_) if self.plan.has_maximum() => {
                    *sums = self.zero();
                    for kept in held.iter() {
                        self.add(sums, &self.constituent(kept), false);
                    }
                    continue;
                }
                Pushed::Displaced(gone) => self.add(sums, &self.constituent(&gone), true),
                Pushed::Dropped => continue,
            }
            self.add(sums, &arrived, false);
        }
    }

    fn kept(&self, inputs: &[Vec<i64>]) -> Vec<Constituent> {
        let Some(set) = self.plan.program.sets.first() else {
            return vec![];
        };
        match set.capacity {
            1 => self.hardest::<1>(inputs),
            2 => self.hardest::<2>(inputs),
            3 => self.hardest::<3>(inputs),
            4 => self.hardest::<4>(inputs),
            5 => self.hardest::<5>(inputs),
            16 => self.hardest::<16>(inputs),
            8 => self.hardest::<8>(inputs),
            32 => self.hardest::<32>(inputs),
            other => panic!("a capacity of {other}"),
        }
    }

    fn hardest<const P: usize>(&self, inputs: &[Vec<i64>]) -> Vec<Constituent> {
        let mut held = Hardest::<Constituent, P>::new();
        for constituent in self.live(inputs) {
            let hardness = self.hardness(&constituent);
            held.push(constituent, hardness);
        }
        held.iter().cloned().collect()
    }

    /// Words of all inputs by index: of one constituent, or of the event. Words are stored, not
    /// clamped yet.
    fn words(&self, inputs: &[Vec<i64>], row: Option<usize>) -> Constituent {
        let program = self.plan.program;
        let inputs = program.inputs.iter().zip(inputs);
        inputs
            .map(|(input, words)| match (input.set, row) {
                (Some(_), Some(row)) => {
                    let own = &words[row * input.channels..][..input.channels];
                    Array::new(input.element(), own)
                }
                (None, None) => Array::new(input.element(), words),
                _ => Array::I8(vec![]),
            })
            .collect()
    }

    fn live(&self, inputs: &[Vec<i64>]) -> Vec<Constituent> {
        let program = self.plan.program;
        let of_set = |index: &usize| program.inputs[*index].set == Some(SetId::new(0));
        let Some(first) = (0..program.inputs.len()).find(of_set) else {
            return vec![];
        };
        let rows = inputs[first].len() / program.inputs[first].channels;
        let constituents = (0..rows).map(|row| self.words(inputs, Some(row)));
        constituents
            .filter(|words| match program.sets[0].live {
                Live::Always => true,
                Live::NotEmpty { input } => (0..program.input(input).channels).any(|channel| {
                    let word = hodoscope_program::WordRef { input, channel };
                    self.word(words, word) != program.input(input).field(channel).empty
                }),
                Live::Above { word, threshold } => self.word(words, word) > threshold,
                Live::NotEqual { word, empty } => self.word(words, word) != empty,
            })
            .collect()
    }

    fn word(&self, words: &Constituent, at: hodoscope_program::WordRef) -> i64 {
        let field = self.plan.program.input(at.input).field(at.channel);
        words[at.input.index()].raws()[at.channel].clamp(field.minimum, field.maximum)
    }

    fn hardness(&self, words: &Constituent) -> i32 {
        match self.plan.program.sets[0].order {
            Some(word) => i32::try_from(self.word(words, word)).expect("words have 32 bits"),
            None => 0,
        }
    }

    fn zero(&self) -> Vec<Array> {
        let sums = self.plan.pooled.iter();
        sums.map(|sum| {
            let channels = self.plan.program.value(sum.result).shape.channels();
            match (sum.accumulator, sum.empty) {
                (Accumulator::I32, None) => Array::I32(vec![0; channels]),
                (Accumulator::I64, None) => Array::I64(vec![0; channels]),
                (Accumulator::I32, Some(_)) => Array::I32(vec![i32::MIN; channels]),
                (Accumulator::I64, Some(_)) => Array::I64(vec![i64::MIN; channels]),
            }
        })
        // Last stands the number of constituents.
        .chain([Array::I32(vec![0])])
        .collect()
    }

    fn add(&self, sums: &mut [Array], values: &[Option<Array>], subtract: bool) {
        if let Some(Array::I32(multiplicity)) = sums.last_mut() {
            multiplicity[0] += if subtract { -1 } else { 1 };
        }
        for (sum, pooled) in sums.iter_mut().zip(&self.plan.pooled) {
            let x = values[pooled.x.index()]
                .as_ref()
                .expect("summands are visible");
            if pooled.empty.is_some() {
                match sum {
                    Array::I32(sum) => each32!(x, x => reduce::maximum(sum, x)),
                    Array::I64(sum) => each!(x, x => reduce::maximum(sum, x)),
                    _ => panic!("a maximum has 32 or 64 bits"),
                }
                continue;
            }
            match (sum, subtract) {
                (Array::I32(sum), false) => each32!(x, x => reduce::add(sum, x)),
                (Array::I32(sum), true) => each32!(x, x => reduce::subtract(sum, x)),
                (Array::I64(sum), false) => each!(x, x => reduce::add(sum, x)),
                (Array::I64(sum), true) => each!(x, x => reduce::subtract(sum, x)),
                _ => panic!("a sum has 32 or 64 bits"),
            }
        }
    }

    fn constituent(&self, words: &Constituent) -> Vec<Option<Array>> {
        let mut values = vec![None; self.plan.program.values.len()];
        for step in &self.plan.constituent {
            let result = self.step(step, words, &values);
            values[step.result.index()] = Some(result);
        }
        values
    }

    fn event(&self, inputs: &[Vec<i64>], sums: &[Array], seen: &mut Seen) {
        let words = self.words(inputs, None);
        let mut values = vec![None; self.plan.program.values.len()];
        let multiplicity = sums.last().map_or(0, |n| n.raws()[0]);
        for (sum, pooled) in sums.iter().zip(&self.plan.pooled) {
            let mut y = self.zeros(pooled.result);
            if let Some(empty) = pooled.empty {
                let constant = self.plan.program.constant(empty);
                let empty = Array::new(constant.element, &constant.data);
                let capacity = self.plan.program.sets[0].capacity as i64;
                let full = multiplicity == capacity;
                match sum {
                    Array::I32(sum) => each32!(&empty, e => each!(&mut y, y => {
                        reduce::maximum_with_empty(sum, e, full, y)
                    })),
                    Array::I64(sum) => each!(&empty, e => each!(&mut y, y => {
                        reduce::maximum_with_empty(sum, e, full, y)
                    })),
                    _ => panic!("a maximum has 32 or 64 bits"),
                }
            } else {
                each!(sum, x => each!(&mut y, y => unary::copy(x, y)));
            }
            values[pooled.result.index()] = Some(y);
        }
        for step in &self.plan.event {
            let result = match step.kernel {
                // With the squared error of it.
                _ if self.plan.blocks_of(step).is_some() => continue,
                Kernel::SquaredError { a, b, accumulator }
                    if self.plan.compared(step).is_some() =>
                {
                    blocks::error(self, step, [a, b], accumulator, &values)
                }
                Kernel::Count => {
                    let element = self.plan.program.value(step.result).element;
                    Array::new(element, &[multiplicity])
                }
                _ => self.step(step, &words, &values),
            };
            values[step.result.index()] = Some(result);
        }
        for (into, value) in seen.iter_mut().zip(values) {
            if let (Some(into), Some(value)) = (into, value) {
                *into = value.raws();
            }
        }
    }

    fn zeros(&self, id: ValueId) -> Array {
        let value = self.plan.program.value(id);
        Array::new(value.element, &vec![0; value.shape.channels()])
    }

    /// A step, row by row where its value has several.
    fn step(&self, step: &Step, words: &Constituent, values: &[Option<Array>]) -> Array {
        let program = self.plan.program;
        let value = program.value(step.result);
        let raws = |id: &ValueId| {
            values[id.index()]
                .as_ref()
                .expect("operands come first")
                .raws()
        };
        let rows = match value.shape.set() {
            Some(_) => 1,
            None => value.shape.rows(1),
        };
        match &step.kernel {
            Kernel::View { x } => return Array::new(value.element, &raws(x)),
            Kernel::Gather { x, elements } => {
                // An index of 16 bits where that is enough, as a crate has it.
                let short: Option<Vec<u16>> =
                    elements.iter().map(|e| u16::try_from(*e).ok()).collect();
                let wide: Vec<u32> = elements.iter().map(|e| *e as u32).collect();
                let mut y = Array::new(value.element, &vec![0; elements.len()]);
                let x = values[x.index()].as_ref().expect("operands come first");
                match short {
                    Some(e) => each!(x, x => each!(&mut y, y => gather::gather(x, &e, y))),
                    None => each!(x, x => each!(&mut y, y => gather::gather_wide(x, &wide, y))),
                }
                return y;
            }
            Kernel::SumRows { x, accumulator } => {
                let x = values[x.index()].as_ref().expect("operands come first");
                let channels = value.shape.elements(1);
                let sums: Vec<i64> = accumulate!(accumulator, x = x => {
                    let mut sums: Vec<A> = vec![0; channels];
                    for row in x.chunks_exact(channels) {
                        reduce::add(&mut sums, row);
                    }
                    sums.into_iter().map(i64::from).collect()
                });
                return Array::new(value.element, &sums);
            }
            Kernel::MatMul {
                a,
                b,
                extents: [rows, inner, columns],
                accumulator,
            } => {
                let extents = matrix::Extents {
                    rows: *rows,
                    inner: *inner,
                    columns: *columns,
                };
                let mut y = Array::new(value.element, &vec![0; value.shape.elements(0)]);
                let operand =
                    |id: &ValueId| values[id.index()].as_ref().expect("operands come first");
                accumulate!(accumulator, a = operand(a), b = operand(b) => {
                    each!(&mut y, y => matrix::product::<A, _, _, _>(a, b, extents, y));
                });
                return y;
            }
            Kernel::Take { x, indices } => {
                let mut y = Array::new(value.element, &vec![0; value.shape.elements(0)]);
                let operand =
                    |id: &ValueId| values[id.index()].as_ref().expect("operands come first");
                let channels = value.shape.channels();
                each!(operand(x), x => each!(operand(indices), i => each!(&mut y, y => {
                    gather::take(x, i, channels, y)
                })));
                return y;
            }
            _ if rows == 1 => return self.row(step, words, values),
            _ => {}
        }
        let mut all = Vec::new();
        for row in 0..rows {
            let mut own: Vec<Option<Array>> = vec![None; values.len()];
            for operand in step.kernel.operands() {
                let channels = program.value(operand).shape.channels();
                let raws = raws(&operand)[row * channels..][..channels].to_vec();
                own[operand.index()] = Some(Array::new(program.value(operand).element, &raws));
            }
            all.extend(self.row(step, words, &own).raws());
        }
        Array::new(value.element, &all)
    }

    /// A rescale with a rounding or overflow of its own, in the accumulator's own type: as many
    /// instances as there are rules.
    fn imported(&self, step: &Step, values: &[Option<Array>]) -> Option<Vec<i64>> {
        let program = self.plan.program;
        let raws = |id: &ValueId| {
            values[id.index()]
                .as_ref()
                .expect("operands come first")
                .raws()
        };
        let (x, accumulator, requantise, limits, layer) = match &step.kernel {
            Kernel::Rescale {
                x,
                accumulator,
                requantise,
                limits,
            } => (raws(x), accumulator, requantise, *limits, None),
            Kernel::DenseRescale {
                x,
                weights,
                bias,
                accumulator,
                requantise,
                limits,
                ..
            } => {
                let layer = (
                    &program.constant(*weights).data,
                    &program.constant(*bias).data,
                );
                (raws(x), accumulator, requantise, *limits, Some(layer))
            }
            _ => return None,
        };
        if let (
            Requantise::Scaled {
                multiplier,
                offset,
                shift,
            },
            Some((weights, bias)),
        ) = (requantise, layer)
        {
            let scaled = rescale::Scaled {
                multiplier: *multiplier,
                offset: *offset,
                shift: *shift,
            };
            let mut y = vec![0i32; bias.len()];
            let [x, weights, bias] = [&x, weights, bias].map(|raws| exact::<i32>(raws));
            let limits = ends::<i32>(limits);
            rows::dense_rescale::<i32, i32, i32, i32, i32>(
                &x, &weights, &bias, scaled, limits, &mut y,
            );
            return Some(narrowed(&y));
        }
        let Requantise::Imported { .. } = requantise else {
            return None;
        };
        Some(match accumulator {
            Accumulator::I32 => by_own_rules::<i32>(&x, layer, requantise, limits),
            Accumulator::I64 => by_own_rules::<i64>(&x, layer, requantise, limits),
        })
    }

    fn row(&self, step: &Step, words: &Constituent, values: &[Option<Array>]) -> Array {
        let program = self.plan.program;
        let v = |id: &ValueId| values[id.index()].as_ref().expect("operands come before");
        let stored = |constant: &Constant| Array::new(constant.element, &constant.data);
        if let Some(raws) = self.streamed(step, values) {
            return Array::new(program.value(step.result).element, &raws);
        }
        let mut y = self.zeros(step.result);
        let out = &mut y;
        if let Some(raws) = self.imported(step, values) {
            return Array::new(program.value(step.result).element, &raws);
        }
        match &step.kernel {
            Kernel::Dense {
                x,
                layout: Layout::ShiftAdds,
                ..
            } => {
                let sums = self.added(step, v(x));
                each!(out, y => unary::copy(&sums, y));
            }
            Kernel::DenseRescale {
                x,
                requantise,
                limits,
                layout: Layout::ShiftAdds,
                ..
            } => {
                let (sums, limits) = (self.added(step, v(x)), ends::<i32>(*limits));
                match requantise {
                    Requantise::Imported { .. } | Requantise::Scaled { .. } => {
                        panic!("computed before")
                    }
                    Requantise::Shift(shifts) => {
                        let shift = rescale::Shift(shifts);
                        each!(out, y => rescale::rescale::<i32, _, _>(&sums, shift, limits, y));
                    }
                    Requantise::Affine {
                        multipliers,
                        offsets,
                        shifts,
                    } => {
                        let (multipliers, offsets) =
                            (exact::<i32>(multipliers), exact::<i32>(offsets));
                        let affine = rescale::Affine {
                            multipliers: &multipliers,
                            offsets: &offsets,
                            shifts,
                        };
                        each!(out, y => rescale::rescale::<i32, _, _>(&sums, affine, limits, y));
                    }
                }
            }
            Kernel::Dense { x, layout, .. } | Kernel::DenseRescale { x, layout, .. }
                if groups::are(*layout) =>
            {
                let layer = self.plan.layer(step).expect("the layer of a dense step");
                let limits = layer.rescale.map(|(_, limits)| limits);
                groups::dense(*layout, &layout.constants(&layer), v(x), limits, out);
            }
            Kernel::Grid { words } => {
                let mut grids = self.plan.grids.iter();
                let grid = grids.find(|grid| grid.result == step.result);
                let grid = grid.expect("the table of a step that looks it up");
                let words = v(words).raws();
                let cell = grid.axes.iter().fold(0, |cell, axis| {
                    let at = usize::try_from(words[axis.channel] - axis.minimum);
                    cell * axis.extent + at.expect("words are in their ranges")
                });
                let channels = program.value(step.result).shape.channels();
                let entry = &grid.entries[cell * channels..][..channels];
                return Array::new(program.value(step.result).element, entry);
            }
            Kernel::Words { input } => {
                let fields = &program.input(*input).fields;
                let ends = |end: fn(&hodoscope_program::Field) -> i64| {
                    let raws: Vec<i64> = fields.iter().map(end).collect();
                    Array::new(program.value(step.result).element, &raws)
                };
                match (
                    &words[input.index()],
                    ends(|f| f.minimum),
                    ends(|f| f.maximum),
                    out,
                ) {
                    (Array::I8(x), Array::I8(a), Array::I8(b), Array::I8(y)) => {
                        rescale::words(x, &a, &b, y)
                    }
                    (Array::I16(x), Array::I16(a), Array::I16(b), Array::I16(y)) => {
                        rescale::words(x, &a, &b, y)
                    }
                    (Array::I32(x), Array::I32(a), Array::I32(b), Array::I32(y)) => {
                        rescale::words(x, &a, &b, y)
                    }
                    _ => panic!("words are stored as they arrive"),
                }
            }
            Kernel::WordsRescale {
                input,
                accumulator,
                requantise,
                limits,
                ..
            } => {
                let fields = &program.input(*input).fields;
                let ends = |end: fn(&hodoscope_program::Field) -> i64| -> Vec<i64> {
                    fields.iter().map(end).collect()
                };
                let (minimum, maximum) = (ends(|f| f.minimum), ends(|f| f.maximum));
                macro_rules! at_once {
                    ($t:ty, $x:expr, $a:ty) => {{
                        let (minimum, maximum) = (exact::<$t>(&minimum), exact::<$t>(&maximum));
                        let (ranges, limits) = ((&minimum[..], &maximum[..]), self::ends::<$a>(*limits));
                        let factors = factors::<$a>(requantise);
                        match requantise {
                            Requantise::Scaled { .. } => panic!("words are no sums"),
                            Requantise::Imported { rounding, overflow, shifts, .. } => {
                                imported!(*rounding, *overflow, $a, factors, shifts, q => {
                                    each!(out, y => rescale::words_rescaled::<$a, _, _>($x, ranges, q, limits, y))
                                });
                            }
                            Requantise::Shift(shifts) => {
                                let shift = rescale::Shift(shifts);
                                each!(out, y => rescale::words_rescaled::<$a, _, _>($x, ranges, shift, limits, y));
                            }
                            Requantise::Affine { shifts, .. } => {
                                let (multipliers, offsets) = factors.expect("an affine rescale");
                                let affine = rescale::Affine { multipliers: &multipliers, offsets: &offsets, shifts };
                                each!(out, y => rescale::words_rescaled::<$a, _, _>($x, ranges, affine, limits, y));
                            }
                        }
                    }};
                }
                match (&words[input.index()], accumulator) {
                    (Array::I8(x), Accumulator::I32) => at_once!(i8, x, i32),
                    (Array::I8(x), Accumulator::I64) => at_once!(i8, x, i64),
                    (Array::I16(x), Accumulator::I32) => at_once!(i16, x, i32),
                    (Array::I16(x), Accumulator::I64) => at_once!(i16, x, i64),
                    _ => panic!("words of 16 bits at most"),
                }
            }
            Kernel::Dense {
                x,
                weights,
                bias,
                accumulator,
                ..
            } => {
                let (weights, bias) = (
                    stored(program.constant(*weights)),
                    stored(program.constant(*bias)),
                );
                accumulate!(accumulator, x = v(x), w = &weights => {
                    let bias = accumulators::<A>(&bias);
                    each!(out, y => rows::dense::<A, _, _, _, _>(x, w, &bias, y));
                });
            }
            Kernel::DenseRescale {
                x,
                weights,
                bias,
                accumulator,
                requantise,
                limits,
                ..
            } => {
                let (weights, bias) = (
                    stored(program.constant(*weights)),
                    stored(program.constant(*bias)),
                );
                accumulate!(accumulator, x = v(x), w = &weights => {
                    let bias = accumulators::<A>(&bias);
                    let limits = ends::<A>(*limits);
                    match requantise {
                        Requantise::Imported { .. } | Requantise::Scaled { .. } => panic!("computed before"),
                        Requantise::Shift(shifts) => {
                            let shift = rescale::Shift(shifts);
                            each!(out, y => rows::dense_rescale::<A, _, _, _, _>(x, w, &bias, shift, limits, y));
                        }
                        Requantise::Affine { multipliers, offsets, shifts } => {
                            let (multipliers, offsets) = (exact::<A>(multipliers), exact::<A>(offsets));
                            let affine = rescale::Affine { multipliers: &multipliers, offsets: &offsets, shifts };
                            each!(out, y => rows::dense_rescale::<A, _, _, _, _>(x, w, &bias, affine, limits, y));
                        }
                    }
                });
            }
            Kernel::Rescale {
                x,
                accumulator,
                requantise,
                limits,
            } => {
                accumulate!(accumulator, x = v(x) => {
                    let limits = ends::<A>(*limits);
                    match requantise {
                        Requantise::Imported { .. } | Requantise::Scaled { .. } => panic!("computed before"),
                        Requantise::Shift(shifts) => {
                            let shift = rescale::Shift(shifts);
                            each!(out, y => rescale::rescale::<A, _, _>(x, shift, limits, y));
                        }
                        Requantise::Affine { multipliers, offsets, shifts } => {
                            let (multipliers, offsets) = (exact::<A>(multipliers), exact::<A>(offsets));
                            let affine = rescale::Affine { multipliers: &multipliers, offsets: &offsets, shifts };
                            each!(out, y => rescale::rescale::<A, _, _>(x, affine, limits, y));
                        }
                    }
                });
            }
            Kernel::Relu { x } => each!(v(x), x => each!(out, y => unary::relu(x, y))),
            Kernel::Clip {
                x,
                minimum,
                maximum,
                accumulator,
            } => {
                accumulate!(accumulator, x = v(x) => {
                    let (low, high) = ends::<A>((*minimum, *maximum));
                    each!(out, y => unary::clip::<A, _, _>(x, low, high, y));
                });
            }
            Kernel::LeakyRelu {
                x,
                multiplier,
                shift,
                accumulator,
            } => {
                accumulate!(accumulator, x = v(x) => {
                    let multiplier = exact::<A>(&[*multiplier])[0];
                    each!(out, y => unary::leaky_relu::<A, _, _>(x, multiplier, *shift, y));
                });
            }
            Kernel::Table { x, table, first } => {
                let entries = stored(program.constant(*table));
                let first = i32::try_from(*first).expect("a table's index has 16 bits");
                each32!(v(x), x => each!(&entries, e => each!(out, y => unary::table(x, first, e, y))));
            }
            Kernel::Interpolate {
                x,
                table,
                first,
                shift,
                accumulator,
            } => {
                let entries = stored(program.constant(*table));
                let (x, shift) = (v(x).raws(), u32::from(*shift));
                accumulate!(accumulator, e = entries => each!(out, y => {
                    function::interpolate::<A, _, _, _>(&x, *first, shift, &e[..], y)
                }));
            }
            Kernel::Exponent { x } => {
                let x = v(x).raws();
                each!(out, y => function::exponent(&x, y));
            }
            Kernel::Mantissa { x, bits } => {
                let x = v(x).raws();
                each!(out, y => function::mantissa(&x, u32::from(*bits), y));
            }
            Kernel::Pair {
                operator,
                a,
                b,
                accumulator,
            } => {
                accumulate!(accumulator, a = v(a), b = v(b) => each!(out, y => match operator {
                    Pair::Mul => unary::mul::<A, _, _, _>(a, b, y),
                    Pair::Add => unary::add::<A, _, _, _>(a, b, y),
                    Pair::Sub => unary::sub::<A, _, _, _>(a, b, y),
                    Pair::Larger => unary::larger::<A, _, _, _>(a, b, y),
                    Pair::Smaller => unary::smaller::<A, _, _, _>(a, b, y),
                }));
            }
            Kernel::DenseStepwise {
                x,
                weights,
                bias,
                shift,
                rounding,
                product,
                limits,
                accumulator,
            } => {
                let (weights, bias) = (
                    stored(program.constant(*weights)),
                    stored(program.constant(*bias)),
                );
                let shift = u32::from(*shift);
                let (x, rounding) = (v(x), *rounding);
                let sums = match (product, accumulator) {
                    (Accumulator::I32, Accumulator::I32) => {
                        stepwise!(i32, i32, rounding, x, weights, bias, shift, limits)
                    }
                    (Accumulator::I64, Accumulator::I32) => {
                        stepwise!(i64, i32, rounding, x, weights, bias, shift, limits)
                    }
                    (_, Accumulator::I64) => {
                        stepwise!(i64, i64, rounding, x, weights, bias, shift, limits)
                    }
                };
                return Array::new(program.value(step.result).element, &sums);
            }
            Kernel::Divide {
                x,
                divisor,
                rounding,
            } => {
                let divisor = divide::Divisor::new(*divisor);
                let rounding = quotient(*rounding);
                each!(v(x), x => each!(out, y => divide::divide(x, divisor, rounding, y)));
            }
            Kernel::View { .. }
            | Kernel::Gather { .. }
            | Kernel::MatMul { .. }
            | Kernel::Take { .. }
            | Kernel::SumRows { .. } => panic!("all rows at once"),
            Kernel::Quotient {
                a,
                b,
                shift,
                bits,
                rounding,
                limits,
                remainder,
            } => {
                let form = quotient::Form {
                    shift: (*shift).into(),
                    bits: (*bits).into(),
                    rounding: quotient(*rounding),
                    limits: *limits,
                };
                // The operands' own types matter to nothing but their conversion.
                let (a, b) = (v(a).raws(), v(b).raws());
                each!(out, y => match remainder {
                    Accumulator::I32 => quotient::quotient::<u32, _, _, _>(&a, &b, form, y),
                    Accumulator::I64 => quotient::quotient::<u64, _, _, _>(&a, &b, form, y),
                });
            }
            Kernel::SquareRoot {
                x,
                shift,
                bits,
                remainder,
            } => {
                let (shift, bits) = (u32::from(*shift), u32::from(*bits));
                let x = v(x).raws();
                each!(out, y => match remainder {
                    Accumulator::I32 => root::square_root::<u32, _, _>(&x, shift, bits, y),
                    Accumulator::I64 => root::square_root::<u64, _, _>(&x, shift, bits, y),
                });
            }
            Kernel::Largest { x, accumulator } => {
                let largest: i64 =
                    accumulate!(accumulator, x = v(x) => reduce::largest::<A, _>(x).into());
                return Array::new(program.value(step.result).element, &[largest]);
            }
            Kernel::TopK {
                x,
                count,
                bits,
                accumulator,
            } => {
                accumulate!(accumulator, x = v(x) => {
                    let mut held = vec![A::MIN; *count];
                    each!(out, y => rank::top_k::<A, _, _>(x, (*bits).into(), &mut held, y));
                });
            }
            Kernel::Count => panic!("it is counted, not computed from operands"),
            Kernel::ArgMax { x, accumulator } => {
                let index: i32 = accumulate!(accumulator, x = v(x) => reduce::arg_max::<A, _>(x));
                return Array::new(program.value(step.result).element, &[index.into()]);
            }
            Kernel::SquaredError { a, b, accumulator } => {
                let sum: i64 = accumulate!(accumulator, a = v(a), b = v(b) => {
                    reduce::squared_error::<A, _, _>(a, b).into()
                });
                return Array::new(program.value(step.result).element, &[sum]);
            }
            Kernel::SumSquares { x, accumulator } => {
                let sum: i64 =
                    accumulate!(accumulator, x = v(x) => reduce::sum_squares::<A, _>(x).into());
                return Array::new(program.value(step.result).element, &[sum]);
            }
            Kernel::Trees {
                trees,
                compare,
                accumulator,
            } => {
                let raws = forest(program, trees, v(&trees.x), *compare, *accumulator);
                return Array::new(program.value(step.result).element, &raws);
            }
            Kernel::Select { x, channels } => {
                let raws = v(x).raws();
                let picked: Vec<i64> = channels.iter().map(|c| raws[*c]).collect();
                return Array::new(program.value(step.result).element, &picked);
            }
            Kernel::Concat { parts } => {
                let raws: Vec<i64> = parts.iter().flat_map(|part| v(part).raws()).collect();
                return Array::new(program.value(step.result).element, &raws);
            }
        }
        y
    }
}

impl Executor<'_> {
    /// The sums of a dense layer of additions.
    fn added(&self, step: &Step, x: &Array) -> Vec<i32> {
        let layer = self.plan.layer(step).expect("the layer of a dense step");
        let x: Vec<i32> = x.raws().iter().map(|raw| *raw as i32).collect();
        let sums = self.adders[&step.result]
            .sums(&x)
            .into_iter()
            .zip(&layer.bias.data);
        sums.map(|(sum, bias)| sum.wrapping_add(*bias as i32))
            .collect()
    }

    /// A dense layer whose layout is a stream of words, by the layout's portable body.
    fn streamed(&self, step: &Step, values: &[Option<Array>]) -> Option<Vec<i64>> {
        let constants = step.layout()?.constants(&self.plan.layer(step)?);
        let operand = step.kernel.operands()[0];
        let x = values[operand.index()]
            .as_ref()
            .expect("operands come before");
        self.streamed_by(step, &constants, x)
    }

    /// As `streamed`, by the constants of the layer, or of some of its rows.
    fn streamed_by(&self, step: &Step, constants: &Constants, x: &Array) -> Option<Vec<i64>> {
        let layer = self.plan.layer(step)?;
        let layout = step.layout()?;
        let stream: Vec<i32> = exact(&constants.stream.as_ref()?.data);
        let mut x: Vec<i16> = exact(&x.raws());
        x.resize(filled(layer.columns()), 0);
        let portable = match layout {
            Layout::NestedPairs => nested_pairs::portable,
            Layout::HalfPairs => half_pairs::portable,
            Layout::BytePairs => byte_pairs::portable,
            other => panic!("{other} has no stream"),
        };
        let (low, high) = layer
            .rescale
            .map_or((i64::MIN, i64::MAX), |(_, limits)| limits);
        let mut y = vec![0; filled(layer.rows())];
        if let Some((Requantise::Scaled { .. }, _)) = layer.rescale {
            let scale = rescale::Scaled {
                multiplier: stream[0],
                offset: stream[1],
                shift: stream[2] as u8,
            };
            portable(&x, &stream[3..], false, &mut |row, sum| {
                y[row] = i64::from(scale.apply(row, sum)).clamp(low, high);
            });
        } else {
            let rescaled = layer.rescale.is_some();
            portable(&x, &stream, rescaled, &mut |row, exact| {
                y[row] = i64::from(exact).clamp(low, high);
            });
        }
        y.truncate(layer.rows());
        Some(y)
    }
}

/// Literals of an emitted crate: they must fit.
fn exact<A: TryFrom<i64, Error: std::fmt::Debug>>(raws: &[i64]) -> Vec<A> {
    raws.iter()
        .map(|r| A::try_from(*r).expect("constants fit the accumulator"))
        .collect()
}

fn ends<A: TryFrom<i64, Error: std::fmt::Debug> + Copy>(limits: (i64, i64)) -> (A, A) {
    let both = exact::<A>(&[limits.0, limits.1]);
    (both[0], both[1])
}

/// A bias, converted as `dense` converts it.
fn accumulators<A: TryFrom<i64, Error: std::fmt::Debug>>(bias: &Array) -> Vec<A> {
    exact(&bias.raws())
}

/// Multipliers and offsets, as literals.
fn factors<A: TryFrom<i64, Error: std::fmt::Debug>>(
    requantise: &Requantise,
) -> Option<(Vec<A>, Vec<A>)> {
    let (multipliers, offsets) = requantise.factors()?;
    Some((exact(multipliers), exact(offsets)))
}

/// Decision trees, in the types of an emitted crate; only the constants are wide, and a crate's narrow ones convert exactly.
fn forest(
    program: &Program,
    own: &Trees,
    x: &Array,
    compare: Accumulator,
    accumulator: Accumulator,
) -> Vec<i64> {
    let stored = |id| Array::new(program.constant(id).element, &program.constant(id).data);
    let nodes: Vec<i32> = exact(&stored(own.nodes).raws());
    let roots: Vec<i32> = exact(&stored(own.roots).raws());
    macro_rules! run {
        ($c:ty, $a:ty, $x:expr, $leaves:expr, $targets:literal) => {{
            let forest = trees::Forest {
                nodes: &nodes,
                first: own.first as i32,
                trees: &roots,
                leaves: $leaves,
            };
            let sums = match own.aggregate {
                TreeAggregate::Sum => trees::sum::<$c, $a, $targets, _, _, _, _>($x, forest),
                TreeAggregate::Min => trees::smallest::<$c, $a, $targets, _, _, _, _>($x, forest),
                TreeAggregate::Max => trees::largest::<$c, $a, $targets, _, _, _, _>($x, forest),
            };
            sums.into_iter().map(i64::from).collect()
        }};
        ($c:ty, $a:ty) => {{
            let leaves: Vec<$a> = exact(&stored(own.leaves).raws());
            each32!(x, x => match program.constant(own.leaves).shape[1] {
                1 => run!($c, $a, x, &leaves, 1),
                2 => run!($c, $a, x, &leaves, 2),
                3 => run!($c, $a, x, &leaves, 3),
                other => panic!("{other} targets"),
            })
        }};
    }
    match (compare, accumulator) {
        (Accumulator::I32, Accumulator::I32) => run!(i32, i32),
        (Accumulator::I32, Accumulator::I64) => run!(i32, i64),
        (Accumulator::I64, Accumulator::I32) => run!(i64, i32),
        (Accumulator::I64, Accumulator::I64) => run!(i64, i64),
    }
}

fn quotient(rounding: Rounding) -> divide::Rounding {
    match rounding {
        Rounding::Trn => divide::Rounding::Trn,
        Rounding::TrnZero => divide::Rounding::TrnZero,
        Rounding::Rnd => divide::Rounding::Rnd,
        Rounding::RndConv => divide::Rounding::RndConv,
        Rounding::RndZero => divide::Rounding::RndZero,
        Rounding::RndInf => divide::Rounding::RndInf,
        Rounding::RndMinInf => divide::Rounding::RndMinInf,
    }
}

/// A rescale, or a dense layer with its rescale, of an imported network.
fn by_own_rules<A>(
    x: &[i64],
    layer: Option<(&Vec<i64>, &Vec<i64>)>,
    requantise: &Requantise,
    limits: (i64, i64),
) -> Vec<i64>
where
    A: Number + Into<i64> + Default + Narrow<A> + TryFrom<i64, Error: std::fmt::Debug>,
{
    let Requantise::Imported {
        rounding,
        overflow,
        shifts,
        ..
    } = requantise
    else {
        return vec![];
    };
    let (x, limits) = (exact::<A>(x), ends::<A>(limits));
    let factors = factors::<A>(requantise);
    match layer {
        Some((weights, bias)) => {
            let (weights, bias) = (exact::<A>(weights), exact::<A>(bias));
            let mut y = vec![A::default(); bias.len()];
            imported!(*rounding, *overflow, A, factors, shifts, requantise => {
                rows::dense_rescale::<A, A, A, A, A>(&x, &weights, &bias, requantise, limits, &mut y)
            });
            narrowed(&y)
        }
        None => {
            let mut y = vec![A::default(); x.len()];
            imported!(*rounding, *overflow, A, factors, shifts, requantise => {
                rescale::rescale::<A, A, A>(&x, requantise, limits, &mut y)
            });
            narrowed(&y)
        }
    }
}

fn narrowed<A: Copy + Into<i64>>(x: &[A]) -> Vec<i64> {
    x.iter().map(|x| (*x).into()).collect()
}
