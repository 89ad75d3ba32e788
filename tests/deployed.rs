//! Deployed level-1 trigger networks of CMS, which come with their own quantisers: compiled without calibration, they give
//! the interpreter's bits on every target. That these are the experiment's is `computing/cms.rs` of the compiler.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use ndarray::{ArrayD, Axis, Slice};
use ndarray_npy::{NpzReader, NpzWriter};

/// Events per network: the interpreter's test takes them all, and so does this one if the variable says so.
const EVENTS: usize = 100;
const ALL: &str = "HODOSCOPE_CMS";

/// A network and the words that its file does not state.
const NETWORKS: [(&str, &[&str]); 5] = [
    ("AXOL1TL_v4", &["x=fixed<18,13>"]),
    ("CICADA_v2p2p0", &[]),
    ("EMTFnn_v1", &[]),
    (
        "L1METML_v1",
        &["input_cont=fixed<32,16>", "input_pxpy=fixed<32,16>"],
    ),
    ("L1TSC4NGJetModel_v0", &[]),
];

/// Networks that are verified as logic, too: each takes Verilator some ten seconds.
const IN_FABRIC: [&str; 2] = ["AXOL1TL_v4", "L1TSC4NGJetModel_v0"];

fn without_rtl() -> bool {
    let without = std::env::var_os("HODOSCOPE_WITHOUT_RTL").is_some_and(|v| v == "1");
    if without {
        println!("SKIPPED: Verilog, since HODOSCOPE_WITHOUT_RTL=1");
    }
    without
}

/// The folder of the networks: named in the environment, or beside the repository.
fn networks() -> Option<PathBuf> {
    let root = std::env::var_os("HODOSCOPE_SHARED_DATA").map(PathBuf::from);
    let root = root.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let folder = root.join("cms-l1");
    if folder.is_dir() {
        return Some(folder);
    }
    // Not println!, which the test harness keeps to itself.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {} folder absent; set HODOSCOPE_SHARED_DATA",
        folder.display()
    );
    None
}

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

/// The first events of a file, all arrays of doubles and integers that it has.
fn first_events(from: &Path, to: &Path) {
    let mut all = NpzReader::new(File::open(from).unwrap()).unwrap();
    let mut some = NpzWriter::new(File::create(to).unwrap());
    let wanted = match std::env::var_os(ALL).is_some_and(|value| value == "all") {
        true => usize::MAX,
        false => EVENTS,
    };
    let first = |events: usize| Slice::from(..events.min(wanted));
    for name in all.names().unwrap() {
        if let Ok(array) = all.by_name::<ndarray::OwnedRepr<f64>, ndarray::IxDyn>(&name) {
            let array: ArrayD<f64> = array;
            some.add_array(
                name,
                &array.slice_axis(Axis(0), first(array.len_of(Axis(0)))),
            )
            .unwrap();
        } else if let Ok(array) = all.by_name::<ndarray::OwnedRepr<i64>, ndarray::IxDyn>(&name) {
            let array: ArrayD<i64> = array;
            some.add_array(
                name,
                &array.slice_axis(Axis(0), first(array.len_of(Axis(0)))),
            )
            .unwrap();
        }
    }
    some.finish().unwrap();
}

#[test]
fn deployed_networks_are_exact_on_every_target() {
    let Some(folder) = networks() else { return };
    let place = tempfile::tempdir().unwrap();
    for (network, inputs) in NETWORKS {
        let dir = place.path().join(network);
        let mut compile = hodoscope();
        compile
            .arg("compile")
            .arg(folder.join(network).join("model.onnx"));
        for input in inputs {
            compile.args(["--input", input]);
        }
        succeeds(compile.arg("-o").arg(&dir));
        let events = place.path().join(format!("{network}.npz"));
        first_events(&folder.join(network).join("gold.npz"), &events);
        let mut verify = hodoscope();
        verify.arg("verify").arg(&dir).arg("--inputs").arg(&events);
        verify.args(["--on", "native"]).args(boards());
        if IN_FABRIC.contains(&network) && !without_rtl() {
            succeeds(hodoscope().arg("rtl").arg(&dir));
            verify.arg("fabric");
        }
        succeeds(&mut verify);
    }
}

#[test]
fn what_a_quantised_network_has_no_use_for_is_refused() {
    let Some(folder) = networks() else { return };
    let place = tempfile::tempdir().unwrap();
    let model = folder.join("EMTFnn_v1/model.onnx");
    let gold = folder.join("EMTFnn_v1/gold.npz");
    let refused = |arguments: &[&std::ffi::OsStr], expected: &str| {
        let mut compile = hodoscope();
        compile.arg("compile").arg(&model).args(arguments);
        let output = compile
            .arg("-o")
            .arg(place.path().join("out"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && errors.contains(expected),
            "{errors}"
        );
    };
    refused(
        &["--calibration".as_ref(), gold.as_ref()],
        "its own quantisers",
    );
    refused(&["--score".as_ref(), "mse".as_ref()], "--score");
    refused(&["--input".as_ref(), "x=fixed<64,3>".as_ref()], "--input");
}
