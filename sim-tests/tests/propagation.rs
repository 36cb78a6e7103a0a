//! What commands put into the log of effects: plain, absolute commands that lead another server to the same data.

use rotom_core::{Config, Host};
use rotom_io_sim::{Delivery, Peer, World};
use std::time::Duration;

/// A server with one client. It removes what has expired only when somebody looks.
struct Server {
    world: World,
    peer: Peer,
}

impl Server {
    fn start() -> Server {
        let mut config = Config::default();
        config.set_from_file("enable-debug-command", &[b"yes".to_vec()]).unwrap();
        let mut world = World::new(config, Host::default(), Delivery::Whole, 1);
        let peer = world.connect();
        let mut server = Server { world, peer };
        server.run("DEBUG SET-ACTIVE-EXPIRE 0");
        server.world.core().record_propagation(true);
        server
    }

    /// Runs one command; `{now+N}` stands for an instant in milliseconds since 1970.
    fn run(&mut self, command: &str) {
        let command = with_instants(command, self.world.wall().millis());
        self.world.send(self.peer, format!("{command}\r\n").as_bytes());
    }

    fn replies(&mut self) -> String {
        String::from_utf8(self.world.receive(self.peer)).unwrap()
    }

    fn digest(&mut self) -> u64 {
        self.world.core().digest()
    }
}

fn with_instants(text: &str, now_ms: i64) -> String {
    let mut parts = text.split("{now");
    let mut whole = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (offset, rest) = part.split_once('}').unwrap();
        whole.push_str(&(now_ms + offset.parse::<i64>().unwrap()).to_string());
        whole.push_str(rest);
    }
    whole
}

/// The commands of a stream of requests, a line each.
fn commands_of(log: &[u8]) -> Vec<String> {
    let mut lines = std::str::from_utf8(log).unwrap().split_terminator("\r\n");
    let mut commands = Vec::new();
    while let Some(head) = lines.next() {
        let count: usize = head.strip_prefix('*').unwrap().parse().unwrap();
        let words: Vec<&str> = (0..count).map(|_| lines.nth(1).unwrap()).collect();
        commands.push(words.join(" "));
    }
    commands
}

/// After `setup`, half a second passes and `command` runs: that puts `expected` into the log, and whoever
/// follows the log from the beginning, without a clock that moves, has the same data.
fn check(setup: &[&str], command: &str, expected: &[&str]) {
    let (mut server, mut follower) = (Server::start(), Server::start());
    for line in setup {
        server.run(line);
    }
    let mut log = server.world.core().take_propagated();
    server.world.advance(Duration::from_millis(500));
    // The log goes on in the database it was left in.
    server.run(command);
    let effects = server.world.core().take_propagated();
    let now_ms = server.world.wall().millis();
    let expected: Vec<String> = expected.iter().map(|line| with_instants(line, now_ms)).collect();
    let context = format!("after {setup:?}, {command:?}: {}", server.replies());
    let told: Vec<String> =
        commands_of(&effects).into_iter().filter(|line| !line.starts_with("SELECT")).collect();
    assert_eq!(told, expected, "{context}");

    log.extend(effects);
    follower.world.send(follower.peer, &log);
    assert!(!follower.replies().contains('-'), "{context}");
    follower.world.advance(Duration::from_millis(500));
    assert_eq!(follower.digest(), server.digest(), "{context}");
}

/// A key with a value, one that expires later, one that has expired when the command runs.
const KEYS: &[&str] = &["SET k 5", "SET t 7 PX 10000", "SET gone 9 PX 100"];

#[test]
fn strings() {
    for (command, expected) in [
        ("GET k", &[][..]),
        ("GET gone", &["DEL gone"]),
        ("SET k v", &["SET k v"]),
        ("SET k v NX", &[]),
        ("SET k v XX", &["SET k v XX"]),
        ("SET new v NX", &["SET new v NX"]),
        ("SET gone v NX", &["DEL gone", "SET gone v NX"]),
        ("SET gone v XX", &["DEL gone"]),
        ("SET gone v", &["DEL gone", "SET gone v"]),
        ("SET gone v KEEPTTL", &["DEL gone", "SET gone v KEEPTTL"]),
        ("SET t v KEEPTTL", &["SET t v KEEPTTL"]),
        ("SET k v GET", &["SET k v"]),
        ("SET t v KEEPTTL GET", &["SET t v KEEPTTL"]),
        ("SET k v NX GET", &[]),
        ("SET gone v GET KEEPTTL", &["DEL gone", "SET gone v KEEPTTL"]),
        ("SET k v EX 10", &["SET k v PXAT {now+10000}"]),
        ("SET k v PX 10 GET", &["SET k v PXAT {now+10}"]),
        ("SET k v XX PXAT {now+10}", &["SET k v PXAT {now+10}"]),
        ("SET k v PXAT 1", &["SET k v PXAT 1"]),
        ("SETNX k v", &[]),
        ("SETNX new v", &["SETNX new v"]),
        ("SETEX k 10 v", &["SET k v PXAT {now+10000}"]),
        ("PSETEX k 10 v", &["SET k v PXAT {now+10}"]),
        ("GETSET t v", &["SET t v"]),
        ("GETSET gone v", &["DEL gone", "SET gone v"]),
        ("GETDEL k", &["DEL k"]),
        ("GETDEL new", &[]),
        ("GETDEL gone", &["DEL gone"]),
        ("GETEX k", &[]),
        ("GETEX t PERSIST", &["PERSIST t"]),
        ("GETEX k PERSIST", &[]),
        ("GETEX k EX 10", &["PEXPIREAT k {now+10000}"]),
        ("GETEX k PXAT 1", &["DEL k"]),
        ("APPEND k 1", &["APPEND k 1"]),
        ("APPEND gone 1", &["DEL gone", "APPEND gone 1"]),
        ("SETRANGE k 3 x", &["SETRANGE k 3 x"]),
        ("SETRANGE k 3 \"\"", &[]),
        ("INCR t", &["INCR t"]),
        ("INCR gone", &["DEL gone", "INCR gone"]),
        ("DECRBY k 2", &["DECRBY k 2"]),
        ("INCRBYFLOAT t 0.1", &["SET t 7.1 KEEPTTL"]),
        ("INCRBYFLOAT gone 1", &["DEL gone", "SET gone 1 KEEPTTL"]),
        ("MGET k gone t", &["DEL gone"]),
        ("MSET k 1 gone 2", &["DEL gone", "MSET k 1 gone 2"]),
        ("MSETNX k 1 new 2", &[]),
        ("MSETNX gone 1 new 2", &["DEL gone", "MSETNX gone 1 new 2"]),
        ("LCS k gone", &["DEL gone"]),
        ("INCRBY k x", &[]),
    ] {
        check(KEYS, command, expected);
    }
}

#[test]
fn keys_of_any_type() {
    for (command, expected) in [
        ("DEL k new", &["DEL k new"][..]),
        ("DEL new", &[]),
        ("DEL gone", &["DEL gone"]),
        ("UNLINK k", &["UNLINK k"]),
        ("EXISTS gone", &["DEL gone"]),
        ("TOUCH k", &[]),
        ("TYPE gone", &["DEL gone"]),
        ("EXPIRE k 10", &["PEXPIREAT k {now+10000}"]),
        ("PEXPIRE k 10", &["PEXPIREAT k {now+10}"]),
        ("EXPIREAT k 4102444800", &["PEXPIREAT k 4102444800000"]),
        ("PEXPIREAT t {now+10} LT", &["PEXPIREAT t {now+10}"]),
        ("PEXPIREAT t {now+10} GT", &[]),
        ("EXPIRE k 0", &["DEL k"]),
        ("EXPIRE k -1", &["DEL k"]),
        ("PEXPIREAT k {now+0}", &["DEL k"]),
        ("EXPIRE new 10", &[]),
        ("EXPIRE gone 10", &["DEL gone"]),
        ("PERSIST t", &["PERSIST t"]),
        ("PERSIST k", &[]),
        ("PERSIST gone", &["DEL gone"]),
        ("RENAME k t", &["RENAME k t"]),
        ("RENAME t k", &["RENAME t k"]),
        ("RENAME k k", &[]),
        ("RENAME k gone", &["DEL gone", "RENAME k gone"]),
        ("RENAME gone k", &["DEL gone"]),
        ("RENAMENX k t", &[]),
        ("RENAMENX k new", &["RENAMENX k new"]),
        ("COPY k t", &[]),
        ("COPY t new", &["COPY t new"]),
        ("COPY t k REPLACE", &["COPY t k REPLACE"]),
        ("COPY k gone DB 1", &["COPY k gone DB 1"]),
        ("MOVE t 1", &["MOVE t 1"]),
        ("MOVE gone 1", &["DEL gone"]),
        ("OBJECT ENCODING gone", &["DEL gone"]),
        ("KEYS *", &[]),
    ] {
        check(KEYS, command, expected);
    }
    check(&["SET gone 9 PX 100"], "RANDOMKEY", &["DEL gone"]);
    check(&["SET gone 9 PX 100"], "SCAN 0", &["DEL gone"]);
}

#[test]
fn databases() {
    for (setup, command, expected) in [
        (
            &["SET k 1", "SELECT 1", "SET k 2 PX 100", "SELECT 0"][..],
            "COPY k k DB 1",
            &["DEL k", "COPY k k DB 1"][..],
        ),
        (&["SET k 1", "SELECT 1", "SET k 2 PX 100", "SELECT 0"], "MOVE k 1", &["DEL k", "MOVE k 1"]),
        (&["SELECT 3", "SET k 1"], "SWAPDB 3 4", &["SWAPDB 3 4"]),
        (&["SET k 1", "SELECT 1", "SET k 1"], "FLUSHDB", &["FLUSHDB"]),
        (&["SET k 1", "SELECT 1", "SET k 1"], "FLUSHALL", &["FLUSHALL"]),
    ] {
        check(setup, command, expected);
    }
}

#[test]
fn sorted_sets() {
    let setup = ["ZADD z 1 a 2 b 3 c", "ZADD y 5 b 6 d", "ZADD gone 1 a", "PEXPIRE gone 100", "SET s v"];
    for (command, expected) in [
        ("ZADD z 4 d", &["ZADD z 4 d"][..]),
        ("ZADD z CH 1 a 2 b", &[]),
        ("ZADD z NX 5 a", &[]),
        ("ZADD z GT 0 a 9 b", &["ZADD z GT 0 a 9 b"]),
        ("ZADD z INCR 2 a", &["ZADD z INCR 2 a"]),
        ("ZADD new XX 1 a", &[]),
        ("ZADD gone 2 b", &["DEL gone", "ZADD gone 2 b"]),
        ("ZADD s 2 b", &[]),
        ("ZINCRBY z 0 a", &[]),
        ("ZINCRBY z 0.1 a", &["ZINCRBY z 0.1 a"]),
        ("ZINCRBY new 0 a", &["ZINCRBY new 0 a"]),
        ("ZREM z a x", &["ZREM z a x"]),
        ("ZREM z x y", &[]),
        ("ZREM gone a", &["DEL gone"]),
        ("ZREMRANGEBYRANK z 0 1", &["ZREMRANGEBYRANK z 0 1"]),
        ("ZREMRANGEBYRANK z 5 6", &[]),
        ("ZREMRANGEBYSCORE z 1 9", &["ZREMRANGEBYSCORE z 1 9"]),
        ("ZREMRANGEBYSCORE z 8 9", &[]),
        ("ZREMRANGEBYLEX y [z +", &[]),
        ("ZREMRANGEBYLEX y [a +", &["ZREMRANGEBYLEX y [a +"]),
        ("ZPOPMIN z", &["ZPOPMIN z"]),
        ("ZPOPMAX z 5", &["ZPOPMAX z 5"]),
        ("ZPOPMAX z 0", &[]),
        ("ZPOPMAX gone", &["DEL gone"]),
        ("ZMPOP 2 gone z MIN COUNT 2", &["DEL gone", "ZPOPMIN z 2"]),
        ("ZMPOP 2 y z MAX COUNT 100", &["ZPOPMAX y 2"]),
        ("ZMPOP 1 none MAX", &[]),
        ("BZPOPMIN gone z 0", &["DEL gone", "ZPOPMIN z"]),
        ("BZPOPMAX z 0", &["ZPOPMAX z"]),
        ("BZMPOP 0 1 z MAX", &["ZPOPMAX z 1"]),
        ("BZMPOP 0 2 none z MIN COUNT 5", &["ZPOPMIN z 3"]),
        ("ZRANGESTORE s z 0 1", &["ZRANGESTORE s z 0 1"]),
        ("ZRANGESTORE s gone 0 1", &["DEL gone", "ZRANGESTORE s gone 0 1"]),
        ("ZRANGESTORE none z 7 8", &[]),
        ("ZUNIONSTORE s 2 y z WEIGHTS 1 2", &["ZUNIONSTORE s 2 y z WEIGHTS 1 2"]),
        ("ZUNIONSTORE z 2 gone z", &["DEL gone", "ZUNIONSTORE z 2 gone z"]),
        ("ZUNIONSTORE none 1 nothing", &[]),
        ("ZINTERSTORE z 2 z y", &["ZINTERSTORE z 2 z y"]),
        ("ZINTERSTORE z 2 z none", &["ZINTERSTORE z 2 z none"]),
        ("ZDIFFSTORE gone 2 z y", &["DEL gone", "ZDIFFSTORE gone 2 z y"]),
        ("ZDIFFSTORE new 2 z z", &[]),
        ("ZRANGE gone 0 1", &["DEL gone"]),
        ("ZUNION 2 z gone", &["DEL gone"]),
        ("ZRANDMEMBER z 2", &[]),
        ("ZSCAN gone 0", &["DEL gone"]),
    ] {
        check(&setup, command, expected);
    }
}

/// What a transaction changes is one unit, unless it is a single command.
#[test]
fn hashes() {
    let setup = ["HSET h a 1 b 2.5", "HSET gone a 1", "PEXPIRE gone 100", "SET k x"];
    for (command, expected) in [
        ("HSET h a 2 c 3", &["HSET h a 2 c 3"][..]),
        ("HSET gone b 2", &["DEL gone", "HSET gone b 2"]),
        ("HSET k a 1", &[]),
        ("HMSET new a 1", &["HMSET new a 1"]),
        ("HSETNX h a 2", &[]),
        ("HSETNX h n 2", &["HSETNX h n 2"]),
        ("HINCRBY h a 4", &["HINCRBY h a 4"]),
        ("HINCRBY h b 4", &[]),
        ("HINCRBYFLOAT h b 0.1", &["HSET h b 2.6"]),
        ("HINCRBYFLOAT gone b 0.5", &["DEL gone", "HSET gone b 0.5"]),
        ("HDEL h a x", &["HDEL h a x"]),
        ("HDEL h a b", &["HDEL h a b"]),
        ("HDEL h x", &[]),
        ("HGETALL gone", &["DEL gone"]),
        ("HRANDFIELD h 2", &[]),
    ] {
        check(&setup, command, expected);
    }
}

#[test]
fn sets() {
    let setup = ["SADD s 1 2 x", "SADD t 2 3", "SADD one 5", "SADD gone 1 2", "PEXPIRE gone 100", "SET k x"];
    for (command, expected) in [
        ("SADD s 1 4", &["SADD s 1 4"][..]),
        ("SADD s 1", &[]),
        ("SADD gone 1", &["DEL gone", "SADD gone 1"]),
        ("SREM s 1 9", &["SREM s 1 9"]),
        ("SREM one 5", &["SREM one 5"]),
        ("SREM s 9", &[]),
        ("SPOP one", &["SREM one 5"]),
        ("SPOP one 1", &["DEL one"]),
        ("SPOP one 0", &[]),
        ("SPOP s 3", &["DEL s"]),
        ("SPOP gone 1", &["DEL gone"]),
        ("SMOVE s t 1", &["SMOVE s t 1"]),
        ("SMOVE s s 1", &[]),
        ("SMOVE s t 9", &[]),
        ("SMOVE s gone 1", &["DEL gone", "SMOVE s gone 1"]),
        ("SINTERSTORE d s t", &["SINTERSTORE d s t"]),
        ("SINTERSTORE d s gone", &["DEL gone"]),
        ("SINTERSTORE k s one", &["SINTERSTORE k s one"]),
        ("SUNIONSTORE gone s t", &["DEL gone", "SUNIONSTORE gone s t"]),
        ("SUNIONSTORE s none", &["SUNIONSTORE s none"]),
        ("SDIFFSTORE d s s", &[]),
        ("SDIFFSTORE t s gone t", &["DEL gone", "SDIFFSTORE t s gone t"]),
        ("SRANDMEMBER s -5", &[]),
    ] {
        check(&setup, command, expected);
    }
}

/// What chance has chosen is the same for whoever follows the log, however much it is.
#[test]
fn popped_members() {
    for encoding in ["", "x"] {
        for count in [1, 3, 90, 200, 1500, 2990] {
            let (mut server, mut follower) = (Server::start(), Server::start());
            let members =
                |len: u32| (0..len).map(|number| format!(" {number}{encoding}")).collect::<String>();
            for (key, len) in [("few", 7), ("some", 100), ("many", 3000)] {
                server.run(&format!("SADD {key}{}", members(len)));
                server.run(&format!("SPOP {key} {count}"));
                server.run(&format!("SPOP {key}"));
            }
            let log = server.world.core().take_propagated();
            assert!(!log.windows(4).any(|window| window == b"SPOP"));
            follower.world.send(follower.peer, &log);
            assert_eq!(follower.digest(), server.digest(), "{count} members like 7{encoding}");
        }
    }
}

#[test]
fn sorting() {
    let setup = [
        "RPUSH l 3 1 2",
        "SADD s b c a",
        "MSET w_1 3 w_2 2",
        "SET w_3 1 PX 100",
        "SET gone x PX 100",
        "RPUSH old 1",
        "SADD words 10 9 xx",
    ];
    for (command, expected) in [
        ("SORT l", &[][..]),
        ("SORT gone", &["DEL gone"]),
        ("SORT l STORE d", &["SORT l STORE d"]),
        ("SORT l BY w_* STORE d", &["DEL w_3", "SORT l BY w_* STORE d"]),
        ("SORT l GET w_* STORE gone", &["DEL w_3", "DEL gone", "SORT l GET w_* STORE gone"]),
        ("SORT none STORE old", &["SORT none STORE old"]),
        ("SORT none STORE none", &[]),
        ("SORT s BY nosort LIMIT 1 2 STORE d", &["SORT s BY nosort LIMIT 1 2 STORE d"]),
        ("SORT s BY none_* ALPHA STORE d", &["SORT s BY none_* ALPHA STORE d"]),
        ("SORT words STORE d", &[]),
    ] {
        check(&setup, command, expected);
    }
}

#[test]
fn transactions() {
    for (setup, command, expected) in [
        (&["MULTI", "SET a 1", "INCR a"][..], "EXEC", &["MULTI", "SET a 1", "INCR a", "EXEC"][..]),
        (&["MULTI", "SET a 1", "GET a"], "EXEC", &["SET a 1"]),
        (&["MULTI", "GET a"], "EXEC", &[]),
        (&["MULTI", "SET a 1", "SET b 2"], "DISCARD", &[]),
        (
            &["SET gone 9 PX 100", "MULTI", "GET gone", "SET a 1"],
            "EXEC",
            &["MULTI", "DEL gone", "SET a 1", "EXEC"],
        ),
        (&["MULTI", "SET a 1", "SELECT 1", "SET a 1"], "EXEC", &["MULTI", "SET a 1", "SET a 1", "EXEC"]),
    ] {
        check(setup, command, expected);
    }
}
