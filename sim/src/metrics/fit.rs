//! A straight line through cost against multiplicity.

use nalgebra::{DMatrix, DVector};
use thiserror::Error;

/// y = intercept + slope · x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearFit {
    /// Value at x = 0.
    pub intercept: f64,
    /// Increase per unit of x.
    pub slope: f64,
    /// √ of the mean squared residual.
    pub rms_residual: f64,
    /// Largest |residual|.
    pub largest_residual: f64,
}

/// Why there is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FitError {
    /// Fewer than two different x.
    #[error("a line needs points at two different multiplicities")]
    OnePoint,
    /// The decomposition failed, as it does for values that are not finite.
    #[error("the least-squares problem has no solution: a value is not finite")]
    Singular,
}

/// The line of least squares through `points`, by QR decomposition of the design matrix.
///
/// # Errors
/// When the points do not determine a line.
pub fn linear_fit(points: &[(f64, f64)]) -> Result<LinearFit, FitError> {
    if points.iter().all(|point| point.0 == points[0].0) {
        return Err(FitError::OnePoint);
    }
    let design = DMatrix::from_fn(points.len(), 2, |row, column| match column {
        0 => 1.0,
        _ => points[row].0,
    });
    let observed = DVector::from_iterator(points.len(), points.iter().map(|point| point.1));
    let qr = design.clone().qr();
    let solution = qr
        .r()
        .solve_upper_triangular(&(qr.q().transpose() * &observed))
        .filter(|solution| solution.iter().all(|value| value.is_finite()))
        .ok_or(FitError::Singular)?;
    let residuals = observed - design * &solution;
    Ok(LinearFit {
        intercept: solution[0],
        slope: solution[1],
        rms_residual: residuals.norm() / (points.len() as f64).sqrt(),
        largest_residual: residuals.amax(),
    })
}
