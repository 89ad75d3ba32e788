use std::fs;

use ndarray::Array1;
use ndarray_npy::{NpzWriter, WriteNpyExt};

use super::*;

const PS: Timebase = Timebase::PICOSECONDS;
const SLOT: Span = Span::Picoseconds(25_000);

fn parsed(text: &str) -> Arrivals {
    parse(text, None, SLOT, PS, 0).unwrap()
}

fn first(text: &str, count: usize, seed: u64) -> Vec<u64> {
    parsed(text).ticks(PS, 0, seed).take(count).collect()
}

#[test]
fn fixed_arrivals_do_not_drift() {
    // 3 kHz: a third of a nanosecond is left at every step.
    let ticks = first("fixed:3kHz", 3_000_001, 0);
    assert_eq!(ticks[..3], [0, 333_333_333, 666_666_666]);
    assert_eq!(ticks[3_000_000], 1_000 * PS.per_second());
    let clock = Timebase::cycles(7).unwrap();
    let rate = "3Hz".parse().unwrap();
    let ticks: Vec<u64> = Arrivals::Fixed(rate).ticks(clock, 7, 0).take(7).collect();
    assert_eq!(ticks, [0, 2, 4, 7, 9, 11, 14]);
    let fastest: Vec<u64> = Arrivals::Fixed(Rate::from_hz(9.5e12).unwrap())
        .ticks(PS, 0, 0)
        .take(20)
        .collect();
    // Nearly ten in a tick, and a remainder that does not fit 64 bits before it is reduced.
    assert_eq!((fastest[9], fastest[10], fastest[19]), (0, 1, 2));
}

#[test]
fn poisson_arrivals_have_their_rate_and_are_repeated_by_their_seed() {
    let count = 200_000;
    let ticks = first("poisson:2MHz", count, 7);
    assert_eq!(ticks, first("poisson:2MHz", count, 7));
    assert_ne!(ticks, first("poisson:2MHz", count, 8));
    let gaps: Vec<f64> = ticks.windows(2).map(|w| (w[1] - w[0]) as f64).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let error = 500_000.0 / (gaps.len() as f64).sqrt();
    assert!((mean - 500_000.0).abs() < 5.0 * error, "{mean}");
    // Memoryless: e^-1 of the gaps are longer than the mean.
    let longer = gaps.iter().filter(|gap| **gap > 500_000.0).count() as f64 / gaps.len() as f64;
    let p = (-1.0f64).exp();
    assert!((longer - p).abs() < 5.0 * (p * (1.0 - p) / gaps.len() as f64).sqrt());
}

#[test]
fn fast_poisson_arrivals_keep_their_rate_on_a_coarse_clock() {
    // Three arrivals per tick: rounding each distance would lose most of them.
    let clock = Timebase::cycles(1_000).unwrap();
    let arrivals = Arrivals::Poisson("3kHz".parse().unwrap());
    let count = 100_000;
    let last = arrivals.ticks(clock, 1_000, 1).nth(count - 1).unwrap() as f64;
    let expected = count as f64 / 3.0;
    assert!(
        (last - expected).abs() < 5.0 * expected / (count as f64).sqrt(),
        "{last}"
    );
}

#[test]
fn the_standard_filling_is_that_of_the_note() {
    let filling: Filling = Filling::STANDARD.parse().unwrap();
    assert_eq!(filling, Filling::standard());
    assert_eq!(filling.slots(), 3564);
    assert_eq!(filling.filled().len(), 2808);
    // 39 trains of 72; gaps of the SPS's kicker, the LHC's, and the beam dump's.
    let mut gaps = std::collections::BTreeMap::<u32, usize>::new();
    let filled = filling.filled();
    for (index, slot) in filled.iter().enumerate() {
        let next = filled.get(index + 1).map_or(3564 + filled[0], |next| *next);
        *gaps.entry(next - slot - 1).or_default() += 1;
    }
    let expected = [(0, 39 * 71), (8, 27), (38, 8), (39, 3), (119, 1)];
    assert_eq!(gaps.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn events_come_at_filled_bunches_with_their_probability() {
    let filling = Filling::standard();
    let ticks = first("lhc:0.01", 100_000, 3);
    let mut hits = vec![0u32; 3564];
    for tick in &ticks {
        assert_eq!(tick % 25_000, 0);
        hits[(tick / 25_000 % 3564) as usize] += 1;
    }
    assert!(ticks.windows(2).all(|w| w[0] < w[1]));
    for (slot, hits) in hits.iter().enumerate() {
        assert!(
            *hits == 0 || filling.filled().contains(&(slot as u32)),
            "{slot}"
        );
    }
    let orbits = *ticks.last().unwrap() as f64 / (25_000.0 * 3564.0);
    let expected = orbits * 28.08;
    assert!((ticks.len() as f64 - expected).abs() < 5.0 * expected.sqrt());
    // With certainty: every filled bunch, in order.
    let all = first("lhc:1", 2809, 3);
    let slots: Vec<u32> = all[..2808]
        .iter()
        .map(|tick| (tick / 25_000) as u32)
        .collect();
    assert_eq!(slots, filling.filled());
    assert_eq!(all[2808], 3564 * 25_000);
    // 25 ns are 0.625 cycles of 25 MHz: the orbit is 2227.5.
    let clock = Timebase::cycles(25_000_000).unwrap();
    let every = parse("lhc:1", None, SLOT, clock, 25_000_000).unwrap();
    let second = every.ticks(clock, 25_000_000, 3).nth(2 * 2808).unwrap();
    assert_eq!(second, 4455);
}

#[test]
fn rates_of_bunches_are_probabilities() {
    let arrivals = parsed("lhc:100kHz");
    let mean = arrivals.mean_hz(PS, 0).unwrap();
    assert!((mean - 1e5).abs() < 1e-6, "{mean}");
    let faster = arrivals.at_rate(1e6, PS, 0).unwrap();
    assert!((faster.mean_hz(PS, 0).unwrap() - 1e6).abs() < 1e-6);
    assert_eq!(arrivals.at_rate(1e9, PS, 0), None);
    let other: Filling = "(12b 4e)x2 8e".parse().unwrap();
    assert_eq!((other.slots(), other.filled().len()), (40, 24));
}

#[test]
fn what_does_not_arrive_is_refused() {
    let refused = |text: &str| parse(text, None, SLOT, PS, 0).unwrap_err().to_string();
    assert!(refused("2kHz").contains("poisson:RATE"));
    assert!(refused("gauss:2kHz").contains("`gauss`"));
    assert!(refused("poisson:-1Hz").contains("no rate"));
    assert!(refused("lhc:0").contains("probability"));
    assert!(refused("lhc:1.5").contains("probability"));
    assert!(refused("lhc:60MHz").contains("probability"));
    assert!(parse("lhc:1", None, Span::Picoseconds(0), PS, 0).is_err());
    for (text, reason) in [
        ("", "no slot is filled"),
        ("8e", "no slot is filled"),
        ("72b)", "too many"),
        ("(72b", "missing"),
        ("(72b)", "repeated"),
        ("72", "72b for bunches"),
        ("b", "number"),
        ("(1b)x99999999", "2^20"),
        ("((((((((((((((((((((1b", "brackets"),
        ("7ü", "72b"),
    ] {
        let error = text.parse::<Filling>().unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn times_are_read_from_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let read = |name: &str| read_times(&path(name), PS, 0);

    fs::write(
        path("a.csv"),
        "event,time_ns\n0,0.5\n1,1\n\n2,1.0004\n3,7\n",
    )
    .unwrap();
    assert_eq!(read("a.csv").unwrap(), [500, 1000, 1000, 7000]);
    fs::write(path("b.txt"), "# seconds\n0.1\n0.2\n").unwrap();
    assert!(read("b.txt").unwrap_err().to_string().contains("time_UNIT"));
    let times = read_times_as(&path("b.txt"), "s", PS, 0).unwrap();
    assert_eq!(times, [100_000_000_000, 200_000_000_000]);
    fs::write(path("c.csv"), "time_us\n3\n2\n").unwrap();
    let falling = read("c.csv").unwrap_err().to_string();
    assert!(
        falling.contains("line 3") && falling.contains("earlier"),
        "{falling}"
    );
    fs::write(path("d.csv"), "time_us\n-3\n").unwrap();
    assert!(read("d.csv").unwrap_err().to_string().contains("`-3`"));
    fs::write(path("e.csv"), "time_us\n").unwrap();
    assert!(read("e.csv").unwrap_err().to_string().contains("no times"));

    let mut npz = NpzWriter::new(fs::File::create(path("a.npz")).unwrap());
    npz.add_array("time_cycles", &Array1::from(vec![0i64, 72, 720]))
        .unwrap();
    npz.add_array("x", &Array1::from(vec![0i64])).unwrap();
    npz.finish().unwrap();
    let times = read_times(&path("a.npz"), PS, 72_000_000).unwrap();
    assert_eq!(times, [0, 1_000_000, 10_000_000]);
    let own = Timebase::cycles(72_000_000).unwrap();
    assert_eq!(
        read_times(&path("a.npz"), own, 72_000_000).unwrap(),
        [0, 72, 720]
    );

    let file = fs::File::create(path("a.npy")).unwrap();
    Array1::from(vec![0.0f64, 1.5, 2.25])
        .write_npy(file)
        .unwrap();
    assert!(read("a.npy").is_err());
    assert_eq!(
        read_times_as(&path("a.npy"), "ns", PS, 0).unwrap(),
        [0, 1500, 2250]
    );
    assert!(read_times_as(&path("a.npy"), "hours", PS, 0).is_err());
    assert!(read("none.csv").is_err());

    let arrivals = parsed(&format!("file:{}@ns", path("a.npy").display()));
    // Two distances in 2.25 ns.
    assert!((arrivals.mean_hz(PS, 0).unwrap() - 2.0 / 2.25e-9).abs() < 1.0);
    let slower = arrivals.at_rate(1.0 / 2.25e-9, PS, 0).unwrap();
    assert_eq!(slower.ticks(PS, 0, 0).collect::<Vec<_>>(), [0, 3000, 4500]);
}
