//! Files that are made here; those of pyarrow and h5py are read in python/tests.

use std::fs;
use std::path::{Path, PathBuf};

use hdf5_pure::FileBuilder;
use hodoscope_sim::npz::{Npz, OutputArrays, Values};
use tempfile::TempDir;

use crate::column::Column;
use crate::{FilesError, Mapping, Reader, write_outputs};

const EVENTS: usize = 300;

/// A parquet file with `score` (one number), `score.raw`, `hits` (three) and `hits.raw`.
fn parquet(dir: &Path) -> PathBuf {
    let path = dir.join("x.parquet");
    let raws = |width: usize| (0..(EVENTS * width) as i64).map(|raw| raw - 7).collect();
    let score = OutputArrays::from_raws("score", 1, raws(1), vec![0.25], 1);
    let hits = OutputArrays::from_raws("hits", 3, raws(3), vec![0.5, 1.0, 2.0], 0);
    write_outputs(&path, &[score, hits]).unwrap();
    path
}

/// An HDF5 file with `x` of two words, `n`, text, and a group `jets` with `labels`.
fn hdf5(dir: &Path) -> PathBuf {
    let path = dir.join("x.h5");
    let mut builder = FileBuilder::new();
    let x: Vec<f32> = (0..2 * EVENTS).map(|index| index as f32 / 4.0).collect();
    let n: Vec<u64> = (0..EVENTS as u64).collect();
    builder
        .create_dataset("x")
        .with_f32_data(&x)
        .with_shape(&[EVENTS as u64, 2]);
    builder.create_dataset("n").with_data(&n);
    let _ = builder.create_dataset("text").with_strings(&["a"; EVENTS]);
    let mut jets = builder.create_group("jets");
    jets.create_dataset("labels").with_data(&vec![1i8; EVENTS]);
    builder.add_group(jets.finish());
    builder.write(&path).unwrap();
    path
}

fn read(path: &Path, map: &[&str]) -> Result<Npz, FilesError> {
    let map: Vec<Mapping> = map.iter().map(|text| text.parse().unwrap()).collect();
    Reader::open(path, &map)?.read()
}

fn refused(path: &Path, map: &[&str], what: &str) {
    let error = read(path, map).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(what), "{error}");
}

#[test]
fn outputs_are_read_as_they_were_written() {
    let dir = TempDir::new().unwrap();
    let npz = read(&parquet(dir.path()), &[]).unwrap();
    let names: Vec<&str> = npz.names().collect();
    assert_eq!(names, ["hits", "hits.raw", "score", "score.raw"]);
    assert_eq!(npz.array("hits.raw").unwrap().shape(), [EVENTS, 3]);
    let raws: Vec<i64> = (0..EVENTS as i64).map(|raw| raw - 7).collect();
    let values: Vec<f64> = raws.iter().map(|&raw| (raw - 1) as f64 * 0.25).collect();
    assert_eq!(
        npz.array("score.raw").unwrap().values(),
        &Values::Integer(raws)
    );
    assert_eq!(npz.array("score").unwrap().values(), &Values::Float(values));
}

#[test]
fn columns_become_the_words_of_an_input() {
    let dir = TempDir::new().unwrap();
    let path = parquet(dir.path());
    let npz = read(&path, &["x=score.raw,score.raw", "y = hits"]).unwrap();
    assert_eq!(npz.names().collect::<Vec<_>>(), ["x", "y"]);
    let x = npz.array("x").unwrap();
    assert_eq!(x.shape(), [EVENTS, 2]);
    let Values::Integer(words) = x.values() else {
        panic!("{x:?}");
    };
    assert_eq!(words[..4], [-7, -7, -6, -6]);
    let h5 = hdf5(dir.path());
    let npz = read(&h5, &["x=n,n"]).unwrap();
    assert_eq!(npz.array("x").unwrap().shape(), [EVENTS, 2]);
    let group = format!("{}:jets", h5.display());
    let npz = read(group.as_ref(), &[]).unwrap();
    assert_eq!(npz.array("labels").unwrap().shape(), [EVENTS]);
    for text in ["x", "=a", "x=", "x=a,,b"] {
        assert!(text.parse::<Mapping>().is_err(), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let dir = TempDir::new().unwrap();
    let (parquet, h5) = (parquet(dir.path()), hdf5(dir.path()));
    refused(
        &parquet,
        &["x=pt"],
        "no column `pt`; the file holds `score`, `score.raw`",
    );
    refused(
        &parquet,
        &["x=score,score.raw"],
        "integers are words and floats are values",
    );
    refused(
        &parquet,
        &["x=score,hits"],
        "`hits` has other numbers of rows per event",
    );
    refused(&parquet, &["x=score", "x=hits"], "`x` is given twice");
    refused(
        &h5,
        &["x=pt"],
        "no column `pt`; the file holds `n`, `text`, `x`",
    );
    refused(&h5, &["x=text"], "column `text` has dtype");
    refused(&h5, &["x=x,n"], "`x` is <f4, `n` is <u8");
    let npz = read(&h5, &[]).unwrap();
    let text = npz.array("text").unwrap_err().to_string();
    assert!(text.contains("`text`"), "{text}");
    refused(
        format!("{}:fats", h5.display()).as_ref(),
        &[],
        "an HDF5 file has no group `fats`; it holds `jets`",
    );
    refused(
        format!("{}:Events", parquet.display()).as_ref(),
        &[],
        "a parquet file has no tree `Events`",
    );
    refused("no.parquet".as_ref(), &[], "no such file");
    refused(dir.path(), &[], "it is there and no file");
    refused("/dev/null".as_ref(), &[], "it is there and no file");
    let root = dir.path().join("x.root");
    fs::write(&root, b"root\0\0\xf3\xd8").unwrap();
    let tree = format!("{}:Events", root.display());
    refused(
        tree.as_ref(),
        &[],
        "a ROOT file, which the command does not read: in Python",
    );
}

#[test]
fn rows_of_one_length_are_a_plain_array() {
    let column = |offsets: &[i64]| Column {
        dtype: "<i8".to_owned(),
        offsets: Some(offsets.to_vec()),
        rows: 4,
        row: vec![],
        values: Values::Integer(vec![1, 2, 3, 4]),
    };
    let regular = column(&[0, 2, 4]).regular();
    assert_eq!((regular.rows, regular.row), (2, vec![2]));
    assert!(column(&[0, 1, 4]).regular().offsets.is_some());
    // Nothing tells a row of no words from an event without rows.
    assert!(column(&[0, 0]).regular().offsets.is_some());
}

#[test]
fn damaged_files_are_refused_or_read() {
    let dir = TempDir::new().unwrap();
    let files = [parquet(dir.path()), hdf5(dir.path())];
    let path = dir.path().join("damaged");
    let mut state = 1u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    let mut refused = 0;
    for file in files {
        let bytes = fs::read(file).unwrap();
        for trial in 0..400 {
            let mut damaged = bytes.clone();
            if trial % 4 == 0 {
                damaged.truncate(8 + next(bytes.len() - 8));
            } else {
                for _ in 0..=next(4) {
                    // What a parquet file says of itself stands at its end, an HDF5 file's at its beginning.
                    let place = match next(3) {
                        0 => next(bytes.len()),
                        1 => bytes.len() - 1 - next(600.min(bytes.len())),
                        _ => next(900.min(bytes.len())),
                    };
                    damaged[place] = [0, 0xff, damaged[place] ^ (1 << next(8))][next(3)];
                }
            }
            fs::write(&path, &damaged).unwrap();
            // Neither a panic nor endless memory.
            refused += usize::from(read(&path, &[]).is_err());
        }
    }
    assert!(refused > 200, "{refused}");
}
