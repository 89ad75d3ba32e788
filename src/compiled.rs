//! What `compile` reports: one set of facts for JSON, the HTML page and the terminal.

use anyhow::{Context, Result};
use hodoscope_compiler::exact::Constituents;
use hodoscope_compiler::graph::Graph;
use hodoscope_compiler::plan::Isa;
use hodoscope_compiler::plan::layout::Candidate;
use hodoscope_compiler::quantise::{CalibrationReport, Reach, TensorFormat};
use hodoscope_program::{Dim, Field, FieldOverflow, Live, Operation, Program, Scale, Shape};
use serde_json::{Value, json};

use hodoscope_compiler::{Compiled as Made, Road};

use crate::digest;
use crate::loss::{Loss, percent};
use crate::model_dir::GENERATOR;
use crate::report::{Table, number, thousands};

/// A compiled model in words and figures.
#[derive(Debug)]
pub struct Compiled {
    /// Name of the program.
    pub name: String,
    /// SHA-256 of its text form.
    pub sha256: String,
    /// Name of the graph in the ONNX file.
    pub graph: String,
    /// Detector words.
    pub inputs: Vec<InputFacts>,
    /// Sets of constituents.
    pub sets: Vec<SetFacts>,
    /// Outputs: name, and the layer that it is.
    pub outputs: Vec<(String, String)>,
    /// Values in order.
    pub layers: Vec<LayerFacts>,
    /// Layouts of dense layers, for each core.
    pub plans: Vec<PlanFacts>,
    /// How the network became integers.
    pub road: Road,
    /// What is computed of its slots.
    pub constituents: Constituents,
    /// Formats that calibration chose.
    pub formats: Vec<TensorFormat>,
    /// What calibration saw; nothing where the network came with its own quantisers.
    pub calibration: Option<CalibrationReport>,
    /// Bytes of weights and biases.
    pub weight_bytes: u64,
    /// Bytes of tables.
    pub table_bytes: u64,
    /// Multiply-accumulates of an event with all slots filled.
    pub macs: u64,
    /// What was lost; nothing where the network came with its own quantisers.
    pub loss: Option<Loss>,
    /// Options that decided what was made.
    pub options: Value,
}

/// An input.
#[derive(Debug)]
pub struct InputFacts {
    /// Name, as in the model.
    pub name: String,
    /// Words per row.
    pub channels: usize,
    /// Whether there is a row per constituent.
    pub per_constituent: bool,
    /// Bits of a stored word.
    pub bits: u8,
    /// What the words are.
    pub fields: Vec<Field>,
}

/// A set.
#[derive(Debug)]
pub struct SetFacts {
    /// Its name.
    pub name: String,
    /// Largest multiplicity.
    pub capacity: usize,
    /// Which slots are live.
    pub live: String,
}

/// A value of the program, with what the verifier proved about it.
#[derive(Debug)]
pub struct LayerFacts {
    /// Its name.
    pub name: String,
    /// Its operation.
    pub operation: &'static str,
    /// `n × 32`.
    pub shape: String,
    /// Type of its raws.
    pub element: String,
    /// Value of one count.
    pub scale: String,
    /// Smallest raw that is possible.
    pub minimum: i128,
    /// Largest raw that is possible.
    pub maximum: i128,
    /// Bits that these need, signed.
    pub proved_bits: u32,
}

/// The layouts that a plan chose.
#[derive(Debug)]
pub struct PlanFacts {
    /// Instruction set.
    pub isa: Isa,
    /// Dense layers in order.
    pub layers: Vec<LayoutFacts>,
    /// Dense layers that are compared block by block.
    pub blocks: Vec<BlockFacts>,
    /// Tables over the detector's grid.
    pub tables: Vec<TableFacts>,
    /// Bytes of the arrays that hold activations.
    pub activation_bytes: usize,
    /// Bytes of the constants of dense layers, in the layouts that were taken.
    pub layout_bytes: u64,
}

/// A value that a plan looks up in a table over the detector's grid.
#[derive(Debug)]
pub struct TableFacts {
    /// The value.
    pub name: String,
    /// Words of each axis.
    pub extents: Vec<usize>,
    /// Bytes of the table.
    pub bytes: u64,
}

impl TableFacts {
    /// `103 × 103`.
    pub fn cells(&self) -> String {
        let extents: Vec<String> = self.extents.iter().map(usize::to_string).collect();
        extents.join(" × ")
    }
}

/// A dense layer whose rows are computed in blocks, each compared at once.
#[derive(Debug)]
pub struct BlockFacts {
    /// The layer's result.
    pub name: String,
    /// Rows of a block.
    pub rows: usize,
    /// Bytes of activations that it saves.
    pub saved_bytes: usize,
    /// Modelled cycles that it costs.
    pub modelled_cycles: u64,
}

/// The layout of a dense layer, and the others.
#[derive(Debug)]
pub struct LayoutFacts {
    /// The layer's result.
    pub name: String,
    /// What was considered, the one that was taken first.
    pub candidates: Vec<Candidate>,
}

impl LayoutFacts {
    /// The layout that was taken.
    pub fn taken(&self) -> String {
        let taken = self.candidates.first();
        taken.map_or_else(String::new, cost)
    }

    /// The others.
    pub fn rejected(&self) -> String {
        let rejected = self.candidates.iter().skip(1);
        let rejected: Vec<String> = rejected.map(cost).collect();
        rejected.join("; ")
    }
}

/// Modelled cycles of one run with bytes of flash, or why it would not be exact.
fn cost(candidate: &Candidate) -> String {
    let layout = candidate.layout;
    match &candidate.verdict {
        Ok(cycles) => {
            let (cycles, bytes) = (thousands(*cycles), thousands(candidate.bytes));
            format!("{layout} {cycles} ({bytes} B)")
        }
        Err(reason) => format!("{layout}: {reason}"),
    }
}

fn plans(made: &Made) -> Vec<PlanFacts> {
    let program = made.program();
    let plans = made.planned.iter().map(|planned| PlanFacts {
        isa: planned.isa,
        activation_bytes: planned.activation_bytes,
        layout_bytes: planned.layout_bytes,
        tables: planned
            .tables
            .iter()
            .map(|table| TableFacts {
                name: program.value(table.result).name.clone(),
                extents: table.extents.clone(),
                bytes: table.bytes,
            })
            .collect(),
        blocks: planned
            .blocks
            .iter()
            .map(|blocks| BlockFacts {
                name: program.value(blocks.result).name.clone(),
                rows: blocks.rows,
                saved_bytes: blocks.saved,
                modelled_cycles: blocks.cycles,
            })
            .collect(),
        layers: planned
            .choices
            .iter()
            .map(|choice| LayoutFacts {
                name: program.value(choice.result).name.clone(),
                candidates: choice.candidates.clone(),
            })
            .collect(),
    });
    plans.collect()
}

impl Compiled {
    /// Collects the facts of a quantised network.
    pub fn new(made: &Made, graph: &Graph, loss: Option<Loss>, options: Value) -> Result<Self> {
        let quantised = &made.quantised;
        let program = &quantised.program;
        let proof = program
            .verify()
            .context("the compiled program does not verify")?;
        let layer = |(id, value): (_, &hodoscope_program::Value)| {
            let interval = proof.interval(id);
            LayerFacts {
                name: value.name.clone(),
                operation: value.operation.keyword(),
                shape: shape(program, &value.shape),
                element: value.element.to_string(),
                scale: scale(&value.scale, value.shape.channels()),
                minimum: interval.minimum,
                maximum: interval.maximum,
                proved_bits: interval.signed_bits(),
            }
        };
        let capacity = program
            .sets
            .iter()
            .map(|set| set.capacity)
            .max()
            .unwrap_or(0);
        let (weight_bytes, table_bytes) = constant_bytes(program);
        Ok(Self {
            name: program.name.clone(),
            sha256: digest::sha256(program),
            graph: graph.name().to_owned(),
            inputs: program.inputs.iter().map(input).collect(),
            sets: program
                .sets
                .iter()
                .map(|set| SetFacts {
                    name: set.name.clone(),
                    capacity: set.capacity,
                    live: live(program, set.live),
                })
                .collect(),
            outputs: program
                .outputs
                .iter()
                .map(|output| {
                    (
                        output.name.clone(),
                        program.value(output.value).name.clone(),
                    )
                })
                .collect(),
            layers: program.values().map(layer).collect(),
            plans: plans(made),
            road: made.road.clone(),
            constituents: made.constituents.clone(),
            formats: quantised.formats.clone(),
            calibration: quantised.calibration.clone(),
            weight_bytes,
            table_bytes,
            macs: program.macs(capacity),
            loss,
            options,
        })
    }

    /// The contents of report.json.
    pub fn json(&self) -> Value {
        let calibration = self.calibration.as_ref().map(|c| {
            json!({
                "events": c.events,
                "mean_multiplicity": c.mean_multiplicity,
                "saturated_values": c.saturated,
                "lost_constituents": c.lost,
                "disordered_pairs_fraction": number(c.loss.disordered),
                "relative_rms_error": number(c.loss.relative_rms),
                "larger_words": { "held": c.reach.held, "lost": c.reach.lost, "missed": number(c.reach.missed) },
                "refused_formats": c.refused,
            })
        });
        json!({
            "generator": GENERATOR,
            "version": env!("CARGO_PKG_VERSION"),
            "model": self.name,
            "program_sha256": self.sha256,
            "graph": self.graph,
            "options": self.options,
            "inputs": self.inputs.iter().map(|input| json!({
                "name": input.name,
                "words": input.channels,
                "per_constituent": input.per_constituent,
                "stored_bits": input.bits,
                "fields": input.fields.iter().map(field_json).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "sets": self.sets.iter().map(|set| json!({
                "name": set.name,
                "capacity": set.capacity,
                "live": set.live,
            })).collect::<Vec<_>>(),
            "outputs": self.outputs.iter().map(|(name, layer)| json!({
                "name": name,
                "layer": layer,
            })).collect::<Vec<_>>(),
            "layers": self.layers.iter().map(|layer| json!({
                "name": layer.name,
                "operation": layer.operation,
                "shape": layer.shape,
                "type": layer.element,
                "scale": layer.scale,
                // As text: beyond 2^53 a JSON number is not exact everywhere.
                "proved_minimum_raw": layer.minimum.to_string(),
                "proved_maximum_raw": layer.maximum.to_string(),
                "proved_bits": layer.proved_bits,
            })).collect::<Vec<_>>(),
            "plans": self.plans.iter().map(|plan| json!({
                "isa": plan.isa.to_string(),
                "activation_bytes": plan.activation_bytes,
                "layout_bytes": plan.layout_bytes,
                "compared_in_blocks": plan.blocks.iter().map(|blocks| json!({
                    "name": blocks.name,
                    "rows": blocks.rows,
                    "saved_activation_bytes": blocks.saved_bytes,
                    "more_modelled_cycles": blocks.modelled_cycles,
                })).collect::<Vec<_>>(),
                "tables": plan.tables.iter().map(|table| json!({
                    "name": table.name,
                    "extents": table.extents,
                    "bytes": table.bytes,
                })).collect::<Vec<_>>(),
                "layers": plan.layers.iter().map(|layer| json!({
                    "name": layer.name,
                    // The first is taken.
                    "layouts": layer.candidates.iter().map(|candidate| json!({
                        "layout": candidate.layout.name(),
                        "modelled_cycles": candidate.verdict.as_ref().ok(),
                        "bytes": candidate.verdict.as_ref().ok().map(|_| candidate.bytes),
                        "not_exact_because": candidate.verdict.as_ref().err(),
                    })).collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "formats": self.formats.iter().map(|format| json!({
                "name": format.name,
                "bits": format.width,
                "fraction_bits": format.frac,
                "float_minimum": number(format.range.0.into()),
                "float_maximum": number(format.range.1.into()),
                "signal_to_noise_db": number(format.sqnr_db),
            })).collect::<Vec<_>>(),
            "road": road_json(&self.road),
            "constituents": constituents_json(&self.constituents),
            "calibration": calibration,
            "loss": self.loss.as_ref().map(Loss::json),
            "over_tolerance": self.loss.as_ref().is_some_and(Loss::is_over),
            "weight_bytes": self.weight_bytes,
            "table_bytes": self.table_bytes,
            "multiply_accumulates_per_event": self.macs,
        })
    }

    /// Why formats that might have lost less were not taken, where something is lost.
    fn refused(&self, calibration: &CalibrationReport) -> String {
        let is_lost = calibration.reach.lost.is_some();
        let is_over = self.loss.as_ref().is_some_and(Loss::is_over);
        let reason = calibration.refused.as_ref();
        reason
            .filter(|_| is_lost || is_over)
            .map_or_else(String::new, |reason| {
                format!(
                    "\n  formats with more bits, or more room, were tried and are refused: {reason}"
                )
            })
    }

    /// For the terminal.
    pub fn text(&self, dir: &str) -> String {
        let calibration = match &self.calibration {
            None => "the network's own quantisers; nothing was calibrated".to_owned(),
            Some(c) => {
                let lost = match c.lost {
                    0 => "no constituent lost".to_owned(),
                    n => format!("{n} constituents LOST to rounding"),
                };
                let events = thousands(c.events as u64);
                format!(
                    "calibration: {events} events give formats, {lost}{}{}",
                    beyond(&c.reach),
                    self.refused(c)
                )
            }
        };
        let mut table = Table::new(["activation", "bits", "fraction", "SQNR"]);
        for format in &self.formats {
            table.row([
                format.name.clone(),
                format.width.to_string(),
                format.frac.to_string(),
                format!("{:.1} dB", format.sqnr_db),
            ]);
        }
        let mut plans = String::new();
        for plan in &self.plans {
            for table in &plan.tables {
                plans += &format!(
                    "  table for {}: {} of {} cells, {} bytes\n",
                    plan.isa,
                    table.name,
                    table.cells(),
                    thousands(table.bytes)
                );
            }
            plans += &format!(
                "  activations for {}: {} bytes\n",
                plan.isa,
                thousands(plan.activation_bytes as u64)
            );
            for blocks in &plan.blocks {
                plans += &format!(
                    "  {} for {}: compared {} rows at a time, {} bytes of activations less, {} modelled cycles more\n",
                    blocks.name,
                    plan.isa,
                    blocks.rows,
                    thousands(blocks.saved_bytes as u64),
                    thousands(blocks.modelled_cycles)
                );
            }
            // Where there is no choice there is nothing to tell.
            if plan.layers.iter().all(|layer| layer.candidates.len() < 2) {
                continue;
            }
            plans += &format!(
                "  layouts for {}, {} bytes in all, with modelled cycles per run and bytes\n",
                plan.isa,
                thousands(plan.layout_bytes)
            );
            let mut table = Table::new(["layer", "taken", "rejected"]);
            for layer in &plan.layers {
                table.row([layer.name.clone(), layer.taken(), layer.rejected()]);
            }
            plans += &table.to_string();
        }
        format!(
            "{}: {} operations, all accumulators proved\n{table}{plans}  \
             weights {} bytes, tables {} bytes, {} multiply-accumulates per event\n  \
             {}{}{calibration}\n{}  \
             written to {dir}\n",
            self.name,
            self.layers.len(),
            thousands(self.weight_bytes),
            thousands(self.table_bytes),
            thousands(self.macs),
            match &self.road {
                Road::Own | Road::Inserted { instead: None } => String::new(),
                road => format!("{road}\n  "),
            },
            match &self.constituents {
                Constituents::None => String::new(),
                constituents => format!("{constituents}\n  "),
            },
            self.loss.as_ref().map(Loss::text).unwrap_or_default(),
        )
    }
}

/// What becomes of events beyond the calibration, where their words can be larger.
fn beyond(reach: &Reach) -> String {
    match (reach.held, reach.lost) {
        (1, None) => String::new(),
        (held, None) => format!("\n  events with words {held} times as large keep their outputs"),
        (_, Some(lost)) => format!(
            "\n  events with words {lost} times as large do not keep their outputs (rms error {} % of their range): values saturate beyond what \
             calibration saw; give calibration events that reach as far as live ones do (--activations 16 makes room where 8 bits do not)",
            percent(reach.missed)
        ),
    }
}

/// What is computed of slots, with its reason.
pub fn constituents_json(constituents: &Constituents) -> Value {
    match constituents {
        Constituents::None => Value::Null,
        Constituents::Live { counted } => {
            json!({ "computed": "live", "empty_slots_count": counted })
        }
        Constituents::All { because } => json!({ "computed": "all", "because": because }),
    }
}

/// The road with its reason.
pub fn road_json(road: &Road) -> Value {
    match road {
        Road::Inserted { instead } => json!({ "kind": "inserted", "instead_of_own": instead }),
        Road::Own => json!({ "kind": "own-quantisers" }),
    }
}

fn input(input: &hodoscope_program::Input) -> InputFacts {
    InputFacts {
        name: input.name.clone(),
        channels: input.channels,
        per_constituent: input.set.is_some(),
        bits: input.element().storage().width,
        fields: input.fields.clone(),
    }
}

/// A field, its figures with their units.
pub fn field_json(field: &Field) -> Value {
    json!({
        "name": field.name,
        "unit": field.unit,
        "lsb": field.lsb.0,
        "zero_point": field.zero_point(),
        "minimum_word": field.minimum,
        "maximum_word": field.maximum,
        "overflow": overflow(field.overflow),
        "empty_word": field.empty,
    })
}

/// What becomes of values outside a field's range.
pub fn overflow(overflow: FieldOverflow) -> &'static str {
    match overflow {
        FieldOverflow::Saturate => "saturate",
        FieldOverflow::Wrap => "wrap",
    }
}

fn live(program: &Program, live: Live) -> String {
    let name = |word: hodoscope_program::WordRef| {
        let input = program.input(word.input);
        format!("{}.{}", input.name, input.field(word.channel).name)
    };
    match live {
        Live::Always => "every slot".to_owned(),
        Live::NotEmpty { input } => {
            format!("some word of {} is not empty", program.input(input).name)
        }
        Live::Above { word, threshold } => format!("{} > {threshold}", name(word)),
        Live::NotEqual { word, empty } => format!("{} ≠ {empty}", name(word)),
    }
}

fn shape(program: &Program, shape: &Shape) -> String {
    let extents = shape.0.iter().map(|dim| match dim {
        Dim::Fixed(n) => n.to_string(),
        Dim::Multiplicity(set) => format!("n({})", program.set(*set).name),
    });
    extents.collect::<Vec<_>>().join(" × ")
}

fn scale(scale: &Scale, channels: usize) -> String {
    match scale {
        Scale::Pow2(frac) => format!("2^{}", -frac),
        Scale::Pow2PerChannel(fracs) => {
            let exponents = || fracs.iter().map(|frac| -frac);
            let (low, high) = (
                exponents().min().unwrap_or(0),
                exponents().max().unwrap_or(0),
            );
            format!("2^{low} … 2^{high}, per channel")
        }
        Scale::Lsb(lsbs) if lsbs.len() == 1 => format!("{:?}", lsbs[0]),
        Scale::Lsb(_) => format!("{channels} units, per channel"),
    }
}

/// Bytes of weights and biases, and of tables.
fn constant_bytes(program: &Program) -> (u64, u64) {
    let tables: Vec<_> = program
        .values
        .iter()
        .filter_map(|value| match value.operation {
            Operation::Table { table, .. } | Operation::Interpolate { table, .. } => {
                Some(table.index())
            }
            _ => None,
        })
        .collect();
    let mut bytes = (0, 0);
    for (index, constant) in program.constants.iter().enumerate() {
        let size = constant.data.len() as u64 * u64::from(constant.element.storage().width / 8);
        if tables.contains(&index) {
            bytes.1 += size;
        } else {
            bytes.0 += size;
        }
    }
    bytes
}
