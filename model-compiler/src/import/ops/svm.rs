//! Support vector machines (`ai.onnx.ml`): a kernel of every support vector, and a dense layer of those.

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use super::classes::{label, labels_of};
use super::linear_models::{joined, scaled};
use crate::graph::{Binary, Comparison, Kind, Op, Reduction, Tensor, Unary};

/// Products that one event may take: a machine of a hundred thousand vectors is no trigger.
const MAX_WORK: usize = 1 << 24;

/// Which support vectors there are, and what their kernels are.
struct Machine<'n> {
    kernel: &'n str,
    gamma: f32,
    coef0: f32,
    degree: f32,
    vectors: Tensor,
}

impl<'n> Machine<'n> {
    fn read(node: &NodeView<'n>, features: usize) -> Result<Self, ImportError> {
        let kernel = node.string("kernel_type")?.unwrap_or("LINEAR");
        if !["LINEAR", "POLY", "RBF", "SIGMOID"].contains(&kernel) {
            let detail = format!("is '{kernel}', not LINEAR, POLY, RBF or SIGMOID");
            return Err(node.attribute_error("kernel_type", detail));
        }
        let parameters = node.floats("kernel_params")?.unwrap_or(&[]);
        let [gamma, coef0, degree] = match parameters {
            [a, b, c] => [*a, *b, *c],
            [] => [0.0, 0.0, 3.0],
            other => {
                let detail = format!("are {}, not gamma, coef0 and degree", other.len());
                return Err(node.attribute_error("kernel_params", detail));
            }
        };
        let vectors = finite(node, "support_vectors")?;
        let count = vectors.len() / features.max(1);
        if count == 0 || count * features != vectors.len() || vectors.len() > MAX_WORK {
            let detail = format!("has {} numbers for {features} features", vectors.len());
            return Err(node.attribute_error("support_vectors", detail));
        }
        let vectors = Tensor {
            shape: vec![count, features],
            data: vectors,
        };
        Ok(Self {
            kernel,
            gamma,
            coef0,
            degree,
            vectors,
        })
    }

    /// The kernel of every row of x with every support vector.
    fn kernels(&self, c: &mut Compose<'_, '_, '_>, x: &Value) -> Result<Value, ImportError> {
        let [rows, features] = c.shape(x)[..] else {
            return Err(c.node.operand_error("takes rows of features"));
        };
        if self.kernel == "RBF" {
            let x = c.reshape(x, vec![rows, 1, features])?;
            let vectors = c.tensor(self.vectors.clone())?;
            let difference = c.binary(Binary::Sub, &x, &vectors)?;
            let distance = c.reduce(Reduction::SumSquare, &difference, &[2], false)?;
            let exponent = scaled(c, &distance, -f64::from(self.gamma), 0.0)?;
            return c.unary(Unary::Exp, &exponent);
        }
        let (gamma, coef0) = match self.kernel {
            "LINEAR" => (1.0, 0.0),
            _ => (self.gamma, self.coef0),
        };
        let mut weights = self.vectors.clone();
        weights.data.iter_mut().for_each(|w| *w *= gamma);
        let bias = vec![coef0; weights.shape[0]];
        let op = Op::Dense { weights, bias };
        let node = c.node;
        let product = c
            .context
            .apply(node, Kind::Float, op, std::slice::from_ref(x))?;
        match self.kernel {
            "POLY" => c.with(Binary::Pow, &product, self.degree),
            "SIGMOID" => c.unary(Unary::Tanh, &product),
            _ => Ok(product),
        }
    }
}

fn finite(node: &NodeView<'_>, name: &str) -> Result<Vec<f32>, ImportError> {
    let list = node.floats(name)?.unwrap_or(&[]).to_vec();
    match list.iter().find(|v| !v.is_finite()) {
        Some(v) => Err(node.attribute_error(name, format!("has {v}"))),
        None => Ok(list),
    }
}

fn no_transform(node: &NodeView<'_>) -> Result<(), ImportError> {
    match node.string("post_transform")? {
        None | Some("NONE") => Ok(()),
        Some(_) => Err(node.attribute_error(
            "post_transform",
            "must be NONE; export the model without it, and add the function in ONNX",
        )),
    }
}

fn dense(
    c: &mut Compose<'_, '_, '_>,
    x: &Value,
    rows: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
) -> Result<Value, ImportError> {
    let columns = weights.len() / rows.max(1);
    let weights = Tensor {
        shape: vec![rows, columns],
        data: weights,
    };
    let op = Op::Dense { weights, bias };
    c.context
        .apply(c.node, Kind::Float, op, std::slice::from_ref(x))
}

/// SVMRegressor: Σ coefficient·kernel + ρ; the sign of that for one class.
pub(super) fn regressor(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    no_transform(node)?;
    let features = context.shape(&x).last().copied().unwrap_or(0);
    let coefficients = finite(node, "coefficients")?;
    let rho = finite(node, "rho")?;
    let supports = node.int("n_supports")?.unwrap_or(0);
    let one_class = node.flag("one_class", false)?;
    let [rho] = rho[..] else {
        return Err(node.attribute_error("rho", format!("has {} numbers, not one", rho.len())));
    };
    let (basis, count) = match supports {
        0 => {
            node.ignore("support_vectors");
            node.ignore("kernel_type");
            node.ignore("kernel_params");
            (x, features)
        }
        _ => {
            let machine = Machine::read(node, features)?;
            let count = machine.vectors.shape[0];
            let mut c = Compose::new(context, node);
            (machine.kernels(&mut c, &x)?, count)
        }
    };
    if coefficients.len() != count {
        let detail = format!("has {} numbers for {count} terms", coefficients.len());
        return Err(node.attribute_error("coefficients", detail));
    }
    let mut c = Compose::new(context, node);
    let sum = dense(&mut c, &basis, 1, coefficients, vec![rho])?;
    if !one_class {
        return Ok(vec![sum]);
    }
    let zero = c.number(0.0)?;
    let inside = c.compare(Comparison::Greater, &sum, &zero)?;
    let sign = scaled(&mut c, &Compose::like(inside, Kind::Float), 2.0, -1.0)?;
    Ok(vec![sign])
}

/// SVMClassifier: one decision of every pair of classes, the label of the class with most votes. Two classes have two scores,
/// probabilities if the model was trained with them.
pub(super) fn classifier(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    no_transform(node)?;
    let labels = labels_of(node)?;
    let classes = labels.len();
    let features = context.shape(&x).last().copied().unwrap_or(0);
    let per_class = node.ints("vectors_per_class")?.unwrap_or(&[]);
    let (prob_a, prob_b) = (finite(node, "prob_a")?, finite(node, "prob_b")?);
    let rho = finite(node, "rho")?;
    let coefficients = finite(node, "coefficients")?;
    if per_class.is_empty() {
        let detail = "is missing: a linear machine without support vectors is LinearClassifier; export LinearSVC";
        return Err(node.attribute_error("vectors_per_class", detail));
    }
    let machine = Machine::read(node, features)?;
    let count = machine.vectors.shape[0];
    let pairs = classes * classes.saturating_sub(1) / 2;
    let sizes: Vec<usize> = per_class
        .iter()
        .map(|n| usize::try_from(*n).unwrap_or(0))
        .collect();
    let fits = classes >= 2
        && sizes.len() == classes
        && sizes.iter().fold(0usize, |sum, n| sum.saturating_add(*n)) == count
        && coefficients.len() == (classes - 1) * count
        && rho.len() == pairs;
    if !fits {
        let detail = format!(
            "are {} for {count} vectors of {classes} classes, with {} values of rho",
            coefficients.len(),
            rho.len()
        );
        return Err(node.attribute_error("coefficients", detail));
    }
    let mut weights = vec![0.0f32; pairs * count];
    let starts: Vec<usize> = sizes
        .iter()
        .scan(0, |sum, n| {
            let start = *sum;
            *sum += n;
            Some(start)
        })
        .collect();
    let all_pairs: Vec<(usize, usize)> = (0..classes)
        .flat_map(|i| (i + 1..classes).map(move |j| (i, j)))
        .collect();
    for (pair, (i, j)) in all_pairs.iter().enumerate() {
        for (class, row) in [(*i, j - 1), (*j, *i)] {
            let own = starts[class]..starts[class] + sizes[class];
            weights[pair * count..][own.clone()].copy_from_slice(&coefficients[row * count..][own]);
        }
    }
    let mut c = Compose::new(context, node);
    let kernels = machine.kernels(&mut c, &x)?;
    let decisions = dense(&mut c, &kernels, pairs, weights, rho)?;
    if classes == 2 {
        return two_classes(&mut c, &decisions, &labels, (&prob_a, &prob_b));
    }
    if !prob_a.is_empty() {
        return Err(node.attribute_error(
            "prob_a",
            "gives probabilities of more than two classes, which a search finds: train with probability=False",
        ));
    }
    // Every decision is a vote for one of its two classes.
    let zero = c.number(0.0)?;
    let first = c.compare(Comparison::Greater, &decisions, &zero)?;
    let mut votes = vec![0.0f32; classes * pairs];
    let mut base = vec![0.0f32; classes];
    for (pair, (i, j)) in all_pairs.iter().enumerate() {
        votes[i * pairs + pair] = 1.0;
        votes[j * pairs + pair] = -1.0;
        base[*j] += 1.0;
    }
    let votes = dense(
        &mut c,
        &Compose::like(first, Kind::Float),
        classes,
        votes,
        base,
    )?;
    let label = label(c.context, node, votes, &labels)?;
    Ok(vec![label, decisions])
}

/// Of two classes the first wins with a decision above zero. Without probabilities the scores are −d and d.
fn two_classes(
    c: &mut Compose<'_, '_, '_>,
    decision: &Value,
    labels: &[i64],
    probabilities: (&[f32], &[f32]),
) -> Result<Vec<Value>, ImportError> {
    let node = c.node;
    let negative = scaled(c, decision, -1.0, 0.0)?;
    let order = joined(c, decision, &negative)?;
    // Also where the probabilities say otherwise: they are fitted behind the decision, and cross one half elsewhere.
    let label = label(c.context, node, order, labels)?;
    match probabilities {
        ([], []) => Ok(vec![label, joined(c, &negative, decision)?]),
        ([a], [b]) => {
            // The probability of the first class is 1 / (1 + e^(a·d + b)).
            let logit = scaled(c, decision, -f64::from(*a), -f64::from(*b))?;
            let first = c.unary(Unary::Sigmoid, &logit)?;
            let second = scaled(c, &first, -1.0, 1.0)?;
            let both = joined(c, &first, &second)?;
            c.context.set_distribution(&both);
            Ok(vec![label, both])
        }
        _ => Err(node.attribute_error("prob_a", "and prob_b must have one number for two classes")),
    }
}
