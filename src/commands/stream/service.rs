//! Service times: stated, or measured on the board.

use anyhow::{Context, Result, bail};
use hodoscope_sim::encode::Events;
use hodoscope_sim::stream::{Payload, ServiceTable};
use hodoscope_sim::targets::{BuildOptions, board};

use super::{Args, capacity, instructions};
use crate::execute::{self, Deployed};
use crate::model_dir::ModelDir;
use crate::place::Place;

/// Seed of the words of measured events: which they are does not matter.
const SEED: u64 = 1;

/// The board that was named.
fn board_name(args: &Args) -> Result<Option<&String>> {
    match &args.on {
        None => Ok(None),
        Some(Place::Board(name)) => Ok(Some(name)),
        Some(other) => {
            bail!("--on {other}: a trigger runs on a board; `hodoscope boards` lists them")
        }
    }
}

/// The processor's clock in Hz.
pub fn clock(args: &Args) -> Result<u64> {
    const MICRO: u64 = 1_000_000;
    if let Some(clock) = args.clock {
        let micro_hz = clock.micro_hz();
        if !micro_hz.is_multiple_of(MICRO) {
            bail!("--clock: {} Hz is no whole number of Hz", clock.hz());
        }
        return Ok(micro_hz / MICRO);
    }
    let Some(name) = board_name(args)? else {
        bail!("whose clock? Name a board with --on, or state --clock");
    };
    let board = board::find(name, &[])?;
    match board.clock_hz {
        Some(hz) if hz > 0 => Ok(hz),
        _ => bail!("{name} has no clock; state it with --clock"),
    }
}

/// The service times that the arguments ask for.
pub fn table(
    args: &Args,
    model: &ModelDir,
    events: &Events,
    payloads: &[Payload],
) -> Result<ServiceTable> {
    let table = match (&args.service, &args.cycles) {
        (Some(path), _) => ServiceTable::read(path).context("--service")?,
        (None, Some(line)) => ServiceTable::line(line).context("--cycles")?,
        (None, None) => match board_name(args)? {
            Some(name) => measured(args, model, name, events, payloads)?,
            None => {
                bail!("whose service times? Name a board with --on, or state --cycles or --service")
            }
        },
    };
    Ok(match args.overhead {
        0 => table,
        cycles => table.plus(cycles, "event loop"),
    })
}

/// Counts instructions on an emulated board: of made-up events up to the capacity, as they depend on
/// the multiplicity only; beyond it they depend on the words, and those of the inputs are counted.
fn measured(
    args: &Args,
    model: &ModelDir,
    name: &str,
    events: &Events,
    payloads: &[Payload],
) -> Result<ServiceTable> {
    let per_instruction = args.cycles_per_instruction.unwrap_or(1.0);
    if !(per_instruction > 0.0 && per_instruction < 1e6) {
        bail!("--cycles-per-instruction {per_instruction}: a positive number");
    }
    execute::interpreter(&model.program)?;
    let deployed = Deployed::build(model, name, &BuildOptions::default())?;
    let multiplicities: Vec<usize> = (0..=capacity(model)).collect();
    let made_up = Events::synthetic(&model.program, &multiplicities, SEED);
    let mut counts = instructions(&deployed, &made_up)?;
    if payloads
        .iter()
        .any(|event| event.multiplicity() >= counts.len())
    {
        let of_inputs = instructions(&deployed, events)?;
        let largest = payloads.iter().map(Payload::multiplicity).max();
        // What no event has is not asked for: the value of the one below keeps the table whole.
        for multiplicity in counts.len()..=largest.unwrap_or(0) {
            let of_this = payloads.iter().zip(&of_inputs);
            let of_this = of_this.filter(|(event, _)| event.multiplicity() == multiplicity);
            let worst = of_this.map(|(_, count)| *count).max();
            counts.push(worst.or(counts.last().copied()).unwrap_or(0));
        }
    }
    let cycles = |count: u64| (count as f64 * per_instruction).ceil() as u64;
    let stated = match args.cycles_per_instruction {
        Some(_) => "stated",
        None => "assumed: real cores take more",
    };
    Ok(ServiceTable::new(
        counts.into_iter().map(cycles).collect(),
        format!(
            "emulated (instructions) on {name} × {per_instruction} cycles per instruction ({stated})"
        ),
    ))
}
