//! Operations that only move elements.

use super::{
    View,
    elementwise::{Walk, stretch},
};
use crate::graph::tensor::strides;

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
