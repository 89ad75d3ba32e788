//! Features that vary little beside their size: a mass near 91, a time stamp, a position along a beam line.
//!
//! A layer reads its operand in few bits, which would count the offset and not what varies. So the offset is subtracted
//! first, exactly, and is part of the layer's bias: W·x + b = W·(x − c) + (b + W·c).

use super::Calibration;
use crate::graph::{Graph, GraphBuilder, GraphError, Node, Op, Tensor, ValueId};

/// The offset of a feature that is worth a subtraction, in units of the range of its values.
const WORTHWHILE: f64 = 4.0;
/// An offset is a multiple of a power of two, which is this part of the range at least.
const PART: i32 = 3;

/// The smallest and the largest value of each feature.
type Ranges = Vec<(f64, f64)>;

/// The graph with the offsets of features subtracted before the layers that read them; none where no feature has one.
///
/// # Errors
/// Only if a graph is built that is none, which would be a mistake of this module.
pub(crate) fn centre(
    graph: &Graph,
    calibration: &Calibration,
) -> Result<Option<Graph>, GraphError> {
    let mut ranges: Vec<Option<Ranges>> = vec![None; graph.value_count()];
    for (index, input) in graph.inputs().iter().enumerate() {
        let features = graph.shape(input.value).last().copied().unwrap_or(1);
        let values = &calibration.input(index).values;
        ranges[input.value.index()] = Some(seen(values, features));
    }
    let mut builder = GraphBuilder::new(graph.name());
    let mut map: Vec<ValueId> = graph.values().collect();
    for input in graph.inputs() {
        let shape = graph.shape(input.value).to_vec();
        map[input.value.index()] = builder.input(&input.name, shape, input.kind)?;
    }
    let mut any = false;
    for node in graph.nodes() {
        let operands: Vec<ValueId> = node.inputs.iter().map(|v| map[v.index()]).collect();
        ranges[node.output.index()] = scaled(graph, node, &ranges);
        let own = node.inputs.first().and_then(|v| ranges[v.index()].as_ref());
        map[node.output.index()] = match (&node.op, own.and_then(offsets)) {
            (Op::Dense { weights, bias }, Some(offsets)) => {
                any = true;
                let (x, subtract) = subtraction(graph, node.inputs[0], &offsets);
                let name = format!("{}.centred", node.name);
                let centred = builder.push(name, subtract, &[map[x.index()]])?;
                builder.push(&node.name, of_centred(weights, bias, &offsets), &[centred])?
            }
            _ => builder.push(&node.name, node.op.clone(), &operands)?,
        };
    }
    for output in graph.outputs() {
        builder.output(&output.name, map[output.value.index()])?;
    }
    Ok(any.then(|| builder.finish()))
}

fn seen(values: &[f32], features: usize) -> Ranges {
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); features];
    for row in values.chunks(features) {
        for (range, value) in ranges.iter_mut().zip(row) {
            let value = f64::from(*value);
            *range = (range.0.min(value), range.1.max(value));
        }
    }
    ranges
}

/// What a node makes of the ranges of its operand, where it scales and shifts each feature.
fn scaled(graph: &Graph, node: &Node, ranges: &[Option<Ranges>]) -> Option<Ranges> {
    let Op::ScaleShift { axis, scale, shift } = &node.op else {
        return None;
    };
    let own = ranges[node.inputs[0].index()].as_ref()?;
    let last = graph.shape(node.output).len().saturating_sub(1);
    let of_features = |entries: &[f64]| entries.len() == 1 || *axis == last;
    if !of_features(scale) || !of_features(shift) {
        return None;
    }
    let at = |entries: &[f64], f: usize| entries[f % entries.len()];
    let of = |(f, (low, high)): (usize, &(f64, f64))| {
        let ends = [low, high].map(|end| end * at(scale, f) + at(shift, f));
        (ends[0].min(ends[1]), ends[0].max(ends[1]))
    };
    Some(own.iter().enumerate().map(of).collect())
}

/// The offset of each feature, 0 where it has none; none where no feature has one.
fn offsets(ranges: &Ranges) -> Option<Vec<f64>> {
    let offset = |(low, high): &(f64, f64)| {
        let (middle, range) = ((low + high) / 2.0, high - low);
        // A constant is none that varies.
        if range <= 0.0 || !range.is_finite() || middle.abs() < WORTHWHILE * range {
            return 0.0;
        }
        let unit = libm::ldexp(1.0, libm::ilogb(range) - PART);
        let offset = libm::round(middle / unit) * unit;
        // A single: the graph's own numbers.
        f64::from(offset as f32)
    };
    let offsets: Vec<f64> = ranges.iter().map(offset).collect();
    offsets.iter().any(|c| *c != 0.0).then_some(offsets)
}

/// The offsets' subtraction, together with the scaling that gives the operand, if one does; and its own operand.
fn subtraction(graph: &Graph, x: ValueId, offsets: &[f64]) -> (ValueId, Op) {
    let (x, scale, shift) = match graph.producing_node(x) {
        Some(Node {
            op: Op::ScaleShift { scale, shift, .. },
            inputs,
            ..
        }) => (inputs[0], scale.clone(), shift.clone()),
        _ => (x, vec![1.0], vec![0.0]),
    };
    let shift = |(f, c): (usize, &f64)| shift[f % shift.len()] - c;
    let scale = (0..offsets.len()).map(|f| scale[f % scale.len()]);
    let subtract = Op::ScaleShift {
        axis: graph.shape(x).len().saturating_sub(1),
        scale: scale.collect(),
        shift: offsets.iter().enumerate().map(shift).collect(),
    };
    (x, subtract)
}

/// The layer of what is left.
fn of_centred(weights: &Tensor, bias: &[f32], offsets: &[f64]) -> Op {
    let rows = weights.data.chunks(weights.shape[1]);
    let moved = rows.zip(bias).map(|(row, bias)| {
        let terms = row.iter().zip(offsets).map(|(w, c)| f64::from(*w) * c);
        (f64::from(*bias) + terms.sum::<f64>()) as f32
    });
    Op::Dense {
        weights: weights.clone(),
        bias: moved.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_little_beside_its_size_has_an_offset() {
        let ranges = vec![
            (997.0, 1003.0),
            (-1.0, 1.0),
            (90.0, 92.5),
            (5.0, 5.0),
            (0.0, 8.0),
        ];
        assert_eq!(offsets(&ranges), Some(vec![1000.0, 0.0, 91.25, 0.0, 0.0]));
        assert_eq!(offsets(&vec![(0.0, 3.0), (2.0, 3.0)]), None);
    }
}
