//! rotom beside other servers.
fn main() {}
