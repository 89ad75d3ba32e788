//! Operations on rows: layers along the features.

use hodoscope_program::{Operation, SetId, Shape, Value, ValueId};

use super::rewrite::{DIFFERS, Found, Known, Rewriter, on};
use super::rows::{Entry, Rows, Tag, in_each, one_slot};

/// Rows of one slot that an operation takes one after the other, at most: each is code of its own.
const ROWS: usize = 16;

impl Rewriter<'_> {
    /// A dense layer along the features; or over all slots, with weights that are the same for each.
    pub(super) fn dense(&mut self, id: ValueId, value: &Value) -> Found<Known> {
        let x = value.operation.operands()[0];
        let rows = self.rows(x)?;
        let mut chunks = rows.tags.chunks(self.channels(x));
        if chunks.all(|row| one_slot(row).is_some()) {
            return self.row_by_row(id, value).map(Known::Rows);
        }
        self.over_all(id, value).map(Known::Event)
    }

    /// The operation on each row of the operand, which all slots have in the same way.
    pub(super) fn row_by_row(&mut self, id: ValueId, value: &Value) -> Found<Rows> {
        let x = value.operation.operands()[0];
        let own = self.channels(x);
        let rows = self.rows(x)?;
        let places = "it reads several slots side by side: their places matter";
        let owners = rows.tags.chunks(own).map(|row| one_slot(row).ok_or(places));
        let owners = owners.collect::<Result<Vec<_>, _>>()?;
        let lists: Vec<Vec<Entry>> = rows
            .tags
            .chunks(own)
            .map(|row| row.iter().map(|tag| tag.entry()).collect())
            .collect();
        let (lists, places) = in_each(&lists, &owners, self.slots).ok_or(DIFFERS)?;
        if lists.len() > ROWS {
            return Err(format!(
                "each slot has {} rows of its own, more than {ROWS}",
                lists.len()
            ));
        }
        let outputs = self.channels(id);
        let mut operation = value.operation.clone();
        self.with_constants(&mut operation);
        let mut results = Vec::with_capacity(lists.len());
        for list in &lists {
            let row = self.selected(x, rows.value, list)?;
            let shape = Shape::per_constituent(SetId::new(0), outputs);
            let scale = self.scale(id, outputs, |channel| channel);
            let on_row = on(&operation, row);
            results.push(self.push(&value.name, shape, value.element, scale, on_row)?);
        }
        let place = |(at, channel): (&Tag, usize)| match *at {
            Tag::Of { slot, channel: row } => Tag::Of {
                slot,
                channel: row * outputs + channel,
            },
            constant => constant,
        };
        let tags: Vec<Tag> = places
            .iter()
            .flat_map(|at| (0..outputs).map(move |channel| (at, channel)))
            .map(place)
            .collect();
        let value = match results[..] {
            [only] => only,
            _ => self.side_by_side(id, results, &tags)?,
        };
        Ok(Rows { value, tags })
    }
}

impl Rewriter<'_> {
    /// A dense layer that reads all slots with the same weights: each slot's part of it, summed.
    fn over_all(&mut self, id: ValueId, value: &Value) -> Found<ValueId> {
        let Operation::Dense { x, weights, bias } = value.operation else {
            return Err(
                "its products are rounded before slots are summed: their order matters".into(),
            );
        };
        let rows = self.rows(x)?;
        let inputs = self.channels(x);
        let width = self.new.value(rows.value).shape.channels();
        let weights = &self.old.constant(weights).data;
        let mut own = Vec::new();
        for row in rows.tags.chunks(inputs) {
            for of_output in weights.chunks(inputs) {
                let mut parts = vec![vec![0i64; width]; self.slots];
                for (tag, weight) in row.iter().zip(of_output) {
                    match *tag {
                        Tag::Of { slot, channel } => {
                            let sum = parts[slot][channel].checked_add(*weight);
                            parts[slot][channel] = sum.ok_or(DIFFERS)?;
                        }
                        Tag::Constant(_) => return Err(DIFFERS.into()),
                    }
                }
                if parts.iter().any(|part| *part != parts[0]) {
                    return Err("its weights differ from slot to slot".into());
                }
                own.extend(parts.swap_remove(0));
            }
        }
        let outputs = own.len() / width;
        let bias = self.old.constant(bias).data.iter().copied().cycle();
        let bias = bias.take(outputs).collect();
        let name = format!("{}.part", value.name);
        let part = self.combined(&name, id, rows.value, own)?;
        self.pooled(id, part, bias)
    }

    /// Σ weights · x of each row.
    pub(super) fn combined(
        &mut self,
        name: &str,
        id: ValueId,
        x: ValueId,
        weights: Vec<i64>,
    ) -> Found<ValueId> {
        let width = self.new.value(x).shape.channels();
        let outputs = weights.len() / width;
        let weights = self.constant(&format!("{name}.weights"), vec![outputs, width], weights);
        let bias = self.constant(&format!("{name}.bias"), vec![outputs], vec![0; outputs]);
        let shape = Shape::per_constituent(SetId::new(0), outputs);
        let scale = self.scale(id, outputs, |channel| channel);
        self.push_sum(name, shape, scale, Operation::Dense { x, weights, bias })
    }
}
