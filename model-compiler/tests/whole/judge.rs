//! A compiled graph against the float executor, beside the steps of its functions.

use crate::SIXTEEN;
use crate::graphs::Case;
use hodoscope_compiler::graph::{Executor, Graph, Node, Op, Unary, ValueId, Workspace, simplify};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::Calibration;
use hodoscope_compiler::quantised;
use hodoscope_interpreter::{Event, Interpreter};

/// Largest rms error, as a fraction of an output's range.
const BAR: f64 = 1.0 / 256.0;
/// How near a step an operand may come, as a fraction of its largest magnitude.
const MARGIN: f32 = 1.0 / 512.0;
/// Events that must be left.
const FEWEST: usize = 10;

/// What became of an output.
pub enum Verdict {
    Holds,
    Wrong(String),
    /// Too few events lie beside every step.
    Unjudged,
}

/// Judges every output, or says why the graph was refused.
pub fn judge(case: &Case) -> Result<Vec<Verdict>, String> {
    let graph = simplify(&case.graph).unwrap();
    let inputs = graph.inputs().len();
    let all = |input: usize| case.calibration.iter().flat_map(move |e| e[input].clone());
    let calibration = (0..inputs).map(|input| all(input).collect()).collect();
    let calibration = Calibration::new(&graph, calibration).unwrap();
    let spec = InputsSpec::default();
    let made = quantised(&graph, "random", &spec, None, &calibration, &SIXTEEN);
    let program = made.map_err(|error| error.to_string())?.0.program;
    let interpreter = Interpreter::new(&program).map_err(|error| error.to_string())?;

    // The graph as it was made knows the steps.
    let own = &case.graph;
    let executor = Executor::new(own).unwrap();
    let mut workspace = executor.workspace();
    let mut magnitudes = vec![0.0f32; own.value_count()];
    for event in &case.events {
        run(&executor, &mut workspace, event);
        for value in own.values() {
            let values = workspace.value(value);
            let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            magnitudes[value.index()] = magnitudes[value.index()].max(largest);
        }
    }
    let exact = exact(own);
    let behind: Vec<Vec<bool>> = own.outputs().iter().map(|o| behind(own, o.value)).collect();
    let mut found: Vec<Judged> = own.outputs().iter().map(|_| Judged::default()).collect();
    for event in &case.events {
        run(&executor, &mut workspace, event);
        let words = program.inputs.iter().map(|input| {
            let place = own.inputs().iter().position(|i| i.name == input.name);
            let values = &event[place.unwrap()];
            let word = |(i, v): (usize, &f32)| input.field(i).encode(f64::from(*v)).unwrap().word;
            values.iter().enumerate().map(word).collect()
        });
        let raws = interpreter
            .run(&Event {
                inputs: words.collect(),
            })
            .unwrap();
        let near: Vec<bool> = own
            .nodes()
            .iter()
            .map(|node| is_near(own, node, &workspace, &magnitudes, &exact))
            .collect();
        for (index, output) in own.outputs().iter().enumerate() {
            let behind = &behind[index];
            let nodes = own.nodes().iter().zip(&near);
            let beside = nodes
                .filter(|(node, _)| behind[node.output.index()])
                .all(|(_, near)| !near);
            if !beside {
                continue;
            }
            let place = program
                .outputs
                .iter()
                .position(|o| o.name == output.name)
                .unwrap();
            let value = program.value(program.outputs[place].value);
            for (c, (raw, expected)) in raws[place]
                .iter()
                .zip(workspace.value(output.value))
                .enumerate()
            {
                let value = *raw as f64 * value.scale.lsb(c);
                found[index].add(value, f64::from(*expected));
            }
            found[index].events += 1;
        }
    }
    let outputs = own.outputs().iter().zip(found);
    Ok(outputs
        .map(|(o, judged)| judged.verdict(exact[o.value.index()]))
        .collect())
}

fn run(executor: &Executor<'_>, workspace: &mut Workspace, event: &[Vec<f32>]) {
    let slices: Vec<&[f32]> = event.iter().map(Vec::as_slice).collect();
    executor.run_all(workspace, &slices).unwrap();
}

struct Judged {
    events: usize,
    values: f64,
    squares: f64,
    ends: (f64, f64),
    /// The largest difference, with both values.
    worst: (f64, f64, f64),
}

impl Default for Judged {
    fn default() -> Self {
        Self {
            events: 0,
            values: 0.0,
            squares: 0.0,
            ends: (f64::INFINITY, f64::NEG_INFINITY),
            worst: (0.0, 0.0, 0.0),
        }
    }
}

impl Judged {
    fn add(&mut self, found: f64, expected: f64) {
        let difference = (found - expected).abs();
        self.values += 1.0;
        self.squares += difference * difference;
        self.ends = (self.ends.0.min(expected), self.ends.1.max(expected));
        if difference > self.worst.0 {
            self.worst = (difference, found, expected);
        }
    }

    fn verdict(self, exact: bool) -> Verdict {
        if self.events < FEWEST {
            return Verdict::Unjudged;
        }
        let span = self.ends.1 - self.ends.0;
        let span = if span > 0.0 {
            span
        } else {
            self.ends.1.abs().max(1.0)
        };
        let rms = (self.squares / self.values).sqrt() / span;
        let (difference, found, expected) = self.worst;
        let events = self.events;
        if exact && difference > 1e-6 * expected.abs() {
            return Verdict::Wrong(format!("{found}, not {expected}, of integers"));
        }
        match rms <= BAR {
            true => Verdict::Holds,
            false => Verdict::Wrong(format!(
                "rms {rms:.1e} of a range of {span:.3} on {events} events; {found}, not {expected}"
            )),
        }
    }
}

/// Which values lie before another, itself included.
fn behind(graph: &Graph, value: ValueId) -> Vec<bool> {
    let mut marked = vec![false; graph.value_count()];
    marked[value.index()] = true;
    for node in graph.nodes().iter().rev() {
        if marked[node.output.index()] {
            node.inputs.iter().for_each(|v| marked[v.index()] = true);
        }
    }
    marked
}

/// Which values are integers, and follow from integers or from steps.
fn exact(graph: &Graph) -> Vec<bool> {
    use hodoscope_compiler::graph::{Binary, Kind, Reduction};
    let mut exact = vec![false; graph.value_count()];
    for input in graph.inputs() {
        exact[input.value.index()] = input.kind == Kind::Int;
    }
    for node in graph.nodes() {
        let keeps = match &node.op {
            Op::Constant(tensor) => tensor.data.iter().all(|v| *v == v.trunc()),
            Op::Compare(_)
            | Op::Logic(_)
            | Op::ArgMax { .. }
            | Op::TopK { indices: true, .. }
            | Op::Unary(Unary::Not | Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc) => {
                exact[node.output.index()] = true;
                continue;
            }
            Op::Where => {
                let sides = &node.inputs[1..];
                exact[node.output.index()] = sides.iter().all(|v| exact[v.index()]);
                continue;
            }
            Op::Gather { .. } => {
                exact[node.output.index()] = exact[node.inputs[0].index()];
                continue;
            }
            Op::TopK { .. }
            | Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min)
            | Op::Unary(Unary::Relu | Unary::Neg | Unary::Abs | Unary::Square)
            | Op::Reduce {
                op: Reduction::Sum | Reduction::Max | Reduction::Min,
                ..
            } => true,
            Op::Unary(Unary::Clip { min, max }) => [min, max]
                .iter()
                .all(|b| b.is_infinite() || **b == b.trunc()),
            op => op.moves(),
        };
        exact[node.output.index()] = keeps && node.inputs.iter().all(|v| exact[v.index()]);
    }
    exact
}

/// Whether an event comes so near a step of a node that rounding may cross it.
fn is_near(
    graph: &Graph,
    node: &Node,
    workspace: &Workspace,
    magnitudes: &[f32],
    exact: &[bool],
) -> bool {
    let Some(x) = node.inputs.first() else {
        return false;
    };
    let margin = match exact[x.index()] {
        true => 0.0,
        false => magnitudes[x.index()] * MARGIN,
    };
    let values = workspace.value(*x);
    match &node.op {
        Op::Unary(function @ (Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc)) => {
            let made = graph.producing_node(*x);
            let of_integers = |n: &Node| n.inputs.iter().all(|v| exact[v.index()]);
            let quotient = made.is_some_and(|n| matches!(n.op, Op::Binary(_)) && of_integers(n));
            if exact[x.index()] || quotient {
                return false;
            }
            let at = if *function == Unary::Round { 0.5 } else { 0.0 };
            values
                .iter()
                .any(|v| (v - at - (v - at).round()).abs() < margin)
        }
        Op::Unary(Unary::Not) => {
            !exact[x.index()] && values.iter().any(|v| (v.abs()) < margin && *v != 0.0)
        }
        Op::Compare(_) => {
            let y = node.inputs[1];
            if exact[x.index()] && exact[y.index()] {
                return false;
            }
            let margin = magnitudes[x.index()].max(magnitudes[y.index()]) * MARGIN;
            let b = workspace.value(y);
            let shape = graph.shape(node.output);
            let pairs = spread(graph.shape(*x), shape)
                .into_iter()
                .zip(spread(graph.shape(y), shape));
            pairs
                .into_iter()
                .any(|(i, j)| (values[i] - b[j]).abs() < margin)
        }
        Op::TopK { axis, .. } | Op::ArgMax { axis, .. } => {
            if exact[x.index()] {
                return false;
            }
            let shape = graph.shape(*x);
            let (extent, inner) = (shape[*axis], shape[axis + 1..].iter().product::<usize>());
            (0..values.len() / extent).any(|row| {
                let first = row / inner * extent * inner + row % inner;
                let mut row: Vec<f32> = (0..extent).map(|i| values[first + i * inner]).collect();
                row.sort_by(f32::total_cmp);
                // Of equal elements the first counts, here as there.
                row.windows(2).any(|pair| pair[1] - pair[0] < margin)
            })
        }
        _ => false,
    }
}

/// The operand's element for each element of a broadcast.
fn spread(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len() - from.len();
    let elements: usize = to.iter().product();
    let place = |mut element: usize| {
        let (mut index, mut stride) = (0, 1);
        for axis in (0..to.len()).rev() {
            let at = element % to[axis];
            element /= to[axis];
            if axis >= missing {
                let extent = from[axis - missing];
                index += if extent == 1 { 0 } else { at * stride };
                stride *= extent;
            }
        }
        index
    };
    (0..elements).map(place).collect()
}
