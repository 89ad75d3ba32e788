//! A menu as bytes.

use hodoscope_wire::{Checksum, MenuRefusal};
use postcard::ser_flavors::Flavor;

use crate::{Menu, Node, Prescale};

/// Most bytes of a menu's code.
pub const CODE: usize = 2048;

/// Version of the code, its first byte.
const VERSION: u8 = 1;

/// The hash of a menu: the CRC-32C of its code.
#[must_use]
pub fn hash(code: &[u8]) -> u32 {
    Checksum::of(code)
}

impl Menu {
    /// Writes the menu's code to the start of `buffer`, and returns it; nothing where it does not fit.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let (version, rest) = buffer.split_first_mut()?;
        *version = VERSION;
        let len = postcard::to_slice(self, rest).ok()?.len();
        buffer.get(..1 + len)
    }

    /// The hash of the menu's code, which is written nowhere; nothing where it cannot be written.
    #[must_use]
    pub fn hash(&self) -> Option<u32> {
        let mut sum = Summed(Checksum::new());
        sum.try_push(VERSION).ok()?;
        postcard::serialize_with_flavor(self, sum).ok()
    }

    /// Reads a code, for models of `raws` raws.
    ///
    /// # Errors
    /// [`MenuRefusal`], with what is wrong: a menu that was read can be computed for any event.
    pub fn decode(code: &[u8], raws: usize) -> Result<Self, MenuRefusal> {
        let [VERSION, rest @ ..] = code else {
            return Err(MenuRefusal::Code);
        };
        let Ok((menu, [])) = postcard::take_from_bytes::<Self>(rest) else {
            return Err(MenuRefusal::Code);
        };
        menu.check(raws)?;
        Ok(menu)
    }

    fn check(&self, raws: usize) -> Result<(), MenuRefusal> {
        let before = |node: u8, count: usize| {
            if usize::from(node) < count {
                Ok(())
            } else {
                Err(MenuRefusal::Node { node })
            }
        };
        for (count, node) in self.nodes.iter().enumerate() {
            match *node {
                Node::Always | Node::Random { .. } => {}
                Node::Score { raw, .. } if usize::from(raw) < raws => {}
                Node::Score { raw, .. } => return Err(MenuRefusal::Raw { raw }),
                Node::Not(node) | Node::Within { node, .. } => before(node, count)?,
                Node::And(a, b) | Node::Or(a, b) => {
                    before(a, count)?;
                    before(b, count)?;
                }
            }
        }
        for (line, of) in (0..).zip(&self.lines) {
            before(of.when, self.nodes.len())?;
            if let Some(veto) = of.veto {
                before(veto, self.nodes.len())?;
            }
            if of.prescale == Prescale::Every(0) {
                return Err(MenuRefusal::Prescale { line });
            }
        }
        Ok(())
    }
}

/// Sums what would be written.
struct Summed(Checksum);

impl Flavor for Summed {
    type Output = u32;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.update(&[byte]);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<u32> {
        Ok(self.0.value())
    }
}
