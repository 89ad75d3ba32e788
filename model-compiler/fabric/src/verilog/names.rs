//! Names and numbers of Verilog.

use std::collections::HashSet;

use crate::circuit::{Circuit, Op, WireId};

/// Words that Verilog and SystemVerilog keep to themselves, and our own signals.
const RESERVED: &[&str] = &[
    "after",
    "alias",
    "always",
    "and",
    "assert",
    "assign",
    "assume",
    "before",
    "begin",
    "bind",
    "bins",
    "binsof",
    "bit",
    "break",
    "buf",
    "byte",
    "case",
    "casex",
    "casez",
    "cell",
    "chandle",
    "checker",
    "class",
    "clk",
    "clocking",
    "config",
    "constraint",
    "context",
    "continue",
    "count",
    "counts",
    "cover",
    "covergroup",
    "coverpoint",
    "cross",
    "deassign",
    "default",
    "defparam",
    "design",
    "disable",
    "dist",
    "do",
    "done",
    "dut",
    "edge",
    "else",
    "end",
    "endcase",
    "endfunction",
    "endgenerate",
    "endmodule",
    "endtask",
    "enum",
    "event",
    "expect",
    "export",
    "extends",
    "extern",
    "final",
    "first_match",
    "for",
    "force",
    "foreach",
    "forever",
    "fork",
    "forkjoin",
    "function",
    "generate",
    "genvar",
    "got",
    "highz0",
    "highz1",
    "if",
    "iff",
    "ifnone",
    "ignore_bins",
    "illegal_bins",
    "implements",
    "implies",
    "import",
    "in_last",
    "in_slot",
    "in_tag",
    "in_valid",
    "incdir",
    "include",
    "initial",
    "inout",
    "input",
    "inside",
    "instance",
    "int",
    "integer",
    "interface",
    "intersect",
    "join",
    "kept",
    "kept_before",
    "large",
    "let",
    "liblist",
    "library",
    "local",
    "logic",
    "longint",
    "macromodule",
    "matches",
    "medium",
    "modport",
    "module",
    "nand",
    "negedge",
    "nettype",
    "new",
    "nmos",
    "nor",
    "noshowcancelled",
    "not",
    "notif0",
    "notif1",
    "null",
    "or",
    "out_over",
    "out_tag",
    "out_valid",
    "output",
    "over",
    "over_later",
    "package",
    "packed",
    "parameter",
    "pmos",
    "posedge",
    "primitive",
    "priority",
    "program",
    "property",
    "protected",
    "pull0",
    "pull1",
    "pulldown",
    "pullup",
    "pure",
    "rand",
    "randc",
    "randcase",
    "randsequence",
    "rcmos",
    "real",
    "ref",
    "reg",
    "release",
    "repeat",
    "restrict",
    "return",
    "rnmos",
    "rpmos",
    "rst",
    "rtran",
    "s_always",
    "scalared",
    "sequence",
    "shortint",
    "shortreal",
    "showcancelled",
    "signed",
    "small",
    "solve",
    "specify",
    "specparam",
    "static",
    "string",
    "strong",
    "strong0",
    "strong1",
    "struct",
    "super",
    "supply0",
    "supply1",
    "sync_accept_on",
    "table",
    "tag",
    "tagged",
    "tags",
    "task",
    "this",
    "throughout",
    "time",
    "timeprecision",
    "timeunit",
    "tran",
    "tri",
    "triand",
    "trior",
    "trireg",
    "type",
    "typedef",
    "typename",
    "union",
    "unique",
    "unsigned",
    "until",
    "untyped",
    "use",
    "var",
    "vectored",
    "virtual",
    "void",
    "wait",
    "wait_order",
    "wand",
    "wanted",
    "weak0",
    "weak1",
    "while",
    "wildcard",
    "wire",
    "with",
    "within",
    "wor",
    "words",
    "xnor",
    "xor",
];

/// Names that are given once.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A free name like `text`: letters, digits and underscores.
    pub fn take(&mut self, text: &str) -> String {
        let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut name: String = text.chars().map(word).collect();
        // Names of registers and controls are made with such ends.
        let end = name.rsplit('_').next().unwrap_or_default();
        let numbered = end.trim_end_matches(|c: char| c.is_ascii_digit());
        let made = numbered != end && matches!(numbered, "d" | "r" | "s");
        if made || matches!(end, "sum" | "most" | "before" | "reg" | "table") {
            name.push_str("_x");
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name = format!("v_{name}");
        }
        if RESERVED.contains(&name.as_str()) {
            name.push('_');
        }
        let bare = name.clone();
        let mut number = 2;
        while !self.0.insert(name.to_ascii_lowercase()) {
            name = format!("{bare}_{number}");
            number += 1;
        }
        name
    }
}

/// The name of each wire; constants have none.
pub(super) fn wires(circuit: &Circuit, names: &mut Names) -> Vec<String> {
    let of = |(index, wire): (usize, &crate::circuit::Wire)| match (&wire.op, wire.label) {
        (Op::Constant(_), _) => String::new(),
        (Op::Word { input, channel }, _) => {
            names.take(&format!("{}_w{channel}", circuit.inputs[*input].name))
        }
        (Op::Count, _) => names.take("constituents"),
        (_, Some((value, element))) => {
            names.take(&format!("{}_{element}", circuit.values[value as usize]))
        }
        // `_` behind the number keeps it apart from whatever a value is called.
        _ => names.take(&format!("n{index}")),
    };
    circuit.wires.iter().enumerate().map(of).collect()
}

/// A number without a sign, in so many bits.
pub(super) fn plain(value: i128, width: u32) -> String {
    format!("{width}'d{value}")
}

/// A number with a sign; the literal has a bit more than the number, so that its negation is right.
pub(super) fn signed(value: i128) -> String {
    let bits = 129 - value.unsigned_abs().leading_zeros();
    match value < 0 {
        true => format!("-{bits}'sd{}", value.unsigned_abs()),
        false => format!("{bits}'sd{value}"),
    }
}

/// Bits that a number without a sign has.
pub(super) fn bits(value: i128) -> u32 {
    (128 - value.max(0).leading_zeros()).max(1)
}

/// `[7:0] `, or nothing for a single bit.
pub(super) fn span(width: u32) -> String {
    match width {
        1 => String::new(),
        _ => format!("[{}:0] ", width - 1),
    }
}

/// The type of a wire: `signed [7:0] `.
pub(super) fn ty(circuit: &Circuit, id: WireId) -> String {
    let wire = circuit.wire(id);
    let signed = if wire.is_signed() { "signed " } else { "" };
    format!("{signed}{}", span(wire.width()))
}
