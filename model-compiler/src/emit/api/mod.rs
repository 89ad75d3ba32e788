//! `lib.rs`: the model's own API, and the trait that boards drive.

mod model;
mod outputs;
mod tagger;
mod words;

use hodoscope_program::{Field, FieldOverflow, Input, Output, Program, Set};

use super::code::Code;
use super::decide::Deciding;
use super::{KERNELS_VERSION, names};
use crate::plan::{Decision, Isa, storage_bits};

/// Fields of an input that are documented one by one.
const DOCUMENTED_FIELDS: usize = 8;

/// `decision` is that on the first output, where it can be one; `is_apart` says that plans compute no more for it than it takes.
pub(in crate::emit) fn library(
    program: &Program,
    has_adders: bool,
    decision: Option<&Decision>,
    is_apart: bool,
) -> String {
    let outputs = names::fields(program.outputs.iter().map(|o| o.name.as_str()));
    let deciding = decision.zip(program.outputs.first()).zip(outputs.first());
    let deciding = deciding.map(|((decision, output), field)| Deciding {
        decision,
        output: program.value(output.value),
        names: (&output.name, field),
        value: program.value(decision.value),
        is_apart,
    });
    let api = Api {
        program,
        ty: names::type_name(program),
        set: program.sets.first(),
        fields: names::fields(program.inputs.iter().map(|i| i.name.as_str())),
        outputs: &outputs,
        deciding,
    };
    let mut code = Code::new();
    api.header(&mut code, has_adders);
    api.words(&mut code, false);
    if api.set.is_some() {
        api.words(&mut code, true);
        api.liveness(&mut code);
    }
    api.output_type(&mut code);
    if let Some(deciding) = &api.deciding {
        deciding.threshold(&mut code);
    }
    api.tagger(&mut code);
    api.model(&mut code);
    if let Some(deciding) = &api.deciding {
        deciding.steps(&mut code);
    }
    code.finish()
}

struct Api<'a> {
    program: &'a Program,
    ty: String,
    set: Option<&'a Set>,
    /// Field names of the inputs.
    fields: Vec<String>,
    /// Field names of the outputs.
    outputs: &'a [String],
    /// The decision on the first output.
    deciding: Option<Deciding<'a>>,
}

impl Api<'_> {
    fn header(&self, code: &mut Code, has_adders: bool) {
        let program = self.program;
        code.line(format!(
            "//! The tagger `{}`, compiled by Hodoscope {KERNELS_VERSION}.",
            program.name
        ));
        code.line("//!");
        code.line(
            "//! Detector words in, raw outputs out: exact integers, the same on every target.",
        );
        code.line("#![no_std]");
        code.line("#![forbid(unsafe_code)]").gap();
        if has_adders {
            code.line("mod adders;");
        }
        code.line("mod compute;");
        code.line("mod weights;").gap();
        code.line("use core::marker::PhantomData;").gap();
        code.line("use compute::Plan;");
        let deciding = self.deciding.as_ref();
        if deciding.is_some_and(|deciding| !deciding.decision.steps.is_empty()) {
            code.line("use hodoscope_kernels::decide;");
        }
        if self.outputs_in_fixed().next().is_some() {
            code.line("use hodoscope_kernels::fixed;");
        }
        code.line(
            "use hodoscope_kernels::model::{EventError, InputInfo, Model, Observer, OutputInfo, Raws};",
        );
        code.line("use hodoscope_kernels::payload;");
        let plans: Vec<&str> = Isa::ALL.iter().map(|isa| isa.type_name()).collect();
        code.line(format!(
            "pub use hodoscope_kernels::plans::{{{}, Target}};",
            plans.join(", ")
        ));
        if self.set.is_some() {
            code.line("use hodoscope_kernels::set::{Hardest, Pushed};");
        }
        code.gap();
        if let Some(set) = self.set {
            code.line(match set.order {
                Some(_) => {
                    "/// Largest multiplicity that is computed: of more, the hardest are kept."
                }
                None => "/// Largest multiplicity that is computed: of more, the first are kept.",
            });
            code.line(format!("pub const CAPACITY: usize = {};", set.capacity))
                .gap();
        }
        code.line(
            "/// The tagger as planned for the core that it is built for: what a board runs.",
        );
        code.line(format!("pub type Deployed = {}<Target>;", self.ty))
            .gap();
    }

    fn inputs(&self, of_set: bool) -> impl Iterator<Item = (&Input, &String)> {
        let inputs = self.program.inputs.iter().zip(&self.fields);
        inputs.filter(move |(input, _)| input.set.is_some() == of_set)
    }

    fn has_fixed(&self) -> bool {
        self.inputs(false).next().is_some()
    }

    /// Type of the fixed inputs.
    fn fixed_type(&self) -> &'static str {
        if self.set.is_some() {
            "Header"
        } else {
            "Event"
        }
    }

    fn outputs(&self) -> impl Iterator<Item = (&Output, &String)> {
        self.program.outputs.iter().zip(self.outputs)
    }

    fn lengths(&self) -> impl Iterator<Item = usize> {
        let outputs = self.program.outputs.iter();
        outputs.map(|output| self.program.value(output.value).shape.channels())
    }
}

fn storage(input: &Input) -> String {
    format!("i{}", storage_bits(input.element()))
}

fn word_bytes(input: &Input) -> usize {
    usize::from(storage_bits(input.element())) / 8
}

/// The fields of an input, for its documentation.
fn described(input: &Input) -> String {
    let one = |field: &Field| {
        let unit = if field.unit.is_empty() {
            "1"
        } else {
            &field.unit
        };
        let wraps = match field.overflow {
            FieldOverflow::Saturate => "",
            FieldOverflow::Wrap => ", periodic",
        };
        let zero = match field.zero_point() {
            0 => String::new(),
            zero => format!(" from {zero}"),
        };
        format!(
            "{} of {:?} {unit}{zero}, {} to {}{wraps}",
            field.name, field.lsb, field.minimum, field.maximum
        )
    };
    let mut fields: Vec<String> = input
        .fields
        .iter()
        .take(DOCUMENTED_FIELDS)
        .map(one)
        .collect();
    if input.fields.len() > DOCUMENTED_FIELDS {
        fields.push("…".into());
    }
    if input.fields.len() < input.channels {
        fields.push("and so on".into());
    }
    fields.join("; ")
}
