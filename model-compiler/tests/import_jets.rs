//! Agreement of the float executor with onnxruntime on networks as exporters write them, in the folder of shared data.

use hodoscope_compiler::{
    graph::{Executor, Graph, simplify},
    import::{self, ImportError, Options},
};
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

/// Largest allowed deviation, relative to the reference or to the root mean square of the output, whichever is larger.
const TOLERANCE: f64 = 1e-5;

/// The folder of shared data: named in the environment, or beside the workspace.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HODOSCOPE_SHARED_DATA")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    // Not println!, which the test harness keeps to itself.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {} folder absent; set HODOSCOPE_SHARED_DATA",
        path.display()
    );
    None
}

fn read(npz: &mut NpzReader<File>, name: &str) -> Option<ArrayD<f32>> {
    if let Ok(array) = npz.by_name::<ndarray::OwnedRepr<f32>, ndarray::IxDyn>(name) {
        return Some(array);
    }
    npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::IxDyn>(name)
        .ok()
        .map(|a| a.mapv(|v| v as f32))
}

/// Runs a graph on the first `rows` events; the largest deviation in units of the tolerance's reference.
fn deviation(graph: &Graph, npz: &Path, rows: usize) -> Result<f64, String> {
    let file = File::open(npz).map_err(|e| e.to_string())?;
    let mut npz = NpzReader::new(file).map_err(|e| e.to_string())?;
    // A model with one input or output may name it in its own way.
    let names = npz.names().map_err(|e| e.to_string())?;
    let floats: Vec<&String> = names.iter().filter(|n| n.ends_with(".float")).collect();
    let alone = |wanted: String, candidates: Vec<String>| match &candidates[..] {
        [only] if !names.contains(&wanted) => only.clone(),
        _ => wanted,
    };
    let plain: Vec<String> = names
        .iter()
        .filter(|n| !n.contains('.') && !["labels", "ref_model", "mu", "sd"].contains(&n.as_str()))
        .cloned()
        .collect();
    let mut inputs = Vec::new();
    for input in graph.inputs() {
        let name = alone(input.name.clone(), plain.clone());
        inputs.push(read(&mut npz, &name).ok_or(format!("no array {name} among {names:?}"))?);
    }
    let executor = Executor::new(graph).map_err(|e| e.to_string())?;
    let mut workspace = executor.workspace();
    let mut worst = 0.0f64;
    let mut compared = 0;
    let references: Vec<ArrayD<f32>> = graph
        .outputs()
        .iter()
        .map(|o| {
            let name = alone(
                format!("{}.float", o.name),
                floats.iter().map(|n| n.to_string()).collect(),
            );
            read(&mut npz, &name).ok_or(format!("no array {name} among {names:?}"))
        })
        .collect::<Result<_, String>>()?;
    let events = inputs[0].len_of(Axis(0)).min(rows);
    for event in 0..events {
        let rows: Vec<Vec<f32>> = inputs
            .iter()
            .map(|a| a.index_axis(Axis(0), event).iter().copied().collect())
            .collect();
        let slices: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        executor
            .run_all(&mut workspace, &slices)
            .map_err(|e| e.to_string())?;
        for (output, reference) in graph.outputs().iter().zip(&references) {
            let rms = (reference.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>()
                / reference.len() as f64)
                .sqrt();
            let expected = reference.index_axis(Axis(0), event);
            let found = workspace.value(output.value);
            if expected.len() != found.len() {
                return Err(format!("{} elements, not {}", found.len(), expected.len()));
            }
            for (&e, &f) in expected.iter().zip(found) {
                worst =
                    worst.max((f64::from(e) - f64::from(f)).abs() / f64::from(e).abs().max(rms));
                if f.is_nan() {
                    return Err("NaN".to_owned());
                }
                compared += 1;
            }
        }
    }
    if compared == 0 {
        Err("nothing to compare".to_owned())
    } else {
        Ok(worst)
    }
}

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
                println!("refused  {file}: {e}");
                if !expected_refusal(&e) {
                    failures.push(format!("{file}: {e}"));
                }
                continue;
            }
        };
        let simple = simplify(&graph).expect("simplify");
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
    assert!(agreed >= 100, "only {agreed} files agree");
}

/// Operators that are refused by name for now.
fn expected_refusal(error: &ImportError) -> bool {
    let ImportError::Operator { operator, .. } = error else {
        return false;
    };
    [
        "Conv",
        "QuantizeLinear",
        "DequantizeLinear",
        "Quant",
        "Scaler",
        "ArgMax",
        "QGemm",
        "QLinear",
        "ZipMap",
    ]
    .iter()
    .any(|o| operator.contains(o))
}
