//! Agreement of the float executor with onnxruntime on networks as exporters write them, in the folder of shared data.

use crate::import_support::{TOLERANCE, deviation, shared};
use hodoscope_compiler::{
    exact::is_quantised,
    graph::simplify,
    import::{self, ImportError, Options},
    inputs::InputsSpec,
    trial,
};
use std::path::PathBuf;

#[test]
fn agrees_with_onnxruntime() {
    let Some(folder) = shared("jets") else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("folder")
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "onnx"))
        .collect();
    files.sort();
    let mut failures = Vec::new();
    let mut agreed = 0;
    for path in files {
        let file = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        let stem = file.split('.').next().expect("stem").to_owned();
        let mut result = import::load(&path);
        if let Err(ImportError::DynamicDimension { name, .. }) = &result {
            // The number of particles is left open: the test set tells it.
            let particles = if stem.contains("32") { 32 } else { 16 };
            let mut options = Options::default();
            options.extents.insert(name.clone(), particles);
            result = import::load_with(&path, &options);
            while let Err(ImportError::DynamicDimension { name, .. }) = &result {
                options.extents.insert(name.clone(), particles);
                result = import::load_with(&path, &options);
            }
        }
        let graph = match result {
            Ok(graph) => graph,
            Err(e) => {
                failures.push(format!("{file}: {e}"));
                continue;
            }
        };
        if file.contains(".qdq_") || file.contains(".qop_") {
            // Another network than the stored one, by its quantisers: `exact/jets.rs` compares its integers.
            continue;
        }
        let simple = simplify(&graph).expect("simplify");
        // That each is compiled well is `compile/jets.rs`; that it is not refused takes no events.
        if let (false, Err(e)) = (is_quantised(&graph), trial(&simple, &InputsSpec::default())) {
            failures.push(format!("{file}: {e}"));
        }
        let npz = folder.join(format!("{stem}.test.npz"));
        for (what, graph) in [("imported", &graph), ("simplified", &simple)] {
            match deviation(graph, &npz, 300) {
                Ok(d) if d <= TOLERANCE => {
                    println!(
                        "agrees   {file} ({what}): {d:.1e}, {} nodes",
                        graph.nodes().len()
                    )
                }
                Ok(d) => failures.push(format!("{file} ({what}): deviates by {d:.1e}")),
                Err(e) => failures.push(format!("{file} ({what}): {e}")),
            }
        }
        agreed += 1;
    }
    println!("{agreed} files agree");
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(agreed >= 105, "only {agreed} files agree");
}
