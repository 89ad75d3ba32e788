//! Recognised networks by quantisers in their graphs: no worse than by the road that was made for them.

use std::fs::File;
use std::path::{Path, PathBuf};

use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::plan::{Isa, Layouts};
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_compiler::{Compiled, Roads, Target, compile_by, import};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;

/// Test events of which pairs are ordered.
const EVENTS: usize = 600;
/// By how much more pairs may be ordered in another way, and by what part more a plan may cost.
const ORDER: f64 = 0.002;
const COST: f64 = 1.05;

fn array(folder: &Path, file: &str, name: &str) -> ArrayD<f32> {
    let file = File::open(folder.join(file)).unwrap();
    NpzReader::new(file).unwrap().by_name(name).unwrap()
}

fn compiled(folder: &Path, roads: Roads) -> Compiled {
    let graph = import::load(&folder.join("model.onnx")).unwrap();
    let spec = std::fs::read_to_string(folder.join("inputs.toml")).unwrap();
    let spec = InputsSpec::parse(&spec).unwrap();
    let inputs = graph.inputs().iter();
    let inputs = inputs.map(|input| {
        let values = array(folder, "calibration.npz", &input.name);
        values.into_iter().collect()
    });
    let calibration = Calibration::new(&graph, inputs.collect()).unwrap();
    // Room for the tables of an energy-flow network.
    let target = Target {
        isa: Isa::ArmV7eDsp,
        table_bytes: 1 << 18,
        layouts: Layouts::Fastest,
    };
    let options = Options::default();
    let events = (None, &calibration);
    compile_by(roads, &[target], &graph, "model", &spec, events, &options).unwrap()
}

/// The fraction of pairs of test events that a program orders as the float network does.
fn ordered(folder: &Path, program: &Program) -> f64 {
    let input = &program.inputs[0];
    let words = array(folder, "test.npz", &input.name);
    let output = &program.outputs[0];
    let float = array(folder, "test.npz", &format!("{}.float", output.name));
    let interpreter = Interpreter::new(program).unwrap();
    let score = |event: ndarray::ArrayViewD<f32>| {
        let word = |(i, v): (usize, &f32)| {
            let field = input.field(i % input.channels);
            field.encode(f64::from(*v)).unwrap().word
        };
        let inputs = vec![event.iter().enumerate().map(word).collect()];
        interpreter.run(&Event { inputs }).unwrap()[0][0]
    };
    // Signal and background stand one after the other.
    let stride = words.len_of(Axis(0)) / EVENTS;
    let fixed: Vec<i64> = words
        .axis_iter(Axis(0))
        .step_by(stride)
        .map(score)
        .collect();
    let float: Vec<f32> = float.iter().step_by(stride).copied().collect();
    let (mut same, mut pairs) = (0usize, 0usize);
    for i in 0..fixed.len() {
        for j in 0..i {
            pairs += 1;
            same += usize::from(float[i].total_cmp(&float[j]) == fixed[i].cmp(&fixed[j]));
        }
    }
    same as f64 / pairs as f64
}

/// Modelled cycles of the dense layers, and bytes of constants and tables.
fn cost(compiled: &Compiled) -> (u64, u64) {
    let planned = compiled.planned.iter().find(|p| p.isa == Isa::ArmV7eDsp);
    let planned = planned.unwrap();
    let taken = planned.choices.iter().map(|choice| &choice.candidates[0]);
    let cycles = taken
        .map(|taken| taken.verdict.as_ref().copied().unwrap_or(0))
        .sum();
    let tables: u64 = planned.tables.iter().map(|table| table.bytes).sum();
    (cycles, planned.layout_bytes + tables)
}

#[test]
fn reference_models_are_no_worse_by_inserted_quantisers() {
    for model in ["ae-qcd", "efn-top", "pfn-qg", "vae-l1"] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../models")
            .join(model);
        let [old, new] = [Roads::ByKind, Roads::Inserted].map(|roads| compiled(&folder, roads));
        let [before, after] = [&old, &new].map(|made| ordered(&folder, made.program()));
        let [(cycles, bytes), (own_cycles, own_bytes)] = [&old, &new].map(cost);
        println!(
            "{model}: ordering {before:.5} → {after:.5}, cycles {cycles} → {own_cycles}, bytes {bytes} → {own_bytes}"
        );
        assert!(after >= before - ORDER, "{model}: {before} → {after}");
        let no_dearer = |before: u64, after: u64| after as f64 <= COST * before as f64;
        assert!(
            no_dearer(cycles, own_cycles),
            "{model}: {cycles} → {own_cycles} cycles"
        );
        assert!(
            no_dearer(bytes, own_bytes),
            "{model}: {bytes} → {own_bytes} bytes"
        );
    }
}
