//! A file that was opened, whatever its kind.

use std::iter;
use std::path::{Path, PathBuf};

use hodoscope_sim::npz::{Npz, NpzError, Room};

use crate::column::Column;
use crate::hdf5::Hdf5;
use crate::kind::{self, Kind};
use crate::mapping::Mapping;
use crate::parquet::Parquet;
use crate::{FilesError, numpy};

/// Read besides the columns that are mapped, where it is there.
const LABELS: &str = "labels";

/// A file of events.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    map: Vec<Mapping>,
    file: Opened,
    parts: Vec<std::ops::Range<usize>>,
}

#[derive(Debug)]
enum Opened {
    /// All of it is read.
    Numpy(Box<Npz>),
    Parquet(Box<Parquet>),
    Hdf5(Box<Hdf5>),
}

impl Reader {
    /// Opens `FILE` or `FILE:TREE`; `map` says which columns are an input's words, and no other is read but `labels`. Without it
    /// each column that holds numbers is an array of its name.
    ///
    /// # Errors
    /// When the file is missing, damaged, or of a kind that is not read, or an input is mapped twice.
    pub fn open(path: &Path, map: &[Mapping]) -> Result<Self, FilesError> {
        for (index, mapping) in map.iter().enumerate() {
            if map[..index]
                .iter()
                .any(|other| other.input == mapping.input)
            {
                return Err(NpzError::Twice {
                    path: path.into(),
                    name: mapping.input.clone(),
                }
                .into());
            }
        }
        let (file, tree) = kind::split(path);
        // To open a pipe would wait for its writer, and no kind of file is read from its beginning to its end.
        if file.exists() && !file.is_file() {
            return Err(FilesError::NoFile { path: file });
        }
        // What cannot be opened is told by the reader of archives.
        let kind = Kind::of(&file).unwrap_or(Kind::Numpy);
        let no_tree = |tree: String| FilesError::NoTree {
            path: file.clone(),
            kind: kind.name(),
            what: "tree",
            tree,
            there: String::new(),
        };
        let opened = match (kind, tree) {
            (Kind::Root | Kind::Arrow, _) => {
                return Err(FilesError::Elsewhere {
                    path: path.into(),
                    kind: kind.name(),
                });
            }
            (Kind::Numpy | Kind::Parquet, Some(tree)) => return Err(no_tree(tree)),
            (Kind::Numpy, None) => Opened::Numpy(Box::new(Npz::read(path)?)),
            (Kind::Parquet, None) => Opened::Parquet(Box::new(Parquet::open(&file)?)),
            (Kind::Hdf5, tree) => Opened::Hdf5(Box::new(Hdf5::open(&file, tree.as_deref())?)),
        };
        let parts = match &opened {
            Opened::Parquet(parquet) => 0..parquet.row_groups(),
            _ => 0..1,
        };
        Ok(Self {
            path: file,
            map: map.to_vec(),
            file: opened,
            parts: iter::once(parts).collect(),
        })
    }

    /// Lets [`Self::parts`] be as many as keep each within `bytes`, where the file has row groups.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn in_parts_of(mut self, bytes: u64) -> Result<Self, FilesError> {
        if let Opened::Parquet(parquet) = &self.file {
            let mut names = self.columns(&parquet.names());
            names.extend(self.labels(&parquet.names()));
            self.parts = parquet.parts(&names, bytes)?;
        }
        Ok(self)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of parts, one after the other all events.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// All events.
    ///
    /// # Errors
    /// When a column is missing, damaged or holds no numbers, those of an input do not go together, or all take more memory than
    /// is allowed.
    pub fn read(self) -> Result<Npz, FilesError> {
        if self.map.is_empty()
            && let Opened::Numpy(npz) = self.file
        {
            return Ok(*npz);
        }
        let all = self.parts.first().map_or(0, |part| part.start)
            ..self.parts.last().map_or(0, |part| part.end);
        self.read_range(all)
    }

    /// The events of one part; [`Self::read`] says what can be wrong.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn read_part(&self, part: usize) -> Result<Npz, FilesError> {
        self.read_range(self.parts[part].clone())
    }

    fn read_range(&self, part: std::ops::Range<usize>) -> Result<Npz, FilesError> {
        if self.map.is_empty()
            && let Opened::Numpy(npz) = &self.file
        {
            return Ok(Npz::clone(npz));
        }
        let mut room = Room::from_env()?;
        let mut column = |name: &str| match &self.file {
            Opened::Numpy(npz) => numpy::column(npz, name),
            Opened::Parquet(parquet) => parquet.column(name, part.clone(), &mut room),
            Opened::Hdf5(hdf5) => hdf5.column(name, &mut room),
        };
        let mut npz = Npz::named(&self.path);
        if self.map.is_empty() {
            for name in self.names() {
                match column(&name) {
                    Ok(found) => put(&mut npz, &name, found)?,
                    // It matters to whom it asks for.
                    Err(FilesError::Column { reason, .. }) => npz.put_unread(&name, &reason),
                    Err(other) => return Err(other),
                }
            }
            return Ok(npz);
        }
        for mapping in &self.map {
            let input = &mapping.input;
            let found = match &mapping.columns[..] {
                [one] => column(one)?,
                many => {
                    let columns = many.iter().map(|name| Ok((name.clone(), column(name)?)));
                    let columns = columns.collect::<Result<Vec<_>, FilesError>>()?;
                    Column::stacked(&self.path, input, columns)?
                }
            };
            put(&mut npz, input, found)?;
        }
        if let Some(name) = self.labels(&self.names()) {
            match column(&name) {
                Ok(found) => put(&mut npz, &name, found)?,
                Err(FilesError::Column { reason, .. }) => npz.put_unread(&name, &reason),
                Err(other) => return Err(other),
            }
        }
        Ok(npz)
    }

    /// Names of the columns.
    fn names(&self) -> Vec<String> {
        match &self.file {
            Opened::Numpy(npz) => npz.names().map(str::to_owned).collect(),
            Opened::Parquet(parquet) => parquet.names(),
            Opened::Hdf5(hdf5) => hdf5.names(),
        }
    }

    /// Those that are read of `there`.
    fn columns(&self, there: &[String]) -> Vec<String> {
        if self.map.is_empty() {
            return there.to_vec();
        }
        let columns = self.map.iter().flat_map(|mapping| &mapping.columns);
        columns.cloned().collect()
    }

    /// The labels, where `there` has some that nothing is mapped to.
    fn labels(&self, there: &[String]) -> Option<String> {
        let has = there.iter().any(|name| name == LABELS);
        let is_mapped = self.map.iter().any(|mapping| mapping.input == LABELS);
        (has && !self.map.is_empty() && !is_mapped).then(|| LABELS.to_owned())
    }
}

/// Puts a column in as an array.
fn put(npz: &mut Npz, name: &str, column: Column) -> Result<(), NpzError> {
    let column = column.regular();
    let mut shape = vec![column.rows];
    shape.extend(&column.row);
    match column.offsets {
        None => npz.put(name, &column.dtype, &shape, column.values),
        Some(offsets) => npz.put_jagged(name, &column.dtype, &shape, column.values, &offsets),
    }
}
