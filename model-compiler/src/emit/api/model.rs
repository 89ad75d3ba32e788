//! The trait that boards drive.

use super::{Api, word_bytes};
use crate::emit::code::Code;
use crate::emit::program_hash;

impl Api<'_> {
    pub(super) fn model(&self, code: &mut Code) {
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
