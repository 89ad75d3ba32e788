//! `hodoscope synth`.

use anyhow::{Result, bail};
use hodoscope_sim::synth::{Device, Figures, synthesise};
use hodoscope_sim::targets::Cache;
use serde_json::{Value, json};

use crate::own_boards;
use crate::report::{Report, Table, thousands};

/// Synthesise a soft-core for an FPGA: area, and the clock that placements reach
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope synth --board picorv32 --device ecp5-45f --seeds 5

The core, the system around it and 64 KiB of RAM are placed once per seed by yosys and nextpnr. The
last lines are what `board.toml` takes: the least clock gives the board's cycles a time.")]
pub struct Args {
    /// Soft-core
    #[arg(long, value_name = "NAME")]
    board: String,
    /// FPGA: ecp5-45f or ice40-up5k
    #[arg(long, value_name = "DEVICE", default_value = "ecp5-45f")]
    device: Device,
    /// Placements, each of another seed
    #[arg(long, value_name = "N", default_value_t = 3)]
    seeds: u32,
}

pub fn synth(args: &Args) -> Result<Report> {
    if args.seeds == 0 {
        bail!("--seeds 0: one placement is the least");
    }
    let board = own_boards::find(&args.board)?;
    let seeds: Vec<u32> = (1..=args.seeds).collect();
    let figures = synthesise(&board, args.device, &seeds, &Cache::from_env()?)?;
    Ok(Report::new(
        text(&args.board, args.device, &figures),
        facts(&args.board, args.device, &figures),
    ))
}

fn ends(figures: &Figures) -> (u64, u64) {
    let all = &figures.fmax_hz;
    let (least, most) = (all.iter().min(), all.iter().max());
    (least.copied().unwrap_or(0), most.copied().unwrap_or(0))
}

fn text(board: &str, device: Device, figures: &Figures) -> String {
    let (least, most) = ends(figures);
    let megahertz = |hz: u64| hz as f64 / 1e6;
    let mut table = Table::new(["cells", "used", "of"]);
    for (name, cells) in &figures.cells {
        table.row([
            name.clone(),
            thousands(cells.used),
            thousands(cells.available),
        ]);
    }
    format!(
        "{board} on {device}, {} bytes of RAM: {}\n{table}  \
         highest clock {:.1} to {:.1} MHz over {} placements\n\n{}",
        thousands(figures.memory_bytes),
        figures.tools,
        megahertz(least),
        megahertz(most),
        figures.fmax_hz.len(),
        record(device, figures),
    )
}

/// The table of `board.toml`.
fn record(device: Device, figures: &Figures) -> String {
    let (least, most) = ends(figures);
    let cells: Vec<String> = figures
        .cells
        .iter()
        .map(|(name, cells)| format!("{name} = {}", cells.used))
        .collect();
    format!(
        "[[synthesis]]\ndevice = \"{device}\"\ntools = \"{}\"\nmemory_bytes = {}\ncells = {{ {} }}\n\
         seeds = {}\nfmax_hz = [{least}, {most}]\n",
        figures.tools,
        figures.memory_bytes,
        cells.join(", "),
        figures.fmax_hz.len(),
    )
}

fn facts(board: &str, device: Device, figures: &Figures) -> Value {
    let cells = figures.cells.iter().map(|(name, cells)| {
        let cells = json!({ "used": cells.used, "available": cells.available });
        (name.clone(), cells)
    });
    json!({
        "board": board,
        "device": device.name(),
        "tools": figures.tools,
        "memory_bytes": figures.memory_bytes,
        "cells": cells.collect::<serde_json::Map<_, _>>(),
        "fmax_hz_by_seed": figures.fmax_hz,
    })
}
