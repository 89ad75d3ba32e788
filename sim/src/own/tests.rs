use super::*;

const PROGRAM: &str = r#"hodoscope-program 1
program small
set jet capacity 3
input x set jet channels 2
  field pt unit "GeV" lsb 0.25 range 0 1000 saturate empty 0
  field eta unit "" lsb 0.01 range -64 63 saturate empty 0
live jet x[0] above 7
order jet x[0]
constant w i8 [2, 2]
  3 -4
  -5 6
constant b i32 [2]
  7 -900
constant t i8 [256]
"#;

fn program() -> Program {
    let entries: Vec<String> = (0..256i32).map(|i| (i / 3 - 40).to_string()).collect();
    let text = format!(
        "{PROGRAM}{}\n{}",
        entries.join(" "),
        r#"value x [jet, 2] i11 lsb 0.25 0.01 = input x
value dense [jet, 2] i32 frac 0 = dense x weights w bias b
value relu [jet, 2] i32 frac 0 = relu dense
value sum [2] i32 frac 0 = sum relu
value q [2] i8 frac 0 = rescale sum by 1 plus 0 shift 4 rnd sat
value table [2] i8 frac 0 = table q entries t
output y = table
"#
    );
    Program::from_text(&text).unwrap()
}

#[test]
fn own_events_reach_what_there_is() {
    let program = program();
    let interpreter = Interpreter::new(&program).unwrap();
    let make = || {
        let mut coverage = Coverage::new(&program, interpreter.proof());
        let own = events(&interpreter, &[], 1500, 1, &mut coverage).unwrap();
        (own.events, coverage)
    };
    let (own, coverage) = make();
    assert_eq!(own, make().0);
    assert_eq!(own.len(), 1500);
    let set = &coverage.sets[0];
    assert_eq!(Vec::from_iter(&set.multiplicities), [&0, &1, &2, &3]);
    assert!(set.beyond > 20 && set.holes > 20, "{set:?}");
    for reached in &coverage.reached {
        let (name, kind) = (&program.value(reached.value).name, reached.kind);
        let (seen, possible) = (reached.seen(), reached.possible());
        println!("{name} {kind:?}: {seen} of {possible}");
        match kind {
            // From −0, which no sum of positive terms goes below.
            Kind::Cell => assert!((110..=128).contains(&seen), "{seen} of {possible}"),
            _ => assert_eq!(seen, possible, "{name}"),
        }
    }
    // Entries of what is not negative: 128 / 3 to 255 / 3.
    assert_eq!(coverage.outputs[0].distinct.len(), 44);
}

#[test]
fn what_the_live_rule_compares_with_is_among_the_words() {
    let program = program();
    let interpreter = Interpreter::new(&program).unwrap();
    let mut coverage = Coverage::new(&program, interpreter.proof());
    let own = events(&interpreter, &[], 60, 1, &mut coverage).unwrap();
    let words: Vec<i64> = own
        .events
        .iter()
        .flat_map(|(e, _)| e.inputs[0].iter().copied())
        .collect();
    for word in [6, 7, 8, 0, 1000, 1001, 1023, 32767, -1, -65, -64, 63, 64] {
        let stored = words.contains(&word);
        assert!(stored || word == 1023, "{word}");
    }
}
