//! The core in a simulated world, as a stage for transcripts.

use crate::reply::{Reply, ReplyError};
use crate::transcript::parse::ServerSetup;
use crate::transcript::play::{Received, Stage};
use rotom_core::time::Wall;
use rotom_core::{Config, Host};
use rotom_io_sim::{Delivery, Peer, World};
use std::collections::BTreeMap;
use std::time::Duration;

/// The configuration file of a server that has one.
const CONFIG_FILE: &str = "/etc/rotom.conf";

/// The core with clients that have names.
#[derive(Debug)]
pub struct SimServer {
    world: World,
    peers: BTreeMap<String, Peer>,
}

impl SimServer {
    /// Starts a server as `setup` wants it, configured like the [real one](crate::real::RealServer).
    ///
    /// # Errors
    /// A directive the server does not take.
    pub fn start(setup: &ServerSetup, delivery: Delivery, seed: u64) -> Result<SimServer, String> {
        let config = config(setup)?;
        let mut host = Host::default();
        if setup.has_config_file {
            host.config_file = CONFIG_FILE.to_owned();
        }
        let mut world = World::new(config, host, delivery, seed);
        if setup.has_config_file {
            world.disk().write(CONFIG_FILE, b"# A configuration file.\n");
        }
        Ok(SimServer { world, peers: BTreeMap::new() })
    }

    /// The world behind the stage.
    pub fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// Sets the calendar clock.
    pub fn set_wall_us(&mut self, us: u64) {
        self.world.set_wall(Wall(us));
    }

    fn peer(&self, name: &str) -> Result<Peer, String> {
        self.peers.get(name).copied().ok_or_else(|| format!("there is no connection {name}"))
    }
}

/// The configuration of a server under test.
///
/// # Errors
/// A directive the server does not take.
pub fn config(setup: &ServerSetup) -> Result<Config, String> {
    let mut config = Config::default();
    let usual =
        [vec!["save".to_owned(), String::new()], vec!["enable-debug-command".to_owned(), "yes".to_owned()]];
    for directive in usual.iter().chain(&setup.directives) {
        let words: Vec<Vec<u8>> = directive[1..].iter().map(|word| word.clone().into_bytes()).collect();
        config
            .set_from_file(&directive[0], &words)
            .map_err(|error| format!("{}: {error:?}", directive[0]))?;
    }
    Ok(config)
}

impl Stage for SimServer {
    fn connect(&mut self, name: &str) -> Result<(), String> {
        let peer = self.world.connect();
        self.peers.insert(name.to_owned(), peer);
        Ok(())
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let peer = self.peer(name)?;
        self.world.send(peer, bytes);
        Ok(())
    }

    /// All there is: in a world at rest nothing more can come before time passes.
    fn receive(&mut self, name: &str, _: usize, _: bool) -> Result<Received, String> {
        let peer = self.peer(name)?;
        let bytes = self.world.receive(peer);
        let mut received = Received { replies: Vec::new(), closed: self.world.is_closed(peer) };
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match Reply::parse(rest) {
                Ok((reply, len)) => {
                    received.replies.push(reply);
                    rest = &rest[len..];
                }
                Err(ReplyError::Incomplete) => return Err(format!("half a reply: {}", rest.escape_ascii())),
                Err(ReplyError::Malformed(what)) => return Err(what),
            }
        }
        Ok(received)
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        let peer = self.peer(name)?;
        self.world.close(peer);
        Ok(())
    }

    fn advance(&mut self, time: Duration) {
        self.world.advance(time);
    }

    fn now_ms(&self) -> i64 {
        self.world.wall().millis()
    }

    fn address(&self, name: &str) -> String {
        self.peer(name).map(|peer| self.world.address(peer).to_owned()).unwrap_or_default()
    }
}
