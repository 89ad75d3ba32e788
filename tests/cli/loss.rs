//! What `compile` says about the loss, and how it ends.

use std::fs;

use ndarray::{ArrayD, IxDyn};

use crate::*;

/// Exit code, standard error and report.json of a compilation.
fn judged(place: &Place, options: &[&str]) -> (i32, String, Value) {
    let dir = place.path("model");
    let mut command = compile(&model(), &calibration(), &dir);
    let (code, _, errors) = ends(command.arg("--force").args(options));
    (code, errors, report(&dir))
}

fn report(dir: &Path) -> Value {
    let text = fs::read_to_string(dir.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_loss_is_told_and_within_its_limits_for_a_reference_model() {
    let place = Place::new();
    let text = succeeds(&mut compile(&model(), &calibration(), &place.path("model")));
    for part in [
        "1744 of 2000",
        "ordering",
        "AUC float",
        "no live word saturated",
    ] {
        assert!(text.contains(part), "`{part}` is not in {text}");
    }
    let report = report(&place.path("model"));
    assert_eq!(report["over_tolerance"], false);
    let logit = &report["loss"]["outputs"][0];
    assert_eq!(
        (&logit["name"], &logit["judged_as"]),
        (&"logit".into(), &"score".into())
    );
    let figure = |name: &str| logit[name].as_f64().expect(name);
    // The events are labelled: 2,000 jets that the network separates.
    assert!((0.82..0.87).contains(&figure("auc_float")), "{logit}");
    assert!(
        (figure("auc_float") - figure("auc_fixed")).abs() < 0.003,
        "{logit}"
    );
    assert!((0.97..1.0).contains(&figure("ordering")), "{logit}");
    assert!(
        (0.0001..0.02).contains(&figure("rms_over_range")),
        "{logit}"
    );
    assert!(figure("least_correlation") > 0.993, "{logit}");
    let pt = &report["loss"]["live_words"][0];
    let slots = pt["live"].as_u64().expect("a number");
    // 2,000 events of 32 slots, of which most are empty in many: these do not count.
    assert!((2_000..2_000 * 32).contains(&slots), "{pt}");
}

#[test]
fn over_a_limit_the_exit_code_is_1_and_what_helps_was_tried() {
    let place = Place::new();
    let narrow = ["--weights", "4", "--activations", "8"];
    let (code, errors, report) = judged(&place, &narrow);
    assert_eq!(code, 1, "{errors}");
    for part in [
        "loss over tolerance",
        "`logit`",
        "--max-loss",
        "--weights 16` gives",
        "--accept-loss",
    ] {
        assert!(errors.contains(part), "`{part}` is not in {errors}");
    }
    assert_eq!(report["over_tolerance"], true);
    assert_eq!(report["loss"]["advice"][0]["helps"], true, "{report}");
    let program = fs::read(place.path("model/program.txt")).expect("it is written");
    let page = fs::read_to_string(place.path("model/report.html")).expect("it is written");
    assert!(page.contains("Over tolerance: output"), "{page}");

    // What was advised holds the limits.
    let (code, errors, _) = judged(&place, &["--weights", "16"]);
    assert_eq!(code, 0, "{errors}");
    let accepted = [&narrow[..], &["--accept-loss"]].concat();
    let (code, errors, report) = judged(&place, &accepted);
    assert_eq!(code, 0, "{errors}");
    assert_eq!(report["over_tolerance"], true);
    let same = fs::read(place.path("model/program.txt")).expect("it is written");
    assert_eq!(program, same, "no option about the loss decides a bit");
    let wide = ["--max-loss", "ordering=50%,rms=50%,correlation=50%,auc=50"];
    let (code, errors, report) = judged(&place, &[&narrow[..], &wide].concat());
    assert_eq!(code, 0, "{errors}");
    assert_eq!(report["over_tolerance"], false);
}

#[test]
fn what_no_width_mends_is_said() {
    let place = Place::new();
    let (code, errors, report) = judged(&place, &["--max-loss", "rms=0.000001%"]);
    assert_eq!(code, 1, "{errors}");
    for part in ["still gives", "do not suffice", "hodoscope trace"] {
        assert!(errors.contains(part), "`{part}` is not in {errors}");
    }
    assert_eq!(report["loss"]["over"][0]["figure"], "rms");
}

#[test]
fn a_regression_is_judged_by_its_relative_error() {
    let place = Place::new();
    let (code, errors, report) = judged(&place, &["--judge", "logit:regression"]);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("relative error"), "{errors}");
    assert_eq!(report["loss"]["outputs"][0]["judged_as"], "regression");
}

#[test]
fn events_that_judge_nothing_are_told() {
    let place = Place::new();
    let told = |name: &str, events: usize, value: fn(&IxDyn) -> f32, expected: &[&str]| {
        let shape = IxDyn(&[events, 32, 3]);
        let x = ArrayD::from_shape_fn(shape, |at| value(&at));
        let npz = place.npz(name, |npz| npz.add_array("x", &x).expect("an array"));
        let dir = place.path("model");
        let mut command = compile(&model(), &npz, &dir);
        let (code, _, errors) = ends(command.arg("--force"));
        assert_eq!(code, 1, "{errors}");
        for part in expected {
            assert!(errors.contains(part), "`{part}` is not in {errors}");
        }
        assert_eq!(report(&dir)["over_tolerance"], true);
    };
    told(
        "one.npz",
        1,
        |at| if at[1] < 5 { 0.25 } else { 0.0 },
        &["a single calibration event"],
    );
    told(
        "zero.npz",
        40,
        |_| 0.0,
        &["`x` is zero", "output `logit` is the same"],
    );
}

#[test]
fn few_events_near_a_limit_are_told() {
    let place = Place::new();
    // Of 40 events ten judge, which hold √(10/32), 56 %, of each limit.
    let jets = ArrayD::from_shape_fn(IxDyn(&[40, 32, 3]), |at| {
        let place = (at[0] * 37 + at[1] * 11 + at[2] * 5) % 97;
        let live = at[1] < 3 + at[0] % 20;
        match (live, at[2]) {
            (false, _) => 0.0,
            (true, 0) => 0.25 + place as f32 / 8.0,
            (true, _) => place as f32 / 120.0 - 0.4,
        }
    });
    let npz = place.npz("few.npz", |npz| {
        npz.add_array("x", &jets).expect("an array")
    });
    let dir = place.path("model");
    let with = |rms: f64| {
        let others = "ordering=100%,correlation=100%,relative=100%";
        let limits = format!("{others},rms={:.4}%", 100.0 * rms);
        let mut command = compile(&model(), &npz, &dir);
        let (code, _, errors) = ends(command.args(["--force", "--max-loss", &limits]));
        (code, errors)
    };
    let (code, errors) = with(1.0);
    assert_eq!(code, 0, "{errors}");
    let report = report(&dir);
    let rms = &report["loss"]["outputs"][0]["rms_over_range"];
    let rms = rms.as_f64().expect("a number");
    assert_eq!(with(2.0 * rms).0, 0);
    let (code, errors) = with(1.5 * rms);
    assert_eq!(code, 1);
    for part in ["cannot be judged", "10 events", "128 calibration events"] {
        assert!(errors.contains(part), "`{part}` is not in {errors}");
    }
    let (code, errors) = with(0.5 * rms);
    assert!(
        code == 1 && errors.contains("loss over tolerance"),
        "{errors}"
    );
}

#[test]
fn limits_and_statements_that_cannot_be_are_refused() {
    let place = Place::new();
    let refused = |options: &[&str], names: &[&str]| {
        let dir = place.path("model");
        fails(
            compile(&model(), &calibration(), &dir).args(options),
            2,
            names,
        );
        assert!(!dir.exists());
    };
    refused(
        &["--max-loss", "mean=3%"],
        &["mean=3%", "ordering, auc, rms"],
    );
    refused(
        &["--judge", "nothing:regression"],
        &["nothing:regression", "logit"],
    );
    refused(
        &["--judge", "logit:class"],
        &["logit:class", "OUTPUT:regression"],
    );
}

#[test]
fn a_channel_of_an_output_is_the_score() {
    let place = Place::new();
    let (code, errors, report) = judged(&place, &["--score", "logit:0"]);
    assert_eq!(code, 0, "{errors}");
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.map(|o| o["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(names(&report["outputs"]), ["score", "logit"]);
    let [score, logit] = [0, 1].map(|place| &report["loss"]["outputs"][place]["auc_float"]);
    assert!(score.is_f64() && score == logit, "{report}");
    let mut evaluate = on_events("evaluate", &place.path("model"), &test_events());
    assert_eq!(json(&mut evaluate)["score"], "score");
    let other = place.path("other");
    for (score, expected) in [
        ("logit:1", "channels are 0 to 0"),
        ("other:0", "the outputs are logit"),
    ] {
        let mut refused = compile(&model(), &calibration(), &other);
        fails(refused.args(["--score", score]), 2, &[score, expected]);
    }
}
