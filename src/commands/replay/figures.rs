//! What a replay found.

use std::time::Duration;

use hdrhistogram::Histogram;
use hodoscope_program::Program;
use hodoscope_sim::targets::replay::{Fate, Replayed, Run, Settled};
use hodoscope_sim::targets::{Board, Counters, Health};
use serde_json::{Value, json};

use super::events_text;
use crate::commands::verify::different_bits;
use crate::execute::{self, Answers, OutputSlice};
use crate::model_dir::ModelDir;
use crate::report::{Report, hex, thousands};

/// Answers beside the interpreter's.
pub struct Compared<'a> {
    outputs: Vec<OutputSlice>,
    expected: &'a Answers,
    decision: (u16, i64),
    events: u64,
    refused: u64,
    accepted: u64,
    bits: u64,
    bits_different: u64,
    events_different: u64,
    decisions_different: u64,
    recorded_different: u64,
    first: Option<String>,
    /// Nanoseconds from the first frame of an event to its answer, of events that were sent once.
    latency: Histogram<u64>,
    /// Ticks of the board's clock.
    ticks: Histogram<u64>,
    late: u64,
    latest: Duration,
}

fn histogram() -> Histogram<u64> {
    // Three digits are allowed, and it grows as it must.
    let mut histogram = Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits"));
    histogram.auto(true);
    histogram
}

impl<'a> Compared<'a> {
    pub fn new(program: &Program, expected: &'a Answers, decision: (u16, i64)) -> Self {
        Self {
            outputs: execute::outputs(program),
            expected,
            decision,
            events: 0,
            refused: 0,
            accepted: 0,
            bits: 0,
            bits_different: 0,
            events_different: 0,
            decisions_different: 0,
            recorded_different: 0,
            first: None,
            latency: histogram(),
            ticks: histogram(),
            late: 0,
            latest: Duration::ZERO,
        }
    }

    pub fn take(&mut self, end: &Settled) {
        self.events += 1;
        // A millisecond is what a host's timer may miss.
        self.late += u64::from(end.late > Duration::from_millis(1));
        self.latest = self.latest.max(end.late);
        let (raws, accept, ticks) = match &end.fate {
            Fate::Decided {
                raws,
                accept,
                ticks,
            } => (raws, *accept, *ticks),
            Fate::Refused(reason) => {
                self.refused += 1;
                self.note(format!("event {} was refused: {reason}", end.event));
                return;
            }
        };
        if end.sends == 1 {
            let _ = self.latency.record(end.latency.as_nanos() as u64);
        }
        let _ = self.ticks.record(ticks.into());
        self.accepted += u64::from(accept);
        let expected = self.expected.raws.event(end.event);
        let mut different = 0;
        let mut first = None;
        for output in &self.outputs {
            for channel in 0..output.width {
                let index = output.start + channel;
                let got = raws.get(index).copied();
                let bits = different_bits(output, expected[index], got);
                self.bits += u64::from(output.bits);
                different += bits;
                if bits > 0 && first.is_none() {
                    let got = got.map_or("no answer".to_owned(), |got| got.to_string());
                    first = Some(format!(
                        "event {}, output `{}`, value {channel}: {got} instead of {}",
                        end.event, output.name, expected[index]
                    ));
                }
            }
        }
        self.bits_different += different;
        self.events_different += u64::from(different > 0);
        let score = expected[usize::from(self.decision.0)];
        if accept != (score >= self.decision.1) {
            self.decisions_different += 1;
            first.get_or_insert_with(|| {
                let verb = if accept { "accepted" } else { "rejected" };
                format!(
                    "event {} was {verb} with {score} at a threshold of {}",
                    end.event, self.decision.1
                )
            });
        }
        if let Some(first) = first {
            self.note(first);
        }
    }

    /// Compares with what a session says.
    pub fn take_recorded(&mut self, end: &Settled, recorded: &Fate) {
        let same = match (&end.fate, recorded) {
            (Fate::Decided { raws, .. }, Fate::Decided { raws: old, .. }) => raws == old,
            _ => false,
        };
        if !same {
            self.recorded_different += 1;
            self.note(format!(
                "event {} had another answer in the session",
                end.event
            ));
        }
    }

    fn note(&mut self, text: String) {
        self.first.get_or_insert(text);
    }
}

pub fn report(
    model: &ModelDir,
    what: &str,
    source: &str,
    board: &Board,
    compared: &Compared<'_>,
    replayed: &Replayed,
    rate: &Option<Option<f64>>,
) -> Report {
    let (identity, tally) = (&replayed.identity, &replayed.tally);
    let total = |of: fn(&Run) -> u64| tally.total(of);
    let sent = total(|run| run.sent);
    let seconds = replayed.duration.as_secs_f64();
    let reached = compared.events.saturating_sub(1) as f64 / seconds.max(1e-9);
    let mut text = format!(
        "{}: {} to {what} ({source}), firmware {} {} of program {}…\n",
        model.program.name,
        events_text(compared.events),
        identity.app,
        identity.version,
        hex(&identity.program[..6]),
    );
    text += &format!(
        "  {} bits compared, {} different; {} accepted at raw {} ≥ {}, {} decisions different\n",
        thousands(compared.bits),
        thousands(compared.bits_different),
        thousands(compared.accepted),
        compared.decision.0,
        compared.decision.1,
        thousands(compared.decisions_different),
    );
    text += &format!(
        "  {} sent = {} decided + {} refused + {} interrupted by a reset\n",
        thousands(sent),
        thousands(total(|run| run.decided)),
        thousands(total(|run| run.refused)),
        thousands(total(|run| run.interrupted)),
    );
    text += &counted(replayed);
    text += &format!(
        "  on the link: {} frames of events, {} of them again; {} timeouts, {} replies damaged, {} doubled\n",
        thousands(total(|run| run.frames)),
        thousands(tally.repeated),
        thousands(tally.timeouts),
        thousands(tally.damaged),
        thousands(tally.duplicates),
    );
    text += &latency(compared, identity.ticks_per_second, board);
    text += &format!("  {reached:.0} events/s reached");
    if let Some(asked) = rate {
        text += &match asked {
            Some(hz) => format!(", {hz} asked for"),
            None => ", the session's times asked for".to_owned(),
        };
        text += &format!(
            "; {} sent more than a millisecond late, at most {:.1} ms",
            events_text(compared.late),
            compared.latest.as_secs_f64() * 1e3
        );
    }
    text += &format!(", up to {} under way\n", identity.credit);
    Report {
        text,
        json: to_json(model, what, source, compared, replayed, reached),
        failed: failure(what, compared, replayed),
    }
}

/// What the board counted itself.
pub fn counted(replayed: &Replayed) -> String {
    let mut text = String::new();
    for (index, run) in replayed.tally.runs.iter().enumerate() {
        let next = replayed.tally.runs.get(index + 1);
        let reset = next.map_or(String::new(), |next| format!(" {}", next.reset));
        text += &match &run.board {
            Some(board) => {
                format!(
                    "  run {:08x}: the board counts {} decided, {} accepted, {} refused; {} asked for again, {} before their turn, {} of other runs, {} frames unreadable\n",
                    run.epoch,
                    thousands(board.events.into()),
                    thousands(board.accepted.into()),
                    thousands(board.wrong.into()),
                    thousands(board.duplicates.into()),
                    thousands(board.ahead.into()),
                    thousands(board.strangers.into()),
                    thousands(board.unreadable.into()),
                ) + &memory(run, board)
            }
            None => format!(
                "  run {:08x}: the board started again{reset} after {} decided; what it counted is gone\n",
                run.epoch,
                thousands(run.decided)
            ),
        };
    }
    text
}

/// What the board says of its own memory at the end of a run.
fn memory(run: &Run, board: &Counters) -> String {
    let reset = run.reset;
    if run.health == Health::Unwatched {
        return format!("  it had started {reset}; its memory is not watched\n");
    }
    let repaired = match board.repairs {
        0 => String::new(),
        count => format!("; {} copies of three repaired", thousands(count.into())),
    };
    format!(
        "  it had started {reset}; code and constants were right in {} passes since, which vouch for the first {} events{repaired}\n",
        thousands(board.passes.into()),
        thousands(board.vouched.into()),
    )
}

fn latency(compared: &Compared<'_>, ticks_per_second: u32, board: &Board) -> String {
    let us = |ns: u64| ns as f64 / 1e3;
    let host = &compared.latency;
    let mut text = format!(
        "  latency at the host: median {:.0} µs, 99 % {:.0} µs, largest {:.0} µs\n",
        us(host.value_at_quantile(0.5)),
        us(host.value_at_quantile(0.99)),
        us(host.max()),
    );
    let ticks = &compared.ticks;
    let range = [ticks.min(), ticks.value_at_quantile(0.5), ticks.max()];
    let figures = range.map(thousands);
    text += &format!(
        "  inference on the board: {} to {} ticks, median {}",
        figures[0], figures[2], figures[1]
    );
    if ticks_per_second > 0 {
        let us = range.map(|ticks| ticks as f64 / f64::from(ticks_per_second) * 1e6);
        text += &format!(" ({:.1} to {:.1} µs)", us[0], us[2]);
    }
    if board.is_emulated() {
        text += "; an emulator's time is no board's";
    }
    text.push('\n');
    text
}

fn failure(what: &str, compared: &Compared<'_>, replayed: &Replayed) -> Option<String> {
    let first = compared.first.as_deref().unwrap_or_default();
    let different = (compared.events_different, compared.decisions_different);
    let mut wrong = differences(what, "the interpreter", different, compared.refused, first);
    if compared.recorded_different > 0 {
        wrong.push(format!(
            "{what}: {} had other answers in the session. First: {first}",
            events_text(compared.recorded_different)
        ));
    }
    wrong.extend(disagreements(what, replayed));
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

/// Events and decisions that differ from what was expected, and events that were refused.
pub fn differences(
    what: &str,
    expected: &str,
    (events, decisions): (u64, u64),
    refused: u64,
    first: &str,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if events + decisions > 0 {
        wrong.push(format!(
            "{what}: {} events and {} decisions differ from {expected}. First: {first}",
            thousands(events),
            thousands(decisions),
        ));
    }
    if refused > 0 {
        wrong.push(format!(
            "{what}: {} refused. First: {first}",
            events_text(refused)
        ));
    }
    wrong
}

/// Runs in which host and board counted differently.
pub fn disagreements(what: &str, replayed: &Replayed) -> Vec<String> {
    let of = |run: &Run| {
        let disagreement = run.disagreement()?;
        Some(format!("{what}: run {:08x}: {disagreement}", run.epoch))
    };
    replayed.tally.runs.iter().filter_map(of).collect()
}

fn to_json(
    model: &ModelDir,
    what: &str,
    source: &str,
    compared: &Compared<'_>,
    replayed: &Replayed,
    reached: f64,
) -> Value {
    let (identity, tally) = (&replayed.identity, &replayed.tally);
    let quantiles = |histogram: &Histogram<u64>| {
        [0.0, 0.5, 0.99, 1.0].map(|q| match q {
            0.0 => histogram.min(),
            _ => histogram.value_at_quantile(q),
        })
    };
    let [_, host_median, host_99, host_largest] = quantiles(&compared.latency);
    let [least, median, _, most] = quantiles(&compared.ticks);
    json!({
        "model": model.program.name,
        "on": what,
        "source": source,
        "firmware": {
            "app": identity.app,
            "board": identity.board,
            "version": identity.version,
            "started": identity.reset.to_string(),
            "memory": identity.health.to_string(),
            "program_sha256": hex(&identity.program),
            "ticks_per_second": identity.ticks_per_second,
            "window": identity.credit,
        },
        "events": compared.events,
        "bits_compared": compared.bits,
        "bits_different": compared.bits_different,
        "events_different": compared.events_different,
        "decisions_different": compared.decisions_different,
        "recorded_different": compared.recorded_different,
        "accepted": compared.accepted,
        "output": compared.decision.0,
        "threshold_raw": compared.decision.1,
        "sent": tally.total(|run| run.sent),
        "decided": tally.total(|run| run.decided),
        "refused": tally.total(|run| run.refused),
        "interrupted": tally.total(|run| run.interrupted),
        "resets": tally.resets(),
        "frames_sent": tally.total(|run| run.frames),
        "frames_repeated": tally.repeated,
        "timeouts": tally.timeouts,
        "replies_damaged": tally.damaged,
        "answers_doubled": tally.duplicates,
        "runs": tally.runs.iter().map(run_json).collect::<Vec<_>>(),
        "host_latency_median_us": host_median as f64 / 1e3,
        "host_latency_99_percent_us": host_99 as f64 / 1e3,
        "host_latency_largest_us": host_largest as f64 / 1e3,
        "least_ticks": least,
        "median_ticks": median,
        "largest_ticks": most,
        "reached_hz": reached,
        "late_events": compared.late,
        "latest_ms": compared.latest.as_secs_f64() * 1e3,
        "duration_s": replayed.duration.as_secs_f64(),
    })
}

pub fn run_json(run: &Run) -> Value {
    json!({
        "epoch": run.epoch,
        "started": run.reset.to_string(),
        "sent": run.sent,
        "decided": run.decided,
        "refused": run.refused,
        "interrupted": run.interrupted,
        "frames_sent": run.frames,
        "frames_read": run.frames_read(),
        "board": run.board.as_ref().map(|board| json!({
            "decided": board.events,
            "accepted": board.accepted,
            "refused": board.wrong,
            "duplicates": board.duplicates,
            "ahead": board.ahead,
            "other_runs": board.strangers,
            "unreadable_frames": board.unreadable,
            "largest_ticks": board.largest_ticks,
            "memory_passes": board.passes,
            "memory_vouched_before_event": board.vouched,
            "memory_repairs": board.repairs,
        })),
    })
}
