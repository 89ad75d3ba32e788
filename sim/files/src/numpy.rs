//! Arrays of an archive as columns.

use hodoscope_sim::npz::{Npz, Values};

use crate::FilesError;
use crate::column::Column;

/// The column of an array; rows of its events are part of its shape.
///
/// # Errors
/// When there is no such array, it is not read, or has no event.
pub(crate) fn column(npz: &Npz, name: &str) -> Result<Column, FilesError> {
    if !npz.contains(name) {
        return Err(FilesError::NoColumn {
            path: npz.path().into(),
            column: name.to_owned(),
            there: crate::error::listed(&npz.names().map(str::to_owned).collect::<Vec<_>>()),
        });
    }
    let array = npz.events(name)?;
    let values: Values = array.values().clone();
    Ok(Column {
        dtype: array.dtype().to_owned(),
        offsets: None,
        rows: array.event_count(),
        row: array.shape()[1..].to_vec(),
        values,
    })
}
