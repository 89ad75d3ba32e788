//! Derives the instruction set from the target, as `cfg(hodoscope_isa = "…")`, `cfg(hodoscope_masks)`
//! where order takes arithmetic, and `cfg(hodoscope_dual_issue)` for a Cortex-M7.

use std::env;

const SETS: [&str; 7] = [
    "portable",
    "armv6m",
    "armv7m",
    "armv7em",
    "armv8m-dsp",
    "rv32im",
    "rv32i",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var("TARGET").unwrap_or_default();
    // thumbv8m.main covers cores with and without the DSP extension: the cpu decides.
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let dsp_core = ["cortex-m33", "cortex-m35p", "cortex-m55", "cortex-m85"]
        .iter()
        .any(|cpu| flags.contains(cpu));
    // It starts two instructions at once where neither loads several registers.
    let dual_issue = flags.contains("cortex-m7");
    let set = match target.split('-').next().unwrap_or_default() {
        "thumbv6m" => "armv6m",
        "thumbv7m" => "armv7m",
        "thumbv7em" => "armv7em",
        "thumbv8m.main" if dsp_core => "armv8m-dsp",
        arch if arch.starts_with("riscv32im") => "rv32im",
        arch if arch.starts_with("riscv32") => "rv32i",
        _ => "portable",
    };
    let known: Vec<String> = SETS.iter().map(|set| format!("\"{set}\"")).collect();
    println!(
        "cargo::rustc-check-cfg=cfg(hodoscope_isa, values({}))",
        known.join(", ")
    );
    println!("cargo::rustc-cfg=hodoscope_isa=\"{set}\"");
    println!("cargo::rustc-check-cfg=cfg(hodoscope_dual_issue)");
    if set == "armv7em" && dual_issue {
        println!("cargo::rustc-cfg=hodoscope_dual_issue");
    }
    // No instruction selects the larger of two numbers: a comparison would branch.
    println!("cargo::rustc-check-cfg=cfg(hodoscope_masks)");
    if ["armv6m", "rv32im", "rv32i"].contains(&set) {
        println!("cargo::rustc-cfg=hodoscope_masks");
    }
    println!("cargo::rustc-env=HODOSCOPE_ISA={set}");
}
