//! A menu in force, and one that waits for its event.

use heapless::Vec;
use hodoscope_kernels::model::Raws;
use hodoscope_wire::MenuRefusal;

use crate::{CODE, Menu, State, Verdict, hash};

/// A menu in force, its state, and one that waits for its event.
#[derive(Clone, Debug)]
pub struct Staged {
    menu: Menu,
    state: State,
    hash: u32,
    raws: usize,
    /// The code that has arrived.
    code: Vec<u8, CODE>,
    /// From which event on it holds, and how many bytes it has.
    coming: Option<(u32, u16)>,
    /// All of it is there: it waits for its event.
    is_whole: bool,
}

impl Staged {
    /// A menu for models of `raws` raws, in force from the first event on.
    ///
    /// # Errors
    /// When `code` is no menu.
    pub fn new(code: &[u8], raws: usize) -> Result<Self, MenuRefusal> {
        let menu = Menu::decode(code, raws)?;
        Ok(Self {
            state: State::start(&menu),
            menu,
            hash: hash(code),
            raws,
            code: Vec::new(),
            coming: None,
            is_whole: false,
        })
    }

    /// The hash of the menu in force.
    #[must_use]
    pub fn hash(&self) -> u32 {
        self.hash
    }

    /// Whether the menu in force is still the one that its hash is of.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.menu.hash() == Some(self.hash)
    }

    /// A run begins: the menu in force starts anew, and none waits.
    pub fn begin(&mut self) {
        self.state = State::start(&self.menu);
        self.forget();
    }

    /// Takes the part of a menu's code that begins at byte `offset` of `total`. Once all of it is there, it waits for the event `at`;
    /// `next` is the number of the next event. Returns how many bytes are there, and the hash of the menu that waits, or 0.
    ///
    /// A part that was taken before is taken again, and changes nothing. The first part of another menu begins anew, and then none waits
    /// until that one is whole.
    ///
    /// # Errors
    /// [`MenuRefusal`]; the menu in force stays.
    pub fn stage(
        &mut self,
        part: &[u8],
        offset: u16,
        total: u16,
        at: u32,
        next: u32,
    ) -> Result<(u16, u32), MenuRefusal> {
        // Numbers wrap, as those of events do.
        if at.wrapping_sub(next).cast_signed() < 0 {
            return Err(MenuRefusal::Late { next });
        }
        if self.coming != Some((at, total)) {
            if offset != 0 {
                return Err(MenuRefusal::Gap { expected: 0 });
            }
            self.code.clear();
            self.is_whole = false;
            self.coming = Some((at, total));
        }
        let there = self.code.len();
        let offset = usize::from(offset);
        let known = self.code.get(offset..).unwrap_or_default();
        if !(offset < there && known.starts_with(part)) {
            if offset != there {
                let expected = there as u16;
                return Err(MenuRefusal::Gap { expected });
            }
            if there + part.len() > usize::from(total) || self.code.extend_from_slice(part).is_err()
            {
                self.forget();
                return Err(MenuRefusal::Code);
            }
        }
        if self.code.len() < usize::from(total) {
            return Ok((self.code.len() as u16, 0));
        }
        if let Err(wrong) = Menu::decode(&self.code, self.raws) {
            self.forget();
            return Err(wrong);
        }
        self.is_whole = true;
        Ok((total, hash(&self.code)))
    }

    /// No menu comes.
    fn forget(&mut self) {
        self.code.clear();
        self.is_whole = false;
        self.coming = None;
    }

    /// Decides event `sequence`: by the menu that waits, if it is the first that this one is for.
    pub fn decide(&mut self, sequence: u32, tick: u32, raws: &impl Raws) -> Verdict {
        let is_due = |(at, _): (u32, u16)| sequence.wrapping_sub(at).cast_signed() >= 0;
        if self.is_whole && self.coming.is_some_and(is_due) {
            // It was read when it came.
            if let Ok(menu) = Menu::decode(&self.code, self.raws) {
                self.hash = hash(&self.code);
                self.state = State::start(&menu);
                self.menu = menu;
            }
            self.forget();
        }
        self.state.decide(&self.menu, tick, raws)
    }
}
