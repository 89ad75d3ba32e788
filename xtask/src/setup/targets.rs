//! The compiler's libraries for bare metal.
//!
//! `rustup target add` is what everybody uses. A machine without it, or behind a wall that refuses
//! it, can build the three crates that `no_std` code needs from the compiler's own sources: Debian
//! packages them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::say;
use crate::shell;

/// Cortex-M0+, Cortex-M3, Cortex-M4F and Cortex-M7F, Cortex-M33, RV32IMAC, and the soft-cores' RV32I, RV32IM and RV32IMC.
const TARGETS: [&str; 8] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabi",
    "riscv32imac-unknown-none-elf",
    "riscv32i-unknown-none-elf",
    "riscv32im-unknown-none-elf",
    "riscv32imc-unknown-none-elf",
];

/// What `no_std` code links to.
const CRATES: [&str; 3] = ["core", "alloc", "compiler_builtins"];

/// Installs the targets that the toolchain in use lacks.
pub fn install() -> Result<()> {
    let sysroot = PathBuf::from(shell::output(
        shell::at_root("rustc").args(["--print", "sysroot"]),
    )?);
    for target in TARGETS {
        if is_there(&sysroot, target) {
            continue;
        }
        if shell::find("rustup").is_some() {
            say(format_args!("adding target {target} with rustup"));
            match shell::run(shell::at_root("rustup").args(["target", "add", target])) {
                Ok(()) => continue,
                Err(error) => say(format_args!(
                    "{error:#}; building core, alloc and compiler_builtins from source instead"
                )),
            }
        } else {
            say(format_args!(
                "no rustup: building core, alloc and compiler_builtins for {target} from source"
            ));
        }
        from_source(&sysroot, target).with_context(|| {
            format!("target {target} cannot be had; `rustup target add {target}` installs it")
        })?;
        say(format_args!("target {target} is built from source"));
    }
    Ok(())
}

fn libraries(sysroot: &Path, target: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(target).join("lib")
}

fn is_there(sysroot: &Path, target: &str) -> bool {
    CRATES
        .iter()
        .all(|name| !find_library(&libraries(sysroot, target), name).is_empty())
}

/// The files `lib<name>-*.rlib`.
fn find_library(directory: &Path, name: &str) -> Vec<PathBuf> {
    let prefix = format!("lib{name}-");
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&prefix) && name.ends_with(".rlib")
        })
        .collect()
}

/// Builds the three crates with the toolchain's own sources and puts them where the compiler looks.
fn from_source(sysroot: &Path, target: &str) -> Result<()> {
    library_source(sysroot)?;
    let work = shell::target().join("core").join(target);
    let crate_root = work.join("empty");
    write(
        &crate_root.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n",
    )?;
    write(&crate_root.join("src/lib.rs"), "#![no_std]\n")?;
    let built = work.join("build");
    shell::run(
        shell::cargo()
            .args(["build", "--release", "--target", target])
            .args(["-Zbuild-std=core,alloc,compiler_builtins"])
            // memcpy and its kind, which no C library provides here.
            .args(["-Zbuild-std-features=compiler-builtins-mem"])
            .arg("--manifest-path")
            .arg(crate_root.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&built)
            // Building std is an unstable option; its result is used by stable cargo.
            .env("RUSTC_BOOTSTRAP", "1")
            // Without bitcode link-time optimisation fails.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes"),
    )?;
    let from = built.join(target).join("release/deps");
    let to = libraries(sysroot, target);
    fs::create_dir_all(&to).with_context(|| to.display().to_string())?;
    for name in CRATES {
        // Two copies of core are an error of their own (E0464).
        for old in find_library(&to, name) {
            fs::remove_file(&old).with_context(|| old.display().to_string())?;
        }
        let [library] = &find_library(&from, name)[..] else {
            bail!("{} has not exactly one lib{name}", from.display());
        };
        let copy = to.join(library.file_name().unwrap_or_default());
        fs::copy(library, &copy).with_context(|| copy.display().to_string())?;
    }
    fs::remove_dir_all(&work).with_context(|| work.display().to_string())
}

/// Makes sure that the toolchain has the sources of its libraries.
fn library_source(sysroot: &Path) -> Result<()> {
    let sources = sysroot.join("lib/rustlib/src/rust");
    let library = sources.join("library");
    if library.join("core/Cargo.toml").is_file() {
        return Ok(());
    }
    if shell::find("rustup").is_some()
        && shell::run(shell::at_root("rustup").args(["component", "add", "rust-src"])).is_ok()
    {
        return Ok(());
    }
    let unpacked = debian_source()?;
    fs::create_dir_all(&sources).with_context(|| sources.display().to_string())?;
    // A link that leads nowhere is left from a checkout that is gone.
    if library.is_symlink() {
        fs::remove_file(&library).with_context(|| library.display().to_string())?;
    }
    std::os::unix::fs::symlink(&unpacked, &library).with_context(|| {
        format!(
            "{} cannot be linked to {}",
            unpacked.display(),
            library.display()
        )
    })
}

/// `rust-src` of Debian, of exactly the compiler's version, unpacked below `target/`. Nothing is
/// installed, and the machine's own package lists stay as they are.
fn debian_source() -> Result<PathBuf> {
    let version = compiler_version()?;
    let home = shell::target().join("rust-src").join(&version);
    let library = home.join(format!("usr/src/rustc-{version}/library"));
    if library.join("core/Cargo.toml").is_file() {
        return Ok(library);
    }
    for program in ["apt-get", "apt-cache", "dpkg-deb"] {
        if shell::find(program).is_none() {
            bail!("the sources of Rust {version} come from Debian, and there is no {program}");
        }
    }
    say(format_args!(
        "fetching the sources of Rust {version} from Debian's backports into target/"
    ));
    let lists = home.join("lists");
    fs::create_dir_all(lists.join("partial")).with_context(|| lists.display().to_string())?;
    let list = home.join("sources.list");
    let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let mirror = mirror()?;
    let entries = ["trixie-backports", "sid"]
        .map(|suite| format!("deb [signed-by={keys}] {mirror} {suite} main\n"))
        .concat();
    write(&list, &entries)?;
    let apt = |program: &str| {
        let mut command = Command::new(program);
        command
            .current_dir(&home)
            .arg("-oDir::Etc::SourceParts=/dev/null")
            .arg("-oAcquire::IndexTargets::deb::DEP-11::DefaultEnabled=false")
            .arg(format!("-oDir::Etc::SourceList={}", list.display()))
            .arg(format!("-oDir::State::Lists={}", lists.display()))
            // Without it apt fetches as a user of its own, who may not enter here.
            .arg("-oAPT::Sandbox::User=root");
        command
    };
    shell::run(apt("apt-get").arg("update"))?;
    let offered = shell::output(apt("apt-cache").args(["madison", "rust-src"]))?;
    let package = offered
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|offer| offer.starts_with(&format!("{version}+")))
        .with_context(|| format!("Debian offers no rust-src {version}, but:\n{offered}"))?;
    shell::run(apt("apt-get").args(["download", &format!("rust-src={package}")]))?;
    let archive = fs::read_dir(&home)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    shell::run(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&home))?;
    fs::remove_file(&archive).with_context(|| archive.display().to_string())?;
    if !library.join("core/Cargo.toml").is_file() {
        bail!("rust-src {package} has no {}", library.display());
    }
    Ok(library)
}

/// The mirror of Debian that this machine uses already.
fn mirror() -> Result<String> {
    let known = shell::output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
    ]))?;
    known
        .lines()
        // Security updates have a place of their own, without other suites.
        .find(|uri| !uri.contains("security"))
        .map(str::to_owned)
        .context("apt knows no mirror of packages")
}

fn compiler_version() -> Result<String> {
    let text = shell::output(shell::at_root("rustc").arg("-vV"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("release: "))
        .map(str::to_owned)
        .context("`rustc -vV` names no release")
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}
