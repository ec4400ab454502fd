//! Starts a sandbox helper of one's own, with orders to put up no wall, as a child that wants a lower level would.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

use serde_json::json;

use crate::{HELPER, this_program};

/// Lets a helper show a file. It only changes the user, which it does not do without for root.
pub(super) fn run_in_helper_without_walls(file: &str) -> io::Result<()> {
    let tree = std::env::current_dir()?;
    let many = 1_u64 << 40;
    let spec = json!({
        "version": 3,
        "layers": ["identity"],
        "namespaces_from": "helper",
        "groups": "nowhere",
        "n_processes_outside": 0,
        "simulate_missing": [],
        "tree": tree,
        "read_only": [],
        "limits": {
            "wall_ms": 5000, "cpu_s": 60, "memory_bytes": many, "scratch_bytes": many, "free_disk_bytes": 0,
            "free_inodes": 0, "file_bytes": many, "processes": 10_000, "open_files": 100
        },
        "action": { "run": { "argv": ["cat", file], "dir": "", "env": [] } }
    });
    let spec = spec.to_string().into_bytes();
    let (mut ours, theirs) = UnixStream::pair()?;
    let mut helper = Command::new(this_program()).arg(HELPER).stdin(OwnedFd::from(theirs)).spawn()?;
    let length = u32::try_from(spec.len()).map_err(io::Error::other)?;
    ours.write_all(&length.to_le_bytes())?;
    ours.write_all(&spec)?;
    let mut reports = String::new();
    ours.read_to_string(&mut reports)?;
    helper.wait()?;
    match reports.contains("\"exited\":{\"code\":0}") {
        true => Ok(()),
        false => Err(io::Error::other(reports.lines().next().unwrap_or("no report").to_owned())),
    }
}
