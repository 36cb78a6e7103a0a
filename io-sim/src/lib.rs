//! Drives rotom-core over a virtual network, disk and clock, deterministically from one seed.
//!
//! [`World`] plays the part that epoll, sockets and the system's clocks play in production: it delivers events,
//! ends turns, and carries out effects, exactly by the contract written at [`rotom_core::Core`]. Clients are
//! [`Peer`]s of the same world.
//!
//! The pieces stand apart, each with its fault model in prose at the top: [`clock`] says what time it is, [`network`]
//! holds what is on its way between a client and the server and cuts it into pieces, [`disk`] holds files, [`fault`]
//! decides what goes wrong, and [`world`] lets turns happen. A [`Witness`] sees everything.

pub mod clock;
pub mod disk;
pub mod fault;
pub mod network;
pub mod trace;
pub mod witness;
pub mod world;

pub use disk::Crash;
pub use fault::{FaultKind, Faults, Site};
pub use network::{Conditions, Delivery, Peer};
pub use trace::Trace;
pub use witness::{End, Witness};
pub use world::World;
