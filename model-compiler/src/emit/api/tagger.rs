//! The tagger: whole events, and events that arrive constituent by constituent.

use hodoscope_program::Operation;

use super::Api;
use crate::emit::code::Code;

impl Api<'_> {
    pub(super) fn tagger(&self, code: &mut Code) {
        let ty = &self.ty;
        let Some(set) = self.set else {
            code.line(format!(
                "/// The tagger `{}`, as planned for the cores of `P`.",
                self.program.name
            ));
            code.line("#[derive(Clone, Copy, Debug, Default)]");
            code.line(format!("pub struct {ty}<P = Target>(PhantomData<P>);"))
                .gap();
            code.line(format!("impl<P: Plan> {ty}<P> {{"));
            code.line("/// Computes one event.");
            code.line("pub fn run(event: &Event) -> Outputs {");
            code.line("P::event(event, &mut ())");
            code.line("}");
            if let Some(deciding) = &self.deciding {
                let name = deciding.names.0;
                code.gap().line(format!(
                    "/// Decides on one event: whether `{name}` reaches the threshold."
                ));
                code.line("pub fn accepts(event: &Event, threshold: Threshold) -> bool {");
                code.line(deciding.comparison("event"));
                code.line("}");
            }
            code.line("}").gap();
            return;
        };
        let (header, header_type, comma) = match self.has_fixed() {
            true => ("header: &Header", "header", ", "),
            false => ("", "", ""),
        };
        code.line(format!(
            "/// The tagger `{}`, as planned for the cores of `P`; holds an event that is arriving.",
            self.program.name
        ));
        code.line("///");
        let kept = match set.order {
            Some(_) => "hardest are kept; ties keep those that came first.",
            None => "first are kept.",
        };
        code.line(format!(
            "/// Of more than {} live constituents the {kept}",
            set.capacity
        ));
        code.line("#[derive(Clone, Debug)]");
        code.line(format!("pub struct {ty}<P = Target> {{"));
        code.line("held: Hardest<Constituent, CAPACITY>,");
        code.line("sums: compute::Sums,");
        code.line("plan: PhantomData<P>,");
        code.line("}").gap();
        code.line(format!("impl<P: Plan> Default for {ty}<P> {{"));
        code.line("fn default() -> Self {");
        code.line("Self::new()");
        code.line("}");
        code.line("}").gap();
        code.line(format!("impl<P: Plan> {ty}<P> {{"));
        code.line("/// An empty event.");
        code.line("pub const fn new() -> Self {");
        code.line("Self { held: Hardest::new(), sums: compute::Sums::ZERO, plan: PhantomData }");
        code.line("}").gap();
        code.line("/// Computes one event, in whatever order its constituents stand; slots that are not live are");
        code.line("/// passed over.");
        code.line(format!(
            "pub fn run({header}{comma}constituents: &[Constituent]) -> Outputs {{"
        ));
        code.line(format!(
            "P::event({header_type}{comma}&Self::sums(constituents), &mut ())"
        ));
        code.line("}").gap();
        if let Some(deciding) = &self.deciding {
            let name = deciding.names.0;
            code.line(format!(
                "/// Decides on one event as [`Self::run`] computes it: whether `{name}` reaches the threshold."
            ));
            code.line(format!(
                "pub fn accepts({header}{comma}constituents: &[Constituent], threshold: Threshold) -> bool {{"
            ));
            let arguments = format!("{header_type}{comma}&Self::sums(constituents)");
            code.line(deciding.comparison(&arguments));
            code.line("}").gap();
        }
        code.line("fn sums(constituents: &[Constituent]) -> compute::Sums {");
        code.line("let live = constituents.iter().filter(|c| c.is_live());");
        code.line("if live.clone().count() <= CAPACITY {");
        code.line("return P::constituents(live, &mut ());");
        code.line("}");
        code.line("let mut held = Hardest::<&Constituent, CAPACITY>::new();");
        code.line("for constituent in live {");
        code.line("held.push(constituent, constituent.hardness());");
        code.line("}");
        code.line("P::constituents(held.iter().copied(), &mut ())");
        code.line("}").gap();
        code.line(
            "/// Takes a constituent as it arrives, in any order, and computes its layers at once.",
        );
        code.line("pub fn push(&mut self, constituent: &Constituent) {");
        code.line("if !constituent.is_live() {");
        code.line("return;");
        code.line("}");
        code.line("match self.held.push(*constituent, constituent.hardness()) {");
        code.line("Pushed::Kept => {}");
        let is_maximum =
            |v: &hodoscope_program::Value| matches!(v.operation, Operation::Max { .. });
        if self.program.values.iter().any(is_maximum) {
            code.line("// A maximum cannot be taken back: those that are kept are computed again.");
            code.line("Pushed::Displaced(_) => {");
            code.line("self.sums = P::constituents(self.held.iter(), &mut ());");
            code.line("return;");
            code.line("}");
        } else {
            code.line("Pushed::Displaced(gone) => P::subtract(&mut self.sums, &P::constituent(&gone, 0, &mut ())),");
        }
        code.line("Pushed::Dropped => return,");
        code.line("}");
        code.line("P::add(&mut self.sums, &P::constituent(constituent, 0, &mut ()));");
        code.line("}").gap();
        code.line("/// Number of constituents that are kept so far.");
        code.line("pub fn multiplicity(&self) -> usize {");
        code.line("self.held.len()");
        code.line("}").gap();
        code.line("/// Ends the event: computes the outputs and starts an empty one.");
        code.line(format!(
            "pub fn finish(&mut self{comma}{header}) -> Outputs {{"
        ));
        let words = if self.has_fixed() { "header, " } else { "" };
        code.line(format!(
            "let outputs = P::event({words}&self.sums, &mut ());"
        ));
        code.line("self.clear();");
        code.line("outputs");
        code.line("}").gap();
        if let Some(deciding) = &self.deciding {
            let name = deciding.names.0;
            code.line(format!(
                "/// Ends the event: decides whether `{name}` reaches the threshold, and starts an empty one."
            ));
            code.line(format!(
                "pub fn decide(&mut self{comma}{header}, threshold: Threshold) -> bool {{"
            ));
            let comparison = deciding.comparison(&format!("{words}&self.sums"));
            code.line(format!("let is_accepted = {comparison};"));
            code.line("self.clear();");
            code.line("is_accepted");
            code.line("}").gap();
        }
        code.line("fn clear(&mut self) {");
        code.line("self.held.clear();");
        code.line("self.sums = compute::Sums::ZERO;");
        code.line("}").gap();
        code.line(format!("fn compute<'a, O: Observer>({header}{comma}constituents: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Outputs {{"));
        code.line("let sums = P::constituents(constituents, observer);");
        code.line(format!("P::event({words}&sums, observer)"));
        code.line("}");
        code.line("}").gap();
    }
}
