//! Deployed level-1 trigger networks of CMS: every event of the experiment's own compiled emulators, bit for bit.

use std::fs::File;
use std::path::Path;

use crate::import_support::shared;
use hodoscope_compiler::exact::{exact, is_quantised};
use hodoscope_compiler::import;
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;

/// The program of a network, its inputs' words as `--input` states them.
fn compiled(folder: &Path, inputs: &[&str]) -> Program {
    let graph = import::load(&folder.join("model.onnx")).expect("import");
    assert!(is_quantised(&graph));
    let mut spec = InputsSpec::default();
    for input in inputs {
        spec.set_type(input).expect("type");
    }
    exact(&graph, "deployed", &spec).unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
}

/// An array of events, whatever its element type.
fn array(npz: &mut NpzReader<File>, name: &str) -> ArrayD<f64> {
    if let Ok(array) = npz.by_name::<_, ndarray::IxDyn>(name) {
        return array;
    }
    let integers: ArrayD<i64> = npz.by_name(name).expect("array");
    integers.mapv(|v| v as f64)
}

/// Every event's outputs equal the emulator's.
fn reproduces(name: &str, inputs: &[&str], events: &[&str]) {
    let Some(folder) = shared("cms-l1") else {
        return;
    };
    let folder = folder.join(name);
    let program = compiled(&folder, inputs);
    let interpreter = Interpreter::new(&program).expect("program");
    for events in events {
        let file = File::open(folder.join(events)).expect("gold events");
        let mut npz = NpzReader::new(file).expect("npz");
        let words: Vec<ArrayD<f64>> = program
            .inputs
            .iter()
            .map(|input| array(&mut npz, &input.name))
            .collect();
        let gold: Vec<ArrayD<f64>> = program
            .outputs
            .iter()
            .map(|output| array(&mut npz, &output.name))
            .collect();
        let count = words[0].len_of(Axis(0));
        let mut wrong = 0;
        for event in 0..count {
            let inputs = program.inputs.iter().zip(&words).map(|(input, values)| {
                let values = values.index_axis(Axis(0), event);
                let word = |(channel, value): (usize, &f64)| {
                    let encoded = input.field(channel).encode(*value).expect("finite");
                    encoded.word
                };
                values.iter().enumerate().map(word).collect()
            });
            let answer = interpreter
                .run(&Event {
                    inputs: inputs.collect(),
                })
                .expect("event");
            let equal =
                program
                    .outputs
                    .iter()
                    .zip(&answer)
                    .zip(&gold)
                    .all(|((output, raws), gold)| {
                        let scale = &program.value(output.value).scale;
                        let gold = gold.index_axis(Axis(0), event);
                        raws.len() == gold.len()
                            && raws.iter().zip(gold.iter()).enumerate().all(
                                |(channel, (raw, gold))| *raw as f64 * scale.lsb(channel) == *gold,
                            )
                    });
            wrong += usize::from(!equal);
        }
        println!("{name} {events}: {}/{count} events exact", count - wrong);
        assert_eq!(wrong, 0, "{name} {events}");
    }
}

#[test]
fn emtf() {
    reproduces("EMTFnn_v1", &[], &["gold_typical.npz", "gold.npz"]);
}

#[test]
fn axol1tl() {
    reproduces("AXOL1TL_v4", &["x=fixed<18,13>"], &["gold.npz"]);
}

#[test]
fn jet_tagger() {
    reproduces(
        "L1TSC4NGJetModel_v0",
        &[],
        &["gold_typical.npz", "gold.npz"],
    );
}

#[test]
fn missing_energy() {
    let inputs = ["input_cont=fixed<32,16>", "input_pxpy=fixed<32,16>"];
    reproduces("L1METML_v1", &inputs, &["gold.npz"]);
}

#[test]
fn cicada() {
    reproduces("CICADA_v2p2p0", &[], &["gold.npz"]);
}
