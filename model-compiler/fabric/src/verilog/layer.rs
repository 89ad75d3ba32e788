//! The module of a layer, and the tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Design;
use super::names::{bits, plain, signed, span, ty};
use crate::circuit::{Op, WireId};

impl Design<'_> {
    /// Wires of a module.
    fn members(&self, module: usize) -> Vec<usize> {
        let wires = 0..self.circuit.wires.len();
        wires
            .filter(|w| self.owner(WireId::new(*w)) == Some(module))
            .collect()
    }

    /// The stages in which a module collects constituents.
    pub(super) fn pool_stages(&self, module: usize) -> BTreeSet<u32> {
        let pools = self.members(module).into_iter();
        let pools = pools.filter(|index| self.circuit.wires[*index].op.collects());
        pools.map(|index| self.schedule.stages[index] - 1).collect()
    }

    /// The text of a layer's module; nothing where it has no logic.
    pub(super) fn layer(&self, module: usize) -> Option<String> {
        let members = self.members(module);
        if members.is_empty() {
            return None;
        }
        let mut text = String::new();
        for note in &self.circuit.modules[module].notes {
            let _ = writeln!(text, "// {note}");
        }
        let stages = members.iter().map(|index| self.schedule.stages[*index]);
        let (first, last) = (stages.clone().min()?, stages.max()?);
        let _ = writeln!(text, "// Stages {first} to {last}.");
        let _ = writeln!(text, "module {} (", self.modules[module]);
        let mut ports = vec!["input wire clk".to_owned()];
        for stage in self.pool_stages(module) {
            for control in ["valid", "start", "keep"] {
                ports.push(format!("input wire {control}_s{stage}"));
            }
        }
        for port in &self.ports[module].inputs {
            ports.push(format!(
                "input wire {}{}",
                ty(self.circuit, port.0),
                self.delayed(*port)
            ));
        }
        for port in &self.ports[module].outputs {
            ports.push(format!(
                "output wire {}{}",
                ty(self.circuit, port.0),
                self.delayed(*port)
            ));
        }
        let _ = writeln!(text, "    {}\n);", ports.join(",\n    "));
        let mut stage = None;
        let mut ordered = members;
        ordered.sort_by_key(|index| (self.schedule.stages[*index], *index));
        for index in &ordered {
            let here = self.schedule.stages[*index];
            if stage != Some(here) {
                let _ = writeln!(text, "    // Stage {here}");
                stage = Some(here);
            }
            self.member(*index, &mut text);
        }
        self.registers(&ordered, &mut text);
        text.push_str("endmodule\n");
        Some(text)
    }

    /// Declares a wire and what it is.
    fn member(&self, index: usize, text: &mut String) {
        let id = WireId::new(index);
        let name = &self.names[index];
        let ty = ty(self.circuit, id);
        let is_output = self.ports[self.circuit.wires[index].module]
            .outputs
            .contains(&(id, 0));
        let stage = self.schedule.stages[index];
        match self.circuit.wires[index].op {
            Op::Look { x, .. } => {
                let table = &self.tables[&self.table_key(index)];
                if !is_output {
                    let _ = writeln!(text, "    wire {ty}{name};");
                }
                let x = self.read(x, stage);
                let _ = writeln!(text, "    {table} {name}_table (.x({x}), .y({name}));");
            }
            Op::Sum { x } => {
                let s = stage - 1;
                let (x, is_signed) = self.beside(id, x, false, s);
                let zero = Self::number(0, is_signed);
                let own = self.own(id, &format!("{name}_sum"), is_signed);
                let _ = writeln!(
                    text,
                    "    reg {ty}{name}_sum;\n    always @(posedge clk) if (valid_s{s})\n        \
                     {name}_sum <= (start_s{s} ? {zero} : {own}) + (keep_s{s} ? {x} : {zero});"
                );
                self.assigned(is_output, &ty, name, &format!("{name}_sum"), text);
            }
            Op::Most { x, none } => {
                let s = stage - 1;
                let (x, is_signed) = self.beside(id, x, none < 0, s);
                let none = Self::number(none, is_signed);
                let own = self.own(id, &format!("{name}_most"), is_signed);
                let before = self.own(id, &format!("{name}_before"), is_signed);
                let _ = writeln!(
                    text,
                    "    reg {ty}{name}_most;\n    \
                     wire {ty}{name}_before = start_s{s} ? {none} : {own};\n    \
                     always @(posedge clk) if (valid_s{s})\n        \
                     {name}_most <= (keep_s{s} && {x} > {before}) ? {x} : {before};"
                );
                self.assigned(is_output, &ty, name, &format!("{name}_most"), text);
            }
            _ => self.assigned(is_output, &ty, name, &self.expression(index), text),
        }
    }

    /// What a pool reads, with a sign where it or the pool has one; and whether there is one.
    fn beside(&self, pool: WireId, x: WireId, mut is_signed: bool, stage: u32) -> (String, bool) {
        is_signed |= self.circuit.wire(pool).is_signed() || self.circuit.wire(x).is_signed();
        let text = match is_signed {
            true => self.with_sign(x, stage),
            false => self.read(x, stage),
        };
        (text, is_signed)
    }

    /// A register of a wire's type among operands with signs.
    fn own(&self, id: WireId, name: &str, is_signed: bool) -> String {
        match is_signed && !self.circuit.wire(id).is_signed() {
            true => format!("$signed({{1'b0, {name}}})"),
            false => name.to_owned(),
        }
    }

    fn assigned(&self, is_output: bool, ty: &str, name: &str, to: &str, text: &mut String) {
        let _ = match is_output {
            true => writeln!(text, "    assign {name} = {to};"),
            false => writeln!(text, "    wire {ty}{name} = {to};"),
        };
    }

    /// Registers of wires that are read in later stages.
    pub(super) fn registers(&self, wires: &[usize], text: &mut String) {
        let mut assignments = String::new();
        for index in wires {
            let id = WireId::new(*index);
            let ty = ty(self.circuit, id);
            let module = self.owner(id);
            for delay in 1..=self.delays[*index] {
                let name = self.delayed((id, delay));
                let is_output =
                    module.is_some_and(|m| self.ports[m].outputs.contains(&(id, delay)));
                let register = match is_output {
                    true => format!("{name}_reg"),
                    false => name.clone(),
                };
                let before = match delay {
                    1 => self.names[*index].clone(),
                    _ => self.delayed((id, delay - 1)),
                };
                let _ = writeln!(text, "    reg {ty}{register};");
                if is_output {
                    let _ = writeln!(text, "    assign {name} = {register};");
                }
                let _ = writeln!(assignments, "        {register} <= {before};");
            }
        }
        if !assignments.is_empty() {
            let _ = write!(
                text,
                "    always @(posedge clk) begin\n{assignments}    end\n"
            );
        }
    }

    /// All tables; nothing where there is none.
    pub(super) fn tables_text(&self) -> Option<String> {
        if self.tables.is_empty() {
            return None;
        }
        let mut text = String::from("// Tables. What is looked up is the operand's bits.\n");
        for (key, name) in &self.tables {
            let table = &self.circuit.tables[key.table];
            let x = hodoscope_program::Interval::between(key.x.0, key.x.1);
            let x_bits = match x.minimum < 0 {
                true => x.signed_bits(),
                false => (x.signed_bits() - 1).max(1),
            };
            let sign = if key.is_signed { "signed " } else { "" };
            let _ = writeln!(
                text,
                "\n// {}: {} entries\nmodule {name} (input wire {}x, output reg {sign}{}y);\n    always @*\n        case (x)",
                table.name,
                x.maximum - x.minimum + 1,
                span(x_bits),
                span(key.width)
            );
            let entry = |raw: i128| i128::from(table.entries[(raw - table.first) as usize]);
            let number = |value: i128| match key.is_signed {
                true => signed(value),
                false => plain(value, key.width.max(bits(value))),
            };
            for raw in x.minimum..x.maximum {
                let pattern = raw & ((1 << x_bits) - 1);
                let _ = writeln!(
                    text,
                    "            {x_bits}'h{pattern:x}: y = {};",
                    number(entry(raw))
                );
            }
            let _ = writeln!(
                text,
                "            default: y = {};\n        endcase\nendmodule",
                number(entry(x.maximum))
            );
        }
        Some(text)
    }
}
