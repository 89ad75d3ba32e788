//! What events reach of a program: cells of tables, ends of rescales, sides of whatever decides between two things.

use std::collections::BTreeSet;

use hodoscope_interpreter::Trace;
use hodoscope_program::{Interval, Operation, Overflow, Program, Proof, Value, ValueId};

/// Distinct answers of an output that are counted, at most.
pub const DISTINCT: usize = 1 << 12;

/// What is reached, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An entry of a table.
    Cell,
    /// A channel of a `rescale` at an end of its type.
    End,
    /// A channel on one side of what an operation decides by: above or below zero, a limit or the other operand; 0 or 1 of a
    /// truth; a divisor of 0; a channel or row that is chosen.
    Side,
}

/// What events reached of one value.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The value.
    pub value: ValueId,
    /// What it has.
    pub kind: Kind,
    possible: Vec<bool>,
    seen: Vec<bool>,
}

impl Reached {
    /// How many there are that no proof rules out.
    #[must_use]
    pub fn possible(&self) -> usize {
        self.possible.iter().filter(|p| **p).count()
    }

    /// How many of these were seen.
    #[must_use]
    pub fn seen(&self) -> usize {
        let both = self.possible.iter().zip(&self.seen);
        both.filter(|(possible, seen)| **possible && **seen).count()
    }

    /// Whether it is new.
    fn mark(&mut self, index: usize) -> bool {
        // What a proof rules out is not reached, and not reported.
        let is_possible = self.possible.get(index).is_some_and(|possible| *possible);
        match self.seen.get_mut(index).filter(|_| is_possible) {
            Some(seen) => !std::mem::replace(seen, true),
            None => false,
        }
    }
}

/// Whether an event reaches something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Nothing,
    /// A sign or magnitude of a channel alone.
    Magnitude,
    /// What is reported.
    Reported,
}

/// Multiplicities of a set.
#[derive(Clone, Debug)]
pub struct OfSet {
    /// Its name.
    pub name: String,
    /// The most that is computed.
    pub capacity: usize,
    /// Numbers of kept constituents that occurred.
    pub multiplicities: BTreeSet<usize>,
    /// Events with more slots than the capacity.
    pub beyond: usize,
    /// Events with a slot that is not live.
    pub holes: usize,
}

/// Distinct raws of an output.
#[derive(Clone, Debug)]
pub struct OfOutput {
    /// Its name.
    pub name: String,
    /// Whether the verifier proves that it is always the same.
    pub is_constant: bool,
    /// Rows of raws that occurred, by their hash; some thousand at most.
    pub distinct: BTreeSet<u64>,
}

/// What some events reached of a program.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// Value by value, where there is something to reach.
    pub reached: Vec<Reached>,
    /// Set by set.
    pub sets: Vec<OfSet>,
    /// Output by output.
    pub outputs: Vec<OfOutput>,
    /// Signs and magnitudes of each channel: they lead the search for events, and are not reported.
    buckets: Vec<Vec<[u128; 2]>>,
    of_value: Vec<Option<usize>>,
    intervals: Vec<Vec<Interval>>,
}

impl Coverage {
    /// Nothing is reached yet of a program that has this proof.
    #[must_use]
    pub fn new(program: &Program, proof: &Proof) -> Self {
        let mut reached = Vec::new();
        let mut of_value = vec![None; program.values.len()];
        for (id, value) in program.values() {
            if let Some((kind, possible)) = possible(program, proof, id, value) {
                of_value[id.index()] = Some(reached.len());
                reached.push(Reached {
                    value: id,
                    kind,
                    seen: vec![false; possible.len()],
                    possible,
                });
            }
        }
        let outputs = program.outputs.iter().map(|output| {
            let of_channels = &proof.intervals[output.value.index()];
            OfOutput {
                name: output.name.clone(),
                is_constant: of_channels.iter().all(|i| i.minimum == i.maximum),
                distinct: BTreeSet::new(),
            }
        });
        let sets = program.sets.iter().map(|set| OfSet {
            name: set.name.clone(),
            capacity: set.capacity,
            multiplicities: BTreeSet::new(),
            beyond: 0,
            holes: 0,
        });
        let buckets = proof.intervals.iter().map(|i| vec![[0; 2]; i.len()]);
        Self {
            reached,
            sets: sets.collect(),
            outputs: outputs.collect(),
            buckets: buckets.collect(),
            of_value,
            intervals: proof.intervals.clone(),
        }
    }

    /// Adds what an event reaches; whether that is new.
    pub(super) fn reach(&mut self, program: &Program, trace: &Trace) -> Reach {
        let mut reach = Reach::Nothing;
        for (set, kept) in self.sets.iter_mut().zip(&trace.multiplicity) {
            if set.multiplicities.insert(*kept) {
                reach = Reach::Reported;
            }
        }
        for (id, value) in program.values() {
            let raws = &trace.values[id.index()];
            if self.add_buckets(id, raws) && reach == Reach::Nothing {
                reach = Reach::Magnitude;
            }
            let Some(index) = self.of_value[id.index()] else {
                continue;
            };
            let reached = &mut self.reached[index];
            see(program, &self.intervals, trace, id, value, &mut |index| {
                if reached.mark(index) {
                    reach = Reach::Reported;
                }
            });
        }
        reach
    }

    /// Counts an event that is kept, of which the program's sets have `slots`, and its answers.
    pub(super) fn count(&mut self, program: &Program, trace: &Trace, slots: &[usize]) {
        for ((set, kept), slots) in self.sets.iter_mut().zip(&trace.multiplicity).zip(slots) {
            set.beyond += usize::from(*slots > set.capacity);
            set.holes += usize::from(*kept < *slots.min(&set.capacity));
        }
        for (output, known) in program.outputs.iter().zip(&mut self.outputs) {
            if known.distinct.len() < DISTINCT {
                let raws = &trace.values[output.value.index()];
                let step =
                    |hash: u64, raw: &i64| (hash ^ *raw as u64).wrapping_mul(0x100_0000_01b3);
                known
                    .distinct
                    .insert(raws.iter().fold(0xcbf2_9ce4_8422_2325, step));
            }
        }
    }

    /// Sign and bits of each raw.
    fn add_buckets(&mut self, id: ValueId, raws: &[i64]) -> bool {
        let channels = &mut self.buckets[id.index()];
        let count = channels.len().max(1);
        let mut is_new = false;
        for row in raws.chunks(count) {
            for (raw, seen) in row.iter().zip(channels.iter_mut()) {
                let bit = 1u128 << (64 - raw.unsigned_abs().leading_zeros());
                let side = &mut seen[usize::from(*raw < 0)];
                is_new |= *side & bit == 0;
                *side |= bit;
            }
        }
        is_new
    }
}

/// Low and high of each channel.
fn sides(channels: usize, side: impl Fn(usize) -> (bool, bool)) -> Vec<bool> {
    (0..channels)
        .flat_map(|c| <[bool; 2]>::from(side(c)))
        .collect()
}

/// Whether a value is a truth: 0 or 1.
fn is_truth(interval: Interval) -> bool {
    (interval.minimum, interval.maximum) == (0, 1)
}

fn possible(
    program: &Program,
    proof: &Proof,
    id: ValueId,
    value: &Value,
) -> Option<(Kind, Vec<bool>)> {
    let channels = value.shape.channels();
    let of = |id: ValueId, c: usize| {
        let intervals = &proof.intervals[id.index()];
        intervals[if intervals.len() == 1 { 0 } else { c }]
    };
    let around = |x: ValueId, low: i128, high: i128| {
        sides(channels, |c| {
            (of(x, c).minimum < low, of(x, c).maximum > high)
        })
    };
    let (kind, possible) = match &value.operation {
        Operation::Table { x, table } => {
            let first = i128::from(program.value(*x).element.minimum());
            let mut cells = vec![false; program.constant(*table).data.len()];
            for interval in &proof.intervals[x.index()] {
                let range =
                    (interval.minimum - first) as usize..=(interval.maximum - first) as usize;
                cells[range].fill(true);
            }
            (Kind::Cell, cells)
        }
        Operation::Interpolate {
            x,
            table,
            first,
            shift,
        } => {
            let mut cells = vec![false; program.constant(*table).data.len()];
            for interval in &proof.intervals[x.index()] {
                let cell = |raw: i128| (raw - i128::from(*first)) as usize >> shift;
                cells[cell(interval.minimum)..=cell(interval.maximum)].fill(true);
            }
            (Kind::Cell, cells)
        }
        Operation::Rescale { overflow, .. } if *overflow != Overflow::Wrap => {
            let (low, high) = ends(value);
            let side = |c| {
                let interval = of(id, c);
                (
                    interval.minimum == i128::from(low),
                    interval.maximum == i128::from(high),
                )
            };
            (Kind::End, sides(channels, side))
        }
        Operation::Relu { x }
        | Operation::LeakyRelu { x, .. }
        | Operation::SquareRoot { x, .. } => (Kind::Side, around(*x, 0, 0)),
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => (Kind::Side, around(*x, (*minimum).into(), (*maximum).into())),
        Operation::Larger { a, b } | Operation::Smaller { a, b } => {
            let side = |c| {
                let (a, b) = (of(*a, c), of(*b, c));
                (a.minimum < b.maximum, a.maximum > b.minimum)
            };
            (Kind::Side, sides(channels, side))
        }
        Operation::Quotient { b, .. } => {
            let zero = |c: usize| of(*b, c).minimum <= 0 && of(*b, c).maximum >= 0;
            (Kind::Side, sides(channels, |c| (zero(c), true)))
        }
        Operation::ArgMax { x } | Operation::TopK { x, .. } => {
            (Kind::Side, vec![true; proof.intervals[x.index()].len()])
        }
        Operation::Take { x, .. } => (Kind::Side, vec![true; program.value(*x).shape.rows(0)]),
        _ if (0..channels).any(|c| is_truth(of(id, c))) => {
            let side = |c| (is_truth(of(id, c)), is_truth(of(id, c)));
            (Kind::Side, sides(channels, side))
        }
        _ => return None,
    };
    possible.contains(&true).then_some((kind, possible))
}

/// The smallest and largest raw that a rescale gives.
fn ends(value: &Value) -> (i64, i64) {
    let high = value.element.maximum();
    match &value.operation {
        Operation::Rescale { overflow, .. } if *overflow == Overflow::SatSym => {
            (value.element.minimum().max(-high), high)
        }
        _ => (value.element.minimum(), high),
    }
}

/// Calls `mark` for whatever a value's raws reach.
fn see(
    program: &Program,
    intervals: &[Vec<Interval>],
    trace: &Trace,
    id: ValueId,
    value: &Value,
    mark: &mut impl FnMut(usize),
) {
    let raws = |id: ValueId| &trace.values[id.index()];
    let channels = value.shape.channels();
    let mut side = |index: usize, low: bool, high: bool| {
        if low {
            mark(2 * (index % channels));
        }
        if high {
            mark(2 * (index % channels) + 1);
        }
    };
    let mut around = |x: ValueId, low: i64, high: i64| {
        for (index, raw) in raws(x).iter().enumerate() {
            side(index, *raw < low, *raw > high);
        }
    };
    // The operand's element of an element of the result: one channel serves all.
    let at = |x: ValueId, index: usize| match intervals[x.index()].len() {
        1 => raws(x)[index / channels],
        _ => raws(x)[index],
    };
    match &value.operation {
        Operation::Table { x, .. } => {
            let first = program.value(*x).element.minimum();
            raws(*x).iter().for_each(|raw| mark((raw - first) as usize));
        }
        Operation::Interpolate {
            x, first, shift, ..
        } => {
            let raws = raws(*x).iter();
            raws.for_each(|raw| mark((raw - first) as usize >> shift));
        }
        Operation::Rescale { .. } => {
            let (low, high) = ends(value);
            around(id, low + 1, high - 1);
        }
        Operation::Relu { x }
        | Operation::LeakyRelu { x, .. }
        | Operation::SquareRoot { x, .. } => {
            around(*x, 0, 0);
        }
        Operation::Clip {
            x,
            minimum,
            maximum,
        } => around(*x, *minimum, *maximum),
        Operation::Larger { a, b } | Operation::Smaller { a, b } => {
            for index in 0..raws(id).len() {
                let (a, b) = (at(*a, index), at(*b, index));
                side(index, a < b, a > b);
            }
        }
        Operation::Quotient { b, .. } => {
            for index in 0..raws(id).len() {
                let b = at(*b, index);
                side(index, b == 0, b != 0);
            }
        }
        Operation::ArgMax { .. } | Operation::TopK { .. } => {
            raws(id).iter().for_each(|raw| mark(*raw as usize));
        }
        Operation::Take { indices, .. } => {
            raws(*indices).iter().for_each(|raw| mark(*raw as usize));
        }
        _ => {
            for (index, raw) in raws(id).iter().enumerate() {
                side(index, *raw == 0, *raw == 1);
            }
        }
    }
}
