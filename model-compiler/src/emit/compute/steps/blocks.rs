//! A dense layer whose rows are computed in blocks, each of which is compared at once.

use hodoscope_program::ValueId;

use super::Writer;
use super::dense::rescaling;
use super::rescale::requantiser_of;
use crate::emit::names;
use crate::emit::weights::packed;
use crate::plan::{Accumulator, Kernel};

/// What each block takes its part of, in turn.
struct Chunks {
    /// Whether all blocks have as many rows.
    are_equal: bool,
    /// The variables of a block.
    pattern: String,
    all: String,
}

impl Chunks {
    fn of(are_equal: bool, variable: &str, all: &str, stride: usize) -> Self {
        let mut chunks = Self {
            are_equal,
            pattern: variable.into(),
            all: String::new(),
        };
        chunks.all = chunks.part(all, stride);
        chunks
    }

    fn part(&self, all: &str, stride: usize) -> String {
        match self.are_equal {
            true => format!("{all}.chunks_exact({stride})"),
            false => format!("{all}.chunks({stride})"),
        }
    }

    fn zip(&mut self, variable: &str, all: &str, stride: usize) {
        self.all = format!("{}.zip({})", self.all, self.part(all, stride));
        self.pattern = format!("({}, {variable})", self.pattern);
    }
}

/// The lines of the squared error of `operands`, where the layer of one of them is computed in blocks.
pub(super) fn lines(
    w: &Writer<'_, '_>,
    operands: [ValueId; 2],
    accumulator: Accumulator,
) -> Option<Vec<String>> {
    let (blocks, step) = w.plan.compared(w.step)?;
    let other = operands.into_iter().find(|id| *id != blocks.result)?;
    let layer = Writer { step, ..*w };
    let are_equal = w.plan.layer(step)?.rows().is_multiple_of(blocks.rows);
    let mut chunks = Chunks::of(are_equal, "other", &w.own(other), blocks.rows);
    let call = call(&layer, &mut chunks)?;
    let Chunks { pattern, all, .. } = chunks;
    let rows = match (are_equal, step.layout()?.reads_pairs()) {
        (true, true) => String::new(),
        (true, false) => blocks.rows.to_string(),
        (false, true) => "other.len().next_multiple_of(4)".into(),
        (false, false) => "other.len()".into(),
    };
    let (sum, ty) = (format!("e{}", w.id()), accumulator.name());
    let mut lines = vec![
        format!(
            "// of {}, {} rows at a time",
            w.plan.result(step).name,
            blocks.rows
        ),
        layer.start(),
        format!("let mut {sum} = 0{ty};"),
        format!("for {pattern} in {all} {{"),
        format!("let block = &mut {}[..{rows}];", layer.name()),
    ];
    lines.extend(call);
    lines.extend([
        format!("{sum} += reduce::squared_error::<{ty}, _, _>(block, other);"),
        "}".into(),
    ]);
    lines.extend(w.listed(&[format!("{sum}{}", w.cast(ty))]));
    Some(lines)
}

/// The call that computes a block from its part of the constants, which it takes from `chunks`.
fn call(w: &Writer<'_, '_>, chunks: &mut Chunks) -> Option<Vec<String>> {
    let Writer { plan, step, .. } = *w;
    let (x, [weights, bias], accumulator, rescale) = match &step.kernel {
        Kernel::Dense {
            x,
            weights,
            bias,
            accumulator,
            ..
        } => (*x, [*weights, *bias], accumulator, None),
        Kernel::DenseRescale {
            x,
            weights,
            bias,
            accumulator,
            requantise,
            limits,
            ..
        } => (
            *x,
            [*weights, *bias],
            accumulator,
            Some((requantise, *limits)),
        ),
        _ => return None,
    };
    let (layout, parts, id) = (step.layout()?, plan.parts(step)?, step.result.index());
    let (constants, strides) = (&parts.constants, parts.strides);
    let rows = packed(plan, step, layout).1;
    let own = |what: &str| format!("w::{}", names::packed(id, layout, what, rows));
    if constants.stream.is_some() {
        chunks.zip("stream", &own("STREAM"), strides.stream);
        let function = match rescale {
            None => "dense".to_owned(),
            Some((requantise, (low, high))) => {
                let function = rescaling(requantise);
                format!("{function}::<{low}, {high}>")
            }
        };
        let x = w.whole(x);
        return Some(vec![format!("{layout}::{function}(&{x}, stream, block);")]);
    }
    let name = |is_packed: bool, what: &str, id| match is_packed {
        true => own(what),
        false => w.constant(id),
    };
    let all = name(constants.weights.is_some(), "WEIGHTS", weights);
    chunks.zip("weights", &all, strides.weights);
    let weights = match constants.blocks {
        Some(_) => {
            chunks.zip("columns", &own("BLOCKS"), strides.blocks);
            "(weights, columns)"
        }
        None => "weights",
    };
    let all = name(constants.bias.is_some(), "BIAS", bias);
    chunks.zip("bias", &all, strides.bias);
    let (x, generics) = (w.x(x), layout.generics(*accumulator));
    let Some((requantise, limits)) = rescale else {
        return Some(vec![format!(
            "{layout}::dense{generics}(&{x}, {weights}, bias, block);"
        )]);
    };
    let requantise = match constants.shifts {
        Some(_) => {
            chunks.zip("shifts", &own("SHIFTS"), strides.shifts);
            "rescale::Shift(shifts)".into()
        }
        None => {
            // Of what is one for all rows every block takes that.
            let (multipliers, offsets) = requantise.factors().unwrap_or_default();
            let lengths = [
                ("SHIFTS", "shifts", requantise.shifts().len()),
                ("MULTIPLIERS", "multipliers", multipliers.len()),
                ("OFFSETS", "offsets", offsets.len()),
            ];
            let each = lengths.into_iter().filter(|(_, _, length)| *length > 1);
            let each: Vec<(&str, &str, usize)> = each.collect();
            for (what, variable, _) in &each {
                chunks.zip(variable, &format!("w::S{id}_{what}"), strides.shifts);
            }
            requantiser_of(
                requantise,
                &|what| match each.iter().find(|(name, ..)| *name == what) {
                    Some((_, variable, _)) => (*variable).to_owned(),
                    None => format!("&w::S{id}_{what}"),
                },
            )
        }
    };
    Some(vec![
        format!("{layout}::dense_rescale{generics}("),
        format!("&{x},"),
        format!("{weights},"),
        "bias,".into(),
        format!("{requantise},"),
        format!("({}, {}),", limits.0, limits.1),
        "block,".into(),
        ");".into(),
    ])
}
