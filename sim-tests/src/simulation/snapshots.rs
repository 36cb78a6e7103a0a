//! O5: a snapshot is the data at the instant at which it was begun, and its file is durable when the server says so.
//!
//! The data at that instant are those of the server that lives on the log of effects. The file is read by a server that
//! finds nothing else, at a time when nothing has expired: so whatever is in it counts.

use super::judge::Judge;
use super::outcome::Oracle;
use rotom_core::aof::{Manifest, begins_rdb};
use rotom_core::time::{Now, Wall};
use rotom_core::{Config, Host};
use rotom_io_sim::disk::Disk;
use rotom_io_sim::{Delivery, World};

/// Where logs are, and the manifest in it.
const DIRECTORY: &str = "appendonlydir";
const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";

/// A log of which the base is all there is.
const BASE_NAME: &str = "appendonly.aof.1.base.";
const INCREMENT_NAME: &str = "appendonly.aof.1.incr.aof";

/// What a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The base of a log.
    Base,
    /// The file of `dbfilename`.
    Dump,
}

impl Kind {
    /// The snapshot that a server begins when it logs this.
    fn begun(line: &str) -> Option<Kind> {
        match line {
            "Background append only file rewriting started" => Some(Kind::Base),
            "Background saving started" => Some(Kind::Dump),
            _ => None,
        }
    }

    /// The snapshot that has its name when a server logs this.
    fn ended(line: &str) -> Option<Kind> {
        match line {
            "Background AOF rewrite finished successfully" => Some(Kind::Base),
            "Background saving terminated with success" => Some(Kind::Dump),
            _ => None,
        }
    }
}

/// The data at the instant at which a snapshot was begun.
#[derive(Clone, Copy, Debug)]
struct Instant {
    digest: u64,
    /// Units executed by then.
    units: usize,
}

/// The snapshots of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshots {
    base: Option<Instant>,
    dump: Option<Instant>,
    /// Those that were finished and not looked at yet.
    finished: Vec<(Kind, Instant)>,
    /// How many have been looked at.
    pub count: u64,
}

impl Snapshots {
    /// Whether there is one to be looked at before anything else happens.
    pub fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    /// The server is gone, and with it what it was writing.
    pub fn forget(&mut self) {
        *self = Snapshots { count: self.count, ..Snapshots::default() };
    }

    fn slot(&mut self, kind: Kind) -> &mut Option<Instant> {
        match kind {
            Kind::Base => &mut self.base,
            Kind::Dump => &mut self.dump,
        }
    }
}

/// What a server without a log may start with: the data at the instants of its saves.
#[derive(Clone, Debug)]
pub(super) struct Saves {
    /// How many units each of them has, in order; that of the last one that has ended well comes first.
    pub units: Vec<usize>,
}

impl Saves {
    /// There is none: a server starts with nothing.
    pub fn none() -> Saves {
        Saves { units: vec![0] }
    }

    /// So many units a server must at least start with.
    pub fn required(&self) -> usize {
        self.units.first().copied().unwrap_or(0)
    }

    /// A server has started with so many: what came later never was.
    pub fn rewind(&mut self, units: usize) {
        self.units.retain(|&other| other <= units);
    }

    fn begin(&mut self, units: usize) {
        self.units.push(units);
    }

    fn end(&mut self, units: usize) {
        self.units.retain(|&other| other >= units);
    }
}

impl Judge<'_> {
    /// The server has logged something.
    pub(super) fn hear_of_snapshots(&mut self, now: Now, line: &str) {
        let Some(history) = &self.history else { return };
        let units = history.len();
        if let Some(kind) = Kind::begun(line) {
            // While a server starts, nobody knows what it has until it is served from.
            let instant = self.recovering.is_none().then(|| {
                let digest = self.follower.digest(Now { wall: Wall(0), ..now });
                Instant { digest, units }
            });
            *self.snapshots.slot(kind) = instant;
            if let Some(saves) = self.saves.as_mut().filter(|_| kind == Kind::Dump) {
                saves.begin(units);
            }
        }
        if let Some(kind) = Kind::ended(line)
            && let Some(instant) = self.snapshots.slot(kind).take()
        {
            self.snapshots.finished.push((kind, instant));
            if let Some(saves) = self.saves.as_mut().filter(|_| kind == Kind::Dump) {
                saves.end(instant.units);
            }
        }
    }

    /// Looks at the files of the snapshots that were finished in the last turn, unless the disk `is_lossy`.
    pub fn check_snapshots(&mut self, disk: &Disk, config: &Config, is_lossy: bool, now: Now) {
        for (kind, instant) in std::mem::take(&mut self.snapshots.finished) {
            self.snapshots.count += 1;
            if is_lossy {
                continue;
            }
            if let Err(text) = check(disk, config, kind, instant) {
                let site = if kind == Kind::Base { "base" } else { "dump" };
                self.fail(now, Oracle::Snapshot, site, text);
            }
        }
    }
}

fn check(disk: &Disk, config: &Config, kind: Kind, instant: Instant) -> Result<(), String> {
    let name = match kind {
        Kind::Dump => config.dbfilename.clone(),
        Kind::Base => {
            let text = disk.durable(MANIFEST).ok_or("there is no durable manifest")?;
            let manifest = Manifest::parse(&text).map_err(|error| error.to_string())?;
            let base = manifest.base().ok_or("the durable manifest names no base")?;
            format!("{DIRECTORY}/{}", base.name)
        }
    };
    let file = disk.durable(&name).ok_or_else(|| format!("{name} is not there durably"))?;
    let found = load(&file, config.databases).map_err(|text| format!("{name} cannot be loaded: {text}"))?;
    if found != instant.digest {
        return Err(format!(
            "{name} has data with the digest {found:016x}, when it was begun it was {:016x}, after {} units",
            instant.digest, instant.units
        ));
    }
    Ok(())
}

/// The digest of what a server has that finds this file alone.
fn load(file: &[u8], databases: usize) -> Result<u64, String> {
    let mut config = Config::default();
    for (name, value) in
        [("databases", databases.to_string()), ("appendonly", "yes".to_owned()), ("save", String::new())]
    {
        config.set_from_file(name, &[value.into_bytes()]).map_err(|error| format!("{name}: {error:?}"))?;
    }
    let mut world = World::new(config, Host::default(), Delivery::Whole, 0);
    world.clock().set_wall(Wall(0));
    let suffix = if begins_rdb(file) == Some(true) { "rdb" } else { "aof" };
    let manifest = format!("file {BASE_NAME}{suffix} seq 1 type b\nfile {INCREMENT_NAME} seq 1 type i\n");
    let disk = world.disk();
    disk.write(MANIFEST, manifest.as_bytes());
    disk.write(&format!("{DIRECTORY}/{BASE_NAME}{suffix}"), file);
    disk.write(&format!("{DIRECTORY}/{INCREMENT_NAME}"), b"");
    // No time passes meanwhile.
    world.rest(&mut ());
    if world.core().is_loading() || world.exit_status().is_some() {
        return Err(world.log().last().map(|line| line.text.clone()).unwrap_or_default());
    }
    Ok(world.core().digest())
}
