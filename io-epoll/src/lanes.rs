//! Disk work, off the loop's thread. Each lane is a thread of its own, started when it is first needed; within
//! a lane work is done in order, and every piece of it ends in a completion, whatever happens.
//!
//! A lane's queue holds what the core has asked for and not heard of yet; it is the core that bounds that.

use crate::sys::Wake;
use crate::text;
use rotom_core::disk::{DiskCompletion, DiskError, DiskId, DiskKind, DiskOp, DiskOutput, FileId, Lane};
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// The lanes, and what has come back from them.
#[derive(Debug)]
pub(crate) struct Lanes {
    threads: [Option<LaneThread>; Lane::ALL.len()],
    shared: Shared,
    finished: Receiver<DiskCompletion>,
}

/// A lane that was started.
#[derive(Debug)]
struct LaneThread {
    queue: Sender<DiskOp>,
    handle: JoinHandle<()>,
}

/// What every lane has.
#[derive(Clone, Debug)]
struct Shared {
    files: Arc<Files>,
    finished: Sender<DiskCompletion>,
    wake: Arc<Wake>,
}

impl Lanes {
    /// Lanes that call `wake` when something has come back.
    pub fn new(wake: Arc<Wake>) -> Lanes {
        let (sender, finished) = channel();
        let shared = Shared { files: Arc::default(), finished: sender, wake };
        Lanes { threads: [const { None }; Lane::ALL.len()], shared, finished }
    }

    /// Puts work into its lane.
    pub fn submit(&mut self, op: DiskOp) {
        let lane = op.lane as usize;
        if self.threads[lane].is_none() {
            match start(op.lane, self.shared.clone()) {
                Ok(thread) => self.threads[lane] = Some(thread),
                Err(error) => return self.shared.complete(op.id, Err(failure(&error, 0, None))),
            }
        }
        let Some(thread) = &self.threads[lane] else { return };
        if let Err(refused) = thread.queue.send(op) {
            let error = io::Error::other("the disk lane has ended");
            let buffer = match refused.0.kind {
                DiskKind::Append { data, .. } => Some(data),
                _ => None,
            };
            self.shared.complete(refused.0.id, Err(failure(&error, 0, buffer)));
        }
    }

    /// Work that has ended.
    pub fn take_finished(&mut self) -> Option<DiskCompletion> {
        self.finished.try_recv().ok()
    }
}

impl Drop for Lanes {
    /// Lets each lane finish what it was given.
    fn drop(&mut self) {
        for thread in self.threads.iter_mut().filter_map(Option::take) {
            let LaneThread { queue, handle } = thread;
            drop(queue);
            // An error would mean that the lane panicked, and the panic has been reported.
            let _ = handle.join();
        }
    }
}

impl Shared {
    fn complete(&self, id: DiskId, outcome: Result<DiskOutput, DiskError>) {
        self.tell(id, outcome);
        self.wake.wake();
    }

    /// Tells what has come of a piece of work to whoever asks next.
    fn tell(&self, id: DiskId, outcome: Result<DiskOutput, DiskError>) {
        // Nobody listens only when the loop has ended.
        let _ = self.finished.send(DiskCompletion { id, outcome });
    }
}

/// Does the work of a lane until nobody can ask for any more.
fn work_off(work: &Receiver<DiskOp>, shared: &Shared) {
    while let Ok(op) = work.recv() {
        let mut next = Some(op);
        while let Some(DiskOp { id, kind, .. }) = next {
            shared.tell(id, perform(&shared.files, kind));
            next = work.try_recv().ok();
            // Nothing can follow an append before the sync behind it is over: one wake does for both.
            if !next.as_ref().is_some_and(|next| matches!(next.kind, DiskKind::Sync { .. })) {
                shared.wake.wake();
            }
        }
    }
}

fn start(lane: Lane, shared: Shared) -> io::Result<LaneThread> {
    let (queue, work) = channel::<DiskOp>();
    let name = match lane {
        Lane::Log => "disk-log",
        Lane::Snapshot => "disk-snapshot",
        Lane::Control => "disk-control",
    };
    let handle = thread::Builder::new().name(name.to_owned()).spawn(move || work_off(&work, &shared))?;
    Ok(LaneThread { queue, handle })
}

/// Files that are open between the core and the lanes. A file may be created on one lane and appended to on
/// another, so they share one table; its lock is never held during disk work.
#[derive(Debug, Default)]
struct Files {
    open: Mutex<HashMap<FileId, Arc<File>>>,
}

impl Files {
    /// Takes a file in, and tells its length.
    fn open(&self, id: FileId, file: File) -> io::Result<DiskOutput> {
        let len_bytes = file.metadata()?.len();
        self.insert(id, file);
        Ok(DiskOutput::Opened { len_bytes })
    }

    fn insert(&self, id: FileId, file: File) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(file));
    }

    fn find(&self, id: FileId) -> io::Result<Arc<File>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&id).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "file is not open"))
    }

    fn remove(&self, id: FileId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Does one piece of work.
fn perform(files: &Files, kind: DiskKind) -> Result<DiskOutput, DiskError> {
    match kind {
        DiskKind::Append { file, data } => append(files, file, data),
        DiskKind::ReadFile { name, len_bytes_max } => {
            read_file(&name, len_bytes_max).map(DiskOutput::Buffer).map_err(|error| failure(&error, 0, None))
        }
        kind => change(files, kind).map_err(|error| failure(&error, 0, None)),
    }
}

/// Work that carries no buffer of the core's.
fn change(files: &Files, kind: DiskKind) -> io::Result<DiskOutput> {
    match kind {
        DiskKind::Create { file, name, mode } => {
            // For appending, so that writing goes on at the end after the file was cut.
            let opened = OpenOptions::new().append(true).create_new(true).mode(mode).open(name)?;
            files.insert(file, opened);
        }
        DiskKind::OpenAppend { file, name } => {
            return files.open(file, OpenOptions::new().append(true).create(true).open(name)?);
        }
        DiskKind::OpenRead { file, name } => return files.open(file, File::open(name)?),
        DiskKind::ReadAt { file, offset_bytes, len_bytes } => {
            return read_at(&*files.find(file)?, offset_bytes, len_bytes).map(DiskOutput::Buffer);
        }
        DiskKind::CreateDir { name, mode } => DirBuilder::new().mode(mode).create(name)?,
        DiskKind::List { name } => return list(directory_path(&name)).map(DiskOutput::Names),
        DiskKind::Sync { file } => files.find(file)?.sync_data()?,
        DiskKind::Truncate { file, len_bytes } => files.find(file)?.set_len(len_bytes)?,
        DiskKind::Close { file } => files.remove(file),
        DiskKind::Rename { from, to } => fs::rename(from, to)?,
        DiskKind::Remove { name } => fs::remove_file(name)?,
        DiskKind::SyncDir { name } => File::open(directory_path(&name))?.sync_all()?,
        // Both are done where the buffer is at hand.
        DiskKind::Append { .. } | DiskKind::ReadFile { .. } => unreachable!("handled by the caller"),
    }
    Ok(DiskOutput::Done)
}

/// The name by which the system knows a directory; that of the one the server works in may be empty.
fn directory_path(name: &str) -> &str {
    if name.is_empty() { "." } else { name }
}

fn list(name: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(name)? {
        let entry = entry?;
        // A name that is no text is none of the server's.
        if let Ok(name) = entry.file_name().into_string()
            && !entry.file_type()?.is_dir()
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads until the piece is whole or the file ends.
fn read_at(file: &File, offset_bytes: u64, len_bytes: usize) -> io::Result<Vec<u8>> {
    let mut content = vec![0; len_bytes];
    let mut len = 0;
    while len < len_bytes {
        match file.read_at(&mut content[len..], offset_bytes + len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    content.truncate(len);
    Ok(content)
}

fn append(files: &Files, id: FileId, data: Vec<u8>) -> Result<DiskOutput, DiskError> {
    let file = match files.find(id) {
        Ok(file) => file,
        Err(error) => return Err(failure(&error, 0, Some(data))),
    };
    match write_all(&file, &data) {
        Ok(()) => Ok(DiskOutput::Buffer(data)),
        Err((written, error)) => Err(failure(&error, written as u64, Some(data))),
    }
}

/// Writes everything, or says how far it came.
fn write_all(mut file: &File, data: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while written < data.len() {
        match file.write(&data[written..]) {
            Ok(0) => return Err((written, io::Error::from(io::ErrorKind::WriteZero))),
            Ok(len) => written += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}

fn read_file(name: &str, len_bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = File::open(name)?;
    let expected = file.metadata()?.len();
    let mut content = Vec::new();
    content.try_reserve_exact(expected.min(len_bytes_max) as usize)?;
    // The file may have grown since; one byte beyond the limit is enough to know.
    file.take(len_bytes_max.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > len_bytes_max {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(content)
}

fn failure(error: &io::Error, written_bytes: u64, buffer: Option<Vec<u8>>) -> DiskError {
    DiskError { kind: error.kind(), message: text::describe(error), written_bytes, buffer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A folder of one test, gone when it ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("rotom-lanes-{}-{number}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn name(&self, file: &str) -> String {
            self.0.join(file).to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const FILE: FileId = FileId(1);

    fn append_to(file: FileId, data: &[u8]) -> DiskKind {
        DiskKind::Append { file, data: data.to_vec() }
    }

    #[test]
    fn files_are_found_by_listing_and_read_in_pieces() {
        let folder = Folder::new();
        let files = Files::default();
        let run = |kind| perform(&files, kind);
        let directory = folder.name("dir");
        let name = format!("{directory}/file");
        run(DiskKind::CreateDir { name: directory.clone(), mode: 0o755 }).unwrap();
        let again = run(DiskKind::CreateDir { name: directory.clone(), mode: 0o755 }).unwrap_err();
        assert_eq!(again.kind, io::ErrorKind::AlreadyExists);
        run(DiskKind::CreateDir { name: format!("{directory}/inner"), mode: 0o755 }).unwrap();
        run(DiskKind::Create { file: FILE, name: name.clone(), mode: 0o644 }).unwrap();
        run(append_to(FILE, b"0123456789")).unwrap();
        let names = run(DiskKind::List { name: directory.clone() }).unwrap();
        assert_eq!(names, DiskOutput::Names(vec!["file".to_owned()]));
        assert_eq!(run(DiskKind::List { name }).unwrap_err().kind, io::ErrorKind::NotADirectory);
        let opened = run(DiskKind::OpenRead { file: FILE, name: format!("{directory}/file") }).unwrap();
        assert_eq!(opened, DiskOutput::Opened { len_bytes: 10 });
        for (offset_bytes, len_bytes, expected) in
            [(0, 4, &b"0123"[..]), (4, 6, b"456789"), (8, 4, b"89"), (10, 4, b"")]
        {
            let piece = run(DiskKind::ReadAt { file: FILE, offset_bytes, len_bytes }).unwrap();
            assert_eq!(piece, DiskOutput::Buffer(expected.to_vec()));
        }
    }

    #[test]
    fn a_lane_works_in_order_and_answers_everything() {
        let folder = Folder::new();
        let mut lanes = Lanes::new(Arc::new(Wake::new().unwrap()));
        let kinds = [
            DiskKind::Create { file: FILE, name: folder.name("temp"), mode: 0o640 },
            append_to(FILE, b"hello world"),
            DiskKind::Sync { file: FILE },
            DiskKind::Truncate { file: FILE, len_bytes: 5 },
            append_to(FILE, b"!"),
            DiskKind::Close { file: FILE },
            DiskKind::Rename { from: folder.name("temp"), to: folder.name("final") },
            DiskKind::SyncDir { name: folder.name("") },
            DiskKind::OpenAppend { file: FILE, name: folder.name("final") },
            append_to(FILE, b"?"),
            DiskKind::ReadFile { name: folder.name("final"), len_bytes_max: 7 },
            DiskKind::Remove { name: folder.name("final") },
            DiskKind::ReadFile { name: folder.name("final"), len_bytes_max: 7 },
        ];
        let count = kinds.len();
        for (number, kind) in kinds.into_iter().enumerate() {
            lanes.submit(DiskOp { id: DiskId(number as u64), lane: Lane::Control, kind });
        }
        let outcomes: Vec<_> = (0..count)
            .map(|number| {
                let completion = lanes.finished.recv().unwrap();
                assert_eq!(completion.id, DiskId(number as u64));
                completion.outcome
            })
            .collect();
        assert_eq!(outcomes[1], Ok(DiskOutput::Buffer(b"hello world".to_vec())));
        assert_eq!(outcomes[10], Ok(DiskOutput::Buffer(b"hello!?".to_vec())));
        for (number, outcome) in outcomes.iter().enumerate() {
            if number == count - 1 {
                let error = outcome.as_ref().unwrap_err();
                assert_eq!(
                    (error.kind, error.message.as_str()),
                    (io::ErrorKind::NotFound, "No such file or directory")
                );
            } else {
                assert!(outcome.is_ok(), "{number}: {outcome:?}");
            }
        }
    }

    #[test]
    fn lanes_run_beside_each_other() {
        let folder = Folder::new();
        let mut lanes = Lanes::new(Arc::new(Wake::new().unwrap()));
        for (number, lane) in Lane::ALL.into_iter().enumerate() {
            let kind =
                DiskKind::OpenAppend { file: FileId(number as u32), name: folder.name(&format!("{number}")) };
            lanes.submit(DiskOp { id: DiskId(number as u64), lane, kind });
        }
        let mut ids: Vec<_> = (0..3).map(|_| lanes.finished.recv().unwrap().id.0).collect();
        ids.sort_unstable();
        assert_eq!(ids, [0, 1, 2]);
        // And a file opened on one lane can be used on another.
        lanes.submit(DiskOp { id: DiskId(9), lane: Lane::Log, kind: append_to(FileId(2), b"x") });
        assert_eq!(lanes.finished.recv().unwrap().outcome, Ok(DiskOutput::Buffer(b"x".to_vec())));
    }

    #[test]
    fn failures_say_why_and_give_the_buffer_back() {
        let folder = Folder::new();
        let files = Files::default();
        let error = perform(&files, append_to(FILE, b"data")).unwrap_err();
        assert_eq!((error.kind, error.written_bytes), (io::ErrorKind::InvalidInput, 0));
        assert_eq!(error.buffer.as_deref(), Some(&b"data"[..]));

        let create = || DiskKind::Create { file: FILE, name: folder.name("x"), mode: 0o600 };
        assert_eq!(perform(&files, create()), Ok(DiskOutput::Done));
        assert_eq!(perform(&files, create()).unwrap_err().message, "File exists");

        perform(&files, append_to(FILE, b"12345")).unwrap();
        let read = DiskKind::ReadFile { name: folder.name("x"), len_bytes_max: 4 };
        assert_eq!(perform(&files, read).unwrap_err().message, "File too large");

        // /dev/full takes nothing: the system's words arrive, and the buffer returns.
        perform(&files, DiskKind::OpenAppend { file: FILE, name: "/dev/full".into() }).unwrap();
        let error = perform(&files, append_to(FILE, b"data")).unwrap_err();
        assert_eq!((error.message.as_str(), error.written_bytes), ("No space left on device", 0));
        assert_eq!(error.buffer.as_deref(), Some(&b"data"[..]));
    }
}
