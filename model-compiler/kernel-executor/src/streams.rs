//! Dense layers whose weights are a stream of words.

use hodoscope_compiler::plan::layout::{Constants, Layout, filled};
use hodoscope_compiler::plan::{Requantise, Step};
use hodoscope_kernels::layout::{byte_pairs, half_pairs, nested_pairs};
use hodoscope_kernels::rescale;
use hodoscope_kernels::rescale::Requantise as _;

use crate::array::exact;
use crate::{Array, Executor};

impl Executor<'_> {
    /// A dense layer whose layout is a stream of words, by the layout's portable body.
    pub(crate) fn streamed(&self, step: &Step, values: &[Option<Array>]) -> Option<Vec<i64>> {
        let constants = self.plan.layer(step)?.constants(step.layout()?);
        let operand = step.kernel.operands()[0];
        let x = values[operand.index()]
            .as_ref()
            .expect("operands come before");
        self.streamed_by(step, &constants, x)
    }

    /// As `streamed`, by the constants of the layer, or of some of its rows.
    pub(crate) fn streamed_by(
        &self,
        step: &Step,
        constants: &Constants,
        x: &Array,
    ) -> Option<Vec<i64>> {
        let layer = self.plan.layer(step)?;
        let layout = step.layout()?;
        let stream: Vec<i32> = exact(&constants.stream.as_ref()?.data);
        let mut x: Vec<i16> = exact(&x.raws());
        x.resize(filled(layer.columns()), 0);
        let portable = match layout {
            Layout::NestedPairs => nested_pairs::portable,
            Layout::HalfPairs => half_pairs::portable,
            Layout::BytePairs => byte_pairs::portable,
            other => panic!("{other} has no stream"),
        };
        let (low, high) = layer
            .rescale
            .map_or((i64::MIN, i64::MAX), |(_, limits)| limits);
        let mut y = vec![0; filled(layer.rows())];
        if layer.is_apart(layout) {
            portable(&x, &stream, false, &mut |row, sum| y[row] = sum.into());
            y.truncate(layer.rows());
            return Some(self.behind(step, &y));
        }
        let folded = layer.rescale.and_then(|(rescale, _)| rescale.folded());
        if folded.is_some_and(|folded| folded.is_even()) {
            let even = match layout {
                Layout::NestedPairs => nested_pairs::portable_even,
                Layout::HalfPairs => half_pairs::portable_even,
                _ => byte_pairs::portable_even,
            };
            even(&x, &stream, &mut |row, exact| {
                y[row] = i64::from(exact).clamp(low, high);
            });
        } else if let Some((Requantise::Scaled { .. }, _)) = layer.rescale {
            let scale = rescale::Scaled {
                multiplier: stream[0],
                offset: stream[1],
                shift: stream[2] as u8,
            };
            portable(&x, &stream[3..], false, &mut |row, sum| {
                y[row] = i64::from(scale.apply(row, sum)).clamp(low, high);
            });
        } else {
            let rescaled = layer.rescale.is_some();
            portable(&x, &stream, rescaled, &mut |row, exact| {
                y[row] = i64::from(exact).clamp(low, high);
            });
        }
        y.truncate(layer.rows());
        Some(y)
    }
}
