//! Drives rotom-core over a virtual network and clock, deterministically from one seed.
