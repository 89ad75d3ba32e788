//! The golden interpreter of menus: from the book's chapter, and not from what boards compute by.

use std::collections::BTreeMap;

use super::{Condition, Menu, Prescale};

/// What a menu says of an event; a bit for each line, line 0 the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// The condition holds.
    pub condition: u32,
    /// And the veto does not.
    pub fired: u32,
    /// And the prescale lets it through.
    pub kept: u32,
    /// A line that is no shadow has its final bit.
    pub accept: bool,
}

/// Decides events by a menu, one after the other, from the start of a run or from where the menu came into force.
#[derive(Clone, Debug)]
pub struct Golden<'m> {
    menu: &'m Menu,
    /// Events so far.
    events: u32,
    /// How often each line has fired.
    firings: Vec<u64>,
    /// The tick at which each coincidence last saw its condition.
    seen: BTreeMap<&'m Condition, u32>,
}

impl<'m> Golden<'m> {
    /// Before the first event.
    #[must_use]
    pub fn new(menu: &'m Menu) -> Self {
        Self {
            menu,
            events: 0,
            firings: vec![0; menu.lines.len()],
            seen: BTreeMap::new(),
        }
    }

    /// The next event; `raws[0]` is its tick.
    pub fn decide(&mut self, raws: &[i64]) -> Decided {
        self.events = self.events.wrapping_add(1);
        let menu = self.menu;
        self.see(raws);
        let mut decided = Decided::default();
        for (index, line) in menu.lines.iter().enumerate() {
            let bit = 1 << index;
            if !self.holds(&line.when, raws) {
                continue;
            }
            decided.condition |= bit;
            if let Some(veto) = &line.veto
                && self.holds(veto, raws)
            {
                continue;
            }
            decided.fired |= bit;
            self.firings[index] += 1;
            let firings = self.firings[index];
            let passes = match line.prescale {
                Prescale::Every(every) => firings.is_multiple_of(every.into()),
                Prescale::Keep { chance, seed } => number(seed, firings as u32) < chance,
            };
            if passes {
                decided.kept |= bit;
                decided.accept = decided.accept || !line.shadow;
            }
        }
        decided
    }

    /// Notes the tick of this event for each coincidence whose condition holds, the inner ones first.
    fn see(&mut self, raws: &[i64]) {
        let mut found = Vec::new();
        for line in &self.menu.lines {
            coincidences(&line.when, &mut found);
            if let Some(veto) = &line.veto {
                coincidences(veto, &mut found);
            }
        }
        for (whole, inner) in found {
            if self.holds(inner, raws) {
                self.seen.insert(whole, tick(raws));
            }
        }
    }

    fn holds(&self, condition: &Condition, raws: &[i64]) -> bool {
        match condition {
            Condition::Always => true,
            Condition::Random { chance, seed } => number(*seed, self.events) < *chance,
            Condition::Score { raw, threshold } => raws[*raw] >= *threshold,
            Condition::Not(inner) => !self.holds(inner, raws),
            Condition::All(parts) => parts.iter().all(|part| self.holds(part, raws)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part, raws)),
            Condition::Within(_, ticks) => self.seen.get(condition).is_some_and(|then| {
                let passed = (i64::from(tick(raws)) - i64::from(*then)).rem_euclid(1 << 32);
                passed <= i64::from(*ticks)
            }),
        }
    }
}

fn tick(raws: &[i64]) -> u32 {
    raws[0] as u32
}

/// All coincidences of a condition with what they see, inner ones before those around them.
fn coincidences<'m>(condition: &'m Condition, found: &mut Vec<(&'m Condition, &'m Condition)>) {
    match condition {
        Condition::Always | Condition::Random { .. } | Condition::Score { .. } => {}
        Condition::Not(inner) => coincidences(inner, found),
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                coincidences(part, found);
            }
        }
        Condition::Within(inner, _) => {
            coincidences(inner, found);
            found.push((condition, inner));
        }
    }
}

/// Number `count`, from 1, of the generator that starts with `seed`: its definition, without a state.
fn number(seed: u32, count: u32) -> u32 {
    const MODULUS: u64 = 1 << 32;
    let state = (u64::from(seed) + u64::from(count) * 2_654_435_769) % MODULUS;
    let first = (state ^ (state / 65_536)) * 569_420_461 % MODULUS;
    let second = (first ^ (first / 32_768)) * 1_935_289_751 % MODULUS;
    (second ^ (second / 32_768)) as u32
}
