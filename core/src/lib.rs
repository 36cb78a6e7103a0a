//! rotom's server as a state machine.
