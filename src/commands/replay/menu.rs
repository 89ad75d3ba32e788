//! A replay of a menu: the raws of every model, and every bit of every line.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use hodoscope_sim::menu::{Golden, Menu, hash};
use hodoscope_sim::targets::replay::{
    Fate, Link, ReplayOptions, Replayed, Run, Settled, replay as feed,
};
use serde_json::{Value, json};

use super::{Args, events_text, figures, open_with, pace};
use crate::commands::verify::different_bits;
use crate::execute::{self, OutputSlice, Raws};
use crate::menu_dir::MenuDir;
use crate::menu_events::MenuEvents;
use crate::progress;
use crate::report::{Report, hex, thousands};

/// A menu with the first event that it decides.
struct Period {
    first: usize,
    menu: Menu,
    hash: u32,
}

/// Events of all models.
struct Sample {
    ticks: Vec<u32>,
    payloads: Vec<Vec<u8>>,
    /// Of each model what the interpreter gives.
    raws: Vec<Raws>,
}

pub fn replay(args: &Args) -> Result<Report> {
    let menu = MenuDir::read(&args.dir)?;
    refuse_options(args)?;
    let sample = sample(&menu, args)?;
    let events = sample.payloads.len();
    let menus = menu.in_force(&args.change, events as u64)?;
    let codes = menus
        .iter()
        .map(|own| (own.first as usize, own.code.clone()));
    let codes = codes.collect();
    let periods = menus.into_iter().map(|own| Period {
        first: own.first as usize,
        hash: hash(&own.code),
        menu: own.menu,
    });
    let periods: Vec<Period> = periods.collect();

    let firmware = menu.firmware();
    let (board, mut link, source) = open_with(args, |board| menu.build(board))?;
    let what = match &args.port {
        Some(port) => format!("{} at {port}", board.name),
        None => board.name.clone(),
    };
    let options = ReplayOptions {
        pace: pace(args.rate, None)?,
        decision: None,
        menus: codes,
        window: args.window.map(|window| window as usize),
        patience: Duration::from_secs(args.patience),
        program: firmware.identity()?.program,
        name: menu.menu.name.clone(),
        board: args.port.is_some().then(|| board.name.clone()),
    };
    let (settled, replayed) = run(&mut link, &what, &sample, &options)?;
    if let Err(error) = link.finish() {
        eprintln!("warning: {error}");
    }
    let compared = compare(&menu, &sample, &periods, &settled, &replayed.tally.runs);
    Ok(report(
        &menu, &what, source, &periods, &compared, &replayed, events,
    ))
}

fn run(
    link: &mut Link,
    what: &str,
    sample: &Sample,
    options: &ReplayOptions,
) -> Result<(Vec<Settled>, Replayed)> {
    let bar = progress::events(what, sample.payloads.len());
    let mut settled = Vec::with_capacity(sample.payloads.len());
    let replayed = feed(link, &sample.payloads, options, |end| {
        settled.push(end);
        bar.inc(1);
    });
    bar.finish_and_clear();
    Ok((settled, replayed.with_context(|| format!("on {what}"))?))
}

fn refuse_options(args: &Args) -> Result<()> {
    for (given, name) in [
        (args.session.is_some(), "--session"),
        (args.record.is_some(), "--record"),
        (args.output.is_some(), "--output"),
        (args.threshold.is_some(), "--threshold"),
    ] {
        if given {
            bail!("{name}: a menu is replayed without it; leave it out");
        }
    }
    Ok(())
}

/// Reads events of all models, and interprets them.
fn sample(menu: &MenuDir, args: &Args) -> Result<Sample> {
    let events = MenuEvents::read(menu, &args.inputs, &args.columns, args.events)?;
    Ok(Sample {
        payloads: (0..events.len())
            .map(|event| events.payload(menu, event))
            .collect::<Result<_>>()?,
        ticks: (0..events.len()).map(|event| events.tick(event)).collect(),
        raws: events.interpret(menu)?,
    })
}

/// What was compared.
#[derive(Default)]
struct Compared {
    bits: u64,
    bits_different: u64,
    events_different: u64,
    lines_different: u64,
    decisions_different: u64,
    refused: u64,
    accepted: u64,
    first: Option<String>,
    /// Of each menu and line: conditions, firings, final bits, as the board answered.
    counts: Vec<Vec<[u64; 3]>>,
}

/// Compares run by run: what prescales and coincidences remember begins with a run.
fn compare(
    menu: &MenuDir,
    sample: &Sample,
    periods: &[Period],
    settled: &[Settled],
    runs: &[Run],
) -> Compared {
    let mut compared = Compared {
        counts: periods
            .iter()
            .map(|period| vec![[0; 3]; period.menu.lines.len()])
            .collect(),
        ..Compared::default()
    };
    let outputs: Vec<Vec<OutputSlice>> = menu
        .models
        .iter()
        .map(|(_, model)| execute::outputs(&model.program))
        .collect();
    // A run numbers the events that no run before it has answered, in their order.
    let mut left: Vec<usize> = (0..sample.payloads.len()).collect();
    for run in runs {
        let mut ends: Vec<&Settled> = settled
            .iter()
            .filter(|end| end.name.0 == run.epoch)
            .collect();
        ends.sort_by_key(|end| end.name.1);
        let mut ends = ends.into_iter().peekable();
        let mut golden: Option<(usize, Golden<'_>)> = None;
        let mut answered = Vec::new();
        for (number, &event) in (0_u32..).zip(&left) {
            if ends.peek().is_none() {
                break;
            }
            let period = periods
                .iter()
                .rposition(|period| period.first <= event)
                .unwrap_or(0);
            if golden.as_ref().is_none_or(|(own, _)| *own != period) {
                golden = Some((period, Golden::new(&periods[period].menu)));
            }
            let Some((_, golden)) = &mut golden else {
                continue;
            };
            let mut expected = vec![i64::from(sample.ticks[event])];
            for raws in &sample.raws {
                expected.extend(raws.event(event));
            }
            let decided = golden.decide(&expected);
            let end = ends.next_if(|end| end.name.1 == number);
            if let Some(end) = end {
                answered.push(event);
                expected.extend([
                    i64::from(decided.condition),
                    i64::from(decided.fired),
                    i64::from(decided.kept),
                    i64::from(periods[period].hash),
                ]);
                compared.take(end, event, period, &expected, decided.accept, &outputs);
            }
        }
        left.retain(|event| answered.binary_search(event).is_err());
    }
    compared
}

impl Compared {
    fn take(
        &mut self,
        end: &Settled,
        event: usize,
        period: usize,
        expected: &[i64],
        expected_accept: bool,
        outputs: &[Vec<OutputSlice>],
    ) {
        let (raws, accept) = match &end.fate {
            Fate::Decided { raws, accept, .. } => (raws, *accept),
            Fate::Refused(reason) => {
                self.refused += 1;
                self.note(format!("event {event} was refused: {reason}"));
                return;
            }
        };
        self.accepted += u64::from(accept);
        let mut different = 0;
        let mut at = 1;
        let mut of = vec![(0, "tick".to_owned(), 32)];
        for output in outputs.iter().flatten() {
            for channel in 0..output.width {
                of.push((at, format!("`{}` {channel}", output.name), output.bits));
                at += 1;
            }
        }
        for name in [
            "the conditions",
            "the firings",
            "the final bits",
            "the hash",
        ] {
            of.push((at, name.to_owned(), 32));
            at += 1;
        }
        let words = at - 4;
        for (index, name, bits) in of {
            let got = raws.get(index).copied();
            let slice = OutputSlice {
                name: String::new(),
                start: index,
                width: 1,
                lsbs: vec![1.0],
                bits,
            };
            let wrong = different_bits(&slice, expected[index], got);
            self.bits += u64::from(bits);
            different += wrong;
            if wrong > 0 {
                self.lines_different += u64::from(index >= words);
                let got = got.map_or("no answer".to_owned(), |got| got.to_string());
                self.note(format!(
                    "event {event} (run {:08x}, number {}), {name}: {got} instead of {}",
                    end.name.0, end.name.1, expected[index]
                ));
            }
        }
        if raws.len() != at || different > 0 || end.event != event {
            self.events_different += 1;
            self.note(format!("event {event} has {} raws, not {at}", raws.len()));
        }
        self.bits_different += different;
        if accept != expected_accept {
            self.decisions_different += 1;
            let verb = if accept { "accepted" } else { "rejected" };
            self.note(format!("event {event} was {verb}, against its menu"));
        }
        for (line, counts) in self.counts[period].iter_mut().enumerate() {
            for (count, word) in counts.iter_mut().zip(words..) {
                *count += (raws.get(word).copied().unwrap_or_default() >> line & 1) as u64;
            }
        }
    }

    fn note(&mut self, text: String) {
        self.first.get_or_insert(text);
    }
}

fn report(
    menu: &MenuDir,
    what: &str,
    source: &str,
    periods: &[Period],
    compared: &Compared,
    replayed: &Replayed,
    events: usize,
) -> Report {
    let (identity, tally) = (&replayed.identity, &replayed.tally);
    let total = |of: fn(&Run) -> u64| tally.total(of);
    let names: Vec<&str> = menu.models.iter().map(|(name, _)| &**name).collect();
    let mut text = format!(
        "menu {}: {} to {what} ({source}), firmware {} {} of models {}\n  {} bits compared, {} different; {} accepted, {} decisions different\n",
        menu.menu.name,
        events_text(events as u64),
        identity.app,
        identity.version,
        names.join(", "),
        thousands(compared.bits),
        thousands(compared.bits_different),
        thousands(compared.accepted),
        thousands(compared.decisions_different),
    );
    let sent = total(|run| run.sent);
    text += &format!(
        "  {} sent = {} decided + {} refused + {} interrupted by a reset\n",
        thousands(sent),
        thousands(total(|run| run.decided)),
        thousands(total(|run| run.refused)),
        thousands(total(|run| run.interrupted)),
    );
    text += &figures::counted(replayed);
    let width = periods
        .iter()
        .flat_map(|period| &period.menu.lines)
        .map(|line| line.name.len())
        .max()
        .unwrap_or(0);
    for (period, counts) in periods.iter().zip(&compared.counts) {
        text += &format!(
            "  menu {} ({:08x}) from event {}: events in which a line's condition held, it fired, it accepted\n",
            period.menu.name, period.hash, period.first
        );
        for (line, [condition, fired, kept]) in period.menu.lines.iter().zip(counts) {
            let shadow = if line.shadow { "  shadow" } else { "" };
            text += &format!(
                "    {:width$}  {:>10}  {:>10}  {:>10}{shadow}\n",
                line.name,
                thousands(*condition),
                thousands(*fired),
                thousands(*kept),
            );
        }
    }
    Report {
        text,
        json: to_json(menu, what, source, periods, compared, replayed, events),
        failed: failure(what, compared, replayed),
    }
}

fn failure(what: &str, compared: &Compared, replayed: &Replayed) -> Option<String> {
    let first = compared.first.as_deref().unwrap_or_default();
    let different = (compared.events_different, compared.decisions_different);
    let refused = compared.refused;
    let mut wrong = figures::differences(what, "the golden menu", different, refused, first);
    wrong.extend(figures::disagreements(what, replayed));
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

fn to_json(
    menu: &MenuDir,
    what: &str,
    source: &str,
    periods: &[Period],
    compared: &Compared,
    replayed: &Replayed,
    events: usize,
) -> Value {
    let (identity, tally) = (&replayed.identity, &replayed.tally);
    let menus = periods.iter().zip(&compared.counts);
    let menus = menus.map(|(period, counts)| {
        let lines = period.menu.lines.iter().zip(counts);
        json!({
            "name": period.menu.name,
            "hash": format!("{:08x}", period.hash),
            "first_event": period.first,
            "lines": lines.map(|(line, [condition, fired, kept])| json!({
                "name": line.name,
                "shadow": line.shadow,
                "condition": condition,
                "fired": fired,
                "kept": kept,
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "menu": menu.menu.name,
        "models": menu.models.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "on": what,
        "source": source,
        "firmware": {
            "app": identity.app,
            "board": identity.board,
            "version": identity.version,
            "started": identity.reset.to_string(),
            "memory": identity.health.to_string(),
            "program_sha256": hex(&identity.program),
            "window": identity.credit,
        },
        "events": events,
        "bits_compared": compared.bits,
        "bits_different": compared.bits_different,
        "events_different": compared.events_different,
        "lines_different": compared.lines_different,
        "decisions_different": compared.decisions_different,
        "accepted": compared.accepted,
        "sent": tally.total(|run| run.sent),
        "decided": tally.total(|run| run.decided),
        "refused": tally.total(|run| run.refused),
        "interrupted": tally.total(|run| run.interrupted),
        "resets": tally.resets(),
        "frames_repeated": tally.repeated,
        "replies_damaged": tally.damaged,
        "runs": tally.runs.iter().map(figures::run_json).collect::<Vec<_>>(),
        "menus": menus.collect::<Vec<_>>(),
        "duration_s": replayed.duration.as_secs_f64(),
    })
}
