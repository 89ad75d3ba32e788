//! `--on native`: events computed in the command's own process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hodoscope_sim::npz::{Npz, Values};
use ndarray::Array2;
use ndarray_npy::NpzWriter;

use crate::*;

/// A model that no other test has: what happens to its library here happens to nobody else.
fn compiled(place: &Place) -> PathBuf {
    let dir = place.path("own");
    let own = models().join("ae-qcd");
    let mut command = compile(&own.join("model.onnx"), &own.join("calibration.npz"), &dir);
    succeeds(command.args(["--weights", "7", "--accept-loss"]));
    dir
}

fn on(dir: &Path, where_: &str, inputs: &Path, out: &Path) -> Command {
    let mut command = cached(hodoscope());
    command.arg("run").arg(dir).arg("--inputs").arg(inputs);
    command.args(["--on", where_, "-o"]).arg(out);
    command
}

fn raws(path: &Path) -> Vec<i64> {
    let npz = Npz::read(path).expect("an archive");
    match npz.array("score.raw").expect("raws").values() {
        Values::Integer(raws) => raws.clone(),
        other => panic!("{other:?}"),
    }
}

fn cache() -> PathBuf {
    let own = std::env::var_os("HODOSCOPE_CACHE").map(PathBuf::from);
    own.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("hodoscope"))
}

/// The shared library of a program in the cache, by the program's hash in its name.
fn library(program: &str) -> PathBuf {
    let hash = hodoscope_compiler::emit::program_hash(
        &hodoscope_program::Program::from_text(program).expect("a program"),
    );
    let tag: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let builds = fs::read_dir(cache().join("builds")).expect("builds");
    let files = builds.flat_map(|build| {
        let entries = fs::read_dir(build.expect("a build").path());
        entries
            .into_iter()
            .flatten()
            .map(|file| file.expect("a file").path())
    });
    let mut own = files.filter(|path| path.display().to_string().ends_with(&format!(".so.{tag}")));
    own.next().expect("a library")
}

#[test]
fn a_truncated_library_is_built_again_and_archives_are_read_as_they_lie() {
    let place = Place::new();
    let dir = compiled(&place);
    let test = models().join("ae-qcd/test.npz");
    let (first, second) = (place.path("first.npz"), place.path("second.npz"));
    succeeds(&mut on(&dir, "interpreter", &test, &second));
    succeeds(&mut on(&dir, "native", &test, &first));
    let expected = raws(&second);
    assert_eq!((raws(&first), expected.len()), (expected.clone(), 3000));

    let program = fs::read_to_string(dir.join("program.txt")).expect("a program");
    let library = library(&program);
    let whole = fs::read(&library).expect("a library");
    fs::remove_file(&library).expect("a library");
    fs::write(&library, &whole[..whole.len() / 2]).expect("half a library");
    succeeds(&mut on(&dir, "native", &test, &first));
    assert_eq!(raws(&first), expected);
    assert_eq!(fs::read(&library).expect("a library"), whole);

    // The same events, not compressed, beside what is no input.
    let x = Npz::read(&test).expect("events");
    let Values::Single(x) = x.array("x").expect("x").values().clone() else {
        panic!("floats of 32 bits");
    };
    let stored = |x: &[f32]| {
        let path = place.path("stored.npz");
        let mut npz = NpzWriter::new(File::create(&path).expect("a file"));
        let x = Array2::from_shape_vec((3000, 48), x.to_vec()).expect("rows");
        npz.add_array("x", &x).expect("an array");
        npz.add_array("y", &Array2::<f64>::zeros((2, 2)))
            .expect("an array");
        npz.finish().expect("an archive");
        path
    };
    let path = stored(&x);
    succeeds(&mut on(&dir, "native", &path, &first));
    assert_eq!(raws(&first), expected);

    // One byte is another: told, and nothing is written.
    let mut bytes = fs::read(&path).expect("an archive");
    bytes[5000] ^= 1;
    fs::write(&path, bytes).expect("a file");
    fs::remove_file(&first).expect("a file");
    let (code, _, err) = ends(&mut on(&dir, "native", &path, &first));
    assert!(
        code != 0 && err.contains("array `x`") && err.contains("damaged"),
        "{err}"
    );
    assert!(!first.exists());

    // A value that is none is told by its event, in whatever block it lies.
    let mut wrong = x;
    wrong[2_345 * 48 + 7] = f32::NAN;
    let (code, _, err) = ends(&mut on(&dir, "native", &stored(&wrong), &first));
    assert!(code != 0 && err.contains("2345"), "{err}");
}

/// To open a pipe would wait for whoever writes to it.
#[test]
#[cfg(unix)]
fn a_pipe_of_events_is_refused_at_once() {
    let place = Place::new();
    let pipe = place.path("events.npz");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let out = place.path("out.npz");
    let dir = place.compiled();
    fails(&mut on(&dir, "native", &pipe, &out), 2, &["events.npz"]);
}
