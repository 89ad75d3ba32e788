//! Activations written out get their own name: x·½·(1 + erf(x/√2)) is GELU, however it is spelled.
//!
//! The nodes between one value and a product are computed at many points, and compared with each function there.

use super::rewrite::rewrite;
use crate::graph::{Binary, Graph, GraphError, Node, Op, Unary, ValueId, apply_unary};

/// What is recognised.
const FUNCTIONS: [Unary; 4] = [
    Unary::Gelu { tanh: false },
    Unary::Gelu { tanh: true },
    Unary::Mish,
    Unary::HardSwish,
];

/// Most nodes that spell one.
const NODES: usize = 12;

/// Largest difference, over one plus the value: of constants and steps of single precision.
const CLOSE: f32 = 1e-5;

pub(super) fn run(graph: &Graph) -> Result<Option<Graph>, GraphError> {
    rewrite(graph, |r, node| {
        if !matches!(node.op, Op::Binary(Binary::Mul | Binary::Div)) {
            return Ok(None);
        }
        let Some((x, function)) = recognised(graph, node) else {
            return Ok(None);
        };
        let x = r.mapped(x)?;
        r.push(&node.name, Op::Unary(function), &[x]).map(Some)
    })
}

/// The function that `node` computes of a value; nothing where it is none of these.
fn recognised(graph: &Graph, node: &Node) -> Option<(ValueId, Unary)> {
    let is_telling = |op: &Op| {
        matches!(
            op,
            Op::Unary(
                Unary::Erf
                    | Unary::Tanh
                    | Unary::Softplus
                    | Unary::HardSigmoid { .. }
                    | Unary::Clip { .. }
            )
        )
    };
    let mut inside: Vec<ValueId> = vec![node.output];
    let mut tells = false;
    let mut next = 0;
    while let Some(value) = inside.get(next).copied() {
        next += 1;
        let Some(producer) = graph.producing_node(value) else {
            continue;
        };
        let is_elementwise = matches!(producer.op, Op::Unary(_) | Op::Binary(_));
        if inside.len() > 2 * NODES || !is_elementwise {
            continue;
        }
        tells |= is_telling(&producer.op);
        for input in &producer.inputs {
            if !inside.contains(input) && scalar(graph, *input).is_none() {
                inside.push(*input);
            }
        }
    }
    if !tells {
        return None;
    }
    let shape = graph.shape(node.output);
    let candidates = inside[1..].iter().copied();
    let mut candidates = candidates.filter(|x| graph.shape(*x) == shape);
    candidates.find_map(|x| {
        let points = points();
        let computed = Spelled {
            graph,
            x,
            points: &points,
            nodes: NODES,
        }
        .at(node.output)?;
        let same = |function: &&Unary| {
            let meant = apply_unary(**function, &points);
            let mut all = meant.iter().zip(&computed);
            all.all(|(meant, computed)| (computed - meant).abs() <= CLOSE * (1.0 + meant.abs()))
        };
        FUNCTIONS.iter().find(same).map(|function| (x, *function))
    })
}

/// Near zero densely, and far out, where a bound would be seen.
fn points() -> Vec<f32> {
    let near = (-160..=160).map(|i| i as f32 / 20.0);
    let far = [11.0, 16.5, 40.0, 333.0, 2e3, 1e4, 3e5];
    near.chain(far.into_iter().flat_map(|x| [x, -x])).collect()
}

/// The number that a constant of one element holds.
fn scalar(graph: &Graph, value: ValueId) -> Option<f32> {
    graph
        .constant(value)
        .filter(|_| graph.elements(value) == 1)
        .and_then(|t| t.single())
}

/// Nodes that compute elements of one value, at points of it.
struct Spelled<'a> {
    graph: &'a Graph,
    x: ValueId,
    points: &'a [f32],
    nodes: usize,
}

impl Spelled<'_> {
    fn at(&mut self, value: ValueId) -> Option<Vec<f32>> {
        if value == self.x {
            return Some(self.points.to_vec());
        }
        if let Some(number) = scalar(self.graph, value) {
            return Some(vec![number; self.points.len()]);
        }
        let node = self.graph.producing_node(value)?;
        self.nodes = self.nodes.checked_sub(1)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Unary(function), [x]) => Some(apply_unary(*function, &self.at(*x)?)),
            (Op::Binary(operation), [a, b]) => {
                let (a, b) = (self.at(*a)?, self.at(*b)?);
                let both = |f: fn(f32, f32) -> f32| {
                    let pairs = a.iter().zip(&b);
                    Some(pairs.map(|(a, b)| f(*a, *b)).collect())
                };
                match operation {
                    Binary::Add => both(|a, b| a + b),
                    Binary::Sub => both(|a, b| a - b),
                    Binary::Mul => both(|a, b| a * b),
                    Binary::Div => both(|a, b| a / b),
                    Binary::Pow => both(libm::powf),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
