//! From repetition and definition levels to offsets of events.

/// How many rows each event has, and how long the lists in a row are.
#[derive(Debug)]
pub struct Lists {
    /// The definition level from which a list has an element, outermost first.
    levels: Vec<i16>,
    defined: i16,
    /// Events so far.
    pub events: usize,
    /// First row of each event, where there is a list.
    pub starts: Vec<i64>,
    /// Rows so far.
    pub rows: usize,
    /// Length of the lists within rows, from the second list on, once one has ended.
    lengths: Vec<Option<usize>>,
    /// Elements so far of the list that is being read, none where there is none.
    open: Vec<Option<usize>>,
    /// Numbers that are missing, and the first event with one.
    pub missing: Option<(usize, usize)>,
    /// Whether lists within rows differ in length.
    pub is_ragged: bool,
}

impl Lists {
    /// Of a column whose lists have these levels.
    pub fn new(levels: &[i16], defined: i16) -> Self {
        let inner = levels.len().saturating_sub(1);
        Self {
            levels: levels.to_vec(),
            defined,
            events: 0,
            starts: vec![],
            rows: 0,
            lengths: vec![None; inner],
            open: vec![None; inner],
            missing: None,
            is_ragged: false,
        }
    }

    /// The definition level of a number.
    pub fn defined(&self) -> i16 {
        self.defined
    }

    /// Takes in one entry of the column.
    pub fn push(&mut self, definition: i16, repetition: i16) {
        let depth = |repetition: i16| usize::try_from(repetition).unwrap_or(0);
        let begun = depth(repetition);
        if begun == 0 {
            self.events += 1;
            if !self.levels.is_empty() {
                self.starts.push(self.rows as i64);
            }
        }
        // Lists are counted from 1; one of depth k is a new one below k, and gets an element at k and below.
        for list in 2..=self.levels.len() {
            if begun < list {
                self.end(list);
                let has_parent = definition >= self.levels[list - 2];
                self.open[list - 2] = has_parent.then_some(0);
            }
            if begun <= list
                && definition >= self.levels[list - 1]
                && let Some(count) = &mut self.open[list - 2]
            {
                *count += 1;
            }
        }
        if let Some(&first) = self.levels.first()
            && begun <= 1
            && definition >= first
        {
            self.rows += 1;
        }
        if definition < self.defined && !self.is_empty_list(definition) {
            let (count, first) = self.missing.unwrap_or((0, self.events.saturating_sub(1)));
            self.missing = Some((count + 1, first));
        }
    }

    /// Whether an entry says that a list has no element, and not that something is missing.
    fn is_empty_list(&self, definition: i16) -> bool {
        // The first list without an element: it is there one level below.
        let first = self.levels.iter().find(|&&level| definition < level);
        first.is_some_and(|&level| definition == level - 1)
    }

    fn end(&mut self, list: usize) {
        let Some(count) = self.open[list - 2].take() else {
            return;
        };
        let length = &mut self.lengths[list - 2];
        self.is_ragged |= length.is_some_and(|length| length != count);
        *length = Some(count);
    }

    /// Ends all lists, and gives the extents of a row.
    pub fn finish(&mut self) -> Vec<usize> {
        for list in 2..=self.levels.len() {
            self.end(list);
        }
        let lengths = self.lengths.iter();
        lengths.map(|length| length.unwrap_or(0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A column of lists of lists: `optional list { optional list { required number } }`.
    fn lists_of_lists(entries: &[(i16, i16)]) -> (Lists, Vec<usize>) {
        let mut lists = Lists::new(&[2, 4], 4);
        for &(definition, repetition) in entries {
            lists.push(definition, repetition);
        }
        let row = lists.finish();
        (lists, row)
    }

    #[test]
    fn rows_of_events_are_counted() {
        // [[1, 2], [3, 4]], [], [[5, 6]]
        let entries = [(4, 0), (4, 2), (4, 1), (4, 2), (1, 0), (4, 0), (4, 2)];
        let (lists, row) = lists_of_lists(&entries);
        assert_eq!((lists.events, lists.rows), (3, 3));
        assert_eq!((lists.starts, row), (vec![0, 2, 2], vec![2]));
        assert!(!lists.is_ragged && lists.missing.is_none());
    }

    #[test]
    fn lists_of_other_lengths_and_missing_ones_are_told() {
        // [[1, 2], [3]]
        assert!(lists_of_lists(&[(4, 0), (4, 2), (4, 1)]).0.is_ragged);
        // [[1], []]
        assert!(lists_of_lists(&[(4, 0), (3, 1)]).0.is_ragged);
        // [[1]], null, [null]
        let (lists, _) = lists_of_lists(&[(4, 0), (0, 0), (2, 0)]);
        assert_eq!(lists.missing, Some((2, 1)));
    }
}
