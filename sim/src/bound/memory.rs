//! Memory of which some bytes are data.

use std::fs;
use std::ops::Range;
use std::path::Path;

use object::{Object, ObjectSegment};

use super::BoundError;
use super::value::Value;

/// What a firmware has in memory at its start, and where it starts.
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) memory: Memory,
    pub(super) entry: u32,
}

impl Image {
    /// Reads the firmware `elf`, for a board with `bytes` of RAM from address 0.
    ///
    /// # Errors
    /// [`BoundError::Elf`] when it cannot be read, or does not fit.
    pub fn read(elf: &Path, bytes: usize) -> Result<Self, BoundError> {
        let error = |message: String| BoundError::Elf {
            path: elf.to_owned(),
            message,
        };
        let content = fs::read(elf).map_err(|wrong| error(wrong.to_string()))?;
        let file = object::File::parse(&*content).map_err(|wrong| error(wrong.to_string()))?;
        let mut memory = Memory::new(bytes);
        for segment in file.segments() {
            let data = segment.data().map_err(|wrong| error(wrong.to_string()))?;
            let place = usize::try_from(segment.address())
                .ok()
                .and_then(|first| memory.bytes.get_mut(first..)?.get_mut(..data.len()))
                .ok_or_else(|| error("it does not fit the board's RAM".to_owned()))?;
            place.copy_from_slice(data);
        }
        Ok(Self {
            memory,
            entry: file.entry() as u32,
        })
    }
}

#[derive(Clone, Debug)]
pub struct Memory {
    bytes: Vec<u8>,
    /// Which bits would be others for other data.
    varies: Vec<u8>,
}

impl Memory {
    fn new(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            varies: vec![0; bytes],
        }
    }

    fn range(&self, address: u32, count: u32) -> Option<Range<usize>> {
        let first = address as usize;
        let end = first.checked_add(count as usize)?;
        (end <= self.bytes.len()).then_some(first..end)
    }

    /// The bytes as a number; `None` where there is no memory.
    pub fn load(&self, address: u32, count: u32) -> Option<Value> {
        let range = self.range(address, count)?;
        let word = |bytes: &[u8]| {
            let bytes = bytes.iter().rev();
            bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
        };
        Some(Value {
            number: word(&self.bytes[range.clone()]),
            varies: word(&self.varies[range]),
            origin: 0,
        })
    }

    /// Writes the lower bytes of a number; `None` where there is no memory.
    pub fn store(&mut self, address: u32, count: u32, value: Value) -> Option<()> {
        let range = self.range(address, count)?;
        self.varies[range.clone()].copy_from_slice(&value.varies.to_le_bytes()[..count as usize]);
        self.bytes[range].copy_from_slice(&value.number.to_le_bytes()[..count as usize]);
        Some(())
    }

    /// Makes every copy of `bytes` data, and says how many there were.
    pub fn mark(&mut self, bytes: &[u8]) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        let mut found = 0;
        for first in 0..self.bytes.len().saturating_sub(bytes.len() - 1) {
            let end = first + bytes.len();
            if self.bytes[first..end] == *bytes {
                self.varies[first..end].fill(u8::MAX);
                found += 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_bytes_are_data_until_they_are_written() {
        let mut memory = Memory::new(16);
        let data = |number, varies| Value {
            number,
            varies,
            origin: 0,
        };
        memory.store(3, 4, Value::fixed(0x0403_0201)).unwrap();
        assert_eq!(memory.load(4, 2), Some(Value::fixed(0x0302)));
        assert_eq!(memory.mark(&[2, 3]), 1);
        assert_eq!(memory.load(3, 1), Some(Value::fixed(1)));
        assert_eq!(memory.load(3, 2), Some(data(0x0201, 0xff00)));
        memory.store(4, 2, Value::fixed(0)).unwrap();
        assert_eq!(memory.load(3, 4), Some(Value::fixed(0x0400_0001)));
        memory.store(4, 1, data(9, 6)).unwrap();
        assert_eq!(memory.load(4, 1), Some(data(9, 6)));
        assert_eq!(memory.load(14, 4), None);
        assert_eq!(memory.load(u32::MAX, 4), None);
    }
}
