//! Drives rotom-core over a virtual network, disk and clock, deterministically from one seed.
//!
//! [`World`] plays the part that epoll, sockets and the system's clocks play in production: it delivers events,
//! ends turns, and carries out effects, exactly by the contract written at [`rotom_core::Core`]. Clients are
//! [`Peer`]s of the same world.
//!
//! The pieces stand apart, so that faults can be added to each without touching the others: [`clock`] says what
//! time it is, [`network`] holds what is on its way between a client and the server and cuts it into pieces,
//! [`disk`] holds files, [`fault`] decides what goes wrong with all of them, and [`world`] lets turns happen.

pub mod clock;
pub mod disk;
pub mod fault;
pub mod network;
pub mod world;

pub use fault::{FaultKind, Faults};
pub use network::{Delivery, Peer};
pub use world::World;
