//! Emitted crates compile without a warning and compute what the interpreter computes: a slice, a
//! stream, and a board's payload.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::emit_programs;
use crate::support::{PLANNED, Random, Reach, event, programs};
use hodoscope_compiler::emit::{self, emit_crate};
use hodoscope_compiler::plan::layout::{Layout, Storage};
use hodoscope_compiler::plan::{Isa, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{Input, Program};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// Random programs beside the hand-written ones.
const RANDOM: usize = 24;
/// Events of each program.
const EVENTS: usize = 200;

#[test]
fn emitted_crates_compile_and_agree_with_the_interpreter() {
    let programs = all_programs();
    let workspace = Workspace::new(Path::new(env!("CARGO_TARGET_TMPDIR")).join("emitted"));
    for program in &programs {
        let plans = Isa::ALL.map(|isa| Plan::new(program, isa).unwrap());
        let files = emit_crate(&plans);
        for (path, text) in files {
            workspace.write(&format!("{}/{path}", program.name), &text);
        }
    }
    workspace.kernels();
    workspace.manifest(&programs);
    workspace.driver(&programs);
    let driver = workspace.build();
    agree(&driver, &programs);
}

#[test]
fn layers_of_several_rows_take_the_layouts_of_their_core() {
    let program = Program::from_text(&emit_programs::rows()).unwrap();
    let plan = Plan::new(&program, Isa::ArmV7eDsp).unwrap();
    for step in &plan.event {
        let pairs = step.layout().is_none_or(Layout::reads_pairs);
        assert!(pairs, "{}: {:?}", plan.result(step).name, step.layout());
    }
    let stored = |name: &str| {
        let mut values = program.values();
        let (id, _) = values.find(|(_, value)| value.name == name).unwrap();
        plan.storage[id.index()]
    };
    // What takes no more memory stands as it is read; the others are copied, row by row.
    assert_eq!(stored("first.q"), Storage::Pairs);
    assert_eq!(stored("third"), Storage::Words);
    for copied in ["x", "second.q", "fourth", "flat"] {
        assert_eq!(stored(copied), Storage::Narrowest, "{copied}");
    }
}

/// Layers of the programs that bring their quantisers: those whose rescale stands behind their sums.
fn left_apart(program: &Program, isa: Isa) -> Vec<&str> {
    let plan = Plan::new(program, isa).unwrap();
    let steps = plan.constituent.iter().chain(&plan.event);
    let apart = steps.filter(|step| {
        let layer = plan.layer(step);
        layer
            .zip(step.layout())
            .is_some_and(|(layer, layout)| layer.is_apart(layout))
    });
    let names = apart.map(|step| program.value(step.result).name.as_str());
    names.collect()
}

#[test]
fn networks_that_bring_their_quantisers_take_the_fast_sums() {
    let [fixed, set] = emit_programs::brought().map(|(_, text)| Program::from_text(&text).unwrap());
    let has = |program: &Program, isa: Isa, layers: &[&str]| {
        let apart = left_apart(program, isa);
        let all = layers.iter().all(|layer| apart.contains(layer));
        assert!(all, "{isa}: {apart:?}");
    };
    has(&fixed, Isa::ArmV7eDsp, &["wrapped.q", "symmetric.q"]);
    has(&fixed, Isa::Rv32im, &["even.q", "wrapped.q", "rows.q"]);
    has(&set, Isa::ArmV7eDsp, &["zero.q"]);
    has(&set, Isa::Rv32im, &["even.q", "zero.q"]);
    for layer in ["even.q", "floor.q", "rows.q"] {
        assert!(
            !left_apart(&fixed, Isa::ArmV7eDsp).contains(&layer),
            "{layer}"
        );
    }
    // Four casts, one behind the other, are one pass.
    for program in [fixed, set] {
        let plan = Plan::new(&program, Isa::Portable).unwrap();
        let visible = plan.visible();
        let hidden = program.values().filter(|(id, value)| {
            let is_cast = ["moved", "scaled", "again"].contains(&value.name.as_str());
            is_cast && visible[id.index()]
        });
        assert_eq!(hidden.count(), 0);
    }
}

fn all_programs() -> Vec<Program> {
    let written = emit_programs::all()
        .into_iter()
        .map(|(name, text)| Program::from_text(&text).unwrap_or_else(|e| panic!("{name}: {e}")));
    let autoencoders = emit_programs::autoencoders::autoencoders();
    // Of the others the kernels are compared without a build.
    let autoencoders = autoencoders
        .into_iter()
        .step_by(2)
        .map(|(name, text)| Program::from_text(&text).unwrap_or_else(|e| panic!("{name}: {e}")));
    let mut programs_: Vec<Program> = written.chain(autoencoders).collect();
    let mut runner = TestRunner::deterministic();
    for index in 0..RANDOM {
        let tree = programs(PLANNED).prop_filter("longer ones say more", |p| p.values.len() > 12);
        let mut program = tree.new_tree(&mut runner).unwrap().current();
        program.name = format!("random-{index}");
        programs_.push(program);
    }
    programs_
}

/// Words of each event: many for a small program, a few full ones for one with a large capacity.
fn events(program: &Program, random: &mut Random) -> Vec<Vec<Vec<i64>>> {
    let capacity = program.sets.first().map_or(0, |set| set.capacity);
    if capacity < 1000 {
        let events = (0..EVENTS).map(|_| event(program, random, Reach::Storage));
        return events.collect();
    }
    let rows = [0, capacity, capacity + 1];
    let mut words = |rows: usize, input: &Input| -> Vec<i64> {
        let words = (0..rows * input.channels).map(|_| random.below(200) as i64 - 100);
        words.collect()
    };
    let event = rows.map(|rows| {
        program
            .inputs
            .iter()
            .map(|input| words(rows, input))
            .collect()
    });
    event.into()
}

fn agree(driver: &Path, programs: &[Program]) {
    let mut child = Command::new(driver)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = String::new();
    let mut expected = Vec::new();
    let mut random = Random::new(7);
    let plans = programs
        .iter()
        .flat_map(|program| Isa::ALL.map(|isa| Plan::new(program, isa).unwrap()));
    for (index, plan) in plans.enumerate() {
        let program = plan.program;
        let visible = plan.visible();
        let interpreter = Interpreter::new(program).unwrap();
        for inputs in events(program, &mut random) {
            let _ = write!(input, "{index}");
            for words in &inputs {
                let words: Vec<String> = words.iter().map(ToString::to_string).collect();
                let _ = write!(input, "|{}", words.join(" "));
            }
            input.push('\n');
            let trace = interpreter.trace(&Event { inputs }).unwrap();
            let outputs = program.outputs.iter();
            let raws: Vec<i64> = outputs
                .flat_map(|output| trace.values[output.value.index()].clone())
                .collect();
            let values = trace.values.into_iter().zip(&visible);
            let seen: Vec<Vec<i64>> = values
                .map(|(raws, visible)| if *visible { raws } else { vec![] })
                .collect();
            expected.push((index, line(&raws, &seen)));
        }
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(
        output.status.success(),
        "the driver stopped: {}",
        output.status
    );
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), expected.len());
    for (answer, (index, line)) in answers.iter().zip(&expected) {
        let program = &programs[index / Isa::ALL.len()];
        let isa = Isa::ALL[index % Isa::ALL.len()];
        let text = program.to_text();
        assert_eq!(answer, line, "{} for {isa}\n{text}", program.name);
    }
}

/// One answer of the driver: raws, and a checksum of every visible value.
fn line(raws: &[i64], seen: &[Vec<i64>]) -> String {
    let hash = |raws: &Vec<i64>| {
        let step = |hash: u64, raw: &i64| (hash ^ *raw as u64).wrapping_mul(0x100_0000_01b3);
        raws.iter().fold(0xcbf2_9ce4_8422_2325, step)
    };
    // Of the last values without a raw the driver hears nothing.
    let heard = seen
        .iter()
        .rposition(|raws| !raws.is_empty())
        .map_or(0, |last| last + 1);
    let hashes = seen[..heard].iter().map(hash);
    let seen: Vec<String> = hashes.map(|hash| format!("{hash:x}")).collect();
    format!("{raws:?} {}", seen.join(" "))
}

/// Emitted crates, and the kernels that they call.
pub(super) struct Workspace(PathBuf);

impl Workspace {
    pub(super) fn new(root: PathBuf) -> Self {
        fs::create_dir_all(&root).unwrap();
        Self(root)
    }

    /// Writes what is new, so that cargo builds only that.
    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(path, text).unwrap();
        }
    }

    pub(super) fn kernels(&self) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/kernels");
        let mut folders = vec![source.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let own = path.strip_prefix(&source).unwrap();
                let text = fs::read_to_string(&path).unwrap();
                self.write(&format!("kernels/{}", own.display()), &text);
            }
        }
        // The versions that this repository is locked to.
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        if !self.0.join("Cargo.lock").exists() {
            fs::copy(lock, self.0.join("Cargo.lock")).unwrap();
        }
    }

    /// The manifest that `hodoscope compile` writes, for several crates and the driver.
    fn manifest(&self, programs: &[Program]) {
        let crates: Vec<&str> = programs.iter().map(|p| p.name.as_str()).collect();
        self.members(&[&["driver"], &crates[..]].concat());
    }

    /// As [`Self::manifest`], of any packages beside the kernels.
    pub(super) fn members(&self, packages: &[&str]) {
        let packages: Vec<String> = packages.iter().map(|name| format!("{name:?}")).collect();
        let members = format!("members = [\"kernels\", {}]", packages.join(", "));
        let text = emit::workspace_manifest();
        let one = "members = [\"crate\", \"kernels\"]";
        assert!(text.contains(one), "{text}");
        self.write("Cargo.toml", &text.replace(one, &members));
    }

    fn driver(&self, programs: &[Program]) {
        let mut manifest = "[package]\nname = \"driver\"\nedition = \"2024\"\n\n[dependencies]\n\
                            hodoscope-kernels = \"*\"\n"
            .to_owned();
        let mut calls = String::new();
        for (index, program) in programs.iter().enumerate() {
            let name = emit::crate_name(program);
            let _ = writeln!(manifest, "{name} = {{ path = \"../{}\" }}", program.name);
            for (plan, isa) in Isa::ALL.into_iter().enumerate() {
                let index = index * Isa::ALL.len() + plan;
                let _ = writeln!(calls, "        {index} => {},", self.call(program, isa));
            }
        }
        self.write("driver/Cargo.toml", &manifest);
        self.write(
            "driver/src/main.rs",
            &DRIVER.replace("/* calls */", calls.trim()),
        );
    }

    /// The arm that runs one plan of one model: its words are made into its own structs.
    fn call(&self, program: &Program, isa: Isa) -> String {
        let library = fs::read_to_string(self.0.join(&program.name).join("src/lib.rs")).unwrap();
        let module = emit::crate_name(program).replace('-', "_");
        let (own, plan) = (emit::type_name(program), isa.type_name());
        let ty = format!("{module}::{own}::<{module}::{plan}>");
        let build = |name: &str, of_set: bool| {
            let fields = fields_of(&library, name);
            let inputs = program.inputs.iter().enumerate();
            let own = inputs.filter(|(_, input)| input.set.is_some() == of_set);
            let fields: Vec<String> = own
                .zip(&fields)
                .map(|((index, input), field)| match of_set {
                    true => format!("{field}: row(&words[{index}], r, {})", input.channels),
                    false => format!("{field}: row(&words[{index}], 0, {})", input.channels),
                })
                .collect();
            format!("{module}::{name} {{ {} }}", fields.join(", "))
        };
        let decided = library.contains("pub struct Threshold(");
        let single = program.value(program.outputs[0].value).shape.elements(1) == 1;
        assert_eq!(decided, single, "{}", program.name);
        let set = program.inputs.iter().position(|input| input.set.is_some());
        let fixed = program.inputs.iter().any(|input| input.set.is_none());
        let Some(first) = set else {
            let event = build("Event", false);
            let decides = match decided {
                true => format!(
                    "decides(raws[0], |t| {ty}::accepts(&event, {module}::Threshold::new(t)));"
                ),
                false => String::new(),
            };
            return format!(
                "{{
            let event = {event};
            let raws = {ty}::run(&event).raws();
            {decides}
            answer::<{ty}>(words, &[raws])
        }}"
            );
        };
        let (header, comma) = match fixed {
            true => (format!("&{}", build("Header", false)), ", "),
            false => (String::new(), ""),
        };
        let decides = match decided {
            true => format!(
                "decides(streams[0][0], |t| {ty}::accepts({header}{comma}&all, {module}::Threshold::new(t)));
            decides(streams[0][0], |t| {{
                for constituent in &all {{
                    tagger.push(constituent);
                }}
                tagger.decide({header}{comma}{module}::Threshold::new(t))
            }});"
            ),
            false => String::new(),
        };
        let rows = format!("words[{first}].len() / {}", program.inputs[first].channels);
        let constituent = build("Constituent", true);
        format!(
            "{{
            let all: Vec<_> = (0..{rows}).map(|r| {constituent}).collect();
            let mut tagger = {ty}::new();
            let mut streams = vec![];
            // Twice: the end of an event starts an empty one.
            for _ in 0..2 {{
                for constituent in &all {{
                    tagger.push(constituent);
                }}
                let live = all.iter().filter(|c| c.is_live()).count();
                assert_eq!(tagger.multiplicity(), live.min({module}::CAPACITY));
                streams.push(tagger.finish({header}).raws());
            }}
            streams.push({ty}::run({header}{comma}&all).raws());
            {decides}
            answer::<{ty}>(words, &streams)
        }}"
        )
    }

    /// What `cargo check` has against any of the packages; nothing where it accepts them without a warning.
    pub(super) fn check(&self) -> Result<(), String> {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let output = Command::new(cargo)
            .args(["check", "--offline", "--workspace", "--keep-going"])
            .args(["--target-dir", "target"])
            .current_dir(&self.0)
            .env("RUSTFLAGS", "-D warnings")
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn build(&self) -> PathBuf {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--offline", "--package", "driver"]);
        // Overflow checks are on or off as they are in this test.
        let profile = match cfg!(debug_assertions) {
            true => "debug",
            false => "release",
        };
        if profile == "release" {
            build.arg("--release");
        }
        let output = build
            .args(["--target-dir", "target"])
            .current_dir(&self.0)
            .env("RUSTFLAGS", format!("-D warnings{}", widest()))
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        self.0.join("target").join(profile).join("driver")
    }
}

/// The flag for the widest vectors that the kernels have, where this processor has them: the tests of the kernels' executor
/// have those of every processor.
fn widest() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("movbe")
    {
        return " -C target-cpu=x86-64-v3";
    }
    ""
}

/// Names of the public fields of a struct in emitted code.
fn fields_of(library: &str, name: &str) -> Vec<String> {
    let head = format!("pub struct {name} {{\n");
    let Some((_, rest)) = library.split_once(&head) else {
        return vec![];
    };
    let body = rest.split_once("\n}").map_or("", |(body, _)| body);
    let fields = body
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub "));
    fields
        .map(|field| field.split(':').next().unwrap_or_default().into())
        .collect()
}

const DRIVER: &str = r#"//! Reads events, runs each on its model in every way there is, and prints what came out.

use std::io::{BufRead, Write};

use hodoscope_kernels::model::{Model, Observer, Raws};

fn main() {
    let stdin = std::io::stdin();
    let mut stdout = std::io::BufWriter::new(std::io::stdout());
    for line in stdin.lock().lines() {
        let line = line.unwrap();
        let mut parts = line.split('|');
        let index: usize = parts.next().unwrap().parse().unwrap();
        let words: Vec<Vec<i64>> = parts
            .map(|words| words.split_whitespace().map(|w| w.parse().unwrap()).collect())
            .collect();
        writeln!(stdout, "{}", run(index, &words)).unwrap();
    }
}

fn run(index: usize, words: &[Vec<i64>]) -> String {
    match index {
        /* calls */
        _ => panic!("no model {index}"),
    }
}

/// `N` words of a row.
fn row<T: TryFrom<i64, Error: std::fmt::Debug>, const N: usize>(words: &[i64], row: usize, channels: usize) -> [T; N] {
    assert_eq!(N, channels);
    std::array::from_fn(|c| T::try_from(words[row * N + c]).unwrap())
}

/// Whatever the threshold, the decision is that on the score.
fn decides<T: TryFrom<i64>>(score: i64, mut accepts: impl FnMut(T) -> bool) {
    let ends = [i64::MIN, i64::from(i32::MIN), i64::from(i32::MAX), i64::MAX];
    let near = (-3..=3).map(|by| score.saturating_add(by)).chain(-2..=2);
    for raw in near.chain(ends) {
        if let Ok(threshold) = T::try_from(raw) {
            assert_eq!(accepts(threshold), score >= raw, "{score} {raw}");
        }
    }
}

#[derive(Default)]
struct Seen(Vec<u64>);

impl Observer for Seen {
    fn values<T: Copy + Into<i64>>(&mut self, value: u16, _row: u16, raws: &[T]) {
        let value = usize::from(value);
        if self.0.len() <= value {
            self.0.resize(value + 1, 0xcbf2_9ce4_8422_2325);
        }
        for raw in raws {
            let raw: i64 = (*raw).into();
            self.0[value] = (self.0[value] ^ raw as u64).wrapping_mul(0x100_0000_01b3);
        }
    }
}

/// Runs the payload of the event, as a board does, and compares with what the other ways gave.
fn answer<M: Model>(words: &[Vec<i64>], others: &[impl AsRef<[i64]>]) -> String {
    let mut payload = vec![];
    let push = |payload: &mut Vec<u8>, words: &[i64], bytes: usize| {
        for word in words {
            payload.extend(&word.to_le_bytes()[..bytes]);
        }
    };
    for (info, words) in M::INPUTS.iter().zip(words).filter(|(info, _)| !info.set) {
        push(&mut payload, words, info.bytes);
    }
    let sets = || M::INPUTS.iter().zip(words).filter(|(info, _)| info.set);
    let rows = sets().next().map_or(0, |(info, words)| words.len() / info.words);
    for row in 0..rows {
        for (info, words) in sets() {
            push(&mut payload, &words[row * info.words..][..info.words], info.bytes);
        }
    }
    let mut seen = Seen::default();
    let raws = M::infer(&payload, &mut seen).unwrap();
    let length: usize = M::OUTPUTS.iter().map(|output| output.len).sum();
    let raws: Vec<i64> = (0..).map_while(|index| raws.get(index)).collect();
    assert_eq!(raws.len(), length);
    for other in others {
        assert_eq!(other.as_ref(), raws, "{}", M::NAME);
    }
    // A payload of another length is refused.
    payload.push(0);
    let bytes: usize = sets().map(|(info, _)| info.words * info.bytes).sum();
    assert_eq!(M::infer(&payload, &mut ()).is_err(), bytes != 1, "{}", M::NAME);
    let seen: Vec<String> = seen.0.iter().map(|hash| format!("{hash:x}")).collect();
    format!("{raws:?} {}", seen.join(" "))
}
"#;
