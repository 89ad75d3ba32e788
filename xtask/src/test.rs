//! Everything that CI checks.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{
    WORKSPACES, bless, peers,
    programs::{self, Totals},
    python,
    setup::{self, DENY, Emulators, MDBOOK, OLDEST, SoftCores},
    shell,
    steps::{
        Outcome::{self, Done, Skipped},
        Steps,
    },
    throughput,
};

/// What is only compiled for a bare-metal target: on the host an app is empty.
const APPS: [(&str, &str); 11] = [
    ("thumbv6m-none-eabi", "hodoscope-app-layouts"),
    ("thumbv6m-none-eabi", "hodoscope-app-pico"),
    ("thumbv7em-none-eabihf", "hodoscope-app-mps2"),
    ("thumbv7em-none-eabihf", "hodoscope-app-nrf52840"),
    ("thumbv7em-none-eabihf", "hodoscope-app-stm32f4"),
    ("thumbv7em-none-eabihf", "hodoscope-app-stm32h7"),
    ("thumbv8m.main-none-eabi", "hodoscope-app-mps2"),
    ("thumbv8m.main-none-eabi", "hodoscope-app-pico2"),
    ("riscv32imac-unknown-none-elf", "hodoscope-app-virt"),
    ("riscv32im-unknown-none-elf", "hodoscope-app-softcore"),
    ("riscv32i-unknown-none-elf", "hodoscope-app-softcore"),
];

/// The host's test programs that compute with the contract's arithmetic.
const COMPUTING: [(&str, &str); 2] = [
    ("hodoscope-interpreter", "soundness"),
    ("hodoscope-compiler", "computing"),
];

/// Part of the tests, by what it needs: `cargo xtask test TIER`.
struct Tier {
    name: &'static str,
    /// Its test programs, beside the unit tests where `units` says so.
    programs: &'static [&'static str],
    units: bool,
}

const TIERS: [Tier; 3] = [
    Tier {
        name: "quick",
        programs: &[
            "between",
            "circuits",
            "cores",
            "decode",
            "import",
            "soundness",
            "text",
            "verify",
        ],
        units: true,
    },
    Tier {
        name: "boards",
        programs: &[
            "deployed",
            "exactness",
            "general",
            "graph_networks",
            "layouts",
            "targets",
            "timing",
            "trees",
        ],
        units: false,
    },
    Tier {
        name: "rtl",
        programs: &["softcores", "stream_rtl", "verilog"],
        units: false,
    },
];

/// Set-up, then all checks, those of a tier, or those whose name contains one of the words.
pub fn run(only: &[&str]) -> Result<()> {
    setup::run(setup::Need::Everything)?;
    if let [word] = only
        && let Some(tier) = TIERS.iter().find(|tier| tier.name == *word)
    {
        return tier.run();
    }
    let emulators = Emulators::look()?;
    let softcores = SoftCores::look()?;
    let mut steps = Steps::new(only);
    steps.step("format", format);
    steps.step("clippy", || {
        for manifest in WORKSPACES {
            shell::run(
                cargo("clippy", manifest)
                    .args(["--workspace", "--all-targets", "--quiet"])
                    .args(["--", "-Dwarnings"]),
            )?;
        }
        for (target, app) in APPS {
            shell::run(
                cargo("clippy", "firmware/Cargo.toml")
                    .args(["--quiet", "--target", target, "--package", app])
                    .args(["--package", "hodoscope-kernels"])
                    .args(["--", "-Dwarnings"]),
            )?;
        }
        Ok(Done(String::new()))
    });
    // Overflow checks are on in debug and off in release: bits have to be the same in both.
    // What computes is tested in both; the others build and run what they test in both profiles
    // themselves (`tests/exactness.rs`).
    steps.step("host tests, debug", || {
        tests("Cargo.toml", &["--workspace"])
    });
    steps.step("host tests, release", || {
        let mut options = vec!["--release"];
        for (package, program) in COMPUTING {
            options.extend(["--package", package, "--test", program]);
        }
        tests("Cargo.toml", &options)
    });
    steps.step("firmware tests, debug", || {
        tests("firmware/Cargo.toml", &["--workspace"])
    });
    steps.step("firmware tests, release", || {
        // Optimised as firmware is, but for the linker's part of it: that takes four minutes, and the emulated boards have it.
        tests_in(
            "firmware/Cargo.toml",
            &["--workspace", "--release"],
            &[
                ("CARGO_PROFILE_RELEASE_LTO", "off"),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
            ],
        )
    });
    steps.step("fresh firmware/models", || {
        bless::check(&[])?;
        Ok(Done(String::new()))
    });
    steps.step("documentation", || {
        for manifest in WORKSPACES {
            shell::run(
                cargo("doc", manifest)
                    .args(["--workspace", "--no-deps", "--quiet"])
                    .env("RUSTDOCFLAGS", "-Dwarnings"),
            )?;
        }
        Ok(Done(String::new()))
    });
    steps.step("book", book);
    steps.step("peers", peers::check);
    steps.step("python", python::test);
    steps.step("oldest Rust", oldest);
    steps.step("dependencies", dependencies);
    if emulators == Emulators::OptedOut {
        steps.step("emulated boards", || {
            Ok(Skipped("there is no QEMU, and that was allowed".to_owned()))
        });
    }
    if softcores == SoftCores::OptedOut {
        steps.step("soft-cores", || {
            Ok(Skipped(
                "there is no Verilator or Verilog of cores, and that was allowed".to_owned(),
            ))
        });
    }
    steps.finish()
}

impl Tier {
    fn run(&self) -> Result<()> {
        let mut steps = Steps::new(&[]);
        if self.units {
            steps.step("format", format);
        }
        steps.step(self.name, || {
            let mut options = vec!["--workspace"];
            if self.units {
                options.extend(["--lib", "--bins"]);
            }
            for program in self.programs {
                options.extend(["--test", program]);
            }
            tests("Cargo.toml", &options)
        });
        steps.finish()
    }
}

fn format() -> Result<Outcome> {
    for manifest in WORKSPACES {
        shell::run(cargo("fmt", manifest).args(["--all", "--check"]))?;
    }
    Ok(Done(String::new()))
}

fn cargo(subcommand: &str, manifest: &str) -> Command {
    let mut command = shell::cargo();
    command.arg(subcommand);
    if manifest != "Cargo.toml" {
        command.args(["--manifest-path", manifest]);
    }
    command
}

/// Runs a workspace's test programs, then the examples in its documentation.
fn tests(manifest: &str, options: &[&str]) -> Result<Outcome> {
    tests_in(manifest, options, &[])
}

/// The same with settings of cargo.
fn tests_in(manifest: &str, options: &[&str], settings: &[(&str, &str)]) -> Result<Outcome> {
    let cargo = || {
        let mut command = cargo("test", manifest);
        command.envs(settings.iter().copied());
        command
    };
    let mut totals = programs::run(cargo().args(options))?;
    // Examples belong to libraries: where programs are chosen by name, there are none.
    if !options.contains(&"--test") {
        let documentation = shell::run_seeing(
            cargo().args(["--doc", "--no-fail-fast"]).args(options),
            |line| totals.see(line),
        );
        if let Err(error) = documentation {
            totals.wrong.push(error.to_string());
        }
    }
    let Totals {
        passed,
        failed,
        ignored,
        wrong,
    } = totals;
    let counts = format!("{passed} passed, {failed} failed, {ignored} ignored");
    if !wrong.is_empty() || failed > 0 {
        bail!("{counts}; {}", wrong.join("; "));
    }
    if passed == 0 {
        bail!("no test ran");
    }
    Ok(Done(counts))
}

/// Builds the book; what it only warns about, such as a file that is not there, is wrong too.
fn book() -> Result<Outcome> {
    let Some(mut mdbook) = MDBOOK.command() else {
        return Ok(Skipped(format!("{} is not there", MDBOOK.name)));
    };
    mdbook.args(["build", "docs"]);
    let built = mdbook.output().with_context(|| shell::line(&mdbook))?;
    let messages = String::from_utf8_lossy(&built.stderr);
    eprint!("{messages}");
    let wrong = messages
        .lines()
        .any(|line| line.contains("WARN") || line.contains("ERROR"));
    if wrong || !built.status.success() {
        bail!("`{}` complained", shell::line(&mdbook));
    }
    Ok(Done(String::new()))
}

fn oldest() -> Result<Outcome> {
    if !setup::has_oldest() {
        return Ok(Skipped(format!("Rust {OLDEST} is not there")));
    }
    for (manifest, target) in WORKSPACES.into_iter().zip(["host", "firmware"]) {
        shell::run(
            shell::at_root("rustup")
                .args(["run", OLDEST, "cargo", "check", "--workspace", "--quiet"])
                .args(["--manifest-path", manifest])
                // Of its own, or each toolchain would throw away what the other one built.
                .arg("--target-dir")
                .arg(shell::target().join("oldest").join(target))
                // cargo sets it for its children, and it would choose the toolchain in use.
                .env_remove("RUSTUP_TOOLCHAIN"),
        )?;
    }
    Ok(Done(OLDEST.to_owned()))
}

/// Licences, sources and duplicates of all lockfiles; advisories where their database is reachable.
fn dependencies() -> Result<Outcome> {
    if DENY.command().is_none() {
        return Ok(Skipped(format!("{} is not there", DENY.name)));
    }
    let deny = |manifest: &str, arguments: &[&str]| -> Result<Command> {
        let mut command = DENY.command().context("cargo-deny is gone")?;
        command
            .args(["--manifest-path", manifest, "--workspace"])
            .args(arguments);
        Ok(command)
    };
    // The database is no registry: a machine that reaches only those checks the rest.
    let advisories = shell::succeeds(&mut deny("Cargo.toml", &["fetch", "db"])?);
    for manifest in WORKSPACES.into_iter().chain([throughput::TRACT]) {
        let mut check = deny(manifest, &["check", "--hide-inclusion-graph"])?;
        check.args(["bans", "licenses", "sources"]);
        if advisories {
            check.arg("advisories");
        }
        shell::run(&mut check)?;
    }
    Ok(Done(match advisories {
        true => String::new(),
        false => "advisories NOT checked: their database cannot be reached".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A program whose name no tier has would be run by none; one that is gone fails by its name.
    #[test]
    fn every_test_of_the_command_has_a_tier() {
        let of_command = fs::read_dir(shell::root().join("tests")).unwrap();
        for entry in of_command {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let tiers = TIERS.iter().filter(|tier| tier.programs.contains(&&*name));
                assert_eq!(tiers.count(), 1, "{name}");
            }
        }
    }
}
