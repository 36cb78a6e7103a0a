//! A child process that never outlives its guard, and what `/proc` says about it.

use std::fs;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use super::sys::{self, ChildSetup};

/// A running child. Dropping it kills it by its process id and reaps it; should the whole test process die
/// first, the kernel kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`.
    pub fn spawn(command: &mut Command, setup: ChildSetup) -> io::Result<Process> {
        sys::prepare(command, setup);
        Ok(Process { child: command.spawn()? })
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The child as std knows it, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end.
    pub fn wait_for_exit(&mut self, patience: Duration) -> Option<ExitStatus> {
        super::wait_for(patience, || self.exit_status().is_some());
        self.exit_status()
    }

    /// Sends it `signal`.
    pub fn signal(&self, signal: i32) {
        sys::signal(self.pid(), signal).expect("our own child, not yet reaped, can be signalled");
    }

    /// Bytes of memory it has resident.
    pub fn resident_bytes(&self) -> u64 {
        resident_bytes(self.pid())
    }

    /// Bytes of memory it had resident at most, since [`forget_peak`](Self::forget_peak).
    pub fn peak_resident_bytes(&self) -> u64 {
        status_bytes(self.pid(), "VmHWM:")
    }

    /// Lets the peak of its memory be what it has now.
    pub fn forget_peak(&self) -> io::Result<()> {
        const PEAK: &str = "5";
        fs::write(format!("/proc/{}/clear_refs", self.pid()), PEAK)
    }

    /// Nanoseconds its threads have spent on a core so far.
    pub fn cpu_nanoseconds(&self) -> io::Result<u64> {
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            let on_cpu =
                schedstat.split_ascii_whitespace().next().and_then(|field| field.parse::<u64>().ok());
            total += on_cpu.ok_or_else(|| io::Error::other("schedstat without its first field"))?;
        }
        Ok(total)
    }

    /// The number of descriptors it has open.
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).map_or(0, Iterator::count)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the child is gone and reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes of memory the process `pid` has resident; 0 when it is gone.
pub fn resident_bytes(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:")
}

fn status_bytes(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(name));
    let number = kibibytes.and_then(|rest| rest.split_ascii_whitespace().next());
    number.and_then(|number| number.parse::<u64>().ok()).map_or(0, |kibibytes| kibibytes * 1024)
}
