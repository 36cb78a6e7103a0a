//! The files an `include` names.

use rotom_core::glob::{self, Case};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Most files one `include` may name.
pub(crate) const FILES_MAX: usize = 1024;

/// The files a pattern names, sorted. One without wildcards names itself, whether it is there or not; one with
/// wildcards may name none. Any part of the path may have them: they are those of `KEYS`, and as in a shell a file
/// whose name begins with a dot is named only by a pattern that does too.
///
/// # Errors
/// It names too many.
pub(crate) fn expand(pattern: &[u8]) -> Result<Vec<PathBuf>, String> {
    let path = Path::new(OsStr::from_bytes(pattern));
    if !has_wildcards(pattern) {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = vec![PathBuf::new()];
    for component in path.components() {
        let part = component.as_os_str();
        found = match component {
            Component::Normal(_) if has_wildcards(part.as_bytes()) => {
                found.iter().flat_map(|directory| matches_in(directory, part)).take(FILES_MAX + 1).collect()
            }
            _ => found.iter().map(|directory| directory.join(part)).collect(),
        };
        if found.len() > FILES_MAX {
            return Err(format!("it names more than {FILES_MAX} files"));
        }
    }
    found.retain(|path| path.exists());
    found.sort();
    Ok(found)
}

fn has_wildcards(text: &[u8]) -> bool {
    text.iter().any(|byte| b"*?[".contains(byte))
}

/// What in a directory matches. One that cannot be read has nothing in it.
fn matches_in(directory: &Path, pattern: &OsStr) -> Vec<PathBuf> {
    let to_read = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let pattern = pattern.as_bytes();
    let names = fs::read_dir(to_read).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names
        .filter(|name| {
            let name = name.as_bytes();
            (!name.starts_with(b".") || pattern.starts_with(b"."))
                && glob::matches(pattern, name, Case::Sensitive)
        })
        .map(|name| directory.join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Directory;

    #[test]
    fn any_part_of_a_path_may_be_a_pattern() {
        let root = Directory::new("include");
        for file in ["b/2.conf", "b/1.conf", "b/.3.conf", "c/1.conf", "c/x.txt", ".d/1.conf"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let check = |pattern: &str, expected: &[&str]| {
            let pattern = root.path().join(pattern);
            let found = expand(pattern.as_os_str().as_bytes()).unwrap();
            let expected: Vec<PathBuf> = expected.iter().map(|file| root.path().join(file)).collect();
            assert_eq!(found, expected, "{}", pattern.display());
        };
        check("b/*.conf", &["b/1.conf", "b/2.conf"]);
        check("*/1.conf", &["b/1.conf", "c/1.conf"]);
        check("[bc]/?.conf", &["b/1.conf", "b/2.conf", "c/1.conf"]);
        check("b/.*.conf", &["b/.3.conf"]);
        check("b/x*", &[]);
        check("nothing/*", &[]);
        check("nothing/at-all", &["nothing/at-all"]);
    }
}
