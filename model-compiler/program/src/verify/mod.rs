//! The verifier.
//!
//! A verified program keeps these promises; the interpreter, the planner and every emitted crate
//! rely on them and check none again.
//!
//! 1. Names are unique among values, constants, sets, inputs, and outputs. They are identifiers;
//!    inputs and outputs keep the model's own names, any text without quotes and line breaks.
//! 2. Every id refers into its list, and every operand comes before its use.
//! 3. Each input has exactly one value, of the input's shape and narrowest type; its fields
//!    divide its channels, their words fit 32 bits, `minimum ≤ empty ≤ maximum`, the LSB is
//!    positive and finite, and the unit is text without quotes and control characters.
//! 4. A set has a capacity of 1 to 65,535 and an input; its live and order words are of its own
//!    inputs.
//! 5. Constants have as many elements as their shape says, each of the type.
//! 6. Operands and results have the shapes that the operation asks for.
//! 7. Every result fits its type, by interval arithmetic over the actual weights, tables and
//!    capacities: no accumulator can overflow. Products of a `rescale`, before and after its offset,
//!    of a `leaky_relu` and of a `dense_stepwise` fit 63 bits with their rounding term, and so does
//!    the dividend of a `divide`. Every path through a tree ends in a leaf after the tree's steps.
//! 8. A scale has one entry, or one per channel; a frac lies within ±1000, an LSB is finite, and
//!    that of an output positive.
//! 9. There is an output, and no output has a multiplicity.
//! 10. Shapes have 8 axes at most, and no extent is 0. Elements, channels and the steps of the proof itself stay within the
//!     limits of `work.rs`, whatever the text says.

mod interval;
mod ranges;
mod shapes;
mod transfer;
mod trees;
mod work;

use std::collections::HashSet;

use crate::{Constant, Live, Operation, Program, Scale, Value, ValueId, WordRef};
pub use interval::Interval;
use work::Work;

/// What the verifier proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// For each value and channel, the raws that it can take.
    pub intervals: Vec<Vec<Interval>>,
    /// For each value, a bound on the magnitude of its results and of all partial sums, in whatever
    /// order a kernel adds.
    pub bounds: Vec<i128>,
}

impl Proof {
    /// The hull of all channels of a value.
    pub fn interval(&self, id: ValueId) -> Interval {
        self.intervals[id.index()]
            .iter()
            .copied()
            .reduce(Interval::hull)
            .unwrap_or(Interval::point(0))
    }
}

/// An invariant that a program breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Something outside the values: sets, inputs, constants, outputs.
    #[error("{kind} '{name}': {reason}")]
    Item {
        /// `set`, `input`, `constant`, `output`, `program`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A value.
    #[error("value '{name}' ({operation}): {reason}")]
    Value {
        /// Name of the value.
        name: String,
        /// Keyword of its operation.
        operation: &'static str,
        /// What is wrong.
        reason: String,
    },
}

pub(crate) fn verify(program: &Program) -> Result<Proof, VerifyError> {
    names(program)?;
    sets(program)?;
    inputs(program)?;
    constants(program)?;
    let mut intervals: Vec<Vec<Interval>> = Vec::with_capacity(program.values.len());
    let mut bounds = Vec::with_capacity(program.values.len());
    let mut work = Work::default();
    for (id, value) in program.values() {
        let mut check = || -> Result<(Vec<Interval>, i128), String> {
            ids(program, id, value)?;
            types(value)?;
            shapes::check(program, value, &mut work)?;
            let result = transfer::intervals(program, &intervals, value, &mut work)?;
            for (channel, interval) in result.iter().enumerate() {
                if !interval.fits(value.element) {
                    return Err(format!(
                        "channel {channel} can reach {interval}, which {} does not hold",
                        value.element
                    ));
                }
            }
            let partial = transfer::partial_sums(program, &intervals, value);
            if partial > value.element.maximum().into() {
                return Err(format!(
                    "partial sums can reach ±{partial}, which {} does not hold",
                    value.element
                ));
            }
            let largest = result.iter().map(|i| i.magnitude()).max();
            Ok((result, partial.max(largest.unwrap_or(0))))
        };
        let (result, bound) = check().map_err(|reason| VerifyError::Value {
            name: value.name.clone(),
            operation: value.operation.keyword(),
            reason,
        })?;
        intervals.push(result);
        bounds.push(bound);
    }
    outputs(program)?;
    Ok(Proof { intervals, bounds })
}

/// Intervals of a value's channels, and the bound on its partial sums.
pub(crate) fn intervals_of(
    program: &Program,
    value: &Value,
    known: &[Vec<Interval>],
) -> Result<(Vec<Interval>, i128), String> {
    let intervals = transfer::intervals(program, known, value, &mut Work::default())?;
    Ok((intervals, transfer::partial_sums(program, known, value)))
}

fn item(kind: &'static str, name: &str, reason: impl Into<String>) -> VerifyError {
    VerifyError::Item {
        kind,
        name: name.into(),
        reason: reason.into(),
    }
}

/// A word of the text form.
pub(crate) fn is_identifier(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(word)
}

/// What may stand between quotes in the text form.
fn is_quotable(text: &str) -> bool {
    !text.contains(|c: char| c == '"' || c.is_control())
}

fn names(program: &Program) -> Result<(), VerifyError> {
    fn unique<'a>(
        kind: &'static str,
        names: impl Iterator<Item = &'a String>,
    ) -> Result<(), VerifyError> {
        let mut seen = HashSet::new();
        for name in names {
            let own = matches!(kind, "input" | "output") && !name.is_empty();
            if !(is_identifier(name) || own && is_quotable(name)) {
                return Err(item(kind, name, "the name is not an identifier"));
            }
            if !seen.insert(name) {
                return Err(item(kind, name, "the name stands twice"));
            }
        }
        Ok(())
    }
    unique("program", std::iter::once(&program.name))?;
    unique("set", program.sets.iter().map(|x| &x.name))?;
    unique("input", program.inputs.iter().map(|x| &x.name))?;
    unique("constant", program.constants.iter().map(|x| &x.name))?;
    unique("value", program.values.iter().map(|x| &x.name))?;
    unique("output", program.outputs.iter().map(|x| &x.name))
}

fn sets(program: &Program) -> Result<(), VerifyError> {
    let with_input: HashSet<crate::SetId> = program.inputs.iter().filter_map(|i| i.set).collect();
    for (index, set) in program.sets.iter().enumerate() {
        let fail = |reason: &str| Err(item("set", &set.name, reason));
        if !(1..=usize::from(u16::MAX)).contains(&set.capacity) {
            return fail("the capacity is not 1 to 65535");
        }
        let of_set = |s: crate::SetId| s.index() == index;
        if !with_input.contains(&crate::SetId::new(index)) {
            return fail("it has no input");
        }
        let own = |word: WordRef| {
            program
                .inputs
                .get(word.input.index())
                .is_some_and(|input| input.set.is_some_and(of_set) && word.channel < input.channels)
        };
        match set.live {
            Live::Above { word, .. } | Live::NotEqual { word, .. } if !own(word) => {
                return fail("the live word is not of one of the set's inputs");
            }
            Live::NotEmpty { input } => {
                let input = program.inputs.get(input.index());
                if !input.is_some_and(|input| input.set.is_some_and(of_set)) {
                    return fail("the live input is not one of the set's inputs");
                }
            }
            _ => {}
        }
        if set.order.is_some_and(|word| !own(word)) {
            return fail("the order word is not of one of the set's inputs");
        }
    }
    Ok(())
}

fn inputs(program: &Program) -> Result<(), VerifyError> {
    let mut readers = vec![0usize; program.inputs.len()];
    for value in &program.values {
        if let Operation::Input(input) = value.operation
            && let Some(count) = readers.get_mut(input.index())
        {
            *count += 1;
        }
    }
    for (index, input) in program.inputs.iter().enumerate() {
        let fail = |reason: String| Err(item("input", &input.name, reason));
        if input.fields.is_empty()
            || input.channels == 0
            || !input.channels.is_multiple_of(input.fields.len())
        {
            return fail("the fields do not divide the channels".into());
        }
        if input.set.is_some_and(|s| s.index() >= program.sets.len()) {
            return fail("its set does not exist".into());
        }
        for field in &input.fields {
            if !is_identifier(&field.name) {
                return fail(format!(
                    "the field name '{}' is not an identifier",
                    field.name
                ));
            }
            if !is_quotable(&field.unit) {
                return fail(format!(
                    "the unit of '{}' has a quote or a control character",
                    field.name
                ));
            }
            let word = i64::from(i32::MIN)..=i64::from(i32::MAX);
            if !word.contains(&field.minimum) || !word.contains(&field.maximum) {
                return fail(format!("words of '{}' are wider than 32 bits", field.name));
            }
            if !(field.minimum..=field.maximum).contains(&field.empty) {
                return fail(format!(
                    "the empty word of '{}' is not in its range",
                    field.name
                ));
            }
            if !word.contains(&field.zero_point()) {
                return fail(format!(
                    "the zero point of '{}' is wider than 32 bits",
                    field.name
                ));
            }
            if !(field.lsb.0.is_finite() && field.lsb.0 > 0.0) {
                return fail(format!("the LSB of '{}' is not positive", field.name));
            }
        }
        let readers = readers[index];
        if readers != 1 {
            return fail(format!("it has {readers} values, not one"));
        }
    }
    Ok(())
}

fn constants(program: &Program) -> Result<(), VerifyError> {
    for constant in &program.constants {
        let Constant {
            name,
            shape,
            element,
            data,
        } = constant;
        if !element.is_valid() {
            return Err(item("constant", name, format!("{element} is not a type")));
        }
        if shape.len() > work::MAX_AXES {
            let reason = format!("it has more than {} axes", work::MAX_AXES);
            return Err(item("constant", name, reason));
        }
        let elements = shape
            .iter()
            .try_fold(1usize, |product, extent| product.checked_mul(*extent));
        if elements != Some(data.len()) {
            let reason = format!("shape {shape:?} has not {} elements", data.len());
            return Err(item("constant", name, reason));
        }
        if let Some(raw) = data.iter().find(|raw| !element.contains(**raw)) {
            return Err(item("constant", name, format!("{raw} is not of {element}")));
        }
    }
    Ok(())
}

fn ids(program: &Program, id: ValueId, value: &Value) -> Result<(), String> {
    let operation = &value.operation;
    if operation.operands().iter().any(|x| *x >= id) {
        return Err("an operand comes after its use".into());
    }
    let constants = program.constants.len();
    if operation.constants().iter().any(|x| x.index() >= constants) {
        return Err("a constant does not exist".into());
    }
    match operation {
        Operation::Input(input) if input.index() >= program.inputs.len() => {
            Err("the input does not exist".into())
        }
        Operation::Count { set } if set.index() >= program.sets.len() => {
            Err("the set does not exist".into())
        }
        _ if value
            .shape
            .set()
            .is_some_and(|s| s.index() >= program.sets.len()) =>
        {
            Err("its set does not exist".into())
        }
        _ => Ok(()),
    }
}

fn types(value: &Value) -> Result<(), String> {
    if !value.element.is_valid() {
        return Err(format!("{} is not a type", value.element));
    }
    let channels = value.shape.channels();
    let entries = match &value.scale {
        Scale::Pow2(_) => channels,
        Scale::Pow2PerChannel(fracs) => fracs.len(),
        Scale::Lsb(lsbs) if lsbs.len() == 1 => channels,
        Scale::Lsb(lsbs) => lsbs.len(),
    };
    if entries != channels {
        return Err(format!(
            "the scale has {entries} entries for {channels} channels"
        ));
    }
    let fracs = match &value.scale {
        Scale::Pow2(frac) => std::slice::from_ref(frac),
        Scale::Pow2PerChannel(fracs) => fracs,
        Scale::Lsb(_) => &[],
    };
    if let Some(frac) = fracs.iter().find(|frac| !(-1000..=1000).contains(*frac)) {
        return Err(format!("frac {frac} is not within ±1000"));
    }
    if let Scale::Lsb(lsbs) = &value.scale
        && let Some(lsb) = lsbs.iter().find(|lsb| !lsb.0.is_finite())
    {
        return Err(format!("the LSB {lsb:?} is not finite"));
    }
    Ok(())
}

fn outputs(program: &Program) -> Result<(), VerifyError> {
    if program.outputs.is_empty() {
        return Err(item("program", &program.name, "it has no output"));
    }
    for output in &program.outputs {
        let Some(value) = program.values.get(output.value.index()) else {
            return Err(item("output", &output.name, "its value does not exist"));
        };
        if value.shape.set().is_some() {
            return Err(item("output", &output.name, "it has a row per constituent"));
        }
        if let Scale::Lsb(lsbs) = &value.scale
            && let Some(lsb) = lsbs.iter().find(|lsb| lsb.0 <= 0.0)
        {
            let reason = format!("its LSB {lsb:?} is not positive");
            return Err(item("output", &output.name, reason));
        }
    }
    Ok(())
}
