//! Reading.

use std::fmt::Display;
use std::fs::File;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use half::f16;
use hodoscope_sim::npz::{Room, Values};
use parquet::basic::Compression;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::levels::Lists;
use super::pages::Pages;
use super::schema::{Element, Leaf, leaves};
use crate::FilesError;
use crate::column::Column;
use crate::error::listed;
use crate::guard::guarded;
use crate::kind::Kind;

/// Rows that are decoded at once: levels and numbers of so many lie in memory twice.
const BATCH: usize = 1 << 14;

/// A file that was opened.
pub(crate) struct Parquet {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    leaves: Vec<Leaf>,
}

impl std::fmt::Debug for Parquet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parquet").field("path", &self.path).finish()
    }
}

impl Parquet {
    /// Reads what a file says of itself.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn open(path: &Path) -> Result<Self, FilesError> {
        let wrong = |reason: String| damaged(path, reason);
        let opened = guarded(|| {
            let file = File::open(path).map_err(|error| error.to_string())?;
            let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
            let leaves = leaves(reader.metadata().file_metadata().schema());
            Ok::<_, String>((reader, leaves))
        });
        let (reader, leaves) = opened.map_err(wrong)?.map_err(wrong)?;
        Ok(Self {
            path: path.into(),
            reader,
            leaves,
        })
    }

    /// Number of row groups.
    pub fn row_groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    /// Names of the schema's fields, in its order; fields of records are read by `FIELD.NAME`, too.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.leaves.iter().map(|leaf| leaf.field.clone()).collect();
        names.dedup();
        names
    }

    /// Row groups in as many parts as keep the columns `names` of each within `bytes`, where a row group is that small.
    ///
    /// # Errors
    /// When there is no such column.
    pub fn parts(&self, names: &[String], bytes: u64) -> Result<Vec<Range<usize>>, FilesError> {
        let mut leaves = vec![];
        for name in names {
            leaves.extend(self.leaves_of(name)?);
        }
        let mut parts: Vec<Range<usize>> = vec![];
        let mut held = 0u64;
        for group in 0..self.row_groups() {
            let all = leaves.iter().map(|leaf| self.held_bytes(leaf, group));
            let all = all.fold(0, u64::saturating_add);
            held = held.saturating_add(all);
            match parts.last_mut() {
                Some(part) if held <= bytes => part.end = group + 1,
                _ => {
                    parts.push(group..group + 1);
                    held = all;
                }
            }
        }
        if parts.is_empty() {
            // No event, which whoever reads it says.
            parts.push(0..0);
        }
        Ok(parts)
    }

    fn entries(&self, leaf: &Leaf, group: usize) -> u64 {
        let metadata = self.reader.metadata();
        let columns = metadata.row_group(group).columns();
        let entries = columns.get(leaf.index).map(|column| column.num_values());
        entries.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }

    fn compression(&self, leaf: &Leaf, group: usize) -> Option<Compression> {
        let columns = self.reader.metadata().row_group(group).columns();
        columns.get(leaf.index).map(|column| column.compression())
    }

    fn held_bytes(&self, leaf: &Leaf, group: usize) -> u64 {
        let element = leaf.element.as_ref().map_or(0, |e| e.held_bytes());
        self.entries(leaf, group).saturating_mul(element)
    }

    /// The leaves of a column, or of a record's field.
    fn leaves_of(&self, name: &str) -> Result<Vec<&Leaf>, FilesError> {
        let of_field = self.leaves.iter().filter(|leaf| leaf.field == name);
        let mut leaves: Vec<&Leaf> = of_field.collect();
        if leaves.is_empty() {
            let below = format!("{name}.");
            let is_below = |leaf: &&Leaf| leaf.name == name || leaf.name.starts_with(&below);
            leaves = self.leaves.iter().filter(is_below).collect();
        }
        match leaves.is_empty() {
            false => Ok(leaves),
            true => Err(FilesError::NoColumn {
                path: self.path.clone(),
                column: name.to_owned(),
                there: listed(&self.names()),
            }),
        }
    }

    /// A column of the events in `groups`; of records their numbers in order.
    ///
    /// # Errors
    /// When there is none, it is damaged, holds no numbers or not one for each element, or there is no room.
    pub fn column(
        &self,
        name: &str,
        groups: Range<usize>,
        room: &mut Room,
    ) -> Result<Column, FilesError> {
        let leaves = self.leaves_of(name)?;
        if let [leaf] = leaves[..] {
            return self.leaf(leaf, groups, room);
        }
        let columns = leaves.into_iter().map(|leaf| {
            let column = self.leaf(leaf, groups.clone(), room)?;
            Ok((leaf.name.clone(), column))
        });
        let columns = columns.collect::<Result<Vec<_>, FilesError>>()?;
        Column::stacked(&self.path, name, columns)
    }

    fn leaf(
        &self,
        leaf: &Leaf,
        groups: Range<usize>,
        room: &mut Room,
    ) -> Result<Column, FilesError> {
        let wrong = |reason: String| FilesError::Column {
            path: self.path.clone(),
            column: leaf.name.clone(),
            reason,
        };
        let element = match &leaf.element {
            Ok(element) => *element,
            Err(other) => return Err(wrong(format!("holds {other}; expected numbers"))),
        };
        let bytes = groups.clone().map(|group| self.held_bytes(leaf, group));
        let bytes = bytes.fold(0, u64::saturating_add);
        room.take(bytes, &self.path, &leaf.name)?;
        let before =
            (0..groups.start).map(|group| self.reader.metadata().row_group(group).num_rows());
        let before = usize::try_from(before.sum::<i64>()).unwrap_or(0);
        let mut lists = Lists::new(&leaf.lists, leaf.defined);
        let mut numbers = Numbers::new(element);
        {
            let state = AssertUnwindSafe((self, &mut lists, &mut numbers));
            let read = guarded(move || {
                let AssertUnwindSafe((this, lists, numbers)) = { state };
                groups.into_iter().try_for_each(|group| {
                    this.group(leaf, group, lists, numbers).map_err(|reason| {
                        format!("column `{}`, row group {group}: {reason}", leaf.name)
                    })
                })
            });
            let of = |reason: String| damaged(&self.path, reason);
            read.map_err(of)?.map_err(of)?;
        }
        if let Some((count, event)) = lists.missing {
            let event = event + before;
            return Err(wrong(format!(
                "misses {count} of its values (null, which pandas writes for NaN), the first in event {event}"
            )));
        }
        let row = lists.finish();
        if lists.is_ragged {
            return Err(wrong(
                "has lists within lists, of different lengths; expected numbers, or a list of them for each event".to_owned(),
            ));
        }
        let is_flat = leaf.lists.is_empty();
        let rows = if is_flat { lists.events } else { lists.rows };
        let values = match numbers {
            Numbers::Unsigned64(values) => Values::from_unsigned(values, &self.path, &leaf.name)?,
            Numbers::Integer(values) => Values::Integer(values),
            Numbers::Single(values) => Values::Single(values),
            Numbers::Double(values) => Values::Float(values),
        };
        if values.len() != rows * row.iter().product::<usize>() {
            return Err(damaged(
                &self.path,
                format!(
                    "column `{}` has {} numbers for {rows} rows",
                    leaf.name,
                    values.len()
                ),
            ));
        }
        let mut offsets = lists.starts;
        offsets.push(rows as i64);
        Ok(Column {
            dtype: element.dtype().to_owned(),
            offsets: (!is_flat).then_some(offsets),
            rows,
            row,
            values,
        })
    }

    /// Reads a column of a row group.
    fn group(
        &self,
        leaf: &Leaf,
        group: usize,
        lists: &mut Lists,
        numbers: &mut Numbers,
    ) -> Result<(), String> {
        let text = |error: &dyn Display| error.to_string();
        let events = lists.events;
        let metadata = self.reader.metadata();
        let groups = self.reader.get_row_group(group).map_err(|e| text(&e))?;
        let pages = groups.get_column_page_reader(leaf.index);
        let pages = pages.map_err(|error| match self.compression(leaf, group) {
            Some(Compression::BROTLI(_) | Compression::LZO) => {
                "its compression is not read; zstd, snappy, gzip and lz4 are".to_owned()
            }
            _ => text(&error),
        });
        let pages = Pages::new(pages?, self.entries(leaf, group));
        let column = metadata.file_metadata().schema_descr().column(leaf.index);
        let read = match get_column_reader(column, Box::new(pages)) {
            ColumnReader::BoolColumnReader(column) => {
                all(column, lists, |value| numbers.integer(value.into()))
            }
            ColumnReader::Int32ColumnReader(column) => match leaf.element {
                Ok(Element::Unsigned32) => all(column, lists, |value| {
                    numbers.integer(value.cast_unsigned().into());
                }),
                _ => all(column, lists, |value| numbers.integer(value.into())),
            },
            ColumnReader::Int64ColumnReader(column) => {
                all(column, lists, |value| numbers.integer(value))
            }
            ColumnReader::FloatColumnReader(column) => {
                all(column, lists, |value| numbers.single(value))
            }
            ColumnReader::DoubleColumnReader(column) => all(column, lists, |value| {
                if let Numbers::Double(values) = numbers {
                    values.push(value);
                }
            }),
            ColumnReader::FixedLenByteArrayColumnReader(column) => all(column, lists, |value| {
                let half = value.data().try_into().map(f16::from_le_bytes);
                numbers.single(half.unwrap_or(f16::NAN).to_f32());
            }),
            _ => Err("its type is not read".to_owned()),
        };
        read?;
        let rows = metadata.row_group(group).num_rows();
        match i64::try_from(lists.events - events) == Ok(rows) {
            true => Ok(()),
            false => Err(format!(
                "it has {} events where the file says {rows}",
                lists.events - events
            )),
        }
    }
}

fn damaged(path: &Path, reason: String) -> FilesError {
    FilesError::Damaged {
        path: path.into(),
        kind: Kind::Parquet.name(),
        reason,
    }
}

/// Numbers of a column, one after the other.
#[derive(Debug)]
enum Numbers {
    Integer(Vec<i64>),
    Unsigned64(Vec<u64>),
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Numbers {
    fn new(element: Element) -> Self {
        match element {
            Element::Bool | Element::Int32 | Element::Unsigned32 | Element::Int64 => {
                Self::Integer(vec![])
            }
            Element::Unsigned64 => Self::Unsigned64(vec![]),
            Element::Half | Element::Single => Self::Single(vec![]),
            Element::Double => Self::Double(vec![]),
        }
    }

    fn integer(&mut self, value: i64) {
        match self {
            Self::Integer(values) => values.push(value),
            Self::Unsigned64(values) => values.push(value.cast_unsigned()),
            _ => {}
        }
    }

    fn single(&mut self, value: f32) {
        if let Self::Single(values) = self {
            values.push(value);
        }
    }
}

/// Reads all of a column.
fn all<T: DataType>(
    mut column: ColumnReaderImpl<T>,
    lists: &mut Lists,
    mut number: impl FnMut(T::T),
) -> Result<(), String> {
    let (mut definitions, mut repetitions, mut values) = (vec![], vec![], vec![]);
    loop {
        definitions.clear();
        repetitions.clear();
        values.clear();
        let read = column.read_records(
            BATCH,
            Some(&mut definitions),
            Some(&mut repetitions),
            &mut values,
        );
        let (records, _, entries) = read.map_err(|error| error.to_string())?;
        let defined = lists.defined();
        for entry in 0..entries {
            // A column that nothing can be missing of has no levels.
            let definition = definitions.get(entry).copied().unwrap_or(defined);
            let repetition = repetitions.get(entry).copied().unwrap_or(0);
            lists.push(definition, repetition);
        }
        values.drain(..).for_each(&mut number);
        if records == 0 {
            return Ok(());
        }
    }
}
