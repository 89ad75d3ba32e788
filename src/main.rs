//! The `hodoscope` command.
fn main() {}
