//! Which values are whole numbers, by the way they are computed: truths, places, roundings, integer inputs, and what sums,
//! products and choices make of them. They are never rounded as activations are.

use super::observe::Observations;
use super::words::Words;
use crate::graph::{
    Binary, Comparison, Graph, Kind, Node, Op, Padding, Pooling, Reduction, Tensor, Unary, ValueId,
};
use hodoscope_program::{Encoding, Input};

/// Single precision holds every whole number up to this.
const LARGEST: f64 = (1u32 << 24) as f64;
/// A format holds less than so many times what calibration saw.
const MARGIN: f64 = 4.0;

/// The whole numbers that a value can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Whole {
    pub minimum: f64,
    pub maximum: f64,
    /// Whether it is words of a float input with some sums and products behind them: a measurement, which a layer may
    /// read in fewer bits.
    pub measured: bool,
}

impl Whole {
    /// From `minimum` to `maximum`, where single precision holds all of them.
    fn between(minimum: f64, maximum: f64) -> Option<Self> {
        let inside = minimum <= maximum && minimum >= -LARGEST && maximum <= LARGEST;
        inside.then_some(Self {
            minimum,
            maximum,
            measured: false,
        })
    }

    fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let ends = values
            .into_iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        Self::between(ends.0, ends.1)
    }

    fn constant(tensor: &Tensor) -> Option<Self> {
        let whole = tensor.data.iter().all(|v| is_whole(f64::from(*v)));
        let values = tensor.data.iter().map(|v| f64::from(*v));
        whole.then(|| Self::of(values)).flatten()
    }

    fn hull(self, other: Self) -> Self {
        Self {
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
            measured: self.measured || other.measured,
        }
    }

    /// Whether every value is 0 or 1.
    pub fn is_truth(self) -> bool {
        self.minimum >= 0.0 && self.maximum <= 1.0
    }

    /// Whether a signed type of `width` bits holds every value.
    pub fn fits(self, width: u8) -> bool {
        let end = libm::ldexp(1.0, i32::from(width) - 1);
        self.minimum >= -end && self.maximum < end
    }

    /// The one value, where there is no other.
    pub fn single(self) -> Option<f64> {
        (self.minimum == self.maximum).then_some(self.minimum)
    }
}

fn is_whole(value: f64) -> bool {
    value.is_finite() && value == value.trunc()
}

/// What each value of the graph is known to be; none where it need not be whole.
pub(super) fn whole(
    graph: &Graph,
    words: &[Words],
    observations: &Observations,
) -> Vec<Option<Whole>> {
    let mut known = vec![None; graph.value_count()];
    let mut reach: Vec<f64> = observations
        .values
        .iter()
        .map(|seen| f64::from(seen.magnitude()) * MARGIN)
        .collect();
    for (input, words) in graph.inputs().iter().zip(words) {
        known[input.value.index()] = of_words(&words.input, input.kind);
        let ends = words.input.fields.iter();
        let ends = ends.flat_map(|f| [f.decode(f.minimum), f.decode(f.maximum)]);
        reach[input.value.index()] = ends.fold(0.0, |reach, end| reach.max(end.abs()));
    }
    for node in graph.nodes() {
        // What is only moved keeps the format of the words.
        let moves = node.op.moves() || matches!(node.op, Op::Unary(Unary::Neg | Unary::Abs));
        if moves {
            let own = node.inputs.iter().map(|v| reach[v.index()]);
            reach[node.output.index()] = own.fold(reach[node.output.index()], f64::max);
        }
        let analysis = Analysis {
            graph,
            reach: &reach,
            known: &known,
        };
        known[node.output.index()] = analysis.node(node);
    }
    known
}

/// Words that count by whole numbers. Those of floats that the compiler made itself are but rounded floats.
fn of_words(input: &Input, kind: Kind) -> Option<Whole> {
    let made = |encoding| encoding == Encoding::Calibrated && kind == Kind::Float;
    let fields = &input.fields;
    if fields
        .iter()
        .any(|f| !is_whole(f.lsb.0) || made(f.encoding))
    {
        return None;
    }
    let ends = fields
        .iter()
        .flat_map(|f| [f.decode(f.minimum), f.decode(f.maximum)]);
    let whole = Whole::of(ends)?;
    Some(Whole {
        measured: kind == Kind::Float,
        ..whole
    })
}

struct Analysis<'a> {
    graph: &'a Graph,
    /// What a value that is not whole is smaller than.
    reach: &'a [f64],
    known: &'a [Option<Whole>],
}

impl Analysis<'_> {
    fn of(&self, value: ValueId) -> Option<Whole> {
        self.known[value.index()]
    }

    /// The hull of some operands, where all are whole.
    fn hull(&self, values: &[ValueId]) -> Option<Whole> {
        let mut all = values.iter().map(|v| self.of(*v));
        let first = all.next()??;
        all.try_fold(first, |hull, whole| Some(hull.hull(whole?)))
    }

    fn node(&self, node: &Node) -> Option<Whole> {
        let inputs = &node.inputs[..];
        let extent = |axis: usize| self.graph.shape(inputs[0])[axis] as f64;
        match &node.op {
            Op::Constant(tensor) => Whole::constant(tensor),
            Op::Compare(comparison) => self.compared(*comparison, inputs),
            Op::Logic(_) | Op::Unary(Unary::Not) => Whole::between(0.0, 1.0),
            Op::ArgMax { axis, .. }
            | Op::TopK {
                axis,
                indices: true,
                ..
            } => Whole::between(0.0, extent(*axis) - 1.0),
            op if op.moves() => self.hull(inputs),
            Op::TopK { .. }
            | Op::Reduce {
                op: Reduction::Max | Reduction::Min,
                ..
            }
            | Op::Pool {
                op: Pooling::Max, ..
            } => self.hull(inputs),
            Op::Pad { padding, .. } => {
                let own = self.hull(inputs)?;
                match padding {
                    Padding::Constant(v) if is_whole(f64::from(*v)) => {
                        Some(own.hull(Whole::of([f64::from(*v)])?))
                    }
                    Padding::Constant(_) => None,
                    _ => Some(own),
                }
            }
            Op::Where => {
                let &[condition, a, b] = inputs else {
                    return None;
                };
                // Which side is taken where that is known.
                let truth = self.of(condition);
                match truth.and_then(Whole::single) {
                    Some(0.0) => self.of(b),
                    Some(_) => self.of(a),
                    None => self.hull(&[a, b]),
                }
            }
            Op::Gather { .. } => self.of(*inputs.first()?),
            Op::Reduce { op, axes, .. } => self.reduced(*op, axes, inputs),
            Op::ScaleShift { scale, shift, .. } => self.scaled(inputs, scale, shift),
            Op::Unary(function) => self.unary(*function, inputs),
            Op::Binary(op) => self.binary(*op, inputs),
            _ => None,
        }
    }

    /// A comparison, decided where the ranges of whole operands are apart.
    fn compared(&self, comparison: Comparison, inputs: &[ValueId]) -> Option<Whole> {
        let (always, never) = match (self.of(*inputs.first()?), self.of(*inputs.get(1)?)) {
            (Some(a), Some(b)) => match comparison {
                Comparison::Greater => (a.minimum > b.maximum, a.maximum <= b.minimum),
                Comparison::GreaterOrEqual => (a.minimum >= b.maximum, a.maximum < b.minimum),
                Comparison::Less => (a.maximum < b.minimum, a.minimum >= b.maximum),
                Comparison::LessOrEqual => (a.maximum <= b.minimum, a.minimum > b.maximum),
                Comparison::Equal => (
                    a.single().is_some() && a.single() == b.single(),
                    a.minimum > b.maximum || a.maximum < b.minimum,
                ),
            },
            _ => (false, false),
        };
        Whole::between(f64::from(u8::from(always)), f64::from(u8::from(!never)))
    }

    fn reduced(&self, op: Reduction, axes: &[usize], inputs: &[ValueId]) -> Option<Whole> {
        let x = *inputs.first()?;
        let own = self.of(x)?;
        let shape = self.graph.shape(x);
        let rows = axes.iter().map(|axis| shape[*axis]).product::<usize>() as f64;
        let term = match op {
            Reduction::Sum => own,
            Reduction::SumSquare => product(own, own)?,
            _ => return None,
        };
        let sum = Whole::between(term.minimum * rows, term.maximum * rows)?;
        Some(Whole {
            measured: own.measured,
            ..sum
        })
    }

    fn scaled(&self, inputs: &[ValueId], scale: &[f64], shift: &[f64]) -> Option<Whole> {
        let own = self.of(*inputs.first()?)?;
        if !scale.iter().chain(shift).all(|v| is_whole(*v)) {
            return None;
        }
        let ends = scale
            .iter()
            .zip(shift)
            .flat_map(|(scale, shift)| [own.minimum * scale + shift, own.maximum * scale + shift]);
        Some(Whole {
            measured: own.measured,
            ..Whole::of(ends)?
        })
    }

    fn unary(&self, function: Unary, inputs: &[ValueId]) -> Option<Whole> {
        let x = *inputs.first()?;
        if let Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc = function {
            if let Some(own) = self.of(x) {
                return Some(own);
            }
            let end = self.reach[x.index()].ceil() + 1.0;
            return Whole::between(-end, end);
        }
        let own = self.of(x)?;
        let (low, high) = (own.minimum, own.maximum);
        let (low, high) = match function {
            Unary::Relu => (low.max(0.0), high.max(0.0)),
            Unary::Neg => (-high, -low),
            Unary::Abs if low >= 0.0 => (low, high),
            Unary::Abs => (0.0, high.max(-low)),
            Unary::Square => {
                let square = product(own, own)?;
                (square.minimum.max(0.0), square.maximum)
            }
            Unary::Clip { min, max } => {
                let (min, max) = (f64::from(min), f64::from(max));
                let bounds = [min, max];
                if bounds
                    .iter()
                    .any(|b| b.is_nan() || b.is_finite() && !is_whole(*b))
                {
                    return None;
                }
                (low.max(min).min(max), high.max(min).min(max))
            }
            _ => return None,
        };
        Some(Whole {
            measured: own.measured,
            ..Whole::between(low, high)?
        })
    }

    fn binary(&self, op: Binary, inputs: &[ValueId]) -> Option<Whole> {
        let (a, b) = (self.of(*inputs.first()?)?, self.of(*inputs.get(1)?)?);
        let (low, high) = match op {
            Binary::Add => (a.minimum + b.minimum, a.maximum + b.maximum),
            Binary::Sub => (a.minimum - b.maximum, a.maximum - b.minimum),
            Binary::Max => (a.minimum.max(b.minimum), a.maximum.max(b.maximum)),
            Binary::Min => (a.minimum.min(b.minimum), a.maximum.min(b.maximum)),
            Binary::Mul => {
                let product = product(a, b)?;
                (product.minimum, product.maximum)
            }
            Binary::Div | Binary::Pow | Binary::PRelu => return None,
        };
        Some(Whole {
            measured: a.measured || b.measured,
            ..Whole::between(low, high)?
        })
    }
}

fn product(a: Whole, b: Whole) -> Option<Whole> {
    let ends = [
        a.minimum * b.minimum,
        a.minimum * b.maximum,
        a.maximum * b.minimum,
        a.maximum * b.maximum,
    ];
    Some(Whole {
        measured: a.measured || b.measured,
        ..Whole::of(ends)?
    })
}
