//! Ensembles of decision trees: every walk takes a fixed number of steps, whatever the data.

use crate::number::{Accumulator, Narrow};
use crate::order::sign;

/// Nodes as `[feature, threshold, yes, no]`, the first of which has number `first`; trees as `[root, steps]`; a row of
/// `leaves` for each leaf. Nodes and leaves share their numbers.
#[derive(Clone, Copy, Debug)]
pub struct Forest<'a, N, R, L> {
    /// Nodes, row-major.
    pub nodes: &'a [N],
    /// Number of the first node.
    pub first: i32,
    /// Trees, row-major, one or more.
    pub trees: &'a [R],
    /// Values of the leaves, row-major.
    pub leaves: &'a [L],
}

/// The leaf that x reaches: a step goes to `no` where x\[feature\] > threshold, else to `yes`.
///
/// # Panics
/// Never where every path stays within the nodes for as many steps, as the verifier proved.
#[inline(always)]
fn walk<C, X, N>(x: &[X], nodes: &[[N; 4]], first: i32, root: i32, steps: i32) -> usize
where
    C: Accumulator,
    X: Copy + Into<C>,
    N: Copy + Into<C> + Into<i32>,
    i32: Narrow<C>,
{
    let mut at = root;
    for _ in 0..steps {
        let [feature, threshold, yes, no] = nodes[(at - first) as usize];
        let feature: i32 = feature.into();
        let x: C = x[feature as usize].into();
        let threshold: C = threshold.into();
        // The planner proved that the difference fits.
        let beyond = sign(i32::narrow((threshold - x) >> (C::BITS - 32)));
        let (yes, no): (i32, i32) = (yes.into(), no.into());
        at = yes ^ ((yes ^ no) & beyond);
    }
    at as usize
}

macro_rules! aggregate {
    ($(#[$doc:meta])* $name:ident, $sum:ident, $leaf:ident => $next:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name<C, A, const T: usize, X, N, R, L>(x: &[X], forest: Forest<'_, N, R, L>) -> [A; T]
        where
            C: Accumulator,
            A: Accumulator,
            X: Copy + Into<C>,
            N: Copy + Into<C> + Into<i32>,
            R: Copy + Into<i32>,
            L: Copy + Into<A>,
            i32: Narrow<C>,
        {
            let (nodes, leaves) = (forest.nodes.as_chunks().0, forest.leaves.as_chunks::<T>().0);
            let mut sums = [A::ZERO; T];
            for (index, [root, steps]) in forest.trees.as_chunks().0.iter().enumerate() {
                let (root, steps) = ((*root).into(), (*steps).into());
                let leaf = &leaves[walk::<C, X, N>(x, nodes, forest.first, root, steps)];
                for ($sum, leaf) in sums.iter_mut().zip(leaf) {
                    let $leaf: A = (*leaf).into();
                    // The first tree's leaf stands for all before it.
                    *$sum = if index == 0 { $leaf } else { $next };
                }
            }
            sums
        }
    };
}

aggregate! {
    /// The sum of the leaves that x reaches, one per tree: T values.
    sum, sum, leaf => *sum + leaf
}

aggregate! {
    /// The smallest of the leaves that x reaches, one per tree, for each of T values.
    smallest, least, leaf => least.smaller(leaf)
}

aggregate! {
    /// The largest of the leaves that x reaches, one per tree, for each of T values.
    largest, most, leaf => most.larger(leaf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_unequal_length_end_in_their_leaves() {
        // x0 ≤ 3 ? (x1 ≤ −2 ? leaf 0 : leaf 1) : leaf 2, which waits a step; and a tree of one leaf.
        let nodes: [i16; 12] = [0, 0, 2, 2, 1, -2, 0, 1, 0, 3, 3, 2];
        let forest = Forest {
            nodes: &nodes,
            first: 2,
            trees: &[4i8, 2, 1, 0],
            leaves: &[10i8, 1, 20, 2, 40, 4],
        };
        for (x, sums) in [
            ([3i8, -2], [30, 3]),
            ([3, -1], [40, 4]),
            ([4, -2], [60, 6]),
            ([127, 127], [60, 6]),
            ([-128, -128], [30, 3]),
        ] {
            assert_eq!(sum::<i32, i32, 2, _, _, _, _>(&x, forest), sums, "{x:?}");
            let wide: [i64; 2] = sum::<i64, i64, 2, _, _, _, _>(&x, forest);
            assert_eq!(wide.map(|v| v as i32), sums, "{x:?}");
            let least = smallest::<i32, i32, 2, _, _, _, _>(&x, forest);
            let most = largest::<i32, i32, 2, _, _, _, _>(&x, forest);
            assert_eq!([least[0] + most[0], least[1] + most[1]], sums, "{x:?}");
        }
    }

    #[test]
    fn ends_of_words_are_compared_in_64_bits() {
        let forest = Forest {
            nodes: &[0i32, i32::MIN, 0, 1, 0, i32::MAX, 0, 1],
            first: 2,
            trees: &[2i8, 1, 3, 1],
            leaves: &[1i8, 100],
        };
        for (x, expected) in [(i32::MIN, 2), (i32::MIN + 1, 101), (i32::MAX, 101)] {
            assert_eq!(sum::<i64, i32, 1, _, _, _, _>(&[x], forest), [expected]);
        }
    }
}
