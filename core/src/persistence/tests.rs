//! The engine on a disk that does what it is told: what is promised is there afterwards, and what went wrong is told.

use super::loading::SILENT_BYTES_MAX;
use super::reading::READ_BYTES;
use crate::disk::DiskKind;
use crate::stage::Stage;

const ALWAYS: (&str, &str) = ("appendfsync", "always");
const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";
const INCR: &str = "appendonlydir/appendonly.aof.1.incr.aof";

fn text(stage: &Stage, name: &str) -> String {
    String::from_utf8_lossy(stage.disk.content(name).unwrap_or_default()).into_owned()
}

/// What INFO says under this name.
fn info(stage: &mut Stage, name: &str) -> String {
    let text = stage.ask("INFO persistence\r\n");
    let found = text.split(' ').find_map(|line| line.strip_prefix(&format!("{name}:")).map(str::to_owned));
    found.unwrap_or_default()
}

#[test]
fn a_fresh_server_begins_a_log() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    assert_eq!(info(&mut stage, "aof_enabled"), "1");
    let manifest =
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    assert_eq!(text(&stage, MANIFEST), manifest);
    assert_eq!(stage.disk.names().len(), 3, "{:?}", stage.disk.names());
}

#[test]
fn what_was_acknowledged_survives_the_loss_of_power() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    assert_eq!(stage.ask("SET k 1\r\nINCR k\r\nSELECT 3\r\nRPUSH l a b\r\n"), "+OK :2 +OK :2 ");
    for loses_power in [true, false] {
        stage.restart(loses_power);
        assert_eq!(stage.ask("GET k\r\nSELECT 3\r\nLRANGE l 0 -1\r\n"), "$1 2 +OK *2 $1 a $1 b ");
    }
}

#[test]
fn replies_wait_for_the_disk_under_always_and_for_nothing_otherwise() {
    for (policy, waits) in [("always", true), ("everysec", false), ("no", false)] {
        let mut stage = Stage::with_log(&[("appendfsync", policy)]);
        assert_eq!(stage.say("SET k 1\r\n"), if waits { "" } else { "+OK " }, "{policy}");
        let writer = stage.conn;
        stage.connect();
        // Whoever reads it must not know of it before it is durable; whoever asks for nothing waits for nothing.
        assert_eq!(stage.say("GET k\r\n"), if waits { "" } else { "$1 1 " }, "{policy}");
        let reader = stage.conn;
        stage.connect();
        assert_eq!(stage.say("PING\r\n"), "+PONG ", "{policy}");
        stage.settle();
        stage.conn = writer;
        assert_eq!(stage.read(), if waits { "+OK " } else { "" }, "{policy}");
        stage.conn = reader;
        assert_eq!(stage.read(), if waits { "$1 1 " } else { "" }, "{policy}");
    }
}

#[test]
fn what_was_not_synced_may_be_lost_but_never_half_of_a_transaction() {
    let mut stage = Stage::with_log(&[("appendfsync", "no")]);
    stage.ask("SET a 1\r\nMULTI\r\nSET b 2\r\nSET c 3\r\nEXEC\r\n");
    let whole = stage.disk.content(INCR).unwrap().to_vec();
    for len in 0..whole.len() {
        let mut cut = Stage::with_log(&[]);
        cut.disk.put(INCR, &whole[..len]);
        cut.restart(true);
        if len < 32 {
            // Not even the first batch is there: that is no torn end, but a file nobody has written.
            continue;
        }
        let lines = cut.log_lines();
        assert_eq!(cut.exit_status, None, "{len}: {lines:?}");
        let found = cut.ask("MGET a b c\r\n");
        assert!(
            ["*3 $-1 $-1 $-1 ", "*3 $1 1 $-1 $-1 ", "*3 $1 1 $1 2 $1 3 "].contains(&&found[..]),
            "{len}: {found}"
        );
    }
}

#[test]
fn a_torn_end_is_cut_put_aside_and_reported() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    stage.ask("SET a 1\r\n");
    let mut torn = stage.disk.content(INCR).unwrap().to_vec();
    let whole_len = torn.len();
    torn.extend_from_slice(b"#CRC:1:");
    stage.disk.put(INCR, &torn);
    stage.restart(true);
    let aside = format!("{INCR}.{whole_len}.cut");
    assert_eq!(stage.disk.content(&aside), Some(&b"#CRC:1:"[..]));
    assert_eq!(stage.disk.content(INCR).map(<[u8]>::len), Some(whole_len));
    assert_eq!(info(&mut stage, "aof_last_load_cut_bytes"), "7");
    assert!(stage.log_lines().iter().any(|line| line.contains("7 bytes were cut off")));
    // And once more: what was cut stays cut, and what follows is read again.
    stage.ask("SET b 2\r\n");
    stage.restart(true);
    assert_eq!(stage.ask("MGET a b\r\n"), "*2 $1 1 $1 2 ");
}

#[test]
fn a_damaged_log_is_refused_and_nobody_is_served() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    stage.ask("SET a 1\r\n");
    stage.ask("SET b 1\r\n");
    let mut damaged = stage.disk.content(INCR).unwrap().to_vec();
    let at = damaged.windows(5).position(|window| window == b"\r\na\r\n").unwrap();
    damaged[at + 2] ^= 1;
    stage.disk.put(INCR, &damaged);
    stage.restart(true);
    assert_eq!(stage.exit_status, Some(1));
    let lines = stage.log_lines();
    assert!(
        lines.iter().any(|line| line.contains("appendonly.aof.1.incr.aof") && line.contains("offset")),
        "{lines:?}"
    );
    assert_eq!(stage.disk.content(INCR), Some(&damaged[..]), "nothing was changed");
}

#[test]
fn a_damaged_base_of_commands_is_refused() {
    let mut stage = Stage::with_log(&[ALWAYS, ("aof-use-rdb-preamble", "no")]);
    let large = "x".repeat(300_000);
    stage.ask(&format!("SET a 1\r\nRPUSH l {large}\r\nSET large {large}\r\nSET b 1\r\nBGREWRITEAOF\r\n"));
    let digest = stage.core.digest();
    let name = stage.disk.names().into_iter().find(|name| name.contains(".base.")).unwrap().to_owned();
    let whole = stage.disk.content(&name).unwrap().to_vec();
    assert!(whole.starts_with(b"#SUM:0:"));
    stage.restart(true);
    assert_eq!(stage.core.digest(), digest);
    for at in (0..whole.len()).filter(|at| at % 9_973 == 0 || *at < 60 || *at > whole.len() - 60) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        stage.disk.put(&name, &damaged);
        stage.restart(true);
        assert_eq!(stage.exit_status, Some(1), "byte {at}");
        stage.disk.put(&name, &whole[..at]);
        stage.restart(true);
        assert_eq!(stage.exit_status, if at == 0 { None } else { Some(1) }, "cut at {at}");
        stage.disk.put(&name, &whole);
        stage.restart(true);
        assert_eq!(stage.core.digest(), digest);
    }
}

#[test]
fn a_write_that_fails_is_cut_off_and_tried_again() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    stage.ask("SET a 1\r\n");
    let len = stage.disk.content(INCR).unwrap().len();
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Append { .. }), 5));
    assert_eq!(stage.ask("SET b 2\r\n"), "", "nothing is promised");
    assert_eq!(stage.disk.content(INCR).unwrap().len(), len, "what was written in part is cut off");
    stage.connect();
    let refusal = "-MISCONF Errors writing to the AOF file: No space left on device ";
    assert_eq!(stage.ask("SET c 3\r\n"), refusal);
    assert_eq!(info(&mut stage, "aof_last_write_status"), "", "what was not durable may show in it");
    stage.disk.fails = None;
    stage.pass(2_000);
    stage.settle();
    stage.connect();
    assert_eq!(info(&mut stage, "aof_last_write_status"), "ok");
    stage.restart(true);
    assert_eq!(stage.ask("MGET a b c\r\n"), "*3 $1 1 $1 2 $-1 ");
}

#[test]
fn after_a_failed_sync_everything_is_written_anew() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    stage.ask("SET a 1\r\n");
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
    assert_eq!(stage.ask("SET b 2\r\n"), "", "nothing is promised");
    let writer = stage.conn;
    stage.connect();
    assert!(stage.ask("SET c 3\r\n").starts_with("-MISCONF"));
    stage.disk.fails = None;
    stage.pass(2_000);
    stage.settle();
    assert_eq!(stage.ask("SET c 3\r\n"), "+OK ");
    stage.conn = writer;
    assert_eq!(stage.read(), "+OK ", "it is durable now");
    stage.restart(true);
    assert_eq!(stage.ask("MGET a b c\r\n"), "*3 $1 1 $1 2 $1 3 ");
}

#[test]
fn an_append_that_succeeds_does_not_mend_what_a_failed_sync_has_lost() {
    let mut stage = Stage::with_log(&[]);
    stage.ask("SET a 1\r\n");
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
    stage.disk.fails_once = true;
    stage.pass(1_000);
    stage.say("");
    assert_eq!(stage.say("SET b 2\r\n"), "+OK ", "its append is under way behind the sync");
    stage.settle();
    assert_eq!(info(&mut stage, "aof_rewrites"), "2");
    stage.restart(true);
    assert_eq!(stage.ask("MGET a b\r\n"), "*2 $1 1 $1 2 ");
}

#[test]
fn a_rewrite_keeps_everything_and_removes_what_was_before() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    stage.ask(
        "SET a 1\r\nSET b 2 PX 100000\r\nHSET h f v g w\r\nZADD z 1.5 m -inf n\r\nSADD s 1 2 x\r\nDEL a\r\n",
    );
    let started = stage.ask("BGREWRITEAOF\r\n");
    assert_eq!(started, "+Background append only file rewriting started ");
    stage.ask("SET after 1\r\n");
    assert_eq!(info(&mut stage, "aof_last_bgrewrite_status"), "ok");
    assert_eq!(stage.disk.names().len(), 3, "{:?}", stage.disk.names());
    let digest = stage.core.digest();
    stage.restart(true);
    assert_eq!(stage.core.digest(), digest);
    assert_eq!(stage.ask("GET after\r\n"), "$1 1 ");
}

#[test]
fn power_may_be_lost_at_any_step_of_a_rewrite() {
    for steps in 0.. {
        let mut stage = Stage::with_log(&[ALWAYS]);
        stage.ask("SET a 1\r\nRPUSH l x y\r\n");
        stage.send(b"BGREWRITEAOF\r\nSET b 2\r\n");
        stage.core.finish_turn(stage.now);
        let mut left = steps;
        let mut is_over = false;
        while left > 0 && !is_over {
            is_over = true;
            while let Some(op) = stage.core.poll_disk() {
                is_over = false;
                if left == 0 {
                    break;
                }
                left -= 1;
                let completion = stage.disk.perform(op);
                stage.core.handle_disk(stage.now, completion);
            }
            stage.core.finish_turn(stage.now);
        }
        let is_promised = stage.read().contains("+OK");
        for loses_power in [true, false] {
            let mut crashed = Stage::with_log(&[ALWAYS]);
            crashed.disk = stage.disk.clone();
            crashed.restart(loses_power);
            let lines = crashed.log_lines();
            assert_eq!(crashed.exit_status, None, "{steps}: {lines:?}");
            let found = crashed.ask("GET a\r\nLRANGE l 0 -1\r\nGET b\r\n");
            let expected = ["$1 1 *2 $1 x $1 y $1 2 ", "$1 1 *2 $1 x $1 y $-1 "];
            assert!(expected[..2 - usize::from(is_promised)].contains(&&found[..]), "{steps}: {found}");
        }
        if is_over {
            assert!(steps > 15, "there is something to lose power in");
            return;
        }
    }
}

#[test]
fn a_log_from_before_there_were_manifests_is_taken_over() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    stage.disk = Default::default();
    stage
        .disk
        .put("appendonly.aof", b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
    stage.restart(true);
    assert_eq!(stage.ask("GET a\r\nSET b 2\r\n"), "$1 1 +OK ");
    assert_eq!(stage.disk.content("appendonly.aof"), None);
    stage.restart(true);
    assert_eq!(stage.ask("MGET a b\r\n"), "*2 $1 1 $1 2 ");
}

#[test]
fn a_log_can_be_turned_on_and_off() {
    let mut stage = Stage::with_log(&[("appendonly", "no"), ALWAYS]);
    stage.ask("SET a 1\r\n");
    assert_eq!(stage.disk.names().len(), 0);
    assert_eq!(stage.ask("CONFIG SET appendonly yes\r\n"), "+OK ");
    assert_eq!(stage.ask("SET b 2\r\n"), "+OK ");
    let kept = stage.disk.clone();
    assert_eq!(stage.ask("CONFIG SET appendonly no\r\nSET c 3\r\n"), "+OK +OK ");
    assert_eq!(info(&mut stage, "aof_enabled"), "0");
    let mut again = Stage::with_log(&[ALWAYS]);
    again.disk = kept;
    again.restart(true);
    assert_eq!(again.ask("MGET a b c\r\n"), "*3 $1 1 $1 2 $-1 ");
}

#[test]
fn a_server_leaves_when_everything_is_durable() {
    let mut stage = Stage::with_log(&[("appendfsync", "no")]);
    stage.ask("SET a 1\r\n");
    stage.ask("SHUTDOWN\r\n");
    assert_eq!(stage.exit_status, Some(0));
    stage.restart(true);
    assert_eq!(stage.ask("GET a\r\n"), "$1 1 ");
}

#[test]
fn nobody_is_served_before_everything_is_loaded() {
    for (len, answer) in [(10, ""), (4 << 20, "-LOADING Redis is loading the dataset in memory ")] {
        let mut stage = Stage::with_log(&[ALWAYS]);
        let value = "x".repeat(len);
        stage.ask(&format!("*3\r\n$3\r\nSET\r\n$1\r\na\r\n${len}\r\n{value}\r\n"));
        stage.restart_halfway();
        // Of little nobody is told; of much clients are once there is something to tell.
        for _ in 0..6 + SILENT_BYTES_MAX as usize / READ_BYTES {
            stage.core.finish_turn(stage.now);
            let done: Vec<_> =
                std::iter::from_fn(|| stage.core.poll_disk()).map(|op| stage.disk.perform(op)).collect();
            if len > 10 {
                done.into_iter().for_each(|completion| stage.core.handle_disk(stage.now, completion));
            }
        }
        assert_eq!(stage.say("STRLEN a\r\n"), answer);
        assert_eq!(stage.say("PING\r\n"), answer);
    }
}

#[test]
fn a_save_is_loaded_again() {
    let mut stage = Stage::with_log(&[("appendonly", "no")]);
    stage.ask("SET a 1\r\nRPUSH l x y\r\nHSET h f v\r\nSADD s 1 2\r\nSADD t x y\r\nZADD z 1.5 m\r\nSELECT 3\r\nSET b 2 PX 1000\r\nSET c 3 PX 100000\r\n");
    let digest = stage.core.digest();
    assert_eq!(stage.ask("BGSAVE\r\n"), "+Background saving started ");
    assert_eq!(info(&mut stage, "rdb_saves"), "1");
    assert_eq!(info(&mut stage, "rdb_changes_since_last_save"), "0");
    assert_eq!(stage.disk.names(), ["dump.rdb"]);
    stage.restart(true);
    assert_eq!(stage.core.digest(), digest);
    stage.pass(2_000);
    stage.restart(true);
    assert_eq!(info(&mut stage, "rdb_last_load_keys_expired"), "1");
    assert_eq!(stage.ask("SELECT 3\r\nMGET b c\r\n"), "+OK *2 $-1 $1 3 ");
    assert_eq!(stage.ask("SAVE\r\n"), "+OK ");
}

#[test]
fn data_are_loaded_again_while_everybody_waits() {
    const DATA: &str = "SET a 1\r\nRPUSH l x y\r\nHSET h f v\r\nSADD s 1 2\r\nZADD z 1.5 m\r\nSELECT 3\r\nSET c 3 PX 100000\r\n";
    for (log, before, request) in [
        ("no", "", "DEBUG RELOAD\r\n"),
        ("yes", "", "DEBUG RELOAD\r\n"),
        ("yes", "", "DEBUG LOADAOF\r\n"),
        ("no", "SAVE\r\nSET c 3\r\nSELECT 0\r\nSET a 2\r\n", "DEBUG RELOAD NOSAVE NOFLUSH MERGE\r\n"),
    ] {
        let mut stage = Stage::with_log(&[("appendonly", log), ("enable-debug-command", "yes")]);
        stage.ask(DATA);
        let digest = stage.core.digest();
        stage.ask(before);
        assert_eq!(stage.say(request), "", "{request}");
        let asker = stage.conn;
        stage.connect();
        for other in ["PING\r\n", "INFO\r\n", "GET a\r\n"] {
            assert_eq!(stage.say(other), "", "{request} {other}");
        }
        stage.settle();
        assert!(stage.read().starts_with("+PONG $"), "{request}");
        stage.conn = asker;
        assert!(stage.read().ends_with("+OK "), "{request}");
        assert_eq!(stage.core.digest(), digest, "{request}");
    }
}

#[test]
fn what_cannot_be_loaded_again_is_told() {
    let mut stage = Stage::with_log(&[("appendonly", "no"), ("enable-debug-command", "yes")]);
    let answers = stage.ask(
        "DEBUG LOADAOF\r\nMULTI\r\nDEBUG RELOAD\r\nEXEC\r\nDEBUG RELOAD X\r\nDEBUG RELOAD NOSAVE\r\nPING\r\n",
    );
    let expected = "-ERR DEBUG LOADAOF needs an append only file +OK +QUEUED *1 -ERR DEBUG RELOAD and LOADAOF are not \
                    allowed inside a transaction -ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options. \
                    -ERR Error trying to load the RDB dump, check server logs. +PONG ";
    assert_eq!(answers, expected);
    assert_eq!(stage.ask("SET a 1\r\nSAVE\r\nDEBUG RELOAD NOSAVE NOFLUSH\r\n").lines().count(), 1);
    assert_eq!(stage.exit_status, None);
    // A watched key is another one afterwards.
    assert_eq!(stage.ask("WATCH a\r\nDEBUG RELOAD\r\nMULTI\r\nPING\r\nEXEC\r\n"), "+OK +OK +OK +QUEUED *-1 ");
}

#[test]
fn a_damaged_save_is_refused() {
    let mut stage = Stage::with_log(&[("appendonly", "no")]);
    stage.ask("SET a 1\r\nSAVE\r\n");
    let whole = stage.disk.content("dump.rdb").unwrap().to_vec();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        stage.disk.put("dump.rdb", &damaged);
        stage.restart(true);
        assert_eq!(stage.exit_status, Some(1), "byte {at}");
    }
}

#[test]
fn the_points_of_save_are_kept_and_a_save_that_fails_stops_writes() {
    let mut stage = Stage::with_log(&[("appendonly", "no"), ("save", "60 2")]);
    stage.ask("SET a 1\r\n");
    stage.pass(61_000);
    stage.settle();
    assert_eq!(info(&mut stage, "rdb_saves"), "0", "one change is not enough");
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Create { .. }), 0));
    stage.ask("SET b 2\r\n");
    assert!(stage.ask("SET c 3\r\n").starts_with("-MISCONF Redis is configured to save RDB snapshots"));
    assert_eq!(stage.ask("GET b\r\n"), "$1 2 ");
    stage.disk.fails = None;
    stage.pass(6_000);
    stage.settle();
    assert_eq!(info(&mut stage, "rdb_saves"), "1");
    assert_eq!(stage.ask("SET c 3\r\n"), "+OK ");
}

#[test]
fn what_is_sent_behind_a_save_is_run_as_the_save_has_ended() {
    let mut stage = Stage::with_log(&[("appendonly", "no"), ("save", "1 1")]);
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
    assert_eq!(stage.ask("SET a 1\r\nSAVE\r\n"), "+OK -ERR ");
    assert!(stage.ask("SET a 2\r\n").starts_with("-MISCONF"));
    stage.disk.fails = None;
    assert_eq!(stage.ask("SAVE\r\nSET a 3\r\n"), "+OK +OK ");
}

#[test]
fn a_server_that_cannot_save_does_not_leave() {
    let mut stage = Stage::with_log(&[("appendonly", "no"), ("save", "60 2")]);
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
    assert_eq!(stage.ask("SET a 1\r\nSHUTDOWN\r\n"), "+OK -ERR Errors trying to SHUTDOWN. Check logs. ");
    assert_eq!(stage.exit_status, None);
    stage.ask("SHUTDOWN FORCE\r\n");
    assert_eq!(stage.exit_status, Some(0));
    stage.restart(true);
    stage.disk.fails = None;
    stage.ask("SET a 1\r\nSHUTDOWN SAVE\r\n");
    assert_eq!(stage.exit_status, Some(0));
    stage.restart(true);
    assert_eq!(stage.ask("GET a\r\n"), "$1 1 ");
}

#[test]
fn a_save_and_a_rewrite_take_turns() {
    let mut stage = Stage::with_log(&[ALWAYS]);
    let answers = stage.ask("SET a 1\r\nBGSAVE\r\nBGREWRITEAOF\r\nBGSAVE\r\n");
    let expected = "+OK +Background saving started +Background append only file rewriting scheduled \
                    -ERR Background save already in progress ";
    assert_eq!(answers, expected);
    assert_eq!(info(&mut stage, "rdb_saves"), "1");
    assert_eq!(info(&mut stage, "aof_rewrites"), "2");
}
