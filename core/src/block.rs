//! Serving clients that wait for keys, and ending waits.

use crate::call;
use crate::client::Client;
use crate::context::Context;
use crate::core::Core;
use crate::dataset::Keys;
use crate::error::CommandError;
#[cfg(feature = "simulation")]
use crate::execution::ExecutionKind;
use crate::net::ConnId;
use crate::server::Server;
use crate::session::State;
use crate::time::Monotonic;
use crate::transaction::Queued;
use crate::value::ValueType;
use crate::waiting::{WaitEnd, Waiters};
use crate::watch::WatchedKey;

impl Context<'_> {
    /// Makes the client wait until one of these arguments is a key that holds something of this type; the command then
    /// runs again. False where nobody may wait: in a transaction.
    pub(crate) fn wait_for_keys(
        &mut self,
        value_type: ValueType,
        first_key: usize,
        keys_len: usize,
        deadline: Option<Monotonic>,
    ) -> bool {
        if self.session.runs_transaction {
            return false;
        }
        self.session.state = State::Blocked;
        let waiters = &mut self.keys.dataset.log.waiters;
        // One that runs again keeps its place.
        if waiters.find(self.session.conn).is_none() {
            let request = Queued::new(self.command, self.args);
            let names = self.args.from(first_key).take(keys_len);
            waiters.wait(self.session.conn, request, value_type, self.keys.database, names, deadline);
        }
        true
    }
}

impl Core {
    /// Lets clients that wait for keys look whether there is something for them now.
    #[cold]
    pub(crate) fn serve_waiters(&mut self) {
        self.resume_released();
        while let Some(key) = self.dataset.log.waiters.pop_ready() {
            for conn in self.dataset.log.waiters.queue(&key) {
                if !self.serve_waiter(conn, &key) {
                    break;
                }
            }
        }
    }

    /// Runs a waiting client's request again, if the key holds what it waits for. Whether the next in line may try.
    fn serve_waiter(&mut self, conn: ConnId, key: &WatchedKey) -> bool {
        let Some(held) = self.dataset.type_of(key.0, &key.1) else { return false };
        let Some(wait) = self.dataset.log.waiters.find(conn).filter(|wait| wait.value_type == held) else {
            return true;
        };
        let request = wait.request.clone();
        // Whoever was cut off meanwhile is told nothing more.
        let is_blocked = |client: &Client| client.session.state == State::Blocked;
        if !self.server.clients.find(conn).is_some_and(is_blocked) {
            return true;
        }
        let Some(mut client) = self.server.clients.check_out(conn) else { return true };
        client.session.state = State::Running;
        #[cfg(feature = "simulation")]
        self.begin_execution();
        let Core { server, dataset, .. } = self;
        let Client { session, reply, .. } = &mut *client;
        let keys = Keys { dataset, database: session.database, no_touch: session.no_touch };
        call::execute(&mut Context {
            command: request.command,
            args: request.args(),
            keys,
            session,
            reply,
            server,
        });
        if client.session.state != State::Blocked {
            if mutant!(Mutant::WaiterServedTwice) {
                let Core { server, dataset, .. } = self;
                let Client { session, reply, .. } = &mut *client;
                let keys = Keys { dataset, database: session.database, no_touch: session.no_touch };
                let (command, args) = (request.command, request.args());
                call::execute(&mut Context { command, args, keys, session, reply, server });
                client.session.state = State::Running;
            }
            self.dataset.log.waiters.release(conn);
            #[cfg(feature = "simulation")]
            self.end_execution(conn, ExecutionKind::Served, Some(request.command));
            call::next_reply_mode(&mut client.session, &mut client.reply);
            self.resume(&mut client);
        }
        self.server.clients.check_in(client);
        true
    }

    /// Ends the waits whose time is over.
    pub(crate) fn end_overdue_waits(&mut self) {
        let now = self.server.now.monotonic;
        while let Some(conn) = self.dataset.log.waiters.overdue(now) {
            #[cfg(feature = "simulation")]
            self.begin_execution();
            if end_wait(&mut self.server, &mut self.dataset.log.waiters, conn, WaitEnd::TimedOut) {
                #[cfg(feature = "simulation")]
                self.end_execution(conn, ExecutionKind::TimedOut, None);
            } else {
                // It was cut off in this turn, and is told nothing more.
                self.dataset.log.waiters.release(conn);
            }
        }
        self.resume_released();
    }

    /// Clients whose waits were ended go on with what they have sent meanwhile.
    fn resume_released(&mut self) {
        while let Some(conn) = self.dataset.log.waiters.pop_released() {
            let Some(mut client) = self.server.clients.check_out(conn) else { continue };
            if !client.session.is_closing() {
                self.resume(&mut client);
            }
            self.server.clients.check_in(client);
        }
    }

    fn resume(&mut self, client: &mut Client) {
        self.ready.push_back(client.session.conn);
        self.settle(client);
    }
}

/// Ends a wait with nothing to show for it; whether there was one. The client is answered, and goes on once the command
/// is over that did this.
pub(crate) fn end_wait(server: &mut Server, waiters: &mut Waiters, conn: ConnId, end: WaitEnd) -> bool {
    let waiting = server.clients.find_mut(conn).filter(|client| client.session.state == State::Blocked);
    let Some((client, wait)) = waiting.zip(waiters.release(conn)) else { return false };
    server.stats.commands_processed += 1;
    let counters = server.stats.command(wait.request.command);
    counters.calls += 1;
    match end {
        WaitEnd::TimedOut => client.reply.null_array(),
        WaitEnd::Unblocked => {
            let error = CommandError::text_of("UNBLOCKED client unblocked via CLIENT UNBLOCK");
            counters.failed_calls += 1;
            server.stats.note_error(&error);
            client.reply.error(&error.text());
        }
    }
    client.session.state = State::Running;
    call::next_reply_mode(&mut client.session, &mut client.reply);
    waiters.note_released(conn);
    true
}
