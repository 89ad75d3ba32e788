//! A menu in a stream: what a board computes of it, and the rates of its lines.

use anyhow::{Context, Result, bail};
use hodoscope_sim::menu::{InForce, MenuRates, Rates, hash};
use hodoscope_sim::stream::{Fate, Fates, Input, Outcome, Payload, Span, Timebase};
use serde_json::{Value, json};

use super::figures::{hz, span};
use super::{Args, Frame, LOOP, Setup, Work, service, spread};
use crate::menu_dir::MenuDir;
use crate::menu_events::MenuEvents;
use crate::notes;
use crate::own_boards;
use crate::report::{Report, Table, thousands};

/// A menu, those that it changes to, and events for its models.
pub struct OfMenu {
    dir: MenuDir,
    events: MenuEvents,
    menus: Vec<InForce>,
    /// Ticks of the simulation that are one of a coincidence.
    unit: u64,
}

impl OfMenu {
    /// Reads a menu with its events.
    pub fn read(
        args: &Args,
        slot: Span,
        timebase: Timebase,
        clock_hz: u64,
        events_in_all: u64,
    ) -> Result<Self> {
        let dir = MenuDir::read(&args.dir)?;
        if let Some(name) = service::board_name(args)?
            && own_boards::find(name)?.has_network()
        {
            bail!(
                "{name}: one network is its instruction, and a menu is of several models in software"
            );
        }
        let menus = dir.in_force(&args.change, events_in_all)?;
        let unit = unit(args, &menus, slot, timebase, clock_hz)?;
        let events = MenuEvents::read(&dir, &args.inputs, &args.columns, None)?;
        if events.has_ticks() {
            notes::say(
                "note: the ticks of the files are not used: an event's tick is that of its arrival"
                    .to_owned(),
            );
        }
        Ok(Self {
            dir,
            events,
            menus,
            unit,
        })
    }

    /// What a board does with each event: it computes one model after the other once all of the event is there.
    pub fn work(&self, args: &Args, frame: &Frame) -> Result<Work> {
        if frame.input == Input::Streaming {
            bail!("--input streaming: a board with a menu begins when the whole event is there");
        }
        let names: Vec<&str> = self.dir.models.iter().map(|(name, _)| &**name).collect();
        let stated = service::stated_for(args, &names)?;
        let len = self.events.len();
        let mut cycles = vec![args.overhead; len];
        let mut multiplicities = vec![0; len];
        let mut sources = Vec::new();
        let firsts: Vec<usize> = self.dir.firsts().collect();
        let models = self.dir.models.iter().zip(self.events.models());
        for (index, ((name, model), events)) in models.enumerate() {
            let payloads: Vec<Payload> = (0..len)
                .map(|event| Payload::of(&model.program, events, event))
                .collect();
            let table = service::table(args, stated[index], model, events, &payloads)
                .with_context(|| format!("model `{name}`"))?;
            for (event, payload) in payloads.iter().enumerate() {
                let n = payload.multiplicity();
                cycles[event] += table.cycles(n)?;
                // Words that several models read are there once.
                multiplicities[event] += if firsts.contains(&index) { n } else { 0 };
            }
            sources.push(format!("{name}: {}", table.source()));
        }
        sources.push(match args.overhead {
            0 => "the menu itself takes no time (--overhead)".to_owned(),
            cycles => format!("plus {cycles} cycles of menu and {LOOP}"),
        });
        let job = |event: usize| {
            let bytes = self.events.payload(&self.dir, event)?.len();
            let Frame {
                link,
                clock_hz,
                timebase,
                ..
            } = frame;
            Ok(link.whole_job(bytes, cycles[event], *clock_hz, *timebase)?)
        };
        Ok(Work {
            name: format!("menu {}", self.dir.menu.name),
            source: sources.join("; "),
            multiplicities: spread(multiplicities.into_iter()),
            jobs: (0..len).map(job).collect::<Result<_>>()?,
        })
    }

    /// Simulates, and decides what is computed.
    pub fn run(&self, args: &Args, setup: &Setup) -> Result<(Outcome, Lines<'_>)> {
        let raws = self.events.interpret(&self.dir)?;
        let flat: Vec<i64> = (0..self.events.len())
            .flat_map(|event| raws.iter().flat_map(move |of| of.event(event)))
            .copied()
            .collect();
        let width = flat.len() / self.events.len();
        let mut rates = Rates::new(&self.menus, &flat, width, self.unit)
            .map_err(|refusal| anyhow::anyhow!("a board refuses the menu: {refusal}"))?;
        let see = |event: usize, at: u64, fate: &Fate| rates.see(event, at, fate);
        let outcome = setup.run(&setup.arrivals, setup.events, see)?;
        let (figures, different) = rates.finish();
        let decided = outcome.decided();
        if let Some(last) = self.menus.last()
            && u64::from(last.first) >= decided
            && last.first > 0
        {
            let change = args.change.last().map_or("", String::as_str);
            bail!(
                "--change {change}: only {} events are computed; let more arrive with --events, or change earlier",
                thousands(decided)
            );
        }
        let lines = Lines {
            menus: &self.menus,
            figures,
            different,
            seconds: setup.timebase.seconds(1.0),
            all: setup.timebase.seconds(outcome.occupancy.all as f64),
            live: 1.0 - outcome.occupancy.dead_time(),
            sample: self.events.len(),
            decided,
        };
        Ok((outcome, lines))
    }
}

/// How many ticks of the simulation one of a coincidence is.
fn unit(
    args: &Args,
    menus: &[InForce],
    slot: Span,
    timebase: Timebase,
    clock_hz: u64,
) -> Result<u64> {
    let counts = menus.iter().any(|own| own.menu.has_coincidences());
    let tick = match (args.tick, counts) {
        (None, false) => return Ok(1),
        (Some(_), false) => {
            bail!("--tick: no line of the menu has a coincidence that counts ticks")
        }
        (Some(tick), true) => tick,
        (None, true) if args.arrivals.starts_with("lhc:") => slot,
        (None, true) => bail!(
            "how long is a tick of the menu's coincidences, within(…)? State it with --tick, as --tick 25ns"
        ),
    };
    match timebase.exactly(tick, clock_hz) {
        Some(unit) if unit > 0 => Ok(unit),
        _ => bail!(
            "a tick of a coincidence is no whole number of ticks of the simulation; state another --tick or other --ticks"
        ),
    }
}

/// The rates of the lines of each menu.
pub struct Lines<'m> {
    menus: &'m [InForce],
    figures: Vec<MenuRates>,
    different: u64,
    /// Of a tick.
    seconds: f64,
    /// Seconds of the stream.
    all: f64,
    /// Fraction of them during which BUSY was down.
    live: f64,
    sample: usize,
    decided: u64,
}

impl Lines<'_> {
    /// Tells them.
    pub fn add_to(&self, report: &mut Report) {
        report.text += &self.text();
        report.json["menus"] = self.json();
        report.json["live_time_s"] = json!(self.all * self.live);
        report.json["sample_events"] = json!(self.sample);
        report.json["evaluators_different_events"] = json!(self.different);
        if self.different == 0 {
            return;
        }
        let wrong = format!(
            "the boards' evaluator and the golden interpreter differ in {} of {} events: please report this menu",
            thousands(self.different),
            thousands(self.decided)
        );
        report.json["passed"] = json!(false);
        report.failed = Some(match report.failed.take() {
            Some(failed) => format!("{failed}\n{wrong}"),
            None => wrong,
        });
    }

    fn text(&self) -> String {
        let mut text = format!(
            "  live time         {} of {}\n  evaluators        the boards' and the golden interpreter decide {} events, {} differently\n",
            span(self.all * self.live),
            span(self.all),
            thousands(self.decided),
            thousands(self.different)
        );
        for (own, figures) in self.menus.iter().zip(&self.figures) {
            let seconds = figures.ticks as f64 * self.seconds;
            let rate = |count: u64| hz(per_second(count, seconds));
            text += &format!(
                "menu {} ({:08x}) from event {}, {}: {} accepted ({}), {} of {} that arrived computed\n",
                own.menu.name,
                hash(&own.code),
                own.first,
                span(seconds),
                thousands(figures.accepted),
                rate(figures.accepted),
                thousands(figures.decided),
                thousands(figures.arrived),
            );
            let mut table = Table::new([
                "line",
                "arrives",
                "computed",
                "after veto",
                "accepts",
                "alone",
                "accepts, events",
                "different ones",
            ]);
            for (line, of) in own.menu.lines.iter().zip(&figures.lines) {
                let shadow = if line.shadow { " (shadow)" } else { "" };
                table.row([
                    format!("{}{shadow}", line.name),
                    rate(of.arrived),
                    rate(of.condition),
                    rate(of.fired),
                    rate(of.kept),
                    rate(of.alone),
                    thousands(of.kept),
                    thousands(of.distinct),
                ]);
            }
            text += &table.to_string();
        }
        text + &format!(
            "arrives: its condition holds in events that arrive, computed: in those that found a place. The events are {} different ones, drawn again and again:\na rate of few different ones is uncertain by as much as few events are\n",
            thousands(self.sample as u64)
        )
    }

    fn json(&self) -> Value {
        let menus = self.menus.iter().zip(&self.figures);
        let menus = menus.map(|(own, figures)| {
            let seconds = figures.ticks as f64 * self.seconds;
            let lines = own.menu.lines.iter().zip(&figures.lines);
            let lines = lines.map(|(line, of)| {
                json!({
                    "name": line.name,
                    "shadow": line.shadow,
                    "arrived_events": of.arrived,
                    "condition_events": of.condition,
                    "fired_events": of.fired,
                    "kept_events": of.kept,
                    "alone_events": of.alone,
                    "distinct_sample_events": of.distinct,
                    "arrived_hz": per_second(of.arrived, seconds),
                    "condition_hz": per_second(of.condition, seconds),
                    "fired_hz": per_second(of.fired, seconds),
                    "kept_hz": per_second(of.kept, seconds),
                    "alone_hz": per_second(of.alone, seconds),
                })
            });
            json!({
                "name": own.menu.name,
                "hash": format!("{:08x}", hash(&own.code)),
                "first_event": own.first,
                "duration_s": seconds,
                "arrived_events": figures.arrived,
                "decided_events": figures.decided,
                "accepted_events": figures.accepted,
                "accepted_hz": per_second(figures.accepted, seconds),
                "lines": lines.collect::<Vec<_>>(),
            })
        });
        json!(menus.collect::<Vec<_>>())
    }
}

fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}
