//! Absent points that are moved far away before distances are taken, so that no one has them for neighbours.
//!
//! A coordinate of 10⁹ becomes 10¹⁸ in a distance. But a distance does not know where the origin is: of two points that are
//! both there, or both moved, it is that of the points as they were. So the distance is taken without the move, and where
//! one of two points is there and the other is not it is masked.

use super::super::observe::Observations;
use super::super::words::Words;
use super::masks::{self, Mask};
use crate::graph::{
    Binary, Comparison, Executor, Graph, GraphBuilder, GraphError, Node, Op, Reduction, Tensor,
    Unary, ValueId,
};
use crate::quantise::{Calibration, QuantiseError, statistics};
use hodoscope_program::Input;

/// What moves a point at least.
const FAR: f32 = 30.0;
/// A distance to a point that was moved, in units of the largest real one of the event, at least.
const DISTANT: f32 = 4.0;
/// Events on which it is tried that a distance is one.
const EVENTS: usize = 16;

/// An operation that orders distances, in the graph in which they are masked.
struct Apart {
    /// Place of the node in the old graph.
    node: usize,
    /// Distances as the network takes them, and without the move; whether a pair is of one kind; whether a point is there.
    moved: ValueId,
    real: ValueId,
    same: ValueId,
    there: ValueId,
    /// The same, by what moves other coordinates.
    others: Vec<ValueId>,
    largest: bool,
}

/// The graph in which distances of points are masked and not the points; none where nothing is moved.
pub(super) fn apart(
    graph: &Graph,
    observations: &Observations,
    words: &[Words],
    calibration: &Calibration,
) -> Result<Option<Graph>, QuantiseError> {
    let mut refused = vec![];
    loop {
        let (changed, found) = rewritten(graph, observations, &refused)?;
        if found.is_empty() {
            return Ok(None);
        }
        let wrong = tried(&changed, &found, words, calibration)?;
        if wrong.is_empty() {
            return Ok(Some(changed));
        }
        refused.extend(wrong);
    }
}

fn rewritten(
    graph: &Graph,
    observations: &Observations,
    refused: &[usize],
) -> Result<(Graph, Vec<Apart>), GraphError> {
    let mut builder = GraphBuilder::new(graph.name());
    let mut map: Vec<ValueId> = graph.values().collect();
    for input in graph.inputs() {
        let shape = graph.shape(input.value).to_vec();
        map[input.value.index()] = builder.input(&input.name, shape, input.kind)?;
    }
    let mut found = vec![];
    for (place, node) in graph.nodes().iter().enumerate() {
        let mut operands: Vec<ValueId> = node.inputs.iter().map(|v| map[v.index()]).collect();
        if !refused.contains(&place)
            && let Some(largest) = ordering(graph, node)
            && let Some(cone) = Cone::of(graph, observations, node.inputs[0])
            && let Some((mut apart, masked)) =
                cone.masked(&mut builder, &map, node.inputs[0], largest)?
        {
            apart.node = place;
            operands[0] = masked;
            found.push(apart);
        }
        map[node.output.index()] = builder.push(&node.name, node.op.clone(), &operands)?;
    }
    for output in graph.outputs() {
        builder.output(&output.name, map[output.value.index()])?;
    }
    Ok((builder.finish(), found))
}

/// Whether a node orders the columns of a square matrix, the largest first or the smallest.
fn ordering(graph: &Graph, node: &Node) -> Option<bool> {
    let (axis, largest) = match &node.op {
        Op::TopK { axis, largest, .. } | Op::ArgMax { axis, largest, .. } => (*axis, *largest),
        _ => return None,
    };
    let shape = graph.shape(node.inputs[0]);
    let rank = shape.len();
    let square = rank >= 2 && axis == rank - 1 && shape[rank - 1] == shape[rank - 2];
    (square && shape[rank - 1] > 1).then_some(largest)
}

/// What distances are computed from, as far back as points that were moved.
struct Cone<'a> {
    graph: &'a Graph,
    observations: &'a Observations,
    /// Of each value whether it depends on points that were moved.
    moved: Vec<bool>,
    /// The nodes that move them: one for all coordinates, or one for each.
    by: Vec<&'a Node>,
}

impl<'a> Cone<'a> {
    fn of(graph: &'a Graph, observations: &'a Observations, value: ValueId) -> Option<Self> {
        let mut moved = vec![false; graph.value_count()];
        let mut by: Vec<&Node> = vec![];
        for node in graph.nodes() {
            let far = masks::mask(graph, observations, node).is_some_and(|mask| {
                let (Mask::Choice { fill, .. } | Mask::Sum { fill, .. }) = mask;
                fill.abs() >= FAR
            });
            let depends = node.inputs.iter().any(|v| moved[v.index()]);
            moved[node.output.index()] = far || depends && takes_distances(&node.op);
        }
        if !moved[value.index()] {
            return None;
        }
        // Back to where they were moved.
        let mut reached = vec![false; graph.value_count()];
        reached[value.index()] = true;
        for node in graph.nodes().iter().rev() {
            if !reached[node.output.index()] || !moved[node.output.index()] {
                continue;
            }
            if masks::mask(graph, observations, node).is_some() {
                by.push(node);
                continue;
            }
            node.inputs.iter().for_each(|v| reached[v.index()] = true);
        }
        for (moved, reached) in moved.iter_mut().zip(reached) {
            *moved &= reached;
        }
        if by.is_empty() || by.iter().any(|node| node.output == value) {
            return None;
        }
        Some(Self {
            graph,
            observations,
            moved,
            by,
        })
    }

    /// The distances of points as they were, masked where one of two points is there and the other is not.
    fn masked(
        &self,
        builder: &mut GraphBuilder,
        map: &[ValueId],
        value: ValueId,
        largest: bool,
    ) -> Result<Option<(Apart, ValueId)>, GraphError> {
        let shape = self.graph.shape(value).to_vec();
        let (rank, points) = (shape.len(), shape[shape.len() - 1]);
        let name = self.by[0].name.as_str();
        let mut truths = vec![];
        for by in &self.by {
            let Some(there) = self.there(builder, map, by, points)? else {
                return Ok(None);
            };
            truths.push(there);
        }
        let there = truths.remove(0);
        let mut side = |axis: usize| {
            let mut shape = vec![1; rank];
            shape[axis] = points;
            builder.push(name, Op::Reshape { shape }, &[there])
        };
        let (row, column) = (side(rank - 2)?, side(rank - 1)?);
        let equal = Op::Compare(Comparison::Equal);
        let same = builder.push(name, equal, &[row, column])?;
        let real = self.unmoved(builder, map, value)?;
        let fill = if largest { -1e9 } else { 1e9 };
        let fill = builder.constant(name, Tensor::scalar(fill))?;
        let masked = builder.push(name, Op::Where, &[same, real, fill])?;
        let apart = Apart {
            node: 0,
            moved: map[value.index()],
            real,
            same,
            there: row,
            others: truths,
            largest,
        };
        Ok(Some((apart, masked)))
    }

    /// For each point whether it is there, as a node says that moves it; none where that is not known for each.
    fn there(
        &self,
        builder: &mut GraphBuilder,
        map: &[ValueId],
        by: &Node,
        points: usize,
    ) -> Result<Option<ValueId>, GraphError> {
        let graph = self.graph;
        let Some(mask) = masks::mask(graph, self.observations, by) else {
            return Ok(None);
        };
        let name = by.name.as_str();
        let plain = |value: ValueId| map[value.index()];
        let mut there = match mask {
            Mask::Choice { when, .. } => {
                let truth = plain(by.inputs[0]);
                match when {
                    true => truth,
                    false => builder.push(name, Op::Unary(Unary::Not), &[truth])?,
                }
            }
            Mask::Sum { real, .. } => {
                let term = by.inputs[1 - real];
                let two = masks::two_valued(graph, self.observations, term, 0);
                let truth = masks::truth(builder, graph, self.observations, term, &plain)?;
                match two.is_some_and(|two| two.no == 0.0) {
                    true => builder.push(name, Op::Unary(Unary::Not), &[truth])?,
                    false => truth,
                }
            }
        };
        // One truth for each point.
        let own = builder.graph().shape(there).to_vec();
        let axes = own
            .iter()
            .enumerate()
            .filter(|(_, extent)| **extent == points);
        let axis = match axes.map(|(axis, _)| axis).collect::<Vec<_>>()[..] {
            [axis] => axis,
            // As many coordinates as points, or none.
            _ => return Ok(None),
        };
        for (other, extent) in own.iter().enumerate() {
            if other != axis && *extent > 1 {
                let first = Op::Slice {
                    axis: other,
                    start: 0,
                    step: 1,
                    len: 1,
                };
                there = builder.push(name, first, &[there])?;
            }
        }
        Ok(Some(there))
    }

    /// The same operations on points that were not moved.
    fn unmoved(
        &self,
        builder: &mut GraphBuilder,
        map: &[ValueId],
        value: ValueId,
    ) -> Result<ValueId, GraphError> {
        let mut own = map.to_vec();
        for by in &self.by {
            let real = match masks::mask(self.graph, self.observations, by) {
                Some(Mask::Choice { real, .. } | Mask::Sum { real, .. }) => real,
                None => continue,
            };
            // Only the mask made them as large as they are.
            let (shape, from) = (
                self.graph.shape(by.output).to_vec(),
                map[by.inputs[real].index()],
            );
            own[by.output.index()] = match builder.graph().shape(from) == shape {
                true => from,
                false => builder.push(&by.name, Op::Broadcast { shape }, &[from])?,
            };
        }
        let moves = |node: &Node| self.by.iter().any(|by| by.output == node.output);
        for node in self.graph.nodes() {
            if !self.moved[node.output.index()] || moves(node) {
                continue;
            }
            let operands: Vec<ValueId> = node.inputs.iter().map(|v| own[v.index()]).collect();
            own[node.output.index()] = builder.push(&node.name, node.op.clone(), &operands)?;
            if node.output == value {
                break;
            }
        }
        Ok(own[value.index()])
    }
}

/// Whether an operation may be part of a distance.
fn takes_distances(op: &Op) -> bool {
    op.moves()
        || matches!(
            op,
            Op::MatMul
                | Op::ScaleShift { .. }
                | Op::Unary(Unary::Neg | Unary::Abs | Unary::Square | Unary::Sqrt)
                | Op::Unary(Unary::Relu | Unary::Clip { .. })
                | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Pow)
                | Op::Reduce {
                    op: Reduction::Sum
                        | Reduction::SumSquare
                        | Reduction::L1
                        | Reduction::L2
                        | Reduction::Mean,
                    ..
                }
        )
}

/// The orderings whose operands are no distances: on events of the calibration, they change with the move.
fn tried(
    graph: &Graph,
    found: &[Apart],
    words: &[Words],
    calibration: &Calibration,
) -> Result<Vec<usize>, QuantiseError> {
    let executor = Executor::new(graph)?;
    let mut workspace = executor.workspace();
    let inputs: Vec<&Input> = words.iter().map(|words| &words.input).collect();
    let mut wrong = vec![];
    for index in 0..calibration.events().min(EVENTS) {
        let mut saturated = 0;
        let (_, decoded) = statistics::words(&inputs, calibration, index, &mut saturated)?;
        let slices: Vec<&[f32]> = decoded.iter().map(Vec::as_slice).collect();
        executor.run_all(&mut workspace, &slices)?;
        for apart in found {
            let [moved, real, same, there] = [apart.moved, apart.real, apart.same, apart.there]
                .map(|value| workspace.value(value));
            let points = there.len();
            let both = |pair: usize| {
                let pair = pair % (points * points);
                same[pair] != 0.0 && there[pair / points] != 0.0
            };
            let near = real.iter().enumerate().filter(|(e, _)| both(*e));
            let distant = DISTANT * near.fold(1.0f32, |m, (_, v)| m.max(v.abs()));
            let holds = |(e, moved): (usize, &f32)| {
                let pair = e % (points * points);
                match (same[pair] != 0.0, there[pair / points] != 0.0) {
                    (false, _) => match apart.largest {
                        true => *moved <= -distant,
                        false => *moved >= distant,
                    },
                    (true, true) => {
                        let tolerance = 1e-3 * (1.0 + real[e].abs());
                        (moved - real[e]).abs() <= tolerance
                    }
                    (true, false) => true,
                }
            };
            let all = moved.iter().enumerate().all(holds);
            // All coordinates of a point are moved together.
            let together = |other: &ValueId| workspace.value(*other) == there;
            let all = all && apart.others.iter().all(together);
            if !all && !wrong.contains(&apart.node) {
                wrong.push(apart.node);
            }
        }
    }
    Ok(wrong)
}
