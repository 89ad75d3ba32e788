//! Bad arrays, directories and options: an error that names the thing, exit code 2, nothing written.

use std::fs;

use ndarray::{Array1, Array2, Array3};

use crate::*;

/// `compile` with these events fails, names the things, and writes nothing.
fn calibration_fails(place: &Place, events: &Path, names: &[&str]) {
    let dir = place.path("new");
    fails(&mut compile(&model(), events, &dir), 2, names);
    assert!(!dir.exists());
}

fn jets(events: usize) -> Array3<f32> {
    Array3::from_shape_fn((events, 32, 3), |(event, slot, word)| match word {
        0 => (event % 7 + slot) as f32 + 1.0,
        _ => 0.01 * slot as f32,
    })
}

#[test]
fn what_was_mistyped_is_told_and_usage_is_an_object() {
    let place = Place::new();
    let dir = place.compiled();
    let mut board = on_events("run", &dir, &test_events());
    board
        .args(["--on", "mps2-an368", "-o"])
        .arg(place.path("y.npz"));
    fails(
        &mut board,
        2,
        &["unknown board `mps2-an368` (did you mean `mps2-an386`?)"],
    );
    let mut score = on_events("evaluate", &dir, &test_events());
    fails(
        score.args(["--score", "logits"]),
        2,
        &["did you mean `logit`?"],
    );
    let (code, out, err) = ends(hodoscope().args(["run", "--input", "x.npz", "--json"]));
    let object: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &object["exit_code"]), (2, &2.into()));
    let message = object["error"].as_str().expect("text");
    assert!(
        message.contains("--input") && !message.contains("Usage"),
        "{message}"
    );
    assert!(err.contains("--inputs"), "{err}");
}

#[test]
fn calibration_arrays_are_checked() {
    let place = Place::new();
    calibration_fails(
        &place,
        &place.path("none.npz"),
        &["none.npz", "no such file"],
    );

    let text = place.path("text.npz");
    fs::write(&text, "pT, eta, phi").expect("a file");
    calibration_fails(&place, &text, &["text.npz", "not an npz archive"]);

    let truncated = place.path("truncated.npz");
    let bytes = fs::read(calibration()).expect("the calibration events");
    fs::write(&truncated, &bytes[..bytes.len() / 2]).expect("a file");
    calibration_fails(&place, &truncated, &["truncated.npz", "not an npz archive"]);

    let missing = place.npz("missing.npz", |npz| {
        npz.add_array("jets", &jets(4)).expect("an array");
    });
    calibration_fails(&place, &missing, &["no array `x`", "`jets`"]);

    let shape = place.npz("shape.npz", |npz| {
        npz.add_array("x", &Array3::<f32>::ones((4, 32, 4)))
            .expect("an array");
    });
    calibration_fails(&place, &shape, &["`x`", "(4, 32, 4)", "(events, 32, 3)"]);

    let swapped = place.npz("swapped.npz", |npz| {
        npz.add_array("x", &Array3::<f32>::ones((4, 3, 32)))
            .expect("an array");
    });
    calibration_fails(&place, &swapped, &["`x`", "(4, 3, 32)", "(events, 32, 3)"]);

    let empty = place.npz("empty.npz", |npz| {
        npz.add_array("x", &Array3::<f32>::zeros((0, 32, 3)))
            .expect("an array");
    });
    calibration_fails(&place, &empty, &["`x`", "zero events"]);

    for (name, value) in [("NaN", f32::NAN), ("inf", f32::INFINITY)] {
        let mut x = jets(4);
        x[[2, 5, 1]] = value;
        let file = place.npz("nan.npz", |npz| npz.add_array("x", &x).expect("an array"));
        calibration_fails(&place, &file, &["`x`", "event 2", "element 16", name]);
    }

    let complex = place.npz("complex.npz", |npz| {
        let x = Array1::from_elem(4, num_complex::Complex::new(1.0f32, 2.0));
        npz.add_array("x", &x).expect("an array");
    });
    calibration_fails(&place, &complex, &["`x`", "dtype", "c8"]);
}

#[test]
fn somebodys_files_are_safe() {
    let place = Place::new();
    let theirs = place.path("theirs");
    fs::create_dir(&theirs).expect("a directory");
    fs::write(theirs.join("thesis.tex"), "chapter 1").expect("a file");
    fs::write(theirs.join("report.json"), r#"{"generator": "other"}"#).expect("a file");
    let before = tree(&theirs);
    for force in [false, true] {
        let mut command = compile(&model(), &calibration(), &theirs);
        if force {
            command.arg("--force");
        }
        fails(&mut command, 2, &["theirs", "was not made by"]);
        assert_eq!(tree(&theirs), before);
    }

    let file = place.path("file");
    fs::write(&file, "x").expect("a file");
    fails(
        &mut compile(&model(), &calibration(), &file),
        2,
        &["file", "not a directory"],
    );
    assert_eq!(fs::read(&file).expect("a file"), b"x");

    let deep = place.path("no/such/parent");
    fails(
        &mut compile(&model(), &calibration(), &deep),
        2,
        &["no/such", "no such directory"],
    );

    // A directory of ours in which somebody put something.
    let dir = place.compiled();
    fs::write(dir.join("notes.txt"), "mine").expect("a file");
    let before = tree(&dir);
    let mut command = compile(&model(), &calibration(), &dir);
    fails(command.arg("--force"), 2, &["notes.txt"]);
    assert_eq!(tree(&dir), before);
}

#[test]
fn a_failure_leaves_the_old_directory() {
    let place = Place::new();
    let dir = place.compiled();
    let before = tree(&dir);
    let mut command = compile(&model(), &place.path("none.npz"), &dir);
    fails(command.arg("--force"), 2, &["none.npz"]);
    assert_eq!(tree(&dir), before);
}

#[test]
fn options_are_checked() {
    let place = Place::new();
    let dir = place.path("new");
    let broken = place.path("broken.toml");
    fs::write(
        &broken,
        "[[input.x.field]]\nname = 'pt'\nlsb = 0.0\nminimum = 0\nmaximum = 9\n",
    )
    .expect("a file");
    let stranger = place.path("stranger.toml");
    fs::write(
        &stranger,
        "[[input.jets.field]]\nname = 'pt'\nlsb = 1.0\nminimum = 0\nmaximum = 9\n",
    )
    .expect("a file");
    let (broken, stranger) = (broken.display().to_string(), stranger.display().to_string());
    let cases: [(&[&str], &[&str]); 17] = [
        (&["--weights", "3"], &["--weights", "3"]),
        (&["--activations", "7"], &["--activations", "7"]),
        (&["--layouts", "small"], &["--layouts", "smallest", "bytes"]),
        (&["--rescale", "thrice"], &["--rescale", "thrice"]),
        (&["--rescale", "double"], &["--rescale", "not quantised"]),
        (&["--score", "nothing"], &["nothing", "logit"]),
        (&["--score", "sum-squares:nothing"], &["nothing", "logit"]),
        (&["--input", "x=float"], &["x=float", "ufixed"]),
        (&["--extent", "n"], &["--extent", "AXIS=N"]),
        (&["--extent", "slots=4"], &["slots", "stated"]),
        (&["--extent", "n=4", "--extent", "n=5"], &["'n'", "twice"]),
        (
            &["--input", "x=ufixed<8,8>", "--input", "x=ufixed<9,9>"],
            &["x=ufixed<9,9>", "twice"],
        ),
        (&["--max-loss", "rms=1,rms=2"], &["rms", "twice"]),
        (
            &["--judge", "logit:score", "--judge", "logit:regression"],
            &["logit:regression", "twice"],
        ),
        (&["--inputs-spec", "none.toml"], &["none.toml"]),
        (&["--inputs-spec", &broken], &["broken.toml", "LSB"]),
        (&["--inputs-spec", &stranger], &["jets"]),
    ];
    for (options, names) in cases {
        let mut command = compile(&model(), &calibration(), &dir);
        fails(command.args(options), 2, names);
        assert!(!dir.exists(), "{options:?}");
    }
}

#[test]
fn directories_are_checked() {
    let place = Place::new();
    let none = place.path("none");
    let empty = place.path("empty");
    fs::create_dir(&empty).expect("a directory");
    let out = place.path("y.npz");
    for name in ["run", "evaluate", "trace", "verify"] {
        let with_output = |dir: &Path, events: &Path| {
            let mut command = on_events(name, dir, events);
            match name {
                "run" => command.arg("-o").arg(&out),
                "verify" => command.args(["--on", "native"]),
                _ => &mut command,
            };
            command
        };
        fails(
            &mut with_output(&none, &test_events()),
            2,
            &["none", "no such directory"],
        );
        fails(
            &mut with_output(&empty, &test_events()),
            2,
            &["empty", "not a compiled model"],
        );
    }
    let dir = place.compiled();
    let program = fs::read_to_string(dir.join("program.txt")).expect("a program");
    fs::write(dir.join("program.txt"), &program[..program.len() / 2]).expect("a file");
    let mut command = on_events("run", &dir, &test_events());
    fails(command.arg("-o").arg(&out), 2, &["program.txt"]);
    fs::write(dir.join("program.txt"), program.replace("relu", "rexu")).expect("a file");
    fails(&mut command, 2, &["program.txt", "line"]);
    assert!(!out.exists());
}

#[test]
fn events_are_checked() {
    let place = Place::new();
    let dir = place.compiled();
    let out = place.path("y.npz");
    let shape = place.npz("shape.npz", |npz| {
        npz.add_array("x", &Array3::<f32>::ones((4, 32, 2)))
            .expect("an array");
    });
    let missing = place.npz("missing.npz", |npz| {
        npz.add_array("y", &jets(4)).expect("an array");
    });
    let mut x = jets(4);
    x[[3, 0, 0]] = f32::NAN;
    let nan = place.npz("nan.npz", |npz| npz.add_array("x", &x).expect("an array"));
    let count = place.npz("count.npz", |npz| {
        npz.add_array("x", &jets(2)).expect("an array");
        npz.add_array("x.count", &Array1::from(vec![3i64, 33]))
            .expect("an array");
    });
    let cases: [(&Path, &[&str]); 4] = [
        (&shape, &["`x`", "(4, 32, 2)", "(events, slots, 3)"]),
        (&missing, &["no array `x`", "`y`"]),
        (&nan, &["`x`", "event 3", "NaN"]),
        (&count, &["`x.count`", "event 1", "33"]),
    ];
    for (events, names) in cases {
        fails(on_events("run", &dir, events).arg("-o").arg(&out), 2, names);
        assert!(!out.exists());
    }
    let nowhere = place.path("no/such/y.npz");
    let mut command = on_events("run", &dir, &test_events());
    fails(
        command.arg("-o").arg(&nowhere),
        2,
        &["no/such/y.npz", "cannot be written"],
    );
}

#[test]
fn labels_are_checked() {
    let place = Place::new();
    let dir = place.compiled();
    let with = |name: &str, labels: Option<Array1<i64>>| {
        place.npz(name, |npz| {
            npz.add_array("x", &jets(4)).expect("an array");
            if let Some(labels) = labels {
                npz.add_array("labels", &labels).expect("an array");
            }
        })
    };
    let none = with("none.npz", None);
    fails(
        &mut on_events("evaluate", &dir, &none),
        2,
        &["no array `labels`"],
    );
    let one = with("one.npz", Some(Array1::zeros(4)));
    fails(
        &mut on_events("evaluate", &dir, &one),
        2,
        &["`labels`", "0 signal"],
    );
    let few = with("few.npz", Some(Array1::from(vec![0, 1, 0])));
    fails(
        &mut on_events("evaluate", &dir, &few),
        2,
        &["4 events", "`labels` has 3"],
    );
    let classes = with("classes.npz", Some(Array1::from(vec![0, 1, 2, 0])));
    fails(
        &mut on_events("evaluate", &dir, &classes),
        2,
        &["event 2", "--signal 2"],
    );
    let json = json(on_events("evaluate", &dir, &classes).args(["--signal", "2"]));
    assert_eq!(
        (&json["signal_events"], &json["left_out_events"]),
        (&1.into(), &1.into())
    );
    let matrix = place.npz("matrix.npz", |npz| {
        npz.add_array("x", &jets(4)).expect("an array");
        npz.add_array("labels", &Array2::<i64>::ones((4, 2)))
            .expect("an array");
    });
    fails(
        &mut on_events("evaluate", &dir, &matrix),
        2,
        &["`labels`", "(4, 2)"],
    );
    let mut command = on_events("evaluate", &dir, &classes);
    fails(
        command.args(["--score", "tagger"]),
        2,
        &["tagger", "`logit`"],
    );
}

#[test]
fn places_are_checked() {
    let place = Place::new();
    let dir = place.compiled();
    for on in ["float", "interpreter"] {
        let mut command = on_events("verify", &dir, &test_events());
        fails(command.args(["--on", on]), 2, &[on]);
    }
    let mut command = on_events("verify", &dir, &test_events());
    fails(command.args(["--on", "stm32"]), 2, &["stm32", "native"]);
    let mut command = hodoscope();
    fails(
        command.arg("latency").arg(&dir).args(["--on", "native"]),
        2,
        &["native"],
    );
}

#[test]
fn an_error_is_an_object_too() {
    let (code, out, err) = ends(hodoscope().args(["inspect", "none.onnx", "--json"]));
    let object: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!((code, &object["exit_code"]), (2, &2.into()));
    let message = object["error"].as_str().expect("a message");
    assert!(
        message.contains("none.onnx") && err.contains(message),
        "{err}"
    );
}

#[test]
fn a_missing_emulator_is_named_with_its_remedy() {
    let place = Place::new();
    let dir = place.compiled();
    let mut command = on_events("verify", &dir, &test_events());
    command
        .args(["--on", "mps2-an386"])
        .env("PATH", place.path("empty"));
    fails(&mut command, 3, &["qemu-system-arm", "install"]);
}
