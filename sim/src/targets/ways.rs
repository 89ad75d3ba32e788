//! The ways in which an emitted crate computes an event, on the host: whole, constituent by constituent, and to decide.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use hodoscope_compiler::emit::main_of_ways;
use hodoscope_program::Program;

use crate::ending;

use super::{Board, BuildOptions, Cache, TargetError, build_host};

/// A difference between what a way of an emitted crate gives and what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Index of the event.
    pub event: usize,
    /// `run`, `push` and `finish`, `accepts`, or `push` and `decide`.
    pub way: &'static str,
    /// What is wrong.
    pub what: String,
}

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Raws of whole and of streamed events.
    pub raws: u64,
    /// Decisions.
    pub decisions: u64,
    /// Events of which something differs.
    pub events_different: u64,
    /// The first differences, a few.
    pub differences: Vec<Difference>,
}

/// Differences that are kept.
const KEPT: usize = 8;

/// Computes events in every way that the crate in `dir` offers, and compares with their expected raws: of each event all outputs, one
/// after the other.
///
/// # Errors
/// When the crate does not build, or what was built fails.
pub fn compare(
    program: &Program,
    dir: &Path,
    native: &Board,
    options: &BuildOptions,
    cache: &Cache,
    payloads: impl Iterator<Item = Vec<u8>> + Send,
    expected: &[&[i64]],
) -> Result<Compared, TargetError> {
    let path = build_host(dir, native, options, cache, &main_of_ways(program))?;
    let failed = |message: String| TargetError::Build {
        what: format!("the streams and decisions of {}", program.name),
        stderr: message,
    };
    let mut command = Command::new(&path);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = ending::spawn(&mut command);
    let (mut child, _started) = started.map_err(TargetError::io("start", &path))?;
    let mut stdin = child
        .stdin
        .take()
        .ok_or_else(|| failed("no input".into()))?;
    let output = std::thread::scope(|scope| {
        // What ends early says why.
        let _writer = scope.spawn(move || {
            for payload in payloads {
                let length = (payload.len() as u32).to_le_bytes();
                if stdin.write_all(&[&length[..], &payload].concat()).is_err() {
                    break;
                }
            }
        });
        child.wait_with_output()
    });
    let output = output.map_err(TargetError::io("run", &path))?;
    let answers = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<&str> = answers.lines().collect();
    if !output.status.success() || answers.len() != expected.len() {
        let (got, wanted) = (answers.len(), expected.len());
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(failed(format!("{got} answers of {wanted}; {error}")));
    }
    let mut compared = Compared::default();
    for (event, (answer, expected)) in answers.iter().zip(expected).enumerate() {
        compared.event(event, answer, expected);
    }
    Ok(compared)
}

impl Compared {
    fn event(&mut self, event: usize, answer: &str, expected: &[i64]) {
        let mut is_different = false;
        for part in answer.split_terminator(';') {
            let mut words = part.split(' ');
            let name = words.next().unwrap_or_default();
            let numbers: Vec<i64> = words.filter_map(|word| word.parse().ok()).collect();
            let way = match name {
                "run" => "`run`",
                "stream" => "`push` and `finish`",
                "accepts" => "`accepts`",
                _ => "`push` and `decide`",
            };
            let wrong = match name {
                "run" | "stream" => {
                    self.raws += expected.len() as u64;
                    wrong_raw(&numbers, expected)
                }
                _ => {
                    self.decisions += numbers.len() as u64 / 2;
                    wrong_decision(&numbers, expected)
                }
            };
            if let Some(what) = wrong {
                is_different = true;
                if self.differences.len() < KEPT {
                    self.differences.push(Difference { event, way, what });
                }
            }
        }
        self.events_different += u64::from(is_different);
    }
}

fn wrong_raw(got: &[i64], expected: &[i64]) -> Option<String> {
    if got.len() != expected.len() {
        return Some(format!("{} raws instead of {}", got.len(), expected.len()));
    }
    let index = (0..got.len()).find(|index| got[*index] != expected[*index])?;
    Some(format!(
        "raw {index} is {} instead of {}",
        got[index], expected[index]
    ))
}

fn wrong_decision(got: &[i64], expected: &[i64]) -> Option<String> {
    let score = *expected.first()?;
    let wrong = got
        .chunks_exact(2)
        .find(|pair| (pair[1] == 1) != (score >= pair[0]))?;
    let verb = if wrong[1] == 1 { "accepts" } else { "rejects" };
    Some(format!("{verb} {score} at a threshold of {}", wrong[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let mut compared = Compared::default();
        compared.event(0, "run 3 4;stream 3 4;accepts 3 1 4 0;decide 2 1;", &[3, 4]);
        assert_eq!((compared.raws, compared.decisions), (4, 3));
        assert!(compared.differences.is_empty());
        compared.event(1, "run 3 5;stream 3;accepts 3 0;decide 4 1;", &[3, 4]);
        let found: Vec<String> = compared
            .differences
            .iter()
            .map(|d| format!("{} {}: {}", d.event, d.way, d.what))
            .collect();
        assert_eq!(
            found,
            [
                "1 `run`: raw 1 is 5 instead of 4",
                "1 `push` and `finish`: 1 raws instead of 2",
                "1 `accepts`: rejects 3 at a threshold of 3",
                "1 `push` and `decide`: accepts 3 at a threshold of 4",
            ]
        );
        assert_eq!(compared.events_different, 1);
    }
}
