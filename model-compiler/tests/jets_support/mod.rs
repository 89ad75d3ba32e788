//! A network of the shared data through the compiler, against onnxruntime's outputs beside it.
#![allow(dead_code)] // Each test uses its part.

use hodoscope_compiler::graph::{Graph, simplify};
use hodoscope_compiler::import::{self, ImportError};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::{Calibration, Options};
use hodoscope_compiler::quantised;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::{Program, Scale};
use ndarray::{ArrayD, Axis, IxDyn, OwnedRepr};
use ndarray_npy::NpzReader;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Events that are compared, and that formats are taken from.
const EVENTS: usize = 2000;
const CALIBRATION: usize = 400;

/// What a file gives at one choice of widths.
pub struct Row {
    pub events: usize,
    /// Largest rms error of an output, as a fraction of its range; of class labels there is none.
    pub rms: f64,
    /// Least fraction of equal class labels.
    pub labels_agree: f64,
    /// Area under the ROC curve, float and fixed, where there are two classes.
    pub auc: Option<(f64, f64)>,
    /// Multiply-accumulates of a full event.
    pub macs: u64,
}

/// The files without quantisers.
pub fn float_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("folder")
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "onnx"))
        .filter(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy();
            !["qdq", "qop", "qonnx", "qcdq"]
                .iter()
                .any(|form| name.contains(form))
        })
        .collect();
    files.sort();
    files
}

/// Imports a file; the number of particles is 32 or 16 where it leaves it open.
pub fn import_file(path: &Path) -> Result<Graph, String> {
    let particles = match path.to_string_lossy().contains("32") {
        true => 32,
        false => 16,
    };
    let mut options = import::Options::default();
    loop {
        match import::load_with(path, &options) {
            Err(ImportError::DynamicDimension { name, .. })
                if !options.extents.contains_key(&name) =>
            {
                options.extents.insert(name, particles);
            }
            other => return other.map_err(|e| e.to_string()),
        }
    }
}

/// Arrays of an npz as floats.
pub struct Arrays {
    npz: NpzReader<File>,
    names: Vec<String>,
}

impl Arrays {
    pub fn open(path: &Path) -> Self {
        let file = File::open(path).expect("npz");
        let mut npz = NpzReader::new(file).expect("npz");
        let names = npz.names().expect("names");
        Self { npz, names }
    }

    pub fn get(&mut self, name: &str) -> Option<ArrayD<f64>> {
        macro_rules! try_as {
            ($($ty:ty),*) => {$(
                if let Ok(a) = self.npz.by_name::<OwnedRepr<$ty>, IxDyn>(name) {
                    return Some(a.mapv(|v| v as f64));
                }
            )*};
        }
        try_as!(f32, f64, i64, i32, i8, u8);
        None
    }

    /// Names without a dot that are inputs.
    fn inputs(&self) -> Vec<String> {
        let extra = ["labels", "ref_model", "mu", "sd"];
        let is_input = |n: &&String| !n.contains('.') && !extra.contains(&n.as_str());
        self.names.iter().filter(is_input).cloned().collect()
    }

    /// onnxruntime's outputs, in the model's order.
    fn outputs(&mut self, graph: &Graph) -> Vec<ArrayD<f64>> {
        let names: Vec<String> = self
            .names
            .iter()
            .filter(|n| n.ends_with(".float"))
            .cloned()
            .collect();
        let own: Vec<String> = graph
            .outputs()
            .iter()
            .map(|o| format!("{}.float", o.name))
            .collect();
        let wanted = match own.iter().all(|n| names.contains(n)) {
            true => own,
            false => names,
        };
        wanted
            .iter()
            .map(|n| self.get(n).expect("an output"))
            .collect()
    }
}

/// Words of the first events.
pub fn events(program: &Program, inputs: &[ArrayD<f64>], count: usize) -> Vec<Event> {
    (0..count)
        .map(|event| Event {
            inputs: program
                .inputs
                .iter()
                .zip(inputs)
                .map(|(input, values)| {
                    let values = values.index_axis(Axis(0), event);
                    let word = |(i, v): (usize, &f64)| {
                        let encoded = input.field(i % input.channels).encode(*v);
                        encoded.expect("finite").word
                    };
                    values.iter().enumerate().map(word).collect()
                })
                .collect(),
        })
        .collect()
}

/// The real values of raws.
pub fn decode(scale: &Scale, raws: &[i64]) -> Vec<f64> {
    let value = |(c, raw): (usize, &i64)| *raw as f64 * scale.lsb(c);
    raws.iter().enumerate().map(value).collect()
}

/// Compiles a file and compares it.
pub fn compile_file(path: &Path, folder: &Path, options: &Options) -> Result<Row, String> {
    let graph = import_file(path)?;
    let stem = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = stem.split('.').next().unwrap_or_default().to_owned();
    let mut arrays = Arrays::open(&folder.join(format!("{stem}.test.npz")));
    let only = arrays.inputs();
    let inputs: Vec<ArrayD<f64>> = graph
        .inputs()
        .iter()
        .map(|i| match (arrays.get(&i.name), &only[..]) {
            (Some(values), _) => values,
            (None, [name]) => arrays.get(name).expect("an input"),
            _ => panic!("no array for input {}", i.name),
        })
        .collect();
    let graph = simplify(&graph).map_err(|e| e.to_string())?;
    let spec = InputsSpec::default();
    let stored = inputs[0].len_of(Axis(0));
    let first = |values: &ArrayD<f64>| {
        // From all over the file: its classes stand one after the other.
        let stride = (stored / CALIBRATION).max(1);
        let events = values.axis_iter(Axis(0)).step_by(stride);
        events
            .flat_map(|e| e.iter().map(|v| *v as f32).collect::<Vec<_>>())
            .collect()
    };
    let calibration =
        Calibration::new(&graph, inputs.iter().map(first).collect()).map_err(|e| e.to_string())?;
    let (quantised, _) =
        quantised(&graph, &stem, &spec, None, &calibration, options).map_err(|e| e.to_string())?;
    let program = &quantised.program;
    let interpreter = Interpreter::new(program).map_err(|e| e.to_string())?;
    let count = stored.min(EVENTS);
    let mut fixed = vec![Vec::new(); program.outputs.len()];
    for event in events(program, &inputs, count) {
        let raws = interpreter.run(&event).map_err(|e| e.to_string())?;
        for ((raws, output), rows) in raws.iter().zip(&program.outputs).zip(&mut fixed) {
            rows.push(decode(&program.value(output.value).scale, raws));
        }
    }
    let float: Vec<Vec<Vec<f64>>> = arrays
        .outputs(&graph)
        .iter()
        .map(|output| {
            let rows = output.axis_iter(Axis(0)).take(count);
            rows.map(|row| row.iter().copied().collect()).collect()
        })
        .collect();
    let labels = arrays.get("labels");
    let labels: Option<Vec<bool>> =
        labels.map(|l| l.iter().take(count).map(|v| *v != 0.0).collect());
    let (mut rms, mut labels_agree) = (0.0, 1.0);
    for (output, (a, b)) in graph.outputs().iter().zip(float.iter().zip(&fixed)) {
        match is_label(&graph, output.value) {
            true => labels_agree = f64::min(labels_agree, agreement(a, b)),
            false => rms = f64::max(rms, rms_error(a, b)),
        }
    }
    let auc = labels
        .filter(|l| l.contains(&true) && l.contains(&false))
        .map(|labels| {
            let area = |outputs: &[Vec<Vec<f64>>]| auc(&labels, &scores(outputs, &inputs[0]));
            (area(&float), area(&fixed))
        });
    let capacity = program.sets.first().map_or(1, |set| set.capacity);
    Ok(Row {
        events: count,
        rms,
        labels_agree,
        auc,
        macs: program.macs(capacity),
    })
}

/// Whether an output names a class: it looks up the index of the likeliest.
fn is_label(graph: &Graph, mut value: hodoscope_compiler::graph::ValueId) -> bool {
    while let Some(node) = graph.producing_node(value) {
        match (node.op.name(), node.inputs.last()) {
            ("ArgMax", _) => return true,
            ("Reshape" | "Gather", Some(x)) => value = *x,
            _ => return false,
        }
    }
    false
}

/// Fraction of events with equal values.
fn agreement(float: &[Vec<f64>], fixed: &[Vec<f64>]) -> f64 {
    let equal = float.iter().zip(fixed).filter(|(a, b)| a == b).count();
    equal as f64 / float.len() as f64
}

/// rms error over all values of an output, as a fraction of its range.
fn rms_error(float: &[Vec<f64>], fixed: &[Vec<f64>]) -> f64 {
    let (mut squares, mut values) = (0.0, 0.0);
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (float, fixed) in float.iter().zip(fixed) {
        assert_eq!(float.len(), fixed.len());
        for (a, b) in float.iter().zip(fixed) {
            squares += (a - b) * (a - b);
            values += 1.0;
            low = low.min(*a);
            high = high.max(*a);
        }
    }
    assert!(values > 0.0 && high > low, "an output without values");
    (squares / values).sqrt() / (high - low)
}

/// What a decision is made on: one value, the last of two classes, or the squared error of a reconstruction.
fn scores(outputs: &[Vec<Vec<f64>>], input: &ArrayD<f64>) -> Vec<f64> {
    let output = outputs.last().expect("an output");
    output
        .iter()
        .enumerate()
        .map(|(event, row)| match &row[..] {
            [score] | [_, score] => *score,
            row => {
                let target = input.index_axis(Axis(0), event);
                row.iter()
                    .zip(target.iter())
                    .map(|(a, b)| (a - b) * (a - b))
                    .sum()
            }
        })
        .collect()
}

fn auc(labels: &[bool], scores: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    // Mann-Whitney: ranks of the signal, ties at their mean.
    let (mut sum, mut start) = (0.0, 0);
    while start < order.len() {
        let end = order[start..]
            .iter()
            .position(|i| scores[*i] != scores[order[start]])
            .map_or(order.len(), |n| start + n);
        let rank = (start + end + 1) as f64 / 2.0;
        let signal = order[start..end].iter().filter(|i| labels[**i]).count();
        sum += rank * signal as f64;
        start = end;
    }
    let signal = labels.iter().filter(|l| **l).count() as f64;
    let background = labels.len() as f64 - signal;
    (sum - signal * (signal + 1.0) / 2.0) / (signal * background)
}
