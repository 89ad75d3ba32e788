//! What the raws of a node's value mean: who reads a trace takes a value that has the node's name for the node's result.

use hodoscope_program::ValueId;

use super::quantise::uniform;
use super::{Lowering, Real, Source, Term};
use crate::exact::dyadic::Dyadic;

impl Lowering<'_> {
    /// States the unit of what a node became, where it was computed for the node: values from `first` on. What is only on
    /// the way to the result, a sum of which the mean is another meaning, has a name of its own.
    pub(super) fn state(&mut self, name: &str, first: usize, term: &Term) {
        let mut own = self.builder.named(name, first);
        if let (Some(last), Term::Real(real)) = (own.last().copied(), term) {
            // An image with its channels last is the node's, too: the one that stays where nothing else is read.
            let image = self.image_of(real, last);
            if self.is_shown_by(real, last) {
                self.builder.set_scale(last, &real.step);
                own.pop();
            }
            if let Some((image, steps)) = image {
                self.builder.set_scale(image, &steps);
                own.retain(|value| *value != image);
            }
        }
        for value in own {
            self.builder.rename(value, &format!("{name}.part"));
        }
    }

    /// Restates what a quantiser's integers mean, where they are its own: what it only gave another meaning keeps the one
    /// that its node gave it.
    pub(super) fn restate(&mut self, real: &Real) {
        let Source::Value(id) = real.source else {
            return;
        };
        let Some(first) = self.integers.remove(&id) else {
            return;
        };
        self.builder.set_scale(id, &real.step);
        // What it is a permutation of means the same.
        if let (Some((base, _)), Some(_)) = (self.builder.permuted(id), uniform(&real.step))
            && base.index() >= first
        {
            self.builder.set_scale(base, &real.step);
        }
    }

    /// Notes the integers of a quantiser, where they are computed for it: values from `first` on.
    pub(super) fn note_integers(&mut self, first: usize, term: &Term) {
        if let Term::Real(Real {
            source: Source::Value(id),
            ..
        }) = term
            && self.builder.base(*id).index() >= first
        {
            self.integers.insert(*id, first);
        }
    }

    /// The value with a tensor's numbers in the order of an image that has its channels last, of which `value` is the
    /// permutation, and the step of each of its elements.
    fn image_of(&self, real: &Real, value: ValueId) -> Option<(ValueId, Vec<Dyadic>)> {
        let (base, elements) = self.builder.permuted(value)?;
        if !self.are_its_raws(real, value) || !are_channels_last(&elements, &real.shape) {
            return None;
        }
        let mut steps = real.step.clone();
        for (element, place) in elements.iter().enumerate() {
            steps[*place] = real.step[element];
        }
        let image = self.builder.base(base);
        let channels = self.builder.dims(image).last().copied().unwrap_or(1);
        let mut places = steps.iter().enumerate();
        places
            .all(|(place, step)| *step == steps[place % channels] && is_unit(step))
            .then_some((image, steps))
    }

    /// Whether the numbers of a tensor are the raws of a value, but for their steps.
    fn are_its_raws(&self, real: &Real, value: ValueId) -> bool {
        let base = self.builder.base(value);
        matches!(real.source, Source::Value(id) if self.builder.base(id) == base)
            && real.divisor == 1
            && real.offset.iter().all(|offset| offset.is_zero())
    }

    /// Whether a value has the numbers of a tensor, in a unit that a value can have.
    fn is_shown_by(&self, real: &Real, value: ValueId) -> bool {
        let channels = self.builder.dims(value).last().copied().unwrap_or(1);
        let mut steps = real.step.iter().enumerate();
        self.are_its_raws(real, value)
            && steps.all(|(e, step)| *step == real.step[e % channels] && is_unit(step))
    }
}

/// Whether elements in the order of a shape are taken of an image that has its channels, axis 1, last.
fn are_channels_last(elements: &[usize], shape: &[usize]) -> bool {
    let [1, channels, places @ ..] = shape else {
        return false;
    };
    let places: usize = places.iter().product();
    let order = (0..elements.len()).map(|e| e % places * channels + e / places);
    shape.len() > 2 && elements.iter().copied().eq(order)
}

fn is_unit(step: &Dyadic) -> bool {
    !step.is_zero() && !step.is_negative()
}
