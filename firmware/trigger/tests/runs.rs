//! Runs: every event is decided once, in its turn, and everything is counted.

// Not every test program uses all of the bench.
#[allow(dead_code)]
mod bench;

use bench::{Bench, event, replies};
use hodoscope_app_toy::Toy;
use hodoscope_wire::{Counters, Reason, Reply, Request, chunk};

const RUN: u32 = 0xbead_0001;

fn begin(epoch: u32) -> Request<'static> {
    Request::Begin {
        epoch,
        decision: Some((0, 3)),
    }
}

fn of_run(sequence: u32, payload: &[u8]) -> Request<'_> {
    Request::Event {
        epoch: RUN,
        sequence,
        payload,
    }
}

fn answer(sequence: u32, score: i64) -> Reply<'static> {
    Reply::Answer {
        epoch: RUN,
        sequence,
        accept: score >= 3,
        ticks: 1,
        credit: 4,
        offset: 0,
        raws: chunk(&[score, score + 1]),
    }
}

fn refused(epoch: u32, sequence: u32, reason: Reason) -> Reply<'static> {
    Reply::Refused {
        epoch,
        sequence: Some(sequence),
        reason,
    }
}

fn begun(epoch: u32) -> Reply<'static> {
    Reply::Begun {
        epoch,
        output: 0,
        threshold: 3,
    }
}

#[test]
fn a_repeated_event_gets_the_stored_answer_and_moves_no_pin() {
    let bench = Bench::default();
    let history = bench.history.clone();
    // The second time its words are others: what was decided stands.
    let (first, second) = (event(4, &[]), event(1, &[]));
    let (_, output) = bench.run::<Toy, false>(&[
        begin(RUN),
        of_run(0, &first),
        of_run(0, &second),
        of_run(1, &second),
        of_run(0, &first),
        Request::Counters,
    ]);
    let replies = replies(&output);
    assert_eq!(
        replies[..5],
        [
            begun(RUN),
            answer(0, 4),
            answer(0, 4),
            answer(1, 1),
            answer(0, 4)
        ]
    );
    let Reply::Counters(counters) = &replies[5] else {
        panic!("{:?}", replies[5]);
    };
    assert_eq!((counters.epoch, counters.next), (RUN, 2));
    assert_eq!((counters.events, counters.accepted), (2, 1));
    assert_eq!((counters.duplicates, counters.refused), (2, 0));
    let history = history.borrow();
    let pulses = |pin: &str| history.iter().filter(|event| *event == pin).count();
    assert_eq!(
        (pulses("busy+"), pulses("accept+"), pulses("begin")),
        // Busy at the start, too.
        (3, 1, 2)
    );
}

#[test]
fn an_event_before_its_turn_or_of_another_run_is_not_decided() {
    let payload = event(4, &[]);
    let stranger = Request::Event {
        epoch: RUN + 1,
        sequence: 0,
        payload: &payload,
    };
    let (_, output) = Bench::default().run::<Toy, false>(&[
        // The board has just started, and is in no run.
        of_run(0, &payload),
        begin(RUN),
        of_run(1, &payload),
        stranger,
        of_run(0, &payload),
        of_run(1, &payload),
        Request::Counters,
    ]);
    let replies = replies(&output);
    assert_eq!(
        replies[..6],
        [
            refused(0, 0, Reason::OtherRun),
            begun(RUN),
            refused(RUN, 1, Reason::Ahead { expected: 0 }),
            refused(RUN, 0, Reason::OtherRun),
            answer(0, 4),
            answer(1, 4),
        ]
    );
    let Reply::Counters(counters) = &replies[6] else {
        panic!("{:?}", replies[6]);
    };
    assert_eq!(counters.events, 2);
    // The stranger before the run began was counted then.
    assert_eq!(
        (counters.ahead, counters.strangers, counters.refused),
        (1, 1, 2)
    );
}

#[test]
fn a_payload_of_a_wrong_length_has_its_turn() {
    let payload = event(4, &[]);
    let (_, output) = Bench::default().run::<Toy, false>(&[
        begin(RUN),
        of_run(0, &payload[1..]),
        of_run(1, &payload),
        of_run(0, &payload),
        Request::Counters,
    ]);
    let length = Reason::Length {
        got: 1,
        fixed: 2,
        row: 4,
    };
    let replies = replies(&output);
    assert_eq!(
        replies[1..4],
        [
            refused(RUN, 0, length),
            answer(1, 4),
            refused(RUN, 0, length)
        ]
    );
    assert!(matches!(&replies[4], Reply::Counters(counters)
        if (counters.events, counters.wrong, counters.duplicates, counters.next) == (1, 1, 1, 2)));
}

#[test]
fn answers_are_stored_as_long_as_they_may_be_under_way() {
    let payload = event(4, &[]);
    let mut requests = vec![begin(RUN)];
    requests.extend((0..5).map(|sequence| of_run(sequence, &payload)));
    // Four are stored.
    requests.extend([of_run(1, &payload), of_run(0, &payload), Request::Counters]);
    let (_, output) = Bench::default().run::<Toy, false>(&requests);
    let replies = replies(&output);
    assert_eq!(replies[6], answer(1, 4));
    assert_eq!(replies[7], refused(RUN, 0, Reason::Forgotten));
    assert!(matches!(&replies[8], Reply::Counters(counters)
        if (counters.events, counters.duplicates, counters.refused) == (5, 2, 1)));
}

#[test]
fn a_run_begins_once() {
    let payload = event(4, &[]);
    let (_, output) = Bench::default().run::<Toy, false>(&[
        begin(RUN),
        of_run(0, &payload),
        // The answer was lost, and the host asks again.
        begin(RUN),
        of_run(0, &payload),
        Request::Begin {
            epoch: RUN + 1,
            decision: Some((2, 0)),
        },
        Request::Begin {
            epoch: RUN + 1,
            decision: None,
        },
        Request::Counters,
    ]);
    let no_output = Reply::Refused {
        epoch: RUN,
        sequence: None,
        reason: Reason::NoOutput { output: 2, raws: 2 },
    };
    let counters = Counters {
        epoch: RUN + 1,
        ..Counters::default()
    };
    assert_eq!(
        replies(&output),
        [
            begun(RUN),
            answer(0, 4),
            begun(RUN),
            answer(0, 4),
            no_output,
            begun(RUN + 1),
            Reply::Counters(counters),
        ]
    );
}
