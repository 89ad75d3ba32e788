//! `compute/`: a module per plan, and what they share.

mod module;
mod rows;
mod steps;
mod twins;

use hodoscope_program::ValueId;

use super::Files;
use super::code::Code;
use super::names::variable;
use crate::plan::{Decision, Isa, Plan};

/// The files of all plans. Plans of the same steps share a module, and an instruction set without a
/// plan takes that of the first.
pub(super) fn modules(plans: &[Plan<'_>], decision: Option<&Decision>, files: &mut Files) {
    let mut own: Vec<&Plan<'_>> = vec![];
    for plan in plans {
        if !own.iter().any(|other| other.same_steps(plan)) {
            own.push(plan);
        }
    }
    for plan in &own {
        let path = format!("src/compute/{}.rs", plan.isa.module());
        files.insert(path, module::module(plan, decision));
    }
    files.insert("src/compute/mod.rs".into(), shared(plans, &own, decision));
}

fn shared(plans: &[Plan<'_>], own: &[&Plan<'_>], decision: Option<&Decision>) -> String {
    let plan = own[0];
    let has_set = !plan.program.sets.is_empty();
    let mut code = Code::new();
    code.line("//! The layers: what the plans of all cores share.")
        .gap();
    for plan in own {
        code.line(format!("mod {};", plan.isa.module()));
    }
    code.gap();
    // Named only where one takes the steps of another.
    code.line(match own.len() < Isa::ALL.len() {
        true => "use hodoscope_kernels::{model::Observer, plans};",
        false => "use hodoscope_kernels::model::Observer;",
    })
    .gap();
    let arguments = event_arguments(plan).join(", ");
    let words: Vec<&str> = ["Constituent", "Event", "Header"]
        .into_iter()
        .filter(|ty| arguments.contains(&format!("&{ty}")) || has_set && *ty == "Constituent")
        .chain(["Outputs"])
        .collect();
    code.line(format!("use crate::{{{}}};", words.join(", ")))
        .gap();
    code.line("/// How the layers are computed: the same bits by each plan.");
    code.line("pub trait Plan {");
    if has_set {
        code.line("/// What a constituent adds to the sums.");
        code.line("type Summands;").gap();
        code.line("/// The layers of one constituent.");
        code.line("fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Self::Summands;").gap();
        code.line("/// One more constituent.");
        code.line("fn add(sums: &mut Sums, summands: &Self::Summands);")
            .gap();
        if !plan.has_maximum() {
            code.line("/// One fewer, exactly.");
            code.line("fn subtract(sums: &mut Sums, summands: &Self::Summands);")
                .gap();
        }
        code.line("/// The sums over all constituents.");
        code.line("#[inline(always)]");
        code.line("fn constituents<'a, O: Observer>(all: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Sums {");
        code.line("let mut sums = Sums::ZERO;");
        code.line("for (words, row) in all.zip(0u16..) {");
        code.line("Self::add(&mut sums, &Self::constituent(words, row, observer));");
        code.line("}");
        code.line("sums");
        code.line("}").gap();
    }
    code.line("/// The layers of one event.");
    code.line(format!("fn event<O: Observer>({arguments}) -> Outputs;"));
    if let Some(decision) = decision {
        let ty = decided(plan, decision);
        code.gap();
        code.line("/// What is compared with a threshold, and no more.");
        code.line(format!("fn decision<O: Observer>({arguments}) -> {ty};"));
    }
    code.line("}").gap();
    if has_set {
        sums(&mut code, plan);
    }
    delegations(&mut code, plans, own, decision);
    code.finish()
}

/// Instruction sets that take the steps of another.
fn delegations(
    code: &mut Code,
    plans: &[Plan<'_>],
    own: &[&Plan<'_>],
    decision: Option<&Decision>,
) {
    let plan = own[0];
    let pairs: Vec<(Isa, Isa)> = Isa::ALL
        .into_iter()
        .filter(|isa| own.iter().all(|plan| plan.isa != *isa))
        .map(|isa| {
            let planned = plans.iter().find(|plan| plan.isa == isa);
            let same = planned.and_then(|plan| own.iter().find(|o| o.same_steps(plan)));
            (isa, same.map_or(plan.isa, |plan| plan.isa))
        })
        .collect();
    if pairs.is_empty() {
        return;
    }
    code.line("macro_rules! same_steps {");
    code.line("($($plan:ident as $other:ident),+) => {$(");
    code.line("impl Plan for plans::$plan {");
    if !plan.program.sets.is_empty() {
        code.line("type Summands = <plans::$other as Plan>::Summands;")
            .gap();
        code.line("#[inline(always)]");
        code.line("fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Self::Summands {");
        code.line("plans::$other::constituent(words, row, observer)");
        code.line("}").gap();
        for (function, _) in changes(plan) {
            code.line("#[inline(always)]");
            code.line(format!(
                "fn {function}(sums: &mut Sums, summands: &Self::Summands) {{"
            ));
            code.line(format!("plans::$other::{function}(sums, summands);"));
            code.line("}").gap();
        }
        code.line("#[inline(always)]");
        code.line("fn constituents<'a, O: Observer>(all: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Sums {");
        code.line("plans::$other::constituents(all, observer)");
        code.line("}").gap();
    }
    let arguments = event_arguments(plan);
    let names: Vec<&str> = arguments
        .iter()
        .map(|argument| argument.split(':').next().unwrap_or_default())
        .collect();
    code.line("#[inline(always)]");
    code.line(format!(
        "fn event<O: Observer>({}) -> Outputs {{",
        arguments.join(", ")
    ));
    code.line(format!("plans::$other::event({})", names.join(", ")));
    code.line("}");
    if let Some(decision) = decision {
        code.gap().line("#[inline(always)]");
        code.line(format!(
            "fn decision<O: Observer>({}) -> {} {{",
            arguments.join(", "),
            decided(plan, decision)
        ));
        code.line(format!("plans::$other::decision({})", names.join(", ")));
        code.line("}");
    }
    code.line("}");
    code.line(")+};");
    code.line("}").gap();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(isa, other)| format!("{} as {}", isa.type_name(), other.type_name()))
        .collect();
    code.line("// Cores whose plan would be the same, or was not asked for.");
    code.line(format!("same_steps!({});", pairs.join(", ")));
}

/// The functions that change the sums by one constituent, and by how much they change its number.
fn changes(plan: &Plan<'_>) -> &'static [(&'static str, &'static str)] {
    match plan.has_maximum() {
        true => &[("add", "+= 1")],
        false => &[("add", "+= 1"), ("subtract", "-= 1")],
    }
}

/// Values that are pooled, each once.
fn summands(plan: &Plan<'_>) -> Vec<ValueId> {
    let mut summands: Vec<ValueId> = plan.pooled.iter().map(|sum| sum.x).collect();
    summands.sort_unstable();
    summands.dedup();
    summands
}

fn sums(code: &mut Code, plan: &Plan<'_>) {
    let program = plan.program;
    code.line(match plan.has_maximum() {
        true => "/// Sums and maxima over the constituents so far.",
        false => "/// Sums over the constituents so far.",
    });
    code.line("#[derive(Clone, Debug)]");
    code.line("pub struct Sums {");
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
    if plan.counts() {
        code.line("/// Number of constituents.");
        code.line("multiplicity: i32,");
    }
    code.line("}").gap();
    code.line("impl Sums {");
    code.line("/// Of no constituent.");
    code.line("pub const ZERO: Self = Self {");
    for sum in &plan.pooled {
        let channels = program.value(sum.result).shape.channels();
        let start = match sum.empty {
            None => "0".to_owned(),
            Some(_) => format!("{}::MIN", sum.accumulator.name()),
        };
        code.line(format!("{}: [{start}; {channels}],", variable(sum.result)));
    }
    if plan.counts() {
        code.line("multiplicity: 0,");
    }
    code.line("};");
    code.line("}").gap();
}

/// The parameters of `event`.
fn event_arguments(plan: &Plan<'_>) -> Vec<String> {
    let has_set = !plan.program.sets.is_empty();
    let has_fixed = plan.program.inputs.iter().any(|input| input.set.is_none());
    let words = if has_set { "Header" } else { "Event" };
    let mut arguments = vec![];
    if has_fixed {
        arguments.push(format!("words: &{words}"));
    }
    if has_set {
        arguments.push("sums: &Sums".into());
    }
    arguments.push("observer: &mut O".into());
    arguments
}

/// The Rust type of what is compared with a threshold.
fn decided(plan: &Plan<'_>, decision: &Decision) -> &'static str {
    super::decide::compared(plan.program.value(decision.value))
}
