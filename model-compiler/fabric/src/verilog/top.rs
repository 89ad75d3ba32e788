//! The module around all others: ports, valid and tag, and which constituents are kept.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::names::{bits, plain, span, ty};
use super::{Design, TAG_BITS};
use crate::circuit::{Op, WireId};

impl Design<'_> {
    pub(super) fn top_text(&self, program: &str) -> String {
        let mut text = String::new();
        let latency = self.schedule.latency;
        let _ = writeln!(
            text,
            "// {}: one {} each clock, its outputs {latency} clocks later.\n// Written by hodoscope from the program {program}.",
            self.circuit.name,
            match &self.circuit.stream {
                Some(stream) => format!("constituent of {}", stream.name),
                None => "event".to_owned(),
            }
        );
        if self.circuit.stream.is_some() {
            text.push_str(
                "// in_last: the event ends. in_slot: there is a slot; an event without any is one clock of in_last without in_slot.\n",
            );
            text.push_str("// Inputs that are no constituents, and the tag, are read together with in_last.\n");
        }
        if self.marks() {
            text.push_str("// out_over: more constituents were live than are computed, and the outputs are those of the first, not of the hardest.\n");
        }
        let _ = writeln!(text, "module {} (", self.top);
        let _ = writeln!(text, "    {}\n);", self.port_list().join(",\n    "));
        self.words(&mut text);
        self.valid(&mut text);
        self.control(&mut text);
        for module in 0..self.circuit.modules.len() {
            self.instance(module, &mut text);
        }
        let own: Vec<usize> = (0..self.circuit.wires.len())
            .filter(|index| matches!(self.circuit.wires[*index].op, Op::Word { .. } | Op::Count))
            .collect();
        self.registers(&own, &mut text);
        self.answers(&mut text);
        text.push_str("endmodule\n");
        text
    }

    fn port_list(&self) -> Vec<String> {
        let mut ports = vec![
            "input wire clk".to_owned(),
            "input wire rst".to_owned(),
            "input wire in_valid".to_owned(),
        ];
        if self.circuit.stream.is_some() {
            ports.extend([
                "input wire in_last".to_owned(),
                "input wire in_slot".to_owned(),
            ]);
        }
        ports.push(format!("input wire {}in_tag", span(TAG_BITS)));
        for (input, name) in self.circuit.inputs.iter().zip(&self.inputs) {
            let width = input.channels as u32 * u32::from(input.width);
            ports.push(format!("input wire {}{name}", span(width)));
        }
        ports.push("output wire out_valid".to_owned());
        ports.push(format!("output wire {}out_tag", span(TAG_BITS)));
        if self.marks() {
            ports.push("output wire out_over".to_owned());
        }
        for (output, name) in self.circuit.outputs.iter().zip(&self.outputs) {
            let width = output.wires.len() as u32 * u32::from(output.width);
            ports.push(format!("output wire {}{name}", span(width)));
        }
        ports
    }

    /// The words that are read, taken from the ports.
    fn words(&self, text: &mut String) {
        for (index, wire) in self.circuit.wires.iter().enumerate() {
            let Op::Word { input, channel } = wire.op else {
                continue;
            };
            let width = u32::from(self.circuit.inputs[input].width);
            let (low, port) = (channel as u32 * width, &self.inputs[input]);
            let total = self.circuit.inputs[input].channels as u32 * width;
            let bits = match (total, width) {
                (1, _) => port.clone(),
                (_, 1) => format!("{port}[{low}]"),
                _ => format!("{port}[{}:{low}]", low + width - 1),
            };
            let ty = ty(self.circuit, WireId::new(index));
            let _ = writeln!(text, "    wire {ty}{} = {bits};", self.names[index]);
        }
    }

    /// What goes along with an event.
    fn valid(&self, text: &mut String) {
        let latency = self.schedule.latency;
        let ends = match self.circuit.stream {
            Some(_) => "in_valid & in_last",
            None => "in_valid",
        };
        let _ = writeln!(
            text,
            "    // Valid and tag of the event that ends in each stage"
        );
        let _ = writeln!(text, "    reg {}done;", span(latency));
        let tags = latency * TAG_BITS;
        let _ = writeln!(text, "    reg {}tags;", span(tags));
        let shifted = match latency {
            1 => format!("({ends})"),
            _ => format!("{{done[{}:0], {ends}}}", latency - 2),
        };
        let tags_shifted = match latency {
            1 => "in_tag".to_owned(),
            _ => format!("{{tags[{}:0], in_tag}}", tags - TAG_BITS - 1),
        };
        let done = match latency {
            1 => "done".to_owned(),
            _ => format!("done[{}]", latency - 1),
        };
        let zero = plain(0, latency);
        let _ = writeln!(
            text,
            "    always @(posedge clk) begin\n        done <= rst ? {zero} : {shifted};\n        tags <= {tags_shifted};\n    end\n    assign out_valid = {done};\n    assign out_tag = tags[{}:{}];",
            tags - 1,
            tags - TAG_BITS
        );
    }

    /// Which constituents are kept, and what pools are told.
    fn control(&self, text: &mut String) {
        let (Some(stream), Some(control)) = (&self.circuit.stream, self.schedule.control) else {
            return;
        };
        let modules = 0..self.circuit.modules.len();
        let pools: BTreeSet<u32> = modules.flat_map(|m| self.pool_stages(m)).collect();
        let last = pools.iter().max().copied().unwrap_or(0).max(control);
        let _ = writeln!(text, "    // Constituents of {}", stream.name);
        for stage in 0..=control {
            for name in ["valid", "last", "slot"] {
                let of = match (stage, name) {
                    (0, _) => format!("in_{name}"),
                    _ => String::new(),
                };
                let _ = match stage {
                    0 => writeln!(text, "    wire {name}_s0 = {of};"),
                    _ => writeln!(text, "    reg {name}_s{stage};"),
                };
            }
        }
        for stage in control + 1..=last {
            for name in ["valid", "start", "keep"] {
                let _ = writeln!(text, "    reg {name}_s{stage};");
            }
        }
        let c = control;
        let width = bits(stream.capacity as i128);
        let capacity = plain(stream.capacity as i128, width);
        let live = self.read(stream.live, control);
        for port in &self.read_by_top {
            if port.0 == stream.live {
                let _ = writeln!(text, "    wire {};", self.delayed(*port));
            }
        }
        let zero = plain(0, width);
        let _ = writeln!(
            text,
            "    reg start_s{c};\n    reg {}kept;\n    wire {}kept_before = start_s{c} ? {zero} : kept;\n    wire counts = slot_s{c} & {live};\n    wire keep_s{c} = counts & (kept_before < {capacity});",
            span(width),
            span(width),
        );
        let mut clocked = format!(
            "        if (rst) start_s{c} <= 1'b1;\n        else if (valid_s{c}) start_s{c} <= last_s{c};\n        if (valid_s{c}) kept <= kept_before + keep_s{c};\n"
        );
        if self.marks() {
            let _ = writeln!(text, "    reg over;");
            let _ = writeln!(
                clocked,
                "        if (valid_s{c}) over <= (~start_s{c} & over) | (counts & (kept_before == {capacity}));"
            );
        }
        for stage in 1..=control {
            let before = stage - 1;
            let _ = writeln!(clocked, "        valid_s{stage} <= ~rst & valid_s{before};");
            let _ = writeln!(clocked, "        last_s{stage} <= last_s{before};");
            let _ = writeln!(clocked, "        slot_s{stage} <= slot_s{before};");
        }
        for stage in control + 1..=last {
            let before = stage - 1;
            let _ = writeln!(clocked, "        valid_s{stage} <= ~rst & valid_s{before};");
            let _ = writeln!(clocked, "        start_s{stage} <= start_s{before};");
            let _ = writeln!(clocked, "        keep_s{stage} <= keep_s{before};");
        }
        let _ = write!(text, "    always @(posedge clk) begin\n{clocked}    end\n");
        for (index, wire) in self.circuit.wires.iter().enumerate() {
            if matches!(wire.op, Op::Count) {
                let ty = ty(self.circuit, WireId::new(index));
                let _ = writeln!(text, "    wire {ty}{} = kept;", self.names[index]);
            }
        }
    }

    fn instance(&self, module: usize, text: &mut String) {
        let ports = &self.ports[module];
        if ports.outputs.is_empty() {
            return;
        }
        let live = self.circuit.stream.as_ref().map(|s| s.live);
        for port in &ports.outputs {
            if Some(port.0) != live || !self.read_by_top.contains(port) {
                let ty = ty(self.circuit, port.0);
                let _ = writeln!(text, "    wire {ty}{};", self.delayed(*port));
            }
        }
        let mut connections = vec![".clk(clk)".to_owned()];
        for stage in self.pool_stages(module) {
            for name in ["valid", "start", "keep"] {
                connections.push(format!(".{name}_s{stage}({name}_s{stage})"));
            }
        }
        for port in ports.inputs.iter().chain(&ports.outputs) {
            let name = self.delayed(*port);
            connections.push(format!(".{name}({name})"));
        }
        let name = &self.modules[module];
        let _ = writeln!(
            text,
            "    {name} layer_{module} (\n        {}\n    );",
            connections.join(",\n        ")
        );
    }

    /// The outputs, in the widths of their types.
    fn answers(&self, text: &mut String) {
        for (output, name) in self.circuit.outputs.iter().zip(&self.outputs) {
            let width = u32::from(output.width);
            let total = output.wires.len() as u32 * width;
            let sign = if output.is_signed { "signed " } else { "" };
            for (index, wire) in output.wires.iter().enumerate() {
                let low = index as u32 * width;
                let bits = match (total, width) {
                    (1, _) => name.clone(),
                    (_, 1) => format!("{name}[{low}]"),
                    _ => format!("{name}[{}:{low}]", low + width - 1),
                };
                let value = self.read(*wire, self.schedule.latency);
                let _ = writeln!(
                    text,
                    "    wire {sign}{}{name}_r{index} = {value};\n    assign {bits} = {name}_r{index};",
                    span(width)
                );
            }
        }
        if let (true, Some(control)) = (self.marks(), self.schedule.control) {
            // `over` is of the stage behind the control's.
            let clocks = self.schedule.latency - (control + 1);
            let _ = writeln!(text, "    reg {}over_later;", span(clocks));
            let shifted = match clocks {
                1 => "over".to_owned(),
                _ => format!("{{over_later[{}:0], over}}", clocks - 2),
            };
            let _ = writeln!(text, "    always @(posedge clk) over_later <= {shifted};");
            let end = match clocks {
                1 => "over_later".to_owned(),
                _ => format!("over_later[{}]", clocks - 1),
            };
            let _ = writeln!(text, "    assign out_over = {end};");
        }
    }
}
