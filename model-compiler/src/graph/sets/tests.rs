//! Small graphs, and where their slots end.

use super::{SetAxis, Slots, Stated, set_axis};
use crate::graph::{
    Binary, Graph, GraphBuilder, GraphError, Kind, Op, Padding, Reduction, Tensor, Unary, ValueId,
    Window,
};

struct Net(GraphBuilder);

type Built = Result<Graph, GraphError>;

impl Net {
    fn new(inputs: &[(&str, &[usize])]) -> Result<(Self, Vec<ValueId>), GraphError> {
        let mut builder = GraphBuilder::new("test");
        let values = inputs
            .iter()
            .map(|(name, shape)| builder.input(*name, shape.to_vec(), Kind::Float));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        Ok((Self(builder), values))
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[ValueId]) -> Result<ValueId, GraphError> {
        self.0.push(name, op, inputs)
    }

    fn constant(&mut self, shape: &[usize], data: Vec<f32>) -> Result<ValueId, GraphError> {
        let shape = shape.to_vec();
        self.0.constant("constant", Tensor { shape, data })
    }

    fn reduce(&mut self, op: Reduction, axis: usize, x: ValueId) -> Result<ValueId, GraphError> {
        let axes = vec![axis];
        let keepdims = false;
        self.push("pool", Op::Reduce { op, axes, keepdims }, &[x])
    }

    fn done(mut self, y: ValueId) -> Built {
        self.0.output("y", y)?;
        Ok(self.0.finish())
    }
}

fn dense(inputs: usize, outputs: usize) -> Op {
    // Different everywhere.
    let data = (0..inputs * outputs).map(|i| i as f32).collect();
    Op::Dense {
        weights: Tensor {
            shape: vec![outputs, inputs],
            data,
        },
        bias: vec![0.0; outputs],
    }
}

fn conv(width: usize) -> Op {
    Op::Conv {
        weights: Tensor {
            shape: vec![2, 3, width],
            data: (0..6 * width).map(|i| i as f32).collect(),
        },
        bias: vec![0.0; 2],
        groups: 1,
        window: Window {
            kernel: vec![width],
            strides: vec![1],
            dilations: vec![1],
            pads: vec![(0, 0)],
        },
    }
}

fn axis(graph: Built) -> SetAxis {
    let graph = graph.unwrap_or_else(|error| panic!("{error}"));
    set_axis(&graph, |_| Stated::Nothing).unwrap_or_else(|| panic!("no axis of slots\n{graph}"))
}

fn pooled_by(graph: Built) -> String {
    let axis = axis(graph);
    assert!(axis.is_set(), "{:?}", axis.ends);
    let nodes: Vec<&str> = axis.pooled().map(|end| &*end.node).collect();
    nodes.join(" ")
}

fn fixed_by(graph: Built) -> String {
    let axis = axis(graph);
    assert!(!axis.is_set(), "{:?}", axis.ends);
    axis.fixed().map(|end| end.node.clone()).unwrap_or_default()
}

fn steps() -> Result<Graph, GraphError> {
    // Log of a feature, LayerNorm's steps, Softmax and TopK over features, joined with constants.
    let (mut net, x) = Net::new(&[("x", &[1, 5, 4])])?;
    let x = x[0];
    let slice = Op::Slice {
        axis: 2,
        start: 0,
        step: 1,
        len: 1,
    };
    let pt = net.push("pt", slice, &[x])?;
    let log = net.push("log", Op::Unary(Unary::Log), &[pt])?;
    let axes = vec![2];
    let mean = Op::Reduce {
        op: Reduction::Mean,
        axes,
        keepdims: true,
    };
    let mean = net.push("mean", mean, &[x])?;
    let centred = net.push("centred", Op::Binary(Binary::Sub), &[x, mean])?;
    let soft = net.push("soft", Op::Softmax { axis: 2 }, &[centred])?;
    let top = Op::TopK {
        axis: 2,
        k: 2,
        largest: true,
        indices: false,
    };
    let top = net.push("top", top, &[soft])?;
    let ones = net.constant(&[1, 5, 1], vec![1.0; 5])?;
    let joined = net.push("joined", Op::Concat { axis: 2 }, &[log, soft, top, ones])?;
    let phi = net.push("phi", dense(8, 6), &[joined])?;
    let phi = net.push("relu", Op::Unary(Unary::Elu { alpha: 1.0 }), &[phi])?;
    let pooled = net.reduce(Reduction::Sum, 1, phi)?;
    let y = net.push("f", dense(6, 1), &[pooled])?;
    net.done(y)
}

#[test]
fn what_treats_all_slots_alike_keeps_the_set() {
    assert_eq!(pooled_by(steps()), "pool");
}

#[test]
fn each_value_says_where_its_slots_lie() {
    let built = || -> Built {
        let (mut net, x) = Net::new(&[("x", &[1, 3, 5])])?;
        let phi = net.push("conv", conv(1), &[x[0]])?;
        let perm = vec![0, 2, 1];
        let phi = net.push("last", Op::Transpose { perm }, &[phi])?;
        let pooled = net.reduce(Reduction::Max, 1, phi)?;
        net.done(pooled)
    };
    let axis = axis(built());
    assert!(axis.is_set(), "{:?}", axis.ends);
    let found: Vec<Slots> = axis.values.iter().flatten().copied().collect();
    let slots = |outer, inner| Slots {
        outer,
        slots: 5,
        inner,
    };
    // Channels before slots, until they are transposed; the pooled value has none.
    assert_eq!(found, [slots(3, 1), slots(2, 1), slots(1, 2)]);
}

#[test]
fn flat_words_become_slots_by_a_reshape() {
    let built = || -> Built {
        let (mut net, x) = Net::new(&[("x", &[1, 12])])?;
        let shape = vec![1, 3, 4];
        let rows = net.push("rows", Op::Reshape { shape }, &[x[0]])?;
        let phi = net.push("phi", dense(4, 2), &[rows])?;
        let pooled = net.reduce(Reduction::Mean, 1, phi)?;
        net.done(pooled)
    };
    let axis = axis(built());
    assert!(axis.is_set());
    assert_eq!(axis.slots, 3);
}

#[test]
fn weights_of_slots_join_the_set_and_pool_it() {
    let built = || -> Built {
        let (mut net, x) = Net::new(&[("pt", &[1, 5]), ("angles", &[1, 5, 2])])?;
        let phi = net.push("phi", dense(2, 4), &[x[1]])?;
        let shape = vec![1, 1, 5];
        let pt = net.push("row", Op::Reshape { shape }, &[x[0]])?;
        let pooled = net.push("weighted", Op::MatMul, &[pt, phi])?;
        net.done(pooled)
    };
    let axis = axis(built());
    assert_eq!(axis.inputs, [0, 1]);
    assert_eq!(pooled_by(built()), "weighted");
}

#[test]
fn what_knows_places_fixes_the_slots_and_is_named() {
    type Step = fn(&mut Net, ValueId) -> Result<ValueId, GraphError>;
    let steps: [(&str, Step); 8] = [
        ("flat", |net, x| {
            let shape = vec![1, 20];
            let x = net.push("reshape", Op::Reshape { shape }, &[x])?;
            net.push("flat", dense(20, 2), &[x])
        }),
        ("soft", |net, x| {
            net.push("soft", Op::Softmax { axis: 1 }, &[x])
        }),
        ("first", |net, x| {
            let slice = Op::Slice {
                axis: 1,
                start: 0,
                step: 1,
                len: 2,
            };
            net.push("first", slice, &[x])
        }),
        ("places", |net, x| {
            let places = net.constant(&[5, 1], vec![0.0, 1.0, 2.0, 3.0, 4.0])?;
            net.push("places", Op::Binary(Binary::Add), &[x, places])
        }),
        ("pairs", |net, x| {
            let perm = vec![0, 2, 1];
            let flipped = net.push("flipped", Op::Transpose { perm }, &[x])?;
            net.push("pairs", Op::MatMul, &[x, flipped])
        }),
        ("padded", |net, x| {
            let pads = vec![(0, 0), (1, 0), (0, 0)];
            let padding = Padding::Constant(0.0);
            net.push("padded", Op::Pad { pads, padding }, &[x])
        }),
        ("joined", |net, x| {
            let more = net.constant(&[1, 1, 4], vec![1.0; 4])?;
            net.push("joined", Op::Concat { axis: 1 }, &[x, more])
        }),
        ("order", |net, x| {
            let op = Op::TopK {
                axis: 1,
                k: 2,
                largest: true,
                indices: false,
            };
            net.push("order", op, &[x])
        }),
    ];
    for (name, step) in steps {
        let built = || -> Built {
            let (mut net, x) = Net::new(&[("x", &[1, 5, 4])])?;
            let y = step(&mut net, x[0])?;
            net.done(y)
        };
        assert_eq!(fixed_by(built()), name);
    }
}

#[test]
fn a_window_over_several_slots_fixes_them() {
    let built = |width: usize| -> Built {
        let (mut net, x) = Net::new(&[("x", &[1, 3, 5])])?;
        let phi = net.push("conv", conv(width), &[x[0]])?;
        let pooled = net.reduce(Reduction::Sum, 2, phi)?;
        net.done(pooled)
    };
    assert_eq!(pooled_by(built(1)), "pool");
    assert_eq!(fixed_by(built(2)), "conv");
}

#[test]
fn an_output_with_a_row_per_slot_fixes_them() {
    let built = || -> Built {
        let (mut net, x) = Net::new(&[("x", &[1, 5, 4])])?;
        let y = net.push("phi", dense(4, 2), &[x[0]])?;
        net.done(y)
    };
    assert_eq!(fixed_by(built()), "y");
}

#[test]
fn equal_weights_pool_and_others_do_not() {
    let built = |weights: Vec<f32>| -> Built {
        let (mut net, x) = Net::new(&[("x", &[1, 5, 4])])?;
        let perm = vec![0, 2, 1];
        let flipped = net.push("flipped", Op::Transpose { perm }, &[x[0]])?;
        let weights = Tensor {
            shape: vec![1, 5],
            data: weights,
        };
        let bias = vec![0.0];
        let y = net.push("mean", Op::Dense { weights, bias }, &[flipped])?;
        net.done(y)
    };
    assert_eq!(pooled_by(built(vec![0.2; 5])), "mean");
    assert_eq!(fixed_by(built(vec![1.0, 2.0, 1.0, 1.0, 1.0])), "mean");
}

#[test]
fn an_input_may_be_told_to_have_none() {
    let graph = steps().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(set_axis(&graph, |_| Stated::NoSet), None);
}
