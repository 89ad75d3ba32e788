//! The structures of `include/hodoscope/emulator.h`, field by field.

use core::ffi::{CStr, c_char, c_void};
use core::marker::PhantomData;

use crate::{Emulated, calls};

/// Version of the table. A later one of the same number may only have more at its end: `size` tells.
pub const ABI: u32 = 1;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(pub i32);

impl Status {
    /// Done.
    pub const OK: Self = Self(0);
    /// A pointer is null, an index, a type or a number of rows is none.
    pub const BAD_ARGUMENT: Self = Self(1);
    /// A value is NaN or infinite, or has infinitely many counts.
    pub const NOT_FINITE: Self = Self(2);
    /// The first output is not a single number, so that nothing can be decided by it.
    pub const NO_DECISION: Self = Self(3);
}

/// Text of a static, ended by a zero.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Text(*const c_char);

// SAFETY: it points to a static that nobody writes: `new` takes nothing else.
unsafe impl Sync for Text {}

impl Text {
    /// A pointer to `text`.
    #[must_use]
    pub const fn new(text: &'static CStr) -> Self {
        Self(text.as_ptr())
    }

    /// The pointer, for whoever loads a library.
    #[must_use]
    pub const fn pointer(self) -> *const c_char {
        self.0
    }
}

/// The first of a static list.
#[derive(Debug)]
#[repr(transparent)]
pub struct First<T: 'static>(*const T, PhantomData<&'static T>);

// SAFETY: it points to a static list that nobody writes: `new` takes nothing else. Its elements may be shared.
unsafe impl<T: Sync> Sync for First<T> {}

impl<T> First<T> {
    /// A pointer to the first of `list`.
    #[must_use]
    pub const fn new(list: &'static [T]) -> Self {
        Self(list.as_ptr(), PhantomData)
    }
}

/// What a word is.
#[derive(Debug)]
#[repr(C)]
pub struct Field {
    /// Name.
    pub name: Text,
    /// Unit of a value, or an empty text.
    pub unit: Text,
    /// Value of one count.
    pub lsb: f64,
    /// Smallest word.
    pub minimum: i64,
    /// Largest word.
    pub maximum: i64,
    /// Word of an empty slot.
    pub empty: i64,
    /// Word of the value 0.
    pub zero_point: i64,
    /// How a quotient is rounded: see [`crate::field`].
    pub rounding: i32,
    /// Whether the zero point is added before it is rounded.
    pub zero_first: i32,
    /// Whether values outside of the range wrap around instead of saturating.
    pub wraps: i32,
    /// Zero.
    pub reserved: i32,
}

/// An input.
#[derive(Debug)]
#[repr(C)]
pub struct Input {
    /// Name, as in the model.
    pub name: Text,
    /// Words of a row.
    pub words: u64,
    /// Number of fields; word w is one of field w mod `fields`.
    pub fields: u64,
    /// The fields.
    pub field: First<Field>,
    /// 1: a row per constituent, 0: a row per event.
    pub set: i32,
    /// Zero.
    pub reserved: i32,
}

/// An output.
#[derive(Debug)]
#[repr(C)]
pub struct Output {
    /// Name, as in the model.
    pub name: Text,
    /// The first of its raws among those of an event.
    pub first: u64,
    /// Number of its raws.
    pub raws: u64,
    /// Number of LSBs: 1 or `raws`.
    pub lsbs: u64,
    /// Values of one count.
    pub lsb: First<f64>,
    /// Smallest raw of its type.
    pub minimum: i64,
    /// Largest raw of its type.
    pub maximum: i64,
}

/// One input of a batch.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Array {
    /// The first word or value.
    pub data: *const c_void,
    /// Bytes from event to event; without meaning for a set with offsets.
    pub event_stride: i64,
    /// Bytes from constituent to constituent; without meaning for an input without a set.
    pub row_stride: i64,
    /// Bytes from word to word.
    pub word_stride: i64,
    /// What the elements are: see [`crate::reader`].
    pub element: i32,
    /// Zero.
    pub reserved: i32,
}

/// Events to compute.
#[derive(Debug)]
#[repr(C)]
pub struct Batch {
    /// Size of this structure.
    pub size: u64,
    /// Number of events.
    pub events: u64,
    /// One array for each input.
    pub arrays: *const Array,
    /// Of a set: event e has rows `offsets[e]` to `offsets[e + 1]`. Or null.
    pub offsets: *const i64,
    /// Of a set without offsets: how many rows of each event are filled. Or null: all are.
    pub counts: *const i64,
    /// Of a set without offsets: rows of every event.
    pub rows: u64,
    /// Where raws go. Or null.
    pub raws: *mut i64,
    /// Raws from event to event; 0: as many as an event has.
    pub raw_stride: i64,
    /// Where scores go. Or null.
    pub scores: *mut f64,
    /// Scores from event to event; 0: as many as an event has raws.
    pub score_stride: i64,
    /// Set by the call: values that saturated.
    pub saturated: u64,
    /// Set by the call: events that were computed. Where it failed, the index of the event that failed.
    pub done: u64,
}

/// What a library answers.
#[derive(Debug)]
#[repr(C)]
pub struct Table {
    /// [`ABI`].
    pub abi: u32,
    /// Size of this structure.
    pub size: u32,
    /// SHA-256 of the program's text, as 64 hexadecimal digits.
    pub program_hash: Text,
    /// Name of the program.
    pub model: Text,
    /// Version of the compiler.
    pub compiler: Text,
    /// Number of inputs.
    pub inputs: u64,
    /// Number of outputs.
    pub outputs: u64,
    /// Raws of an event.
    pub raws: u64,
    /// Largest multiplicity that is computed; 0 without a set.
    pub capacity: u64,
    /// The inputs.
    pub input: First<Input>,
    /// The outputs.
    pub output: First<Output>,
    /// Words from doubles.
    pub words: unsafe extern "C" fn(u32, u64, *const f64, *mut i32, *mut u64) -> Status,
    /// Words from floats.
    pub words_from_floats: unsafe extern "C" fn(u32, u64, *const f32, *mut i32, *mut u64) -> Status,
    /// One event.
    pub infer: unsafe extern "C" fn(*const *const i32, u64, *mut i64) -> Status,
    /// Many events.
    pub infer_batch: unsafe extern "C" fn(*mut Batch) -> Status,
    /// Scores from raws.
    pub scores: unsafe extern "C" fn(u64, *const i64, *mut f64) -> Status,
    /// The smallest raw of the first output that means at least a score.
    pub threshold: unsafe extern "C" fn(f64, *mut i64) -> Status,
    /// Whether one event reaches a threshold.
    pub accepts: unsafe extern "C" fn(*const *const i32, u64, i64, *mut i32) -> Status,
    /// What a status means.
    pub message: extern "C" fn(Status) -> Text,
}

impl Table {
    /// The table of a model.
    #[must_use]
    pub const fn new<E: Emulated>(program_hash: Text, model: Text, compiler: Text) -> Self {
        let last = &E::OUTPUTS[E::OUTPUTS.len() - 1];
        Self {
            abi: ABI,
            size: size_of::<Self>() as u32,
            program_hash,
            model,
            compiler,
            inputs: E::INPUTS.len() as u64,
            outputs: E::OUTPUTS.len() as u64,
            raws: last.first + last.raws,
            capacity: E::CAPACITY as u64,
            input: First::new(E::INPUTS),
            output: First::new(E::OUTPUTS),
            words: calls::words::<E>,
            words_from_floats: calls::words_from_floats::<E>,
            infer: calls::infer::<E>,
            infer_batch: calls::infer_batch::<E>,
            scores: calls::scores::<E>,
            threshold: calls::threshold::<E>,
            accepts: calls::accepts::<E>,
            message: calls::message,
        }
    }
}

impl Table {
    /// The inputs.
    #[inline]
    #[must_use]
    pub fn inputs(&self) -> &'static [Input] {
        // SAFETY: `new` makes `input` of a static list with `inputs` elements.
        unsafe { core::slice::from_raw_parts(self.input.0, self.inputs as usize) }
    }
}

impl Input {
    /// The fields.
    #[inline]
    #[must_use]
    pub fn fields(&self) -> &'static [Field] {
        // SAFETY: a generated library makes `field` of a static list with `fields` elements.
        unsafe { core::slice::from_raw_parts(self.field.0, self.fields as usize) }
    }
}

impl Output {
    /// Value of one count of each raw, or of all.
    #[inline]
    #[must_use]
    pub fn lsbs(&self) -> &'static [f64] {
        // SAFETY: a generated library makes `lsb` of a static list with `lsbs` elements.
        unsafe { core::slice::from_raw_parts(self.lsb.0, self.lsbs as usize) }
    }
}
