//! The reference taggers give the interpreter's bits on every target, with overflow checks and
//! without; and `verify` finds one flipped bit of every kind of constant.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hodoscope_compiler::emit::emit_crate;
use hodoscope_compiler::plan::{Isa, Kernel, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{ConstantId, Operation, Program, ValueId};
use hodoscope_sim::encode::Events;
use hodoscope_sim::npz::Npz;
use hodoscope_sim::targets::{BuildOptions, Cache, board, build};
use ndarray::{ArrayD, Axis, Slice};
use ndarray_npy::{NpzReader, NpzWriter};
use object::{Object as _, ObjectSection as _};
use tempfile::TempDir;

const MODELS: [&str; 4] = ["ae-qcd", "efn-top", "pfn-qg", "vae-l1"];
/// Events per target: every test of them all would take CI minutes that it has not.
const EVENTS: usize = 200;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// Boards that need an emulator, unless the run goes on without one, aloud.
fn boards() -> Vec<&'static str> {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|v| v == "1") {
        println!("SKIPPED: emulated boards, since HODOSCOPE_WITHOUT_EMULATOR=1");
        return vec![];
    }
    vec!["mps2-an386", "virt-rv32"]
}

/// The command, its builds kept where those of other tests are.
fn hodoscope() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hodoscope"));
    command.env("HODOSCOPE_CACHE", cache());
    command
}

/// The cache of the run, so that everything is built once for all tests.
fn cache() -> PathBuf {
    std::env::var_os("HODOSCOPE_CACHE").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope"),
        PathBuf::from,
    )
}

/// Exit code and standard error.
fn ends(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), errors)
}

/// Compiles a model into `place` and writes its first test events beside it.
fn compiled(place: &TempDir, model: &str, options: &[&str]) -> (PathBuf, PathBuf) {
    let folder = models().join(model);
    let dir = place.path().join(model);
    let mut command = hodoscope();
    command
        .arg("compile")
        .arg(folder.join("model.onnx"))
        // Bits are compared here; what the models lose, `reference_models.rs` judges.
        .arg("--accept-loss")
        .arg("-o")
        .arg(&dir)
        .args(options);
    let (code, errors) = ends(
        command
            .arg("--calibration")
            .arg(folder.join("calibration.npz")),
    );
    assert_eq!(code, 0, "{errors}");

    let events = place.path().join(format!("{model}.npz"));
    let mut all = NpzReader::new(fs::File::open(folder.join("test.npz")).unwrap()).unwrap();
    let x: ArrayD<f32> = all.by_name("x").unwrap();
    let mut some = NpzWriter::new(fs::File::create(&events).unwrap());
    some.add_array("x", &x.slice_axis(Axis(0), Slice::from(..EVENTS)))
        .unwrap();
    some.finish().unwrap();
    (dir, events)
}

fn verify(dir: &Path, events: &Path, places: &[&str]) -> Command {
    let mut command = hodoscope();
    command.arg("verify").arg(dir).arg("--inputs").arg(events);
    command.arg("--on").args(places);
    command
}

#[test]
fn the_reference_taggers_are_exact_on_every_target() {
    let place = tempfile::tempdir().unwrap();
    let places: Vec<&str> = ["native"].into_iter().chain(boards()).collect();
    for model in MODELS {
        let (dir, events) = compiled(&place, model, &[]);
        for profile in [None, Some("--checked")] {
            let (code, errors) = ends(verify(&dir, &events, &places).args(profile));
            assert_eq!(code, 0, "{model} {profile:?}: {errors}");
        }
        if !boards().is_empty() {
            // The routines for the DSP extension are really in the firmware: each that is linked has
            // 16 or more.
            let count = dual_multiplies(&firmware(&dir, "mps2-an386"));
            assert!(count >= 16, "{model}: {count} SMLAD");
        }
    }
}

/// The firmware that the command has built.
fn firmware(dir: &Path, board: &str) -> PathBuf {
    let board = board::find(board, &[]).unwrap();
    let options = BuildOptions::default();
    build(dir, &board, &options, &Cache::at(cache()))
        .unwrap()
        .elf
}

/// Number of SMLAD and SMLADX (Armv7-M Architecture Reference Manual, A7.7.149, encoding T1) in the
/// code of a firmware.
fn dual_multiplies(elf: &Path) -> usize {
    let bytes = fs::read(elf).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let text = file.section_by_name(".text").unwrap();
    let code = text.data().unwrap();
    let halves: Vec<u16> = code
        .chunks_exact(2)
        .map(|half| u16::from_le_bytes([half[0], half[1]]))
        .collect();
    let dual =
        |pair: &&[u16]| pair[0] & 0xfff0 == 0xfb20 && pair[1] & 0x00e0 == 0 && pair[1] >> 12 != 15;
    halves.windows(2).filter(dual).count()
}

/// A constant of the program, as it stands in the emitted crate.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Weight,
    Bias,
    TableEntry,
    Multiplier,
    Shift,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Weight,
        Self::Bias,
        Self::TableEntry,
        Self::Multiplier,
        Self::Shift,
    ];

    /// Where such numbers are in `operation`, as a list that can be changed.
    fn numbers(self, program: &mut Program, value: ValueId) -> Option<&mut Vec<i64>> {
        match (self, &program.values[value.index()].operation) {
            (Self::Weight, Operation::Dense { weights: id, .. })
            | (Self::Bias, Operation::Dense { bias: id, .. })
            | (Self::TableEntry, Operation::Table { table: id, .. }) => {
                let id: ConstantId = *id;
                Some(&mut program.constants[id.index()].data)
            }
            (Self::Multiplier, Operation::Rescale { multipliers, .. }) if *multipliers != [1] => {
                match &mut program.values[value.index()].operation {
                    Operation::Rescale { multipliers, .. } => Some(multipliers),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The value that a trace shows for `value`: itself, or what its kernel goes on to compute.
fn shown(plan: &Plan<'_>, value: ValueId) -> ValueId {
    let visible = plan.visible();
    let mut at = value;
    while !visible[at.index()] {
        let mut values = plan.program.values();
        let reader = values.find(|(_, v)| v.operation.operands().contains(&at));
        at = reader.unwrap().0;
    }
    at
}

/// The program with one bit flipped such that an output of one of the events changes: the value
/// whose number it is, and the program.
fn flipped(program: &Program, kind: Kind, events: &[Event]) -> Option<(ValueId, Program)> {
    let golden: Vec<_> = run(program, events)?;
    for index in 0..program.values.len() {
        let value = ValueId::new(index);
        let mut changed = program.clone();
        if let Kind::Shift = kind {
            let Operation::Rescale { shifts, .. } = &mut changed.values[index].operation else {
                continue;
            };
            shifts[0] ^= 1;
            if run(&changed, events).is_some_and(|raws| raws != golden) {
                return Some((value, changed));
            }
            continue;
        }
        let count = kind.numbers(&mut changed, value).map_or(0, |n| n.len());
        // Large tables are tried from the middle, where the events are.
        for position in (count / 2..count).take(64) {
            let mut changed = program.clone();
            kind.numbers(&mut changed, value)?[position] ^= 1;
            if run(&changed, events).is_some_and(|raws| raws != golden) {
                return Some((value, changed));
            }
        }
    }
    None
}

/// Raw outputs of all events; `None` where the changed program does not verify.
fn run(program: &Program, events: &[Event]) -> Option<Vec<Vec<Vec<i64>>>> {
    let interpreter = Interpreter::new(program).ok()?;
    Some(
        events
            .iter()
            .map(|event| interpreter.run(event).unwrap())
            .collect(),
    )
}

/// The constants of `program`, as they stand in an emitted crate: in the layouts of all plans.
fn weights(program: &Program) -> String {
    let plans = Isa::ALL.map(|isa| Plan::new(program, isa).unwrap());
    emit_crate(&plans)["src/weights.rs"].clone()
}

#[test]
fn one_flipped_bit_of_every_kind_is_found_and_its_layer_named() {
    let place = tempfile::tempdir().unwrap();
    // It has layers, tables and words that are rescaled by multipliers.
    let (dir, events) = compiled(&place, "efn-top", &["--efn-table", "off"]);
    let text = fs::read_to_string(dir.join("program.txt")).unwrap();
    let program = Program::from_text(&text).unwrap();
    let plan = Plan::portable(&program).unwrap();
    assert!(
        plan.event
            .iter()
            .any(|step| matches!(step.kernel, Kernel::Table { .. }))
    );
    let words = Events::from_npz(&program, &Npz::read(&events).unwrap()).unwrap();
    let words = golden_events(&words);

    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        let (value, changed) = flipped(&program, kind, &words)
            .unwrap_or_else(|| panic!("no {kind:?} whose flip changes an output"));
        fs::write(dir.join("crate/src/weights.rs"), weights(&changed)).unwrap();
        // One of them where the figure is flashed, all on the host.
        let board = boards().first().copied().filter(|_| index == 0);
        let (code, errors) = ends(&mut verify(&dir, &events, &[board.unwrap_or("native")]));
        assert_eq!(code, 1, "{kind:?}: {errors}");
        let layer = &program.value(shown(&plan, value)).name;
        for part in [
            "event",
            "`probability`",
            &format!("first layer that differs is `{layer}`"),
        ] {
            assert!(errors.contains(part), "{kind:?}: no {part} in {errors}");
        }
    }
}

fn golden_events(events: &Events) -> Vec<Event> {
    (0..events.len()).map(|index| events.event(index)).collect()
}
