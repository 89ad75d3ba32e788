//! `verify` and `latency` on what cargo builds: equal bits pass, and one flipped bit does not.

use std::fs;

use crate::*;

fn on_native(name: &str, dir: &Path) -> Command {
    let mut command = cached(on_events(name, dir, &test_events()));
    command.args(["--on", "native"]);
    command
}

/// Flips the lowest bit of the first number of a static in the emitted crate.
fn flip(dir: &Path, name: &str) {
    let file = dir.join("crate/src/weights.rs");
    let text = fs::read_to_string(&file).expect("weights");
    let at = text
        .find(name)
        .unwrap_or_else(|| panic!("no {name} in {text:.400}"));
    let body = at + text[at..].find("= ").expect("a value");
    let digit = |c: char| c.is_ascii_digit();
    let start = body + text[body..].find(digit).expect("a number");
    let end = start + text[start..].find(|c| !digit(c)).expect("its end");
    let number: u64 = text[start..end].parse().expect("a number");
    let changed = format!("{}{}{}", &text[..start], number ^ 1, &text[end..]);
    fs::write(&file, changed).expect("a file");
}

#[test]
fn a_flipped_weight_is_found_and_its_layer_named() {
    let place = Place::new();
    let dir = place.compiled();
    let good = json(&mut on_native("verify", &dir));
    let target = &good["targets"][0];
    assert_eq!(
        (&good["passed"], &target["bits_different"]),
        (&true.into(), &0.into())
    );
    assert!(
        target["bits_compared"].as_u64().unwrap_or(0) > 10_000,
        "{good}"
    );
    assert_eq!(target["source"], "native");
    assert_eq!(good["own_events"], 256);
    assert_eq!(good["ways"]["events_different"], 0);
    for compared in ["raws_compared", "decisions_compared"] {
        let count = good["ways"][compared].as_u64().unwrap_or(0);
        assert!(count > 1000, "{compared}: {good}");
    }
    // The same crate as a process, as boards are, and with overflow checks.
    let options: [&[&str]; 2] = [&[], &["--checked"]];
    for option in options {
        let mut board = cached(hodoscope());
        board
            .arg("verify")
            .arg(&dir)
            .args(["--on", "native-board", "--own", "64"]);
        let board = json(board.args(option));
        assert_eq!(board["targets"][0]["on"], "native-board", "{board}");
        assert_eq!(board["passed"], true, "{board}");
    }
    let set = &good["reached"]["sets"][0];
    assert_eq!(set["multiplicities"][0], 0, "{set}");
    assert!(set["events_with_more_slots"].as_u64() > Some(10), "{set}");

    flip(&dir, "WEIGHTS");
    let (code, out, err) = ends(on_native("verify", &dir).arg("--json"));
    assert_eq!(code, 1, "{err}");
    for name in ["event", "`logit`", "first layer that differs is `phi_phi."] {
        assert!(err.contains(name), "{name}: {err}");
    }
    let bad: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!(bad["passed"], false);
    let first = &bad["targets"][0]["first_difference"];
    assert!(
        first["layer"]["name"].is_string() && first["event"].is_u64(),
        "{bad}"
    );

    let mut trace = on_native("trace", &dir);
    let event = first["event"].to_string();
    let (code, _, err) = ends(trace.args(["--event", &event]));
    let layer = first["layer"]["name"].as_str().expect("a name");
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains(&format!("event {event}")) && err.contains(layer),
        "{err}"
    );
}

/// Replaces what stands once or more in the emitted library.
fn change(dir: &Path, from: &str, to: &str) {
    let file = dir.join("crate/src/lib.rs");
    let text = fs::read_to_string(&file).expect("a library");
    assert!(text.contains(from), "no {from} in {text}");
    fs::write(&file, text.replace(from, to)).expect("a file");
}

fn on_own(dir: &Path) -> Command {
    let mut command = cached(hodoscope());
    command.arg("verify").arg(dir).args(["--on", "native"]);
    command
}

#[test]
fn own_events_show_a_wrong_live_rule_and_streams_and_decisions_that_are_wrong() {
    let place = Place::new();
    let dir = place.compiled();
    let text = fs::read_to_string(dir.join("crate/src/lib.rs")).expect("a library");
    let rule = text.split("pub fn is_live").nth(1).expect("a rule");
    let rule = rule
        .lines()
        .nth(1)
        .expect("its condition")
        .trim()
        .to_owned();
    change(&dir, &rule, &format!("{rule} + 1"));
    let (code, _, err) = ends(on_own(&dir).arg("--json"));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("First: own event"), "{err}");
    change(&dir, &format!("{rule} + 1"), &rule);

    change(&dir, ">= threshold.0", "> threshold.0");
    change(&dir, "self.sums = compute::Sums::ZERO;", "");
    let (code, out, err) = ends(on_own(&dir).arg("--json"));
    assert_eq!(code, 1, "{err}");
    let bad: Value = serde_json::from_str(&out).expect("an object");
    assert_eq!(bad["targets"][0]["bits_different"], 0, "{bad}");
    for way in ["`push` and `finish`", "`accepts`"] {
        assert!(out.contains(way), "{way}: {bad}");
    }
    assert!(err.contains("the crate on the host"), "{err}");
}

#[test]
fn events_that_reach_little_are_warned_of() {
    let place = Place::new();
    let dir = place.compiled();
    let (code, _, err) = ends(on_own(&dir).args(["--own", "2"]));
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("warning: ") && err.contains("try --own"),
        "{err}"
    );
    let (code, _, err) = ends(on_own(&dir).args(["--own", "2", "--strict"]));
    assert_eq!(code, 1, "{err}");
    let (code, _, err) = ends(on_own(&dir).args(["--own", "0"]));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--inputs"), "{err}");
}
