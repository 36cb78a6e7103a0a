//! For each mutant a few requests that a server answers in one way without it and in another with it, so that none
//! can become a bug that is none.

use super::{Mutant, choose};
use crate::disk::DiskKind;
use crate::stage::Stage;
use crate::time::Wall;

#[test]
fn every_mutant_misbehaves() {
    for mutant in Mutant::ALL {
        let (scenario, healthy, sick) = case(mutant);
        choose(None);
        assert_eq!(scenario(&mut Stage::new()), healthy, "without {}", mutant.name());
        choose(Some(mutant));
        assert_eq!(scenario(&mut Stage::new()), sick, "with {}", mutant.name());
    }
}

#[test]
fn names_are_distinct_and_those_of_the_variants() {
    for (place, mutant) in Mutant::ALL.into_iter().enumerate() {
        assert_eq!(mutant as usize, place);
        let plain: String = mutant.name().split('-').collect();
        assert_eq!(plain, format!("{mutant:?}").to_lowercase());
        assert_eq!(Mutant::by_name(mutant.name()), Some(mutant));
        assert!(mutant.story().ends_with('.'));
    }
}

type Scenario = fn(&mut Stage) -> String;

/// The file a fresh log is written to.
const LOG: &str = "appendonlydir/appendonly.aof.1.incr.aof";

/// The base that a fresh log's first rewrite makes.
const BASE: &str = "appendonlydir/appendonly.aof.2.base.aof";

/// A server under `appendfsync always`.
fn logging() -> Stage {
    Stage::with_log(&[("appendfsync", "always")])
}

/// What to do, what a healthy server answers, and what one with the mutant does.
fn case(mutant: Mutant) -> (Scenario, &'static str, &'static str) {
    match mutant {
        Mutant::ParserLosesState => (
            |stage| {
                stage.send(b"*2\r\n$4\r\nECHO\r\n$2\r\nh");
                stage.send(b"i\r\n*1\r\n$4\r\nPING\r\n");
                stage.read()
            },
            "$2 hi +PONG ",
            "-ERR Protocol error: expected '$', got '*' ",
        ),
        Mutant::ParserCutsLineEnd => (
            |stage| {
                for piece in [&b"*3\r\n$3\r\nSET\r\n$1\r\n"[..], b"k\r", b"\n$1\r\nv\r\n"] {
                    stage.send(piece);
                }
                stage.read()
            },
            "+OK ",
            "-ERR Protocol error: expected '$', got ' ' ",
        ),
        Mutant::PartialWriteDropsRest => (
            |stage| {
                stage.send(b"ECHO hello\r\n");
                stage.read_at_most(4) + "|" + &stage.read()
            },
            "$5 |hello ",
            "$5 |",
        ),
        Mutant::PipelineSwapped => (
            |stage| {
                let numbers = ["1 ", "2 ", "3 ", "4 "].concat().repeat(4);
                let requests = numbers.split_whitespace().map(|number| format!("INCRBY k {number}\r\n"));
                stage.say(&requests.collect::<String>())
            },
            ":1 :3 :6 :10 :11 :13 :16 :20 :21 :23 :26 :30 :31 :33 :36 :40 ",
            ":1 :3 :6 :10 :11 :13 :16 :20 :21 :23 :26 :30 :31 :33 :37 :40 ",
        ),
        Mutant::LateEvent => (
            |stage| {
                let gone = stage.conn;
                stage.core.handle_closed(stage.now, gone);
                stage.connect();
                stage.core.handle_input(stage.now, gone, b"ECHO late\r\n");
                stage.read()
            },
            "",
            "$4 late ",
        ),
        Mutant::ScanMissesSplit | Mutant::ScanCursorRestartsWrong => {
            (scan_while_growing, "missed none", "missed some")
        }
        Mutant::ExpiredResurrected => (
            |stage| {
                stage.say("SET k hello PX 10\r\n");
                stage.pass(20);
                stage.say("SETRANGE k 1 a\r\n")
            },
            ":2 ",
            ":5 ",
        ),
        Mutant::SetKeepsStaleTtl => (
            |stage| {
                stage.say("SET k v PX 10\r\n");
                stage.pass(20);
                stage.say("SET k w KEEPTTL\r\nGET k\r\n")
            },
            "+OK $1 w ",
            "+OK $-1 ",
        ),
        Mutant::IncrByFloatDropsTtl => (
            |stage| {
                stage.say("INCRBYFLOAT k 1.5\r\n");
                stage.log()
            },
            "SELECT 0 SET k 1.5 KEEPTTL ",
            "SELECT 0 SET k 1.5 ",
        ),
        Mutant::RelativeTtlPropagated => (
            |stage| {
                stage.say("SET k v PX 10\r\n");
                stage.log()
            },
            "SELECT 0 SET k v PXAT 1000010 ",
            "SELECT 0 SET k v PX 10 ",
        ),
        Mutant::LazyExpiryNotPropagated => (
            |stage| {
                stage.say("SET k v PX 10\r\n");
                stage.log();
                stage.pass(20);
                stage.say("GET k\r\n");
                stage.log()
            },
            "DEL k ",
            "",
        ),
        Mutant::WallClockForPause => (
            |stage| {
                stage.say("CLIENT PAUSE 1000\r\nPING\r\n");
                stage.now.wall = Wall(stage.now.wall.0 + 3_600_000_000);
                stage.say("")
            },
            "",
            "+PONG ",
        ),
        Mutant::PausedReordered => (
            |stage| {
                stage.say("CLIENT PAUSE 100 WRITE\r\nSET k v\r\nECHO a\r\n");
                stage.pass(100);
                stage.say("")
            },
            "+OK $1 a ",
            "$1 a +OK ",
        ),
        Mutant::CopySharesBuffer => (
            |stage| stage.say("SET a hello\r\nCOPY a b\r\nSETRANGE a 0 j\r\nAPPEND b !\r\nMGET a b\r\n"),
            "+OK :1 :5 :6 *2 $5 jello $6 hello! ",
            "+OK :1 :5 :6 *2 $6 jello! $6 jello! ",
        ),
        Mutant::SwapDbForgetsExpiries => (
            |stage| stage.say("SET k v PX 10\r\nSWAPDB 0 1\r\nSELECT 1\r\nPTTL k\r\n"),
            "+OK +OK +OK :10 ",
            "+OK +OK +OK :-1 ",
        ),
        Mutant::OutputLimitNeverEnforced => (
            |stage| {
                stage.say("CONFIG SET client-output-buffer-limit 'normal 100 0 0'\r\n");
                let reply = stage.say(&format!("SETRANGE k {} x\r\nGET k\r\n", 200));
                format!("{} bytes", reply.len())
            },
            "0 bytes",
            "212 bytes",
        ),
        Mutant::ActiveExpiryForgets => (
            |stage| {
                stage.say("SET a v PX 10\r\nSET b v PX 1000\r\n");
                for _ in 0..3 {
                    stage.pass(1000);
                    stage.core.finish_turn(stage.now);
                }
                stage.say("DBSIZE\r\n")
            },
            ":0 ",
            ":1 ",
        ),
        Mutant::LostResume => (
            |stage| {
                let owed = stage.say("SETRANGE k 1048576 x\r\nGET k\r\nPING\r\n");
                format!("{} bytes, then {}", owed.len(), stage.say(""))
            },
            "1048596 bytes, then +PONG ",
            "1048596 bytes, then ",
        ),
        Mutant::ExpiryInWrongDatabase => (
            |stage| {
                stage.say("SELECT 1\r\nSET k v PX 10\r\n");
                stage.log();
                stage.pass(1000);
                stage.say("");
                stage.log()
            },
            "DEL k ",
            "SELECT 0 DEL k ",
        ),
        Mutant::SkipOutlivesError => {
            (|stage| stage.say("CLIENT REPLY SKIP\r\nNOSUCH\r\nECHO a\r\nECHO b\r\n"), "$1 a $1 b ", "$1 b ")
        }
        Mutant::HeldArgumentForgotten => (
            |stage| {
                stage.say("CLIENT PAUSE 100 WRITE\r\n");
                stage.say("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000\r\n");
                stage.say(&("x".repeat(40_000) + "\r\n"));
                stage.pass(100);
                stage.say("") + &stage.say("STRLEN k\r\n")
            },
            "+OK :40000 ",
            "",
        ),
        Mutant::RewriteIgnoresSyncError => (
            |stage| {
                stage.disk.put("/rotom.conf", b"");
                stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
                stage.ask("CONFIG REWRITE\r\n")
            },
            "-ERR Rewriting config file: No space left on device ",
            "+OK ",
        ),
        Mutant::ShortWriteNotRolledBack => (
            |_| {
                let mut stage = logging();
                stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Append { .. }), 5));
                stage.ask("SET k v\r\n");
                stage.disk.fails = None;
                stage.pass(2_000);
                stage.settle();
                stage.restart(false);
                stage.ask("GET k\r\n")
            },
            "$1 v ",
            "$-1 ",
        ),
        Mutant::IncrNotDurableBeforeManifest => {
            (|_| syncs_between("2.incr.aof", "temp-appendonly.aof.manifest"), "2", "0")
        }
        Mutant::DirectoryNotSynced => (
            |_| {
                syncs_between(
                    "Rename { from: \"appendonlydir/temp-appendonly.aof.base",
                    "temp-appendonly.aof.manifest",
                )
            },
            "1",
            "0",
        ),
        Mutant::TruncationNotSynced => (
            |_| {
                let mut stage = logging();
                let torn = [stage.disk.content(LOG).unwrap(), b"#CRC:"].concat();
                stage.disk.put(LOG, &torn);
                stage.restart(true);
                let cut_len = stage.disk.content(LOG).unwrap().len();
                stage.disk.stop(true);
                (torn.len() - cut_len).to_string()
                    + if stage.disk.content(LOG).unwrap().len() == cut_len { " gone" } else { " back" }
            },
            "5 gone",
            "5 back",
        ),
        Mutant::TruncationOffByOne => (
            |_| {
                let mut stage = logging();
                let torn = [stage.disk.content(LOG).unwrap(), b"#CRC:"].concat();
                stage.disk.put(LOG, &torn);
                stage.restart(true);
                (torn.len() - stage.disk.content(LOG).unwrap().len()).to_string()
            },
            "5",
            "4",
        ),
        Mutant::RenamedBeforeSync => (
            |_| {
                let manifest = "temp-appendonly.aof.manifest\"";
                syncs_between(&format!("{manifest}, mode"), &format!("{manifest}, to"))
            },
            "1",
            "0",
        ),
        Mutant::OldIncrUnsyncedAtSwitch => (
            |_| {
                let mut stage = Stage::with_log(&[("appendfsync", "no")]);
                stage.ask("SET k v\r\n");
                stage.disk.journal.clear();
                stage.ask("BGREWRITEAOF\r\n");
                stage.disk.journal.iter().filter(|line| line.starts_with("Sync {")).count().to_string()
            },
            "6",
            "5",
        ),
        Mutant::HistoryRemovedTooEarly => (
            |_| {
                let mut stage = logging();
                stage.disk.journal.clear();
                stage.ask("BGREWRITEAOF\r\n");
                let first =
                    |text: &str| stage.disk.journal.iter().position(|line| line.contains(text)).unwrap();
                let renames = stage.disk.journal.iter().enumerate();
                let named = renames.filter(|(_, line)| line.contains("manifest\", to")).nth(1).unwrap().0;
                (first("Remove { name: \"appendonlydir/appendonly.aof.1.base") > named).to_string()
            },
            "true",
            "false",
        ),
        Mutant::SyncErrorForgotten => (
            |_| {
                let mut stage = logging();
                stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
                stage.disk.fails_once = true;
                stage.ask("SET k v\r\n");
                let info = stage.ask("INFO persistence\r\n");
                info.split(' ').find(|line| line.starts_with("aof_rewrites:")).unwrap().to_owned()
            },
            "aof_rewrites:2",
            "aof_rewrites:1",
        ),
        Mutant::WriteAfterDiskError => (
            |_| {
                let mut stage = logging();
                stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
                stage.ask("SET k v\r\n");
                stage.connect();
                stage.ask("SET k w\r\n").chars().take(8).collect()
            },
            "-MISCONF",
            "",
        ),
        Mutant::DurableWhenAskedFor | Mutant::ReplyBeforeDurable => {
            (|_| logging().say("SET k 1\r\n"), "", "+OK ")
        }
        Mutant::ReadLeaksUnsynced => (
            |_| {
                let mut stage = logging();
                stage.say("SET k v\r\n");
                stage.connect();
                stage.say("GET k\r\n")
            },
            "",
            "$1 v ",
        ),
        Mutant::FailedAppendForgotten => (
            |_| {
                let mut stage = logging();
                stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Append { .. }), 0));
                stage.disk.fails_once = true;
                stage.ask("SET k v\r\n");
                stage.pass(2_000);
                stage.settle();
                stage.restart(true);
                stage.ask("GET k\r\n")
            },
            "$1 v ",
            "$-1 ",
        ),
        Mutant::TransactionNotFramed => (
            |stage| {
                stage.say("MULTI\r\nSET a 1\r\nSET b 2\r\nEXEC\r\n");
                stage.log()
            },
            "MULTI SELECT 0 SET a 1 SET b 2 EXEC ",
            "SELECT 0 SET a 1 SET b 2 ",
        ),
        Mutant::FlushallNotLogged => (
            |stage| {
                stage.say("SET a 1\r\nFLUSHALL\r\n");
                stage.log()
            },
            "SELECT 0 SET a 1 FLUSHALL ",
            "SELECT 0 SET a 1 ",
        ),
        Mutant::SwitchedBeforeSealed => (
            |_| {
                let keeps = |turns| {
                    let mut stage = logging();
                    stage.send(b"BGREWRITEAOF\r\n");
                    for _ in 0..turns {
                        stage.send(b"INCR n\r\n");
                        stage.step();
                    }
                    let promised = stage.read().matches(':').count();
                    stage.restart(true);
                    let found = stage.ask("INCRBY n 0\r\n");
                    found[1..].trim_end().parse::<usize>().unwrap() >= promised
                };
                (0..40).all(keeps).to_string()
            },
            "true",
            "false",
        ),
        Mutant::SnapshotSeesLaterWrite => (rewrite_beside::<6_000, 6_000, 0>, "same", "other"),
        Mutant::SnapshotMissesSplit => (rewrite_beside::<6_000, 30_000, 6_000>, "same", "panic"),
        Mutant::BaseSumIgnored => (
            |_| {
                damage(&[("appendfsync", "always"), ("aof-use-rdb-preamble", "no")], "BGREWRITEAOF\r\n", BASE)
            },
            "left with Some(1)",
            "went on with $9 wonderful ",
        ),
        Mutant::RdbCrcIgnored => (
            |_| damage(&[("appendonly", "no")], "SAVE\r\n", "dump.rdb"),
            "left with Some(1)",
            "went on with $9 wonderful ",
        ),
        Mutant::ExpiredKeyLoaded => (
            |_| {
                let mut stage = Stage::with_log(&[("appendonly", "no")]);
                stage.ask("SET a 1 PX 1000\r\nSET b 1\r\nSAVE\r\n");
                stage.pass(2_000);
                stage.restart(true);
                stage.ask("MGET a b\r\n")
            },
            "*2 $-1 $1 1 ",
            "*2 $1 1 $1 1 ",
        ),
        Mutant::BatchChecksumIgnored => (
            |_| {
                let mut stage = logging();
                stage.ask("SET k v\r\n");
                let mut log = stage.disk.content(LOG).unwrap().to_vec();
                let at = log.len() - 3;
                log[at] = b'w';
                stage.disk.put(LOG, &log);
                stage.restart(true);
                stage.ask("GET k\r\n")
            },
            "$-1 ",
            "$1 w ",
        ),
        Mutant::TemporaryNeverRemoved => (
            |_| {
                let mut stage = logging();
                stage.disk.put("appendonlydir/temp-appendonly.aof.base", b"half");
                stage.restart(true);
                stage.disk.names().len().to_string()
            },
            "3",
            "4",
        ),
        Mutant::RankOffByOneAfterSplit => (
            |stage| {
                let members: String = (0..200).map(|score| format!(" {score} m{score}")).collect();
                stage.say(&format!("ZADD z{members}\r\nZRANK z m3\r\nZRANK z m150\r\n"))
            },
            ":200 :3 :150 ",
            ":200 :3 :151 ",
        ),
        Mutant::UpgradeMissortsNegatives => (
            |stage| stage.say("SADD s 1 -70000\r\nSISMEMBER s -70000\r\nSISMEMBER s 1\r\n"),
            ":2 :1 :1 ",
            ":2 :0 :0 ",
        ),
        Mutant::ConversionLosesLast => (
            |stage| {
                let long = "x".repeat(600);
                stage.say(&format!("HSET h a 1 b 2\r\nHSET h c {long}\r\nHLEN h\r\nHGET h b\r\n"))
            },
            ":2 :1 :3 $1 2 ",
            ":2 :1 :2 $-1 ",
        ),
        Mutant::EmptyKeyLeftBehind => {
            (|stage| stage.say("SADD s a\r\nSPOP s\r\nEXISTS s\r\n"), ":1 $1 a :0 ", ":1 $1 a :1 ")
        }
        Mutant::GtTakesEqualForGreater => {
            (|stage| stage.say("ZADD z 1 a\r\nZADD z GT CH 1 a\r\n"), ":1 :0 ", ":1 :1 ")
        }
        Mutant::StoreClearsItsSource => {
            (|stage| stage.say("SADD a x y\r\nSADD b y z\r\nSINTERSTORE a a b\r\n"), ":2 :2 :1 ", ":2 :2 :0 ")
        }
        Mutant::InfinitiesLeaveOne => (
            |stage| stage.say("ZADD a inf x\r\nZADD b -inf x\r\nZUNION 2 a b WITHSCORES\r\n"),
            ":1 :1 *2 $1 x $1 0 ",
            ":1 :1 *2 $1 x $3 inf ",
        ),
        Mutant::InsertBeforeGoesBehind => (
            |stage| {
                stage.say("CONFIG SET list-max-listpack-size 3\r\nRPUSH l a b c d e f\r\n");
                stage.say("LINSERT l BEFORE b x\r\nLRANGE l 0 3\r\n")
            },
            ":7 *4 $1 a $1 x $1 b $1 c ",
            ":7 *4 $1 a $1 b $1 x $1 c ",
        ),
        Mutant::SampleNeverRepeats => (
            |stage| {
                stage.say("HSET h f v\r\nSADD s m\r\n");
                stage.say("HRANDFIELD h -2\r\nSRANDMEMBER s -2\r\n")
            },
            "*2 $1 f $1 f *2 $1 m $1 m ",
            "*1 $1 f *1 $1 m ",
        ),
        Mutant::WakeOrderReversed => (
            |stage| {
                let first = stage.conn;
                stage.say("BLPOP l 0\r\n");
                stage.connect();
                stage.say("BLPOP l 0\r\n");
                stage.connect();
                stage.say("RPUSH l a\r\n");
                stage.conn = first;
                stage.read()
            },
            "*2 $1 l $1 a ",
            "",
        ),
        Mutant::WaiterServedTwice => (
            |stage| {
                let waiter = stage.conn;
                stage.say("BLPOP l 0\r\n");
                stage.connect();
                stage.say("RPUSH l a b\r\n");
                stage.conn = waiter;
                stage.read()
            },
            "*2 $1 l $1 a ",
            "*2 $1 l $1 a *2 $1 l $1 b ",
        ),
        Mutant::BlmovePropagatedVerbatim => (
            |stage| {
                stage.say("RPUSH a x\r\n");
                stage.log();
                stage.say("BLMOVE a b LEFT LEFT 0\r\n");
                stage.log()
            },
            "LMOVE a b LEFT LEFT ",
            "BLMOVE a b LEFT LEFT 0 ",
        ),
        Mutant::SpopPropagatedVerbatim => (
            |stage| {
                stage.say("SADD s x\r\n");
                stage.log();
                stage.say("SPOP s\r\n");
                stage.log()
            },
            "SREM s x ",
            "SPOP s ",
        ),
        Mutant::StoreKeepsOldTtl => (
            |stage| stage.say("SET d v PX 100\r\nSADD s x\r\nSUNIONSTORE d s\r\nPTTL d\r\n"),
            "+OK :1 :1 :-1 ",
            "+OK :1 :1 :100 ",
        ),
        Mutant::WatchMissesExpiry => (
            |stage| {
                stage.say("DEBUG SET-ACTIVE-EXPIRE 0\r\nSET k v PX 10\r\nWATCH k\r\n");
                stage.pass(100);
                stage.say("MULTI\r\nPING\r\nEXEC\r\n")
            },
            "+OK +QUEUED *-1 ",
            "+OK +QUEUED *1 +PONG ",
        ),
        Mutant::IncrByFloatPropagatedVerbatim => (
            |stage| {
                stage.say("INCRBYFLOAT k 1.5\r\n");
                stage.log()
            },
            "SELECT 0 SET k 1.5 KEEPTTL ",
            "SELECT 0 INCRBYFLOAT k 1.5 ",
        ),
        Mutant::ExpirePropagatedVerbatim => (
            |stage| {
                stage.say("SET k v\r\n");
                stage.log();
                stage.say("EXPIRE k 100\r\n");
                stage.log().split(' ').next().unwrap_or_default().to_owned()
            },
            "PEXPIREAT",
            "EXPIRE",
        ),
        Mutant::LastPopNotLogged => (
            |stage| {
                stage.say("RPUSH l a b\r\n");
                stage.log();
                stage.say("LPOP l\r\nLPOP l\r\n");
                stage.log()
            },
            "LPOP l LPOP l ",
            "LPOP l ",
        ),
        Mutant::TailTransactionReplayed => (
            |_| {
                let mut stage = Stage::with_log(&[("aof-checksum", "no"), ("appendfsync", "always")]);
                stage.ask("MULTI\r\nSET a 1\r\nSET b 2\r\nEXEC\r\n");
                let mut log = stage.disk.content(LOG).expect("it was written").to_vec();
                log.truncate(log.len() - 2);
                stage.disk.put(LOG, &log);
                stage.restart(true);
                stage.ask("MGET a b\r\n")
            },
            "*2 $-1 $-1 ",
            "*2 $1 1 $1 2 ",
        ),
        Mutant::BackwardLengthWrong => (
            |stage| {
                let element = "x".repeat(126);
                stage.say(&format!("RPUSH l a b c d {element} e\r\n"));
                let back = || stage.say("LINDEX l -2\r\n") == format!("$126 {element} ");
                let right = std::panic::catch_unwind(std::panic::AssertUnwindSafe(back)).unwrap_or(false);
                if right { "found".to_owned() } else { "lost".to_owned() }
            },
            "found",
            "lost",
        ),
        Mutant::ExecAfterRefusal => (
            |stage| stage.say("MULTI\r\nNOSUCH\r\nPING\r\nEXEC\r\n").replace(NO_SUCH, ""),
            "+OK +QUEUED -EXECABORT Transaction discarded because of previous errors. ",
            "+OK +QUEUED *0 ",
        ),
    }
}

/// What is said of a command that nobody knows.
const NO_SUCH: &str = "-ERR unknown command 'NOSUCH', with args beginning with:  ";

/// Scans a table that grows between the calls.
fn scan_while_growing(stage: &mut Stage) -> String {
    const KEYS: usize = 1_000;
    let add = |stage: &mut Stage, keys: std::ops::Range<usize>| {
        stage.say(&keys.map(|key| format!("SET {key:06} v\r\n")).collect::<String>());
    };
    add(stage, 0..KEYS);
    let mut added = KEYS;
    let mut found: Vec<String> = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let reply = stage.say(&format!("SCAN {cursor} COUNT 1\r\n"));
        let mut words = reply.split_whitespace().filter(|word| !word.starts_with(['*', '$']));
        cursor = words.next().expect("the cursor comes first").to_owned();
        found.extend(words.map(str::to_owned));
        if cursor == "0" {
            break;
        }
        add(stage, added..added + 20);
        added += 20;
    }
    let missed = (0..KEYS).filter(|key| !found.contains(&format!("{key:06}"))).count();
    if missed == 0 { "missed none".to_owned() } else { "missed some".to_owned() }
}

/// A value changes in a file that has been written: what a server makes of that.
fn damage(directives: &[(&str, &str)], write: &str, name: &str) -> String {
    let mut stage = Stage::with_log(directives);
    stage.ask(&format!("SET k wonderfUl\r\n{write}"));
    let mut file = stage.disk.content(name).expect("it was written").to_vec();
    let at = file.windows(9).position(|window| window == b"wonderfUl").expect("the value is in it");
    file[at + 7] ^= 0x20;
    stage.disk.put(name, &file);
    stage.restart(true);
    match stage.exit_status {
        None => format!("went on with {}", stage.ask("GET k\r\n")),
        status => format!("left with {status:?}"),
    }
}

/// In a rewrite: how many files and directories are synced after something is done and before something else is.
fn syncs_between(first: &str, then: &str) -> String {
    let mut stage = logging();
    stage.disk.journal.clear();
    stage.ask("BGREWRITEAOF\r\n");
    let begin = stage.disk.journal.iter().position(|line| line.contains(first)).expect("it is done");
    let rest = stage.disk.journal[begin..].iter().take_while(|line| !line.contains(then));
    rest.filter(|line| line.starts_with("Sync")).count().to_string()
}

/// Counts up while the log is written anew: there are so many counters before, and so many are counted up after, from
/// this one on. Whether what is loaded then is the same.
fn rewrite_beside<const BEFORE: usize, const AFTER: usize, const FROM: usize>(_: &mut Stage) -> String {
    let play = || {
        let mut stage = logging();
        let count = |stage: &mut Stage, from: usize, to: usize| {
            let requests: String = (from..to).map(|number| format!("INCR {number}\r\n")).collect();
            stage.send(requests.as_bytes());
        };
        count(&mut stage, 0, BEFORE);
        stage.settle();
        stage.send(b"BGREWRITEAOF\r\n");
        for turn in 0..60 {
            count(&mut stage, FROM + turn * AFTER / 60, FROM + (turn + 1) * AFTER / 60);
            stage.step();
        }
        stage.settle();
        let digest = stage.core.digest();
        stage.restart(true);
        if stage.core.digest() == digest { "same" } else { "other" }
    };
    std::panic::catch_unwind(play).unwrap_or("panic").to_owned()
}
