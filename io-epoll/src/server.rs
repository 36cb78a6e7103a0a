//! Starting the driver in two steps, so that a process can say between them that it is up.

use crate::ae_loop::AeLoop;
use crate::listeners::{self, BindError};
use crate::options::{Hooks, Listening};
use rotom_core::Core;
use std::io;
use std::net::SocketAddr;

/// Open listeners and a loop that is ready to run.
#[derive(Debug)]
pub struct Server {
    ae_loop: AeLoop,
}

impl Server {
    /// Opens the listeners. Connections queue up from here on; they are served by [`serve`](Self::serve).
    ///
    /// No thread is started here, so a process may still fork between the two steps.
    ///
    /// # Errors
    /// What cannot be listened on, in the words Redis has for it. Why is in the log.
    pub fn bind(listening: Listening, hooks: Hooks) -> Result<Server, BindError> {
        let listeners = listeners::open_all(&listening)?;
        let ae_loop = AeLoop::new(listeners, listening, hooks).map_err(BindError::Other)?;
        Ok(Server { ae_loop })
    }

    /// The TCP addresses that are listened on.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.ae_loop.local_addresses()
    }

    /// Runs the server until the core wants to exit; returns the exit status. `ready` is called once all data there
    /// were to load are there.
    ///
    /// # Errors
    /// epoll itself failed, or signal handlers could not be installed: the process cannot serve.
    pub fn serve(mut self, mut core: Core, ready: impl FnOnce()) -> io::Result<i32> {
        self.ae_loop.run(&mut core, ready)
    }
}
