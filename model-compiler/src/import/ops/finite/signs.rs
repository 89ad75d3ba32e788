//! Which values cannot be negative, or zero, by what they are computed from.

use crate::graph::{Binary, Circular, Graph, Node, Op, Pooling, Reduction, Unary};

/// What a value is at least, wherever it is a finite number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Least {
    Anything,
    Zero,
    /// More than zero.
    Positive,
}

/// Of every value of a graph what it is at least.
pub(super) fn least(graph: &Graph) -> Vec<Least> {
    let mut all = vec![Least::Anything; graph.value_count()];
    for node in graph.nodes() {
        all[node.output.index()] = of(graph, &all, node);
    }
    all
}

fn of(graph: &Graph, all: &[Least], node: &Node) -> Least {
    use Least::{Anything, Positive, Zero};
    if graph.is_boolean(node.output) && !matches!(node.op, Op::Constant(_)) {
        return Zero;
    }
    let one = |place: usize| {
        let value = node.inputs.get(place);
        value.map_or(Anything, |value| all[value.index()])
    };
    let least = || node.inputs.iter().map(|v| all[v.index()]).min();
    let least = || least().unwrap_or(Anything);
    let above = |bound: f32| match bound {
        b if b > 0.0 => Positive,
        b if b >= 0.0 => Zero,
        _ => Anything,
    };
    match &node.op {
        Op::Constant(tensor) => above(tensor.data.iter().copied().fold(f32::INFINITY, f32::min)),
        op if op.moves() => least(),
        Op::Softmax { .. } | Op::ArgMax { .. } => Zero,
        Op::TopK { indices: true, .. } => Zero,
        Op::TopK { .. } | Op::Gather { .. } => one(0),
        // Padding may count as zeros.
        Op::Pool { op, .. } => match op {
            Pooling::Max => one(0),
            Pooling::Average { .. } => one(0).min(Zero),
        },
        Op::ScaleShift { scale, shift, .. } => {
            let low = shift.iter().copied().fold(f64::INFINITY, f64::min);
            let grows = scale.iter().all(|s| *s >= 0.0) && one(0) >= Zero && low >= 0.0;
            match (
                grows,
                low > 0.0 || one(0) == Positive && scale.iter().all(|s| *s > 0.0),
            ) {
                (true, true) => Positive,
                (true, false) => Zero,
                _ => Anything,
            }
        }
        Op::Unary(function) => match function {
            // Of what a mask moved far down they are zero in single precision.
            Unary::Exp | Unary::Softplus | Unary::Sigmoid => Zero,
            Unary::Circular(Circular::Cosh) => Positive,
            Unary::Abs | Unary::Square => one(0).max(Zero),
            Unary::Relu => one(0).max(Zero),
            Unary::HardSigmoid { .. } => Zero,
            Unary::Sqrt | Unary::LeakyRelu { .. } | Unary::Reciprocal => one(0),
            Unary::Power { exponent } if *exponent % 2.0 == 0.0 => one(0).max(Zero),
            Unary::Power { .. } => one(0),
            Unary::Tanh | Unary::Erf | Unary::Floor | Unary::Round | Unary::Trunc => {
                one(0).min(Zero)
            }
            Unary::Ceil | Unary::Sign => one(0),
            Unary::Clip { min, max } if *max > 0.0 => above(*min).max(one(0)),
            Unary::Clip { min, .. } => above(*min),
            _ => Anything,
        },
        Op::Binary(op) => match op {
            // A number that is multiplied with itself.
            Binary::Mul if node.inputs[0] == node.inputs[1] => one(0).max(Zero),
            // A single that is added to something may be swallowed, but not zero then.
            Binary::Add if least() >= Zero => one(0).max(one(1)),
            Binary::Mul | Binary::Div => least(),
            Binary::Max => one(0).max(one(1)),
            Binary::Min => least(),
            Binary::Pow => one(0),
            _ => Anything,
        },
        Op::Where => one(1).min(one(2)),
        Op::Reduce { op, .. } => match op {
            Reduction::Sum
            | Reduction::Mean
            | Reduction::Max
            | Reduction::Min
            | Reduction::Prod => one(0),
            Reduction::SumSquare | Reduction::L2 | Reduction::L1 => one(0).max(Zero),
        },
        Op::MatMul => match least() {
            Positive | Zero => least(),
            Anything => Anything,
        },
        Op::Dense { weights, bias } => {
            let all = weights.data.iter().chain(bias);
            let grows = one(0) >= Zero && all.fold(f32::INFINITY, |m, v| m.min(*v)) >= 0.0;
            if grows { Zero } else { Anything }
        }
        _ => Anything,
    }
}
