//! A testbench that reads what goes in each clock and what has to come out.

use super::names::span;
use super::{Design, TAG_BITS};

impl Design<'_> {
    pub(super) fn testbench(&self) -> String {
        let (words, answer) = (self.words_bits(), self.answer_bits());
        let mut low = 0;
        let mut connections = String::new();
        for (input, name) in self.circuit.inputs.iter().zip(&self.inputs) {
            let width = input.channels as u32 * u32::from(input.width);
            connections += &format!(",\n        .{name}(words[{}:{low}])", low + width - 1);
            low += width;
        }
        if self.circuit.stream.is_some() {
            connections += ",\n        .in_last(last),\n        .in_slot(slot)";
        }
        let mut low = 0;
        for (output, name) in self.circuit.outputs.iter().zip(&self.outputs) {
            let width = output.wires.len() as u32 * u32::from(output.width);
            connections += &format!(",\n        .{name}(got[{}:{low}])", low + width - 1);
            low += width;
        }
        if self.marks() {
            connections += &format!(",\n        .out_over(got[{low}])");
        }
        let mark = |of: &str| match self.marks() {
            true => format!("{of}[{low}]"),
            false => "1'b0".to_owned(),
        };
        TEMPLATE
            .replace("{top}", &self.top)
            .replace("{connections}", &connections)
            .replace("{latency}", &self.schedule.latency.to_string())
            .replace("{words}", &format!("[{}:0] ", words - 1))
            .replace("{answer}", &format!("[{}:0] ", answer - 1))
            .replace("{marked}", &mark("wanted"))
            .replace("{mark}", &mark("got"))
            .replace("{tag}", &span(TAG_BITS))
    }
}

const TEMPLATE: &str = r#"// Reads a line for each clock, `valid last slot words`, and compares what comes out with a line for each event, `answer`: numbers in
// hexadecimal, the first channel of the first input or output in the lowest bits, above all of an answer the mark where there is one. Of an event
// that is to be marked only the mark is compared.
// In Verilator:  verilator --cc --exe --build --top-module testbench --x-initial unique *.v main.cpp && obj_dir/Vtestbench
// In Icarus:     iverilog -o testbench *.v && ./testbench
// +vectors=FILE, +expected=FILE, and +answers=FILE, which is written: clocks that an event took, and its answer.
`timescale 1ns/1ps
`ifdef VERILATOR
module testbench (input wire clk);
`else
module testbench;
    reg clk = 1'b0;
    always #5 clk = ~clk;
`endif
    localparam LATENCY = {latency};
    reg rst = 1'b1;
    reg valid = 1'b0;
    reg last = 1'b0;
    reg slot = 1'b0;
    reg {tag}tag = 0;
    reg {words}words;
    wire out_valid;
    wire {tag}out_tag;
    wire {answer}got;
    {top} dut (
        .clk(clk),
        .rst(rst),
        .in_valid(valid),
        .in_tag(tag),
        .out_valid(out_valid),
        .out_tag(out_tag){connections}
    );

    reg [8*512-1:0] vectors_name;
    reg [8*512-1:0] expected_name;
    reg [8*512-1:0] answers_name;
    integer vectors, expected, answers, code;
    integer clock = 0;
    integer idle = 0;
    integer sent = 0;
    integer received = 0;
    integer wrong = 0;
    integer late = 0;
    reg [31:0] sent_at [0:65535];
    reg next_valid, next_last, next_slot;
    reg {words}next_words;
    reg {answer}wanted;
    initial begin
        if (!$value$plusargs("vectors=%s", vectors_name)) vectors_name = "vectors.txt";
        if (!$value$plusargs("expected=%s", expected_name)) expected_name = "expected.txt";
        vectors = $fopen(vectors_name, "r");
        expected = $fopen(expected_name, "r");
        answers = 0;
        if ($value$plusargs("answers=%s", answers_name)) answers = $fopen(answers_name, "w");
        if (vectors == 0 || expected == 0) begin
            $display("FAIL: cannot read the vectors or what is expected");
            $finish;
        end
    end
    always @(posedge clk) begin
        clock <= clock + 1;
        rst <= clock < LATENCY + 4;
        // What is in flight while there is no reset any more was sent after it.
        if (clock > 2 * LATENCY + 8) begin
            code = $fscanf(vectors, "%b %b %b %h\n", next_valid, next_last, next_slot, next_words);
            if (code == 4) begin
                valid <= next_valid;
                last <= next_last;
                slot <= next_slot;
                words <= next_words;
                if (valid && last) tag <= tag + 1;
            end else begin
                valid <= 1'b0;
                last <= 1'b0;
                idle <= idle + 1;
                if (valid && last) tag <= tag + 1;
            end
        end
        if (valid && last) begin
            sent_at[tag] <= clock;
            sent <= sent + 1;
        end
        if (out_valid && !rst) begin
            code = $fscanf(expected, "%h\n", wanted);
            if (code != 1) begin
                $display("FAIL: more answers than events");
                $finish;
            end
            if (answers != 0) $fdisplay(answers, "%0d %h", clock - sent_at[out_tag], got);
            if ({mark} !== {marked} || (!{marked} && got !== wanted)) begin
                if (wrong < 10) $display("event %0d: %h instead of %h", received, got, wanted);
                wrong = wrong + 1;
            end
            if (clock - sent_at[out_tag] != LATENCY || out_tag != received[15:0]) late = late + 1;
            received <= received + 1;
        end
        if (idle > 2 * LATENCY + 8) begin
            if (answers != 0) $fclose(answers);
            if (wrong == 0 && late == 0 && received == sent)
                $display("PASS: %0d events, %0d clocks each", received, LATENCY);
            else
                $display("FAIL: %0d of %0d events, %0d with other raws, %0d at another time or with another tag", received, sent, wrong, late);
            $finish;
        end
    end
endmodule
"#;

/// Gives the testbench its clock in Verilator.
pub(super) const MAIN: &str = r#"// Gives the testbench its clock in Verilator.
#include "Vtestbench.h"
#include "verilated.h"

int main(int argc, char **argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vtestbench testbench(&context);
    testbench.clk = 0;
    while (!context.gotFinish()) {
        testbench.eval();
        testbench.clk = !testbench.clk;
        context.timeInc(5);
    }
    testbench.final();
    return 0;
}
"#;
