//! Files that a real redis-server has saved hold what the commands say that it was told.

use rotom_core::dataset::{Dataset, Limits};
use rotom_core::rdb::Rdb;
use rotom_io_sim::Delivery;
use rotom_sim_tests::interchange::{load, save};
use rotom_sim_tests::reply::encode_command;
use rotom_sim_tests::sim::SimServer;
use rotom_sim_tests::transcript::parse::ServerSetup;
use rotom_sim_tests::transcript::play::Stage;
use rotom_sim_tests::transcript::text::words;
use std::fs;
use std::path::Path;

/// What the core holds after the commands in a file.
fn digest_after(commands: &Path) -> u64 {
    let mut server = SimServer::start(&ServerSetup::default(), Delivery::Whole, 7).unwrap();
    server.connect("A").unwrap();
    let text = fs::read_to_string(commands).unwrap();
    for line in text.lines() {
        server.send("A", &encode_command(&words(line).unwrap())).unwrap();
        let reply = server.receive("A", 1, false).unwrap().replies.remove(0);
        assert!(!reply.is_error(), "{line}: {reply:?}");
    }
    server.world().core().digest()
}

/// What is saved of `file`, once it has been loaded.
fn anew(file: &[u8]) -> (Dataset, Vec<u8>) {
    let mut dataset = load(file, Limits::default()).unwrap();
    let saved = save::<Rdb<true>>(&mut dataset);
    (dataset, saved)
}

#[test]
fn what_a_real_server_has_saved_is_read() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/rdb");
    let expected = digest_after(&directory.join("redis-7.0.15.commands"));
    for name in ["usual", "small", "lfu", "lru"] {
        let file = fs::read(directory.join(format!("redis-7.0.15-{name}.rdb"))).unwrap();
        let (dataset, saved) = anew(&file);
        assert_eq!(dataset.digest(), expected, "{name}");
        let (dataset, again) = anew(&saved);
        assert_eq!(dataset.digest(), expected, "{name}, saved");
        assert_eq!(again.len(), saved.len(), "{name}, saved again");
    }
}
