//! Sums and maxima over the slots: where the set ends.

use hodoscope_program::{Operation, Shape, Value, ValueId};

use super::rewrite::{DIFFERS, Found, Known, Rewriter};
use super::rows::{Entry, Rows, Tag, in_each, one_slot};

impl Rewriter<'_> {
    /// A sum over rows: over the slots, or within each.
    pub(super) fn sum(&mut self, id: ValueId, x: ValueId) -> Found<Known> {
        let rows = self.rows(x)?;
        let columns = self.elements(id);
        let of_column =
            |j: usize| -> Vec<Tag> { rows.tags.iter().skip(j).step_by(columns).copied().collect() };
        let all: Vec<Vec<Tag>> = (0..columns).map(of_column).collect();
        if all.iter().all(|column| one_slot(column).is_some()) {
            return self.within(id, &rows, &all).map(Known::Rows);
        }
        let width = self.new.value(rows.value).shape.channels();
        let mut counts = Vec::with_capacity(columns);
        for column in &all {
            counts.push(self.in_all_slots(column, width)?);
        }
        let single = |counts: &Vec<i64>| match counts.iter().sum::<i64>() {
            1 => counts.iter().position(|count| *count == 1),
            _ => None,
        };
        let singles: Option<Vec<usize>> = counts.iter().map(single).collect();
        let summed = match singles {
            Some(channels) => {
                let list: Vec<Entry> = channels.into_iter().map(Entry::Channel).collect();
                self.selected(x, rows.value, &list)?
            }
            None => {
                let name = format!("{}.part", self.old.value(id).name);
                self.combined(&name, id, rows.value, counts.concat())?
            }
        };
        self.pooled(id, summed, vec![0; columns]).map(Known::Event)
    }

    /// How often each channel stands in some elements, the same in all slots.
    fn in_all_slots(&self, tags: &[Tag], width: usize) -> Found<Vec<i64>> {
        let mut counts = vec![vec![0i64; width]; self.slots];
        for tag in tags {
            match *tag {
                Tag::Of { slot, channel } => counts[slot][channel] += 1,
                Tag::Constant(_) => return Err(DIFFERS.into()),
            }
        }
        match counts.iter().all(|own| *own == counts[0]) {
            true => Ok(counts.swap_remove(0)),
            false => Err("it sums some slots, not all in the same way".into()),
        }
    }

    /// Sums of elements of one slot.
    fn within(&mut self, id: ValueId, rows: &Rows, columns: &[Vec<Tag>]) -> Found<Rows> {
        let width = self.new.value(rows.value).shape.channels();
        let mut items = Vec::with_capacity(columns.len());
        let mut owners = Vec::with_capacity(columns.len());
        for column in columns {
            let mut weights = vec![0i64; width];
            for tag in column {
                match *tag {
                    Tag::Of { channel, .. } => weights[channel] += 1,
                    Tag::Constant(_) => return Err(DIFFERS.into()),
                }
            }
            items.push(weights);
            owners.push(one_slot(column).ok_or(DIFFERS)?);
        }
        let (weights, tags) = in_each(&items, &owners, self.slots).ok_or(DIFFERS)?;
        let name = self.old.value(id).name.clone();
        let value = self.combined(&name, id, rows.value, weights.concat())?;
        Ok(Rows { value, tags })
    }

    /// Σ rows over the live constituents, what the other slots add, and a bias.
    pub(super) fn pooled(&mut self, id: ValueId, rows: ValueId, bias: Vec<i64>) -> Found<ValueId> {
        let old = self.old.value(id);
        let channels = bias.len();
        let empty = self.empty(rows)?;
        let scale = self.scale(id, channels, |channel| channel);
        let shape = || Shape::row(channels);
        let slots = self.slots as i64;
        let rest = empty.iter().zip(&bias).map(|(empty, bias)| {
            let all = slots.checked_mul(*empty)?;
            all.checked_add(*bias)
        });
        let rest = rest.collect::<Option<Vec<_>>>();
        let rest = rest.ok_or("empty slots add more than 64 bits hold")?;
        let plain = rest.iter().all(|raw| *raw == 0) && empty.iter().all(|raw| *raw == 0);
        let sum = Operation::Sum { x: rows };
        if plain {
            let sum = self.push(&old.name, shape(), old.element, scale, sum)?;
            return self.in_shape(id, sum);
        }
        let name = format!("{}.live", old.name);
        let live = self.push_sum(&name, shape(), scale.clone(), sum)?;
        // (P − n) of what an empty slot adds.
        let name = format!("{}.empty", old.name);
        let less = empty.iter().map(|raw| -raw).collect();
        let others = self.of_count(&name, less, rest, scale.clone())?;
        let both = Operation::Add { a: live, b: others };
        let total = match self.cut(id) {
            None => self.push(&old.name, shape(), old.element, scale, both)?,
            Some(proved) => {
                let name = format!("{}.all", old.name);
                let all = self.push_sum(&name, shape(), scale.clone(), both)?;
                let bound = |raw: i128| i64::try_from(raw).map_err(|_| DIFFERS.to_owned());
                let cut = Operation::Clip {
                    x: all,
                    minimum: bound(proved.minimum)?,
                    maximum: bound(proved.maximum)?,
                };
                self.push(&old.name, shape(), old.element, scale, cut)?
            }
        };
        self.in_shape(id, total)
    }

    /// The largest of each row: over the slots, or within each.
    pub(super) fn largest(&mut self, id: ValueId, value: &Value) -> Found<Known> {
        let x = value.operation.operands()[0];
        let rows = self.rows(x)?;
        let own = self.channels(x);
        if rows.tags.chunks(own).all(|row| one_slot(row).is_some()) {
            return self.row_by_row(id, value).map(Known::Rows);
        }
        let width = self.new.value(rows.value).shape.channels();
        let mut list = Vec::new();
        for row in rows.tags.chunks(own) {
            let counts = self.in_all_slots(row, width)?;
            match counts.iter().position(|count| *count > 0) {
                Some(channel) if counts.iter().filter(|count| **count > 0).count() == 1 => {
                    list.push(Entry::Channel(channel));
                }
                _ => return Err("it takes the largest of several features at once".into()),
            }
        }
        let rows = self.selected(x, rows.value, &list)?;
        let empty = self.empty(rows)?;
        let empty = self.constant(&format!("{}.empty", value.name), vec![list.len()], empty);
        let scale = self.scale(id, list.len(), |channel| channel);
        let operation = Operation::Max { x: rows, empty };
        let shape = Shape::row(list.len());
        let largest = self.push(&value.name, shape, value.element, scale, operation)?;
        self.in_shape(id, largest).map(Known::Event)
    }

    /// Sums of products over the slots: rows of a times rows of b.
    pub(super) fn weighted(&mut self, id: ValueId, a: ValueId, b: ValueId) -> Found<Known> {
        let (of_a, of_b) = (self.tags(a)?, self.tags(b)?);
        let inner = self.channels(a);
        let rows_of = |x: ValueId| self.dims(x).iter().rev().nth(1).copied().unwrap_or(1);
        let (rows, columns) = (rows_of(a), rows_of(b));
        let matrices = self.elements(id) / (rows * columns);
        let mut list = Vec::with_capacity(self.elements(id));
        for matrix in 0..matrices {
            for i in 0..rows {
                for j in 0..columns {
                    let a = &of_a[(matrix * rows + i) * inner..][..inner];
                    let b = &of_b[(matrix * columns + j) * inner..][..inner];
                    list.push(self.product(a, b)?);
                }
            }
        }
        let old = self.old.value(id);
        let scale = self.scale(id, list.len(), |channel| channel);
        let name = format!("{}.weighted", old.name);
        let operation = Operation::Mul { a, b };
        let products = self.of_pairs(&name, (a, b), &list, &operation, scale, old)?;
        let none = vec![0; list.len()];
        self.pooled(id, products, none).map(Known::Event)
    }

    /// The pair of entries whose products over all slots two rows sum.
    fn product(&self, a: &[Tag], b: &[Tag]) -> Found<(Entry, Entry)> {
        let mut seen = vec![false; self.slots];
        let first = (a[0].entry(), b[0].entry());
        for (a, b) in a.iter().zip(b) {
            let slot = match (a.slot(), b.slot()) {
                (Some(a), Some(b)) if a == b => a,
                (Some(slot), None) | (None, Some(slot)) => slot,
                _ => return Err("slots meet each other in it".into()),
            };
            if (a.entry(), b.entry()) != first || std::mem::replace(&mut seen[slot], true) {
                return Err("its weights differ from slot to slot".into());
            }
        }
        match seen.iter().all(|seen| *seen) {
            true => Ok(first),
            false => Err("it sums some slots, not all".into()),
        }
    }
}
