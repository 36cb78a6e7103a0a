//! The end of a process or of the power: what becomes of work in flight, of pages and of names.

use super::inode::{Inode, SECTOR_BYTES, SECTORS_PER_PAGE};
use super::perform::{Attempt, Queued};
use super::{Disk, PAGE_BYTES};
use crate::fault::{self, FaultKind, Faults, Site, operation};
use rotom_core::disk::{DiskKind, DiskOp, Lane};

/// Where the work of a lane was when it ended.
const IN_FLIGHT: Site = Site::named("disk-in-flight");
/// How much of the work in hand was done.
const IN_HAND: Site = Site::named("disk-in-hand");
/// Whether the process is killed or the power fails.
const MANNER: Site = Site::named("disk-end-manner");
/// Which sectors of a torn page are new.
const SECTORS: Site = Site::named("disk-torn-sectors");
/// What garbage is.
const GARBAGE: Site = Site::named("disk-garbage");
/// Which length becomes durable by itself.
const LENGTH: Site = Site::named("disk-length");
/// Which bit flips.
const ROT: Site = Site::named("disk-rot");

/// Of so many ends at a piece of disk work, one is a kill; the others are power losses, which leave less.
const KILL_SHARE: u64 = 4;

/// The same for ends within a piece of work.
const KILL_SHARE_WITHIN: u64 = 2;

/// Work in other lanes than that of the log has so many chances to be a process' last.
const CHANCES_OF_THE_RARE: u64 = 8;

/// Work on names has so many: each is done once, and what it leaves depends on which of them came before.
const CHANCES_OF_NAMES: u64 = 16;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// It is killed: what it wrote stays.
    Kill,
    /// The power fails: of what was not made durable, anything may be left.
    PowerLoss,
}

/// How many chances a piece of work has to be a process' last: what is seldom done has more ways to go wrong than what
/// is done all the time.
pub(super) fn chances(op: &DiskOp) -> u64 {
    match op.kind {
        DiskKind::Rename { .. } | DiskKind::SyncDir { .. } => CHANCES_OF_NAMES,
        _ if op.lane == Lane::Log => 1,
        _ => CHANCES_OF_THE_RARE,
    }
}

/// An end of the process at a piece of its disk work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndOfWork {
    crash: Crash,
    /// The lane whose newest work it is that ended it, and whether it ended within that.
    at: Option<(Lane, bool)>,
}

impl Disk {
    /// How the process ends now, if its disk work made it. Who runs it is to let it, and to hand it nothing more.
    #[must_use]
    pub fn end_due(&self) -> Option<Crash> {
        self.end.map(|end| end.crash)
    }

    /// Whether the process ends at work that was just asked for.
    pub(super) fn end_at_submission(&mut self, lane: Lane, attempt: Attempt, chances: u64) {
        let Attempt { operation, occurrence } = attempt;
        if self.end.is_some() {
            return;
        }
        for (kind, is_within) in [(FaultKind::CrashBeforeDisk, false), (FaultKind::CrashDuringDisk, true)] {
            if self.has_chance(kind, operation, occurrence, chances) {
                // What a killed process leaves half done is there as it is; a power loss takes most of that.
                let share = if is_within { KILL_SHARE_WITHIN } else { KILL_SHARE };
                self.end =
                    Some(EndOfWork { crash: self.manner(attempt, share), at: Some((lane, is_within)) });
                return;
            }
        }
    }

    /// Whether the process ends at work that was just done.
    pub(super) fn ends_after(&mut self, attempt: Attempt, chances: u64) -> bool {
        let Attempt { operation, occurrence } = attempt;
        if self.end.is_none() && self.has_chance(FaultKind::CrashAfterDisk, operation, occurrence, chances) {
            self.end = Some(EndOfWork { crash: self.manner(attempt, KILL_SHARE), at: None });
        }
        self.end.is_some()
    }

    fn has_chance(&mut self, kind: FaultKind, operation: u64, occurrence: u64, chances: u64) -> bool {
        (0..chances).any(|chance| {
            let operation = if chance == 0 { operation } else { fault::operation(&[operation, chance]) };
            self.faults.happens(kind, operation, occurrence)
        })
    }

    fn manner(&self, Attempt { operation, occurrence }: Attempt, kill_share: u64) -> Crash {
        let drawn = self.faults.draw(MANNER, operation, occurrence, kill_share);
        if drawn == 0 { Crash::Kill } else { Crash::PowerLoss }
    }

    /// The process dies, and the machine goes on: what processes see stays, open files are closed, and work in
    /// flight has happened not at all, partly or wholly. `crash` names the event among all of its kind.
    pub fn kill(&mut self, crash: u64) {
        self.end_work(crash);
        self.open.clear();
        self.collect();
    }

    /// The power fails and comes back: what is left follows from rules 2 to 6, and is durable as it is. Sticky
    /// errors and rot stay. `crash` names the event among all of its kind.
    pub fn lose_power(&mut self, crash: u64) {
        self.end_work(crash);
        self.open.clear();
        self.directory.lose_power(&mut self.faults, crash);
        for inode in self.inodes.values_mut() {
            rot(inode, &mut self.faults, crash);
            lose_power(inode, &mut self.faults, crash);
        }
        self.collect();
    }

    /// Time has passed, and the system has written back some of what nobody has synced. `round` names the
    /// event among all of its kind.
    pub fn write_back(&mut self, round: u64) {
        if self.is_quiet {
            return;
        }
        let faults = &mut self.faults;
        for inode in self.inodes.values_mut() {
            rot(inode, faults, round);
            for page in inode.dirty_pages() {
                let key = operation(&[inode.identity, page as u64]);
                if faults.happens(FaultKind::LateSyncError, key, round) {
                    inode.lose_pages(&[page]);
                    inode.error_is_unreported = true;
                } else if faults.happens(FaultKind::WriteBack, key, round) {
                    inode.write_page(page);
                }
            }
            write_len_alone(inode, faults, round);
            for page in inode.stale_pages() {
                if faults.happens(FaultKind::Evict, operation(&[inode.identity, page as u64]), round) {
                    inode.evict(page);
                }
            }
        }
    }

    /// Each lane has done its work up to some point, perhaps within a piece; nobody will hear of it.
    fn end_work(&mut self, crash: u64) {
        let at = self.end.take().and_then(|end| end.at);
        for lane in Lane::ALL {
            let mut queue = std::mem::take(&mut self.lanes[lane as usize]);
            let is_within = match at {
                Some((other, is_within)) if other == lane => {
                    if !is_within {
                        queue.pop_back();
                    }
                    is_within
                }
                _ => false,
            };
            let keys: Vec<u64> = queue.iter().map(|queued| queued.key).collect();
            let done = if is_within {
                keys.len().saturating_sub(1)
            } else {
                first_stopped(&self.faults, IN_FLIGHT, crash, operation(&[lane as u64]), &keys)
            };
            for queued in queue.drain(..done) {
                // The outcome has nobody to go to.
                let _ = self.execute(queued);
            }
            if let Some(queued) = queue.pop_front() {
                self.execute_part(queued, crash);
            }
        }
    }

    /// Does the first few sectors of a piece of work, if it has any; other work is done at once or not at all,
    /// and here it is not.
    fn execute_part(&mut self, queued: Queued, crash: u64) {
        match queued.op.kind {
            DiskKind::Append { file, mut data } => {
                let Some(inode) = self.inode_of(file) else { return };
                // Up to where the sectors of the file end, not those of the buffer.
                let start = inode.live().len();
                let sectors = (start + data.len()).div_ceil(SECTOR_BYTES) - start / SECTOR_BYTES;
                let kept = self.faults.draw(IN_HAND, queued.key, crash, sectors as u64) as usize;
                let end = (start / SECTOR_BYTES + kept) * SECTOR_BYTES;
                data.truncate(end.saturating_sub(start));
                let kind = DiskKind::Append { file, data };
                let _ = self.execute(Queued { op: DiskOp { kind, ..queued.op }, ..queued });
            }
            DiskKind::Sync { file } => {
                let faults = &self.faults;
                let Some(inode) = self.open.get(&file).and_then(|id| self.inodes.get_mut(id)) else { return };
                let pages = inode.dirty_pages();
                let sectors = pages.len() * SECTORS_PER_PAGE;
                let kept = faults.draw(IN_HAND, queued.key, crash, sectors as u64 + 1) as usize;
                for &page in &pages[..kept / SECTORS_PER_PAGE] {
                    inode.write_page(page);
                }
                if let Some(&page) = pages.get(kept / SECTORS_PER_PAGE) {
                    inode.write_sectors(page, 0..kept % SECTORS_PER_PAGE);
                }
            }
            _ => {}
        }
    }
}

/// How many of some things in order come before the end of all. The one with the highest draw is the first that
/// does not; so taking another one out moves nothing. All ends are equally likely, and each can come about.
pub(super) fn first_stopped(faults: &Faults, site: Site, crash: u64, end_key: u64, keys: &[u64]) -> usize {
    let rank = |key| faults.draw(site, key, crash, u64::MAX);
    let (mut stopped, mut highest) = (keys.len(), rank(end_key));
    for (index, &key) in keys.iter().enumerate() {
        if rank(key) > highest {
            (stopped, highest) = (index, rank(key));
        }
    }
    stopped
}

/// What a power loss leaves of a file. Without faults, the durable image.
fn lose_power(inode: &mut Inode, faults: &mut Faults, crash: u64) {
    for page in inode.dirty_pages() {
        let key = operation(&[inode.identity, page as u64]);
        if faults.happens(FaultKind::TornPage, key, crash) {
            let is_new = faults.draw(SECTORS, key, crash, 1 << SECTORS_PER_PAGE);
            inode.write_sectors(page, (0..SECTORS_PER_PAGE).filter(|sector| is_new >> sector & 1 == 1));
        } else if faults.happens(FaultKind::WriteBack, key, crash) {
            inode.write_sectors(page, 0..SECTORS_PER_PAGE);
        }
        garble(inode, page, faults, crash);
    }
    write_len_alone(inode, faults, crash);
    inode.restart();
}

/// Leaves garbage in sectors of a page that were being written. A sector that holds a promised byte is spared:
/// the medium writes it whole or not at all, and both have that byte.
fn garble(inode: &mut Inode, page: usize, faults: &mut Faults, crash: u64) {
    if faults.rate(FaultKind::TornSector) == 0 {
        return;
    }
    for sector in 0..SECTORS_PER_PAGE {
        let start = page * PAGE_BYTES + sector * SECTOR_BYTES;
        let key = operation(&[inode.identity, page as u64, sector as u64]);
        let is_being_written = start >= inode.promised_bytes() && start < inode.live().len();
        if is_being_written && faults.happens(FaultKind::TornSector, key, crash) {
            let mut garbage = [0; SECTOR_BYTES];
            for (index, word) in garbage.chunks_exact_mut(8).enumerate() {
                let bits = faults.draw(GARBAGE, operation(&[key, index as u64]), crash, u64::MAX);
                word.copy_from_slice(&bits.to_le_bytes());
            }
            inode.overwrite_sector(page, sector, &garbage);
        }
    }
}

/// Makes a length durable that the file has had since the last sync, or one between: every other time the last.
fn write_len_alone(inode: &mut Inode, faults: &mut Faults, event: u64) {
    let (low, high) = inode.possible_bytes();
    if low == high || !faults.happens(FaultKind::SizeFirst, inode.identity, event) {
        return;
    }
    let drawn = faults.draw(LENGTH, inode.identity, event, 2 * (high - low + 1) as u64) as usize;
    let len_bytes = if drawn > high - low { inode.live().len() } else { low + drawn };
    inode.write_len(len_bytes);
}

/// Flips a bit of the durable image.
fn rot(inode: &mut Inode, faults: &mut Faults, event: u64) {
    if inode.durable_bytes() > 0 && faults.happens(FaultKind::BitRot, inode.identity, event) {
        let bit = faults.draw(ROT, inode.identity, event, inode.durable_bytes() as u64 * 8);
        inode.flip_bit((bit / 8) as usize, (bit % 8) as u32);
    }
}
