//! What the timing plugin recorded: the file that `sim/timing-plugin/src/path.rs` describes.

/// Which instructions every event executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// Addresses of the instructions of each block.
    pub blocks: Vec<Vec<u64>>,
    /// Blocks of each path, by their index. A path begins with the block of the begin marker and ends
    /// with that of the end marker.
    pub paths: Vec<Vec<usize>>,
    /// The path of each event, by its index.
    pub events: Vec<usize>,
}

impl Recording {
    /// Reads the file's contents.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (words, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err("the last word is cut".to_owned());
        }
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut recording = Self::default();
        while let Some(kind) = words.next() {
            let count = words.next().ok_or("a record is cut")?;
            let mut list = || -> Result<Vec<u64>, String> {
                let list: Vec<u64> = words.by_ref().take(count as usize).collect();
                if list.len() as u64 == count {
                    Ok(list)
                } else {
                    Err("a record is cut".to_owned())
                }
            };
            match kind {
                1 => recording.blocks.push(list()?),
                2 => {
                    let blocks: Vec<usize> =
                        list()?.into_iter().map(|block| block as usize).collect();
                    if let Some(block) = blocks.iter().find(|&&b| b >= recording.blocks.len()) {
                        return Err(format!("there is no block {block}"));
                    }
                    recording.paths.push(blocks);
                }
                3 if (count as usize) < recording.paths.len() => {
                    recording.events.push(count as usize);
                }
                3 => return Err(format!("there is no path {count}")),
                _ => return Err(format!("there is no record of kind {kind}")),
            }
        }
        Ok(recording)
    }

    /// Addresses of the instructions of a path, in the order of their execution.
    pub fn addresses(&self, path: usize) -> impl Iterator<Item = u64> {
        let blocks = self.paths.get(path).map_or(&[][..], Vec::as_slice);
        blocks
            .iter()
            .flat_map(|&block| self.blocks[block].iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn a_recording_is_read() {
        let words = [1, 2, 16, 18, 1, 1, 32, 2, 3, 0, 1, 1, 3, 0, 3, 0];
        let recording = Recording::parse(&bytes(&words)).unwrap();
        assert_eq!(recording.events, [0, 0]);
        let addresses: Vec<u64> = recording.addresses(0).collect();
        assert_eq!(addresses, [16, 18, 32, 32]);
    }

    #[test]
    fn a_damaged_recording_is_refused() {
        for words in [&[1, 2, 16][..], &[2, 1, 0], &[3, 0], &[4, 0], &[1]] {
            Recording::parse(&bytes(words)).unwrap_err();
        }
        Recording::parse(&[1, 2, 3]).unwrap_err();
    }
}
