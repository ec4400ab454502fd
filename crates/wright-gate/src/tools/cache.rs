//! What tools said earlier about the same files. A run is the same when the tool, its version, its arguments, its
//! configuration, the files it reads and the installed packages are.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use wright_sandbox::Exit;

use super::output::Capture;

/// Longer output is not kept.
const MAX_KEPT_BYTES: usize = 4 * 1024 * 1024;

/// The oldest of more entries are removed.
const MAX_ENTRIES: usize = 500;

/// The format of an entry; another one is no entry.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Entry {
    version: u32,
    key: String,
    code: i32,
    stdout: String,
    stderr: String,
    project: PathBuf,
}

/// Returns what a run gave before, if it is known. An entry that cannot be read is none.
pub(super) fn load(folder: &Path, key: &str) -> Option<Capture> {
    let path = place(folder, key);
    let is_small = path.metadata().is_ok_and(|it| it.len() < 4 * MAX_KEPT_BYTES as u64);
    let entry: Entry = serde_json::from_slice(&std::fs::read(path).ok().filter(|_| is_small)?).ok()?;
    let capture = Capture {
        exit: Exit::Code(entry.code),
        stdout: entry.stdout.into_bytes(),
        stderr: entry.stderr.into_bytes(),
        project: entry.project,
    };
    (entry.version == VERSION && entry.key == key).then_some(capture)
}

/// Keeps what a run gave. A run that was stopped may go otherwise the next time, and what cannot be written is not kept.
pub(super) fn store(folder: &Path, key: &str, capture: &Capture) {
    let Exit::Code(code) = capture.exit else { return };
    if capture.stdout.len() + capture.stderr.len() > MAX_KEPT_BYTES {
        return;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let entry = Entry {
        version: VERSION,
        key: key.to_owned(),
        code,
        stdout: text(&capture.stdout),
        stderr: text(&capture.stderr),
        project: capture.project.clone(),
    };
    if let Err(error) = write(folder, key, &entry) {
        tracing::debug!(%error, "the result of a tool was not kept");
    }
}

fn write(folder: &Path, key: &str, entry: &Entry) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let draft = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&draft, entry)?;
    draft.persist(place(folder, key)).map_err(|it| it.error)?;
    prune(folder)
}

fn prune(folder: &Path) -> std::io::Result<()> {
    let entries = std::fs::read_dir(folder)?.filter_map(Result::ok);
    let mut dated: Vec<(SystemTime, PathBuf)> = entries
        .filter(|it| it.path().extension().is_some_and(|ending| ending == "json"))
        .filter_map(|it| Some((it.metadata().ok()?.modified().ok()?, it.path())))
        .collect();
    dated.sort();
    let n_over = dated.len().saturating_sub(MAX_ENTRIES);
    dated.iter().take(n_over).try_for_each(|(_, path)| std::fs::remove_file(path))
}

fn place(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(exit: Exit) -> Capture {
        Capture { exit, stdout: b"[]".to_vec(), stderr: Vec::new(), project: "/p".into() }
    }

    #[test]
    fn a_result_is_known_by_its_key_until_its_file_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(dir.path(), "k"), None);
        store(dir.path(), "k", &capture(Exit::Code(1)));
        assert_eq!(load(dir.path(), "k"), Some(capture(Exit::Code(1))));
        assert_eq!(load(dir.path(), "other"), None);
        std::fs::copy(place(dir.path(), "k"), place(dir.path(), "other")).unwrap();
        assert_eq!(load(dir.path(), "other"), None);
        std::fs::write(place(dir.path(), "k"), "{\"version\": 1").unwrap();
        assert_eq!(load(dir.path(), "k"), None);
    }

    #[test]
    fn a_run_that_was_stopped_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path(), "k", &capture(Exit::WallClock));
        assert_eq!(load(dir.path(), "k"), None);
    }
}
