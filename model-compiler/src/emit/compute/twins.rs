//! Two constituents at once.

use hodoscope_program::ValueId;

use super::rows;
use super::steps::place::own;
use super::steps::{self, Scope, Writer, joint};
use crate::emit::code::Code;
use crate::emit::names::variable;
use crate::plan::layout::filled;
use crate::plan::{Arena, Kernel, Plan};

/// All constituents, two at a time.
pub(super) fn constituents(code: &mut Code) {
    code.line("#[inline(always)]");
    code.line("fn constituents<'a, O: Observer>(all: impl Iterator<Item = &'a Constituent>, observer: &mut O) -> Sums {");
    code.line("let mut sums = Sums::ZERO;");
    code.line("let mut all = all.zip(0u16..);");
    code.line("while let Some((first, row)) = all.next() {");
    code.line("let Some((second, _)) = all.next() else {");
    code.line("Self::add(&mut sums, &Self::constituent(first, row, observer));");
    code.line("break;");
    code.line("};");
    code.line("twins(first, second, row, &mut sums, observer);");
    code.line("}");
    code.line("sums");
    code.line("}").gap();
}

/// The layers of two constituents, added to the sums.
pub(super) fn function(code: &mut Code, plan: &Plan<'_>) {
    code.line("/// The layers of two constituents at once, in the rows `row` and `row + 1`.");
    code.line("#[inline]");
    code.line("fn twins<O: Observer>(first: &Constituent, second: &Constituent, row: u16, sums: &mut Sums, observer: &mut O) {");
    let mut forms = Forms {
        code,
        plan,
        apart: vec![false; plan.program.values.len()],
        together: vec![false; plan.program.values.len()],
    };
    for step in &plan.constituent {
        let Kernel::DenseRescale {
            x, layout, limits, ..
        } = &step.kernel
        else {
            if let Some(x) = rows::treats_alike(plan, step)
                && forms.together[x.index()]
            {
                steps::call_joint(forms.code, plan, step);
                forms.observe(step.result);
                continue;
            }
            for x in step.kernel.operands() {
                forms.part(x);
            }
            for scope in Scope::TWINS {
                // Values have two forms: they stand in variables of their own.
                let arena = &Arena::default();
                let writer = Writer {
                    plan,
                    step,
                    scope,
                    arena,
                };
                steps::call(forms.code, &writer);
            }
            forms.apart[step.result.index()] = true;
            continue;
        };
        let Some(constants) = steps::constants(plan, step) else {
            continue;
        };
        forms.join(*x);
        let y = joint(step.result);
        let (name, channels) = (&plan.result(step).name, forms.channels(step.result));
        let code = &mut *forms.code;
        code.line(format!("// {name}"));
        code.line(format!(
            "let mut {y} = Twins::<{}>::ZERO;",
            2 * filled(channels)
        ));
        code.line(format!(
            "{layout}::dense_rescale_twins::<{}, {}, _, _>(&{}, {}, &mut {y});",
            limits.0,
            limits.1,
            joint(*x),
            constants.weights
        ));
        forms.observe(step.result);
    }
    for sum in &plan.pooled {
        let name = variable(sum.result);
        let function = match sum.empty {
            Some(_) => {
                forms.part(sum.x);
                "maximum"
            }
            None => "add",
        };
        if sum.empty.is_none() && forms.together[sum.x.index()] {
            forms
                .code
                .line(format!("{}.add_to(&mut sums.{name});", joint(sum.x)));
            continue;
        }
        for Scope { suffix, .. } in Scope::TWINS {
            let x = own(plan, sum.x, &format!("{}{suffix}", variable(sum.x)));
            forms
                .code
                .line(format!("reduce::{function}(&mut sums.{name}, &{x});"));
        }
    }
    if plan.counts() {
        forms.code.line("sums.multiplicity += 2;");
    }
    forms.code.line("}");
}

/// In which forms values are there: as two rows apart, or pair by pair in turn.
struct Forms<'a, 'p> {
    code: &'a mut Code,
    plan: &'a Plan<'p>,
    apart: Vec<bool>,
    together: Vec<bool>,
}

impl Forms<'_, '_> {
    fn channels(&self, id: ValueId) -> usize {
        self.plan.program.value(id).shape.channels()
    }

    /// Shows the rows of `id`, which are there together.
    fn observe(&mut self, id: ValueId) {
        let (name, channels) = (joint(id), self.channels(id));
        for (which, Scope { row, .. }) in Scope::TWINS.into_iter().enumerate() {
            self.code.line(format!(
                "observer.values({}, {row}, &{name}.row::<{channels}>({which}));",
                id.index()
            ));
        }
        self.together[id.index()] = true;
    }

    /// Makes sure that the rows of `id` are there apart.
    fn part(&mut self, id: ValueId) {
        if std::mem::replace(&mut self.apart[id.index()], true) {
            return;
        }
        let channels = self.channels(id);
        for (which, Scope { suffix, .. }) in Scope::TWINS.into_iter().enumerate() {
            self.code.line(format!(
                "let {}{suffix} = {}.row::<{channels}>({which});",
                variable(id),
                joint(id)
            ));
        }
    }

    /// Makes sure that the rows of `id` are there together.
    fn join(&mut self, id: ValueId) {
        if std::mem::replace(&mut self.together[id.index()], true) {
            return;
        }
        let [a, b] = Scope::TWINS
            .map(|Scope { suffix, .. }| own(self.plan, id, &format!("{}{suffix}", variable(id))));
        let size = 2 * filled(self.channels(id));
        self.code.line(format!(
            "let {} = Twins::<{size}>::of(&{a}, &{b});",
            joint(id)
        ));
    }
}
