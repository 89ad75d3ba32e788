//! Events per second on one core of the host: the golden model, and native code.
//!
//! `cargo xtask bench`. Each figure is events per second of `pfn-qg` on its committed test events;
//! the last lines give multiply-accumulates per second, of live constituents only.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use hodoscope_compiler::graph::Executor;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_compiler::{Compiled, compile, graph, import};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernels::model::Model as _;
use hodoscope_program::Program;
use hodoscope_sim::npz::Npz;
use pfn_qg::{Constituent, Deployed};

/// Seconds over which a rate is measured.
const SECONDS: f64 = 1.0;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/pfn-qg");
    let float = import::load(&folder.join("model.onnx")).expect("the committed model imports");
    let spec = fs::read_to_string(folder.join("inputs.toml")).expect("inputs.toml is there");
    let spec = InputsSpec::parse(&spec).expect("inputs.toml is well-formed");
    let compiled = compiled(&folder, &float, &spec);
    let program = compiled.program();
    assert_eq!(
        Deployed::PROGRAM,
        hodoscope_compiler::emit::program_hash(program),
        "firmware/models/pfn-qg is not what the compiler writes: cargo xtask bless"
    );
    let interpreter = Interpreter::new(program).expect("the program verifies");
    let floats = values(&folder.join("test.npz"), "x");
    let events = events(program, &floats);
    let jets: Vec<Vec<Constituent>> = events.iter().map(constituents).collect();
    let multiplicity = |event: &Event| event.inputs[0].chunks(3).filter(|row| row[0] > 0).count();
    let macs: u64 = events.iter().map(|e| program.macs(multiplicity(e))).sum();

    // The two are the same function, or the figures mean nothing.
    for (event, jet) in events.iter().zip(&jets) {
        let golden = interpreter.run(event).expect("the events are the model's");
        assert_eq!(golden[0], Deployed::run(jet).raws());
    }

    let simple = graph::simplify(&float).expect("the committed model simplifies");
    let executor = Executor::new(&simple).expect("the committed model runs");
    let mut workspace = executor.workspace();
    let padded = floats.len() / events.len();
    let mut run_float = || {
        for jet in floats.chunks(padded) {
            executor
                .run_all(&mut workspace, &[jet])
                .expect("the events are the model's");
        }
    };
    let run_interpreter = || {
        for event in &events {
            black_box(interpreter.run(event).expect("the events are the model's"));
        }
    };
    let run_native = || {
        for jet in &jets {
            black_box(Deployed::run(black_box(jet)));
        }
    };
    let run_streaming = || {
        let mut tagger = Deployed::new();
        for jet in &jets {
            for constituent in jet {
                tagger.push(black_box(constituent));
            }
            black_box(tagger.finish());
        }
    };

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10)
        .configure_from_args();
    let mut group = criterion.benchmark_group("pfn-qg");
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("float", |b| b.iter(&mut run_float));
    group.bench_function("interpreter", |b| b.iter(run_interpreter));
    group.bench_function("native", |b| b.iter(run_native));
    group.bench_function("native-streaming", |b| b.iter(run_streaming));
    group.finish();
    criterion.final_summary();

    for (name, rate) in [
        ("interpreter", rate(run_interpreter)),
        ("native", rate(run_native)),
    ] {
        println!("{name}: {:.2e} MAC/s", rate * macs as f64);
    }
}

/// Passes over all events per second.
fn rate(mut pass: impl FnMut()) -> f64 {
    let started = Instant::now();
    let mut passes = 0;
    while started.elapsed().as_secs_f64() < SECONDS {
        pass();
        passes += 1;
    }
    f64::from(passes) / started.elapsed().as_secs_f64()
}

fn compiled(folder: &Path, float: &graph::Graph, spec: &InputsSpec) -> Compiled {
    let values = values(&folder.join("calibration.npz"), "x");
    let calibration = Calibration::new(float, vec![values]).expect("calibration is the model's");
    compile(
        float,
        "pfn-qg",
        spec,
        None,
        &calibration,
        &Options::default(),
    )
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
    let capacity = program.sets[0].capacity;
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

fn constituents(event: &Event) -> Vec<Constituent> {
    let rows = event.inputs[0].chunks(3);
    let words = |row: &[i64]| [row[0], row[1], row[2]].map(|w| w as i16);
    // As a link delivers them: without the padding.
    rows.filter(|row| row[0] > 0)
        .map(|row| Constituent { x: words(row) })
        .collect()
}
