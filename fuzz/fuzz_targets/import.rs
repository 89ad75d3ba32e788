//! Any bytes as a model file: the importer gives a graph or an error, in bounded time and memory.

#![no_main]

use hodoscope_compiler::{exact::axis, graph::simplify, import, inputs::InputsSpec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(graph) = import::from_bytes(data) else {
        return;
    };
    // What `hodoscope inspect` does with a graph.
    let _ = graph.to_string();
    if let Ok(graph) = simplify(&graph) {
        let _ = axis(&graph, &InputsSpec::default());
    }
});
