//! DIR/rtl: what `hodoscope rtl` makes.
//!
//! ```text
//! rtl/report.json    what it was made from and how, and what it takes; `"generator": "hodoscope rtl"` marks it as ours
//!     *.v, main.cpp  the network, and a testbench for it
//!     vectors.txt    what goes in each clock, and
//!     expected.txt   what has to come out, for the testbench
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_fabric::matrix::Aim;
use hodoscope_fabric::{Circuit, Options};
use hodoscope_program::{Program, SetId};
use hodoscope_sim::encode::Events;
use hodoscope_sim::targets::rtl::fabric::{Answered, Simulator};
use hodoscope_sim::targets::rtl::network;
use hodoscope_sim::targets::{Cache, board};
use serde_json::Value;

use crate::digest;
use crate::progress;

/// The value of `"generator"` in a report of ours.
pub const GENERATOR: &str = "hodoscope rtl";
/// Where it is in a compiled model, unless something else was said.
pub const FOLDER: &str = network::FOLDER;
/// What stands for it among boards.
pub const NAME: &str = board::FABRIC;
/// The source of what is counted on it.
pub const SOURCE: &str = "RTL";

/// The report of a directory that `hodoscope rtl` made.
pub fn read_report(dir: &Path) -> Result<Value> {
    let path = dir.join("report.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let report: Value =
        serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?;
    if report["generator"].as_str() != Some(GENERATOR) {
        bail!("{} has no \"generator\": \"{GENERATOR}\"", path.display());
    }
    Ok(report)
}

/// A model as logic: Verilog as it lies there, and what it is meant to be.
pub struct Fabric {
    /// The model as wires.
    pub circuit: Circuit,
    /// What was stated.
    pub report: Value,
    simulator: Simulator,
}

impl Fabric {
    /// Reads `rtl`, or the one in the compiled model `dir`, and builds its simulator.
    pub fn read(program: &Program, dir: &Path, rtl: Option<&Path>) -> Result<Self> {
        let place: PathBuf = rtl.map_or_else(|| dir.join(FOLDER), Path::to_owned);
        if !place.is_dir() {
            bail!(
                "{}: no Verilog there; `hodoscope rtl {}` writes it",
                place.display(),
                dir.display()
            );
        }
        let report = read_report(&place)
            .with_context(|| format!("{}: not what `hodoscope rtl` makes", place.display()))?;
        let again = || format!("write it again: hodoscope rtl {} --force", dir.display());
        if report["program_sha256"].as_str() != Some(&digest::sha256(program)) {
            bail!(
                "{}: it was made from another program than {} has; {}",
                place.display(),
                dir.display(),
                again()
            );
        }
        let options = options(&report["options"])
            .with_context(|| format!("{}: report.json; {}", place.display(), again()))?;
        let circuit = Circuit::of(program, options)?;
        let mut verilog = BTreeMap::new();
        for entry in fs::read_dir(&place).with_context(|| format!("{}", place.display()))? {
            let path = entry?.path();
            let is_source = path
                .extension()
                .is_some_and(|end| end == "v" || end == "cpp");
            if let (true, Some(name)) = (is_source, path.file_name()) {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                verilog.insert(name.to_string_lossy().into_owned(), text);
            }
        }
        let spinner = progress::spinner(&format!("building the simulator of {}", program.name));
        let simulator = Simulator::build(&program.name, &verilog, &Cache::from_env()?);
        spinner.finish_and_clear();
        Ok(Self {
            circuit,
            report,
            simulator: simulator?,
        })
    }

    /// Clocks from the last words of an event to its outputs, as the report states them.
    pub fn stated(&self) -> Result<u32> {
        let stated = self.report["latency_clocks"].as_u64();
        let stated = stated.and_then(|clocks| u32::try_from(clocks).ok());
        stated.context("report.json states no latency_clocks")
    }

    /// Lets events go through the Verilog.
    pub fn run(&self, events: &Events, seed: u64) -> Result<Vec<Answered>> {
        let words: Vec<Vec<Vec<i64>>> = (0..events.len()).map(|e| events.event(e).inputs).collect();
        let spinner = progress::spinner("simulating the Verilog");
        let answered = self
            .simulator
            .run(&self.circuit, &words, (seed & 0x7fff_ffff) as u32);
        spinner.finish_and_clear();
        Ok(answered?)
    }
}

/// Whether an event has more constituents than are computed, of which the hardest should be kept.
pub fn is_marked(program: &Program, circuit: &Circuit, events: &Events, event: usize) -> bool {
    circuit.stream.as_ref().is_some_and(|stream| {
        let live = events.live_slots(program, event, SetId::new(0)).len();
        stream.is_ordered && live > stream.capacity
    })
}

/// What `report.json` says that was asked for, as far as ports depend on it.
fn options(options: &Value) -> Result<Options> {
    match options["adders"].as_str() {
        Some("shallow") => Ok(Options { aim: Aim::Shallow }),
        Some("fewest") => Ok(Options { aim: Aim::Fewest }),
        _ => bail!("options.adders is neither `shallow` nor `fewest`"),
    }
}
