//! Recurrent layers: RNN, GRU and LSTM over a sequence of known length, one step after the other.
//!
//! What the inputs give to the gates is one dense layer over the whole sequence. A step adds what the state gives, and
//! mixes the gates. A state that starts at zero gives nothing to the first step.

mod cells;

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use super::activations::Activation;
use crate::graph::{Binary, Kind, Op, Tensor, Unary};

/// Steps, in both directions, that one layer may take: each becomes a dozen nodes.
const MAX_STEPS: usize = 1 << 10;
/// Weights of all steps together, of which each has its own copy.
const MAX_WEIGHTS: usize = 1 << 24;

/// What a kind of layer has of its own.
struct Cell {
    /// Gates, in the order of their weights.
    gates: usize,
    /// Activation functions of one direction, where none are stated.
    activations: &'static [&'static str],
    /// One step.
    step: fn(&mut Step<'_, '_, '_>, State) -> Result<State, ImportError>,
}

/// What is carried from step to step, `[batch, hidden]`; nothing stands for zeros.
#[derive(Clone, Default)]
struct State {
    hidden: Option<Value>,
    cell: Option<Value>,
}

/// The weights of one direction.
struct Weights {
    hidden: usize,
    /// `[gates·hidden, hidden]`.
    recurrent: Tensor,
    /// `[gates·hidden]`, of the recurrent part alone.
    recurrent_bias: Vec<f32>,
    /// `[3·hidden]`, from the cell to the gates i, o and f.
    peepholes: Option<Vec<f32>>,
    activations: Vec<Activation>,
    clip: Option<f32>,
    linear_before_reset: bool,
}

/// One step of one direction.
struct Step<'s, 'c, 'n> {
    context: &'s mut Context<'c>,
    node: &'s NodeView<'n>,
    weights: &'s Weights,
    /// What the inputs give to all gates, `[batch, gates·hidden]`, the inputs' biases included.
    inputs: Value,
}

/// RNN, GRU and LSTM.
pub(super) fn recurrent(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let cell = match node.proto.op_type.as_str() {
        "RNN" => &cells::RNN,
        "GRU" => &cells::GRU,
        _ => &cells::LSTM,
    };
    let is_lstm = node.proto.op_type == "LSTM";
    let x = context.input(node, 0)?;
    let [length, batch, inputs] = context.shape(&x)[..] else {
        return Err(node.operand_error("takes a sequence of shape [length, batch, inputs]"));
    };
    if node.int("layout")?.unwrap_or(0) != 0 {
        let detail =
            "must be 0: transpose the sequence before the layer, as batch_first exports do";
        return Err(node.attribute_error("layout", detail));
    }
    if length == 1 && context.batch.is_some() {
        return Err(node.operand_error(
            "the sequence comes first in the model's input, where the batch is expected; export with batch_first=True",
        ));
    }
    let forward = match node.string("direction")?.unwrap_or("forward") {
        "forward" => vec![true],
        "reverse" => vec![false],
        "bidirectional" => vec![true, false],
        other => {
            let detail = format!("is '{other}', not forward, reverse or bidirectional");
            return Err(node.attribute_error("direction", detail));
        }
    };
    let directions = forward.len();
    if length * directions > MAX_STEPS {
        let detail = format!("{length} steps are more than the {MAX_STEPS} that are unrolled");
        return Err(node.operand_error(detail));
    }
    let input_weights = weights(context, node, 1, "weights W")?;
    let recurrent = weights(context, node, 2, "weights R")?;
    let rows = input_weights.shape.get(1).copied().unwrap_or(0);
    let hidden = rows / cell.gates;
    let fits = hidden > 0
        && rows == hidden * cell.gates
        && input_weights.shape == [directions, rows, inputs]
        && recurrent.shape == [directions, rows, hidden];
    if !fits {
        return Err(node.operand_error(format!(
            "weights {:?} and {:?} do not fit {directions} directions of {inputs} inputs",
            input_weights.shape, recurrent.shape
        )));
    }
    if length.saturating_mul(recurrent.data.len()) > MAX_WEIGHTS {
        let detail = format!(
            "{length} steps of {} weights are too many to be unrolled",
            recurrent.data.len()
        );
        return Err(node.operand_error(detail));
    }
    if let Some(stated) = node.int("hidden_size")?
        && i64::try_from(hidden) != Ok(stated)
    {
        return Err(node.attribute_error("hidden_size", format!("is {stated}, not {hidden}")));
    }
    let bias = match context.optional(node, 3)? {
        None => vec![0.0; 2 * rows * directions],
        Some(_) => weights(context, node, 3, "biases B")?.data,
    };
    if bias.len() != 2 * rows * directions {
        return Err(node.operand_error(format!("{} biases for {rows} rows", bias.len())));
    }
    whole_sequences(context, node, length)?;
    let state = |context: &mut Context<'_>, index| {
        initial(context, node, index, [directions, batch, hidden])
    };
    let hidden_states = state(context, 5)?;
    let cell_states = match is_lstm {
        true => state(context, 6)?,
        false => None,
    };
    let peepholes = match is_lstm && context.optional(node, 7)?.is_some() {
        true => Some(weights(context, node, 7, "peepholes P")?.data),
        false => None,
    };
    if peepholes
        .as_ref()
        .is_some_and(|p| p.len() != 3 * hidden * directions)
    {
        return Err(node.operand_error("peepholes do not fit the cell"));
    }
    if is_lstm && node.flag("input_forget", false)? {
        let detail = "couples input and forget gate, which is not supported; export without it";
        return Err(node.attribute_error("input_forget", detail));
    }
    let linear_before_reset =
        node.proto.op_type == "GRU" && node.flag("linear_before_reset", false)?;
    let clip = node.float("clip")?.filter(|c| *c > 0.0);
    let activations = activations(node, cell, directions)?;

    let mut sequences = Vec::new();
    let mut ends: Vec<State> = Vec::new();
    for (d, forward) in forward.into_iter().enumerate() {
        let part = |data: &[f32], width: usize| data[d * width..][..width].to_vec();
        let biases = part(&bias, 2 * rows);
        let tensor = |data: Vec<f32>, columns: usize| Tensor {
            shape: vec![rows, columns],
            data,
        };
        let own = Weights {
            hidden,
            recurrent: tensor(part(&recurrent.data, rows * hidden), hidden),
            recurrent_bias: biases[rows..].to_vec(),
            peepholes: peepholes.as_ref().map(|p| part(p, 3 * hidden)),
            activations: activations[d].clone(),
            clip,
            linear_before_reset,
        };
        let projection = Op::Dense {
            weights: tensor(part(&input_weights.data, rows * inputs), inputs),
            bias: biases[..rows].to_vec(),
        };
        let all = context.apply(node, Kind::Float, projection, std::slice::from_ref(&x))?;
        let of_direction = |states: &Option<Value>, context: &mut Context<'_>| match states {
            None => Ok(None),
            Some(states) => row(context, node, states, d, [batch, hidden]).map(Some),
        };
        let mut state = State {
            hidden: of_direction(&hidden_states, context)?,
            cell: of_direction(&cell_states, context)?,
        };
        let mut sequence: Vec<Option<Value>> = vec![None; length];
        for step in 0..length {
            let at = if forward { step } else { length - 1 - step };
            let inputs = row(context, node, &all, at, [batch, rows])?;
            let mut step = Step {
                context,
                node,
                weights: &own,
                inputs,
            };
            state = (cell.step)(&mut step, state)?;
            sequence[at] = state.hidden.clone();
        }
        sequences.push(sequence);
        ends.push(state);
    }
    let last = |context: &mut Context<'_>, part: fn(&State) -> Option<&Value>| {
        let parts: Vec<Value> = ends.iter().filter_map(part).cloned().collect();
        stacked(context, node, &parts, &[1, batch, hidden], 0)
    };
    let y_h = last(context, |state| state.hidden.as_ref())?;
    let asked = |index: usize| node.proto.output.get(index).is_some_and(|o| !o.is_empty());
    let y = match asked(0) {
        // Nothing reads it.
        false => y_h.clone(),
        true => {
            let mut steps = Vec::with_capacity(length);
            for step in 0..length {
                let parts: Vec<Value> = sequences.iter().filter_map(|s| s[step].clone()).collect();
                steps.push(stacked(context, node, &parts, &[1, 1, batch, hidden], 1)?);
            }
            joined(context, node, steps, 0)?
        }
    };
    let mut results = vec![y, y_h];
    if is_lstm && asked(2) {
        results.push(last(context, |state| state.cell.as_ref())?);
    }
    Ok(results)
}

fn weights(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    index: usize,
    what: &str,
) -> Result<Tensor, ImportError> {
    let value = context.input(node, index)?;
    context.weights(node, &value, what)
}

/// Refuses sequences that end before the last step.
fn whole_sequences(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    length: usize,
) -> Result<(), ImportError> {
    let Some(lengths) = context.optional(node, 4)? else {
        return Ok(());
    };
    let shorter = match context.integers(node, &lengths, "sequence_lens") {
        Ok(lengths) => lengths.iter().any(|l| usize::try_from(*l) != Ok(length)),
        Err(_) => true,
    };
    match shorter {
        false => Ok(()),
        true => Err(node.operand_error(
            "sequence_lens that depend on the event, or end early, are not supported; export without packed sequences",
        )),
    }
}

/// An initial state of shape `[directions, batch, hidden]`; nothing where it is zero.
fn initial(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    index: usize,
    shape: [usize; 3],
) -> Result<Option<Value>, ImportError> {
    let Some(value) = context.optional(node, index)? else {
        return Ok(None);
    };
    if let Some(constant) = context.float_constant(&value)
        && constant.data.iter().all(|v| *v == 0.0)
    {
        return Ok(None);
    }
    let found = context.shape(&value);
    if found != shape {
        let detail = format!("an initial state of shape {found:?}, not {shape:?}");
        return Err(node.operand_error(detail));
    }
    Ok(Some(value))
}

/// The functions of each direction.
fn activations(
    node: &NodeView<'_>,
    cell: &Cell,
    directions: usize,
) -> Result<Vec<Vec<Activation>>, ImportError> {
    let count = cell.activations.len();
    let stated = node.strings("activations")?.unwrap_or_default();
    let names: Vec<&str> = match stated.len() {
        0 => cell.activations.repeat(directions),
        n if n == count * directions => stated,
        n => {
            let detail = format!("has {n} functions, not {count} for each direction");
            return Err(node.attribute_error("activations", detail));
        }
    };
    let mut alphas = node
        .floats("activation_alpha")?
        .unwrap_or(&[])
        .iter()
        .copied();
    let mut betas = node
        .floats("activation_beta")?
        .unwrap_or(&[])
        .iter()
        .copied();
    let function = |name: &&str| {
        Activation::next(name, &mut alphas, &mut betas)
            .map_err(|detail| node.attribute_error("activations", detail))
    };
    let all = names.iter().map(function).collect::<Result<Vec<_>, _>>()?;
    Ok(all.chunks(count).map(<[Activation]>::to_vec).collect())
}

/// Row `at` of the first axis, of the given shape.
fn row(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    x: &Value,
    at: usize,
    shape: [usize; 2],
) -> Result<Value, ImportError> {
    let slice = Op::Slice {
        axis: 0,
        start: at,
        step: 1,
        len: 1,
    };
    let row = context.apply(node, Kind::Float, slice, std::slice::from_ref(x))?;
    let reshape = Op::Reshape {
        shape: shape.to_vec(),
    };
    context.apply(node, Kind::Float, reshape, &[row])
}

/// Parts under another shape, joined along an axis.
fn stacked(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    parts: &[Value],
    shape: &[usize],
    axis: usize,
) -> Result<Value, ImportError> {
    let mut reshaped = Vec::with_capacity(parts.len());
    for part in parts {
        let op = Op::Reshape {
            shape: shape.to_vec(),
        };
        reshaped.push(context.apply(node, Kind::Float, op, std::slice::from_ref(part))?);
    }
    joined(context, node, reshaped, axis)
}

fn joined(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
    parts: Vec<Value>,
    axis: usize,
) -> Result<Value, ImportError> {
    match &parts[..] {
        [one] => Ok(one.clone()),
        parts => context.apply(node, Kind::Float, Op::Concat { axis }, parts),
    }
}

impl Step<'_, '_, '_> {
    fn apply(&mut self, op: Op, inputs: &[Value]) -> Result<Value, ImportError> {
        self.context.apply(self.node, Kind::Float, op, inputs)
    }

    fn binary(&mut self, op: Binary, a: &Value, b: &Value) -> Result<Value, ImportError> {
        self.apply(Op::Binary(op), &[a.clone(), b.clone()])
    }

    /// Sum of what is there.
    fn plus(&mut self, a: &Value, b: Option<&Value>) -> Result<Value, ImportError> {
        match b {
            None => Ok(a.clone()),
            Some(b) => self.binary(Binary::Add, a, b),
        }
    }

    /// x·scale + shift, one of each per column.
    fn scaled(&mut self, x: &Value, scale: &[f32], shift: &[f32]) -> Result<Value, ImportError> {
        let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect();
        let op = Op::ScaleShift {
            axis: 1,
            scale: wide(scale),
            shift: wide(shift),
        };
        self.apply(op, std::slice::from_ref(x))
    }

    /// Gates `first..first + count` of a row of all gates.
    fn gates(&mut self, x: &Value, first: usize, count: usize) -> Result<Value, ImportError> {
        let hidden = self.weights.hidden;
        if self.context.shape(x)[1] == count * hidden {
            return Ok(x.clone());
        }
        let op = Op::Slice {
            axis: 1,
            start: first * hidden,
            step: 1,
            len: count * hidden,
        };
        self.apply(op, std::slice::from_ref(x))
    }

    /// What the state `h` gives to gates `first..first + count`, the recurrent biases included.
    fn recurrent(&mut self, h: &Value, first: usize, count: usize) -> Result<Value, ImportError> {
        let hidden = self.weights.hidden;
        let rows = first * hidden..(first + count) * hidden;
        let op = Op::Dense {
            weights: Tensor {
                shape: vec![rows.len(), hidden],
                data: self.weights.recurrent.data[rows.start * hidden..rows.end * hidden].to_vec(),
            },
            bias: self.weights.recurrent_bias[rows].to_vec(),
        };
        self.apply(op, std::slice::from_ref(h))
    }

    /// The inputs' part of gates `first..first + count`, with what the state gives; before the activation.
    fn gate_sum(
        &mut self,
        h: Option<&Value>,
        first: usize,
        count: usize,
    ) -> Result<Value, ImportError> {
        let all = self.inputs.clone();
        let inputs = self.gates(&all, first, count)?;
        match h {
            Some(h) => {
                let recurrent = self.recurrent(h, first, count)?;
                self.binary(Binary::Add, &inputs, &recurrent)
            }
            None => {
                let hidden = self.weights.hidden;
                let bias = &self.weights.recurrent_bias[first * hidden..(first + count) * hidden];
                match bias.iter().all(|b| *b == 0.0) {
                    true => Ok(inputs),
                    false => self.scaled(&inputs, &vec![1.0; bias.len()], bias),
                }
            }
        }
    }

    /// Activation `which`.
    fn function(&mut self, x: &Value, which: usize) -> Result<Value, ImportError> {
        let function = self.weights.activations[which];
        function.apply(&mut Compose::new(self.context, self.node), x)
    }

    /// Activation `which` of a sum, cut before where the layer clips.
    fn activate(&mut self, x: &Value, which: usize) -> Result<Value, ImportError> {
        let mut x = x.clone();
        if let Some(clip) = self.weights.clip {
            let (min, max) = (-clip, clip);
            x = self.apply(Op::Unary(Unary::Clip { min, max }), &[x])?;
        }
        self.function(&x, which)
    }
}
