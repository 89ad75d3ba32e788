//! `run`, `push` and `finish`, `accepts` and `decide` of the emitted crate, on the host.

use anyhow::{Context, Result};
use hodoscope_sim::targets::ways::{self, Compared};
use hodoscope_sim::targets::{Board, BuildOptions, Cache};
use serde_json::{Value, json};

use super::own::{self, Group};
use crate::model_dir::ModelDir;
use crate::progress;
use crate::report::thousands;

/// What the ways of a crate gave, group by group.
pub struct Ways(Vec<(bool, Compared)>);

pub fn compare(
    model: &ModelDir,
    native: &Board,
    options: &BuildOptions,
    groups: &[Group],
) -> Result<Ways> {
    let cache = Cache::from_env()?;
    let spinner = progress::spinner("streams and decisions");
    let compared = groups.iter().filter(|group| !group.events.is_empty());
    let compared = compared.map(|group| {
        let expected: Vec<&[i64]> = group.expected.iter().map(Vec::as_slice).collect();
        let payloads = (0..group.events.len()).map(|event| group.events.payload(event));
        let compared = ways::compare(
            &model.program,
            &model.dir,
            native,
            options,
            &cache,
            payloads,
            &expected,
        );
        Ok((group.is_own, compared.context("streams and decisions")?))
    });
    let compared = compared.collect::<Result<_>>();
    spinner.finish_and_clear();
    Ok(Ways(compared?))
}

impl Ways {
    fn total(&self, of: impl Fn(&Compared) -> u64) -> u64 {
        self.0.iter().map(|(_, compared)| of(compared)).sum()
    }

    pub fn text(&self) -> String {
        format!(
            "  the crate on the host: {} raws of `run`, `push` and `finish` and {} decisions compared, {} events different\n",
            thousands(self.total(|c| c.raws)),
            thousands(self.total(|c| c.decisions)),
            thousands(self.total(|c| c.events_different))
        )
    }

    pub fn failure(&self) -> Option<String> {
        let mut all = self.0.iter();
        let (kind, first) =
            all.find_map(|(is_own, c)| Some((own::kind(*is_own), c.differences.first()?)))?;
        Some(format!(
            "the crate on the host: {} events differ from the interpreter in a stream or a decision. First: {kind} {}, {}: {}",
            thousands(self.total(|c| c.events_different)),
            first.event,
            first.way,
            first.what
        ))
    }

    pub fn json(&self) -> Value {
        json!({
            "raws_compared": self.total(|c| c.raws),
            "decisions_compared": self.total(|c| c.decisions),
            "events_different": self.total(|c| c.events_different),
            "differences": self.0.iter().flat_map(|(is_own, compared)| {
                compared.differences.iter().map(move |d| json!({
                    "is_own": is_own,
                    "event": d.event,
                    "way": d.way,
                    "what": d.what,
                }))
            }).collect::<Vec<_>>(),
        })
    }
}
