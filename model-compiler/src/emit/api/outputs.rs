//! The type of the raw outputs.

use hodoscope_program::{Output, Scale};

use super::Api;
use crate::emit::code::Code;
use crate::emit::names;
use crate::plan::storage_bits;

impl Api<'_> {
    pub(super) fn output_type(&self, code: &mut Code) {
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

    /// Outputs that a fixed-point type expresses: name, field, bits, fraction bits.
    pub(super) fn outputs_in_fixed(&self) -> impl Iterator<Item = (&Output, &String, u8, i32)> {
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
}
