//! Drives a board that serves the toy model, and checks every answer: a proof of a new port.
//!
//! `drive EVENTS WINDOW COMMAND…` runs `COMMAND`, whose standard input and output are the link,
//! and keeps up to `WINDOW` requests under way.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use hodoscope_app_toy::CAPACITY;
use hodoscope_wire::{Decoder, PREAMBLE, REPLY_FRAME, Reply, Request, encode};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Link {
    input: ChildStdin,
    output: ChildStdout,
    decoder: Decoder<REPLY_FRAME>,
    pending: Vec<u8>,
    sent: usize,
    received: usize,
}

impl Link {
    fn send(&mut self, request: &Request) -> Result<()> {
        let mut frame = [0; 4096];
        let frame = encode(request, &mut frame)?;
        self.sent += frame.len();
        self.input.write_all(frame)?;
        Ok(self.input.flush()?)
    }

    /// Gives the next reply to `see`.
    fn receive<T>(&mut self, see: impl FnOnce(Reply) -> T) -> Result<T> {
        let mut see = Some(see);
        loop {
            let mut bytes = &*self.pending;
            let seen = self
                .decoder
                .feed::<Reply>(&mut bytes)
                .map(|reply| reply.map(|reply| see.take().map(|see| see(reply))));
            self.pending = bytes.to_vec();
            match seen {
                Some(Ok(Some(seen))) => return Ok(seen),
                Some(Ok(None)) => return Err("two replies at once".into()),
                Some(Err(error)) => return Err(error.into()),
                None => {
                    let mut buffer = [0; 4096];
                    let len = self.output.read(&mut buffer)?;
                    if len == 0 {
                        return Err("the link was closed".into());
                    }
                    self.received += len;
                    self.pending.extend_from_slice(&buffer[..len]);
                }
            }
        }
    }
}

/// Payload of event `id`, and its first raw.
fn event(id: u32) -> (Vec<u8>, i64) {
    let met = (id % 1000) as i16 - 500;
    let mut payload = met.to_le_bytes().to_vec();
    let mut score = i64::from(met);
    // 0 to 40 constituents, as a jet tagger sees them; those behind the capacity count for nothing.
    for row in 0..id as usize * 7 % 41 {
        let words = [(id as i16).wrapping_mul(37), row as i16 - 20];
        payload.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        if row < CAPACITY {
            score += i64::from(words[0]) * i64::from(words[1]);
        }
    }
    (payload, score)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [events, window, program, rest @ ..] = &*arguments else {
        return Err("drive EVENTS WINDOW COMMAND…".into());
    };
    let (events, window): (u32, usize) = (events.parse()?, window.parse()?);
    let mut child = Command::new(program)
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut link = Link {
        input: child.stdin.take().ok_or("no input")?,
        output: child.stdout.take().ok_or("no output")?,
        decoder: Decoder::new(),
        pending: Vec::new(),
        sent: 0,
        received: 0,
    };

    link.input.write_all(&PREAMBLE)?;
    link.send(&Request::Hello { token: 1 })?;
    link.receive(|reply| println!("{reply:?}"))?;
    let (epoch, output, threshold) = (std::process::id(), 0, 0);
    link.send(&Request::Begin {
        epoch,
        decision: Some((output, threshold)),
    })?;
    let begun = Reply::Begun {
        epoch,
        output,
        threshold,
    };
    link.receive(|reply| assert_eq!(reply, begun))?;

    let start = Instant::now();
    let (sent, received) = (link.sent, link.received);
    let mut under_way = VecDeque::new();
    let mut slowest = Duration::ZERO;
    let mut ticks = Vec::new();
    for id in 0..events + window as u32 {
        if id < events {
            let (payload, score) = event(id);
            link.send(&Request::Event {
                epoch,
                sequence: id,
                payload: &payload,
            })?;
            under_way.push_back((id, score, Instant::now()));
        }
        if under_way.len() < window && id + 1 < events {
            continue;
        }
        if let Some((id, score, at)) = under_way.pop_front() {
            ticks.push(link.receive(|reply| match reply {
                Reply::Answer {
                    sequence: answered,
                    accept,
                    ticks,
                    offset: 0,
                    raws,
                    ..
                } => {
                    assert_eq!(answered, id);
                    assert_eq!(raws, [score, score + 1]);
                    assert_eq!(accept, score >= 0);
                    ticks
                }
                other => panic!("{other:?} to event {id}"),
            })?);
            slowest = slowest.max(at.elapsed());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{events} events in {seconds:.2} s: {:.0} events/s, {:.0} bytes/s to the board, {:.0} back, slowest {slowest:?}",
        f64::from(events) / seconds,
        (link.sent - sent) as f64 / seconds,
        (link.received - received) as f64 / seconds,
    );
    println!("ticks {:?} to {:?}", ticks.iter().min(), ticks.iter().max());

    // A layer request, a payload of a wrong length, and noise: each gets one final reply.
    let (payload, _) = event(5);
    link.send(&Request::Trace {
        id: 1,
        payload: &payload,
    })?;
    let mut layers = 0;
    while !link.receive(|reply| {
        if reply.is_final() {
            println!("{layers} layers, then {reply:?}");
        }
        reply.is_final()
    })? {
        layers += 1;
    }
    link.send(&Request::Event {
        epoch,
        sequence: events,
        payload: &payload[1..],
    })?;
    link.receive(|reply| println!("{reply:?}"))?;
    link.input.write_all(&[1, 2, 3, 0, 0])?;
    link.receive(|reply| println!("{reply:?}"))?;
    link.send(&Request::Counters)?;
    link.receive(|reply| println!("{reply:?}"))?;
    link.send(&Request::Shutdown)?;
    link.receive(|reply| assert_eq!(reply, Reply::Done))?;
    println!("{}", child.wait()?);
    Ok(())
}
