//! Elements that lie in windows: a table of where each window begins, and one of what lies in it.

/// Where each window begins, and where in it each of its runs does: elements `bases[row] + offsets[column] + j`, the
/// sum of base and offset modulo 2^16, or 2^32 where an element is beyond that, j below `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub bases: Vec<i64>,
    pub offsets: Vec<i64>,
    pub run: usize,
}

impl Windows {
    /// Entries of both tables.
    pub fn entries(&self) -> usize {
        self.bases.len() + self.offsets.len()
    }
}

/// The shortest tables of `elements`, where they are shorter than the elements by half.
pub(crate) fn windows(elements: &[usize]) -> Option<Windows> {
    let count = elements.len();
    let mut widths: Vec<usize> = (2..=count / 2)
        .filter(|w| count.is_multiple_of(*w))
        .collect();
    widths.sort_by_key(|width| width + count / width);
    let width = widths.into_iter().find(|width| {
        let first = &elements[..*width];
        elements.chunks(*width).all(|row| {
            let mut pairs = row.iter().zip(first);
            pairs.all(|(e, f)| e + first[0] == f + row[0])
        })
    })?;
    let shorter = 2 * (width + count / width) <= count;
    shorter.then(|| {
        let window = &elements[..width];
        let run = run(window);
        let bases = elements.chunks(width).map(|row| row[0] as i64);
        let modulus = 1i64 << number_bits(elements);
        let offset = |e: &usize| (*e as i64 - elements[0] as i64).rem_euclid(modulus);
        Windows {
            bases: bases.collect(),
            offsets: window.iter().step_by(run).map(offset).collect(),
            run,
        }
    })
}

/// Bits of an entry of the tables: as many as the largest element needs.
pub(crate) fn number_bits(elements: &[usize]) -> u8 {
    match elements.iter().all(|e| *e <= 0xffff) {
        true => 16,
        false => 32,
    }
}

/// The longest runs of successive elements, all of one length, that `window` consists of.
fn run(window: &[usize]) -> usize {
    let whole = (1..=window.len()).rev();
    let mut lengths = whole.filter(|run| window.len().is_multiple_of(*run));
    let is_run = |run: &[usize]| run.windows(2).all(|pair| pair[1] == pair[0] + 1);
    lengths
        .find(|run| window.chunks(*run).all(is_run))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{Windows, windows};

    fn elements(windows: &Windows) -> Vec<usize> {
        let Windows {
            bases,
            offsets,
            run,
        } = windows;
        let starts = bases
            .iter()
            .flat_map(|base| offsets.iter().map(move |o| (base + o) % 65_536));
        starts
            .flat_map(|start| (0..*run).map(move |j| start as usize + j))
            .collect()
    }

    #[test]
    fn the_tables_give_the_elements_again() {
        // Windows of 3 × 3 on an image of 10 columns, and a transposition.
        let image: Vec<usize> = (0..64)
            .flat_map(|w| (0..9).map(move |k| w / 8 * 10 + w % 8 + k / 3 * 10 + k % 3))
            .collect();
        let transposed: Vec<usize> = (0..60).map(|i| i % 10 * 6 + i / 10).collect();
        let backwards: Vec<usize> = (0..60).rev().collect();
        for own in [image, transposed, backwards] {
            let found = windows(&own).unwrap();
            assert!(found.entries() <= own.len() / 2);
            assert_eq!(elements(&found), own);
        }
    }

    #[test]
    fn successive_elements_are_one_run() {
        // Windows of 3 × 3 pixels of four channels, on an image of 10 columns.
        let pixels =
            (0..64).flat_map(|w| (0..9).map(move |k| w / 8 * 10 + w % 8 + k / 3 * 10 + k % 3));
        let image: Vec<usize> = pixels
            .flat_map(|p| (0..4).map(move |c| 4 * p + c))
            .collect();
        let found = windows(&image).unwrap();
        assert_eq!((found.run, &found.offsets[..]), (12, &[0, 40, 80][..]));
        assert_eq!(elements(&found), image);
    }

    #[test]
    fn elements_in_no_order_keep_their_table() {
        let any: Vec<usize> = (0..64).map(|i| i * i % 61).collect();
        assert_eq!(windows(&any), None);
        assert_eq!(windows(&[3]), None);
        assert_eq!(windows(&[]), None);
    }
}
