//! Menus of several models.

use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;

use crate::*;

/// Events of the long comparison; `HODOSCOPE_MENU=100000` takes more.
fn count() -> usize {
    let asked = std::env::var("HODOSCOPE_MENU").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

/// Three models, and files of `count` events for them with a tick each: jets for the taggers, which read the same words, and events for
/// the autoencoder.
struct Trigger {
    place: Place,
    jets: PathBuf,
    events: PathBuf,
}

impl Trigger {
    fn new(count: usize) -> Self {
        Self::with(count, true)
    }

    /// With ticks in the files, or without.
    fn with(count: usize, has_ticks: bool) -> Self {
        let place = Place::new();
        for name in ["pfn-qg", "efn-top", "ae-qcd"] {
            let folder = models().join(name);
            let mut command = compile(
                &folder.join("model.onnx"),
                &folder.join("calibration.npz"),
                &place.path(name),
            );
            succeeds(command.arg("--accept-loss"));
        }
        let drawn = |file: &str, from: &str| {
            let path = models().join(from).join("test.npz");
            let mut npz =
                NpzReader::new(fs::File::open(path).expect("a file")).expect("an archive");
            let x: ArrayD<f32> = npz.by_name("x").expect("an input");
            let len = x.shape()[0];
            // Another order each time round.
            let order: Vec<usize> = (0..count).map(|n| (n * 7 + n / len) % len).collect();
            let x = x.select(Axis(0), &order);
            // Bursts and gaps, and the end of 32 bits in the middle.
            let middle = count as u32 / 2;
            let tick = |n: u32| {
                let steady = n.wrapping_sub(middle).wrapping_mul(3);
                steady.wrapping_add(n % 7 * (n % 2))
            };
            let ticks = ndarray::Array1::from_iter((0..count as u32).map(tick));
            place.npz(file, |writer| {
                writer.add_array("x", &x).expect("an array");
                if has_ticks {
                    writer.add_array("tick", &ticks).expect("an array");
                }
            })
        };
        let jets = drawn("jets.npz", "pfn-qg");
        let events = drawn("events.npz", "ae-qcd");
        Self {
            place,
            jets,
            events,
        }
    }

    fn menu(&self, name: &str, lines: &str) -> PathBuf {
        let path = self.place.path(&format!("{name}.toml"));
        let text = format!(
            "schema = 1\nname = \"{name}\"\n[models]\nqg = \"pfn-qg\"\ntop = \"efn-top\"\nodd = \"ae-qcd\"\n{lines}"
        );
        fs::write(&path, text).expect("a file");
        path
    }

    fn replay(&self, menu: &Path, on: &str) -> Command {
        let mut command = self.on_events("replay", menu);
        command.args(["--on", on]);
        command
    }

    /// On a board of 100 MHz: the taggers take 1.5 ms for a jet of 32, the autoencoder 0.1.
    fn stream(&self, menu: &Path, arrivals: &str) -> Command {
        let mut command = self.on_events("stream", menu);
        command.args(["--clock", "100MHz", "--search-events", "0"]);
        command.args(["--arrivals", arrivals]);
        for cycles in ["qg=1000+2000*n", "top=1000+2500*n", "odd=10000"] {
            command.args(["--cycles", cycles]);
        }
        command
    }

    fn on_events(&self, name: &str, menu: &Path) -> Command {
        let mut command = cached(hodoscope());
        command.arg(name).arg(menu);
        for (model, path) in [
            ("qg", &self.jets),
            ("top", &self.jets),
            ("odd", &self.events),
        ] {
            command
                .arg("--inputs")
                .arg(format!("{model}={}", path.display()));
        }
        command
    }
}

const FIRST: &str = r#"
[[line]]
name = "quark"
when = "qg.logit >= 0.5 and not top.probability >= 0.6"
prescale = 3

[[line]]
name = "odd"
when = "odd.score >= 0"
veto = "within(qg.logit >= 1.0, 4) or random(0.1, 9)"
keep = 0.4
seed = 3

[[line]]
name = "both"
when = "within(qg.logit >= 1.0, 6) and within(top.probability >= 0.6, 6)"

[[line]]
name = "unbiased"
when = "always"
keep = 0.01
seed = 11

[[line]]
name = "random"
when = "random(0.02, 5)"

[[line]]
name = "tight"
when = "top.probability >= 0.5 or qg.logit >= 1.5"
shadow = true
"#;

/// Other prescales, another veto, fewer lines.
const SECOND: &str = r#"
[[line]]
name = "top"
when = "top.probability >= 0.4"
veto = "qg.logit < -1.0"
prescale = 2

[[line]]
name = "unbiased"
when = "always"
prescale = 50
"#;

fn agrees(report: &Value, events: u64) {
    for key in [
        "bits_different",
        "events_different",
        "lines_different",
        "decisions_different",
    ] {
        assert_eq!(report[key], 0, "{report}");
    }
    assert_eq!(report["events"], events);
    assert_eq!(report["decided"], events);
    assert_eq!(report["runs"][0]["board"]["accepted"], report["accepted"]);
}

/// `[condition, fired, kept]` of a line.
fn counts(report: &Value, menu: usize, line: usize) -> [u64; 3] {
    let line = &report["menus"][menu]["lines"][line];
    ["condition", "fired", "kept"].map(|key| line[key].as_u64().expect("a count"))
}

#[test]
fn a_board_decides_by_a_menu_as_the_golden_interpreter_and_changes_it_at_an_event() {
    let count = count();
    let trigger = Trigger::new(count);
    let first = trigger.menu("first", FIRST);
    let second = trigger.menu("second", SECOND);
    let mut command = trigger.replay(&first, "native");
    let change = count * 6 / 10;
    command
        .arg("--change")
        .arg(format!("{}@{change}", second.display()));
    let report = json(&mut command);
    agrees(&report, count as u64);
    assert_eq!(report["menus"][1]["first_event"], change);
    assert_ne!(report["menus"][0]["hash"], report["menus"][1]["hash"]);
    // Every line does something, and what it should.
    let before = change as u64;
    let [condition, fired, kept] = counts(&report, 0, 0);
    assert_eq!((condition, kept), (fired, fired / 3));
    let [condition, fired, kept] = counts(&report, 0, 1);
    assert!(condition > fired && fired > kept && kept > 0, "{report}");
    let [condition, _, kept] = counts(&report, 0, 2);
    assert!(
        condition == kept && kept > 0 && kept < before / 2,
        "{report}"
    );
    let [condition, fired, kept] = counts(&report, 0, 3);
    assert_eq!((condition, fired), (before, before));
    // Six standard errors.
    let near = |count: u64, share: f64| {
        let mean = before as f64 * share;
        (count as f64 - mean).abs() < 6.0 * mean.sqrt()
    };
    assert!(near(kept, 0.01), "{kept}");
    assert!(near(counts(&report, 0, 4)[2], 0.02), "{report}");
    let after = (count - change) as u64;
    assert_eq!(counts(&report, 1, 1), [after, after, after / 50]);
    let [condition, fired, kept] = counts(&report, 1, 0);
    assert!(condition > fired && kept == fired / 2, "{report}");
}

#[test]
fn an_emulated_board_decides_by_a_menu() {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some() {
        eprintln!("SKIPPED: there are no emulators, and that was allowed");
        return;
    }
    let trigger = Trigger::new(400);
    // Two names for one model: it is in the firmware once, and reads the same words.
    let first = trigger.menu("first", FIRST);
    let text = fs::read_to_string(&first).expect("a file");
    let again = text.replace("qg = ", "again = \"pfn-qg\"\nqg = ");
    fs::write(&first, again.replacen("qg.logit", "again.logit", 1)).expect("a file");
    let second = trigger.menu("second", SECOND);
    let mut command = trigger.replay(&first, "nucleo-f446re");
    command
        .arg("--inputs")
        .arg(format!("again={}", trigger.jets.display()));
    command
        .arg("--change")
        .arg(format!("{}@250", second.display()));
    let report = json(&mut command);
    agrees(&report, 400);
    assert_eq!(report["firmware"]["app"], "stm32f4");
    let mut dry = cached(hodoscope());
    dry.arg("flash")
        .arg(&first)
        .args(["--on", "nucleo-f446re", "--dry-run"]);
    let dry = json(&mut dry);
    assert_eq!(dry["program_sha256"], report["firmware"]["program_sha256"]);
}

#[test]
fn a_stream_decides_by_a_menu_as_a_board() {
    let count = 2000;
    let trigger = Trigger::with(count, false);
    let first = trigger.menu("first", FIRST);
    let second = trigger.menu("second", SECOND);
    let change = format!("{}@1200", second.display());
    // Nothing is lost, and an event comes at each tick: what a board decides whose events' ticks are their numbers.
    let mut stream = trigger.stream(&first, "fixed:100Hz");
    stream.args(["--events", "2000", "--order", "cycle", "--tick", "10ms"]);
    let streamed = json(stream.args(["--change", &change]));
    let mut replay = trigger.replay(&first, "native");
    let replayed = json(replay.args(["--change", &change]));
    assert_eq!(streamed["lost_events"], 0);
    assert_eq!(streamed["evaluators_different_events"], 0);
    assert_eq!(streamed["service_largest_us"], 20.0 + 1440.0 + 100.0);
    for (of, at) in [(&FIRST, 0), (&SECOND, 1)] {
        let (streamed, replayed) = (&streamed["menus"][at], &replayed["menus"][at]);
        assert_eq!(streamed["hash"], replayed["hash"]);
        for line in 0..of.matches("[[line]]").count() {
            let (of, board) = (&streamed["lines"][line], &replayed["lines"][line]);
            assert_eq!(of["name"], board["name"]);
            assert_eq!(of["arrived_events"], of["condition_events"]);
            for key in ["condition", "fired", "kept"] {
                assert_eq!(of[format!("{key}_events")], board[key], "{of} {board}");
            }
        }
    }
    let accepted = |at: usize| streamed["menus"][at]["accepted_events"].as_u64();
    let both = accepted(0).zip(accepted(1)).map(|(one, other)| one + other);
    assert_eq!(both, replayed["accepted"].as_u64());

    // A board that is busy most of the time: the lines see what it computes, and a rate is a number in a time.
    let mut busy = trigger.stream(&first, "poisson:3kHz");
    let report = json(busy.args(["--events", "50000", "--tick", "1us"]));
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap_or(f64::NAN);
    let lost = number(&report, "drop_fraction");
    assert!(lost > 0.5, "{lost}");
    assert_eq!(report["sample_events"], count);
    let (decided, menu) = (number(&report, "decided_events"), &report["menus"][0]);
    assert_eq!(number(menu, "decided_events"), decided);
    let always = &menu["lines"][3];
    assert_eq!(number(always, "condition_events"), decided);
    assert_eq!(number(always, "arrived_events"), 50_000.0);
    let off = number(always, "arrived_hz") / 3000.0 - 1.0;
    assert!(off.abs() < 0.03, "{off}");
    let live = number(&report, "live_time_s") / number(&report, "duration_s");
    let share = number(always, "condition_hz") / number(always, "arrived_hz");
    assert!((live - share).abs() < 0.02, "{live} {share}");
    let text = succeeds(
        trigger
            .stream(&first, "lhc:1kHz")
            .args(["--events", "2000"]),
    );
    for part in [
        "menu first",
        "after veto",
        "tight (shadow)",
        "0 differently",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_makes_no_stream_of_a_menu_is_said() {
    let trigger = Trigger::new(20);
    let first = trigger.menu("first", FIRST);
    let second = trigger.menu("second", SECOND);
    let refused = |menu: &Path, arguments: &[&str], names: &[&str]| {
        let mut command = trigger.stream(menu, "fixed:1kHz");
        fails(command.args(arguments), 2, names);
    };
    refused(&first, &[], &["tick", "--tick 25ns"]);
    refused(&second, &["--tick", "1us"], &["--tick", "no line"]);
    refused(
        &first,
        &["--tick", "2ns", "--ticks", "cycles"],
        &["whole number", "--tick"],
    );
    refused(&second, &["--cycles", "5"], &["MODEL=5", "qg"]);
    refused(&second, &["--cycles", "qg=5"], &["`qg`", "already"]);
    refused(
        &second,
        &["--link", "1Mbit/s", "--input", "streaming"],
        &["--input streaming", "whole event"],
    );
    let change = format!("{}@15", first.display());
    refused(
        &second,
        &["--change", &change, "--tick", "1us", "--events", "10"],
        &["--change", "before event 10"],
    );
    // 20 arrive, and the board has no time for most of them.
    let mut late = trigger.stream(&second, "fixed:100kHz");
    late.args(["--change", &change, "--tick", "1us", "--events", "20"]);
    let (code, _, err) = ends(&mut late);
    assert!(code == 2 && err.contains("events are computed"), "{err}");
    let mut model = on_events("stream", &trigger.place.path("pfn-qg"), &trigger.jets);
    model.args([
        "--clock",
        "1MHz",
        "--cycles",
        "9",
        "--arrivals",
        "fixed:1Hz",
    ]);
    fails(model.args(["--tick", "1us"]), 2, &["--tick", "no menu"]);
}

#[test]
fn what_is_wrong_with_a_menu_is_said() {
    let trigger = Trigger::new(20);
    let first = trigger.menu("first", FIRST);
    let second = trigger.menu("second", SECOND);
    let wrong = trigger.menu("wrong", &SECOND.replace("top.probability", "top.logit"));
    fails(
        &mut trigger.replay(&wrong, "native"),
        2,
        &[
            "wrong.toml",
            "line `top`",
            "no output `logit`",
            "probability",
        ],
    );
    let missing = trigger.menu(
        "missing",
        &SECOND.replace(
            "[[line]]\nname = \"top\"",
            "[models.x]\n[[line]]\nname = \"top\"",
        ),
    );
    fails(
        &mut trigger.replay(&missing, "native"),
        2,
        &["missing.toml"],
    );
    let with = |arguments: &[&str]| {
        let mut command = trigger.replay(&first, "native");
        command.args(arguments);
        command
    };
    let at = |event: &str| format!("{}@{event}", second.display());
    fails(
        &mut with(&["--change", &at("20")]),
        2,
        &["--change", "before event 20"],
    );
    fails(&mut with(&["--change", "x"]), 2, &["--change x", "@5000"]);
    fails(&mut with(&["--threshold", "3"]), 2, &["--threshold"]);
    fails(&mut with(&["--events", "21"]), 2, &["20 to 20 events"]);
    fails(
        &mut with(&["--inputs", "qg=y.npz"]),
        2,
        &["`qg` has a file already"],
    );
    let mut one = cached(hodoscope());
    one.arg("replay")
        .arg(&first)
        .args(["--on", "native", "--inputs", "qg=x.npz"]);
    fails(&mut one, 2, &["give events for `odd`", "--inputs odd="]);
    // Two names for one model: its words are there once.
    let twice = trigger.menu("twice", SECOND);
    let text = fs::read_to_string(&twice).expect("a file");
    fs::write(&twice, text.replace("qg = ", "again = \"pfn-qg\"\nqg = ")).expect("a file");
    let mut two = cached(hodoscope());
    two.arg("replay").arg(&twice).args(["--on", "native"]);
    for (model, path) in [("top", &trigger.jets), ("odd", &trigger.events)] {
        two.arg("--inputs")
            .arg(format!("{model}={}", path.display()));
    }
    two.args(["--inputs", "qg=a.npz", "--inputs", "again=b.npz"]);
    fails(&mut two, 2, &["`again` and `qg`", "give both one file"]);
    // A model is no menu.
    let mut model = cached(hodoscope());
    model
        .arg("replay")
        .arg(trigger.place.path("pfn-qg"))
        .args(["--on", "native", "--inputs"]);
    model.arg(&trigger.jets).args(["--change", &at("3")]);
    fails(&mut model, 2, &["--change", "no menu"]);
}
