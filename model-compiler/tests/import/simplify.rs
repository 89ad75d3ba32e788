//! Simplification keeps what a graph computes: random graphs, and the rewrites that it is there for.

use hodoscope_compiler::graph::{
    Binary, Comparison, Executor, Graph, GraphBuilder, GraphError, Kind, Op, Reduction, Tensor,
    Unary, ValueId, simplify,
};
use proptest::prelude::*;

/// A step of a random graph: which operation, on which earlier values, with which numbers.
#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    a: prop::sample::Index,
    b: prop::sample::Index,
    axis: prop::sample::Index,
    numbers: Vec<f32>,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    // Quarters keep sums nearly exact, so that the tolerance can be tight.
    let number = (-8i8..=8).prop_map(|v| f32::from(v) / 4.0);
    (
        0u8..22,
        index(),
        index(),
        index(),
        prop::collection::vec(number, 64),
    )
        .prop_map(|(kind, a, b, axis, numbers)| Step {
            kind,
            a,
            b,
            axis,
            numbers,
        })
}

/// Adds a step; `None` when it does not fit the shapes at hand.
fn add(
    builder: &mut GraphBuilder,
    values: &[ValueId],
    step: &Step,
    name: String,
) -> Option<ValueId> {
    let (a, b) = (*step.a.get(values), *step.b.get(values));
    let shape = builder.graph().shape(a).to_vec();
    let last = *shape.last()?;
    let axis = step.axis.index(shape.len());
    let numbers = |n: usize| (0..n).map(|i| step.numbers[i % 64]).collect::<Vec<f32>>();
    let constant = |builder: &mut GraphBuilder, shape: Vec<usize>| {
        let data = numbers(shape.iter().product());
        builder.constant("c", Tensor { shape, data }).ok()
    };
    let per_channel = || {
        (0..shape.len())
            .map(|i| if i == axis { shape[i] } else { 1 })
            .collect::<Vec<_>>()
    };
    let op = match step.kind {
        0 => Op::Unary(Unary::Relu),
        1 => Op::Unary(Unary::Neg),
        2 => Op::Dense {
            weights: Tensor {
                shape: vec![3, last],
                data: numbers(3 * last),
            },
            bias: numbers(3),
        },
        3 => {
            let matrix = constant(builder, vec![last, 2])?;
            return builder.push(name, Op::MatMul, &[a, matrix]).ok();
        }
        4..=7 => {
            let op =
                [Binary::Add, Binary::Sub, Binary::Mul, Binary::Sub][usize::from(step.kind - 4)];
            let constant = constant(builder, per_channel())?;
            let inputs = if step.kind == 7 {
                [constant, a]
            } else {
                [a, constant]
            };
            return builder.push(name, Op::Binary(op), &inputs).ok();
        }
        8 => return builder.push(name, Op::Binary(Binary::Mul), &[a, a]).ok(),
        9 => return builder.push(name, Op::Binary(Binary::Add), &[a, b]).ok(),
        10 => Op::Reshape {
            shape: vec![shape.iter().product::<usize>() / last, last],
        },
        11 => Op::Reshape {
            shape: vec![1, shape.iter().product::<usize>() / last, last],
        },
        12 => Op::Reshape {
            shape: vec![shape.iter().product()],
        },
        13 => Op::Transpose {
            perm: (0..shape.len()).rev().collect(),
        },
        14 => Op::Slice {
            axis,
            start: shape[axis] - 1,
            step: -1,
            len: shape[axis],
        },
        15 => Op::Select {
            axis,
            indices: (0..shape[axis]).rev().collect(),
        },
        16 => Op::Reduce {
            op: Reduction::Sum,
            axes: vec![axis],
            keepdims: step.numbers[0] > 0.0,
        },
        17 => Op::Broadcast {
            shape: [&[2], &shape[..]].concat(),
        },
        18 => {
            let zero = builder
                .constant(
                    "zero",
                    Tensor {
                        shape: vec![1; shape.len()],
                        data: vec![0.0],
                    },
                )
                .ok()?;
            let mask = builder
                .push("mask", Op::Compare(Comparison::Greater), &[b, zero])
                .ok()?;
            return builder.push(name, Op::Where, &[mask, a, zero]).ok();
        }
        19 => Op::ScaleShift {
            axis,
            scale: numbers(shape[axis]).into_iter().map(f64::from).collect(),
            shift: numbers(shape[axis]).into_iter().map(f64::from).collect(),
        },
        20 => return builder.push(name, Op::Concat { axis }, &[a, a]).ok(),
        _ => Op::Unary(Unary::Clip {
            min: -4.0,
            max: 4.0,
        }),
    };
    builder.push(name, op, &[a]).ok()
}

fn outputs(graph: &Graph, x: &Tensor) -> Vec<Tensor> {
    Executor::new(graph)
        .expect("executor")
        .run(std::slice::from_ref(x))
        .expect("run")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]
    #[test]
    fn simplified_graphs_compute_the_same(
        steps in prop::collection::vec(step(), 1..12),
        x in prop::collection::vec((-8i8..=8).prop_map(|v| f32::from(v) / 2.0), 12),
    ) {
        let mut builder = GraphBuilder::new("random");
        let mut values = vec![builder.input("x", vec![1, 4, 3], Kind::Float).expect("input")];
        for (i, step) in steps.iter().enumerate() {
            // Large tensors only cost time.
            if let Some(value) = add(&mut builder, &values, step, format!("n{i}"))
                && builder.graph().elements(value) <= 1000
            {
                values.push(value);
            }
        }
        let last = values[values.len() - 1];
        builder.output("y", last).expect("output");
        builder.output("z", values[values.len() / 2]).expect("output");
        let graph = builder.finish();
        let simple = simplify(&graph).expect("simplify");
        let x = Tensor { shape: vec![1, 4, 3], data: x };
        let (before, after) = (outputs(&graph, &x), outputs(&simple, &x));
        // Terms cancel: the error is relative to the largest value on the way.
        let executor = Executor::new(&graph).expect("executor");
        let mut workspace = executor.workspace();
        executor.run_all(&mut workspace, &[&x.data]).expect("run");
        let largest =
            graph.values().flat_map(|v| workspace.value(v)).fold(1.0f32, |m, v| m.max(v.abs()));
        prop_assume!(largest.is_finite());
        for (a, b) in before.iter().zip(&after) {
            prop_assert_eq!(&a.shape, &b.shape);
            for (a, b) in a.data.iter().zip(&b.data) {
                prop_assert!((a - b).abs() <= 1e-6 * largest, "{} is not {}\n{}\n{}", b, a, graph, simple);
            }
        }
        prop_assert!(simplify(&simple).expect("simplify") == simple, "simplifying again changes the graph:\n{simple}");
    }
}

fn names(graph: &Graph) -> Vec<&'static str> {
    graph.nodes().iter().map(|n| n.op.name()).collect()
}

#[test]
fn normalisation_of_inputs_stays_apart_from_the_weights() -> Result<(), GraphError> {
    let mut builder = GraphBuilder::new("normalised");
    let x = builder.input("x", vec![1, 4, 2], Kind::Float)?;
    let mean = builder.constant("mean", Tensor::vector(vec![100.0, 0.5]))?;
    let spread = builder.constant("spread", Tensor::vector(vec![50.0, 0.25]))?;
    let centred = builder.push("sub", Op::Binary(Binary::Sub), &[x, mean])?;
    let scaled = builder.push("div", Op::Binary(Binary::Div), &[centred, spread])?;
    let matrix = builder.constant(
        "w",
        Tensor {
            shape: vec![2, 3],
            data: vec![1.0; 6],
        },
    )?;
    let bias = builder.constant("b", Tensor::vector(vec![1.0, 2.0, 3.0]))?;
    let product = builder.push("matmul", Op::MatMul, &[scaled, matrix])?;
    let y = builder.push("add", Op::Binary(Binary::Add), &[product, bias])?;
    builder.output("y", y)?;
    let simple = simplify(&builder.finish())?;
    assert_eq!(names(&simple), ["ScaleShift", "Dense"]);
    assert_eq!(
        simple.nodes()[0].op,
        Op::ScaleShift {
            axis: 2,
            scale: vec![0.02, 4.0],
            shift: vec![-2.0, -2.0]
        }
    );
    Ok(())
}

#[test]
fn a_batch_normalisation_is_absorbed_from_either_side() -> Result<(), GraphError> {
    let norm = |axis| Op::ScaleShift {
        axis,
        scale: vec![2.0, 4.0],
        shift: vec![1.0, -1.0],
    };
    let dense = || Op::Dense {
        weights: Tensor {
            shape: vec![2, 2],
            data: vec![1.0, 2.0, 3.0, 4.0],
        },
        bias: vec![1.0, 2.0],
    };
    // After a layer, between transposes, as torch normalises [batch, channels, particles].
    let mut builder = GraphBuilder::new("after");
    let x = builder.input("x", vec![1, 3, 2], Kind::Float)?;
    let d = builder.push("dense", dense(), &[x])?;
    let t = builder.push(
        "t1",
        Op::Transpose {
            perm: vec![0, 2, 1],
        },
        &[d],
    )?;
    let n = builder.push("norm", norm(1), &[t])?;
    let t = builder.push(
        "t2",
        Op::Transpose {
            perm: vec![0, 2, 1],
        },
        &[n],
    )?;
    builder.output("y", t)?;
    let simple = simplify(&builder.finish())?;
    assert_eq!(names(&simple), ["Dense"]);
    let Op::Dense { weights, bias } = &simple.nodes()[0].op else {
        unreachable!("a dense layer")
    };
    assert_eq!(
        (&weights.data[..], &bias[..]),
        (&[2.0, 4.0, 12.0, 16.0][..], &[3.0, 7.0][..])
    );
    // Before a layer, after an activation.
    let mut builder = GraphBuilder::new("before");
    let x = builder.input("x", vec![1, 2], Kind::Float)?;
    let r = builder.push("relu", Op::Unary(Unary::Relu), &[x])?;
    let n = builder.push("norm", norm(1), &[r])?;
    let d = builder.push("dense", dense(), &[n])?;
    builder.output("y", d)?;
    let simple = simplify(&builder.finish())?;
    assert_eq!(names(&simple), ["Relu", "Dense"]);
    let Op::Dense { weights, bias } = &simple.nodes()[1].op else {
        unreachable!("a dense layer")
    };
    assert_eq!(
        (&weights.data[..], &bias[..]),
        (&[2.0, 8.0, 6.0, 16.0][..], &[0.0, 1.0][..])
    );
    Ok(())
}

#[test]
fn a_layer_with_two_readers_is_not_computed_twice() -> Result<(), GraphError> {
    let mut builder = GraphBuilder::new("shared");
    let x = builder.input("x", vec![1, 2], Kind::Float)?;
    let dense = Op::Dense {
        weights: Tensor {
            shape: vec![2, 2],
            data: vec![1.0; 4],
        },
        bias: vec![0.0; 2],
    };
    let d = builder.push("dense", dense, &[x])?;
    let n = builder.push(
        "norm",
        Op::ScaleShift {
            axis: 1,
            scale: vec![2.0],
            shift: vec![0.0],
        },
        &[d],
    )?;
    builder.output("raw", d)?;
    builder.output("scaled", n)?;
    let simple = simplify(&builder.finish())?;
    assert_eq!(names(&simple), ["Dense", "ScaleShift"]);
    Ok(())
}
