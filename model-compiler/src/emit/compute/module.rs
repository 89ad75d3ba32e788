//! `compute/PLAN.rs`: one kernel call per step.

use super::steps::place::{array, own, own_of, slots, storage, zeros};
use super::steps::{Scope, Writer, call};
use super::{event_arguments, rows, summands, twins};
use crate::emit::code::Code;
use crate::emit::names::{self, variable};
use crate::plan::layout::{Layout, Storage};
use crate::plan::{Arena, Decision, Kernel, Plan, Pooled, Step};

/// The module of one plan.
pub(super) fn module(plan: &Plan<'_>, decision: Option<&Decision>) -> String {
    let body = body(plan, decision);
    let mut code = Code::new();
    code.line(format!(
        "//! The layers as planned for {}, in the program's order. Each value carries its number in the",
        plan.isa
    ));
    code.line("//! program.");
    code.gap();
    let used = |modules: &[&str]| -> Vec<String> {
        let modules = modules.iter();
        let used = modules.filter(|module| {
            let call = format!("{module}::");
            body.match_indices(&call)
                .any(|(at, _)| !body[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        used.map(ToString::to_string).collect()
    };
    let layouts = Layout::ALL.map(Layout::name);
    let mut uses: Vec<String> = used(&layouts)
        .into_iter()
        .map(|layout| format!("layout::{layout}"))
        .collect();
    let stored: Vec<&str> = ["Pairs", "Twins"]
        .into_iter()
        .filter(|ty| body.contains(&format!("{ty}::<")) || body.contains(&format!(": {ty}<")))
        .collect();
    match stored[..] {
        [] => {}
        [one] => uses.push(format!("layout::pairs::{one}")),
        _ => uses.push(format!("layout::pairs::{{{}}}", stored.join(", "))),
    }
    uses.extend(used(&["grid"]));
    uses.extend(["model::Observer".into(), "plans".into()]);
    uses.extend(used(&[
        "divide", "function", "gather", "matrix", "quotient", "rank", "reduce", "rescale", "root",
        "rounding", "slot", "stepwise", "trees", "unary",
    ]));
    code.line(format!("use hodoscope_kernels::{{{}}};", uses.join(", ")));
    code.gap();
    if body.contains("w::") {
        code.line("use crate::weights as w;");
    }
    if body.contains("adders::") {
        code.line("use crate::adders;");
    }
    let own: Vec<&str> = ["Constituent", "Event", "Header", "Outputs"]
        .into_iter()
        .filter(|ty| body.contains(&format!("&{ty}")) || *ty == "Outputs")
        .collect();
    code.line(format!("use crate::{{{}}};", own.join(", ")));
    let shared = match plan.program.sets.is_empty() {
        true => "use super::Plan;",
        false => "use super::{Plan, Sums};",
    };
    code.gap();
    code.line(shared);
    code.gap();
    code.finish() + &body
}

fn body(plan: &Plan<'_>, decision: Option<&Decision>) -> String {
    let mut code = Code::new();
    let has_set = !plan.program.sets.is_empty();
    if has_set {
        code.line("/// What a constituent adds to the sums.");
        code.line("pub struct Summands {");
        for id in summands(plan) {
            let value = plan.program.value(id);
            code.line(format!(
                "{}: {}, // {}",
                variable(id),
                array(plan, id),
                value.name
            ));
        }
        code.line("}").gap();
    }
    code.line(format!("impl Plan for plans::{} {{", plan.isa.type_name()));
    if has_set {
        constituent(&mut code, plan);
        if plan.twins {
            twins::constituents(&mut code);
        }
    }
    event(&mut code, plan);
    if let Some(decided) = decision {
        decision_of(code.gap(), plan, decided);
    }
    code.line("}");
    if plan.twins {
        twins::function(code.gap(), plan);
    }
    code.finish()
}

fn constituent(code: &mut Code, plan: &Plan<'_>) {
    code.line("type Summands = Summands;").gap();
    code.line("#[inline]");
    code.line("fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {");
    let held = summands(plan);
    let arena = plan.constituent_arena();
    steps(code, plan, &plan.constituent, &arena, Scope::CONSTITUENT);
    let fields: Vec<String> = held.into_iter().map(variable).collect();
    code.line(format!("Summands {{ {} }}", fields.join(", ")));
    code.line("}").gap();
    for (function, by) in super::changes(plan) {
        code.line("#[inline(always)]");
        code.line(format!(
            "fn {function}(sums: &mut Sums, summands: &Summands) {{"
        ));
        for sum in &plan.pooled {
            let function = match sum.empty {
                Some(_) => "maximum",
                None => function,
            };
            let (sum, x, sum_x) = (variable(sum.result), variable(sum.x), sum.x);
            code.line(format!(
                "reduce::{function}(&mut sums.{sum}, &{});",
                own(plan, sum_x, &format!("summands.{x}"))
            ));
        }
        if plan.counts() {
            code.line(format!("sums.multiplicity {by};"));
        }
        code.line("}").gap();
    }
}

/// What stands in the sums, as the layers of an event read it.
fn pooled(code: &mut Code, plan: &Plan<'_>, pooled: &[Pooled]) {
    let program = plan.program;
    for sum in pooled {
        let name = variable(sum.result);
        let own = own(plan, sum.result, &name);
        if let Some(empty) = sum.empty {
            let constant = names::constant(empty.index(), &program.constant(empty).name);
            let capacity = program.sets.first().map_or(0, |set| set.capacity);
            code.line(zeros(plan, sum.result, ""));
            code.line(format!(
                "reduce::maximum_with_empty(&sums.{name}, &w::{constant}, sums.multiplicity == {capacity}, &mut {own});"
            ));
        } else if own == name && storage(plan, sum.result) == sum.accumulator.name() {
            code.line(format!("let {name} = sums.{name};"));
        } else {
            code.line(zeros(plan, sum.result, ""));
            code.line(format!("unary::copy(&sums.{name}, &mut {own});"));
        }
        let id = sum.result.index();
        code.line(format!("observer.values({id}, 0, &{own});"));
    }
}

/// The layers up to the value that is compared with a threshold.
fn decision_of(code: &mut Code, plan: &Plan<'_>, decision: &Decision) {
    let value = plan.program.value(decision.value);
    let ty = crate::emit::decide::compared(value);
    code.line("#[inline]");
    let (needed, sums) = plan.steps_for(decision.value);
    let any = |is: fn(&Kernel) -> bool| needed.iter().any(|step| is(&step.kernel));
    let arguments = event_arguments(plan).into_iter().map(|argument| {
        let is_read = match argument.split(':').next() {
            Some("words") => {
                any(|kernel| matches!(kernel, Kernel::Words { .. } | Kernel::WordsRescale { .. }))
            }
            Some("sums") => !sums.is_empty() || any(|kernel| *kernel == Kernel::Count),
            _ => true,
        };
        let unread = if is_read { "" } else { "_" };
        format!("{unread}{argument}")
    });
    let arguments: Vec<String> = arguments.collect();
    code.line(format!(
        "fn decision<O: Observer>({}) -> {ty} {{",
        arguments.join(", ")
    ));
    pooled(code, plan, &sums);
    let arena = plan.arena_of(&needed);
    steps(code, plan, &needed, &arena, Scope::EVENT);
    let (name, channel) = (rows::variable(plan, decision.value), decision.channel);
    code.line(match storage(plan, decision.value) == ty {
        true => format!("{name}[{channel}]"),
        false => format!("{ty}::from({name}[{channel}])"),
    });
    code.line("}");
}

fn event(code: &mut Code, plan: &Plan<'_>) {
    let program = plan.program;
    code.line("#[inline]");
    code.line(format!(
        "fn event<O: Observer>({}) -> Outputs {{",
        event_arguments(plan).join(", ")
    ));
    pooled(code, plan, &plan.pooled);
    let arena = plan.event_arena();
    steps(code, plan, &plan.event, &arena, Scope::EVENT);
    // An output's type is the program's, however the plan stores it.
    let fields = names::fields(program.outputs.iter().map(|o| o.name.as_str()));
    let mut values = vec![];
    for (output, field) in program.outputs.iter().zip(&fields) {
        let (name, value) = (
            rows::variable(plan, output.value),
            program.value(output.value),
        );
        let own = own_of(plan, &arena, output.value, &name);
        if plan.storage[output.value.index()] == Storage::Narrowest {
            let is_borrowed = arena.slot(plan, output.value).is_some();
            let star = if is_borrowed { "*" } else { "" };
            values.push(format!("{field}: {star}{name}"));
            continue;
        }
        let (ty, channels) = (names::storage(value), value.shape.channels());
        code.line(format!("let mut o_{field} = [0{ty}; {channels}];"));
        code.line(format!("unary::copy(&{own}, &mut o_{field});"));
        values.push(format!("{field}: o_{field}"));
    }
    let fields = values;
    code.line(format!("Outputs {{ {} }}", fields.join(", ")));
    code.line("}");
}

/// The slots, and all steps.
fn steps(code: &mut Code, plan: &Plan<'_>, steps: &[Step], arena: &Arena, scope: Scope) {
    code.lines(slots(arena));
    // What is computed in blocks is written with the squared error of it.
    for step in steps.iter().filter(|step| plan.blocks_of(step).is_none()) {
        let writer = Writer {
            plan,
            step,
            scope,
            arena,
        };
        call(code, &writer);
    }
}
