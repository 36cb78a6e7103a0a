//! The commands: their arity, what they may do, where their keys stand.

use super::answer::{Out, Refusal};
use super::call::Call;
use super::{
    Model, call, command, config, connection, debug, dump, element_scan, expiry, generic, hash, info, kill,
    lcs, list, list_blocking, scan, server, set, set_algebra, sort, spop, string, transaction, zset,
    zset_algebra, zset_pop, zset_range,
};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Runs a command. An error is its whole reply.
pub(super) type Run = fn(&mut Model, &Call, &mut Out) -> Result<(), Refusal>;

/// One command, or subcommand.
#[derive(Debug)]
pub(super) struct Row {
    /// In small letters; `container|subcommand` for subcommands.
    pub name: &'static str,
    /// How many words a request has, its name included; at least so many, if negative.
    pub arity: i64,
    pub kind: Kind,
    /// The first key, the last (counted from the end if negative), and the distance between two.
    pub keys: (usize, i64, usize),
    /// For each group of keys what is done with them, as COMMAND GETKEYSANDFLAGS says it.
    pub access: &'static [&'static str],
    pub run: Run,
}

/// What matters before a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// It may change data.
    Write,
    /// Strangers may call it.
    NoAuth,
}

const PLAIN: Kind = Kind::Plain;
const WRITE: Kind = Kind::Write;
const NO_AUTH: Kind = Kind::NoAuth;

impl Row {
    /// Whether a request may have so many words.
    pub fn takes(&self, words: usize) -> bool {
        let words = i64::try_from(words).unwrap_or(i64::MAX);
        if self.arity < 0 { words >= -self.arity } else { words == self.arity }
    }
}

/// Whether a command has subcommands.
pub(super) fn has_subcommands(name: &str) -> bool {
    ["client", "command", "config", "object"].contains(&name)
}

/// Where a command says how many keys follow, and what it does with them.
pub(super) fn counted_keys(name: &str) -> Option<(usize, &'static str)> {
    match name {
        "lmpop" | "zmpop" => Some((1, "RW access delete")),
        "blmpop" | "bzmpop" => Some((2, "RW access delete")),
        "zunionstore" | "zinterstore" | "zdiffstore" => Some((2, "RO access")),
        "sintercard" | "zunion" | "zinter" | "zintercard" | "zdiff" => Some((1, "RO access")),
        _ => None,
    }
}

static BY_NAME: LazyLock<BTreeMap<&'static [u8], &'static Row>> =
    LazyLock::new(|| ROWS.iter().map(|row| (row.name.as_bytes(), row)).collect());

/// The command a request asks for.
pub(super) fn find(words: &[Vec<u8>]) -> Option<&'static Row> {
    let mut name = words.first()?.to_ascii_lowercase();
    // The bar separates a name of the model's own; nobody can say it.
    if name.contains(&b'|') {
        return None;
    }
    let row = BY_NAME.get(name.as_slice())?;
    match words.get(1) {
        Some(subcommand) if has_subcommands(row.name) => {
            name.push(b'|');
            name.extend(subcommand.to_ascii_lowercase());
            BY_NAME.get(name.as_slice()).copied()
        }
        _ => Some(row),
    }
}

/// A command by its full name, as COMMAND INFO takes it.
pub(super) fn by_full_name(name: &[u8]) -> Option<&'static Row> {
    BY_NAME.get(name.to_ascii_lowercase().as_slice()).copied()
}

const fn row(
    name: &'static str,
    arity: i64,
    kind: Kind,
    keys: (usize, i64, usize),
    access: &'static [&'static str],
    run: Run,
) -> Row {
    Row { name, arity, kind, keys, access, run }
}

/// All of them, in order.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("append", 3, WRITE, (1, 1, 1), &["RW insert"], string::append),
    row("auth", -2, NO_AUTH, (0, 0, 0), &[], connection::auth),
    row("bgrewriteaof", 1, PLAIN, (0, 0, 0), &[], server::bgrewriteaof),
    row("bgsave", -1, PLAIN, (0, 0, 0), &[], server::bgsave),
    row("blmove", 6, WRITE, (1, 2, 1), &["RW access delete", "RW insert"], list_blocking::blmove),
    row("blmpop", -5, WRITE, (0, 0, 0), &[], list_blocking::blmpop),
    row("blpop", -3, WRITE, (1, -2, 1), &["RW access delete"], list_blocking::pop),
    row("brpop", -3, WRITE, (1, -2, 1), &["RW access delete"], list_blocking::pop),
    row("brpoplpush", 4, WRITE, (1, 2, 1), &["RW access delete", "RW insert"], list_blocking::brpoplpush),
    row("bzmpop", -5, WRITE, (0, 0, 0), &[], zset_pop::bzmpop),
    row("bzpopmax", -3, WRITE, (1, -2, 1), &["RW access delete"], zset_pop::bzpop),
    row("bzpopmin", -3, WRITE, (1, -2, 1), &["RW access delete"], zset_pop::bzpop),
    row("client", -2, PLAIN, (0, 0, 0), &[], call::container),
    row("client|getname", 2, PLAIN, (0, 0, 0), &[], connection::client_getname),
    row("client|getredir", 2, PLAIN, (0, 0, 0), &[], connection::client_getredir),
    row("client|help", 2, PLAIN, (0, 0, 0), &[], call::help),
    row("client|id", 2, PLAIN, (0, 0, 0), &[], connection::client_id),
    row("client|info", 2, PLAIN, (0, 0, 0), &[], info::client_info),
    row("client|kill", -3, PLAIN, (0, 0, 0), &[], kill::kill),
    row("client|list", -2, PLAIN, (0, 0, 0), &[], info::client_list),
    row("client|no-evict", 3, PLAIN, (0, 0, 0), &[], connection::client_no_evict),
    row("client|no-touch", 3, PLAIN, (0, 0, 0), &[], connection::client_no_touch),
    row("client|pause", -3, PLAIN, (0, 0, 0), &[], connection::client_pause),
    row("client|reply", 3, PLAIN, (0, 0, 0), &[], connection::client_reply),
    row("client|setinfo", 4, PLAIN, (0, 0, 0), &[], connection::client_setinfo),
    row("client|setname", 3, PLAIN, (0, 0, 0), &[], connection::client_setname),
    row("client|unblock", -3, PLAIN, (0, 0, 0), &[], connection::client_unblock),
    row("client|unpause", 2, PLAIN, (0, 0, 0), &[], connection::client_unpause),
    row("command", -1, PLAIN, (0, 0, 0), &[], command::all),
    row("command|count", 2, PLAIN, (0, 0, 0), &[], command::command_count),
    row("command|docs", -2, PLAIN, (0, 0, 0), &[], command::command_docs),
    row("command|getkeys", -3, PLAIN, (0, 0, 0), &[], command::command_getkeys),
    row("command|getkeysandflags", -3, PLAIN, (0, 0, 0), &[], command::command_getkeysandflags),
    row("command|help", 2, PLAIN, (0, 0, 0), &[], call::help),
    row("command|info", -2, PLAIN, (0, 0, 0), &[], command::command_info),
    row("command|list", -2, PLAIN, (0, 0, 0), &[], command::command_list),
    row("config", -2, PLAIN, (0, 0, 0), &[], call::container),
    row("config|get", -3, PLAIN, (0, 0, 0), &[], config::config_get),
    row("config|help", 2, PLAIN, (0, 0, 0), &[], call::help),
    row("config|resetstat", 2, PLAIN, (0, 0, 0), &[], config::config_resetstat),
    row("config|rewrite", 2, PLAIN, (0, 0, 0), &[], config::config_rewrite),
    row("config|set", -4, PLAIN, (0, 0, 0), &[], config::config_set),
    row("copy", -3, WRITE, (1, 2, 1), &["RO access", "OW update"], generic::copy),
    row("dbsize", 1, PLAIN, (0, 0, 0), &[], server::dbsize),
    row("debug", -2, PLAIN, (0, 0, 0), &[], debug::debug),
    row("decr", 2, WRITE, (1, 1, 1), &["RW access update"], string::decr),
    row("decrby", 3, WRITE, (1, 1, 1), &["RW access update"], string::decrby),
    row("del", -2, WRITE, (1, -1, 1), &["RM delete"], generic::del),
    row("discard", 1, PLAIN, (0, 0, 0), &[], transaction::discard),
    row("dump", 2, PLAIN, (1, 1, 1), &["RO access"], dump::dump),
    row("echo", 2, PLAIN, (0, 0, 0), &[], connection::echo),
    row("exec", 1, PLAIN, (0, 0, 0), &[], transaction::exec),
    row("exists", -2, PLAIN, (1, -1, 1), &["RO"], generic::exists),
    row("expire", -3, WRITE, (1, 1, 1), &["RW update"], expiry::expire),
    row("expireat", -3, WRITE, (1, 1, 1), &["RW update"], expiry::expireat),
    row("expiretime", 2, PLAIN, (1, 1, 1), &["RO access"], expiry::expiretime),
    row("flushall", -1, WRITE, (0, 0, 0), &[], server::flushall),
    row("flushdb", -1, WRITE, (0, 0, 0), &[], server::flushdb),
    row("get", 2, PLAIN, (1, 1, 1), &["RO access"], string::get),
    row("getdel", 2, WRITE, (1, 1, 1), &["RW access delete"], string::getdel),
    row("getex", -2, WRITE, (1, 1, 1), &["RW access update"], string::getex),
    row("getrange", 4, PLAIN, (1, 1, 1), &["RO access"], string::getrange),
    row("getset", 3, WRITE, (1, 1, 1), &["RW access update"], string::getset),
    row("hdel", -3, WRITE, (1, 1, 1), &["RW delete"], hash::hdel),
    row("hello", -1, NO_AUTH, (0, 0, 0), &[], connection::hello),
    row("hexists", 3, PLAIN, (1, 1, 1), &["RO"], hash::hexists),
    row("hget", 3, PLAIN, (1, 1, 1), &["RO access"], hash::hget),
    row("hgetall", 2, PLAIN, (1, 1, 1), &["RO access"], hash::hgetall),
    row("hincrby", 4, WRITE, (1, 1, 1), &["RW access update"], hash::hincrby),
    row("hincrbyfloat", 4, WRITE, (1, 1, 1), &["RW access update"], hash::hincrbyfloat),
    row("hkeys", 2, PLAIN, (1, 1, 1), &["RO access"], hash::hkeys),
    row("hlen", 2, PLAIN, (1, 1, 1), &["RO"], hash::hlen),
    row("hmget", -3, PLAIN, (1, 1, 1), &["RO access"], hash::hmget),
    row("hmset", -4, WRITE, (1, 1, 1), &["RW update"], hash::hmset),
    row("hrandfield", -2, PLAIN, (1, 1, 1), &["RO access"], hash::hrandfield),
    row("hscan", -3, PLAIN, (1, 1, 1), &["RO access"], element_scan::scan),
    row("hset", -4, WRITE, (1, 1, 1), &["RW update"], hash::hset),
    row("hsetnx", 4, WRITE, (1, 1, 1), &["RW insert"], hash::hsetnx),
    row("hstrlen", 3, PLAIN, (1, 1, 1), &["RO"], hash::hstrlen),
    row("hvals", 2, PLAIN, (1, 1, 1), &["RO access"], hash::hvals),
    row("incr", 2, WRITE, (1, 1, 1), &["RW access update"], string::incr),
    row("incrby", 3, WRITE, (1, 1, 1), &["RW access update"], string::incrby),
    row("incrbyfloat", 3, WRITE, (1, 1, 1), &["RW access update"], string::incrbyfloat),
    row("info", -1, PLAIN, (0, 0, 0), &[], info::info),
    row("keys", 2, PLAIN, (0, 0, 0), &[], generic::keys),
    row("lastsave", 1, PLAIN, (0, 0, 0), &[], server::lastsave),
    row("lcs", -3, PLAIN, (1, 2, 1), &["RO access"], lcs::lcs),
    row("lindex", 3, PLAIN, (1, 1, 1), &["RO access"], list::lindex),
    row("linsert", 5, WRITE, (1, 1, 1), &["RW insert"], list::linsert),
    row("llen", 2, PLAIN, (1, 1, 1), &["RO"], list::llen),
    row("lmove", 5, WRITE, (1, 2, 1), &["RW access delete", "RW insert"], list::lmove),
    row("lmpop", -4, WRITE, (0, 0, 0), &[], list::lmpop),
    row("lpop", -2, WRITE, (1, 1, 1), &["RW access delete"], list::pop),
    row("lpos", -3, PLAIN, (1, 1, 1), &["RO access"], list::lpos),
    row("lpush", -3, WRITE, (1, 1, 1), &["RW insert"], list::push_all),
    row("lpushx", -3, WRITE, (1, 1, 1), &["RW insert"], list::push_if_there),
    row("lrange", 4, PLAIN, (1, 1, 1), &["RO access"], list::lrange),
    row("lrem", 4, WRITE, (1, 1, 1), &["RW delete"], list::lrem),
    row("lset", 4, WRITE, (1, 1, 1), &["RW update"], list::lset),
    row("ltrim", 4, WRITE, (1, 1, 1), &["RW delete"], list::ltrim),
    row("mget", -2, PLAIN, (1, -1, 1), &["RO access"], string::mget),
    row("move", 3, WRITE, (1, 1, 1), &["RW access update"], generic::move_key),
    row("mset", -3, WRITE, (1, -1, 2), &["OW update"], string::mset),
    row("msetnx", -3, WRITE, (1, -1, 2), &["OW insert"], string::msetnx),
    row("multi", 1, PLAIN, (0, 0, 0), &[], transaction::multi),
    row("object", -2, PLAIN, (0, 0, 0), &[], call::container),
    row("object|encoding", 3, PLAIN, (2, 2, 1), &["RO"], generic::object_encoding),
    row("object|freq", 3, PLAIN, (2, 2, 1), &["RO"], generic::object_freq),
    row("object|help", 2, PLAIN, (0, 0, 0), &[], call::help),
    row("object|idletime", 3, PLAIN, (2, 2, 1), &["RO"], generic::object_idletime),
    row("object|refcount", 3, PLAIN, (2, 2, 1), &["RO"], generic::object_refcount),
    row("persist", 2, WRITE, (1, 1, 1), &["RW update"], expiry::persist),
    row("pexpire", -3, WRITE, (1, 1, 1), &["RW update"], expiry::pexpire),
    row("pexpireat", -3, WRITE, (1, 1, 1), &["RW update"], expiry::pexpireat),
    row("pexpiretime", 2, PLAIN, (1, 1, 1), &["RO access"], expiry::pexpiretime),
    row("ping", -1, PLAIN, (0, 0, 0), &[], connection::ping),
    row("psetex", 4, WRITE, (1, 1, 1), &["OW update"], string::psetex),
    row("pttl", 2, PLAIN, (1, 1, 1), &["RO access"], expiry::pttl),
    row("quit", -1, NO_AUTH, (0, 0, 0), &[], connection::quit),
    row("randomkey", 1, PLAIN, (0, 0, 0), &[], generic::randomkey),
    row("rename", 3, WRITE, (1, 2, 1), &["RW access delete", "OW update"], generic::rename),
    row("renamenx", 3, WRITE, (1, 2, 1), &["RW access delete", "OW insert"], generic::renamenx),
    row("restore", -4, WRITE, (1, 1, 1), &["OW update"], dump::restore),
    row("reset", 1, NO_AUTH, (0, 0, 0), &[], connection::reset),
    row("rpop", -2, WRITE, (1, 1, 1), &["RW access delete"], list::pop),
    row("rpoplpush", 3, WRITE, (1, 2, 1), &["RW access delete", "RW insert"], list::rpoplpush),
    row("rpush", -3, WRITE, (1, 1, 1), &["RW insert"], list::push_all),
    row("rpushx", -3, WRITE, (1, 1, 1), &["RW insert"], list::push_if_there),
    row("sadd", -3, WRITE, (1, 1, 1), &["RW insert"], set::sadd),
    row("save", 1, PLAIN, (0, 0, 0), &[], server::save),
    row("scan", -2, PLAIN, (0, 0, 0), &[], scan::scan),
    row("scard", 2, PLAIN, (1, 1, 1), &["RO"], set::scard),
    row("sdiff", -2, PLAIN, (1, -1, 1), &["RO access"], set_algebra::sdiff),
    row("sdiffstore", -3, WRITE, (1, -1, 1), &["OW update", "RO access"], set_algebra::sdiffstore),
    row("select", 2, PLAIN, (0, 0, 0), &[], connection::select),
    row("set", -3, WRITE, (1, 1, 1), &["RW access update"], string::set),
    row("setex", 4, WRITE, (1, 1, 1), &["OW update"], string::setex),
    row("setnx", 3, WRITE, (1, 1, 1), &["OW insert"], string::setnx),
    row("setrange", 4, WRITE, (1, 1, 1), &["RW update"], string::setrange),
    row("shutdown", -1, PLAIN, (0, 0, 0), &[], server::shutdown),
    row("sinter", -2, PLAIN, (1, -1, 1), &["RO access"], set_algebra::sinter),
    row("sintercard", -3, PLAIN, (0, 0, 0), &[], set_algebra::sintercard),
    row("sinterstore", -3, WRITE, (1, -1, 1), &["RW update", "RO access"], set_algebra::sinterstore),
    row("sismember", 3, PLAIN, (1, 1, 1), &["RO"], set::sismember),
    row("smembers", 2, PLAIN, (1, 1, 1), &["RO access"], set::smembers),
    row("smismember", -3, PLAIN, (1, 1, 1), &["RO access"], set::smismember),
    row("smove", 4, WRITE, (1, 2, 1), &["RW access delete", "RW insert"], set::smove),
    row("sort", -2, WRITE, (1, 1, 1), &["RO access"], sort::sort),
    row("sort_ro", -2, PLAIN, (1, 1, 1), &["RO access"], sort::sort_ro),
    row("spop", -2, WRITE, (1, 1, 1), &["RW access delete"], spop::spop),
    row("srandmember", -2, PLAIN, (1, 1, 1), &["RO access"], set::srandmember),
    row("srem", -3, WRITE, (1, 1, 1), &["RW delete"], set::srem),
    row("sscan", -3, PLAIN, (1, 1, 1), &["RO access"], element_scan::scan),
    row("strlen", 2, PLAIN, (1, 1, 1), &["RO"], string::strlen),
    row("substr", 4, PLAIN, (1, 1, 1), &["RO access"], string::getrange),
    row("sunion", -2, PLAIN, (1, -1, 1), &["RO access"], set_algebra::sunion),
    row("sunionstore", -3, WRITE, (1, -1, 1), &["OW update", "RO access"], set_algebra::sunionstore),
    row("swapdb", 3, WRITE, (0, 0, 0), &[], server::swapdb),
    row("time", 1, PLAIN, (0, 0, 0), &[], server::time),
    row("touch", -2, PLAIN, (1, -1, 1), &["RO"], generic::touch),
    row("ttl", 2, PLAIN, (1, 1, 1), &["RO access"], expiry::ttl),
    row("type", 2, PLAIN, (1, 1, 1), &["RO"], generic::type_of),
    row("unlink", -2, WRITE, (1, -1, 1), &["RM delete"], generic::del),
    row("unwatch", 1, PLAIN, (0, 0, 0), &[], transaction::unwatch),
    row("watch", -2, PLAIN, (1, -1, 1), &["RO"], transaction::watch),
    row("zadd", -4, WRITE, (1, 1, 1), &["RW update"], zset::zadd),
    row("zcard", 2, PLAIN, (1, 1, 1), &["RO"], zset::zcard),
    row("zcount", 4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zcount),
    row("zdiff", -3, PLAIN, (0, 0, 0), &[], zset_algebra::zdiff),
    row("zdiffstore", -4, WRITE, (1, 1, 1), &["OW update", "RO access"], zset_algebra::zdiffstore),
    row("zincrby", 4, WRITE, (1, 1, 1), &["RW access update"], zset::zincrby),
    row("zinter", -3, PLAIN, (0, 0, 0), &[], zset_algebra::zinter),
    row("zintercard", -3, PLAIN, (0, 0, 0), &[], zset_algebra::zintercard),
    row("zinterstore", -4, WRITE, (1, 1, 1), &["OW update", "RO access"], zset_algebra::zinterstore),
    row("zlexcount", 4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zlexcount),
    row("zmpop", -4, WRITE, (0, 0, 0), &[], zset_pop::zmpop),
    row("zmscore", -3, PLAIN, (1, 1, 1), &["RO access"], zset::zmscore),
    row("zpopmax", -2, WRITE, (1, 1, 1), &["RW access delete"], zset_pop::pop),
    row("zpopmin", -2, WRITE, (1, 1, 1), &["RW access delete"], zset_pop::pop),
    row("zrandmember", -2, PLAIN, (1, 1, 1), &["RO access"], zset::zrandmember),
    row("zrange", -4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zrange),
    row("zrangebylex", -4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zrangebylex),
    row("zrangebyscore", -4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zrangebyscore),
    row("zrangestore", -5, WRITE, (1, 2, 1), &["OW update", "RO access"], zset_range::zrangestore),
    row("zrank", -3, PLAIN, (1, 1, 1), &["RO access"], zset::zrank),
    row("zrem", -3, WRITE, (1, 1, 1), &["RW delete"], zset::zrem),
    row("zremrangebylex", 4, WRITE, (1, 1, 1), &["RW delete"], zset_range::zremrangebylex),
    row("zremrangebyrank", 4, WRITE, (1, 1, 1), &["RW delete"], zset_range::zremrangebyrank),
    row("zremrangebyscore", 4, WRITE, (1, 1, 1), &["RW delete"], zset_range::zremrangebyscore),
    row("zrevrange", -4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zrevrange),
    row("zrevrangebylex", -4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zrevrangebylex),
    row("zrevrangebyscore", -4, PLAIN, (1, 1, 1), &["RO access"], zset_range::zrevrangebyscore),
    row("zrevrank", -3, PLAIN, (1, 1, 1), &["RO access"], zset::zrevrank),
    row("zscan", -3, PLAIN, (1, 1, 1), &["RO access"], element_scan::scan),
    row("zscore", 3, PLAIN, (1, 1, 1), &["RO access"], zset::zscore),
    row("zunion", -3, PLAIN, (0, 0, 0), &[], zset_algebra::zunion),
    row("zunionstore", -4, WRITE, (1, 1, 1), &["OW update", "RO access"], zset_algebra::zunionstore),
];
