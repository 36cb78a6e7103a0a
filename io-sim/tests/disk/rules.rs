//! One test for each rule of the fault model, named after it, with its number.

use crate::support::*;
use rotom_core::disk::{DiskKind, DiskOutput, FileId, Lane};
use rotom_io_sim::disk::{Crash, Disk, PAGE_BYTES, SECTOR_BYTES};
use rotom_io_sim::fault::{ALWAYS, FaultKind};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

/// Pages of the files that are to be torn.
const PAGES: usize = 4;

/// A file of `o`s, synced, whose bytes are then all written anew as `n`s, unsynced.
fn rewritten(seed: u64, rates: &[(FaultKind, u32)]) -> Disk {
    let mut disk = disk(seed, rates);
    disk.write("f", &[b'o'; PAGES * PAGE_BYTES]);
    done(&mut disk, [open(FILE, "f"), truncate(FILE, 0), append(FILE, &[b'n'; PAGES * PAGE_BYTES])]);
    disk
}

/// What became of each sector: `o`, `n`, or `?` for anything else.
fn fates(content: &[u8]) -> Vec<u8> {
    let fate = |sector: &[u8]| match sector[0] {
        first @ (b'o' | b'n') if sector.iter().all(|&byte| byte == first) => first,
        _ => b'?',
    };
    content.chunks(SECTOR_BYTES).map(fate).collect()
}

#[test]
fn rule_1_a_write_changes_the_live_image_alone() {
    let mut disk = disk(1, &[]);
    disk.write("f", b"old");
    done(&mut disk, [open(FILE, "f"), append(FILE, b" new")]);
    assert_eq!(disk.read("f"), Some(&b"old new"[..]));
    assert_eq!(run(&mut disk, read_file("f")), Ok(DiskOutput::Buffer(b"old new".to_vec())));
    assert_eq!(disk.durable("f"), Some(b"old".to_vec()));
    disk.lose_power(1);
    assert_eq!(disk.read("f"), Some(&b"old"[..]));
    // Pages that were not written to are not dirty: nothing becomes of them.
    let mut disk = rewritten(1, &[(FaultKind::TornPage, ALWAYS), (FaultKind::TornSector, ALWAYS)]);
    done(&mut disk, [sync(FILE), append(FILE, b"n")]);
    disk.lose_power(1);
    assert_eq!(fates(disk.read("f").unwrap()), [b'n'; PAGES * PAGE_BYTES / SECTOR_BYTES]);
}

#[test]
fn rule_2_a_dirty_page_is_old_or_new_or_torn_by_sectors() {
    let rates =
        [(FaultKind::WriteBack, HALF), (FaultKind::TornPage, HALF / 2), (FaultKind::TornSector, HALF / 10)];
    let mut pages: BTreeMap<&str, u32> = BTreeMap::new();
    let mut mixes = BTreeSet::new();
    for seed in 0..200 {
        let mut disk = rewritten(seed, &rates);
        disk.lose_power(1);
        let content = disk.read("f").unwrap();
        assert_eq!(content.len(), PAGES * PAGE_BYTES);
        for page in fates(content).chunks(PAGE_BYTES / SECTOR_BYTES) {
            let has = |fate| page.contains(&fate);
            let what = match (has(b'o'), has(b'n'), has(b'?')) {
                (true, false, false) => "old",
                (false, true, false) => "new",
                (true, true, false) => "torn",
                (_, _, true) => "garbage",
                (false, false, false) => unreachable!("a page has sectors"),
            };
            *pages.entry(what).or_default() += 1;
        }
        let kinds: Vec<_> = fates(content).chunks(8).map(|page| page[0]).collect();
        mixes.insert(kinds);
    }
    for what in ["old", "new", "torn", "garbage"] {
        assert!(pages[what] > 20, "{pages:?}");
    }
    // The pages' fates are independent.
    assert!(mixes.len() >= 1 << PAGES, "{mixes:?}");
}

#[test]
fn rule_3_the_length_is_apart_from_the_data() {
    let rates = [(FaultKind::WriteBack, HALF), (FaultKind::SizeFirst, HALF)];
    let mut reached: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..400 {
        let mut disk = disk(seed, &rates);
        disk.write("f", b"synced");
        done(&mut disk, [open(FILE, "f"), append(FILE, &[b'n'; 5_000])]);
        disk.lose_power(1);
        let content = disk.read("f").unwrap();
        assert!(content.starts_with(b"synced") && content.len() <= 5_006);
        assert!(content[6..].iter().all(|byte| [b'n', 0].contains(byte)));
        let has_zeros = content[6..].contains(&0);
        let what = match (content.len(), has_zeros) {
            (6, _) => "old length",
            (5_006, false) => "all there",
            (5_006, true) => "full length with zeros",
            (_, true) => "some length with zeros",
            (_, false) => "some length, and data up to there",
        };
        *reached.entry(what).or_default() += 1;
    }
    assert!(reached.len() == 5 && reached.values().all(|&count| count > 5), "{reached:?}");
    // A file that was cut may come back longer, or stay short.
    let contents: BTreeSet<Vec<u8>> = (0..200)
        .map(|seed| {
            let mut disk = disk(seed, &rates);
            disk.write("f", &[b'o'; 100]);
            done(&mut disk, [open(FILE, "f"), truncate(FILE, 40)]);
            disk.lose_power(1);
            disk.read("f").unwrap().to_vec()
        })
        .collect();
    let lengths: BTreeSet<_> = contents.iter().map(Vec::len).collect();
    assert!(lengths.first() == Some(&40) && lengths.last() == Some(&100) && lengths.len() > 20);
    // The page may be there, ending in zeros, while the length is not.
    assert!(
        contents.contains(&[b'o'; 100][..]) && contents.contains(&[[b'o'; 40].as_slice(), &[0; 60]].concat())
    );
}

#[test]
fn rule_4_any_page_may_become_durable_at_any_time() {
    let rates = [(FaultKind::WriteBack, HALF), (FaultKind::SizeFirst, HALF)];
    let mut outcomes = BTreeSet::new();
    for seed in 0..100 {
        let mut disk = disk(seed, &rates);
        disk.write("a", b"");
        disk.write("b", b"");
        let other = FileId(2);
        done(
            &mut disk,
            [open(FILE, "a"), open(other, "b"), append(FILE, b"first"), append(other, b"second")],
        );
        disk.write_back(1);
        outcomes.insert((disk.durable("a").unwrap() == b"first", disk.durable("b").unwrap() == b"second"));
        assert_eq!((disk.read("a"), disk.read("b")), (Some(&b"first"[..]), Some(&b"second"[..])));
        // What was written back is there for good, and given time everything is.
        for round in 2..100 {
            disk.write_back(round);
        }
        disk.set_faults(faults(seed, &[]));
        disk.lose_power(1);
        assert_eq!((disk.read("a"), disk.read("b")), (Some(&b"first"[..]), Some(&b"second"[..])));
    }
    // Also the later one without the earlier.
    assert_eq!(outcomes.len(), 4);
}

#[test]
fn rule_5_sync_makes_data_and_length_durable_and_not_the_name() {
    let mut disk = disk(1, &[]);
    done(&mut disk, [create(FILE, "f"), append(FILE, b"data"), sync(FILE)]);
    assert_eq!((disk.read("f"), disk.durable("f")), (Some(&b"data"[..]), None));
    done(&mut disk, [sync_dir(".")]);
    assert_eq!(disk.durable("f"), Some(b"data".to_vec()));
    done(&mut disk, [create(FileId(2), "g"), append(FileId(2), b"data"), sync(FileId(2))]);
    disk.lose_power(1);
    assert_eq!(disk.names().collect::<Vec<_>>(), ["f"]);
    assert_eq!(disk.read("f"), Some(&b"data"[..]));
}

#[test]
fn rule_6_names_are_durable_once_their_directory_is_synced() {
    let prepare = |seed, rates: &[(FaultKind, u32)]| {
        let mut disk = disk(seed, rates);
        disk.write("d/1", b"");
        done(&mut disk, [create(FILE, "d/2"), create(FILE, "d/3"), remove("d/1"), rename("d/3", "d/4")]);
        disk
    };
    let after = |mut disk: Disk| {
        disk.lose_power(1);
        disk.names().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(after(prepare(1, &[])), "d/1");
    let mut disk = prepare(1, &[]);
    done(&mut disk, [sync_dir("other")]);
    assert_eq!(disk.durable_names().collect::<Vec<_>>(), ["d/1"]);
    done(&mut disk, [sync_dir("d/")]);
    assert_eq!(after(disk), "d/2 d/4");

    let outcomes =
        |kind| (0..200).map(|seed| after(prepare(seed, &[(kind, ALWAYS)]))).collect::<BTreeSet<_>>();
    let prefixes = ["d/1", "d/1 d/2", "d/1 d/2 d/3", "d/2 d/3", "d/2 d/4"];
    assert_eq!(outcomes(FaultKind::DirPrefix), prefixes.map(str::to_owned).into());
    // In the weak profile the four changes are independent, but for the rename needing its old name.
    let weak = ["d/1", "d/1 d/2", "d/1 d/3", "d/1 d/2 d/3", "d/1 d/4", "d/1 d/2 d/4"];
    let without_1 = ["", "d/2", "d/3", "d/2 d/3", "d/4", "d/2 d/4"];
    assert_eq!(
        outcomes(FaultKind::DirSubset),
        weak.into_iter().chain(without_1).map(str::to_owned).collect()
    );
}

#[test]
fn rule_7_a_rename_is_atomic_and_makes_no_data_durable() {
    let mut contents = BTreeSet::new();
    for seed in 0..100 {
        let rates = [(FaultKind::DirSubset, HALF), (FaultKind::DirPrefix, HALF)];
        let mut disk = disk(seed, &rates);
        disk.write("conf", b"old");
        done(&mut disk, [create(FILE, "temp"), append(FILE, b"new"), sync(FILE), rename("temp", "conf")]);
        assert_eq!((disk.read("conf"), disk.read("temp")), (Some(&b"new"[..]), None));
        disk.lose_power(1);
        contents.insert(disk.read("conf").unwrap().to_vec());
        let is_renamed = disk.read("conf").unwrap() == b"new";
        assert!(!is_renamed || disk.read("temp").is_none(), "seed {seed}");
    }
    assert_eq!(contents, [b"old".to_vec(), b"new".to_vec()].into());

    let mut disk = disk(1, &[]);
    disk.write("conf", b"old");
    done(&mut disk, [create(FILE, "temp"), append(FILE, b"new"), rename("temp", "conf"), sync_dir("")]);
    disk.lose_power(1);
    assert_eq!(disk.read("conf"), Some(&b""[..]));
}

#[test]
fn rule_8_a_failed_sync_loses_its_pages_and_is_told_once() {
    for (kind, message) in
        [(FaultKind::SyncError, "Input/output error"), (FaultKind::EnospcSync, "No space left on device")]
    {
        let mut disk = disk(1, &[(kind, ALWAYS)]);
        disk.write("f", &[b'o'; PAGE_BYTES]);
        done(&mut disk, [open(FILE, "f"), append(FILE, &[b'l'; PAGE_BYTES])]);
        assert_eq!(failure(&mut disk, sync(FILE)).message, message);
        // Nobody would see it from what a process reads.
        assert_eq!(disk.read("f").unwrap()[PAGE_BYTES..], [b'l'; PAGE_BYTES]);
        disk.set_faults(faults(1, &[]));
        done(&mut disk, [append(FILE, b"n"), sync(FILE), sync(FILE)]);
        disk.lose_power(1);
        let expected = [&[b'o'; PAGE_BYTES][..], &[0; PAGE_BYTES], b"n"].concat();
        assert_eq!(disk.read("f"), Some(&expected[..]));
    }
    // A page that is written again is a dirty page like any other.
    let mut disk = disk(1, &[(FaultKind::SyncError, ALWAYS)]);
    disk.write("f", b"");
    done(&mut disk, [open(FILE, "f"), append(FILE, b"lost ")]);
    failure(&mut disk, sync(FILE));
    disk.set_faults(faults(1, &[(FaultKind::Evict, ALWAYS)]));
    done(&mut disk, [append(FILE, b"and found"), sync(FILE)]);
    disk.write_back(1);
    assert_eq!(
        (disk.read("f"), disk.durable("f")),
        (Some(&b"lost and found"[..]), Some(b"lost and found".into()))
    );
    // A lost page that leaves the cache shows what the medium has.
    disk.set_faults(faults(1, &[(FaultKind::SyncError, ALWAYS), (FaultKind::Evict, ALWAYS)]));
    done(&mut disk, [append(FILE, b", or not")]);
    failure(&mut disk, sync(FILE));
    disk.write_back(1);
    assert_eq!(disk.read("f"), Some(&b"lost and found\0\0\0\0\0\0\0\0"[..]));
    // Nothing vouches for a lost page, not even a later sync: it can be garbled like any other.
    disk.set_faults(faults(1, &[]));
    disk.write("doubtful", b"");
    done(&mut disk, [open(FILE, "doubtful"), append(FILE, b"lost")]);
    disk.set_faults(faults(1, &[(FaultKind::SyncError, ALWAYS)]));
    failure(&mut disk, sync(FILE));
    disk.set_faults(faults(1, &[(FaultKind::TornSector, ALWAYS)]));
    done(&mut disk, [sync(FILE), append(FILE, b" again")]);
    disk.lose_power(1);
    assert!(![&b"lost"[..], b"\0\0\0\0"].contains(&disk.read("doubtful").unwrap()));
    // A directory's failed sync leaves its changes pending.
    disk.set_faults(faults(1, &[(FaultKind::SyncError, ALWAYS)]));
    done(&mut disk, [create(FileId(2), "g")]);
    failure(&mut disk, sync_dir("."));
    disk.heal();
    assert_eq!(disk.durable("g"), None);
    done(&mut disk, [sync_dir(".")]);
    assert_eq!(disk.durable("g"), Some(Vec::new()));
}

#[test]
fn rule_9_a_write_back_error_surfaces_at_a_later_sync() {
    let mut disk = disk(1, &[(FaultKind::LateSyncError, ALWAYS)]);
    disk.write("f", b"");
    disk.write("g", b"");
    let other = FileId(2);
    done(&mut disk, [open(FILE, "f"), open(other, "g"), append(FILE, &[b'l'; PAGE_BYTES])]);
    disk.write_back(1);
    // It is told to whoever syncs that file next, though the error lies back and the process is another.
    disk.heal();
    disk.kill(1);
    done(&mut disk, [open(FILE, "f"), open(other, "g"), append(FILE, b"n"), sync(other)]);
    assert_eq!(failure(&mut disk, sync(FILE)).kind, io_error());
    done(&mut disk, [sync(FILE)]);
    disk.lose_power(1);
    assert_eq!(disk.read("f"), Some(&[&[0; PAGE_BYTES][..], b"n"].concat()[..]));
    // With the power goes the memory of it.
    let mut disk = crate::support::disk(1, &[(FaultKind::LateSyncError, ALWAYS)]);
    disk.write("f", b"");
    done(&mut disk, [open(FILE, "f"), append(FILE, b"lost")]);
    disk.write_back(1);
    disk.lose_power(1);
    done(&mut disk, [open(FILE, "f"), sync(FILE)]);
    assert_eq!(disk.read("f"), Some(&b""[..]));
}

#[test]
fn rule_10_without_space_writes_stop_short_and_space_can_return() {
    let mut disk = disk(1, &[]);
    done(&mut disk, [create(FILE, "f"), append(FILE, b"1234")]);
    disk.set_space_left(Some(3));
    let error = failure(&mut disk, append(FILE, b"56789"));
    assert_eq!((error.kind, error.written_bytes), (ErrorKind::StorageFull, 3));
    assert_eq!((error.message.as_str(), error.buffer), ("No space left on device", Some(b"56789".to_vec())));
    assert_eq!((disk.read("f"), disk.space_left()), (Some(&b"1234567"[..]), Some(0)));
    assert_eq!(failure(&mut disk, append(FILE, b"8")).written_bytes, 0);
    assert_eq!(failure(&mut disk, create(FileId(2), "g")).kind, ErrorKind::StorageFull);
    done(&mut disk, [append(FILE, b"")]);
    // Cutting gives space back, and so does removing, once nobody has the file open.
    done(&mut disk, [truncate(FILE, 5), append(FILE, b"67"), truncate(FILE, 5), create(FileId(2), "g")]);
    done(&mut disk, [remove("f")]);
    assert_eq!((disk.space_left(), disk.used_bytes()), (Some(2), 5));
    done(&mut disk, [close(FILE)]);
    assert_eq!((disk.space_left(), disk.used_bytes()), (Some(7), 0));
    disk.set_space_left(None);
    done(&mut disk, [append(FileId(2), &[0; 100])]);

    // The same as faults, which come and go.
    disk.set_faults(faults(1, &[(FaultKind::EnospcAppend, HALF), (FaultKind::EnospcCreate, HALF)]));
    let mut reached = BTreeSet::new();
    for number in 0..100 {
        let before = disk.read("g").unwrap().len();
        let written = match run(&mut disk, append(FileId(2), b"12345678")) {
            Ok(_) => 8,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::StorageFull);
                error.written_bytes
            }
        };
        assert_eq!(disk.read("g").unwrap().len(), before + written as usize);
        reached.insert(written);
        let name = format!("{number}");
        let created = run(&mut disk, create(FILE, &name)).map_err(|error| error.kind);
        assert_eq!(disk.read(&name).is_some(), created.is_ok());
        reached.insert(if created.is_ok() { 100 } else { 101 });
    }
    assert_eq!(reached, (0..=8).chain([100, 101]).collect());
}

#[test]
fn rule_11_read_errors_and_rot_are_sticky() {
    let mut disk = disk(1, &[(FaultKind::EioRead, ALWAYS)]);
    disk.write("f", b"data");
    assert_eq!(failure(&mut disk, read_file("f")).kind, io_error());
    disk.heal();
    disk.write("g", b"data");
    disk.lose_power(1);
    disk.kill(1);
    assert_eq!(failure(&mut disk, read_file("f")).message, "Input/output error");
    done(&mut disk, [read_file("g"), rename("g", "f"), read_file("f")]);

    let rot = [(FaultKind::BitRot, ALWAYS)];
    let differing = |one: &[u8], other: &[u8]| -> u32 {
        assert_eq!(one.len(), other.len());
        one.iter().zip(other).map(|(one, other)| (one ^ other).count_ones()).sum()
    };
    let content = [b'd'; 3 * PAGE_BYTES];
    let mut places = BTreeSet::new();
    for seed in 0..20 {
        let mut disk = crate::support::disk(seed, &rot);
        disk.write("f", &content);
        disk.write_back(1);
        let rotten = disk.durable("f").unwrap();
        assert_eq!(disk.read("f"), Some(&content[..]), "the cache has it still");
        assert_eq!(differing(&content, &rotten), 1);
        places.insert(rotten.iter().position(|&byte| byte != b'd'));
        disk.heal();
        done(&mut disk, [open(FILE, "f"), sync(FILE)]);
        for crash in 0..2 {
            disk.lose_power(crash);
            assert_eq!((disk.read("f"), disk.durable("f")), (Some(&rotten[..]), Some(rotten.clone())));
        }
    }
    assert!(places.len() > 15);
    // A power loss by itself can bring it, too.
    let mut disk = crate::support::disk(1, &rot);
    disk.write("f", &content);
    disk.lose_power(1);
    assert_eq!(differing(&content, disk.read("f").unwrap()), 1);
    // It also shows when the page leaves the cache; and writing the page anew from the cache mends it.
    for (rates, bits) in [(&[(FaultKind::Evict, ALWAYS)][..], 1), (&[], 0)] {
        let mut disk = crate::support::disk(1, &rot);
        disk.write("f", &[b'd'; 10]);
        disk.write_back(1);
        disk.set_faults(faults(1, rates));
        disk.write_back(2);
        done(&mut disk, [open(FILE, "f"), append(FILE, b"d"), sync(FILE)]);
        assert_eq!(differing(&[b'd'; 11], disk.read("f").unwrap()), bits);
        assert_eq!(disk.durable("f").as_deref(), disk.read("f"));
    }
}

#[test]
fn rule_12_anything_may_be_interrupted_or_short() {
    let mut disk = disk(1, &[]);
    disk.write("f", b"");
    done(&mut disk, [open(FILE, "f")]);
    disk.set_faults(faults(1, &[(FaultKind::Interrupted, ALWAYS)]));
    let works = [
        create(FileId(2), "g"),
        open(FileId(2), "g"),
        open(FileId(2), "f"),
        append(FILE, b"1"),
        sync(FILE),
        truncate(FILE, 0),
        read_file("f"),
        rename("f", "g"),
        remove("f"),
        sync_dir("."),
    ];
    for work in works {
        let error = failure(&mut disk, work);
        assert_eq!((error.kind, error.written_bytes), (ErrorKind::Interrupted, 0));
    }
    assert_eq!((disk.names().collect::<Vec<_>>(), disk.read("f")), (vec!["f"], Some(&b""[..])));
    // An interrupted sync has lost nothing.
    disk.set_faults(faults(1, &[]));
    done(&mut disk, [append(FILE, b"data")]);
    disk.set_faults(faults(1, &[(FaultKind::Interrupted, ALWAYS)]));
    failure(&mut disk, sync(FILE));
    disk.set_faults(faults(1, &[]));
    done(&mut disk, [sync(FILE)]);
    assert_eq!(disk.durable("f"), Some(b"data".to_vec()));

    for (kind, expected) in [(FaultKind::ShortWrite, ErrorKind::WriteZero), (FaultKind::EioWrite, io_error())]
    {
        let mut cuts = BTreeSet::new();
        disk.set_faults(faults(1, &[(kind, ALWAYS)]));
        for _ in 0..50 {
            let before = disk.read("f").unwrap().to_vec();
            let error = failure(&mut disk, append(FILE, b"1234"));
            assert_eq!((error.kind, error.buffer), (expected, Some(b"1234".to_vec())));
            let written = error.written_bytes as usize;
            assert_eq!(disk.read("f").unwrap(), [&before, &b"1234"[..written]].concat());
            cuts.insert(written);
        }
        assert_eq!(cuts, (0..4).collect());
    }
    assert_eq!(failure(&mut disk, rename("f", "g")).kind, io_error());
    disk.set_faults(faults(1, &[(FaultKind::ShortRead, ALWAYS)]));
    assert_eq!(failure(&mut disk, read_file("f")).kind, ErrorKind::UnexpectedEof);
}

#[test]
fn rule_13_a_kill_keeps_what_a_power_loss_takes() {
    let mut disk = disk(1, &[]);
    disk.write("f", b"synced");
    done(&mut disk, [open(FILE, "f"), append(FILE, b", not synced"), create(FileId(2), "g")]);
    disk.kill(1);
    assert_eq!((disk.read("f"), disk.read("g")), (Some(&b"synced, not synced"[..]), Some(&b""[..])));
    // The process that had them open is gone.
    assert_eq!(failure(&mut disk, append(FILE, b"x")).message, "file is not open");
    disk.lose_power(1);
    assert_eq!((disk.read("f"), disk.read("g"), disk.used_bytes()), (Some(&b"synced"[..]), None, 6));
}

/// Work in flight when a process or the power ends: not begun, done in part, or done.
#[test]
fn rule_13_work_in_flight_has_happened_not_at_all_in_part_or_wholly() {
    let data = [b'n'; 3 * SECTOR_BYTES];
    for power in [false, true] {
        let mut reached = BTreeSet::new();
        for seed in 0..300 {
            let mut disk = disk(seed, &[]);
            disk.write("f", &[b'o'; 500]);
            done(&mut disk, [open(FILE, "f")]);
            for work in [append(FILE, &data), sync(FILE), rename("f", "g"), sync_dir("")] {
                assert!(disk.submit(op(work)).is_zero());
            }
            assert_eq!((disk.waiting(Lane::Log), disk.waiting(Lane::Control)), (4, 0));
            if power {
                disk.lose_power(1);
            } else {
                disk.kill(1);
            }
            assert!(disk.finish(Lane::Log).is_none(), "nobody hears of it");
            let name = disk.names().next().unwrap().to_owned();
            reached.insert((name, disk.read("f").or(disk.read("g")).unwrap().len()));
        }
        let lengths: BTreeSet<_> = reached.iter().map(|(_, len)| *len).collect();
        // The file's first sector has room for 12 bytes more.
        let expected = if power { vec![500, 2036] } else { vec![500, 512, 1024, 1536, 2036] };
        assert_eq!(lengths, expected.into_iter().collect());
        let names: BTreeSet<_> = reached.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["f", "g"].into());
        assert!(!reached.contains(&("g".into(), 500)), "a lane works in order");
    }
    // A sync that was cut off has written some of its pages, the last of them perhaps in part.
    let mut counts = BTreeSet::new();
    for seed in 0..500 {
        let mut disk = rewritten(seed, &[]);
        disk.submit(op(sync(FILE)));
        disk.lose_power(1);
        let fates = fates(disk.read("f").unwrap());
        counts.insert(fates.iter().take_while(|&&fate| fate == b'n').count());
        assert!(fates.is_sorted(), "the first ones are new: {fates:?}");
    }
    assert_eq!(counts, (0..=PAGES * PAGE_BYTES / SECTOR_BYTES).collect());
}

/// An end at a piece of work of the process' own, which was to add three sectors to 500 bytes.
#[test]
fn rule_13_a_process_ends_at_its_own_work() {
    let lengths = |kind| {
        let mut lengths = BTreeSet::new();
        let mut manners = BTreeSet::new();
        for seed in 0..200 {
            let mut disk = disk(seed, &[]);
            disk.write("f", &[b'o'; 500]);
            done(&mut disk, [open(FILE, "f")]);
            disk.set_faults(faults(seed, &[(kind, ALWAYS)]));
            disk.submit(op(append(FILE, &[b'n'; 3 * SECTOR_BYTES])));
            if kind == FaultKind::CrashAfterDisk {
                assert_eq!(disk.end_due(), None);
                assert!(disk.finish(Lane::Log).is_none(), "nobody hears of it");
            }
            manners.insert(disk.end_due().unwrap() == Crash::Kill);
            disk.kill(1);
            assert_eq!((disk.end_due(), disk.waiting(Lane::Log)), (None, 0));
            lengths.insert(disk.read("f").unwrap().len());
        }
        assert_eq!(manners.len(), 2, "kills and power losses");
        lengths
    };
    assert_eq!(lengths(FaultKind::CrashBeforeDisk), [500].into());
    assert_eq!(lengths(FaultKind::CrashDuringDisk), [500, 512, 1024, 1536].into());
    assert_eq!(lengths(FaultKind::CrashAfterDisk), [2036].into());
}

#[test]
fn rule_13_crashes_come_during_recovery_too() {
    let rates = [(FaultKind::WriteBack, HALF), (FaultKind::SizeFirst, HALF), (FaultKind::TornSector, HALF)];
    for seed in 0..50 {
        let mut disk = disk(seed, &rates);
        disk.write("f", b"base");
        for crash in 0..5 {
            let kept = disk.read("f").unwrap().to_vec();
            // What a power loss has left is as good as synced.
            assert_eq!(disk.durable("f").as_ref(), Some(&kept));
            done(&mut disk, [open(FILE, "f"), append(FILE, &[crash as u8; 700])]);
            disk.lose_power(crash);
            let content = disk.read("f").unwrap();
            assert!(content.starts_with(&kept) && content.len() <= kept.len() + 700, "seed {seed}");
        }
    }
}

#[test]
fn rule_14_an_open_file_outlives_its_name_and_follows_it() {
    let mut disk = disk(1, &[]);
    done(&mut disk, [create(FILE, "a"), rename("a", "b"), append(FILE, b"1")]);
    assert_eq!((disk.read("a"), disk.read("b")), (None, Some(&b"1"[..])));
    // Removed, it is still written to; a new file of that name is another one.
    done(&mut disk, [remove("b"), append(FILE, b"2"), sync(FILE), create(FileId(2), "b")]);
    assert_eq!((disk.read("b"), disk.used_bytes()), (Some(&b""[..]), 2));
    done(&mut disk, [append(FILE, b"3"), close(FILE)]);
    assert_eq!(disk.used_bytes(), 0);
    // Replaced by a rename, likewise.
    done(&mut disk, [create(FILE, "c"), rename("b", "c"), append(FILE, b"45"), append(FileId(2), b"6")]);
    assert_eq!((disk.read("c"), disk.used_bytes()), (Some(&b"6"[..]), 3));
    // A handle that is used again closes what it stood for.
    done(&mut disk, [open(FILE, "c")]);
    assert_eq!(disk.used_bytes(), 1);
    // A removal that a power loss undoes brings the file back.
    disk.write("d", b"kept");
    done(&mut disk, [remove("d")]);
    disk.lose_power(1);
    assert_eq!(disk.read("d"), Some(&b"kept"[..]));
}

#[test]
fn work_fails_as_with_the_production_driver() {
    let mut disk = Disk::default();
    disk.write("f", b"1234");
    let read = |len_bytes_max| DiskKind::ReadFile { name: "./f".into(), len_bytes_max };
    assert_eq!(run(&mut disk, read(4)), Ok(DiskOutput::Buffer(b"1234".to_vec())));
    let works = [
        (read(3), ErrorKind::FileTooLarge, "File too large"),
        (create(FILE, "f"), ErrorKind::AlreadyExists, "File exists"),
        (read_file("g"), ErrorKind::NotFound, "No such file or directory"),
        (rename("g", "h"), ErrorKind::NotFound, "No such file or directory"),
        (remove("g"), ErrorKind::NotFound, "No such file or directory"),
        (sync(FILE), ErrorKind::InvalidInput, "file is not open"),
        (truncate(FILE, 0), ErrorKind::InvalidInput, "file is not open"),
        (append(FILE, b""), ErrorKind::InvalidInput, "file is not open"),
    ];
    for (work, kind, message) in works {
        let error = failure(&mut disk, work);
        assert_eq!((error.kind, error.message.as_str()), (kind, message));
    }
    done(&mut disk, [close(FILE), rename("f", "f"), open(FILE, "f"), truncate(FILE, 6), append(FILE, b"7")]);
    assert_eq!(disk.read("f"), Some(&b"1234\0\x007"[..]));
}

#[test]
fn a_slow_disk_says_how_long_work_takes() {
    let mut disk = disk(1, &[(FaultKind::SlowDisk, HALF)]);
    let delays: Vec<_> = (0..100).map(|_| disk.submit(op(create(FILE, "f")))).collect();
    assert!(delays.iter().filter(|delay| delay.is_zero()).count() > 20);
    assert!(delays.iter().collect::<BTreeSet<_>>().len() > 20);
    assert!(disk.finish(Lane::Log).unwrap().outcome.is_ok());
    assert_eq!(disk.finish(Lane::Log).unwrap().outcome.unwrap_err().kind, ErrorKind::AlreadyExists);
    assert_eq!(disk.waiting(Lane::Log), 98);
}

#[test]
fn files_are_found_by_listing_and_read_in_pieces() {
    let mut disk = Disk::default();
    let make = |name: &str| DiskKind::CreateDir { name: name.into(), mode: 0o755 };
    let list = |name: &str| DiskKind::List { name: name.into() };
    done(&mut disk, [make("d"), create(FILE, "d/a"), append(FILE, b"0123456789"), create(FileId(2), "b")]);
    assert_eq!(failure(&mut disk, make("d")).kind, ErrorKind::AlreadyExists);
    assert_eq!(run(&mut disk, list("d")), Ok(DiskOutput::Names(vec!["a".into()])));
    assert_eq!(run(&mut disk, list(".")), Ok(DiskOutput::Names(vec!["b".into()])));
    assert_eq!(failure(&mut disk, list("e")).kind, ErrorKind::NotFound);
    let opened = run(&mut disk, DiskKind::OpenRead { file: FILE, name: "d/a".into() });
    assert_eq!(opened, Ok(DiskOutput::Opened { len_bytes: 10 }));
    for (offset_bytes, len_bytes, expected) in
        [(0, 4, &b"0123"[..]), (4, 6, b"456789"), (8, 4, b"89"), (10, 4, b"")]
    {
        let piece = run(&mut disk, DiskKind::ReadAt { file: FILE, offset_bytes, len_bytes });
        assert_eq!(piece, Ok(DiskOutput::Buffer(expected.to_vec())));
    }
    // The directory's own name was never made durable.
    done(&mut disk, [sync(FILE), sync_dir("d")]);
    disk.lose_power(1);
    assert_eq!(failure(&mut disk, list("d")).kind, ErrorKind::NotFound);
}
