//! What every emitted crate implements, and every board and test drives.

use core::fmt;

/// A model as a board sees it: bytes of one event in, raw outputs out.
///
/// The payload of an event holds the words of all fixed inputs, in the program's order, and then
/// the constituents until its end; a constituent is the concatenation of the words of all set
/// inputs. Every word is little-endian, [`InputInfo::bytes`] wide. Words outside their field's
/// range are clamped to it, so that every payload of a right length has one defined answer.
pub trait Model {
    /// The program's name, as in `hodoscope-program 1` text.
    const NAME: &'static str;
    /// SHA-256 of the program's text form: a host checks it before it compares anything.
    const PROGRAM: [u8; 32];
    /// Largest multiplicity that is computed; 0 for a model without a set.
    const CAPACITY: usize;
    /// The inputs, in the program's order.
    const INPUTS: &'static [InputInfo];
    /// The outputs, in the program's order.
    const OUTPUTS: &'static [OutputInfo];
    /// Raw outputs, in the order of [`Self::OUTPUTS`].
    type Raws: Raws;

    /// Computes one event, and shows every layer to `observer`.
    ///
    /// # Errors
    /// [`EventError`] when the payload's length fits no multiplicity.
    fn infer<O: Observer>(payload: &[u8], observer: &mut O) -> Result<Self::Raws, EventError>;
}

/// The raw outputs of an event, in the types in which they were computed.
pub trait Raws {
    /// Raw number `index` over all outputs, one after the other; nothing behind the last.
    fn get(&self, index: usize) -> Option<i64>;
}

impl<const N: usize> Raws for [i64; N] {
    #[inline]
    fn get(&self, index: usize) -> Option<i64> {
        self.as_slice().get(index).copied()
    }
}

/// One input of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputInfo {
    /// Name, as in the ONNX file.
    pub name: &'static str,
    /// Words of one row: of one constituent, or of the event where `set` is false.
    pub words: usize,
    /// Bytes of a word: 1, 2 or 4.
    pub bytes: usize,
    /// Whether the input has a row per constituent.
    pub set: bool,
}

/// One output of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputInfo {
    /// Name, as in the ONNX file.
    pub name: &'static str,
    /// Number of raws.
    pub len: usize,
}

/// Sees the values of every layer as they are computed.
///
/// `()` sees nothing and costs nothing: the calls compile away.
pub trait Observer {
    /// `raws` are the values of the program's value `value`, in row `row` of its set (0 for a value
    /// without a multiplicity).
    fn values<T: Copy + Into<i64>>(&mut self, value: u16, row: u16, raws: &[T]);
}

impl Observer for () {
    #[inline(always)]
    fn values<T: Copy + Into<i64>>(&mut self, _value: u16, _row: u16, _raws: &[T]) {}
}

/// Why an event was not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventError {
    /// The payload has `got` bytes; it needs `fixed`, plus a multiple of `row`.
    Length {
        /// Bytes received.
        got: usize,
        /// Bytes of the fixed inputs.
        fixed: usize,
        /// Bytes of one constituent, 0 for a model without a set.
        row: usize,
    },
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { got, fixed, row: 0 } => {
                write!(f, "the event has {got} bytes, not {fixed}")
            }
            Self::Length { got, fixed, row } => write!(
                f,
                "the event has {got} bytes, not {fixed} and a multiple of {row}"
            ),
        }
    }
}

impl core::error::Error for EventError {}
