//! The live differential: random command sequences played against a real redis-server and the core at the same
//! time. Every reply is compared to the byte, but for a list of named differences ([`compare`]).
//!
//! What may be sent comes from the [workload](crate::workload), one generator per command; [`run`](run()) plays what they make,
//! compares, and from time to time checks that the core's state equals the one rebuilt from its own log of
//! effects. At the end the whole keyspace is compared, key by key.
//!
//! The limits of small encodings differ from run to run and change while one lasts; the encodings of the keys that commands
//! name are asked for again and again. Where Redis 7.0 has other encodings than 7.2, the model judges the core's.
//!
//! What COMMAND INFO and COMMAND DOCS say is compared first.
//!
//! [`wait`] plays commands that wait, whose replies come when others do something.
//!
//! [`hear`] leaves the core out: the model alone stands beside the oracle and judges it.
//!
//! The oracle's clock is the real one, and the core's is set from it before each batch. No key expires while a
//! run lasts: expiry times lie hours ahead or long past, and neither server expires keys of its own accord.

pub mod compare;
mod hearing;
mod limits;
mod round;
pub mod run;
mod table;
mod waiting;

pub use hearing::hear;
pub use round::Round;
pub use run::{Settings, Summary, run};
pub use waiting::{Waits, wait};
