//! The payload of an event for several models.

use hodoscope_kernels::model::EventError;

/// Reads the payload of an event: its tick, four bytes, then part after part, each with its length in two bytes before it, all
/// little-endian. A part is the payload of one model, or of several that read the same words.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'p> {
    rest: &'p [u8],
    len: usize,
}

impl<'p> Parts<'p> {
    /// The tick of an event, and its parts.
    ///
    /// # Errors
    /// When it is too short for a tick.
    pub fn new(payload: &'p [u8]) -> Result<(u32, Self), EventError> {
        let len = payload.len();
        match payload.split_first_chunk() {
            Some((tick, rest)) => Ok((u32::from_le_bytes(*tick), Self { rest, len })),
            None => Err(Self { rest: &[], len }.error()),
        }
    }

    /// The next part.
    ///
    /// # Errors
    /// When it is not there as a whole.
    pub fn part(&mut self) -> Result<&'p [u8], EventError> {
        let error = self.error();
        let (len, rest) = self.rest.split_first_chunk().ok_or(error)?;
        let len = u16::from_le_bytes(*len);
        let (part, rest) = rest.split_at_checked(len.into()).ok_or(error)?;
        self.rest = rest;
        Ok(part)
    }

    /// Ends the event.
    ///
    /// # Errors
    /// When there is more.
    pub fn end(self) -> Result<(), EventError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    /// Of a payload whose parts do not fill it: it says how long they are together.
    fn error(&self) -> EventError {
        EventError::Length {
            got: self.len,
            fixed: self.len - self.rest.len(),
            row: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_a_tick_and_whole_parts() {
        let payload = [7, 0, 0, 1, 2, 0, 5, 6, 0, 0];
        let (tick, mut parts) = Parts::new(&payload).expect("a tick");
        assert_eq!(tick, 0x0100_0007);
        assert_eq!(parts.part(), Ok(&[5, 6][..]));
        assert!(parts.end().is_err());
        assert_eq!(parts.part(), Ok(&[][..]));
        assert_eq!(parts.end(), Ok(()));
        let error = EventError::Length {
            got: 10,
            fixed: 10,
            row: 0,
        };
        assert_eq!(parts.part(), Err(error));
        let (_, mut parts) = Parts::new(&payload[..7]).expect("a tick");
        assert!(parts.part().is_err());
        assert!(Parts::new(&[1, 2, 3]).is_err());
    }
}
