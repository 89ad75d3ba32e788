use std::collections::BTreeMap;
use std::path::Path;

use hodoscope_menu as board;
use proptest::prelude::*;

use super::*;

fn models() -> BTreeMap<String, Vec<ModelOutput>> {
    let output = |name: &str, lsbs: &[f64]| ModelOutput {
        name: name.to_owned(),
        lsbs: lsbs.to_vec(),
    };
    BTreeMap::from([
        ("odd".to_owned(), vec![output("score", &[0.1])]),
        (
            "qg".to_owned(),
            vec![output("logit", &[0.25]), output("class", &[1.0, 1.0, 0.5])],
        ),
    ])
}

fn menu(lines: &str) -> Result<Menu, MenuError> {
    let text = format!("schema = 1\nname = \"test\"\n[models]\nqg = \"a\"\nodd = \"b\"\n{lines}");
    let file = MenuFile::parse(&text, Path::new("menu.toml"))?;
    Menu::resolve(&file, &models())
}

fn line(text: &str) -> String {
    format!("[[line]]\nname = \"l\"\n{text}\n")
}

#[test]
fn names_become_raws_and_values_thresholds() {
    let score = |text: &str| {
        menu(&line(&format!("when = \"{text}\""))).map(|menu| menu.lines[0].when.clone())
    };
    let at = |raw, threshold| Condition::Score { raw, threshold };
    // The tick is raw 0, then `odd`, then `qg`.
    assert_eq!(score("odd.score >= 0.3").unwrap(), at(1, 3));
    assert_eq!(score("odd.score >= 0.31").unwrap(), at(1, 4));
    assert_eq!(score("qg.logit >= -0.5").unwrap(), at(2, -2));
    assert_eq!(score("qg.logit >= -7 raw").unwrap(), at(2, -7));
    assert_eq!(score("qg.class:2 >= 1e0").unwrap(), at(5, 2));
    assert_eq!(
        score("qg.class:1<2").unwrap(),
        Condition::Not(Box::new(at(4, 2)))
    );
    // `and` binds more tightly than `or`, `not` most tightly.
    let a = || at(1, 1);
    let b = || at(2, 4);
    assert_eq!(
        score("odd.score >= 1 raw or not qg.logit >= 1 and odd.score >= 1 raw").unwrap(),
        Condition::Any(vec![
            a(),
            Condition::All(vec![Condition::Not(Box::new(b())), a()])
        ])
    );
    assert_eq!(
        score("within(odd.score >= 1 raw or always, 7)").unwrap(),
        Condition::Within(Box::new(Condition::Any(vec![a(), Condition::Always])), 7)
    );
}

#[test]
fn what_is_wrong_is_named() {
    let wrong = |lines: &str, words: &[&str]| {
        let error = menu(lines).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "`{word}` is not in: {error}");
        }
    };
    wrong("", &["0 lines"]);
    wrong("what = 1", &["menu.toml", "what"]);
    let of = |text: &str| line(text);
    wrong(
        &of("when = \"x.y >= 1\""),
        &["line `l`", "no model `x`", "odd, qg"],
    );
    wrong(
        &of("when = \"qg.y >= 1\""),
        &["no output `y`", "logit, class"],
    );
    wrong(
        &of("when = \"qg.class >= 1\""),
        &["3 channels", "qg.class:0 to qg.class:2"],
    );
    wrong(&of("when = \"qg.class:3 >= 1\""), &["3 channels"]);
    wrong(&of("when = \"qg.logit >= 1e300\""), &["out of the range"]);
    wrong(
        &of("when = \"qg.logit >= 1 and\""),
        &["when", "expected at `the end`"],
    );
    wrong(&of("when = \"qg.logit > 1\""), &["sign", "`>`"]);
    wrong(&of("when = \"(always\""), &["`)` is expected at `the end`"]);
    wrong(&of("when = \"always always\""), &["at `always`"]);
    wrong(&of("when = \"random(0.5)\""), &["`,` is expected"]);
    wrong(&of("when = \"random(1.5, 1)\""), &["chance of 1.5"]);
    wrong(&of("when = \"random(0, 1)\""), &["chance of 0"]);
    wrong(&of("when = \"within(always, -1)\""), &["ticks"]);
    wrong(
        &of("when = \"always\"\nveto = \"qg\""),
        &["veto", "`.` is expected"],
    );
    wrong(&of("when = \"always\"\nprescale = 0"), &["1 or more"]);
    wrong(&of("when = \"always\"\nkeep = 0.5"), &["give a seed"]);
    wrong(&of("when = \"always\"\nseed = 5"), &["without keep"]);
    wrong(
        &of("when = \"always\"\nprescale = 2\nkeep = 0.5\nseed = 1"),
        &["one of them"],
    );
    wrong(
        &of("when = \"always\"\nkeep = 1.0\nseed = 1"),
        &["chance of 1"],
    );
    wrong(&of("when = \"always\"").repeat(2), &["two lines", "`l`"]);
    wrong(
        &line("when = \"always\"").replace("\"l\"", "\"l l\""),
        &["`l l` is no name"],
    );
    let text = "schema = 1\nname = \"m\"\n[models]\nnot = \"a\"\n";
    let error = MenuFile::parse(
        &format!("{text}{}", of("when = \"always\"")),
        Path::new("m"),
    );
    assert!(error.unwrap_err().to_string().contains("called `not`"));
    let many: String = (0..33)
        .map(|n| line("when = \"always\"").replace("\"l\"", &format!("\"l{n}\"")))
        .collect();
    wrong(&many, &["33 lines"]);
    let deep = format!("when = \"{}always{}\"", "(".repeat(40), ")".repeat(40));
    wrong(&of(&deep), &["too many brackets"]);
    wrong(
        &of(&format!("when = \"{}always\"", "not ".repeat(100_000))),
        &["too many `not`"],
    );
    let scores: Vec<String> = (0..40).map(|n| format!("odd.score >= {n} raw")).collect();
    let error = menu(&of(&format!("when = \"{}\"", scores.join(" or "))));
    let error = error.unwrap().code().unwrap_err().to_string();
    assert!(error.contains("79 nodes"), "{error}");
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        Just(Condition::Always),
        (1_usize..4, -3_i64..4).prop_map(|(raw, threshold)| Condition::Score { raw, threshold }),
        (any::<u32>(), 0_u32..3).prop_map(|(chance, seed)| Condition::Random { chance, seed }),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Condition::Not(Box::new(inner))),
            some.clone().prop_map(Condition::All),
            some.prop_map(Condition::Any),
            (inner, prop_oneof![0_u32..6, any::<u32>()])
                .prop_map(|(inner, ticks)| Condition::Within(Box::new(inner), ticks)),
        ]
    })
}

fn random_line() -> impl Strategy<Value = Line> {
    let prescale = prop_oneof![
        (1_u32..6).prop_map(Prescale::Every),
        (any::<u32>(), any::<u32>()).prop_map(|(chance, seed)| Prescale::Keep { chance, seed }),
    ];
    (
        condition(),
        prop::option::of(condition()),
        prescale,
        any::<bool>(),
    )
        .prop_map(|(when, veto, prescale, shadow)| Line {
            name: String::new(),
            when,
            veto,
            prescale,
            shadow,
        })
}

fn random_menu() -> impl Strategy<Value = Menu> {
    prop::collection::vec(random_line(), 1..4).prop_map(|lines| Menu {
        name: "random".to_owned(),
        lines,
    })
}

type Events = Vec<(u32, [i64; 3])>;

fn events() -> impl Strategy<Value = Events> {
    // Steps of time, some of them backwards or over the end of 32 bits.
    let step = prop_oneof![6 => 0_u32..5, 1 => any::<u32>(), 1 => (0_u32..5).prop_map(|n| 0_u32.wrapping_sub(n))];
    let event = (step, [-4_i64..5, -4_i64..5, -4_i64..5]);
    prop::collection::vec(event, 1..120).prop_map(|events| {
        let mut tick = u32::MAX - 50;
        events
            .into_iter()
            .map(|(step, raws)| {
                tick = tick.wrapping_add(step);
                (tick, raws)
            })
            .collect()
    })
}

fn agree(golden: Decided, verdict: board::Verdict) {
    let Decided {
        condition,
        fired,
        kept,
        accept,
    } = golden;
    let expected = board::Verdict {
        condition,
        fired,
        kept,
        accept,
    };
    assert_eq!(expected, verdict);
}

proptest! {
    /// What boards compute by, and the golden interpreter, on random menus with a change in the middle, after another run.
    #[test]
    fn boards_decide_as_the_golden_interpreter(
        first in random_menu(),
        second in random_menu(),
        events in events(),
        before in 0_usize..10,
    ) {
        let (Ok(code), Ok(other)) = (first.code(), second.code()) else {
            // More nodes than there may be.
            return Ok(());
        };
        let change = events.len() / 2;
        let mut staged = board::Staged::new(&code, 4).expect("a menu");
        let raws = |&(tick, [a, b, c]): &(u32, [i64; 3])| [i64::from(tick), a, b, c];
        for (number, event) in (0..).zip(&events[..before.min(events.len())]) {
            staged.decide(number, event.0, &raws(event));
        }
        staged.begin();
        let mut golden = Golden::new(&first);
        for (number, event) in events.iter().enumerate() {
            // It comes some events before its turn, in parts, the first of them twice.
            if number == change.saturating_sub(3) {
                let middle = other.len() / 2;
                for (from, to) in [(0, middle), (0, middle), (middle, other.len())] {
                    let answer = staged.stage(
                        &other[from..to],
                        from as u16,
                        other.len() as u16,
                        change as u32,
                        number as u32,
                    );
                    let whole = to == other.len();
                    let hash = if whole { hash(&other) } else { 0 };
                    prop_assert_eq!(answer, Ok((to as u16, hash)));
                }
            }
            if number == change {
                golden = Golden::new(&second);
            }
            let raws = raws(event);
            agree(golden.decide(&raws), staged.decide(number as u32, event.0, &raws));
            let now = if number < change { &code } else { &other };
            prop_assert_eq!(staged.hash(), hash(now));
        }
    }

    /// Whatever comes as a menu: it is one, or is refused.
    #[test]
    fn bytes_are_a_menu_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60), raws in 0_usize..5) {
        let mut code = vec![1];
        code.extend(bytes);
        if let Ok(mut staged) = board::Staged::new(&code, raws) {
            for tick in 0..20 {
                staged.decide(tick, tick, &[i64::from(tick); 4]);
            }
        }
    }
}

#[test]
fn a_menu_that_is_late_or_has_a_gap_or_is_wrong_changes_nothing() {
    use hodoscope_wire::MenuRefusal;

    let one = menu(&line("when = \"always\"")).unwrap().code().unwrap();
    let other = menu(&line("when = \"always\"\nprescale = 3"))
        .unwrap()
        .code()
        .unwrap();
    let mut staged = board::Staged::new(&one, 6).unwrap();
    let total = other.len() as u16;
    assert_eq!(
        staged.stage(&other, 0, total, 4, 5),
        Err(MenuRefusal::Late { next: 5 })
    );
    assert_eq!(
        staged.stage(&other[2..], 2, total, 6, 5),
        Err(MenuRefusal::Gap { expected: 0 })
    );
    let mut broken = other.clone();
    broken[0] = 9;
    assert_eq!(
        staged.stage(&broken, 0, total, 6, 5),
        Err(MenuRefusal::Code)
    );
    let far = menu(&line("when = \"qg.class:2 >= 0\""))
        .unwrap()
        .code()
        .unwrap();
    assert_eq!(
        board::Staged::new(&far, 5).unwrap_err(),
        MenuRefusal::Raw { raw: 5 }
    );
    assert!(staged.decide(6, 0, &[0; 6]).accept);
    // One that waits is not lost to a late frame of another, nor to itself.
    staged.stage(&other, 0, total, 8, 7).unwrap();
    assert_eq!(
        staged.stage(&far, 0, far.len() as u16, 3, 7),
        Err(MenuRefusal::Late { next: 7 })
    );
    staged.stage(&other[..1], 0, total, 8, 7).unwrap();
    assert!(staged.decide(7, 0, &[0; 6]).accept);
    let accepted: Vec<bool> = (8..14)
        .map(|number| staged.decide(number, 0, &[0; 6]).accept)
        .collect();
    assert_eq!(accepted, [false, false, true, false, false, true]);
    assert_eq!(staged.hash(), hash(&other));
}

/// A menu from event `first` on.
fn in_force(first: u32, lines: &str) -> InForce {
    let menu = menu(lines).unwrap();
    let code = menu.code().unwrap();
    InForce { first, menu, code }
}

/// Twelve events, one each ten ticks, of which every second finds the board busy: what becomes of `menus`.
fn rates(menus: &[InForce]) -> Vec<MenuRates> {
    use crate::stream::{Board, Fate, Fates, Job, Jobs, Order, Run, run};

    // Five raws; the first of three events has a score.
    let mut raws = [0; 15];
    raws[0] = 1;
    let mut rates = Rates::new(menus, &raws, 5, 5).unwrap();
    let board = Board {
        queue: Some(0),
        ..Board::default()
    };
    let job = Job {
        service: 15,
        ..Job::default()
    };
    let stream = Run {
        board,
        jobs: &Jobs::new(vec![job; 3]).unwrap(),
        order: Order::Cycle,
        seed: 1,
        events: 12,
    };
    let ticks = (0..).map(|event| 10 * event);
    let see = |event: usize, at: u64, fate: &Fate| rates.see(event, at, fate);
    assert_eq!(run(stream, ticks, see).unwrap().decided(), 6);
    let (figures, different) = rates.finish();
    assert_eq!(different, 0);
    figures
}

#[test]
fn lines_have_the_rates_of_what_a_board_computes() {
    let line = |name: &str, text: &str| format!("[[line]]\nname = \"{name}\"\n{text}\n");
    let lines = [
        line("a", "when = \"odd.score >= 1 raw\"\nprescale = 2"),
        line("b", "when = \"within(odd.score >= 1 raw, 4)\""),
        line("c", "when = \"always\"\nshadow = true"),
        line(
            "d",
            "when = \"always\"\nveto = \"odd.score >= 1 raw\"\nprescale = 4",
        ),
    ];
    let figures = rates(&[in_force(0, &lines.concat())]);
    let of = |line: usize| {
        let of = &figures[0].lines[line];
        let counts = [of.arrived, of.condition, of.fired, of.kept];
        (counts, of.alone, of.distinct)
    };
    // Computed are the events 0, 2, 1, 0, 2, 1, at ticks of 5: 0, 4, 8, 12, 16, 20.
    assert_eq!(of(0), ([4, 2, 2, 1], 0, 1));
    assert_eq!(of(1), ([12, 4, 4, 4], 3, 2));
    assert_eq!(of(2), ([12, 6, 6, 6], 0, 3));
    assert_eq!(of(3), ([12, 6, 4, 1], 1, 1));
    let all = &figures[0];
    let counts = [all.arrived, all.decided, all.accepted, all.ticks];
    assert_eq!(counts, [12, 6, 5, 110]);
}

#[test]
fn a_menu_that_changes_in_a_stream_begins_anew() {
    let lines = line("when = \"always\"\nprescale = 2");
    let other = line("when = \"always\"\nprescale = 3");
    let menus = [
        in_force(0, &lines),
        in_force(3, &lines),
        in_force(5, &other),
    ];
    let counts = |of: &MenuRates| {
        (
            [of.arrived, of.decided, of.accepted],
            of.ticks,
            of.lines[0].kept,
        )
    };
    let figures = rates(&menus);
    assert_eq!(counts(&figures[0]), ([6, 3, 1], 60, 1));
    assert_eq!(counts(&figures[1]), ([4, 2, 1], 40, 1));
    assert_eq!(counts(&figures[2]), ([2, 1, 0], 10, 0));
}
