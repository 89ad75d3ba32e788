//! Events per second of the simulated trigger, on one core of the host.
//!
//! `cargo xtask bench`. Service times are a table over 33 multiplicities, events are as many as a
//! file of test events has. The last line simulates 10⁸ of them, once.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use hodoscope_sim::stream::{Arrivals, Board, Job, Jobs, Order, Run, Timebase, run};

/// Events of one measured pass.
const EVENTS: u64 = 1_000_000;
/// Events of the long stream.
const MANY: u64 = 100_000_000;

fn main() {
    // 30 µs, and 80 µs for each of up to 32 constituents.
    let job = |event: u64| Job {
        service: 30_000_000 + 80_000_000 * (event * 7 % 33),
        ..Job::default()
    };
    let jobs = Jobs::new((0..3000).map(job).collect()).expect("there are events");
    let arrivals = |text: &str| -> Arrivals {
        let slot = "25ns".parse().expect("a length of time");
        hodoscope_sim::stream::arrivals::parse(text, None, slot, Timebase::PICOSECONDS, 0)
            .expect("arrivals")
    };
    let stream = |arrivals: &Arrivals, events| {
        let stream = Run {
            board: Board {
                queue: Some(7),
                ..Board::default()
            },
            jobs: &jobs,
            order: Order::Random,
            seed: 1,
            events,
        };
        let ticks = arrivals.ticks(Timebase::PICOSECONDS, 0, 1);
        run(stream, ticks, ()).expect("the stream fits its ticks")
    };

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10)
        .configure_from_args();
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(EVENTS));
    for text in ["fixed:500Hz", "poisson:500Hz", "lhc:500Hz"] {
        let arrivals = arrivals(text);
        group.bench_function(BenchmarkId::from_parameter(text), |b| {
            b.iter(|| stream(&arrivals, EVENTS));
        });
    }
    group.finish();
    criterion.final_summary();

    // Cargo runs benches as tests too, unoptimised: then this would take long and say nothing.
    if std::env::args().any(|argument| argument == "--bench") {
        let started = Instant::now();
        let outcome = stream(&arrivals("poisson:500Hz"), MANY);
        let took = started.elapsed();
        println!(
            "{MANY} Poisson arrivals, {} lost, in {:.1} s",
            outcome.lost,
            took.as_secs_f64()
        );
    }
}
