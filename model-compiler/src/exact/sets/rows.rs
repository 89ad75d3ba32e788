//! Elements of the padded program, and where they are among the rows of the set.

use hodoscope_program::ValueId;

/// Where an element of the padded program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// A channel of a slot's row.
    Of {
        /// The slot.
        slot: usize,
        /// The channel.
        channel: usize,
    },
    /// The same raw always.
    Constant(i64),
}

/// What one channel of a row is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Channel(usize),
    Constant(i64),
}

/// Elements that stand in rows of the set.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The rows, `[constituents, channels]`.
    pub value: ValueId,
    /// Of each element of the padded value.
    pub tags: Vec<Tag>,
}

impl Tag {
    pub fn entry(self) -> Entry {
        match self {
            Self::Of { channel, .. } => Entry::Channel(channel),
            Self::Constant(raw) => Entry::Constant(raw),
        }
    }

    pub fn slot(self) -> Option<usize> {
        match self {
            Self::Of { slot, .. } => Some(slot),
            Self::Constant(_) => None,
        }
    }
}

/// The one slot of some elements; none if they are of several, or constants alone.
pub(super) fn one_slot(tags: &[Tag]) -> Option<usize> {
    let mut slots = tags.iter().filter_map(|tag| tag.slot());
    let first = slots.next()?;
    slots.all(|slot| slot == first).then_some(first)
}

/// The slot of each element: a constant belongs to that of its row of `channels` elements.
pub(super) fn owners(tags: &[Tag], channels: usize) -> Option<Vec<usize>> {
    let mut owners = Vec::with_capacity(tags.len());
    for row in tags.chunks(channels) {
        for tag in row {
            owners.push(tag.slot().or_else(|| one_slot(row))?);
        }
    }
    Some(owners)
}

/// The items of one slot, in the elements' order, where all slots have the same; and each element's place among them.
pub(super) fn in_each<T: PartialEq + Clone>(
    items: &[T],
    owners: &[usize],
    slots: usize,
) -> Option<(Vec<T>, Vec<Tag>)> {
    let mut lists: Vec<Vec<T>> = vec![vec![]; slots];
    let mut tags = Vec::with_capacity(items.len());
    for (item, slot) in items.iter().zip(owners) {
        let list = lists.get_mut(*slot)?;
        tags.push(Tag::Of {
            slot: *slot,
            channel: list.len(),
        });
        list.push(item.clone());
    }
    let first = lists.first()?.clone();
    (!first.is_empty() && lists.iter().all(|list| *list == first)).then_some((first, tags))
}

/// The items of the elements, each the same for all elements of one channel: one for each channel.
pub(super) fn per_channel<T: PartialEq + Copy>(
    tags: &[Tag],
    channels: usize,
    item: impl Fn(usize) -> T,
) -> Option<Vec<T>> {
    let mut found: Vec<Option<T>> = vec![None; channels];
    for (element, tag) in tags.iter().enumerate() {
        let Tag::Of { channel, .. } = tag else {
            return None;
        };
        let own = item(element);
        match found[*channel] {
            Some(known) if known != own => return None,
            _ => found[*channel] = Some(own),
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_hold_the_same_or_are_none() {
        let owners = [0, 1, 0, 1];
        let (list, tags) = in_each(&['a', 'a', 'b', 'b'], &owners, 2).expect("alike");
        assert_eq!(list, ['a', 'b']);
        assert_eq!(
            tags[3],
            Tag::Of {
                slot: 1,
                channel: 1
            }
        );
        assert!(in_each(&['a', 'b', 'b', 'a'], &owners, 2).is_none());
        assert!(in_each(&['a', 'b'], &[0, 0], 2).is_none());
    }

    #[test]
    fn a_constant_belongs_to_its_row() {
        let of = |slot| Tag::Of { slot, channel: 0 };
        let tags = [of(0), Tag::Constant(7), of(1), Tag::Constant(7)];
        assert_eq!(owners(&tags, 2), Some(vec![0, 0, 1, 1]));
        assert_eq!(owners(&tags, 4), None);
    }
}
