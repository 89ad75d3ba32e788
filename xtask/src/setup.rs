//! Set-up: what a machine with cargo, gcc and Python lacks for the rest.

mod components;
mod emulator;
mod libraries;
mod oldest;
mod softcores;
mod targets;
mod tools;

pub use emulator::Emulators;
pub use oldest::{OLDEST, is_there as has_oldest};
pub use softcores::SoftCores;
pub use tools::{DENY, MDBOOK};

use anyhow::Result;

/// What the set-up is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To compile for boards and run on emulated ones.
    Boards,
    /// That, and every check of CI.
    Everything,
}

/// Installs what is missing.
///
/// # Errors
/// When something that cannot be done without cannot be had.
pub fn run(need: Need) -> Result<()> {
    targets::install()?;
    emulator::install()?;
    if need == Need::Everything {
        components::install()?;
        softcores::install()?;
        libraries::install()?;
        // Without these three a check is left out, aloud, where it would have run.
        for result in [oldest::install(), MDBOOK.install(), DENY.install()] {
            if let Err(error) = result {
                eprintln!("set-up: {error:#}");
            }
        }
    }
    Ok(())
}

/// Says what the set-up does.
fn say(text: impl std::fmt::Display) {
    eprintln!("set-up: {text}");
}
