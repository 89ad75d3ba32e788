//! Which elements are the largest.

use super::{View, reduce::along};

/// Whether `a` comes before `b` when the largest (or smallest) come first. NaN comes before none.
fn precedes(a: f32, b: f32, largest: bool) -> bool {
    if largest { a > b } else { a < b }
}

/// Index of the largest or smallest element along an axis; of equal ones the first or the last.
pub(super) fn arg_max(axis: usize, largest: bool, last: bool, x: View<'_>, out: &mut [f32]) {
    let mut results = out.iter_mut();
    along(axis, x, |x, column| {
        let mut best = (0, f32::NAN);
        for (index, j) in column.enumerate() {
            let better = precedes(x[j], best.1, largest) || last && x[j] == best.1;
            if index == 0 || better {
                best = (index, x[j]);
            }
        }
        if let Some(o) = results.next() {
            *o = best.0 as f32;
        }
    });
}

/// The k largest or smallest elements along an axis, or their indices.
pub(super) fn top_k(
    axis: usize,
    k: usize,
    largest: bool,
    indices: bool,
    x: View<'_>,
    out: &mut [f32],
) {
    let inner: usize = x.shape[axis + 1..].iter().product();
    let mut line = 0;
    along(axis, x, |x, column| {
        let mut order: Vec<(usize, f32)> = column.map(|j| x[j]).enumerate().collect();
        // Stable: among equals the lower index comes first.
        order.sort_by(|a, b| {
            let descending = b.1.total_cmp(&a.1);
            if a.1 == b.1 {
                std::cmp::Ordering::Equal
            } else if largest {
                descending
            } else {
                descending.reverse()
            }
        });
        let first = line / inner * inner * k + line % inner;
        for (rank, (index, value)) in order.into_iter().take(k).enumerate() {
            out[first + rank * inner] = if indices { index as f32 } else { value };
        }
        line += 1;
    });
}
