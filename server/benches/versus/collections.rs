//! Collections: the tests redis-benchmark has for them, collections of a million elements in one key, what an element
//! takes in memory, and how long turns get while large ones grow and go.

use crate::contest::{Contest, Contestant};
use crate::footprint::{self, per_store_row, per_store_table, settled_bytes};
use crate::load::{self, Load, Work, tell};
use crate::options::Options;
use crate::report::{Report, Table, with_commas};
use crate::support::client::encode;
use crate::support::server::Server;
use crate::throughput::{record, table, take_turns};
use std::time::{Duration, Instant};

/// Elements the loader sends in one command.
const FILL_COMMAND_ELEMENTS: u64 = 100;

/// Connections of a test whose requests take milliseconds.
const SLOW_CLIENTS: u64 = 2;

/// Pipeline depth of the measurements of large collections.
const LARGE_PIPELINE: u64 = 50;

/// Requests of a transaction besides MULTI and EXEC, and how many transactions are in flight.
const TRANSACTION_COMMANDS: usize = 10;
const TRANSACTION_PIPELINE: u64 = 10;

/// Members of each of the sets that are intersected; half of them are in both.
const INTERSECTED_MEMBERS: u64 = 100_000;

/// Elements of a small collection.
const SMALL_ELEMENTS: u64 = 10;

/// How long a collection that was given up may take to be freed.
const FREEING_DURATION_MAX: Duration = Duration::from_secs(60);

/// How often it is looked whether it is.
const FREEING_LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// One row.
struct Case {
    name: &'static str,
    work: Work,
    /// What is there before each round.
    content: Content,
    /// By how many times fewer requests are enough than of the cheapest commands.
    cost: u64,
    /// `--collection-pipelines` otherwise.
    pipeline: Option<u64>,
}

#[derive(Clone, Copy)]
enum Content {
    Nothing,
    /// As many elements as there will be requests, in redis-benchmark's list.
    ListToPop,
    /// What every LRANGE of redis-benchmark finds.
    ListOfLines,
    OneMember,
}

/// Arguments of a command that add the element of a number.
type Arguments<'a> = &'a dyn Fn(u64) -> Vec<String>;

/// What grows: its name, and the command that adds the element of a number.
type Growing = (&'static str, fn(u64) -> Vec<String>);

fn cases() -> Vec<Case> {
    let case = |name, work, content, cost| Case { name, work, content, cost, pipeline: None };
    let test = |name: &'static str, content| {
        let work = Work::Test(name.to_lowercase());
        case(name, work, content, 1)
    };
    vec![
        test("LPUSH", Content::Nothing),
        test("RPUSH", Content::Nothing),
        test("LPOP", Content::ListToPop),
        test("RPOP", Content::ListToPop),
        test("SADD", Content::Nothing),
        test("SPOP", Content::OneMember),
        test("HSET", Content::Nothing),
        test("ZADD", Content::Nothing),
        test("ZPOPMIN", Content::OneMember),
        case("LRANGE_100", Work::Command("LRANGE mylist 0 99"), Content::ListOfLines, 10),
        case("LRANGE_300", Work::Command("LRANGE mylist 0 299"), Content::ListOfLines, 20),
        case("LRANGE_500", Work::Command("LRANGE mylist 0 499"), Content::ListOfLines, 20),
        case("LRANGE_600", Work::Command("LRANGE mylist 0 599"), Content::ListOfLines, 20),
        Case {
            pipeline: Some(TRANSACTION_PIPELINE),
            ..case("MULTI, 10 SETs, EXEC", transaction(), Content::Nothing, 10)
        },
    ]
}

/// Some commands in a transaction.
fn transaction() -> Work {
    let mut request = Vec::new();
    encode(&["MULTI"], &mut request);
    for number in 0..TRANSACTION_COMMANDS {
        encode(&["SET", &format!("key:{number:012}"), "xxx"], &mut request);
    }
    encode(&["EXEC"], &mut request);
    let all = |line: &str| line.repeat(TRANSACTION_COMMANDS);
    let reply = format!("+OK\r\n{}*{TRANSACTION_COMMANDS}\r\n{}", all("+QUEUED\r\n"), all("+OK\r\n"));
    Work::Prepared { name: "MULTI", request, reply: reply.into_bytes() }
}

impl Content {
    fn put_into(self, server: &Server, requests: u64) -> Result<(), String> {
        tell(server, "FLUSHALL")?;
        let push = |_, out: &mut Vec<u8>| {
            write_many(&["RPUSH", "mylist"], 0..FILL_COMMAND_ELEMENTS, out, &|_| vec!["xxx".into()]);
        };
        match self {
            Content::Nothing => Ok(()),
            Content::ListToPop => {
                load::fill_collections(server, requests.div_ceil(FILL_COMMAND_ELEMENTS), push)
            }
            Content::ListOfLines => load::fill_collections(server, 6, push),
            Content::OneMember => {
                tell(server, "SADD myset element:__rand_int__")?;
                tell(server, "ZADD myzset 0 element:__rand_int__").map(drop)
            }
        }
    }
}

/// redis-benchmark's tests of collections, and transactions.
pub fn small(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let servers = start_stores(contest)?;
    let mut table = table("Collections", &servers);
    for &pipeline in &options.collection_pipelines {
        for case in cases().into_iter().filter(|case| options.includes(case.name)) {
            if case.pipeline.is_some() && pipeline != options.collection_pipelines[0] {
                continue;
            }
            let pipeline = case.pipeline.unwrap_or(pipeline);
            let requests = options.requests.div_ceil(if pipeline == 1 { 4 } else { 1 }).div_ceil(case.cost);
            let load = Load {
                work: case.work,
                pipeline,
                clients: options.clients,
                // Whole batches on every connection, so that all are answered that are asked.
                requests: requests.next_multiple_of(pipeline * options.clients),
                data_bytes: options.data_bytes,
                keyspace: None,
            };
            let prepare = |server: &Server| case.content.put_into(server, load.requests);
            let outcomes = take_turns(contest, &servers, &load, options.rounds, prepare)?;
            record("collections", &format!("P={pipeline} {}", case.name), &outcomes, &mut table, report)?;
        }
    }
    report.table(table);
    Ok(())
}

/// What is asked of large collections: the name of a row, the command, and its cost as in [`Case`]. The collections have
/// all members that are asked for.
const LARGE_CASES: [(&str, &str, u64); 11] = [
    ("ZADD", "ZADD zset __rand_int__ element:__rand_int__", 1),
    ("ZSCORE", "ZSCORE zset element:__rand_int__", 1),
    ("ZRANK", "ZRANK zset element:__rand_int__", 1),
    ("ZRANGE of 10 by score", "ZRANGE zset __rand_int__ +inf BYSCORE LIMIT 0 10", 2),
    ("ZRANGE 0 9", "ZRANGE zset 0 9", 2),
    ("ZRANGE 0 99", "ZRANGE zset 0 99", 10),
    ("ZRANGE 0 99 WITHSCORES", "ZRANGE zset 0 99 WITHSCORES", 10),
    ("SADD", "SADD set element:__rand_int__", 1),
    ("SISMEMBER", "SISMEMBER set element:__rand_int__", 1),
    ("HSET", "HSET hash element:__rand_int__ xxx", 1),
    ("HGET", "HGET hash element:__rand_int__", 1),
];

/// Set algebra over sets of [`INTERSECTED_MEMBERS`].
const ALGEBRA_CASES: [(&str, &str); 4] = [
    ("SINTER of 2 × 100,000", "SINTER left right"),
    ("SINTER of integers", "SINTER left:int right:int"),
    ("SINTERSTORE", "SINTERSTORE result left right"),
    ("SUNION", "SUNION left right"),
];

/// Collections of a million elements, random ones of which are asked for.
pub fn large(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let servers = start_stores(contest)?;
    for (contestant, server) in &servers {
        eprintln!(
            "large: filling {} with {} elements each",
            contestant.name,
            with_commas(options.elements as f64)
        );
        fill_large(server, options.elements)?;
    }
    let title = format!("Collections of {} elements, random ones", with_commas(options.elements as f64));
    let mut rows = table(&title, &servers);
    let load = Load {
        work: Work::Command(""),
        pipeline: LARGE_PIPELINE,
        clients: options.clients,
        requests: options.requests,
        data_bytes: options.data_bytes,
        keyspace: Some(options.elements),
    };
    for (name, command, cost) in LARGE_CASES.into_iter().filter(|case| options.includes(case.0)) {
        let load =
            Load { work: Work::Command(command), requests: options.requests.div_ceil(cost), ..load.clone() };
        let outcomes = take_turns(contest, &servers, &load, options.rounds, |_| Ok(()))?;
        record("large", &format!("P={LARGE_PIPELINE} {name}"), &outcomes, &mut rows, report)?;
    }
    let members = INTERSECTED_MEMBERS.min(options.elements);
    for (_, server) in &servers {
        fill_intersected(server, members)?;
    }
    for (name, command) in ALGEBRA_CASES.into_iter().filter(|case| options.includes(case.0)) {
        let load = Load {
            work: Work::Command(command),
            pipeline: 1,
            clients: SLOW_CLIENTS,
            requests: (options.requests / 10_000).max(10),
            keyspace: None,
            ..load
        };
        let outcomes = take_turns(contest, &servers, &load, options.rounds, |_| Ok(()))?;
        record("large", name, &outcomes, &mut rows, report)?;
    }
    report.table(rows);
    Ok(())
}

/// The names that redis-benchmark chooses from, added in no order. Scores are in another order.
fn fill_large(server: &Server, elements: u64) -> Result<(), String> {
    let shuffled = |number: u64| number * 7_368_737 % elements;
    let element = |number: u64| format!("element:{:012}", shuffled(number));
    let fills: [(&[&str], Arguments<'_>); 3] = [
        (&["ZADD", "zset"], &|number| vec![(number * 611_953 % elements).to_string(), element(number)]),
        (&["SADD", "set"], &|number| vec![element(number)]),
        (&["HSET", "hash"], &|number| vec![element(number), "xxx".into()]),
    ];
    fills.into_iter().try_for_each(|(command, arguments)| fill_one(server, elements, command, arguments))
}

fn fill_intersected(server: &Server, members: u64) -> Result<(), String> {
    for (key, first) in [("left", 0), ("right", members / 2)] {
        let shuffled = move |number: u64| number * 7_368_737 % members + first;
        fill_one(server, members, &["SADD", key], &|number| {
            vec![format!("element:{:012}", shuffled(number))]
        })?;
        fill_one(server, members, &["SADD", &format!("{key}:int")], &|number| {
            vec![shuffled(number).to_string()]
        })?;
    }
    Ok(())
}

/// Adds so many elements to one key, many in each command.
fn fill_one(
    server: &Server,
    elements: u64,
    command: &[&str],
    arguments: Arguments<'_>,
) -> Result<(), String> {
    load::fill_collections(server, elements.div_ceil(FILL_COMMAND_ELEMENTS), |number, out| {
        let first = number * FILL_COMMAND_ELEMENTS;
        write_many(command, first..(first + FILL_COMMAND_ELEMENTS).min(elements), out, arguments);
    })
}

/// Appends one command with the arguments of many elements.
fn write_many(command: &[&str], elements: std::ops::Range<u64>, out: &mut Vec<u8>, arguments: Arguments<'_>) {
    let mut words: Vec<String> = command.iter().map(ToString::to_string).collect();
    elements.for_each(|number| words.extend(arguments(number)));
    encode(&words, out);
}

const MEMORY_CASES: [Growing; 9] = [
    ("large hash", |n| words("HSET h", &[format!("field{n:09}"), format!("value{n:09}")])),
    ("large set", |n| words("SADD s", &[format!("member{n:09}")])),
    ("large set of integers", |n| words("SADD s", &[(n * 31).to_string()])),
    ("large sorted set", |n| words("ZADD z", &[(n * 7919 % 1_000_003).to_string(), format!("member{n:09}")])),
    ("large list", |n| words("RPUSH l", &[format!("member{n:09}")])),
    ("small hashes", |n| {
        let field = format!("field{}", n % SMALL_ELEMENTS);
        words(&format!("HSET h:{:010}", n / SMALL_ELEMENTS), &[field, format!("value{:05}", n % 100_000)])
    }),
    ("small sets", |n| words(&format!("SADD s:{:010}", n / SMALL_ELEMENTS), &[format!("member{n:06}")])),
    ("small sorted sets", |n| {
        words(&format!("ZADD z:{:010}", n / SMALL_ELEMENTS), &[n.to_string(), format!("member{n:06}")])
    }),
    ("small lists", |n| words(&format!("RPUSH l:{:010}", n / SMALL_ELEMENTS), &[format!("member{n:06}")])),
];

fn words(command: &str, arguments: &[String]) -> Vec<String> {
    command.split(' ').map(String::from).chain(arguments.iter().cloned()).collect()
}

/// Resident bytes per element.
pub fn memory(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let elements = options.elements;
    let title = format!("Resident bytes per element, {} elements", with_commas(elements as f64));
    let mut table = per_store_table(contest, &title);
    for (case, command) in MEMORY_CASES.into_iter().filter(|case| options.includes(case.0)) {
        eprintln!("collection memory: {case}");
        let mut per_element = Vec::new();
        for contestant in contest.stores() {
            let server = contest.start(contestant)?;
            let before = settled_bytes(&server, options.settle_looks);
            load::fill_collections(&server, elements, |number, out| encode(&command(number), out))
                .map_err(|reason| format!("{}: {reason}", contestant.name))?;
            let after = settled_bytes(&server, options.settle_looks);
            let bytes = after.saturating_sub(before) as f64 / elements as f64;
            report.figure("collection_memory", case, &contestant.name, "bytes_per_element", bytes)?;
            per_element.push(bytes);
        }
        table.row(per_store_row(case, &per_element));
    }
    report.table(table);
    Ok(())
}

/// Large collections that grow and go.
const TURN_CASES: [Growing; 5] = [
    ("hash", |n| words("HSET large", &[format!("field{n:09}"), format!("value{n:09}")])),
    ("set", |n| words("SADD large", &[format!("member{n:09}")])),
    ("set of integers", |n| words("SADD large", &[(n * 31).to_string()])),
    ("sorted set", |n| words("ZADD large", &[(n * 7919 % 1_000_003).to_string(), format!("member{n:09}")])),
    ("list", |n| words("RPUSH large", &[format!("member{n:09}")])),
];

/// Ways to give a large key up that must not be felt.
const WAYS_TO_GO: [(&str, &str); 3] =
    [("UNLINK", "UNLINK large"), ("overwriting", "SET large small"), ("expiry", "PEXPIRE large 1")];

/// The longest turns of rotom, by its own account, while a collection of so many elements grows and while it is given up.
pub fn turns(elements: u64, contest: &Contest, report: &mut Report) -> Result<(), String> {
    let contestant = &contest.contestants[0];
    let mut header = vec![String::new(), "growth".into()];
    header.extend(WAYS_TO_GO.map(|(name, _)| name.into()));
    let title = format!(
        "Longest turn in ms of {} with {} elements in a key",
        contestant.name,
        with_commas(elements as f64)
    );
    let mut table = Table::new(title, header);
    for (case, command) in TURN_CASES {
        let server = contest.start(contestant)?;
        let mut row = vec![case.to_owned()];
        for (index, (way, request)) in WAYS_TO_GO.into_iter().enumerate() {
            eprintln!("collection turns: {case}, {way}");
            tell(&server, "CONFIG RESETSTAT")?;
            load::fill_collections(&server, elements, |number, out| encode(&command(number), out))?;
            if index == 0 {
                row.push(longest_turn(case, "growth", &server, contestant, report)?);
            }
            tell(&server, "CONFIG RESETSTAT")?;
            tell(&server, request)?;
            wait_until_freed(&server)?;
            row.push(longest_turn(case, way, &server, contestant, report)?);
            tell(&server, "UNLINK large")?;
        }
        table.row(row);
    }
    report.table(table);
    Ok(())
}

/// Waits until the collection is gone and nothing is left of it to be freed, by what the server says.
fn wait_until_freed(server: &Server) -> Result<(), String> {
    let deadline = Instant::now() + FREEING_DURATION_MAX;
    while Instant::now() < deadline {
        std::thread::sleep(FREEING_LOOK_INTERVAL);
        let info = tell(server, "INFO memory")?.text();
        let pending = info.lines().find_map(|line| line.trim_end().strip_prefix("lazyfree_pending_objects:"));
        if pending == Some("0") && matches!(tell(server, "TYPE large")?.text().as_str(), "none" | "string") {
            return Ok(());
        }
    }
    Err("what was given up is not freed".into())
}

fn longest_turn(
    case: &str,
    way: &'static str,
    server: &Server,
    contestant: &Contestant,
    report: &mut Report,
) -> Result<String, String> {
    let longest_us = footprint::turns(server)?.longest_us.ok_or("INFO has no longest turn")?;
    let longest_ms = longest_us as f64 / 1000.0;
    report.figure(
        "collection_turns",
        &format!("{case}, {way}"),
        &contestant.name,
        "longest_turn_ms",
        longest_ms,
    )?;
    Ok(format!("{longest_ms:.2}"))
}

fn start_stores(contest: &Contest) -> Result<Vec<(Contestant, Server)>, String> {
    contest.stores().map(|contestant| Ok((contestant.clone(), contest.start(contestant)?))).collect()
}
