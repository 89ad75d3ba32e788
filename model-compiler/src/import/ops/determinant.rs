//! Det: determinants of the matrices of the last two axes.

use super::super::{ImportError, compose::Compose, context::Context, node::NodeView, value::Value};
use crate::graph::{Binary, Tensor};

/// Rows of a matrix that depends on the event, at most: products of more factors have no format that holds them.
const LARGEST: usize = 3;

pub(super) fn determinant(
    context: &mut Context<'_>,
    node: &NodeView<'_>,
) -> Result<Vec<Value>, ImportError> {
    let x = context.input(node, 0)?;
    let shape = context.shape(&x);
    let [outer @ .., rows, columns] = &shape[..] else {
        return Err(node.operand_error("takes two axes at least"));
    };
    let (outer, rows) = (outer.to_vec(), *rows);
    if rows != *columns || rows == 0 {
        return Err(node.operand_error(format!("takes square matrices, not {shape:?}")));
    }
    if let Some(constant) = context.float_constant(&x) {
        context.spend(node, constant.data.len().saturating_mul(rows))?;
        let matrices = constant.data.chunks(rows * rows);
        let data = matrices
            .map(|matrix| of_matrix(matrix, rows) as f32)
            .collect();
        let tensor = Tensor { shape: outer, data };
        return Ok(vec![Compose::new(context, node).tensor(tensor)?]);
    }
    if rows > LARGEST {
        return Err(node.operand_error(format!(
            "of {rows} rows depend on the event; {LARGEST} at most are supported: give the network the logarithm of the determinant, \
             or constant matrices"
        )));
    }
    let mut c = Compose::new(context, node);
    let columns: Vec<usize> = (0..rows).collect();
    let value = of_rows(&mut c, &x, 0, &columns)?;
    Ok(vec![c.reshape(&value, outer)?])
}

/// By the rows from `row` on and the `columns` that are left: along the first of these rows.
fn of_rows(
    c: &mut Compose<'_, '_, '_>,
    x: &Value,
    row: usize,
    columns: &[usize],
) -> Result<Value, ImportError> {
    let axes = c.shape(x).len();
    let own = c.select(x, axes - 2, vec![row])?;
    let mut sum: Option<Value> = None;
    for (place, column) in columns.iter().enumerate() {
        let factor = c.select(&own, axes - 1, vec![*column])?;
        let mut left = columns.to_vec();
        left.remove(place);
        let term = match left.is_empty() {
            true => factor,
            false => {
                let minor = of_rows(c, x, row + 1, &left)?;
                c.binary(Binary::Mul, &factor, &minor)?
            }
        };
        sum = Some(match sum {
            None => term,
            Some(sum) => {
                let op = if place % 2 == 0 {
                    Binary::Add
                } else {
                    Binary::Sub
                };
                c.binary(op, &sum, &term)?
            }
        });
    }
    sum.ok_or_else(|| c.node.operand_error("takes matrices of one row at least"))
}

/// By elimination with the largest pivot.
fn of_matrix(matrix: &[f32], rows: usize) -> f64 {
    let mut m: Vec<f64> = matrix.iter().map(|v| f64::from(*v)).collect();
    let mut product = 1.0;
    for column in 0..rows {
        let size = |row: &usize| m[row * rows + column].abs();
        let pivot = (column..rows).max_by(|a, b| size(a).total_cmp(&size(b)));
        let Some(pivot) = pivot.filter(|pivot| size(pivot) != 0.0) else {
            return 0.0;
        };
        if pivot != column {
            for c in 0..rows {
                m.swap(pivot * rows + c, column * rows + c);
            }
            product = -product;
        }
        let own = m[column * rows + column];
        product *= own;
        for row in column + 1..rows {
            let factor = m[row * rows + column] / own;
            for c in column..rows {
                m[row * rows + c] -= factor * m[column * rows + c];
            }
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::of_matrix;

    #[test]
    fn a_determinant_changes_its_sign_with_two_rows() {
        assert_eq!(of_matrix(&[0.0, 2.0, 3.0, 1.0], 2), -6.0);
        assert_eq!(of_matrix(&[1.0, 2.0, 2.0, 4.0], 2), 0.0);
        let three = [2.0, 0.0, 1.0, 1.0, 3.0, 2.0, 1.0, 1.0, 4.0];
        assert!((of_matrix(&three, 3) - 18.0).abs() < 1e-12);
        assert_eq!(of_matrix(&[5.0], 1), 5.0);
    }
}
