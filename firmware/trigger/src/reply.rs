//! The way out.

use embedded_io::Write;
use hodoscope_kernels::model::{Observer, Raws};
use hodoscope_wire::{CHUNK, Chunk, MenuReply, MenuTaken, NoMenu, REPLY_FRAME, encode};

use crate::Fault;
use crate::store::Fate;

/// What a board sends, but for what a menu's board sends besides.
pub(crate) type Reply<'a> = hodoscope_wire::ReplyWith<'a, NoMenu>;

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

    /// Sends what `make` makes. It stands on the stack of this function alone: in the loop it would stand beside the inference.
    #[inline(never)]
    pub(crate) fn reply<'r>(&mut self, make: impl FnOnce() -> Reply<'r>) -> Result<(), Fault> {
        self.send(&make())
    }

    /// Says what became of a part of a menu.
    #[inline(never)]
    pub(crate) fn menu(&mut self, taken: MenuTaken) -> Result<(), Fault> {
        let frame = encode(&MenuReply(taken), &mut self.frame).map_err(|_| Fault::Reply)?;
        self.link.write_all(frame).map_err(Fault::link)?;
        self.link.flush().map_err(Fault::link)
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
    /// Sends what became of an event. `credit` events may be under way after it. Apart from the loop, as
    /// [`reply`](Self::reply) is.
    #[inline(never)]
    pub(crate) fn fate(
        &mut self,
        epoch: u32,
        sequence: u32,
        credit: u8,
        fate: &Fate<impl Raws>,
    ) -> Result<(), Fault> {
        let (raws, accept, ticks) = match fate {
            Fate::Decided {
                raws,
                accept,
                ticks,
            } => (raws, *accept, *ticks),
            Fate::Refused(reason) => {
                let (sequence, reason) = (Some(sequence), *reason);
                return self.send(&Reply::Refused {
                    epoch,
                    sequence,
                    reason,
                });
            }
        };
        let mut start = 0;
        loop {
            let offset = start as u32;
            let part = raws_from(raws, start);
            start += CHUNK;
            let reply = match raws.get(start) {
                Some(_) => Reply::Raws {
                    epoch,
                    sequence,
                    offset,
                    raws: part,
                },
                None => Reply::Answer {
                    epoch,
                    sequence,
                    accept,
                    ticks,
                    credit,
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
