//! A column of a file: numbers of every event.

use std::path::Path;

use hodoscope_sim::npz::Values;

use crate::FilesError;
use crate::error::listed;

/// Numbers of every event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// NumPy's description of their type.
    pub dtype: String,
    /// Where rows of event e begin: `offsets[e]` to `offsets[e + 1]`. Nothing where every event has one row.
    pub offsets: Option<Vec<i64>>,
    /// Rows.
    pub rows: usize,
    /// Extents of a row; none where it is a number.
    pub row: Vec<usize>,
    /// Row after row.
    pub values: Values,
}

impl Column {
    /// A plain array where all events have one number of rows: nothing tells it from a jagged one.
    pub fn regular(mut self) -> Self {
        let Some(offsets) = &self.offsets else {
            return self;
        };
        let mut counts = offsets.windows(2).map(|pair| pair[1] - pair[0]);
        let Some(first) = counts.next().filter(|&first| first > 0) else {
            return self;
        };
        if counts.all(|count| count == first) {
            self.row.insert(0, first as usize);
            self.rows = offsets.len() - 1;
            self.offsets = None;
        }
        self
    }

    /// Columns as the words of one input: their numbers become the last axis.
    ///
    /// # Errors
    /// When they differ in rows or shape, or some hold integers and others floats.
    pub fn stacked(
        path: &Path,
        input: &str,
        columns: Vec<(String, Self)>,
    ) -> Result<Self, FilesError> {
        let wrong = |reason: String| FilesError::Mapped {
            path: path.into(),
            input: input.to_owned(),
            reason,
        };
        let [(first_name, first), rest @ ..] = &columns[..] else {
            return Err(wrong("it is mapped to no column".to_owned()));
        };
        for (name, column) in rest {
            if column.is_integer() != first.is_integer() {
                return Err(wrong(format!(
                    "`{first_name}` is {}, `{name}` is {}: integers are words and floats are values; an input has one of them",
                    first.dtype, column.dtype
                )));
            }
            if column.offsets != first.offsets || column.rows != first.rows {
                return Err(wrong(format!(
                    "`{name}` has other numbers of rows per event than `{first_name}`"
                )));
            }
            if column.row != first.row {
                let shapes = columns
                    .iter()
                    .map(|(name, column)| format!("{name}: {:?} per row", column.row));
                return Err(wrong(format!(
                    "its columns differ in shape: {}",
                    listed(&shapes.collect::<Vec<_>>())
                )));
            }
        }
        let mut row = first.row.clone();
        row.push(columns.len());
        let (dtype, offsets, rows) = (first.dtype.clone(), first.offsets.clone(), first.rows);
        let (dtype, values) = interleaved(dtype, columns);
        Ok(Self {
            dtype,
            offsets,
            rows,
            row,
            values,
        })
    }

    fn is_integer(&self) -> bool {
        matches!(self.values, Values::Integer(_))
    }
}

/// Elements of columns of one length, one of each in turn; floats of two widths become the wider.
fn interleaved(dtype: String, columns: Vec<(String, Column)>) -> (String, Values) {
    fn turns<T: Copy>(columns: &[Vec<T>]) -> Vec<T> {
        let length = columns.first().map_or(0, Vec::len);
        let mut all = Vec::with_capacity(length * columns.len());
        for index in 0..length {
            all.extend(columns.iter().map(|column| column[index]));
        }
        all
    }
    let (mut integers, mut singles, mut doubles) = (vec![], vec![], vec![]);
    for (_, column) in columns {
        match column.values {
            Values::Integer(values) => integers.push(values),
            Values::Single(values) if doubles.is_empty() => singles.push(values),
            Values::Single(values) => doubles.push(widened(values)),
            Values::Float(values) => {
                doubles.extend(singles.drain(..).map(widened));
                doubles.push(values);
            }
        }
    }
    if !integers.is_empty() {
        (dtype, Values::Integer(turns(&integers)))
    } else if doubles.is_empty() {
        (dtype, Values::Single(turns(&singles)))
    } else {
        ("<f8".to_owned(), Values::Float(turns(&doubles)))
    }
}

fn widened(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}
