//! The parts that need no QEMU. The library itself can only be loaded by QEMU.

#[path = "../src/arguments.rs"]
mod arguments;
#[path = "../src/window.rs"]
mod window;

use std::path::PathBuf;

use arguments::Arguments;
use window::{Edge, Markers, Span, Window};

const MARKERS: Markers = Markers {
    begin: Span {
        address: 0x100,
        size: 4,
    },
    end: Span {
        address: 0x200,
        size: 6,
    },
};

/// Executes blocks as QEMU would, and returns what every window counted.
fn execute(blocks: &[&[u64]]) -> Vec<u64> {
    let mut executed = 0;
    let mut window = Window::default();
    let mut counts = Vec::new();
    for block in blocks {
        let plan = MARKERS.plan(block);
        executed += plan.counted;
        for index in 0..block.len() {
            for (_, edge, ahead) in plan.edges.iter().filter(|edge| edge.0 == index) {
                match edge {
                    Edge::Begin => window.open(executed - ahead),
                    Edge::End => counts.extend(window.close(executed - ahead)),
                }
            }
        }
    }
    counts
}

const CALLER: &[u64] = &[0x10, 0x12, 0x14];
const BEGIN: &[u64] = &[0x100, 0x102];
/// Four instructions of the event, and the call of the end marker.
const EVENT: &[u64] = &[0x16, 0x18, 0x1a, 0x1c, 0x1e];
const END: &[u64] = &[0x200, 0x202, 0x204];

#[test]
fn markers_and_the_call_do_not_count() {
    assert_eq!(execute(&[CALLER, BEGIN, EVENT, END, CALLER]), [4]);
}

#[test]
fn every_event_counts_for_itself() {
    let blocks = [BEGIN, EVENT, END, CALLER, BEGIN, EVENT, EVENT, END];
    assert_eq!(execute(&blocks), [4, 9]);
}

#[test]
fn blocks_may_be_cut_anywhere() {
    let whole = [CALLER, BEGIN, EVENT, END, CALLER].concat();
    for cut in 0..whole.len() {
        let (front, back) = whole.split_at(cut);
        assert_eq!(execute(&[front, back]), [4], "cut at {cut}");
    }
}

#[test]
fn a_window_that_did_not_open_does_not_close() {
    assert_eq!(execute(&[CALLER, END, EVENT]), []);
    assert_eq!(execute(&[BEGIN, EVENT, BEGIN, EVENT, END, END]), [4]);
}

#[test]
fn arguments_are_read() {
    let arguments = ["begin=8001f0+2", "end=0x800200+4", "out=/tmp/a=b"];
    assert_eq!(
        Arguments::parse(arguments.into_iter()),
        Ok(Arguments {
            begin: Span {
                address: 0x80_01f0,
                size: 2
            },
            end: Span {
                address: 0x80_0200,
                size: 4
            },
            out: PathBuf::from("/tmp/a=b"),
        })
    );
}

#[test]
fn wrong_arguments_are_named() {
    let error = |arguments: &[&str]| Arguments::parse(arguments.iter().copied()).unwrap_err();
    assert_eq!(error(&["begin=1+1", "end=2+1"]), "`out` is missing");
    assert_eq!(error(&["bogus"]), "unknown argument `bogus`");
    assert_eq!(
        error(&["begin=12"]),
        "`12` is not ADDRESS+SIZE in hexadecimal"
    );
}
