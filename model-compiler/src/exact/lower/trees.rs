//! Decision trees: thresholds exactly on the words that features are, leaves on the one grid that holds them all.

use hodoscope_program::{Operation, Trees};

use super::arithmetic::real;
use super::{Lowered, Lowering, PROPORTION, Real, Source, extents};
use crate::exact::dyadic::Dyadic;
use crate::exact::forest::{Feature, Tables, tables};
use crate::graph::{Aggregate, Forest, TreeNode};

/// Bits of a feature that a threshold is compared with, and of a leaf.
const WIDTH: u8 = 32;

impl Lowering<'_> {
    pub(super) fn trees(
        &mut self,
        name: &str,
        x: Real,
        forest: &Forest,
        shape: &[usize],
    ) -> Lowered<Real> {
        super::no_divisor(&x)?;
        let Source::Value(id) = x.source else {
            return Err("its features are constants".into());
        };
        let columns = forest.features;
        let rows = x.elements() / columns;
        let alike = |entries: &[Dyadic]| {
            (columns..entries.len()).all(|e| entries[e] == entries[e - columns])
        };
        if !alike(&x.step) || !alike(&x.offset) {
            return Err(
                "its rows have features of different units; quantise each feature on one scale"
                    .into(),
            );
        }
        let ty = self.builder.element(id);
        if ty.storage().width > WIDTH {
            return Err(format!(
                "its features are {ty}: quantise them to {WIDTH} bits or fewer"
            ));
        }
        let hull = self.builder.interval(id);
        let end = |raw: i128| i64::try_from(raw).map_err(|_| PROPORTION);
        let (minimum, maximum) = (end(hull.minimum)?, end(hull.maximum)?);
        let feature = |(step, offset): (&Dyadic, &Dyadic)| Feature {
            lsb: step.to_f64(),
            offset: offset.to_f64(),
            minimum,
            maximum,
        };
        let features: Vec<Feature> = x
            .step
            .iter()
            .zip(&x.offset)
            .take(columns)
            .map(feature)
            .collect();
        let grid = grid(forest)?;
        let tables = tables(forest, &features, -grid.exponent());
        let tables = tables.ok_or("a tree has no root, or a branch before its parent")?;
        let order: Vec<usize> = tables.iter().flat_map(|own| own.targets.clone()).collect();
        let x = self.builder.view(id, &extents(&[rows, columns]))?;
        let mut parts = Vec::with_capacity(tables.len());
        for own in tables {
            let dims = [rows, own.targets.len()];
            let elements = dims.iter().product();
            let trees = self.ensemble(name, own, x);
            let step = vec![grid; elements];
            let part = self
                .builder
                .push(name, &extents(&dims), trees, None, &step)?;
            parts.push(real(&dims, part, step));
        }
        let in_order: Vec<usize> = (0..rows * forest.targets).collect();
        let joined = match <[Real; 1]>::try_from(parts) {
            Ok([one]) => one,
            Err(parts) => self.side_by_side(
                &format!("{name}.targets"),
                parts,
                &in_order,
                &[rows, forest.targets],
            )?,
        };
        let place = |e: usize| {
            let (row, target) = (e / forest.targets, e % forest.targets);
            let place = order.iter().position(|t| *t == target).unwrap_or(target);
            row * forest.targets + place
        };
        let places: Vec<usize> = in_order.into_iter().map(place).collect();
        self.rearranged(&format!("{name}.ordered"), joined, &places, shape)
    }

    fn ensemble(&mut self, name: &str, own: Tables, x: hodoscope_program::ValueId) -> Operation {
        let targets = own.targets.len();
        let mut constant = |what: &str, columns: usize, data: Vec<i64>| {
            let shape = vec![data.len() / columns, columns];
            self.builder
                .constant(&format!("{name}.{what}"), shape, data)
        };
        Operation::Trees(Trees {
            x,
            nodes: constant("nodes", 4, own.nodes),
            first: own.first,
            roots: constant("roots", 2, own.roots),
            leaves: constant("leaves", targets, own.leaves),
            aggregate: own.aggregate,
        })
    }
}

/// The coarsest power of two that divides every leaf's share of the result, and every base value.
fn grid(forest: &Forest) -> Lowered<Dyadic> {
    let count = Dyadic::integer(forest.trees.len() as i64);
    let shared = match forest.aggregate {
        Aggregate::Average if !count.is_power_of_two() => {
            return Err(format!(
                "the average of {} trees has no exact form; divide the leaves, and export SUM",
                forest.trees.len()
            ));
        }
        Aggregate::Average => count.exponent(),
        _ => 0,
    };
    let leaves = forest.trees.iter().flatten().filter_map(|node| match node {
        TreeNode::Leaf(values) => Some(values),
        TreeNode::Branch { .. } => None,
    });
    let (mut finest, mut largest) = (None::<i32>, 0.0f32);
    let parts = leaves
        .map(|values| (values, shared))
        .chain([(&forest.base, 0)]);
    for (values, shared) in parts {
        for value in values.iter().filter(|v| **v != 0.0) {
            let own = Dyadic::of(f64::from(*value)).ok_or(PROPORTION)?.exponent() - shared;
            finest = Some(finest.map_or(own, |f| f.min(own)));
            largest = largest.max(value.abs());
        }
    }
    let finest = finest.unwrap_or(0);
    if libm::ldexp(f64::from(largest), -finest) >= libm::ldexp(1.0, i32::from(WIDTH) - 1) {
        return Err(format!(
            "its leaves share no grid of {WIDTH} bits; round them to multiples of one power of two"
        ));
    }
    Dyadic::power(finest).ok_or_else(|| PROPORTION.into())
}
