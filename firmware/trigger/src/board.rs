//! What an app brings.

use core::convert::Infallible;
use core::fmt;

use embedded_hal::digital::{self, ErrorType, OutputPin};
use hodoscope_wire::Reset;

/// What a firmware says of its board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// The family of boards.
    pub app: &'a str,
    /// The board.
    pub board: &'a str,
    /// Events that the link holds while one is computed, that one among them.
    pub credit: u8,
    /// Why it has started.
    pub reset: Reset,
}

/// A free-running counter.
pub trait Clock {
    /// Ticks of a second, 0 when they do not measure time.
    fn ticks_per_second(&self) -> u32;

    /// The counter. It wraps at 2³²: spans up to that are measured.
    fn now(&mut self) -> u32;
}

/// Sees where an inference begins and ends: a place for markers, or for the pin of an
/// oscilloscope.
pub trait Probe {
    /// Called right before the inference.
    fn begin(&mut self);

    /// Called right after the inference.
    fn end(&mut self);
}

impl Probe for () {
    #[inline(always)]
    fn begin(&mut self) {}

    #[inline(always)]
    fn end(&mut self) {}
}

/// What the event loop works with.
#[derive(Debug)]
pub struct Parts<L, B, A, C, P, G> {
    /// Bytes to and from the host. A read of no bytes means that the link is closed.
    pub link: L,
    /// High while an event is worked on, and for good once guarded memory has changed.
    pub busy: B,
    /// High after an accepted event, until the next.
    pub accept: A,
    /// Measures inferences.
    pub clock: C,
    /// Sees inferences.
    pub probe: P,
    /// Memory that must not change.
    pub guard: G,
}

/// A pin that a board does not have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unconnected;

impl ErrorType for Unconnected {
    type Error = Infallible;
}

impl OutputPin for Unconnected {
    #[inline(always)]
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    #[inline(always)]
    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Why the event loop cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The link failed.
    Link(embedded_io::ErrorKind),
    /// A pin failed.
    Pin(digital::ErrorKind),
    /// A reply does not fit its frame: the names of app and board are too long.
    Reply,
}

impl Fault {
    pub(crate) fn link(error: impl embedded_io::Error) -> Self {
        Self::Link(error.kind())
    }

    pub(crate) fn pin(error: impl digital::Error) -> Self {
        Self::Pin(error.kind())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(kind) => write!(f, "the link failed: {kind:?}"),
            Self::Pin(kind) => write!(f, "a pin failed: {kind:?}"),
            Self::Reply => f.write_str("a reply does not fit its frame"),
        }
    }
}

impl core::error::Error for Fault {}

#[cfg(feature = "defmt")]
impl defmt::Format for Fault {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::Link(_) => defmt::write!(f, "the link failed"),
            Self::Pin(_) => defmt::write!(f, "a pin failed"),
            Self::Reply => defmt::write!(f, "a reply does not fit its frame"),
        }
    }
}
