//! The parts that need no QEMU. The library itself can only be loaded by QEMU.

#[path = "../src/arguments.rs"]
mod arguments;
#[path = "../src/path.rs"]
mod path;
#[path = "../src/window.rs"]
mod window;

use std::path::PathBuf;

use arguments::Arguments;
use path::Paths;
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
            paths: None,
        })
    );
}

/// Executes windows, each a list of blocks, and returns the file's words.
fn record(windows: &[&[&[u64]]]) -> Vec<u64> {
    let mut paths = Paths::default();
    let mut bytes = Vec::new();
    for window in windows {
        let numbers: Vec<usize> = window
            .iter()
            .map(|block| paths.block(block, &mut bytes))
            .collect();
        // What is executed outside of a window is not recorded.
        paths.execute(numbers[0]);
        paths.open(numbers[0]);
        numbers[1..].iter().for_each(|&block| paths.execute(block));
        paths.close(&mut bytes);
        paths.close(&mut bytes);
    }
    let (words, rest) = bytes.as_chunks::<8>();
    assert!(rest.is_empty());
    words.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

#[test]
fn a_path_is_written_once() {
    let (a, b): (&[u64], &[u64]) = (&[0x10, 0x12], &[0x20]);
    let words = record(&[&[a, b, b], &[a, b, b], &[a, b]]);
    assert_eq!(
        words,
        [
            1, 2, 0x10, 0x12, 1, 1, 0x20, // blocks 0 and 1
            2, 3, 0, 1, 1, 3, 0, // path 0 and its window
            3, 0, // another window of it
            2, 2, 0, 1, 3, 1, // path 1 and its window
        ]
    );
}

#[test]
fn a_path_is_the_same_however_its_blocks_are_cut() {
    let words = record(&[
        &[&[1, 2, 3], &[4, 5]],
        &[&[1], &[2, 3, 4, 5]],
        &[&[1, 2, 3, 5, 4]],
    ]);
    assert_eq!(
        words,
        [
            vec![1, 3, 1, 2, 3, 1, 2, 4, 5, 2, 2, 0, 1, 3, 0],
            vec![1, 1, 1, 1, 4, 2, 3, 4, 5, 3, 0],
            // The same instructions in another order are another path.
            vec![1, 5, 1, 2, 3, 5, 4, 2, 1, 4, 3, 1],
        ]
        .concat()
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
