//! What is logged about a log that cannot be read to its end, as Redis 7 words it.

/// A file ends too early, and `aof-load-truncated` is off.
#[must_use]
pub fn unexpected_end(name: &str) -> String {
    format!(
        "Unexpected end of file reading the append only file {name}. You can: 1) Make a backup of your AOF file, \
         then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the \
         'aof-load-truncated' configuration option to yes and restart the server."
    )
}

/// What stands in a file is no command.
#[must_use]
pub fn bad_format(name: &str) -> String {
    format!(
        "Bad file format reading the append only file {name}: make a backup of your AOF file, then use \
         ./redis-check-aof --fix <filename.manifest>"
    )
}

/// A file ends between MULTI and EXEC.
#[must_use]
pub fn unfinished_transaction(name: &str) -> String {
    format!("Revert incomplete MULTI/EXEC transaction in AOF file {name}")
}

/// A file ends too early, and is cut because `aof-load-truncated` is on: the lines of the log, in their order.
#[must_use]
pub fn load_truncated(name: &str, good_offset_bytes: u64) -> [String; 3] {
    [
        format!("!!! Warning: short read while loading the AOF file {name}!!!"),
        format!("!!! Truncating the AOF {name} at offset {good_offset_bytes} !!!"),
        format!("AOF {name} loaded anyway because aof-load-truncated is enabled"),
    ]
}
