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
