//! Replays the corpus of the importer's fuzz target, and deterministic mutations of it: a graph or an error, never a panic,
//! and in bounded time.

use hodoscope_compiler::{exact::axis, graph::simplify, import, inputs::InputsSpec};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Mutations of each file.
const MUTATIONS: u64 = 40;
/// What one file may take, on a machine that does other things, too.
const LIMIT: Duration = Duration::from_secs(20);

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/import");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .expect("the corpus is part of the repository")
        .map(|entry| {
            let path = entry.expect("entry").path();
            let name = path.file_name().expect("name").to_string_lossy();
            (name.into_owned(), std::fs::read(&path).expect("bytes"))
        })
        .collect();
    files.sort();
    files
}

/// What the fuzz target does; whether the bytes are a network.
fn target(data: &[u8]) -> bool {
    let Ok(graph) = import::from_bytes(data) else {
        return false;
    };
    let _ = graph.to_string();
    if let Ok(graph) = simplify(&graph) {
        let _ = axis(&graph, &InputsSpec::default());
    }
    true
}

/// splitmix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A few bytes changed, repeated, cut out or set to an end of their range.
fn mutated(data: &[u8], state: &mut u64) -> Vec<u8> {
    let mut data = data.to_vec();
    for _ in 0..1 + next(state) % 4 {
        if data.is_empty() {
            break;
        }
        let at = (next(state) % data.len() as u64) as usize;
        let end = (at + 1 + (next(state) % 8) as usize).min(data.len());
        match next(state) % 6 {
            0 => data[at] ^= 1 << (next(state) % 8),
            1 => data[at] = [0x00, 0x7f, 0x80, 0xff][(next(state) % 4) as usize],
            2 => data[at] = next(state) as u8,
            3 => drop(data.drain(at..end)),
            4 => {
                let piece = data[at..end].to_vec();
                data.splice(at..at, piece);
            }
            _ => data.truncate(at),
        }
    }
    data
}

#[test]
fn the_corpus_and_its_mutations_give_a_graph_or_an_error() {
    let files = corpus();
    assert!(files.len() >= 100, "only {} files", files.len());
    let mut networks = 0;
    for (name, data) in &files {
        let started = Instant::now();
        networks += usize::from(target(data));
        let mut state = data.len() as u64;
        for _ in 0..MUTATIONS {
            target(&mutated(data, &mut state));
        }
        assert!(started.elapsed() < LIMIT, "{name}: {:?}", started.elapsed());
    }
    println!("{networks} of {} files are networks", files.len());
    assert!(networks >= 100, "only {networks} files are networks");
}
