//! Operations on two operands, element by element.

use hodoscope_program::{Operation, Scale, SetId, Shape, Value, ValueId};

use super::rewrite::{BESIDE, DIFFERS, Found, Known, Rewriter};
use super::rows::{Entry, Rows, Tag, in_each};

impl Rewriter<'_> {
    pub(super) fn pair(
        &mut self,
        id: ValueId,
        value: &Value,
        a: ValueId,
        b: ValueId,
    ) -> Found<Rows> {
        let (of_a, of_b) = (self.tags(a)?, self.tags(b)?);
        let channels = self.channels(id);
        let at = |x: ValueId, tags: &[Tag], e: usize| match self.channels(x) {
            1 => tags[e / channels],
            _ => tags[e],
        };
        let both: Vec<(Tag, Tag)> = (0..self.elements(id))
            .map(|e| (at(a, &of_a, e), at(b, &of_b, e)))
            .collect();
        let slot = |(a, b): &(Tag, Tag)| match (a.slot(), b.slot()) {
            (Some(a), Some(b)) => (a == b).then_some(a),
            (a, b) => a.or(b),
        };
        let owners = both.iter().map(slot).collect::<Option<Vec<_>>>();
        let owners = owners.ok_or("slots meet each other in it")?;
        let entries: Vec<(Entry, Entry)> =
            both.iter().map(|(a, b)| (a.entry(), b.entry())).collect();
        let (list, tags) = in_each(&entries, &owners, self.slots).ok_or(DIFFERS)?;
        let scale = self.scale_of(id, list.len(), &tags);
        let value = self.of_pairs(&value.name, (a, b), &list, &value.operation, scale, value)?;
        Ok(Rows { value, tags })
    }

    /// A row of the operation on pairs of entries; the result has the type of `like`.
    pub(super) fn of_pairs(
        &mut self,
        name: &str,
        (a, b): (ValueId, ValueId),
        list: &[(Entry, Entry)],
        operation: &Operation,
        scale: Scale,
        like: &Value,
    ) -> Found<ValueId> {
        let (base_a, base_b) = self.bases(a, b)?;
        let (mut of_a, mut of_b): (Vec<Entry>, Vec<Entry>) = list.iter().copied().unzip();
        // One entry serves all.
        let one = |entries: &[Entry]| entries.windows(2).all(|pair| pair[0] == pair[1]);
        let is_mul = matches!(operation, Operation::Mul { .. });
        if one(&of_b) && (is_mul || matches!(operation, Operation::Quotient { .. })) {
            of_b.truncate(1);
        } else if one(&of_a) && is_mul {
            of_a.truncate(1);
        }
        let mut operation = operation.clone();
        let own = self.selected(a, base_a, &of_a)?;
        // A square is not known for one if its operands are two values.
        let operands = match base_a == base_b && of_a == of_b && a == b {
            true => [own, own],
            false => [own, self.selected(b, base_b, &of_b)?],
        };
        for (operand, own) in operation.operands_mut().into_iter().zip(operands) {
            *operand = own;
        }
        let shape = Shape::per_constituent(SetId::new(0), list.len());
        self.push(name, shape, like.element, scale, operation)
    }

    /// Rows of both operands, where one may be a constant.
    fn bases(&self, a: ValueId, b: ValueId) -> Found<(ValueId, ValueId)> {
        match (self.known(a), self.known(b)) {
            (Known::Rows(a), Known::Rows(b)) => Ok((a.value, b.value)),
            (Known::Rows(a), Known::Constant(_)) => Ok((a.value, a.value)),
            (Known::Constant(_), Known::Rows(b)) => Ok((b.value, b.value)),
            _ => Err(BESIDE.into()),
        }
    }

    pub(super) fn tags(&self, id: ValueId) -> Found<Vec<Tag>> {
        match self.known(id) {
            Known::Constant(raws) => Ok(raws.iter().map(|raw| Tag::Constant(*raw)).collect()),
            _ => Ok(self.rows(id)?.tags),
        }
    }
}
