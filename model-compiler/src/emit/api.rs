//! `lib.rs`: the model's own API, and the trait that boards drive.

use hodoscope_program::{
    Field, FieldOverflow, Input, Live, Operation, Output, Program, Scale, Set, WordRef,
};

use super::code::Code;
use super::decide::Deciding;
use super::{KERNELS_VERSION, names, program_hash};
use crate::plan::{Decision, Isa, storage_bits};

/// Fields of an input that are documented one by one.
const DOCUMENTED_FIELDS: usize = 8;

/// `decision` is that on the first output, where it can be one; `is_apart` says that plans compute no more for it than it takes.
pub(super) fn library(
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

    /// The struct of the fixed inputs, or of one constituent's words.
    fn words(&self, code: &mut Code, of_set: bool) {
        let (ty, doc) = match (of_set, self.set.is_some()) {
            (true, _) => ("Constituent", "One constituent's words."),
            (false, true) => (
                "Header",
                "The words of an event that belong to no constituent.",
            ),
            (false, false) => ("Event", "One event's words."),
        };
        if self.inputs(of_set).next().is_none() {
            return;
        }
        code.line(format!("/// {doc}"));
        code.line("#[derive(Clone, Copy, Debug, PartialEq, Eq)]");
        code.line(format!("pub struct {ty} {{"));
        for (input, field) in self.inputs(of_set) {
            code.line(format!("/// `{}`: [{}].", input.name, described(input)));
            code.line(format!(
                "pub {field}: [{}; {}],",
                storage(input),
                input.channels
            ));
        }
        code.line("}").gap();
    }

    fn liveness(&self, code: &mut Code) {
        let Some(set) = self.set else { return };
        let field = |word: WordRef| self.program.input(word.input).field(word.channel);
        // A threshold or an empty code outside of the field's range decides for every word.
        let condition = match set.live {
            Live::Above { word, threshold } if threshold >= field(word).maximum => "false".into(),
            Live::Above { word, threshold } if threshold >= field(word).minimum => {
                format!("{} > {threshold}", self.word(word))
            }
            Live::NotEqual { word, empty }
                if (field(word).minimum..=field(word).maximum).contains(&empty) =>
            {
                format!("{} != {empty}", self.word(word))
            }
            Live::NotEmpty { input } => self.not_empty(input),
            Live::Always | Live::Above { .. } | Live::NotEqual { .. } => "true".into(),
        };
        let hardness = set.order.map_or("0".into(), |word| self.word(word));
        code.line("impl Constituent {");
        code.line("/// Whether the slot holds a constituent.");
        code.line("#[inline]");
        code.line("pub fn is_live(&self) -> bool {");
        code.line(condition);
        code.line("}").gap();
        code.line("/// By what the hardest are kept when more than the capacity arrive.");
        code.line("#[inline]");
        code.line("pub fn hardness(&self) -> i32 {");
        code.line(hardness);
        code.line("}").gap();
        code.line("#[inline]");
        code.line("fn read(mut bytes: &[u8]) -> Self {");
        let fields: Vec<String> = self
            .inputs(true)
            .map(|(_, field)| format!("{field}: payload::take(&mut bytes)"))
            .collect();
        code.line(format!("Self {{ {} }}", fields.join(", ")));
        code.line("}");
        code.line("}").gap();
    }

    /// Whether some word of an input is not its empty code: every word is looked at, whatever the others are.
    fn not_empty(&self, input: hodoscope_program::InputId) -> String {
        let words = (0..self.program.input(input).channels).map(|channel| {
            let empty = self.program.input(input).field(channel).empty;
            format!("{} != {empty}", self.word(WordRef { input, channel }))
        });
        match &words.collect::<Vec<_>>()[..] {
            [only] => only.clone(),
            several => format!("({})", several.join(") | (")),
        }
    }

    /// A constituent's word as an i32, clamped like any other.
    fn word(&self, word: WordRef) -> String {
        let input = self.program.input(word.input);
        let field = input.field(word.channel);
        let name = &self.fields[word.input.index()];
        let own = format!("self.{name}[{}]", word.channel);
        let wide = match storage(input).as_str() {
            "i32" => own,
            _ => format!("i32::from({own})"),
        };
        format!(
            "hodoscope_kernels::order::within({wide}, {}, {})",
            field.minimum, field.maximum
        )
    }

    fn output_type(&self, code: &mut Code) {
        code.line("/// Raw outputs.");
        code.line("#[derive(Clone, Copy, Debug, PartialEq, Eq)]");
        code.line("pub struct Outputs {");
        for (output, field) in self.program.outputs.iter().zip(self.outputs) {
            let value = self.program.value(output.value);
            let meaning = match &value.scale {
                Scale::Pow2(frac) => format!("one count is 2^{}", -frac),
                scale => format!("one count is {:e}", scale.lsb(0)),
            };
            code.line(format!("/// `{}`: {meaning}.", output.name));
            code.line(format!("pub {field}: {},", names::array(value)));
        }
        code.line("}").gap();
        code.line("impl Outputs {");
        let total: usize = self.lengths().sum();
        code.line("/// All raws, one output after the other.");
        code.line(format!("pub fn raws(&self) -> [i64; {total}] {{"));
        let mut raws = Vec::new();
        for (output, field) in self.program.outputs.iter().zip(self.outputs) {
            let value = self.program.value(output.value);
            let into = match storage_bits(value.element) {
                64 => "",
                _ => ".into()",
            };
            let channels = 0..value.shape.channels();
            raws.extend(channels.map(|c| format!("self.{field}[{c}]{into}")));
        }
        code.line(format!("[{}]", raws.join(", ")));
        code.line("}");
        for (output, field, bits, frac) in self.outputs_in_fixed() {
            let length = self.program.value(output.value).shape.channels();
            let ty = format!("fixed::FixedI{bits}<fixed::types::extra::U{frac}>");
            code.gap();
            code.line(format!("/// `{}` as a fixed-point number.", output.name));
            // Methods that `Outputs` has already.
            let taken = ["clone", "eq", "fmt", "ne", "raws"].contains(&field.as_str());
            let suffix = if taken { "_fixed" } else { "" };
            if length == 1 {
                code.line(format!("pub fn {field}{suffix}(&self) -> {ty} {{"));
                code.line(format!("fixed::FixedI{bits}::from_bits(self.{field}[0])"));
            } else {
                code.line(format!(
                    "pub fn {field}{suffix}(&self) -> [{ty}; {length}] {{"
                ));
                code.line(format!("self.{field}.map(fixed::FixedI{bits}::from_bits)"));
            }
            code.line("}");
        }
        code.line("}").gap();
        code.line("impl Raws for Outputs {");
        code.line("#[inline]");
        code.line("fn get(&self, index: usize) -> Option<i64> {");
        code.line("match index {");
        let mut start = 0;
        for ((output, field), length) in self.outputs().zip(self.lengths()) {
            let bits = storage_bits(self.program.value(output.value).element);
            let into = if bits == 64 { "" } else { ".into()" };
            let end = start + length;
            code.line(match (length, start) {
                (1, _) => format!("{start} => Some(self.{field}[0]{into}),"),
                (_, 0) => format!("0..{end} => Some(self.{field}[index]{into}),"),
                _ => format!("{start}..{end} => Some(self.{field}[index - {start}]{into}),"),
            });
            start = end;
        }
        code.line("_ => None,");
        code.line("}");
        code.line("}");
        code.line("}").gap();
    }

    fn outputs(&self) -> impl Iterator<Item = (&Output, &String)> {
        self.program.outputs.iter().zip(self.outputs)
    }

    /// Outputs that a fixed-point type expresses: name, field, bits, fraction bits.
    fn outputs_in_fixed(&self) -> impl Iterator<Item = (&Output, &String, u8, i32)> {
        let outputs = self.program.outputs.iter().zip(self.outputs);
        outputs.filter_map(|(output, field)| {
            let value = self.program.value(output.value);
            let bits = storage_bits(value.element);
            match value.scale {
                Scale::Pow2(frac) if (0..=i32::from(bits)).contains(&frac) => {
                    Some((output, field, bits, frac))
                }
                _ => None,
            }
        })
    }

    fn lengths(&self) -> impl Iterator<Item = usize> {
        let outputs = self.program.outputs.iter();
        outputs.map(|output| self.program.value(output.value).shape.channels())
    }

    fn tagger(&self, code: &mut Code) {
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

    fn model(&self, code: &mut Code) {
        let program = self.program;
        let bytes = |of_set| -> usize {
            self.inputs(of_set)
                .map(|(input, _)| input.channels * word_bytes(input))
                .sum()
        };
        let hash: Vec<String> = program_hash(program)
            .iter()
            .map(|b| format!("0x{b:02x}"))
            .collect();
        code.line(format!("impl<P: Plan> Model for {}<P> {{", self.ty));
        code.line(format!("const NAME: &'static str = {:?};", program.name));
        code.line("const PROGRAM: [u8; 32] = [");
        for line in hash.chunks(16) {
            code.line(format!("{},", line.join(", ")));
        }
        code.line("];");
        let capacity = if self.set.is_some() { "CAPACITY" } else { "0" };
        code.line(format!("const CAPACITY: usize = {capacity};"));
        code.line("const INPUTS: &'static [InputInfo] = &[");
        for input in &program.inputs {
            code.line(format!(
                "InputInfo {{ name: {:?}, words: {}, bytes: {}, set: {} }},",
                input.name,
                input.channels,
                word_bytes(input),
                input.set.is_some()
            ));
        }
        code.line("];");
        code.line("const OUTPUTS: &'static [OutputInfo] = &[");
        for (output, len) in program.outputs.iter().zip(self.lengths()) {
            code.line(format!(
                "OutputInfo {{ name: {:?}, len: {len} }},",
                output.name
            ));
        }
        code.line("];");
        code.line("type Raws = Outputs;").gap();
        code.line("fn infer<O: Observer>(payload: &[u8], observer: &mut O) -> Result<Self::Raws, EventError> {");
        let row = bytes(true);
        let head = if self.has_fixed() { "mut head" } else { "_" };
        let rows = if self.set.is_some() { "rows" } else { "_" };
        code.line(format!(
            "let ({head}, {rows}) = payload::split(payload, {}, {row})?;",
            bytes(false)
        ));
        if self.has_fixed() {
            let fields: Vec<String> = self
                .inputs(false)
                .map(|(_, field)| format!("{field}: payload::take(&mut head)"))
                .collect();
            code.line(format!(
                "let words = {} {{ {} }};",
                self.fixed_type(),
                fields.join(", ")
            ));
        }
        if self.set.is_some() {
            code.line("let mut held = Hardest::<Constituent, CAPACITY>::new();");
            code.line(format!("for row in rows.chunks_exact({row}) {{"));
            code.line("let constituent = Constituent::read(row);");
            code.line("if constituent.is_live() {");
            code.line("held.push(constituent, constituent.hardness());");
            code.line("}");
            code.line("}");
            let words = if self.has_fixed() { "&words, " } else { "" };
            code.line(format!("Ok(Self::compute({words}held.iter(), observer))"));
        } else {
            code.line("Ok(P::event(&words, observer))");
        }
        code.line("}");
        code.line("}");
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
