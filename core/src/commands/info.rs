//! `INFO`: the state of the server, in Redis' sections and under its names.

use crate::commands::connection::REDIS_VERSION;
use crate::context::{CommandResult, Context};
use crate::propagation::Propagate;
use crate::session::State;
use crate::stats::TURN_BOUNDS_US;
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
    ("modules", true, modules),
    ("commandstats", false, command_stats),
    ("errorstats", true, error_stats),
    ("latencystats", false, latency_stats),
    ("turns", true, turns),
    ("cluster", true, cluster),
    ("keyspace", true, keyspace),
];

/// `INFO [section …]` — O(1), but for the number of connections.
pub(super) fn info(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let wants = |name: &str| args.from(1).any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let wants_default = args.len() == 1 || wants("default");
    let wants_all = wants("all") || wants("everything");
    let mut text = String::new();
    for (name, is_default, section) in SECTIONS {
        if wants_all || wants_default && is_default || wants(name) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            section(&mut text, ctx);
        }
    }
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(Propagate::Nothing)
}

macro_rules! fields {
    ($text:expr, $title:literal, $($name:literal: $value:expr),* $(,)?) => {
        $text.push_str(concat!("# ", $title, "\r\n"));
        $(let _ = write!($text, concat!($name, ":{}\r\n"), $value);)*
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
}

fn clients(text: &mut String, ctx: &Context<'_>) {
    let server = &*ctx.server;
    let postponed = server.clients.iter().filter(|client| client.session.state == State::Postponed).count();
    let largest_input = server.clients.iter().map(|client| client.input.len()).max().unwrap_or(0);
    let largest_output = server.clients.iter().map(|client| client.reply.len()).max().unwrap_or(0);
    fields!(text, "Clients",
        "connected_clients": server.clients.len(),
        "cluster_connections": 0,
        "maxclients": server.config.maxclients,
        "client_recent_max_input_buffer": largest_input,
        "client_recent_max_output_buffer": largest_output,
        "blocked_clients": postponed,
        "tracking_clients": 0,
        "clients_in_timeout_table": 0,
        "total_blocking_keys": 0,
        "total_blocking_keys_on_nokey": 0,
    );
}

fn memory(text: &mut String, ctx: &Context<'_>) {
    let host = &ctx.server.host_stats;
    let dataset = &*ctx.keys.dataset;
    let table: usize =
        (0..dataset.database_count()).map(|index| dataset.database(index).bytes_of_table()).sum();
    let ratio = host.rss_bytes as f64 / (host.allocated_bytes.max(1)) as f64;
    fields!(text, "Memory",
        "used_memory": host.allocated_bytes,
        "used_memory_human": human(host.allocated_bytes),
        "used_memory_rss": host.rss_bytes,
        "used_memory_rss_human": human(host.rss_bytes),
        "used_memory_peak": ctx.server.peak_allocated_bytes,
        "used_memory_peak_human": human(ctx.server.peak_allocated_bytes),
        "used_memory_overhead": table,
        "used_memory_dataset": host.allocated_bytes.saturating_sub(table as u64),
        "allocator_allocated": host.allocated_bytes,
        "allocator_active": host.active_bytes,
        "allocator_resident": host.resident_bytes,
        "used_memory_lua": 0,
        "maxmemory": 0,
        "maxmemory_human": "0B",
        "maxmemory_policy": ctx.server.config.value("maxmemory-policy").unwrap_or(""),
        "mem_fragmentation_ratio": format_args!("{ratio:.2}"),
        "mem_allocator": "jemalloc-5.3.0",
        "active_defrag_running": 0,
        "lazyfree_pending_objects": dataset.lazyfree_pending(),
        "lazyfreed_objects": dataset.stats.lazyfreed_objects,
    );
}

fn persistence(text: &mut String, _: &Context<'_>) {
    fields!(text, "Persistence",
        "loading": 0,
        "async_loading": 0,
        "rdb_bgsave_in_progress": 0,
        "aof_enabled": 0,
        "aof_rewrite_in_progress": 0,
    );
}

fn stats(text: &mut String, ctx: &Context<'_>) {
    let stats = &ctx.server.stats;
    let data = &ctx.keys.dataset.stats;
    let kbps = |per_second: u64| format!("{:.2}", per_second as f64 / 1024.0);
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
    );
}

fn modules(text: &mut String, _: &Context<'_>) {
    text.push_str("# Modules\r\n");
}

/// Empty, for the reason that [`command_stats`] has no times.
fn latency_stats(text: &mut String, _: &Context<'_>) {
    text.push_str("# Latencystats\r\n");
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

/// `avg_ttl` is zero: nothing here samples times to live.
fn keyspace(text: &mut String, ctx: &Context<'_>) {
    text.push_str("# Keyspace\r\n");
    for index in 0..ctx.keys.dataset.database_count() {
        let database = ctx.keys.dataset.database(index);
        if !database.is_empty() {
            let (keys, expires) = (database.len(), database.expires_len());
            let _ = write!(text, "db{index}:keys={keys},expires={expires},avg_ttl=0\r\n");
        }
    }
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
