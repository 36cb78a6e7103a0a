//! [`Rebuilt`]: the data that effects alone lead to. Whoever starts from a part of a log has these, and a server that
//! was there all along has them too.
//!
//! Effects are applied by the same naive follower that judges each command's own, one command after the other, at no
//! time at all: nothing expires here but by an effect that says so.

use super::config::Config;
use super::effects::{self, Follower};
use super::keyspace::{Entry, Keyspace};
use super::{Clock, Model};

/// Data, as far as effects have led.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    keyspace: Keyspace,
    config: Config,
    /// The number of the database that is selected. It lasts from command to command.
    selected: usize,
}

impl Rebuilt {
    /// No data, in a server with these directives.
    ///
    /// # Errors
    /// A value that is none.
    pub fn new(directives: &[(String, Vec<String>)]) -> Result<Rebuilt, String> {
        let config = Config::new(directives)?;
        Ok(Rebuilt { keyspace: Keyspace::new(config.databases()?, Clock::default()), config, selected: 0 })
    }

    /// No data, in the same server.
    #[must_use]
    pub fn emptied(&self) -> Rebuilt {
        let keyspace = Keyspace::new(self.keyspace.count(), Clock::default());
        Rebuilt { keyspace, config: self.config.clone(), selected: 0 }
    }

    /// Does what these commands say.
    ///
    /// # Errors
    /// They are no sequence of plain, absolute commands.
    pub fn apply(&mut self, effects: &[u8]) -> Result<(), String> {
        self.apply_all(&effects::parse(effects)?)
    }

    fn apply_all(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<(), String> {
        self.keyspace.begin(Clock::default(), false);
        let mut follower = Follower::new(&self.keyspace, &self.config, self.selected);
        let selected = follower.follow(commands)?;
        let lead = follower.end();
        self.selected = selected;
        self.keyspace.take_over(lead);
        Ok(())
    }

    /// Cuts the effects of one execution where a log may end after it was begun: between keys that it removes because
    /// their time is over, which nobody can see, and what it does itself, which is a whole. Each piece is effects.
    ///
    /// # Errors
    /// They are no sequence of plain, absolute commands.
    pub fn cut(&self, effects: &[u8], now_ms: i64) -> Result<Vec<Vec<u8>>, String> {
        let commands = effects::parse(effects)?;
        let first = commands.iter().find(|command| !super::call::is(&command[0], "select"));
        if commands.len() <= 1 || !first.is_some_and(|first| is_removal(first)) {
            return Ok(if commands.is_empty() { Vec::new() } else { vec![effects.to_vec()] });
        }
        let mut ahead = self.clone();
        let mut pieces = Vec::new();
        let mut piece: Vec<Vec<Vec<u8>>> = Vec::new();
        let mut rest = commands.into_iter().peekable();
        while let Some(command) = rest.next() {
            let is_end = rest.peek().is_none();
            let removes = is_removal(&command) && ahead.are_expired(&command[1..], now_ms);
            let selects = super::call::is(&command[0], "select");
            ahead.apply_all(std::slice::from_ref(&command))?;
            piece.push(command);
            if is_end || !removes && !selects {
                piece.extend(rest);
                pieces.push(encode(&piece));
                return Ok(pieces);
            }
            if removes {
                pieces.push(encode(&std::mem::take(&mut piece)));
            }
        }
        Ok(pieces)
    }

    /// How many of these keys are there, in order of database and name, and how many others.
    #[must_use]
    pub fn common(&self, keys: &[(usize, Vec<u8>)]) -> (usize, usize) {
        let entries = |database: usize| self.keyspace.entries(self.keyspace.place(database));
        let common = keys.iter().filter(|(database, key)| entries(*database).contains_key(key)).count();
        let all: usize = (0..self.keyspace.count()).map(|database| entries(database).len()).sum();
        (common, all - common)
    }

    /// The effects that remove whatever is none of these keys, from and back to the selected database.
    #[must_use]
    pub fn removals_to(&self, keys: &[(usize, Vec<u8>)]) -> Vec<u8> {
        let word = |text: &str| text.as_bytes().to_vec();
        let mut commands = Vec::new();
        for database in 0..self.keyspace.count() {
            let is_gone = |key: &&Vec<u8>| keys.binary_search(&(database, (*key).clone())).is_err();
            let entries = self.keyspace.entries(self.keyspace.place(database));
            let mut gone: Vec<Vec<u8>> = entries.keys().filter(is_gone).cloned().collect();
            if !gone.is_empty() {
                commands.push(vec![word("SELECT"), word(&database.to_string())]);
                gone.insert(0, word("DEL"));
                commands.push(gone);
            }
        }
        if !commands.is_empty() {
            commands.push(vec![word("SELECT"), word(&self.selected.to_string())]);
        }
        encode(&commands)
    }

    /// Whether all of these keys of the selected database are there, and past their expiry.
    fn are_expired(&self, keys: &[Vec<u8>], now_ms: i64) -> bool {
        let entries = self.keyspace.entries(self.keyspace.place(self.selected));
        keys.iter().all(|key| entries.get(key).is_some_and(|entry| entry.is_expired(now_ms)))
    }
}

fn is_removal(command: &[Vec<u8>]) -> bool {
    ["del", "unlink"].iter().any(|name| super::call::is(&command[0], name))
}

/// Commands as requests, one after the other.
fn encode(commands: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        bytes.extend_from_slice(format!("*{}\r\n", command.len()).as_bytes());
        for word in command {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes
}

impl Model {
    /// Whether the data are those that effects have led to, keys that nobody has found expired included.
    ///
    /// # Errors
    /// The first key that is not.
    pub fn compare(&self, rebuilt: &Rebuilt) -> Result<(), String> {
        let (own, other) = (&self.keyspace, &rebuilt.keyspace);
        for database in 0..own.count() {
            let (own, other) = (own.entries(own.place(database)), other.entries(other.place(database)));
            let found =
                own.iter().find(|(key, entry)| !other.get(*key).is_some_and(|that| entry.is_like(that)));
            if let Some(key) =
                found.map(|(key, _)| key).or_else(|| other.keys().find(|key| !own.contains_key(*key)))
            {
                let shown = |entry: Option<&Entry>| effects::shown_entry(entry);
                return Err(format!(
                    "key {} of database {database}: the data are {}, all effects together lead to {}",
                    super::shown(key),
                    shown(own.get(key)),
                    shown(other.get(key))
                ));
            }
        }
        Ok(())
    }

    /// From here on the server loads data: whoever wants some is told so, or has to wait.
    pub fn begin_loading(&mut self) {
        self.is_loading = true;
    }

    /// The server has loaded these data. How they are kept in memory is not known: that depends on how they were read.
    /// So do the [signs of zeros](Self::adopt_signs).
    pub fn end_loading(
        &mut self,
        clock: Clock,
        rebuilt: &Rebuilt,
        negative_zeros: &[(usize, Vec<u8>, Vec<u8>)],
    ) {
        (self.is_loading, self.loaded) = (false, clock);
        let mut keyspace = Keyspace::new(self.keyspace.count(), clock);
        for database in 0..keyspace.count() {
            let place = keyspace.place(database);
            for (key, entry) in rebuilt.keyspace.entries(rebuilt.keyspace.place(database)) {
                let value = entry.value.clone().forget_encoding();
                keyspace.put(place, key, value, entry.expiry_ms);
            }
        }
        keyspace.settle_in();
        // What was looked up on the way may count, or not.
        keyspace.lose_count_of_lookups();
        keyspace.moment = self.keyspace.moment;
        self.keyspace = keyspace;
        self.adopt_signs(negative_zeros);
    }

    /// Of all zeros, these have a sign: members of sorted sets, with their databases and keys, in order.
    pub fn adopt_signs(&mut self, negative_zeros: &[(usize, Vec<u8>, Vec<u8>)]) {
        self.keyspace.set_signs(|database, key, member| {
            negative_zeros.binary_search(&(database, key.to_vec(), member.to_vec())).is_ok()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(lines: &str) -> Vec<u8> {
        let commands: Vec<Vec<Vec<u8>>> = lines
            .lines()
            .map(|line| line.split_whitespace().map(|word| word.as_bytes().to_vec()).collect())
            .collect();
        encode(&commands)
    }

    fn rebuilt(lines: &str) -> Rebuilt {
        let mut rebuilt = Rebuilt::new(&[("databases".to_owned(), vec!["2".to_owned()])]).unwrap();
        rebuilt.apply(&effects(lines)).unwrap();
        rebuilt
    }

    fn model(rebuilt: &Rebuilt) -> Model {
        let mut model = Model::with_config(rebuilt.config.clone(), Clock::default()).unwrap();
        model.end_loading(Clock::default(), rebuilt, &[]);
        model
    }

    fn keys(rebuilt: &Rebuilt) -> Vec<(usize, String)> {
        let shown = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
        model(rebuilt).keys().map(|key| (key.database, shown(key.name))).collect()
    }

    #[test]
    fn effects_lead_to_data_from_command_to_command() {
        let mut data = rebuilt("SELECT 1\nSET a 1\nRPUSH l a b c\nSELECT 0\nSET b 2 PXAT 5\nZADD z 1 m");
        data.apply(&effects("SET c 3\nSWAPDB 0 1\nNOSUCH")).unwrap_err();
        // What failed has done nothing.
        assert_eq!(keys(&data), [(0, "b".into()), (0, "z".into()), (1, "a".into()), (1, "l".into())]);
        data.apply(&effects("SWAPDB 0 1\nRENAME a x\nSELECT 1\nFLUSHDB\nSET y 1")).unwrap();
        assert_eq!(keys(&data), [(0, "l".into()), (0, "x".into()), (1, "y".into())]);
        data.apply(&effects("MULTI\nDEL y\nSET z 1\nEXEC\nFLUSHALL")).unwrap();
        assert_eq!(keys(&data), []);
    }

    #[test]
    fn a_model_has_the_data_it_was_started_with() {
        let data = rebuilt("SET a 1 PXAT 7\nHSET h f v\nSADD s 1 x\nZADD z 1.5 m\nRPUSH l 1 2");
        let model = model(&data);
        assert_eq!(model.compare(&data), Ok(()));
        let mut other = data.clone();
        other.apply(&effects("SADD s y")).unwrap();
        assert!(model.compare(&other).unwrap_err().contains("key s of database 0"));
        other = data.clone();
        other.apply(&effects("PERSIST a")).unwrap();
        assert!(model.compare(&other).unwrap_err().contains("key a of database 0"));
        other = data.clone();
        other.apply(&effects("SELECT 1\nSET new 1")).unwrap();
        assert!(model.compare(&other).unwrap_err().contains("key new of database 1"));
    }

    #[test]
    fn an_execution_is_a_whole_but_for_the_expired_keys_before_it() {
        let data = rebuilt("SET a 1 PXAT 7\nSET b 1 PXAT 7\nSET c 1 PXAT 70\nSET d 1");
        let cut = |lines: &str, now_ms| {
            let pieces = data.cut(&effects(lines), now_ms).unwrap();
            pieces.iter().map(|piece| effects::parse(piece).unwrap().len()).collect::<Vec<_>>()
        };
        assert_eq!(cut("DEL a\nDEL b\nSET e 1\nSET f 1", 8), [1, 1, 2]);
        assert_eq!(cut("SELECT 0\nDEL a\nSET e 1", 8), [2, 1]);
        // Nobody's time was over yet.
        assert_eq!(cut("DEL a\nDEL b", 7), [2]);
        assert_eq!(cut("DEL d\nDEL a\nSET e 1", 8), [3]);
        assert_eq!(cut("DEL a b\nDEL a c\nSET e 1", 8), [1, 2]);
        assert_eq!(cut("MULTI\nDEL a\nSET e 1\nEXEC", 8), [4]);
        assert_eq!(cut("DEL a", 8), [1]);
        assert_eq!(cut("", 8), [0; 0]);
    }
}
