//! `compute.rs`: one kernel call per step.

use hodoscope_program::{Value, ValueId};

use super::code::Code;
use super::names::{self, array, variable};
use crate::plan::{Kernel, Pair, Plan, Requantise, Step};

pub(super) fn layers(plan: &Plan<'_>) -> String {
    let mut code = Code::new();
    code.line(
        "//! The layers, in the program's order. Each value carries its number in the program.",
    );
    code.gap();
    let body = body(plan);
    let mut uses = vec![];
    for module in ["layer", "reduce", "rescale", "unary"] {
        if body.contains(&format!("{module}::")) {
            uses.push(module.to_string());
        }
    }
    uses.insert(
        uses.iter().take_while(|m| m.as_str() < "model").count(),
        "model::Observer".into(),
    );
    code.line(format!("use hodoscope_kernels::{{{}}};", uses.join(", ")));
    code.gap();
    code.line("use crate::weights as w;");
    let own: Vec<&str> = ["Constituent", "Event", "Header", "Outputs"]
        .into_iter()
        .filter(|ty| body.contains(&format!("&{ty}")) || *ty == "Outputs")
        .collect();
    code.line(format!("use crate::{{{}}};", own.join(", ")));
    code.gap();
    code.finish() + &body
}

fn body(plan: &Plan<'_>) -> String {
    let mut code = Code::new();
    if !plan.program.sets.is_empty() {
        sums(&mut code, plan);
        constituent(&mut code, plan);
    }
    event(&mut code, plan);
    code.finish()
}

/// Values that are summed, each once.
fn summands(plan: &Plan<'_>) -> Vec<ValueId> {
    let mut summands: Vec<ValueId> = plan.pooled.iter().map(|sum| sum.x).collect();
    summands.sort_unstable();
    summands.dedup();
    summands
}

fn sums(code: &mut Code, plan: &Plan<'_>) {
    let program = plan.program;
    code.line("/// What a constituent adds to the sums.");
    code.line("pub(crate) struct Summands {");
    for id in summands(plan) {
        let value = program.value(id);
        code.line(format!(
            "{}: {}, // {}",
            variable(id),
            array(value),
            value.name
        ));
    }
    code.line("}").gap();
    code.line("/// Sums over the constituents so far.");
    code.line("#[derive(Clone, Debug)]");
    code.line("pub(crate) struct Sums {");
    for sum in &plan.pooled {
        let value = program.value(sum.result);
        code.line(format!(
            "{}: [{}; {}], // {}",
            variable(sum.result),
            sum.accumulator.name(),
            value.shape.channels(),
            value.name
        ));
    }
    code.line("}").gap();
    code.line("impl Sums {");
    code.line("pub(crate) const ZERO: Self = Self {");
    for sum in &plan.pooled {
        let channels = program.value(sum.result).shape.channels();
        code.line(format!("{}: [0; {channels}],", variable(sum.result)));
    }
    code.line("};");
    for (function, doc) in [
        ("add", "One more constituent."),
        ("subtract", "One fewer, exactly."),
    ] {
        code.gap();
        code.line(format!("/// {doc}"));
        code.line("#[inline(always)]");
        code.line(format!(
            "pub(crate) fn {function}(&mut self, summands: &Summands) {{"
        ));
        for sum in &plan.pooled {
            let (sum, x) = (variable(sum.result), variable(sum.x));
            code.line(format!(
                "reduce::{function}(&mut self.{sum}, &summands.{x});"
            ));
        }
        code.line("}");
    }
    code.line("}").gap();
}

fn constituent(code: &mut Code, plan: &Plan<'_>) {
    code.line("/// The layers of one constituent.");
    code.line("#[inline]");
    code.line("pub(crate) fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {");
    for step in &plan.constituent {
        call(code, plan, step, "row");
    }
    let fields: Vec<String> = summands(plan).into_iter().map(variable).collect();
    code.line(format!("Summands {{ {} }}", fields.join(", ")));
    code.line("}").gap();
}

fn event(code: &mut Code, plan: &Plan<'_>) {
    let program = plan.program;
    let has_set = !program.sets.is_empty();
    let has_fixed = program.inputs.iter().any(|input| input.set.is_none());
    let words = if has_set { "Header" } else { "Event" };
    let mut arguments = vec![];
    if has_fixed {
        arguments.push(format!("words: &{words}"));
    }
    if has_set {
        arguments.push("sums: &Sums".into());
    }
    arguments.push("observer: &mut O".into());
    code.line("/// The layers of one event.");
    code.line("#[inline]");
    code.line(format!(
        "pub(crate) fn event<O: Observer>({}) -> Outputs {{",
        arguments.join(", ")
    ));
    for sum in &plan.pooled {
        let name = variable(sum.result);
        let value = program.value(sum.result);
        if names::storage(value) == sum.accumulator.name() {
            code.line(format!("let {name} = sums.{name};"));
        } else {
            code.line(zeros(sum.result, value));
            code.line(format!("unary::copy(&sums.{name}, &mut {name});"));
        }
        let id = sum.result.index();
        code.line(format!("observer.values({id}, 0, &{name});"));
    }
    for step in &plan.event {
        call(code, plan, step, "0");
    }
    let fields = names::fields(program.outputs.iter().map(|o| o.name.as_str()));
    let fields: Vec<String> = fields
        .iter()
        .zip(&program.outputs)
        .map(|(field, output)| format!("{field}: {}", variable(output.value)))
        .collect();
    code.line(format!("Outputs {{ {} }}", fields.join(", ")));
    code.line("}");
}

/// The lines of one step.
fn call(code: &mut Code, plan: &Plan<'_>, step: &Step, row: &str) {
    let value = plan.result(step);
    let (id, y) = (step.result.index(), variable(step.result));
    let constant = |id: hodoscope_program::ConstantId| {
        let name = &plan.program.constant(id).name;
        format!("w::{}", names::constant(id.index(), name))
    };
    code.line(format!("// {}", value.name));
    let zeros = zeros(step.result, value);
    let v = |id: &ValueId| variable(*id);
    // What stores `from` as this step's result is stored: nothing where that is the same.
    let cast = |from: &str| match names::storage(value) {
        ty if ty == from => String::new(),
        ty => format!(" as {ty}"),
    };
    let lines: Vec<String> = match &step.kernel {
        Kernel::Words { input } => {
            let names = names::fields(plan.program.inputs.iter().map(|i| i.name.as_str()));
            let field = &names[input.index()];
            vec![
                zeros,
                format!(
                    "rescale::words(&words.{field}, &w::S{id}_MINIMUM, &w::S{id}_MAXIMUM, &mut {y});"
                ),
            ]
        }
        Kernel::Dense {
            x,
            weights,
            bias,
            accumulator,
        } => vec![
            zeros,
            format!(
                "layer::dense::<{}, _, _, _, _>(&{}, &{}, &{}, &mut {y});",
                accumulator.name(),
                v(x),
                constant(*weights),
                constant(*bias)
            ),
        ],
        Kernel::DenseRescale {
            x,
            weights,
            bias,
            accumulator,
            requantise,
            limits,
        } => vec![
            zeros,
            format!(
                "layer::dense_rescale::<{}, _, _, _, _>(",
                accumulator.name()
            ),
            format!("&{},", v(x)),
            format!("&{},", constant(*weights)),
            format!("&{},", constant(*bias)),
            format!("{},", requantiser(id, requantise)),
            format!("({}, {}),", limits.0, limits.1),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Rescale {
            x,
            accumulator,
            requantise,
            limits,
        } => vec![
            zeros,
            format!("rescale::rescale::<{}, _, _>(", accumulator.name()),
            format!("&{},", v(x)),
            format!("{},", requantiser(id, requantise)),
            format!("({}, {}),", limits.0, limits.1),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Relu { x } => vec![zeros, format!("unary::relu(&{}, &mut {y});", v(x))],
        Kernel::Clip {
            x,
            minimum,
            maximum,
            accumulator,
        } => vec![
            zeros,
            format!(
                "unary::clip::<{}, _, _>(&{}, {minimum}, {maximum}, &mut {y});",
                accumulator.name(),
                v(x)
            ),
        ],
        Kernel::LeakyRelu {
            x,
            multiplier,
            shift,
            accumulator,
        } => vec![
            zeros,
            format!(
                "unary::leaky_relu::<{}, _, _>(&{}, {multiplier}, {shift}, &mut {y});",
                accumulator.name(),
                v(x)
            ),
        ],
        Kernel::Table { x, table, first } => vec![
            zeros,
            format!(
                "unary::table(&{}, {first}, &{}, &mut {y});",
                v(x),
                constant(*table)
            ),
        ],
        Kernel::Pair {
            operator,
            a,
            b,
            accumulator,
        } => {
            let function = match operator {
                Pair::Mul => "unary::mul",
                Pair::Add => "unary::add",
                Pair::Sub => "unary::sub",
            };
            vec![
                zeros,
                format!(
                    "{function}::<{}, _, _, _>(&{}, &{}, &mut {y});",
                    accumulator.name(),
                    v(a),
                    v(b)
                ),
            ]
        }
        Kernel::SquaredError { a, b, accumulator } => {
            let accumulator = accumulator.name();
            vec![format!(
                "let {y} = [reduce::squared_error::<{accumulator}, _, _>(&{}, &{}){}];",
                v(a),
                v(b),
                cast(accumulator)
            )]
        }
        Kernel::SumSquares { x, accumulator } => {
            let accumulator = accumulator.name();
            vec![format!(
                "let {y} = [reduce::sum_squares::<{accumulator}, _>(&{}){}];",
                v(x),
                cast(accumulator)
            )]
        }
        Kernel::Select { x, channels } => {
            let cast = cast(&names::storage(plan.program.value(*x)));
            let picked = channels.iter().map(|c| format!("{}[{c}]{cast}", v(x)));
            let picked: Vec<String> = picked.collect();
            vec![format!("let {y} = [{}];", picked.join(", "))]
        }
        Kernel::Concat { parts } => {
            let mut lines = vec![zeros];
            let mut start = 0;
            for part in parts {
                let operand = plan.program.value(*part);
                let end = start + operand.shape.channels();
                let range = format!("{y}[{start}..{end}]");
                let part = v(part);
                lines.push(match names::storage(operand) == names::storage(value) {
                    true => format!("{range}.copy_from_slice(&{part});"),
                    false => format!("unary::copy(&{part}, &mut {range});"),
                });
                start = end;
            }
            lines
        }
    };
    code.lines(lines);
    code.line(format!("observer.values({id}, {row}, &{y});"));
}

/// An array for a step's result.
fn zeros(id: ValueId, value: &Value) -> String {
    let (ty, channels) = (names::storage(value), value.shape.channels());
    format!("let mut {} = [0{ty}; {channels}];", variable(id))
}

fn requantiser(id: usize, requantise: &Requantise) -> String {
    match requantise {
        Requantise::Shift(_) => format!("rescale::Shift(&w::S{id}_SHIFTS)"),
        Requantise::Affine { .. } => format!(
            "rescale::Affine {{ multipliers: &w::S{id}_MULTIPLIERS, offsets: &w::S{id}_OFFSETS, shifts: &w::S{id}_SHIFTS }}"
        ),
    }
}
