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
    /// The hash of all of it, once it is there: it waits for its event, and what comes into force must have that hash.
    whole: Option<u32>,
}

impl Staged {
    /// A menu for models of `raws` raws, in force from the first event on.
    ///
    /// # Errors
    /// When `code` is no menu.
    pub fn new(code: &[u8], raws: usize) -> Result<Self, MenuRefusal> {
        let (menu, hash) = read(code, raws)?;
        Ok(Self {
            state: State::start(&menu),
            menu,
            hash,
            raws,
            code: Vec::new(),
            coming: None,
            whole: None,
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
            self.whole = None;
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
        match read(&self.code, self.raws) {
            Ok((_, hash)) => {
                self.whole = Some(hash);
                Ok((total, hash))
            }
            Err(wrong) => {
                self.forget();
                Err(wrong)
            }
        }
    }

    /// No menu comes.
    fn forget(&mut self) {
        self.code.clear();
        self.whole = None;
        self.coming = None;
    }

    /// Decides event `sequence`: by the menu that waits, if it is the first that this one is for.
    ///
    /// Where that has changed since it came, [`is_sound`](Self::is_sound) is false from then on. Where the menu in force has changed, it stays, so that this is
    /// found.
    pub fn decide(&mut self, sequence: u32, tick: u32, raws: &impl Raws) -> Verdict {
        let is_due = |(at, _): (u32, u16)| sequence.wrapping_sub(at).cast_signed() >= 0;
        if let Some(hash) = self.whole
            && self.coming.is_some_and(is_due)
        {
            if self.is_sound() {
                self.hash = hash;
                // It was read when it came. Where it can be read no more, what is in force is not what the hash is of.
                if let Ok(menu) = Menu::decode(&self.code, self.raws) {
                    self.menu = menu;
                }
                self.state = State::start(&self.menu);
            }
            self.forget();
        }
        self.state.decide(&self.menu, tick, raws)
    }
}

/// Reads a menu, and its hash. Another code of the same menu, as of numbers with zeros in front, is refused: a menu in force is known by
/// the hash of the one code that is written of it.
fn read(code: &[u8], raws: usize) -> Result<(Menu, u32), MenuRefusal> {
    let menu = Menu::decode(code, raws)?;
    let hash = hash(code);
    if menu.hash() == Some(hash) {
        Ok((menu, hash))
    } else {
        Err(MenuRefusal::Code)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::{Line, Node, Prescale};

    /// Accepts every `n`th event whose raw is at least `threshold`.
    fn code(threshold: i64, n: u32) -> Vec<u8> {
        let nodes = [Node::Score { raw: 0, threshold }];
        let line = Line {
            when: 0,
            veto: None,
            prescale: Prescale::Every(n),
            shadow: false,
        };
        let menu = Menu::new(&nodes, &[line]).expect("it is small");
        let mut buffer = [0; 64];
        menu.encode(&mut buffer).expect("it is short").to_vec()
    }

    /// A menu in force, and another that waits for event 3.
    fn waiting() -> (Staged, u32) {
        let mut staged = Staged::new(&code(5, 1), 1).expect("a menu");
        let next = code(0x0102_0304, 0x0506);
        let (len, waits) = staged
            .stage(&next, 0, next.len() as u16, 3, 0)
            .expect("a menu");
        assert_eq!((usize::from(len), waits), (next.len(), hash(&next)));
        (staged, waits)
    }

    #[test]
    fn no_bit_of_a_menu_that_waits_is_taken_for_it() {
        let bits = 8 * code(0x0102_0304, 0x0506).len();
        let mut unreadable = 0;
        for bit in 0..bits {
            let (mut staged, waits) = waiting();
            staged.code[bit / 8] ^= 1 << (bit % 8);
            unreadable += usize::from(Menu::decode(&staged.code, 1).is_err());
            staged.decide(2, 0, &[9]);
            assert!(staged.is_sound());
            staged.decide(3, 0, &[9]);
            assert_eq!(staged.hash(), waits);
            assert!(!staged.is_sound(), "bit {bit}");
        }
        // Some can be read, others cannot.
        assert!(0 < unreadable && unreadable < bits, "{unreadable}");
        let (mut staged, waits) = waiting();
        staged.decide(3, 0, &[9]);
        assert!(staged.is_sound() && staged.hash() == waits);
    }

    #[test]
    fn a_menu_that_changed_is_not_replaced() {
        let (mut staged, waits) = waiting();
        staged.menu.nodes[0] = Node::Score {
            raw: 0,
            threshold: 4,
        };
        staged.decide(3, 0, &[9]);
        assert!(!staged.is_sound());
        assert_ne!(staged.hash(), waits);
    }

    #[test]
    fn another_code_of_a_menu_is_refused() {
        let own = code(5, 1);
        // One node, its number in two bytes.
        let mut long = own.clone();
        long.splice(1..2, [0x81, 0]);
        assert_eq!(Menu::decode(&long, 1), Menu::decode(&own, 1));
        let mut staged = Staged::new(&own, 1).expect("a menu");
        assert_eq!(
            staged.stage(&long, 0, long.len() as u16, 3, 0),
            Err(MenuRefusal::Code)
        );
        assert_eq!(Staged::new(&long, 1).unwrap_err(), MenuRefusal::Code);
        staged.decide(3, 0, &[9]);
        assert!(staged.is_sound() && staged.hash() == hash(&own));
    }
}
