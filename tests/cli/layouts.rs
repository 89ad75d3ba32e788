//! Cycles against flash: what is asked for is kept, reported and exact.

use std::fs;

use serde_json::Value;

use crate::*;

const BOARD: &str = "virt-rv32";

/// Compiles for a core of which layouts take one or two bytes per weight, and gives the report.
fn compiled(dir: &Path, options: &[&str]) -> Value {
    let mut command = compile(&model(), &calibration(), dir);
    command.args(["--force", "--board", BOARD]).args(options);
    succeeds(&mut command);
    let text = fs::read_to_string(dir.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

/// Bytes of the layouts that were taken, and their modelled cycles in an event of 32 constituents.
fn taken(report: &Value) -> (u64, u64) {
    let plans = report["plans"].as_array().expect("plans");
    let plan = plans.iter().find(|plan| plan["isa"] == "rv32im");
    let plan = plan.expect("a plan");
    let (mut bytes, mut cycles) = (0, 0);
    for layer in plan["layers"].as_array().expect("layers") {
        let taken = |what: &str| layer["layouts"][0][what].as_u64().expect("a number");
        let name = layer["name"].as_str().expect("a name");
        bytes += taken("bytes");
        cycles += taken("modelled_cycles") * if name.starts_with("phi") { 32 } else { 1 };
    }
    assert_eq!(plan["layout_bytes"], bytes, "{plan}");
    (bytes, cycles)
}

#[test]
fn fewer_bytes_take_more_cycles_and_give_the_same_bits() {
    let place = Place::new();
    let dir = place.path("model");
    let fastest = compiled(&dir, &[]);
    assert_eq!(fastest["options"]["layouts"], "fastest");
    let program = fs::read(dir.join("program.txt")).expect("a program");
    let (most, least_cycles) = taken(&fastest);

    let smallest = compiled(&dir, &["--layouts", "smallest"]);
    assert_eq!(smallest["options"]["layouts"], "smallest");
    assert_eq!(
        fs::read(dir.join("program.txt")).expect("a program"),
        program
    );
    let (least, most_cycles) = taken(&smallest);
    // Biases and shifts are the same: weights of one byte, and not of two.
    assert!(3 * least < 2 * most, "{least} of {most} bytes");
    assert!(most_cycles > least_cycles);
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|value| value == "1") {
        println!("not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
    } else {
        let mut verify = cached(hodoscope());
        verify.arg("verify").arg(&dir).arg("--inputs");
        verify.arg(test_events()).args(["--on", BOARD]);
        succeeds(&mut verify);
    }

    // In between: within the bytes, and no slower than the smallest.
    let middle = (least + most) / 2;
    let (bytes, cycles) = taken(&compiled(&dir, &["--layouts", &middle.to_string()]));
    assert!((least..=middle).contains(&bytes), "{bytes} of {middle}");
    assert!((least_cycles..most_cycles).contains(&cycles), "{cycles}");
    // What the fastest take is enough for the fastest, and fewer than the smallest take are refused by name.
    assert_eq!(
        taken(&compiled(&dir, &["--layouts", &most.to_string()])),
        (most, least_cycles)
    );
    let few = (least / 2).to_string();
    let mut refused = compile(&model(), &calibration(), &place.path("new"));
    refused.args(["--board", BOARD, "--layouts", &few]);
    fails(&mut refused, 2, &["rv32im", "at least", &few]);
    assert!(!place.path("new").exists());
}

#[test]
fn over_a_budget_of_flash_smaller_layouts_are_advised_and_fit() {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|value| value == "1") {
        println!("not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
        return;
    }
    let place = Place::new();
    let dir = place.path("model");
    let small = models().join("ae-qcd");
    let held = |options: &[&str], code: i32| -> Value {
        let (model, events) = (small.join("model.onnx"), small.join("calibration.npz"));
        let mut command = cached(compile(&model, &events, &dir));
        command
            .args(["--json", "--force", "--board", BOARD])
            .args(options);
        let (got, out, err) = ends(&mut command);
        assert_eq!(got, code, "{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    };
    let open = held(&["--budget", "1MiB"], 0);
    let found = open["budgets"]["checked"][0]["found_bytes"].as_f64();
    let limit = format!("{}B", found.expect("bytes") as u64 - 1000);
    let over = held(&["--budget", &limit], 1);
    let would_fit = over["budgets"]["advice"][0]["would_fit"].as_array();
    let mut advice = would_fit
        .into_iter()
        .flatten()
        .filter_map(|a| a["advice"].as_str());
    let advice = advice.find(|advice| advice.starts_with("--layouts "));
    let advice = advice.unwrap_or_else(|| panic!("no layouts in {over}"));
    let mut options: Vec<&str> = advice.split(' ').collect();
    options.extend(["--budget", &limit]);
    assert_eq!(held(&options, 0)["over_budget"], false);
}
