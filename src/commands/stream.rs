//! `hodoscope stream`.

mod figures;
mod menu;
mod service;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use hodoscope_sim::stream::{
    Arrivals, Bandwidth, Board, DeadTime, Fates, Filling, Input, Job, Jobs, LAST, Link, Order,
    Outcome, Payload, Poll, Rate, Run, Span, StreamError, Sustainable, Timebase, arrivals,
    largest_rate, run,
};

use crate::execute;
use crate::files::Columns;
use crate::menu_dir;
use crate::model_dir::ModelDir;
use crate::place::Place;
use crate::progress;
use crate::report::Report;

/// Events of a simulation whose number nobody stated.
const EVENTS: u64 = 1_000_000;
/// Distance of two bunch slots where nobody stated one.
const SLOT: &str = "25ns";
/// Fraction of events that may be lost at the sustainable rate, where nobody stated one.
const DROP_FRACTION: f64 = 1e-3;

/// Simulate the trigger in time: arrivals, link, queue, inference, decisions
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  hodoscope stream pfn-qg --on mps2-an386 --inputs models/pfn-qg/test.npz --arrivals poisson:2kHz
  hodoscope stream pfn-qg --clock 100MHz --cycles 2268+6241*n --inputs models/pfn-qg/test.npz \\
      --arrivals lhc:1kHz --queue 7 --link 10Mbit/s --input streaming --fixed-latency 5ms
  hodoscope stream menu.toml --on nucleo-f446re --inputs qg=jets.npz --inputs odd=events.npz --arrivals lhc:200Hz --queue 7

Arrivals: fixed:RATE, poisson:RATE, lhc:RATE or lhc:PROBABILITY (of each filled bunch), file:PATH (an
array or column time_ns; also file:PATH@ns). An event that finds BUSY up is lost; BUSY is up while
all places are taken, those of --queue and the one in service.

Of a menu the rates of each line are told, before and after veto and prescale: what the board computes is decided by the board's own
evaluator and by the golden interpreter. The tick of an event is its arrival, in units of --tick.

Lengths of time are written 50us, 2.5ns, 1200cycles. The exit code is 1 when a decision is there too
late for --fixed-latency, more is lost than a --drop-fraction that was stated, or a menu's two evaluators differ.")]
pub struct Args {
    /// Compiled model, as `hodoscope compile` makes it, or a menu of several, menu.toml
    dir: PathBuf,
    /// The board; not needed with a --clock and service times
    #[arg(long, value_name = "BOARD")]
    on: Option<Place>,
    /// Events: arrays named by the model's inputs, first axis = events; npz, npy, parquet or HDF5, of which FILE:GROUP names a group.
    /// Of a menu MODEL=FILE for each model, or one file for all
    #[arg(long, value_name = "FILE", required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    /// Of a menu: change to another one of the same models at an event that is computed, as other.toml@5000; may be given again
    #[arg(long, value_name = "MENU@EVENT")]
    change: Vec<String>,
    /// Of a menu: the tick that its coincidences count [default: with lhc:… the distance of two slots]
    #[arg(long, value_name = "TIME")]
    tick: Option<Span>,
    /// When events arrive
    #[arg(long, value_name = "HOW")]
    arrivals: String,
    /// Bunches of lhc:…, such as "(72b 8e)x3 30e" [default: the LHC's nominal scheme]
    #[arg(long, value_name = "SCHEME")]
    filling: Option<Filling>,
    /// Distance of two bunch slots of lhc:… [default: 25ns]
    #[arg(long, value_name = "TIME")]
    slot: Option<Span>,
    /// How many events arrive [default: 1000000, or all times of the file]
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Which of the inputs arrives next: random, or cycle through the file [default: random; cycle
    /// with recorded times]
    #[arg(long, value_name = "ORDER")]
    order: Option<OrderArg>,
    /// Seed of arrivals and events
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Events that may wait besides the one in service, or `unlimited`
    #[arg(long, value_name = "DEPTH", default_value = "0")]
    queue: Depth,
    /// Whether events that are lost prolong BUSY
    #[arg(long, value_name = "HOW", default_value = "non-paralysable")]
    dead_time: DeadTimeArg,
    /// Bandwidth of the link; without it an event is there at once
    #[arg(long, value_name = "BANDWIDTH")]
    link: Option<Bandwidth>,
    /// Bits that a byte takes on the link: 10 with a UART's start and stop bit [default: 8]
    #[arg(long, value_name = "BITS", requires = "link", value_parser = clap::value_parser!(u32).range(1..=64))]
    bits_per_byte: Option<u32>,
    /// Bytes of an event on the link besides its payload [default: 0]
    #[arg(long, value_name = "BYTES", requires = "link")]
    link_overhead: Option<u32>,
    /// When the board begins: with the whole event, or with each constituent
    #[arg(long, value_name = "HOW", default_value = "store-and-forward")]
    input: InputArg,
    /// Service times: lines `multiplicity,cycles`. Of a menu MODEL=FILE for each model
    #[arg(long, value_name = "FILE", conflicts_with = "cycles")]
    service: Vec<String>,
    /// Service times: cycles for n constituents, such as 2268+6241*n. Of a menu MODEL=A+B*n for each model
    #[arg(long, value_name = "A+B*n")]
    cycles: Vec<String>,
    /// Cost table of modelled cycles, instead of that of the board's core
    #[arg(long, value_name = "CORE", conflicts_with_all = ["service", "cycles"],
          value_parser = clap::builder::PossibleValuesParser::new(hodoscope_cost::Core::names()))]
    core: Option<String>,
    /// Cycles of an instruction, instead of modelled ones [default, on an emulated board without a cost
    /// table: 1]
    #[arg(long, value_name = "X", conflicts_with_all = ["service", "cycles", "core"])]
    cycles_per_instruction: Option<f64>,
    /// Cycles of the event loop around each inference
    #[arg(long, value_name = "CYCLES", default_value_t = 0)]
    overhead: u64,
    /// The processor's clock [default: the board's]
    #[arg(long, value_name = "RATE")]
    clock: Option<Rate>,
    /// What time is counted in
    #[arg(long, value_name = "UNIT", default_value = "picoseconds")]
    ticks: TicksArg,
    /// From the end of an inference to its decision
    #[arg(long, value_name = "TIME", default_value = "0ps")]
    output_latency: Span,
    /// Release every decision at this time after its event; those that are not there by then are late
    #[arg(long, value_name = "TIME")]
    fixed_latency: Option<Span>,
    /// Fraction of events that may be lost: the largest rate is sought for it, and where it is stated
    /// this stream must keep to it [default: 0.001, not checked]
    #[arg(long, value_name = "FRACTION")]
    drop_fraction: Option<f64>,
    /// Events for each rate that is tried to find the largest; 0 for no search [default: as --events, at
    /// most 1000000]
    #[arg(long, value_name = "N")]
    search_events: Option<u64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum OrderArg {
    Random,
    Cycle,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum DeadTimeArg {
    NonParalysable,
    Paralysable,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum InputArg {
    StoreAndForward,
    Streaming,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum TicksArg {
    Picoseconds,
    Cycles,
}

/// Fewest events from which a drop fraction is taken when low rates leave no time for more.
const FEWEST: u64 = 10_000;

/// `--queue`.
#[derive(Clone, Copy, Debug)]
struct Depth(Option<usize>);

impl std::str::FromStr for Depth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const MOST: usize = 1 << 20;
        if text == "unlimited" {
            return Ok(Self(None));
        }
        match text.parse() {
            Ok(depth) if depth <= MOST => Ok(Self(Some(depth))),
            _ => Err(format!("a number of events up to {MOST}, or `unlimited`")),
        }
    }
}

/// What is simulated, everything in ticks.
struct Setup {
    name: String,
    timebase: Timebase,
    clock_hz: u64,
    arrivals: Arrivals,
    mean_hz: Option<f64>,
    link: Link,
    input: Input,
    board: Board,
    /// Where the service times are from.
    source: String,
    multiplicities: (usize, f64, usize),
    jobs: Jobs,
    order: Order,
    events: u64,
    seed: u64,
}

impl Setup {
    fn run(
        &self,
        arrivals: &Arrivals,
        events: u64,
        fates: impl Fates,
    ) -> Result<Outcome, StreamError> {
        let stream = Run {
            board: self.board,
            jobs: &self.jobs,
            order: self.order,
            seed: self.seed,
            events,
        };
        let ticks = arrivals.ticks(self.timebase, self.clock_hz, self.seed);
        run(stream, ticks, fates)
    }

    /// Inferences per second, one after the other without a break.
    fn throughput_hz(&self) -> f64 {
        1.0 / self.timebase.seconds(self.jobs.moments().0)
    }
}

/// The largest sustainable rate, or why it was not sought.
enum Largest {
    Found(Sustainable, u64),
    None,
    NotSought(&'static str),
}

pub fn stream(args: &Args) -> Result<Report> {
    let fraction = args.drop_fraction.unwrap_or(DROP_FRACTION);
    if !(0.0..1.0).contains(&fraction) {
        bail!("--drop-fraction {fraction}: at least 0, and less than 1");
    }
    let bunches = [
        ("--filling", args.filling.is_some()),
        ("--slot", args.slot.is_some()),
    ];
    let stated = bunches.into_iter().find(|(_, stated)| *stated);
    if let (Some((option, _)), false) = (stated, args.arrivals.starts_with("lhc:")) {
        bail!(
            "{option}: it is that of bunches, and there are none in --arrivals {}",
            args.arrivals
        );
    }
    without_effect(args)?;
    let slot = match args.slot {
        Some(slot) => slot,
        None => SLOT.parse()?,
    };
    let clock_hz = service::clock(args)?;
    // What is wrong with arrivals is said before a firmware is built.
    let timebase = match args.ticks {
        TicksArg::Picoseconds => Timebase::PICOSECONDS,
        TicksArg::Cycles => Timebase::cycles(clock_hz).context("the clock stands still")?,
    };
    let arrivals = arrivals::parse(
        &args.arrivals,
        args.filling.as_ref(),
        slot,
        timebase,
        clock_hz,
    )
    .context("--arrivals")?;
    let frame = Frame {
        link: Link {
            bandwidth: args.link,
            bits_per_byte: args.bits_per_byte.unwrap_or(8),
            overhead_bytes: args.link_overhead.unwrap_or(0),
        },
        input: match args.input {
            InputArg::StoreAndForward => Input::StoreAndForward,
            InputArg::Streaming => Input::Streaming,
        },
        clock_hz,
        timebase,
    };
    let (work, menu) = if menu_dir::is_menu(&args.dir) {
        let menu =
            menu::OfMenu::read(args, slot, timebase, clock_hz, event_count(args, &arrivals))?;
        (menu.work(args, &frame)?, Some(menu))
    } else {
        (of_one(args, &frame)?, None)
    };
    let setup = setup(args, arrivals, frame, work)?;
    let spinner = progress::spinner("simulating");
    let (outcome, lines) = match &menu {
        None => (setup.run(&setup.arrivals, setup.events, ())?, None),
        Some(menu) => {
            let (outcome, lines) = menu.run(args, &setup)?;
            (outcome, Some(lines))
        }
    };
    let largest = largest(args, &setup, fraction)?;
    spinner.finish_and_clear();
    let mut report = figures::report(args, &setup, &outcome, &largest, fraction);
    if let Some(lines) = lines {
        lines.add_to(&mut report);
    }
    Ok(report)
}

/// The times in which events are carried and computed.
struct Frame {
    link: Link,
    input: Input,
    clock_hz: u64,
    timebase: Timebase,
}

/// What a board does with the events.
struct Work {
    name: String,
    source: String,
    multiplicities: (usize, f64, usize),
    jobs: Vec<Job>,
}

/// The work of one model.
fn of_one(args: &Args, frame: &Frame) -> Result<Work> {
    let options = [
        ("--change", !args.change.is_empty()),
        ("--tick", args.tick.is_some()),
    ];
    if let Some((option, _)) = options.into_iter().find(|(_, given)| *given) {
        bail!("{option}: {} is one model and no menu", args.dir.display());
    }
    let [inputs] = &*args.inputs else {
        bail!("--inputs: one model has one file");
    };
    let stated = service::stated_for_one(args)?;
    let model = ModelDir::read(&args.dir)?;
    let events = execute::events(&model.program, &args.columns.read(inputs.as_ref())?)?;
    let payloads: Vec<Payload> = (0..events.len())
        .map(|event| Payload::of(&model.program, &events, event))
        .collect();
    let mut table = service::table(args, stated, &model, &events, &payloads)?;
    if args.overhead > 0 {
        table = table.plus(args.overhead, LOOP);
    }
    let Frame {
        link,
        input,
        clock_hz,
        timebase,
    } = frame;
    let job = |payload| link.job(payload, *input, &table, *clock_hz, *timebase);
    Ok(Work {
        name: model.program.name.clone(),
        source: table.source().to_owned(),
        multiplicities: spread(payloads.iter().map(Payload::multiplicity)),
        jobs: payloads.iter().map(job).collect::<Result<_, _>>()?,
    })
}

/// What takes the cycles of `--overhead`.
const LOOP: &str = "event loop";

/// Refuses options that another one leaves nothing to do.
fn without_effect(args: &Args) -> Result<()> {
    if matches!(args.input, InputArg::Streaming) && args.link.is_none() {
        bail!(
            "--input streaming: without --link an event is there at once; state the link's bandwidth"
        );
    }
    if matches!(args.dead_time, DeadTimeArg::Paralysable) && args.queue.0.is_none() {
        bail!("--dead-time paralysable: with --queue unlimited no event is lost; state a depth");
    }
    let times = !args.cycles.is_empty() || !args.service.is_empty();
    if let (Some(place), Some(_), true) = (&args.on, args.clock, times) {
        bail!(
            "--on {place}: clock and service times are stated, and nothing is asked of a board; leave out --on, or one of these"
        );
    }
    Ok(())
}

/// Number of times, where they are recorded.
fn recorded(arrivals: &Arrivals) -> Option<u64> {
    match arrivals {
        Arrivals::Times { ticks, .. } => Some(ticks.len() as u64),
        _ => None,
    }
}

/// Number of events that arrive.
fn event_count(args: &Args, arrivals: &Arrivals) -> u64 {
    match (args.events, recorded(arrivals)) {
        (Some(events), Some(times)) => events.min(times),
        (Some(events), None) => events,
        (None, Some(times)) => times,
        (None, None) => EVENTS,
    }
}

fn setup(args: &Args, arrivals: Arrivals, frame: Frame, work: Work) -> Result<Setup> {
    let Frame {
        link,
        input,
        clock_hz,
        timebase,
    } = frame;
    let ticks = |span: Span| timebase.of_span(span, clock_hz).ok_or(StreamError::TooLong);
    let board = Board {
        queue: args.queue.0,
        dead_time: match args.dead_time {
            DeadTimeArg::NonParalysable => DeadTime::NonParalysable,
            DeadTimeArg::Paralysable => DeadTime::Paralysable,
        },
        output: ticks(args.output_latency)?,
        fixed_latency: args.fixed_latency.map(ticks).transpose()?,
        poll: Poll::default(),
    };
    let order = match (args.order, recorded(&arrivals)) {
        (Some(OrderArg::Random), _) | (None, None) => Order::Random,
        (Some(OrderArg::Cycle), _) | (None, Some(_)) => Order::Cycle,
    };
    Ok(Setup {
        name: work.name,
        mean_hz: arrivals.mean_hz(timebase, clock_hz),
        multiplicities: work.multiplicities,
        jobs: Jobs::new(work.jobs)?,
        events: event_count(args, &arrivals),
        seed: args.seed,
        source: work.source,
        timebase,
        clock_hz,
        arrivals,
        link,
        input,
        board,
        order,
    })
}

/// Seeks the largest rate at which no more than `fraction` is lost.
fn largest(args: &Args, setup: &Setup, fraction: f64) -> Result<Largest> {
    let events = args.search_events.unwrap_or(setup.events.min(EVENTS));
    if events == 0 {
        return Ok(Largest::NotSought("no search was asked for"));
    }
    if setup.board.queue.is_none() {
        return Ok(Largest::NotSought("an unlimited queue loses nothing"));
    }
    let (timebase, clock_hz) = (setup.timebase, setup.clock_hz);
    if setup.mean_hz.is_none() || setup.jobs.moments().0 == 0.0 {
        return Ok(Largest::NotSought("there is no rate, or no service time"));
    }
    // A server that is never idle loses at least this; a little more for chance.
    let mut highest = 1.02 * setup.throughput_hz() / (1.0 - fraction);
    if let Arrivals::Bunches { filling, slot, .. } = &setup.arrivals {
        highest = highest.min(filling.bunches_hz(*slot, clock_hz));
    }
    // Low rates take long: as many events as fit the ticks twice, or there is no figure.
    let fit = |hz: f64| (hz * LAST as f64 / 2.0 / timebase.per_second() as f64) as u64;
    let lowest = FEWEST as f64 / fit(1e6).max(1) as f64 * 1e6;
    let lost = |hz: f64| {
        let arrivals = setup
            .arrivals
            .at_rate(hz, timebase, clock_hz)
            .ok_or(StreamError::TooLong)?;
        Ok(setup.run(&arrivals, events.min(fit(hz)), ())?.drop_fraction)
    };
    Ok(match largest_rate(fraction, lowest, highest, lost)? {
        Some(found) => Largest::Found(found, events.min(fit(found.rate_hz))),
        None => Largest::None,
    })
}

/// Numbers of constituents: fewest, mean, most.
fn spread(of: impl ExactSizeIterator<Item = usize> + Clone) -> (usize, f64, usize) {
    let mean = of.clone().sum::<usize>() as f64 / of.len().max(1) as f64;
    (of.clone().min().unwrap_or(0), mean, of.max().unwrap_or(0))
}
