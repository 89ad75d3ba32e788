//! Tells the boards with an IoT subsystem from the others, as `cfg(iot_subsystem)`: only they have a
//! core of ARMv8-M, and their peripherals lie elsewhere.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(iot_subsystem)");
    if env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv8m")) {
        println!("cargo::rustc-cfg=iot_subsystem");
    }
}
