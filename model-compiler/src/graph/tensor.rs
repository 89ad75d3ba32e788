//! Dense float tensors.

/// The largest number of elements that a tensor of a graph may have.
///
/// Taggers stay far below; the limit keeps a corrupt file from asking for memory without bound.
pub const MAX_ELEMENTS: usize = 1 << 28;

/// The number of elements of a shape, or `None` when it exceeds [`MAX_ELEMENTS`].
pub fn element_count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d))
        .filter(|&n| n <= MAX_ELEMENTS)
}

/// Row-major strides of a shape, in elements.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for i in (0..shape.len().saturating_sub(1)).rev() {
        out[i] = out[i + 1] * shape[i + 1];
    }
    out
}

/// A row-major tensor of `f32`. Booleans are 0 and 1, integers are exact where `f32` is.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// Elements, the last axis fastest.
    pub data: Vec<f32>,
}

impl Tensor {
    /// A tensor of the given shape and elements, or `None` when their counts differ or exceed [`MAX_ELEMENTS`].
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Option<Self> {
        (element_count(&shape)? == data.len()).then_some(Self { shape, data })
    }

    /// A tensor without axes.
    pub fn scalar(value: f32) -> Self {
        Self {
            shape: Vec::new(),
            data: vec![value],
        }
    }

    /// A tensor of one axis.
    pub fn vector(data: Vec<f32>) -> Self {
        Self {
            shape: vec![data.len()],
            data,
        }
    }

    /// The value, when the tensor has one element only.
    pub fn single(&self) -> Option<f32> {
        match self.data[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Whether no element is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.data.iter().all(|v| v.is_finite())
    }
}
