//! Set-up, demonstration and tests.
fn main() {}
