//! Plain Verilog-2005: a module for each layer, one for each table, and one around them.
//!
//! There is no back-pressure: events go in as they come, one each clock (or one constituent each clock), and come out after the
//! latency. Registers of data have no reset: what is in them before the first event reaches no valid output.

mod expression;
mod instruction;
mod layer;
mod names;
mod testbench;
mod top;
mod vectors;

use std::collections::{BTreeMap, BTreeSet};

use hodoscope_program::Interval;

use crate::circuit::{Circuit, Op, WireId};
use crate::schedule::Schedule;
pub use instruction::INSTRUCTION;
use names::Names;
pub use vectors::{Answer, answer, beats, decode};

/// Bits of an event's tag.
pub const TAG_BITS: u32 = 16;

/// Modules that are there already: ours, and those of the system and the core that the network may stand in.
const TAKEN: [&str; 7] = [
    "testbench",
    INSTRUCTION,
    "soc",
    "memory",
    "vexriscv",
    "instructioncache",
    "datacache",
];

/// Files by their names.
pub type Files = BTreeMap<String, String>;

/// What a program became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The module around all others.
    pub top: String,
    /// Verilog by file name, the testbench among them.
    pub files: Files,
    /// Bits of the words that go in each clock.
    pub words_bits: u32,
    /// Bits of the outputs, mark first.
    pub answer_bits: u32,
}

/// A wire at a later stage.
type Port = (WireId, u32);

/// The ports of a module.
#[derive(Clone, Debug, Default)]
struct Ports {
    inputs: BTreeSet<Port>,
    outputs: BTreeSet<Port>,
}

/// A table as it is written: of an operand and a result of so many bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TableKey {
    table: usize,
    x: (i128, i128),
    width: u32,
    is_signed: bool,
}

struct Design<'c> {
    circuit: &'c Circuit,
    schedule: &'c Schedule,
    delays: Vec<u32>,
    names: Vec<String>,
    top: String,
    modules: Vec<String>,
    tables_file: String,
    tables: BTreeMap<TableKey, String>,
    ports: Vec<Ports>,
    /// What the module around all others reads.
    read_by_top: BTreeSet<Port>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

/// Writes a circuit that is cut into stages. `program` is the hash of what it was made from, in eight hexadecimal digits or more.
pub fn write(circuit: &Circuit, schedule: &Schedule, program: &str) -> Written {
    let design = Design::new(circuit, schedule);
    let mut files = Files::new();
    for module in 0..circuit.modules.len() {
        if let Some(text) = design.layer(module) {
            files.insert(format!("{}.v", design.modules[module]), text);
        }
    }
    if let Some(text) = design.tables_text() {
        files.insert(format!("{}.v", design.tables_file), text);
    }
    files.insert(format!("{}.v", design.top), design.top_text(program));
    files.insert(format!("{INSTRUCTION}.v"), design.instruction(program));
    files.insert("testbench.v".to_owned(), design.testbench());
    files.insert("main.cpp".to_owned(), testbench::MAIN.to_owned());
    Written {
        top: design.top.clone(),
        files,
        words_bits: design.words_bits(),
        answer_bits: design.answer_bits(),
    }
}

impl<'c> Design<'c> {
    fn new(circuit: &'c Circuit, schedule: &'c Schedule) -> Self {
        // Modules and wires have names of their own.
        let mut modules = Names::default();
        for taken in TAKEN {
            modules.take(taken);
        }
        let top = modules.take(&circuit.name);
        let of_layer = |m: &crate::circuit::Module| modules.take(&format!("{top}_{}", m.name));
        let module_names: Vec<String> = circuit.modules.iter().map(of_layer).collect();
        let tables_file = modules.take(&format!("{top}_tables"));
        let mut names = Names::default();
        let inputs = circuit.inputs.iter().map(|i| names.take(&i.name)).collect();
        let outputs = circuit
            .outputs
            .iter()
            .map(|o| names.take(&o.name))
            .collect();
        let mut design = Self {
            circuit,
            schedule,
            delays: schedule.delays(circuit),
            names: names::wires(circuit, &mut names),
            top,
            modules: module_names,
            tables_file,
            tables: BTreeMap::new(),
            ports: vec![Ports::default(); circuit.modules.len()],
            read_by_top: BTreeSet::new(),
            inputs,
            outputs,
        };
        for index in 0..circuit.wires.len() {
            if let Op::Look { .. } = circuit.wires[index].op {
                let key = design.table_key(index);
                let next = format!("{}_table_{}", design.top, design.tables.len());
                let names = &mut modules;
                design
                    .tables
                    .entry(key)
                    .or_insert_with(|| names.take(&next));
            }
        }
        design.connect();
        design
    }

    /// The module that a wire is in; nothing for the one around all others.
    fn owner(&self, id: WireId) -> Option<usize> {
        match self.circuit.wire(id).op {
            Op::Word { .. } | Op::Count | Op::Constant(_) => None,
            _ => Some(self.circuit.wire(id).module),
        }
    }

    fn connect(&mut self) {
        let (circuit, schedule) = (self.circuit, self.schedule);
        for (index, wire) in circuit.wires.iter().enumerate() {
            let reader = self.owner(WireId::new(index));
            let stage = schedule.reading_stage(circuit, index);
            for operand in wire.op.operands() {
                self.reads(reader, operand, stage);
            }
        }
        for wire in circuit.outputs.iter().flat_map(|o| &o.wires) {
            self.reads(None, *wire, schedule.latency);
        }
        if let (Some(stream), Some(control)) = (&circuit.stream, schedule.control) {
            self.reads(None, stream.live, control);
        }
    }

    fn reads(&mut self, reader: Option<usize>, id: WireId, stage: u32) {
        if matches!(self.circuit.wire(id).op, Op::Constant(_)) {
            return;
        }
        let port = (id, stage - self.schedule.stage(id));
        let owner = self.owner(id);
        if owner == reader {
            return;
        }
        match reader {
            Some(module) => self.ports[module].inputs.insert(port),
            None => self.read_by_top.insert(port),
        };
        if let Some(module) = owner {
            self.ports[module].outputs.insert(port);
        }
    }

    /// The name of a wire so many clocks later.
    fn delayed(&self, (id, delay): Port) -> String {
        match delay {
            0 => self.names[id.index()].clone(),
            _ => format!("{}_d{delay}", self.names[id.index()]),
        }
    }

    fn table_key(&self, index: usize) -> TableKey {
        let wire = &self.circuit.wires[index];
        let (x, table) = match wire.op {
            Op::Look { x, table } => (self.circuit.wire(x).range, table),
            _ => (Interval::point(0), 0),
        };
        TableKey {
            table,
            x: (x.minimum, x.maximum),
            width: wire.width(),
            is_signed: wire.is_signed(),
        }
    }

    fn words_bits(&self) -> u32 {
        let bits = |i: &crate::circuit::Inlet| i.channels as u32 * u32::from(i.width);
        self.circuit.inputs.iter().map(bits).sum()
    }

    fn answer_bits(&self) -> u32 {
        let bits = |o: &crate::circuit::Port| o.wires.len() as u32 * u32::from(o.width);
        let outputs: u32 = self.circuit.outputs.iter().map(bits).sum();
        outputs + u32::from(self.marks())
    }

    /// Whether events are marked that have too many constituents.
    fn marks(&self) -> bool {
        self.circuit.stream.as_ref().is_some_and(|s| s.is_ordered)
    }
}
