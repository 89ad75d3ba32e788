//! Layers: constant matrices as shared adders, products of two activations.

use std::collections::BTreeMap;

use hodoscope_program::{ConstantId, Product, Value, ValueId};

use super::Lowering;
use super::rescale::{overflow, product, round_shift};
use crate::circuit::{Layer, WireId};
use crate::matrix::{self, Input, Network, Term};

impl Lowering<'_> {
    pub(super) fn dense(
        &mut self,
        value: &Value,
        x: ValueId,
        weights: ConstantId,
        bias: ConstantId,
    ) -> Vec<WireId> {
        let program = self.program;
        let columns = self.channels(x);
        let weights = program.constant(weights).data.chunks(columns);
        let weights: Vec<Vec<i64>> = weights.map(<[i64]>::to_vec).collect();
        let bias = &program.constant(bias).data;
        let rows = self.rows(x);
        let network = self.network(&weights, &rows);
        let terms = |w: &i64| matrix::digits::count((*w).into());
        self.layers.push(Layer {
            name: value.name.clone(),
            rows: rows.len(),
            adders: network.adders.len(),
            digits: weights.iter().flatten().map(terms).sum(),
            depth: network.depths.iter().copied().max().unwrap_or(0),
        });
        let mut result = Vec::with_capacity(rows.len() * bias.len());
        for row in &rows {
            let sums = self.instance(&network, row);
            for (sum, bias) in sums.into_iter().zip(bias) {
                result.push(self.signed(sum, (*bias).into()));
            }
        }
        result
    }

    /// One network for all rows, made for the widest and deepest of each input.
    fn network(&self, weights: &[Vec<i64>], rows: &[Vec<WireId>]) -> Network {
        let columns = rows.first().map_or(0, Vec::len);
        let input = |column: usize| {
            let wires = rows.iter().map(|row| row[column]);
            let ranges = wires.clone().map(|wire| self.b.range(wire));
            let range = ranges.reduce(hodoscope_program::Interval::hull);
            Input {
                range: range.unwrap_or(hodoscope_program::Interval::point(0)),
                depth: wires.map(|wire| self.b.depth(wire)).max().unwrap_or(0),
            }
        };
        let mut inputs: Vec<Input> = (0..columns).map(input).collect();
        // Only what is earlier or later than others matters.
        let earliest = inputs.iter().map(|input| input.depth).min().unwrap_or(0);
        inputs.iter_mut().for_each(|input| input.depth -= earliest);
        matrix::solve(weights, &inputs, self.options.aim)
    }

    /// The outputs of a network, with their shifts and signs to come.
    fn instance(&mut self, network: &Network, inputs: &[WireId]) -> Vec<Option<(WireId, Term)>> {
        let mut nodes = inputs.to_vec();
        for adder in &network.adders {
            let (a, b) = ((nodes[adder.a.0], adder.a.1), (nodes[adder.b.0], adder.b.1));
            nodes.push(self.b.combine(a, b, adder.minus));
        }
        let outputs = network.outputs.iter();
        outputs
            .map(|o| o.map(|term| (nodes[term.node], term)))
            .collect()
    }

    /// An output of a network plus a number.
    fn signed(&mut self, output: Option<(WireId, Term)>, plus: i128) -> WireId {
        let constant = self.b.constant(plus);
        match output {
            None => constant,
            Some((x, term)) if term.minus => self.b.combine((constant, 0), (x, term.shift), true),
            Some((x, term)) => self.b.combine((x, term.shift), (constant, 0), false),
        }
    }

    /// Products that are rounded before they are added: shared only where one input has several weights.
    pub(super) fn stepwise(
        &mut self,
        x: ValueId,
        weights: ConstantId,
        bias: ConstantId,
        step: &Product,
    ) -> Vec<WireId> {
        let program = self.program;
        let columns = self.channels(x);
        let weights = &program.constant(weights).data;
        let bias = &program.constant(bias).data;
        let mut result = Vec::new();
        for row in self.rows(x) {
            let mut products: Vec<Vec<WireId>> = vec![vec![]; bias.len()];
            for (column, x) in row.iter().enumerate() {
                let of_column = weights.iter().skip(column).step_by(columns);
                let different: BTreeMap<i64, usize> = of_column.clone().map(|w| (*w, 0)).collect();
                let rows: Vec<Vec<i64>> = different.keys().map(|w| vec![*w]).collect();
                let network = self.network(&rows, &[vec![*x]]);
                let exact = self.instance(&network, &[*x]);
                let stepped: BTreeMap<i64, WireId> = different
                    .into_keys()
                    .zip(exact)
                    .map(|(weight, product)| {
                        let product = self.signed(product, 0);
                        let rounded = round_shift(&mut self.b, product, step.shift, step.rounding);
                        let wire = overflow(&mut self.b, rounded, step.element, step.overflow);
                        (weight, wire)
                    })
                    .collect();
                for (products, weight) in products.iter_mut().zip(of_column) {
                    products.push(stepped[weight]);
                }
            }
            for (products, bias) in products.iter().zip(bias) {
                let sum = self.b.total(products);
                result.push(self.b.add_constant(sum, (*bias).into()));
            }
        }
        result
    }

    pub(super) fn mat_mul(&mut self, value: &Value, a: ValueId, b: ValueId) -> Vec<WireId> {
        let columns = value.shape.channels();
        let (a, b) = (self.rows(a), self.rows(b));
        // Rows of one matrix.
        let rows = value.shape.0.iter().rev().nth(1);
        let rows = rows.map_or(1, |dim| hodoscope_program::Shape(vec![*dim]).elements(1));
        let mut result = Vec::new();
        for (a, b) in a.chunks(rows).zip(b.chunks(columns)) {
            for a in a {
                for b in b {
                    let both = a.iter().zip(b);
                    let products: Vec<_> =
                        both.map(|(a, b)| product(&mut self.b, *a, *b)).collect();
                    result.push(self.b.total(&products));
                }
            }
        }
        result
    }
}
