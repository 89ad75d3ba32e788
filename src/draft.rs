//! A draft of `inputs.toml`, from a model and its calibration events.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hodoscope_compiler::graph::sets::SetAxis;
use hodoscope_compiler::graph::{Graph, Kind};
use hodoscope_sim::npz::Npz;

use crate::float;

/// Bits of a word that a draft takes.
const BITS: i32 = 16;
/// LSB of what is next to nothing: 2^−64.
const FINEST: f64 = 1.0 / (1u128 << 64) as f64;
/// More fields than that are drafted as one for all.
const FIELDS: usize = 64;
/// Steps of a detector that numbers are tried on, coarsest first.
const STEPS: [f64; 8] = [1.0, 0.5, 0.25, 0.125, 0.1, 0.05, 0.025, 0.01];

/// Writes a draft for `graph` to `path`.
///
/// # Errors
/// When the file is there already and `force` does not permit to replace it, or the events are not the model's.
pub fn write(
    path: &Path,
    graph: &Graph,
    axis: Option<&SetAxis>,
    calibration: impl FnOnce() -> Result<Npz>,
    force: bool,
) -> Result<()> {
    if path.exists() && !force {
        bail!(
            "{}: exists; --force replaces it. Nothing was written",
            path.display()
        );
    }
    let npz = calibration()?;
    let (_, values) = float::inputs(graph, &npz, |_| vec![])?;
    let text = drafted(graph, axis, &values);
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The text.
fn drafted(graph: &Graph, axis: Option<&SetAxis>, values: &[Vec<f32>]) -> String {
    let mut text = "# Drafted by `hodoscope inspect --write-inputs` from calibration events. The LSBs and ranges below hold\n\
                    # what these events show, twice over: put in what the detector sends, and the names and units.\n"
        .to_owned();
    let set = axis.filter(|axis| axis.is_set());
    for (index, (input, values)) in graph.inputs().iter().zip(values).enumerate() {
        let shape = graph.shape(input.value);
        let of_set = set.filter(|set| {
            let slots = set.of(input.value).filter(|_| set.inputs.contains(&index));
            slots.is_some_and(|slots| slots.outer == 1)
        });
        // Fields repeat from slot to slot.
        let inner = of_set.and_then(|set| set.of(input.value));
        let last = shape.last().copied().unwrap_or(1).max(1);
        let last = inner.map_or(last, |slots| slots.inner);
        let fields = if shape.len() > 1 && last <= FIELDS {
            last
        } else {
            1
        };
        let key = quoted(&input.name);
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n[input.{key}]");
        match of_set {
            Some(set) => {
                let _ = writeln!(text, "set = \"constituents\"\ncapacity = {}", set.slots);
            }
            None if shape.len() == 3 => text += "set = false\n",
            None => {}
        }
        let empty = match of_set.is_some() {
            true => padding(values, last),
            false => 0.0,
        };
        for channel in 0..fields {
            let column: Vec<f64> = rows(values, last, fields, of_set.is_some())
                .map(|row| f64::from(row[channel]))
                .collect();
            let column: Vec<f64> = match fields {
                1 => values.iter().map(|v| f64::from(*v)).collect(),
                _ => column,
            };
            let whole = input.kind != Kind::Float;
            let (lsb, minimum, maximum) = word(&column, whole);
            // A mask looks for what padding holds, however far it is from all else.
            let counts = (empty / lsb).round();
            let counts = counts.clamp(i32::MIN.into(), i32::MAX.into()) as i64;
            let (minimum, maximum) = (minimum.min(counts), maximum.max(counts));
            let empty = counts;
            let name = if fields == 1 {
                "value".to_owned()
            } else {
                format!("c{channel}")
            };
            let _ = writeln!(
                text,
                "[[input.{key}.field]]\nname = \"{name}\"\nunit = \"\"\nlsb = {lsb:?}\nminimum = {minimum}\nmaximum = {maximum}\nempty = {empty}"
            );
        }
    }
    text
}

/// Rows that hold something: a slot of one number alone is padding.
fn rows(values: &[f32], last: usize, fields: usize, of_set: bool) -> impl Iterator<Item = &[f32]> {
    values.chunks(last).filter(move |row| {
        row.len() >= fields && (!of_set || row.len() < 2 || row.iter().any(|v| *v != row[0]))
    })
}

/// What a slot holds where there is no constituent: the number of the slots that hold one number alone.
fn padding(values: &[f32], row: usize) -> f64 {
    let alone = |slot: &&[f32]| slot.len() > 1 && slot.iter().all(|v| *v == slot[0]);
    let mut numbers = values.chunks(row).filter(alone).map(|slot| slot[0]);
    let first = numbers.next().unwrap_or(0.0);
    match numbers.all(|number| number == first) {
        true => first.into(),
        false => 0.0,
    }
}

/// LSB, smallest and largest word of numbers: on the coarsest usual step that all lie on, else on 16 bits.
fn word(column: &[f64], whole: bool) -> (f64, i64, i64) {
    let least = column.iter().copied().fold(0.0, f64::min);
    let largest = column.iter().copied().fold(0.0, f64::max);
    let on = |step: &f64| {
        column.iter().all(|value| {
            let counts = value / step;
            (counts - counts.round()).abs() < 1e-3 && counts.abs() < 32_768.0
        })
    };
    let magnitude = largest.max(-least);
    let signed = least < 0.0;
    // Twice what was seen fits.
    let bits = if signed { BITS - 1 } else { BITS };
    let mut covering = FINEST;
    while covering * f64::from(1 << bits) < 2.0 * magnitude {
        covering *= 2.0;
    }
    let lsb = match STEPS.iter().find(|step| on(step)) {
        _ if magnitude == 0.0 => 1.0,
        _ if whole => 1.0,
        Some(step) => *step,
        None => covering,
    };
    let mut end = 2i64;
    while ((end - 1) as f64) * lsb < 2.0 * magnitude && end < 1 << 30 {
        end *= 2;
    }
    (lsb, if signed { -end } else { 0 }, end - 1)
}

/// A TOML key or string.
fn quoted(name: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | ':');
    let escaped: String = name
        .chars()
        .map(|c| match plain(c) {
            true => c.to_string(),
            false => format!("\\U{:08X}", u32::from(c)),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_what_empty_slots_hold() {
        assert_eq!(
            padding(&[1.0, 2.0, -999.0, -999.0, 3.0, 1.5], 2),
            0.0 - 999.0
        );
        assert_eq!(padding(&[1.0, 2.0, 0.0, 0.0, 3.0, 3.0], 2), 0.0);
        assert_eq!(padding(&[1.0, 2.0], 2), 0.0);
    }

    #[test]
    fn words_hold_twice_what_was_seen() {
        assert_eq!(word(&[0.0, 3.0, 7.0], false), (1.0, 0, 15));
        assert_eq!(word(&[-1.5, 2.25], false), (0.25, -32, 31));
        assert_eq!(word(&[0.35, 12.4], false), (0.05, 0, 511));
        let (lsb, minimum, maximum) = word(&[-1.234_567, 3.345_678], false);
        assert!(lsb > 0.0 && minimum < 0, "{lsb} {minimum}");
        assert!(
            maximum as f64 * lsb >= 2.0 * 3.34 && maximum < 1 << 16,
            "{maximum}"
        );
        assert_eq!(word(&[0.0], false), (1.0, 0, 1));
        assert_eq!(quoted("a\"b"), "\"a\\U00000022b\"");
    }
}
