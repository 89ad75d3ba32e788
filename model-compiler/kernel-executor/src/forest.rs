//! Decision trees.

use hodoscope_compiler::plan::Accumulator;
use hodoscope_kernels::trees;
use hodoscope_program::{Program, TreeAggregate, Trees};

use crate::Array;
use crate::array::exact;

/// Decision trees, in the types of an emitted crate; only the constants are wide, and a crate's narrow ones convert exactly.
pub(crate) fn forest(
    program: &Program,
    own: &Trees,
    x: &Array,
    compare: Accumulator,
    accumulator: Accumulator,
) -> Vec<i64> {
    let stored = |id| Array::new(program.constant(id).element, &program.constant(id).data);
    let nodes: Vec<i32> = exact(&stored(own.nodes).raws());
    let roots: Vec<i32> = exact(&stored(own.roots).raws());
    macro_rules! run {
        ($c:ty, $a:ty, $x:expr, $leaves:expr, $targets:literal) => {{
            let forest = trees::Forest {
                nodes: &nodes,
                first: own.first as i32,
                trees: &roots,
                leaves: $leaves,
            };
            let sums = match own.aggregate {
                TreeAggregate::Sum => trees::sum::<$c, $a, $targets, _, _, _, _>($x, forest),
                TreeAggregate::Min => trees::smallest::<$c, $a, $targets, _, _, _, _>($x, forest),
                TreeAggregate::Max => trees::largest::<$c, $a, $targets, _, _, _, _>($x, forest),
            };
            sums.into_iter().map(i64::from).collect()
        }};
        ($c:ty, $a:ty) => {{
            let leaves: Vec<$a> = exact(&stored(own.leaves).raws());
            each32!(x, x => match program.constant(own.leaves).shape[1] {
                1 => run!($c, $a, x, &leaves, 1),
                2 => run!($c, $a, x, &leaves, 2),
                3 => run!($c, $a, x, &leaves, 3),
                other => panic!("{other} targets"),
            })
        }};
    }
    match (compare, accumulator) {
        (Accumulator::I32, Accumulator::I32) => run!(i32, i32),
        (Accumulator::I32, Accumulator::I64) => run!(i32, i64),
        (Accumulator::I64, Accumulator::I32) => run!(i64, i32),
        (Accumulator::I64, Accumulator::I64) => run!(i64, i64),
    }
}
