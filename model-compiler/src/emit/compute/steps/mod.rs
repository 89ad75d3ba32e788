//! The lines of a step: one file per kind of kernel.

mod blocks;
mod dense;
mod each;
mod elementwise;
mod moves;
pub(super) mod place;
mod reduce;
mod rescale;
mod rounding;

use hodoscope_program::{ConstantId, ValueId};

use super::rows;
use crate::emit::code::Code;
use crate::emit::names::{self, variable};
use crate::plan::layout::{Storage, filled};
use crate::plan::{Arena, Kernel, Plan, Step};

pub(in crate::emit::compute) use dense::constants;

/// For what a step is computed.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// The variable of the words.
    pub words: &'static str,
    /// What is appended to the variables of values.
    pub suffix: &'static str,
    /// The row of the set.
    pub row: &'static str,
    /// Whether operands and result are rows of two constituents together.
    pub is_joint: bool,
}

impl Scope {
    pub const EVENT: Self = Self {
        words: "words",
        suffix: "",
        row: "0",
        is_joint: false,
    };
    /// Both rows at once, of steps that treat all elements alike.
    pub const JOINT: Self = Self {
        is_joint: true,
        ..Self::EVENT
    };
    pub const CONSTITUENT: Self = Self {
        row: "row",
        ..Self::EVENT
    };
    pub const TWINS: [Self; 2] = [
        Self {
            words: "first",
            suffix: "a",
            row: "row",
            is_joint: false,
        },
        Self {
            words: "second",
            suffix: "b",
            row: "row + 1",
            is_joint: false,
        },
    ];
}

/// A step that is to be written.
pub(super) struct Writer<'a, 'p> {
    pub plan: &'a Plan<'p>,
    pub step: &'a Step,
    pub scope: Scope,
    /// Where values stand.
    pub arena: &'a Arena,
}

impl Writer<'_, '_> {
    /// The number of the value.
    fn id(&self) -> usize {
        self.step.result.index()
    }

    /// The variable that the step's kernel writes.
    fn name(&self) -> String {
        format!("{}{}", variable(self.step.result), self.scope.suffix)
    }

    /// What its kernel writes, without what it is filled up with: a row where it takes one at a time.
    fn y(&self) -> String {
        if self.scope.is_joint {
            return format!("{}[..]", joint(self.step.result));
        }
        match self.is_looped() {
            true => self.name(),
            false => self.own(self.step.result),
        }
    }

    /// An operand, without what it is filled up with: a row where the kernel takes one at a time.
    fn x(&self, id: ValueId) -> String {
        if self.scope.is_joint {
            return format!("{}[..]", joint(id));
        }
        match self.is_looped() {
            true => self.variable(id),
            false => self.own(id),
        }
    }

    /// An operand with what it is filled up with.
    fn whole(&self, id: ValueId) -> String {
        format!("{}[..]", self.variable(id))
    }

    /// An operand as an array.
    fn array(&self, id: ValueId) -> String {
        match self.arena.slot(self.plan, id) {
            Some(_) => format!("*{}", self.variable(id)),
            None => self.x(id),
        }
    }

    /// All elements of a value.
    fn own(&self, id: ValueId) -> String {
        place::own_of(self.plan, self.arena, id, &self.variable(id))
    }

    fn variable(&self, id: ValueId) -> String {
        format!("{}{}", rows::variable(self.plan, id), self.scope.suffix)
    }

    /// Whether its kernel is called for each row.
    pub fn is_looped(&self) -> bool {
        let elements = self.plan.result(self.step).shape.elements(1);
        rows::length(self.plan, self.step) != elements
    }

    /// The line that makes room for what the kernel writes.
    fn start(&self) -> String {
        if self.scope.is_joint {
            let channels = self.plan.result(self.step).shape.channels();
            let (name, length) = (joint(self.step.result), 2 * filled(channels));
            return format!("let mut {name} = Twins::<{length}>::ZERO;");
        }
        match self.is_looped() {
            true => {
                let length = rows::length(self.plan, self.step);
                format!("let mut {} = [0{}; {length}];", self.name(), self.stored())
            }
            false => self.whole_start(),
        }
    }

    /// The line that makes room for all rows.
    pub fn whole_start(&self) -> String {
        let id = self.step.result;
        match self.arena.slot(self.plan, id) {
            Some(slot) => format!(
                "let {} = slot::start::<_, {}>(&mut slot{slot}[..]);",
                self.name(),
                self.plan.extent(id).length
            ),
            None => place::zeros(self.plan, id, self.scope.suffix),
        }
    }

    /// The Rust type of an element of the result, as it is stored.
    fn stored(&self) -> String {
        place::storage(self.plan, self.step.result)
    }

    /// What stores `from` as this step's result is stored: nothing where that is the same.
    fn cast(&self, from: &str) -> String {
        match self.stored() {
            ty if ty == from => String::new(),
            ty => format!(" as {ty}"),
        }
    }

    /// Element by element; what a layout fills up with stays zero.
    fn listed(&self, elements: &[String]) -> Vec<String> {
        let name = self.name();
        match self.plan.storage[self.id()] {
            Storage::Narrowest => vec![format!("let {name} = [{}];", elements.join(", "))],
            Storage::Pairs | Storage::Words => {
                let each = elements.iter().enumerate();
                let each = each.map(|(c, element)| format!("{name}[{c}] = {element};"));
                std::iter::once(self.start()).chain(each).collect()
            }
        }
    }

    /// The name of a constant of the program.
    fn bare(&self, id: ConstantId) -> String {
        names::constant(id.index(), &self.plan.program.constant(id).name)
    }

    /// The static that holds a constant of the program.
    fn constant(&self, id: ConstantId) -> String {
        format!("w::{}", self.bare(id))
    }

    fn lines(&self) -> Vec<String> {
        match &self.step.kernel {
            Kernel::Dense { .. } | Kernel::DenseRescale { .. } | Kernel::DenseStepwise { .. } => {
                dense::lines(self)
            }
            Kernel::Words { .. } | Kernel::WordsRescale { .. } | Kernel::Rescale { .. } => {
                rescale::lines(self)
            }
            Kernel::Relu { .. }
            | Kernel::Clip { .. }
            | Kernel::LeakyRelu { .. }
            | Kernel::Table { .. }
            | Kernel::Interpolate { .. }
            | Kernel::Exponent { .. }
            | Kernel::Mantissa { .. }
            | Kernel::Pair { .. }
            | Kernel::Divide { .. }
            | Kernel::Quotient { .. }
            | Kernel::SquareRoot { .. } => elementwise::lines(self),
            Kernel::Count
            | Kernel::ArgMax { .. }
            | Kernel::SquaredError { .. }
            | Kernel::SumSquares { .. }
            | Kernel::Largest { .. }
            | Kernel::TopK { .. }
            | Kernel::SumRows { .. }
            | Kernel::MatMul { .. }
            | Kernel::Trees { .. } => reduce::lines(self),
            Kernel::Grid { .. }
            | Kernel::Select { .. }
            | Kernel::Concat { .. }
            | Kernel::View { .. }
            | Kernel::Gather { .. }
            | Kernel::Take { .. } => moves::lines(self),
        }
    }
}

/// The variable of both rows of a value.
pub(super) fn joint(id: ValueId) -> String {
    format!("t{}", id.index())
}

/// The lines of a step that computes two rows together.
pub(super) fn call_joint(code: &mut Code, plan: &Plan<'_>, step: &Step) {
    let arena = &Arena::default();
    let writer = Writer {
        plan,
        step,
        scope: Scope::JOINT,
        arena,
    };
    code.line(format!("// {}", plan.result(step).name));
    code.lines(writer.lines());
}

/// The lines of one step.
pub(super) fn call(code: &mut Code, writer: &Writer<'_, '_>) {
    let Writer { plan, step, .. } = *writer;
    code.line(format!("// {}", plan.result(step).name));
    if !rows::is_alias(plan, step) {
        each::each(code, writer, writer.lines());
    }
    let (id, row) = (writer.id(), writer.scope.row);
    let result = writer.own(step.result);
    code.line(format!("observer.values({id}, {row}, &{result});"));
}
