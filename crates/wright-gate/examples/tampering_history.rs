//! Judges whole changes of real repositories by the tests they touch.
//!
//! Takes folders, each with one change as two trees `before/` and `after/` of the touched files, and prints one line for
//! each finding above a note: the folder, the severity, the rule and the message. `evals/gate/tampering/` says how the
//! folders are made and keeps the results.
#![allow(clippy::print_stdout, reason = "a measurement for the terminal, not a part of the product")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wright_gate::Severity;
use wright_gate::change::{ChangeSet, Content, FileDelta, MemoryTree};
use wright_gate::checks::test_tampering;

/// Deeper folders are not looked into.
const MAX_DEPTH: usize = 40;

fn main() -> std::io::Result<()> {
    let (mut n_changes, mut n_refused, mut n_warned) = (0, 0, 0);
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        let report = judge(&folder)?;
        n_changes += 1;
        let worst = report.iter().map(|it| it.severity).max().unwrap_or(Severity::Note);
        n_refused += usize::from(worst == Severity::Error);
        n_warned += usize::from(worst == Severity::Warning);
        for finding in report.iter().filter(|it| it.severity > Severity::Note) {
            println!("{} {:?} {finding}", folder.display(), finding.severity);
        }
    }
    println!("{n_changes} changes, {n_refused} refused, {n_warned} more with a warning");
    Ok(())
}

fn judge(folder: &Path) -> std::io::Result<Vec<wright_gate::Finding>> {
    let (before, after) = (folder.join("before"), folder.join("after"));
    let mut paths = BTreeSet::new();
    for root in [&before, &after] {
        collect(root, Path::new(""), 0, &mut paths)?;
    }
    let content = |root: &Path, path: &Path| match std::fs::read_to_string(root.join(path)) {
        Ok(text) => Content::Text(text.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::Absent,
        Err(_) => Content::Binary(0),
    };
    let files = paths.into_iter().map(|path| FileDelta {
        before: content(&before, &path),
        after: content(&after, &path),
        moved_from: None,
        path,
    });
    let change = ChangeSet { files: files.collect() };
    let nothing = MemoryTree::default();
    Ok(test_tampering::report(&change, &nothing, &nothing).after)
}

fn collect(root: &Path, below: &Path, depth: usize, paths: &mut BTreeSet<PathBuf>) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(root.join(below)) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() && depth < MAX_DEPTH {
            collect(root, &path, depth + 1, paths)?;
        } else {
            paths.insert(path);
        }
    }
    Ok(())
}
