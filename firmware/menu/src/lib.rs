//! A menu: trigger lines over the raws of several models, decided in integers.
//!
//! A [`Menu`] is a list of [`Node`]s, each of which is true or false for an event and may use those before it, and a list of
//! [`Line`]s, each with a condition, a veto and a prescale. [`State`] holds what a menu remembers from event to event: it begins with
//! a run, and [`State::decide`] is the one definition of what an event does to it, for boards and hosts. The chapter *Menu* of the book
//! says the same in words, and a second implementation of these words checks it.
//!
//! A menu travels as [`code`](Menu::encode): bytes whose CRC-32C is its [`hash()`]. Nothing here allocates.
#![no_std]
#![forbid(unsafe_code)]

mod code;
mod decide;
mod event;
mod random;
mod staged;

pub use code::{CODE, hash};
pub use decide::{State, Verdict};
pub use event::Parts;
pub use hodoscope_kernels::model::Raws;
pub use random::Random;
pub use staged::Staged;

use heapless::Vec;
use serde::{Deserialize, Serialize};

/// Most nodes of a menu: one bit each.
pub const NODES: usize = 64;

/// Most lines of a menu: one bit each.
pub const LINES: usize = 32;

/// What is true or false for an event. Numbers of nodes are of ones that stand before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Node {
    /// True.
    Always,
    /// Raw number `raw`, over the raws of all models, is at least `threshold`.
    Score {
        /// Index of the raw.
        raw: u16,
        /// Least raw for which it is true.
        threshold: i64,
    },
    /// A number is drawn for every event, from a generator of its own: true iff it is below `chance`.
    Random {
        /// Of 2³².
        chance: u32,
        /// What the generator starts with.
        seed: u32,
    },
    /// The opposite of a node.
    Not(u8),
    /// Both nodes.
    And(u8, u8),
    /// At least one of two nodes.
    Or(u8, u8),
    /// The node is true, or was in an event whose tick is at most `ticks` before this one's, modulo 2³².
    Within {
        /// The node.
        node: u8,
        /// Most ticks between the two.
        ticks: u32,
    },
}

/// Which of the events that a line would accept it does accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prescale {
    /// All.
    All,
    /// Every so manieth: of 10, the tenth, the twentieth, and so on.
    Every(u32),
    /// A number is drawn for each: those are accepted for which it is below `chance`.
    Keep {
        /// Of 2³².
        chance: u32,
        /// What the line's generator starts with.
        seed: u32,
    },
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The node that is its condition.
    pub when: u8,
    /// The node that keeps it from firing, if there is one.
    pub veto: Option<u8>,
    /// Which firings are accepted.
    pub prescale: Prescale,
    /// It is computed and reported as any other, and accepts no event.
    pub shadow: bool,
}

/// A menu.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Menu {
    /// What lines are made of.
    pub nodes: Vec<Node, NODES>,
    /// The lines; line 0 is the lowest bit of a [`Verdict`].
    pub lines: Vec<Line, LINES>,
}

impl Menu {
    /// A menu of these nodes and lines; nothing where they are too many.
    #[must_use]
    pub fn new(nodes: &[Node], lines: &[Line]) -> Option<Self> {
        Some(Self {
            nodes: Vec::from_slice(nodes).ok()?,
            lines: Vec::from_slice(lines).ok()?,
        })
    }
}
