//! Budgets: what is over fails, is written and marked, and the advice, when followed, passes.

use std::fs;

use serde_json::Value;

use crate::*;

const BOARD: &str = "mps2-an386";

fn without_emulator() -> bool {
    let without = std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|value| value == "1");
    if without {
        println!("not run, as HODOSCOPE_WITHOUT_EMULATOR asks");
    }
    without
}

/// `compile` for the board, with its builds below cargo's target directory.
fn compiled_for_board(dir: &Path, options: &[&str]) -> Command {
    let mut command = cached(compile(&model(), &calibration(), dir));
    command.args(["--json", "--force", "--board", BOARD]);
    command.args(options);
    command
}

fn latency(dir: &Path, options: &[&str]) -> Command {
    let mut command = cached(hodoscope());
    command
        .arg("latency")
        .arg(dir)
        .args(["--json", "--on", BOARD]);
    command.args(options);
    command
}

/// What a command prints that ends with `code`.
fn report(command: &mut Command, code: i32) -> Value {
    let (got, out, err) = ends(command);
    assert_eq!(got, code, "{command:?}\n{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

fn advice(report: &Value) -> Vec<String> {
    let advice = report["budgets"]["advice"].as_array().into_iter().flatten();
    let found = advice.flat_map(|board| board["would_fit"].as_array().into_iter().flatten());
    found
        .map(|advice| advice["advice"].as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn a_model_over_budget_fails_and_following_the_advice_it_passes() {
    if without_emulator() {
        return;
    }
    let place = Place::new();
    let dir = place.path("model");
    // Enough for everything: the gate is open, and says what the worst case takes.
    let open = report(
        &mut compiled_for_board(&dir, &["--budget", "10s", "1MiB", "stack:64KiB"]),
        0,
    );
    assert_eq!(open["over_budget"], false, "{open}");
    let measured = report(&mut latency(&dir, &["--budget", "10s"]), 0);
    // The event's words, its sums, a frame each way: nothing stands there twice.
    let stack = measured["boards"][0]["stack_bytes"].as_u64();
    assert!(stack.is_some_and(|bytes| bytes < 3_000), "{stack:?}");
    let modelled = &measured["boards"][0]["modelled"][0];
    let cycles: Vec<u64> = modelled["cycles_by_multiplicity"]
        .as_array()
        .expect("cycles")
        .iter()
        .map(|cycles| cycles.as_u64().expect("a number"))
        .collect();
    assert_eq!(cycles.len(), 33);
    let worst = *cycles.last().expect("a worst case");
    assert_eq!(modelled["worst_cycles"], worst);
    // Layers add up to the worst case, and the program's own are among them.
    let layers = modelled["layers"].as_array().expect("layers");
    let sum: u64 = layers.iter().filter_map(|l| l["cycles"].as_u64()).sum();
    assert_eq!(sum, worst);
    let share = |name: &str| {
        let layer = layers.iter().find(|layer| layer["name"] == name);
        let layer = layer.unwrap_or_else(|| panic!("no {name} in {layers:?}"));
        layer["cycles_fraction"].as_f64().expect("a fraction")
    };
    assert!(
        share("phi_phi.3_Relu") > 0.3 && share("(event)") < 0.1,
        "{layers:?}"
    );

    // Between 20 and 32 constituents.
    let limit = format!("{}cycles", (cycles[20] + cycles[21]) / 2);
    let over = latency(&dir, &["--no-advice", "--budget", &limit]);
    let over = report(&mut { over }, 1);
    assert_eq!(over["over_budget"], true, "{over}");
    assert_eq!(over["budgets"]["checked"][0]["met"], false, "{over}");

    // At compile time, by a file beside the model: written, marked, and the exit code says so.
    let beside = place.path("gated");
    fs::create_dir(&beside).expect("a directory");
    for file in ["model.onnx", "inputs.toml"] {
        fs::copy(models().join("pfn-qg").join(file), beside.join(file)).expect("a copy");
    }
    let budget = format!("schema = 1\n[[budget]]\nboard = '{BOARD}'\nlimits = ['{limit}']\n");
    fs::write(beside.join("budget.toml"), budget).expect("a budget");
    let gated = |options: &[&str], code: i32| {
        let mut command = cached(compile(&beside.join("model.onnx"), &calibration(), &dir));
        command.args(["--json", "--force", "--name", "pfn-qg", "--board", BOARD]);
        // Room for fewer constituents loses some of the score, which is told, and not what is tested here.
        report(command.arg("--accept-loss").args(options), code)
    };
    let marked = gated(&[], 1);
    assert_eq!(marked["over_budget"], true);
    let text = fs::read_to_string(dir.join("report.json")).expect("DIR is written");
    let written: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(written["over_budget"], true);
    assert_eq!(written["budgets"], marked["budgets"]);
    let found = advice(&marked);
    let fewer = found
        .iter()
        .find(|advice| advice.starts_with("--multiplicity "));
    let fewer = fewer.unwrap_or_else(|| panic!("no multiplicity in {marked}"));
    let room: usize = fewer["--multiplicity ".len()..].parse().expect("a number");
    assert!((15..=20).contains(&room), "{found:?}");
    // The file went along: it is the gate of `latency` too.
    assert_eq!(
        report(&mut latency(&dir, &["--no-advice"]), 1)["over_budget"],
        true
    );

    // Followed, each passes.
    let options: Vec<&str> = fewer.split(' ').collect();
    assert_eq!(gated(&options, 0)["over_budget"], false);
    assert_eq!(report(&mut latency(&dir, &[]), 0)["over_budget"], false);
}

/// Thirty events of each of 33 multiplicities: `--repeats 1000` is the same at leisure.
#[test]
fn counts_depend_on_the_multiplicity_alone() {
    if without_emulator() {
        return;
    }
    let place = Place::new();
    let dir = place.compiled();
    let mut command = cached(hodoscope());
    command.arg("latency").arg(&dir);
    command.args(["--json", "--repeats", "30", "--on", BOARD, "mps2-an500"]);
    command.args(["mps2-an385", "virt-rv32"]);
    let report = report(&mut command, 0);
    let boards = report["boards"].as_array().expect("boards");
    assert_eq!(boards.len(), 4);
    for board in boards {
        assert_eq!(board["largest_data_dependence_instructions"], 0, "{board}");
        let counts = board["instructions_by_multiplicity"].as_array();
        let counts = counts.expect("counts").windows(2);
        for pair in counts {
            assert!(pair[0].as_u64() < pair[1].as_u64(), "{board}");
        }
    }
}

#[test]
fn budgets_that_cannot_be_held_are_refused() {
    let place = Place::new();
    let dir = place.path("model");
    fails(
        compile(&model(), &calibration(), &dir).args(["--budget", "50us"]),
        2,
        &["--budget", "--board"],
    );
    fails(
        compile(&model(), &calibration(), &dir).args(["--board", BOARD, "--budget", "soon"]),
        2,
        &["soon", "50us"],
    );
    assert!(!dir.exists());
}
