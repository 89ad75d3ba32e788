//! Dense layers, with what follows them.

use hodoscope_program::{ConstantId, ValueId};

use super::place::zero;
use super::rescale::requantiser;
use super::{Writer, rounding};
use crate::emit::names::{self, variable};
use crate::emit::weights::packed;
use crate::plan::layout::{Layout, Storage};
use crate::plan::{Kernel, Plan, Requantise, Slot, Step};

/// Where a kernel reads a layer's weights, bias and shifts.
pub(in crate::emit::compute) struct Constants {
    pub weights: String,
    bias: String,
    requantise: String,
    /// Whether `weights` is all of it.
    stream: bool,
}

pub(in crate::emit::compute) fn constants(plan: &Plan<'_>, step: &Step) -> Option<Constants> {
    let (weights, bias, layout, requantise) = match &step.kernel {
        Kernel::Dense {
            weights,
            bias,
            layout,
            ..
        } => (weights, bias, layout, None),
        Kernel::DenseRescale {
            weights,
            bias,
            layout,
            requantise,
            ..
        } => (weights, bias, layout, Some(requantise)),
        _ => return None,
    };
    let (packed, rows) = packed(plan, step, *layout);
    let id = step.result.index();
    let program = |id: ConstantId| names::constant(id.index(), &plan.program.constant(id).name);
    let name = |packed: bool, what: &str, own: String| match packed {
        true => format!("w::{}", names::packed(id, *layout, what, rows)),
        false => format!("w::{own}"),
    };
    let requantise = requantise.map(|requantise| match packed.shifts {
        Some(_) => format!(
            "rescale::Shift(&w::{})",
            names::packed(id, *layout, "SHIFTS", rows)
        ),
        None => requantiser(id, requantise),
    });
    let stream = packed.stream.is_some();
    let weights = name(packed.weights.is_some(), "WEIGHTS", program(*weights));
    Some(Constants {
        stream,
        weights: match (stream, packed.blocks) {
            (true, _) => format!("&w::{}", names::packed(id, *layout, "STREAM", rows)),
            (_, Some(_)) => format!(
                "(&{weights}, &w::{})",
                names::packed(id, *layout, "BLOCKS", rows)
            ),
            _ => format!("&{weights}"),
        },
        bias: name(packed.bias.is_some(), "BIAS", program(*bias)),
        requantise: requantise.unwrap_or_default(),
    })
}

/// Arrays into which rows are copied where they are stored otherwise than the layout reads or writes them.
pub(in crate::emit::compute) fn room(w: &Writer<'_, '_>) -> Vec<String> {
    let (Some(layout), Some(layer)) = (w.step.layout(), w.plan.layer(w.step)) else {
        return vec![];
    };
    let (operand, result) = layer.copies(layout);
    let of = |name: &str, storage: Option<Storage>, length: usize| {
        let zeros = zero(Slot::of(storage?, length)?);
        Some(format!("let mut {name} = {zeros};"))
    };
    let sums = layer.is_apart(layout).then(|| match layout.result(false) {
        Storage::Narrowest => Some(format!("let mut {SUMS} = [0i32; {}];", layer.rows())),
        storage => of(SUMS, Some(storage), layer.rows()),
    });
    [
        of(OPERAND, operand, layer.columns()),
        of(RESULT, result, layer.rows()),
        sums.flatten(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The variables of [`room`].
const OPERAND: &str = "operand";
const RESULT: &str = "result";
const SUMS: &str = "sums";

/// The function of a layout that ends as `requantise` does.
pub(super) fn rescaling(requantise: &Requantise) -> &'static str {
    match requantise {
        Requantise::Scaled { .. } => "dense_scale",
        _ if requantise.folded().is_some_and(|folded| folded.is_even()) => "dense_even",
        _ => "dense_rescale",
    }
}

/// The rescale behind sums that a layout left, into `y`; nothing where it left none.
fn behind(w: &Writer<'_, '_>, y: &str) -> Vec<String> {
    let Kernel::DenseRescale {
        requantise, limits, ..
    } = &w.step.kernel
    else {
        return vec![];
    };
    let rows = w.plan.result(w.step).shape.channels();
    vec![
        "rescale::rescale::<i32, _, _>(".into(),
        format!("&{SUMS}[..{rows}],"),
        format!("{},", requantiser(w.id(), requantise)),
        format!("({}, {}),", limits.0, limits.1),
        format!("&mut {y},"),
        ");".into(),
    ]
}

/// Lines of one row behind the line that makes room for it, with the arrays that they need: of a loop over rows those stand
/// before it.
fn roomy(w: &Writer<'_, '_>, mut lines: Vec<String>) -> Vec<String> {
    let room = match w.is_looped() {
        true => vec![],
        false => room(w),
    };
    if !room.is_empty() {
        // The arrays are given back at its end.
        lines = [vec!["{".into()], room, lines, vec!["}".into()]].concat();
    }
    lines
}

/// The call of a layout that reads one stream: `function` with its constant arguments. What it reads or writes is copied
/// where it is stored otherwise.
fn streamed(w: &Writer<'_, '_>, x: ValueId, function: &str, stream: &str) -> Vec<String> {
    let (Some(layout), Some(layer)) = (w.step.layout(), w.plan.layer(w.step)) else {
        return vec![];
    };
    let (operand, result) = layer.copies(layout);
    // Of a loop over rows these are references into the arrays of all.
    let (from, to) = match w.is_looped() {
        true => (format!("{}[..]", w.x(x)), format!("{}[..]", w.y())),
        false => (w.x(x), w.y()),
    };
    let mut lines = vec![];
    let read = match operand {
        Some(_) => {
            let columns = layer.columns();
            lines.push(format!(
                "unary::copy(&{from}, &mut {OPERAND}[..{columns}]);"
            ));
            format!("{OPERAND}[..]")
        }
        None => w.whole(x),
    };
    let is_apart = layer.is_apart(layout);
    let written = match result {
        _ if is_apart => SUMS.to_owned(),
        Some(_) => RESULT.to_owned(),
        None => w.name(),
    };
    lines.push(format!(
        "{layout}::{function}(&{read}, {stream}, &mut {written}[..]);"
    ));
    if is_apart {
        lines.extend(behind(w, &to));
    } else if result.is_some() {
        let rows = layer.rows();
        lines.push(format!("unary::copy(&{RESULT}[..{rows}], &mut {to});"));
    }
    if w.is_looped() {
        return lines;
    }
    let mut lines = roomy(w, lines);
    lines.insert(0, w.start());
    lines
}

pub(super) fn lines(w: &Writer<'_, '_>) -> Vec<String> {
    let Writer { plan, step, .. } = *w;
    let (id, y, stored) = (w.id(), w.y(), w.stored());
    match &step.kernel {
        Kernel::Dense {
            x,
            layout: Layout::ShiftAdds,
            ..
        } => {
            let sums = format!("adders::{}(&{})", variable(step.result), w.array(*x));
            match stored.as_str() {
                "i32" => vec![format!("let {y} = {sums};")],
                _ => vec![w.start(), format!("unary::copy(&{sums}, &mut {y});")],
            }
        }
        Kernel::Dense {
            x,
            accumulator,
            layout,
            ..
        } => {
            let constants = constants(plan, step);
            let Some(Constants {
                weights,
                bias,
                stream,
                ..
            }) = constants
            else {
                return vec![];
            };
            if stream {
                return streamed(w, *x, "dense", &weights);
            }
            vec![
                w.start(),
                format!(
                    "{layout}::dense{}(&{}, {weights}, &{bias}, &mut {y});",
                    layout.generics(*accumulator),
                    w.x(*x),
                ),
            ]
        }
        Kernel::DenseRescale {
            x,
            limits,
            requantise,
            layout: Layout::ShiftAdds,
            ..
        } => vec![
            w.start(),
            "rescale::rescale::<i32, _, _>(".into(),
            format!("&adders::{}(&{}),", variable(step.result), w.array(*x)),
            format!("{},", requantiser(id, requantise)),
            format!("({}, {}),", limits.0, limits.1),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::DenseRescale {
            x,
            accumulator,
            limits,
            layout,
            requantise: kernel_requantise,
            ..
        } => {
            let constants = constants(plan, step);
            let Some(Constants {
                weights,
                bias,
                requantise,
                stream,
            }) = constants
            else {
                return vec![];
            };
            let is_apart = plan.layer(step).is_some_and(|l| l.is_apart(*layout));
            if stream {
                let function = match is_apart {
                    true => "dense".to_owned(),
                    false => format!(
                        "{}::<{}, {}>",
                        rescaling(kernel_requantise),
                        limits.0,
                        limits.1
                    ),
                };
                return streamed(w, *x, &function, &weights);
            }
            if is_apart {
                let mut lines = vec![format!(
                    "{layout}::dense{}(&{}, {weights}, &{bias}, &mut {SUMS});",
                    layout.generics(*accumulator),
                    w.x(*x),
                )];
                lines.extend(behind(w, &y));
                let mut lines = roomy(w, lines);
                lines.insert(0, w.start());
                return lines;
            }
            let call = format!("{layout}::dense_rescale{}(", layout.generics(*accumulator));
            vec![
                w.start(),
                call,
                format!("&{},", w.x(*x)),
                format!("{weights},"),
                format!("&{bias},"),
                format!("{requantise},"),
                format!("({}, {}),", limits.0, limits.1),
                format!("&mut {y},"),
                ");".into(),
            ]
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
            let (product, accumulator) = (product.name(), accumulator.name());
            let function = match limits {
                Some(_) => "dense_saturated",
                None => "dense",
            };
            let mut lines = vec![
                w.start(),
                format!("stepwise::{function}::<{product}, {accumulator}, _, _, _, _, _>("),
                format!("rounding::{},", rounding::name(*rounding)),
                format!("&{},", w.x(*x)),
                format!("&{},", w.constant(*weights)),
                format!("&{},", w.constant(*bias)),
                format!("{shift},"),
            ];
            lines.extend(limits.map(|(low, high)| format!("({low}, {high}),")));
            lines.extend([format!("&mut {y},"), ");".into()]);
            lines
        }
        // Another file's.
        _ => vec![],
    }
}
