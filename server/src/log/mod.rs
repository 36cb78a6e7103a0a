//! What can be done with an append-only log while no server uses it: judging it, cutting what is torn, and going back
//! to what it said earlier. Nothing here is part of serving.

mod check;
mod files;
mod moment;
mod rdb;
mod recover;

pub(crate) use check::check;
pub(crate) use moment::Moment;
pub(crate) use recover::recover;
