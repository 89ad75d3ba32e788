//! The decision: a score compared with a threshold, in one integer comparison.

use hodoscope_program::Value;

use super::code::Code;
use crate::plan::{Decision, storage_bits};

/// The Rust type in which a value is compared.
pub(super) fn compared(value: &Value) -> &'static str {
    match storage_bits(value.element) {
        64 => "i64",
        _ => "i32",
    }
}

/// The decision of an emitted crate.
pub(super) struct Deciding<'a> {
    pub decision: &'a Decision,
    /// The output that is decided on.
    pub output: &'a Value,
    /// Its name in the model, and that of its field.
    pub names: (&'a str, &'a str),
    /// What is compared.
    pub value: &'a Value,
    /// Whether plans compute it apart from the outputs.
    pub is_apart: bool,
}

impl Deciding<'_> {
    /// The type of thresholds.
    pub fn threshold(&self, code: &mut Code) {
        let (score, ty) = (compared(self.output), compared(self.value));
        let (name, value) = (self.names.0, &self.value.name);
        let steps = &self.decision.steps;
        code.line(format!("/// From where on `{name}` accepts an event."));
        if !steps.is_empty() {
            code.line("///");
            code.line(format!(
                "/// It is one of `{value}`, of which `{name}` is a monotone function: a decision does not compute that. Made"
            ));
            code.line("/// in a constant, it takes no time and no table.");
        }
        code.line("#[derive(Clone, Copy, Debug, PartialEq, Eq)]");
        code.line(format!("pub struct Threshold({ty});")).gap();
        code.line("impl Threshold {");
        code.line(format!(
            "/// Accepts what has a raw of `{name}` of at least `raw`, exactly."
        ));
        code.line("#[must_use]");
        code.line(format!("pub const fn new(raw: {score}) -> Self {{"));
        let (never, wide) = (
            self.decision.never,
            if score == "i64" { "" } else { " as i64" },
        );
        code.line(match steps.is_empty() {
            true => "Self(raw)".to_owned(),
            false => format!("Self(decide::least(&STEPS, {never}, raw{wide}))"),
        });
        code.line("}");
        code.line("}").gap();
    }

    /// The steps of the functions before which a threshold is moved.
    pub fn steps(&self, code: &mut Code) {
        let (name, value) = (self.names.0, &self.value.name);
        let steps = &self.decision.steps;
        if !steps.is_empty() {
            code.gap();
            code.line(format!(
                "/// Each raw of `{name}`, with the least raw of `{value}` that has it."
            ));
            code.line(format!("static STEPS: [(i64, i32); {}] = [", steps.len()));
            for line in steps.chunks(8) {
                let line: Vec<String> = line.iter().map(|(y, x)| format!("({y}, {x})")).collect();
                code.line(format!("{},", line.join(", ")));
            }
            code.line("];");
        }
    }

    /// The comparison, with the arguments of a plan's function of the event.
    pub fn comparison(&self, arguments: &str) -> String {
        let ty = compared(self.value);
        if self.is_apart {
            return format!("P::decision({arguments}, &mut ()) >= threshold.0");
        }
        let raw = format!("P::event({arguments}, &mut ()).{}[0]", self.names.1);
        match storage_bits(self.value.element) {
            32 | 64 => format!("{raw} >= threshold.0"),
            _ => format!("{ty}::from({raw}) >= threshold.0"),
        }
    }
}
