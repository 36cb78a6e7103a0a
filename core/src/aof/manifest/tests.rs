use super::*;
use proptest::prelude::*;

fn file(name: &str, sequence: u64) -> FileInfo {
    FileInfo { name: name.to_owned(), sequence }
}

#[track_caller]
fn check_error(text: &str, line: Option<(usize, &str)>, fault: ManifestFault) {
    let line = line.map(|(number, shown)| (number, shown.to_owned()));
    assert_eq!(Manifest::parse(text.as_bytes()), Err(ManifestError { line, fault }), "{text:?}");
}

/// What Redis 7.0.15 answers to these was recorded from a server.
#[test]
fn faults_as_redis_finds_them() {
    use ManifestFault::*;
    check_error("", None, Empty);
    check_error("\n", Some((1, "")), Format);
    check_error("file a seq 1 type b", None, LineTooLong);
    check_error("file a seq 1 type b\n\n", Some((2, "")), Format);
    check_error("file a seq 1\n", Some((1, "file a seq 1")), Format);
    check_error("file a seq 1 type x\n", Some((1, "file a seq 1 type x")), Kind);
    check_error("file a seq 0 type b\n", Some((1, "file a seq 0 type b")), Format);
    check_error(" file a/b seq 1 type b\r\n", Some((1, "file a/b seq 1 type b")), Path);
    check_error("file a seq 1 type b\nfile b seq 2 type b\n", Some((2, "file b seq 2 type b")), SecondBase);
    check_error("file a seq 2 type i\nfile b seq 2 type i\n", Some((2, "file b seq 2 type i")), Sequence);
    check_error("file \"a seq 1 type b\n", Some((1, "file \"a seq 1 type b")), Format);
    let long = format!("file a seq 1 type b\nfile {} seq 1 type i\n", "b".repeat(1100));
    check_error(&long, None, LineTooLong);
    // The rest of a comment that is too long is a line of its own.
    let long = format!("#{:01100}\nfile a seq 1 type b\n", 1);
    check_error(&long, Some((2, &format!("{:077}", 1))), Format);
}

#[test]
fn faults_that_redis_lets_pass() {
    use ManifestFault::*;
    for (text, fault) in [
        ("file a seq -1 type b\n", Format),
        ("file a seq 1x type b\n", Format),
        ("file \"\" seq 1 type b\n", Format),
        ("file .. seq 1 type b\n", Path),
        ("file \"\\xff\" seq 1 type b\n", Format),
        ("file \"a\\x00\" seq 1 type b\n", Format),
        ("file a seq 1 type b\nfile a seq 1 type h\n", RepeatedName),
    ] {
        let error = Manifest::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.fault, fault, "{text:?}");
    }
}

/// Four bytes stand for each byte that is not printed.
#[test]
fn a_name_is_no_longer_than_it_can_be_written() {
    let parse = |plain: usize| {
        let name = "\x01".repeat(250) + &"a".repeat(plain);
        Manifest::parse(format!("file {name} seq 1 type b\n").as_bytes())
    };
    let longest = parse(3).unwrap();
    assert_eq!(longest.encode().len(), LINE_LEN_BYTES_MAX);
    assert_eq!(Manifest::parse(&longest.encode()), Ok(longest));
    assert_eq!(parse(4).unwrap_err().fault, ManifestFault::LineTooLong);
}

#[test]
fn what_redis_takes() {
    let manifest =
        Manifest::parse(b"# a comment\nFILE \"a'p p\" SEQ 1 TYPE base later x\n#no line end").unwrap();
    assert_eq!(manifest.base(), Some(&file("a'p p", 1)));
    assert_eq!(Manifest::parse(b"# only a comment\n"), Ok(Manifest::default()));
}

#[test]
fn errors_as_redis_logs_them() {
    let shown = |text: &[u8]| Manifest::parse(text).unwrap_err().to_string();
    assert_eq!(shown(b""), "\n*** FATAL AOF MANIFEST FILE ERROR ***\nFound an empty AOF manifest");
    let expected = "\n*** FATAL AOF MANIFEST FILE ERROR ***\nReading the manifest file, at line 1\n>>> 'file a'\n\
                    Invalid AOF manifest file format";
    assert_eq!(shown(b"file a\n"), expected);
}

/// The manifests of a Redis 7.0.15 with `aof-disable-auto-gc yes`, start and two rewrites.
#[test]
fn rewrites_as_redis_does_them() {
    let names = Names::new("a'p p.aof");
    let mut manifest = Manifest::default();
    let expect = |manifest: &mut Manifest, text: &str| {
        assert_eq!(String::from_utf8(manifest.encode()).unwrap(), text);
        assert_eq!(Manifest::parse(text.as_bytes()).as_ref(), Ok(&*manifest));
    };
    let rewrite = |manifest: &mut Manifest| {
        let increment = manifest.next_increment(&names, 0);
        let kept = increment.sequence;
        manifest.add_increment(increment);
        manifest.replace_base(manifest.next_base(&names, BaseFormat::Rdb, 0), kept);
    };
    rewrite(&mut manifest);
    expect(
        &mut manifest,
        "file \"a'p p.aof.1.base.rdb\" seq 1 type b\nfile \"a'p p.aof.1.incr.aof\" seq 1 type i\n",
    );
    rewrite(&mut manifest);
    expect(
        &mut manifest,
        "file \"a'p p.aof.2.base.rdb\" seq 2 type b\nfile \"a'p p.aof.1.incr.aof\" seq 1 type h\n\
         file \"a'p p.aof.1.base.rdb\" seq 1 type h\nfile \"a'p p.aof.2.incr.aof\" seq 2 type i\n",
    );
    rewrite(&mut manifest);
    expect(
        &mut manifest,
        "file \"a'p p.aof.3.base.rdb\" seq 3 type b\nfile \"a'p p.aof.2.incr.aof\" seq 2 type h\n\
         file \"a'p p.aof.2.base.rdb\" seq 2 type h\nfile \"a'p p.aof.1.incr.aof\" seq 1 type h\n\
         file \"a'p p.aof.1.base.rdb\" seq 1 type h\nfile \"a'p p.aof.3.incr.aof\" seq 3 type i\n",
    );
    assert_eq!(manifest.take_history().len(), 4);
    assert!(manifest.history().is_empty());
    assert_eq!(manifest.files().map(|(_, file)| file.sequence).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn a_rewrite_that_failed_leaves_its_increment() {
    let names = Names::new("a");
    let mut manifest = Manifest::of_single_file("a");
    for _ in 0..3 {
        manifest.add_increment(manifest.next_increment(&names, 0));
    }
    manifest.replace_base(manifest.next_base(&names, BaseFormat::Commands, 0), 3);
    assert_eq!(manifest.base(), Some(&file("a.2.base.aof", 2)));
    assert_eq!(manifest.increments(), [file("a.3.incr.aof", 3)]);
    assert_eq!(manifest.history(), [file("a.1.incr.aof", 1), file("a.2.incr.aof", 2), file("a", 1)]);
}

#[test]
fn a_name_in_history_is_not_used_again() {
    let manifest =
        Manifest::parse(b"file a.1.incr.aof seq 1 type h\nfile a.1.base.rdb seq 1 type h\n").unwrap();
    let names = Names::new("a");
    assert_eq!(manifest.next_increment(&names, 0), file("a.2.incr.aof", 2));
    assert_eq!(manifest.next_base(&names, BaseFormat::Rdb, 0), file("a.2.base.rdb", 2));
}

#[test]
fn names() {
    let names = Names::new("x.aof");
    assert_eq!(names.manifest(), "x.aof.manifest");
    assert_eq!(names.new_manifest(), "temp-x.aof.manifest");
    assert!(names.is_temporary("temp-x.aof.base") && !names.is_temporary("x.aof.manifest"));
}

prop_compose! {
    fn any_manifest()(
        base in proptest::option::of(1..1000_u64),
        history in proptest::collection::vec(1..1000_u64, 0..3),
        increments in proptest::collection::btree_set(1..1000_u64, 0..4),
        stem in "[^/\\\\\0]{1,20}",
    ) -> Manifest {
        let named = |kind: &str, index: usize, sequence| file(&format!("{stem}{kind}{index}"), sequence);
        Manifest {
            base: base.map(|sequence| named("b", 0, sequence)),
            history: (0..).zip(history).map(|(index, sequence)| named("h", index, sequence)).collect(),
            increments: (0..).zip(increments).map(|(index, sequence)| named("i", index, sequence)).collect(),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(manifest in any_manifest()) {
        let text = manifest.encode();
        if text.is_empty() {
            prop_assert!(Manifest::parse(&text).is_err());
        } else {
            prop_assert_eq!(Manifest::parse(&text), Ok(manifest));
        }
    }

    #[test]
    fn what_is_read_is_written(text in "(file a?b? seq [0-3]{1,2} type [bhix]\n|#x\n|\n){1,4}") {
        if let Ok(manifest) = Manifest::parse(text.as_bytes()) {
            let written = manifest.encode();
            prop_assert!(written.is_empty() || Manifest::parse(&written) == Ok(manifest));
        }
    }

    #[test]
    fn anything_is_judged(text: Vec<u8>) {
        let _ = Manifest::parse(&text);
    }
}
