//! A board in memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_hal::digital::{self, OutputPin};
use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use hodoscope_kernels::model::Model;
use hodoscope_trigger::{
    About, ByThreshold, Clock, Decision, End, Fault, Parts, Probe, Reset, Trigger,
};
use hodoscope_wire::{Decoder, REPLY_FRAME, Reply, Request, encode};

/// What happened, in order.
pub type History = Rc<RefCell<Vec<String>>>;

/// How a board is built, and what it does wrong.
pub struct Bench {
    pub app: &'static str,
    pub decision: Decision,
    pub history: History,
    pub link_fails: bool,
    pub pins_fail: bool,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            app: "bench",
            decision: Decision::NONE,
            history: History::default(),
            link_fails: false,
            pins_fail: false,
        }
    }
}

impl Bench {
    /// Sends `requests`, closes the link, and returns all that was answered.
    pub fn run<M: Model, const TRACE: bool>(
        self,
        requests: &[Request],
    ) -> (Result<End, Fault>, Vec<u8>) {
        let mut input = Vec::new();
        for request in requests {
            let mut frame = [0; 4096];
            input.extend_from_slice(encode(request, &mut frame).expect("it is long enough"));
        }
        self.run_bytes::<M, TRACE>(input)
    }

    /// The same with any bytes.
    pub fn run_bytes<M: Model, const TRACE: bool>(
        self,
        input: Vec<u8>,
    ) -> (Result<End, Fault>, Vec<u8>) {
        let output = Rc::default();
        let pin = |name| Pin {
            name,
            history: self.history.clone(),
            fails: self.pins_fail,
        };
        let about = About {
            app: self.app,
            board: "table",
            credit: 8,
            reset: Reset::Pin,
        };
        let parts = Parts {
            link: Link {
                input: input.into(),
                output: Rc::clone(&output),
                history: self.history.clone(),
                fails: self.link_fails,
            },
            busy: pin("busy"),
            accept: pin("accept"),
            clock: Steps(u32::MAX - 3),
            probe: Marks(self.history.clone()),
            guard: (),
        };
        // Every toy model has the same inputs, hence the same frames.
        const N: usize = hodoscope_trigger::frame_capacity::<hodoscope_app_toy::Toy>();
        let judge = ByThreshold::from(self.decision);
        let mut trigger = Trigger::<M, _, _, _, _, _, _, _, N, 4, TRACE>::new(about, parts, judge);
        let end = trigger.run();
        drop(trigger);
        (end, output.take())
    }
}

/// All replies in `output`.
pub fn replies(output: &[u8]) -> Vec<Reply<'static>> {
    let mut bytes = output;
    let mut replies = Vec::new();
    loop {
        // A leaked decoder per reply: replies outlive it, and a test is short.
        let decoder = Box::leak(Box::new(Decoder::<REPLY_FRAME>::new()));
        match decoder.feed(&mut bytes) {
            Some(reply) => replies.push(reply.expect("a board sends only good frames")),
            None => return replies,
        }
    }
}

/// The payload of an event of the toy model.
pub fn event(met: i16, jets: &[(i16, i16)]) -> Vec<u8> {
    std::iter::once(met)
        .chain(jets.iter().flat_map(|&(a, b)| [a, b]))
        .flat_map(i16::to_le_bytes)
        .collect()
}

struct Link {
    input: VecDeque<u8>,
    output: Rc<RefCell<Vec<u8>>>,
    history: History,
    fails: bool,
}

impl ErrorType for Link {
    type Error = ErrorKind;
}

impl Read for Link {
    /// In short, uneven reads.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let len = buffer.len().min(7).min(self.input.len());
        for (byte, read) in buffer.iter_mut().zip(self.input.drain(..len)) {
            *byte = read;
        }
        Ok(len)
    }
}

impl ReadReady for Link {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(!self.input.is_empty())
    }
}

impl Write for Link {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, ErrorKind> {
        if self.fails {
            return Err(ErrorKind::BrokenPipe);
        }
        self.history.borrow_mut().push("write".to_owned());
        self.output.borrow_mut().extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.history.borrow_mut().push("flush".to_owned());
        Ok(())
    }
}

struct Pin {
    name: &'static str,
    history: History,
    fails: bool,
}

impl Pin {
    fn set(&mut self, sign: char) -> Result<(), digital::ErrorKind> {
        if self.fails {
            return Err(digital::ErrorKind::Other);
        }
        self.history
            .borrow_mut()
            .push(format!("{}{sign}", self.name));
        Ok(())
    }
}

impl digital::ErrorType for Pin {
    type Error = digital::ErrorKind;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), digital::ErrorKind> {
        self.set('-')
    }

    fn set_high(&mut self) -> Result<(), digital::ErrorKind> {
        self.set('+')
    }
}

/// Counts how often it is read, over the wrap.
struct Steps(u32);

impl Clock for Steps {
    fn ticks_per_second(&self) -> u32 {
        1000
    }

    fn now(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }
}

struct Marks(History);

impl Probe for Marks {
    fn begin(&mut self) {
        self.0.borrow_mut().push("begin".to_owned());
    }

    fn end(&mut self) {
        self.0.borrow_mut().push("end".to_owned());
    }
}
