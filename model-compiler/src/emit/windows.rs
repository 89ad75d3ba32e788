//! Elements that lie in windows: a table of where each window begins, and one of what lies in it.

/// The tables of elements that are `bases[row] + offsets[column]`, modulo 2^16: the shortest such, where they are
/// shorter than the elements by half.
pub(super) fn windows(elements: &[usize]) -> Option<(Vec<i64>, Vec<i64>)> {
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
        let bases = elements.chunks(width).map(|row| row[0] as i64);
        let offset = |e: &usize| (*e as i64 - elements[0] as i64).rem_euclid(1 << 16);
        (
            bases.collect(),
            elements[..width].iter().map(offset).collect(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::windows;

    fn elements(bases: &[i64], offsets: &[i64]) -> Vec<usize> {
        let rows = bases
            .iter()
            .flat_map(|base| offsets.iter().map(move |o| (base + o) % 65_536));
        rows.map(|element| element as usize).collect()
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
            let (bases, offsets) = windows(&own).unwrap();
            assert!(bases.len() + offsets.len() <= own.len() / 2);
            assert_eq!(elements(&bases, &offsets), own);
        }
    }

    #[test]
    fn elements_in_no_order_keep_their_table() {
        let any: Vec<usize> = (0..64).map(|i| i * i % 61).collect();
        assert_eq!(windows(&any), None);
        assert_eq!(windows(&[3]), None);
        assert_eq!(windows(&[]), None);
    }
}
