//! Puts the linker script where the linker looks.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=link.x");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("run by cargo")?);
    fs::copy("link.x", out.join("link.x"))?;
    println!("cargo::rustc-link-search={}", out.display());
    Ok(())
}
