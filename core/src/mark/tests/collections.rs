//! Situations of collections, of clients that wait for keys, and of transactions.

use crate::stage::Stage;

/// Each brings about a few situations.
pub(super) const SCENARIOS: [fn(&mut Stage); 9] =
    [lists, compressed_lists, hashes, sets, sorted_sets, element_scans, sorting, waiting, transactions];

/// A request with so many elements, made by `element`.
fn request(head: &str, count: usize, element: impl Fn(usize) -> String) -> String {
    let elements: Vec<String> = (0..count).map(element).collect();
    format!("{head} {}\r\n", elements.join(" "))
}

fn lists(stage: &mut Stage) {
    stage.say("CONFIG SET list-max-listpack-size 4\r\n");
    stage.say("RPUSH l a b c d\r\nLINSERT l BEFORE b x\r\n");
    assert_eq!(stage.say("OBJECT ENCODING l\r\n"), "$9 quicklist ");
    // Its node is full, and what is inserted lies in the middle of it.
    stage.say("LINSERT l AFTER b y\r\nLINSERT l BEFORE b z\r\n");
    stage.say("LTRIM l 0 0\r\n");
    assert_eq!(stage.say("OBJECT ENCODING l\r\n"), "$8 listpack ");
    stage.say(&format!("RPUSH l b c d e\r\nRPUSH l {}\r\n", "long".repeat(2_500)));
    // The half of the second node goes to what is left of the first.
    stage.say("RPUSH k a b c d e f g h\r\nLPOP k 2\r\nLINSERT k AFTER f y\r\n");
}

fn compressed_lists(stage: &mut Stage) {
    stage.say("CONFIG SET list-max-listpack-size 5 list-compress-depth 1\r\n");
    stage.say(&request("RPUSH l", 20, |_| "x".repeat(40)));
    stage.say("LPOP l 6\r\nLINDEX l 7\r\n");
}

fn hashes(stage: &mut Stage) {
    stage.say(&format!("HSET h f v\r\nHSET h f {}\r\n", "v".repeat(65)));
    assert_eq!(stage.say("OBJECT ENCODING h\r\n"), "$9 hashtable ");
}

fn sets(stage: &mut Stage) {
    stage.say("SADD s 1 2 3\r\nSADD s 70000\r\nSADD t 1 2 3 x\r\nSADD s y\r\n");
    stage.say(&format!("SADD s {}\r\n", "m".repeat(65)));
    assert_eq!(stage.say("OBJECT ENCODING s\r\n"), "$9 hashtable ");
    stage.say("SINTERSTORE r s t\r\n");
    assert_eq!(stage.say("OBJECT ENCODING r\r\n"), "$6 intset ");
}

fn sorted_sets(stage: &mut Stage) {
    const MEMBERS: usize = 5_000;
    const STEP: usize = 500;
    stage.say("ZADD z 1 a 2 b\r\n");
    for start in (0..MEMBERS).step_by(STEP) {
        stage.say(&request("ZADD z", STEP, |number| format!("{0} {0}", start + number)));
    }
    stage.say("ZADD z 100.5 between\r\n");
    for rank in (0..MEMBERS / 2).rev() {
        stage.say(&format!("ZREMRANGEBYRANK z {rank} {rank}\r\n"));
    }
}

fn element_scans(stage: &mut Stage) {
    let fields = |number: usize| format!("f{number} v");
    stage.say(&request("HSET h", 600, fields));
    let cursor = next_cursor(&stage.say("HSCAN h 0\r\n"));
    stage.say(&request("HSET h", 6_000, fields));
    let cursor = next_cursor(&stage.say(&format!("HSCAN h {cursor}\r\n")));
    stage.say(&request("HDEL h", 5_900, |number| format!("f{number}")));
    stage.say(&format!("HSCAN h {cursor}\r\n"));
}

/// The cursor that a scan has answered with.
fn next_cursor(reply: &str) -> String {
    let cursor = reply.split_whitespace().nth(2).expect("the cursor comes first");
    assert_ne!(cursor, "0");
    cursor.to_owned()
}

fn sorting(stage: &mut Stage) {
    stage.say("RPUSH l a b\r\nHSET h:a weight 2 name A\r\nHSET h:b weight 1\r\n");
    let reply = stage.say("SORT l BY h:*->weight GET # GET h:*->name\r\n");
    assert_eq!(reply, "*4 $1 b $-1 $1 a $1 A ");
}

fn waiting(stage: &mut Stage) {
    let feeder = stage.conn;
    let mut waiters = Vec::new();
    let mut wait = |stage: &mut Stage, request: &str| {
        stage.connect();
        assert_eq!(stage.say(request), "");
        waiters.push(stage.conn);
        stage.conn = feeder;
    };
    for request in ["BLPOP k 0\r\n", "BLMOVE k j LEFT LEFT 0\r\n", "BLPOP j 0\r\n", "BZPOPMIN k 0\r\n"] {
        wait(stage, request);
    }
    stage.say("RPUSH k a b\r\n");
    // The first two have it, and one the other's. Who waits for a sorted set sees a list, which is not for them.
    wait(stage, "BLPOP k 0.1\r\n");
    stage.say("MULTI\r\nZADD k 1 a\r\nZREM k a\r\nEXEC\r\nRPUSH k c d\r\nDEL k\r\n");
    wait(stage, "BLPOP k 0.1\r\n");
    stage.pass(100);
    stage.say("CLIENT UNBLOCK 5\r\nMULTI\r\nBLPOP k 0\r\nEXEC\r\n");
    wait(stage, "BLPOP k 0\r\n");
    let gone = *waiters.last().expect("it waits");
    stage.core.handle_closed(stage.now, gone);
}

fn transactions(stage: &mut Stage) {
    let first = stage.conn;
    stage.say("SET k v\r\nWATCH k\r\n");
    stage.connect();
    stage.say("SET k w\r\n");
    stage.conn = first;
    assert!(stage.say("MULTI\r\nPING\r\nEXEC\r\n").ends_with("*-1 "));
    stage.say("SET k v PX 10\r\nWATCH k\r\nMULTI\r\nPING\r\n");
    stage.now.wall.0 += 20_000;
    stage.send(b"EXEC\r\n");
    assert_eq!(stage.read(), "*-1 ");
    assert!(stage.say("MULTI\r\nNOSUCH\r\nEXEC\r\n").contains("-EXECABORT"));
    stage.say("MULTI\r\nPING\r\n");
    stage.core.handle_closed(stage.now, first);
}
