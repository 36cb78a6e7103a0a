//! `INFO`: the state of the server, in Redis 7.2's sections and under its names, and a section of rotom's own,
//! `turns`. What this version does not have yet is reported as the nothing it is.

use crate::client::Client;
use crate::commands::connection::REDIS_VERSION;
use crate::config::Config;
use crate::context::{CommandResult, Context};
use crate::keyspace::{Database, EntryRef};
use crate::propagation::Propagate;
use crate::session::State;
use crate::stats::TURN_BOUNDS_US;
use crate::time::Monotonic;
use std::fmt::Write;

/// What a section appends to the text. Writing to a string cannot fail.
type Section = fn(&mut String, &Context<'_>);

/// Sections in the order they are shown, and whether they are shown when none is named.
const SECTIONS: [(&str, bool, Section); 14] = [
    ("server", true, server),
    ("clients", true, clients),
    ("memory", true, memory),
    ("persistence", true, persistence),
    ("stats", true, stats),
    ("replication", true, replication),
    ("cpu", true, cpu),
    ("turns", true, turns),
    ("modules", true, modules),
    ("commandstats", false, command_stats),
    ("errorstats", true, error_stats),
    ("latencystats", false, latency_stats),
    ("cluster", true, cluster),
    ("keyspace", true, keyspace),
];

/// Entries of a database whose times to live are looked at for `avg_ttl`.
const TTL_SAMPLES_MAX: usize = 200;

/// `INFO [section …]` — O(N) in the number of connections and of segments of the keyspace.
pub(super) fn info(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let wants = |name: &str| args.from(1).any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let wants_default = args.len() == 1 || wants("default");
    let wants_all = wants("all") || wants("everything");
    let mut text = String::new();
    for (name, is_default, section) in SECTIONS {
        // The section's name within Redis works, too.
        let is_alias_wanted = name == "modules" && wants("module_list");
        if wants_all || is_alias_wanted || wants_default && is_default || wants(name) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            section(&mut text, ctx);
        }
    }
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(Propagate::Nothing)
}

/// Writes further lines of a section.
macro_rules! more_fields {
    ($text:expr, $($name:literal: $value:expr),* $(,)?) => {
        $(let _ = write!($text, concat!($name, ":{}\r\n"), $value);)*
    };
}

macro_rules! fields {
    ($text:expr, $title:literal, $($name:literal: $value:expr),* $(,)?) => {
        $text.push_str(concat!("# ", $title, "\r\n"));
        more_fields!($text, $($name: $value),*);
    };
}

fn server(text: &mut String, ctx: &Context<'_>) {
    let server = &*ctx.server;
    let uptime = server.now.monotonic.since_us(server.started.monotonic) / 1_000_000;
    fields!(text, "Server",
        "redis_version": REDIS_VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0",
        "redis_mode": "standalone",
        "rotom_version": env!("CARGO_PKG_VERSION"),
        "os": server.host.os,
        "arch_bits": 64,
        "monotonic_clock": "POSIX clock_gettime",
        "multiplexing_api": "epoll",
        "atomicvar_api": "none",
        "gcc_version": "0.0.0",
        "process_id": server.host.pid,
        "process_supervised": server.config.supervised,
        "run_id": server.run_id,
        "tcp_port": server.config.port,
        "server_time_usec": server.now.wall.0,
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime / 86_400,
        "hz": server.config.hz,
        "configured_hz": server.config.hz,
        "lru_clock": server.now.wall.seconds() & 0x00ff_ffff,
        "executable": server.host.executable,
        "config_file": server.host.config_file,
        "io_threads_active": 0,
    );
    listeners(text, &server.config);
}

/// A line for each way to connect: 7.2's form, numbered by the kind of socket.
fn listeners(text: &mut String, config: &Config) {
    if config.port != 0 {
        text.push_str("listener0:name=tcp");
        config.bind.iter().for_each(|address| {
            let _ = write!(text, ",bind={address}");
        });
        let _ = write!(text, ",port={}\r\n", config.port);
    }
    if !config.unixsocket.is_empty() {
        let _ = write!(text, "listener1:name=unix,bind={}\r\n", config.unixsocket);
    }
}

fn clients(text: &mut String, ctx: &Context<'_>) {
    let clients = &ctx.server.clients;
    let blocked = |client: &&Client| {
        matches!(client.session.state, State::Postponed | State::Blocked | State::WaitingForDisk)
    };
    fields!(text, "Clients",
        "connected_clients": clients.len(),
        "cluster_connections": 0,
        "maxclients": ctx.server.config.maxclients,
        "client_recent_max_input_buffer": clients.iter().map(|client| client.input.len()).max().unwrap_or(0),
        "client_recent_max_output_buffer": clients.iter().map(|client| client.reply.len()).max().unwrap_or(0),
        "blocked_clients": clients.iter().filter(blocked).count(),
        "tracking_clients": 0,
        "clients_in_timeout_table": 0,
        "total_blocking_keys": 0,
        "total_blocking_keys_on_nokey": 0,
    );
}

/// The allocator's figures are the driver's last sample. What is neither the process' start, nor tables, nor clients'
/// buffers counts as data.
fn memory(text: &mut String, ctx: &Context<'_>) {
    let server = &*ctx.server;
    let host = &server.host_stats;
    let dataset = &*ctx.keys.dataset;
    let (used, peak, startup) =
        (host.allocated_bytes, server.peak_allocated_bytes, server.startup_allocated_bytes);
    let tables =
        (0..dataset.database_count()).map(|index| dataset.database(index).bytes_of_table()).sum::<usize>();
    let of_clients = server.clients.iter().map(Client::allocated_bytes).sum::<usize>();
    let overhead = (startup + tables as u64 + of_clients as u64).min(used);
    let data = used - overhead;
    let percent = |part: u64, whole: u64| format!("{:.2}%", ratio(part, whole) * 100.0);
    fields!(text, "Memory",
        "used_memory": used,
        "used_memory_human": human(used),
        "used_memory_rss": host.rss_bytes,
        "used_memory_rss_human": human(host.rss_bytes),
        "used_memory_peak": peak,
        "used_memory_peak_human": human(peak),
        "used_memory_peak_perc": percent(used, peak),
        "used_memory_overhead": overhead,
        "used_memory_startup": startup,
        "used_memory_dataset": data,
        "used_memory_dataset_perc": percent(data, used.saturating_sub(startup)),
        "allocator_allocated": host.allocated_bytes,
        "allocator_active": host.active_bytes,
        "allocator_resident": host.resident_bytes,
        "total_system_memory": server.host.memory_bytes,
        "total_system_memory_human": human(server.host.memory_bytes),
        "used_memory_lua": 0,
        "used_memory_vm_eval": 0,
        "used_memory_lua_human": "0B",
        "used_memory_scripts_eval": 0,
        "number_of_cached_scripts": 0,
        "number_of_functions": 0,
        "number_of_libraries": 0,
        "used_memory_vm_functions": 0,
        "used_memory_vm_total": 0,
        "used_memory_vm_total_human": "0B",
        "used_memory_functions": 0,
        "used_memory_scripts": 0,
        "used_memory_scripts_human": "0B",
        "maxmemory": 0,
        "maxmemory_human": "0B",
        "maxmemory_policy": server.config.value("maxmemory-policy").unwrap_or(""),
        "allocator_frag_ratio": two_places(ratio(host.active_bytes, used)),
        "allocator_frag_bytes": difference(host.active_bytes, used),
        "allocator_rss_ratio": two_places(ratio(host.resident_bytes, host.active_bytes)),
        "allocator_rss_bytes": difference(host.resident_bytes, host.active_bytes),
        "rss_overhead_ratio": two_places(ratio(host.rss_bytes, host.resident_bytes)),
        "rss_overhead_bytes": difference(host.rss_bytes, host.resident_bytes),
        "mem_fragmentation_ratio": two_places(ratio(host.rss_bytes, used)),
        "mem_fragmentation_bytes": difference(host.rss_bytes, used),
        "mem_not_counted_for_evict": 0,
        "mem_replication_backlog": 0,
        "mem_total_replication_buffers": 0,
        "mem_clients_slaves": 0,
        "mem_clients_normal": of_clients,
        "mem_cluster_links": 0,
        "mem_aof_buffer": 0,
        "mem_allocator": "jemalloc-5.3.0",
        "active_defrag_running": 0,
        "lazyfree_pending_objects": dataset.lazyfree_pending(),
        "lazyfreed_objects": dataset.stats.lazyfreed_objects,
    );
}

fn persistence(text: &mut String, ctx: &Context<'_>) {
    let server = &*ctx.server;
    let seen = &server.durability;
    let (log, save) = (&seen.log, &seen.save);
    let status = |is_ok: bool| if is_ok { "ok" } else { "err" };
    let seconds_since = |since: Option<Monotonic>| {
        since.map_or(-1, |since| (server.now.monotonic.since_us(since) / 1_000_000) as i64)
    };
    let (keys_processed, keys_total) = log.snapshot_keys.unwrap_or_default();
    let percent = ratio(100 * keys_processed as u64, keys_total as u64);
    fields!(text, "Persistence",
        "loading": u8::from(seen.loading.is_some()),
        "async_loading": 0,
        "current_cow_peak": 0,
        "current_cow_size": 0,
        "current_cow_size_age": 0,
        "current_fork_perc": two_places(if keys_total == 0 { 0.0 } else { percent }),
        "current_save_keys_processed": keys_processed,
        "current_save_keys_total": keys_total,
        "rdb_changes_since_last_save": ctx.keys.dataset.stats.changes,
        "rdb_bgsave_in_progress": u8::from(save.since.is_some()),
        "rdb_last_save_time": save.last_at,
        "rdb_last_bgsave_status": status(save.last_is_ok),
        "rdb_last_bgsave_time_sec": save.last_seconds.map_or(-1, |seconds| seconds as i64),
        "rdb_current_bgsave_time_sec": seconds_since(save.since),
        "rdb_saves": save.count,
        "rdb_last_cow_size": 0,
        "rdb_last_load_keys_expired": save.loaded_keys.1,
        "rdb_last_load_keys_loaded": save.loaded_keys.0,
        "aof_enabled": u8::from(log.is_on),
        "aof_rewrite_in_progress": u8::from(log.rewrite_since.is_some()),
        "aof_rewrite_scheduled": u8::from(log.is_rewrite_scheduled),
        "aof_last_rewrite_time_sec": log.last_rewrite_seconds.map_or(-1, |seconds| seconds as i64),
        "aof_current_rewrite_time_sec": seconds_since(log.rewrite_since),
        "aof_last_bgrewrite_status": status(log.last_rewrite_is_ok),
        "aof_rewrites": log.rewrites,
        "aof_rewrites_consecutive_failures": log.rewrite_failures,
        "aof_last_write_status": status(log.last_write_is_ok),
        "aof_last_cow_size": 0,
        "module_fork_in_progress": 0,
        "module_fork_last_cow_size": 0,
    );
    if log.is_on {
        more_fields!(text,
            "aof_current_size": log.current_bytes,
            "aof_base_size": log.base_bytes,
            "aof_pending_rewrite": 0,
            "aof_buffer_length": log.buffer_bytes,
            "aof_pending_bio_fsync": u8::from(log.is_syncing),
            "aof_delayed_fsync": log.delayed,
            "aof_last_load_cut_bytes": log.cut_bytes,
        );
    }
    if let Some(loading) = seen.loading {
        let percent = 100.0 * ratio(loading.loaded_bytes, loading.total_bytes);
        let seconds = server.now.monotonic.since_us(loading.started) / 1_000_000;
        let left = loading.total_bytes.saturating_sub(loading.loaded_bytes);
        more_fields!(text,
            "loading_start_time": loading.started_at,
            "loading_total_bytes": loading.total_bytes,
            "loading_rdb_used_mem": 0,
            "loading_loaded_bytes": loading.loaded_bytes,
            "loading_loaded_perc": two_places(percent),
            "loading_eta_seconds": (seconds * left).checked_div(loading.loaded_bytes).unwrap_or(1),
        );
    }
}

fn stats(text: &mut String, ctx: &Context<'_>) {
    let stats = &ctx.server.stats;
    let data = &ctx.keys.dataset.stats;
    let kbps = |per_second: u64| two_places(per_second as f64 / 1024.0);
    fields!(text, "Stats",
        "total_connections_received": stats.connections_received,
        "total_commands_processed": stats.commands_processed,
        "instantaneous_ops_per_sec": stats.commands_rate.per_second(),
        "total_net_input_bytes": stats.input_bytes,
        "total_net_output_bytes": stats.output_bytes,
        "total_net_repl_input_bytes": 0,
        "total_net_repl_output_bytes": 0,
        "instantaneous_input_kbps": kbps(stats.input_rate.per_second()),
        "instantaneous_output_kbps": kbps(stats.output_rate.per_second()),
        "instantaneous_input_repl_kbps": "0.00",
        "instantaneous_output_repl_kbps": "0.00",
        "rejected_connections": stats.connections_rejected,
        "sync_full": 0,
        "sync_partial_ok": 0,
        "sync_partial_err": 0,
        "expired_keys": data.expired_keys,
        "expired_stale_perc": "0.00",
        "expired_time_cap_reached_count": 0,
        "expire_cycle_cpu_milliseconds": 0,
        "evicted_keys": 0,
        "evicted_clients": 0,
        "total_eviction_exceeded_time": 0,
        "current_eviction_exceeded_time": 0,
        "keyspace_hits": data.keyspace_hits,
        "keyspace_misses": data.keyspace_misses,
        "pubsub_channels": 0,
        "pubsub_patterns": 0,
        "pubsubshard_channels": 0,
        "latest_fork_usec": 0,
        "total_forks": 0,
        "migrate_cached_sockets": 0,
        "slave_expires_tracked_keys": 0,
        "active_defrag_hits": 0,
        "active_defrag_misses": 0,
        "active_defrag_key_hits": 0,
        "active_defrag_key_misses": 0,
        "total_active_defrag_time": 0,
        "current_active_defrag_time": 0,
        "tracking_total_keys": 0,
        "tracking_total_items": 0,
        "tracking_total_prefixes": 0,
        "unexpected_error_replies": 0,
        "total_error_replies": stats.error_replies,
        "dump_payload_sanitizations": 0,
        "total_reads_processed": stats.reads_processed,
        "total_writes_processed": stats.writes_processed,
        "io_threaded_reads_processed": 0,
        "io_threaded_writes_processed": 0,
        "reply_buffer_shrinks": 0,
        "reply_buffer_expands": 0,
        "eventloop_cycles": stats.turns,
        "eventloop_duration_sum": stats.turn_total_us,
        "eventloop_duration_cmd_sum": 0,
        "instantaneous_eventloop_cycles_per_sec": stats.turns_rate.per_second(),
        "instantaneous_eventloop_duration_usec": stats.turn_mean_us(),
        "acl_access_denied_auth": stats.errors_by_code.get("WRONGPASS").copied().unwrap_or(0),
        "acl_access_denied_cmd": 0,
        "acl_access_denied_key": 0,
        "acl_access_denied_channel": 0,
        // These two came with Redis 7.4; an operator should see them.
        "client_query_buffer_limit_disconnections": stats.query_limit_disconnections,
        "client_output_buffer_limit_disconnections": stats.output_limit_disconnections,
    );
}

fn replication(text: &mut String, ctx: &Context<'_>) {
    fields!(text, "Replication",
        "role": "master",
        "connected_slaves": 0,
        "master_failover_state": "no-failover",
        "master_replid": ctx.server.run_id,
        "master_replid2": "0".repeat(40),
        "master_repl_offset": 0,
        "second_repl_offset": -1,
        "repl_backlog_active": 0,
        "repl_backlog_size": ctx.server.config.value("repl-backlog-size").unwrap_or("0"),
        "repl_backlog_first_byte_offset": 0,
        "repl_backlog_histlen": 0,
    );
}

fn cpu(text: &mut String, ctx: &Context<'_>) {
    let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    fields!(text, "CPU",
        "used_cpu_sys": seconds(ctx.server.host_stats.cpu_system_us),
        "used_cpu_user": seconds(ctx.server.host_stats.cpu_user_us),
        "used_cpu_sys_children": "0.000000",
        "used_cpu_user_children": "0.000000",
        "used_cpu_sys_main_thread": seconds(ctx.server.host_stats.cpu_system_us),
        "used_cpu_user_main_thread": seconds(ctx.server.host_stats.cpu_user_us),
    );
}

fn modules(text: &mut String, _: &Context<'_>) {
    text.push_str("# Modules\r\n");
}

/// Times are zero: the core reads no clock while it runs a command.
fn command_stats(text: &mut String, ctx: &Context<'_>) {
    text.push_str("# Commandstats\r\n");
    for (name, stats) in ctx.server.stats.commands() {
        let _ = write!(
            text,
            "cmdstat_{name}:calls={},usec=0,usec_per_call=0.00,rejected_calls={},failed_calls={}\r\n",
            stats.calls, stats.rejected_calls, stats.failed_calls
        );
    }
}

fn error_stats(text: &mut String, ctx: &Context<'_>) {
    text.push_str("# Errorstats\r\n");
    for (code, count) in &ctx.server.stats.errors_by_code {
        let _ = write!(text, "errorstat_{code}:count={count}\r\n");
    }
}

/// Empty, because no command's time is measured.
fn latency_stats(text: &mut String, _: &Context<'_>) {
    text.push_str("# Latencystats\r\n");
}

/// rotom's own: how long turns took.
fn turns(text: &mut String, ctx: &Context<'_>) {
    let stats = &ctx.server.stats;
    text.push_str("# Turns\r\n");
    let _ = write!(text, "turns:{}\r\n", stats.turns);
    for (bound, count) in TURN_BOUNDS_US.iter().zip(&stats.turn_buckets) {
        let _ = write!(text, "turn_us_le_{bound}:{count}\r\n");
    }
    let _ = write!(text, "turn_us_le_inf:{}\r\n", stats.turn_buckets[TURN_BOUNDS_US.len()]);
    let _ = write!(text, "turn_us_max:{}\r\nturn_us_total:{}\r\n", stats.turn_max_us, stats.turn_total_us);
}

fn cluster(text: &mut String, _: &Context<'_>) {
    fields!(text, "Cluster", "cluster_enabled": 0);
}

fn keyspace(text: &mut String, ctx: &Context<'_>) {
    text.push_str("# Keyspace\r\n");
    let now_ms = ctx.keys.now().0;
    for index in 0..ctx.keys.dataset.database_count() {
        let database = ctx.keys.dataset.database(index);
        if !database.is_empty() {
            let (keys, expires) = (database.len(), database.expires_len());
            let ttl_ms = mean_ttl_ms(database, now_ms);
            let _ = write!(text, "db{index}:keys={keys},expires={expires},avg_ttl={ttl_ms}\r\n");
        }
    }
}

/// An estimate of the mean time to live: that of the first entries in the order of their hash, which says nothing
/// about their times. Zero when none of them expires.
fn mean_ttl_ms(database: &Database, now_ms: i64) -> i64 {
    if database.expires_len() == 0 {
        return 0;
    }
    let (mut sum_ms, mut count) = (0_i128, 0_i128);
    for expiry in database.iter().take(TTL_SAMPLES_MAX).filter_map(EntryRef::expiry) {
        sum_ms += i128::from(expiry.0.saturating_sub(now_ms).max(0));
        count += 1;
    }
    // A mean of 64-bit numbers fits into 64 bits.
    sum_ms.checked_div(count).map_or(0, |mean| mean as i64)
}

/// An amount of memory, as Redis abbreviates it.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "K", "M", "G", "T"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes}B") } else { format!("{value:.2}{}", UNITS[unit]) }
}

fn two_places(value: f64) -> String {
    format!("{value:.2}")
}

/// How many times as large one figure is as another; 0 while the other is not known.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn difference(a: u64, b: u64) -> i64 {
    a.wrapping_sub(b) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_abbreviated_as_redis_does() {
        for (bytes, expected) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (990_464, "967.25K"),
            (6_819_840, "6.50M"),
            (25_276_510_208, "23.54G"),
        ] {
            assert_eq!(human(bytes), expected);
        }
    }
}
