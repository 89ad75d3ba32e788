//! Networks of the field that are neither deep sets nor dense chains, as an exporter writes them, with random weights of
//! a trained network's spread; and events for them.
#![allow(dead_code)] // Each test uses its part.

pub mod graphs;
mod recurrent;
pub mod sets;

use crate::import_support::{floats, info, int, int64s, ints, model, node, string};
use hodoscope_compiler::import::proto::{
    AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};

/// A generator of numbers, the same on every host: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    pub fn uniform(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Mean 0, variance 1, near enough to a Gaussian: twelve uniform numbers.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.uniform()).sum::<f32>() - 6.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// A network with events for it.
pub struct Network {
    pub name: &'static str,
    pub model: ModelProto,
    /// An event's values, for each input.
    pub event: fn(&mut Random) -> Vec<Vec<f32>>,
}

/// All networks.
pub fn all() -> Vec<Network> {
    vec![
        image_cnn(),
        constituents_cnn(),
        image_autoencoder(),
        depthwise_cnn(),
        skips(),
        parametrised(),
        graphs::self_attention(),
        graphs::masked_attention(),
        graphs::particle_net(),
        graphs::message_passing(),
        graphs::interaction_network(),
        graphs::attended_neighbours(),
        recurrent::gru(),
        recurrent::lstm(),
        recurrent::message_passing(),
        recurrent::clustering(),
    ]
}

/// Networks of the field that no other test builds for the emulated targets. Few: code of all their layers is compiled
/// for every target. Attention and neighbours have a firmware of their own.
fn parts() -> Vec<Network> {
    vec![
        skips(),
        recurrent::short_gru(),
        recurrent::short_lstm(),
        parametrised(),
        identities(),
        graphs::interaction_network(),
        recurrent::message_passing(),
        recurrent::clustering(),
    ]
}

/// Many networks side by side, each with inputs and outputs of its own: one firmware for all of them.
pub fn side_by_side() -> Network {
    let mut all = model(17, vec![], vec![], vec![], &[]);
    let graph = all.graph.get_or_insert_default();
    for (index, part) in parts().into_iter().enumerate() {
        let own = |name: &mut String| {
            if !name.is_empty() {
                *name = format!("n{index}.{name}");
            }
        };
        let mut part = part.model.graph.unwrap_or_default();
        part.input
            .iter_mut()
            .chain(&mut part.output)
            .for_each(|info| own(&mut info.name));
        part.initializer
            .iter_mut()
            .for_each(|tensor| own(&mut tensor.name));
        for node in &mut part.node {
            own(&mut node.name);
            node.input.iter_mut().chain(&mut node.output).for_each(own);
        }
        graph.input.extend(part.input);
        graph.output.extend(part.output);
        graph.initializer.extend(part.initializer);
        graph.node.extend(part.node);
    }
    Network {
        name: "side-by-side",
        model: all,
        event: |random| {
            parts()
                .iter()
                .flat_map(|part| (part.event)(random))
                .collect()
        },
    }
}

struct Net {
    random: Random,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Net {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            nodes: vec![],
            constants: vec![],
        }
    }

    /// A constant of normal numbers around `mean`.
    fn normal(&mut self, name: &str, dims: &[i64], mean: f32, spread: f32) -> String {
        let count = dims.iter().product::<i64>();
        let numbers = (0..count).map(|_| mean + spread * self.random.normal());
        let numbers: Vec<f32> = numbers.collect();
        self.constants.push(floats(name, dims, &numbers));
        name.to_owned()
    }

    fn op(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        self.nodes.push(node(op, name, inputs, attributes));
        name.to_owned()
    }

    fn unary(&mut self, op: &str, x: &str) -> String {
        let name = format!("{x}.{}", op.to_lowercase());
        self.op(op, &name, &[x], vec![])
    }

    /// A layer of `inputs` to `outputs` values.
    fn dense(&mut self, name: &str, x: &str, inputs: i64, outputs: i64) -> String {
        let spread = (2.0 / inputs as f32).sqrt();
        let weights = self.normal(&format!("{name}.weight"), &[outputs, inputs], 0.0, spread);
        let bias = self.normal(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
        self.op("Gemm", name, &[x, &weights, &bias], vec![int("transB", 1)])
    }

    /// A convolution with a square window, or one along an axis where `rank` is 1.
    #[allow(clippy::too_many_arguments)] // What a convolution is.
    fn conv(
        &mut self,
        name: &str,
        x: &str,
        rank: usize,
        channels: (i64, i64),
        kernel: i64,
        stride: i64,
        pad: i64,
        groups: i64,
    ) -> String {
        let (inputs, outputs) = channels;
        let own = inputs / groups;
        let mut dims = vec![outputs, own];
        dims.extend(vec![kernel; rank]);
        let taps = own * kernel.pow(rank as u32);
        let spread = (2.0 / taps as f32).sqrt();
        let weights = self.normal(&format!("{name}.weight"), &dims, 0.0, spread);
        let bias = self.normal(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
        let attributes = vec![
            ints("kernel_shape", &vec![kernel; rank]),
            ints("strides", &vec![stride; rank]),
            ints("pads", &vec![pad; 2 * rank]),
            int("group", groups),
        ];
        self.op("Conv", name, &[x, &weights, &bias], attributes)
    }

    fn transposed(
        &mut self,
        name: &str,
        x: &str,
        channels: (i64, i64),
        kernel: i64,
        stride: i64,
    ) -> String {
        let (inputs, outputs) = channels;
        let reached = (kernel * kernel) as f32 / (stride * stride) as f32 * inputs as f32;
        let dims = [inputs, outputs, kernel, kernel];
        let weights = self.normal(
            &format!("{name}.weight"),
            &dims,
            0.0,
            (2.0 / reached).sqrt(),
        );
        let bias = self.normal(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
        let attributes = vec![
            ints("kernel_shape", &[kernel; 2]),
            ints("strides", &[stride; 2]),
        ];
        self.op("ConvTranspose", name, &[x, &weights, &bias], attributes)
    }

    fn batch_norm(&mut self, name: &str, x: &str, channels: i64) -> String {
        let gamma = self.normal(&format!("{name}.gamma"), &[channels], 1.0, 0.1);
        let beta = self.normal(&format!("{name}.beta"), &[channels], 0.0, 0.1);
        let mean = self.normal(&format!("{name}.mean"), &[channels], 0.1, 0.1);
        let variance = self.normal(&format!("{name}.variance"), &[channels], 1.0, 0.05);
        self.op(
            "BatchNormalization",
            name,
            &[x, &gamma, &beta, &mean, &variance],
            vec![],
        )
    }

    fn pool(&mut self, op: &str, name: &str, x: &str, extent: i64, rank: usize) -> String {
        let window = vec![extent; rank];
        let attributes = vec![ints("kernel_shape", &window), ints("strides", &window)];
        self.op(op, name, &[x], attributes)
    }

    fn flatten(&mut self, x: &str) -> String {
        self.unary("Flatten", x)
    }

    fn model(self, inputs: Vec<ValueInfoProto>, outputs: &[&str]) -> ModelProto {
        model(13, inputs, self.constants, self.nodes, outputs)
    }
}

/// An image of `size` × `size` cells: a few hard deposits, most cells empty, pT shared as a jet shares it.
fn image(random: &mut Random, size: usize) -> Vec<f32> {
    let mut cells = vec![0.0; size * size];
    let deposits = 4 + random.below(24);
    for _ in 0..deposits {
        let place = |random: &mut Random| {
            let offset = random.normal() * size as f32 / 8.0 + size as f32 / 2.0;
            (offset.max(0.0) as usize).min(size - 1)
        };
        let (row, column) = (place(random), place(random));
        cells[row * size + column] += -(1.0 - random.uniform()).max(1e-6).ln() * 0.3;
    }
    cells
}

/// A network on jet images: two convolutions with normalisation and pooling, a dense head.
pub fn image_cnn() -> Network {
    let mut net = Net::new(1);
    let mut x = net.conv("conv1", "image", 2, (1, 4), 3, 1, 1, 1);
    x = net.batch_norm("norm1", &x, 4);
    x = net.unary("Relu", &x);
    x = net.pool("MaxPool", "pool1", &x, 2, 2);
    x = net.conv("conv2", &x, 2, (4, 6), 3, 1, 1, 1);
    x = net.unary("Relu", &x);
    x = net.pool("MaxPool", "pool2", &x, 2, 2);
    x = net.flatten(&x);
    x = net.dense("head1", &x, 6 * 16, 8);
    x = net.unary("Relu", &x);
    let x = net.dense("head2", &x, 8, 1);
    let score = net.unary("Sigmoid", &x);
    Network {
        name: "image-cnn",
        model: net.model(vec![info("image", &[1, 1, 16, 16])], &[&score]),
        event: |random| vec![image(random, 16)],
    }
}

/// A convolutional autoencoder whose score is the mean squared error.
pub fn image_autoencoder() -> Network {
    let mut net = Net::new(2);
    let mut x = net.conv("down1", "image", 2, (1, 4), 3, 2, 1, 1);
    x = net.unary("Relu", &x);
    x = net.conv("down2", &x, 2, (4, 6), 3, 2, 1, 1);
    x = net.unary("Relu", &x);
    x = net.transposed("up1", &x, (6, 4), 2, 2);
    x = net.unary("Relu", &x);
    let x = net.transposed("up2", &x, (4, 1), 2, 2);
    let difference = net.op("Sub", "difference", &[&x, "image"], vec![]);
    let squares = net.op("Mul", "squares", &[&difference, &difference], vec![]);
    let keep = vec![ints("axes", &[1, 2, 3]), int("keepdims", 0)];
    let score = net.op("ReduceMean", "score", &[&squares], keep);
    Network {
        name: "image-autoencoder",
        model: net.model(vec![info("image", &[1, 1, 16, 16])], &[&score]),
        event: |random| vec![image(random, 16)],
    }
}

/// Constituents ordered in pT: pT, η, φ of sixteen, channels first.
fn constituents(random: &mut Random) -> Vec<f32> {
    let mut all = vec![0.0; 48];
    let (live, mut pt) = (3 + random.below(14), 200.0f32);
    for slot in 0..live {
        pt *= 0.5 + 0.45 * random.uniform();
        all[slot] = pt;
        all[16 + slot] = 0.3 * random.normal();
        all[32 + slot] = 0.3 * random.normal();
    }
    all
}

/// A convolution along the list of constituents, largest value over it.
pub fn constituents_cnn() -> Network {
    let mut net = Net::new(3);
    let scale = floats("scale", &[1, 3, 1], &[0.02, 3.0, 3.0]);
    net.constants.push(scale);
    let mut x = net.op("Mul", "scaled", &["constituents", "scale"], vec![]);
    x = net.conv("conv1", &x, 1, (3, 8), 3, 1, 0, 1);
    x = net.op(
        "LeakyRelu",
        "leaky",
        &[&x],
        vec![crate::import_support::float("alpha", 0.1)],
    );
    x = net.conv("conv2", &x, 1, (8, 8), 3, 2, 1, 1);
    x = net.unary("Relu", &x);
    x = net.op("GlobalMaxPool", "largest", &[&x], vec![]);
    x = net.flatten(&x);
    let logits = net.dense("head", &x, 8, 2);
    let probabilities = net.op("Softmax", "probabilities", &[&logits], vec![int("axis", 1)]);
    Network {
        name: "constituents-cnn",
        model: net.model(vec![info("constituents", &[1, 3, 16])], &[&probabilities]),
        event: |random| vec![constituents(random)],
    }
}

/// Depthwise and pointwise convolutions behind padding of their own, mean over the image, three classes.
pub fn depthwise_cnn() -> Network {
    let mut net = Net::new(4);
    net.constants
        .push(int64s("pads", &[8], &[0, 0, 1, 1, 0, 0, 1, 1]));
    let mut x = net.op("Pad", "padded", &["image", "pads"], vec![]);
    x = net.conv("stem", &x, 2, (1, 6), 3, 2, 0, 1);
    x = net.unary("Relu", &x);
    let mirrored = vec![string("mode", "reflect")];
    x = net.op("Pad", "mirrored", &[&x, "pads"], mirrored);
    x = net.conv("depthwise", &x, 2, (6, 6), 3, 1, 0, 6);
    x = net.unary("Relu", &x);
    x = net.conv("pointwise", &x, 2, (6, 8), 1, 1, 0, 1);
    x = net.unary("Relu", &x);
    x = net.pool("AveragePool", "pool", &x, 2, 2);
    x = net.op("GlobalAveragePool", "mean", &[&x], vec![]);
    x = net.flatten(&x);
    let logits = net.dense("head", &x, 8, 3);
    let classes = net.op("Softmax", "classes", &[&logits], vec![int("axis", 1)]);
    Network {
        name: "depthwise-cnn",
        model: net.model(vec![info("image", &[1, 1, 12, 12])], &[&logits, &classes]),
        event: |random| vec![image(random, 12)],
    }
}

/// Dense layers with a sum and a concatenation around them, two outputs.
pub fn skips() -> Network {
    let mut net = Net::new(5);
    let mut x = net.dense("in", "observables", 10, 16);
    x = net.unary("Relu", &x);
    let mut y = net.dense("branch1", &x, 16, 16);
    y = net.unary("Tanh", &y);
    y = net.dense("branch2", &y, 16, 16);
    let sum = net.op("Add", "sum", &[&x, &y], vec![]);
    let z = net.unary("Relu", &sum);
    let all = net.op("Concat", "all", &[&z, "observables"], vec![int("axis", 1)]);
    let class = net.dense("class", &all, 26, 3);
    let mass = net.dense("mass", &all, 26, 1);
    Network {
        name: "skips",
        model: net.model(vec![info("observables", &[1, 10])], &[&class, &mass]),
        event: |random| {
            // High-level observables of very different units.
            let units = [100.0, 1.0, 1.0, 0.1, 0.02, 10.0, 1.0, 0.5, 0.05, 1.0];
            let values = units
                .iter()
                .map(|unit| unit * random.normal() / unit.max(1.0).sqrt());
            vec![values.collect()]
        },
    }
}

/// A particle flow network with identities: pT, η, φ, charge and one of four kinds for each of eight constituents, summed
/// over those that are there.
pub fn identities() -> Network {
    let mut net = Net::new(7);
    net.constants.extend([
        int64s("axis", &[1], &[1]),
        floats("zero", &[], &[0.0]),
        int64s("starts", &[1], &[0]),
        int64s("ends", &[1], &[1]),
        int64s("axes", &[1], &[2]),
    ]);
    let pt = net.op(
        "Slice",
        "pt",
        &["particles", "starts", "ends", "axes"],
        vec![],
    );
    let mut x = "particles".to_owned();
    for (layer, inputs, outputs) in [("phi1", 8, 16), ("phi2", 16, 16)] {
        let weights = net.normal(&format!("{layer}.weight"), &[inputs, outputs], 0.0, 0.4);
        let bias = net.normal(&format!("{layer}.bias"), &[outputs], 0.0, 0.1);
        let product = net.op(
            "MatMul",
            &format!("{layer}.product"),
            &[&x, &weights],
            vec![],
        );
        x = net.op("Add", layer, &[&product, &bias], vec![]);
        x = net.unary("Relu", &x);
    }
    let live = net.op("Greater", "live", &[&pt, "zero"], vec![]);
    let to = int("to", 1);
    let mask = net.op("Cast", "mask", &[&live], vec![to]);
    let masked = net.op("Mul", "masked", &[&x, &mask], vec![]);
    let summed = net.op(
        "ReduceSum",
        "summed",
        &[&masked, "axis"],
        vec![int("keepdims", 0)],
    );
    let mut y = net.dense("f1", &summed, 16, 12);
    y = net.unary("Relu", &y);
    let logits = net.dense("f2", &y, 12, 3);
    let classes = net.op("Softmax", "classes", &[&logits], vec![int("axis", 1)]);
    Network {
        name: "identities",
        model: net.model(vec![info("particles", &[1, 8, 8])], &[&classes]),
        event: |random| {
            let live = random.below(9);
            let mut all = vec![0.0; 64];
            for row in all.chunks_mut(8).take(live) {
                let kind = random.below(4);
                row[0] = 0.1 + random.uniform();
                row[1] = 0.3 * random.normal();
                row[2] = 0.3 * random.normal();
                row[3] = if kind < 2 {
                    1.0 - 2.0 * random.below(2) as f32
                } else {
                    0.0
                };
                row[4 + kind] = 1.0;
            }
            vec![all]
        },
    }
}

/// A classifier with a physics parameter as its second input, and the likelihood ratio s/(1 − s).
pub fn parametrised() -> Network {
    let mut net = Net::new(6);
    let one = floats("one", &[1], &[1.0]);
    net.constants.push(one);
    let joined = net.op(
        "Concat",
        "joined",
        &["observables", "mass"],
        vec![int("axis", 1)],
    );
    let mut x = net.dense("layer1", &joined, 7, 16);
    x = net.unary("Relu", &x);
    x = net.dense("layer2", &x, 16, 16);
    x = net.unary("Relu", &x);
    let x = net.dense("layer3", &x, 16, 1);
    let score = net.unary("Sigmoid", &x);
    let other = net.op("Sub", "other", &["one", &score], vec![]);
    let ratio = net.op("Div", "ratio", &[&score, &other], vec![]);
    Network {
        name: "parametrised",
        model: net.model(
            vec![info("observables", &[1, 6]), info("mass", &[1, 1])],
            &[&ratio, &score],
        ),
        event: |random| {
            let observables = (0..6).map(|_| 0.5 * random.normal()).collect();
            vec![observables, vec![0.2 + random.uniform()]]
        },
    }
}
