//! The types of an event's words, and which constituents are live.

use hodoscope_program::{Live, WordRef};

use super::{Api, described, storage};
use crate::emit::code::Code;

impl Api<'_> {
    /// The struct of the fixed inputs, or of one constituent's words.
    pub(super) fn words(&self, code: &mut Code, of_set: bool) {
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

    pub(super) fn liveness(&self, code: &mut Code) {
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
    pub(super) fn not_empty(&self, input: hodoscope_program::InputId) -> String {
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
    pub(super) fn word(&self, word: WordRef) -> String {
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
}
