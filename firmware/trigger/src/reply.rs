//! The way out.

use embedded_io::Write;
use hodoscope_kernels::model::{Observer, Raws};
use hodoscope_wire::{CHUNK, Chunk, REPLY_FRAME, Reply, encode};

use crate::Fault;

/// Sends replies over a link.
#[derive(Debug)]
pub struct Replies<L> {
    pub(crate) link: L,
    frame: [u8; REPLY_FRAME],
}

impl<L: Write> Replies<L> {
    pub(crate) fn new(link: L) -> Self {
        Self {
            link,
            frame: [0; REPLY_FRAME],
        }
    }

    /// Sends one reply, and waits for it to leave when it is a final one.
    pub(crate) fn send(&mut self, reply: &Reply) -> Result<(), Fault> {
        let frame = encode(reply, &mut self.frame).map_err(|_| Fault::Reply)?;
        self.link.write_all(frame).map_err(Fault::link)?;
        if reply.is_final() {
            self.link.flush().map_err(Fault::link)?;
        }
        Ok(())
    }
}

/// Sends every layer that it sees.
pub(crate) struct Tracer<'a, L> {
    replies: &'a mut Replies<L>,
    id: u32,
    sent: Result<(), Fault>,
}

impl<'a, L: Write> Tracer<'a, L> {
    pub(crate) fn new(replies: &'a mut Replies<L>, id: u32) -> Self {
        Self {
            replies,
            id,
            sent: Ok(()),
        }
    }

    /// The first fault, if there was one; nothing was sent after it.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        self.sent
    }
}

impl<L: Write> Observer for Tracer<'_, L> {
    fn values<T: Copy + Into<i64>>(&mut self, value: u16, row: u16, raws: &[T]) {
        for (index, part) in raws.chunks(CHUNK).enumerate() {
            if self.sent.is_err() {
                return;
            }
            self.sent = self.replies.send(&Reply::Layer {
                id: self.id,
                value,
                row,
                offset: (index * CHUNK) as u32,
                raws: part.iter().map(|&raw| raw.into()).collect(),
            });
        }
    }
}

impl<L: Write> Replies<L> {
    /// Sends the raws of an event and its decision.
    pub(crate) fn answer(
        &mut self,
        id: u32,
        raws: &impl Raws,
        accept: bool,
        ticks: u32,
    ) -> Result<(), Fault> {
        let mut start = 0;
        loop {
            let offset = start as u32;
            let part = raws_from(raws, start);
            start += CHUNK;
            let reply = match raws.get(start) {
                Some(_) => Reply::Raws {
                    id,
                    offset,
                    raws: part,
                },
                None => Reply::Answer {
                    id,
                    accept,
                    ticks,
                    offset,
                    raws: part,
                },
            };
            self.send(&reply)?;
            if reply.is_final() {
                return Ok(());
            }
        }
    }
}

/// The raws of a reply, from the raw number `start` on.
fn raws_from(raws: &impl Raws, start: usize) -> Chunk {
    let raws = (start..).map_while(|index| raws.get(index));
    raws.take(CHUNK).collect()
}
