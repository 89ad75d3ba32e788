//! Operators of classical machine learning (`ai.onnx.ml`), as scikit-learn's converter writes them.

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use super::pick;
use crate::graph::{Binary, Comparison, Kind, Op, Tensor};

/// (x − offset)·scale, feature by feature.
pub(super) fn scaler(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let Some(&features) = shape.last() else {
        return Err(node.operand_error("takes at least one axis"));
    };
    let list = |name: &str, default: f64| -> Result<Vec<f64>, ImportError> {
        let list = node.floats(name)?.unwrap_or(&[]);
        match list.len() {
            0 => Ok(vec![default]),
            n if n == 1 || n == features => {
                if let Some(v) = list.iter().find(|v| !v.is_finite()) {
                    return Err(node.attribute_error(name, format!("has {v}")));
                }
                Ok(list.iter().map(|&v| f64::from(v)).collect())
            }
            n => {
                Err(node.attribute_error(name, format!("has {n} entries for {features} features")))
            }
        }
    };
    let (offset, scale) = (list("offset", 0.0)?, list("scale", 1.0)?);
    let entry = |list: &[f64], i: usize| list[i % list.len()];
    let count = offset.len().max(scale.len());
    let op = Op::ScaleShift {
        axis: shape.len() - 1,
        scale: (0..count).map(|i| entry(&scale, i)).collect(),
        shift: (0..count)
            .map(|i| -entry(&offset, i) * entry(&scale, i))
            .collect(),
    };
    Ok(vec![context.apply(node, Kind::Float, op, &[x])?])
}

/// Elements along the last axis; one axis is one row.
pub(super) fn array_feature_extractor(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (x, indices) = (context.input(node, 0)?, context.input(node, 1)?);
    let mut shape = context.shape(&x);
    let Some(axis) = shape.len().checked_sub(1) else {
        return Err(node.operand_error("takes at least one axis"));
    };
    let count = context.shape(&indices).iter().product();
    let flat = Op::Reshape { shape: vec![count] };
    let indices = context.rearrange(node, flat, &[indices])?;
    let picked = pick::elements(context, node, x, indices, axis)?;
    shape[axis] = count;
    if shape.len() == 1 {
        shape.insert(0, 1);
    }
    Ok(vec![context.rearrange(
        node,
        Op::Reshape { shape },
        &[picked],
    )?])
}

/// A map from class to probability: the probabilities, in the classes' order.
pub(super) fn zip_map(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    // Names of the classes, which a trigger has no use for.
    node.ignore("classlabels_int64s");
    node.ignore("classlabels_strings");
    Ok(vec![x])
}

/// Imputer: words are never missing, so that only a number that stands for missing ones is replaced.
pub(super) fn imputer(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let floats = node.floats("imputed_value_floats")?.unwrap_or(&[]);
    let ints = node.ints("imputed_value_int64s")?.unwrap_or(&[]);
    let missing = match node.int("replaced_value_int64")? {
        Some(v) if !ints.is_empty() => Some(v as f32),
        _ => node.number_or_nan("replaced_value_float")?,
    };
    let Some(missing) = missing.filter(|v| !v.is_nan()) else {
        return Ok(vec![x]);
    };
    let data: Vec<f32> = match floats {
        [] => ints.iter().map(|v| *v as f32).collect(),
        floats => floats.to_vec(),
    };
    let features = context.shape(&x).last().copied().unwrap_or(1);
    if ![1, features].contains(&data.len()) || data.iter().any(|v| !v.is_finite()) {
        let detail = format!("are {} for {features} features", data.len());
        return Err(node.attribute_error("imputed_value_floats", detail));
    }
    let kind = x.kind();
    let mut c = Compose::new(context, node);
    let missing = c.number(missing)?;
    let is_missing = c.compare(Comparison::Equal, &x, &missing)?;
    let imputed = c.tensor(Tensor::vector(data))?;
    let result = c.choose(&is_missing, &imputed, &x)?;
    Ok(vec![Compose::like(result, kind)])
}

/// Binarizer: whether x is larger than a threshold.
pub(super) fn binarizer(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let threshold = node.float("threshold")?.unwrap_or(0.0);
    let mut c = Compose::new(context, node);
    let threshold = c.number(threshold)?;
    let above = c.compare(Comparison::Greater, &x, &threshold)?;
    Ok(vec![Compose::like(above, Kind::Float)])
}

/// FeatureVectorizer: all features beside one another.
pub(super) fn feature_vectorizer(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let inputs = context.inputs(node)?;
    let widths = node.ints("inputdimensions")?.unwrap_or(&[]);
    for (input, width) in inputs.iter().zip(widths) {
        let shape = context.shape(input);
        if shape.len() != 2 || i64::try_from(shape[1]) != Ok(*width) {
            let detail = format!("states {width} features for an operand of shape {shape:?}");
            return Err(node.attribute_error("inputdimensions", detail));
        }
    }
    let joined = context.rearrange(node, Op::Concat { axis: 1 }, &inputs)?;
    Ok(vec![Compose::like(joined, Kind::Float)])
}

/// Whether each element is one of the keys, which get an axis at the end.
fn among(c: &mut Compose<'_, '_, '_>, x: &Value, keys: Vec<f32>) -> Result<Value, ImportError> {
    let mut shape = c.shape(x);
    shape.push(1);
    let x = c.reshape(x, shape)?;
    let keys = c.tensor(Tensor::vector(keys))?;
    c.compare(Comparison::Equal, &x, &keys)
}

/// OneHotEncoder: which of the categories each element is; none for an unknown one.
pub(super) fn one_hot_encoder(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    node.flag("zeros", true)?;
    let Some(categories) = node.ints("cats_int64s")? else {
        return Err(node.attribute_error(
            "cats_int64s",
            "is missing; categories that are text have no words: number them before the network",
        ));
    };
    let keys = categories.iter().map(|v| *v as f32).collect();
    let hot = among(&mut Compose::new(context, node), &x, keys)?;
    Ok(vec![Compose::like(hot, Kind::Float)])
}

/// LabelEncoder from numbers to numbers: the value of each key, and a default for what is none.
pub(super) fn label_encoder(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let mut list = |what: &str| -> Result<Option<(Kind, Vec<f32>)>, ImportError> {
        if let Some(list) = node.ints(&format!("{what}_int64s"))? {
            return Ok(Some((Kind::Int, list.iter().map(|v| *v as f32).collect())));
        }
        if let Some(list) = node.floats(&format!("{what}_floats"))? {
            return Ok(Some((Kind::Float, list.to_vec())));
        }
        let Some(proto) = node.tensor(&format!("{what}_tensor"))? else {
            return Ok(None);
        };
        let value = context.constant(&node.name, proto)?;
        let tensor = context.weights(node, &value, what)?;
        Ok(Some((value.kind(), tensor.data)))
    };
    let (keys, values) = (list("keys")?, list("values")?);
    let (Some((_, keys)), Some((kind, values))) = (keys, values) else {
        return Err(node.attribute_error(
            "keys_int64s",
            "or the values are missing, or text, which has no words: encode the labels as numbers",
        ));
    };
    let default = match kind {
        Kind::Float => node.float("default_float")?.unwrap_or(0.0),
        _ => node.int("default_int64")?.unwrap_or(-1) as f32,
    };
    if keys.len() != values.len() || keys.is_empty() || keys.iter().any(|v| !v.is_finite()) {
        let detail = format!("are {} for {} keys", values.len(), keys.len());
        return Err(node.attribute_error("values_int64s", detail));
    }
    for name in [
        "default_string",
        "default_tensor",
        "default_int64",
        "default_float",
    ] {
        node.ignore(name);
    }
    let shape = context.shape(&x);
    let count = keys.len();
    let mut c = Compose::new(context, node);
    let known = Compose::like(among(&mut c, &x, keys)?, Kind::Float);
    let op = Op::Dense {
        weights: Tensor {
            shape: vec![1, count],
            data: values.iter().map(|v| v - default).collect(),
        },
        bias: vec![default],
    };
    let value = c.context.apply(node, kind, op, &[known])?;
    Ok(vec![c.reshape(&value, shape)?])
}

/// CDist of onnxruntime: the distance of every row of one matrix to every row of another.
pub(super) fn distances(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let (a, b) = (context.input(node, 0)?, context.input(node, 1)?);
    let root = match node.string("metric")?.unwrap_or("sqeuclidean") {
        "sqeuclidean" => false,
        "euclidean" => true,
        other => {
            let detail = format!("is '{other}', not euclidean or sqeuclidean");
            return Err(node.attribute_error("metric", detail));
        }
    };
    let mut c = Compose::new(context, node);
    let (of_a, of_b) = (c.shape(&a), c.shape(&b));
    let (&[rows, features], &[others, _]) = (&of_a[..], &of_b[..]) else {
        return Err(node.operand_error("takes two matrices"));
    };
    let a = c.reshape(&a, vec![rows, 1, features])?;
    let b = c.reshape(&b, vec![1, others, features])?;
    let difference = c.binary(Binary::Sub, &a, &b)?;
    let op = match root {
        true => crate::graph::Reduction::L2,
        false => crate::graph::Reduction::SumSquare,
    };
    Ok(vec![c.reduce(op, &difference, &[2], false)?])
}
