//! Pipeline stages: in which clock each wire is computed.
//!
//! A wire of stage s is logic behind s registers. Whoever reads it in a later stage reads it through registers. Constituents of
//! a set go through the first stages one each clock; a pool is a register of its own between those and the event's.
//!
//! The delays are a model, fitted to placements of one network on an ECP5 of speed grade 6 at one adder and at two adders
//! between registers (6.2 and 9.3 ns): good for where to cut, no promise of a clock.

use crate::circuit::{Circuit, Op, WireId};

/// From a register into logic and from logic into a register, in picoseconds.
const REGISTERS: u32 = 3_100;

/// How a circuit is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// As few stages as fit a clock of so many megahertz.
    Clock(f64),
    /// So many stages at most, as even as can be.
    Stages(u32),
}

/// A circuit in stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The stage of each wire.
    pub stages: Vec<u32>,
    /// Clocks from the last words of an event to its outputs.
    pub latency: u32,
    /// The stage in which it is decided whether a constituent is kept; nothing without a set.
    pub control: Option<u32>,
    /// The longest way between two registers as the model has it, in picoseconds.
    pub longest: u32,
    /// The period that was cut for, in picoseconds.
    pub period: u32,
}

/// Logic of a wire, in picoseconds.
fn delay(circuit: &Circuit, op: &Op) -> u32 {
    let width = |id: WireId| circuit.wire(id).width();
    let carry = |bits: u32| 2_500 + 40 * bits;
    let with_constant = |a: WireId, b: WireId| {
        [a, b]
            .iter()
            .any(|x| matches!(circuit.wire(*x).op, Op::Constant(_)))
    };
    match *op {
        Op::Word { .. }
        | Op::Constant(_)
        | Op::Left { .. }
        | Op::Right { .. }
        | Op::Wrap { .. }
        | Op::Join { .. }
        | Op::Not { .. }
        | Op::Count => 0,
        Op::Add {
            a,
            a_shift,
            b,
            b_shift,
            ..
        } => carry((width(a) + u32::from(a_shift)).max(width(b) + u32::from(b_shift))),
        Op::Clamp { x, .. } => 1_800 + 30 * width(x),
        Op::Multiply { a, b } => 3_000 + 150 * (width(a) + width(b)),
        Op::Less { a, b } | Op::Equal { a, b } if with_constant(a, b) => {
            1_000 + 20 * width(a).max(width(b))
        }
        Op::Less { a, b } | Op::Equal { a, b } => 1_800 + 30 * width(a).max(width(b)),
        Op::And { .. } | Op::Or { .. } => 600,
        Op::Choose { .. } => 1_000,
        Op::Look { x, .. } => 700 + 400 * width(x).saturating_sub(4),
        Op::Sum { x } => 1_000 + carry(width(x)),
        Op::Most { x, .. } => 3_000 + 30 * width(x),
    }
}

impl Schedule {
    /// Cuts `circuit`.
    ///
    /// # Panics
    /// If a clock is not positive.
    pub fn of(circuit: &Circuit, cut: Cut) -> Self {
        match cut {
            Cut::Clock(megahertz) => {
                assert!(megahertz > 0.0, "a clock of {megahertz} MHz");
                Self::at(circuit, (1e6 / megahertz).clamp(1.0, 1e9) as u32)
            }
            Cut::Stages(stages) => {
                // The shortest period of so many stages.
                let (mut low, mut high) = (0, 1_000_000_000);
                while high - low > 1 {
                    let middle = (low + high) / 2;
                    match Self::at(circuit, middle).latency <= stages {
                        true => high = middle,
                        false => low = middle,
                    }
                }
                Self::at(circuit, high)
            }
        }
    }

    fn at(circuit: &Circuit, period: u32) -> Self {
        let budget = period.saturating_sub(REGISTERS).max(1);
        let mut stages = vec![0u32; circuit.wires.len()];
        let mut times = vec![0u32; circuit.wires.len()];
        let mut longest = 0;
        let mut place = |index: usize, stages: &mut [u32], least: u32| {
            let op = &circuit.wires[index].op;
            let operands = op.operands();
            let stage = operands.iter().map(|o| stages[o.index()]).max();
            let mut stage = stage.unwrap_or(0).max(least);
            let at_stage = operands.iter().filter(|o| stages[o.index()] == stage);
            let ready = at_stage.map(|o| times[o.index()]).max().unwrap_or(0);
            let delay = delay(circuit, op);
            let mut time = ready + delay;
            // A logic that does not fit has a stage of its own.
            if time > budget && ready > 0 {
                stage += 1;
                time = delay;
            }
            longest = longest.max(time);
            stages[index] = stage;
            times[index] = time;
            if op.collects() {
                stages[index] += 1;
                times[index] = 0;
            }
        };
        // What the first half needs comes first: whether a constituent is kept.
        for index in 0..circuit.wires.len() {
            if circuit.wires[index].is_local {
                place(index, &mut stages, 0);
            }
        }
        let control = circuit.stream.as_ref().map(|stream| {
            let is_constant = matches!(circuit.wire(stream.live).op, Op::Constant(_));
            match is_constant {
                true => 0,
                false => stages[stream.live.index()] + 1,
            }
        });
        for index in 0..circuit.wires.len() {
            let wire = &circuit.wires[index];
            if !wire.is_local {
                let least = match (&wire.op, control) {
                    (Op::Count, Some(control)) => control,
                    (Op::Sum { .. } | Op::Most { .. }, Some(control)) => control + 1,
                    _ => 0,
                };
                place(index, &mut stages, least);
            }
        }
        let outputs = circuit.outputs.iter().flat_map(|o| &o.wires);
        let last = outputs.map(|wire| stages[wire.index()]).max().unwrap_or(0);
        // A marked event has to be known, too.
        let marked = control.map_or(0, |control| control + 1);
        Self {
            stages,
            latency: last.max(marked) + 1,
            control,
            longest: longest + REGISTERS,
            period,
        }
    }

    /// The stage of a wire.
    pub fn stage(&self, id: WireId) -> u32 {
        self.stages[id.index()]
    }

    /// The clocks that each wire has to be kept for.
    pub fn delays(&self, circuit: &Circuit) -> Vec<u32> {
        let mut delays = vec![0u32; circuit.wires.len()];
        let mut reads = |id: WireId, stage: u32| {
            if !matches!(circuit.wire(id).op, Op::Constant(_)) {
                let delay = stage - self.stage(id);
                delays[id.index()] = delays[id.index()].max(delay);
            }
        };
        for (index, wire) in circuit.wires.iter().enumerate() {
            for operand in wire.op.operands() {
                reads(operand, self.reading_stage(circuit, index));
            }
        }
        for wire in circuit.outputs.iter().flat_map(|o| &o.wires) {
            reads(*wire, self.latency);
        }
        if let (Some(stream), Some(control)) = (&circuit.stream, self.control) {
            reads(stream.live, control);
        }
        delays
    }

    /// The stage in which a wire reads its operands.
    pub(crate) fn reading_stage(&self, circuit: &Circuit, index: usize) -> u32 {
        self.stages[index] - u32::from(circuit.wires[index].op.collects())
    }

    /// Bits in registers between stages, those of pools among them.
    pub fn register_bits(&self, circuit: &Circuit) -> u64 {
        let bits = |(index, delay): (usize, u32)| {
            let wire = &circuit.wires[index];
            let own = u32::from(wire.op.collects());
            u64::from(wire.width()) * u64::from(delay + own)
        };
        self.delays(circuit).into_iter().enumerate().map(bits).sum()
    }
}
