//! A network as logic: its Verilog and testbench, as `hodoscope rtl` wrote them, made a program by Verilator.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use hodoscope_fabric::Circuit;
use hodoscope_fabric::verilog::{Answer, answer, beats, decode};
use sha2::{Digest, Sha256};

use super::super::{Cache, TargetError, files, hex};
use super::verilate::{find_verilator, machine, output};
use crate::ending::{self, Folder};

/// Options of Verilator. What no value was given to is random, and so are the registers at the beginning.
const OPTIONS: &[&str] = &[
    "--cc",
    "--exe",
    "--build",
    "-O3",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--output-split",
    "20000",
    "--top-module",
    "testbench",
    "-MAKEFLAGS",
    // Building takes most of the time.
    "OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0",
];

/// A simulator of one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulator {
    program: PathBuf,
    name: String,
}

/// What the network answered to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Clocks from the event's last words to its outputs.
    pub clocks: u32,
    /// The outputs, and whether the event was marked.
    pub answer: Answer,
}

impl Simulator {
    /// The simulator of the Verilog in `files`: one that was built before, or a new one. `name` is for people.
    ///
    /// # Errors
    /// When Verilator is missing, or refuses a file.
    pub fn build(
        name: &str,
        verilog: &BTreeMap<String, String>,
        cache: &Cache,
    ) -> Result<Self, TargetError> {
        let verilator = find_verilator()?;
        let what = format!("{name} as logic");
        let version = output(Command::new(&verilator).arg("--version"), &what)?;
        let mut digest = Sha256::new();
        for (path, content) in verilog {
            digest.update(Sha256::digest(path));
            digest.update(Sha256::digest(content));
        }
        digest.update(format!("{OPTIONS:?} {version} {}", machine()));
        let key = hex(&digest.finalize()[..8]);
        let place = cache.root().join("rtl").join(format!("fabric-{key}"));
        let program = place.join("testbench");
        fs::create_dir_all(&place).map_err(TargetError::io("create", &place))?;
        let lock = place.join(".lock");
        let lock = File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let lock = lock.map_err(TargetError::io("lock", &place))?;
        if !files::is_as_made(&program) {
            for (path, content) in verilog {
                files::write(&place.join(path), content.as_bytes())?;
            }
            let objects = place.join("objects");
            let mut command = Command::new(&verilator);
            command.args(OPTIONS).arg("--Mdir").arg(&objects);
            command.args(verilog.keys()).current_dir(&place);
            output(&mut command, &what)?;
            let made = objects.join("Vtestbench");
            fs::rename(&made, &program).map_err(TargetError::io("rename", &made))?;
            fs::remove_dir_all(&objects).map_err(TargetError::io("remove", &objects))?;
            files::made(&program)?;
        }
        drop(lock);
        Ok(Self {
            program,
            name: name.to_owned(),
        })
    }

    /// Lets events go through the network, one behind the other without a pause: of each the words of every input.
    /// `seed` makes the state that it begins with.
    ///
    /// # Errors
    /// When the simulator fails, or does not answer every event.
    pub fn run(
        &self,
        circuit: &Circuit,
        events: &[Vec<Vec<i64>>],
        seed: u32,
    ) -> Result<Vec<Answered>, TargetError> {
        let place = Folder::new().map_err(TargetError::io("create", &std::env::temp_dir()))?;
        let path = |name: &str| place.path().join(name);
        let (mut vectors, mut expected) = (String::new(), String::new());
        for inputs in events {
            beats(circuit, inputs, &mut vectors);
            // Compared here, not there.
            expected.push_str(&answer(circuit, None));
            expected.push('\n');
        }
        let write = |name: &str, text: &str| {
            let path = path(name);
            fs::write(&path, text).map_err(TargetError::io("write", &path))
        };
        write("vectors", &vectors)?;
        write("expected", &expected)?;
        let told = |name: &str, path: &Path| format!("+{name}={}", path.display());
        let mut command = Command::new(&self.program);
        command
            .arg("+verilator+rand+reset+2")
            // Zero stands for a seed of its own.
            .arg(format!("+verilator+seed+{}", seed % 0x7fff_fffe + 1))
            .args(["vectors", "expected", "answers"].map(|name| told(name, &path(name))));
        let ran = ending::output(&mut command).map_err(TargetError::io("run", &self.program))?;
        let broken = |message: String| TargetError::Protocol {
            what: format!("{} as logic", self.name),
            message,
        };
        if !ran.status.success() {
            return Err(TargetError::Ended {
                what: format!("{} as logic", self.name),
                status: ran.status.to_string(),
                log: String::from_utf8_lossy(&ran.stderr).into_owned(),
            });
        }
        let answers = path("answers");
        let text = fs::read_to_string(&answers).map_err(TargetError::io("read", &answers))?;
        let answered: Option<Vec<Answered>> = text
            .lines()
            .map(|line| {
                let (clocks, raws) = line.split_once(' ')?;
                Some(Answered {
                    clocks: clocks.trim().parse().ok()?,
                    answer: decode(circuit, raws)?,
                })
            })
            .collect();
        let answered = answered.ok_or_else(|| broken("an answer that is no number".to_owned()))?;
        if answered.len() != events.len() {
            return Err(broken(format!(
                "{} answers to {} events",
                answered.len(),
                events.len()
            )));
        }
        Ok(answered)
    }
}
