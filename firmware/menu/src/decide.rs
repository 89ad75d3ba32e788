//! What an event does to a menu's state, and what becomes of it.

use hodoscope_kernels::model::Raws;

use crate::{LINES, Line, Menu, NODES, Node, Prescale, Random};

/// What a menu says of an event: a bit for each line, line 0 the lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The line's condition holds.
    pub condition: u32,
    /// And its veto does not: it fires.
    pub fired: u32,
    /// And its prescale lets it through: the final bit.
    pub kept: u32,
    /// The final bit of a line that is no shadow: the event is accepted.
    pub accept: bool,
}

/// What a menu remembers from event to event.
#[derive(Clone, Debug)]
pub struct State {
    /// Of a random node its generator, of a coincidence the last tick.
    nodes: [u32; NODES],
    /// Coincidences whose node was true in an event before.
    seen: u64,
    /// Of a line its count, or its generator.
    lines: [u32; LINES],
}

impl State {
    /// The state at the start of a run, or where `menu` comes into force: generators at their seeds, counts at 0, nothing seen.
    #[must_use]
    pub fn start(menu: &Menu) -> Self {
        let mut state = Self {
            nodes: [0; NODES],
            seen: 0,
            lines: [0; LINES],
        };
        for (place, node) in state.nodes.iter_mut().zip(&menu.nodes) {
            if let Node::Random { seed, .. } = *node {
                *place = seed;
            }
        }
        for (place, line) in state.lines.iter_mut().zip(&menu.lines) {
            if let Prescale::Keep { seed, .. } = line.prescale {
                *place = seed;
            }
        }
        state
    }

    /// Decides an event at `tick` with these raws. A raw that is not there is below every threshold.
    pub fn decide(&mut self, menu: &Menu, tick: u32, raws: &impl Raws) -> Verdict {
        let truths = self.nodes(menu, tick, raws);
        let is_true = |node: u8| truths >> (node as usize % NODES) & 1 != 0;
        let mut verdict = Verdict::default();
        for (index, (line, state)) in menu.lines.iter().zip(&mut self.lines).enumerate() {
            if !is_true(line.when) {
                continue;
            }
            verdict.condition |= 1 << index;
            if line.veto.is_some_and(is_true) {
                continue;
            }
            verdict.fired |= 1 << index;
            if passes(line, state) {
                verdict.kept |= 1 << index;
                verdict.accept |= !line.shadow;
            }
        }
        verdict
    }

    /// The truth of every node, a bit each.
    fn nodes(&mut self, menu: &Menu, tick: u32, raws: &impl Raws) -> u64 {
        let mut truths = 0_u64;
        for (index, (node, state)) in menu.nodes.iter().zip(&mut self.nodes).enumerate() {
            let is_true = |node: u8| truths >> (node as usize % NODES) & 1 != 0;
            let truth = match *node {
                Node::Always => true,
                Node::Score { raw, threshold } => {
                    raws.get(raw.into()).is_some_and(|raw| raw >= threshold)
                }
                Node::Random { chance, .. } => draw(state) < chance,
                Node::Not(node) => !is_true(node),
                Node::And(a, b) => is_true(a) && is_true(b),
                Node::Or(a, b) => is_true(a) || is_true(b),
                Node::Within { node, ticks } => {
                    if is_true(node) {
                        *state = tick;
                        self.seen |= 1 << index;
                    }
                    self.seen >> index & 1 != 0 && tick.wrapping_sub(*state) <= ticks
                }
            };
            truths |= u64::from(truth) << index;
        }
        truths
    }
}

fn draw(state: &mut u32) -> u32 {
    let mut random = Random(*state);
    let number = random.draw();
    *state = random.0;
    number
}

/// Whether the prescale of a line that fires lets it through.
fn passes(line: &Line, state: &mut u32) -> bool {
    match line.prescale {
        Prescale::All => true,
        Prescale::Every(every) => {
            *state += 1;
            let passes = *state >= every;
            if passes {
                *state = 0;
            }
            passes
        }
        Prescale::Keep { chance, .. } => draw(state) < chance,
    }
}
