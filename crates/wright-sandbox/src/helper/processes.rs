//! Making processes, finding those that belong to us, and making sure that none is left.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, wait};

/// Which side of a fork this is.
pub(super) enum Forked {
    /// The process that forked, with its new child.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Forks into the given new namespaces (`CLONE_NEW…`), or into none.
pub(super) fn fork_into(namespaces: libc::c_int) -> io::Result<Forked> {
    let flags = libc::c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: without a stack this is a fork. The helper has one thread, so no lock is held by a thread that the child
    // lacks, and the allocator stays usable.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    Ok(Pid::from_raw(pid).map_or(Forked::Child, Forked::Parent))
}

/// Ends this process at once, without running anything that the parent registered for its own end.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` ends the process and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Returns every process that descends from this one, in no order.
pub(super) fn descendants() -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for (pid, parent) in processes() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found = Vec::new();
    let mut to_visit = vec![getpid().as_raw_pid()];
    while let Some(parent) = to_visit.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            to_visit.push(child);
            found.extend(Pid::from_raw(child));
        }
    }
    found
}

/// Kills every descendant and waits for its end. This process must be a child subreaper, so that none gets away by losing
/// its parent. Returns whether all are gone.
pub(super) fn kill_descendants(patience: Duration) -> bool {
    let give_up_at = Instant::now() + patience;
    loop {
        // Reaping first: with everything inside a process namespace the first round finds nothing, and nothing is listed.
        loop {
            match wait(WaitOptions::NOHANG) {
                Err(_) => return true,
                Ok(None) => break,
                Ok(Some(_)) => {}
            }
        }
        if Instant::now() >= give_up_at {
            return false;
        }
        for pid in descendants() {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Returns how many threads a user has on this machine, as far as they are visible.
pub(crate) fn n_threads_of(uid: u32) -> u64 {
    let threads = |pid: i32| {
        let is_theirs = fs::metadata(format!("/proc/{pid}")).is_ok_and(|metadata| metadata.uid() == uid);
        let tasks = is_theirs.then(|| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten();
        tasks.map_or(0, |tasks| tasks.count() as u64)
    };
    processes().into_iter().map(|(pid, _)| threads(pid)).sum()
}

/// Lists all visible processes with their parents.
fn processes() -> Vec<(i32, i32)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, parent_in(&stat)?))
        })
        .collect()
}

/// Reads the parent from a line of `/proc/<pid>/stat`. The name in it may contain anything, even a closing parenthesis.
fn parent_in(stat: &[u8]) -> Option<i32> {
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let fields = std::str::from_utf8(stat.get(after_name..)?).ok()?;
    fields.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_cannot_forge_its_parent() {
        assert_eq!(parent_in(b"12 (sh) S 7 12 12 0"), Some(7));
        assert_eq!(parent_in(b"12 (a) R 1 (b) S 7 12 12 0"), Some(7));
        assert_eq!(parent_in(b"12 (\xff) S 7 12"), Some(7));
        assert_eq!(parent_in(b"12 sh S 7"), None);
    }
}
