//! Small random networks of every operator with onnxruntime's results, which `generate.py` makes, and how near an answer
//! has to come to them. The importer's tests and those of `benches/tract` share this.

use ndarray::{ArrayD, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use std::{collections::BTreeMap, fs::File, path::Path, path::PathBuf};

/// Largest deviation, relative to the result or to the root mean square of all, whichever is larger, or to the terms that
/// may have cancelled in it: those are of order one.
const TOLERANCE: f32 = 1e-5;
const TERMS: f32 = 0.1;

/// A network, in the order of its inputs and outputs.
pub struct Case {
    pub model: Vec<u8>,
    pub inputs: Vec<ArrayD<f32>>,
    pub outputs: Vec<ArrayD<f32>>,
}

/// All networks by name: of the file that `HODOSCOPE_ORACLE` names, or of the golden, below this package's directory.
pub fn cases(golden: &str) -> BTreeMap<String, Case> {
    let golden = || Path::new(env!("CARGO_MANIFEST_DIR")).join(golden);
    let path = std::env::var_os("HODOSCOPE_ORACLE").map_or_else(golden, PathBuf::from);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut npz = NpzReader::new(file).expect("an npz");
    let names = npz.names().expect("names");
    let mut cases = BTreeMap::new();
    for name in names.iter().filter_map(|n| n.strip_suffix(".model")) {
        let model = npz
            .by_name::<OwnedRepr<u8>, IxDyn>(&format!("{name}.model"))
            .expect("the model's bytes");
        let mut list = |what: &str| {
            let mut arrays: Vec<ArrayD<f32>> = Vec::new();
            while names.contains(&format!("{name}.{what}{}", arrays.len())) {
                let name = format!("{name}.{what}{}", arrays.len());
                arrays.push(npz.by_name(&name).expect("floats"));
            }
            arrays
        };
        let case = Case {
            inputs: list("in"),
            outputs: list("out"),
            model: model.iter().copied().collect(),
        };
        assert!(!case.outputs.is_empty(), "{name} has no result");
        cases.insert(name.to_owned(), case);
    }
    cases
}

/// The operator that a network of this name is about.
pub fn operator(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(operator, _)| operator)
}

/// What is wrong with an answer, if anything is.
pub fn difference(found: &[ArrayD<f32>], wanted: &[ArrayD<f32>]) -> Option<String> {
    if found.len() != wanted.len() {
        return Some(format!("{} outputs, not {}", found.len(), wanted.len()));
    }
    for (found, wanted) in found.iter().zip(wanted) {
        if found.shape() != wanted.shape() {
            return Some(format!(
                "shape {:?}, not {:?}",
                found.shape(),
                wanted.shape()
            ));
        }
        let squares: f32 = wanted.iter().map(|v| v * v).sum();
        let rms = (squares / wanted.len() as f32).sqrt();
        for (f, w) in found.iter().zip(wanted) {
            let close = (f - w).abs() <= TOLERANCE * w.abs().max(rms).max(TERMS);
            if !close {
                return Some(format!("{f}, onnxruntime has {w}"));
            }
        }
    }
    None
}
