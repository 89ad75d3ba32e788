//! The libraries of C under valgrind, and those of another processor.

use std::path::Path;
use std::process::Command;

use super::{MODELS, Packaged, packaged, run};
use crate::Place;

/// Asks for what takes minutes and packages of the system: valgrind, gcc-aarch64-linux-gnu, qemu-user, and Rust's target.
const ASKED: &str = "HODOSCOPE_CHECK_LIBRARIES";

/// So many events of each model: valgrind takes fifty times as long as the processor.
const EVENTS: usize = 2_000;

fn is_asked() -> bool {
    let asked = std::env::var_os(ASKED).is_some();
    if !asked {
        println!("{ASKED}=1 runs the libraries under valgrind and on aarch64; it is not set");
    }
    asked
}

/// The driver of `all`, which loads their shared libraries, built by `compiler`.
fn driver(place: &Place, all: &[Packaged], compiler: &str) -> std::path::PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/package/driver.c");
    let driver = place.path(&format!("driver-{compiler}"));
    run(Command::new(compiler)
        .args(["-O1", "-g", "-Wall", "-Werror", "-o"])
        .arg(&driver)
        .arg(format!("-I{}", all[0].package.join("include").display()))
        .arg(source)
        .args(["-lpthread", "-ldl", "-lm"]));
    for own in all {
        own.loads(&own.shared(), own.text("symbol"));
    }
    driver
}

fn told() -> String {
    format!("{} events, 0 different\n", EVENTS * MODELS.len())
}

/// Two threads call libraries that were loaded globally: no memory but the caller's is touched, none is lost, and nothing
/// is shared.
#[test]
fn valgrind_finds_no_error_and_no_race() {
    if !is_asked() {
        return;
    }
    let place = Place::new();
    let models = MODELS.iter().enumerate();
    // It knows no later vectors.
    let of = |(index, model)| packaged(&place, index, model, &[], EVENTS);
    let all: Vec<Packaged> = models.map(of).collect();
    let driver = driver(&place, &all, "gcc");
    let tools: [&[&str]; 2] = [
        &[
            "--tool=memcheck",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite",
        ],
        &["--tool=helgrind"],
    ];
    for tool in tools {
        let mut valgrind = Command::new("valgrind");
        valgrind
            .args(["--quiet", "--error-exitcode=9"])
            .args(tool)
            .arg(&driver);
        valgrind.args(all.iter().map(|own| &own.folder));
        assert_eq!(run(&mut valgrind), told(), "{tool:?}");
    }
}

#[test]
fn aarch64_gives_the_same_bits() {
    if !is_asked() {
        return;
    }
    let place = Place::new();
    let models = MODELS.iter().enumerate();
    let target = ["--target", "aarch64-unknown-linux-gnu"];
    let of = |(index, model)| packaged(&place, index, model, &target, EVENTS);
    let all: Vec<Packaged> = models.map(of).collect();
    let driver = driver(&place, &all, "aarch64-linux-gnu-gcc");
    let mut qemu = Command::new("qemu-aarch64");
    qemu.args(["-L", "/usr/aarch64-linux-gnu"]).arg(&driver);
    qemu.args(all.iter().map(|own| &own.folder));
    assert_eq!(run(&mut qemu), told());
}
