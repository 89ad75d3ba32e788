//! A hand-written model, built for and run on every target that is at hand.

// Everything here is a test; the lint's own exception covers only functions that are marked so.
#![allow(clippy::unwrap_used)]

#[cfg(unix)]
#[path = "targets/flips.rs"]
mod flips;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use hodoscope_sim::elf::Elf;
use hodoscope_sim::targets::board::{self, Emulator, Runner};
use hodoscope_sim::targets::{
    Answer, Board, BuildOptions, Built, Cache, Session, SessionOptions, TargetError, build, sources,
};

/// One cache for all tests, kept from run to run: what it holds does not depend on that.
fn cache() -> Cache {
    match env::var_os("HODOSCOPE_CACHE") {
        Some(_) => Cache::from_env().unwrap(),
        None => Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope")),
    }
}

fn find(name: &str) -> Board {
    board::find(name, &[]).unwrap()
}

fn without_emulator() -> bool {
    env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|value| value == "1")
}

/// The fixture as `hodoscope compile` would leave it, in a directory of this name: always the same,
/// so that a build finds what an earlier run has built.
fn compiled(name: &str) -> PathBuf {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sum3");
    let models = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    let dir = models.join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    fs::create_dir_all(dir.join("crate/src")).unwrap();
    for file in [
        "program.txt",
        "Cargo.toml",
        "crate/Cargo.toml",
        "crate/src/lib.rs",
    ] {
        fs::copy(fixture.join(file), dir.join(file)).unwrap();
    }
    sources::write_kernels(&dir.join("kernels")).unwrap();
    dir
}

/// The fixture for tests that do not change it.
fn fixture() -> &'static Path {
    static DIR: LazyLock<PathBuf> = LazyLock::new(|| compiled("fixture"));
    &DIR
}

fn built(dir: &Path, board: &Board, options: BuildOptions) -> Built {
    build(dir, board, &options, &cache()).unwrap()
}

fn payload(x: [i32; 3]) -> Vec<u8> {
    x.iter().flat_map(|word| word.to_le_bytes()).collect()
}

const EVENTS: [[i32; 3]; 4] = [[0, 0, 0], [1, 2, 3], [-100, 7, 100_000], [5, -5, 5]];
const SCORES: [i64; 4] = [10, 6, -300_076, -10];

fn scores(session: &mut Session) -> Vec<i64> {
    let mut scores = Vec::new();
    session
        .infer_all(EVENTS.map(payload), |index, answer| {
            assert_eq!(index, scores.len());
            scores.push(answer.raws[0]);
        })
        .unwrap();
    scores
}

/// Answers, decisions, layers and counters, and for an emulator the instructions of each event.
fn check(name: &str) {
    let emulated = find(name).runner != Runner::Native;
    if emulated && without_emulator() {
        println!("{name}: not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
        return;
    }
    let board = find(name);
    let dir = fixture();
    let options = SessionOptions {
        count_instructions: true,
        ..SessionOptions::default()
    };
    let release = built(dir, &board, BuildOptions::default());
    let elf = Elf::read(&release.elf).unwrap();
    assert_eq!(elf.statics("sum-3"), Some(12));
    println!("{name}: {:?}", elf.sizes());

    let run = || {
        let mut session = Session::start(&board, &release, &options).unwrap();
        assert_eq!(session.identity().name, "sum-3");
        assert!(!session.identity().trace && !session.identity().overflow_checks);
        assert_eq!(scores(&mut session), SCORES);
        assert_eq!(scores(&mut session), SCORES);
        let refused = session.infer(&[0; 11]).unwrap_err();
        assert!(matches!(refused, TargetError::Refused { .. }), "{refused}");
        session.configure(0, 6).unwrap();
        let accepted: Vec<_> = EVENTS
            .map(|event| session.infer(&payload(event)).unwrap().accept)
            .into();
        assert_eq!(accepted, [true, true, false, false]);
        let report = session.finish().unwrap();
        assert_eq!((report.counters.events, report.counters.accepted), (12, 2));
        assert_eq!(report.counters.refused, 1);
        report.instructions
    };
    let counts = run();
    assert_eq!(counts.is_some(), emulated);
    if let Some(mut counts) = counts.clone() {
        println!("{name}: instructions {counts:?}");
        // The event of a wrong length is one of its own.
        assert_eq!(counts.len(), 13);
        assert!(counts.remove(8) < counts[0]);
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
        assert!((10..200).contains(&counts[0]), "{counts:?}");
    }
    assert_eq!(run(), counts);

    let checked = BuildOptions {
        trace: true,
        checked: true,
    };
    let checked = built(dir, &board, checked);
    let mut session = Session::start(&board, &checked, &SessionOptions::default()).unwrap();
    assert!(session.identity().trace && session.identity().overflow_checks);
    assert_eq!(scores(&mut session), SCORES);
    let (layers, answer) = session.trace(&payload(EVENTS[2])).unwrap();
    let layers: Vec<_> = layers
        .into_iter()
        .map(|layer| (layer.value, layer.row, layer.raws))
        .collect();
    assert_eq!(
        layers,
        [(0, 0, vec![-100, 7, 100_000]), (1, 0, vec![-300_076])]
    );
    assert_eq!(answer.raws, [-300_076]);
    session.finish().unwrap();
}

#[test]
fn native_answers() {
    check("native");
}

#[test]
fn mps2_an386_answers_and_counts() {
    check("mps2-an386");
}

#[test]
fn mps2_an505_answers_and_counts() {
    check("mps2-an505");
}

#[test]
fn virt_rv32_answers_and_counts() {
    check("virt-rv32");
}

#[test]
fn events_are_answered_in_order_with_any_window() {
    let board = find("native");
    let built = built(fixture(), &board, BuildOptions::default());
    for window in [1, 2, 1000] {
        let options = SessionOptions {
            window: Some(window),
            ..SessionOptions::default()
        };
        let mut session = Session::start(&board, &built, &options).unwrap();
        let mut answers = Vec::new();
        let events = (0..5000).map(|i| payload([i, 0, 0]));
        session
            .infer_all(events, |_, answer: Answer| answers.push(answer.raws[0]))
            .unwrap();
        assert!(answers.into_iter().eq(10..5010));
        // A refused event ends the series, and leaves the link usable.
        let events = (0..100).map(|i| vec![0; if i == 50 { 3 } else { 12 }]);
        let mut answered = 0;
        let error = session.infer_all(events, |_, _| answered += 1).unwrap_err();
        assert!(error.to_string().contains("3 bytes, not 12"), "{error}");
        assert_eq!(answered, 50);
        assert_eq!(scores(&mut session), SCORES);
    }
}

#[test]
fn what_a_user_changes_is_what_runs() {
    let board = find("native");
    let dir = compiled("changed");
    let source = dir.join("crate/src/lib.rs");
    let original = fs::read_to_string(&source).unwrap();
    let modified = fs::metadata(&source).unwrap().modified().unwrap();
    let score = || {
        let built = built(&dir, &board, BuildOptions::default());
        let mut session = Session::start(&board, &built, &SessionOptions::default()).unwrap();
        session.infer(&payload([0, 1, 0])).unwrap().raws[0]
    };
    assert_eq!(score(), 12);
    fs::write(&source, original.replace("[1, 2, -3]", "[1, 3, -3]")).unwrap();
    assert_eq!(score(), 13);
    // Back to the old content, and to the old time.
    fs::write(&source, &original).unwrap();
    let file = fs::File::options().write(true).open(&source).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(score(), 12);
    assert!(!dir.join("target").exists() && !dir.join("Cargo.lock").exists());
}

/// Where the cache is, is in no path that a compiler sees: addresses and cycles are the same anywhere.
#[test]
#[cfg(unix)]
fn firmware_does_not_depend_on_where_it_is_built() {
    let board = find("virt-rv32");
    let dir = compiled("place");
    // One that no other test builds.
    let source = dir.join("crate/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text + "// Somewhere.\n").unwrap();
    let place = tempfile::tempdir().unwrap();
    // The same directory by another name: what was built for this machine is not built again.
    let other = place.path().join("a directory of another name");
    std::os::unix::fs::symlink(cache().root(), &other).unwrap();
    let [here, there] = [cache(), Cache::at(other)].map(|cache| {
        let built = build(&dir, &board, &BuildOptions::default(), &cache).unwrap();
        let bytes = fs::read(&built.elf).unwrap();
        fs::remove_dir_all(built.elf.parent().unwrap()).unwrap();
        loaded(&bytes)
    });
    assert!(here.len() > 10_000 && here == there);
}

/// What of a file is loaded: addresses and bytes.
fn loaded(elf: &[u8]) -> Vec<u8> {
    use object::{Object, ObjectSegment};
    let file = object::File::parse(elf).unwrap();
    let segments = file.segments().map(|segment| {
        let address = segment.address().to_le_bytes();
        [address.as_slice(), segment.data().unwrap()].concat()
    });
    segments.collect::<Vec<_>>().concat()
}

#[test]
fn firmware_of_another_program_is_refused() {
    let board = find("native");
    let dir = compiled("another");
    fs::write(dir.join("program.txt"), "another").unwrap();
    let built = built(&dir, &board, BuildOptions::default());
    let error = Session::start(&board, &built, &SessionOptions::default()).err();
    let error = error.unwrap();
    assert!(matches!(error, TargetError::Identity { .. }), "{error}");
    assert_eq!(error.exit_code(), 3);
}

#[test]
fn what_cargo_says_is_shown() {
    let dir = compiled("nonsense");
    fs::write(dir.join("crate/src/lib.rs"), "#![no_std]\nnonsense").unwrap();
    let error = build(&dir, &find("native"), &BuildOptions::default(), &cache());
    let error = error.unwrap_err();
    assert!(error.to_string().contains("nonsense"), "{error}");
    assert_eq!(error.exit_code(), 3);
}

#[test]
fn a_directory_that_is_no_model_is_refused() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 3] = [
        ("program.txt", |dir| {
            fs::remove_file(dir.join("program.txt")).unwrap();
        }),
        ("kernels are of version 0.0.1", |dir| {
            let path = dir.join("kernels/Cargo.toml");
            let manifest = fs::read_to_string(&path).unwrap();
            let version = format!("\"{}\"", sources::kernels_version());
            fs::write(path, manifest.replace(&version, "\"0.0.1\"")).unwrap();
        }),
        ("crate/Cargo.toml", |dir| {
            fs::remove_dir_all(dir.join("crate")).unwrap();
        }),
    ];
    for (named, spoil) in cases {
        let copy = compiled("spoilt");
        spoil(&copy);
        let error = build(&copy, &find("native"), &BuildOptions::default(), &cache());
        let error = error.unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn boards_are_known_by_name() {
    let names = board::names();
    for name in [
        "native",
        "mps2-an386",
        "mps2-armv6m",
        "virt-rv32",
        "picorv32",
        "ibex",
    ] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
    for name in &names {
        assert_eq!(&find(name).name, name);
    }
    let error = board::find("abacus", &[]).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("unknown board `abacus`; known boards: "));
    assert!(
        message
            .contains("ibex, mps2-an385, mps2-an386, mps2-an500, mps2-an505, mps2-armv6m, native"),
        "{message}"
    );
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn a_board_of_the_user_is_found_and_checked() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("abacus");
    fs::create_dir(&own).unwrap();
    let native = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards/native/board.toml");
    let facts = fs::read_to_string(native)
        .unwrap()
        .replace("\"native\"", "\"abacus\"");
    fs::write(own.join("board.toml"), facts).unwrap();
    let own = [own];
    assert!(board::find("native", &own).is_ok());
    fs::write(own[0].join("board.toml"), "nonsense").unwrap();
    let error = board::find("abacus", &own).unwrap_err();
    assert!(error.to_string().contains("abacus"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

/// Runs the test `name` of this file with an empty `PATH`.
fn in_empty_path(name: &str) {
    let child = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--include-ignored", "--nocapture"])
        .env("PATH", "")
        .env("HODOSCOPE_TEST_EMPTY_PATH", "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}{errors}");
    assert!(output.contains("1 passed"), "{output}");
}

#[test]
fn missing_tools_are_named_with_what_installs_them() {
    if env::var_os("HODOSCOPE_TEST_EMPTY_PATH").is_none() {
        in_empty_path("missing_tools_are_named_with_what_installs_them");
        return;
    }
    let dir = compiled("without-tools");
    let error = build(&dir, &find("native"), &BuildOptions::default(), &cache());
    let error = error.unwrap_err();
    assert!(error.to_string().contains("rustup.rs"), "{error}");
    assert_eq!(error.exit_code(), 3);

    for (name, package) in [
        ("mps2-an386", "apt-get install qemu-system-arm"),
        ("virt-rv32", "apt-get install qemu-system-misc"),
    ] {
        let error = find(name).check_runner().unwrap_err();
        assert!(error.to_string().contains(package), "{error}");
        assert_eq!(error.exit_code(), 3);
    }
    let error = find("picorv32").check_runner().unwrap_err();
    assert!(
        error.to_string().contains("apt-get install verilator"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 3);
}

#[test]
fn a_core_without_its_verilog_is_named_with_what_downloads_it() {
    let mut board = find("picorv32");
    let Runner::Rtl(design) = &mut board.runner else {
        panic!("PicoRV32 is RTL");
    };
    // None that anybody has downloaded.
    design.wheel.version = "0.0.abacus".to_owned();
    let error = design.wheel.read().unwrap_err();
    let message = error.to_string();
    assert!(message.contains("python3 -m pip download"), "{message}");
    assert!(
        message.contains("pythondata-cpu-picorv32==0.0.abacus"),
        "{message}"
    );
    assert_eq!(error.exit_code(), 3);
}

#[test]
fn a_missing_rust_target_is_named_with_what_installs_it() {
    let mut board = find("virt-rv32");
    // Not one that rustc knows, so that no machine has it.
    for triple in ["riscv32imac-unknown-abacus", "avr-none"] {
        board.target = Some(triple.to_owned());
        let error = build(fixture(), &board, &BuildOptions::default(), &cache()).unwrap_err();
        let install = format!("rustup target add {triple}");
        assert!(error.to_string().contains(&install), "{error}");
        assert_eq!(error.exit_code(), 3);
    }
}

/// A session with a program of the shell in place of an emulator.
#[cfg(unix)]
fn start_script(script: &str) -> TargetError {
    let native = find("native");
    let built = built(fixture(), &native, BuildOptions::default());
    let mut board = native.clone();
    board.runner = Runner::Emulator(Emulator {
        program: "sh".to_owned(),
        arguments: ["-c", script].map(str::to_owned).to_vec(),
        ..Emulator::default()
    });
    let options = SessionOptions {
        start: Duration::from_millis(500),
        ..SessionOptions::default()
    };
    Session::start(&board, &built, &options).err().unwrap()
}

#[cfg(unix)]
#[test]
fn a_silent_target_times_out_and_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let pid: PathBuf = dir.path().join("pid");
    let script = format!(
        "echo $$ > '{}'; echo some words >&2; exec sleep 1000",
        pid.display()
    );
    let error = start_script(&script);
    assert!(matches!(error, TargetError::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("some words"), "{error}");
    assert_eq!(error.exit_code(), 3);
    let pid = fs::read_to_string(pid).unwrap();
    let alive = Command::new("kill").args(["-0", pid.trim()]).output();
    assert!(!alive.unwrap().status.success());
}

#[cfg(unix)]
#[test]
fn a_target_that_dies_is_reported_with_its_last_words() {
    let error = start_script("echo out of order >&2; exit 7");
    assert!(matches!(error, TargetError::Ended { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("7") && message.contains("out of order"),
        "{message}"
    );
}

#[cfg(unix)]
#[test]
fn noise_on_the_link_is_reported() {
    let error = start_script("printf 'noise\\000'; exec sleep 1000");
    assert!(matches!(error, TargetError::Protocol { .. }), "{error}");
}
