//! Names, apart from what they lead to. A change of names is seen at once, and pending until its directory is
//! synced.

use super::crash::first_stopped;
use crate::fault::{FaultKind, Faults, Site, operation, operation_of_name};
use std::collections::{BTreeMap, BTreeSet};

/// Which pending changes a directory loses.
const CUT: Site = Site::named("disk-directory-cut");
const SUBSET: Site = Site::named("disk-directory-subset");

/// Names an inode. Numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InodeId(pub u64);

/// All names of a disk, whole, in canonical form.
///
/// Invariant: the durable names with all pending changes applied are the live names; and a change that removes a
/// name finds there the inode it removed it from.
#[derive(Debug, Default)]
pub(super) struct Directory {
    live: BTreeMap<String, InodeId>,
    durable: BTreeMap<String, InodeId>,
    pending: Vec<Change>,
    /// Names that were made as those of directories. Others exist as soon as a name mentions them.
    made: BTreeSet<String>,
    /// How often each change was made.
    tries: BTreeMap<u64, u64>,
}

/// A change of names: a create adds one, an unlink removes one, a rename does both, and never one without the
/// other.
#[derive(Debug)]
struct Change {
    removes: Option<String>,
    adds: Option<String>,
    inode: InodeId,
    /// What the faults know it by.
    key: u64,
}

impl Directory {
    /// What a name leads to.
    pub fn find(&self, name: &str) -> Option<InodeId> {
        self.live.get(name).copied()
    }

    /// What a durable name leads to.
    pub fn find_durable(&self, name: &str) -> Option<InodeId> {
        self.durable.get(name).copied()
    }

    /// The names of files that processes see, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.live.keys().map(String::as_str).filter(|name| !self.made.contains(*name))
    }

    /// The names of files that are durable, in order.
    pub fn durable_names(&self) -> impl Iterator<Item = &str> {
        self.durable.keys().map(String::as_str).filter(|name| !self.made.contains(*name))
    }

    /// Whether a name is that of a file or a directory.
    pub fn is_taken(&self, name: &str) -> bool {
        name.is_empty() || self.live.contains_key(name) || self.names().any(|file| directory_of(file) == name)
    }

    /// The files in a directory, by their names in it, in order. `None` if there is no such directory.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let here = self.names().filter(|file| directory_of(file) == name);
        let files: Vec<String> = here.map(|file| last_component(file).to_owned()).collect();
        let exists = !files.is_empty() || name.is_empty() || self.live.contains_key(name);
        exists.then_some(files)
    }

    /// What names lead to.
    pub fn live_inodes(&self) -> BTreeSet<InodeId> {
        self.live.values().copied().collect()
    }

    /// What names may lead to after a power loss.
    pub fn possible_inodes(&self) -> BTreeSet<InodeId> {
        self.durable.values().copied().chain(self.pending.iter().map(|change| change.inode)).collect()
    }

    /// Gives an inode a name, taking it from whatever had it.
    pub fn add(&mut self, name: &str, inode: InodeId) {
        self.change(None, Some(name), inode);
    }

    /// Gives a new directory its name. A power loss before that is durable takes what is in it along.
    pub fn add_directory(&mut self, name: &str, inode: InodeId) {
        self.made.insert(name.to_owned());
        self.change(None, Some(name), inode);
    }

    /// Takes a name away. It has to be there.
    pub fn remove(&mut self, name: &str) {
        let inode = self.live[name];
        self.change(Some(name), None, inode);
    }

    /// Renames, taking the new name from whatever had it. The old name has to be there.
    pub fn rename(&mut self, from: &str, to: &str) {
        let inode = self.live[from];
        if from != to {
            self.change(Some(from), Some(to), inode);
        }
    }

    fn change(&mut self, removes: Option<&str>, adds: Option<&str>, inode: InodeId) {
        let hash = |name: Option<&str>| name.map_or(0, operation_of_name);
        let what = operation(&[hash(removes), hash(adds)]);
        let tries = self.tries.entry(what).or_default();
        *tries += 1;
        let key = operation(&[what, *tries]);
        let change =
            Change { removes: removes.map(str::to_owned), adds: adds.map(str::to_owned), inode, key };
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    /// Makes the names in a directory durable, and with a rename into another directory also what came before
    /// it there: half a rename is never durable.
    pub fn sync(&mut self, directory: &str) {
        let mut directories = BTreeSet::from([directory.to_owned()]);
        let mut is_due = vec![false; self.pending.len()];
        for (change, due) in self.pending.iter().zip(&mut is_due).rev() {
            *due = change.directories().any(|name| directories.contains(name));
            if *due {
                directories.extend(change.directories().map(str::to_owned));
            }
        }
        self.settle(&is_due);
    }

    /// What a power loss leaves. Without faults, no pending change; a directory that `DirPrefix` strikes keeps
    /// its first few, one that `DirSubset` strikes keeps any, but none without the earlier ones of its names.
    pub fn lose_power(&mut self, faults: &mut Faults, crash: u64) {
        let fates = self.fates(faults, crash);
        let mut stopped = BTreeSet::new();
        let mut blocked = BTreeSet::new();
        let mut survives = Vec::with_capacity(self.pending.len());
        for (index, change) in self.pending.iter().enumerate() {
            let is_wanted = change.directories().all(|directory| {
                !stopped.contains(directory)
                    && match fates[directory] {
                        Fate::First(count) => index < count,
                        Fate::Any => faults.draw(SUBSET, change.key, crash, 2) == 1,
                    }
            });
            let is_possible = change.names().all(|name| !blocked.contains(name));
            survives.push(is_wanted && is_possible);
            if !survives[index] {
                blocked.extend(change.names());
                let is_ordered = |directory: &&str| matches!(fates[*directory], Fate::First(_));
                stopped.extend(change.directories().filter(is_ordered));
            }
        }
        self.settle(&survives);
        self.pending.clear();
        let lost: Vec<String> =
            self.made.iter().filter(|name| !self.durable.contains_key(*name)).cloned().collect();
        self.durable.retain(|name, _| !lost.iter().any(|directory| directory == directory_of(name)));
        self.live = self.durable.clone();
    }

    fn fates(&self, faults: &mut Faults, crash: u64) -> BTreeMap<String, Fate> {
        let directories: BTreeSet<&str> = self.pending.iter().flat_map(Change::directories).collect();
        let mut fates = BTreeMap::new();
        for directory in directories {
            let key = operation_of_name(directory);
            let fate = if faults.happens(FaultKind::DirSubset, key, crash) {
                Fate::Any
            } else if faults.happens(FaultKind::DirPrefix, key, crash) {
                let here = self.pending.iter().enumerate();
                let here = here.filter(|(_, change)| change.directories().any(|name| name == directory));
                let (indices, keys): (Vec<_>, Vec<_>) =
                    here.map(|(index, change)| (index, change.key)).unzip();
                let stopped = first_stopped(faults, CUT, crash, key, &keys);
                Fate::First(indices.get(stopped).copied().unwrap_or(usize::MAX))
            } else {
                Fate::First(0)
            };
            fates.insert(directory.to_owned(), fate);
        }
        fates
    }

    /// Applies the marked changes to the durable names; the others stay pending.
    fn settle(&mut self, is_due: &[bool]) {
        let mut is_due = is_due.iter();
        let durable = &mut self.durable;
        self.pending.retain(|change| {
            let due = is_due.next().copied().unwrap_or(false);
            if due {
                change.apply(durable);
            }
            !due
        });
    }
}

/// How a directory comes out of a power loss.
enum Fate {
    /// With its pending changes before this place among all of them.
    First(usize),
    /// With any of them.
    Any,
}

impl Change {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.removes.iter().chain(&self.adds).map(String::as_str)
    }

    fn directories(&self) -> impl Iterator<Item = &str> {
        self.names().map(directory_of)
    }

    fn apply(&self, names: &mut BTreeMap<String, InodeId>) {
        if let Some(name) = &self.removes {
            let removed = names.remove(name);
            assert_eq!(removed, Some(self.inode), "{name} led elsewhere");
        }
        if let Some(name) = &self.adds {
            names.insert(name.clone(), self.inode);
        }
    }
}

/// The directory a canonical name is in; that of a plain name is the empty one.
pub(super) fn directory_of(name: &str) -> &str {
    match name.rfind('/') {
        Some(0) => "/",
        Some(end) => &name[..end],
        None => "",
    }
}

/// A canonical name without its directory.
fn last_component(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// One spelling for each name: no empty components, no `.`. So `.` is the empty name, the directory that the
/// server works in.
pub(super) fn canonical(name: &str) -> String {
    let components: Vec<&str> = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let root = if name.starts_with('/') { "/" } else { "" };
    root.to_owned() + &components.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ALWAYS;

    fn names(directory: &Directory) -> Vec<&str> {
        directory.durable_names().collect()
    }

    #[test]
    fn names_have_one_spelling_and_one_directory() {
        for (name, expected, parent) in [
            ("a", "a", ""),
            ("./a", "a", ""),
            (".", "", ""),
            ("", "", ""),
            ("d//a/", "d/a", "d"),
            ("/a", "/a", "/"),
            ("/", "/", "/"),
            ("/d/./e/a", "/d/e/a", "/d/e"),
        ] {
            assert_eq!(canonical(name), expected, "{name}");
            assert_eq!(directory_of(expected), parent, "{name}");
        }
    }

    #[test]
    fn syncing_one_directory_leaves_the_others_pending() {
        let mut directory = Directory::default();
        directory.add("d/a", InodeId(1));
        directory.add("e/b", InodeId(2));
        directory.sync("d");
        assert_eq!(names(&directory), ["d/a"]);
        directory.lose_power(&mut Faults::none(), 1);
        assert_eq!(directory.names().collect::<Vec<_>>(), ["d/a"]);
    }

    #[test]
    fn a_directory_that_is_not_durable_takes_its_files_along() {
        for is_synced in [false, true] {
            let mut directory = Directory::default();
            directory.add_directory("d", InodeId(1));
            directory.add("d/a", InodeId(2));
            directory.sync("d");
            if is_synced {
                directory.sync("");
            }
            assert!(directory.is_taken("d") && !directory.is_taken("e"));
            assert_eq!(directory.list("d"), Some(vec!["a".to_owned()]));
            assert_eq!(directory.list(""), Some(vec![]));
            assert_eq!(directory.list("e"), None);
            directory.lose_power(&mut Faults::none(), 1);
            let expected = is_synced.then(|| vec!["a".to_owned()]);
            assert_eq!(directory.list("d"), expected, "synced: {is_synced}");
        }
    }

    #[test]
    fn a_rename_between_directories_is_durable_in_both_or_in_neither() {
        let prepare = || {
            let mut directory = Directory::default();
            directory.add("d/a", InodeId(1));
            directory.add("d/b", InodeId(2));
            directory.rename("d/a", "e/a");
            directory.add("d/c", InodeId(3));
            directory
        };
        // The other directory's changes up to the rename come along, and no later ones.
        let mut directory = prepare();
        directory.sync("e");
        assert_eq!(names(&directory), ["d/b", "e/a"]);
        for seed in 0..100 {
            let mut faults = Faults::new(seed);
            faults.set_rate(FaultKind::DirPrefix, ALWAYS / 2);
            faults.set_rate(FaultKind::DirSubset, ALWAYS / 3);
            let mut directory = prepare();
            directory.lose_power(&mut faults, 1);
            assert!(directory.find("d/a").is_none() || directory.find("e/a").is_none(), "seed {seed}");
        }
    }
}
