//! Disk work done step by step: the next step is asked for when the one before it has succeeded.

use crate::disk::{DiskCompletion, DiskError, DiskId, DiskKind, FileId, Lane};
use crate::server::Server;
use std::collections::VecDeque;
use std::io::ErrorKind;

/// Steps, and how far they have come.
#[derive(Debug)]
pub(crate) struct Sequence {
    lane: Lane,
    steps: VecDeque<Step>,
    awaited: Option<(DiskId, Tolerance)>,
}

#[derive(Debug)]
struct Step {
    kind: DiskKind,
    tolerance: Tolerance,
}

/// Which failures of a step do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tolerance {
    None,
    /// What is to be made is there.
    Exists,
    /// Any.
    All,
}

impl Sequence {
    /// No steps yet, for this lane.
    pub fn new(lane: Lane) -> Sequence {
        Sequence { lane, steps: VecDeque::new(), awaited: None }
    }

    /// A step that has to succeed.
    pub fn then(mut self, kind: DiskKind) -> Sequence {
        self.steps.push_back(Step { kind, tolerance: Tolerance::None });
        self
    }

    /// A step that may fail: to remove what may not be there.
    pub fn try_to(mut self, kind: DiskKind) -> Sequence {
        self.steps.push_back(Step { kind, tolerance: Tolerance::All });
        self
    }

    /// Makes a directory, unless it is there, and its name durable.
    pub fn make_directory(mut self, name: &str) -> Sequence {
        let kind = DiskKind::CreateDir { name: name.to_owned(), mode: 0o755 };
        self.steps.push_back(Step { kind, tolerance: Tolerance::Exists });
        let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        self.then(DiskKind::SyncDir { name: parent })
    }

    /// Lets a file with this content take the place of whatever has its name: wholly and durably, or not at all.
    pub fn replace(
        self,
        file: FileId,
        directory: &str,
        temporary: &str,
        name: &str,
        data: Vec<u8>,
    ) -> Sequence {
        let temporary = format!("{directory}/{temporary}");
        self.try_to(DiskKind::Remove { name: temporary.clone() })
            .then(DiskKind::Create { file, name: temporary.clone(), mode: 0o644 })
            .then(DiskKind::Append { file, data })
            .sync_unless_careless(file)
            .then(DiskKind::Close { file })
            .then(DiskKind::Rename { from: temporary, to: format!("{directory}/{name}") })
            .then(DiskKind::SyncDir { name: directory.to_owned() })
    }

    fn sync_unless_careless(self, file: FileId) -> Sequence {
        if mutant!(Mutant::RenamedBeforeSync) { self } else { self.then(DiskKind::Sync { file }) }
    }

    /// Asks for the first step. To be called once.
    pub fn begin(mut self, server: &mut Server) -> Sequence {
        self.submit(server);
        self
    }

    /// Takes a completion if it belongs to this sequence. Tells how the sequence ended, once it has.
    pub fn advance(
        &mut self,
        server: &mut Server,
        completion: &mut Option<DiskCompletion>,
    ) -> Option<Result<(), DiskError>> {
        let (id, tolerance) = self.awaited?;
        let outcome = completion.take_if(|completion| completion.id == id)?.outcome;
        self.awaited = None;
        if let Err(error) = outcome {
            let is_tolerated = match tolerance {
                Tolerance::None => false,
                Tolerance::Exists => error.kind == ErrorKind::AlreadyExists,
                Tolerance::All => true,
            };
            if !is_tolerated {
                return Some(Err(error));
            }
        }
        if self.submit(server) { None } else { Some(Ok(())) }
    }

    /// Asks for the next step. Whether there was one.
    fn submit(&mut self, server: &mut Server) -> bool {
        let Some(Step { kind, tolerance }) = self.steps.pop_front() else { return false };
        self.awaited = Some((server.disk(self.lane, kind), tolerance));
        true
    }
}
