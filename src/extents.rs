//! Extents that a model leaves open: stated ones, and those that the arrays of a calibration file have.

use anyhow::{Result, bail};
use hodoscope_compiler::import;
use hodoscope_sim::npz::Npz;
use std::path::Path;

use crate::notes;

/// The stated extents, each of which must be stated once.
///
/// # Errors
/// Names one that is stated twice.
pub fn once(stated: &[(String, usize)]) -> Result<&[(String, usize)]> {
    for (index, (name, _)) in stated.iter().enumerate() {
        if stated[..index].iter().any(|(other, _)| other == name) {
            bail!("--extent '{name}' is given twice");
        }
    }
    Ok(stated)
}

/// The stated extents, completed by those of the calibration's arrays; each that was taken from there is told.
///
/// # Errors
/// When the arrays of two inputs show different extents of one axis.
pub fn completed<'a>(
    model: &Path,
    stated: &[(String, usize)],
    calibration: impl FnOnce() -> Result<Option<&'a Npz>>,
) -> Result<Vec<(String, usize)>> {
    let mut extents = once(stated)?.to_vec();
    let open = import::open_extents(model);
    let known = |extents: &[(String, usize)], axis: &import::OpenExtent| {
        let own = format!("{}:{}", axis.input, axis.axis);
        let mut names = extents.iter().map(|(name, _)| name);
        names.any(|name| *name == axis.name || *name == own)
    };
    if open.iter().all(|axis| known(&extents, axis)) {
        return Ok(extents);
    }
    let Some(npz) = calibration()? else {
        return Ok(extents);
    };
    let path = npz.path();
    let mut taken: Vec<(String, usize, String)> = Vec::new();
    for axis in &open {
        if known(stated, axis) || !npz.contains(&axis.input) {
            continue;
        }
        let array = npz.array(&axis.input)?;
        // The first axis of an array counts events, as that of the model counts the batch.
        let Some(&extent) = array.shape().get(axis.axis).filter(|extent| **extent > 0) else {
            continue;
        };
        match taken.iter().find(|(name, ..)| *name == axis.name) {
            Some((name, other, input)) if *other != extent => bail!(
                "{}: '{name}' is {other} in the array of '{input}', {extent} in that of '{}': state it with --extent '{name}=N'",
                path.display(),
                axis.input
            ),
            Some(_) => {}
            None => taken.push((axis.name.clone(), extent, axis.input.clone())),
        }
    }
    for (name, extent, _) in taken {
        notes::say(format!(
            "note: the model leaves '{name}' open: {extent}, as in {}; --extent '{name}=N' states another",
            path.display()
        ));
        extents.push((name, extent));
    }
    Ok(extents)
}
