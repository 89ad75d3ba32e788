use std::fs;
use std::path::PathBuf;

use ndarray::{Array1, Array2, Array3, arr0, array};
use ndarray_npy::NpzWriter;
use tempfile::TempDir;

use super::room::Room;
use super::{Array, Npz, NpzError, OutputArrays, Values, write_outputs};

fn archive(fill: impl FnOnce(&mut NpzWriter<fs::File>)) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.npz");
    let mut writer = NpzWriter::new_compressed(fs::File::create(&path).unwrap());
    fill(&mut writer);
    writer.finish().unwrap();
    (dir, path)
}

#[test]
fn reads_every_type() {
    let (_dir, path) = archive(|npz| {
        npz.add_array("f4", &array![[0.1f32, 2.0], [3.0, 4.0]])
            .unwrap();
        npz.add_array("f8", &array![0.1f64, 2.0]).unwrap();
        npz.add_array("i1", &array![-1i8, 2]).unwrap();
        npz.add_array("i2", &array![-1i16, 2]).unwrap();
        npz.add_array("i4", &array![-1i32, 2]).unwrap();
        npz.add_array("i8", &array![-1i64, i64::MAX]).unwrap();
        npz.add_array("u1", &array![255u8, 2]).unwrap();
        npz.add_array("u2", &array![65535u16, 2]).unwrap();
        npz.add_array("u4", &array![u32::MAX, 2]).unwrap();
        npz.add_array("u8", &array![7u64, 2]).unwrap();
        npz.add_array("b1", &array![true, false]).unwrap();
        npz.add_array("scalar", &arr0(3.5f64)).unwrap();
    });
    let npz = Npz::read(&path).unwrap();
    let values = |name: &str| npz.array(name).unwrap().values().clone();
    assert_eq!(values("f4"), Values::Single(vec![0.1, 2.0, 3.0, 4.0]));
    assert_eq!(npz.array("f4").unwrap().shape(), [2, 2]);
    assert_eq!(values("f8"), Values::Float(vec![0.1, 2.0]));
    for name in ["i1", "i2", "i4"] {
        assert_eq!(values(name), Values::Integer(vec![-1, 2]), "{name}");
    }
    assert_eq!(values("i8"), Values::Integer(vec![-1, i64::MAX]));
    assert_eq!(values("u1"), Values::Integer(vec![255, 2]));
    assert_eq!(values("u2"), Values::Integer(vec![65535, 2]));
    assert_eq!(values("u4"), Values::Integer(vec![u32::MAX.into(), 2]));
    assert_eq!(values("u8"), Values::Integer(vec![7, 2]));
    assert_eq!(values("b1"), Values::Integer(vec![1, 0]));
    assert_eq!(values("scalar"), Values::Float(vec![3.5]));
}

#[test]
fn order_of_memory_does_not_matter() {
    let fortran = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let transposed = fortran
        .t()
        .as_standard_layout()
        .into_owned()
        .reversed_axes();
    assert!(!transposed.is_standard_layout());
    let (_dir, path) = archive(|npz| npz.add_array("x", &transposed).unwrap());
    let npz = Npz::read(&path).unwrap();
    let expected = Values::Single(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(npz.array("x").unwrap().values(), &expected);
}

#[test]
fn errors_name_the_thing() {
    let missing = Npz::read("no/such.npz".as_ref()).unwrap_err();
    assert_eq!(missing.to_string(), "no/such.npz: no such file");

    let dir = TempDir::new().unwrap();
    let text = dir.path().join("text.npz");
    fs::write(&text, "not an archive").unwrap();
    assert!(matches!(Npz::read(&text), Err(NpzError::NotNpz { .. })));

    let mut nan = Array3::<f32>::zeros((3, 2, 4));
    nan[[2, 1, 3]] = f32::NAN;
    let (_dir, path) = archive(|npz| {
        npz.add_array("nan", &nan).unwrap();
        npz.add_array("none", &Array2::<f32>::zeros((0, 4)))
            .unwrap();
        npz.add_array("scalar", &arr0(1.0f32)).unwrap();
        npz.add_array("half", &array![0.5f64]).unwrap();
    });
    let npz = Npz::read(&path).unwrap();
    let message = |error: NpzError| error.to_string().replace(&path.display().to_string(), "X");
    let absent = npz.array("x").unwrap_err();
    assert_eq!(
        message(absent),
        "X: no array `x`; the archive holds `half`, `nan`, `none`, `scalar`"
    );
    let nan = npz.events("nan").unwrap().floats().unwrap_err();
    assert_eq!(
        message(nan),
        "X: array `nan`, event 2, element 7: NaN is not a finite number"
    );
    let none = npz.events("none").unwrap_err();
    assert_eq!(
        message(none),
        "X: array `none` holds zero events (shape (0, 4))"
    );
    let scalar = npz.events("scalar").unwrap_err();
    assert_eq!(
        message(scalar),
        "X: array `scalar` has shape (); expected (events, …)"
    );
    let half = npz.array("half").unwrap().integers().unwrap_err();
    assert_eq!(
        message(half),
        "X: array `half`, event 0: 0.5 is not a whole number"
    );
}

#[test]
fn a_truncated_archive_is_refused() {
    let (_dir, path) = archive(|npz| {
        npz.add_array("x", &Array1::<f32>::linspace(0.0, 1.0, 1000))
            .unwrap();
    });
    let bytes = fs::read(&path).unwrap();
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        assert!(
            matches!(Npz::read(&path), Err(NpzError::NotNpz { .. })),
            "{length}"
        );
    }
}

#[test]
fn half_floats_are_read_in_either_order_of_bytes() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.npy");
    for (order, bytes) in [
        ('<', [0x00, 0x3e, 0x00, 0xc0]),
        ('>', [0x3e, 0x00, 0xc0, 0x00]),
    ] {
        let header = format!("{{'descr': '{order}f2', 'fortran_order': False, 'shape': (2,), }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        let npy = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &bytes].concat();
        fs::write(&path, npy).unwrap();
        let array = Array::read_npy(&path).unwrap();
        assert_eq!(array.values(), &Values::Single(vec![1.5, -2.0]), "{order}");
        assert_eq!(array.dtype(), format!("{order}f2"));
    }
}

#[test]
fn damaged_headers_are_refused() {
    let array = |header: &str, data: &[u8]| {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    };
    let header =
        |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("x.npz");
    let read = |npy: &[u8]| {
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("x.npy", options).unwrap();
        std::io::Write::write_all(&mut zip, npy).unwrap();
        zip.finish().unwrap();
        Npz::read(&path)
    };
    let good = read(&array(&header("(2,)"), &[0; 8])).unwrap();
    assert_eq!(good.array("x").unwrap().shape(), [2]);
    let shapes = [
        "(1000000000000,)",
        "(4611686018427387904, 4)",
        "(-1,)",
        "(3,",
        "3",
        "(3,)",
    ];
    for shape in shapes {
        let error = read(&array(&header(shape), &[0; 8])).unwrap_err();
        assert!(error.to_string().contains("array `x`"), "{shape}: {error}");
    }
    for bytes in [
        &b""[..],
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"text",
    ] {
        assert!(
            matches!(read(bytes), Err(NpzError::NotNpz { .. })),
            "{bytes:?}"
        );
    }
}

#[test]
fn outputs_round_trip() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("y.npz");
    let score = OutputArrays::from_raws("score", 1, vec![-3, 5], vec![0.25], 1);
    let latent = OutputArrays::from_raws("latent", 2, vec![1, 2, 3, 4], vec![0.5, 2.0], 0);
    write_outputs(&path, &[score, latent]).unwrap();
    let npz = Npz::read(&path).unwrap();
    let array = |name: &str| npz.array(name).unwrap();
    assert_eq!(array("score").shape(), [2, 1]);
    assert_eq!(array("score").values(), &Values::Float(vec![-1.0, 1.0]));
    assert_eq!(array("score.raw").values(), &Values::Integer(vec![-3, 5]));
    assert_eq!(array("score.scale").shape(), [] as [usize; 0]);
    assert_eq!(
        array("score.zero_point").values(),
        &Values::Integer(vec![1])
    );
    assert_eq!(
        array("latent").values(),
        &Values::Float(vec![0.5, 4.0, 1.5, 8.0])
    );
    assert_eq!(
        array("latent.scale").values(),
        &Values::Float(vec![0.5, 2.0])
    );
    let first = fs::read(&path).unwrap();
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no temporary file stays"
    );
    let again = OutputArrays::from_floats("score", 1, vec![0.5]);
    write_outputs(&path, &[again]).unwrap();
    assert_ne!(fs::read(&path).unwrap(), first, "an older file is replaced");
    let names: Vec<String> = Npz::read(&path)
        .unwrap()
        .names()
        .map(str::to_owned)
        .collect();
    assert_eq!(names, ["score"], "floats have no raws");
}

#[test]
fn a_single_array_of_any_type_is_read() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("times.npy");
    ndarray_npy::write_npy(&path, &ndarray::arr1(&[0.5, 2.0])).unwrap();
    let array = Array::read_npy(&path).unwrap();
    assert_eq!(array.values(), &Values::Float(vec![0.5, 2.0]));
    ndarray_npy::write_npy(&path, &ndarray::arr1(&[7i16, -1])).unwrap();
    let array = Array::read_npy(&path).unwrap();
    assert_eq!(array.values(), &Values::Integer(vec![7, -1]));
    ndarray_npy::write_npy(&path, &ndarray::arr1(&[1.5f32])).unwrap();
    let array = Array::read_npy(&path).unwrap();
    assert_eq!(
        (array.name(), array.values()),
        ("times", &Values::Single(vec![1.5]))
    );
}

#[test]
fn an_archive_may_take_so_much_memory() {
    // What compresses a thousandfold is the same as any other.
    let (_dir, path) = archive(|npz| {
        npz.add_array("x", &Array2::<f32>::zeros((1000, 1000)))
            .unwrap();
        npz.add_array("words", &Array2::<i8>::zeros((1000, 1000)))
            .unwrap();
    });
    assert!(fs::metadata(&path).unwrap().len() < 100_000);
    let within = |bytes| Npz::read_within(&path, Room::of(bytes));
    // Integers are held in 8 bytes each.
    within(12_000_000).unwrap();
    let refused = within(11_999_999).unwrap_err().to_string();
    assert!(
        refused.contains("array `words` takes 8000000 bytes")
            && refused.contains("HODOSCOPE_READ_GIB=8"),
        "{refused}"
    );
}

#[test]
fn kinds_of_files_are_told_by_their_first_bytes() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (name, head, kind) in [
        ("a.root", &b"root\0\0\xf3\xd8"[..], "a ROOT file"),
        ("a.parquet", b"PAR1....", "a parquet file"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    ] {
        fs::write(at(name), head).unwrap();
        let refused = Npz::read(&at(name)).unwrap_err().to_string();
        assert!(
            refused.contains(kind) && refused.contains("hodoscope.convert"),
            "{refused}"
        );
    }
    let tree = Npz::read(&at("a.root:Events")).unwrap_err().to_string();
    assert!(tree.contains("a ROOT file"), "{tree}");
    let none = Npz::read(&at("b.root:Events")).unwrap_err().to_string();
    assert!(none.ends_with("no such file"), "{none}");

    ndarray_npy::write_npy(at("x.npy"), &array![[1.0f32, 2.0]]).unwrap();
    let npz = Npz::read(&at("x.npy")).unwrap();
    assert_eq!(npz.array("x").unwrap().shape(), [1, 2]);
}
