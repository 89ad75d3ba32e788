//! The sum that frames, menus and images bear.

use core::fmt;

use crc::{CRC_32_ISCSI, Crc, Digest, Table};

/// CRC-32C: four errors in up to 5,243 bits are always seen, and so is any burst of up to 32. One table, 1 KiB of flash.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);

/// A CRC-32C that grows.
///
/// ```
/// let mut sum = hodoscope_wire::Checksum::new();
/// sum.update(b"1234");
/// sum.update(b"56789");
/// assert_eq!(sum.value(), 0xe306_9283);
/// ```
#[derive(Clone)]
pub struct Checksum(Digest<'static, u32, Table<1>>);

impl Checksum {
    /// Of no byte.
    #[must_use]
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of all bytes so far.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.0.clone().finalize()
    }

    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u32 {
        CRC.checksum(bytes)
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({:#010x})", self.value())
    }
}
