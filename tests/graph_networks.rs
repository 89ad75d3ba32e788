//! Graph networks and attention from float ONNX give the interpreter's bits on the host and on both emulated targets, in a
//! number of instructions that does not depend on the event: whose neighbour is whose, and which divisor, is data.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

#[path = "../model-compiler/tests/import_support/mod.rs"]
mod import_support;
#[path = "../model-compiler/tests/networks/mod.rs"]
mod networks;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::ArrayD;
use ndarray_npy::NpzWriter;
use networks::{Network, Random, graphs};
use prost::Message as _;

const CALIBRATION: usize = 200;
/// Events per target.
const EVENTS: usize = 100;

/// Places that need an emulator, unless the run goes on without one, aloud.
fn boards() -> Vec<&'static str> {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|v| v == "1") {
        println!("SKIPPED: emulated boards, since HODOSCOPE_WITHOUT_EMULATOR=1");
        return vec![];
    }
    vec!["mps2-an386", "virt-rv32"]
}

fn hodoscope() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hodoscope"));
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope");
    command.env("HODOSCOPE_CACHE", cache);
    command
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

/// Events of a network's only input.
fn events(place: &Path, network: &Network, seed: u64, count: usize) -> PathBuf {
    let mut random = Random::new(seed);
    let values: Vec<f32> = (0..count)
        .flat_map(|_| (network.event)(&mut random).remove(0))
        .collect();
    let input = network.model.graph.as_ref().unwrap().input[0].name.clone();
    let rows = values.len() / count / 4;
    let array = ArrayD::from_shape_vec(vec![count, rows, 4], values).unwrap();
    let path = place.join(format!("{}-{seed}.npz", network.name));
    let mut npz = NpzWriter::new(File::create(&path).unwrap());
    npz.add_array(input, &array).unwrap();
    npz.finish().unwrap();
    path
}

#[test]
fn neighbours_and_attention_are_exact_on_every_target() {
    let place = tempfile::tempdir().unwrap();
    let network = graphs::attended_neighbours();
    let model = place.path().join(format!("{}.onnx", network.name));
    fs::write(&model, network.model.encode_to_vec()).unwrap();
    let dir = place.path().join(network.name);
    let calibration = events(place.path(), &network, 100, CALIBRATION);
    let mut compile = hodoscope();
    compile.arg("compile").arg(&model).arg("-o").arg(&dir);
    compile.arg("--calibration").arg(calibration);
    // Bits are compared here: what few events of a toy lose is no matter.
    compile.arg("--accept-loss");
    succeeds(compile.args(["--weights", "16", "--activations", "16"]));
    let program = fs::read_to_string(dir.join("program.txt")).unwrap();
    for kind in [
        "mat_mul",
        "quotient",
        "square_root",
        "largest",
        "top_k",
        "take",
    ] {
        assert!(program.contains(&format!(" = {kind} ")), "no {kind}");
    }
    let own = events(place.path(), &network, 200, EVENTS);
    let mut verify = hodoscope();
    verify.arg("verify").arg(&dir).arg("--inputs").arg(&own);
    succeeds(verify.args(["--on", "native"]).args(boards()));
    if !boards().is_empty() {
        // It fails where a count depends on the data.
        let mut latency = hodoscope();
        latency.arg("latency").arg(&dir).arg("--on").args(boards());
        succeeds(&mut latency);
    }
}
