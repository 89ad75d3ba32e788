//! What a circuit computes, wire by wire: quick to test, and the meaning of the Verilog.

use crate::circuit::{Circuit, Op, WireId};

/// The words of an event: of each input its row, or its rows where it belongs to the set.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Words of each input, row-major. They are of the input's type: the host clamps what is not.
    pub inputs: &'a [Vec<i64>],
    /// Channels of each input.
    pub channels: &'a [usize],
    /// Which inputs belong to the set.
    pub of_set: &'a [bool],
}

/// More constituents are live than are computed, and the hardest are to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {capacity} constituents are live")]
pub struct TooMany {
    /// Constituents that are computed.
    pub capacity: usize,
}

impl Circuit {
    /// The raws of every output.
    ///
    /// # Errors
    /// [`TooMany`] where the circuit marks the event instead of answering it.
    ///
    /// # Panics
    /// If the words are not those of the program's inputs, or a wire leaves its interval.
    pub fn evaluate(&self, words: Words<'_>) -> Result<Vec<Vec<i64>>, TooMany> {
        let mut raws = vec![0i128; self.wires.len()];
        let mut kept = 0usize;
        if let Some(stream) = &self.stream {
            for (wire, raw) in self.wires.iter().zip(&mut raws) {
                if let Op::Most { none, .. } = wire.op {
                    *raw = none;
                }
            }
            let rows = words.inputs.iter().zip(words.channels).zip(words.of_set);
            let mut rows = rows.filter(|(_, of_set)| **of_set);
            let rows = rows.next().map_or(0, |((w, c), _)| w.len() / c);
            for row in 0..rows {
                for index in 0..self.wires.len() {
                    if self.wires[index].is_local || self.is_constant(index) {
                        raws[index] = self.compute(index, &raws, words, row);
                    }
                }
                if raws[stream.live.index()] == 0 {
                    continue;
                }
                if kept == stream.capacity {
                    if stream.is_ordered {
                        let capacity = stream.capacity;
                        return Err(TooMany { capacity });
                    }
                    continue;
                }
                kept += 1;
                for index in 0..self.wires.len() {
                    match self.wires[index].op {
                        Op::Sum { x } => raws[index] += raws[x.index()],
                        Op::Most { x, .. } => raws[index] = raws[index].max(raws[x.index()]),
                        _ => {}
                    }
                }
            }
        }
        for index in 0..self.wires.len() {
            match self.wires[index].op {
                Op::Sum { .. } | Op::Most { .. } => self.check(index, raws[index]),
                Op::Count => raws[index] = kept as i128,
                _ if self.wires[index].is_local => {}
                _ => raws[index] = self.compute(index, &raws, words, 0),
            }
        }
        let raw = |id: &WireId| raws[id.index()] as i64;
        let outputs = self.outputs.iter();
        Ok(outputs.map(|o| o.wires.iter().map(raw).collect()).collect())
    }

    fn is_constant(&self, index: usize) -> bool {
        matches!(self.wires[index].op, Op::Constant(_))
    }

    fn check(&self, index: usize, raw: i128) {
        let range = self.wires[index].range;
        assert!(
            (range.minimum..=range.maximum).contains(&raw),
            "wire {index}, {:?}: {raw} is not in {range}",
            self.wires[index].op
        );
    }

    fn compute(&self, index: usize, raws: &[i128], words: Words<'_>, row: usize) -> i128 {
        let at = |id: WireId| raws[id.index()];
        let raw = match self.wires[index].op {
            Op::Word { input, channel } => {
                words.inputs[input][row * words.channels[input] + channel].into()
            }
            Op::Constant(value) => value,
            Op::Add {
                a,
                a_shift,
                b,
                b_shift,
                minus,
            } => {
                let (a, b) = (at(a) << a_shift, at(b) << b_shift);
                if minus { a - b } else { a + b }
            }
            Op::Left { x, shift } => at(x) << shift,
            Op::Right { x, shift } => at(x) >> shift,
            Op::Wrap { x, bits, signed } => {
                let low = at(x) & ((1 << bits) - 1);
                match signed && low >> (bits - 1) == 1 {
                    true => low - (1 << bits),
                    false => low,
                }
            }
            Op::Join { high, low, bits } => {
                assert!((0..1 << bits).contains(&at(low)), "the low part of a join");
                (at(high) << bits) + at(low)
            }
            Op::Clamp {
                x,
                minimum,
                maximum,
            } => at(x).clamp(minimum, maximum),
            Op::Multiply { a, b } => at(a) * at(b),
            Op::Less { a, b } => (at(a) < at(b)).into(),
            Op::Equal { a, b } => (at(a) == at(b)).into(),
            Op::Not { x } => 1 - at(x),
            Op::And { a, b } => at(a) & at(b),
            Op::Or { a, b } => at(a) | at(b),
            Op::Choose { condition, yes, no } => match at(condition) {
                0 => at(no),
                _ => at(yes),
            },
            Op::Look { x, table } => {
                let table = &self.tables[table];
                table.entries[(at(x) - table.first) as usize].into()
            }
            Op::Sum { .. } | Op::Most { .. } | Op::Count => unreachable!("collected above"),
        };
        self.check(index, raw);
        raw
    }
}
