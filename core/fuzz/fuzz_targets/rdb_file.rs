//! A file in the RDB format gives the same whole and cut into pieces, or is refused for the same reason at the same place;
//! and takes no more memory than has arrived. The first byte says where pieces end, the second which version the header
//! claims; the rest is what follows the header.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::dataset::Limits;
use rotom_core::keyspace::{Entry, HashKey};
use rotom_core::rdb::{Item, LoadOptions, Next, RdbError, Reader};

fn read(file: &[u8], piece_len: usize) -> Result<Vec<Vec<u8>>, RdbError> {
    // The checksum would be in the fuzzer's way.
    let options = LoadOptions { checksum: false, limits: Limits::default(), hash_key: HashKey([1, 2]) };
    let mut reader = Reader::new(options);
    let mut pieces = file.chunks(piece_len);
    let mut items = Vec::new();
    loop {
        match reader.next()? {
            Next::Item(Item::Key(loaded)) => {
                let mut record = format!("{:?} {:?}", loaded.expiry, loaded.stamp).into_bytes();
                record.extend_from_slice(&loaded.key);
                Entry::new(&loaded.key, loaded.value, loaded.expiry, 0).value().describe(&mut record);
                items.push(record);
            }
            Next::Item(Item::End) => return Ok(items),
            Next::Item(item) => items.push(format!("{item:?}").into_bytes()),
            Next::Pause => {}
            Next::Hungry => match pieces.next() {
                Some(piece) => reader.feed(piece),
                None => {
                    reader.finish()?;
                    return Ok(items);
                }
            },
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let [piece_len, version, body @ ..] = data else { return };
    let mut file = format!("REDIS{:04}", version % 14).into_bytes();
    file.extend_from_slice(body);
    assert_eq!(read(&file, file.len()), read(&file, usize::from(*piece_len) + 1));
});
