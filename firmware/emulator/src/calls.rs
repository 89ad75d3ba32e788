//! The functions of the table. Each checks what can be checked, and answers with a status.

use core::slice;

use crate::field::value;
use crate::reader::{DOUBLE, FLOAT, INT8, INT16, INT32, INT64, Reader};
use crate::soft::widened;
use crate::table::{Array, Batch, Output, Status, Text};
use crate::{Emulated, field::Encoded};

/// More inputs than this are not packaged: arrays of one event are made on the stack.
pub const MAXIMUM_INPUTS: usize = 64;

/// Words from doubles.
///
/// # Safety
/// As the header says: `count` values can be read and as many words written; `saturated` is null or can be written.
pub unsafe extern "C" fn words<E: Emulated>(
    input: u32,
    count: u64,
    values: *const f64,
    words: *mut i32,
    saturated: *mut u64,
) -> Status {
    // SAFETY: what the caller promised here is what is asked for there.
    unsafe { encode::<E, f64>(input, count, values, words, saturated, |value| value) }
}

/// Words from floats.
///
/// # Safety
/// As for [`words`].
pub unsafe extern "C" fn words_from_floats<E: Emulated>(
    input: u32,
    count: u64,
    values: *const f32,
    words: *mut i32,
    saturated: *mut u64,
) -> Status {
    // SAFETY: what the caller promised here is what is asked for there.
    unsafe { encode::<E, f32>(input, count, values, words, saturated, widened) }
}

/// # Safety
/// As for [`words`].
unsafe fn encode<E: Emulated, T: Copy>(
    input: u32,
    count: u64,
    values: *const T,
    words: *mut i32,
    saturated: *mut u64,
    widened: impl Fn(T) -> f64,
) -> Status {
    let Some(input) = E::INPUTS.get(input as usize) else {
        return Status::BAD_ARGUMENT;
    };
    if count == 0 {
        return Status::OK;
    }
    if values.is_null() || words.is_null() {
        return Status::BAD_ARGUMENT;
    }
    let mut fields = input.fields().iter().cycle();
    let mut beyond = 0;
    for index in 0..count as usize {
        // SAFETY: the caller has promised `count` values.
        let own = unsafe { values.add(index).read_unaligned() };
        let Some(Encoded { word, saturated }) =
            fields.next().and_then(|field| field.encode(widened(own)))
        else {
            return Status::NOT_FINITE;
        };
        // SAFETY: the caller has promised room for `count` words.
        unsafe { words.add(index).write_unaligned(word) };
        beyond += u64::from(saturated);
    }
    if !saturated.is_null() {
        // SAFETY: the caller has promised that it can be written where it is not null.
        unsafe { *saturated = beyond };
    }
    Status::OK
}

/// One event, from words.
///
/// # Safety
/// As the header says: `words` are as many pointers as there are inputs, each to the words of one row, or of `rows` rows of
/// a set; and as many raws can be written as an event has.
pub unsafe extern "C" fn infer<E: Emulated>(
    words: *const *const i32,
    rows: u64,
    raws: *mut i64,
) -> Status {
    if raws.is_null() {
        return Status::BAD_ARGUMENT;
    }
    // SAFETY: what the caller promised here is what is asked for there.
    match unsafe { event::<E>(words, rows) } {
        Ok(own) => {
            let own = own.as_ref();
            // SAFETY: the caller has promised room for the raws of one event, and owns them alone.
            unsafe { raws.copy_from_nonoverlapping(own.as_ptr(), own.len()) };
            Status::OK
        }
        Err(status) => status,
    }
}

/// Whether the first output of one event reaches a threshold.
///
/// # Safety
/// As for [`infer`]; `accepted` can be written.
pub unsafe extern "C" fn accepts<E: Emulated>(
    words: *const *const i32,
    rows: u64,
    threshold: i64,
    accepted: *mut i32,
) -> Status {
    if score(E::OUTPUTS).is_none() {
        return Status::NO_DECISION;
    }
    if accepted.is_null() {
        return Status::BAD_ARGUMENT;
    }
    // SAFETY: what the caller promised here is what is asked for there.
    match unsafe { event::<E>(words, rows) } {
        Ok(own) => {
            let reaches = own
                .as_ref()
                .first()
                .is_some_and(|score| *score >= threshold);
            // SAFETY: the caller has promised that it can be written.
            unsafe { *accepted = i32::from(reaches) };
            Status::OK
        }
        Err(status) => status,
    }
}

/// # Safety
/// As for [`infer`], without raws.
unsafe fn event<E: Emulated>(words: *const *const i32, rows: u64) -> Result<E::Raws, Status> {
    let inputs = E::INPUTS;
    if words.is_null() || inputs.len() > MAXIMUM_INPUTS {
        return Err(Status::BAD_ARGUMENT);
    }
    const EMPTY: Array = Array {
        data: core::ptr::null(),
        event_stride: 0,
        row_stride: 0,
        word_stride: 4,
        element: INT32,
        reserved: 0,
    };
    let mut arrays = [EMPTY; MAXIMUM_INPUTS];
    for (index, (array, input)) in arrays.iter_mut().zip(inputs).enumerate() {
        // SAFETY: the caller has promised a pointer for each input.
        array.data = unsafe { *words.add(index) }.cast();
        array.row_stride = 4 * input.words as i64;
        if array.data.is_null() && (input.set == 0 || rows > 0) {
            return Err(Status::BAD_ARGUMENT);
        }
    }
    // SAFETY: the caller has promised the words of the event.
    let mut reader = unsafe { Reader::new(inputs, &arrays[..inputs.len()], false) };
    E::event(&mut reader, rows as usize)
}

/// Many events.
///
/// # Safety
/// As the header says: `batch` points to a [`Batch`], whose arrays, offsets and counts hold what their strides and numbers
/// say, and whose results can be written.
pub unsafe extern "C" fn infer_batch<E: Emulated>(batch: *mut Batch) -> Status {
    // SAFETY: the caller has promised that it is null or points to a batch of their own.
    let Some(batch) = (unsafe { batch.as_mut() }) else {
        return Status::BAD_ARGUMENT;
    };
    if batch.size < size_of::<Batch>() as u64 {
        return Status::BAD_ARGUMENT;
    }
    (batch.done, batch.saturated) = (0, 0);
    if batch.events == 0 {
        return Status::OK;
    }
    let known = [INT8, INT16, INT32, INT64, FLOAT, DOUBLE];
    let inputs = E::INPUTS;
    if batch.arrays.is_null() {
        return Status::BAD_ARGUMENT;
    }
    // SAFETY: the caller has promised an array for each input.
    let arrays = unsafe { slice::from_raw_parts(batch.arrays, inputs.len()) };
    let has_rows = !batch.offsets.is_null() || batch.rows > 0;
    for (array, input) in arrays.iter().zip(inputs) {
        let needed = input.set == 0 || has_rows;
        if !known.contains(&array.element) || needed && array.data.is_null() {
            // A jagged array in which no event has a row may be null.
            let empty = input.set != 0 && known.contains(&array.element);
            // SAFETY: the caller has promised one offset more than there are events.
            if !(empty && unsafe { no_rows(batch) }) {
                return Status::BAD_ARGUMENT;
            }
        }
    }
    // SAFETY: the caller has promised the elements that the numbers and strides of the batch name.
    let mut reader = unsafe { Reader::new(inputs, arrays, !batch.offsets.is_null()) };
    for event in 0..batch.events {
        batch.done = event;
        // SAFETY: the caller has promised offsets and counts of each event.
        let Some((first, rows)) = (unsafe { rows_of(batch, event as usize) }) else {
            return Status::BAD_ARGUMENT;
        };
        reader.go(event as i64, first);
        match E::event(&mut reader, rows) {
            // SAFETY: the caller has promised room for the raws and scores of each event.
            Ok(raws) => unsafe { write::<E>(batch, event as i64, raws.as_ref()) },
            Err(status) => return status,
        }
        batch.saturated = reader.saturated();
    }
    batch.done = batch.events;
    Status::OK
}

/// # Safety
/// Offsets are null, or one more than there are events.
unsafe fn no_rows(batch: &Batch) -> bool {
    // SAFETY: the caller's promise.
    !batch.offsets.is_null()
        && unsafe { *batch.offsets == *batch.offsets.add(batch.events as usize) }
}

/// The first row of an event's set, and their number.
///
/// # Safety
/// Offsets and counts are null, or have an element for each event; offsets have one more.
unsafe fn rows_of(batch: &Batch, event: usize) -> Option<(i64, usize)> {
    if !batch.offsets.is_null() {
        // SAFETY: the caller's promise.
        let (begin, end) = unsafe { (*batch.offsets.add(event), *batch.offsets.add(event + 1)) };
        return Some((begin, usize::try_from(end.checked_sub(begin)?).ok()?));
    }
    if batch.counts.is_null() {
        return Some((0, batch.rows as usize));
    }
    // SAFETY: the caller's promise.
    let count = unsafe { *batch.counts.add(event) };
    let count = u64::try_from(count)
        .ok()
        .filter(|count| *count <= batch.rows)?;
    Some((0, count as usize))
}

/// # Safety
/// Raws and scores are null, or have room for those of each event.
unsafe fn write<E: Emulated>(batch: &Batch, event: i64, own: &[i64]) {
    let stride = |given: i64| if given == 0 { own.len() as i64 } else { given };
    if !batch.raws.is_null() {
        let at = event * stride(batch.raw_stride);
        // SAFETY: the caller's promise.
        unsafe {
            batch
                .raws
                .offset(at as isize)
                .copy_from_nonoverlapping(own.as_ptr(), own.len())
        };
    }
    if !batch.scores.is_null() {
        let at = event * stride(batch.score_stride);
        each_score(E::OUTPUTS, own, |index, score| {
            // SAFETY: the caller's promise.
            unsafe { *batch.scores.offset(at as isize + index as isize) = score };
        });
    }
}

/// Scores of whole events from their raws.
///
/// # Safety
/// As the header says: raws of `events` events can be read, and as many scores written.
pub unsafe extern "C" fn scores<E: Emulated>(
    events: u64,
    raws: *const i64,
    scores: *mut f64,
) -> Status {
    if events == 0 {
        return Status::OK;
    }
    if raws.is_null() || scores.is_null() {
        return Status::BAD_ARGUMENT;
    }
    let width = width(E::OUTPUTS);
    for event in 0..events as usize {
        // SAFETY: the caller has promised the raws of each event.
        let own = unsafe { slice::from_raw_parts(raws.add(event * width), width) };
        each_score(E::OUTPUTS, own, |index, score| {
            // SAFETY: the caller has promised room for the scores of each event.
            unsafe { *scores.add(event * width + index) = score };
        });
    }
    Status::OK
}

fn each_score(outputs: &'static [Output], raws: &[i64], mut take: impl FnMut(usize, f64)) {
    for output in outputs {
        let first = output.first as usize;
        let own = raws.iter().skip(first).take(output.raws as usize);
        for ((index, raw), lsb) in own.enumerate().zip(output.lsbs().iter().cycle()) {
            take(first + index, value(*raw, *lsb));
        }
    }
}

fn width(outputs: &[Output]) -> usize {
    outputs.iter().map(|output| output.raws as usize).sum()
}

/// The first output, where it is one number.
fn score(outputs: &'static [Output]) -> Option<&'static Output> {
    outputs.first().filter(|output| output.raws == 1)
}

/// The smallest raw of the first output that means at least `least`; one more than its type has where none does.
///
/// # Safety
/// As the header says: `raw` can be written.
pub unsafe extern "C" fn threshold<E: Emulated>(least: f64, raw: *mut i64) -> Status {
    let Some(output) = score(E::OUTPUTS) else {
        return Status::NO_DECISION;
    };
    let Some(lsb) = output.lsbs().first().filter(|_| !raw.is_null()) else {
        return Status::BAD_ARGUMENT;
    };
    if least.is_nan() {
        return Status::NOT_FINITE;
    }
    // Values grow with raws. Reached within (low, high].
    let (mut low, mut high) = (
        i128::from(output.minimum) - 1,
        i128::from(output.maximum) + 1,
    );
    while high - low > 1 {
        let middle = (low + high) >> 1;
        if value(middle as i64, *lsb).total_cmp(&least).is_ge() {
            high = middle;
        } else {
            low = middle;
        }
    }
    // SAFETY: the caller has promised that it can be written.
    unsafe { *raw = i64::try_from(high).unwrap_or(i64::MAX) };
    Status::OK
}

/// What a status means.
pub extern "C" fn message(status: Status) -> Text {
    Text::new(match status {
        Status::OK => c"done",
        Status::BAD_ARGUMENT => {
            c"a pointer is null, or an index, a type of elements or a number of rows is none"
        }
        Status::NOT_FINITE => {
            c"a value is NaN or infinite, or has infinitely many counts: it has no word"
        }
        Status::NO_DECISION => {
            c"the first output is not a single number: nothing can be decided by it"
        }
        _ => c"no status of this library",
    })
}
