//! Recorded times.

use std::fs;
use std::path::Path;

use super::super::time::scaled;
use crate::npz::{Array, Npz, Values};
use crate::stream::{StreamError, Timebase};

/// Units that a name ends with, and how many picoseconds' power of ten they are.
const UNITS: [(&str, i32); 5] = [("ps", 0), ("ns", 3), ("us", 6), ("ms", 9), ("s", 12)];

/// Times of arrivals, from `.npz` (an array `time_UNIT`) or text (a column `time_UNIT`), in ticks;
/// UNIT is one of ps, ns, us, ms, s, and cycles.
///
/// # Errors
/// When the file is missing or no use, no name has a unit, or times fall or are negative.
pub fn read_times(path: &Path, timebase: Timebase, clock_hz: u64) -> Result<Vec<u64>, StreamError> {
    match extension(path) {
        "npz" => {
            let npz = Npz::read(path)?;
            let names: Vec<&str> = npz.names().filter(|name| unit_of(name).is_some()).collect();
            let [name] = names[..] else {
                return Err(no_unit(path, "array"));
            };
            let unit = unit_of(name).unwrap_or_default();
            of_array(npz.events(name)?, path, unit, timebase, clock_hz)
        }
        "npy" => Err(file(
            path,
            "an array without a name has no unit; write file:PATH@ns",
        )),
        _ => of_text(path, None, timebase, clock_hz),
    }
}

/// As [`read_times`], in a unit that is stated: also of a `.npy` file, of an archive with one array,
/// and of text without a header.
///
/// # Errors
/// As [`read_times`], and when the unit is none.
pub fn read_times_as(
    path: &Path,
    unit: &str,
    timebase: Timebase,
    clock_hz: u64,
) -> Result<Vec<u64>, StreamError> {
    if unit != "cycles" && !UNITS.iter().any(|(name, _)| *name == unit) {
        return Err(StreamError::Quantity {
            text: unit.to_owned(),
            what: "unit of time",
            example: "`ps`, `ns`, `us`, `ms`, `s` or `cycles`",
        });
    }
    match extension(path) {
        "npz" => {
            let npz = Npz::read(path)?;
            let names: Vec<&str> = npz.names().collect();
            let [name] = names[..] else {
                return Err(file(
                    path,
                    "more than one array: name the one with the times `time_UNIT`",
                ));
            };
            of_array(npz.events(name)?, path, unit, timebase, clock_hz)
        }
        "npy" => of_array(&Array::read_npy(path)?, path, unit, timebase, clock_hz),
        _ => of_text(path, Some(unit), timebase, clock_hz),
    }
}

fn extension(path: &Path) -> &str {
    path.extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
}

/// The unit that a name such as `time_ns` ends with.
fn unit_of(name: &str) -> Option<&str> {
    let unit = name.trim().strip_prefix("time_")?;
    let known = unit == "cycles" || UNITS.iter().any(|(name, _)| *name == unit);
    known.then_some(unit)
}

fn no_unit(path: &Path, what: &str) -> StreamError {
    file(
        path,
        &format!(
            "one {what} must be named `time_UNIT`, such as `time_ns`; or write file:PATH@UNIT"
        ),
    )
}

fn file(path: &Path, reason: &str) -> StreamError {
    StreamError::File {
        path: path.into(),
        reason: reason.to_owned(),
    }
}

/// Ticks of a number of `unit`s: the tick in which the time falls.
fn ticks(number: Number, unit: &str, timebase: Timebase, clock_hz: u64) -> Option<u64> {
    let (per_second, denominator) = (timebase.per_second(), clock_hz.max(1));
    let power = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, power)| *power);
    let (amount, denominator) = match (number, power) {
        (Number::Whole(cycles), None) => (u128::from(cycles), denominator),
        (Number::Float(cycles), None) => (cycles as u128, denominator),
        (Number::Whole(count), Some(power)) => {
            let factor = 10u128.pow(power.unsigned_abs());
            (
                u128::from(count).checked_mul(factor)?,
                Timebase::PICOSECONDS.per_second(),
            )
        }
        (Number::Float(value), Some(power)) => (
            (value * 10f64.powi(power)).round() as u128,
            Timebase::PICOSECONDS.per_second(),
        ),
    };
    let ticks = amount.checked_mul(u128::from(per_second))? / u128::from(denominator);
    u64::try_from(ticks).ok()
}

/// A time as it stands in a file; not negative.
#[derive(Clone, Copy)]
enum Number {
    Whole(u64),
    Float(f64),
}

fn of_array(
    array: &Array,
    path: &Path,
    unit: &str,
    timebase: Timebase,
    clock_hz: u64,
) -> Result<Vec<u64>, StreamError> {
    if array.per_event() != 1 {
        return Err(array.wrong_shape("(events,)").into());
    }
    let numbers: Vec<Option<Number>> = match array.values() {
        Values::Integer(values) => values
            .iter()
            .map(|&value| u64::try_from(value).ok().map(Number::Whole))
            .collect(),
        Values::Float(_) | Values::Single(_) => array
            .floats()?
            .into_iter()
            .map(|value| (value >= 0.0).then_some(Number::Float(value)))
            .collect(),
    };
    let mut times = Vec::with_capacity(numbers.len());
    for (index, number) in numbers.into_iter().enumerate() {
        let wrong = |reason: &str| array.bad_value(index, reason.to_owned());
        let number = number.ok_or_else(|| wrong("a time is not negative"))?;
        let tick = ticks(number, unit, timebase, clock_hz)
            .ok_or_else(|| wrong("the time does not fit 64 bits of ticks"))?;
        if times.last().is_some_and(|last| *last > tick) {
            return Err(wrong("it is earlier than the one before").into());
        }
        times.push(tick);
    }
    if times.is_empty() {
        return Err(file(path, "no times"));
    }
    Ok(times)
}

fn of_text(
    path: &Path,
    unit: Option<&str>,
    timebase: Timebase,
    clock_hz: u64,
) -> Result<Vec<u64>, StreamError> {
    let text = fs::read_to_string(path).map_err(|error| file(path, &error.to_string()))?;
    let mut column = 0;
    let mut unit = unit;
    let mut times: Vec<u64> = Vec::new();
    let lines = text.lines().enumerate();
    let mut lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let mut first = lines.next();
    if let Some((_, header)) = first {
        let found = header
            .split(',')
            .enumerate()
            .find_map(|(index, name)| Some((index, unit_of(name)?)));
        if let Some((index, named)) = found {
            column = index;
            unit = unit.or(Some(named));
            first = None;
        }
    }
    let unit = unit.ok_or_else(|| no_unit(path, "column"))?;
    for (index, line) in first.into_iter().chain(lines) {
        let wrong = |reason: &str| StreamError::Line {
            path: path.into(),
            line: index + 1,
            reason: reason.to_owned(),
        };
        let cell = line.split(',').nth(column).unwrap_or_default().trim();
        let power = UNITS.iter().find(|(name, _)| *name == unit);
        // Decimal digits are taken exactly, to the picosecond.
        let tick = match power {
            Some((_, power)) => scaled(cell, *power).and_then(|ps| {
                let ps = Number::Whole(u64::try_from(ps).ok()?);
                ticks(ps, "ps", timebase, clock_hz)
            }),
            None => cell
                .parse()
                .ok()
                .and_then(|cycles| ticks(Number::Whole(cycles), unit, timebase, clock_hz)),
        };
        let tick = tick.ok_or_else(|| wrong(&format!("`{cell}` is no time in {unit}")))?;
        if times.last().is_some_and(|last| *last > tick) {
            return Err(wrong("it is earlier than the one before"));
        }
        times.push(tick);
    }
    if times.is_empty() {
        return Err(file(path, "no times"));
    }
    Ok(times)
}
