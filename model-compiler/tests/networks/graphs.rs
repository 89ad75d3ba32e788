//! Graph networks and attention over the constituents of a jet, as torch exports them with a batch of one.

use super::{Net, Network, Random};
use crate::import_support::{float, floats, info, int, int64s, ints, model};

/// Constituents of each jet.
const P: i64 = 8;

/// Constituents ordered in pT, one row each: log pT, η, φ and the fraction of the jet's pT.
fn constituents(random: &mut Random) -> Vec<Vec<f32>> {
    let mut pt = 200.0f32;
    let mut rows: Vec<[f32; 4]> = (0..P)
        .map(|_| {
            pt *= 0.5 + 0.45 * random.uniform();
            [pt, 0.3 * random.normal(), 0.3 * random.normal(), pt]
        })
        .collect();
    let total: f32 = rows.iter().map(|row| row[0]).sum();
    for row in &mut rows {
        (row[0], row[3]) = (row[0].ln() / 5.0, row[3] / total);
    }
    vec![rows.into_iter().flatten().collect()]
}

impl Net {
    /// A layer on the last axis, without the flattening that a Gemm needs.
    fn linear(&mut self, name: &str, x: &str, inputs: i64, outputs: i64) -> String {
        let spread = (1.5 / inputs as f32).sqrt();
        let weights = self.normal(&format!("{name}.weight"), &[inputs, outputs], 0.0, spread);
        let bias = self.normal(&format!("{name}.bias"), &[outputs], 0.0, 0.1);
        let product = self.op("MatMul", &format!("{name}.product"), &[x, &weights], vec![]);
        self.op("Add", name, &[&product, &bias], vec![])
    }

    fn layer(&mut self, name: &str, x: &str, inputs: i64, outputs: i64) -> String {
        let sums = self.linear(name, x, inputs, outputs);
        self.unary("Relu", &sums)
    }

    fn shape(&mut self, name: &str, x: &str, dims: &[i64]) -> String {
        let list = format!("{name}.shape");
        self.constants
            .push(int64s(&list, &[dims.len() as i64], dims));
        self.op("Reshape", name, &[x, &list], vec![])
    }

    fn transpose(&mut self, name: &str, x: &str, perm: &[i64]) -> String {
        self.op("Transpose", name, &[x], vec![ints("perm", perm)])
    }

    fn mean_over(&mut self, name: &str, x: &str, axis: i64) -> String {
        let attributes = vec![ints("axes", &[axis]), int("keepdims", 0)];
        self.op("ReduceMean", name, &[x], attributes)
    }

    fn layer_norm(&mut self, name: &str, x: &str, width: i64) -> String {
        let gamma = self.normal(&format!("{name}.gamma"), &[width], 1.0, 0.1);
        let beta = self.normal(&format!("{name}.beta"), &[width], 0.0, 0.1);
        let attributes = vec![int("axis", -1), float("epsilon", 1e-5)];
        self.op("LayerNormalization", name, &[x, &gamma, &beta], attributes)
    }

    /// The heads of a projection: `[1, heads, P, width / heads]`.
    fn heads(&mut self, name: &str, x: &str, width: i64, heads: i64) -> String {
        let rows = self.linear(name, x, width, width);
        let split = self.shape(
            &format!("{name}.split"),
            &rows,
            &[1, P, heads, width / heads],
        );
        self.transpose(&format!("{name}.heads"), &split, &[0, 2, 1, 3])
    }

    /// The features of the `k` nearest neighbours of each constituent in the space of `x`, beside its own, and the layer on
    /// such edges, averaged: EdgeConv (Wang et al., arXiv:1801.07829) as ParticleNet has it (arXiv:1902.08570).
    fn edge_conv(&mut self, name: &str, x: &str, features: i64, outputs: i64, k: i64) -> String {
        let part = |what: &str| format!("{name}.{what}");
        let flipped = self.transpose(&part("flipped"), x, &[0, 2, 1]);
        let products = self.op("MatMul", &part("products"), &[x, &flipped], vec![]);
        let minus = part("minus");
        self.constants.push(floats(&minus, &[], &[-2.0]));
        let inner = self.op("Mul", &part("inner"), &[&products, &minus], vec![]);
        let power = part("two");
        self.constants.push(floats(&power, &[], &[2.0]));
        let squares = self.op("Pow", &part("squares"), &[x, &power], vec![]);
        let axes = part("axes");
        self.constants.push(int64s(&axes, &[1], &[2]));
        let norms = self.op(
            "ReduceSum",
            &part("norms"),
            &[&squares, &axes],
            vec![int("keepdims", 1)],
        );
        let others = self.transpose(&part("others"), &norms, &[0, 2, 1]);
        let negative = self.op("Neg", &part("negative"), &[&norms], vec![]);
        let near = self.op("Sub", &part("near"), &[&negative, &inner], vec![]);
        let near = self.op("Sub", &part("distance"), &[&near, &others], vec![]);
        let count = part("k");
        self.constants.push(int64s(&count, &[1], &[k + 1]));
        let values = part("values");
        let ranks = part("ranks");
        self.op("TopK", &values, &[&near, &count], vec![int("axis", 2)]);
        if let Some(node) = self.nodes.last_mut() {
            node.output.push(ranks.clone());
        }
        // The nearest is the constituent itself.
        let bounds = [("start", 1), ("end", k + 1), ("axis", 2)].map(|(what, n)| {
            self.constants.push(int64s(&part(what), &[1], &[n]));
            part(what)
        });
        let inputs = [&ranks, &bounds[0], &bounds[1], &bounds[2]].map(String::as_str);
        let ranks = self.op("Slice", &part("others_only"), &inputs, vec![]);
        let ranks = self.shape(&part("indices"), &ranks, &[P, k]);
        let rows = self.shape(&part("rows"), x, &[P, features]);
        let neighbours = self.op("Gather", &part("gathered"), &[&rows, &ranks], vec![]);
        let neighbours = self.shape(&part("neighbours"), &neighbours, &[1, P, k, features]);
        let own = self.shape(&part("own"), x, &[1, P, 1, features]);
        let all = part("all");
        self.constants
            .push(int64s(&all, &[4], &[1, P, k, features]));
        let own = self.op("Expand", &part("repeated"), &[&own, &all], vec![]);
        let edges = self.op("Sub", &part("edges"), &[&neighbours, &own], vec![]);
        let both = self.op(
            "Concat",
            &part("both"),
            &[&own, &edges],
            vec![int("axis", 3)],
        );
        let messages = self.layer(&part("messages"), &both, 2 * features, outputs);
        let mean = self.mean_over(&part("mean"), &messages, 2);
        let shortcut = self.linear(&part("shortcut"), x, features, outputs);
        let sum = self.op("Add", &part("sum"), &[&mean, &shortcut], vec![]);
        self.unary("Relu", &sum)
    }
}

fn over_constituents(net: Net, name: &'static str, output: &str) -> Network {
    let inputs = vec![info("constituents", &[1, P, 4])];
    Network {
        name,
        // LayerNormalization came with operator set 17; ReduceMean still has its axes as an attribute.
        model: model(17, inputs, net.constants, net.nodes, &[output]),
        event: constituents,
    }
}

/// Self-attention with two heads, residual sums and layer normalisation, mean over the constituents.
pub fn self_attention() -> Network {
    let mut net = Net::new(21);
    let x = net.linear("embedding", "constituents", 4, 8);
    let queries = net.heads("queries", &x, 8, 2);
    let keys = net.heads("keys", &x, 8, 2);
    let values = net.heads("values", &x, 8, 2);
    let keys = net.transpose("keys.flipped", &keys, &[0, 1, 3, 2]);
    let logits = net.op("MatMul", "logits", &[&queries, &keys], vec![]);
    net.constants.push(floats("root", &[], &[2.0]));
    let logits = net.op("Div", "scaled", &[&logits, "root"], vec![]);
    let weights = net.op("Softmax", "weights", &[&logits], vec![int("axis", -1)]);
    let heads = net.op("MatMul", "attended", &[&weights, &values], vec![]);
    let heads = net.transpose("attended.rows", &heads, &[0, 2, 1, 3]);
    let heads = net.shape("joined", &heads, &[1, P, 8]);
    let heads = net.linear("projection", &heads, 8, 8);
    let x = net.op("Add", "residual", &[&x, &heads], vec![]);
    let x = net.layer_norm("norm", &x, 8);
    let y = net.layer("forward1", &x, 8, 16);
    let y = net.linear("forward2", &y, 16, 8);
    let x = net.op("Add", "residual2", &[&x, &y], vec![]);
    let mean = net.mean_over("mean", &x, 1);
    let logit = net.dense("head", &mean, 8, 2);
    over_constituents(net, "self-attention", &logit)
}

/// Two EdgeConv blocks, the second one's neighbours in the space of learned features.
pub fn particle_net() -> Network {
    let mut net = Net::new(22);
    let x = net.edge_conv("edges1", "constituents", 4, 8, 3);
    let x = net.edge_conv("edges2", &x, 8, 8, 3);
    let mean = net.mean_over("mean", &x, 1);
    let hidden = net.dense("hidden", &mean, 8, 8);
    let hidden = net.unary("Relu", &hidden);
    let logit = net.dense("head", &hidden, 8, 1);
    over_constituents(net, "particle-net", &logit)
}

/// Messages along a learned adjacency, a softmax of products of hidden states, which a gated unit takes up.
pub fn message_passing() -> Network {
    let mut net = Net::new(23);
    let mut h = net.linear("embedding", "constituents", 4, 8);
    h = net.unary("Tanh", &h);
    net.constants.push(floats("one", &[], &[1.0]));
    for step in ["first", "second"] {
        let part = |what: &str| format!("{step}.{what}");
        let keys = net.linear(&part("keys"), &h, 8, 8);
        let flipped = net.transpose(&part("flipped"), &h, &[0, 2, 1]);
        let logits = net.op("MatMul", &part("logits"), &[&keys, &flipped], vec![]);
        let axis = vec![int("axis", 2)];
        let adjacency = net.op("Softmax", &part("adjacency"), &[&logits], axis);
        let sent = net.layer(&part("sent"), &h, 8, 8);
        let messages = net.op("MatMul", &part("messages"), &[&adjacency, &sent], vec![]);
        let mut gate = |what: &str, function: &str, state: &str| {
            let from = net.linear(&part(&format!("{what}.messages")), &messages, 8, 8);
            let own = net.linear(&part(&format!("{what}.state")), state, 8, 8);
            let sum = net.op("Add", &part(what), &[&from, &own], vec![]);
            net.unary(function, &sum)
        };
        let update = gate("update", "Sigmoid", &h);
        let candidate = gate("candidate", "Tanh", &h);
        let kept = net.op("Mul", &part("kept"), &[&update, &h], vec![]);
        let rest = net.op("Sub", &part("rest"), &["one", &update], vec![]);
        let taken = net.op("Mul", &part("taken"), &[&rest, &candidate], vec![]);
        h = net.op("Add", &part("state"), &[&kept, &taken], vec![]);
    }
    let mean = net.mean_over("mean", &h, 1);
    let logit = net.dense("head", &mean, 8, 1);
    over_constituents(net, "message-passing", &logit)
}

/// An interaction network: every pair of constituents has an edge, fixed matrices say who sends and who receives
/// (Moreno et al., arXiv:1908.05318).
pub fn interaction_network() -> Network {
    let mut net = Net::new(24);
    let pairs = (0..P).flat_map(|r| (0..P).filter(move |s| *s != r).map(move |s| (r, s)));
    let pairs: Vec<(i64, i64)> = pairs.collect();
    let edges = pairs.len() as i64;
    let mut relation = |name: &str, end: fn(&(i64, i64)) -> i64| {
        let one = |p: i64| pairs.iter().map(move |pair| f32::from(end(pair) == p));
        let data: Vec<f32> = (0..P).flat_map(one).collect();
        net.constants.push(floats(name, &[P, edges], &data));
    };
    relation("receiving", |pair| pair.0);
    relation("sending", |pair| pair.1);
    let x = net.transpose("columns", "constituents", &[0, 2, 1]);
    let receivers = net.op("MatMul", "receivers", &[&x, "receiving"], vec![]);
    let senders = net.op("MatMul", "senders", &[&x, "sending"], vec![]);
    let both = net.op(
        "Concat",
        "both",
        &[&receivers, &senders],
        vec![int("axis", 1)],
    );
    let both = net.transpose("edges", &both, &[0, 2, 1]);
    let effects = net.layer("relation1", &both, 8, 8);
    let effects = net.layer("relation2", &effects, 8, 4);
    let effects = net.transpose("effects", &effects, &[0, 2, 1]);
    let back = net.transpose("receiving.flipped", "receiving", &[1, 0]);
    let received = net.op("MatMul", "received", &[&effects, &back], vec![]);
    let all = net.op("Concat", "all", &[&x, &received], vec![int("axis", 1)]);
    let all = net.transpose("nodes", &all, &[0, 2, 1]);
    let nodes = net.layer("object1", &all, 8, 8);
    let nodes = net.layer("object2", &nodes, 8, 4);
    let axes = vec![ints("axes", &[1]), int("keepdims", 0)];
    let sum = net.op("ReduceMean", "pooled", &[&nodes], axes);
    let logit = net.dense("head", &sum, 4, 1);
    over_constituents(net, "interaction-network", &logit)
}

/// [`constituents`], some of the slots empty.
fn padded(random: &mut Random) -> Vec<Vec<f32>> {
    let mut event = constituents(random);
    let live = 1 + random.below(P as usize);
    event[0][4 * live..].fill(0.0);
    event
}

/// Self-attention that empty slots take no part in: masked once with −∞, once by a sum with −10⁹.
pub fn masked_attention() -> Network {
    let mut net = Net::new(25);
    net.constants.push(floats("zero", &[], &[0.0]));
    net.constants.push(floats("one", &[], &[1.0]));
    net.constants
        .push(floats("never", &[], &[f32::NEG_INFINITY]));
    net.constants.push(floats("hardly", &[], &[-1e9]));
    for (what, n) in [("start", 0), ("end", 1), ("axis", 2)] {
        net.constants.push(int64s(what, &[1], &[n]));
    }
    let inputs = ["constituents", "start", "end", "axis"];
    let pt = net.op("Slice", "pt", &inputs, vec![]);
    let live = net.op("Greater", "live", &[&pt, "zero"], vec![]);
    let row = net.transpose("live.row", &live, &[0, 2, 1]);
    let present = net.op("Cast", "present", &[&row], vec![int("to", 1)]);
    let absent = net.op("Sub", "absent", &["one", &present], vec![]);
    let penalty = net.op("Mul", "penalty", &[&absent, "hardly"], vec![]);
    let mut x = net.linear("embedding", "constituents", 4, 8);
    for step in ["first", "second"] {
        let part = |what: &str| format!("{step}.{what}");
        let queries = net.linear(&part("queries"), &x, 8, 8);
        let keys = net.linear(&part("keys"), &x, 8, 8);
        let values = net.linear(&part("values"), &x, 8, 8);
        let keys = net.transpose(&part("keys.flipped"), &keys, &[0, 2, 1]);
        let logits = net.op("MatMul", &part("logits"), &[&queries, &keys], vec![]);
        let masked = match step {
            "first" => net.op("Where", &part("masked"), &[&row, &logits, "never"], vec![]),
            _ => net.op("Add", &part("masked"), &[&logits, &penalty], vec![]),
        };
        let axis = vec![int("axis", -1)];
        let weights = net.op("Softmax", &part("weights"), &[&masked], axis);
        let taken = net.op("MatMul", &part("attended"), &[&weights, &values], vec![]);
        let sum = net.op("Add", &part("residual"), &[&x, &taken], vec![]);
        x = net.unary("Tanh", &sum);
    }
    let own = net.op("Cast", "own", &[&live], vec![int("to", 1)]);
    let kept = net.op("Mul", "kept", &[&x, &own], vec![]);
    net.constants.push(int64s("over", &[1], &[1]));
    let keep = vec![int("keepdims", 0)];
    let sum = net.op("ReduceSum", "pooled", &[&kept, "over"], keep);
    let logit = net.dense("head", &sum, 8, 1);
    let network = over_constituents(net, "masked-attention", &logit);
    Network {
        event: padded,
        ..network
    }
}

/// An EdgeConv block and self-attention over what it gives: every kernel that graph networks need, in one crate.
pub fn attended_neighbours() -> Network {
    let mut net = Net::new(26);
    let x = net.edge_conv("edges", "constituents", 4, 8, 3);
    let queries = net.linear("queries", &x, 8, 8);
    let values = net.linear("values", &x, 8, 8);
    let keys = net.transpose("keys", &x, &[0, 2, 1]);
    let logits = net.op("MatMul", "logits", &[&queries, &keys], vec![]);
    let weights = net.op("Softmax", "weights", &[&logits], vec![int("axis", -1)]);
    let taken = net.op("MatMul", "attended", &[&weights, &values], vec![]);
    let sum = net.op("Add", "residual", &[&x, &taken], vec![]);
    let x = net.layer_norm("norm", &sum, 8);
    let axes = vec![ints("axes", &[1]), int("keepdims", 0)];
    let largest = net.op("ReduceMax", "largest", &[&x], axes);
    let logit = net.dense("head", &largest, 8, 2);
    over_constituents(net, "attended-neighbours", &logit)
}
