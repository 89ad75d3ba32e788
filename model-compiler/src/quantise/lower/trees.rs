//! Decision trees: one ensemble for each group of targets, side by side.

use hodoscope_program::{IntType, Operation, Scale, Trees, ValueId};

use super::layers::with_channels;
use super::{Lower, Lowering, Wide};
use crate::graph::Forest;
use crate::quantise::QuantiseError;
use crate::quantise::trees::{Feature, Tables, leaf_frac, tables};
use crate::recognise::{NodeIndex, of_channel};

/// Bits of a feature that a threshold is compared with.
const FEATURE_WIDTH: u8 = 32;

impl Lowering<'_> {
    pub(super) fn trees(&mut self, node: NodeIndex, x: NodeIndex, forest: &Forest) -> Lower<Wide> {
        let wide = match self.builder.element(self.wide[x].value).storage().width <= FEATURE_WIDTH {
            // Thresholds are exact in whatever unit the words have.
            true => self.wide[x].clone(),
            false => {
                let narrow = self.narrow(x)?;
                Wide {
                    value: narrow.value,
                    lsb: vec![libm::ldexp(1.0, -narrow.frac)],
                }
            }
        };
        let ty = self.builder.element(wide.value);
        let feature = |c: usize| Feature {
            lsb: of_channel(&wide.lsb, c),
            offset: 0.0,
            minimum: ty.minimum(),
            maximum: ty.maximum(),
        };
        let features: Vec<Feature> = (0..forest.features).map(feature).collect();
        let frac = leaf_frac(forest);
        let name = self.network.nodes[node].name.clone();
        let Some(ensembles) = tables(forest, &features, frac) else {
            return Err(QuantiseError::Layer {
                layer: name,
                reason: "a tree has no root, or a branch before its parent".into(),
            });
        };
        let order: Vec<usize> = ensembles.iter().flat_map(|e| e.targets.clone()).collect();
        let lsb = vec![libm::ldexp(1.0, -frac)];
        let parts: Vec<ValueId> = ensembles
            .into_iter()
            .map(|ensemble| self.ensemble(&name, wide.value, ensemble, &lsb))
            .collect();
        let shape = with_channels(self.builder.shape(wide.value), forest.targets);
        let element = IntType::signed(64);
        let mut value = parts[0];
        if parts.len() > 1 {
            let operation = Operation::Concat { parts };
            let scale = Scale::Pow2(frac);
            let all = &format!("{name}.targets");
            value = self
                .builder
                .push(all, shape.clone(), element, scale, operation);
        }
        if !order.is_sorted() {
            let place = |target| order.iter().position(|t| *t == target).unwrap_or(0);
            let channels = (0..forest.targets).map(place).collect();
            let operation = Operation::Select { x: value, channels };
            let all = &format!("{name}.ordered");
            value = self
                .builder
                .push(all, shape, element, Scale::Pow2(frac), operation);
        }
        Ok(Wide { value, lsb })
    }

    fn ensemble(&mut self, name: &str, x: ValueId, own: Tables, lsb: &[f64]) -> ValueId {
        let targets = own.targets.len();
        let mut constant = |what: &str, columns: usize, data: Vec<i64>| {
            let ends = data
                .iter()
                .fold((0, 0), |(a, b), v| (v.min(&a).to_owned(), *v.max(&b)));
            let fits = |ty: &IntType| ty.contains(ends.0) && ty.contains(ends.1);
            let types = [8, 16, 32].map(IntType::signed);
            let element = types.into_iter().find(fits).unwrap_or(IntType::signed(64));
            let name = format!("{name}.{what}");
            let shape = vec![data.len() / columns, columns];
            self.builder.constant(&name, shape, element, data)
        };
        let operation = Operation::Trees(Trees {
            x,
            nodes: constant("nodes", 4, own.nodes),
            first: own.first,
            roots: constant("roots", 2, own.roots),
            leaves: constant("leaves", targets, own.leaves),
            aggregate: own.aggregate,
        });
        let shape = with_channels(self.builder.shape(x), targets);
        self.builder.accumulate(name, shape, lsb, operation)
    }
}
