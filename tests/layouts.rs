//! The assembly bodies of dense layouts agree with their portable ones, under emulation.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

#[test]
fn assembly_computes_what_portable_bodies_compute() {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|v| v == "1") {
        println!("SKIPPED: emulated boards, since HODOSCOPE_WITHOUT_EMULATOR=1");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layouts");
    let scripts = root.join("boards/mps2-an386");
    let flags = [
        "-Ctarget-cpu=cortex-m4".to_owned(),
        format!("-Clink-arg=-L{}", scripts.display()),
        "-Clink-arg=-Tlink.x".to_owned(),
        "-Clink-arg=--nmagic".to_owned(),
    ];
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--no-default-features"])
        .args([
            "--package",
            "hodoscope-app-mps2",
            "--example",
            "layouts-mps2",
        ])
        .args(["--target", "thumbv7em-none-eabihf", "--manifest-path"])
        .arg(root.join("firmware/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let run = Command::new("qemu-system-arm")
        .args(["-machine", "mps2-an386", "-display", "none"])
        .args(["-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(target.join("thumbv7em-none-eabihf/release/examples/layouts-mps2"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "a layout differs: {errors}");
}
