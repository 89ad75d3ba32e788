//! `--score`: nodes that compute a score which the exported graph does not hold itself.

use crate::graph::{Binary, Graph, GraphBuilder, Op, Reduction, ValueId};
use crate::quantise::QuantiseError;
use crate::quantise::Score;

/// The graph with the score as its first output, named `score` where it is new.
///
/// # Errors
/// When the score is none of the model's.
pub(crate) fn with_score(graph: &Graph, score: &Score) -> Result<Graph, QuantiseError> {
    if let Score::Only(score) = score {
        return first_output(&with_score(graph, score)?);
    }
    let refuse = |reason: String| QuantiseError::Options(format!("--score {score}: {reason}"));
    let (mut builder, map) = super::expand::copied(graph)?;
    let mut outputs: Vec<(String, ValueId)> = graph
        .outputs()
        .iter()
        .map(|o| (o.name.clone(), o.value))
        .collect();
    let named = |wanted: &str| {
        let names: Vec<&str> = outputs.iter().map(|(n, _)| n.as_str()).collect();
        let index = names.iter().position(|name| *name == wanted);
        index.ok_or_else(|| refuse(format!("the outputs are {}", names.join(", "))))
    };
    let names: Vec<&str> = outputs.iter().map(|(n, _)| n.as_str()).collect();
    let (terms, divisor) = match &score.among(&names) {
        Score::Only(_) => return Ok(graph.clone()),
        Score::Channel(wanted, channel) => {
            let value = outputs[named(wanted)?].1;
            let elements = graph.elements(value);
            if *channel >= elements {
                return Err(refuse(format!("channels are 0 to {}", elements - 1)));
            }
            if named("score").is_ok() {
                return Err(refuse("the model has an output 'score' already".into()));
            }
            let flat = Op::Reshape {
                shape: vec![1, elements],
            };
            let flat = builder.push("score", flat, &[map[value.index()]])?;
            let select = Op::Select {
                axis: 1,
                indices: vec![*channel],
            };
            let value = builder.push("score", select, &[flat])?;
            builder.output("score", value)?;
            for (name, value) in outputs {
                builder.output(name, map[value.index()])?;
            }
            return Ok(builder.finish());
        }
        Score::Output(wanted) => {
            let index = named(wanted)?;
            outputs[..=index].rotate_right(1);
            for (name, value) in outputs {
                builder.output(name, map[value.index()])?;
            }
            return Ok(builder.finish());
        }
        Score::SumSquares(wanted) => (map[outputs[named(wanted)?].1.index()], 1),
        Score::Mse => {
            let ([(_, output)], [input]) = (&outputs[..], graph.inputs()) else {
                return Err(refuse("it needs one input and one output".into()));
            };
            squared_error(graph, &mut builder, &map, *output, input.value).map_err(refuse)?
        }
    };
    if named("score").is_ok() {
        return Err(refuse("the model has an output 'score' already".into()));
    }
    let axes = (1..builder.graph().shape(terms).len()).collect();
    let sum = Op::Reduce {
        op: Reduction::SumSquare,
        axes,
        keepdims: false,
    };
    let mut value = builder.push("score", sum, &[terms])?;
    if divisor != 1 {
        let mean = Op::ScaleShift {
            axis: 0,
            scale: vec![1.0 / divisor as f64],
            shift: vec![0.0],
        };
        value = builder.push("score", mean, &[value])?;
    }
    builder.output("score", value)?;
    for (name, value) in outputs {
        builder.output(name, map[value.index()])?;
    }
    Ok(builder.finish())
}

/// The graph with its first output alone.
fn first_output(graph: &Graph) -> Result<Graph, QuantiseError> {
    let (mut builder, map) = super::expand::copied(graph)?;
    for output in graph.outputs().iter().take(1) {
        builder.output(&output.name, map[output.value.index()])?;
    }
    Ok(builder.finish())
}

/// What is squared for a mean squared error, and the number of values.
fn squared_error(
    graph: &Graph,
    builder: &mut GraphBuilder,
    map: &[ValueId],
    output: ValueId,
    input: ValueId,
) -> Result<(ValueId, usize), String> {
    let shape = graph.shape(output).to_vec();
    let extents = |value| {
        let wide = graph.shape(value).iter().filter(|extent| **extent != 1);
        wide.copied().collect::<Vec<usize>>()
    };
    if extents(input) != extents(output) {
        return Err(format!(
            "input '{}' has not the {} values of the output, shape {shape:?}",
            graph.value_name(input),
            shape.iter().product::<usize>()
        ));
    }
    let elements = shape.iter().product();
    let reshape = Op::Reshape { shape };
    let fail = |e: crate::graph::GraphError| e.to_string();
    let target = builder
        .push("score", reshape, &[map[input.index()]])
        .map_err(fail)?;
    let difference = Op::Binary(Binary::Sub);
    let operands = [map[output.index()], target];
    let difference = builder.push("score", difference, &operands).map_err(fail)?;
    Ok((difference, elements))
}
