//! Reading.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use half::f16;
use ndarray::ArrayD;
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};
use zip::{CompressionMethod, ZipArchive};

use super::header;

use super::kinds::{self, Kind};
use super::room::Room;
use super::{Array, Jagged, NpzError, Values};

/// Deflate makes at most 1,032 bytes of one.
const MOST_DEFLATED: u64 = 1_032;

/// Types of elements that are read.
const READABLE: &str = "a float of 16, 32 or 64 bits, an integer or bool";

/// The arrays of one archive.
#[derive(Clone, Debug)]
pub struct Npz {
    path: PathBuf,
    arrays: BTreeMap<String, Array>,
    /// Rows of events that have different numbers of them.
    jagged: BTreeMap<String, Jagged>,
    /// Arrays of other types (text, complex numbers): an error only when asked for.
    unread: BTreeMap<String, String>,
}

impl Npz {
    /// No array yet; `path` says in messages where those that are put in come from.
    pub fn named(path: &Path) -> Self {
        Self {
            path: path.into(),
            arrays: BTreeMap::new(),
            jagged: BTreeMap::new(),
            unread: BTreeMap::new(),
        }
    }

    /// Puts in an array; `dtype` is NumPy's description of its type.
    ///
    /// # Errors
    /// When one of this name is there already.
    ///
    /// # Panics
    /// If there are not as many elements as the shape says.
    pub fn put(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        values: Values,
    ) -> Result<(), NpzError> {
        self.put_array(Array::new(&self.path, name, dtype, shape, values))
    }

    pub(super) fn put_array(&mut self, array: Array) -> Result<(), NpzError> {
        if self.contains(&array.name) {
            return Err(self.twice(&array.name));
        }
        self.arrays.insert(array.name.clone(), array);
        Ok(())
    }

    /// Puts in rows of events, `(rows, ...)`; event e has those from `offsets[e]` to `offsets[e + 1]`. How many each event has
    /// is the array `NAME.count`.
    ///
    /// # Errors
    /// When one of these names is there already, or the offsets make no sense.
    ///
    /// # Panics
    /// As [`Self::put`].
    pub fn put_jagged(
        &mut self,
        name: &str,
        dtype: &str,
        shape: &[usize],
        values: Values,
        offsets: &[i64],
    ) -> Result<(), NpzError> {
        let content = Array::new(&self.path, name, dtype, shape, values);
        let jagged = Jagged::new(content, offsets)?;
        if self.contains(name) {
            return Err(self.twice(name));
        }
        self.put_array(jagged.count())?;
        self.jagged.insert(name.to_owned(), jagged);
        Ok(())
    }

    /// Says that there is an array of a type that is not read: an error only when it is asked for.
    pub fn put_unread(&mut self, name: &str, dtype: &str) {
        self.unread.insert(name.to_owned(), dtype.to_owned());
    }

    fn twice(&self, name: &str) -> NpzError {
        NpzError::Twice {
            path: self.path.clone(),
            name: name.to_owned(),
        }
    }

    /// Reads every array of `path`.
    ///
    /// # Errors
    /// When the file is missing or not an archive, an array in it is damaged, or all take more memory than is allowed.
    pub fn read(path: &Path) -> Result<Self, NpzError> {
        Self::read_within(path, Room::from_env()?)
    }

    pub(super) fn read_within(path: &Path, mut room: Room) -> Result<Self, NpzError> {
        let file = File::open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => NpzError::Missing { path: path.into() },
            _ => NpzError::Open {
                path: path.into(),
                source,
            },
        });
        if let (Err(NpzError::Missing { .. }), Some(file)) = (&file, kinds::before_tree(path)) {
            kinds::of(&first_bytes(file), path)?;
        }
        if file.is_ok() && kinds::of(&first_bytes(path), path)? == Kind::Npy {
            let mut npz = Self::named(path);
            npz.put_array(Array::read_npy(path)?)?;
            return Ok(npz);
        }
        let file = file?;
        let damaged = |reason: String| NpzError::NotNpz {
            path: path.into(),
            reason,
        };
        let file_bytes = file.metadata().map_or(0, |metadata| metadata.len());
        let mut archive =
            ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(error.to_string()))?;
        let mut npz = Self::named(path);
        for index in 0..archive.len() {
            let mut entry = archive
                .by_index(index)
                .map_err(|e| damaged(e.to_string()))?;
            let name = entry.name().to_owned();
            let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
            let wrong = |reason: String| damaged(format!("array `{name}`: {reason}"));
            // What an archive says of sizes is believed as far as its bytes can hold that much.
            let packed = entry.compressed_size().min(file_bytes);
            let most = match entry.compression() {
                CompressionMethod::Stored => packed,
                _ => packed.saturating_mul(MOST_DEFLATED),
            };
            let length = entry.size().min(most);
            let head = header::read(&mut entry).map_err(|e| wrong(e.to_string()))?;
            // What a header promises is allocated at once: it must be there.
            header::check_length(&head, length).map_err(wrong)?;
            room.take(header::held_bytes(&head), path, &name)?;
            match read_array(&head, &mut entry, path, &name)? {
                Found::Array(array) => npz.arrays.insert(name, array).map(|_| ()),
                Found::Unread(dtype) => npz.unread.insert(name, dtype).map(|_| ()),
            };
        }
        Ok(npz)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of the arrays, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self
            .arrays
            .keys()
            .chain(self.unread.keys())
            .chain(self.jagged.keys())
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// Whether the archive holds an array `name`, of whatever type.
    pub fn contains(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
            || self.unread.contains_key(name)
            || self.jagged.contains_key(name)
    }

    /// The array `name`.
    ///
    /// # Errors
    /// When there is none, or its type is not one that is read.
    pub fn array(&self, name: &str) -> Result<&Array, NpzError> {
        if let Some(array) = self.arrays.get(name) {
            return Ok(array);
        }
        if let Some(jagged) = self.jagged.get(name) {
            return Ok(jagged.padded());
        }
        if let Some(dtype) = self.unread.get(name) {
            return Err(NpzError::Dtype {
                path: self.path.clone(),
                name: name.to_owned(),
                got: dtype.clone(),
                expected: READABLE.to_owned(),
            });
        }
        let there: Vec<String> = self.names().map(|name| format!("`{name}`")).collect();
        Err(NpzError::NoArray {
            path: self.path.clone(),
            name: name.to_owned(),
            there: if there.is_empty() {
                "nothing".to_owned()
            } else {
                there.join(", ")
            },
        })
    }

    /// The rows of `name`, where events have different numbers of them.
    pub fn jagged(&self, name: &str) -> Option<&Jagged> {
        self.jagged.get(name)
    }

    /// The array `name`, whose first axis are events.
    ///
    /// # Errors
    /// As [`Self::array`], and when it has no axis or no event.
    pub fn events(&self, name: &str) -> Result<&Array, NpzError> {
        let array = self.array(name)?;
        match array.shape.first() {
            None => Err(array.wrong_shape("(events, …)")),
            Some(0) => Err(NpzError::NoEvents {
                path: self.path.clone(),
                name: name.to_owned(),
                got: array.shape.clone(),
            }),
            Some(_) => Ok(array),
        }
    }
}

impl Array {
    /// Reads a single array, of a `.npy` file; it has the name of the file.
    ///
    /// # Errors
    /// When the file is missing, damaged, or of a type that is not read.
    pub fn read_npy(path: &Path) -> Result<Self, NpzError> {
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => NpzError::Missing { path: path.into() },
            _ => NpzError::Open {
                path: path.into(),
                source,
            },
        })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let wrong = |reason: String| NpzError::NotNpz {
            path: path.into(),
            reason,
        };
        let mut rest = &bytes[..];
        let head = header::read(&mut rest).map_err(|error| wrong(error.to_string()))?;
        header::check_length(&head, bytes.len() as u64).map_err(wrong)?;
        match read_array(&head, &mut rest, path, &name)? {
            Found::Array(array) => Ok(array),
            Found::Unread(dtype) => Err(NpzError::Dtype {
                path: path.into(),
                name: name.into_owned(),
                got: dtype,
                expected: READABLE.to_owned(),
            }),
        }
    }
}

/// Enough of a file to tell its kind.
fn first_bytes(path: &Path) -> Vec<u8> {
    let mut head = vec![];
    // Whatever goes wrong here goes wrong again where the file is read, and is told there.
    let _ = File::open(path).map(|file| file.take(8).read_to_end(&mut head));
    head
}

/// An entry of an archive.
pub(super) enum Found {
    Array(Array),
    Unread(String),
}

/// Reads an array that begins with `head` and goes on with `rest`.
pub(super) fn read_array(
    head: &[u8],
    rest: &mut impl Read,
    path: &Path,
    name: &str,
) -> Result<Found, NpzError> {
    let array = |dtype: &str, shape: Vec<usize>, values: Values| {
        Found::Array(Array {
            path: path.into(),
            name: name.to_owned(),
            dtype: dtype.to_owned(),
            shape,
            values,
        })
    };
    // An attempt reads the header only; when the type is another, it says which.
    let dtype = match elements::<f32>(head, rest, path, name)? {
        Attempt::Read(shape, values) => {
            return Ok(array("<f4", shape, Values::Single(values)));
        }
        Attempt::Other(dtype) => dtype,
    };
    macro_rules! integers {
        ($ty:ty) => {
            match elements::<$ty>(head, rest, path, name)? {
                Attempt::Read(shape, values) => {
                    let values = values.into_iter().map(i64::from).collect();
                    array(&dtype, shape, Values::Integer(values))
                }
                Attempt::Other(dtype) => Found::Unread(dtype),
            }
        };
    }
    // The first character is the byte order.
    Ok(match dtype.get(1..).unwrap_or_default() {
        "f2" => match elements::<u16>(&header::as_bits(head), rest, path, name)? {
            Attempt::Read(shape, bits) => {
                let values = bits.into_iter().map(|bits| f16::from_bits(bits).to_f32());
                array(&dtype, shape, Values::Single(values.collect()))
            }
            Attempt::Other(dtype) => Found::Unread(dtype),
        },
        "f8" => match elements::<f64>(head, rest, path, name)? {
            Attempt::Read(shape, values) => array(&dtype, shape, Values::Float(values)),
            Attempt::Other(dtype) => Found::Unread(dtype),
        },
        "i1" => integers!(i8),
        "i2" => integers!(i16),
        "i4" => integers!(i32),
        "i8" => integers!(i64),
        "u1" => integers!(u8),
        "u2" => integers!(u16),
        "u4" => integers!(u32),
        "b1" => integers!(bool),
        "u8" => match elements::<u64>(head, rest, path, name)? {
            Attempt::Read(shape, values) => {
                array(&dtype, shape, Values::from_unsigned(values, path, name)?)
            }
            Attempt::Other(dtype) => Found::Unread(dtype),
        },
        _ => Found::Unread(dtype),
    })
}

/// An array read as one type of element.
enum Attempt<T> {
    Read(Vec<usize>, Vec<T>),
    /// It holds elements of this type.
    Other(String),
}

fn elements<T: ReadableElement + Clone>(
    head: &[u8],
    rest: &mut impl Read,
    path: &Path,
    name: &str,
) -> Result<Attempt<T>, NpzError> {
    match ArrayD::<T>::read_npy(head.chain(rest)) {
        Ok(array) => Ok(flatten(array)),
        Err(ReadNpyError::WrongDescriptor(descriptor)) => {
            Ok(Attempt::Other(descriptor.to_string().replace('\'', "")))
        }
        Err(error) => Err(NpzError::NotNpz {
            path: path.into(),
            reason: format!("array `{name}`: {error}"),
        }),
    }
}

fn flatten<T: Clone>(array: ArrayD<T>) -> Attempt<T> {
    let shape = array.shape().to_vec();
    let values = if array.is_standard_layout() {
        array.into_raw_vec_and_offset().0
    } else {
        array.iter().cloned().collect()
    };
    Attempt::Read(shape, values)
}
