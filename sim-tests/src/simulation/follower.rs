//! [`Follower`]: a second server beside the one that is judged.

use rotom_core::net::{Accept, ConnId};
use rotom_core::time::Now;
use rotom_core::{Config, Core, Host};
use std::io::IoSlice;

/// A second server, which lives on the log of effects alone and never expires anything by itself.
pub(super) struct Follower {
    core: Core,
    conn: ConnId,
}

impl Follower {
    pub fn new(config: &Config, now: Now) -> Follower {
        let mut own = Config::default();
        for (name, value) in
            [("databases", config.databases.to_string()), ("enable-debug-command", "yes".to_owned())]
        {
            own.set_from_file(name, &[value.into_bytes()]).expect("it is a directive and one of its values");
        }
        let mut core = Core::new(own, Host::default(), 0, now);
        let accept = Accept {
            peer: "127.0.0.1:1".to_owned(),
            local: "127.0.0.1:2".to_owned(),
            descriptor: 0,
            is_local: true,
            is_unix: false,
        };
        let conn = core.handle_accept(now, accept).expect("nobody else is connected");
        let mut follower = Follower { core, conn };
        follower.follow(now, b"DEBUG SET-ACTIVE-EXPIRE 0\r\n");
        follower
    }

    pub fn follow(&mut self, now: Now, effects: &[u8]) {
        if effects.is_empty() {
            return;
        }
        self.core.handle_input(now, self.conn, effects);
        let mut slices = [IoSlice::new(&[]); 64];
        while let count @ 1.. = self.core.output(self.conn, &mut slices) {
            let len = slices[..count].iter().map(|slice| slice.len()).sum();
            self.core.handle_written(now, self.conn, len);
            slices = [IoSlice::new(&[]); 64];
        }
        while self.core.poll_writable().is_some() {}
    }

    /// The server itself.
    #[cfg(test)]
    pub fn core(&mut self, now: Now) -> &Core {
        self.core.finish_turn(now);
        &self.core
    }

    pub fn digest(&mut self, now: Now) -> u64 {
        self.core.finish_turn(now);
        self.core.digest()
    }
}
