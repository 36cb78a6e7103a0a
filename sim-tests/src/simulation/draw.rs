//! The swarm: a seed and a profile become a [`Scenario`]. Each run gets a random subset of commands, faults and
//! configuration, since bugs hide where most things are switched off as well as where all are on.

use super::profile::Profile;
use super::run::CUTS;
use super::scenario::{Action, Scenario, Step};
use super::settings::Settings;
use crate::workload::{Maker, Mix, Request};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rotom_io_sim::clock::WALL_START;
use rotom_io_sim::fault::ALWAYS;
use rotom_io_sim::{Conditions, FaultKind};
use std::collections::BTreeMap;

/// Commands of one run, about: drawn between these, short runs as likely as long ones of twice their length.
const COMMANDS: (u64, u64) = (60, 2_500);

/// Clients of one run, at most.
const CLIENTS_MAX: u64 = 24;

/// Of a thousand steps, so many close a connection.
const CLOSES_PER_THOUSAND: u32 = 15;

/// How often a reader stops that is to exceed the soft limit on output, per million, and for how long.
const LAGGING_RATE: u32 = 100_000;
const LAG_US: std::ops::Range<u64> = 1_000_000..4_000_000;

/// How a process ends at its own disk work, or again.
const ENDS: [FaultKind; 4] = [
    FaultKind::CrashBeforeDisk,
    FaultKind::CrashDuringDisk,
    FaultKind::CrashAfterDisk,
    FaultKind::CrashAgain,
];

/// What keeps data from being written and read as they are. A server that forgets them to load them again loses them then.
const SPOILS: [FaultKind; 10] = [
    FaultKind::ShortWrite,
    FaultKind::EnospcAppend,
    FaultKind::EnospcCreate,
    FaultKind::EnospcSync,
    FaultKind::EioRead,
    FaultKind::EioWrite,
    FaultKind::BitRot,
    FaultKind::SyncError,
    FaultKind::LateSyncError,
    FaultKind::Evict,
];

/// What a power loss does. There are few of those in a run, so it is not to be rare in them as well.
const POWER_LOSSES: [FaultKind; 5] = [
    FaultKind::DirPrefix,
    FaultKind::DirSubset,
    FaultKind::TornPage,
    FaultKind::TornSector,
    FaultKind::SizeFirst,
];

/// How often a process then ends at disk work, per million: rewrites are to be cut off, but not all of them.
const CRASHES_IN_REWRITES: (u64, u64) = (1_000, 8_000);

/// So many rewrites a run asks for then, about, and so many writes come beside each.
const REWRITES: u32 = 8;
const WRITES_BESIDE: usize = 20;

/// So many writes make a transaction longer than a sector.
const TORN_WRITES: usize = 16;

/// The scenario of a seed.
#[must_use]
pub fn draw(profile: &Profile, seed: u64) -> Scenario {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // What came later is drawn by itself, so that the rest of a seed's scenario stays as it was.
    let mut apart = ChaCha8Rng::seed_from_u64(seed);
    apart.set_stream(1);
    let mut faults = draw_faults(&mut rng, &mut apart, profile);
    let mut settings = draw_settings(&mut rng);
    widen(&mut settings.conditions, profile.narrowest_bytes);
    if apart.random_ratio(profile.recovers_percent, 100) {
        draw_durability(&mut apart, &mut settings, &mut faults);
    }
    if settings.plays_twice {
        keep_to_cuts(&mut faults, &mut settings);
    }
    let_readers_lag(&mut rng, &mut faults, &mut settings);
    let mut steps = draw_steps(&mut rng, &settings);
    if settings.recovers() {
        if !has_checksums(&settings) {
            let_transactions_be_torn(&mut apart, &mut steps);
        }
        leave_out_negative_zeros(&mut steps);
        if apart.random_ratio(1, 2) {
            let_rewrites_meet_writes(&mut apart, &mut settings, &mut steps);
            if let Some(rate) = faults.get_mut(&FaultKind::CrashAfterDisk) {
                *rate = log_uniform(&mut apart, CRASHES_IN_REWRITES.0, CRASHES_IN_REWRITES.1) as u32;
            }
            if let Some(rate) = faults.get_mut(&FaultKind::DirSubset) {
                *rate = ALWAYS;
            }
        }
    }
    if faults.keys().any(|kind| SPOILS.contains(kind)) {
        leave_out_reloads(&mut steps);
    }
    if has_reloads(&steps) {
        leave_out_negative_zeros(&mut steps);
    }
    Scenario { profile: profile.name.to_owned(), seed, settings, faults, steps }
}

/// Where nothing goes wrong, not every request comes in crumbs: those runs are for what commands do, and for many of them.
fn widen(conditions: &mut Conditions, narrowest_bytes: usize) {
    conditions.read_len_max = conditions.read_len_max.max(narrowest_bytes);
    conditions.window_bytes = conditions.window_bytes.max(narrowest_bytes);
}

/// Leaves a run only what does not change its history, so that it can be played again without.
fn keep_to_cuts(faults: &mut BTreeMap<FaultKind, u32>, settings: &mut Settings) {
    faults.retain(|kind, _| CUTS.contains(kind));
    settings.directives.retain(|(name, _)| name != "client-output-buffer-limit");
    (settings.conditions.latency_us, settings.conditions.jitter_us) = (0, 0);
}

/// Where there is a soft limit on output, those who read slowly mostly do so for longer than it allows.
fn let_readers_lag(rng: &mut impl Rng, faults: &mut BTreeMap<FaultKind, u32>, settings: &mut Settings) {
    let mut limits = settings.directives.iter().filter(|(name, _)| name == "client-output-buffer-limit");
    let has_soft_limit = limits.any(|(_, words)| words.get(2).is_some_and(|soft| soft != "0"));
    if let Some(rate) = faults.get_mut(&FaultKind::SlowReader)
        && has_soft_limit
        && rng.random_ratio(2, 3)
    {
        *rate = LAGGING_RATE;
        settings.conditions.slow_read_us = rng.random_range(LAG_US);
        settings.conditions.window_bytes = log_uniform(rng, 64, 4_096) as usize;
    }
}

fn draw_faults(rng: &mut ChaCha8Rng, apart: &mut ChaCha8Rng, profile: &Profile) -> BTreeMap<FaultKind, u32> {
    let is_calm = rng.random_ratio(profile.calm_percent, 100);
    let mut faults = BTreeMap::new();
    for &(kind, rate_max) in profile.faults {
        let rng: &mut dyn Rng = if ENDS.contains(&kind) { &mut *apart } else { rng };
        let is_on = rng.random_ratio(1, 2);
        let span = if POWER_LOSSES.contains(&kind) { 20 } else { 1_000 };
        let rate = log_uniform(rng, u64::from(rate_max / span).max(1), u64::from(rate_max));
        if is_on && !is_calm {
            faults.insert(kind, rate as u32);
        }
    }
    faults
}

/// One of the words, with a space between its parts, for a directive.
struct Choice {
    directive: &'static str,
    values: &'static [&'static str],
    /// Of a hundred runs, so many have one of the values; the others have the default.
    percent: u32,
}

const CHOICES: &[Choice] = &[
    Choice {
        directive: "hz",
        values: &["1", "1", "5", "10", "10", "25", "25", "25", "100", "500"],
        percent: 15,
    },
    Choice { directive: "databases", values: &["1", "2", "16", "100"], percent: 30 },
    Choice { directive: "timeout", values: &["1", "2", "5", "60"], percent: 20 },
    Choice {
        directive: "client-output-buffer-limit",
        values: &["normal 1kb 0 0", "normal 64kb 0 0", "normal 1mb 0 0", "normal 0 1kb 1", "normal 0 16kb 2"],
        percent: 20,
    },
    Choice { directive: "client-query-buffer-limit", values: &["1mb"], percent: 20 },
    Choice { directive: "proto-max-bulk-len", values: &["1mb"], percent: 20 },
    Choice { directive: "maxclients", values: &["1", "2", "4", "8"], percent: 15 },
    Choice { directive: "requirepass", values: &["secret"], percent: 10 },
    Choice { directive: "active-expire-effort", values: &["1", "5", "10"], percent: 40 },
    Choice { directive: "lazyfree-lazy-user-del", values: &["yes"], percent: 25 },
    Choice { directive: "lazyfree-lazy-user-flush", values: &["yes"], percent: 25 },
    Choice { directive: "lazyfree-lazy-expire", values: &["yes"], percent: 25 },
    Choice { directive: "lazyfree-lazy-server-del", values: &["yes"], percent: 25 },
    Choice {
        directive: "maxmemory-policy",
        values: &["allkeys-lru", "allkeys-lfu", "volatile-lfu", "volatile-ttl"],
        percent: 30,
    },
    Choice { directive: "list-max-listpack-size", values: &["-1", "-5", "1", "2", "5", "128"], percent: 50 },
    Choice { directive: "list-compress-depth", values: &["1", "2"], percent: 20 },
    Choice { directive: "set-max-intset-entries", values: &["0", "1", "4", "20"], percent: 50 },
    Choice { directive: "set-max-listpack-entries", values: &["0", "1", "4", "20"], percent: 50 },
    Choice { directive: "set-max-listpack-value", values: &["0", "1", "8"], percent: 25 },
    Choice { directive: "hash-max-listpack-entries", values: &["0", "1", "4", "20"], percent: 50 },
    Choice { directive: "hash-max-listpack-value", values: &["0", "1", "8"], percent: 25 },
    Choice { directive: "zset-max-listpack-entries", values: &["0", "1", "4", "20"], percent: 50 },
    Choice { directive: "zset-max-listpack-value", values: &["0", "1", "8"], percent: 25 },
];

/// How a server keeps its data that has a log.
const DURABILITY: &[Choice] = &[
    Choice { directive: "appendfsync", values: &["always", "always", "no"], percent: 65 },
    Choice { directive: "auto-aof-rewrite-percentage", values: &["0", "1", "10", "50"], percent: 80 },
    Choice { directive: "auto-aof-rewrite-min-size", values: &["1", "1kb", "16kb", "256kb"], percent: 90 },
    Choice { directive: "aof-use-rdb-preamble", values: &["no"], percent: 30 },
    Choice { directive: "aof-timestamp-enabled", values: &["yes"], percent: 20 },
    Choice { directive: "aof-checksum", values: &["no"], percent: 25 },
];

/// After how many seconds and changes a server saves, and of a hundred servers with a log, how many do.
const SAVES: (&[&str], u32) = (&["1 1", "1 100", "5 10", "30 1"], 20);

/// Of a hundred servers that keep their data, so many only save them.
const DUMPS_PERCENT: u32 = 15;

/// How often a file of theirs then rots at a power loss, per million, if files do: each has few.
const DUMPS_ROT: u32 = ALWAYS / 2;

/// Of a hundred servers that load data, clients come to so many meanwhile, and are told so from about so many bytes on.
const EARLY_CLIENTS: (u32, u64) = (40, 1 << 15);

/// What a log without checksums cannot notice.
const UNNOTICED: [FaultKind; 6] = [
    FaultKind::WriteBack,
    FaultKind::TornPage,
    FaultKind::TornSector,
    FaultKind::SizeFirst,
    FaultKind::BitRot,
    FaultKind::LateSyncError,
];

/// How often the process then ends within a piece of disk work, per million: only the tail of such a log may be torn.
const TEARS: u32 = 10_000;

/// Lets a server keep a log, from which it is started again, or files that it saves.
fn draw_durability(rng: &mut impl Rng, settings: &mut Settings, faults: &mut BTreeMap<FaultKind, u32>) {
    settings.plays_twice = false;
    if rng.random_ratio(1, 4) {
        // Then what the disk has done is heard of in one turn with what clients send.
        settings.disk_us = 0;
    }
    settings.directives.push(("appendonly".to_owned(), vec!["yes".to_owned()]));
    draw_directives(rng, DURABILITY, settings);
    let points: Vec<String> =
        SAVES.0.choose(rng).copied().unwrap_or_default().split(' ').map(str::to_owned).collect();
    let is_early = rng.random_ratio(EARLY_CLIENTS.0, 100);
    let silent_bytes = log_uniform(rng, 1, EARLY_CLIENTS.1) - 1;
    settings.silent_loading_bytes = is_early.then_some(silent_bytes);
    let (saves, dumps) = (rng.random_ratio(SAVES.1, 100), rng.random_ratio(DUMPS_PERCENT, 100));
    for (name, words) in &mut settings.directives {
        match name.as_str() {
            "save" if saves || dumps => words.clone_from(&points),
            "appendonly" if dumps => *words = vec!["no".to_owned()],
            _ => {}
        }
    }
    if dumps && let Some(rate) = faults.get_mut(&FaultKind::BitRot) {
        *rate = DUMPS_ROT;
    }
    if !has_checksums(settings) {
        faults.retain(|kind, _| !UNNOTICED.contains(kind));
        if let Some(rate) = faults.get_mut(&FaultKind::CrashDuringDisk) {
            *rate = TEARS;
        }
    }
}

fn has_checksums(settings: &Settings) -> bool {
    !settings.directives.iter().any(|(name, words)| name == "aof-checksum" && *words == ["no"])
}

/// Sends long transactions beside the rest: where nothing else holds them together in the log, their frame has to.
fn let_transactions_be_torn(rng: &mut impl Rng, steps: &mut [Step]) {
    let command = |words: &[&[u8]]| Request::Command(words.iter().map(|word| word.to_vec()).collect());
    for step in steps {
        if let Action::Send(requests) = &mut step.action
            && rng.random_ratio(1, 4)
        {
            requests.push(command(&[b"MULTI"]));
            requests.extend(vec![command(&[b"RPUSH", b"a list", b"of a long transaction"]); TORN_WRITES]);
            requests.push(command(&[b"EXEC"]));
        }
    }
}

/// Has the log written anew a few times beside writes of the same client. Half the time the disk takes no time then, and
/// they arrive in small pieces, so that each step of a rewrite shares its turn with some of them.
fn let_rewrites_meet_writes(rng: &mut impl Rng, settings: &mut Settings, steps: &mut [Step]) {
    if rng.random_ratio(1, 2) {
        settings.disk_us = 0;
        settings.conditions.read_len_max = log_uniform(rng, 16, 256) as usize;
    }
    let steps_len = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    for step in steps {
        if let Action::Send(requests) = &mut step.action
            && rng.random_ratio(REWRITES.min(steps_len), steps_len)
        {
            requests.push(Request::Command(vec![b"BGREWRITEAOF".to_vec()]));
            let write = [b"RPUSH".as_slice(), b"beside", b"rewrites"].map(<[u8]>::to_vec).to_vec();
            requests.extend(vec![Request::Command(write); WRITES_BESIDE]);
        }
    }
}

/// Whether a score of zero keeps its sign depends on how a sorted set is kept in memory, and nobody knows how it is once
/// it was loaded.
fn leave_out_negative_zeros(steps: &mut [Step]) {
    let requests = steps.iter_mut().filter_map(|step| match &mut step.action {
        Action::Send(requests) => Some(requests),
        Action::Close => None,
    });
    for request in requests.flatten() {
        if let Request::Command(words) = request {
            let zeros =
                words.iter_mut().filter(|word| [b"-0".as_slice(), b"-0.0"].contains(&word.as_slice()));
            zeros.for_each(|word| *word = b"0".to_vec());
            // A weight below zero makes one of any zero, and one of zero of any score below it.
            let weights = words.iter().position(|word| word.eq_ignore_ascii_case(b"WEIGHTS"));
            let weighed = weights.map_or(&mut [][..], |at| &mut words[at..]);
            for word in weighed {
                if word.starts_with(b"-") {
                    word.remove(0);
                }
                let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok());
                if number == Some(0.0) {
                    *word = b"1".to_vec();
                }
            }
        }
    }
}

fn leave_out_reloads(steps: &mut [Step]) {
    for step in steps {
        if let Action::Send(requests) = &mut step.action {
            requests.retain(|request| !is_reload(request));
        }
    }
}

fn has_reloads(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Send(requests) => requests.iter().any(is_reload),
        Action::Close => false,
    })
}

/// Whether it may be DEBUG RELOAD or LOADAOF.
fn is_reload(request: &Request) -> bool {
    let is_named = |text: &[u8]| {
        let text = text.to_ascii_lowercase();
        [b"reload".as_slice(), b"loadaof"].iter().any(|name| text.windows(name.len()).any(|it| it == *name))
    };
    match request {
        Request::Command(words) => words.get(1).is_some_and(|word| is_named(word)),
        Request::Inline(text) | Request::Raw(text) => is_named(text),
        Request::Scan(_) | Request::Elements(_) => false,
    }
}

fn draw_directives(rng: &mut impl Rng, choices: &[Choice], settings: &mut Settings) {
    for choice in choices {
        let value = choice.values.choose(rng).copied().unwrap_or_default();
        if rng.random_ratio(choice.percent, 100) {
            let words = value.split(' ').map(str::to_owned).collect();
            settings.directives.push((choice.directive.to_owned(), words));
        }
    }
}

fn draw_settings(rng: &mut impl Rng) -> Settings {
    let mut settings = Settings {
        directives: vec![
            ("save".to_owned(), vec![String::new()]),
            ("enable-debug-command".to_owned(), vec!["yes".to_owned()]),
        ],
        ..Settings::default()
    };
    draw_directives(rng, CHOICES, &mut settings);
    let instant = rng.random_ratio(1, 4);
    settings.conditions = Conditions {
        read_len_max: log_uniform(rng, 1, 65_536) as usize,
        window_bytes: log_uniform(rng, 64, 4 << 20) as usize,
        latency_us: if instant { 0 } else { log_uniform(rng, 1, 5_000) },
        jitter_us: if instant { 0 } else { log_uniform(rng, 1, 20_000) },
        slow_read_us: log_uniform(rng, 10, 3_000_000),
    };
    settings.has_config_file = rng.random_ratio(1, 2);
    settings.disk_us = log_uniform(rng, 1, 50_000);
    settings.digest_every = log_uniform(rng, 1, 1_000);
    settings.plays_twice = rng.random_ratio(1, 8);
    settings
}

fn draw_steps(rng: &mut ChaCha8Rng, settings: &Settings) -> Vec<Step> {
    let clients = if settings.plays_twice { 1 } else { log_uniform(rng, 1, CLIENTS_MAX) };
    let commands = log_uniform(rng, COMMANDS.0, COMMANDS.1);
    // Now and then a gap is long enough for keys to expire, or for timeouts.
    let typical_gap_us = log_uniform(rng, 1, 20_000);
    let mix = Mix::draw(rng);
    let mut mix = if settings.plays_twice { mix.without_waits() } else { mix };
    // Whoever waits without an end needs others to end it.
    mix.waits_forever &= clients > 2;
    let mut maker = Maker::new(&mix, ChaCha8Rng::seed_from_u64(rng.random()));
    let mut steps = Vec::new();
    let (mut made, mut elapsed_us) = (0, 0);
    while made < commands {
        let after_us = match rng.random_range(0..100) {
            0..30 => 0,
            30..95 => rng.random_range(0..=typical_gap_us),
            95..99 => log_uniform(rng, 1_000, 2_000_000),
            _ => log_uniform(rng, 1_000_000, 100_000_000),
        };
        elapsed_us += after_us;
        let client = rng.random_range(0..clients) as u32;
        let action = if rng.random_ratio(CLOSES_PER_THOUSAND, 1_000) {
            Action::Close
        } else {
            let requests = maker.pipeline(client, ((WALL_START.0 + elapsed_us) / 1_000) as i64);
            made += requests.len() as u64;
            Action::Send(requests)
        };
        steps.push(Step { id: steps.len() as u32 + 1, after_us, client, action });
    }
    steps
}

/// A number between two: each power of two on the way is as likely as any other. Counted in whole numbers, so that a
/// seed draws the same on every machine.
fn log_uniform(rng: &mut (impl Rng + ?Sized), min: u64, max: u64) -> u64 {
    let (low, high) = (min.max(1).ilog2(), max.max(1).ilog2());
    let power = 1_u64 << rng.random_range(low..=high);
    rng.random_range(power.max(min)..=(2 * power - 1).min(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_one_scenario_and_another_seed_another() {
        let everything = Profile::find("everything").unwrap();
        assert_eq!(draw(everything, 1), draw(everything, 1));
        assert_ne!(draw(everything, 1), draw(everything, 2));
    }

    #[test]
    fn numbers_cover_their_range() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<u64> = (0..2_000).map(|_| log_uniform(&mut rng, 1, 1_000)).collect();
        assert!(drawn.contains(&1) && drawn.iter().any(|&number| number > 900));
        assert!(drawn.iter().all(|number| (1..=1_000).contains(number)));
    }
}
