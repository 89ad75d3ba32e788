//! Starts the program that runs a firmware, and ends it whatever happens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::elf::Elf;
use crate::ending::{self, Folder, Started};

use super::board::{Board, Emulator, Runner};
use super::cargo::{self, Target};
use super::options::SessionOptions;
use super::protocol::{Connection, Log};
use super::stack::Stack;
use super::{Built, TargetError, flash, rtl};

/// Functions of the firmware between which instructions are counted.
pub(crate) const MARKERS: [&str; 2] = ["hodoscope_inference_begin", "hodoscope_inference_end"];

/// A running program, its files and what it writes. Dropping it kills the program.
pub(super) struct Process {
    child: Child,
    log: Log,
    reader: Option<thread::JoinHandle<()>>,
    /// Bytes of the log that came over the link.
    linked: Log,
    /// Holds the files below; removed at the end.
    _files: Folder,
    _started: Started,
    defmt: PathBuf,
    counts: Option<PathBuf>,
    recording: Option<PathBuf>,
    stack: Option<Stack>,
}

impl Process {
    /// Starts the firmware, its link on the program's standard streams.
    pub fn start(
        board: &Board,
        built: &Built,
        options: &SessionOptions,
    ) -> Result<(Self, Connection), TargetError> {
        let files = Folder::new().map_err(TargetError::io("create", &std::env::temp_dir()))?;
        let defmt = files.path().join("defmt");
        let counts = files.path().join("counts");
        let recorded = files.path().join("paths");
        let uf2 = flash::uf2_path(&built.elf);
        let paths = [
            ("{uf2}", &uf2),
            ("{elf}", &built.elf),
            ("{log}", &defmt),
            ("{board}", &built.scripts),
        ];
        let (mut counted, mut paths_recorded, mut stack) = (None, None, None);
        let mut command = match &board.runner {
            Runner::Native => Command::new(&built.elf),
            Runner::Hardware => {
                return Err(TargetError::NoEmulator {
                    board: board.name.clone(),
                });
            }
            Runner::Rtl(_) => {
                let simulator = built.simulator.as_ref();
                let mut command = Command::new(simulator.unwrap_or(&built.elf));
                let image = rtl::image_path(&built.elf);
                command.arg(format!("+image={}", image.display()));
                command
            }
            Runner::Emulator(emulator) => {
                let mut arguments = emulator.arguments.clone();
                if options.deterministic {
                    arguments.extend_from_slice(&emulator.deterministic);
                }
                let wanted = options.count_instructions || options.record_paths;
                if wanted && board.counts_instructions() {
                    let record = options.record_paths.then_some(&*recorded);
                    let plugin = plugin(built, emulator, &counts, record)?;
                    let with = |argument: &String| argument.replace("{plugin}", &plugin);
                    arguments.extend(emulator.plugin.iter().map(with));
                    counted = Some(counts);
                    paths_recorded = options.record_paths.then_some(recorded);
                }
                if options.measure_stack && board.counts_instructions() {
                    let elf = Elf::read(&built.elf)?;
                    stack = Stack::prepare(&elf, board, files.path())?;
                    if let Some(stack) = &stack {
                        arguments.extend(stack.arguments(escaped));
                    }
                }
                let mut command = Command::new(emulator.find()?);
                command.args(arguments.into_iter().map(|argument| {
                    match paths.iter().find(|(key, _)| *key == argument) {
                        Some((_, path)) => path.as_os_str().to_owned(),
                        None => paths
                            .iter()
                            .fold(argument, |argument, (key, path)| {
                                argument.replace(key, &escaped(path))
                            })
                            .into(),
                    }
                }));
                command
            }
        };
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let (mut child, started) =
            ending::spawn(&mut command).map_err(|error| TargetError::Ended {
                what: board.name.clone(),
                status: error.to_string(),
                log: String::new(),
            })?;
        let (log, linked) = (Log::default(), Log::default());
        let reader = child.stderr.take().map(|stderr| log.follow(stderr));
        let streams = (child.stdout.take(), child.stdin.take());
        let process = Self {
            child,
            log,
            reader,
            linked,
            _files: files,
            _started: started,
            defmt,
            counts: counted,
            recording: paths_recorded,
            stack,
        };
        let (Some(from), Some(to)) = streams else {
            return Err(TargetError::Protocol {
                what: board.name.clone(),
                message: "it has no standard streams".to_owned(),
            });
        };
        let connection = Connection::new(from, to, &process.linked);
        Ok((process, connection))
    }

    /// The file of instruction counts, if they are counted.
    pub fn counts(&self) -> Option<&Path> {
        self.counts.as_deref()
    }

    /// The file of what was executed, if it is recorded.
    pub fn recording(&self) -> Option<&Path> {
        self.recording.as_deref()
    }

    /// Bytes of stack that were used so far, if that is measured.
    pub fn stack(&self) -> Result<Option<u64>, TargetError> {
        self.stack.as_ref().map(Stack::used).transpose()
    }

    /// What the program has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.bytes()).into_owned()
    }

    /// The defmt stream so far, from the link or from semihosting.
    pub fn defmt(&self) -> Vec<u8> {
        let linked = self.linked.bytes();
        if linked.is_empty() {
            std::fs::read(&self.defmt).unwrap_or_default()
        } else {
            linked
        }
    }

    /// Waits for the program to end by itself.
    pub fn wait(&mut self, what: &str, limit: Duration) -> Result<(), TargetError> {
        let end = Instant::now() + limit;
        let mut pause = Duration::from_millis(1);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    self.join();
                    if status.success() {
                        return Ok(());
                    }
                    return Err(self.ended(what));
                }
                Ok(None) if Instant::now() < end => {
                    thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                _ => {
                    return Err(TargetError::TimedOut {
                        what: what.to_owned(),
                        wanted: "end".to_owned(),
                        limit,
                        log: self.log(),
                    });
                }
            }
        }
    }

    /// The error of a link that closed: how the program ended, and its last words.
    pub fn ended(&mut self, what: &str) -> TargetError {
        // A program that closed its end of the link is about to end.
        let end = Instant::now() + Duration::from_secs(2);
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status.to_string(),
                Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
                Ok(None) => break "it closed its link".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        self.join();
        TargetError::Ended {
            what: what.to_owned(),
            status,
            log: self.log(),
        }
    }

    /// Ends the program and takes what it still wrote.
    fn join(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.join();
    }
}

/// A path within a list of options of QEMU, which takes commas in pairs.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// Builds the timing plugin, and returns QEMU's argument for it.
fn plugin(
    built: &Built,
    emulator: &Emulator,
    counts: &Path,
    paths: Option<&Path>,
) -> Result<String, TargetError> {
    let elf = Elf::read(&built.elf)?;
    let [begin, end] = elf.markers(&built.elf, MARKERS)?;
    // Its plugin interface changed with that version.
    let (features, output): (&[_], _) = if major_version(emulator)? >= 9 {
        (&["qemu-9"], "target-9")
    } else {
        (&[], "target")
    };
    let library = cargo::build(&cargo::Build {
        what: "QEMU's timing plugin".to_owned(),
        dir: built.sources.timing_plugin(),
        target: &Target::find(None, &built.cache)?,
        release: true,
        flags: &[],
        env: &BTreeMap::new(),
        features,
        artefact: &format!(
            "{}hodoscope_timing_plugin{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        ),
        output: built.sources.timing_plugin().join(output),
    })?;
    let mut argument = format!(
        "{},begin={:x}+{:x},end={:x}+{:x},out={}",
        escaped(&library),
        begin.address,
        begin.size,
        end.address,
        end.size,
        escaped(counts)
    );
    if let Some(paths) = paths {
        argument += &format!(",paths={}", escaped(paths));
    }
    Ok(argument)
}

/// QEMU's major version.
fn major_version(emulator: &Emulator) -> Result<u32, TargetError> {
    let ended = |status: String| TargetError::Ended {
        what: format!("{} --version", emulator.program),
        status,
        log: String::new(),
    };
    let output = Command::new(emulator.find()?)
        .arg("--version")
        .output()
        .map_err(|error| ended(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_major_version(&text).ok_or_else(|| ended(format!("it said `{}`", text.trim())))
}

/// `QEMU emulator version 7.2.22 (Debian …)` is 7.
fn parse_major_version(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("version ")?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_qemu_is_read() {
        let text = "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright (c) 2003";
        assert_eq!(parse_major_version(text), Some(10));
        assert_eq!(parse_major_version("QEMU"), None);
    }

    #[test]
    fn commas_are_doubled() {
        assert_eq!(escaped(Path::new("/a,b/c")), "/a,,b/c");
    }
}
