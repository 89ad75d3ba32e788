//! Columns of an output that hold a quantity of many sizes: there the rms error over the range, and a correlation, say
//! something of the largest values alone.

use hodoscope_compiler::graph::{Binary, Graph, Op, Unary, ValueId};

/// The largest value over the median, from which on half of a column's values are smaller than the rms error that an
/// output may have.
const SPREAD: f64 = 50.0;
/// The largest value over that of which a tenth are smaller, from which on a column has many sizes.
const DECADES: f64 = 1000.0;
/// Values that tell it.
const ENOUGH: usize = 20;

/// What nineteen of twenty values of a column miss at most of themselves, if most of them are small beside the largest;
/// of a column of both signs, of themselves or of their median, as they are small where they cross zero. Pairs are float
/// and fixed. What is zero tells nothing.
pub fn relative(pairs: &[(f64, f64)]) -> Option<f64> {
    let live = || pairs.iter().filter(|(float, _)| *float != 0.0);
    let mut sizes: Vec<f64> = live().map(|(float, _)| float.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let (median, largest) = (*sizes.get(sizes.len() / 2)?, *sizes.last()?);
    let one_sign = live().all(|(float, _)| *float > 0.0) || live().all(|(float, _)| *float < 0.0);
    let many = one_sign && largest >= DECADES * sizes[sizes.len() / 10];
    if sizes.len() < ENOUGH || !many && largest < SPREAD * median {
        return None;
    }
    let floor = if one_sign { 0.0 } else { median };
    let of = |(float, fixed): &(f64, f64)| (fixed - float).abs() / float.abs().max(floor);
    let mut errors: Vec<f64> = live().map(of).collect();
    errors.sort_by(f64::total_cmp);
    Some(errors[(errors.len() * 95).div_ceil(100) - 1])
}

/// Whether an output is a layer's sums, rectified or scaled perhaps: logits and reconstructions, which are as noisy where they are
/// small as where they are large.
pub fn is_of_layer(graph: &Graph, name: &str) -> bool {
    let output = graph.outputs().iter().find(|o| o.name == name);
    output.is_some_and(|output| comes_of_layer(graph, output.value))
}

fn comes_of_layer(graph: &Graph, value: ValueId) -> bool {
    let Some(node) = graph.producing_node(value) else {
        return false;
    };
    match &node.op {
        Op::Dense { .. }
        | Op::DenseStepwise { .. }
        | Op::Conv { .. }
        | Op::ConvTranspose { .. }
        | Op::Constant(_) => true,
        op if op.moves()
            || matches!(
                op,
                Op::Unary(Unary::Relu | Unary::LeakyRelu { .. } | Unary::Clip { .. })
                    | Op::ScaleShift { .. }
                    | Op::Binary(Binary::Add | Binary::Sub)
            ) =>
        {
            node.inputs.iter().all(|v| comes_of_layer(graph, *v))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2, 4, … 2^39, each missed by `error`.
    fn powers(error: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let values = (0..40).map(|k| 2f64.powi(k));
        values.map(|value| (value, value + error(value))).collect()
    }

    #[test]
    fn small_values_count_where_most_are_small() {
        let lost = powers(|value| if value < 1000.0 { -value } else { 0.0 });
        assert_eq!(relative(&lost), Some(1.0));
        let kept = powers(|value| value / 1024.0);
        assert_eq!(relative(&kept), Some(1.0 / 1024.0));
        // Of one size: rms and correlation judge them.
        let alike: Vec<_> = (0..40).map(|k| (f64::from(k) + 10.0, 10.0)).collect();
        assert_eq!(relative(&alike), None);
        assert_eq!(relative(&lost[..10]), None);
        assert_eq!(relative(&[]), None);
    }

    #[test]
    fn values_of_both_signs_count_in_medians_where_they_cross_zero() {
        let mut pairs = powers(|_| 0.0);
        for (place, pair) in pairs.iter_mut().enumerate() {
            if place % 2 == 0 {
                *pair = (-pair.0, -pair.1);
            }
        }
        pairs[..10].iter_mut().for_each(|pair| pair.1 += 1000.0);
        assert!(relative(&pairs).is_some_and(|error| error < 0.002));
        pairs[10..25].iter_mut().for_each(|pair| pair.1 = 0.0);
        assert_eq!(relative(&pairs), Some(1.0));
    }
}
