//! The text form: it reads back as the same program, and no text makes the reader panic.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

mod support;

use hodoscope_program::Program;
use proptest::prelude::*;
use support::{ANY, programs};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_program_reads_back_as_itself(program in programs(ANY)) {
        program.verify().unwrap();
        let text = program.to_text();
        let read = Program::from_text(&text).unwrap();
        prop_assert_eq!(&read, &program);
        prop_assert_eq!(read.to_text(), text);
    }

    /// Bytes replaced, lines dropped, doubled and swapped: an error or a program, which verifies
    /// or is refused.
    #[test]
    fn mutated_text_never_panics(
        program in programs(ANY),
        edits in proptest::collection::vec((any::<u8>(), any::<u32>(), any::<u32>()), 1..6),
    ) {
        let mut text = program.to_text();
        for (kind, a, b) in edits {
            text = mutated(&text, kind, a as usize, b as usize);
        }
        if let Ok(program) = Program::from_text(&text) {
            // What is read can be written, and reads back.
            prop_assert_eq!(Program::from_text(&program.to_text()).ok(), Some(program.clone()));
            let _ = program.verify();
        }
    }

    #[test]
    fn garbage_never_panics(text in "(hodoscope-program 1\nprogram x\n)?\\PC{0,200}") {
        let _ = Program::from_text(&text);
    }
}

#[test]
fn a_step_that_is_no_finite_number_is_refused() {
    let text = "hodoscope-program 1\nprogram x\ninput a channels 1\n  field f unit \"1\" lsb 0.5 range 0 3 saturate empty 0\nvalue v [1] u2 lsb 0.5 = input a\noutput y = v\n";
    Program::from_text(text).unwrap();
    for wrong in [
        text.replace("unit \"1\" lsb 0.5", "unit \"1\" lsb inf"),
        text.replace("u2 lsb 0.5", "u2 lsb 1e999"),
    ] {
        let error = Program::from_text(&wrong).unwrap_err().to_string();
        assert!(error.contains("a step of inf"), "{error}");
    }
}

fn mutated(text: &str, kind: u8, a: usize, b: usize) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut lines: Vec<&str> = text.lines().collect();
    let (wa, wb) = (a % words.len(), b % words.len());
    let (la, lb) = (a % lines.len(), b % lines.len());
    match kind % 7 {
        0 => words.swap(wa, wb),
        1 => drop(words.remove(wa)),
        2 => {
            words[wa] = [
                "0",
                "-1",
                "99999999999999999999",
                "i64",
                "\"",
                "[",
                "]",
                "é",
                "i0",
                "1e999",
            ][b % 10]
        }
        3 => {
            lines.swap(la, lb);
            return lines.join("\n");
        }
        4 => {
            lines.remove(la);
            return lines.join("\n");
        }
        5 => {
            lines.insert(lb, lines[la]);
            return lines.join("\n");
        }
        _ => {
            let mut chars: Vec<char> = text.chars().collect();
            let at = a % chars.len();
            chars[at] = char::from_u32((b % 0x3000) as u32).unwrap_or('"');
            return chars.into_iter().collect();
        }
    }
    words.join(" ")
}

/// The example in the documentation of the text form.
const TINY: &str = r#"hodoscope-program 1
program tiny
set constituents capacity 4
input x set constituents channels 2
  field pt unit "GeV" lsb 0.25 range 0 255 saturate empty 0
  field deta unit "" lsb 0.01 range -64 63 saturate empty 0
live constituents x[0] above 0
order constituents x[0]
constant w i8 [1, 2]
  3 -4
constant b i32 [1]
  7
value words [constituents, 2] i9 lsb 0.25 0.01 = input x
value dense [constituents, 1] i32 frac 5 = dense words weights w bias b
value pooled [1] i32 frac 5 = sum dense
output score = pooled
"#;

#[test]
fn the_documented_example_verifies() {
    let program = Program::from_text(TINY).unwrap();
    program.verify().unwrap();
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(flat(&program.to_text()), flat(TINY));
}

#[test]
fn line_breaks_and_comments_mean_nothing() {
    let program = Program::from_text(TINY).unwrap();
    let other = TINY.replace('\n', "# a comment \" [\r\n\t");
    assert_eq!(Program::from_text(&other).unwrap(), program);
}

#[test]
fn what_is_no_program_is_refused_at_its_line() {
    let check = |from: &str, to: &str, line: usize, reason: &str| {
        assert!(TINY.contains(from), "{from}");
        let error = Program::from_text(&TINY.replacen(from, to, 1)).unwrap_err();
        assert!(error.reason.contains(reason), "{error}");
        assert_eq!(error.line, line, "{error}");
    };
    check(
        "hodoscope-program 1",
        "hodoscope-program 2",
        1,
        "format version 2",
    );
    check(
        "hodoscope-program",
        "program",
        1,
        "'hodoscope-program' is wanted",
    );
    check("capacity 4", "capacity four", 3, "'four' is not a number");
    check(
        "set constituents channels",
        "set others channels",
        4,
        "'others' is not defined",
    );
    check("saturate", "clip", 5, "not saturate or wrap");
    check("unit \"GeV\"", "unit \"GeV", 5, "closing quote");
    check("above 0", "below 0", 7, "not above or not");
    check("i8 [1, 2]", "f32 [1, 2]", 9, "'f32' is not an integer type");
    check("i8 [1, 2]", "u64 [1, 2]", 9, "'u64' is not an integer type");
    check("i8 [1, 2]", "i8 [1 2]", 9, "',' is wanted");
    check("constant b", "constant w", 11, "'w' is defined twice");
    check(
        "frac 5 = dense",
        "frac 5 = tense",
        14,
        "'tense' is not an operation",
    );
    check("frac 5 = dense", "frac 5000 = dense", 14, "±1000");
    check("weights w", "weights v", 14, "'v' is not defined");
    check("= pooled", "= words2", 16, "'words2' is not defined");
    check("capacity 4", "capacity 04", 3, "'04' is not a number");
    check("capacity 4", "capacity +4", 3, "'+4' is not a number");
    check("range 0 255", "range -0 255", 5, "'-0' is not a number");
    check("lsb 0.25 range", "lsb +0.25 range", 5, "'+0.25' is not");
    check("lsb 0.25 range", "lsb 00.25 range", 5, "'00.25' is not");
    check("w i8", "w i+8", 9, "'i+8' is not an integer type");
    check("w i8", "w i08", 9, "'i08' is not an integer type");
    check("program 1", "program 01", 1, "'01' is not a number");
    check("constant b", "constant \"b\"", 11, "a word is wanted");
    let live = "live constituents x[0] above 0";
    check(
        live,
        &format!("{live} {live}"),
        7,
        "the live rule of 'constituents' stands twice",
    );
    check(live, "", 16, "the set 'constituents' has no live rule");
    let order = "order constituents x[0]";
    check(
        order,
        &format!("{order} {order}"),
        8,
        "the order of 'constituents' stands twice",
    );
    check(
        "output score",
        "outlet score",
        16,
        "'outlet' starts no statement",
    );
}
