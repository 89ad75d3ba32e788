//! A menu in a stream of events: what becomes of each line.

use hodoscope_menu::{Raws, Staged, Verdict, hash};
use hodoscope_wire::{MENU_PART, MenuRefusal};

use super::{Decided, Golden, Menu};
use crate::stream::{Fate, Fates};

/// A menu with the first event that it decides, among those that a board computes.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The number of that event, from 0.
    pub first: u32,
    /// The menu.
    pub menu: Menu,
    /// As boards have it.
    pub code: Vec<u8>,
}

/// Of a line, numbers of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineRates {
    /// Its condition would have held, had the board computed all events that arrived.
    pub arrived: u64,
    /// Its condition held.
    pub condition: u64,
    /// And its veto did not.
    pub fired: u64,
    /// And its prescale let it through.
    pub kept: u64,
    /// And no other line accepted the event; of a shadow line none.
    pub alone: u64,
    /// Different events of the sample in which it had its final bit.
    pub distinct: u64,
}

/// What one menu decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuRates {
    /// Events that arrived while it was in force.
    pub arrived: u64,
    /// Events that it decided.
    pub decided: u64,
    /// Events that it accepted.
    pub accepted: u64,
    /// From the first tick, or the arrival of its first event, to the arrival of the next menu's first, or of the last event.
    pub ticks: u64,
    /// Line by line.
    pub lines: Vec<LineRates>,
}

/// Decides the events of a stream by what boards decide by, and by the golden interpreter beside it.
///
/// The events that the board computes are one run: what is lost neither counts for a prescale nor is seen by a coincidence. The tick of
/// an event is its arrival in whole units.
pub struct Rates<'m> {
    menus: &'m [InForce],
    /// Raws of all models, event by event of the sample.
    raws: &'m [i64],
    width: usize,
    /// Ticks of the simulation that are one tick of an event.
    unit: u64,
    board: Staged,
    golden: Golden<'m>,
    /// Decides every event that arrives.
    lossless: Golden<'m>,
    /// The menu in force.
    now: usize,
    /// The event that the board decides next.
    next: u32,
    began: u64,
    last: u64,
    figures: Vec<MenuRates>,
    /// Of each line of the menu in force, which events of the sample it had its final bit in.
    seen: Vec<Vec<bool>>,
    different: u64,
    event: Vec<i64>,
}

impl<'m> Rates<'m> {
    /// Menus in the order in which they come into force, the first at event 0, over a sample whose events have `width` raws each.
    ///
    /// # Errors
    /// When a board would not take one of the menus.
    ///
    /// # Panics
    /// Where there is no menu, no raw, or no tick in `unit`.
    pub fn new(
        menus: &'m [InForce],
        raws: &'m [i64],
        width: usize,
        unit: u64,
    ) -> Result<Self, MenuRefusal> {
        assert!(unit > 0 && width > 0, "there are ticks and raws");
        let events = raws.len() / width;
        let first = &menus[0];
        let mut rates = Self {
            menus,
            raws,
            width,
            unit,
            board: Staged::new(&first.code, width + 1)?,
            golden: Golden::new(&first.menu),
            lossless: Golden::new(&first.menu),
            now: 0,
            next: 0,
            began: 0,
            last: 0,
            figures: menus
                .iter()
                .map(|own| MenuRates {
                    lines: vec![LineRates::default(); own.menu.lines.len()],
                    ..MenuRates::default()
                })
                .collect(),
            seen: vec![vec![false; events]; first.menu.lines.len()],
            different: 0,
            event: vec![0; width + 1],
        };
        // The others are found right before anything is simulated.
        for own in &menus[1..] {
            Staged::new(&own.code, width + 1)?;
        }
        rates.send()?;
        Ok(rates)
    }

    /// Sends the menu that comes next to the board, part by part.
    fn send(&mut self) -> Result<(), MenuRefusal> {
        let Some(coming) = self.menus.get(self.now + 1) else {
            return Ok(());
        };
        let total = coming.code.len() as u16;
        for (index, part) in coming.code.chunks(MENU_PART).enumerate() {
            let offset = (index * MENU_PART) as u16;
            self.board
                .stage(part, offset, total, coming.first, self.next)?;
        }
        Ok(())
    }

    /// The next menu comes into force with an event that arrives at `at`.
    fn change(&mut self, at: u64) {
        self.close(at);
        self.now += 1;
        let menu = &self.menus[self.now].menu;
        self.golden = Golden::new(menu);
        self.lossless = Golden::new(menu);
        let events = self.raws.len() / self.width;
        self.seen = vec![vec![false; events]; menu.lines.len()];
    }

    fn close(&mut self, at: u64) {
        let figures = &mut self.figures[self.now];
        figures.ticks = at - self.began;
        self.began = at;
        for (line, seen) in figures.lines.iter_mut().zip(&self.seen) {
            line.distinct = seen.iter().filter(|seen| **seen).count() as u64;
        }
    }

    /// What each menu decided, and the number of events in which board and golden interpreter differ.
    #[must_use]
    pub fn finish(mut self) -> (Vec<MenuRates>, u64) {
        self.close(self.last);
        (self.figures, self.different)
    }
}

impl Fates for Rates<'_> {
    fn see(&mut self, event: usize, at: u64, fate: &Fate) {
        self.last = at;
        let is_decided = matches!(fate, Fate::Decided(_));
        let is_due = |coming: &InForce| coming.first == self.next;
        let changes = is_decided && self.menus.get(self.now + 1).is_some_and(is_due);
        if changes {
            self.change(at);
        }
        self.event[0] = (at / self.unit) as u32 as i64;
        let raws = &self.raws[event * self.width..][..self.width];
        self.event[1..].copy_from_slice(raws);
        let figures = &mut self.figures[self.now];
        figures.arrived += 1;
        let all = self.lossless.decide(&self.event).condition;
        for (line, rates) in figures.lines.iter_mut().enumerate() {
            rates.arrived += u64::from(all >> line & 1);
        }
        if !is_decided {
            return;
        }
        let golden = self.golden.decide(&self.event);
        let tick = self.event[0] as u32;
        let board = self.board.decide(self.next, tick, &Event(&self.event));
        let in_force = hash(&self.menus[self.now].code);
        self.different += u64::from(!agree(board, golden) || self.board.hash() != in_force);
        figures.decided += 1;
        figures.accepted += u64::from(board.accept);
        let lines = &self.menus[self.now].menu.lines;
        let shadows = (0..).zip(lines).filter(|(_, line)| line.shadow);
        let accepting = board.kept & !shadows.fold(0, |all, (line, _)| all | 1 << line);
        for (line, rates) in figures.lines.iter_mut().enumerate() {
            let bit = |word: u32| u64::from(word >> line & 1);
            rates.condition += bit(board.condition);
            rates.fired += bit(board.fired);
            rates.kept += bit(board.kept);
            rates.alone += u64::from(accepting == 1 << line);
            self.seen[line][event] |= bit(board.kept) != 0;
        }
        self.next = self.next.wrapping_add(1);
        if changes && self.send().is_err() {
            // It was found right before, and its event is ahead: a board that refuses it differs.
            self.different += 1;
        }
    }
}

fn agree(board: Verdict, golden: Decided) -> bool {
    let Decided {
        condition,
        fired,
        kept,
        accept,
    } = golden;
    board
        == Verdict {
            condition,
            fired,
            kept,
            accept,
        }
}

/// The raws of an event.
struct Event<'e>(&'e [i64]);

impl Raws for Event<'_> {
    fn get(&self, index: usize) -> Option<i64> {
        self.0.get(index).copied()
    }
}
