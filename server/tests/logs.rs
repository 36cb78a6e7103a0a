//! `--check` and `--recover-to` on directories made for it.

#![deny(unsafe_code)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rotom_core::aof::{Sealer, append_timestamp};
use rotom_core::rdb::{Preamble, Writer};
use support::directory::TempDirectory;
use support::server::run_to_end;

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";
const SET_A: &[u8] = b"*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n";
const SET_B: &[u8] = b"*3\r\n$3\r\nset\r\n$1\r\nb\r\n$1\r\n2\r\n";
const FLUSHALL: &[u8] = b"*1\r\n$8\r\nflushall\r\n";

/// A log: a base of commands, and some increments.
struct Fixture {
    directory: TempDirectory,
}

impl Fixture {
    fn new(increments: &[Vec<u8>]) -> Fixture {
        let directory = TempDirectory::new().unwrap();
        let log = directory.path().join("appendonlydir");
        fs::create_dir(&log).unwrap();
        let mut manifest = "file a.1.base.aof seq 1 type b\n".to_owned();
        fs::write(log.join("a.1.base.aof"), SET_A).unwrap();
        for (number, bytes) in (1..).zip(increments) {
            manifest += &format!("file a.{number}.incr.aof seq {number} type i\n");
            fs::write(log.join(format!("a.{number}.incr.aof")), bytes).unwrap();
        }
        fs::write(log.join("a.manifest"), manifest).unwrap();
        Fixture { directory }
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.path().join("appendonlydir").join(name)).unwrap()
    }

    /// Runs the server in the fixture's directory.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let outcome = run_to_end(self.directory.path(), arguments, "");
        (outcome.status.code().unwrap(), outcome.output)
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], status: i32, expected: &[&str]) {
        let (code, output) = self.run(arguments);
        assert_eq!(code, status, "{arguments:?}: {output}");
        for text in expected {
            assert!(output.contains(text), "{arguments:?}: no {text:?} in {output}");
        }
    }

    /// Goes back to `moment`; answers the files of the new directory, having seen that the old one is as it was.
    #[track_caller]
    fn recover(&self, moment: &str) -> BTreeMap<String, Vec<u8>> {
        let before = files(&self.directory.path().join("appendonlydir"));
        let (code, output) = self.run(&["--recover-to", moment, ".", "--into", "new"]);
        assert_eq!(code, 0, "{output}");
        assert_eq!(files(&self.directory.path().join("appendonlydir")), before);
        self.check(&["--check", "new"], 0, &["All AOF files and manifest are valid"]);
        let found = files(&self.directory.path().join("new"));
        fs::remove_dir_all(self.directory.path().join("new")).unwrap();
        found
    }

    #[track_caller]
    fn recover_fails(&self, moment: &str, expected: &str) {
        self.check(&["--recover-to", moment, ".", "--into", "new"], 1, &[expected]);
        assert!(!self.directory.path().join("new").exists());
    }
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn sealed(file: u64, batches: &[&[u8]]) -> Vec<u8> {
    let mut sealer = Sealer::new(file, 0);
    let mut bytes = Vec::new();
    for batch in [&b""[..]].iter().chain(batches) {
        sealer.seal(batch, sealer.offset_bytes(), &mut bytes);
    }
    bytes
}

fn timestamp(unix_seconds: i64) -> Vec<u8> {
    let mut line = Vec::new();
    append_timestamp(unix_seconds, &mut line);
    line
}

#[test]
fn a_good_log_is_found_by_any_of_its_names() {
    let fixture = Fixture::new(&[PING.to_vec(), sealed(2, &[PING, SET_B])]);
    let valid = "All AOF files and manifest are valid";
    for path in [".", "appendonlydir", "appendonlydir/a.manifest"] {
        fixture.check(&["--check", path], 0, &["BASE AOF a.1.base.aof is valid", "batches=3", valid]);
    }
    fixture.check(&["--check", "appendonlydir/a.2.incr.aof"], 0, &["size=", "diff=0, commands=2, batches=3"]);
    fixture.check(&["--check", "nowhere"], 1, &["Cannot open file nowhere: No such file or directory"]);
    fixture.check(&["--check"], 1, &["Usage: "]);
    fs::write(fixture.directory.path().join("empty"), "").unwrap();
    fixture.check(&["--check", "empty"], 0, &["AOF empty is empty"]);
    fs::remove_file(fixture.directory.path().join("appendonlydir/a.2.incr.aof")).unwrap();
    fixture.check(&["--check", "."], 1, &["a.2.incr.aof: No such file or directory"]);
    fs::write(fixture.directory.path().join("appendonlydir/a.manifest"), "file a seq 1\n").unwrap();
    fixture.check(&["--check", "."], 1, &["at line 1\n>>> 'file a seq 1'\nInvalid AOF manifest file format"]);
    fs::write(fixture.directory.path().join("appendonlydir/b.manifest"), "").unwrap();
    fixture.check(&["--check", "."], 1, &["There is more than one manifest: "]);
}

/// What a key `a` with a string is in the RDB format.
fn rdb() -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = Writer::new(true);
    let preamble = Preamble { version: "7.2.0", created_seconds: 1, used_memory_bytes: 1, is_aof_base: true };
    writer.begin(&mut bytes, &preamble);
    bytes.extend_from_slice(b"\xfe\0\xfc\x01\0\0\0\0\0\0\0\0\x01a\x05hello");
    writer.end(&mut bytes);
    bytes
}

#[test]
fn a_part_in_the_rdb_format_is_examined() {
    let fixture = Fixture::new(&[PING.to_vec()]);
    let base = fixture.directory.path().join("appendonlydir/a.1.base.aof");
    let rdb = rdb();
    let looks_ok = "RDB looks OK!";
    fs::write(&base, &rdb).unwrap();
    let valid = "All AOF files and manifest are valid";
    fixture.check(&["--check", "."], 0, &[looks_ok, "BASE RDB a.1.base.aof is valid", valid]);
    let figures = ["[info] 1 keys read", "[info] 1 expires", "AUX FIELD aof-base = '1'", "Selecting DB ID 0"];
    fixture.check(&["--check", "appendonlydir/a.1.base.aof"], 0, &figures);

    let tail = [&rdb[..], SET_B].concat();
    fs::write(&base, &tail).unwrap();
    let expected = ["RDB preamble is OK, proceeding with AOF tail...", "diff=0, commands=1, batches=0"];
    fixture.check(&["--check", "."], 0, &expected);
    fs::write(&base, &tail[..tail.len() - 1]).unwrap();
    let ok_up_to = format!("ok_up_to={}, diff={}", rdb.len(), SET_B.len() - 1);
    fixture.check(&["--check", "appendonlydir/a.1.base.aof"], 1, &[&ok_up_to, "is not valid"]);
    fixture.check(&["--check", "appendonlydir/a.1.base.aof", "--fix"], 0, &["Successfully truncated"]);
    assert_eq!(fixture.file("a.1.base.aof"), rdb);

    let mut damaged = rdb.clone();
    damaged[rdb.len() - 12] ^= 1;
    fs::write(&base, &damaged).unwrap();
    let expected = [
        "--- RDB ERROR DETECTED ---",
        &format!("[offset {}] the checksum does not match", rdb.len() - 8),
        "BASE RDB a.1.base.aof is not valid",
    ];
    fixture.check(&["--check", "."], 1, &expected);
    fs::write(&base, &rdb[..rdb.len() - 9]).unwrap();
    fixture.check(&["--check", ".", "--fix"], 1, &["the data end too early", "There is no fixing it."]);
}

#[test]
fn a_torn_batch_is_put_aside_and_cut_off() {
    let good = sealed(1, &[SET_A]);
    let whole = sealed(1, &[SET_A, &[SET_B, PING].concat()]);
    let torn = &whole[..whole.len() - 3];
    let fixture = Fixture::new(&[torn.to_vec()]);
    let (good_len, lost) = (good.len(), torn.len() - good.len());
    let ok_up_to = format!("ok_up_to={good_len}, diff={lost}");
    let loses = format!("Cutting loses {lost} bytes, with at least 1 commands from: set b 2");
    let not_valid = "AOF a.1.incr.aof is not valid. Use the --fix option to try fixing it.";
    fixture.check(&["--check", "."], 1, &[&ok_up_to, &loses, "the file ends too early", not_valid]);
    assert_eq!(fixture.file("a.1.incr.aof"), torn);
    let aside = format!("a.1.incr.aof.{good_len}.cut");
    fixture.check(&["--check", ".", "--fix"], 0, &["Successfully truncated AOF a.1.incr.aof", &aside]);
    assert_eq!(
        (fixture.file("a.1.incr.aof"), fixture.file(&aside)),
        (good.clone(), torn[good.len()..].to_vec())
    );
    fixture.check(&["--check", ".", "--fix"], 0, &["All AOF files and manifest are valid"]);
    // What was put aside earlier is not written over.
    fs::write(fixture.directory.path().join("appendonlydir/a.1.incr.aof"), torn).unwrap();
    fixture.check(&["--check", ".", "--fix"], 0, &[&format!("{aside}.2")]);
    assert_eq!(fixture.file(&aside), fixture.file(&format!("{aside}.2")));
}

#[test]
fn damage_in_the_middle_is_told_from_a_torn_tail() {
    let mut bytes = sealed(1, &[SET_A, SET_B, PING]);
    let later = sealed(1, &[SET_A, SET_B]).len();
    bytes[later - 3] ^= 1;
    let fixture = Fixture::new(&[bytes]);
    let witness = format!("This was on disk once: the batch at offset {later} says so.");
    let expected = [&witness, "the checksum of a batch does not match", "at least 2 commands from: set b 3"];
    fixture.check(&["--check", "."], 1, &expected);
}

#[test]
fn only_the_last_file_is_cut() {
    let fixture = Fixture::new(&[[PING, MULTI, PING].concat(), PING.to_vec()]);
    let expected = "Failed to truncate AOF a.1.incr.aof because it is not the last file";
    let reason = "the file ends between MULTI and EXEC";
    fixture.check(&["--check", ".", "--fix"], 1, &["ok_up_to=14", reason, expected]);
    assert_eq!(fixture.file("a.1.incr.aof").len(), 14 + 15 + 14);
}

#[test]
fn back_to_before_a_command() {
    let plain = [SET_B, FLUSHALL, PING].concat();
    let fixture = Fixture::new(&[SET_A.to_vec(), plain, PING.to_vec()]);
    let found = fixture.recover("before:FLUSHALL*");
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        ["a.1.base.aof", "a.1.incr.aof", "a.2.incr.aof", "a.manifest"]
    );
    assert_eq!((&found["a.1.incr.aof"][..], &found["a.2.incr.aof"][..]), (SET_A, SET_B));
    assert!(!String::from_utf8_lossy(&found["a.manifest"]).contains("a.3"));
    assert_eq!(fixture.recover("before:set b *")["a.2.incr.aof"], b"");
    fixture.recover_fails("before:GET*", "No command matches GET*");
}

#[test]
fn a_transaction_is_left_out_as_a_whole() {
    let fixture = Fixture::new(&[[PING, MULTI, SET_A, FLUSHALL, EXEC].concat()]);
    assert_eq!(fixture.recover("before:flushall")["a.1.incr.aof"], PING);
    assert_eq!(fixture.recover("80")["a.1.incr.aof"], PING);
}

#[test]
fn a_batch_that_is_kept_in_part_is_sealed_again() {
    let batch = [SET_A, SET_B, FLUSHALL].concat();
    let fixture = Fixture::new(&[sealed(1, &[PING, &batch, PING])]);
    let kept = sealed(1, &[PING, &[SET_A, SET_B].concat()]);
    assert_eq!(fixture.recover("before:FLUSHALL")["a.1.incr.aof"], kept);
    assert_eq!(fixture.recover("before:set a *")["a.1.incr.aof"], sealed(1, &[PING]));
}

#[test]
fn back_to_an_offset() {
    let fixture = Fixture::new(&[[SET_A, PING].concat(), [SET_B, PING].concat()]);
    for (moment, first, second) in [
        ("100000", None, None),
        ("41", Some([SET_A, PING].concat()), Some([SET_B, PING].concat())),
        ("40", Some([SET_A, PING].concat()), Some(SET_B.to_vec())),
        ("0", Some([SET_A, PING].concat()), Some(Vec::new())),
        ("a.1.incr.aof:27", Some(SET_A.to_vec()), None),
        ("a.1.incr.aof:41", Some([SET_A, PING].concat()), None),
    ] {
        if first.is_none() {
            fixture.recover_fails(moment, "a.2.incr.aof is good up to offset 41 only");
            continue;
        }
        let found = fixture.recover(moment);
        assert_eq!(found.get("a.1.incr.aof"), first.as_ref(), "{moment}");
        assert_eq!(found.get("a.2.incr.aof"), second.as_ref(), "{moment}");
    }
    fixture.recover_fails("a.9.incr.aof:1", "The manifest has no increment a.9.incr.aof");
}

#[test]
fn back_to_a_time() {
    let later = [timestamp(200), SET_B.to_vec()].concat();
    let fixture = Fixture::new(&[
        [timestamp(100), SET_A.to_vec(), timestamp(150), PING.to_vec()].concat(),
        sealed(2, &[PING, &[PING, &later].concat()]),
    ]);
    let first = [timestamp(100), SET_A.to_vec()].concat();
    assert_eq!(fixture.recover("@100")["a.1.incr.aof"], first);
    assert_eq!(fixture.recover("@149")["a.1.incr.aof"], first);
    let found = fixture.recover("1970-01-01T00:02:30Z");
    assert_eq!(found["a.2.incr.aof"], sealed(2, &[PING, PING]));
    assert_eq!(fixture.recover("@200")["a.2.incr.aof"], fixture.file("a.2.incr.aof"));
    fixture.recover_fails("@99", "The log begins later than that");
    let timeless = Fixture::new(&[PING.to_vec()]);
    timeless.recover_fails("@1", "aof-timestamp-enabled was off");
}

#[test]
fn damage_matters_only_before_the_moment() {
    let fixture = Fixture::new(&[[SET_A, FLUSHALL, b"xyz"].concat()]);
    assert_eq!(fixture.recover("before:FLUSHALL")["a.1.incr.aof"], SET_A);
    fixture.recover_fails("before:GET", "a.1.incr.aof is damaged at offset 45, before that moment");
    // A torn tail is left out.
    let fixture = Fixture::new(&[[&timestamp(5), SET_A, &PING[..5]].concat()]);
    assert_eq!(fixture.recover("@7")["a.1.incr.aof"], [&timestamp(5), SET_A].concat());
}

#[test]
fn a_directory_in_use_is_not_written_to() {
    let fixture = Fixture::new(&[FLUSHALL.to_vec()]);
    let arguments = ["--recover-to", "before:FLUSHALL", ".", "--into", "appendonlydir"];
    fixture.check(&arguments, 1, &["appendonlydir is not empty"]);
    fixture.check(&["--recover-to", "x", ".", "--into", "new"], 1, &["'x' is no moment"]);
    fixture.check(&["--recover-to"], 1, &["Usage: "]);
}
