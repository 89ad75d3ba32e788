//! Deep sets with one step of a constituent that is not a layer or a ReLU: each differs from its ReLU twin by that step alone.

use super::{Net, Network};
use crate::import_support::{float, floats, info, int, int64s, model};

/// Room for constituents.
pub const SLOTS: i64 = 6;

/// The steps: of a constituent's layers, ahead of them, or behind the pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// ELU in Φ.
    Elu,
    /// GELU in Φ, as torch writes it with an error function.
    Gelu,
    /// Softplus in Φ.
    Softplus,
    /// LayerNorm over the features of a constituent.
    LayerNorm,
    /// The logarithm of pT ahead of Φ.
    LogPt,
    /// A clip of pT ahead of Φ.
    Clip,
    /// Which of three ranges η lies in, one-hot, ahead of Φ.
    OneHot,
    /// An exponential behind the pooling.
    Exp,
    /// s / (1 − s) of the score.
    Odds,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Elu,
        Self::Gelu,
        Self::Softplus,
        Self::LayerNorm,
        Self::LogPt,
        Self::Clip,
        Self::OneHot,
        Self::Exp,
        Self::Odds,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Elu => "set-elu",
            Self::Gelu => "set-gelu",
            Self::Softplus => "set-softplus",
            Self::LayerNorm => "set-layernorm",
            Self::LogPt => "set-logpt",
            Self::Clip => "set-clip",
            Self::OneHot => "set-onehot",
            Self::Exp => "set-exp",
            Self::Odds => "set-odds",
        }
    }
}

impl Net {
    fn activation(&mut self, step: Step, name: &str, x: &str) -> String {
        match step {
            Step::Elu => self.op("Elu", name, &[x], vec![float("alpha", 1.0)]),
            Step::Softplus => self.op("Softplus", name, &[x], vec![]),
            Step::Gelu => {
                let scaled = self.op("Div", &format!("{name}.scaled"), &[x, "root"], vec![]);
                let erf = self.op("Erf", &format!("{name}.erf"), &[&scaled], vec![]);
                let above = self.op("Add", &format!("{name}.above"), &[&erf, "one"], vec![]);
                let twice = self.op("Mul", &format!("{name}.twice"), &[x, &above], vec![]);
                self.op("Mul", name, &[&twice, "half"], vec![])
            }
            Step::LayerNorm => {
                let normed = format!("{name}.normed");
                let inputs = [x, "ln.scale", "ln.bias"];
                let attributes = vec![int("axis", -1), float("epsilon", 1e-3)];
                let normed = self.op("LayerNormalization", &normed, &inputs, attributes);
                self.op("Relu", name, &[&normed], vec![])
            }
            _ => self.op("Relu", name, &[x], vec![]),
        }
    }

    /// Columns `from` to `to` of the constituents.
    fn columns(&mut self, name: &str, from: i64, to: i64) -> String {
        let (starts, ends) = (format!("{name}.from"), format!("{name}.to"));
        self.constants.push(int64s(&starts, &[1], &[from]));
        self.constants.push(int64s(&ends, &[1], &[to]));
        self.op("Slice", name, &["x", &starts, &ends, "axes"], vec![])
    }

    /// What Φ reads, and how many features that is.
    fn features(&mut self, step: Step) -> (String, i64) {
        let axis = || vec![int("axis", 2)];
        match step {
            Step::LogPt | Step::Clip => {
                let (pt, angles) = (self.columns("pt", 0, 1), self.columns("angles", 1, 3));
                let pt = match step {
                    Step::LogPt => {
                        let above = self.op("Add", "pt.above", &[&pt, "least"], vec![]);
                        self.op("Log", "pt.log", &[&above], vec![])
                    }
                    _ => self.op("Clip", "pt.clip", &[&pt, "least", "one"], vec![]),
                };
                (self.op("Concat", "features", &[&pt, &angles], axis()), 3)
            }
            Step::OneHot => {
                let eta = self.columns("eta", 1, 2);
                let eta = self.op("Abs", "eta.abs", &[&eta], vec![]);
                let mut parts = vec!["x".to_owned()];
                for edge in ["near", "far"] {
                    let below = self.op("Less", &format!("{edge}.is"), &[&eta, edge], vec![]);
                    let to = vec![int("to", 1)];
                    parts.push(self.op("Cast", &format!("{edge}.one"), &[&below], to));
                }
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                (self.op("Concat", "features", &parts, axis()), 5)
            }
            _ => ("x".into(), 3),
        }
    }
}

/// A deep set of pT, η and φ, Φ 3→16→16 and F 16→8→1, with `step`.
pub fn set(step: Step) -> Network {
    let mut net = Net::new(31);
    net.constants.extend([
        int64s("slots", &[1], &[1]),
        int64s("axes", &[1], &[2]),
        floats("zero", &[], &[0.0]),
        floats("one", &[], &[1.0]),
        floats("half", &[], &[0.5]),
        floats("root", &[], &[std::f32::consts::SQRT_2]),
        floats("least", &[], &[0.05]),
        floats("near", &[], &[0.1]),
        floats("far", &[], &[0.4]),
        floats("ln.scale", &[16], &[1.0; 16]),
        floats("ln.bias", &[16], &[0.1; 16]),
    ]);
    let pt = net.columns("hardness", 0, 1);
    let live = net.op("Greater", "live", &[&pt, "zero"], vec![]);
    let mask = net.op("Cast", "mask", &[&live], vec![int("to", 1)]);
    let (mut x, mut inputs) = net.features(step);
    for layer in ["phi1", "phi2"] {
        let weights = net.normal(&format!("{layer}.weight"), &[inputs, 16], 0.0, 0.4);
        let bias = net.normal(&format!("{layer}.bias"), &[16], 0.0, 0.1);
        let product = format!("{layer}.product");
        let product = net.op("MatMul", &product, &[&x, &weights], vec![]);
        let sum = net.op("Add", layer, &[&product, &bias], vec![]);
        x = net.activation(step, &format!("{layer}.act"), &sum);
        inputs = 16;
    }
    let masked = net.op("Mul", "masked", &[&x, &mask], vec![]);
    let pooled = vec![int("keepdims", 0)];
    let summed = net.op("ReduceSum", "summed", &[&masked, "slots"], pooled);
    let mut y = net.dense("f1", &summed, 16, 8);
    y = match step {
        Step::Exp => {
            let depth = net.op("Abs", "f1.abs", &[&y], vec![]);
            let below = net.op("Neg", "f1.below", &[&depth], vec![]);
            net.op("Exp", "f1.exp", &[&below], vec![])
        }
        _ => net.unary("Relu", &y),
    };
    y = net.dense("f2", &y, 8, 1);
    if step == Step::Odds {
        let score = net.unary("Sigmoid", &y);
        let rest = net.op("Sub", "rest", &["one", &score], vec![]);
        y = net.op("Div", "odds", &[&score, &rest], vec![]);
    }
    Network {
        name: step.name(),
        model: model(
            17,
            vec![info("x", &[1, SLOTS, 3])],
            net.constants,
            net.nodes,
            &[&y],
        ),
        event: |random| {
            let live = random.below(SLOTS as usize + 1);
            let mut all = vec![0.0; 3 * SLOTS as usize];
            for row in all.chunks_mut(3).take(live) {
                row[0] = 0.1 + random.uniform();
                row[1] = 0.3 * random.normal();
                row[2] = 0.3 * random.normal();
            }
            vec![all]
        },
    }
}
