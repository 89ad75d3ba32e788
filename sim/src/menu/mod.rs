//! Menus: trigger lines over the scores of several models, from `menu.toml` to a firmware's code.
//!
//! [`MenuFile`] is what is written, [`Menu`] what it means for the models that it names: conditions over numbered raws.
//! [`Menu::code`] lowers it for boards, and [`Golden`] decides events by it in a way of its own, so that the two can be compared. The
//! chapter *Menu* of the book defines both.

mod error;
mod expression;
mod file;
mod golden;
mod lower;
mod rates;
mod resolve;
#[cfg(test)]
mod tests;

pub use error::MenuError;
pub use file::MenuFile;
pub use golden::{Decided, Golden};
pub use hodoscope_menu::hash;
pub use rates::{InForce, LineRates, MenuRates, Rates};
pub use resolve::{Condition, Line, Menu, ModelOutput, Prescale};
