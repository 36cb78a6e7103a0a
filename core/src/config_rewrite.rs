//! `CONFIG REWRITE`: read the configuration file, write the new one beside it, make it durable, and only then
//! let it take the old one's place.

use crate::config;
use crate::disk::{DiskCompletion, DiskError, DiskId, DiskKind, DiskOutput, FileId, Lane};
use crate::net::ConnId;
use crate::server::{LogLevel, Server};
use std::io;

/// The handle of the file being written.
const FILE: FileId = FileId(u32::MAX);

/// Largest configuration file that is read.
pub const CONFIG_FILE_BYTES_MAX: u64 = 16 << 20;

/// Permission bits of the new file.
const MODE: u32 = 0o644;

/// A rewrite, from one completion of disk work to the next.
#[derive(Debug, Default)]
pub struct ConfigRewrite {
    step: Option<(DiskId, Step)>,
    /// The new file's text, until it is written.
    text: Vec<u8>,
    /// Clients that wait for the rewrite under way.
    waiting: Vec<ConnId>,
    /// Clients that asked while one was under way: the configuration may have changed since it began.
    next: Vec<ConnId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    ReadOld,
    Clear,
    Create,
    Write,
    Sync,
    Close,
    Rename,
    SyncDirectory,
}

/// Which clients to answer, and with what.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub clients: Vec<ConnId>,
    pub outcome: Result<(), String>,
}

/// Begins a rewrite for a client, or lets it wait for the next one.
pub(crate) fn begin(server: &mut Server, conn: ConnId) {
    if server.config_rewrite.step.is_some() {
        sometimes!(Mark::RewriteQueued);
        server.config_rewrite.next.push(conn);
        return;
    }
    server.config_rewrite.waiting.push(conn);
    read_old(server);
}

/// Takes a completion if it belongs to the rewrite. Returns whom to answer, if that is known now.
pub(crate) fn advance(server: &mut Server, completion: &mut Option<DiskCompletion>) -> Option<Rewritten> {
    let (awaited, step) = server.config_rewrite.step?;
    let outcome = completion.take_if(|completion| completion.id == awaited)?.outcome;
    let outcome = match outcome {
        Err(_) if step == Step::Sync && mutant!(Mutant::RewriteIgnoresSyncError) => Ok(DiskOutput::Done),
        outcome => outcome,
    };
    let target = server.host.config_file.clone();
    let temporary = format!("{target}-{}.tmp", server.host.pid);
    let (next, kind) = match (step, outcome) {
        (Step::ReadOld, outcome) => {
            let old = match text_of(outcome) {
                Ok(old) => old,
                Err(error) => return Some(finish(server, Err(error.message))),
            };
            server.config_rewrite.text = config::rewrite(&old, &server.config);
            (Step::Clear, DiskKind::Remove { name: temporary })
        }
        // One that was killed in the middle of this, and had the same number, may have left something.
        (Step::Clear, _) => (Step::Create, DiskKind::Create { file: FILE, name: temporary, mode: MODE }),
        (Step::Create, Ok(_)) => {
            let data = std::mem::take(&mut server.config_rewrite.text);
            (Step::Write, DiskKind::Append { file: FILE, data })
        }
        (Step::Write, Ok(_)) => (Step::Sync, DiskKind::Sync { file: FILE }),
        (Step::Sync, Ok(_)) => (Step::Close, DiskKind::Close { file: FILE }),
        (Step::Close, Ok(_)) => (Step::Rename, DiskKind::Rename { from: temporary, to: target }),
        (Step::Rename, Ok(_)) => {
            let name = target.rsplit_once('/').map_or(".", |(directory, _)| directory).to_owned();
            (Step::SyncDirectory, DiskKind::SyncDir { name })
        }
        (Step::SyncDirectory, Ok(_)) => return Some(finish(server, Ok(()))),
        (_, Err(error)) => {
            // Whatever was made of the new file goes; the old one was not touched.
            if step != Step::Create && step != Step::Close {
                server.disk(Lane::Control, DiskKind::Close { file: FILE });
            }
            server.disk(Lane::Control, DiskKind::Remove { name: temporary });
            return Some(finish(server, Err(error.message)));
        }
    };
    submit(server, next, kind);
    None
}

fn read_old(server: &mut Server) {
    let name = server.host.config_file.clone();
    submit(server, Step::ReadOld, DiskKind::ReadFile { name, len_bytes_max: CONFIG_FILE_BYTES_MAX });
}

fn submit(server: &mut Server, step: Step, kind: DiskKind) {
    let id = server.disk(Lane::Control, kind);
    server.config_rewrite.step = Some((id, step));
}

/// Ends a rewrite, and begins the next one for those who asked meanwhile.
fn finish(server: &mut Server, outcome: Result<(), String>) -> Rewritten {
    sometimes!(Mark::RewriteFailed, outcome.is_err());
    match &outcome {
        Ok(()) => server.log(LogLevel::Notice, "CONFIG REWRITE executed with success."),
        Err(reason) => server.log(LogLevel::Warning, format!("CONFIG REWRITE failed: {reason}")),
    }
    let rewrite = &mut server.config_rewrite;
    rewrite.step = None;
    let clients = std::mem::replace(&mut rewrite.waiting, std::mem::take(&mut rewrite.next));
    if !rewrite.waiting.is_empty() {
        read_old(server);
    }
    Rewritten { clients, outcome }
}

/// The old file's text; a file that is not there has none.
fn text_of(outcome: Result<DiskOutput, DiskError>) -> Result<Vec<u8>, DiskError> {
    match outcome {
        Ok(DiskOutput::Buffer(bytes)) => Ok(bytes),
        Ok(_) => Ok(Vec::new()),
        Err(error) if error.kind == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
