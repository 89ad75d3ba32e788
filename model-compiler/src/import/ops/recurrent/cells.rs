//! One step of each kind of layer, by the equations of ONNX's specification.

use super::super::super::{ImportError, value::Value};
use super::{Cell, State, Step};
use crate::graph::Binary;

/// Hₜ = f(Xₜ·W + Hₜ₋₁·R + b).
pub(super) const RNN: Cell = Cell {
    gates: 1,
    activations: &["Tanh"],
    step: rnn,
};

/// Gates z, r, h: Hₜ = (1 − z)∘h + z∘Hₜ₋₁.
pub(super) const GRU: Cell = Cell {
    gates: 3,
    activations: &["Sigmoid", "Tanh"],
    step: gru,
};

/// Gates i, o, f, c: Cₜ = f∘Cₜ₋₁ + i∘c, Hₜ = o∘h(Cₜ).
pub(super) const LSTM: Cell = Cell {
    gates: 4,
    activations: &["Sigmoid", "Tanh", "Tanh"],
    step: lstm,
};

fn rnn(step: &mut Step<'_, '_, '_>, state: State) -> Result<State, ImportError> {
    let sum = step.gate_sum(state.hidden.as_ref(), 0, 1)?;
    let hidden = Some(step.activate(&sum, 0)?);
    Ok(State { hidden, cell: None })
}

fn gru(step: &mut Step<'_, '_, '_>, state: State) -> Result<State, ImportError> {
    let before = state.hidden.as_ref();
    let sum = step.gate_sum(before, 0, 2)?;
    let gates = step.activate(&sum, 0)?;
    let (update, reset) = (step.gates(&gates, 0, 1)?, step.gates(&gates, 1, 1)?);
    let sum = match before {
        // The state is reset behind its weights, or before them.
        _ if step.weights.linear_before_reset => {
            let inputs = step.inputs.clone();
            let inputs = step.gates(&inputs, 2, 1)?;
            let hidden = step.weights.hidden;
            let reset = match before {
                Some(h) => {
                    let own = step.recurrent(h, 2, 1)?;
                    step.binary(Binary::Mul, &reset, &own)?
                }
                None => {
                    let bias = step.weights.recurrent_bias[2 * hidden..].to_vec();
                    step.scaled(&reset, &bias, &vec![0.0; hidden])?
                }
            };
            step.plus(&inputs, Some(&reset))?
        }
        Some(h) => {
            let kept = step.binary(Binary::Mul, &reset, h)?;
            step.gate_sum(Some(&kept), 2, 1)?
        }
        None => step.gate_sum(None, 2, 1)?,
    };
    let candidate = step.activate(&sum, 1)?;
    let hidden = step.weights.hidden;
    let rest = step.scaled(&update, &vec![-1.0; hidden], &vec![1.0; hidden])?;
    let new = step.binary(Binary::Mul, &rest, &candidate)?;
    let old = match before {
        Some(h) => Some(step.binary(Binary::Mul, &update, h)?),
        None => None,
    };
    let hidden = Some(step.plus(&new, old.as_ref())?);
    Ok(State { hidden, cell: None })
}

fn lstm(step: &mut Step<'_, '_, '_>, state: State) -> Result<State, ImportError> {
    let hidden = step.weights.hidden;
    let all = step.gate_sum(state.hidden.as_ref(), 0, 4)?;
    let peep = |step: &mut Step<'_, '_, '_>, sum: Value, gate: usize, cell: Option<&Value>| match (
        &step.weights.peepholes,
        cell,
    ) {
        (Some(weights), Some(cell)) => {
            let own = weights[gate * hidden..][..hidden].to_vec();
            let seen = step.scaled(cell, &own, &vec![0.0; hidden])?;
            step.binary(Binary::Add, &sum, &seen)
        }
        _ => Ok(sum),
    };
    let input = step.gates(&all, 0, 1)?;
    let input = peep(step, input, 0, state.cell.as_ref())?;
    let input = step.activate(&input, 0)?;
    let candidate = step.gates(&all, 3, 1)?;
    let candidate = step.activate(&candidate, 1)?;
    let new = step.binary(Binary::Mul, &input, &candidate)?;
    let old = match &state.cell {
        Some(before) => {
            let forget = step.gates(&all, 2, 1)?;
            let forget = peep(step, forget, 2, Some(before))?;
            let forget = step.activate(&forget, 0)?;
            Some(step.binary(Binary::Mul, &forget, before)?)
        }
        None => None,
    };
    let cell = step.plus(&new, old.as_ref())?;
    let output = step.gates(&all, 1, 1)?;
    let output = peep(step, output, 1, Some(&cell))?;
    let output = step.activate(&output, 0)?;
    // The cell is not cut before its own function.
    let shown = step.function(&cell, 2)?;
    let hidden = step.binary(Binary::Mul, &output, &shown)?;
    Ok(State {
        hidden: Some(hidden),
        cell: Some(cell),
    })
}
