//! The event loop over a link in memory.

mod bench;

use bench::{Bench, event, replies};
use hodoscope_app_toy::{CAPACITY, Toy};
use hodoscope_trigger::{Decision, End, Fault, payload_capacity};
use hodoscope_wire::{FrameError, Health, Identity, Reason, Reply, Request, Reset, VERSION, chunk};
use proptest::prelude::*;

#[test]
fn hello_is_answered_with_the_identity() {
    let (end, output) = Bench::default().run::<Toy, false>(&[Request::Hello { token: 5 }]);
    assert_eq!(end, Ok(End::Closed));
    let identity = Identity {
        protocol: VERSION,
        name: "toy",
        app: "bench",
        board: "table",
        version: env!("CARGO_PKG_VERSION"),
        program: [0x70; 32],
        raws: 2,
        capacity: CAPACITY as u16,
        payload: 2 + 64 * 4,
        credit: 4,
        epoch: 0,
        token: 5,
        ticks_per_second: 1000,
        trace: false,
        overflow_checks: cfg!(debug_assertions),
        health: Health::Unwatched,
        reset: Reset::Pin,
    };
    assert_eq!(replies(&output), [Reply::Identity(identity)]);
}

#[test]
fn events_are_decided_and_counted() {
    let (high, low) = (event(10, &[(2, 3)]), event(-10, &[]));
    let many = event(0, &[(1, 1); 64]);
    let requests = [
        Request::Event {
            epoch: 0,
            sequence: 1,
            payload: &high,
        },
        Request::Configure {
            output: 0,
            threshold: 16,
        },
        Request::Event {
            epoch: 0,
            sequence: 2,
            payload: &high,
        },
        Request::Configure {
            output: 1,
            threshold: -9,
        },
        Request::Event {
            epoch: 0,
            sequence: 3,
            payload: &low,
        },
        Request::Event {
            epoch: 0,
            sequence: 4,
            payload: &many,
        },
        Request::Counters,
        Request::Reset,
        Request::Counters,
    ];
    let (_, output) = Bench::default().run::<Toy, false>(&requests);
    let answer = |id, accept, score| Reply::Answer {
        epoch: 0,
        sequence: id,
        accept,
        ticks: 1,
        credit: 4,
        offset: 0,
        raws: chunk(&[score, score + 1]),
    };
    let replies = replies(&output);
    assert_eq!(
        replies[..6],
        [
            // Nothing is accepted before a decision is configured.
            answer(1, false, 16),
            Reply::Done,
            answer(2, true, 16),
            Reply::Done,
            answer(3, true, -10),
            // Constituents behind the capacity are counted, not computed.
            answer(4, true, CAPACITY as i64),
        ]
    );
    let Reply::Counters(counters) = &replies[6] else {
        panic!("{:?}", replies[6]);
    };
    assert_eq!(
        (counters.events, counters.accepted, counters.refused),
        (4, 3, 0)
    );
    assert_eq!((counters.largest_ticks, counters.ticks), (1, 4));
    assert_eq!(
        (
            counters.multiplicity[0],
            counters.multiplicity[1],
            counters.multiplicity[64]
        ),
        (1, 2, 1)
    );
    assert_eq!(
        replies[7..],
        [
            Reply::Done,
            Reply::Counters(hodoscope_wire::Counters::default())
        ]
    );
}

#[test]
fn a_decision_can_be_built_in() {
    let bench = Bench {
        decision: Decision {
            output: 0,
            threshold: 5,
        },
        ..Bench::default()
    };
    let payload = event(5, &[]);
    let (_, output) = bench.run::<Toy, false>(&[Request::Event {
        epoch: 0,
        sequence: 0,
        payload: &payload,
    }]);
    assert!(matches!(
        replies(&output)[..],
        [Reply::Answer { accept: true, .. }]
    ));
}

#[test]
fn many_raws_come_in_chunks() {
    let payload = event(7, &[]);
    let request = Request::Event {
        epoch: 0,
        sequence: 9,
        payload: &payload,
    };
    let (_, output) = Bench::default().run::<Toy<70>, false>(&[request]);
    let raws: Vec<i64> = (7..77).collect();
    assert_eq!(
        replies(&output),
        [
            Reply::Raws {
                epoch: 0,
                sequence: 9,
                offset: 0,
                raws: chunk(&raws),
            },
            Reply::Raws {
                epoch: 0,
                sequence: 9,
                offset: 32,
                raws: chunk(&raws[32..]),
            },
            Reply::Answer {
                epoch: 0,
                sequence: 9,
                accept: false,
                ticks: 1,
                credit: 4,
                offset: 64,
                raws: chunk(&raws[64..]),
            },
        ]
    );
}

#[test]
fn layers_are_shown_only_where_trace_is_built_in() {
    let payload = event(7, &[(1, 2), (3, 4)]);
    let requests = [
        Request::Trace {
            id: 5,
            payload: &payload,
        },
        Request::Counters,
    ];
    let (_, output) = Bench::default().run::<Toy<33>, false>(&requests);
    assert_eq!(
        replies(&output)[0],
        Reply::Refused {
            epoch: 0,
            sequence: Some(5),
            reason: Reason::NoTrace,
        }
    );

    let (_, output) = Bench::default().run::<Toy<33>, true>(&requests);
    let layer = |value, row, offset, raws: &[i64]| Reply::Layer {
        id: 5,
        value,
        row,
        offset,
        raws: chunk(raws),
    };
    let raws: Vec<i64> = (21..21 + 33).collect();
    let replies = replies(&output);
    assert_eq!(
        replies[..7],
        [
            layer(0, 0, 0, &[7]),
            layer(1, 0, 0, &[1, 2]),
            layer(1, 1, 0, &[3, 4]),
            layer(2, 0, 0, &raws),
            layer(2, 0, 32, &raws[32..]),
            Reply::Raws {
                epoch: 0,
                sequence: 5,
                offset: 0,
                raws: chunk(&raws),
            },
            Reply::Answer {
                epoch: 0,
                sequence: 5,
                accept: false,
                ticks: 0,
                credit: 4,
                offset: 32,
                raws: chunk(&raws[32..]),
            },
        ]
    );
    assert_eq!(
        replies[7],
        Reply::Counters(hodoscope_wire::Counters::default())
    );
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let requests = [
        Request::Event {
            epoch: 0,
            sequence: 1,
            payload: &[0; 5],
        },
        Request::Configure {
            output: 2,
            threshold: 0,
        },
        Request::Counters,
    ];
    let (end, output) = Bench::default().run::<Toy, false>(&requests);
    assert_eq!(end, Ok(End::Closed));
    let replies = replies(&output);
    assert_eq!(
        replies[..2],
        [
            Reply::Refused {
                epoch: 0,
                sequence: Some(1),
                reason: Reason::Length {
                    got: 5,
                    fixed: 2,
                    row: 4,
                },
            },
            Reply::Refused {
                epoch: 0,
                sequence: None,
                reason: Reason::NoOutput { output: 2, raws: 2 },
            },
        ]
    );
    assert!(matches!(&replies[2], Reply::Counters(counters)
        if counters.refused == 2 && counters.unreadable == 0 && counters.events == 0));
}

#[test]
fn the_largest_payload_is_read_and_a_larger_one_refused() {
    let largest = vec![0; payload_capacity::<Toy>()];
    let larger = vec![0; payload_capacity::<Toy>() + 64];
    let requests = [
        Request::Event {
            epoch: 0,
            sequence: u32::MAX,
            payload: &largest,
        },
        Request::Event {
            epoch: 0,
            sequence: u32::MAX,
            payload: &larger,
        },
    ];
    let (_, output) = Bench::default().run::<Toy, false>(&requests);
    let replies = replies(&output);
    assert!(matches!(replies[0], Reply::Answer { .. }));
    assert_eq!(
        replies[1],
        Reply::Refused {
            epoch: 0,
            sequence: None,
            reason: Reason::Frame(FrameError::TooLong),
        }
    );
}

#[test]
fn shutdown_ends_the_loop() {
    let (end, output) = Bench::default().run::<Toy, false>(&[Request::Shutdown, Request::Counters]);
    assert_eq!(end, Ok(End::Shutdown));
    assert_eq!(replies(&output), [Reply::Done]);
}

#[test]
fn pins_and_probe_follow_the_event() {
    let bench = Bench {
        decision: Decision {
            output: 0,
            threshold: 0,
        },
        ..Bench::default()
    };
    let history = bench.history.clone();
    let (good, bad) = (event(1, &[]), event(-1, &[]));
    let _ = bench.run::<Toy, false>(&[
        Request::Event {
            epoch: 0,
            sequence: 1,
            payload: &good,
        },
        Request::Event {
            epoch: 0,
            sequence: 2,
            payload: &bad,
        },
    ]);
    assert_eq!(
        history.borrow().join(" "),
        "busy+ accept- busy- \
         busy+ accept- begin end accept+ write flush busy- \
         busy+ accept- begin end accept- write flush busy-"
    );
}

#[test]
fn a_fault_ends_the_loop() {
    let bench = Bench {
        link_fails: true,
        ..Bench::default()
    };
    let (end, _) = bench.run::<Toy, false>(&[Request::Hello { token: 5 }]);
    assert!(matches!(end, Err(Fault::Link(_))));

    let bench = Bench {
        pins_fail: true,
        ..Bench::default()
    };
    let (end, _) = bench.run::<Toy, false>(&[Request::Hello { token: 5 }]);
    assert!(matches!(end, Err(Fault::Pin(_))));

    let bench = Bench {
        app: "a name that is far too long".repeat(20).leak(),
        ..Bench::default()
    };
    let (end, _) = bench.run::<Toy, false>(&[Request::Hello { token: 5 }]);
    assert_eq!(end, Err(Fault::Reply));
}

proptest! {
    /// Whatever arrives, each frame of it gets one final reply, and the loop goes on.
    #[test]
    fn noise_gets_one_reply_per_frame(noise in prop::collection::vec(any::<u8>(), 0..1000)) {
        let frames = noise
            .split(|&byte| byte == 0)
            .filter(|frame| !frame.is_empty())
            .count();
        let mut input = noise;
        input.push(0);
        let (end, output) = Bench::default().run_bytes::<Toy, true>(input);
        prop_assert_eq!(end, Ok(End::Closed));
        let replies = replies(&output);
        prop_assert_eq!(replies.len(), frames);
        let refused = |reply: &Reply| {
            matches!(reply, Reply::Refused { epoch: 0, sequence: None, reason: Reason::Frame(_), .. })
        };
        prop_assert!(replies.iter().all(refused));
    }
}
