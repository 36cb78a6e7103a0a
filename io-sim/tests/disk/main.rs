//! The simulated disk: each rule of its fault model, and what holds whatever the faults do.

mod legality;
mod properties;
mod rules;
mod support;
