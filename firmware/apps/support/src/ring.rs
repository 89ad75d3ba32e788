//! Bytes from an interrupt to the event loop.

use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// A ring of `N - 1` bytes between one writer and one reader, each of which may interrupt the other.
#[derive(Debug)]
pub struct Ring<const N: usize> {
    bytes: [AtomicU8; N],
    /// Where the next byte goes; only the writer moves it.
    head: AtomicUsize,
    /// Where the next byte comes from; only the reader moves it.
    tail: AtomicUsize,
}

impl<const N: usize> Ring<N> {
    /// An empty ring.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: [const { AtomicU8::new(0) }; N],
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
        }
    }

    /// Appends a byte. One that finds no place is lost: the check sum of its frame will be wrong, and the host sends it again.
    pub fn push(&self, byte: u8) {
        let head = self.head.load(Ordering::Relaxed);
        let next = following::<N>(head);
        if next == self.tail.load(Ordering::Acquire) {
            return;
        }
        self.bytes[head].store(byte, Ordering::Relaxed);
        self.head.store(next, Ordering::Release);
    }

    /// Takes the first byte, if there is one.
    pub fn pop(&self) -> Option<u8> {
        let tail = self.tail.load(Ordering::Relaxed);
        if tail == self.head.load(Ordering::Acquire) {
            return None;
        }
        let byte = self.bytes[tail].load(Ordering::Relaxed);
        self.tail.store(following::<N>(tail), Ordering::Release);
        Some(byte)
    }

    /// Moves the bytes that are there into `buffer`, and says how many; while there is none `sleep` is called, which may return
    /// when there may be one. No byte is waited for where `buffer` holds none.
    pub fn read(&self, buffer: &mut [u8], mut sleep: impl FnMut()) -> usize {
        if buffer.is_empty() {
            return 0;
        }
        while self.is_empty() {
            sleep();
        }
        let mut len = 0;
        for (place, byte) in buffer.iter_mut().zip(core::iter::from_fn(|| self.pop())) {
            *place = byte;
            len += 1;
        }
        len
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.tail.load(Ordering::Relaxed) == self.head.load(Ordering::Acquire)
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

const fn following<const N: usize>(place: usize) -> usize {
    if place + 1 == N { 0 } else { place + 1 }
}

/// Events whose frames, of `frame` bytes at most, a ring of `ring` bytes holds while one is computed, that one among them.
#[must_use]
pub const fn credit(ring: usize, frame: usize) -> u8 {
    let waiting = (ring - 1) / frame;
    if waiting >= 7 { 8 } else { 1 + waiting as u8 }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn bytes_come_out_in_their_order_and_what_has_no_place_is_lost() {
        let ring = Ring::<4>::new();
        assert_eq!(ring.pop(), None);
        for round in 0..9 {
            for byte in round..round + 5 {
                ring.push(byte);
            }
            let out: std::vec::Vec<_> = core::iter::from_fn(|| ring.pop()).collect();
            assert_eq!(out, [round, round + 1, round + 2]);
            assert!(ring.is_empty());
        }
    }

    #[test]
    fn two_threads_lose_nothing_as_long_as_there_is_a_place() {
        static RING: Ring<8> = Ring::new();
        let writer = std::thread::spawn(|| {
            for byte in 0..50_000_u32 {
                while following::<8>(RING.head.load(Ordering::Relaxed))
                    == RING.tail.load(Ordering::Relaxed)
                {
                    std::hint::spin_loop();
                }
                RING.push(byte as u8);
            }
        });
        for byte in 0..50_000_u32 {
            let got = loop {
                if let Some(got) = RING.pop() {
                    break got;
                }
            };
            assert_eq!(got, byte as u8);
        }
        writer.join().expect("it ends");
    }

    #[test]
    fn a_reader_sleeps_until_there_is_a_byte() {
        let ring = Ring::<8>::new();
        assert_eq!(ring.read(&mut [], || panic!("nothing is waited for")), 0);
        let mut slept = 0;
        let mut buffer = [0; 2];
        let mut read = |buffer: &mut [u8]| {
            ring.read(buffer, || {
                slept += 1;
                if slept == 2 {
                    (1..4).for_each(|byte| ring.push(byte));
                }
            })
        };
        assert_eq!((read(&mut buffer), buffer), (2, [1, 2]));
        assert_eq!((read(&mut buffer), buffer), (1, [3, 2]));
        assert_eq!(slept, 2);
    }

    #[test]
    fn credit_is_what_a_ring_holds() {
        assert_eq!(credit(4096, 200), 8);
        assert_eq!(credit(4096, 2000), 3);
        assert_eq!(credit(4096, 5000), 1);
    }
}
