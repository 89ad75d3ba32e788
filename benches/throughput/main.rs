//! Events per second on one core of the host: native code of emitted crates, the golden model, the float graph, and
//! beside them tract and onnxruntime, on the same test events.
//!
//! `cargo xtask throughput` brings the two peers and runs this; `cargo xtask bench` runs it without them. Time is what
//! the process that answers has computed for, so that other work on the machine counts for nobody.

mod peers;
mod taggers;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};
use hodoscope_compiler::graph::Executor;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_compiler::{Compiled, compile, graph, import};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use hodoscope_sim::npz::Npz;
use rustix::time::{ClockId, clock_gettime};

use peers::{How, Peer};
use taggers::{AeQcd, PfnQg, Tagger};

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10)
        .configure_from_args();
    let tables = [
        bench::<PfnQg>(&mut criterion),
        bench::<AeQcd>(&mut criterion),
    ];
    criterion.final_summary();
    for table in tables {
        print!("{table}");
    }
    if peers::wanted().is_empty() {
        println!("\ntract and onnxruntime are left out: `cargo xtask throughput` brings them");
    }
}

/// Measures a model's rows.
fn bench<T: Tagger>(criterion: &mut Criterion) -> Table {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("models")
        .join(T::NAME);
    let float = import::load(&folder.join("model.onnx")).expect("the committed model imports");
    let spec = fs::read_to_string(folder.join("inputs.toml")).expect("inputs.toml is there");
    let spec = InputsSpec::parse(&spec).expect("inputs.toml is well-formed");
    let compiled = compiled(T::NAME, &folder, &float, &spec);
    let program = compiled.program();
    assert_eq!(
        T::PROGRAM,
        hodoscope_compiler::emit::program_hash(program),
        "firmware/models/{} is not what the compiler writes: cargo xtask bless",
        T::NAME
    );
    let interpreter = Interpreter::new(program).expect("the program verifies");
    let floats = values(&folder.join("test.npz"), "x");
    let events = events(program, &floats);
    let words: Vec<T::Event> = events.iter().map(|e| T::event(&e.inputs[0])).collect();
    let macs: u64 = words.iter().map(|e| program.macs(T::multiplicity(e))).sum();

    // They are the same function, or the figures mean nothing.
    for (event, words) in events.iter().zip(&words) {
        let golden = interpreter.run(event).expect("the events are the model's");
        assert_eq!(golden[0], T::run(words));
        assert_eq!(golden[0], T::stream(words));
    }
    let exact = values(&folder.join("test.npz"), T::ANSWERS);
    let peers: Vec<Peer> = peers::wanted()
        .iter()
        .map(|command| {
            let mut peer = Peer::start(command, &folder.join("model.onnx"), &floats, T::SHAPE);
            for how in How::BOTH {
                let answers = peer.answers(how);
                near(&peer.name, &answers, &exact);
            }
            peer
        })
        .collect();

    let simple = graph::simplify(&float).expect("the committed model simplifies");
    let executor = Executor::new(&simple).expect("the committed model runs");
    let mut workspace = executor.workspace();
    let length = floats.len() / events.len();

    let mut table = Table {
        name: T::NAME,
        events: events.len(),
        macs,
        rows: vec![],
    };
    let mut group = criterion.benchmark_group(T::NAME);
    group.throughput(Throughput::Elements(events.len() as u64));
    table.measure(
        &mut group,
        "native",
        timed(|| {
            for event in &words {
                black_box(T::run(black_box(event)));
            }
        }),
    );
    if T::STREAMS {
        table.measure(
            &mut group,
            "native, streamed",
            timed(|| {
                for event in &words {
                    black_box(T::stream(black_box(event)));
                }
            }),
        );
    }
    table.measure(
        &mut group,
        "interpreter",
        timed(|| {
            for event in &events {
                black_box(interpreter.run(event).expect("the events are the model's"));
            }
        }),
    );
    table.measure(
        &mut group,
        "float graph",
        timed(|| {
            for event in floats.chunks(length) {
                executor
                    .run_all(&mut workspace, &[black_box(event)])
                    .expect("the events are the model's");
            }
        }),
    );
    for mut peer in peers {
        for how in How::BOTH {
            let name = format!("{}, {how}", peer.name);
            table.measure(&mut group, &name, |passes| peer.run(how, passes));
        }
    }
    group.finish();
    table
}

/// What one model's rows took.
struct Table {
    name: &'static str,
    events: usize,
    /// Multiply-accumulates of all events, of live constituents only.
    macs: u64,
    /// Name and nanoseconds per event, native code first.
    rows: Vec<(String, f64)>,
}

impl Table {
    /// Measures passes over all events; `run` says how long so many of them took.
    fn measure(
        &mut self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        name: &str,
        mut run: impl FnMut(u64) -> Duration,
    ) {
        let mut samples = vec![];
        group.bench_function(name, |b| {
            b.iter_custom(|passes| {
                let took = run(passes);
                samples.push(took.as_nanos() as f64 / passes as f64);
                took
            });
        });
        samples.sort_by(f64::total_cmp);
        // Nothing, where the command line chose other rows.
        if let Some(median) = samples.get(samples.len() / 2) {
            self.rows
                .push((name.to_owned(), median / self.events as f64));
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "\n| {}, {} events | ns per event | MAC/s | times native |",
            self.name, self.events
        )?;
        writeln!(f, "|---|---|---|---|")?;
        let macs = self.macs as f64 / self.events as f64;
        let native = self.rows.iter().find(|(name, _)| name == "native");
        for (name, nanoseconds) in &self.rows {
            let rate = macs / nanoseconds * 1e9;
            let ratio = native.map_or("–".to_owned(), |(_, own)| {
                format!("{:.2}", nanoseconds / own)
            });
            writeln!(f, "| {name} | {nanoseconds:.0} | {rate:.2e} | {ratio} |")?;
        }
        Ok(())
    }
}

/// How long passes compute in this process.
fn timed(mut pass: impl FnMut()) -> impl FnMut(u64) -> Duration {
    let computed = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(
            time.tv_sec.unsigned_abs(),
            time.tv_nsec.unsigned_abs() as u32,
        )
    };
    move |passes| {
        let begin = computed();
        for _ in 0..passes {
            pass();
        }
        computed() - begin
    }
}

/// Whether a peer answers what the network's float reference does.
fn near(name: &str, answers: &[f32], exact: &[f32]) {
    assert_eq!(answers.len(), exact.len(), "{name}");
    let largest = exact.iter().fold(0f32, |largest, x| largest.max(x.abs()));
    for (event, (answer, exact)) in answers.iter().zip(exact).enumerate() {
        let far = (answer - exact).abs();
        assert!(
            far <= 1e-5 * largest,
            "{name}: event {event} is {answer}, not {exact}"
        );
    }
}

fn compiled(name: &str, folder: &Path, float: &graph::Graph, spec: &InputsSpec) -> Compiled {
    let values = values(&folder.join("calibration.npz"), "x");
    let calibration = Calibration::new(float, vec![values]).expect("calibration is the model's");
    compile(float, name, spec, None, &calibration, &Options::default())
        .expect("the committed model compiles")
}

fn values(file: &Path, name: &str) -> Vec<f32> {
    let npz = Npz::read(file).expect("the committed events are there");
    let array = npz.array(name).expect("the array is there");
    let values = array.floats().expect("the values are numbers");
    values.into_iter().map(|v| v as f32).collect()
}

fn events(program: &Program, values: &[f32]) -> Vec<Event> {
    let input = &program.inputs[0];
    let capacity = program.sets.first().map_or(1, |set| set.capacity);
    let word = |(i, v): (usize, &f32)| {
        let field = input.field(i % input.channels);
        field
            .encode(f64::from(*v))
            .expect("the committed events are numbers")
            .word
    };
    values
        .chunks(capacity * input.channels)
        .map(|event| Event {
            inputs: vec![event.iter().enumerate().map(word).collect()],
        })
        .collect()
}
