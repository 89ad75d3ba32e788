//! Operations that only move elements.

use super::{
    View,
    elementwise::{Walk, stretch},
};
use crate::graph::{op::Padding, tensor::strides};

/// Repeats to a larger shape.
pub(super) fn broadcast(x: View<'_>, shape: &[usize], out: &mut [f32]) {
    gather(x, shape, stretch(x.shape, shape), out);
}

/// Permutes axes.
pub(super) fn transpose(perm: &[usize], x: View<'_>, shape: &[usize], out: &mut [f32]) {
    let own = strides(x.shape);
    gather(x, shape, perm.iter().map(|&p| own[p]).collect(), out);
}

fn gather(x: View<'_>, shape: &[usize], strides: Vec<usize>, out: &mut [f32]) {
    let mut walk = Walk::new(shape, [strides]);
    for o in out {
        *o = x.data[walk.offsets[0]];
        walk.advance();
    }
}

/// Copies the runs at the given indices of an axis.
fn pick(axis: usize, indices: impl Iterator<Item = usize> + Clone, x: View<'_>, out: &mut [f32]) {
    let inner: usize = x.shape[axis + 1..].iter().product();
    let block = inner * x.shape[axis];
    let picked = x
        .data
        .chunks_exact(block)
        .flat_map(|b| indices.clone().map(move |i| &b[i * inner..(i + 1) * inner]));
    for (o, run) in out.chunks_exact_mut(inner).zip(picked) {
        o.copy_from_slice(run);
    }
}

/// Elements `start + i·step` of an axis.
pub(super) fn slice(
    axis: usize,
    start: usize,
    step: isize,
    len: usize,
    x: View<'_>,
    out: &mut [f32],
) {
    let index = |i: usize| start.wrapping_add_signed(step.wrapping_mul(i as isize));
    pick(axis, (0..len).map(index), x, out);
}

/// Elements at constant indices of an axis.
pub(super) fn select(axis: usize, indices: &[usize], x: View<'_>, out: &mut [f32]) {
    pick(axis, indices.iter().copied(), x, out);
}

/// Joins tensors along an axis.
pub(super) fn concat(axis: usize, parts: &[View<'_>], out: &mut [f32]) {
    let runs: Vec<usize> = parts
        .iter()
        .map(|p| p.shape[axis..].iter().product())
        .collect();
    let row: usize = runs.iter().sum();
    for (r, o) in out.chunks_exact_mut(row).enumerate() {
        let mut at = 0;
        for (part, &run) in parts.iter().zip(&runs) {
            o[at..at + run].copy_from_slice(&part.data[r * run..(r + 1) * run]);
            at += run;
        }
    }
}

/// The place in an axis of `n` elements from which element `i` of the padded axis comes.
fn padded_from(i: usize, before: usize, n: usize, padding: Padding) -> Option<usize> {
    let inside = i.checked_sub(before).filter(|&j| j < n);
    if inside.is_some() {
        return inside;
    }
    Some(match (padding, i < before) {
        (Padding::Constant(_), _) => return None,
        (Padding::Edge, true) => 0,
        (Padding::Edge, false) => n - 1,
        (Padding::Reflect, true) => before - i,
        (Padding::Reflect, false) => 2 * (n - 1) - (i - before),
        (Padding::Wrap, true) => i + n - before,
        (Padding::Wrap, false) => i - before - n,
    })
}

/// Adds elements around.
pub(super) fn pad(
    pads: &[(usize, usize)],
    padding: Padding,
    x: View<'_>,
    shape: &[usize],
    out: &mut [f32],
) {
    let fill = match padding {
        Padding::Constant(value) => value,
        _ => 0.0,
    };
    // For every axis and index: how far into the operand it lies.
    let steps = strides(x.shape);
    let sources: Vec<Vec<Option<usize>>> = (0..shape.len())
        .map(|axis| {
            let from = |i| padded_from(i, pads[axis].0, x.shape[axis], padding);
            (0..shape[axis])
                .map(|i| from(i).map(|j| j * steps[axis]))
                .collect()
        })
        .collect();
    let mut index = vec![0; shape.len()];
    for o in out {
        let at = sources
            .iter()
            .zip(&index)
            .try_fold(0, |at, (source, &i)| source[i].map(|s| at + s));
        *o = at.map_or(fill, |at| x.data[at]);
        for (i, &n) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < n {
                break;
            }
            *i = 0;
        }
    }
}

/// Elements at indices that depend on the event.
pub(super) fn pick_at(axis: usize, x: View<'_>, indices: View<'_>, out: &mut [f32]) {
    let extent = x.shape[axis];
    let inner: usize = x.shape[axis + 1..].iter().product();
    let mut runs = out.chunks_exact_mut(inner);
    for block in x.data.chunks_exact(inner * extent) {
        for (&index, run) in indices.data.iter().zip(&mut runs) {
            let from_front = if index < 0.0 {
                index + extent as f32
            } else {
                index
            };
            // NaN fails both comparisons.
            if from_front >= 0.0 && from_front < extent as f32 {
                run.copy_from_slice(&block[from_front as usize * inner..][..inner]);
            } else {
                run.fill(f32::NAN);
            }
        }
    }
}
