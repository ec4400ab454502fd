//! Keeps an eye on what the kernel does not limit: the memory of all processes of a command together.

use std::fs;

use rustix::process::Pid;

use super::processes::descendants;

/// Returns whether the descendants of this process use more than `max_bytes` together.
pub(super) fn uses_more_than(max_bytes: u64) -> bool {
    let mut bytes = 0_u64;
    for pid in descendants() {
        bytes = bytes.saturating_add(memory_of(pid));
        if bytes > max_bytes {
            return true;
        }
    }
    false
}

/// Returns a process's share of memory, or all of its resident memory where the kernel does not tell shares.
fn memory_of(pid: Pid) -> u64 {
    let proc = format!("/proc/{}", pid.as_raw_pid());
    let read = |name: &str| fs::read_to_string(format!("{proc}/{name}")).unwrap_or_default();
    kibibytes(&read("smaps_rollup"), "Pss:").or_else(|| kibibytes(&read("status"), "VmRSS:")).unwrap_or(0) * 1024
}

/// Reads a line such as `Pss:      1204 kB`.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_from_its_own_line() {
        let text = "5 [rollup]\nRss:  2000 kB\nPss:      1204 kB\nPss_Anon: 7 kB\n";
        assert_eq!(kibibytes(text, "Pss:"), Some(1204));
        assert_eq!(kibibytes(text, "VmRSS:"), None);
    }
}
