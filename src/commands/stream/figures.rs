//! What a stream shows.

use hodoscope_sim::stream::theory::{self, ServiceTimes};
use hodoscope_sim::stream::{Arrivals, BatchMean, DeadTime, Input, Order, Outcome};
use serde_json::{Value, json};

use super::{Args, Largest, Setup};
use crate::report::{Report, number, thousands};

/// Quantiles of the latency that are shown.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.99", 0.9999)];
/// Most levels of occupancy that are listed.
const LEVELS: usize = 65;

/// Queueing theory of the same stream, where there is one.
struct Theory {
    name: String,
    drop_fraction: f64,
    latency_ticks: f64,
}

pub fn report(
    args: &Args,
    setup: &Setup,
    outcome: &Outcome,
    largest: &Largest,
    fraction: f64,
) -> Report {
    let theory = of_theory(setup);
    let mut failures = Vec::new();
    if outcome.late > 0 {
        failures.push(format!(
            "{} of {} decisions are there after the fixed latency",
            thousands(outcome.late),
            thousands(outcome.decided())
        ));
    }
    let lost = outcome.drop_fraction.mean;
    if args.drop_fraction.is_some() && lost > fraction {
        failures.push(format!(
            "{} of {} events are lost, a fraction of {lost:.3e}: more than {fraction}",
            thousands(outcome.lost),
            thousands(outcome.arrivals)
        ));
    }
    let mut json = json(setup, outcome, largest, fraction, theory.as_ref());
    json["model"] = json!(setup.name);
    json["on"] = json!(args.on.as_ref().map(ToString::to_string));
    json["arrivals"] = json!(args.arrivals);
    json["passed"] = json!(failures.is_empty());
    Report {
        text: text(args, setup, outcome, largest, fraction, theory.as_ref()),
        json,
        failed: (!failures.is_empty()).then(|| failures.join("\n")),
    }
}

/// Theory knows Poisson arrivals of independent events without a link.
fn of_theory(setup: &Setup) -> Option<Theory> {
    let Arrivals::Poisson(rate) = &setup.arrivals else {
        return None;
    };
    let single = setup.jobs.all().windows(2).all(|w| w[0] == w[1]);
    let independent = setup.order == Order::Random || single;
    let known = setup.board.dead_time == DeadTime::NonParalysable || setup.board.queue == Some(0);
    if !independent || !known || setup.link.bandwidth.is_some() {
        return None;
    }
    let service = ServiceTimes::of(setup.jobs.all().iter().map(|job| job.service));
    let rate = rate.hz() / setup.timebase.per_second() as f64;
    let kind = if single { "M/D/1" } else { "M/G/1" };
    let waits = |wait: f64| wait + service.mean() + setup.board.output as f64;
    match (setup.board.queue, setup.board.dead_time) {
        (None, _) => Some(Theory {
            name: kind.to_owned(),
            drop_fraction: 0.0,
            latency_ticks: waits(theory::mean_wait(rate, &service)?),
        }),
        (Some(0), DeadTime::Paralysable) => single.then(|| Theory {
            name: "paralysable".to_owned(),
            drop_fraction: 1.0 - theory::paralysable(rate, service.mean()) / rate,
            latency_ticks: waits(0.0),
        }),
        (Some(queue), _) => {
            // The recursion is quadratic in the places.
            let places = queue.checked_add(1).filter(|places| *places <= 4096)?;
            let limited = theory::limited(rate, &service, places)?;
            Some(Theory {
                name: format!("{kind}/{places}"),
                drop_fraction: limited.lost,
                latency_ticks: waits(limited.mean_wait),
            })
        }
    }
}

fn text(
    args: &Args,
    setup: &Setup,
    outcome: &Outcome,
    largest: &Largest,
    fraction: f64,
    theory: Option<&Theory>,
) -> String {
    let time = |ticks: f64| span(setup.timebase.seconds(ticks));
    let mut lines = vec![format!(
        "{}{}: {}",
        setup.name,
        args.on
            .as_ref()
            .map(|on| format!(" on {on}"))
            .unwrap_or_default(),
        args.arrivals
    )];
    let mut say = |name: &str, what: String| lines.push(format!("  {name:<17} {what}"));
    let (mean, _) = setup.jobs.moments();
    let services = || setup.jobs.all().iter().map(|job| job.service);
    say(
        "service",
        format!(
            "{} on average, at most {}; clock {} MHz",
            time(mean),
            time(services().max().unwrap_or(0) as f64),
            setup.clock_hz as f64 / 1e6
        ),
    );
    let (fewest, constituents, most) = setup.multiplicities;
    if most > 0 {
        say(
            "constituents",
            format!("{fewest} to {most}, {constituents:.2} on average"),
        );
    }
    say("source", setup.source.clone());
    say(
        "board",
        format!(
            "{}, {}, {}",
            match setup.board.queue {
                Some(queue) => format!("a queue of {queue} besides the event in service"),
                None => "an unlimited queue".to_owned(),
            },
            match setup.board.dead_time {
                DeadTime::NonParalysable => "non-paralysable",
                DeadTime::Paralysable => "paralysable",
            },
            match (setup.link.bandwidth, setup.input) {
                (None, _) => "events are there at once".to_owned(),
                (Some(link), Input::StoreAndForward) => format!(
                    "stored and forwarded at {} bit/s",
                    thousands(link.bits_per_second)
                ),
                (Some(link), Input::Streaming) =>
                    format!("streamed at {} bit/s", thousands(link.bits_per_second)),
            }
        ),
    );
    say(
        "events",
        format!(
            "{} arrived in {}, {} computed, {} lost",
            thousands(outcome.arrivals),
            time(outcome.occupancy.all as f64),
            thousands(outcome.decided()),
            thousands(outcome.lost)
        ),
    );
    say("drop fraction", with_error(&outcome.drop_fraction, 1.0, ""));
    say(
        "dead time",
        format!(
            "{:.4} % (BUSY is up), inferences run for {:.4} %",
            100.0 * outcome.occupancy.dead_time(),
            100.0 * outcome.occupancy.utilisation()
        ),
    );
    say(
        "decisions",
        format!(
            "{} of {:.0} inferences/s without a break",
            hz(decision_hz(setup, outcome)),
            setup.throughput_hz()
        ),
    );
    if outcome.decided() > 0 {
        let microseconds = 1e6 / setup.timebase.per_second() as f64;
        say(
            "mean latency",
            with_error(&outcome.latency, microseconds, " µs"),
        );
        let all = QUANTILES.iter().map(|(name, q)| {
            format!(
                "{name} {}",
                time(outcome.latencies.quantile(*q).unwrap_or(0) as f64)
            )
        });
        let largest = time(outcome.latencies.largest().unwrap_or(0) as f64);
        say(
            "latency",
            format!("{}, max {largest}", all.collect::<Vec<_>>().join(", ")),
        );
    }
    if let Some(latency) = setup.board.fixed_latency {
        say(
            "fixed latency",
            format!(
                "{}: {} decisions are late",
                time(latency as f64),
                thousands(outcome.late)
            ),
        );
    }
    say(
        "places taken",
        format!(
            "{:.4} on average, at most {}",
            outcome.occupancy.mean(),
            outcome.occupancy.largest()
        ),
    );
    if setup.board.queue.is_none() && setup.mean_hz > Some(setup.throughput_hz()) {
        let why = "more events arrive than are computed; the figures depend on --events";
        say("no equilibrium", why.to_owned());
    }
    say(
        "sustainable",
        match largest {
            Largest::Found(found, events) => format!(
                "{}{} with a drop fraction up to {fraction} ({} of {} events)",
                if found.at_limit { "at least " } else { "" },
                hz(found.rate_hz),
                with_error(&found.drop_fraction, 1.0, ""),
                thousands(*events)
            ),
            Largest::None => format!("no rate has a drop fraction up to {fraction}"),
            Largest::NotSought(why) => format!("not sought: {why}"),
        },
    );
    if let Some(theory) = theory {
        say(
            "theory",
            format!(
                "{}: drop fraction {:.6}, mean latency {}",
                theory.name,
                theory.drop_fraction,
                time(theory.latency_ticks)
            ),
        );
    }
    lines.join("\n") + "\n"
}

fn json(
    setup: &Setup,
    outcome: &Outcome,
    largest: &Largest,
    fraction: f64,
    theory: Option<&Theory>,
) -> Value {
    let us = |ticks: f64| 1e6 * setup.timebase.seconds(ticks);
    let (mean, _) = setup.jobs.moments();
    let services = || setup.jobs.all().iter().map(|job| job.service);
    let latencies = &outcome.latencies;
    let quantile = |q| latencies.quantile(q);
    let in_us = |ticks: Option<u64>| ticks.map(|ticks| us(ticks as f64));
    let levels = outcome.occupancy.ticks.iter().take(LEVELS);
    let all = outcome.occupancy.all.max(1) as f64;
    let (fewest, constituents, most) = setup.multiplicities;
    let mut json = json!({
        "source": setup.source,
        "clock_hz": setup.clock_hz,
        "ticks_per_second": setup.timebase.per_second(),
        "seed": setup.seed,
        "mean_arrival_rate_hz": setup.mean_hz,
        "queue_events": setup.board.queue,
        "paralysable": setup.board.dead_time == DeadTime::Paralysable,
        "streaming_input": setup.input == Input::Streaming,
        "link_bits_per_second": setup.link.bandwidth.map(|link| link.bits_per_second),
        "constituents_fewest": fewest,
        "constituents_mean": constituents,
        "constituents_most": most,
        "service_mean_us": us(mean),
        "service_largest_us": us(services().max().unwrap_or(0) as f64),
        "inferences_per_second": setup.throughput_hz(),
        "arrived_events": outcome.arrivals,
        "decided_events": outcome.decided(),
        "lost_events": outcome.lost,
        "drop_fraction": number(outcome.drop_fraction.mean),
        "drop_fraction_standard_error": outcome.drop_fraction.standard_error,
        "duration_s": setup.timebase.seconds(outcome.occupancy.all as f64),
        "dead_time_fraction": outcome.occupancy.dead_time(),
        "utilisation_fraction": outcome.occupancy.utilisation(),
        "decision_rate_hz": decision_hz(setup, outcome),
    });
    let latency = json!({
        "latency_mean_us": number(us(outcome.latency.mean)),
        "latency_mean_standard_error_us": outcome.latency.standard_error.map(us),
        "latency_min_us": in_us(latencies.smallest()),
        "latency_p50_us": in_us(quantile(0.5)),
        "latency_p99_us": in_us(quantile(0.99)),
        "latency_p99_99_us": in_us(quantile(0.9999)),
        "latency_max_us": in_us(latencies.largest()),
        "latency_p50_ticks": quantile(0.5),
        "latency_p99_ticks": quantile(0.99),
        "latency_p99_99_ticks": quantile(0.9999),
        "latency_max_ticks": latencies.largest(),
        "fixed_latency_us": in_us(setup.board.fixed_latency),
        "late_decisions": outcome.late,
        "places_taken_mean_events": outcome.occupancy.mean(),
        "places_taken_largest_events": outcome.occupancy.largest(),
        // Of the first levels: an unlimited queue may have many.
        "places_taken_time_fractions": levels.map(|ticks| *ticks as f64 / all).collect::<Vec<_>>(),
    });
    if let (Some(json), Value::Object(latency)) = (json.as_object_mut(), latency) {
        json.extend(latency);
    }
    json["sustainable"] = match largest {
        Largest::Found(found, events) => json!({
            "drop_fraction_limit": fraction,
            "rate_hz": found.rate_hz,
            "at_least": found.at_limit,
            "drop_fraction": found.drop_fraction.mean,
            "drop_fraction_standard_error": found.drop_fraction.standard_error,
            "events_per_rate": events,
        }),
        Largest::None => json!({ "drop_fraction_limit": fraction, "rate_hz": null }),
        Largest::NotSought(_) => Value::Null,
    };
    json["theory"] = json!(theory.map(|theory| json!({
        "queue": theory.name,
        "drop_fraction": theory.drop_fraction,
        "latency_mean_us": us(theory.latency_ticks),
    })));
    json
}

/// Decisions per second.
fn decision_hz(setup: &Setup, outcome: &Outcome) -> f64 {
    outcome.decided() as f64 / setup.timebase.seconds(outcome.occupancy.all.max(1) as f64)
}

fn with_error(mean: &BatchMean, unit: f64, name: &str) -> String {
    let value = mean.mean * unit;
    match mean.standard_error {
        Some(error) => format!("{value:.6} ± {:.6}{name}", error * unit),
        None => format!("{value:.6}{name}"),
    }
}

/// Seconds with a unit that suits them.
pub fn span(seconds: f64) -> String {
    let units = [(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
    let (unit, name) = units
        .into_iter()
        .find(|(unit, _)| seconds >= *unit)
        .unwrap_or((1e-9, "ns"));
    format!("{:.3} {name}", seconds / unit)
}

/// Hertz with a unit that suits them.
pub fn hz(rate: f64) -> String {
    let units = [(1e6, "MHz"), (1e3, "kHz")];
    let (unit, name) = units
        .into_iter()
        .find(|(unit, _)| rate >= *unit)
        .unwrap_or((1.0, "Hz"));
    format!("{:.3} {name}", rate / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_suit_their_values() {
        assert_eq!(span(0.0), "0.000 ns");
        assert_eq!(span(2.5e-5), "25.000 µs");
        assert_eq!(span(61.0), "61.000 s");
        assert_eq!(hz(40e6), "40.000 MHz");
        assert_eq!(hz(0.5), "0.500 Hz");
    }
}
