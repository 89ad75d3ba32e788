//! Boosted decision trees give the interpreter's bits on every target, in as many instructions whatever the data.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::{NpzReader, NpzWriter};

/// Of the compiler's golden, which holds more of them to the portable kernels: each takes three builds.
const MODELS: [&str; 1] = ["xgb2"];

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
    if std::env::var_os("HODOSCOPE_CACHE").is_none() {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope");
        command.env("HODOSCOPE_CACHE", cache);
    }
    command
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

#[test]
fn ensembles_are_exact_on_every_target_and_take_constant_time() {
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("model-compiler/tests/oracle/trees.npz");
    let mut golden = NpzReader::new(fs::File::open(golden).unwrap()).unwrap();
    let x: ArrayD<f32> = golden.by_name("x").unwrap();
    let place = tempfile::tempdir().unwrap();
    for name in MODELS {
        let model = golden.by_name::<OwnedRepr<u8>, IxDyn>(&format!("{name}.model"));
        let file = place.path().join(format!("{name}.onnx"));
        fs::write(&file, model.unwrap().into_iter().collect::<Vec<u8>>()).unwrap();
        let events = place.path().join(format!("{name}.npz"));
        let mut npz = NpzWriter::new(fs::File::create(&events).unwrap());
        npz.add_array("x", &x).unwrap();
        npz.finish().unwrap();
        let dir = place.path().join(name);
        let mut compile = hodoscope();
        compile
            .arg("compile")
            .arg(&file)
            .arg("--calibration")
            .arg(&events)
            // Bits are compared here: what few events of a toy lose is no matter.
            .arg("--accept-loss");
        succeeds(compile.arg("-o").arg(&dir));
        let mut verify = hodoscope();
        verify.arg("verify").arg(&dir).arg("--inputs").arg(&events);
        succeeds(verify.args(["--on", "native"]).args(boards()));
        let mut trace = hodoscope();
        trace.arg("trace").arg(&dir).arg("--inputs").arg(&events);
        succeeds(&mut trace);
        if !boards().is_empty() {
            // Exit code 1 says that a count depends on data.
            let mut latency = hodoscope();
            latency.arg("latency").arg(&dir).arg("--on").args(boards());
            succeeds(&mut latency);
        }
    }
}
