//! The simulated trigger against the firmware's own loop on RTL: a soft-core with a queue in front of
//! it, events that arrive at given cycles, and every decision and every loss the same.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use hodoscope_compiler::emit::{emit_crate, workspace_manifest};
use hodoscope_compiler::plan::{Isa, Plan};
use hodoscope_interpreter::Interpreter;
use hodoscope_program::Program;
use hodoscope_sim::encode::Events;
use hodoscope_sim::stream::{
    Arrivals, Board, Fate, Job, Jobs, Order, Poll, Rate, Run, Timebase, run,
};
use hodoscope_sim::targets::timed::{Timed, TimedStream, serve};
use hodoscope_sim::targets::{BuildOptions, Built, Cache, board, build, sources};

/// Events that may wait, besides the one in service.
const QUEUE: usize = 2;
const ARRIVALS: u64 = 12_000;
/// Different events.
const BANK: usize = 48;
/// Any clock: everything is in cycles.
const CLOCK_HZ: u64 = 1_000_000;

fn without_softcores() -> bool {
    let without = env::var_os("HODOSCOPE_WITHOUT_RTL").is_some_and(|value| value == "1");
    if without {
        println!("SKIPPED: soft-cores, since HODOSCOPE_WITHOUT_RTL=1");
    }
    without
}

/// The cache of the run, so that simulators and libraries are built once for all tests.
fn cache() -> Cache {
    match env::var_os("HODOSCOPE_CACHE") {
        Some(_) => Cache::from_env().unwrap(),
        None => Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope")),
    }
}

/// What `hodoscope compile` would leave of a program.
fn written(program: &Program) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stream-rtl/tiny-set");
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("program.txt"), program.to_text()).unwrap();
    fs::write(dir.join("Cargo.toml"), workspace_manifest()).unwrap();
    let plans = Isa::ALL.map(|isa| Plan::new(program, isa).unwrap());
    for (path, text) in emit_crate(&plans) {
        let path = dir.join("crate").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    sources::write_kernels(&dir.join("kernels")).unwrap();
    dir
}

struct Bench {
    board: hodoscope_sim::targets::Board,
    built: Built,
    output: u16,
    threshold: i64,
    payloads: Vec<Vec<u8>>,
}

impl Bench {
    fn serve(&self, places: usize, arrivals: &[(u64, usize)]) -> Timed {
        let stream = TimedStream {
            places,
            output: self.output,
            threshold: self.threshold,
            payloads: &self.payloads,
            arrivals,
        };
        serve(&self.board, &self.built, &stream).unwrap()
    }

    /// Cycles of each event from its first byte to the fall of BUSY, and how the firmware polls:
    /// measured on events that come alone.
    fn measure(&self) -> (Vec<u64>, Poll) {
        const APART: u64 = 40_009;
        let alone: Vec<(u64, usize)> = (0..2 * BANK)
            .map(|k| (APART * k as u64, k % BANK))
            .collect();
        let timed = self.serve(1, &alone);
        let cycles = |k: usize| {
            let fate = timed.fates[k].as_ref().expect("it comes alone");
            assert!(fate.end < alone[k].0 + APART, "events must come alone");
            fate.end - fate.begin
        };
        let services: Vec<u64> = (0..BANK).map(cycles).collect();
        for (event, service) in services.iter().enumerate() {
            assert_eq!(cycles(BANK + event), *service, "event {event} again");
        }
        // Always the same, or it would be no fact about the firmware.
        let (period, most) = timed.period.unwrap();
        let (turnaround, latest) = timed.turnaround.unwrap();
        assert_eq!((period, turnaround), (most, latest));
        (services, Poll { turnaround, period })
    }
}

/// Where an event goes: its place in the bank, its arrival, and the end of its inference.
type Seen = (usize, u64, Option<u64>);

fn simulated(services: &[u64], poll: Poll, load: f64) -> Vec<Seen> {
    let mean = services.iter().sum::<u64>() as f64 / services.len() as f64;
    let job = |&service: &u64| Job {
        service,
        ..Job::default()
    };
    let jobs = Jobs::new(services.iter().map(job).collect()).unwrap();
    let stream = Run {
        board: Board {
            queue: Some(QUEUE),
            poll,
            ..Board::default()
        },
        jobs: &jobs,
        order: Order::Random,
        seed: 3,
        events: ARRIVALS,
    };
    let rate = Rate::from_hz(load * CLOCK_HZ as f64 / mean).unwrap();
    let timebase = Timebase::cycles(CLOCK_HZ).unwrap();
    let arrivals = Arrivals::Poisson(rate);
    let mut seen = Vec::new();
    let see = |event: usize, at: u64, fate: &Fate| {
        let end = match fate {
            Fate::Lost => None,
            Fate::Decided(served) => Some(served.end),
        };
        seen.push((event, at, end));
    };
    run(stream, arrivals.ticks(timebase, CLOCK_HZ, 3), see).unwrap();
    seen
}

/// A raw and a threshold that accept some of the events, and some not.
fn decision(raws: &[Vec<i64>]) -> (u16, i64) {
    let outputs = 0..raws[0].len();
    let some = |(output, threshold): (usize, i64)| {
        let accepted = raws.iter().filter(|raws| raws[output] >= threshold).count();
        (BANK / 8..=BANK - BANK / 8)
            .contains(&accepted)
            .then_some((output as u16, threshold))
    };
    let all = outputs.flat_map(|output| raws.iter().map(move |raws| (output, raws[output])));
    all.filter_map(some).next().expect("scores that differ")
}

#[test]
fn every_decision_and_every_loss_is_that_of_the_firmware_on_rtl() {
    if without_softcores() {
        return;
    }
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny_set.txt"),
    );
    let program = Program::from_text(&text.unwrap()).unwrap();
    let board = board::find("picorv32", &[]).unwrap();
    let dir = written(&program);
    let built = build(&dir, &board, &BuildOptions::default(), &cache()).unwrap();
    let multiplicities: Vec<usize> = (0..BANK).map(|event| event % 5).collect();
    let events = Events::synthetic(&program, &multiplicities, 2);
    let interpreter = Interpreter::new(&program).unwrap();
    let raws: Vec<Vec<i64>> = (0..BANK)
        .map(|event| interpreter.run(&events.event(event)).unwrap().concat())
        .collect();
    let (output, threshold) = decision(&raws);

    let bench = Bench {
        board,
        built,
        output,
        threshold,
        payloads: (0..BANK).map(|event| events.payload(event)).collect(),
    };
    let (services, poll) = bench.measure();
    println!(
        "service {:?} to {:?} cycles, {poll:?}",
        services.iter().min(),
        services.iter().max()
    );
    let seen = simulated(&services, poll, 0.9);
    let arrivals: Vec<(u64, usize)> = seen.iter().map(|(event, at, _)| (*at, *event)).collect();
    let timed = bench.serve(QUEUE + 1, &arrivals);

    let lost = seen.iter().filter(|(_, _, end)| end.is_none()).count();
    println!("{lost} of {} events lost", seen.len());
    assert!(lost > 500 && seen.len() - lost >= 10_000, "{lost}");
    for (k, ((event, at, end), fate)) in seen.iter().zip(&timed.fates).enumerate() {
        let ends = fate.as_ref().map(|fate| fate.end);
        assert_eq!(ends, *end, "arrival {k}, event {event} at cycle {at}");
        if let Some(fate) = fate {
            assert_eq!(fate.answer.raws, raws[*event], "arrival {k}");
            let accept = raws[*event][usize::from(output)] >= threshold;
            assert_eq!(
                (fate.accept, fate.answer.accept),
                (accept, accept),
                "arrival {k}"
            );
        }
    }
    // Without the loop around it the same simulation is wrong: so nothing above is true by itself.
    let ideal = simulated(&services, Poll::default(), 0.9);
    let wrong = ideal.iter().zip(&seen).filter(|(a, b)| a != b).count();
    assert!(wrong > 5_000, "{wrong}");
}
