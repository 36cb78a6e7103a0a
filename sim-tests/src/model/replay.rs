//! Effects on hashes, sets and sorted sets: the model's own commands lead there, on data of their own.

use super::answer::Out;
use super::call::Call;
use super::command::keys_of;
use super::effects::Follower;
use super::table;
use super::{ClientId, Clock, Model};

/// Commands that mean the same on every day and to everybody.
const PLAIN: &[&str] = &[
    "hdel",
    "hincrby",
    "hmset",
    "hset",
    "hsetnx",
    "sadd",
    "sdiffstore",
    "sinterstore",
    "smove",
    "sort",
    "srem",
    "sunionstore",
    "zadd",
    "zdiffstore",
    "zincrby",
    "zinterstore",
    "zpopmax",
    "zpopmin",
    "zrangestore",
    "zrem",
    "zremrangebylex",
    "zremrangebyrank",
    "zremrangebyscore",
    "zunionstore",
];

/// Whether a command is one of them.
pub(super) fn is_plain(name: &str) -> bool {
    PLAIN.contains(&name)
}

impl Follower<'_> {
    /// Runs an effect as a request, with nothing there but what it needs.
    pub(super) fn apply_by_model(&mut self, name: &str, args: &[&[u8]]) -> Result<(), String> {
        let mut words = vec![name.as_bytes().to_vec()];
        words.extend(args.iter().map(|word| word.to_vec()));
        let row = table::find(&words).filter(|row| is_plain(row.name) && row.takes(words.len()));
        let row = row.ok_or("not a plain command, or one with wrong arguments")?;
        // At this time nothing has expired: that is said by effects of its own.
        let mut model = Model::with_config(self.config.clone(), Clock::default())?;
        let place = model.keyspace.place(0);
        let keys: Vec<Vec<u8>> = if name == "sort" {
            self.all_keys()
        } else {
            let keys = keys_of(&words).map_err(|refusal| refusal.0.escape_ascii().to_string())?;
            keys.into_iter().map(|(key, _)| key.to_vec()).collect()
        };
        for key in &keys {
            if let Some(entry) = self.entry(key) {
                model.keyspace.put(place, key, entry.value.clone(), entry.expiry_ms);
            }
        }
        let call = Call { client: ClientId(0), words, row, place, now_ms: 0, is_use: false };
        let outcome = (row.run)(&mut model, &call, &mut Out::new(false));
        outcome.map_err(|refusal| refusal.0.escape_ascii().to_string())?;
        let written = keys.iter().chain(call.rest(1).iter().filter(|_| name == "sort"));
        for key in written {
            self.changed.insert(self.here(key), model.keyspace.entries(place).get(key).cloned());
        }
        Ok(())
    }

    /// The keys of the selected database.
    fn all_keys(&self) -> Vec<Vec<u8>> {
        let (place, _) = self.here(b"");
        let standing = self.keyspace.entries(place).keys();
        let gone = self.keyspace.journal.before.keys().chain(self.changed.keys());
        let gone = gone.filter(|(other, _)| *other == place).map(|(_, key)| key);
        let mut keys: Vec<Vec<u8>> = standing.chain(gone).cloned().collect();
        keys.sort();
        keys.dedup();
        keys
    }
}
