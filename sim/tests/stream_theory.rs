//! Streams against queueing theory: every figure within five of its standard errors, which are those
//! of batch means, as successive events of a queue are correlated.
//!
//! A five-sigma bound is only as sharp as sigma: each test also states how small that must be.

// A test that unwraps fails with the line that is wrong.
#![allow(clippy::unwrap_used)]

use hodoscope_sim::stream::theory::{self, ServiceTimes};
use hodoscope_sim::stream::{
    Arrivals, BatchMean, Board, DeadTime, Fate, Input, Job, Jobs, Link, Order, Outcome, Payload,
    Rate, Run, ServiceTable, Timebase, largest_rate, run,
};

const PS: Timebase = Timebase::PICOSECONDS;
const EVENTS: u64 = 1_000_000;

/// An inference of 50 µs.
const FIXED: [u64; 1] = [50_000_000];
/// Four multiplicities, with the spread of real jets.
const MIXED: [u64; 4] = [10_000_000, 30_000_000, 50_000_000, 110_000_000];

fn jobs(services: &[u64]) -> Jobs {
    let job = |&service: &u64| Job {
        service,
        ..Job::default()
    };
    Jobs::new(services.iter().map(job).collect()).unwrap()
}

/// Poisson arrivals at a load of ρ = λ E[S].
fn poisson(services: &[u64], load: f64, board: Board, events: u64) -> (f64, Outcome) {
    let mean = ServiceTimes::of(services.iter().copied()).mean();
    let rate = Rate::from_hz(load / PS.seconds(mean)).unwrap();
    let jobs = jobs(services);
    let stream = Run {
        board,
        jobs: &jobs,
        order: Order::Random,
        seed: 11,
        events,
    };
    let arrivals = Arrivals::Poisson(rate);
    let outcome = run(stream, arrivals.ticks(PS, 0, 11), ()).unwrap();
    (rate.hz() / PS.per_second() as f64, outcome)
}

#[track_caller]
fn agrees(what: &str, got: BatchMean, theory: f64, relative: f64) {
    let error = got.standard_error.unwrap();
    println!(
        "{what}: {:.6} ± {error:.6}, theory {theory:.6}, {:+.2} standard errors",
        got.mean,
        (got.mean - theory) / error
    );
    assert!(
        (got.mean - theory).abs() < 5.0 * error,
        "{what}: {got:?} {theory}"
    );
    assert!(error < relative * theory, "{what}: {got:?} is too blunt");
}

#[test]
fn an_unlimited_queue_waits_as_pollaczek_and_khinchine_say() {
    for (name, services, load) in [
        ("M/D/1", &FIXED[..], 0.3),
        ("M/D/1", &FIXED[..], 0.8),
        ("M/G/1", &MIXED[..], 0.3),
        ("M/G/1", &MIXED[..], 0.8),
    ] {
        let (rate, outcome) = poisson(services, load, Board::default(), EVENTS);
        let service = ServiceTimes::of(services.iter().copied());
        let time = service.mean() + theory::mean_wait(rate, &service).unwrap();
        agrees(
            &format!("{name} at {load}: time"),
            outcome.latency,
            time,
            0.02,
        );
        assert_eq!(outcome.lost, 0);
        assert_eq!(outcome.occupancy.busy, 0);
        // Little's law holds for what was simulated, exactly but for the time after the last arrival.
        let there = outcome.latency.mean * EVENTS as f64 / outcome.occupancy.all as f64;
        let ratio = outcome.occupancy.mean() / there;
        assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    }
}

#[test]
fn a_limited_queue_loses_and_waits_as_theory_says() {
    for (name, services) in [("M/D/1", &FIXED[..]), ("M/G/1", &MIXED[..])] {
        let service = ServiceTimes::of(services.iter().copied());
        for (load, queue) in [(0.7, 0), (0.7, 1), (0.9, 4), (1.5, 2)] {
            let board = Board {
                queue: Some(queue),
                ..Board::default()
            };
            let (rate, outcome) = poisson(services, load, board, EVENTS);
            let places = queue + 1;
            let expected = theory::limited(rate, &service, places).unwrap();
            let what = format!("{name}/{places} at {load}");
            agrees(
                &format!("{what}: lost"),
                outcome.drop_fraction,
                expected.lost,
                0.03,
            );
            let time = service.mean() + expected.mean_wait;
            if queue == 0 && services.len() == 1 {
                // Whoever gets in is served at once.
                assert_eq!(outcome.latencies.smallest(), Some(services[0]));
                assert_eq!(outcome.latencies.largest(), Some(services[0]));
            } else {
                agrees(&format!("{what}: time"), outcome.latency, time, 0.01);
            }
            // What arrives at random sees what is there on average: losses are dead time.
            let dead = BatchMean {
                mean: outcome.occupancy.dead_time(),
                ..outcome.drop_fraction
            };
            agrees(&format!("{what}: dead time"), dead, expected.lost, 0.03);
            // And BUSY is up while all places are taken.
            assert_eq!(outcome.occupancy.ticks[places], outcome.occupancy.busy);
            assert_eq!(
                outcome.occupancy.ticks.iter().sum::<u64>(),
                outcome.occupancy.all
            );
            for (there, p) in expected.probabilities.iter().enumerate() {
                let got = outcome.occupancy.ticks[there] as f64 / outcome.occupancy.all as f64;
                assert!((got - p).abs() < 0.004, "{what}: {there} there: {got} {p}");
            }
        }
    }
}

#[test]
fn dead_time_is_that_of_the_textbooks() {
    let tau = FIXED[0] as f64;
    for load in [0.2, 1.0, 3.0] {
        for dead_time in [DeadTime::NonParalysable, DeadTime::Paralysable] {
            let board = Board {
                queue: Some(0),
                dead_time,
                ..Board::default()
            };
            let (rate, outcome) = poisson(&FIXED, load, board, EVENTS);
            let counted = match dead_time {
                DeadTime::NonParalysable => theory::non_paralysable(rate, tau),
                DeadTime::Paralysable => theory::paralysable(rate, tau),
            };
            let lost = 1.0 - counted / rate;
            let what = format!("{dead_time:?} at {load}");
            agrees(&what, outcome.drop_fraction, lost, 0.02);
            let dead = BatchMean {
                mean: outcome.occupancy.dead_time(),
                ..outcome.drop_fraction
            };
            agrees(&format!("{what}: dead time"), dead, lost, 0.02);
        }
    }
}

#[test]
fn the_largest_rate_is_that_of_theory() {
    for (services, queue, fraction) in [(&FIXED[..], 0, 0.01), (&MIXED[..], 3, 0.01)] {
        let jobs = jobs(services);
        let service = ServiceTimes::of(services.iter().copied());
        let board = Board {
            queue: Some(queue),
            ..Board::default()
        };
        let lost = |hz: f64| {
            let stream = Run {
                board,
                jobs: &jobs,
                order: Order::Random,
                seed: 5,
                events: EVENTS / 4,
            };
            let arrivals = Arrivals::Poisson(Rate::from_hz(hz).unwrap());
            Ok(run(stream, arrivals.ticks(PS, 0, 5), ())?.drop_fraction)
        };
        let highest = 1.0 / PS.seconds(service.mean()) / (1.0 - fraction);
        let found = largest_rate(fraction, 1.0, highest, lost).unwrap().unwrap();
        assert!(!found.at_limit);
        // At that rate theory must lose as much as was asked, within what the simulation can tell.
        let rate = found.rate_hz / PS.per_second() as f64;
        let expected = theory::limited(rate, &service, queue + 1).unwrap().lost;
        agrees(
            &format!("lost at {:.0} Hz", found.rate_hz),
            found.drop_fraction,
            expected,
            0.1,
        );
        assert!(found.drop_fraction.mean <= fraction);
        assert!((found.drop_fraction.mean / fraction - 1.0).abs() < 0.02);
    }
}

#[test]
fn a_regular_stream_is_served_without_a_wait_until_it_is_too_fast() {
    let jobs = jobs(&FIXED);
    let lost = |hz: f64| {
        let stream = Run {
            board: Board {
                queue: Some(0),
                ..Board::default()
            },
            jobs: &jobs,
            order: Order::Cycle,
            seed: 0,
            events: 10_000,
        };
        let arrivals = Arrivals::Fixed(Rate::from_hz(hz).unwrap());
        run(stream, arrivals.ticks(PS, 0, 0), ()).unwrap()
    };
    let outcome = lost(20_000.0);
    assert_eq!(outcome.lost, 0);
    assert_eq!(outcome.latencies.largest(), Some(50_000_000));
    assert_eq!(outcome.latencies.smallest(), Some(50_000_000));
    // A picosecond too early: every other event is lost.
    assert_eq!(lost(20_000.001).lost, 5_000);
}

#[test]
fn streaming_saves_what_overlaps_with_the_link() {
    // 8 constituents of 6 bytes at 1 Mbit/s: 48 µs each; 20 µs of network each, 30 µs after the last.
    let service = ServiceTable::line("300+200*n").unwrap();
    let payload = Payload {
        fixed_bytes: 0,
        row_bytes: 6,
        rows: 8,
        live: (0..8).collect(),
    };
    let link = Link {
        bandwidth: Some("1Mbit/s".parse().unwrap()),
        ..Link::default()
    };
    let latency = |input| {
        let job = link.job(&payload, input, &service, 10_000_000, PS).unwrap();
        let jobs = Jobs::new(vec![job]).unwrap();
        let stream = Run {
            board: Board::default(),
            jobs: &jobs,
            order: Order::Cycle,
            seed: 0,
            events: 100,
        };
        let arrivals = Arrivals::Fixed("1kHz".parse().unwrap());
        run(stream, arrivals.ticks(PS, 0, 0), ())
            .unwrap()
            .latencies
            .largest()
            .unwrap()
    };
    let us = 1_000_000;
    assert_eq!(latency(Input::StoreAndForward), (8 * 48 + 30 + 8 * 20) * us);
    assert_eq!(latency(Input::Streaming), (8 * 48 + 20 + 30) * us);
}

#[test]
fn a_stream_is_repeated_by_its_seed_and_seen_event_by_event() {
    let jobs = jobs(&MIXED);
    let board = Board {
        queue: Some(1),
        output: 1_000_000,
        ..Board::default()
    };
    let arrivals = Arrivals::Poisson("15kHz".parse().unwrap());
    let fates = |seed| {
        let stream = Run {
            board,
            jobs: &jobs,
            order: Order::Random,
            seed,
            events: 20_000,
        };
        let mut seen = Vec::new();
        let see = |event: usize, at: u64, fate: &Fate| seen.push((event, at, *fate));
        let outcome = run(stream, arrivals.ticks(PS, 0, seed), see).unwrap();
        let lost = seen
            .iter()
            .filter(|(_, _, fate)| *fate == Fate::Lost)
            .count() as u64;
        assert_eq!((seen.len() as u64, lost), (outcome.arrivals, outcome.lost));
        assert!(lost > 1_000);
        seen
    };
    let one = fates(1);
    assert_eq!(one, fates(1));
    assert_ne!(one, fates(2));
    // Written by hand: two places, first come, first served.
    let mut ends: Vec<u64> = Vec::new();
    for (event, at, fate) in &one {
        let there = ends.iter().filter(|end| **end > *at).count();
        if there == 2 {
            assert_eq!(*fate, Fate::Lost);
            continue;
        }
        let begin = ends.last().copied().unwrap_or(0).max(*at);
        let end = begin + MIXED[*event];
        let Fate::Decided(served) = fate else {
            panic!("lost with {there} there at {at}");
        };
        assert_eq!((served.end, served.decision), (end, end + 1_000_000));
        ends.push(end);
        if ends.len() > 8 {
            ends.remove(0);
        }
    }
}

#[test]
fn what_cannot_go_on_ends_with_a_reason() {
    let jobs = jobs(&FIXED);
    let stream = |events| Run {
        board: Board::default(),
        jobs: &jobs,
        order: Order::Random,
        seed: 1,
        events,
    };
    let fast = Arrivals::Fixed("1GHz".parse().unwrap());
    let error = run(stream(20_000_000), fast.ticks(PS, 0, 1), ()).unwrap_err();
    assert!(error.to_string().contains("without end"), "{error}");
    let slow = Arrivals::Fixed("0.000001Hz".parse().unwrap());
    let error = run(stream(10), slow.ticks(PS, 0, 1), ()).unwrap_err();
    assert!(error.to_string().contains("2^62"), "{error}");
    assert!(run(stream(0), fast.ticks(PS, 0, 1), ()).is_err());
}
