//! The generator: nodes that are pushed onto a graph as long as their values stay within reach.

use crate::Random;
use hodoscope_compiler::graph::{
    Binary, Comparison, Executor, Graph, GraphBuilder, Kind, Logic, Op, Reduction, Tensor, Unary,
    ValueId,
};

/// Events that formats are taken from.
pub const CALIBRATION: usize = 200;
/// Events that are judged.
pub const EVENTS: usize = 400;
/// Nodes of a graph, at most.
const NODES: usize = 30;
/// Magnitude of a value, at most.
const LARGEST: f32 = 200.0;

/// A graph with events.
pub struct Case {
    pub graph: Graph,
    /// Of each input the values of each event.
    pub calibration: Vec<Vec<Vec<f32>>>,
    pub events: Vec<Vec<Vec<f32>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Real,
    Whole,
    Truth,
}

struct Generator {
    random: Random,
    builder: GraphBuilder,
    pool: Vec<(ValueId, Class)>,
    events: Vec<Vec<Vec<f32>>>,
}

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut random = Random::new(seed * 7919 + 17);
    let mut builder = GraphBuilder::new(format!("random{seed}"));
    let mut pool = vec![];
    let mut scales = vec![];
    let inputs = 1 + random.below(3);
    for index in 0..inputs {
        let shape = match random.below(3) {
            0 => vec![1, 2 + random.below(6)],
            1 => vec![1, 2 + random.below(4), 1 + random.below(3)],
            _ => vec![1, 4],
        };
        let whole = index > 0 && random.below(2) == 0;
        let kind = if whole { Kind::Int } else { Kind::Float };
        let elements: usize = shape.iter().product();
        let input = builder.input(format!("x{index}"), shape, kind).unwrap();
        let class = if whole { Class::Whole } else { Class::Real };
        pool.push((input, class));
        let scale = [0.5, 1.0, 4.0, 20.0][random.below(4)];
        let channels = *builder.graph().shape(input).last().unwrap_or(&1);
        // In every other graph each channel has a size of its own, and so a grid of its own.
        let sizes = (0..channels).map(|_| match seed % 2 == 1 && !whole {
            true => scale * [1.0, 0.5, 0.2, 0.05][random.below(4)],
            false => scale,
        });
        let sizes: Vec<f32> = sizes.collect();
        scales.push((elements, whole, sizes));
    }
    let mut event = || {
        let value = |random: &mut Random, whole: bool, scale: f32| match whole {
            true => (random.uniform() * (scale + 2.0)).floor(),
            false => (random.normal() * scale).clamp(-3.5 * scale, 3.5 * scale),
        };
        let inputs = scales.iter();
        let inputs = inputs.map(|(elements, whole, sizes)| {
            let sizes = sizes.iter().cycle().take(*elements);
            sizes
                .map(|size| value(&mut random, *whole, *size))
                .collect::<Vec<f32>>()
        });
        inputs.collect::<Vec<_>>()
    };
    let calibration = (0..CALIBRATION).map(|_| event()).collect::<Vec<_>>();
    let events = (0..EVENTS).map(|_| event()).collect();
    let mut generator = Generator {
        random,
        builder,
        pool,
        events: calibration.clone(),
    };
    let nodes = 3 + generator.random.below(NODES - 3);
    for _ in 0..nodes {
        generator.node();
    }
    generator.outputs();
    Case {
        graph: generator.builder.finish(),
        calibration,
        events,
    }
}

/// The nodes of a graph, one a line.
pub fn listing(graph: &Graph) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    let name = |v: &ValueId| format!("v{}", v.index());
    for input in graph.inputs() {
        let shape = graph.shape(input.value);
        writeln!(text, "{} {:?} {shape:?}", name(&input.value), input.kind).unwrap();
    }
    for node in graph.nodes() {
        let operands: Vec<String> = node.inputs.iter().map(name).collect();
        let (output, shape) = (name(&node.output), graph.shape(node.output));
        let operands = operands.join(" ");
        writeln!(
            text,
            "{output} {shape:?} = {} {operands}: {:?}",
            node.name, node.op
        )
        .unwrap();
    }
    for output in graph.outputs() {
        writeln!(text, "{} = {}", output.name, name(&output.value)).unwrap();
    }
    text
}

impl Generator {
    fn shape(&self, value: ValueId) -> Vec<usize> {
        self.builder.graph().shape(value).to_vec()
    }

    fn any(&mut self) -> (ValueId, Class) {
        // Rather one of the last.
        let n = self.pool.len();
        let back = self.random.below(n).min(self.random.below(n));
        self.pool[n - 1 - back]
    }

    fn of(&mut self, wanted: impl Fn(Class) -> bool) -> Option<(ValueId, Class)> {
        for _ in 0..8 {
            let found = self.any();
            if wanted(found.1) {
                return Some(found);
            }
        }
        None
    }

    /// A number that is no whole one, of a class's size.
    fn fraction(&mut self) -> f32 {
        let number = self.random.normal();
        (number * 64.0).round() / 64.0 + 0.0037
    }

    fn constant(&mut self, data: Vec<f32>, shape: Vec<usize>) -> ValueId {
        let tensor = Tensor::new(shape, data).unwrap();
        self.builder.constant("constant", tensor).unwrap()
    }

    /// A second operand that broadcasts with the first: a value, or a constant.
    fn partner(
        &mut self,
        x: ValueId,
        wanted: impl Fn(Class) -> bool,
        whole: bool,
    ) -> (ValueId, Class) {
        let shape = self.shape(x);
        for _ in 0..6 {
            let (y, class) = self.any();
            let own = self.shape(y);
            let fits = own == shape
                || own.len() == shape.len()
                    && own.iter().zip(&shape).all(|(a, b)| a == b || *a == 1);
            if wanted(class) && fits && y != x {
                return (y, class);
            }
        }
        let last = *shape.last().unwrap();
        let elements = if self.random.below(2) == 0 { 1 } else { last };
        let data = (0..elements).map(|_| match whole {
            true => self.random.below(5) as f32 - 1.0,
            false => self.fraction(),
        });
        let data = data.collect();
        let class = if whole { Class::Whole } else { Class::Real };
        (self.constant(data, vec![elements]), class)
    }

    fn push(&mut self, op: Op, inputs: &[ValueId], class: Class) {
        let name = format!("n{}", self.builder.graph().value_count());
        let mut tried = GraphBuilder::new("tried");
        std::mem::swap(&mut tried, &mut self.builder);
        // A failed push leaves nothing behind.
        let pushed = tried.push(name, op, inputs);
        self.builder = tried;
        let Ok(value) = pushed else { return };
        let elements = self.builder.graph().elements(value);
        if elements <= 64 && self.within_reach(value) {
            self.pool.push((value, class));
        }
    }

    /// Whether a value is finite, of a size that 16 bits show, and no constant.
    fn within_reach(&self, value: ValueId) -> bool {
        let executor = Executor::new(self.builder.graph()).unwrap();
        let mut workspace = executor.workspace();
        let (mut low, mut high, mut squares, mut count) = (f32::MAX, f32::MIN, 0.0f64, 0);
        for event in self.events.iter().take(60) {
            let slices: Vec<&[f32]> = event.iter().map(Vec::as_slice).collect();
            executor.run_all(&mut workspace, &slices).unwrap();
            for v in workspace.value(value) {
                if !v.is_finite() {
                    return false;
                }
                (low, high) = (low.min(*v), high.max(*v));
                squares += f64::from(*v).powi(2);
                count += 1;
            }
        }
        let (span, rms) = (f64::from(high - low), (squares / f64::from(count)).sqrt());
        let largest = f64::from(high.abs().max(low.abs()));
        largest <= f64::from(LARGEST)
            && span >= 0.05 * largest
            && span > 1e-3
            && rms >= largest / 30.0
    }

    fn node(&mut self) {
        match self.random.below(26) {
            0 | 1 => self.function(),
            2..=4 => self.arithmetic(),
            5 => self.dense(),
            6 | 7 => self.bounds(),
            8 | 9 => self.rounding(),
            10 | 11 => self.comparison(),
            12 => self.logic(),
            13..=15 => self.choice(),
            16 | 17 => self.order(),
            18 | 19 => self.gather(),
            20..=22 => self.moved(),
            _ => self.reduced(),
        }
    }

    fn function(&mut self) {
        let Some((x, _)) = self.of(|c| c != Class::Truth) else {
            return;
        };
        let function = match self.random.below(5) {
            0 => Unary::Tanh,
            1 => Unary::Sigmoid,
            2 => Unary::LeakyRelu { alpha: 0.1 },
            3 => Unary::Square,
            _ => Unary::Softplus,
        };
        self.push(Op::Unary(function), &[x], Class::Real);
    }

    fn arithmetic(&mut self) {
        let (x, own) = self.any();
        let whole = own != Class::Real && self.random.below(3) > 0;
        let (y, other) = self.partner(x, |c| !whole || c != Class::Real, whole);
        let op = [Binary::Add, Binary::Sub, Binary::Mul][self.random.below(3)];
        let class = match (own, other) {
            (Class::Real, _) | (_, Class::Real) => Class::Real,
            _ => Class::Whole,
        };
        let operands = if self.random.below(2) == 0 {
            [x, y]
        } else {
            [y, x]
        };
        self.push(Op::Binary(op), &operands, class);
    }

    fn dense(&mut self) {
        let (x, _) = self.any();
        let inputs = *self.shape(x).last().unwrap();
        let outputs = 1 + self.random.below(5);
        let scale = 1.0 / (inputs as f32).sqrt();
        let weights = (0..inputs * outputs)
            .map(|_| self.random.normal() * scale)
            .collect();
        let weights = Tensor::new(vec![outputs, inputs], weights).unwrap();
        let bias = (0..outputs).map(|_| self.random.normal() * 0.3).collect();
        self.push(Op::Dense { weights, bias }, &[x], Class::Real);
    }

    fn bounds(&mut self) {
        let (x, own) = self.any();
        let whole = own != Class::Real && self.random.below(3) == 0;
        let class = if whole { Class::Whole } else { Class::Real };
        match self.random.below(4) {
            0 => {
                let (a, b) = (self.fraction(), self.fraction());
                let (min, max) = match whole {
                    true => (-1.0, 3.0),
                    false => (a.min(b), a.max(b) + 0.1),
                };
                let (min, max) = match self.random.below(4) {
                    0 => (min, f32::INFINITY),
                    1 => (f32::NEG_INFINITY, max),
                    _ => (min, max),
                };
                self.push(Op::Unary(Unary::Clip { min, max }), &[x], class);
            }
            1 => {
                let function = [Unary::Relu, Unary::Neg, Unary::Abs][self.random.below(3)];
                self.push(Op::Unary(function), &[x], own);
            }
            _ => {
                let (y, other) = self.partner(x, |c| !whole || c != Class::Real, whole);
                let class = match (own, other) {
                    (Class::Real, _) | (_, Class::Real) => Class::Real,
                    _ => Class::Whole,
                };
                let op = [Binary::Max, Binary::Min][self.random.below(2)];
                self.push(Op::Binary(op), &[x, y], class);
            }
        }
    }

    fn rounding(&mut self) {
        let Some((mut x, class)) = self.of(|c| c != Class::Truth) else {
            return;
        };
        let function =
            [Unary::Floor, Unary::Ceil, Unary::Round, Unary::Trunc][self.random.below(4)];
        if class == Class::Whole {
            // Integer division.
            let divisor = (2 + self.random.below(6)) as f32;
            let divisor = self.constant(vec![divisor], vec![1]);
            let name = format!("n{}", self.builder.graph().value_count());
            x = self
                .builder
                .push(name, Op::Binary(Binary::Div), &[x, divisor])
                .unwrap();
        }
        self.push(Op::Unary(function), &[x], Class::Whole);
    }

    fn comparison(&mut self) {
        let (x, own) = self.any();
        let whole = own != Class::Real;
        let (y, _) = self.partner(x, |c| (c != Class::Real) == whole, whole);
        let comparisons = [
            Comparison::Greater,
            Comparison::GreaterOrEqual,
            Comparison::Less,
            Comparison::LessOrEqual,
        ];
        let op = match whole && self.random.below(3) == 0 {
            true => Comparison::Equal,
            false => comparisons[self.random.below(4)],
        };
        let operands = if self.random.below(2) == 0 {
            [x, y]
        } else {
            [y, x]
        };
        self.push(Op::Compare(op), &operands, Class::Truth);
    }

    fn logic(&mut self) {
        let Some((x, _)) = self.of(|c| c == Class::Truth) else {
            return;
        };
        if self.random.below(3) == 0 {
            self.push(Op::Unary(Unary::Not), &[x], Class::Truth);
            return;
        }
        let shape = self.shape(x);
        let Some((y, _)) = self.of(|c| c == Class::Truth) else {
            return;
        };
        if self.shape(y) == shape {
            let op = [Logic::And, Logic::Or, Logic::Xor][self.random.below(3)];
            self.push(Op::Logic(op), &[x, y], Class::Truth);
        }
    }

    fn choice(&mut self) {
        let Some((condition, _)) = self.of(|c| c == Class::Truth) else {
            return;
        };
        let whole = self.random.below(3) == 0;
        let wanted = |c: Class| !whole || c != Class::Real;
        let (mut a, mut own) = self.partner(condition, wanted, whole);
        if self.random.below(6) == 0 {
            (a, own) = (condition, Class::Truth);
        }
        let (b, other) = self.partner(condition, wanted, whole);
        let class = match (own, other) {
            (Class::Real, _) | (_, Class::Real) => Class::Real,
            _ => Class::Whole,
        };
        let operands = match self.random.below(2) {
            0 => [condition, a, b],
            _ => [condition, b, a],
        };
        self.push(Op::Where, &operands, class);
    }

    fn order(&mut self) {
        let Some((x, class)) = self.of(|c| c != Class::Truth) else {
            return;
        };
        let shape = self.shape(x);
        let axis = 1 + self.random.below(shape.len() - 1);
        let largest = self.random.below(2) == 0;
        match self.random.below(4) {
            0 => {
                let op = Op::ArgMax {
                    axis,
                    largest,
                    last: self.random.below(3) == 0,
                };
                self.push(op, &[x], Class::Whole);
            }
            choice => {
                let indices = choice < 3;
                let op = Op::TopK {
                    axis,
                    k: 1 + self.random.below(shape[axis].min(4)),
                    largest,
                    indices,
                };
                let class = if indices { Class::Whole } else { class };
                self.push(op, &[x], class);
            }
        }
    }

    /// Elements that a whole value names: brought into the axis by Clip, or a modulus.
    fn gather(&mut self) {
        let Some((index, _)) = self.of(|c| c == Class::Whole) else {
            return;
        };
        let (x, class) = self.any();
        let shape = self.shape(x);
        let axis = 1 + self.random.below(shape.len() - 1);
        let clip = Unary::Clip {
            min: 0.0,
            max: (shape[axis] - 1) as f32,
        };
        let name = format!("n{}", self.builder.graph().value_count());
        let mut index = self.builder.push(&name, Op::Unary(clip), &[index]).unwrap();
        if self.random.below(3) == 0 {
            // What counts from the end.
            let turn = -(shape[axis] as f32);
            let turn = self.constant(vec![turn], vec![1]);
            let add = Op::Binary(Binary::Add);
            index = self.builder.push(&name, add, &[index, turn]).unwrap();
        }
        let flat = Op::Reshape {
            shape: vec![self.builder.graph().elements(index)],
        };
        let index = self.builder.push(&name, flat, &[index]).unwrap();
        self.push(Op::Gather { axis }, &[x, index], class);
    }

    fn moved(&mut self) {
        let (x, class) = self.any();
        let shape = self.shape(x);
        let axis = 1 + self.random.below(shape.len() - 1);
        match self.random.below(5) {
            0 => {
                let len = 1 + self.random.below(shape[axis]);
                let start = self.random.below(shape[axis] - len + 1);
                let op = Op::Slice {
                    axis,
                    start,
                    step: 1,
                    len,
                };
                self.push(op, &[x], class);
            }
            1 if shape.len() == 3 => {
                let perm = vec![0, 2, 1];
                self.push(Op::Transpose { perm }, &[x], class);
            }
            2 => {
                let shape = vec![1, shape.iter().product()];
                self.push(Op::Reshape { shape }, &[x], class);
            }
            3 => {
                let indices = (0..shape[axis] + 1).map(|_| self.random.below(shape[axis]));
                let indices = indices.collect();
                self.push(Op::Select { axis, indices }, &[x], class);
            }
            _ => {
                let (y, other) = self.any();
                let class = match (class, other) {
                    (a, b) if a == b => a,
                    (Class::Real, _) | (_, Class::Real) => Class::Real,
                    _ => Class::Whole,
                };
                self.push(Op::Concat { axis }, &[x, y], class);
            }
        }
    }

    fn reduced(&mut self) {
        let (x, own) = self.any();
        let shape = self.shape(x);
        let axis = 1 + self.random.below(shape.len() - 1);
        let op = [
            Reduction::Sum,
            Reduction::Max,
            Reduction::Min,
            Reduction::Mean,
        ][self.random.below(4)];
        let class = match (op, own) {
            (Reduction::Mean, _) => Class::Real,
            (Reduction::Sum, Class::Truth) => Class::Whole,
            (_, own) => own,
        };
        let keepdims = shape.len() == 2 || self.random.below(2) == 0;
        let reduce = Op::Reduce {
            op,
            axes: vec![axis],
            keepdims,
        };
        self.push(reduce, &[x], class);
    }

    /// Some of the last values, one of them again in another unit or shape.
    fn outputs(&mut self) {
        let count = 1 + self.random.below(4);
        let mut chosen = vec![self.pool[self.pool.len() - 1].0];
        for _ in 1..count {
            let value = self.any().0;
            chosen.push(value);
        }
        if self.random.below(3) == 0 {
            let x = chosen[0];
            let elements = self.builder.graph().elements(x);
            let op = match self.random.below(3) {
                0 => Op::Reshape {
                    shape: vec![1, elements, 1],
                },
                _ => Op::ScaleShift {
                    axis: 0,
                    scale: vec![[100.0, -0.5, 0.1][self.random.below(3)]],
                    shift: vec![0.0],
                },
            };
            chosen.push(self.builder.push("again", op, &[x]).unwrap());
        }
        for (index, value) in chosen.into_iter().enumerate() {
            self.builder.output(format!("y{index}"), value).unwrap();
        }
    }
}
