//! What the tests of the importer share: models built from messages, and comparison with stored outputs.
#![allow(dead_code)] // Each test uses its part.

use hodoscope_compiler::{
    graph::{Executor, Graph, GraphOutput, Tensor, simplify},
    import::{
        self, ImportError,
        proto::{
            AttributeProto, Dimension, DimensionProto, GraphProto, ModelProto, NodeProto,
            OperatorSetIdProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto,
            ValueInfoProto, attribute_type, data_type,
        },
    },
};
use ndarray::{ArrayD, Axis};
use ndarray_npy::NpzReader;
use prost::Message;
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

/// Largest allowed deviation, relative to the reference or to the root mean square of the output, whichever is larger.
pub const TOLERANCE: f64 = 1e-5;

/// The folder of shared data: named in the environment, or beside the workspace.
pub fn shared(folder: &str) -> Option<PathBuf> {
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
    if let Ok(array) = npz.by_name::<ndarray::OwnedRepr<f64>, ndarray::IxDyn>(name) {
        return Some(array.mapv(|v| v as f32));
    }
    npz.by_name::<ndarray::OwnedRepr<i64>, ndarray::IxDyn>(name)
        .ok()
        .map(|a| a.mapv(|v| v as f32))
}

/// Runs a graph on the first `rows` events; the largest deviation in units of the tolerance's reference.
pub fn deviation(graph: &Graph, npz: &Path, rows: usize) -> Result<f64, String> {
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
    // Several outputs under other names stand in the model's order.
    let own = |o: &GraphOutput| format!("{}.float", o.name);
    let renamed = floats.len() == graph.outputs().len()
        && !graph.outputs().iter().any(|o| names.contains(&own(o)));
    let references: Vec<ArrayD<f32>> = graph
        .outputs()
        .iter()
        .enumerate()
        .map(|(i, o)| {
            let name = match renamed {
                true => floats[i].clone(),
                false => alone(own(o), floats.iter().map(|n| n.to_string()).collect()),
            };
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

/// An attribute.
pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        i,
        r#type: attribute_type::INT,
        ..Default::default()
    }
}

/// An attribute.
pub fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        ints: ints.to_vec(),
        r#type: attribute_type::INTS,
        ..Default::default()
    }
}

/// An attribute.
pub fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        f,
        r#type: attribute_type::FLOAT,
        ..Default::default()
    }
}

/// An attribute.
pub fn string(name: &str, s: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        s: s.into(),
        r#type: attribute_type::STRING,
        ..Default::default()
    }
}

/// An attribute.
pub fn tensor(name: &str, t: TensorProto) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        t: Some(t),
        r#type: attribute_type::TENSOR,
        ..Default::default()
    }
}

/// A float constant.
pub fn floats(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: data_type::FLOAT,
        float_data: data.to_vec(),
        ..Default::default()
    }
}

/// An integer constant.
pub fn int64s(name: &str, dims: &[i64], data: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: data_type::INT64,
        int64_data: data.to_vec(),
        ..Default::default()
    }
}

/// A node `name` of one result `name`.
pub fn node(op: &str, name: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        name: name.into(),
        op_type: op.into(),
        input: inputs.iter().map(|s| s.to_string()).collect(),
        output: vec![name.into()],
        attribute,
        ..Default::default()
    }
}

/// An input or output; −1 is an extent that is not known.
pub fn info(name: &str, dims: &[i64]) -> ValueInfoProto {
    let value = |&d: &i64| {
        Some(if d < 0 {
            Dimension::Param(format!("d{}", -d))
        } else {
            Dimension::Value(d)
        })
    };
    let dim = dims
        .iter()
        .map(|d| DimensionProto { value: value(d) })
        .collect();
    let tensor_type = TensorTypeProto {
        elem_type: data_type::FLOAT,
        shape: Some(TensorShapeProto { dim }),
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor_type),
        }),
    }
}

/// A model of the given operator set.
pub fn model(
    opset: i64,
    inputs: Vec<ValueInfoProto>,
    initializer: Vec<TensorProto>,
    nodes: Vec<NodeProto>,
    outputs: &[&str],
) -> ModelProto {
    let output = outputs
        .iter()
        .map(|o| ValueInfoProto {
            name: o.to_string(),
            r#type: None,
        })
        .collect();
    let graph = GraphProto {
        name: "test".into(),
        node: nodes,
        initializer,
        input: inputs,
        output,
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: opset,
        }],
        ..Default::default()
    }
}

/// Imports a model.
pub fn load(model: &ModelProto) -> Result<Graph, ImportError> {
    import::from_bytes(&model.encode_to_vec())
}

/// The message of the error that importing a model gives.
pub fn error(model: &ModelProto) -> String {
    load(model)
        .map(|g| g.to_string())
        .expect_err("the model must be refused")
        .to_string()
}

/// Imports and runs a model; the simplified graph must give the same.
pub fn run(model: &ModelProto, inputs: &[Tensor]) -> Vec<Tensor> {
    let graph = load(model).expect("import");
    let out = Executor::new(&graph)
        .expect("executor")
        .run(inputs)
        .expect("run");
    let simple = simplify(&graph).expect("simplify");
    let again = Executor::new(&simple)
        .expect("executor")
        .run(inputs)
        .expect("run");
    for (a, b) in out.iter().zip(&again) {
        assert_eq!(a.shape, b.shape);
        assert_close(&a.data, &b.data, 1e-6);
    }
    out
}

/// Asserts equality to a tolerance relative to the larger of 1 and the value.
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{found:?} is not {expected:?}");
    for (f, e) in found.iter().zip(expected) {
        let same =
            f == e || (f - e).abs() <= tolerance * e.abs().max(1.0) || (f.is_nan() && e.is_nan());
        assert!(same, "{found:?} is not {expected:?}");
    }
}

/// A tensor.
pub fn t(shape: &[usize], data: &[f32]) -> Tensor {
    Tensor::new(shape.to_vec(), data.to_vec()).expect("shape and data agree")
}
