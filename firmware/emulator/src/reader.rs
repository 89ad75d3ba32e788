//! Reads the words of an event from the caller's arrays.

use core::ffi::c_void;

use crate::field::Encoded;
use crate::soft::widened;
use crate::table::{Array, Input, Status};

/// Values of [`Array::element`]: words of 8 bits.
pub const INT8: i32 = 1;
/// Words of 16 bits.
pub const INT16: i32 = 2;
/// Words of 32 bits.
pub const INT32: i32 = 3;
/// Words of 64 bits.
pub const INT64: i32 = 4;
/// Values in single precision.
pub const FLOAT: i32 = 5;
/// Values in double precision.
pub const DOUBLE: i32 = 6;

/// A type in which an emitted crate stores words.
pub trait Stored: Copy + Default {
    /// The word, which the type holds.
    fn stored(word: i32) -> Self;
}

macro_rules! stored {
    ($($ty:ty),+) => {$(
        impl Stored for $ty {
            #[inline(always)]
            fn stored(word: i32) -> Self {
                word as Self
            }
        }
    )+};
}
stored!(i8, i16, i32, i64);

/// The arrays of a call, at one of its events.
#[derive(Debug)]
pub struct Reader<'a> {
    inputs: &'static [Input],
    arrays: &'a [Array],
    event: i64,
    /// Where the rows of the event's set begin, and whether they are found by event.
    first_row: i64,
    jagged: bool,
    saturated: u64,
}

impl<'a> Reader<'a> {
    /// Reads from `arrays`, one for each of `inputs`.
    ///
    /// # Safety
    /// The caller of the library has said that all elements are there that the events and rows which are asked for name.
    pub(crate) unsafe fn new(inputs: &'static [Input], arrays: &'a [Array], jagged: bool) -> Self {
        Self {
            inputs,
            arrays,
            event: 0,
            first_row: 0,
            jagged,
            saturated: 0,
        }
    }

    /// Goes to an event, whose set begins at `first_row`.
    pub(crate) fn go(&mut self, event: i64, first_row: i64) {
        self.event = event;
        self.first_row = first_row;
    }

    /// Values that saturated so far.
    pub(crate) fn saturated(&self) -> u64 {
        self.saturated
    }

    /// A row of an input, as an emitted crate stores it: words clamped, values rounded by their fields.
    ///
    /// # Errors
    /// [`Status::NOT_FINITE`] where a value has no word.
    #[inline]
    pub fn row<T: Stored, const N: usize>(
        &mut self,
        input: usize,
        row: usize,
        minimum: &[i32; N],
        maximum: &[i32; N],
    ) -> Result<[T; N], Status> {
        let array = &self.arrays[input];
        let by_row = (self.first_row + row as i64) * array.row_stride;
        let offset = match (self.inputs[input].set != 0, self.jagged) {
            (true, true) => by_row,
            (true, false) => self.event * array.event_stride + by_row,
            (false, _) => self.event * array.event_stride,
        };
        let words = Elements {
            data: array.data,
            offset,
            stride: array.word_stride,
        };
        let mut own = [0; N];
        match array.element {
            INT8 => words.clamped::<i8, N>(minimum, maximum, &mut own),
            INT16 => words.clamped::<i16, N>(minimum, maximum, &mut own),
            INT32 => words.clamped::<i32, N>(minimum, maximum, &mut own),
            INT64 => words.clamped::<i64, N>(minimum, maximum, &mut own),
            FLOAT => self.encoded(input, &mut own, |index| widened(words.read(index)))?,
            _ => self.encoded(input, &mut own, |index| words.read(index))?,
        }
        Ok(own.map(T::stored))
    }

    #[inline]
    fn encoded<const N: usize>(
        &mut self,
        input: usize,
        own: &mut [i32; N],
        value: impl Fn(usize) -> f64,
    ) -> Result<(), Status> {
        let mut fields = self.inputs[input].fields().iter().cycle();
        for (index, word) in own.iter_mut().enumerate() {
            let encoded = fields.next().and_then(|field| field.encode(value(index)));
            let Some(Encoded {
                word: encoded,
                saturated,
            }) = encoded
            else {
                return Err(Status::NOT_FINITE);
            };
            *word = encoded;
            self.saturated += u64::from(saturated);
        }
        Ok(())
    }
}

/// Elements of one type, `stride` bytes apart.
#[derive(Clone, Copy)]
struct Elements {
    data: *const c_void,
    offset: i64,
    stride: i64,
}

impl Elements {
    #[inline(always)]
    fn read<T: Copy>(self, index: usize) -> T {
        let offset = self.offset + index as i64 * self.stride;
        // SAFETY: `Reader::new`'s caller has promised that the elements of every row that is asked for are there, and
        // `calls` checks that there is a pointer. They need not be aligned.
        unsafe {
            self.data
                .byte_offset(offset as isize)
                .cast::<T>()
                .read_unaligned()
        }
    }

    #[inline(always)]
    fn clamped<T: Copy + Into<i64>, const N: usize>(
        self,
        minimum: &[i32; N],
        maximum: &[i32; N],
        own: &mut [i32; N],
    ) {
        // Side by side, which is what most callers have, is a constant that lets the loop become vectors.
        let dense = Self {
            stride: size_of::<T>() as i64,
            ..self
        };
        if self.stride == dense.stride {
            dense.clamped_each::<T, N>(minimum, maximum, own);
        } else {
            self.clamped_each::<T, N>(minimum, maximum, own);
        }
    }

    #[inline(always)]
    fn clamped_each<T: Copy + Into<i64>, const N: usize>(
        self,
        minimum: &[i32; N],
        maximum: &[i32; N],
        own: &mut [i32; N],
    ) {
        for index in 0..N {
            let word: i64 = self.read::<T>(index).into();
            // As `clamp`, which would look for ranges that are none, and not become vectors.
            own[index] = word.min(maximum[index].into()).max(minimum[index].into()) as i32;
        }
    }
}
