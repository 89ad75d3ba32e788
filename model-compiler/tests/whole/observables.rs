//! Jet observables from constituents in detector words, by integers: what each misses of the float network.
//!
//! `cargo test -p hodoscope-compiler --test whole observables -- --nocapture` prints the table of the book's chapter.

use crate::kinds::{Network, differences_of_each};
use crate::{Random, SIXTEEN};
use hodoscope_compiler::graph::{
    Binary, Circular, Comparison, Graph, Kind, Op, Reduction, Unary, ValueId,
};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_compiler::quantise::Calibration;
use hodoscope_compiler::quantised;

/// Constituents of a jet.
const SLOTS: usize = 12;
/// Jets that formats are taken from, and others that are judged.
const JETS: usize = 600;

/// pT in GeV, η and φ from the jet's axis.
const WORDS: &str = r#"
[[input.x.field]]
name = "pt"
unit = "GeV"
lsb = 0.25
minimum = 0
maximum = 16383
overflow = "saturate"
empty = 0
[[input.x.field]]
name = "eta"
unit = "1"
lsb = 0.001
minimum = -2048
maximum = 2047
overflow = "saturate"
empty = 0
[[input.x.field]]
name = "phi"
unit = "1"
lsb = 0.001
minimum = -2048
maximum = 2047
overflow = "saturate"
empty = 0
"#;

/// Constituents around one axis or two, the hardest first.
fn jet(random: &mut Random, prongs: usize) -> Vec<f32> {
    let live = 4 + random.below(SLOTS - 3);
    let axes: Vec<(f32, f32)> = (0..prongs)
        .map(|prong| {
            let side = if prong == 0 { 0.2 } else { -0.2 };
            let turn = 6.3 * random.uniform();
            (side * turn.cos(), side * turn.sin())
        })
        .collect();
    let mut rows: Vec<[f32; 3]> = (0..live)
        .map(|i| {
            let (eta, phi) = axes[i % prongs];
            let width = 0.08;
            let pt = 5.0 - 60.0 * random.uniform().max(1e-4).ln();
            let word = |value: f32| (value / 0.001).round() * 0.001;
            [
                (pt * 4.0).round() / 4.0,
                word(eta + width * random.normal()),
                word(phi + width * random.normal()),
            ]
        })
        .collect();
    rows.sort_by(|a, b| b[0].total_cmp(&a[0]));
    rows.resize(SLOTS, [0.0; 3]);
    rows.concat()
}

/// A network over the constituents of a jet.
struct Jet {
    net: Network,
    /// `[1, P]`.
    pt: ValueId,
    eta: ValueId,
    phi: ValueId,
}

impl Jet {
    fn new() -> Self {
        let mut net = Network::new();
        let x = net.input("x", &[1, SLOTS, 3], Kind::Float);
        let mut column = |start| {
            let slice = Op::Slice {
                axis: 2,
                start,
                step: 1,
                len: 1,
            };
            let column = net.push(slice, &[x]);
            net.reshape(column, &[1, SLOTS])
        };
        let (pt, eta, phi) = (column(0), column(1), column(2));
        Self { net, pt, eta, phi }
    }

    fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.net.binary(Binary::Mul, a, b)
    }

    fn scaled(&mut self, x: ValueId, factor: f32) -> ValueId {
        let factor = self.net.constant(&[factor]);
        self.mul(x, factor)
    }

    fn sum(&mut self, x: ValueId) -> ValueId {
        let rank = 2;
        let elements = self.net.elements(x);
        let x = self.net.reshape(x, &[1, elements]);
        let sum = Op::Reduce {
            op: Reduction::Sum,
            axes: vec![rank - 1],
            keepdims: true,
        };
        self.net.push(sum, &[x])
    }

    /// x_i − x_j, `[1, P, P]`.
    fn apart(&mut self, x: ValueId) -> ValueId {
        let rows = self.net.reshape(x, &[1, SLOTS, 1]);
        let columns = self.net.reshape(x, &[1, 1, SLOTS]);
        self.net.binary(Binary::Sub, rows, columns)
    }

    /// Δη² + Δφ² of all pairs.
    fn squared_distances(&mut self) -> ValueId {
        let (eta, phi) = (self.apart(self.eta), self.apart(self.phi));
        let (eta, phi) = (self.mul(eta, eta), self.mul(phi, phi));
        self.net.binary(Binary::Add, eta, phi)
    }

    /// Distances to the power β.
    fn distances(&mut self, beta: i32) -> ValueId {
        let squares = self.squared_distances();
        match beta {
            2 => squares,
            _ => self.net.unary(Unary::Sqrt, squares),
        }
    }

    /// Fractions of the jet's momentum, to the power κ.
    fn fractions(&mut self, kappa: i32) -> ValueId {
        let total = self.sum(self.pt);
        let z = self.net.binary(Binary::Div, self.pt, total);
        let one = self.net.constant(&[1.0]);
        let zero = self.net.constant(&[0.0]);
        let there = self.net.above(self.pt, 0.0);
        match kappa {
            2 => self.mul(z, z),
            1 => z,
            0 => self.net.push(Op::Where, &[there, one, zero]),
            // κ = −1: nothing of what is not there.
            _ => {
                let some = self.net.push(Op::Where, &[there, z, one]);
                let inverse = self.net.binary(Binary::Div, one, some);
                self.net.push(Op::Where, &[there, inverse, zero])
            }
        }
    }

    /// Σ_jk d_ij z_j …: what each constituent sees along a line of so many edges.
    fn line(&mut self, kappa: i32, beta: i32, edges: usize) -> ValueId {
        let (z, d) = (self.fractions(kappa), self.distances(beta));
        let mut seen = self.net.reshape(z, &[1, SLOTS, 1]);
        let own = seen;
        for _ in 0..edges {
            let next = self.net.push(Op::MatMul, &[d, seen]);
            seen = self.mul(next, own);
        }
        self.sum(seen)
    }

    /// Σ_ijk z_i z_j z_k d_ij d_jk d_ki.
    fn triangle(&mut self, kappa: i32, beta: i32) -> ValueId {
        let (z, d) = (self.fractions(kappa), self.distances(beta));
        let rows = self.net.reshape(z, &[1, SLOTS, 1]);
        let weighted = self.mul(d, rows);
        let twice = self.net.push(Op::MatMul, &[d, weighted]);
        let columns = self.net.reshape(z, &[1, 1, SLOTS]);
        let closed = self.mul(twice, weighted);
        let all = self.mul(closed, columns);
        self.sum(all)
    }

    fn mass(&mut self) -> ValueId {
        let (eta, phi) = (self.apart(self.eta), self.apart(self.phi));
        let cosh = self.net.unary(Unary::Circular(Circular::Cosh), eta);
        let cos = self.net.unary(Unary::Circular(Circular::Cos), phi);
        let angle = self.net.binary(Binary::Sub, cosh, cos);
        let (rows, columns) = (
            self.net.reshape(self.pt, &[1, SLOTS, 1]),
            self.net.reshape(self.pt, &[1, 1, SLOTS]),
        );
        let pairs = self.mul(rows, columns);
        let terms = self.mul(pairs, angle);
        let sum = self.sum(terms);
        self.net.unary(Unary::Sqrt, sum)
    }

    /// e3 / e2^power of energy correlations.
    fn correlation(&mut self, beta: i32, power: i32) -> ValueId {
        let pairs = self.line(1, beta, 1);
        let e2 = self.scaled(pairs, 0.5);
        let triples = self.triangle(1, beta);
        let e3 = self.scaled(triples, 1.0 / 6.0);
        let mut divisor = e2;
        for _ in 1..power {
            divisor = self.mul(divisor, e2);
        }
        self.net.binary(Binary::Div, e3, divisor)
    }

    /// τ2 / τ1: around the two hardest constituents, and around the hardest.
    fn subjettiness(&mut self) -> ValueId {
        let d = self.distances(1);
        let mut to = |start| {
            let slice = Op::Slice {
                axis: 2,
                start,
                step: 1,
                len: 1,
            };
            let column = self.net.push(slice, &[d]);
            self.net.reshape(column, &[1, SLOTS])
        };
        let (first, second) = (to(0), to(1));
        let nearest = self.net.binary(Binary::Min, first, second);
        let (one, two) = (self.mul(self.pt, first), self.mul(self.pt, nearest));
        let (one, two) = (self.sum(one), self.sum(two));
        self.net.binary(Binary::Div, two, one)
    }

    fn at(&mut self, x: ValueId, start: usize) -> ValueId {
        let slice = Op::Slice {
            axis: 1,
            start,
            step: 1,
            len: 1,
        };
        self.net.push(slice, &[x])
    }

    /// The azimuth between the two hardest, within ±π.
    fn azimuth(&mut self) -> ValueId {
        // As of whole events: φ seven times as wide.
        let phi = self.scaled(self.phi, 7.0);
        let (a, b) = (self.at(phi, 0), self.at(phi, 1));
        let apart = self.net.binary(Binary::Sub, a, b);
        let turns = self.scaled(apart, 0.5 / std::f32::consts::PI);
        let turns = self.net.unary(Unary::Round, turns);
        let turns = self.scaled(turns, std::f32::consts::TAU);
        self.net.binary(Binary::Sub, apart, turns)
    }

    /// √(2 a b (1 − cos Δφ)) of the two hardest.
    fn transverse_mass(&mut self) -> ValueId {
        let azimuth = self.azimuth();
        let cos = self.net.unary(Unary::Circular(Circular::Cos), azimuth);
        let one = self.net.constant(&[1.0]);
        let part = self.net.binary(Binary::Sub, one, cos);
        let (a, b) = (self.at(self.pt, 0), self.at(self.pt, 1));
        let product = self.mul(a, b);
        let product = self.scaled(product, 2.0);
        let square = self.mul(product, part);
        self.net.unary(Unary::Sqrt, square)
    }

    /// The second hardest over the transverse mass of both; 0 where they lie on one another.
    fn alpha_t(&mut self) -> ValueId {
        let mass = self.transverse_mass();
        let second = self.at(self.pt, 1);
        let one = self.net.constant(&[1.0]);
        let zero = self.net.constant(&[0.0]);
        let some = self.net.binary(Binary::Max, mass, one);
        let ratio = self.net.binary(Binary::Div, second, some);
        let there = self
            .net
            .push(Op::Compare(Comparison::Greater), &[mass, one]);
        self.net.push(Op::Where, &[there, ratio, zero])
    }

    fn finish(self, y: ValueId) -> Graph {
        self.net.finish(&[y])
    }
}

/// The 95th percentile of the relative error, and how far the area under the curve moves.
fn judged(graph: &Graph) -> (f64, f64) {
    let mut random = Random::new(6);
    let mut jets = || -> Vec<(usize, Vec<Vec<f32>>)> {
        (0..JETS)
            .map(|i| (i % 2, vec![jet(&mut random, 1 + i % 2)]))
            .collect()
    };
    let (seen, judged) = (jets(), jets());
    let all = seen.iter().flat_map(|(_, jet)| jet[0].clone()).collect();
    let calibration = Calibration::new(graph, vec![all]).unwrap();
    let spec = InputsSpec::parse(WORDS).unwrap();
    let made = quantised(graph, "jets", &spec, None, &calibration, &SIXTEEN);
    let program = made.unwrap_or_else(|error| panic!("{error}")).0.program;
    let events: Vec<Vec<Vec<f32>>> = judged.iter().map(|(_, jet)| jet.clone()).collect();
    let pairs = differences_of_each(graph, &program, &events);
    let mut errors: Vec<f64> = pairs
        .iter()
        .map(|(float, fixed)| (fixed - float).abs() / float.abs().max(1e-12))
        .collect();
    errors.sort_by(f64::total_cmp);
    let area = |of: fn(&(f64, f64)) -> f64| {
        let scores = |label: usize| {
            let own = judged.iter().zip(&pairs);
            own.filter(move |((l, _), _)| *l == label)
                .map(move |(_, pair)| of(pair))
        };
        let mut above = 0.0;
        for signal in scores(1) {
            for background in scores(0) {
                above += match signal.total_cmp(&background) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        above / (JETS * JETS / 4) as f64
    };
    let moved = area(|pair| pair.1) - area(|pair| pair.0);
    (errors[JETS * 95 / 100], moved)
}

#[test]
fn observables_of_jets_hold_to_a_hundredth() {
    type Made = fn(&mut Jet) -> ValueId;
    let observables: [(&str, Made); 26] = [
        ("mass", Jet::mass),
        ("C2, β = 1", |jet| jet.correlation(1, 2)),
        ("C2, β = 2", |jet| jet.correlation(2, 2)),
        ("D2, β = 1", |jet| jet.correlation(1, 3)),
        ("D2, β = 2", |jet| jet.correlation(2, 3)),
        ("τ21", Jet::subjettiness),
        ("EFP dot, κ = 1, β = 1", |jet| jet.line(1, 1, 1)),
        ("EFP dot, κ = 2, β = 2", |jet| jet.line(2, 2, 1)),
        ("EFP triangle, κ = 1, β = 1", |jet| jet.triangle(1, 1)),
        ("EFP triangle, κ = 1, β = 2", |jet| jet.triangle(1, 2)),
        ("EFP triangle, κ = 2, β = 1", |jet| jet.triangle(2, 1)),
        ("EFP line of 4, κ = 1, β = 1", |jet| jet.line(1, 1, 3)),
        ("EFP line of 5, κ = 1, β = 1", |jet| jet.line(1, 1, 4)),
        ("EFP line of 5, κ = 1, β = 2", |jet| jet.line(1, 2, 4)),
        ("EFP line of 5, κ = 2, β = 1", |jet| jet.line(2, 1, 4)),
        ("EFP line of 5, κ = 2, β = 2", |jet| jet.line(2, 2, 4)),
        ("EFP dot, κ = 0, β = 1", |jet| jet.line(0, 1, 1)),
        ("EFP triangle, κ = 0, β = 2", |jet| jet.triangle(0, 2)),
        ("EFP dot, κ = −1, β = 2", |jet| jet.line(-1, 2, 1)),
        ("EFP triangle, κ = −1, β = 1", |jet| jet.triangle(-1, 1)),
        ("EFP triangle, κ = −1, β = 2", |jet| jet.triangle(-1, 2)),
        ("EFP line of 4, κ = −1, β = 1", |jet| jet.line(-1, 1, 3)),
        ("EFP line of 5, κ = −1, β = 2", |jet| jet.line(-1, 2, 4)),
        ("Δφ", Jet::azimuth),
        ("M_T", Jet::transverse_mass),
        ("α_T", Jet::alpha_t),
    ];
    let mut over = vec![];
    println!("| observable | relative error, p95 | ΔAUC |\n|---|---|---|");
    for (name, made) in observables {
        let mut jet = Jet::new();
        let y = made(&mut jet);
        let (error, moved) = judged(&jet.finish(y));
        println!("| {name} | {error:.1e} | {moved:+.1e} |");
        if error > 0.01 || moved.abs() > 5e-4 {
            over.push(format!("{name}: {error:.1e}, {moved:+.1e}"));
        }
    }
    assert!(over.is_empty(), "{over:?}");
}
