//! Networks compute their matrices.
#![allow(clippy::unwrap_used)] // A test that unwraps fails with the line that is wrong.

use hodoscope_program::Interval;
use proptest::prelude::*;

use super::*;

fn inputs(depths: &[u32]) -> Vec<Input> {
    let range = Interval::between(-128, 127);
    let input = |depth: &u32| Input {
        range,
        depth: *depth,
    };
    depths.iter().map(input).collect()
}

/// What a network makes of `x`, and the depth of every node.
fn run(network: &Network, x: &[i128], depths: &[u32]) -> (Vec<i128>, Vec<u32>) {
    let (mut nodes, mut deep) = (x.to_vec(), depths.to_vec());
    for adder in &network.adders {
        let (a, b) = (nodes[adder.a.0] << adder.a.1, nodes[adder.b.0] << adder.b.1);
        nodes.push(if adder.minus { a - b } else { a + b });
        deep.push(deep[adder.a.0].max(deep[adder.b.0]) + 1);
    }
    let of = |output: &Option<Term>| match output {
        None => 0,
        Some(term) if term.minus => -(nodes[term.node] << term.shift),
        Some(term) => nodes[term.node] << term.shift,
    };
    let outputs = network.outputs.iter();
    let depth = |output: &Option<Term>| output.map_or(0, |t| deep[t.node]);
    (
        outputs.clone().map(of).collect(),
        outputs.map(depth).collect(),
    )
}

fn matrices() -> impl Strategy<Value = (Vec<Vec<i64>>, Vec<u32>)> {
    (1usize..7, 1usize..7, 1u32..40).prop_flat_map(|(rows, columns, bits)| {
        let weight = prop_oneof![
            3 => -(1i64 << bits.min(8))..=(1i64 << bits.min(8)),
            1 => -(1i64 << bits)..=(1i64 << bits),
            1 => Just(0),
        ];
        let row = prop::collection::vec(weight, columns);
        (
            prop::collection::vec(row, rows),
            prop::collection::vec(0u32..4, columns),
        )
    })
}

proptest! {
    #[test]
    fn networks_compute_their_matrices((rows, depths) in matrices(), seed in any::<u64>()) {
        let inputs = inputs(&depths);
        for aim in [Aim::Fewest, Aim::Shallow] {
            let network = solve(&rows, &inputs, aim);
            prop_assert_eq!(&network, &solve(&rows, &inputs, aim));
            for turn in 0..3u32 {
                let x: Vec<i128> = (0..depths.len() as u32)
                    .map(|i| i128::from((seed.rotate_left(8 * i + 3 * turn) & 255) as u8 as i8))
                    .collect();
                let (got, deep) = run(&network, &x, &depths);
                let expected = rows.iter().map(|row| row.iter().zip(&x).map(|(w, x)| i128::from(*w) * x).sum());
                prop_assert_eq!(&got, &expected.collect::<Vec<i128>>());
                prop_assert_eq!(&deep, &network.depths);
            }
            if aim == Aim::Shallow {
                for (row, depth) in rows.iter().zip(&network.depths) {
                    let terms = row.iter().zip(&depths).map(|(w, d)| (digits::count((*w).into()) as u128) << d);
                    let least = (0..).find(|limit| terms.clone().sum::<u128>() <= 1u128 << limit);
                    prop_assert!(*depth <= least.unwrap(), "{row:?}: {depth}");
                }
            }
        }
    }
}

/// Constants of the literature: 7·x and 45·x take one and two adders; a sum that two rows share is made once.
#[test]
fn what_is_shared_is_made_once() {
    let adders = |rows: &[Vec<i64>], aim| {
        let depths = vec![0; rows[0].len()];
        solve(rows, &inputs(&depths), aim).adders.len()
    };
    for aim in [Aim::Fewest, Aim::Shallow] {
        assert_eq!(adders(&[vec![7]], aim), 1);
        assert_eq!(adders(&[vec![45]], aim), 2);
        assert_eq!(adders(&[vec![1, 1, 1, 0], vec![1, 1, 0, 1]], aim), 3);
        assert_eq!(adders(&[vec![4, 0], vec![0, 2]], aim), 0);
        assert_eq!(adders(&[vec![0, 0]], aim), 0);
    }
}

/// Rows that are too long to be searched are sums all the same.
#[test]
fn large_matrices_are_parted() {
    let weight = |i: usize| (i as i64 * 7_919) % 65_521 - 32_760;
    let rows: Vec<Vec<i64>> = (0..3)
        .map(|r| (0..600).map(|c| weight(600 * r + c)).collect())
        .collect();
    assert!(pairs_of(&rows[0]) > PAIRS_OF_A_PIECE);
    let mut small = vec![vec![1; 600], vec![1; 600]];
    small[1][0] = 0;
    let (rows, depths) = ([rows, small].concat(), vec![0; 600]);
    let inputs = inputs(&depths);
    let network = solve(&rows, &inputs, Aim::Shallow);
    let x: Vec<i128> = (0..600).map(|i| i % 255 - 127).collect();
    let sum = |row: &Vec<i64>| {
        row.iter()
            .zip(&x)
            .map(|(w, x)| i128::from(*w) * x)
            .sum::<i128>()
    };
    assert_eq!(
        run(&network, &x, &depths).0,
        rows.iter().map(sum).collect::<Vec<_>>()
    );
}
