//! How far one score is from another.

/// Differences between two sequences of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deviation {
    /// Largest |a − b|.
    pub largest: f64,
    /// Index at which it occurs, the first of equals.
    pub at: usize,
    /// √ of the mean of (a − b)².
    pub rms: f64,
    /// Mean of a − b.
    pub mean: f64,
}

/// Differences a − b of two sequences of equal length; zero for empty ones. A difference that is
/// not a number counts as the largest.
pub fn deviation(a: &[f64], b: &[f64]) -> Deviation {
    let mut result = Deviation {
        largest: 0.0,
        at: 0,
        rms: 0.0,
        mean: 0.0,
    };
    let count = a.len().min(b.len()).max(1) as f64;
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        let difference = a - b;
        if difference.abs() > result.largest || (difference.is_nan() && !result.largest.is_nan()) {
            result.largest = difference.abs();
            result.at = index;
        }
        result.rms += difference * difference;
        result.mean += difference;
    }
    result.rms = (result.rms / count).sqrt();
    result.mean /= count;
    result
}
