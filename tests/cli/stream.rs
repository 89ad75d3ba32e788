//! `hodoscope stream`.

use std::fs;

use ndarray::Array1;

use crate::*;

/// `stream` with stated service times: 100 µs and 200 µs for each constituent, at 1 MHz.
fn stream(dir: &Path) -> Command {
    let mut command = on_events("stream", dir, &test_events());
    command.args(["--clock", "1MHz", "--cycles", "100+200*n"]);
    command
}

/// Writes a stream's times.
fn times(place: &Place, text: &str) -> PathBuf {
    let path = place.path("times.csv");
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn a_stream_agrees_with_theory() {
    let place = Place::new();
    let dir = place.compiled();
    let poisson = |rate: &str, queue: &str| {
        let mut command = stream(&dir);
        command.args(["--arrivals", rate, "--events", "200000"]);
        json(command.args(["--search-events", "20000", "--queue", queue]))
    };
    let limited = poisson("poisson:200Hz", "2");
    let figure = |json: &Value, key: &str| json[key].as_f64().unwrap_or(f64::NAN);
    for (json, name) in [
        (&limited, "M/G/1/3"),
        (&poisson("poisson:100Hz", "unlimited"), "M/G/1"),
    ] {
        assert_eq!(json["theory"]["queue"], name);
        assert_eq!(json["arrived_events"], 200_000);
        for key in ["drop_fraction", "latency_mean_us"] {
            let expected = figure(&json["theory"], key);
            let error = match key {
                "drop_fraction" => figure(json, "drop_fraction_standard_error"),
                _ => figure(json, "latency_mean_standard_error_us"),
            };
            let off = figure(json, key) - expected;
            assert!(off.abs() <= 5.0 * error, "{key}: {off} ± {error}");
        }
        let quantiles =
            ["p50", "p99", "p99_99", "max"].map(|q| figure(json, &format!("latency_{q}_us")));
        assert!(
            quantiles.is_sorted() && quantiles[0] > 300.0,
            "{quantiles:?}"
        );
        assert!(figure(json, "decision_rate_hz") < 205.0);
        assert!(
            json["source"]
                .as_str()
                .is_some_and(|source| source.contains("100+200*n"))
        );
    }
    let lost = figure(&limited, "drop_fraction");
    assert!(lost > 0.01 && (figure(&limited, "dead_time_fraction") / lost - 1.0).abs() < 0.1);
    let rate = figure(&limited["sustainable"], "rate_hz");
    assert!(rate > 10.0 && rate < 200.0, "{rate}");
    let again = poisson("poisson:200Hz", "2");
    assert_eq!(limited, again, "a seed repeats a stream");
}

#[test]
fn recorded_times_are_served_as_they_come() {
    let place = Place::new();
    let dir = place.compiled();
    let path = times(&place, "time_us\n0\n1\n20000\n20001\n20002\n");
    let mut command = stream(&dir);
    command
        .arg("--arrivals")
        .arg(format!("file:{}", path.display()));
    command.args(["--cycles-per-instruction", "1"]);
    assert_eq!(ends(&mut command).0, 2, "service times are stated once");

    let mut command = stream(&dir);
    command
        .arg("--arrivals")
        .arg(format!("file:{}", path.display()));
    let json = json(command.args(["--queue", "1", "--search-events", "0", "--ticks", "cycles"]));
    assert_eq!(json["arrived_events"], 5);
    assert_eq!(json["lost_events"], 1);
    assert_eq!(json["ticks_per_second"], 1_000_000);
    assert!(json["sustainable"].is_null());

    let mut npz = stream(&dir);
    let file = place.npz("times.npz", |npz| {
        npz.add_array("time_ns", &Array1::from(vec![0i64, 5, 3]))
            .expect("an array");
    });
    npz.arg("--arrivals")
        .arg(format!("file:{}", file.display()));
    fails(&mut npz, 2, &["times.npz", "time_ns", "event 2", "earlier"]);
}

#[test]
fn checks_that_fail_end_with_one() {
    let place = Place::new();
    let dir = place.compiled();
    let checked = |arguments: &[&str]| {
        let mut command = stream(&dir);
        command.args(["--arrivals", "poisson:200Hz", "--events", "5000"]);
        let (code, out, err) = ends(command.args(["--search-events", "0"]).args(arguments));
        assert!(out.contains("p99.99") && out.contains("dead time"), "{out}");
        (code, err)
    };
    assert_eq!(checked(&[]).0, 0);
    let (code, err) = checked(&["--drop-fraction", "0.001"]);
    assert!(code == 1 && err.contains("events are lost"), "{err}");
    assert_eq!(checked(&["--drop-fraction", "0.9"]).0, 0);
    // 32 constituents take 6.5 ms, and a queue more.
    let (code, err) = checked(&["--queue", "3", "--fixed-latency", "7ms"]);
    assert!(
        code == 1 && err.contains("after the fixed latency"),
        "{err}"
    );
    assert_eq!(checked(&["--queue", "3", "--fixed-latency", "26ms"]).0, 0);
}

#[test]
fn bunches_and_links_have_their_times() {
    let place = Place::new();
    let dir = place.compiled();
    let mut command = stream(&dir);
    command.args([
        "--arrivals",
        "lhc:100Hz",
        "--events",
        "20000",
        "--search-events",
        "0",
    ]);
    let at_once = json(&mut command);
    let slow = |input: &str| {
        let mut command = stream(&dir);
        command.args([
            "--arrivals",
            "lhc:100Hz",
            "--events",
            "20000",
            "--search-events",
            "0",
        ]);
        command.args([
            "--link",
            "115200baud",
            "--bits-per-byte",
            "10",
            "--input",
            input,
        ]);
        json(&mut command)["latency_min_us"]
            .as_f64()
            .unwrap_or(f64::NAN)
    };
    let least = at_once["latency_min_us"].as_f64().unwrap_or(f64::NAN);
    let (stored, streamed) = (slow("store-and-forward"), slow("streaming"));
    assert!(
        least < streamed && streamed < stored,
        "{least} {streamed} {stored}"
    );
    let rate = at_once["mean_arrival_rate_hz"].as_f64().unwrap_or(f64::NAN);
    assert!((rate - 100.0).abs() < 1e-6, "{rate}");
}

#[test]
fn what_makes_no_stream_is_refused() {
    let place = Place::new();
    let dir = place.compiled();
    let refused = |arguments: &[&str], names: &[&str]| {
        let mut command = on_events("stream", &dir, &test_events());
        fails(command.args(arguments), 2, names);
    };
    let stated = ["--clock", "1MHz", "--cycles", "100+200*n", "--arrivals"];
    let with = |more: &[&'static str]| [&stated[..], more].concat();
    refused(&with(&["gauss:1Hz"]), &["gauss"]);
    refused(&with(&["poisson:2"]), &["`2`", "rate", "2kHz"]);
    refused(&with(&["lhc:2"]), &["probability"]);
    refused(
        &with(&["lhc:0.1", "--filling", "72b 8"]),
        &["72b for bunches"],
    );
    refused(&with(&["file:none.csv"]), &["none.csv"]);
    refused(&with(&["fixed:1Hz", "--queue", "deep"]), &["--queue"]);
    refused(
        &with(&["fixed:1Hz", "--drop-fraction", "1"]),
        &["--drop-fraction"],
    );
    refused(
        &with(&["fixed:1Hz", "--on", "interpreter", "--clock", "1Hz"]),
        &["--clock"],
    );
    let nothing = ["fixed:1Hz", "--on", "mps2-an386"];
    refused(&with(&nothing), &["--on mps2-an386", "leave out"]);
    let streamed = ["fixed:1Hz", "--input", "streaming"];
    refused(&with(&streamed), &["--input streaming", "--link"]);
    let endless = ["fixed:1Hz", "--queue", "unlimited", "--dead-time"];
    refused(
        &[&with(&endless)[..], &["paralysable"]].concat(),
        &["--dead-time", "--queue unlimited"],
    );
    refused(
        &with(&["fixed:1GHz", "--queue", "unlimited", "--events", "20000000"]),
        &["without end"],
    );
    refused(&["--arrivals", "fixed:1Hz"], &["--on", "--clock"]);
    refused(
        &["--arrivals", "fixed:1Hz", "--clock", "1MHz"],
        &["--cycles"],
    );
    refused(
        &["--arrivals", "fixed:1Hz", "--on", "native"],
        &["native", "--clock"],
    );
    refused(
        &["--arrivals", "fixed:1Hz", "--on", "float"],
        &["float", "board"],
    );
    let short = place.path("cycles.csv");
    fs::write(&short, "0,10\n1,20\n").expect("a file");
    let short = short.to_str().expect("UTF-8");
    refused(
        &[
            "--arrivals",
            "fixed:1Hz",
            "--clock",
            "1MHz",
            "--service",
            short,
        ],
        &["constituents", "0 to 1"],
    );
}

#[test]
fn slow_boards_have_a_largest_rate() {
    let place = Place::new();
    let dir = place.compiled();
    // Ten seconds an event: at the rate that is sought a million events would take 300 years.
    let mut command = on_events("stream", &dir, &test_events());
    command.args([
        "--clock",
        "1kHz",
        "--cycles",
        "10000",
        "--arrivals",
        "poisson:1Hz",
    ]);
    let json = json(command.args(["--events", "100000", "--drop-fraction", "0.99"]));
    let found = &json["sustainable"];
    assert!(
        found["rate_hz"].as_f64().is_some_and(|hz| hz > 5.0),
        "{found}"
    );
    let mut command = on_events("stream", &dir, &test_events());
    command.args([
        "--clock",
        "1kHz",
        "--cycles",
        "10000",
        "--arrivals",
        "poisson:0.1Hz",
    ]);
    let found = &crate::json(command.args(["--events", "100000"]))["sustainable"];
    assert!(found["rate_hz"].is_null(), "{found}");
    let mut command = on_events("stream", &dir, &test_events());
    command.args([
        "--clock",
        "1kHz",
        "--cycles",
        "100",
        "--arrivals",
        "poisson:1Hz",
    ]);
    let found = &crate::json(command.args(["--events", "1000000"]))["sustainable"];
    // λS / (1 + λS) = 0.001 with S = 0.1 s.
    let rate = found["rate_hz"].as_f64().unwrap_or(f64::NAN);
    assert!((rate * 100.0 - 1.001).abs() < 0.6, "{found}");
    assert!(
        found["events_per_rate"]
            .as_u64()
            .is_some_and(|events| events < 1_000_000),
        "{found}"
    );
}

#[test]
fn service_times_are_measured_on_a_board() {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|value| value == "1") {
        println!("SKIPPED: emulated boards, since HODOSCOPE_WITHOUT_EMULATOR=1");
        return;
    }
    let place = Place::new();
    let dir = place.compiled();
    let on_board = |arguments: &[&str]| {
        let mut command = cached(on_events("stream", &dir, &test_events()));
        command.args([
            "--on",
            "mps2-an386",
            "--arrivals",
            "poisson:10Hz",
            "--events",
            "10000",
        ]);
        json(command.args(["--search-events", "0"]).args(arguments))
    };
    let figure = |json: &Value, key: &str| json[key].as_f64().unwrap_or(f64::NAN);
    let modelled = on_board(&[]);
    let source = modelled["source"].as_str().unwrap_or_default();
    assert!(
        source.contains("modelled (cycles)") && source.contains("cortex-m4"),
        "{source}"
    );
    assert_eq!(modelled["clock_hz"], 25_000_000);
    let counted = on_board(&["--cycles-per-instruction", "1"]);
    let source = counted["source"].as_str().unwrap_or_default();
    assert!(
        source.contains("emulated (instructions)") && source.contains("stated"),
        "{source}"
    );
    // No core of this kind takes fewer cycles than instructions, nor three for each.
    let ratio = figure(&modelled, "service_mean_us") / figure(&counted, "service_mean_us");
    assert!(ratio > 1.0 && ratio < 3.0, "{ratio}");
    // Twice the clock is half the time.
    let faster = on_board(&["--clock", "50MHz"]);
    let half = figure(&faster, "service_mean_us") / figure(&modelled, "service_mean_us");
    assert!((half - 0.5).abs() < 1e-6, "{half}");
}
