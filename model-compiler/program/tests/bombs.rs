//! Texts that ask for more time or memory than there is: each is judged within 10 s, and all of them within 512 MB.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

use std::fmt::Write;
use std::time::Duration;

use hodoscope_program::Program;

/// Bytes of the longest text that a bomb fills.
const LONG: usize = 10_000_000;

const HEAD: &str = "hodoscope-program 1\nprogram bomb\n";
const X: &str = "input x channels 1\n field f unit \"\" lsb 1.0 range 0 255 saturate empty 0\nvalue x [1] u8 frac 0 = input x\n";

/// An input of `channels` bytes, and its value `x`.
fn wide(channels: usize) -> String {
    format!(
        "{HEAD}input x channels {channels}\n field f unit \"\" lsb 1.0 range 0 255 saturate empty 0\nvalue x [{channels}] u8 frac 0 = input x\n"
    )
}

/// `start`, then statements by their number until the text is `length` long.
fn filled(start: String, length: usize, statement: impl Fn(usize) -> String) -> String {
    let mut text = start;
    for index in 0.. {
        let next = statement(index);
        if text.len() + next.len() > length {
            break;
        }
        text += &next;
    }
    text
}

/// Time that this thread has computed: other tests share the machine.
fn computed() -> Duration {
    match std::fs::read_to_string("/proc/thread-self/schedstat") {
        Ok(times) => Duration::from_nanos(times.split(' ').next().unwrap().parse().unwrap()),
        Err(_) => {
            static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
            START.get_or_init(std::time::Instant::now).elapsed()
        }
    }
}

/// The text is refused, for `reason`, or is a program where there is none; soon.
fn judge(name: &str, text: &str, reason: Option<&str>) {
    assert!(text.len() <= LONG, "{name}: {}", text.len());
    let start = computed();
    let judged = Program::from_text(text)
        .map_err(|e| e.to_string())
        .and_then(|program| program.verify().map(|_| ()).map_err(|e| e.to_string()));
    let taken = computed() - start;
    println!("{name}: {} bytes, {taken:?}", text.len());
    match (judged, reason) {
        (Ok(()), None) => {}
        (Err(error), Some(reason)) => {
            assert!(error.contains(reason), "{name}: {error}");
            assert!(error.len() < 1000, "{name}: a message of {}", error.len());
        }
        (judged, reason) => panic!("{name}: {judged:?}, not {reason:?}"),
    }
    assert!(taken < Duration::from_secs(10), "{name}: {taken:?}");
}

/// One channel that is doubled 22 times: four million.
fn values_of_many_elements() {
    let doubled = (0..22).fold(format!("{HEAD}{X}"), |mut text, i| {
        let (before, channels) = (if i == 0 { "x".into() } else { format!("d{i}") }, 2 << i);
        let _ = writeln!(
            text,
            "value d{} [{channels}] u8 frac 0 = concat [{before}, {before}]",
            i + 1
        );
        text
    });
    judge("doubling", &doubled, Some("channels up to here"));
    let relus = |count: usize, channels: usize| {
        (0..count).fold(wide(channels), |mut text, i| {
            let _ = writeln!(text, "value r{i} [{channels}] u8 frac 0 = relu x");
            text
        })
    };
    judge("relus", &relus(30, 1 << 20), Some("channels up to here"));
    let one = relus(0, (1 << 24) + 1);
    judge("one value", &one, Some("more than 16777216 elements"));
    let moves = (0..200).fold(wide(1 << 20), |mut text, i| {
        let _ = writeln!(text, "value r{i} [1024, 1024] u8 frac 0 = reshape x");
        text
    });
    judge("reshapes", &moves, Some("up to here"));
    let set = format!(
        "{HEAD}set s capacity 65535\n{}live s always\n",
        wide(1 << 20)
            .replace(HEAD, "")
            .replace("x channels", "x set s channels")
            .replace("value x [", "value x [s, ")
    );
    judge("a full set", &set, Some("more than 16777216 elements"));
    let event = (0..20).fold(wide(4096), |mut text, i| {
        let _ = writeln!(text, "value m{i} [4096, 1] u8 frac 0 = reshape x");
        let _ = writeln!(
            text,
            "value p{i} [4096, 4096] u16 frac 0 = mat_mul m{i} m{i}"
        );
        text
    });
    judge("an event", &event, Some("elements up to here"));
}

/// What a short text names again and again.
fn constants_that_are_read_again() {
    let zeros = |count: usize| "0 ".repeat(count);
    let dense = format!(
        "{}constant w i8 [512, 512]\n{}\nconstant b i8 [512]\n{}\n",
        wide(512),
        zeros(512 * 512),
        zeros(512)
    );
    let text = filled(dense, LONG, |i| {
        format!("value d{i} [512] i8 frac 0 = dense x weights w bias b\n")
    });
    judge("dense", &text, Some("the proof takes more than"));
    let table = format!(
        "{}constant t i8 [65536]\n{}\n",
        wide(64)
            .replace("range 0 255", "range 0 65535")
            .replace("u8", "u16"),
        zeros(65536)
    );
    let text = filled(table, LONG, |i| {
        format!("value t{i} [64] i8 frac 0 = table x entries t\n")
    });
    judge("tables", &text, Some("up to here"));
    let text = format!(
        "{}constant t i8 [65536]\n{}\nvalue t [1000000] i8 frac 0 = table x entries t\noutput y = t\n",
        wide(1_000_000)
            .replace("range 0 255", "range 0 65535")
            .replace("u8", "u16"),
        zeros(65536)
    );
    judge("a wide table", &text, None);
}

/// Nodes that lead to one another: a walk of 255 steps reaches all of them at each.
fn trees_with_loops() {
    let (nodes, trees) = (100_000usize, 100_000);
    let mut text = wide(8);
    let _ = writeln!(text, "constant n i32 [{nodes}, 4]");
    for i in 0..nodes {
        let (yes, no) = ((i * 7919 + 13) % nodes, (i * 104_729 + 77) % nodes);
        let _ = writeln!(text, "{} 100 {yes} {no}", i % 8);
    }
    let _ = writeln!(
        text,
        "constant r i32 [{trees}, 2]\n{}",
        "5 255 ".repeat(trees)
    );
    let _ = writeln!(text, "constant l i8 [{nodes}, 1]\n{}", "1 ".repeat(nodes));
    text += "value y [1] i32 frac 0 = trees x nodes n first 0 roots r leaves l sum\noutput y = y\n";
    judge("trees", &text, Some("the proof takes more than"));
}

/// Ten megabytes of whatever takes most memory or time per byte.
fn long_texts() {
    let start = format!("{HEAD}{X}");
    let long = |start: String, statement: &dyn Fn(usize) -> String, end: &str| {
        filled(start, LONG - end.len(), statement) + end
    };
    let same = |word: &'static str| move |_| word.to_owned();
    let value = |head: &str| format!("{start}value y {head}");
    let field = "field f unit\"\"lsb 1 range 0 1 saturate empty 0";
    let text = long(format!("{start}constant c i8 ["), &same("["), "");
    judge("marks", &text, Some("a word is wanted here"));
    let text = long(value("[1"), &same(",1"), "] u8 frac 0 = relu x");
    judge("axes", &text, Some("more than 8 axes"));
    let text = long(format!("{start}constant y u8 [1"), &same(",1"), "] 0");
    judge("axes of a constant", &text, Some("more than 8 axes"));
    let text = long(value("[1] u8 frac 0 = concat [x"), &same(",x"), "]");
    judge("parts", &text, Some("shape Shape([Fixed(1)]) where"));
    let text = long(format!("{start}constant c u8 [1]"), &same(" 0"), "");
    judge("numbers", &text, Some("has not"));
    let relu = |i| format!("value a{i:x} [1]u8 frac 0=relu x ");
    judge("values", &long(start.clone(), &relu, "output y = x"), None);
    let input = |i| format!("input a{i} channels 1 {field} value a{i} [1]u1 frac 0=input a{i} ");
    judge("inputs", &long(HEAD.into(), &input, ""), Some("no output"));
    let set =
        |i| format!("set a{i} capacity 1 input a{i} set a{i} channels 1 {field} live a{i} always ");
    let text = long(HEAD.into(), &set, "");
    judge("sets", &text, Some("0 values, not one"));
    let output = |i| format!("output a{i}=x ");
    judge("outputs", &long(start.clone(), &output, ""), None);
}

/// Memory is what this process had at most: texts, and whatever judged them.
#[test]
fn every_text_is_judged_in_bounded_time_and_memory() {
    values_of_many_elements();
    constants_that_are_read_again();
    trees_with_loops();
    long_texts();
    if cfg!(target_os = "linux") {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        println!("{line}");
        assert!(kilobytes < 512 * 1024, "{line}");
    }
}
