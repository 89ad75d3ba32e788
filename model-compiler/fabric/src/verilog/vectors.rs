//! Lines for the testbench: what goes in each clock, and what has to come out.

use std::fmt::Write as _;

use crate::circuit::Circuit;

/// Bits, the lowest first, written in hexadecimal.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn push(&mut self, raw: i64, width: u8) {
        self.0
            .extend((0..width).map(|bit| raw >> bit.min(63) & 1 == 1));
    }

    fn hexadecimal(&self) -> String {
        let digit = |bits: &[bool]| {
            let value = bits.iter().rev().fold(0, |v, bit| 2 * v + u32::from(*bit));
            char::from_digit(value, 16).unwrap_or('0')
        };
        let digits: Vec<char> = self.0.chunks(4).map(digit).collect();
        digits.iter().rev().collect()
    }
}

/// The clocks of one event, a line each: one, or one for each slot. `inputs` has the words of each input, row-major; words that
/// the port's type does not hold are clamped to it, which is no other than what the circuit does.
pub fn beats(circuit: &Circuit, inputs: &[Vec<i64>], lines: &mut String) {
    let both = || circuit.inputs.iter().zip(inputs);
    let rows = both().find(|(inlet, _)| inlet.of_set);
    let rows = rows.map(|(inlet, words)| words.len() / inlet.channels);
    let clocks = rows.unwrap_or(1).max(1);
    for clock in 0..clocks {
        let is_last = clock + 1 == clocks;
        let has_slot = rows.is_none_or(|rows| clock < rows);
        let mut bits = Bits::default();
        for (inlet, words) in both() {
            let row = match inlet.of_set {
                true => clock * inlet.channels,
                // With the last constituent; what is there before does not matter.
                false => 0,
            };
            let (low, high) = match inlet.is_signed {
                true => (-1 << (inlet.width - 1), !(-1 << (inlet.width - 1))),
                false => (0, !(-1 << inlet.width)),
            };
            for channel in 0..inlet.channels {
                let word = words.get(row + channel).copied().unwrap_or(0);
                let is_there = inlet.of_set || is_last;
                bits.push(
                    if is_there {
                        word.clamp(low, high)
                    } else {
                        !word
                    },
                    inlet.width,
                );
            }
        }
        let _ = writeln!(
            lines,
            "1 {} {} {}",
            u8::from(is_last),
            u8::from(has_slot),
            bits.hexadecimal()
        );
    }
}

/// The answer to one event as a number: its raws, or nothing where it is to be marked.
pub fn answer(circuit: &Circuit, raws: Option<&[Vec<i64>]>) -> String {
    let mut bits = Bits::default();
    for (index, port) in circuit.outputs.iter().enumerate() {
        for element in 0..port.wires.len() {
            let raw = raws.map_or(0, |raws| raws[index][element]);
            bits.push(raw, port.width);
        }
    }
    if circuit.stream.as_ref().is_some_and(|s| s.is_ordered) {
        bits.push(i64::from(raws.is_none()), 1);
    }
    bits.hexadecimal()
}

/// What came out for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the event is marked: it had more constituents than are computed.
    pub is_marked: bool,
    /// The raws of all outputs, one behind the other.
    pub raws: Vec<i64>,
}

/// Reads an answer as the testbench writes it; nothing where it is no number.
pub fn decode(circuit: &Circuit, text: &str) -> Option<Answer> {
    let mut bits = Vec::with_capacity(4 * text.len());
    for digit in text.trim().chars().rev() {
        let digit = digit.to_digit(16)?;
        bits.extend((0..4).map(|bit| digit >> bit & 1 == 1));
    }
    let mut bits = bits.into_iter().chain(std::iter::repeat(false));
    let mut raws = Vec::new();
    for port in &circuit.outputs {
        for _ in &port.wires {
            let mut raw = 0i64;
            for bit in 0..port.width {
                raw |= i64::from(bits.next()?) << bit;
            }
            let unused = 64 - u32::from(port.width);
            raws.push(match port.is_signed {
                true => raw << unused >> unused,
                false => raw,
            });
        }
    }
    let marks = circuit.stream.as_ref().is_some_and(|s| s.is_ordered);
    Some(Answer {
        is_marked: marks && bits.next()?,
        raws,
    })
}
