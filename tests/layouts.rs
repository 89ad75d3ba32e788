//! The kernels' assembly agrees with their portable bodies, under emulation.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object as _, ObjectSymbol as _};

/// A core: what it is called, what is compiled for it, and the machine that executes it.
struct Core {
    isa: &'static str,
    target: &'static str,
    cpu: Option<&'static str>,
    /// The folder of its `memory.x`.
    memory: &'static str,
    emulator: &'static [&'static str],
}

const CORES: [Core; 7] = [
    Core {
        isa: "armv6m",
        target: "thumbv6m-none-eabi",
        cpu: None,
        memory: "boards/mps2-armv6m",
        emulator: &["qemu-system-arm", "-machine", "mps2-an385"],
    },
    Core {
        isa: "armv7em",
        target: "thumbv7em-none-eabihf",
        cpu: Some("cortex-m4"),
        memory: "boards/mps2-an386",
        emulator: &["qemu-system-arm", "-machine", "mps2-an386"],
    },
    Core {
        isa: "armv7em",
        target: "thumbv7em-none-eabihf",
        cpu: Some("cortex-m7"),
        memory: "boards/mps2-an500",
        emulator: &["qemu-system-arm", "-machine", "mps2-an500"],
    },
    Core {
        isa: "armv8m-dsp",
        target: "thumbv8m.main-none-eabi",
        cpu: Some("cortex-m33"),
        memory: "boards/mps2-an505",
        emulator: &["qemu-system-arm", "-machine", "mps2-an505"],
    },
    Core {
        isa: "rv32im",
        target: "riscv32imac-unknown-none-elf",
        cpu: None,
        memory: "boards/virt-rv32",
        emulator: &["qemu-system-riscv32", "-machine", "virt", "-bios", "none"],
    },
    // Without compressed instructions: columns have the same length in both, the code around has not.
    Core {
        isa: "rv32im",
        target: "riscv32im-unknown-none-elf",
        cpu: None,
        memory: "boards/virt-rv32",
        emulator: &[
            "qemu-system-riscv32",
            "-machine",
            "virt",
            "-bios",
            "none",
            "-cpu",
            "rv32,c=off,a=off,f=off,d=off",
        ],
    },
    // A multiplication would end it.
    Core {
        isa: "rv32i",
        target: "riscv32i-unknown-none-elf",
        cpu: None,
        memory: "boards/virt-rv32",
        emulator: &[
            "qemu-system-riscv32",
            "-machine",
            "virt",
            "-bios",
            "none",
            "-cpu",
            "rv32,m=off,c=off,a=off,f=off,d=off",
        ],
    },
];

/// What is compared on every core; flipped bits are looked for in layers' weights.
const KERNELS: [(&str, bool); 11] = [
    ("nested_pairs", true),
    ("half_pairs", true),
    ("byte_pairs", true),
    ("nested_pairs of two", false),
    ("half_pairs of two", false),
    ("packed_words", true),
    ("byte_quads", true),
    ("row_blocks of i8", true),
    ("row_blocks of i16", true),
    ("order", false),
    ("products", false),
];

fn build(core: &Core) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layouts");
    let mut flags = vec![
        format!("-Clink-arg=-L{}", root.join(core.memory).display()),
        "-Clink-arg=-Tlink.x".to_owned(),
        "-Clink-arg=--nmagic".to_owned(),
    ];
    flags.extend(core.cpu.map(|cpu| format!("-Ctarget-cpu={cpu}")));
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release"])
        .args(["--package", "hodoscope-app-layouts"])
        .args(["--target", core.target, "--manifest-path"])
        .arg(root.join("firmware/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{}: {errors}", core.target);
    target
        .join(core.target)
        .join("release/hodoscope-app-layouts")
}

fn run(core: &Core, elf: &Path) -> String {
    let run = Command::new(core.emulator[0])
        .args(&core.emulator[1..])
        .args(["-display", "none", "-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(elf)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}: {text}{errors}", core.target);
    text
}

#[test]
fn assembly_computes_what_portable_bodies_compute() {
    if std::env::var_os("HODOSCOPE_WITHOUT_EMULATOR").is_some_and(|v| v == "1") {
        println!("SKIPPED: emulated boards, since HODOSCOPE_WITHOUT_EMULATOR=1");
        return;
    }
    for core in &CORES {
        let elf = build(core);
        let text = run(core, &elf);
        println!("{}:\n{text}", core.target);
        let (isa, kernels) = text.split_once('\n').unwrap();
        assert_eq!(isa, format!("isa {}", core.isa), "{}", core.target);
        let kernels: Vec<(&str, bool)> = kernels.lines().map(agreement).collect();
        assert_eq!(kernels, KERNELS, "{}", core.target);
        if core.isa == "rv32i" {
            products_are_our_own(&elf);
        }
    }
}

/// The kernel of a line, and whether flipped bits were looked for.
fn agreement(line: &str) -> (&str, bool) {
    let (name, counts) = line.split_once(": ").unwrap();
    let numbers: Vec<u32> = counts
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let [results, flips] = numbers[..] else {
        panic!("{line}");
    };
    assert!(results > 1000, "{line}");
    (name, flips > 0)
}

/// The compiler's library has a weak one too: a loop of a few instructions, which stops early.
fn products_are_our_own(elf: &Path) {
    let bytes = std::fs::read(elf).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    let product = file
        .symbols()
        .find(|symbol| symbol.name() == Ok("__mulsi3"))
        .unwrap();
    // Six instructions for each of 32 bits, without a branch.
    assert!(product.size() >= 4 * 6 * 31, "{}", product.size());
}
