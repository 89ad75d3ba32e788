//! What is written for two small programs, seen as a whole, and for layers of several rows. `INSTA_UPDATE=always` blesses.

use crate::emit_programs::{AUTOENCODER, DEEP_SET, rows};
use hodoscope_compiler::emit::emit_crate;
use hodoscope_compiler::plan::{Isa, Plan};
use hodoscope_program::Program;

fn check(name: &str, text: &str) {
    let program = Program::from_text(text).unwrap();
    insta::assert_snapshot!(format!("{name}.program"), program.to_text());
    let files = emit_crate(&Isa::ALL.map(|isa| Plan::new(&program, isa).unwrap()));
    for (path, text) in &files {
        insta::assert_snapshot!(format!("{name}.{}", path.replace('/', ".")), text);
    }
    // A plan that differs from the portable one has a module of its own.
    let own = |path: &&str| !path.starts_with("src/compute/armv");
    let paths: Vec<&str> = files.keys().map(String::as_str).filter(own).collect();
    let expected = [
        "Cargo.toml",
        "README.md",
        "rustfmt.toml",
        "src/adders.rs",
        "src/compute/mod.rs",
        "src/compute/portable.rs",
        "src/compute/rv32i.rs",
        "src/lib.rs",
        "src/weights.rs",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn a_deep_set_with_a_header() {
    check("deep_set", DEEP_SET);
}

#[test]
fn a_dense_autoencoder() {
    check("autoencoder", AUTOENCODER);
}

#[test]
fn layers_of_several_rows() {
    let program = Program::from_text(&rows()).unwrap();
    let files =
        emit_crate(&[Isa::Portable, Isa::ArmV7eDsp].map(|isa| Plan::new(&program, isa).unwrap()));
    let path = "src/compute/armv7e_dsp.rs";
    insta::assert_snapshot!(format!("rows.{}", path.replace('/', ".")), files[path]);
}
