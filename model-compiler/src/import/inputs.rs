//! Graph inputs for one event: which extents are the batch, and which must be known.

use super::{
    ImportError, Options,
    context::Context,
    proto::{Dimension, GraphProto, TensorTypeProto, ValueInfoProto, data_type},
    value::Value,
};
use crate::graph::Kind;

/// An extent as the file gives it.
#[derive(Clone, Debug, PartialEq)]
enum Extent {
    Fixed(usize),
    /// Unknown, with the name under which [`Options::extents`] may give it.
    Named(String),
}

struct Input<'a> {
    name: &'a str,
    kind: Kind,
    shape: Vec<Extent>,
}

/// Adds the graph's inputs, for `batch` events; more than one only where all of them leave the batch open.
pub(super) fn add(
    context: &mut Context<'_>,
    graph: &GraphProto,
    options: &Options,
    batch: usize,
) -> Result<(), ImportError> {
    let mut inputs = Vec::new();
    // Old files list their initializers among the inputs.
    for info in graph
        .input
        .iter()
        .filter(|i| !context.is_initializer(&i.name))
    {
        inputs.push(parse(info, context.quantised)?);
    }
    check_stated(&inputs, options)?;
    let outputs: Vec<Option<Vec<Extent>>> = graph.output.iter().map(output_shape).collect();
    context.batch = static_batch(&inputs, &outputs);
    let open = |input: &Input<'_>| {
        let first = input.shape.first();
        matches!(first, Some(Extent::Named(name)) if given(options, input.name, 0, name).is_none())
    };
    context.has_batch = context.batch.is_some() || inputs.iter().any(open);
    if let Some(fixed) = inputs.iter().find(|input| batch > 1 && !open(input)) {
        let input = fixed.name.to_owned();
        let detail = "has no open batch".to_owned();
        return Err(ImportError::Input { input, detail });
    }
    for input in inputs {
        let mut shape = Vec::new();
        for (axis, extent) in input.shape.iter().enumerate() {
            shape.push(match extent {
                Extent::Fixed(_) if axis == 0 && context.batch.is_some() => 1,
                Extent::Fixed(n) => *n,
                Extent::Named(name) => match given(options, input.name, axis, name) {
                    Some(n) => n,
                    None if axis == 0 => batch,
                    None => {
                        let (input, name) = (input.name.to_owned(), name.clone());
                        return Err(ImportError::DynamicDimension { input, axis, name });
                    }
                },
            });
        }
        let fail = |e| ImportError::Input {
            input: input.name.to_owned(),
            detail: format!("{e}"),
        };
        let id = context
            .builder
            .input(input.name, shape, input.kind)
            .map_err(fail)?;
        context.define(input.name, Value::Graph(input.kind, id), "input")?;
    }
    Ok(())
}

/// Refuses an extent of an axis that no input leaves open: a name that was misspelt, or one that the file has.
fn check_stated(inputs: &[Input<'_>], options: &Options) -> Result<(), ImportError> {
    let open: Vec<[String; 2]> = inputs
        .iter()
        .flat_map(|input| {
            let axes = input.shape.iter().enumerate();
            axes.filter_map(|(axis, extent)| match extent {
                Extent::Named(name) => Some([name.clone(), format!("{}:{axis}", input.name)]),
                Extent::Fixed(_) => None,
            })
        })
        .collect();
    let unknown = |name: &&String| !open.iter().any(|names| names.contains(name));
    match options.extents.keys().find(unknown) {
        None => Ok(()),
        Some(name) => Err(ImportError::StatedExtent {
            name: name.clone(),
            open: match open.is_empty() {
                true => "all are fixed in the file".to_owned(),
                false => {
                    let names = open.iter().map(|[name, own]| format!("'{name}' ({own})"));
                    format!("open are {}", names.collect::<Vec<_>>().join(", "))
                }
            },
        }),
    }
}

/// An extent that a file leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenExtent {
    /// The input.
    pub input: String,
    /// The axis; the first one, which may be the batch, is never listed.
    pub axis: usize,
    /// Its name in the file, or `INPUT:AXIS`; a key of [`Options::extents`].
    pub name: String,
}

/// Extents behind the first axis that the inputs of a graph leave open.
pub(super) fn open(graph: &GraphProto) -> Vec<OpenExtent> {
    let is_constant = |name: &str| graph.initializer.iter().any(|t| t.name == name);
    let inputs = graph.input.iter().filter(|i| !is_constant(&i.name));
    let mut open = Vec::new();
    for info in inputs {
        for (axis, extent) in output_shape(info).into_iter().flatten().enumerate().skip(1) {
            if let Extent::Named(name) = extent {
                let input = info.name.clone();
                open.push(OpenExtent { input, axis, name });
            }
        }
    }
    open
}

fn given(options: &Options, input: &str, axis: usize, name: &str) -> Option<usize> {
    options
        .extents
        .get(name)
        .or_else(|| options.extents.get(&format!("{input}:{axis}")))
        .copied()
}

/// The static leading extent that all inputs and outputs share, if it is a batch of several events.
///
/// One leading extent alone proves nothing (`[16, 3]` may be one set of 16 particles), so every input and output of more
/// than one axis must have it, and every output must have it at all.
fn static_batch(inputs: &[Input<'_>], outputs: &[Option<Vec<Extent>>]) -> Option<usize> {
    let lead = |shape: &[Extent]| match shape.first() {
        Some(Extent::Fixed(n)) => Some(*n),
        _ => None,
    };
    let batch = inputs.iter().find_map(|i| lead(&i.shape))?;
    let inputs_agree = inputs
        .iter()
        .all(|i| i.shape.len() >= 2 && lead(&i.shape) == Some(batch));
    let outputs_agree = outputs.iter().flatten().all(|o| match o.first() {
        Some(Extent::Fixed(n)) => *n == batch,
        Some(Extent::Named(_)) => true,
        None => false,
    });
    (batch > 1 && inputs_agree && outputs_agree).then_some(batch)
}

fn parse(info: &ValueInfoProto, quantised: bool) -> Result<Input<'_>, ImportError> {
    let fail = |detail: &str| ImportError::Input {
        input: info.name.clone(),
        detail: detail.to_owned(),
    };
    let tensor = info
        .r#type
        .as_ref()
        .and_then(|t| t.tensor_type.as_ref())
        .ok_or_else(|| fail("is no tensor; export the model with tensors as inputs"))?;
    let kind = match tensor.elem_type {
        data_type::FLOAT | data_type::DOUBLE => Kind::Float,
        // Computed in single precision, as all floats are.
        data_type::FLOAT16 | data_type::BFLOAT16 if !quantised => Kind::Float,
        data_type::BOOL => Kind::Bool,
        data_type::INT8
        | data_type::INT16
        | data_type::INT32
        | data_type::INT64
        | data_type::UINT8
        | data_type::UINT16
        | data_type::UINT32 => Kind::Int,
        other => {
            let name = data_type::name(other);
            return Err(fail(&format!(
                "has element type {name}; export the model with float32 inputs"
            )));
        }
    };
    let shape = extents(&info.name, tensor).ok_or_else(|| {
        fail("has no shape, not even a rank; export the model with the shapes of its inputs")
    })?;
    Ok(Input {
        name: &info.name,
        kind,
        shape,
    })
}

fn output_shape(info: &ValueInfoProto) -> Option<Vec<Extent>> {
    extents(&info.name, info.r#type.as_ref()?.tensor_type.as_ref()?)
}

fn extents(name: &str, tensor: &TensorTypeProto) -> Option<Vec<Extent>> {
    let dims = &tensor.shape.as_ref()?.dim;
    let extent = |(axis, d): (usize, &super::proto::DimensionProto)| match &d.value {
        Some(Dimension::Value(n)) if *n > 0 => {
            usize::try_from(*n).map_or(Extent::Fixed(usize::MAX), Extent::Fixed)
        }
        Some(Dimension::Param(p)) if !p.is_empty() => Extent::Named(p.clone()),
        _ => Extent::Named(format!("{name}:{axis}")),
    };
    Some(dims.iter().enumerate().map(extent).collect())
}
