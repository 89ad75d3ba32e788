//! Symmetries that integers keep exactly, on the compiled reference models: interpreter and kernels.

use std::fs::{File, read_to_string};
use std::path::PathBuf;

use crate::support::Random;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Isa, Plan};
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_compiler::{Compiled, compile, import};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor;
use hodoscope_program::{Operation, Program};
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;

type Constituent = Vec<i64>;

fn folder(model: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../models")
        .join(model)
}

fn array(model: &str, file: &str, name: &str) -> ArrayD<f32> {
    let file = File::open(folder(model).join(file)).unwrap();
    NpzReader::new(file).unwrap().by_name(name).unwrap()
}

fn compiled(model: &str) -> Compiled {
    let graph = import::load(&folder(model).join("model.onnx")).unwrap();
    let spec =
        InputsSpec::parse(&read_to_string(folder(model).join("inputs.toml")).unwrap()).unwrap();
    let inputs = graph.inputs().iter();
    let inputs = inputs.map(|i| {
        array(model, "calibration.npz", &i.name)
            .into_iter()
            .collect()
    });
    let calibration = Calibration::new(&graph, inputs.collect()).unwrap();
    compile(
        &graph,
        model,
        &spec,
        None,
        &calibration,
        &Options::default(),
    )
    .unwrap()
}

/// The test events of a model with one set input, as lists of constituents: padding included.
fn events(model: &str, program: &Program) -> Vec<Vec<Constituent>> {
    let input = &program.inputs[0];
    let values = array(model, "test.npz", &input.name);
    let word = |(i, v): (usize, &f32)| input.field(i).encode(f64::from(*v)).unwrap().word;
    values
        .axis_iter(Axis(0))
        .map(|event| {
            let words: Vec<i64> = event.iter().enumerate().map(word).collect();
            words.chunks(input.channels).map(<[i64]>::to_vec).collect()
        })
        .collect()
}

fn inputs(constituents: &[Constituent]) -> Vec<Vec<i64>> {
    vec![constituents.concat()]
}

/// A constituent with a pT word of its own, so that there are no ties.
fn random_constituent(program: &Program, random: &mut Random, pt: i64) -> Constituent {
    let input = &program.inputs[0];
    let mut words: Constituent = (0..input.channels)
        .map(|c| {
            let field = input.field(c);
            field.minimum + (random.next() % (field.maximum - field.minimum + 1) as u64) as i64
        })
        .collect();
    words[0] = pt;
    words
}

/// 10,000 permutations: of real jets with their empty slots anywhere, and of events with up to
/// twice the capacity, in which no two constituents are equally hard.
#[test]
fn permuted_constituents_give_identical_bits() {
    let compiled = compiled("pfn-qg");
    let program = compiled.program();
    let plan = Plan::portable(program).unwrap();
    let executor = Executor::new(&plan);
    let interpreter = Interpreter::new(program).unwrap();
    let capacity = program.sets[0].capacity;
    let jets = events("pfn-qg", program);
    let mut random = Random::new(1);
    let mut crowded = 0;
    for round in 0..1000 {
        let constituents = match round % 2 {
            0 => jets[random.below(jets.len())].clone(),
            _ => {
                let count = random.below(2 * capacity + 1);
                let mut hardness: Vec<i64> = (1..=program.inputs[0].field(0).maximum).collect();
                random.shuffle(&mut hardness);
                crowded += usize::from(count > capacity);
                let all = hardness.iter().take(count);
                all.map(|pt| random_constituent(program, &mut random, *pt))
                    .collect()
            }
        };
        let expected = interpreter
            .run(&Event {
                inputs: inputs(&constituents),
            })
            .unwrap();
        for permutation in 0..10 {
            let mut permuted = constituents.clone();
            random.shuffle(&mut permuted);
            let inputs = inputs(&permuted);
            assert_eq!(
                executor.infer(&inputs),
                expected,
                "kernels, round {round}.{permutation}"
            );
            assert_eq!(
                executor.stream(&inputs),
                expected,
                "stream, round {round}.{permutation}"
            );
            let got = interpreter.run(&Event { inputs }).unwrap();
            assert_eq!(got, expected, "interpreter, round {round}.{permutation}");
        }
    }
    assert!(
        crowded > 100,
        "only {crowded} events were beyond the capacity"
    );
}

/// A collinear splitting changes neither the pooled sums nor the outputs: pT is a weight that is
/// pooled before it is divided by.
#[test]
fn collinear_splitting_changes_no_bit() {
    let compiled = compiled("efn-top");
    let program = compiled.program();
    let plan = Plan::portable(program).unwrap();
    let executor = Executor::new(&plan);
    let interpreter = Interpreter::new(program).unwrap();
    let capacity = program.sets[0].capacity;
    let mut random = Random::new(2);
    let mut splittings = 0;
    for jet in events("efn-top", program).into_iter().take(600) {
        // The jet without its empty slots, with room for daughters.
        let live = jet.into_iter().filter(|c| c[0] > 0);
        let mut split: Vec<Constituent> = live.take(capacity - random.below(9)).collect();
        let whole = interpreter
            .trace(&Event {
                inputs: inputs(&split),
            })
            .unwrap();
        for _ in 0..4 {
            let hard: Vec<usize> = (0..split.len()).filter(|i| split[*i][0] > 1).collect();
            if hard.is_empty() || split.len() >= capacity {
                break;
            }
            let parent = hard[random.below(hard.len())];
            let part = 1 + random.below(split[parent][0] as usize - 1) as i64;
            let mut daughter = split[parent].clone();
            daughter[0] = part;
            split[parent][0] -= part;
            let at = random.below(split.len() + 1);
            split.insert(at, daughter);
            splittings += 1;
        }
        let trace = interpreter
            .trace(&Event {
                inputs: inputs(&split),
            })
            .unwrap();
        let seen = executor.run(&inputs(&split));
        for (id, value) in program.values() {
            if value.shape.set().is_some() {
                continue;
            }
            let name = &value.name;
            assert_eq!(
                trace.values[id.index()],
                whole.values[id.index()],
                "interpreter, {name}"
            );
            if let Some(seen) = &seen[id.index()] {
                assert_eq!(*seen, whole.values[id.index()], "kernels, {name}");
            }
        }
    }
    assert!(splittings > 1000, "only {splittings} splittings");
    let pooled = program
        .values
        .iter()
        .filter(|v| matches!(v.operation, Operation::Sum { .. }));
    assert!(pooled.count() >= 1);
}

/// Interpreter and kernels agree on all committed test events of all models, layer by layer.
#[test]
fn kernels_agree_on_the_test_events() {
    for model in ["ae-qcd", "efn-top", "pfn-qg", "vae-l1"] {
        let compiled = compiled(model);
        let program = compiled.program();
        let interpreter = Interpreter::new(program).unwrap();
        let plans = Isa::ALL.map(|isa| Plan::new(program, isa).unwrap());
        let executors = plans.each_ref().map(Executor::new);
        for (index, event) in events(model, program).iter().take(300).enumerate() {
            let inputs = inputs(event);
            let trace = interpreter.trace(&Event {
                inputs: inputs.clone(),
            });
            let trace = trace.unwrap();
            for (isa, executor) in Isa::ALL.iter().zip(&executors) {
                let seen = executor.run(&inputs);
                for (id, value) in program.values() {
                    if let Some(seen) = &seen[id.index()] {
                        let expected = &trace.values[id.index()];
                        let name = &value.name;
                        assert_eq!(seen, expected, "{model} for {isa}, event {index}, {name}");
                    }
                }
            }
        }
    }
}
