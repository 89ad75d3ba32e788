//! What a core does at the port of `instruction.v`: payloads that begin anywhere in memory, as the softcore app hands them over.

use std::fmt::Write as _;
use std::path::Path;

use hodoscope_program::{Input, Program};

use crate::support::Random;

const BEGIN_EVENT: u32 = 0;
const BEGIN_ROWS: u32 = 1;
const BYTES: u32 = 2;
const END: u32 = 3;
const ANSWER: u32 = 4;

/// Instructions, and what some of them have to answer.
#[derive(Default)]
pub struct Session {
    commands: String,
    /// Of each instruction its answer, where it matters.
    answers: Vec<Option<u32>>,
}

impl Session {
    fn instruction(&mut self, function: u32, a: u32, b: u32, answer: Option<u32>) {
        let _ = writeln!(self.commands, "{function:x} {a:x} {b:x}");
        self.answers.push(answer);
    }

    /// Begins with the word that holds the first of `bytes`, whatever else that holds.
    fn send(&mut self, begin: u32, bytes: &[u8], constituents: u32, random: &mut Random) {
        if bytes.is_empty() {
            self.instruction(begin, 0, constituents << 2, None);
            return;
        }
        let skip = random.below(4);
        let mut memory: Vec<u8> = (0..skip).map(|_| random.next() as u8).collect();
        memory.extend(bytes);
        while !memory.len().is_multiple_of(4) {
            memory.push(random.next() as u8);
        }
        let words: Vec<u32> = memory
            .chunks(4)
            .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            .collect();
        let last = words[words.len() - 1];
        self.instruction(begin, words[0], constituents << 2 | skip as u32, None);
        let pairs = words[1..].chunks_exact(2);
        for pair in pairs {
            self.instruction(BYTES, pair[0], pair[1], None);
        }
        self.instruction(BYTES, last, last, None);
    }

    /// An event, whose raws are to be compared unless it is to be marked.
    pub fn event(
        &mut self,
        program: &Program,
        inputs: &[Vec<i64>],
        raws: Option<&[Vec<i64>]>,
        random: &mut Random,
    ) {
        let both = || program.inputs.iter().zip(inputs);
        let mut fixed = Vec::new();
        for (input, words) in both().filter(|(input, _)| input.set.is_none()) {
            store(input, words, &mut fixed);
        }
        if !fixed.is_empty() {
            self.send(BEGIN_EVENT, &fixed, 0, random);
        }
        let of_set = || both().filter(|(input, _)| input.set.is_some());
        if let Some((input, words)) = of_set().next() {
            let count = words.len() / input.channels;
            let mut rows = Vec::new();
            for row in 0..count {
                for (input, words) in of_set() {
                    let start = row * input.channels;
                    store(input, &words[start..start + input.channels], &mut rows);
                }
            }
            self.send(BEGIN_ROWS, &rows, count as u32, random);
        }
        self.instruction(END, 0, 0, Some(raws.is_none().into()));
        let is_wide = program
            .outputs
            .iter()
            .any(|o| program.value(o.value).element.storage().width > 32);
        let raws = raws.unwrap_or_default().concat();
        for (raw, index) in raws.into_iter().zip(0..) {
            if is_wide {
                self.instruction(ANSWER, 2 * index, 0, Some(raw as u32));
                self.instruction(ANSWER, 2 * index + 1, 0, Some((raw >> 32) as u32));
            } else {
                self.instruction(ANSWER, index, 0, Some(raw as u32));
            }
        }
    }

    /// Writes the session of program `index` and what plays it: commands come with pauses, and answers are taken with pauses.
    pub fn write(&self, index: usize, place: &Path) {
        std::fs::write(place.join(format!("commands{index}.txt")), &self.commands).unwrap();
        let bench = BENCH.replace("{index}", &index.to_string());
        std::fs::write(place.join(format!("portbench{index}.v")), bench).unwrap();
    }

    /// Compares what was answered.
    pub fn check(&self, index: usize, place: &Path) -> Result<(), String> {
        let file = place.join(format!("answers{index}.txt"));
        let text = std::fs::read_to_string(file).unwrap();
        let got: Vec<u32> = text
            .lines()
            .map(|line| u32::from_str_radix(line, 16).unwrap())
            .collect();
        if got.len() != self.answers.len() {
            return Err(format!(
                "{} answers to {} instructions",
                got.len(),
                self.answers.len()
            ));
        }
        let both = got.iter().zip(&self.answers).zip(self.commands.lines());
        for (number, ((got, wanted), command)) in both.enumerate() {
            if wanted.is_some_and(|wanted| wanted != *got) {
                return Err(format!(
                    "instruction {number}, {command}: {got:x} instead of {wanted:x?}"
                ));
            }
        }
        Ok(())
    }
}

/// Words as a payload holds them; what the type does not hold is clamped, as whoever makes a payload does.
fn store(input: &Input, words: &[i64], bytes: &mut Vec<u8>) {
    let stored = input.element().storage();
    for word in words {
        let word = (*word).clamp(stored.minimum(), stored.maximum());
        bytes.extend(&word.to_le_bytes()[..usize::from(stored.width) / 8]);
    }
}

const BENCH: &str = r#"
module portbench{index} (input wire clk);
    reg reset = 1'b1;
    reg cmd_valid = 1'b0;
    reg [2:0] cmd_function;
    reg [31:0] cmd_a, cmd_b;
    reg rsp_ready = 1'b0;
    wire cmd_ready, rsp_valid;
    wire [31:0] rsp_data;
    reg [31:0] draw = 32'd1 + {index};
    integer clock = 0;
    integer commands, answers, code;
    reg [31:0] next_function, next_a, next_b;
    instruction{index} port (
        .clk(clk), .reset(reset), .cmd_valid(cmd_valid), .cmd_ready(cmd_ready), .cmd_function(cmd_function),
        .cmd_a(cmd_a), .cmd_b(cmd_b), .rsp_valid(rsp_valid), .rsp_ready(rsp_ready), .rsp_data(rsp_data)
    );
    initial begin
        commands = $fopen("commands{index}.txt", "r");
        answers = $fopen("answers{index}.txt", "w");
        if (commands == 0 || answers == 0) $finish;
    end
    always @(posedge clk) begin
        clock <= clock + 1;
        reset <= clock < 8;
        draw <= {draw[30:0], draw[31] ^ draw[21] ^ draw[1] ^ draw[0]};
        rsp_ready <= draw[0] | draw[7];
        if (rsp_valid && rsp_ready && !reset) $fdisplay(answers, "%h", rsp_data);
        if (cmd_valid && cmd_ready) cmd_valid <= 1'b0;
        if (clock > 12 && (!cmd_valid || cmd_ready) && (draw[3] | draw[12])) begin
            code = $fscanf(commands, "%h %h %h\n", next_function, next_a, next_b);
            if (code == 3) begin
                cmd_valid <= 1'b1;
                cmd_function <= next_function[2:0];
                cmd_a <= next_a;
                cmd_b <= next_b;
            end
        end
    end
endmodule
"#;
