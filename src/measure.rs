//! What an event takes on a board: instructions, cycles, memory.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use hodoscope_compiler::emit;
use hodoscope_cost::Core;
use hodoscope_sim::bound::{self, Bound, Image};
use hodoscope_sim::elf::{Elf, Sizes};
use hodoscope_sim::encode::Events;
use hodoscope_sim::metrics::{LinearFit, linear_fit};
use hodoscope_sim::targets::BuildOptions;
use hodoscope_sim::targets::board::Runner;
use hodoscope_sim::timing::{Lines, Part, Priced, Recording, Share, Timing};

use crate::execute::{self, Deployed};
use crate::model_dir::ModelDir;

/// Events of each multiplicity unless it is said otherwise.
pub const REPEATS: usize = 2;
/// Where modelled figures are from.
pub const MODELLED: &str = "modelled (cycles)";

/// Of the words.
const SEED: u64 = 1;

/// What was measured on one board.
#[derive(Debug)]
pub struct Measured {
    /// The board's name.
    pub board: String,
    /// The processor's clock.
    pub clock_hz: Option<u64>,
    /// Where a clock comes from that is not the board's own.
    pub clock_source: Option<String>,
    /// What was counted.
    pub unit: Unit,
    /// Whether caches let cycles depend on data, and on the event before.
    pub caches: bool,
    /// The largest count at each multiplicity.
    pub counts: Vec<u64>,
    /// Largest difference at each multiplicity between events of different words.
    pub spread: Vec<u64>,
    /// Modelled cycles, on the cores whose tables were asked for.
    pub modelled: Vec<Cycles>,
    /// On a soft-core: what follows from the code, at each multiplicity.
    pub bounds: Vec<Bound>,
    /// On a soft-core: the largest count at each multiplicity that the core's table predicts.
    pub predicted: Vec<u64>,
    /// Of the whole firmware.
    pub sizes: Sizes,
    /// Bytes of the model's weights, biases and scales in it.
    pub weight_bytes: u64,
    /// Bytes of the model's tables in it.
    pub table_bytes: u64,
    /// Bytes of stack that the firmware used on the way, where that was measured.
    pub stack: Option<u64>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Instructions that an emulator executes.
    Instructions,
    /// Cycles of a soft-core.
    Cycles,
}

impl Unit {
    /// `instructions` or `cycles`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Cycles => "cycles",
        }
    }

    /// Where the figures are from.
    pub fn source(self) -> &'static str {
        match self {
            Self::Instructions => "emulated (instructions)",
            Self::Cycles => "RTL (cycles)",
        }
    }
}

/// Modelled cycles on one core.
#[derive(Debug)]
pub struct Cycles {
    /// The core.
    pub core: Core,
    /// At each multiplicity.
    pub by_multiplicity: Vec<u64>,
    /// By part, at the multiplicity that takes longest.
    pub parts: BTreeMap<Part, Share>,
}

impl Cycles {
    /// The multiplicity that takes longest, and its cycles.
    pub fn worst(&self) -> (usize, u64) {
        worst(&self.by_multiplicity)
    }

    /// A line through the cycles, where there are points enough.
    pub fn fit(&self) -> Option<LinearFit> {
        line(&self.by_multiplicity)
    }
}

/// The last index of the largest value, and it.
pub fn worst(values: &[u64]) -> (usize, u64) {
    let largest = values.iter().copied().enumerate().max_by_key(|(_, v)| *v);
    largest.unwrap_or((0, 0))
}

fn line(values: &[u64]) -> Option<LinearFit> {
    let points: Vec<(f64, f64)> = values
        .iter()
        .enumerate()
        .map(|(n, &value)| (n as f64, value as f64))
        .collect();
    linear_fit(&points).ok()
}

impl Measured {
    /// Builds `model` for the board `name`, and runs events of every multiplicity on it.
    ///
    /// `cores` are the names of cost tables; without one it is that of the board, if it has one. There
    /// are `repeats` events of each multiplicity, of different words: their counts must agree.
    pub fn on(model: &ModelDir, name: &str, cores: &[String], repeats: usize) -> Result<Self> {
        let repeats = repeats.max(1);
        let program = &model.program;
        execute::interpreter(program)?;
        let capacity = program
            .sets
            .iter()
            .map(|set| set.capacity)
            .max()
            .unwrap_or(0);
        let multiplicities: Vec<usize> = (0..=capacity)
            .flat_map(|n| std::iter::repeat_n(n, repeats))
            .collect();
        let deployed = Deployed::build(model, name, &BuildOptions::default())?;
        let events = Events::synthetic(program, &multiplicities, SEED);
        let board = &deployed.board;
        let (unit, counts, modelled, stack) = if board.counts_instructions() {
            let (answers, recording) = deployed.record(&events)?;
            let counts = answers.instructions.unwrap_or_default();
            let modelled = modelled(model, &deployed, cores, &recording, &counts, repeats)?;
            (Unit::Instructions, counts, modelled, answers.stack)
        } else if let (Some(core), Runner::Rtl(_)) = (cores.first(), &board.runner) {
            bail!("--core {core}: {name} is the core's own Verilog, nothing is modelled");
        } else {
            let cycles = deployed.run(&events, true)?.cycles;
            let cycles = cycles.with_context(|| format!("{name} counts no instructions"))?;
            (Unit::Cycles, cycles, vec![], None)
        };
        if counts.len() != events.len() {
            bail!("{name} did not count every event");
        }
        let largest = |counts: &[u64]| {
            let largest = |counts: &[u64]| counts.iter().copied().max().unwrap_or(0);
            counts.chunks(repeats).map(largest).collect()
        };
        let (bounds, predicted) = match &board.runner {
            Runner::Rtl(_) => walked(&deployed, &events, repeats)?,
            _ => (vec![], vec![]),
        };
        let (elf, package) = (Elf::read(deployed.elf()?)?, emit::crate_name(program));
        let statics = elf.statics(&package).unwrap_or(0);
        let table_bytes = elf.statics_among(&package, &emit::table_statics(program));
        Ok(Self {
            board: name.to_owned(),
            clock_hz: board.clock_hz,
            clock_source: board.clock_source.clone(),
            unit,
            caches: board.caches,
            spread: counts
                .chunks(repeats)
                .map(|counts| {
                    let (least, most) = (counts.iter().min(), counts.iter().max());
                    most.unwrap_or(&0) - least.unwrap_or(&0)
                })
                .collect(),
            counts: largest(&counts),
            modelled,
            bounds,
            predicted: largest(&predicted),
            sizes: elf.sizes(),
            weight_bytes: statics.saturating_sub(table_bytes),
            table_bytes,
            stack,
        })
    }

    /// Cycles at each multiplicity, and where they are from: of the Verilog, else of the first model.
    pub fn cycles(&self) -> Option<(&'static str, &[u64])> {
        match (self.unit, self.modelled.first()) {
            (Unit::Cycles, _) => Some((self.unit.source(), &self.counts)),
            (Unit::Instructions, Some(cycles)) => Some((MODELLED, &cycles.by_multiplicity)),
            (Unit::Instructions, None) => None,
        }
    }

    /// Largest difference between events of one multiplicity: 0 unless data matter.
    pub fn largest_spread(&self) -> u64 {
        self.spread.iter().copied().max().unwrap_or(0)
    }

    /// A line through the counts, where there are points enough.
    pub fn fit(&self) -> Option<LinearFit> {
        line(&self.counts)
    }

    /// Of the modelled cycles of a soft-core against those of its Verilog, in per cent: the median
    /// and the largest, without sign.
    pub fn model_error(&self) -> Option<(f64, f64)> {
        let counts = self.counts.iter().zip(&self.predicted);
        let mut errors: Vec<f64> = counts
            .map(|(&count, &predicted)| 100.0 * (predicted as f64 / count as f64 - 1.0).abs())
            .collect();
        errors.sort_by(f64::total_cmp);
        Some((*errors.get(errors.len() / 2)?, *errors.last()?))
    }

    /// The first multiplicity at which more cycles were counted than the bound allows.
    pub fn over_bound(&self) -> Option<usize> {
        let mut counts = self.counts.iter().zip(&self.bounds);
        counts.position(|(&count, bound)| count > bound.at_most)
    }

    /// Bytes of constants and initial values that are not the model's.
    pub fn other_constants(&self) -> u64 {
        let all = self.sizes.rodata + self.sizes.data;
        all.saturating_sub(self.weight_bytes + self.table_bytes)
    }

    /// Bytes of RAM: variables, and the stack where that was measured.
    pub fn ram(&self) -> u64 {
        self.sizes.ram() + self.stack.unwrap_or(0)
    }

    /// Microseconds of `cycles` at the board's clock.
    pub fn microseconds(&self, cycles: u64) -> Option<f64> {
        Some(cycles as f64 * 1e6 / self.clock_hz? as f64)
    }
}

/// What follows from a soft-core's firmware at each multiplicity, and what its table predicts of each
/// event.
fn walked(deployed: &Deployed, events: &Events, repeats: usize) -> Result<(Vec<Bound>, Vec<u64>)> {
    let board = &deployed.board;
    let (Some(cost), Some(ram)) = (&board.cost, board.ram) else {
        return Ok((vec![], vec![]));
    };
    let core = Core::named(cost)?;
    let image = Image::read(deployed.elf()?, ram as usize)?;
    let no_bound = || format!("{}: no bound", board.name);
    let payloads: Vec<Vec<u8>> = (0..events.len())
        .map(|event| events.payload(event))
        .collect();
    let last = events.len().saturating_sub(repeats);
    let bounds = (0..events.len()).step_by(repeats).map(|event| {
        // The largest multiplicity has the constituents of all others.
        Bound::of(&image, &payloads[event], &core, event == last).with_context(no_bound)
    });
    let bounds = bounds.collect::<Result<_>>()?;
    let predicted = bound::modelled(&image, &payloads, &core).with_context(no_bound)?;
    Ok((bounds, predicted))
}

/// Prices what was recorded with the tables of `cores`, without one with the board's own.
fn modelled(
    model: &ModelDir,
    deployed: &Deployed,
    cores: &[String],
    recording: &Recording,
    counts: &[u64],
    repeats: usize,
) -> Result<Vec<Cycles>> {
    let board = &deployed.board;
    let own = board.cost.as_ref().filter(|_| cores.is_empty());
    let lines = Lines::read(&model.dir)?;
    let mut all = Vec::new();
    for name in own.into_iter().chain(cores) {
        let core = Core::named(name).context("--core")?;
        let on = || format!("{}, modelled as {name}", board.name);
        let mut timing = Timing::new(deployed.elf()?, core.clone(), board.memory(), lines.clone())
            .with_context(on)?;
        let prices = (0..recording.paths.len())
            .map(|path| timing.price(recording, path))
            .collect::<Result<Vec<_>, _>>()
            .with_context(on)?;
        for (count, &path) in counts.iter().zip(&recording.events) {
            let recorded = prices[path].total.instructions;
            if recorded != *count {
                bail!(
                    "{}: {count} instructions were counted, {recorded} recorded",
                    board.name
                );
            }
        }
        all.push(Cycles::of(core, &prices, &recording.events, repeats));
    }
    Ok(all)
}

impl Cycles {
    fn of(core: Core, prices: &[Priced], events: &[usize], repeats: usize) -> Self {
        let longest = |paths: &[usize]| {
            let path = paths.iter().copied();
            path.max_by_key(|&path| prices[path].total.cycles)
        };
        let paths: Vec<usize> = events.chunks(repeats).filter_map(longest).collect();
        Self {
            core,
            by_multiplicity: paths
                .iter()
                .map(|&path| prices[path].total.cycles)
                .collect(),
            parts: longest(&paths).map_or_else(BTreeMap::new, |path| prices[path].parts.clone()),
        }
    }
}
