//! Clients that wait for keys, and who is served next.
//!
//! A key that comes to be is remembered. Once the command or the transaction is over, those who wait for such keys are
//! served: key by key in the order in which they came to be, and for each key in the order in which the clients
//! began to wait. A client that is served runs its request again as if it had just come.

use super::answer::{Out, Refusal};
use super::call::Call;
use super::client::{Client, Replies};
use super::keyspace::Place;
use super::table::Row;
use super::value::Value;
use super::{ClientId, Clock, Divergence, Model};

/// What a client waits for.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub words: Vec<Vec<u8>>,
    pub row: &'static Row,
    /// The numbers of databases and the names of keys, any of which will do.
    keys: Vec<(usize, Vec<u8>)>,
    /// When the client gives up, on the monotonic clock.
    deadline_us: Option<u64>,
    /// Who began to wait earlier comes first.
    turn: u64,
}

/// Who waits, for which keys there may be something.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    /// How many waits there were.
    count: u64,
    /// Keys that came to be since the waiting were last served, in order; those of one group in no order that
    /// anybody knows.
    ready: Vec<Vec<(usize, Vec<u8>)>>,
    /// The wait that the command under way begins.
    begun: Option<Wait>,
}

impl Model {
    /// Lets the client wait for any of these keys; false where nobody may.
    pub(super) fn wait(&mut self, call: &Call, keys: &[Vec<u8>], timeout_ms: u64, out: &mut Out) -> bool {
        let Some(sender) = self.clients.get(&call.client).filter(|sender| !sender.is_executing) else {
            return false;
        };
        let keys = keys.iter().map(|key| (sender.selected, key.clone())).collect();
        let deadline_us =
            (timeout_ms > 0).then(|| self.clock.monotonic_us.saturating_add(timeout_ms.saturating_mul(1000)));
        self.waiting.count += 1;
        let (words, row, turn) = (call.words.clone(), call.row, self.waiting.count);
        self.waiting.begun = Some(Wait { words, row, keys, deadline_us, turn });
        out.nothing();
        true
    }

    /// Whether the command which has just run wants to wait.
    pub(super) fn has_begun_wait(&self) -> bool {
        self.waiting.begun.is_some()
    }

    /// Keys came to be.
    pub(super) fn note_ready(&mut self, created: Vec<(Place, Vec<u8>)>) {
        for (place, key) in created {
            let index = self.keyspace.order().iter().position(|&other| other == place);
            // What cannot be waited for does not count, even if it makes room for something else.
            if let Some(path) = index.map(|index| (index, key))
                && !self.line_for(&path).is_empty()
            {
                self.add_ready(vec![path]);
            }
        }
    }

    /// Two databases were exchanged: whatever is waited for and there now may have come to be.
    pub(super) fn note_swapped(&mut self, indexes: [usize; 2]) {
        let awaited =
            self.clients.values().filter_map(|client| client.wait.as_ref()).flat_map(|wait| &wait.keys);
        let keys = awaited.filter(|(index, _)| indexes.contains(index)).cloned().collect();
        self.add_ready(keys);
    }

    fn add_ready(&mut self, keys: Vec<(usize, Vec<u8>)>) {
        let is_awaited = |key: &(usize, Vec<u8>)| {
            self.clients
                .values()
                .any(|client| client.wait.as_ref().is_some_and(|wait| wait.keys.contains(key)))
        };
        let is_known = |key: &(usize, Vec<u8>)| self.waiting.ready.iter().any(|group| group.contains(key));
        let group: Vec<_> = keys.into_iter().filter(|key| is_awaited(key) && !is_known(key)).collect();
        if !group.is_empty() {
            self.waiting.ready.push(group);
        }
    }

    /// Who may be served next: one client, unless nobody knows the order of the keys, or who is still there.
    fn candidates(&self) -> Vec<ClientId> {
        let mut candidates = Vec::new();
        for group in &self.waiting.ready {
            candidates.extend(group.iter().flat_map(|key| self.line_for(key)));
            if candidates.iter().any(|&id| self.stands_surely(id)) {
                break;
            }
        }
        candidates
    }

    /// Who waits for a key, if it holds what is waited for: up to the first who is surely still there.
    fn line_for(&self, key: &(usize, Vec<u8>)) -> Vec<ClientId> {
        let Some(entry) = self.keyspace.living_entry(self.keyspace.place(key.0), &key.1) else {
            return Vec::new();
        };
        let waits = self.clients.iter().filter_map(|(&id, client)| Some((id, client.wait.as_ref()?)));
        let fitting = waits.filter(|(_, wait)| wait.keys.contains(key) && wait.takes(&entry.value));
        let mut line: Vec<(u64, ClientId)> = fitting.map(|(id, wait)| (wait.turn, id)).collect();
        line.sort_unstable();
        let len = line.iter().position(|&(_, id)| self.stands_surely(id)).map_or(line.len(), |at| at + 1);
        line[..len].iter().map(|&(_, id)| id).collect()
    }

    fn stands_surely(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(Client::stands_surely)
    }

    /// A client that waits and must be served before anything else happens.
    #[must_use]
    pub fn next_served(&self) -> Option<ClientId> {
        self.candidates().into_iter().find(|&id| self.stands_surely(id))
    }

    /// Nobody may wait for what is there.
    ///
    /// # Errors
    /// Somebody does.
    pub fn check_waiting(&self) -> Result<(), Divergence> {
        let Some(next) = self.next_served() else { return Ok(()) };
        let text = format!("client {} waits for what is there: {}", next.0, self.awaited(next));
        Err(Divergence { site: "o2 not served".to_owned(), text })
    }

    /// The server has served a client that waited: it has run its request again.
    ///
    /// # Errors
    /// It was not this client's turn, or the effects do not lead to the model's data.
    pub fn serve(
        &mut self,
        client: ClientId,
        clock: Clock,
        effects: Option<&[u8]>,
    ) -> Result<(), Divergence> {
        let candidates = self.candidates();
        if !candidates.contains(&client) {
            let text = format!(
                "client {} was served, which waits for {}; those whose turn it is are {candidates:?}",
                client.0,
                self.awaited(client)
            );
            return Err(Divergence { site: "o2 served".to_owned(), text });
        }
        let Some(wait) = self.end_wait(client) else { return Ok(()) };
        self.begin_execution(clock, effects);
        let command = wait.row.name;
        self.run_again(client, wait);
        if let Some(effects) = effects {
            self.check_effects(client, command, effects)?;
        }
        self.look_for_nonsense(client);
        self.forget_ready();
        Ok(())
    }

    /// Serves all whose turn it is: for whoever cannot see what the server does.
    ///
    /// # Errors
    /// Never more than [`serve`](Self::serve) has.
    pub fn serve_waiting(&mut self, clock: Clock) -> Result<(), Divergence> {
        while let Some(next) = self.next_served() {
            self.serve(next, clock, None)?;
        }
        self.waiting.ready.clear();
        Ok(())
    }

    /// The server has ended a client's wait because its time is over.
    ///
    /// # Errors
    /// It is not.
    pub fn time_out(&mut self, client: ClientId, clock: Clock) -> Result<(), Divergence> {
        self.check_waiting()?;
        if !self.is_overdue(client, clock) {
            let text =
                format!("client {} waits for {} and gave up too early", client.0, self.awaited(client));
            return Err(Divergence { site: "o2 timeout".to_owned(), text });
        }
        self.clock = clock;
        self.keyspace.begin(clock, true);
        self.give_up(client, None);
        self.look_for_nonsense(client);
        Ok(())
    }

    /// Ends a wait with nothing, or with an error; whether there was one.
    pub(super) fn give_up(&mut self, client: ClientId, refusal: Option<Refusal>) -> bool {
        let Some(wait) = self.end_wait(client) else { return false };
        let Some(waiter) = self.clients.get(&client) else { return true };
        let mut out = Out::new(waiter.is_resp3);
        let calls = self.calls.entry(wait.row.name).or_default();
        calls.calls += 1;
        match refusal {
            None => out.null_array(),
            Some(refusal) => {
                calls.failed += 1;
                self.count_error(&refusal.0);
                out.error(&refusal);
            }
        }
        self.reply(client, wait.row.name, wait.words, out);
        true
    }

    /// A client waits no longer.
    pub(super) fn end_wait(&mut self, client: ClientId) -> Option<Wait> {
        self.clients.get_mut(&client)?.wait.take()
    }

    /// Forgets keys that nobody can be served from any more.
    pub(super) fn forget_ready(&mut self) {
        while let Some(group) = self.waiting.ready.first()
            && !group.iter().any(|key| !self.line_for(key).is_empty())
        {
            self.waiting.ready.remove(0);
        }
    }

    /// Whether a client waits for a key.
    #[must_use]
    pub fn is_waiting(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(|client| client.wait.is_some())
    }

    /// Whether a client waits whose time is over.
    #[must_use]
    pub fn is_overdue(&self, client: ClientId, clock: Clock) -> bool {
        let wait = self.clients.get(&client).and_then(|client| client.wait.as_ref());
        wait.and_then(|wait| wait.deadline_us).is_some_and(|deadline_us| deadline_us <= clock.monotonic_us)
    }

    /// All whose time is over, the earliest first.
    #[must_use]
    pub fn overdue(&self, clock: Clock) -> Vec<ClientId> {
        let deadline = |id: &ClientId| self.clients[id].wait.as_ref().and_then(|wait| wait.deadline_us);
        let mut found: Vec<ClientId> =
            self.clients.keys().copied().filter(|&id| self.is_overdue(id, clock)).collect();
        found.sort_by_key(deadline);
        found
    }

    /// How many wait.
    pub(super) fn waiting_count(&self) -> usize {
        self.clients.values().filter(|client| client.wait.is_some()).count()
    }

    fn awaited(&self, client: ClientId) -> String {
        match self.clients.get(&client).and_then(|client| client.wait.as_ref()) {
            Some(wait) => super::shown_words(&wait.words),
            None => "nothing".to_owned(),
        }
    }

    /// Runs a request once more, whose wait is over.
    fn run_again(&mut self, client: ClientId, wait: Wait) {
        let Some(waiter) = self.clients.get_mut(&client) else { return };
        if waiter.replies == Replies::SkipNext {
            waiter.replies = Replies::Skip;
        }
        let mut out = Out::new(waiter.is_resp3);
        let words = self.perform(client, wait.row, wait.words, &mut out);
        if !self.begin_wait(client) {
            self.reply(client, wait.row.name, words, out);
        }
    }

    /// Lets the client wait if the command it has just run wants it to; whether it does.
    pub(super) fn begin_wait(&mut self, client: ClientId) -> bool {
        let Some(wait) = self.waiting.begun.take() else { return false };
        if let Some(waiter) = self.clients.get_mut(&client) {
            waiter.last_request.clone_from(&wait.words);
            waiter.wait = Some(wait);
        }
        true
    }
}

impl Wait {
    /// Whether a key that holds this is what is waited for.
    fn takes(&self, value: &Value) -> bool {
        value.type_name() == awaited_type(self.row.name)
    }
}

/// What the keys hold that a command waits for.
fn awaited_type(command: &str) -> &'static str {
    if command.starts_with("bz") { "zset" } else { "list" }
}
