//! Archives whose arrays lie in the file as they are, read event by event: no archive is too long for that, and threads
//! read parts of it at once.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crc32fast::Hasher;
use zip::{CompressionMethod, ZipArchive};

use super::read::{Found, read_array};
use super::{Npz, NpzError, header};

thread_local! {
    /// Room for a part, which is not made again for the next one.
    static BYTES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Arrays of a file, of which the first axes are the same events.
#[derive(Debug)]
pub struct Stream {
    path: PathBuf,
    file: File,
    arrays: Vec<Stored>,
    events: usize,
    /// Sums of what was read, of each array, by its first event, with the number of events.
    read: Mutex<BTreeMap<usize, (usize, Vec<Hasher>)>>,
}

/// An array that is not compressed.
#[derive(Debug)]
struct Stored {
    name: String,
    layout: header::Layout,
    /// Where in the file its elements begin.
    first: u64,
    /// Of an entry: its sum as the archive has it, and of its header.
    sum: Option<(u32, Hasher)>,
}

impl Stream {
    /// Opens those of the arrays `names` that an archive has, or the array that is a `.npy` file; nothing where they cannot be
    /// read so: [`Npz::read`] reads them, or says what is wrong.
    pub fn open(path: &Path, names: &[String]) -> Option<Self> {
        // To open a pipe would wait for its writer.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let mut file = File::open(path).ok()?;
        let mut head = vec![];
        file.by_ref().take(6).read_to_end(&mut head).ok()?;
        let arrays = if head == b"\x93NUMPY" {
            Self::of_npy(path)?
        } else {
            Self::of_archive(path, names)?
        };
        let events = arrays.first()?.layout.shape[0];
        let same = |array: &Stored| array.layout.shape[0] == events;
        (events > 0 && arrays.iter().all(same)).then(|| Self {
            path: path.to_owned(),
            file,
            arrays,
            events,
            read: Mutex::default(),
        })
    }

    fn of_npy(path: &Path) -> Option<Vec<Stored>> {
        let mut file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let head = header::read(&mut file).ok()?;
        let stored = Stored {
            name: path.file_stem()?.to_string_lossy().into_owned(),
            layout: header::layout(&head)?,
            first: head.len() as u64,
            sum: None,
        };
        let bytes = stored.layout.bytes(stored.layout.shape[0])?;
        (bytes.checked_add(stored.first)? == length).then(|| vec![stored])
    }

    fn of_archive(path: &Path, names: &[String]) -> Option<Vec<Stored>> {
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let mut archive = ZipArchive::new(BufReader::new(file)).ok()?;
        let mut arrays: Vec<Stored> = vec![];
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).ok()?;
            let name = entry.name();
            let name = name.strip_suffix(".npy").unwrap_or(name).to_owned();
            if !names.contains(&name) {
                continue;
            }
            let head = header::read(&mut entry).ok()?;
            let mut hasher = Hasher::new();
            hasher.update(&head);
            let stored = Stored {
                layout: header::layout(&head)?,
                first: entry.data_start().checked_add(head.len() as u64)?,
                sum: Some((entry.crc32(), hasher)),
                name,
            };
            let bytes = stored.layout.bytes(stored.layout.shape[0])?;
            // What an archive promises may be more than it holds.
            let is_whole = bytes.checked_add(head.len() as u64)? == entry.size()
                && bytes.checked_add(stored.first)? <= length;
            let is_twice = arrays.iter().any(|array| array.name == stored.name);
            if entry.compression() != CompressionMethod::Stored || !is_whole || is_twice {
                return None;
            }
            arrays.push(stored);
        }
        Some(arrays)
    }

    /// Number of events.
    pub fn events(&self) -> usize {
        self.events
    }

    /// Some of the events.
    ///
    /// # Errors
    /// When the file cannot be read, or an array is of another kind than its header says.
    ///
    /// # Panics
    /// If there are not so many events.
    pub fn part(&self, events: Range<usize>) -> Result<Npz, NpzError> {
        assert!(events.end <= self.events, "{events:?} of {}", self.events);
        let mut npz = Npz::named(&self.path);
        let mut sums = vec![];
        let mut bytes = BYTES.take();
        for array in &self.arrays {
            let wrong = |error: io::Error| self.damaged(array, &error.to_string());
            let too_long = || self.damaged(array, "it is too long for this machine");
            let before = array.layout.bytes(events.start).ok_or_else(too_long)?;
            let length = array.layout.bytes(events.len()).ok_or_else(too_long)?;
            bytes.resize(usize::try_from(length).map_err(|_| too_long())?, 0);
            read_at(&self.file, &mut bytes, array.first + before).map_err(wrong)?;
            let mut hasher = Hasher::new();
            hasher.update(&bytes);
            sums.push(hasher);
            if let Some(values) = array.layout.floats(&bytes) {
                let shape = array.layout.extents(events.len());
                npz.put(&array.name, array.layout.dtype(), &shape, values)?;
                continue;
            }
            let head = array.layout.head(events.len());
            match read_array(&head, &mut &bytes[..], &self.path, &array.name)? {
                Found::Array(found) => npz.put_array(found)?,
                Found::Unread(dtype) => npz.put_unread(&array.name, &dtype),
            }
        }
        BYTES.set(bytes);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert(events.start, (events.len(), sums));
        Ok(npz)
    }

    /// Checks that what was read is what was written, where all of it was read.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn finish(self) -> Result<(), NpzError> {
        let read = std::mem::take(&mut *self.read.lock().unwrap_or_else(PoisonError::into_inner));
        let mut whole: Vec<Option<Hasher>> = vec![];
        whole.extend(
            self.arrays
                .iter()
                .map(|array| Some(array.sum.as_ref()?.1.clone())),
        );
        let mut next = 0;
        for (first, (events, sums)) in read {
            if first != next {
                return Ok(());
            }
            next += events;
            for (whole, sum) in whole.iter_mut().zip(sums) {
                if let Some(whole) = whole {
                    whole.combine(&sum);
                }
            }
        }
        if next != self.events {
            return Ok(());
        }
        for (array, whole) in self.arrays.iter().zip(whole) {
            if let (Some((expected, _)), Some(whole)) = (&array.sum, whole)
                && whole.finalize() != *expected
            {
                return Err(self.damaged(array, "its checksum is another: the file is damaged"));
            }
        }
        Ok(())
    }

    fn damaged(&self, array: &Stored, reason: &str) -> NpzError {
        NpzError::NotNpz {
            path: self.path.clone(),
            reason: format!("array `{}`: {reason}", array.name),
        }
    }
}

/// Fills `bytes` from a place in the file, which other threads read, too.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], place: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, place)
}

#[cfg(not(unix))]
fn read_at(file: &File, bytes: &mut [u8], place: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};

    static ONE: Mutex<()> = Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = file;
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use ndarray::{Array, Array1, Array2, Array3, ShapeBuilder};
    use ndarray_npy::{NpzWriter, WriteNpyExt};
    use tempfile::TempDir;

    use super::*;
    use crate::npz::Values;

    fn archive(
        writer: impl FnOnce(File) -> NpzWriter<File>,
        fill: impl FnOnce(&mut NpzWriter<File>),
    ) -> (TempDir, PathBuf) {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("x.npz");
        let mut writer = writer(File::create(&path).unwrap());
        fill(&mut writer);
        writer.finish().unwrap();
        (dir, path)
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().copied().map(str::to_owned).collect()
    }

    fn whole() -> (TempDir, PathBuf) {
        archive(NpzWriter::new, |npz| {
            let x = Array3::from_shape_fn((1000, 3, 2), |(e, r, c)| (e * 7 + r * 3 + c) as f32);
            npz.add_array("x", &x).unwrap();
            let y = Array2::from_shape_fn((1000, 1), |(e, _)| e as f64 / 3.0);
            npz.add_array("y", &y).unwrap();
            npz.add_array("x.count", &Array1::from_shape_fn(1000, |e| e as i16 % 4))
                .unwrap();
            npz.add_array("other", &Array1::from_vec(vec![1_u8, 2]))
                .unwrap();
        })
    }

    #[test]
    fn parts_are_the_whole() {
        let (_dir, path) = whole();
        let names = names(&["x", "y", "x.count", "z"]);
        let stream = Stream::open(&path, &names).unwrap();
        assert_eq!(stream.events(), 1000);
        let all = Npz::read(&path).unwrap();
        // In any order.
        for part in [600..1000, 0..7, 7..600] {
            let npz = stream.part(part.clone()).unwrap();
            assert!(!npz.contains("other"));
            for name in ["x", "y", "x.count"] {
                let (own, whole) = (npz.array(name).unwrap(), all.array(name).unwrap());
                let row = whole.per_event();
                assert_eq!(own.shape()[1..], whole.shape()[1..], "{name}");
                assert_eq!(own.dtype(), whole.dtype(), "{name}");
                let range = part.start * row..part.end * row;
                let same = match (own.values(), whole.values()) {
                    (Values::Float(own), Values::Float(whole)) => own[..] == whole[range],
                    (Values::Single(own), Values::Single(whole)) => own[..] == whole[range],
                    (Values::Integer(own), Values::Integer(whole)) => own[..] == whole[range],
                    _ => false,
                };
                assert!(same, "{name} {part:?}");
            }
        }
        stream.finish().unwrap();
    }

    #[test]
    fn a_damaged_file_is_told_when_all_of_it_was_read() {
        let (_dir, path) = whole();
        let mut bytes = fs::read(&path).unwrap();
        // Within the elements of `x`.
        bytes[9_000] ^= 4;
        fs::write(&path, &bytes).unwrap();
        let open = || Stream::open(&path, &names(&["x"])).unwrap();
        let stream = open();
        stream.part(0..400).unwrap();
        stream.part(400..1000).unwrap();
        let error = stream.finish().unwrap_err().to_string();
        assert!(
            error.contains("array `x`") && error.contains("damaged"),
            "{error}"
        );
        // Who read a part of it knows nothing.
        let stream = open();
        stream.part(400..1000).unwrap();
        stream.finish().unwrap();
        // A file that became shorter.
        let stream = open();
        fs::write(&path, &bytes[..10_000]).unwrap();
        let error = stream.part(900..1000).unwrap_err().to_string();
        assert!(error.contains("array `x`"), "{error}");
    }

    #[test]
    fn what_does_not_lie_event_by_event_is_left_to_others() {
        let x = Array2::from_shape_fn((4, 3), |(e, c)| (e + c) as f32);
        let (_dir, path) = archive(NpzWriter::new_compressed, |npz| {
            npz.add_array("x", &x).unwrap();
        });
        assert!(Stream::open(&path, &names(&["x"])).is_none());
        let (_dir, path) = archive(NpzWriter::new, |npz| {
            npz.add_array("x", &x).unwrap();
            npz.add_array("y", &Array2::<f32>::zeros((2, 3))).unwrap();
            let columns = Array::from_shape_fn((4, 3).f(), |(e, c)| (e + c) as f32);
            npz.add_array("columns", &columns).unwrap();
            npz.add_array("none", &Array2::<f32>::zeros((0, 3)))
                .unwrap();
            npz.add_array("scalar", &ndarray::arr0(1.0)).unwrap();
        });
        assert!(Stream::open(&path, &names(&["x"])).is_some());
        let others: [&[&str]; 5] = [&["x", "y"], &["columns"], &["none"], &["scalar"], &["z"]];
        for other in others {
            assert!(Stream::open(&path, &names(other)).is_none(), "{other:?}");
        }
        assert!(Stream::open(&path.with_extension("missing"), &names(&["x"])).is_none());
    }

    #[test]
    fn a_single_array_has_the_name_of_its_file() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("x.npy");
        let x = Array2::from_shape_fn((40, 3), |(e, c)| (e + c) as i32);
        x.write_npy(File::create(&path).unwrap()).unwrap();
        let stream = Stream::open(&path, &[]).unwrap();
        let npz = stream.part(10..12).unwrap();
        let expected = Values::Integer(vec![10, 11, 12, 11, 12, 13]);
        assert_eq!(npz.array("x").unwrap().values(), &expected);
        stream.finish().unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(Stream::open(&path, &[]).is_none());
    }
}
