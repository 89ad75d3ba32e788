//! Words that a dense layer reads as they came: each column in a unit of its own, which the weights take back.

use super::{Insert, Insertion};
use crate::format::{self, Chosen};
use crate::graph::{GraphBuilder, Op, Tensor, ValueId, eval_constant};

/// What single precision holds of the places of elements.
const MOST: usize = 1 << 24;
/// By how much a unit may be coarser where operands have more than 16 bits.
const SPARE: f64 = 64.0;
/// Steps that may follow a constant through a graph.
const BUDGET: usize = 1 << 26;

impl Insertion<'_> {
    /// Words narrowed so that each column uses its whole format, and what each was divided by; none where they are no words,
    /// or are read as they are.
    pub(super) fn equalised(&mut self, value: ValueId) -> Insert<Option<(ValueId, Vec<f64>)>> {
        if let Some(known) = self.equalised.get(&value) {
            return Ok(Some(known.clone()));
        }
        if self.held(value)?.narrow.is_some() {
            return Ok(None);
        }
        let Some((input, places)) = self.places(value) else {
            return Ok(None);
        };
        let (words, width) = (&self.words[input], self.width(value));
        let columns = self.graph.shape(value).last().copied().unwrap_or(1);
        let mut gains = vec![f64::MIN_POSITIVE; columns];
        for (element, place) in places.iter().enumerate() {
            let field = words.input.field(*place);
            let seen = f64::from(words.seen[words.features[*place]]).max(field.lsb.0);
            // 8 bits cover what was seen, 16 the whole range of the word within reason.
            let reach = match width > 8 {
                true => {
                    let part = self.room().of_range(field);
                    let ends = [field.decode(field.minimum), field.decode(field.maximum)];
                    let whole = part * ends[0].abs().max(ends[1].abs());
                    whole.min(self.room().of_words(width) * seen)
                }
                false => seen,
            };
            let gain = &mut gains[element % columns];
            *gain = gain.max(reach);
        }
        if width > 16 {
            self.coarsen(value, &mut gains);
        }
        let frac = i32::from(width) - 1;
        let wide = self.held(value)?.wide;
        let name = self.graph.value_name(value).to_owned();
        let scaled = Op::ScaleShift {
            axis: self.graph.shape(value).len() - 1,
            scale: gains.iter().map(|gain| 1.0 / gain).collect(),
            shift: vec![0.0; columns],
        };
        let scaled = self.new.push(&name, scaled, &[wide])?;
        // Not the name of what is narrowed: its numbers are others.
        let narrow = self.quantised_as(&format!("{name}.unit.q"), scaled, &[frac], width)?;
        // Of several units the coarsest says what may be lost.
        let largest = gains.iter().fold(0.0f64, |m, gain| m.max(*gain));
        let samples = self.observations.values[value.index()].samples.iter();
        let samples: Vec<f32> = samples
            .map(|sample| (f64::from(*sample) / largest) as f32)
            .collect();
        let noise = format::noise(&samples, frac, width) * largest * largest;
        self.note(value, Chosen { frac, noise }, width);
        let made = (narrow, gains);
        self.equalised.insert(value, made.clone());
        Ok(Some(made))
    }

    /// Gives columns coarser units, as far as the weights of no row become larger by it: beside a column with a long tail the
    /// weights of others would else have few bits. A wide operand has bits to spare.
    fn coarsen(&self, value: ValueId, gains: &mut [f64]) {
        let mut most: Vec<f64> = gains.iter().map(|gain| gain * SPARE).collect();
        let layers = self.graph.nodes().iter();
        for node in layers.filter(|node| node.inputs.first() == Some(&value)) {
            let Op::Dense { weights, .. } = &node.op else {
                continue;
            };
            for row in weights.data.chunks(gains.len().max(1)) {
                let sizes = row.iter().map(|w| f64::from(w.abs()));
                let largest = sizes.clone().zip(&*gains).map(|(w, gain)| w * gain);
                let largest = largest.fold(0.0, f64::max);
                for (size, most) in sizes.zip(&mut most).filter(|(size, _)| *size > 0.0) {
                    *most = most.min(largest / size);
                }
            }
        }
        for (gain, most) in gains.iter_mut().zip(most) {
            *gain = gain.max(most);
        }
    }

    /// The input and its elements that a value consists of; none where something was computed.
    fn places(&self, value: ValueId) -> Option<(usize, Vec<usize>)> {
        if let Some(input) = self.words_of(value) {
            return Some((input, (0..self.graph.elements(value)).collect()));
        }
        let node = self.graph.producing_node(value)?;
        let &[x] = &node.inputs[..] else {
            return None;
        };
        if !node.op.moves() || self.graph.elements(x) > MOST {
            return None;
        }
        let (input, places) = self.places(x)?;
        let mut graph = GraphBuilder::new("");
        let tensor = Tensor {
            shape: self.graph.shape(x).to_vec(),
            data: (0..places.len()).map(|element| element as f32).collect(),
        };
        let operand = graph.constant("", tensor).ok()?;
        let mut budget = BUDGET;
        let moved = eval_constant(graph.graph(), &node.op, &[operand], &mut budget).ok()??;
        let places = moved.data.iter().map(|element| places[*element as usize]);
        Some((input, places.collect()))
    }
}
