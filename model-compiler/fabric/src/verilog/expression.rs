//! The right side of an assignment.
//!
//! Verilog computes in the widest of both sides, and with signs only where every operand has one: a wire that cannot be
//! negative is written `$signed({1'b0, x})` among others that can.

use super::Design;
use super::names::{bits, plain, signed};
use crate::circuit::{Op, WireId};

impl Design<'_> {
    /// A wire as whoever computes in `stage` reads it, without a thought of signs.
    pub(super) fn read(&self, id: WireId, stage: u32) -> String {
        let name = &self.names[id.index()];
        match self.circuit.wire(id).op {
            Op::Constant(value) if value < 0 => signed(value),
            Op::Constant(value) => plain(value, bits(value)),
            _ => match stage - self.schedule.stage(id) {
                0 => name.clone(),
                delay => format!("{name}_d{delay}"),
            },
        }
    }

    /// The same, with a sign.
    pub(super) fn with_sign(&self, id: WireId, stage: u32) -> String {
        match self.circuit.wire(id).op {
            Op::Constant(value) => signed(value),
            _ if self.circuit.wire(id).is_signed() => self.read(id, stage),
            _ => format!("$signed({{1'b0, {}}})", self.read(id, stage)),
        }
    }

    /// Operands, all with a sign or all without.
    pub(super) fn together(&self, ids: &[WireId], stage: u32) -> (Vec<String>, bool) {
        let any = ids.iter().any(|id| self.circuit.wire(*id).is_signed());
        let write = |id: &WireId| match any {
            true => self.with_sign(*id, stage),
            false => self.read(*id, stage),
        };
        (ids.iter().map(write).collect(), any)
    }

    /// A number beside operands.
    pub(super) fn number(value: i128, is_signed: bool) -> String {
        match is_signed {
            true => signed(value),
            false => plain(value, bits(value)),
        }
    }

    /// `x[high:low]`.
    fn slice(&self, id: WireId, stage: u32, low: u32, width: u32) -> String {
        let x = self.read(id, stage);
        match (self.circuit.wire(id).width(), width) {
            (1, _) => x,
            (_, 1) => format!("{x}[{low}]"),
            _ => format!("{x}[{}:{low}]", low + width - 1),
        }
    }

    /// Bits that are fewer than the wire's where `x` became narrower later.
    fn extended(&self, bits: String, x: WireId, is_short: bool) -> String {
        match is_short && self.circuit.wire(x).is_signed() {
            true => format!("$signed({bits})"),
            false => bits,
        }
    }

    /// What a wire is; tables and pools are no expression.
    pub(super) fn expression(&self, index: usize) -> String {
        let wire = &self.circuit.wires[index];
        let stage = self.schedule.stages[index];
        let width = wire.width();
        let shifted = |text: &str, by: u8| match by {
            0 => text.to_owned(),
            _ => format!("({text} <<< {by})"),
        };
        match wire.op {
            Op::Add {
                a,
                a_shift,
                b,
                b_shift,
                minus,
            } => {
                let (x, _) = self.together(&[a, b], stage);
                let sign = if minus { '-' } else { '+' };
                format!(
                    "{} {sign} {}",
                    shifted(&x[0], a_shift),
                    shifted(&x[1], b_shift)
                )
            }
            Op::Left { x, shift } => format!("{} <<< {shift}", self.read(x, stage)),
            Op::Right { x, shift } => {
                // Beyond its bits there is only the sign.
                let has = self.circuit.wire(x).width();
                let low = u32::from(shift).min(has - 1);
                let part = self.slice(x, stage, low, width.min(has - low));
                self.extended(part, x, width > has - low)
            }
            Op::Wrap { x, .. } => {
                let has = self.circuit.wire(x).width();
                let part = self.slice(x, stage, 0, width.min(has));
                self.extended(part, x, width > has)
            }
            Op::Join { high, low, bits } => {
                let zeros = match u32::from(bits) - self.circuit.wire(low).width() {
                    0 => String::new(),
                    n => format!("{n}'d0, "),
                };
                let both = format!(
                    "{{{}, {zeros}{}}}",
                    self.read(high, stage),
                    self.read(low, stage)
                );
                self.extended(both, high, true)
            }
            Op::Clamp {
                x,
                minimum,
                maximum,
            } => {
                let range = self.circuit.wire(x).range;
                let (text, is_signed) = self.together(&[x], stage);
                let mut text = text[0].clone();
                let bare = text.clone();
                let end = |value| Self::number(value, is_signed);
                if range.maximum > maximum {
                    let most = end(maximum);
                    text = format!("({bare} > {most}) ? {most} : {text}");
                }
                if range.minimum < minimum {
                    let least = end(minimum);
                    text = format!("({bare} < {least}) ? {least} : {text}");
                }
                text
            }
            Op::Multiply { a, b } => {
                let (x, _) = self.together(&[a, b], stage);
                format!("{} * {}", x[0], x[1])
            }
            Op::Less { a, b } => {
                let (x, _) = self.together(&[a, b], stage);
                format!("{} < {}", x[0], x[1])
            }
            Op::Equal { a, b } => {
                let (x, _) = self.together(&[a, b], stage);
                format!("{} == {}", x[0], x[1])
            }
            Op::Not { x } => format!("~{}", self.read(x, stage)),
            Op::And { a, b } => format!("{} & {}", self.read(a, stage), self.read(b, stage)),
            Op::Or { a, b } => format!("{} | {}", self.read(a, stage), self.read(b, stage)),
            Op::Choose { condition, yes, no } => {
                let (x, _) = self.together(&[yes, no], stage);
                format!("{} ? {} : {}", self.read(condition, stage), x[0], x[1])
            }
            Op::Word { .. }
            | Op::Constant(_)
            | Op::Look { .. }
            | Op::Sum { .. }
            | Op::Most { .. }
            | Op::Count => unreachable!("no expression"),
        }
    }
}
