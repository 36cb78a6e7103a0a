//! Disks of a few megabytes that really fill: a tmpfs each, in a mount namespace of this process alone.

#![allow(unsafe_code, reason = "system calls through libc; each block says why it is sound")]

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use crate::support::directory::TempDirectory;

/// Gives this process its own view of what is mounted where, which its children share. It must be the only thread.
/// Root may do so; others become root in a namespace of users of their own, if the system lets them.
pub fn enter_namespace() -> io::Result<()> {
    // SAFETY: plain system calls without arguments.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    if unshare(libc::CLONE_NEWNS).is_err() {
        unshare(libc::CLONE_NEWNS | libc::CLONE_NEWUSER)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    // What is mounted from here on is nobody else's business.
    mount(None, Path::new("/"), libc::MS_REC | libc::MS_PRIVATE, "")
}

/// A directory with so much room and no more.
#[derive(Debug)]
pub struct SmallDisk {
    directory: TempDirectory,
}

impl SmallDisk {
    /// An empty one.
    pub fn new(room_bytes: usize) -> io::Result<SmallDisk> {
        let directory = TempDirectory::new()?;
        mount(Some("tmpfs"), directory.path(), 0, &format!("size={room_bytes}"))?;
        Ok(SmallDisk { directory })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Takes the room that is left, but for so many bytes, until [`free`](Self::free).
    pub fn fill(&self, left_bytes: usize) -> io::Result<()> {
        let room = available_bytes(self.path())?.saturating_sub(left_bytes as u64);
        fs::write(self.ballast(), vec![b'.'; usize::try_from(room).expect("a small disk")])
    }

    /// Gives back what was taken.
    pub fn free(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let path = c_string(self.path());
        // SAFETY: `path` is a string that lives through the call. Should it fail, the disk ends with this process.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    }
}

fn unshare(flags: libc::c_int) -> io::Result<()> {
    // SAFETY: plain system call with an integer argument.
    check(unsafe { libc::unshare(flags) })
}

fn available_bytes(path: &Path) -> io::Result<u64> {
    let path = c_string(path);
    // SAFETY: an all-zero `statvfs` is valid, and the call fills it; the path lives through the call.
    let status = unsafe {
        let mut status: libc::statvfs = std::mem::zeroed();
        check(libc::statvfs(path.as_ptr(), &raw mut status))?;
        status
    };
    Ok(status.f_bavail * status.f_frsize)
}

fn mount(kind: Option<&str>, target: &Path, flags: libc::c_ulong, options: &str) -> io::Result<()> {
    let kind = kind.map(|kind| CString::new(kind).expect("no zeros in it"));
    let kind = kind.as_ref().map_or(ptr::null(), |kind| kind.as_ptr());
    let (target, options) = (c_string(target), CString::new(options).expect("no zeros in it"));
    // SAFETY: each pointer is null, which mount(2) allows there, or a string that lives through the call.
    check(unsafe { libc::mount(kind, target.as_ptr(), kind, flags, options.as_ptr().cast()) })
}

fn c_string(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("no zeros in it")
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
