//! Single flipped bits in what a board decides by: none leads to a wrong decision once a pass over the memory has ended.
//!
//! Every bit of weights and table, of the copies of the threshold, and of a frame that waits is flipped once, each on a board of its own.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_hal::digital::{ErrorType as PinType, OutputPin};
use embedded_io::{ErrorType, Read, Write};
use hodoscope_kernels::model::{EventError, InputInfo, Model, Observer, OutputInfo};
use hodoscope_trigger::{
    About, ByMenu, ByThreshold, Checksum, Clock, Decision, Guard, Health, Judge, Part, Parts,
    Region, Reset, Seal, Trigger, frame_capacity, menu_frame_capacity,
};
use hodoscope_wire::{Decoder, REPLY_FRAME, Reason, Reply, Request, encode};

const WEIGHTS: usize = 1024;
const TABLE: usize = 256;
const WORDS: usize = 48;

thread_local! {
    /// What lies in the board's flash: weights, and behind them a table.
    static FLASH: RefCell<Vec<u8>> = RefCell::new(made());
    /// Whether the list of sums is as it was written.
    static SEAL: RefCell<Seal> = const { RefCell::new(Seal::Sound) };
}

fn made() -> Vec<u8> {
    (0..WEIGHTS + TABLE)
        .map(|at| (at * 37 + at / 7) as u8)
        .collect()
}

/// Looks a word up in the table, and multiplies what it finds with weights: every byte of either counts in some event.
struct Net;

impl Model for Net {
    const NAME: &'static str = "net";
    const PROGRAM: [u8; 32] = [1; 32];
    const CAPACITY: usize = 0;
    const INPUTS: &'static [InputInfo] = &[InputInfo {
        name: "x",
        words: WORDS,
        bytes: 1,
        set: false,
    }];
    const OUTPUTS: &'static [OutputInfo] = &[OutputInfo {
        name: "score",
        len: 1,
    }];
    type Raws = [i64; 1];

    fn infer<O: Observer>(payload: &[u8], _: &mut O) -> Result<[i64; 1], EventError> {
        if payload.len() != WORDS {
            return Err(EventError::Length {
                got: payload.len(),
                fixed: WORDS,
                row: 0,
            });
        }
        Ok([FLASH.with_borrow(|flash| score(flash, payload))])
    }
}

fn score(flash: &[u8], words: &[u8]) -> i64 {
    let (weights, table) = flash.split_at(WEIGHTS);
    let mut sum = 0;
    for (at, word) in words.iter().enumerate() {
        let x = i64::from(table[usize::from(*word)]) + 1;
        for weight in weights.iter().skip(at).step_by(WORDS) {
            sum += x * i64::from(*weight);
        }
    }
    sum
}

/// Two regions, as a linker would have made them.
struct Flash([u32; 2]);

impl Flash {
    fn new() -> Self {
        let made = made();
        let (weights, table) = made.split_at(WEIGHTS);
        Self([Checksum::of(weights), Checksum::of(table)])
    }
}

impl Guard for Flash {
    const WATCHES: bool = true;

    fn seal(&self) -> Seal {
        SEAL.with_borrow(|seal| *seal)
    }

    fn region(&self, index: u8) -> Option<Region> {
        let len = *[WEIGHTS, TABLE].get(usize::from(index))? as u32;
        Some(Region {
            part: Part::Constants,
            len,
            sum: self.0[usize::from(index)],
        })
    }

    fn read(&self, index: u8, offset: u32, bytes: &mut [u8]) {
        let start = usize::from(index) * WEIGHTS + offset as usize;
        FLASH.with_borrow(|flash| bytes.copy_from_slice(&flash[start..start + bytes.len()]));
    }
}

#[derive(Clone, Default)]
struct Link(Rc<RefCell<Vec<u8>>>);

impl ErrorType for Link {
    type Error = Infallible;
}

impl Read for Link {
    fn read(&mut self, _: &mut [u8]) -> Result<usize, Infallible> {
        Ok(0)
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Pin(Rc<RefCell<bool>>);

impl PinType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        *self.0.borrow_mut() = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        *self.0.borrow_mut() = true;
        Ok(())
    }
}

struct Still;

impl Clock for Still {
    fn ticks_per_second(&self) -> u32 {
        0
    }

    fn now(&mut self) -> u32 {
        0
    }
}

const N: usize = menu_frame_capacity::<Net>();
const _: () = assert!(N >= frame_capacity::<Net>());

type Firmware<J> = Trigger<Net, J, Link, Pin, Pin, Still, (), Flash, N, 8, false>;

struct Board<J: Judge<[i64; 1]>> {
    trigger: Box<Firmware<J>>,
    link: Link,
    busy: Pin,
    accept: Pin,
    next: u32,
}

const EPOCH: u32 = 9;
/// Steps of a pass: of each region its bytes by 64, and one in which the pass ends.
const PASS: usize = WEIGHTS / 64 + TABLE / 64 + 1;

impl<J: Judge<[i64; 1]>> Board<J> {
    /// A board that has started and is in a run.
    fn start(judge: J) -> Self {
        let (link, busy, accept) = (Link::default(), Pin::default(), Pin::default());
        let about = About {
            app: "test",
            board: "memory",
            credit: 8,
            reset: Reset::Unknown,
        };
        let parts = Parts {
            link: link.clone(),
            busy: busy.clone(),
            accept: accept.clone(),
            clock: Still,
            probe: (),
            guard: Flash::new(),
        };
        let mut board = Self {
            trigger: Box::new(Trigger::new(about, parts, judge)),
            link,
            busy,
            accept,
            next: 0,
        };
        board.trigger.start().expect("pins work");
        board.ask(&Request::Begin {
            epoch: EPOCH,
            decision: None,
        });
        board
    }

    fn ask(&mut self, request: &Request<'_>) -> Reply<'static> {
        let mut frame = [0; 512];
        let frame = encode(request, &mut frame).expect("it fits");
        self.send(frame);
        self.answer()
    }

    fn send(&mut self, bytes: &[u8]) {
        self.trigger.feed(bytes).expect("link and pins work");
    }

    fn answer(&mut self) -> Reply<'static> {
        let bytes = self.link.0.take();
        let decoder = Box::leak(Box::new(Decoder::<REPLY_FRAME>::new()));
        let reply = decoder.feed(&mut &*bytes).expect("an answer");
        reply.expect("a good frame")
    }

    /// The frame of the next event.
    fn event(&self, words: &[u8; WORDS]) -> Vec<u8> {
        let mut frame = [0; 512];
        let request = Request::Event {
            epoch: EPOCH,
            sequence: self.next,
            payload: words,
        };
        encode(&request, &mut frame).expect("it fits").to_vec()
    }

    /// Sends the next event: what became of it.
    fn decide(&mut self, words: &[u8; WORDS]) -> Ended {
        let frame = self.event(words);
        self.send(&frame);
        self.ended(words)
    }

    fn ended(&mut self, words: &[u8; WORDS]) -> Ended {
        match self.answer() {
            Reply::Answer { accept, raws, .. } => {
                self.next += 1;
                // What was found right behind the answer has let it fall again.
                assert!(*self.accept.0.borrow() == accept || *self.busy.0.borrow());
                let right = score(&made(), words);
                if raws.first() == Some(&right) && accept == (right >= THRESHOLD) {
                    Ended::Right
                } else {
                    Ended::Wrong
                }
            }
            Reply::Refused {
                reason: Reason::Damaged(part),
                ..
            } => {
                assert!(*self.busy.0.borrow() && !*self.accept.0.borrow());
                Ended::Damaged(part)
            }
            Reply::Refused {
                reason: Reason::Frame(_),
                ..
            } => Ended::Unreadable,
            other => panic!("{other:?}"),
        }
    }

    fn rest(&mut self, steps: usize) {
        for _ in 0..steps {
            self.trigger.watch().expect("pins work");
        }
    }

    fn counters(&mut self) -> hodoscope_wire::Counters {
        match self.ask(&Request::Counters) {
            Reply::Counters(counters) => counters,
            other => panic!("{other:?}"),
        }
    }

    fn health(&mut self) -> Health {
        match self.ask(&Request::Hello { token: 1 }) {
            Reply::Identity(identity) => identity.health,
            other => panic!("{other:?}"),
        }
    }

    /// Flips a bit of one copy of `pattern` in the board's own memory: of the copy number `copy`. How many there are.
    fn flip(&mut self, pattern: &[u8], copy: usize, bit: usize) -> usize {
        let board: *mut u8 = (&raw mut *self.trigger).cast();
        let len = size_of_val(&*self.trigger);
        let mut places = Vec::new();
        for at in 0..=len - pattern.len() {
            // SAFETY: the bytes lie within the board; padding is read as whatever it holds, and compared with numbers only.
            let is_here = (0..pattern.len())
                .all(|byte| unsafe { board.add(at + byte).read_volatile() } == pattern[byte]);
            if is_here {
                places.push(at);
            }
        }
        let at = places[copy] + bit / 8;
        // SAFETY: as above; the pattern is one of integers or of bytes, for which all bits are values.
        unsafe {
            board
                .add(at)
                .write_volatile(board.add(at).read_volatile() ^ 1 << (bit % 8))
        };
        places.len()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Right,
    Wrong,
    Damaged(Part),
    Unreadable,
}

/// The least score that is accepted: bytes that nothing else on the board has.
const THRESHOLD: i64 = 0x0000_0000_00fd_7d13;

fn by_threshold() -> ByThreshold {
    ByThreshold::from(Decision {
        output: 0,
        threshold: THRESHOLD,
    })
}

fn sample(seed: usize) -> [u8; WORDS] {
    std::array::from_fn(|at| ((at * 5 + seed * 29) ^ seed) as u8)
}

/// Events on both sides of the threshold.
fn samples() -> Vec<[u8; WORDS]> {
    let samples: Vec<_> = (0..24).map(sample).collect();
    let accepted = samples
        .iter()
        .filter(|words| score(&made(), &words[..]) >= THRESHOLD);
    assert!(
        (6..18).contains(&accepted.count()),
        "the threshold is apart"
    );
    samples
}

fn flip_flash(bit: usize) {
    FLASH.with_borrow_mut(|flash| flash[bit / 8] ^= 1 << (bit % 8));
}

#[test]
fn no_bit_of_weights_and_table_is_wrong_in_silence_after_a_pass() {
    let samples = samples();
    let (mut wrong_before, mut flips) = (0, 0);
    for bit in 0..8 * (WEIGHTS + TABLE) {
        let mut board = Board::start(by_threshold());
        // Somewhere within a pass.
        board.rest(bit % (2 * PASS));
        assert_eq!(board.decide(&samples[bit % 24]), Ended::Right);
        flip_flash(bit);
        // In the meantime it may be wrong.
        for words in &samples[..3] {
            wrong_before += u32::from(board.decide(words) == Ended::Wrong);
        }
        // The rest of the pass in which it flipped, and the next.
        board.rest(2 * PASS);
        for words in &samples[..3] {
            assert_eq!(
                board.decide(words),
                Ended::Damaged(Part::Constants),
                "bit {bit}"
            );
        }
        assert_eq!(board.health(), Health::Damaged(Part::Constants));
        // Nothing was vouched for that was decided behind the flip.
        assert!(board.counters().vouched <= 1);
        flip_flash(bit);
        flips += 1;
    }
    assert_eq!(flips, 10_240);
    // What it is for: most bits decide.
    assert!(wrong_before > flips, "{wrong_before}");
}

/// Where events come without a pause there is a step for each.
#[test]
fn a_board_without_a_pause_finds_it_too() {
    let samples = samples();
    let mut board = Board::start(by_threshold());
    for event in 0..3 * PASS {
        assert_eq!(board.decide(&samples[event % 24]), Ended::Right);
    }
    let counters = board.counters();
    assert_eq!(counters.passes, 3);
    // The third began behind the event that ended the second.
    assert_eq!(counters.vouched as usize, 2 * PASS + 1);
    flip_flash(77);
    let found = (0..2 * PASS)
        .find(|event| board.decide(&samples[event % 24]) == Ended::Damaged(Part::Constants));
    assert!(found.is_some());
    flip_flash(77);
    // What was found stays, until the board starts again.
    board.rest(2 * PASS);
    assert_eq!(board.decide(&samples[0]), Ended::Damaged(Part::Constants));
    assert_eq!(Board::start(by_threshold()).health(), Health::Healthy);
}

#[test]
fn no_bit_of_the_threshold_moves_a_decision() {
    let samples = samples();
    let pattern = THRESHOLD.to_le_bytes();
    for copy in 0..3 {
        for bit in 0..64 {
            let mut board = Board::start(by_threshold());
            assert_eq!(board.flip(&pattern, copy, bit), 3);
            for words in &samples {
                assert_eq!(board.decide(words), Ended::Right);
            }
            assert_eq!(board.counters().repairs, 1);
            // It was repaired: another one may fail.
            assert_eq!(board.flip(&pattern, (copy + 1) % 3, (bit + 5) % 64), 3);
            for words in &samples {
                assert_eq!(board.decide(words), Ended::Right);
            }
            assert_eq!(board.counters().repairs, 2);
            assert_eq!(board.health(), Health::Healthy);
        }
    }
}

#[test]
fn no_bit_of_a_frame_that_waits_is_decided() {
    let samples = samples();
    for bit in 0..8 * WORDS {
        let mut board = Board::start(by_threshold());
        let words = sample(bit).map(|word| word.max(1));
        let frame = board.event(&words);
        let (first, last) = frame.split_at(frame.len() - 1);
        board.send(first);
        assert_eq!(board.flip(&words, 0, bit), 1);
        board.send(last);
        assert_eq!(board.ended(&words), Ended::Unreadable, "bit {bit}");
        // It is sent again.
        assert_eq!(board.decide(&words), Ended::Right);
        assert_eq!(board.decide(&samples[0]), Ended::Right);
    }
}

#[test]
fn a_menu_that_changed_decides_nothing_after_a_pass() {
    use hodoscope_trigger::menu::{Line, Menu, Node, Prescale};

    let nodes = [Node::Score {
        raw: 0,
        threshold: THRESHOLD,
    }];
    let lines = [Line {
        when: 0,
        veto: None,
        prescale: Prescale::Every(0x0102_0304),
        shadow: false,
    }];
    let menu = Menu::new(&nodes, &lines).expect("it is small");
    let mut code = [0; 64];
    let code = menu.encode(&mut code).expect("it is short");
    let start = || Board::start(ByMenu::new(code, 1).expect("a menu"));
    let mut right = start();
    right.rest(PASS);
    assert_eq!(right.health(), Health::Healthy);
    let frame = right.event(&sample(0));
    right.send(&frame);
    let right = right.answer();
    for pattern in [&THRESHOLD.to_le_bytes()[..], &0x0102_0304_u32.to_le_bytes()] {
        for bit in 0..8 * pattern.len() {
            let (mut found, mut copy, mut copies) = (0, 0, 1);
            while copy < copies {
                let mut board = start();
                copies = board.flip(pattern, copy, bit);
                board.rest(2 * PASS);
                if board.health() == Health::Damaged(Part::Menu) {
                    assert_eq!(board.decide(&sample(0)), Ended::Damaged(Part::Menu));
                    found += 1;
                } else {
                    // It was a copy in memory that nothing uses any more.
                    board.send(&frame);
                    assert_eq!(board.answer(), right);
                }
                copy += 1;
            }
            assert_eq!(found, 1, "bit {bit} of {pattern:?}");
        }
    }
}

#[test]
fn a_board_that_starts_with_changed_memory_stays_busy() {
    flip_flash(5);
    let mut board = Board::start(by_threshold());
    assert!(*board.busy.0.borrow());
    assert_eq!(board.health(), Health::Damaged(Part::Constants));
    assert_eq!(board.decide(&sample(0)), Ended::Damaged(Part::Constants));
    flip_flash(5);
    SEAL.set(Seal::Broken);
    assert_eq!(
        Board::start(by_threshold()).health(),
        Health::Damaged(Part::Seal)
    );
    SEAL.set(Seal::Missing);
    assert_eq!(Board::start(by_threshold()).health(), Health::Unwatched);
    SEAL.set(Seal::Sound);
    let mut board = Board::start(by_threshold());
    assert_eq!(board.health(), Health::Healthy);
    SEAL.set(Seal::Missing);
    board.rest(2 * PASS);
    assert_eq!(board.health(), Health::Damaged(Part::Seal));
    SEAL.set(Seal::Sound);
}
