//! What the model makes of hashes, sets and sorted sets where nobody can foresee a reply or an order: it accepts whatever
//! Redis may answer and nothing else, takes what the effects say for what happened, and finds effects that lead elsewhere.

use rotom_sim_tests::model::{ClientId, Clock, Model};
use rotom_sim_tests::reply::encode_command;

const CLIENT: ClientId = ClientId(1);
const CLOCK: Clock = Clock { wall_us: 1_700_000_000_000_000, monotonic_us: 1_000_000 };

/// A model with one client, and what it is told.
struct Server(Model);

impl Server {
    fn new(directives: &[(&str, &str)]) -> Server {
        let directives: Vec<_> =
            directives.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
        let mut model = Model::new(&directives, CLOCK).unwrap();
        model.connect(CLIENT, "127.0.0.1:1000", CLOCK);
        Server(model)
    }

    /// Has the server execute a command, with these effects if they are known; returns what is wrong with them.
    fn run(&mut self, command: &str, effects: Option<&[&str]>) -> Result<(), String> {
        self.0.deliver(CLIENT, &encode_command(&words(command)));
        let effects: Option<Vec<u8>> =
            effects.map(|effects| effects.iter().flat_map(|effect| encode_command(&words(effect))).collect());
        self.0.execute(CLIENT, CLOCK, effects.as_deref()).map_err(|found| found.text)
    }

    /// Has the client receive this; returns what is wrong with it.
    fn receive(&mut self, reply: &str) -> Result<(), String> {
        let outcome = self.0.receive(CLIENT, reply.as_bytes()).map_err(|found| found.text);
        assert!(outcome.is_err() || !self.0.is_owed(CLIENT), "more is owed than {reply:?}");
        outcome
    }

    /// A command whose effect is the command itself and whose reply is this one.
    fn does(&mut self, command: &str, reply: &str) {
        assert_eq!(self.run(command, Some(&[command])), Ok(()), "{command}");
        assert_eq!(self.receive(reply), Ok(()), "{command}");
    }

    /// A command that changes nothing and has this reply.
    fn shows(&mut self, command: &str, reply: &str) {
        assert_eq!(self.run(command, Some(&[])), Ok(()), "{command}");
        assert_eq!(self.receive(reply), Ok(()), "{command}");
    }

    /// A command that changes nothing and must not have this reply.
    fn never_shows(&self, command: &str, reply: &str) {
        let mut other = Server(self.0.clone());
        assert_eq!(other.run(command, Some(&[])), Ok(()), "{command}");
        assert!(other.receive(reply).is_err(), "{command} was accepted to answer {reply:?}");
    }

    /// A command that must not have these effects.
    fn never_causes(&self, command: &str, effects: &[&str]) {
        let mut other = Server(self.0.clone());
        assert!(other.run(command, Some(effects)).is_err(), "{command} was accepted to cause {effects:?}");
    }
}

fn words(command: &str) -> Vec<&str> {
    command.split(' ').collect()
}

/// An array of short strings.
fn array(items: &str) -> String {
    let items: Vec<&str> = items.split_whitespace().collect();
    let texts: String = items.iter().map(|item| format!("${}\r\n{item}\r\n", item.len())).collect();
    format!("*{}\r\n{texts}", items.len())
}

/// A page of an iteration.
fn page(cursor: &str, items: &str) -> String {
    format!("*2\r\n${}\r\n{cursor}\r\n{}", cursor.len(), array(items))
}

#[test]
fn what_was_popped_is_what_the_effects_say() {
    let mut server = Server::new(&[]);
    server.does("SADD s a b c d", ":4\r\n");
    assert_eq!(server.run("SPOP s 2", Some(&["SREM s b d"])), Ok(()));
    assert_eq!(server.receive(&array("d b")), Ok(()));
    server.shows("SMEMBERS s", &array("c a"));
    // Nothing but a member can be popped, and no other than the effects say.
    server.never_causes("SPOP s", &["SREM s b"]);
    server.never_causes("SPOP s", &[]);
    server.never_causes("SPOP s", &["SREM s a c"]);
    let mut other = Server(server.0.clone());
    assert_eq!(other.run("SPOP s", Some(&["SREM s a"])), Ok(()));
    assert!(other.receive("$1\r\nc\r\n").is_err());
    // The last ones leave nothing.
    assert_eq!(server.run("SPOP s 5", Some(&["UNLINK s"])), Ok(()));
    assert_eq!(server.receive(&array("a c")), Ok(()));
    server.shows("EXISTS s", ":0\r\n");
}

#[test]
fn what_was_popped_without_known_effects_is_what_the_reply_says() {
    let mut server = Server::new(&[]);
    assert_eq!(server.run("SADD s a b c d", None), Ok(()));
    assert_eq!(server.receive(":4\r\n"), Ok(()));
    assert_eq!(server.run("SPOP s 2", None), Ok(()));
    let mut other = Server(server.0.clone());
    assert!(other.receive(&array("a a")).is_err());
    assert_eq!(server.receive(&array("d c")), Ok(()));
    server.shows("SMEMBERS s", &array("b a"));
}

#[test]
fn a_transaction_may_pop_and_remove() {
    let mut server = Server::new(&[]);
    server.does("SADD s a b c d", ":4\r\n");
    for command in ["MULTI", "SREM s a", "SPOP s", "SREM s c"] {
        assert_eq!(server.run(command, Some(&[])), Ok(()));
    }
    assert_eq!(server.receive("+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n"), Ok(()));
    let effects = ["MULTI", "SREM s a", "SREM s d", "SREM s c", "EXEC"];
    assert_eq!(server.run("EXEC", Some(&effects)), Ok(()));
    assert_eq!(server.receive("*3\r\n:1\r\n$1\r\nd\r\n:1\r\n"), Ok(()));
    server.shows("SMEMBERS s", &array("b"));
}

#[test]
fn random_elements_are_some_that_are_there() {
    let mut server = Server::new(&[]);
    server.does("HSET h a 1 b 2 c 3", ":3\r\n");
    server.does("ZADD z 1 a 2.5 b", ":2\r\n");
    for reply in ["a b", "c a"] {
        server.shows("HRANDFIELD h 2", &array(reply));
    }
    for reply in ["a a", "a", "a b c", "a x"] {
        server.never_shows("HRANDFIELD h 2", &array(reply));
    }
    server.shows("HRANDFIELD h -3", &array("b b b"));
    server.shows("HRANDFIELD h 1 WITHVALUES", &array("b 2"));
    server.never_shows("HRANDFIELD h 1 WITHVALUES", &array("b 3"));
    server.shows("ZRANDMEMBER z 1 WITHSCORES", &array("b 2.5"));
    server.never_shows("ZRANDMEMBER z 1 WITHSCORES", &array("b 2"));
    server.never_shows("ZRANDMEMBER z", "$-1\r\n");
}

#[test]
fn elements_come_in_any_order_but_all_of_them() {
    let mut server = Server::new(&[]);
    server.does("HSET h a 1 b 2", ":2\r\n");
    server.shows("HGETALL h", &array("b 2 a 1"));
    for reply in ["b 1 a 2", "a 1", "a 1 a 1", "a 1 b 2 c 3"] {
        server.never_shows("HGETALL h", &array(reply));
    }
    server.does("SADD s a b", ":2\r\n");
    server.does("SADD t b c", ":2\r\n");
    server.shows("SUNION s t", &array("c b a"));
    for reply in ["a b", "a b b", "a b d"] {
        server.never_shows("SUNION s t", &array(reply));
    }
}

#[test]
fn an_iteration_shows_what_was_there_all_the_time() {
    let mut server = Server::new(&[]);
    server.does("HSET h a 1 b 2 c 3", ":3\r\n");
    server.never_shows("HSCAN h 0", &page("0", "a 1 b 2"));
    server.never_shows("HSCAN h 0", &page("0", "a 1 b 2 c 4"));
    server.shows("HSCAN h 0", &page("7", "a 1"));
    server.does("HDEL h c", ":1\r\n");
    server.does("HSET h d 4", ":1\r\n");
    server.never_shows("HSCAN h 7", &page("0", "d 4"));
    server.never_shows("HSCAN h 7", &page("0", "b 2 c 3"));
    server.shows("HSCAN h 7", &page("0", "b 2"));
    server.shows("HSCAN h 0 MATCH [ab]", &page("0", "b 2 a 1"));
    server.never_shows("HSCAN h 0 MATCH [ab]", &page("0", "b 2 a 1 d 4"));
}

#[test]
fn effects_lead_to_the_data_whatever_their_form() {
    let mut server = Server::new(&[]);
    server.does("SADD s a b c", ":3\r\n");
    server.does("SADD t b c d", ":3\r\n");
    for effects in [&["SINTERSTORE u s t"][..], &["DEL u", "SADD u b", "SADD u c"], &["SADD u b c"]] {
        let mut other = Server(server.0.clone());
        assert_eq!(other.run("SINTERSTORE u s t", Some(effects)), Ok(()), "{effects:?}");
    }
    server.never_causes("SINTERSTORE u s t", &["SADD u b"]);
    server.never_causes("SINTERSTORE u s t", &["SADD u b c d"]);
    server.never_causes("SINTERSTORE u s t", &[]);
    server.never_causes("SADD s d", &["SADD s d", "DEL t"]);
    server.does("ZADD z 1 a 2 b", ":2\r\n");
    assert_eq!(Server(server.0.clone()).run("ZINCRBY z 1.5 a", Some(&["ZADD z 2.5 a"])), Ok(()));
    server.never_causes("ZINCRBY z 1.5 a", &["ZADD z 1.5 a"]);
    assert_eq!(Server(server.0.clone()).run("ZMPOP 1 z MIN COUNT 2", Some(&["ZPOPMIN z 2"])), Ok(()));
    assert_eq!(Server(server.0.clone()).run("ZMPOP 1 z MIN COUNT 2", Some(&["ZREM z a b"])), Ok(()));
    server.never_causes("ZMPOP 1 z MIN", &["ZPOPMAX z"]);
    // What means something else on another day is no effect.
    server.never_causes("SPOP s", &["SPOP s"]);
    server.never_causes("HINCRBYFLOAT h f 1.5", &["HINCRBYFLOAT h f 1.5"]);
    assert_eq!(Server(server.0.clone()).run("HINCRBYFLOAT h f 1.5", Some(&["HSET h f 1.5"])), Ok(()));
    server.does("RPUSH l 3 1 2", ":3\r\n");
    assert_eq!(Server(server.0.clone()).run("SORT l STORE m", Some(&["SORT l STORE m"])), Ok(()));
    assert_eq!(Server(server.0.clone()).run("SORT l STORE m", Some(&["RPUSH m 1 2 3"])), Ok(()));
    server.never_causes("SORT l STORE m", &["RPUSH m 3 1 2"]);
}

#[test]
fn encodings_change_at_their_limits_and_never_back() {
    let mut server = Server::new(&[
        ("hash-max-listpack-entries", "2"),
        ("hash-max-listpack-value", "4"),
        ("set-max-intset-entries", "3"),
        ("set-max-listpack-entries", "2"),
        ("set-max-listpack-value", "4"),
        ("zset-max-listpack-entries", "2"),
        ("zset-max-listpack-value", "4"),
    ]);
    let encoding = |server: &mut Server, key: &str, name: &str| {
        server.shows(&format!("OBJECT ENCODING {key}"), &format!("${}\r\n{name}\r\n", name.len()));
    };
    for (command, reply, key, name) in [
        ("HSET h a 1", ":1\r\n", "h", "listpack"),
        ("HSET h b 2", ":1\r\n", "h", "listpack"),
        ("HSET h c 3", ":1\r\n", "h", "hashtable"),
        ("HDEL h b c", ":2\r\n", "h", "hashtable"),
        ("HSET g a 12345", ":1\r\n", "g", "hashtable"),
        ("SADD i 1 2", ":2\r\n", "i", "intset"),
        ("SADD i 3", ":1\r\n", "i", "intset"),
        ("SADD i 4", ":1\r\n", "i", "hashtable"),
        ("SADD j 1", ":1\r\n", "j", "intset"),
        ("SADD j a", ":1\r\n", "j", "listpack"),
        ("SADD j b", ":1\r\n", "j", "hashtable"),
        ("SADD k 1 2 3 4", ":4\r\n", "k", "hashtable"),
        ("SADD l a 12345", ":2\r\n", "l", "hashtable"),
        ("SINTERSTORE m i k", ":4\r\n", "m", "hashtable"),
        ("SREM k 4", ":1\r\n", "k", "hashtable"),
        ("SINTERSTORE m i k", ":3\r\n", "m", "intset"),
        ("ZADD z 1 a 2 b", ":2\r\n", "z", "listpack"),
        ("ZADD z 3 c", ":1\r\n", "z", "skiplist"),
        ("ZREM z c", ":1\r\n", "z", "skiplist"),
        ("ZRANGESTORE y z 0 -1", ":2\r\n", "y", "listpack"),
        ("ZADD y XX CH 1 a 2 b 3 c", ":0\r\n", "y", "skiplist"),
        ("ZADD x 1 12345", ":1\r\n", "x", "skiplist"),
    ] {
        let effects: &[&str] = if reply == ":0\r\n" { &[] } else { &[command] };
        assert_eq!(server.run(command, Some(effects)), Ok(()), "{command}");
        assert_eq!(server.receive(reply), Ok(()), "{command}");
        encoding(&mut server, key, name);
    }
    // What is left of a set that was popped nearly empty is a new one.
    server.does("SADD p a b c d e f", ":6\r\n");
    assert_eq!(server.run("SPOP p 5", Some(&["SREM p a b c d e"])), Ok(()));
    assert_eq!(server.receive(&array("a b c d e")), Ok(()));
    encoding(&mut server, "p", "listpack");
}

#[test]
fn sorting_leaves_open_what_nothing_decides() {
    let mut server = Server::new(&[]);
    server.does("SADD s a b c", ":3\r\n");
    server.does("MSET w:a 1 w:b 1 w:c 0", "+OK\r\n");
    for reply in ["c a b", "c b a"] {
        server.shows("SORT s BY w:* ALPHA", &array(reply));
    }
    server.never_shows("SORT s BY w:* ALPHA", &array("a b c"));
    server.never_shows("SORT s BY w:* ALPHA", &array("c a a"));
    // Numbers that are equal leave it to the elements.
    server.shows("SORT s BY w:*", &array("c a b"));
    server.never_shows("SORT s BY w:*", &array("c b a"));
    server.shows("SORT s BY nosort GET # GET w:* LIMIT 0 2", &array("b 1 c 0"));
    server.never_shows("SORT s BY nosort GET # GET w:* LIMIT 0 2", &array("b 1 b 1"));
}

#[test]
fn scores_are_printed_with_as_few_digits_as_redis_7_2_prints() {
    let mut server = Server::new(&[]);
    server.does("ZADD z 0.1 a 1e17 b -0 c 1e-7 d inf e 123456789.125 f", ":6\r\n");
    for (member, score) in [
        ("a", "0.1"),
        ("b", "100000000000000000"),
        ("c", "0"),
        ("d", "1e-7"),
        ("e", "inf"),
        ("f", "123456789.125"),
    ] {
        let reply = format!("${}\r\n{score}\r\n", score.len());
        server.shows(&format!("ZSCORE z {member}"), &reply);
    }
    server.shows("ZRANK z d WITHSCORE", "*2\r\n:1\r\n$4\r\n1e-7\r\n");
    server.shows("ZRANK z x WITHSCORE", "*-1\r\n");
}
