//! Service times: stated, or measured on the board.

use anyhow::{Context, Result, bail};
use hodoscope_sim::encode::Events;
use hodoscope_sim::stream::{Payload, ServiceTable};
use hodoscope_sim::targets::BuildOptions;

use super::Args;
use crate::execute::Deployed;
use crate::measure::{MODELLED, Measured, REPEATS, Unit};
use crate::model_dir::ModelDir;
use crate::own_boards;
use crate::place::Place;

/// The board that was named.
pub fn board_name(args: &Args) -> Result<Option<&String>> {
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
    let board = own_boards::find(name)?;
    match board.clock_hz {
        Some(hz) if hz > 0 => Ok(hz),
        _ => bail!("{name} has no clock; state it with --clock"),
    }
}

/// Service times of one model that are stated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stated<'a> {
    file: Option<&'a str>,
    line: Option<&'a str>,
}

/// What is stated for one model.
pub fn stated_for_one(args: &Args) -> Result<Stated<'_>> {
    let one = |given: &'_ [String], option: &str| match given {
        [] => Ok(()),
        [_] => Ok(()),
        _ => bail!("{option}: one model has its service times once"),
    };
    one(&args.service, "--service")?;
    one(&args.cycles, "--cycles")?;
    Ok(Stated {
        file: args.service.first().map(String::as_str),
        line: args.cycles.first().map(String::as_str),
    })
}

/// What is stated for each model of a menu, `MODEL=…`: all of them or none.
pub fn stated_for<'a>(args: &'a Args, names: &[&str]) -> Result<Vec<Stated<'a>>> {
    let mut stated = vec![Stated::default(); names.len()];
    let mut given = 0;
    let files = args.service.iter().map(|text| ("--service", text));
    let lines = args.cycles.iter().map(|text| ("--cycles", text));
    for (option, text) in files.chain(lines) {
        let named = text.split_once('=').and_then(|(name, value)| {
            let model = names.iter().position(|own| *own == name)?;
            Some((model, value))
        });
        let Some((model, value)) = named else {
            bail!(
                "{option} {text}: give MODEL={text} for each of {}",
                names.join(", ")
            );
        };
        let of = &mut stated[model];
        if of.file.is_some() || of.line.is_some() {
            bail!(
                "{option} {text}: `{}` has its service times already",
                names[model]
            );
        }
        if option == "--service" {
            of.file = Some(value);
        } else {
            of.line = Some(value);
        }
        given += 1;
    }
    if given != 0 && given != names.len() {
        let without = |of: &Stated<'_>| of.file.is_none() && of.line.is_none();
        let missing = stated.iter().position(without).unwrap_or(0);
        bail!(
            "whose service times has `{}`? They are stated for {given} of {} models",
            names[missing],
            names.len()
        );
    }
    Ok(stated)
}

/// The service times of a model: as they are stated, or measured.
pub fn table(
    args: &Args,
    stated: Stated<'_>,
    model: &ModelDir,
    events: &Events,
    payloads: &[Payload],
) -> Result<ServiceTable> {
    match (stated.file, stated.line) {
        (Some(path), _) => ServiceTable::read(path.as_ref()).context("--service"),
        (None, Some(line)) => ServiceTable::line(line).context("--cycles"),
        (None, None) => match board_name(args)? {
            Some(name) => measured(args, model, name, events, payloads),
            None => {
                bail!("whose service times? Name a board with --on, or state --cycles or --service")
            }
        },
    }
}

/// Cycles of made-up events up to the capacity, as they depend on the multiplicity only: those of RTL,
/// or modelled, or instructions where there is no more. Beyond the capacity they depend on the words,
/// and those of the inputs are counted.
fn measured(
    args: &Args,
    model: &ModelDir,
    name: &str,
    events: &Events,
    payloads: &[Payload],
) -> Result<ServiceTable> {
    if let Some(stated) = args.cycles_per_instruction
        && !(stated > 0.0 && stated < 1e6)
    {
        bail!("--cycles-per-instruction {stated}: a positive number");
    }
    let cores: Vec<String> = args.core.iter().cloned().collect();
    let measured = Measured::on(model, name, &cores, REPEATS)?;
    let (mut cycles, per_instruction, source) = by_multiplicity(args, &measured)?;
    let largest = payloads
        .iter()
        .map(Payload::multiplicity)
        .max()
        .unwrap_or(0);
    if largest < cycles.len() {
        return Ok(ServiceTable::new(cycles, source));
    }
    let deployed = Deployed::build(model, name, &BuildOptions::default())?;
    let answers = deployed.run(events, true)?;
    let counts = match measured.unit {
        Unit::Cycles => answers.cycles,
        Unit::Instructions => answers.instructions,
    };
    let counts = counts.with_context(|| format!("{name} counts no more"))?;
    let capacity = cycles.len() - 1;
    for multiplicity in cycles.len()..=largest {
        let of_this = payloads.iter().zip(&counts);
        let of_this = of_this.filter(|(event, _)| event.multiplicity() == multiplicity);
        let worst = of_this
            .map(|(_, count)| priced(*count, per_instruction))
            .max();
        // What no event has is not asked for: the value of the one below keeps the table whole.
        cycles.push(worst.or(cycles.last().copied()).unwrap_or(0));
    }
    let note = format!("{source}; beyond {capacity} constituents the longest of the inputs");
    Ok(ServiceTable::new(cycles, note))
}

/// Cycles at each multiplicity, how many an instruction takes where that is beyond what was measured, and
/// the source.
fn by_multiplicity(args: &Args, measured: &Measured) -> Result<(Vec<u64>, f64, String)> {
    let board = &measured.board;
    let counts = &measured.counts;
    let times = |factor: f64, stated: &str| {
        let source = measured.unit.source();
        let cycles = counts.iter().map(|count| priced(*count, factor)).collect();
        let source = format!("{source} on {board} × {factor} cycles per instruction ({stated})");
        (cycles, factor, source)
    };
    match (
        measured.unit,
        args.cycles_per_instruction,
        measured.modelled.first(),
    ) {
        (Unit::Cycles, Some(_), _) => bail!("--cycles-per-instruction: {board} counts cycles"),
        (Unit::Cycles, None, _) => {
            let source = format!("{} on {board}", measured.unit.source());
            Ok((counts.clone(), 1.0, source))
        }
        (Unit::Instructions, Some(stated), _) => Ok(times(stated, "stated")),
        (Unit::Instructions, None, Some(modelled)) => {
            let cycles = modelled.by_multiplicity.clone();
            let ratio = |(cycles, count): (&u64, &u64)| *cycles as f64 / (*count).max(1) as f64;
            let at_capacity = cycles.last().zip(counts.last()).map_or(1.0, ratio);
            let source = format!("{MODELLED} of {} on {board}", modelled.core.name());
            Ok((cycles, at_capacity, source))
        }
        (Unit::Instructions, None, None) => Ok(times(1.0, "assumed: real cores take more")),
    }
}

fn priced(count: u64, per_instruction: f64) -> u64 {
    (count as f64 * per_instruction).ceil() as u64
}
