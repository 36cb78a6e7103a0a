//! [`Profile`]: which faults a run may have, as data.

use rotom_io_sim::FaultKind;

/// What runs of a kind are drawn from.
#[derive(Debug)]
pub struct Profile {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for.
    pub story: &'static str,
    /// The faults it knows, each with the greatest rate, per million chances.
    pub faults: &'static [(FaultKind, u32)],
    /// Of a hundred runs, so many have no faults at all.
    pub calm_percent: u32,
    /// Of a hundred runs, so many have a server that keeps a log and starts from it after a crash.
    pub recovers_percent: u32,
    /// How many bytes a read takes at least when as many have come, and the window of a client.
    pub narrowest_bytes: usize,
}

/// What goes wrong between clients and the server.
const NETWORK: &[(FaultKind, u32)] = &[
    (FaultKind::PartialRead, 900_000),
    (FaultKind::PartialWrite, 900_000),
    (FaultKind::Delay, 50_000),
    (FaultKind::SlowReader, 100_000),
    (FaultKind::HalfClose, 10_000),
    (FaultKind::Reset, 20_000),
    (FaultKind::Reorder, 1_000_000),
    (FaultKind::AcceptError, 200_000),
    (FaultKind::ConnectRefused, 50_000),
];

/// What goes wrong with time.
const CLOCK: &[(FaultKind, u32)] = &[
    (FaultKind::WallJumpForward, 20_000),
    (FaultKind::WallJumpBack, 20_000),
    (FaultKind::Drift, 10_000),
    (FaultKind::Freeze, 10_000),
];

/// What goes wrong with files, and with the process.
const DISK: &[(FaultKind, u32)] = &[
    (FaultKind::SlowDisk, 300_000),
    (FaultKind::ShortWrite, 50_000),
    (FaultKind::ShortRead, 50_000),
    (FaultKind::Interrupted, 50_000),
    (FaultKind::EnospcAppend, 50_000),
    (FaultKind::EnospcCreate, 50_000),
    (FaultKind::EnospcSync, 50_000),
    (FaultKind::EioRead, 10_000),
    (FaultKind::EioWrite, 20_000),
    (FaultKind::BitRot, 40_000),
    (FaultKind::SyncError, 300_000),
    (FaultKind::LateSyncError, 20_000),
    (FaultKind::WriteBack, 300_000),
    (FaultKind::Evict, 300_000),
    (FaultKind::TornSector, 300_000),
    (FaultKind::TornPage, 300_000),
    (FaultKind::SizeFirst, 300_000),
    (FaultKind::DirPrefix, 1_000_000),
    (FaultKind::DirSubset, 1_000_000),
    (FaultKind::CrashPower, 20_000),
    (FaultKind::CrashKill, 10_000),
    (FaultKind::CrashBeforeDisk, 10_000),
    (FaultKind::CrashDuringDisk, 10_000),
    (FaultKind::CrashAfterDisk, 10_000),
    (FaultKind::CrashAgain, 300_000),
];

/// Everything at once. Put together here, since slices cannot be joined in constants with their lengths inferred.
const EVERYTHING: &[(FaultKind, u32)] = &{
    let mut all = [NETWORK[0]; NETWORK.len() + CLOCK.len() + DISK.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = if place < NETWORK.len() {
            NETWORK[place]
        } else if place < NETWORK.len() + CLOCK.len() {
            CLOCK[place - NETWORK.len()]
        } else {
            DISK[place - NETWORK.len() - CLOCK.len()]
        };
        place += 1;
    }
    all
};

impl Profile {
    /// Every profile there is.
    pub const ALL: [Profile; 6] = [
        Profile {
            name: "calm",
            story: "Nothing goes wrong: semantics under every configuration.",
            faults: &[],
            calm_percent: 100,
            recovers_percent: 10,
            narrowest_bytes: 1_024,
        },
        Profile {
            name: "network",
            story: "Reads and writes of any length, delays, slow and vanishing clients.",
            faults: NETWORK,
            calm_percent: 10,
            recovers_percent: 10,
            narrowest_bytes: 1,
        },
        Profile {
            name: "disk",
            story: "A disk that fills up, fails and forgets; crashes.",
            faults: DISK,
            calm_percent: 10,
            recovers_percent: 40,
            narrowest_bytes: 1,
        },
        Profile {
            name: "crash",
            story: "A server that keeps a log, on a bad disk: whatever it was made to promise is there after a crash.",
            faults: DISK,
            calm_percent: 10,
            recovers_percent: 100,
            narrowest_bytes: 1,
        },
        Profile {
            name: "clock",
            story: "A calendar that jumps and drifts; a process that stands still.",
            faults: CLOCK,
            calm_percent: 10,
            recovers_percent: 20,
            narrowest_bytes: 1,
        },
        Profile {
            name: "everything",
            story: "All of it, in random subsets; three runs of ten have no faults.",
            faults: EVERYTHING,
            calm_percent: 30,
            recovers_percent: 40,
            narrowest_bytes: 1,
        },
    ];

    /// The profile of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Profile> {
        const ALL: &[Profile] = &Profile::ALL;
        ALL.iter().find(|profile| profile.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_is_in_everything() {
        let everything = Profile::find("everything").unwrap();
        for &kind in FaultKind::ALL {
            let named = everything.faults.iter().filter(|(other, _)| *other == kind).count();
            assert_eq!(named, 1, "{}", kind.name());
        }
    }
}
