//! Any text as a program: it is read and verified, or refused, in bounded time and memory, and what is read can be
//! written again.

#![no_main]

use hodoscope_program::Program;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(program) = Program::from_text(text) else {
        return;
    };
    assert_eq!(Program::from_text(&program.to_text()).as_ref(), Ok(&program));
    let _ = program.verify();
});
