//! Cycles of loops that are written by hand, under the emulator, against the arithmetic of the cost
//! tables. Each loop runs once more in one event than in the other: the difference is one pass.

#![allow(clippy::unwrap_used)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use hodoscope_cost::{Core, Memory};
use hodoscope_sim::targets::{BuildOptions, Cache, Session, SessionOptions, board, build, sources};
use hodoscope_sim::timing::{Lines, Part, Timing};

fn without_emulator() -> bool {
    env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|value| value == "1")
}

/// The fixture as `hodoscope compile` would leave it.
fn fixture() -> &'static Path {
    static DIR: LazyLock<PathBuf> = LazyLock::new(|| {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/loops");
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models/loops");
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        fs::create_dir_all(dir.join("crate/src")).unwrap();
        for file in [
            "program.txt",
            "Cargo.toml",
            "crate/Cargo.toml",
            "crate/build.rs",
            "crate/src/lib.rs",
        ] {
            fs::copy(fixture.join(file), dir.join(file)).unwrap();
        }
        sources::write_kernels(&dir.join("kernels")).unwrap();
        dir
    });
    &DIR
}

/// What a pass through loop `which` takes.
struct Expected {
    which: u32,
    instructions: u64,
    /// On each of the cores.
    cycles: &'static [u64],
}

const fn pass(which: u32, instructions: u64, cycles: &'static [u64]) -> Expected {
    Expected {
        which,
        instructions,
        cycles,
    }
}

fn check(name: &str, cores: &[&str], loops: &[Expected]) {
    if without_emulator() {
        println!("{name}: not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
        return;
    }
    let board = board::find(name, &[]).unwrap();
    let cache = match env::var_os("HODOSCOPE_CACHE") {
        Some(_) => Cache::from_env().unwrap(),
        None => Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope")),
    };
    let built = build(fixture(), &board, &BuildOptions::default(), &cache).unwrap();
    let options = SessionOptions {
        record_paths: true,
        ..SessionOptions::default()
    };
    let mut session = Session::start(&board, &built, &options).unwrap();
    // The last event is the first once more, which has the same path.
    let times = [1, 10, 11, 1];
    for expected in loops {
        for times in times {
            let payload = [expected.which, times].map(u32::to_le_bytes).concat();
            assert_eq!(session.infer(&payload).unwrap().raws, [i64::from(times)]);
        }
    }
    let report = session.finish().unwrap();
    let (counts, recording) = (report.instructions.unwrap(), report.recording.unwrap());
    assert_eq!(recording.paths.len(), 3 * loops.len());

    for (index, core) in cores.iter().enumerate() {
        let core = Core::named(core).unwrap();
        let lines = Lines::read(fixture()).unwrap();
        let mut timing = Timing::new(&built.elf, core, Memory::default(), lines).unwrap();
        for (expected, (counts, events)) in loops
            .iter()
            .zip(counts.chunks(4).zip(recording.events.chunks(4)))
        {
            assert_eq!(events[0], events[3]);
            let prices = [1, 2].map(|event| timing.price(&recording, events[event]).unwrap());
            for (count, priced) in counts[1..].iter().zip(&prices) {
                assert_eq!(*count, priced.total.instructions);
            }
            let [ten, eleven] = prices;
            let what = format!("{name} as {}, loop {}", cores[index], expected.which);
            let instructions = eleven.total.instructions - ten.total.instructions;
            assert_eq!(instructions, expected.instructions, "{what}");
            let cycles = eleven.total.cycles - ten.total.cycles;
            assert_eq!(cycles, expected.cycles[index], "{what}");
            // The loops stand between the lines that show values 0 and 1.
            let looped = |priced: &hodoscope_sim::timing::Priced| priced.parts[&Part::Value(1)];
            assert_eq!(
                looped(&eleven).cycles - looped(&ten).cycles,
                expected.cycles[index],
                "{what}"
            );
        }
    }
}

/// Counting down and branching back take 1 + 3 cycles of every pass.
#[test]
fn cortex_m4_loops_take_what_the_table_says() {
    check(
        "mps2-an386",
        &["cortex-m4", "cortex-m3"],
        &[
            pass(0, 2, &[4, 4]),
            // LDR 2, and 1 back to back.
            pass(1, 5, &[4 + 2 + 1 + 1, 4 + 2 + 1 + 1]),
            // LDM 1 + N, LDRD 1 + 2.
            pass(2, 3, &[4 + 5, 4 + 5]),
            pass(3, 3, &[4 + 3, 4 + 3]),
            // MUL 1.
            pass(4, 4, &[4 + 1 + 1, 4 + 1 + 1]),
            // STR 1; nothing is pipelined behind it, and it is behind LDR.
            pass(5, 5, &[4 + 1 + 2 + 1, 4 + 1 + 2 + 1]),
            // PUSH and POP 1 + N.
            pass(6, 4, &[4 + 3 + 3, 4 + 3 + 3]),
            // A branch 3, a conditional one that is not taken 1.
            pass(7, 5, &[4 + 3 + 1 + 1, 4 + 3 + 1 + 1]),
            // An address that was just computed: 1 more.
            pass(8, 4, &[4 + 1 + 1 + 2, 4 + 1 + 1 + 2]),
            pass(9, 5, &[4 + 2 + 1 + 2, 4 + 2 + 1 + 2]),
            // MLA 1, on the Cortex-M3 2; UDIV up to 12.
            pass(10, 4, &[4 + 1 + 12, 4 + 2 + 12]),
        ],
    );
}

#[test]
fn multiply_accumulates_take_one_cycle() {
    check("mps2-an386", &["cortex-m4"], &[pass(11, 5, &[4 + 3])]);
}

#[test]
fn rv32_loops_take_what_the_tables_say() {
    check(
        "virt-rv32",
        &["picorv32", "vexriscv-full", "ibex"],
        &[
            pass(0, 2, &[3 + 5, 1 + 2, 1 + 2]),
            // VexRiscv waits two cycles for what was loaded, Ibex one.
            pass(1, 5, &[8 + 5 + 5 + 3, 3 + 1 + 1 + 2 + 1, 3 + 1 + 1 + 1 + 1]),
            pass(2, 4, &[8 + 6 + 3, 3 + 1 + 2 + 1, 3 + 1 + 1]),
            pass(3, 4, &[8 + 5 + 5, 3 + 1 + 1, 3 + 1 + 1]),
            // A shift, a jump, and a branch forwards that is not taken.
            pass(4, 5, &[8 + 3 + 3 + 3, 3 + 1 + 2 + 1, 3 + 1 + 2 + 1]),
        ],
    );
}
