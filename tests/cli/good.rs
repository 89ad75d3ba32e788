//! What works.

use std::fs;

use ndarray::{ArrayD, IxDyn};
use ndarray_npy::NpzReader;

use crate::*;

#[test]
fn every_subcommand_has_help_with_an_example() {
    let text = succeeds(hodoscope().arg("--help"));
    for name in [
        "inspect", "compile", "run", "verify", "evaluate", "trace", "latency", "stream", "boards",
    ] {
        assert!(text.contains(name), "{text}");
        let help = succeeds(hodoscope().args([name, "--help"]));
        assert!(help.contains(&format!("  hodoscope {name}")), "{help}");
    }
    for name in ["replay", "flash", "monitor", "synth"] {
        assert_eq!(ends(hodoscope().arg(name)).0, 2, "{name}");
    }
}

#[test]
fn inspect_shows_a_model() {
    let text = succeeds(hodoscope().arg("inspect").arg(model()));
    assert!(
        text.contains("events × 32 × 3") && text.contains("supports it"),
        "{text}"
    );
    let json = json(hodoscope().arg("inspect").arg(model()));
    assert_eq!(json["inputs"][0]["name"], "x");
    assert_eq!(json["supported"], true);
    assert!(json["parameters"].as_u64().unwrap_or(0) > 2000);
    // 3 → 32 → 32 → 16 for each constituent, 16 → 32 → 1 for the event.
    assert_eq!(json["macs_per_constituent"], 3 * 32 + 32 * 32 + 32 * 16);
    assert_eq!(json["macs_per_event"], 16 * 32 + 32);
    assert_eq!(json["set"]["capacity"], 32);
    let live = json["set"]["live"].as_str().unwrap_or_default();
    assert!(live.contains("pt of x above 0 GeV"), "{live}");
    assert!(
        text.contains("544 + 1,632 n") && text.contains(live),
        "{text}"
    );
    let axis = &json["set_axis"];
    assert_eq!(axis["is_set"], true);
    assert_eq!(axis["slots"], 32);
    assert_eq!(axis["inputs"], serde_json::json!(["x"]));
    let pooled = axis["pooled_by"][0].as_str().unwrap_or_default();
    assert!(
        text.contains("axis 1 of x, 32 slots: a set") && text.contains(&format!("'{pooled}'")),
        "{text}"
    );
}

#[test]
fn compile_gives_the_same_bytes_wherever_it_writes() {
    let place = Place::new();
    let dir = place.compiled();
    let other = place.path("elsewhere");
    succeeds(&mut compile(&model(), &calibration(), &other));
    let files = tree(&dir);
    assert_eq!(files, tree(&other));
    for name in [
        "program.txt",
        "report.json",
        "report.html",
        "Cargo.toml",
        "crate/src/lib.rs",
    ] {
        assert!(
            files.iter().any(|(path, _)| path == Path::new(name)),
            "{name}"
        );
    }
    let here = place.dir.path().to_str().expect("UTF-8").as_bytes();
    for (path, content) in &files {
        let leaks = content.windows(here.len()).any(|window| window == here);
        assert!(!leaks, "{} names a path of this machine", path.display());
    }
    let left: Vec<_> = fs::read_dir(place.dir.path())
        .expect("it is there")
        .collect();
    assert_eq!(left.len(), 2, "no temporary directory stays: {left:?}");
}

#[test]
fn force_replaces_what_compile_made() {
    let place = Place::new();
    let dir = place.compiled();
    let narrow = fs::read(dir.join("program.txt")).expect("a program");
    let wide = || {
        let mut command = compile(&model(), &calibration(), &dir);
        command.args(["--activations", "16"]);
        command
    };
    fails(&mut wide(), 2, &["--force", "model"]);
    assert_eq!(
        fs::read(dir.join("program.txt")).expect("a program"),
        narrow
    );
    succeeds(wide().arg("--force"));
    assert_ne!(
        fs::read(dir.join("program.txt")).expect("a program"),
        narrow
    );
}

#[test]
fn run_writes_values_and_raws() {
    let place = Place::new();
    let dir = place.compiled();
    let array = |path: &Path, name: &str| -> ArrayD<f64> {
        let mut npz = NpzReader::new(fs::File::open(path).expect("a file")).expect("an archive");
        npz.by_name::<ndarray::OwnedRepr<f64>, IxDyn>(name)
            .expect("an array")
    };
    let fixed = place.path("fixed.npz");
    succeeds(on_events("run", &dir, &test_events()).arg("-o").arg(&fixed));
    let mut npz = NpzReader::new(fs::File::open(&fixed).expect("a file")).expect("an archive");
    let raws = npz
        .by_name::<ndarray::OwnedRepr<i64>, IxDyn>("logit.raw")
        .expect("raws");
    let zero = npz
        .by_name::<ndarray::OwnedRepr<i64>, IxDyn>("logit.zero_point")
        .expect("one");
    let scale = array(&fixed, "logit.scale");
    let value = |raw: &i64| (raw - zero.first().expect("one")) as f64 * scale.first().expect("one");
    let values = array(&fixed, "logit");
    assert_eq!(values.shape(), raws.shape());
    assert!(values.iter().zip(&raws).all(|(v, raw)| *v == value(raw)));

    let float = place.path("float.npz");
    let mut command = on_events("run", &dir, &test_events());
    succeeds(command.args(["--on", "float", "-o"]).arg(&float));
    let float = array(&float, "logit");
    let reference = fs::File::open(test_events()).expect("a file");
    let reference = NpzReader::new(reference)
        .and_then(|mut npz| npz.by_name::<ndarray::OwnedRepr<f32>, IxDyn>("logit.float"))
        .expect("onnxruntime's outputs");
    assert_eq!(float.len(), reference.len());
    for (ours, theirs) in float.iter().zip(&reference) {
        let theirs = f64::from(*theirs);
        assert!(
            (ours - theirs).abs() <= 1e-4 * theirs.abs().max(1.0),
            "{ours} {theirs}"
        );
    }
}

#[test]
fn evaluate_judges() {
    let place = Place::new();
    let dir = place.compiled();
    let json = json(on_events("evaluate", &dir, &test_events()).args(["--bootstrap", "50"]));
    let number = |key: &str| json[key].as_f64().unwrap_or(f64::NAN);
    assert!(
        number("auc_float") > 0.8 && number("auc_fixed") > 0.8,
        "{json}"
    );
    assert!(number("auc_difference").abs() < 0.01, "{json}");
    assert!(number("decision_ordering") > 0.98, "{json}");
    assert!(number("tie_fraction") < 0.05, "{json}");
    assert_eq!(json["background_rejection"][0]["signal_efficiency"], 0.3);
    assert_eq!(json["background_rejection"][1]["signal_efficiency"], 0.5);
    assert_eq!(json["bootstrap"]["replicas"], 50);
    assert_eq!(json["encoding"]["sets"][0]["lost_constituents"], 0);
    for threshold in json["thresholds"].as_array().expect("a list") {
        let target = threshold["target_background_efficiency"]
            .as_f64()
            .expect("a number");
        let got = threshold["background_efficiency"]
            .as_f64()
            .expect("a number");
        assert!(
            got <= target + 1e-12 && threshold["threshold_raw"].is_i64(),
            "{threshold}"
        );
    }
}

#[test]
fn trace_follows_the_float_layers() {
    let place = Place::new();
    let dir = place.compiled();
    let json = json(on_events("trace", &dir, &test_events()).args(["--events", "20"]));
    let layers = json["layers"].as_array().expect("a list");
    assert!(layers.len() > 10);
    for layer in layers {
        let error = layer["relative_rms_error"].as_f64();
        assert!(error.is_some_and(|error| error < 0.1), "{layer}");
    }
    let mut one = on_events("trace", &dir, &test_events());
    let one = crate::json(one.args(["--event", "3"]));
    assert_eq!(one["events"], 1);
    assert!(
        one["raws"]["x"]
            .as_array()
            .is_some_and(|raws| raws.len().is_multiple_of(3))
    );
}

#[test]
fn boards_are_listed() {
    let json = json(hodoscope().arg("boards"));
    let names: Vec<_> = json["boards"].as_array().into_iter().flatten().collect();
    assert!(
        names.iter().any(|board| board["name"] == "native"),
        "{json}"
    );
}

#[test]
fn inspect_drafts_words_that_compile_takes() {
    let place = Place::new();
    let draft = place.path("inputs.toml");
    let option = format!("--write-inputs={}", draft.display());
    let inspect = || {
        let mut command = hodoscope();
        command.arg("inspect").arg(model()).arg("--calibration");
        command.arg(calibration()).arg(&option);
        command
    };
    succeeds(&mut inspect());
    let text = fs::read_to_string(&draft).expect("a draft");
    for part in [
        "capacity = 32",
        "[[input.\"x\".field]]",
        "name = \"c2\"",
        "lsb = 0.25",
    ] {
        assert!(text.contains(part), "`{part}` is not in {text}");
    }
    fs::write(&draft, "# mine\n").expect("it is written");
    fails(&mut inspect(), 2, &["inputs.toml", "--force"]);
    assert_eq!(fs::read_to_string(&draft).expect("it stays"), "# mine\n");
    succeeds(inspect().arg("--force"));
    let mut command = compile(&model(), &calibration(), &place.path("drafted"));
    succeeds(command.arg("--inputs-spec").arg(&draft));
}

#[test]
fn completions_and_manual_pages_are_made_of_the_definition() {
    let place = Place::new();
    for (shell, names) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef hodoscope"),
        ("fish", "complete -c"),
    ] {
        let script = succeeds(hodoscope().args(["completions", shell]));
        assert!(
            script.contains(names) && script.contains("verify"),
            "{shell}"
        );
    }
    let pages = place.path("man/man1");
    let done = json(hodoscope().arg("man").arg(&pages));
    assert!(
        done["written"]
            .as_array()
            .is_some_and(|pages| pages.len() > 10)
    );
    let page = fs::read_to_string(pages.join("hodoscope-run.1")).expect("a page");
    assert!(
        page.contains("hodoscope run pfn") && page.contains("inputs"),
        "{page}"
    );
}

#[test]
fn labels_are_zero_and_one_or_minus_one_and_one() {
    let place = Place::new();
    let dir = place.compiled();
    let mut npz =
        NpzReader::new(fs::File::open(test_events()).expect("a file")).expect("an archive");
    let x: ndarray::Array3<f32> = npz.by_name("x").expect("events");
    let labels: ndarray::Array1<i32> = npz.by_name("labels").expect("labels");
    let auc = |name: &str, labels: ndarray::Array1<i32>| {
        let events = place.npz(name, |npz| {
            npz.add_array("x", &x).expect("an array");
            npz.add_array("labels", &labels).expect("an array");
        });
        let mut command = on_events("evaluate", &dir, &events);
        let text = succeeds(&mut command);
        (json(&mut command)["auc_fixed"].clone(), text)
    };
    let (plain, text) = auc("plain.npz", labels.clone());
    assert!(plain.is_number() && !text.contains("below ½"), "{text}");
    assert_eq!(
        auc("signed.npz", labels.mapv(|label| 2 * label - 1)).0,
        plain
    );
    let (_, text) = auc("swapped.npz", labels.mapv(|label| 1 - label));
    assert!(text.contains("the AUC is below ½"), "{text}");
}

#[test]
fn outputs_go_into_a_pipe_or_a_parquet_file() {
    let place = Place::new();
    let dir = place.compiled();
    let archive = place.path("y.npz");
    let run = |output: &Path| {
        let mut command = on_events("run", &dir, &test_events());
        command.arg("-o").arg(output);
        command
    };
    succeeds(&mut run(&archive));
    let done = run("-".as_ref()).output().expect("the command runs");
    assert!(done.status.success());
    assert_eq!(done.stdout, fs::read(&archive).expect("a file"));
    fails(
        &mut run("y.root".as_ref()),
        2,
        &["y.root", ".npz or .parquet"],
    );
    fails(&mut run("/dev/null".as_ref()), 2, &["/dev/null", "no file"]);
    let table = place.path("y.parquet");
    succeeds(&mut run(&table));
    assert!(fs::read(table).expect("a file").starts_with(b"PAR1"));
}
