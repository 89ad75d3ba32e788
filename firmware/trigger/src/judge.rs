//! From raws to a decision.

use hodoscope_kernels::model::{Model, Raws};
use hodoscope_menu::{Staged, Verdict};
use hodoscope_wire::{MenuPart, MenuRefusal, MenuTaken, NoMenu, Reason};
use serde::Deserialize;

use crate::{Decision, Triple, Vote, raws};

/// How the raws of an event become a decision, and what of them is answered.
pub trait Judge<R: Raws>: Clone {
    /// What is answered.
    type Answer: Raws;

    /// What it takes of a menu: a [`MenuPart`], or [`NoMenu`], which no code is spent on.
    type Part<'a>: Deserialize<'a>;

    /// Raws that are answered besides those of the model.
    const WORDS: usize;

    /// Decides event `sequence`: each event once, in their order.
    fn judge(&mut self, sequence: u32, raws: R) -> (Self::Answer, bool);

    /// A run begins.
    fn begin(&mut self);

    /// The raw that decides, and the least one that is accepted, as far as that says it.
    fn decision(&self) -> Decision;

    /// Decides by another raw or threshold from now on; the model has `raws` raws.
    ///
    /// # Errors
    /// [`Reason`]; the decision stays.
    fn configure(&mut self, decision: Decision, raws: usize) -> Result<(), Reason>;

    /// Whether what it decides by is as it was when it was told. What can be repaired is: [`repair`](Self::repair) does.
    fn is_sound(&self) -> bool;

    /// Repairs what it has in several copies: how many had changed.
    fn repair(&mut self) -> u32;

    /// Takes a part of a menu; `run` and `next` are the board's run and its next event. Where it is not taken, the menu in force stays.
    fn menu(&mut self, part: Self::Part<'_>, run: u32, next: u32) -> MenuTaken;
}

impl Vote for Decision {
    fn vote(all: [Self; 3]) -> Self {
        Self {
            output: Vote::vote(all.map(|one| one.output)),
            threshold: Vote::vote(all.map(|one| one.threshold)),
        }
    }
}

/// Decides by one raw and a threshold, which it has three times.
#[derive(Clone, Copy, Debug)]
pub struct ByThreshold(Triple<Decision>);

impl From<Decision> for ByThreshold {
    fn from(decision: Decision) -> Self {
        Self(Triple::new(decision))
    }
}

impl<R: Raws> Judge<R> for ByThreshold {
    type Answer = R;
    type Part<'a> = NoMenu;

    const WORDS: usize = 0;

    #[inline(always)]
    fn judge(&mut self, _: u32, raws: R) -> (R, bool) {
        let accept = self.0.get().accepts(&raws);
        (raws, accept)
    }

    fn begin(&mut self) {}

    fn decision(&self) -> Decision {
        self.0.get()
    }

    fn configure(&mut self, decision: Decision, raws: usize) -> Result<(), Reason> {
        if usize::from(decision.output) >= raws {
            return Err(Reason::NoOutput {
                output: decision.output,
                raws: raws as u16,
            });
        }
        self.0.set(decision);
        Ok(())
    }

    fn is_sound(&self) -> bool {
        true
    }

    fn repair(&mut self) -> u32 {
        self.0.repair().into()
    }

    fn menu(&mut self, part: NoMenu, _: u32, _: u32) -> MenuTaken {
        match part {}
    }
}

/// The raws of an event's models, and behind them four words: what the menu says of it, and which menu that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged<R> {
    raws: R,
    /// Raws of the models.
    len: u16,
    verdict: Verdict,
    hash: u32,
}

/// Words of a menu behind the raws of its models: conditions, firings and final bits of the lines, and the menu's hash.
pub const MENU_WORDS: usize = 4;

impl<R: Raws> Raws for Judged<R> {
    fn get(&self, index: usize) -> Option<i64> {
        let Some(word) = index.checked_sub(self.len.into()) else {
            return self.raws.get(index);
        };
        let words = [
            self.verdict.condition,
            self.verdict.fired,
            self.verdict.kept,
            self.hash,
        ];
        words.get(word).copied().map(i64::from)
    }
}

/// Decides by a menu over the raws of several models; the first raw is the event's tick.
#[derive(Clone, Debug)]
pub struct ByMenu {
    staged: Staged,
    len: u16,
}

impl ByMenu {
    /// Decides by the menu `code`, over `raws` raws.
    ///
    /// # Errors
    /// When `code` is no menu.
    pub fn new(code: &[u8], raws: usize) -> Result<Self, MenuRefusal> {
        Ok(Self {
            staged: Staged::new(code, raws)?,
            len: raws as u16,
        })
    }
}

/// What a firmware of the models `M` decides by until it is told: the menu that it was built with.
///
/// # Panics
/// When `code` is no menu for `M`: whoever built it has not looked.
#[must_use]
pub fn built_in<M: Model>(code: &[u8]) -> ByMenu {
    match ByMenu::new(code, raws::<M>()) {
        Ok(menu) => menu,
        Err(_) => panic!("the firmware was built with a menu that is none"),
    }
}

impl<R: Raws> Judge<R> for ByMenu {
    type Answer = Judged<R>;
    type Part<'a> = MenuPart<'a>;

    const WORDS: usize = MENU_WORDS;

    fn judge(&mut self, sequence: u32, raws: R) -> (Judged<R>, bool) {
        // It has 32 bits.
        let tick = raws.get(0).unwrap_or_default() as u32;
        let verdict = self.staged.decide(sequence, tick, &raws);
        let judged = Judged {
            raws,
            len: self.len,
            verdict,
            hash: self.staged.hash(),
        };
        (judged, verdict.accept)
    }

    fn begin(&mut self) {
        self.staged.begin();
    }

    fn decision(&self) -> Decision {
        Decision::NONE
    }

    fn configure(&mut self, _: Decision, _: usize) -> Result<(), Reason> {
        Err(Reason::HasMenu)
    }

    fn is_sound(&self) -> bool {
        self.staged.is_sound()
    }

    fn repair(&mut self) -> u32 {
        0
    }

    fn menu(&mut self, part: MenuPart<'_>, run: u32, next: u32) -> MenuTaken {
        let MenuPart {
            epoch,
            at,
            total,
            offset,
            part,
        } = part;
        let taken = if epoch == run {
            self.staged.stage(part, offset, total, at, next)
        } else {
            Err(MenuRefusal::OtherRun)
        };
        MenuTaken {
            epoch: run,
            at,
            taken,
        }
    }
}
