//! Named steps: all of them run, and the last lines say how each went.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How a step went, when it did not fail.
pub enum Outcome {
    /// Done. The text is for the summary, and may be empty.
    Done(String),
    /// Not done, for the reason given.
    Skipped(String),
}

/// Steps that ran.
pub struct Steps {
    /// Words of which a step's name has to contain one; none means every step.
    only: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    time: Duration,
    result: Result<Outcome>,
}

impl Steps {
    /// No step yet.
    pub fn new(only: &[&str]) -> Self {
        Self {
            only: only.iter().map(|&word| word.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Runs a step unless it was not asked for. A failure does not stop the others: one run shows
    /// all that is wrong.
    pub fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Outcome>) {
        if !self.only.is_empty() && !self.only.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = work();
        match &result {
            Ok(Outcome::Done(_)) => {}
            Ok(Outcome::Skipped(why)) => eprintln!("SKIPPED: {why}"),
            Err(error) => eprintln!("FAILED: {error:#}"),
        }
        self.rows.push(Row {
            name,
            time: start.elapsed(),
            result,
        });
    }

    /// Prints the summary.
    ///
    /// # Errors
    /// When a step failed, or none ran.
    pub fn finish(self) -> Result<()> {
        if self.rows.is_empty() {
            bail!("no step is called `{}`", self.only.join("`, `"));
        }
        println!();
        let width = self
            .rows
            .iter()
            .map(|row| row.name.len())
            .max()
            .unwrap_or(0);
        for row in &self.rows {
            let (state, note) = match &row.result {
                Ok(Outcome::Done(note)) => ("ok", note.clone()),
                Ok(Outcome::Skipped(why)) => ("SKIPPED", why.clone()),
                Err(error) => ("FAILED", format!("{error:#}")),
            };
            let seconds = row.time.as_secs_f64();
            let text = format!("{:width$}  {seconds:7.1} s  {state:7}  {note}", row.name);
            println!("{}", text.trim_end());
        }
        let failed = self.rows.iter().filter(|row| row.result.is_err()).count();
        let total: Duration = self.rows.iter().map(|row| row.time).sum();
        println!(
            "{} steps in {:.0} s, {failed} failed",
            self.rows.len(),
            total.as_secs_f64()
        );
        if failed > 0 {
            bail!("{failed} of {} steps failed", self.rows.len());
        }
        Ok(())
    }
}
