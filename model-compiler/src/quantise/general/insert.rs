//! Quantisers in the places where an operation reads integers of few bits.
//!
//! A result is *wide* as it is computed. An operation that wants few bits *narrows* its operand: one quantiser, which all
//! such readers share. Functions read through a quantiser of their own, which indexes a table.

mod counted;
mod decades;
mod double;
mod equalised;
mod error;
mod exactly;
mod fine;
mod halves;
mod layers;
mod masked;
mod multiple;
mod observable;
mod plain;
mod pointwise;
mod span;
mod trees;
mod unseen;
mod whole;

use std::collections::HashMap;

use self::span::Span;
use super::formats::{self, SMALL_TABLE_BITS, TABLE_BITS};
use super::grid::Grid;
use super::learned::is_learned;
use super::observe::Observations;
use super::weights;
use super::whole::{Whole, whole};
use super::words::Words;
use crate::format::{self, Chosen};
use crate::graph::{
    Binary, Graph, GraphBuilder, GraphError, Node, Op, Pooling, Reduction, Tensor, Unary, ValueId,
};
use crate::quantise::room::Room;
use crate::quantise::rounding::Roundings;
use crate::quantise::{Activations, Options, TensorFormat};

/// Fraction bits of a softmax.
const SOFTMAX_FRAC: i32 = 15;
/// Bits of an output that is a function, and would else tie.
const WIDEST: u8 = 32;
/// Bits of what is quantised where nothing says how many.
const OUTPUT_WIDTH: u8 = 16;

/// How formats are chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    /// For which events they have room.
    pub room: Room,
    /// Whether values of many decades have more than 32 bits.
    pub double: bool,
}

impl Ways {
    /// Formats of events like the calibration's.
    pub const PLAIN: Self = Self {
        room: Room::Seen,
        double: false,
    };
}

/// A graph with quantisers.
#[derive(Clone, Debug)]
pub(super) struct Inserted {
    pub graph: Graph,
    /// For each narrowed value of the float graph: its index and format.
    pub formats: Vec<(usize, TensorFormat)>,
}

/// Inserts quantisers of `widths[value]` bits.
///
/// # Errors
/// Only if a graph is built that is none, which would be a mistake of this module.
pub(super) fn insert(
    graph: &Graph,
    words: &[Words],
    observations: &Observations,
    options: &Options,
    (widths, ways): (&[u8], Ways),
    roundings: &mut Roundings,
) -> Result<Inserted, GraphError> {
    let mut insertion = Insertion {
        graph,
        words,
        observations,
        options,
        widths,
        ways,
        roundings,
        learned: is_learned(graph),
        errors: error::errors(graph),
        uses: graph.use_counts(),
        feeds: feeds(graph),
        deciding: trees::deciding(graph),
        plain: plain::plain(graph, words),
        whole: whole(graph, words, observations),
        layered: fine::layered(graph),
        observable: match options.activations {
            Activations::Eight => vec![false; graph.value_count()],
            _ => observable::observable(graph),
        },
        spans: vec![],
        fines: HashMap::new(),
        equalised: HashMap::new(),
        exacts: HashMap::new(),
        finest: HashMap::new(),
        ordering: plain::ordering(graph),
        new: GraphBuilder::new(graph.name()),
        values: vec![None; graph.value_count()],
        formats: vec![],
    };
    for (input, words) in graph.inputs().iter().zip(words) {
        let shape = graph.shape(input.value).to_vec();
        let value = insertion.new.input(&input.name, shape, input.kind)?;
        let narrow = words.grid().map(|grid| (value, grid));
        let narrow = narrow.filter(|_| widths[input.value.index()] >= words.bits());
        let as_it_is = insertion.as_it_is(input.value, value);
        insertion.values[input.value.index()] = Some(Held {
            wide: value,
            narrow: narrow.or(as_it_is),
            kind: HeldKind::Sums,
        });
    }
    for node in graph.nodes() {
        let held = insertion.node(node)?;
        insertion.values[node.output.index()] = Some(held);
    }
    for output in graph.outputs() {
        let held = insertion.held(output.value)?;
        let value = match held.kind {
            HeldKind::Sums | HeldKind::Constant => held.wide,
            HeldKind::Function => insertion.in_full(output.value, WIDEST)?,
        };
        insertion.new.output(&output.name, value)?;
    }
    Ok(Inserted {
        graph: insertion.new.finish(),
        formats: insertion.formats,
    })
}

/// A value of the float graph in the new one.
#[derive(Clone, Debug)]
struct Held {
    /// As it is computed.
    wide: ValueId,
    /// In few bits, on a known grid.
    narrow: Option<(ValueId, Grid)>,
    kind: HeldKind,
}

/// What a wide value may be read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeldKind {
    /// Integers: by a quantiser, a scaling, an output.
    Sums,
    /// A function or quotient: by a quantiser only.
    Function,
    /// A float constant.
    Constant,
}

struct Insertion<'a> {
    graph: &'a Graph,
    words: &'a [Words],
    observations: &'a Observations,
    options: &'a Options,
    widths: &'a [u8],
    ways: Ways,
    /// Layers that were rounded before.
    roundings: &'a mut Roundings,
    /// Whether the graph is layers alone.
    learned: bool,
    /// Of each value: whether it is a difference of which only squares are summed, and one side a layer gave.
    errors: Vec<bool>,
    uses: Vec<usize>,
    /// Of each value: whether some operation behind it, other than a move, reads it narrow.
    feeds: Vec<bool>,
    /// Of each value: whether it is words that only trees read.
    deciding: Vec<bool>,
    /// Of each value: whether it is words as they came.
    plain: Vec<plain::Plain>,
    /// Of each value: the whole numbers that it can be, where it is whole.
    whole: Vec<Option<Whole>>,
    /// Of each value: whether a layer reads it, moved or rectified perhaps.
    layered: Vec<bool>,
    /// Of each value: whether it is of an observable, which is read in many bits also where layers read few.
    observable: Vec<bool>,
    /// Of each value of the new graph, where it was asked for: its bits.
    spans: Vec<Option<Option<Span>>>,
    /// Values in many bits.
    fines: HashMap<(ValueId, ValueId, u8), ValueId>,
    /// Words in units of their own.
    equalised: HashMap<ValueId, (ValueId, Vec<f64>)>,
    /// Values as they follow from words, where they were asked for.
    exacts: HashMap<ValueId, Option<ValueId>>,
    /// Of functions in the new graph: the most fraction bits that they have.
    finest: HashMap<ValueId, i32>,
    /// Of each value: whether only its order counts.
    ordering: Vec<bool>,
    new: GraphBuilder,
    values: Vec<Option<Held>>,
    formats: Vec<(usize, TensorFormat)>,
}

type Insert<T> = Result<T, GraphError>;

impl Insertion<'_> {
    fn node(&mut self, node: &Node) -> Insert<Held> {
        if let Some(held) = self.exactly(node)? {
            return Ok(held);
        }
        if let Some(held) = self.error(node)? {
            return Ok(held);
        }
        if let Some(held) = self.doubly(node)? {
            return Ok(held);
        }
        if let Some(held) = self.finely(node)? {
            return Ok(held);
        }
        match &node.op {
            Op::Constant(_) => {
                let value = self.new.push(&node.name, node.op.clone(), &[])?;
                Ok(Held {
                    wide: value,
                    narrow: None,
                    kind: HeldKind::Constant,
                })
            }
            Op::Dense { .. } | Op::Conv { .. } | Op::ConvTranspose { .. } => self.layer(node),
            Op::ScaleShift { axis, scale, shift } => self.scaled(node, *axis, scale, shift),
            Op::Unary(function) => self.unary(node, *function),
            Op::Binary(Binary::Add) if self.is_infinite(node.inputs[1]) => {
                // Only a masked choice reads it, and adds it itself.
                self.held(node.inputs[1]).cloned()
            }
            Op::Binary(op) => self.binary(node, *op),
            op if op.moves() => self.moved(node),
            Op::Pad { .. }
            | Op::Pool {
                op: Pooling::Max, ..
            }
            | Op::Reduce {
                op: Reduction::Max | Reduction::Min,
                ..
            } => self.moved(node),
            Op::Where if self.sentinel(node).is_some() => self.masked(node),
            Op::Where => {
                let &[condition, a, b] = &node.inputs[..] else {
                    return self.pushed(node, &[], HeldKind::Sums);
                };
                let condition = self.truth(node, condition)?;
                let (a, b) = (self.uniform(a)?.0, self.uniform(b)?.0);
                self.pushed(node, &[condition, a, b], HeldKind::Sums)
            }
            Op::MatMul => {
                // Words of few bits as they are: a product rounds nothing.
                let operands = self.operands(node, |i, value| match i.few_words(value)? {
                    Some(words) => Ok(words),
                    None => Ok(i.uniform(value)?.0),
                })?;
                self.pushed(node, &operands, HeldKind::Sums)
            }
            Op::Gather { .. } => self.gathered(node),
            Op::Trees(forest) => self.trees(node, forest),
            Op::Softmax { .. } => {
                let operands = self.operands(node, |i, value| Ok(i.uniform(value)?.0))?;
                let held = self.pushed(node, &operands, HeldKind::Sums)?;
                Ok(Held {
                    narrow: Some((held.wide, Grid::uniform(SOFTMAX_FRAC))),
                    ..held
                })
            }
            Op::Reduce {
                op: Reduction::Sum, ..
            } => {
                // Products are summed as they are: most are small beside the largest.
                let product = |node: &Node| {
                    matches!(
                        node.op,
                        Op::Binary(Binary::Mul) | Op::Unary(Unary::Square) | Op::ScaleShift { .. }
                    )
                };
                let operands = self.operands(node, |insertion, value| {
                    let held = insertion.held(value)?;
                    let made = insertion.graph.producing_node(value);
                    match held.kind == HeldKind::Sums && made.is_some_and(product) {
                        true => Ok(held.wide),
                        false => Ok(insertion.narrow(value)?.0),
                    }
                })?;
                self.pushed(node, &operands, HeldKind::Sums)
            }
            Op::Pool {
                op: Pooling::Average { .. },
                window,
                ..
            } => {
                let operands = self.operands(node, |i, value| Ok(i.uniform(value)?.0))?;
                let kind = match window.elements().is_power_of_two() {
                    true => HeldKind::Sums,
                    // A sum over a divisor that no step holds.
                    false => HeldKind::Function,
                };
                self.pushed(node, &operands, kind)
            }
            // Everything else reads integers on one grid, and gives integers.
            _ => {
                let operands = self.operands(node, |i, value| Ok(i.uniform(value)?.0))?;
                self.pushed(node, &operands, HeldKind::Sums)
            }
        }
    }

    fn room(&self) -> Room {
        self.ways.room
    }

    fn held(&self, value: ValueId) -> Insert<&Held> {
        let held = self.values.get(value.index()).and_then(Option::as_ref);
        held.ok_or(GraphError::UnknownValue(value.index() as u32))
    }

    fn operands(
        &mut self,
        node: &Node,
        read: impl Fn(&mut Self, ValueId) -> Insert<ValueId>,
    ) -> Insert<Vec<ValueId>> {
        node.inputs.iter().map(|v| read(self, *v)).collect()
    }

    fn pushed(&mut self, node: &Node, operands: &[ValueId], kind: HeldKind) -> Insert<Held> {
        let wide = self.new.push(&node.name, node.op.clone(), operands)?;
        Ok(Held {
            wide,
            narrow: None,
            kind,
        })
    }

    fn width(&self, value: ValueId) -> u8 {
        self.widths[value.index()]
    }

    /// Whether an output is a function within ±1 of what layers of few bits gave, which have no more to tell.
    fn is_table(&self, value: ValueId) -> bool {
        let function = self.graph.producing_node(value).map(|node| &node.op);
        let few = self.options.activations != Activations::Sixteen;
        let within = matches!(function, Some(Op::Unary(Unary::Sigmoid | Unary::Tanh)));
        few && within && self.learned && !self.feeds[value.index()]
    }

    /// Index bits of a table.
    fn table_bits(&self, value: ValueId) -> u8 {
        match self.width(value) {
            0..=8 if self.feeds[value.index()] => SMALL_TABLE_BITS,
            _ => TABLE_BITS,
        }
    }

    /// A value in few bits.
    fn narrow(&mut self, value: ValueId) -> Insert<(ValueId, Grid)> {
        self.narrow_like(value, value)
    }

    /// A value in few bits, at the format that the values of `like` ask for.
    fn narrow_like(&mut self, value: ValueId, like: ValueId) -> Insert<(ValueId, Grid)> {
        let held = self.held(value)?.clone();
        if let Some(narrow) = held.narrow {
            return Ok(narrow);
        }
        let narrow = match (held.kind, self.words_of(value)) {
            (HeldKind::Constant, _) => self.rounded_constant(value)?,
            (_, Some(words)) => self.narrow_words(value, words)?,
            _ if self.is_moved_words(value) => self.narrow_moved_words(value)?,
            _ => {
                // An output of a function has no wider form.
                let width = match (held.kind, self.feeds[value.index()]) {
                    (HeldKind::Function, false) => OUTPUT_WIDTH,
                    _ => self.width(like),
                };
                let mut chosen =
                    formats::of_value(&self.observations.values[like.index()], width, self.room());
                if let (magnitude, false) = self.magnitude(value, like) {
                    chosen.frac = format::covering_frac(magnitude, width);
                }
                if let Some(finest) = self.finest.get(&held.wide) {
                    chosen.frac = chosen.frac.min(*finest);
                }
                let quantised = self.quantised(value, held.wide, &[chosen.frac], width)?;
                self.note(like, chosen, width);
                (quantised, Grid::uniform(chosen.frac))
            }
        };
        self.set_narrow(value, &narrow);
        Ok(narrow)
    }

    fn set_narrow(&mut self, value: ValueId, narrow: &(ValueId, Grid)) {
        if let Some(held) = &mut self.values[value.index()] {
            held.narrow = Some(narrow.clone());
        }
    }

    fn words_of(&self, value: ValueId) -> Option<usize> {
        let mut inputs = self.graph.inputs().iter();
        inputs.position(|input| input.value == value)
    }

    /// Words in few bits, each feature in its own format.
    fn narrow_words(&mut self, value: ValueId, input: usize) -> Insert<(ValueId, Grid)> {
        let words = &self.words[input];
        let width = self.width(value);
        let own: Vec<i32> = (0..words.seen.len())
            .map(|feature| words.frac(feature, width, self.room()))
            .collect();
        let fracs: Vec<i32> = words.features.iter().map(|f| own[*f]).collect();
        let grid = Grid::of(fracs.clone());
        let fracs = grid.single().map_or(fracs, |frac| vec![frac]);
        let wide = self.held(value)?.wide;
        let quantised = self.quantised(value, wide, &fracs, width)?;
        // Of several grids the coarsest says what may be lost.
        if let Some(frac) = fracs.iter().copied().min() {
            let observed = &self.observations.values[value.index()];
            let noise = format::noise(&observed.samples, frac, width);
            self.note(value, Chosen { frac, noise }, width);
        }
        Ok((quantised, grid))
    }

    /// A constant that an operation reads as an activation.
    fn rounded_constant(&mut self, value: ValueId) -> Insert<(ValueId, Grid)> {
        let Some(tensor) = self.graph.constant(value) else {
            return Err(GraphError::UnknownValue(value.index() as u32));
        };
        let magnitude = tensor.data.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let frac = format::covering_frac(f64::from(magnitude), OUTPUT_WIDTH);
        let round = |v: &f32| format::rounded(*v, frac, OUTPUT_WIDTH);
        let data = tensor.data.iter().map(round).collect();
        let rounded = self.constant_like(tensor, data, value)?;
        Ok((rounded, Grid::uniform(frac)))
    }

    fn constant_like(
        &mut self,
        tensor: &Tensor,
        data: Vec<f32>,
        value: ValueId,
    ) -> Insert<ValueId> {
        let shape = tensor.shape.clone();
        let name = self.graph.value_name(value);
        self.new.constant(name, Tensor { shape, data })
    }

    /// A value in few bits, all elements on one grid.
    fn uniform(&mut self, value: ValueId) -> Insert<(ValueId, i32)> {
        let (narrow, grid) = self.narrow(value)?;
        if let Some(frac) = grid.single() {
            return Ok((narrow, frac));
        }
        let width = self.width(value);
        let chosen =
            formats::of_value(&self.observations.values[value.index()], width, self.room());
        let wide = self.held(value)?.wide;
        let quantised = self.quantised(value, wide, &[chosen.frac], width)?;
        self.note(value, chosen, width);
        Ok((quantised, chosen.frac))
    }

    /// `wide` behind a quantiser; its name is that of `value`.
    fn quantised(
        &mut self,
        value: ValueId,
        wide: ValueId,
        fracs: &[i32],
        width: u8,
    ) -> Insert<ValueId> {
        let name = format!("{}.q", self.graph.value_name(value));
        self.quantised_as(&name, wide, fracs, width)
    }

    /// A part of `value` behind a quantiser.
    fn quantised_part(
        &mut self,
        value: ValueId,
        part: ValueId,
        fracs: &[i32],
        width: u8,
    ) -> Insert<ValueId> {
        let name = format!("{}.part.q", self.graph.value_name(value));
        self.quantised_as(&name, part, fracs, width)
    }

    /// `wide` behind a quantiser of a name.
    fn quantised_as(
        &mut self,
        name: &str,
        wide: ValueId,
        fracs: &[i32],
        width: u8,
    ) -> Insert<ValueId> {
        let shape = self.new.graph().shape(wide).to_vec();
        let quantiser = formats::quantiser(fracs, &shape, width);
        let dequantise = Op::Dequantise {
            scale: quantiser.scale.clone(),
            zero_point: quantiser.zero_point.clone(),
        };
        let quantise = Op::Quantise(Box::new(quantiser));
        let integers = self.new.push(name, quantise, &[wide])?;
        self.new.push(name, dequantise, &[integers])
    }

    /// Notes a format for the report, and for the search of what to widen.
    fn note(&mut self, value: ValueId, chosen: Chosen, width: u8) {
        let observed = &self.observations.values[value.index()];
        let squares = observed.samples.iter();
        let squares = squares.map(|v| f64::from(*v) * f64::from(*v));
        let signal = squares.sum::<f64>() / observed.samples.len().max(1) as f64;
        // What was never but zero tells nothing.
        if signal == 0.0 {
            return;
        }
        let format = TensorFormat {
            name: self.graph.value_name(value).into(),
            width,
            frac: chosen.frac,
            range: (observed.minimum, observed.maximum),
            // Samples that lie on the grid say no more than that.
            sqnr_db: 10.0
                * libm::log10(signal / chosen.noise.max(libm::ldexp(1.0 / 12.0, -2 * chosen.frac))),
        };
        self.formats.push((value.index(), format));
    }

    /// Elements in another order, or the largest of some: on their own grid, in few bits where what follows needs few.
    fn moved(&mut self, node: &Node) -> Insert<Held> {
        let function = |i: &Self, v: &ValueId| Ok(i.held(*v)?.kind == HeldKind::Function);
        let functions = node.inputs.iter().map(|v| function(self, v));
        let any_function = functions.collect::<Insert<Vec<bool>>>()?.contains(&true);
        if !self.feeds[node.output.index()] && !any_function && node.inputs.len() == 1 {
            let wide = self.held(node.inputs[0])?.wide;
            return self.pushed(node, &[wide], HeldKind::Sums);
        }
        if self.deciding[node.output.index()] {
            let operands = self.operands(node, |i, value| Ok(i.held(value)?.wide))?;
            return self.pushed(node, &operands, HeldKind::Function);
        }
        if self.is_moved_words(node.output) {
            let wide = self.held(node.inputs[0])?.wide;
            return self.pushed(node, &[wide], HeldKind::Sums);
        }
        let mut operands = vec![];
        let mut grids = vec![];
        for value in &node.inputs {
            let (narrow, grid) = self.beside(*value, node.inputs.len() > 1)?;
            operands.push(narrow);
            grids.push(grid);
        }
        let shapes = node.inputs.iter().map(|v| self.graph.shape(*v));
        let parts: Vec<(&Grid, &[usize])> = grids.iter().zip(shapes).collect();
        let grid = match Grid::moved(&node.op, &parts) {
            Some(grid) => grid,
            None => {
                // Elements of several grids meet: all on the coarsest is not right, on one of their own it is.
                for (operand, value) in operands.iter_mut().zip(&node.inputs) {
                    *operand = self.uniform(*value)?.0;
                }
                return self.pushed(node, &operands, HeldKind::Sums);
            }
        };
        let held = self.pushed(node, &operands, HeldKind::Sums)?;
        Ok(Held {
            narrow: Some((held.wide, grid)),
            ..held
        })
    }

    /// Rows that another value names.
    fn gathered(&mut self, node: &Node) -> Insert<Held> {
        let &[table, indices] = &node.inputs[..] else {
            let operands = self.operands(node, |i, value| Ok(i.uniform(value)?.0))?;
            return self.pushed(node, &operands, HeldKind::Sums);
        };
        let extent = match &node.op {
            Op::Gather { axis } => self.graph.shape(table)[*axis],
            _ => 0,
        };
        let indices = self.indices(node, indices, extent)?;
        let (table, frac) = self.uniform(table)?;
        let held = self.pushed(node, &[table, indices], HeldKind::Sums)?;
        Ok(Held {
            narrow: Some((held.wide, Grid::uniform(frac))),
            ..held
        })
    }
}

/// Of each value whether an operation behind it, other than one that moves or takes elements, reads it.
fn feeds(graph: &Graph) -> Vec<bool> {
    let mut feeds = vec![false; graph.value_count()];
    for node in graph.nodes().iter().rev() {
        let takes = |place: usize| match node.op {
            Op::Unary(Unary::Relu | Unary::Neg) | Op::TopK { indices: false, .. } => true,
            Op::Reduce {
                op: Reduction::Max | Reduction::Min,
                ..
            } => true,
            // Of its rows, or of its sides, it takes some.
            Op::Gather { .. } => place == 0,
            Op::Where => place > 0,
            _ => node.op.moves(),
        };
        for (place, value) in node.inputs.iter().enumerate() {
            feeds[value.index()] |= !takes(place) || feeds[node.output.index()];
        }
    }
    feeds
}
