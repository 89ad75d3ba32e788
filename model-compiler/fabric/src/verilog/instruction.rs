//! The network behind a core's port for instructions of its own: bytes of a payload in, raws out.
//!
//! A core hands over words of memory as they lie there, aligned; where the payload begins within the first one is told. What follows
//! takes the bytes apart: words of the event once, rows of constituents one after the other, each word clamped to its port's type.

use std::fmt::Write as _;

use hodoscope_program::IntType;

use super::names::{bits as bits_of, plain, span};
use super::{Design, TAG_BITS};
use crate::circuit::Inlet;

/// The module's name, and that of its file without `.v`.
pub const INSTRUCTION: &str = "instruction";

/// Bytes that one instruction takes.
const CHUNK: u32 = 8;

/// Bits of a word as a payload holds it.
fn stored(inlet: &Inlet) -> u32 {
    let element = IntType {
        signed: inlet.is_signed,
        width: inlet.width,
    };
    element.storage().width.into()
}

impl Design<'_> {
    /// The module around the network: the instructions are those of [`HEAD`].
    pub(super) fn instruction(&self, program: &str) -> String {
        let (event, row) = (self.payload_bytes(false), self.payload_bytes(true));
        let mut text = HEAD
            .replace("{name}", &self.circuit.name)
            .replace("{event}", &event.to_string())
            .replace("{row}", &row.to_string())
            .replace("{program}", program.get(..8).unwrap_or_default());
        if event > 0 {
            self.event_words(event, &mut text);
        }
        if row > 0 {
            self.rows(row, &mut text);
        } else {
            text.push_str("    wire crowded = 1'b0;\n");
        }
        self.network(&mut text);
        text
    }

    /// Bytes of the payload's part of an event, or of each constituent.
    fn payload_bytes(&self, of_set: bool) -> u32 {
        let own = self.circuit.inputs.iter().filter(|i| i.of_set == of_set);
        own.map(|i| i.channels as u32 * stored(i) / 8).sum()
    }

    /// Collects the words of the event.
    fn event_words(&self, bytes: u32, text: &mut String) {
        let chunks = bytes.div_ceil(CHUNK);
        let bits = chunks * CHUNK * 8;
        let width = bits_of(chunks.into());
        let next = match bits {
            64 => "chunk".to_owned(),
            _ => format!("{{chunk, event_bytes[{}:64]}}", bits - 1),
        };
        let _ = writeln!(
            text,
            "\n    // Words of the event\n    reg {}event_bytes;\n    reg {}missing;\n    wire event_takes = takes & ~of_rows & (missing != {zero});\n    always @(posedge clk) begin\n        missing <= begins ? {} : missing - {{{zero_more}event_takes}};\n        if (event_takes) event_bytes <= {next};\n    end",
            span(bits),
            span(width),
            plain(chunks.into(), width),
            zero = plain(0, width),
            zero_more = match width {
                1 => String::new(),
                _ => format!("{}, ", plain(0, width - 1)),
            },
        );
        self.ports(false, "event_bytes", text);
    }

    /// Cuts the bytes of constituents into rows, one each clock.
    fn rows(&self, bytes: u32, text: &mut String) {
        // Bytes are counted by what divides rows and chunks.
        let unit = (1..=CHUNK)
            .rev()
            .find(|n| bytes.is_multiple_of(*n) && CHUNK.is_multiple_of(*n))
            .unwrap_or(1);
        let (row, chunk) = (bytes / unit, CHUNK / unit);
        // A row that is not complete, and what completes it.
        let held = bytes + CHUNK - unit;
        let bits = 32 - (row + chunk).leading_zeros();
        let next = match held {
            CHUNK => "chunk".to_owned(),
            _ => format!("{{chunk, row_bytes[{}:64]}}", 8 * held - 1),
        };
        let mut cases = String::new();
        for have in row..row + chunk {
            let low = 8 * (held - have * unit);
            let _ = writeln!(
                cases,
                "            {}: row = row_bytes[{}:{low}];",
                plain(have.into(), bits),
                low + 8 * bytes - 1,
            );
        }
        *text += &ROWS
            .replace("{held}", &span(8 * held))
            .replace("{width}", &span(8 * bytes))
            .replace("{count}", &span(bits))
            .replace("{zero}", &plain(0, bits))
            .replace("{row}", &plain(row.into(), bits))
            .replace("{chunk}", &plain(chunk.into(), bits))
            .replace("{next}", &next)
            .replace("{top}", &(8 * bytes - 1).to_string())
            .replace("{cases}", &cases);
        self.ports(true, "row", text);
    }

    /// The words of ports, each clamped from its place in `bytes` to the port's type, in registers.
    fn ports(&self, of_set: bool, bytes: &str, text: &mut String) {
        let mut low = 0;
        let mut clocked = String::new();
        for (index, inlet) in self.circuit.inputs.iter().enumerate() {
            if inlet.of_set != of_set {
                continue;
            }
            let (stored, width) = (stored(inlet), u32::from(inlet.width));
            let total = inlet.channels as u32 * width;
            let _ = writeln!(
                text,
                "    reg {}port_{index}; // {}",
                span(total),
                self.inputs[index]
            );
            for channel in 0..inlet.channels as u32 {
                let name = format!("port_{index}_{channel}");
                let _ = writeln!(
                    text,
                    "    wire {}{name} = {bytes}[{}:{low}];",
                    span(stored),
                    low + stored - 1
                );
                let port = match total {
                    1 => format!("port_{index}"),
                    _ => format!(
                        "port_{index}[{}:{}]",
                        (channel + 1) * width - 1,
                        channel * width
                    ),
                };
                let clamped = clamped(&name, stored, width, inlet.is_signed);
                let _ = writeln!(clocked, "        {port} <= {clamped};");
                low += stored;
            }
        }
        let _ = writeln!(text, "    always @(posedge clk) begin\n{clocked}    end");
    }

    /// The network itself, and its raws as words of 32 bits.
    fn network(&self, text: &mut String) {
        let circuit = self.circuit;
        let (valid, set) = match circuit.stream {
            Some(_) => (
                "row_valid | ends",
                ",\n        .in_last(ends),\n        .in_slot(row_valid)",
            ),
            None => ("ends", ""),
        };
        let mut connections = String::new();
        for (index, name) in self.inputs.iter().enumerate() {
            connections += &format!(",\n        .{name}(port_{index})");
        }
        let mut words = Vec::new();
        let is_wide = circuit.outputs.iter().any(|output| {
            let element = IntType {
                signed: output.is_signed,
                width: output.width,
            };
            element.storage().width > 32
        });
        let bits = if is_wide { 64 } else { 32 };
        let (mut low, mut wires) = (0, String::new());
        for (output, name) in circuit.outputs.iter().zip(&self.outputs) {
            let width = u32::from(output.width);
            let total = output.wires.len() as u32 * width;
            connections += &format!(",\n        .{name}(raws[{}:{low}])", low + total - 1);
            for _ in &output.wires {
                let high = low + width - 1;
                let above = bits - width;
                let sign = match output.is_signed {
                    true => format!("answer[{high}]"),
                    false => "1'b0".to_owned(),
                };
                words.push(match above {
                    0 => format!("answer[{high}:{low}]"),
                    _ => format!("{{{above}{{{sign}}}}}, answer[{high}:{low}]"),
                });
                low += width;
            }
        }
        if self.marks() {
            connections += ",\n        .out_over(over)";
            wires.push_str("    wire over;\n");
        } else {
            wires.push_str("    wire over = 1'b0;\n");
        }
        words.reverse();
        let all = words.len() as u32 * bits;
        *text += &NETWORK
            .replace("{top}", &self.top)
            .replace("{wires}", &wires)
            .replace("{valid}", valid)
            .replace("{set}", set)
            .replace("{connections}", &connections)
            .replace("{tag}", &plain(0, TAG_BITS))
            .replace("{raws}", &format!("[{}:0] ", low - 1))
            .replace("{all}", &span(all))
            .replace("{words}", &words.join(",\n        "));
    }
}

/// A word of `stored` bits with a sign, clamped to a type.
fn clamped(word: &str, stored: u32, width: u32, is_signed: bool) -> String {
    let sign = format!("{word}[{}]", stored - 1);
    let own = match width {
        1 => format!("{word}[0]"),
        _ => format!("{word}[{}:0]", width - 1),
    };
    if is_signed && stored == width {
        return word.to_owned();
    }
    if is_signed {
        let above = format!("{word}[{}:{}]", stored - 1, width - 1);
        let low = match width {
            1 => sign.clone(),
            _ => format!("{{{sign}, {{{}{{~{sign}}}}}}}", width - 1),
        };
        return format!("(&{above} | ~|{above}) ? {own} : {low}");
    }
    // An unsigned type is stored with a sign bit at least.
    match stored - 1 - width {
        0 => format!("{{{width}{{~{sign}}}}} & {own}"),
        _ => format!(
            "{{{width}{{~{sign}}}}} & ({own} | {{{width}{{|{word}[{}:{width}]}}}})",
            stored - 2
        ),
    }
}

const HEAD: &str = "// {name} as an instruction of a core: what is behind its port. A payload has {event} bytes of the event and {row} of each constituent.
//
// An instruction takes two operands, and its lowest three bits of function say what it does:
//   0  bytes of the event begin: the first operand is the word of memory with the first of them, behind as many others as the second says
//   1  bytes of constituents begin, likewise; the second operand is 4 * constituents and those others
//   2  eight bytes more, those of the first operand first. One is given at least, and what is behind the last byte does not matter
//   3  the event ends: 1 where more constituents were live than are computed, and the raws are no answer, else 0
//   4  a word of the raws: the first operand says which. Each raw is one word, or two, the low one first, where some raw does not
//      fit 32 bits with a sign
//   7  the first 32 bits of the program's hash
module instruction (
    input  wire        clk,
    input  wire        reset,
    input  wire        cmd_valid,
    output wire        cmd_ready,
    input  wire [2:0]  cmd_function,
    input  wire [31:0] cmd_a,
    input  wire [31:0] cmd_b,
    output reg         rsp_valid,
    input  wire        rsp_ready,
    output reg  [31:0] rsp_data
);
    localparam [31:0] PROGRAM = 32'h{program};

    wire accept = cmd_valid & cmd_ready;
    wire begins = accept & (cmd_function[2:1] == 2'd0);
    wire takes = accept & (cmd_function == 3'd2);
    reg of_rows;

    // Eight bytes from where the payload begins within a word
    reg [31:0] carry;
    reg [1:0] skip;
    reg [63:0] chunk;
    always @(posedge clk) begin
        if (begins) of_rows <= cmd_function[0];
        if (begins) skip <= cmd_b[1:0];
        if (begins) carry <= cmd_a;
        if (takes) carry <= cmd_b;
    end
    always @* begin
        case (skip)
            2'd0: chunk = {cmd_a, carry};
            2'd1: chunk = {cmd_b[7:0], cmd_a, carry[31:8]};
            2'd2: chunk = {cmd_b[15:0], cmd_a, carry[31:16]};
            default: chunk = {cmd_b[23:0], cmd_a, carry[31:24]};
        endcase
    end
";

const ROWS: &str = "
    // Constituents
    reg {held}row_bytes;
    reg {count}have;
    reg [29:0] left;
    reg row_valid;
    wire full = (have >= {row}) & (left != 30'd0);
    wire {count}kept = full ? have - {row} : have;
    wire [29:0] left_then = left - {29'd0, full};
    wire crowded = (kept >= {row}) & (left_then != 30'd0);
    always @(posedge clk) begin
        row_valid <= ~reset & full;
        left <= reset ? 30'd0 : begins ? (cmd_function[0] ? cmd_b[31:2] : 30'd0) : left_then;
        have <= (begins | (left_then == 30'd0)) ? {zero} : (takes & of_rows) ? kept + {chunk} : kept;
        if (takes & of_rows) row_bytes <= {next};
    end
    reg {width}row;
    always @* begin
        case (have)
{cases}            default: row = row_bytes[{top}:0];
        endcase
    end
";

const NETWORK: &str = "
    // The network
    wire {raws}raws;
{wires}    wire out_valid;
    reg ending, ends;
    {top} network (
        .clk(clk),
        .rst(reset),
        .in_valid({valid}),
        .in_tag({tag}),
        .out_valid(out_valid),
        .out_tag(){set}{connections}
    );

    // Answers: one at a time, and none of the event before its raws are there
    reg waits;
    reg {raws}answer;
    wire {all}words = {
        {words}
    };
    assign cmd_ready = (~rsp_valid | rsp_ready) & ~waits & ~crowded;
    wire ended = accept & (cmd_function == 3'd3);
    wire {all}word = words >> {cmd_a[26:0], 5'd0};
    always @(posedge clk) begin
        ending <= ~reset & ended;
        ends <= ~reset & ending;
        waits <= ~reset & (ended | (waits & ~out_valid));
        if (out_valid) answer <= raws;
        rsp_valid <= ~reset & ((accept & ~ended) | (waits & out_valid) | (rsp_valid & ~rsp_ready));
        if (accept) rsp_data <= (cmd_function == 3'd4) ? word[31:0] : PROGRAM;
        if (waits & out_valid) rsp_data <= {31'd0, over};
    end
endmodule
";
