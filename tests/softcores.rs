//! Soft-cores as RTL: the interpreter's bits, every cycle as before, and none above the bound.
//!
//! `INSTA_UPDATE=always cargo test --test softcores` writes the cycles again.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use hodoscope_cost::Core;
use hodoscope_interpreter::Interpreter;
use hodoscope_program::Program;
use hodoscope_sim::bound::{Bound, Image, modelled};
use hodoscope_sim::encode::Events;
use hodoscope_sim::npz::Npz;
use hodoscope_sim::targets::{
    Board, BuildOptions, Built, Cache, Session, SessionOptions, TargetError, board, build,
};

/// The first test events of each model: real ones, of various multiplicity.
const EVENTS: usize = 5;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cycles are written down.
fn golden() -> PathBuf {
    repository().join("tests/golden/softcores.txt")
}

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

struct Model {
    dir: PathBuf,
    program: Program,
    events: Events,
}

/// A reference model, for all boards or as one of its own has it.
fn compiled(name: &str, board: Option<&str>) -> Model {
    let folder = repository().join("models").join(name);
    // Always the same directory: a firmware that is built already is found.
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("softcores");
    fs::create_dir_all(&place).unwrap();
    let dir = place.join(match board {
        Some(board) => format!("{name}-{board}"),
        None => name.to_owned(),
    });
    let output = Command::new(env!("CARGO_BIN_EXE_hodoscope"))
        .arg("compile")
        .arg(folder.join("model.onnx"))
        .arg("--calibration")
        .arg(folder.join("calibration.npz"))
        .args(board.iter().flat_map(|board| ["--board", board]))
        // Bits and cycles are compared here, not what is lost.
        .args(["--force", "--accept-loss"])
        .arg("-o")
        .arg(&dir)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let program = fs::read_to_string(dir.join("program.txt")).unwrap();
    let program = Program::from_text(&program).unwrap();
    let npz = Npz::read(&folder.join("test.npz")).unwrap();
    let events = Events::from_npz(&program, &npz).unwrap();
    Model {
        dir,
        program,
        events,
    }
}

static PFN_QG: LazyLock<Model> = LazyLock::new(|| compiled("pfn-qg", None));
static AE_QCD: LazyLock<Model> = LazyLock::new(|| compiled("ae-qcd", None));
static EFN_TOP: LazyLock<Model> = LazyLock::new(|| compiled("efn-top", None));
static AE_QCD_SMALL: LazyLock<Model> = LazyLock::new(|| compiled("ae-qcd", Some("picorv32-small")));

/// The clock is that of the slowest placement, and what is over a budget in time fails. The budgets that are
/// committed are held.
#[test]
fn a_synthesis_gives_cycles_a_time() {
    if without_softcores() {
        return;
    }
    let clock = board::find("picorv32", &[]).unwrap().syntheses[0].fmax_hz[0];
    assert!((20_000_000..200_000_000).contains(&clock), "{clock}");
    let committed = repository().join("tests/fixtures/budget.toml");
    fs::copy(committed, AE_QCD.dir.join("budget.toml")).unwrap();
    for (budget, code) in [("10us", 1), ("10ms", 0)] {
        let mut latency = Command::new(env!("CARGO_BIN_EXE_hodoscope"));
        latency.env("HODOSCOPE_CACHE", cache().root());
        latency.arg("latency").arg(&AE_QCD.dir).arg("--json");
        latency.args(["--on", "picorv32", "--no-advice", "--budget", budget]);
        let output = latency.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["over_budget"], code == 1);
        let checked = report["budgets"]["checked"].as_array().unwrap();
        let met: Vec<bool> = checked.iter().map(|one| one["met"] == true).collect();
        assert_eq!(met, [true, true, true, code == 0], "{report}");
        let board = &report["boards"][0];
        let source = board["clock_source"].as_str().unwrap();
        assert!(source.contains("placements on ecp5-45f"), "{source}");
        assert_eq!(board["clock_hz"], clock);
        let worst = &board["worst"];
        assert_eq!(worst["source"], "RTL (cycles)");
        let cycles = worst["cycles"].as_f64().unwrap();
        let microseconds = worst["microseconds"].as_f64().unwrap();
        assert!((microseconds - cycles * 1e6 / clock as f64).abs() < 1e-6);
    }
}

/// Raws and cycles of the events.
fn answers(board: &Board, built: &Built, events: &Events) -> Vec<(Vec<i64>, u32)> {
    let mut session = Session::start(board, built, &SessionOptions::default()).unwrap();
    let mut answers = Vec::new();
    let payloads = (0..EVENTS).map(|event| events.payload(event));
    session
        .infer_all(payloads, |_, answer| {
            answers.push((answer.raws, answer.ticks));
        })
        .unwrap();
    session.finish().unwrap();
    answers
}

/// Bits are those of the interpreter, and a second run takes the same cycles; the bound holds, and
/// the model is near. Adds the model's errors, in per cent, to `errors`.
fn cycles(model: &Model, board: &str, largest_ratio: f64, errors: &mut Vec<f64>) -> Vec<u32> {
    let board = board::find(board, &[]).unwrap();
    let built = build(&model.dir, &board, &BuildOptions::default(), &cache()).unwrap();
    let answers_once = answers(&board, &built, &model.events);
    let interpreter = Interpreter::new(&model.program).unwrap();
    for (event, (raws, _)) in answers_once.iter().enumerate() {
        let expected = interpreter.run(&model.events.event(event)).unwrap();
        assert_eq!(*raws, expected.concat(), "{}: event {event}", board.name);
    }
    assert_eq!(answers(&board, &built, &model.events), answers_once);

    let core = Core::named(board.cost.as_deref().unwrap()).unwrap();
    let image = Image::read(&built.elf, board.ram.unwrap() as usize).unwrap();
    let (mut most, mut most_allowed) = (0, 0);
    let payloads: Vec<_> = (0..EVENTS)
        .map(|event| model.events.payload(event))
        .collect();
    let modelled = modelled(&image, &payloads, &core).unwrap();
    for (event, (_, cycles)) in answers_once.iter().enumerate() {
        let bound = Bound::of(&image, &payloads[event], &core, event == 0).unwrap();
        let (cycles, name) = (u64::from(*cycles), &board.name);
        assert!(
            bound.at_most >= cycles,
            "{name}: {bound:?}, {cycles} cycles"
        );
        (most, most_allowed) = (most.max(cycles), most_allowed.max(bound.at_most));
        errors.push(100.0 * (modelled[event] as f64 / cycles as f64 - 1.0).abs());
    }
    let ratio = most_allowed as f64 / most as f64;
    println!(
        "{}: the bound is {ratio:.3} of the most counted",
        board.name
    );
    assert!(ratio <= largest_ratio, "{}: {ratio}", board.name);
    answers_once.into_iter().map(|(_, cycles)| cycles).collect()
}

fn rustc_version() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

/// The golden file: the compiler of the firmware, and a line for each model on each board.
fn text(rustc: &str, all: &BTreeMap<String, Vec<u32>>) -> String {
    let mut text = format!("rustc {rustc}\n");
    for (name, cycles) in all {
        let cycles: Vec<String> = cycles.iter().map(u32::to_string).collect();
        writeln!(text, "{name}: {}", cycles.join(" ")).unwrap();
    }
    text
}

fn parse(text: &str) -> (String, BTreeMap<String, Vec<u32>>) {
    let mut lines = text.lines();
    let rustc = lines.next().unwrap().strip_prefix("rustc ").unwrap();
    let all = lines.map(|line| {
        let (name, cycles) = line.split_once(": ").unwrap();
        let cycles = cycles.split(' ').map(|count| count.parse().unwrap());
        (name.to_owned(), cycles.collect())
    });
    (rustc.to_owned(), all.collect())
}

#[test]
fn soft_cores_are_exact_and_take_the_cycles_written_down() {
    if without_softcores() {
        return;
    }
    let (pfn_qg, ae_qcd) = (("pfn-qg", &PFN_QG), ("ae-qcd", &AE_QCD));
    // Its network of a constituent is a table: where its entries lie in a cache depends on data.
    let efn_top = ("efn-top", &EFN_TOP);
    let mut all = BTreeMap::new();
    // Caches, and what they hold at first, make a bound wider.
    for (board, largest_ratio, models) in [
        ("picorv32", 1.1, &[pfn_qg, ae_qcd, efn_top][..]),
        ("vexriscv-full", 1.5, &[pfn_qg, ae_qcd, efn_top]),
        ("vexriscv-lite", 1.5, &[ae_qcd]),
        ("ibex", 1.1, &[pfn_qg, ae_qcd]),
        ("picorv32-small", 1.1, &[("ae-qcd", &AE_QCD_SMALL)]),
    ] {
        let mut errors = Vec::new();
        for (name, model) in models {
            let cycles = cycles(model, board, largest_ratio, &mut errors);
            all.insert(format!("{name} on {board}"), cycles);
        }
        errors.sort_by(f64::total_cmp);
        let (median, largest) = (errors[errors.len() / 2], errors[errors.len() - 1]);
        println!(
            "{board}: modelled cycles are off by {median:.2} % (median), {largest:.2} % at most"
        );
        assert!(median <= 3.0 && largest <= 10.0, "{board}: {errors:?}");
    }
    let rustc = rustc_version();
    if env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        fs::create_dir_all(golden().parent().unwrap()).unwrap();
        fs::write(golden(), text(&rustc, &all)).unwrap();
        return;
    }
    let bless = "`INSTA_UPDATE=always cargo test --test softcores` writes the cycles again";
    let (known, expected) = parse(&fs::read_to_string(golden()).expect(bless));
    if rustc == known {
        assert_eq!(text(&rustc, &all), text(&known, &expected), "{bless}");
        return;
    }
    // Another compiler makes another firmware, which must not be much slower.
    println!("cycles are known for rustc {known}, this is {rustc}: compared within 10 %");
    assert!(all.keys().eq(expected.keys()), "{bless}");
    for ((name, cycles), expected) in all.iter().zip(expected.values()) {
        for (cycles, expected) in cycles.iter().zip(expected) {
            let limit = expected / 10;
            assert!(
                cycles.abs_diff(*expected) <= limit,
                "{name}: {cycles} cycles, not {expected}"
            );
        }
    }
}

/// The network behind the core's port gives the interpreter's bits for real events, for none and for too many constituents,
/// wherever a payload begins in memory, in few cycles; what does not belong together is refused.
#[test]
fn a_network_is_an_instruction_of_its_core() {
    if without_softcores() {
        return;
    }
    let board = board::find("vexriscv-net", &[]).unwrap();
    let model = compiled("pfn-qg", Some("vexriscv-net"));
    let options = BuildOptions::default();
    let folder = model.dir.join("rtl");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let refused = |options: &BuildOptions| {
        let error = build(&model.dir, &board, options, &cache()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    let message = refused(&options);
    assert!(message.contains("write it: hodoscope rtl"), "{message}");
    let mut rtl = Command::new(env!("CARGO_BIN_EXE_hodoscope"));
    let output = rtl.arg("rtl").arg(&model.dir).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let trace = BuildOptions {
        trace: true,
        ..options
    };
    let message = refused(&trace);
    assert!(message.contains("shows no layer"), "{message}");

    let built = build(&model.dir, &board, &options, &cache()).unwrap();
    let capacity = model.program.sets[0].capacity;
    let counts = [32, 0, 1, 2, 3, 31, 32, 33, 50, 64, 0, 32];
    let made = Events::synthetic(&model.program, &counts, 5);
    let interpreter = Interpreter::new(&model.program).unwrap();
    // The numbers of frames take more bytes after a while, and the payload behind them begins elsewhere.
    let all = (0..140)
        .map(|event| (&model.events, event, None))
        .chain((0..counts.len()).map(|event| (&made, event, Some(counts[event]))));
    let all: Vec<_> = all.collect();
    let mut session = Session::start(&board, &built, &SessionOptions::default()).unwrap();
    let payloads = all.iter().map(|(events, event, _)| events.payload(*event));
    let mut most = 0;
    session
        .infer_all(payloads, |index, answer| {
            let (events, event, count) = all[index];
            let expected = interpreter.run(&events.event(event)).unwrap();
            assert_eq!(answer.raws, expected.concat(), "event {index}");
            if count.is_none_or(|count| count <= capacity) {
                most = most.max(answer.ticks);
            }
        })
        .unwrap();
    println!("at most {most} cycles");
    // In software it is some 220,000.
    assert!((100..=600).contains(&most), "{most} cycles");
    let refused_event = session.infer(&[0; 11]).unwrap_err();
    assert!(
        matches!(refused_event, TargetError::Refused { .. }),
        "{refused_event}"
    );
    session.finish().unwrap();

    // What lies there is of another program, or not whole.
    let report = fs::read_to_string(folder.join("report.json")).unwrap();
    let hash = report.split("\"program_sha256\": \"").nth(1).unwrap();
    let other = format!("{:08x}", u32::from_str_radix(&hash[..8], 16).unwrap() ^ 1);
    let changed = report.replace(&hash[..8], &other);
    fs::write(folder.join("report.json"), changed).unwrap();
    let message = refused(&options);
    assert!(message.contains("another program"), "{message}");
    fs::write(
        folder.join("report.json"),
        report.replace("\"generator\"", ""),
    )
    .unwrap();
    assert!(refused(&options).contains("report.json"));
    fs::write(folder.join("report.json"), report).unwrap();
    fs::remove_file(folder.join("instruction.v")).unwrap();
    let message = refused(&options);
    assert!(message.contains("instruction.v is not there"), "{message}");
}
