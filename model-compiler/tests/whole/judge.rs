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
/// How far a value of a node's name may be from the node's, as a fraction of its root mean square: another unit is farther.
const UNIT: f64 = 1.0 / 8.0;
/// Events that must be left.
const FEWEST: usize = 10;

/// What became of an output.
pub enum Verdict {
    Holds,
    Wrong(String),
    /// Too few events lie beside every step.
    Unjudged,
}

/// What became of a graph.
pub struct Judgement {
    /// Of each output.
    pub outputs: Vec<Verdict>,
    /// Values with the name of a node that do not have its unit.
    pub misnamed: Vec<String>,
}

/// Judges every output and every value that has a node's name, or says why the graph was refused.
pub fn judge(case: &Case) -> Result<Judgement, String> {
    let graph = simplify(&case.graph).unwrap();
    let inputs = graph.inputs().len();
    let all = |input: usize| case.calibration.iter().flat_map(move |e| e[input].clone());
    let calibration = (0..inputs).map(|input| all(input).collect()).collect();
    let calibration = Calibration::new(&graph, calibration).unwrap();
    let spec = InputsSpec::default();
    let made = quantised(&graph, "random", &spec, None, &calibration, &SIXTEEN);
    let program = made.map_err(|error| error.to_string())?.0.program;
    let interpreter = Interpreter::new(&program).map_err(|error| error.to_string())?;
    if std::env::var("HODOSCOPE_RANDOM_GRAPHS").as_deref() == Ok("1") {
        println!("{}", program.to_text());
    }

    // The graph as it was made knows the steps.
    let own = &case.graph;
    let executor = Executor::new(own).unwrap();
    let mut workspace = executor.workspace();
    let magnitudes = magnitudes(own, &case.events);
    let exact = exact(own);
    let behind: Vec<Vec<bool>> = own.outputs().iter().map(|o| behind(own, o.value)).collect();
    let mut found: Vec<Judged> = own.outputs().iter().map(|_| Judged::default()).collect();
    // Values have the names that nodes have once the graph is simplified.
    let mut named: Vec<Named> = named(&graph, &program);
    let simple = Executor::new(&graph).unwrap();
    let mut beside = simple.workspace();
    let sizes = self::magnitudes(&graph, &case.events);
    let whole = self::exact(&graph);
    for event in &case.events {
        run(&executor, &mut workspace, event);
        let words = program.inputs.iter().map(|input| {
            let place = own.inputs().iter().position(|i| i.name == input.name);
            let values = &event[place.unwrap()];
            let word = |(i, v): (usize, &f32)| input.field(i).encode(f64::from(*v)).unwrap().word;
            values.iter().enumerate().map(word).collect()
        });
        let inputs = words.collect();
        let trace = interpreter.trace(&Event { inputs }).unwrap();
        let raws: Vec<&Vec<i64>> = program
            .outputs
            .iter()
            .map(|o| &trace.values[o.value.index()])
            .collect();
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
        run(&simple, &mut beside, event);
        let near: Vec<&Node> = graph
            .nodes()
            .iter()
            .filter(|node| is_near(&graph, node, &beside, &sizes, &whole))
            .collect();
        for named in &mut named {
            if near.iter().all(|node| !named.behind[node.output.index()]) {
                named.see((&graph, &program), &trace.values, &beside);
            }
        }
    }
    let outputs = own.outputs().iter().zip(found);
    Ok(Judgement {
        outputs: outputs
            .map(|(o, judged)| judged.verdict(exact[o.value.index()]))
            .collect(),
        misnamed: named.iter().filter_map(Named::wrong).collect(),
    })
}

/// A value of the program that has a node's name: what `trace` compares with the node's own.
struct Named {
    name: String,
    program: hodoscope_program::ValueId,
    graph: ValueId,
    behind: Vec<bool>,
    judged: Judged,
    /// The sum of the squares of what it misses where the program has channels last.
    channels_last: f64,
    /// The sum of the squares of the node's own values.
    size: f64,
}

/// The last value of each name, `f.2` for `f`, and `f.q`, which is `f` in few bits.
fn named(graph: &Graph, program: &hodoscope_program::Program) -> Vec<Named> {
    let mut named: Vec<(&str, Named)> = vec![];
    for (id, value) in program.values() {
        let counted = value
            .name
            .rsplit_once('.')
            .filter(|(_, n)| n.parse::<u32>().is_ok());
        let name = counted.map_or(value.name.as_str(), |(name, _)| name);
        let own = name.strip_suffix(".moved").unwrap_or(name);
        let plain = own.strip_suffix(".q").unwrap_or(own);
        let Some(node) = graph.nodes().iter().find(|node| node.name == plain) else {
            continue;
        };
        if graph.elements(node.output) != value.shape.elements(0) {
            continue;
        }
        // What comes before the last is on the way to the node's result; in few bits it is its own.
        if own == plain {
            named.retain(|(other, _)| *other != plain);
        }
        let value = Named {
            name: value.name.clone(),
            program: id,
            graph: node.output,
            behind: behind(graph, node.output),
            judged: Judged::default(),
            channels_last: 0.0,
            size: 0.0,
        };
        named.push((own, value));
    }
    named.into_iter().map(|(_, named)| named).collect()
}

impl Named {
    fn see(
        &mut self,
        (graph, program): (&Graph, &hodoscope_program::Program),
        values: &[Vec<i64>],
        workspace: &Workspace,
    ) {
        let scale = &program.value(self.program).scale;
        let channels = program.value(self.program).shape.channels();
        let raws = &values[self.program.index()];
        let shape = graph.shape(self.graph);
        let own = shape.get(1).copied().unwrap_or(1);
        let places = shape.iter().product::<usize>() / own;
        let expected = workspace.value(self.graph);
        let element = program.value(self.program).element;
        for (e, raw) in raws.iter().enumerate() {
            // What a clip behind it cuts may be cut by the type already.
            if *raw == element.minimum() || *raw == element.maximum() {
                continue;
            }
            let value = *raw as f64 * scale.lsb(e % channels);
            self.judged.add(value, f64::from(expected[e]));
            let other = f64::from(expected[e % own * places + e / own]);
            self.channels_last += (value - other) * (value - other);
            self.size += f64::from(expected[e]) * f64::from(expected[e]);
        }
    }

    fn wrong(&self) -> Option<String> {
        let (_, found, expected) = self.judged.worst;
        let wrong = self.judged.squares.min(self.channels_last) > UNIT * UNIT * self.size;
        wrong.then(|| format!("{}: {found}, not {expected}", self.name))
    }
}

/// The largest magnitude of each value.
fn magnitudes(graph: &Graph, events: &[Vec<Vec<f32>>]) -> Vec<f32> {
    let executor = Executor::new(graph).unwrap();
    let mut workspace = executor.workspace();
    let mut magnitudes = vec![0.0f32; graph.value_count()];
    for event in events {
        run(&executor, &mut workspace, event);
        for value in graph.values() {
            let values = workspace.value(value);
            let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            magnitudes[value.index()] = magnitudes[value.index()].max(largest);
        }
    }
    magnitudes
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
