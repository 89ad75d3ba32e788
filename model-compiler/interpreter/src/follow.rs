//! What a change of a program changes in an event.

use hodoscope_program::{Program, ValueId};

use crate::{Trace, operations};

/// How far a change is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// In an output.
    pub in_output: bool,
    /// The last value that is another, and how many raws of it are.
    pub last: Option<(ValueId, usize)>,
}

/// What differs from `trace`, the trace of an event by a program that differs from `program` only in how the values `changed` are
/// computed: they are computed again, and what follows from those that are others.
///
/// `program` has to be one that its verifier accepts.
#[must_use]
pub fn difference(program: &Program, trace: &Trace, changed: &[ValueId]) -> Difference {
    let mut values: Option<Vec<Vec<i64>>> = None;
    let mut is_other = vec![false; program.values.len()];
    let mut last = None;
    for (id, value) in program.values() {
        // Most changes end where they begin.
        let follows = || {
            let operands = || value.operation.operands();
            values.is_some() && operands().iter().any(|x| is_other[x.index()])
        };
        if !changed.contains(&id) && !follows() {
            continue;
        }
        let known = values.as_ref().unwrap_or(&trace.values);
        let raws =
            operations::compute(program, value, &value.operation, known, &trace.multiplicity);
        let before = &trace.values[id.index()];
        let count = raws.iter().zip(before).filter(|(a, b)| a != b).count();
        if count > 0 {
            is_other[id.index()] = true;
            last = Some((id, count));
            values.get_or_insert_with(|| trace.values.clone())[id.index()] = raws;
        }
    }
    let mut outputs = program.outputs.iter();
    Difference {
        in_output: outputs.any(|output| is_other[output.value.index()]),
        last,
    }
}
