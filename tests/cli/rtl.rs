//! `rtl`, and `verify` and `latency` on what it writes.

use std::fs;

use crate::*;

/// Every kind of pool, a table, words that need a clamp.
const SET: &str = "hodoscope-program 1
program tiny-set
set jets capacity 3
input x set jets channels 2
  field pt unit \"GeV\" lsb 0.25 range 0 200 saturate empty 0
  field deta unit \"\" lsb 0.01 range -50 63 saturate empty 0
input met channels 1
  field met unit \"GeV\" lsb 1.0 range 0 100 saturate empty 0
live jets x[0] above 2
order jets x[0]
constant w i8 [3, 2]
  3 -4 7 45 -89 11
constant b i32 [3]
  7 -100 0
constant t i8 [16]
  -8 -7 -5 -3 -2 -1 0 0 0 1 1 2 3 5 8 9
constant none i16 [3]
  -20 -20 900
value words [jets, 2] i9 lsb 0.25 0.01 = input x
value met [1] u7 frac 0 = input met
value dense [jets, 3] i32 frac 5 = dense words weights w bias b
value small [jets, 3] i16 frac 5 = rescale dense by 3 plus 1 shift 2 rnd_conv sat
value pooled [3] i32 frac 5 = sum small
value most [3] i16 frac 5 = max small empty none
value n [1] u2 frac 0 = count jets
value narrow [3] i4 frac 0 = rescale pooled by 1 plus 0 shift 9 trn wrap
value looked [3] i8 frac 0 = table narrow entries t
value all [8] i32 frac 0 = concat [pooled, n, looked, met]
output all = all
output most = most
";

/// A directory that passes for a compiled model.
fn handmade(place: &Place, program: &str) -> PathBuf {
    let dir = place.path("handmade");
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("program.txt"), program).expect("a file");
    fs::write(dir.join("report.json"), r#"{"generator": "hodoscope"}"#).expect("a file");
    dir
}

/// Events of a file: slots that are not live, none, and all that there is room for.
/// The last has one with a pT of `more`, too.
fn events(place: &Place, more: i64) -> PathBuf {
    place.npz("events.npz", |npz| {
        let x = [
            [[200i64, -50], [0, 3], [7, 63], [90, 1]],
            [[0, 0]; 4],
            [[9, 9], [8, 8], [more - 3, 1], [7, 7]],
        ];
        let x = ndarray::Array3::from_shape_fn((3, 4, 2), |(e, s, c)| x[e][s][c]);
        npz.add_array("x", &x).expect("an array");
        let met = ndarray::array![[3i64], [100], [0]];
        npz.add_array("met", &met).expect("an array");
    })
}

fn rtl(dir: &Path) -> Command {
    let mut command = hodoscope();
    command.arg("rtl").arg(dir);
    command
}

fn on_fabric(name: &str, dir: &Path) -> Command {
    let mut command = cached(hodoscope());
    command.arg(name).arg(dir).args(["--on", "fabric"]);
    command
}

fn without_rtl() -> bool {
    let without = std::env::var_os("HODOSCOPE_WITHOUT_RTL").is_some_and(|value| value == "1");
    if without {
        println!("SKIPPED: Verilog, since HODOSCOPE_WITHOUT_RTL=1");
    }
    without
}

/// Flips the lowest bit of the first number that is added in a file.
fn flip(file: &Path) {
    let text = fs::read_to_string(file).expect("Verilog");
    let at = text.find(" + ").expect("a sum");
    let number = at + text[at..].find("'").expect("a number");
    let digit = |c: char| c.is_ascii_digit();
    let start = number + text[number..].find(digit).expect("digits");
    let end = start + text[start..].find(|c| !digit(c)).expect("their end");
    let value: u64 = text[start..end].parse().expect("a number");
    let changed = format!("{}{}{}", &text[..start], value ^ 1, &text[end..]);
    fs::write(file, changed).expect("a file");
}

#[test]
fn verilog_has_the_interpreters_bits_and_a_flipped_constant_is_found() {
    if without_rtl() {
        return;
    }
    let place = Place::new();
    let dir = handmade(&place, SET);
    let report = json(rtl(&dir).args(["--clock", "200"]));
    let stated = report["latency_clocks"].as_u64().expect("clocks");
    assert_eq!(report["one_each_clock"], "constituent");
    assert!(report["adders"].as_u64() > Some(8), "{report}");
    assert!(report["table_bits"].as_u64() > Some(100), "{report}");

    let good = json(&mut on_fabric("verify", &dir));
    let target = &good["targets"][0];
    assert_eq!(
        (&good["passed"], &target["source"]),
        (&true.into(), &"RTL".into())
    );
    assert_eq!(target["fabric"]["most_latency_clocks"], stated);
    assert!(target["bits_compared"].as_u64() > Some(10_000), "{good}");
    assert!(
        target["fabric"]["events_marked"].as_u64() > Some(5),
        "{good}"
    );
    assert_eq!(good["reached"]["sets"][0]["multiplicities"][0], 0, "{good}");
    let clocks = json(&mut on_fabric("latency", &dir));
    assert_eq!(clocks["fabric"]["least_latency_clocks"], stated, "{clocks}");

    let npz = events(&place, 3);
    let [golden, fabric] = ["interpreter", "fabric"].map(|on| {
        let out = place.path(&format!("{on}.npz"));
        let mut run = cached(on_events("run", &dir, &npz));
        succeeds(run.args(["--on", on, "-o"]).arg(&out));
        fs::read(out).expect("outputs")
    });
    assert_eq!(golden, fabric);
    let mut run = cached(on_events("run", &dir, &events(&place, 9)));
    run.args(["--on", "fabric", "-o"])
        .arg(place.path("none.npz"));
    fails(&mut run, 2, &["event 2", "more live constituents"]);

    // A statement that is not true.
    let path = dir.join("rtl/report.json");
    let text = fs::read_to_string(&path).expect("a report");
    let latency = |clocks| format!("\"latency_clocks\": {clocks}");
    let wrong = text.replace(&latency(stated), &latency(stated + 1));
    assert_ne!(wrong, text);
    fs::write(&path, wrong).expect("a file");
    let (code, _, err) = ends(&mut on_fabric("verify", &dir));
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains(&format!("{} were stated", stated + 1)),
        "{err}"
    );
    fs::write(&path, text).expect("a file");

    flip(&dir.join("rtl/tiny_set_dense.v"));
    let (code, _, err) = ends(&mut on_fabric("verify", &dir));
    assert_eq!(code, 1, "{err}");
    assert!(
        err.contains("differ from the interpreter. First: own event"),
        "{err}"
    );
}

#[test]
fn a_reference_model_has_its_bits_in_verilog() {
    if without_rtl() {
        return;
    }
    let place = Place::new();
    let dir = place.compiled();
    let text = succeeds(rtl(&dir).args(["--stages", "24", "--fewest"]));
    assert!(text.contains("marked (out_over)"), "{text}");
    let mut verify = cached(on_events("verify", &dir, &test_events()));
    let good = json(verify.args(["--on", "fabric", "--own", "64"]));
    let target = &good["targets"][0];
    assert_eq!(
        (&good["passed"], &target["bits_different"]),
        (&true.into(), &0.into())
    );
    assert!(target["events"].as_u64() > Some(1_000), "{good}");
}

#[test]
fn nothing_is_overwritten_and_what_is_wrong_is_named() {
    let place = Place::new();
    let dir = handmade(&place, SET);
    fails(
        &mut on_fabric("verify", &dir),
        2,
        &["no Verilog there", "hodoscope rtl"],
    );
    fails(
        rtl(&dir).args(["--stages", "1"]),
        2,
        &["--stages 1", "are the least"],
    );
    fails(rtl(&dir).args(["--clock", "0"]), 2, &["--clock"]);
    fails(
        rtl(&dir).args(["--clock", "9", "--stages", "9"]),
        2,
        &["--stages"],
    );
    assert!(!dir.join("rtl").exists());
    succeeds(&mut rtl(&dir));
    fails(&mut rtl(&dir), 2, &["--force"]);
    succeeds(rtl(&dir).arg("--force"));
    fs::write(dir.join("rtl/notes.txt"), "mine").expect("a file");
    fails(
        rtl(&dir).arg("--force"),
        2,
        &["notes.txt", "nothing was written"],
    );
    let out = place.path("theirs");
    fs::create_dir(&out).expect("a directory");
    fs::write(out.join("thesis.tex"), "").expect("a file");
    fails(
        rtl(&dir).arg("--force").arg("-o").arg(&out),
        2,
        &["was not made by"],
    );

    // What says nothing about logic.
    fails(
        on_fabric("verify", &dir).arg("--checked"),
        2,
        &["--checked"],
    );
    fails(
        on_fabric("latency", &dir).args(["--core", "picorv32"]),
        2,
        &["--core"],
    );
    fails(
        on_fabric("latency", &dir).args(["--budget", "1us"]),
        2,
        &["--budget"],
    );
    let mut stream = cached(on_events("stream", &dir, &events(&place, 3)));
    stream.args(["--on", "fabric", "--arrivals", "fixed:1kHz"]);
    fails(&mut stream, 2, &["fabric", "a board is asked for"]);

    // Verilog of another program.
    fs::write(dir.join("program.txt"), SET.replace("3 -4 7", "3 -4 5")).expect("a file");
    fails(
        &mut on_fabric("verify", &dir),
        2,
        &["another program", "--force"],
    );
    let mut other = cached(hodoscope());
    other
        .arg("verify")
        .arg(&dir)
        .args(["--on", "native", "--rtl"])
        .arg(&out);
    fails(&mut other, 2, &["--rtl", "--on fabric"]);
}

/// The same program gives the same files.
#[test]
fn verilog_is_the_same_each_time() {
    let place = Place::new();
    let dir = handmade(&place, SET);
    let out = [place.path("one"), place.path("two")];
    for out in &out {
        succeeds(rtl(&dir).arg("-o").arg(out));
    }
    assert_eq!(tree(&out[0]), tree(&out[1]));
    let top = fs::read_to_string(out[0].join("tiny_set.v")).expect("Verilog");
    for port in [
        "input wire rst",
        "input wire in_last",
        "output wire out_over",
        "[6:0] met",
    ] {
        assert!(top.contains(port), "{port}: {top}");
    }
}
