//! Integer inputs that only name rows of other values: every row is one of their words, also those that calibration did not
//! show.

use crate::graph::{Binary, Executor, Graph, GraphError, GraphInput, Kind, Node, Op, ValueId};

/// Single precision holds every place up to this.
const LARGEST: i64 = 1 << 24;

/// The number of rows that an input names, on the longest of the axes from which it takes any; none where it is read as
/// something else, too.
pub(super) fn rows(graph: &Graph, input: &GraphInput) -> Result<Option<i64>, GraphError> {
    let Some(gathers) = read_as_places(graph, input).filter(|_| input.kind == Kind::Int) else {
        return Ok(None);
    };
    let executor = Executor::new(graph)?;
    let mut workspace = executor.workspace();
    let mut rows = 0;
    for gather in gathers {
        let Op::Gather { axis } = gather.op else {
            continue;
        };
        let extent = graph.shape(gather.inputs[0])[axis] as f32;
        // Whatever arithmetic stands between: is every place inside when all elements are this?
        let mut inside = |place: i64| -> Result<bool, GraphError> {
            let of = |own: &GraphInput| {
                let value = if own.value == input.value {
                    place as f32
                } else {
                    0.0
                };
                vec![value; graph.elements(own.value)]
            };
            let values: Vec<Vec<f32>> = graph.inputs().iter().map(of).collect();
            let slices: Vec<&[f32]> = values.iter().map(Vec::as_slice).collect();
            executor.run_all(&mut workspace, &slices)?;
            let places = workspace.value(gather.inputs[1]).iter();
            Ok(places.clone().all(|p| *p >= 0.0 && *p < extent))
        };
        if !inside(0)? {
            continue;
        }
        let (mut last, mut beyond) = (0, 1);
        while beyond < LARGEST && inside(beyond)? {
            (last, beyond) = (beyond, 2 * beyond);
        }
        while beyond - last > 1 {
            let middle = (last + beyond) / 2;
            match inside(middle)? {
                true => last = middle,
                false => beyond = middle,
            }
        }
        rows = rows.max(last + 1);
    }
    Ok((rows > 0).then_some(rows))
}

/// The nodes that take rows which an input names, where nothing but index arithmetic reads it on the way.
fn read_as_places<'g>(graph: &'g Graph, input: &GraphInput) -> Option<Vec<&'g Node>> {
    let consumers = graph.consumers();
    let mut found: Vec<&Node> = vec![];
    let mut seen = vec![false; graph.value_count()];
    let mut followed: Vec<ValueId> = vec![input.value];
    while let Some(value) = followed.pop() {
        if std::mem::replace(&mut seen[value.index()], true) {
            continue;
        }
        if graph.outputs().iter().any(|output| output.value == value) {
            return None;
        }
        for id in &consumers[value.index()] {
            let node = graph.node(*id);
            match &node.op {
                Op::Gather { .. } if node.inputs[1] == value && node.inputs[0] != value => {
                    found.push(node);
                }
                Op::Binary(Binary::Add | Binary::Sub | Binary::Mul)
                | Op::Compare(_)
                | Op::Where
                | Op::ScaleShift { .. } => followed.push(node.output),
                op if op.moves() => followed.push(node.output),
                _ => return None,
            }
        }
    }
    (!found.is_empty()).then_some(found)
}
