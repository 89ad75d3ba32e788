//! Versioned, checked, self-delimiting frames.

use core::fmt;

use postcard::ser_flavors::{Cobs, Flavor, Slice};
use serde::{Deserialize, Serialize};

use crate::Checksum;

/// Version of the protocol, the first byte of every frame.
///
/// It grows with every change of a message or of the frame, and peers of different versions
/// refuse each other by name.
pub const VERSION: u8 = 4;

/// What a host sends before its first frame.
///
/// Two empty frames end whatever noise the board has read before. A serial port may also lose a
/// byte while it starts: then it is one of these.
pub const PREAMBLE: [u8; 2] = [0, 0];

const CRC_LEN: usize = 4;

/// Bytes that the frame of a message of `message` bytes takes at most.
///
/// ```
/// // version, message, CRC, one COBS code and the delimiter
/// assert_eq!(hodoscope_wire::frame_len(10), 1 + 10 + 4 + 1 + 1);
/// ```
#[must_use]
pub const fn frame_len(message: usize) -> usize {
    let plain = 1 + message + CRC_LEN;
    plain + plain.div_ceil(254) + 1
}

/// A frame does not fit the buffer that it should be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError;

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the frame does not fit its buffer")
    }
}

impl core::error::Error for EncodeError {}

/// Why a frame could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum FrameError {
    /// The frame is longer than the receiver's buffer.
    TooLong,
    /// The bytes are no COBS, or too few for a frame.
    Broken,
    /// The check sum does not fit the bytes.
    Crc,
    /// The frame is sound, but of another version of the protocol.
    Version(u8),
    /// The frame is sound, but holds no message of this version.
    Message,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("a frame is too long"),
            Self::Broken => f.write_str("a frame is broken"),
            Self::Crc => f.write_str("a frame's check sum is wrong"),
            Self::Version(version) => {
                write!(f, "a frame is of protocol {version}, not {VERSION}")
            }
            Self::Message => f.write_str("a frame holds no known message"),
        }
    }
}

impl core::error::Error for FrameError {}

/// Writes the frame of `message` to the start of `buffer`, and returns it, delimiter included.
///
/// # Errors
/// [`EncodeError`] when `buffer` is too short; its content is then not a frame.
pub fn encode<'b, T: Serialize + ?Sized>(
    message: &T,
    buffer: &'b mut [u8],
) -> Result<&'b mut [u8], EncodeError> {
    fn checked(buffer: &mut [u8]) -> postcard::Result<Checked<'_>> {
        let mut checked = Checked {
            stuffed: Cobs::try_new(Slice::new(buffer))?,
            sum: Checksum::new(),
        };
        checked.try_push(VERSION)?;
        Ok(checked)
    }
    checked(buffer)
        .and_then(|checked| postcard::serialize_with_flavor(message, checked))
        .map_err(|_| EncodeError)
}

/// Sums what it passes on to COBS.
struct Checked<'b> {
    stuffed: Cobs<Slice<'b>>,
    sum: Checksum,
}

impl<'b> Flavor for Checked<'b> {
    type Output = &'b mut [u8];

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.sum.update(bytes);
        self.stuffed.try_extend(bytes)
    }

    fn finalize(mut self) -> postcard::Result<Self::Output> {
        self.stuffed.try_extend(&self.sum.value().to_le_bytes())?;
        self.stuffed.finalize()
    }
}

/// Finds frames in a stream of bytes.
///
/// `N` is the length of the longest frame that it reads, without the delimiter.
#[derive(Clone, Debug, Default)]
pub struct Decoder<const N: usize> {
    buffer: heapless::Vec<u8, N>,
    /// The frame at hand does not fit: skip to its end.
    overflow: bool,
    /// The buffer holds a frame that was given out.
    spent: bool,
    rejected: u32,
}

impl<const N: usize> Decoder<N> {
    /// A decoder at the start of a frame.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buffer: heapless::Vec::new(),
            overflow: false,
            spent: false,
            rejected: 0,
        }
    }

    /// Takes bytes from the front of `bytes` until a frame ends, and reads it.
    ///
    /// Nothing means that all bytes were taken and more are needed. After a frame, good or bad,
    /// the bytes behind it are still in `bytes`: call again.
    ///
    /// # Errors
    /// [`FrameError`] for each frame that cannot be read; the decoder goes on with the next one.
    pub fn feed<'a, T: Deserialize<'a>>(
        &'a mut self,
        bytes: &mut &[u8],
    ) -> Option<Result<T, FrameError>> {
        if self.spent {
            self.spent = false;
            self.buffer.clear();
        }
        loop {
            let (part, ended) = match bytes.iter().position(|&byte| byte == 0) {
                Some(end) => {
                    let (part, rest) = bytes.split_at(end);
                    *bytes = &rest[1..];
                    (part, true)
                }
                None => (core::mem::take(bytes), false),
            };
            self.overflow |= self.buffer.extend_from_slice(part).is_err();
            if !ended {
                return None;
            }
            if self.overflow || !self.buffer.is_empty() {
                break;
            }
        }
        self.spent = true;
        let overflow = core::mem::take(&mut self.overflow);
        let result = if overflow {
            Err(FrameError::TooLong)
        } else {
            read(&mut self.buffer)
        };
        if result.is_err() {
            self.rejected = self.rejected.saturating_add(1);
        }
        Some(result)
    }

    /// Frames that could not be read so far. Stays at its largest value rather than wrap.
    #[must_use]
    pub const fn rejected(&self) -> u32 {
        self.rejected
    }
}

/// Reads a stuffed frame without its delimiter.
fn read<'a, T: Deserialize<'a>>(stuffed: &'a mut [u8]) -> Result<T, FrameError> {
    let len = cobs::decode_in_place(stuffed).map_err(|_| FrameError::Broken)?;
    let (body, sum) = stuffed[..len]
        .split_last_chunk::<CRC_LEN>()
        .ok_or(FrameError::Broken)?;
    if Checksum::of(body) != u32::from_le_bytes(*sum) {
        return Err(FrameError::Crc);
    }
    match body {
        [VERSION, message @ ..] => match postcard::take_from_bytes(message) {
            Ok((message, [])) => Ok(message),
            _ => Err(FrameError::Message),
        },
        [version, ..] => Err(FrameError::Version(*version)),
        [] => Err(FrameError::Broken),
    }
}
