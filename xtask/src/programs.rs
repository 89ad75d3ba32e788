//! A workspace's test programs, several side by side.
//!
//! `cargo test` runs one test program after the other. Many of them wait for one long test, a build
//! or an emulator, and leave the other cores idle.

use std::{
    io::{Read, pipe},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use anyhow::{Context, Result, bail};

use crate::{built, shell};

/// What the tests of a workspace came to.
#[derive(Default)]
pub struct Totals {
    pub passed: u32,
    pub failed: u32,
    pub ignored: u32,
    /// The programs that did not end well.
    pub wrong: Vec<String>,
}

impl Totals {
    /// Adds what a line of a test program says of all its tests, if it is that line.
    pub fn see(&mut self, line: &str) {
        let Some(totals) = line.strip_prefix("test result: ") else {
            return;
        };
        let count = |what: &str| {
            totals
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u32>().ok())
                .unwrap_or(0)
        };
        self.passed += count("passed");
        self.failed += count("failed");
        self.ignored += count("ignored");
    }
}

/// What takes longest beside the top package's programs: these build crates, too, or compute much.
const LONG: [&str; 3] = [
    "model-compiler/tests/computing/main.rs",
    "model-compiler/tests/emit/main.rs",
    "sim/tests/targets.rs",
];

/// A built test program.
struct Program {
    /// Its main file.
    name: String,
    executable: PathBuf,
    /// The package's directory, in which cargo would run it.
    directory: PathBuf,
}

/// Builds with `cargo test`, which has the selection of packages and programs, then runs what it
/// built, as many programs at once as there are cores. The output of each is shown in one piece
/// when it has ended.
pub fn run(cargo_test: &mut Command) -> Result<Totals> {
    let mut programs = build(cargo_test)?;
    // The longest go first, lest one is left at the end: the top package's build firmware and run it.
    programs.sort_by_key(|program| match program.directory == shell::root() {
        true => 0,
        false => 1 + usize::from(!LONG.contains(&program.name.as_str())),
    });
    let queue = Mutex::new(programs.into_iter());
    let totals = Mutex::new(Totals::default());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(program) = next(&queue) {
                    let lines = program.run();
                    finished(&program, lines, &totals);
                }
            });
        }
    });
    Ok(totals
        .into_inner()
        .unwrap_or_else(|error| error.into_inner()))
}

fn next(queue: &Mutex<impl Iterator<Item = Program>>) -> Option<Program> {
    let mut queue = queue.lock().unwrap_or_else(|error| error.into_inner());
    queue.next()
}

/// Shows a program's output and counts its tests.
fn finished(program: &Program, output: Result<(String, bool)>, totals: &Mutex<Totals>) {
    let mut totals = totals.lock().unwrap_or_else(|error| error.into_inner());
    match output {
        Ok((text, well)) => {
            println!("\n     Ran {}\n{text}", program.name);
            text.lines().for_each(|line| totals.see(line));
            if !well {
                totals.wrong.push(program.name.clone());
            }
        }
        Err(error) => {
            eprintln!("{}: {error:#}", program.name);
            totals.wrong.push(program.name.clone());
        }
    }
}

impl Program {
    /// Its output, and whether it ended well.
    fn run(&self) -> Result<(String, bool)> {
        // Both streams in one pipe, so that a panic's message stands where it belongs.
        let (mut output, input) = pipe()?;
        let mut command = Command::new(&self.executable);
        command
            .current_dir(&self.directory)
            .env("CARGO_MANIFEST_DIR", &self.directory)
            // A snapshot that differs fails, and leaves no file behind.
            .env("INSTA_UPDATE", "no")
            .envs(shell::cache())
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input);
        let mut child = command.spawn().with_context(|| shell::line(&command))?;
        // It holds the pipe's other end open.
        drop(command);
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes)?;
        let status = child.wait()?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if !status.success() {
            text.push_str(&format!("{}: {status}\n", self.name));
        }
        Ok((text, status.success()))
    }
}

/// Builds the test programs that a `cargo test` selects.
fn build(cargo_test: &mut Command) -> Result<Vec<Program>> {
    let messages = built::messages(cargo_test.arg("--no-run"))?;
    let mut programs = Vec::new();
    for message in &messages {
        let Some(executable) = message["executable"].as_str() else {
            continue;
        };
        if message["profile"]["test"] != true {
            continue;
        }
        let (Some(manifest), Some(source)) = (
            message["manifest_path"].as_str().map(Path::new),
            message["target"]["src_path"].as_str().map(Path::new),
        ) else {
            bail!("cargo names a test program without its package: {message}");
        };
        let source = source.strip_prefix(shell::root()).unwrap_or(source);
        programs.push(Program {
            name: source.display().to_string(),
            executable: PathBuf::from(executable),
            directory: manifest.parent().unwrap_or(shell::root()).to_owned(),
        });
    }
    if programs.is_empty() {
        bail!("`{}` built no test program", shell::line(cargo_test));
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_programs_are_there() {
        for name in LONG {
            assert!(shell::root().join(name).is_file(), "{name}");
        }
    }
}
