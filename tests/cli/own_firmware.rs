//! The example of a firmware that Hodoscope knows nothing of: two models, outside of every workspace.

use std::fs;
use std::path::Path;
use std::process::Command;

use ndarray::{Array2, Array3};
use ndarray_npy::NpzReader;

use super::{Place, compile, hodoscope, models, succeeds};

/// What the example computes of, as it stands there.
const JET: [[i16; 3]; 4] = [[480, 2, -5], [142, -23, 13], [17, 48, 34], [320, 0, 0]];

fn raw(place: &Place, model: &str, output: &str, events: &Path) -> i64 {
    let out = place.path(&format!("{model}.npz"));
    let mut run = hodoscope();
    run.arg("run").arg(place.path("my-trigger").join(model));
    run.arg("--inputs").arg(events).arg("-o").arg(&out);
    succeeds(&mut run);
    let mut npz = NpzReader::new(fs::File::open(out).expect("a file")).expect("an archive");
    let raws: Array2<i64> = npz.by_name(&format!("{output}.raw")).expect("raws");
    raws[[0, 0]]
}

#[test]
fn two_models_run_in_a_firmware_of_its_own() {
    let place = Place::new();
    let own = place.path("my-trigger");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = root.join("docs/examples/firmware");
    for file in [
        "Cargo.toml",
        "build.rs",
        "memory.x",
        "src/main.rs",
        ".cargo/config.toml",
    ] {
        let to = own.join(file);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(example.join(file), to).expect("a copy");
    }
    for name in ["pfn-qg", "ae-qcd"] {
        let (model, dir) = (models().join(name), own.join(name));
        let events = model.join("calibration.npz");
        succeeds(&mut compile(&model.join("model.onnx"), &events, &dir));
    }
    // Versions that are there already; cargo takes out what is not needed.
    fs::copy(root.join("firmware/Cargo.lock"), own.join("Cargo.lock")).expect("a copy");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-firmware");
    let cargo = |command: &str| {
        let mut cargo = Command::new("cargo");
        cargo
            .args([command, "--release", "--quiet"])
            .current_dir(&own);
        cargo.env("CARGO_TARGET_DIR", &target);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
            cargo.env_remove(name);
        }
        cargo
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        succeeds(&mut cargo)
    };
    cargo("build");
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|value| value == "1") {
        println!("SKIPPED: the run in QEMU, since HODOSCOPE_WITHOUT_EMULATOR=1");
        return;
    }
    let jet = place.npz("jet.npz", |npz| {
        let words = Array3::from_shape_fn((1, 4, 3), |(_, slot, word)| JET[slot][word]);
        npz.add_array("x", &words).expect("an array");
    });
    let row = place.npz("row.npz", |npz| {
        let first = |word: usize| JET[0].get(word).copied().unwrap_or(0);
        let words = Array2::from_shape_fn((1, 48), |(_, word)| first(word));
        npz.add_array("x", &words).expect("an array");
    });
    let (tagger, encoder) = (
        raw(&place, "pfn-qg", "logit", &jet),
        raw(&place, "ae-qcd", "score", &row),
    );
    let expected = format!(
        "pfn-qg raw {tagger}\npfn-qg accepts: {}\nae-qcd raw {encoder}\n",
        tagger >= 4096
    );
    assert_eq!(cargo("run"), expected);
}
