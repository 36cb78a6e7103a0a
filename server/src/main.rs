//! The rotom-server binary.
fn main() {}
