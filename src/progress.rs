//! A bar on a terminal, nothing when piped.

use indicatif::{ProgressBar, ProgressStyle};

/// Progress over `count` events; it draws on stderr, and only if that is a terminal.
pub fn events(what: &str, count: usize) -> ProgressBar {
    let bar = ProgressBar::new(count as u64);
    // The template is a constant: it cannot be wrong.
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} events {eta}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// Something under way whose length is not known: a build.
pub fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}
