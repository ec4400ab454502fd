//! What the text checks found in a text, kept on disk: the same text at the same path is not looked at twice.
//!
//! An entry is named by a digest over the program, the checks, the path and the text, so nothing has to be invalidated. One
//! that cannot be read, or is not what was written, counts as none. Entries of another build of the program are removed.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::wire::WireFinding;
use crate::{Finding, hex_digest};

/// A larger entry is not kept.
const MAX_ENTRY_BYTES: u64 = 4 * 1024 * 1024;

/// When a folder of entries holds more, it is emptied. There are 256 of them.
const MAX_ENTRIES_PER_FOLDER: usize = 400;

/// A folder of entries.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// The name of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheKey(String);

impl CacheKey {
    /// Returns the name for what `checks` find in a text.
    pub(crate) fn of(checks: &[&str], path: &Path, text: &str) -> Self {
        let mut hasher = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        checks.iter().for_each(|it| field(it.as_bytes()));
        field(path.as_os_str().as_encoded_bytes());
        field(text.as_bytes());
        Self(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Guards against a file that was cut short or edited.
    sha256: String,
    findings: Vec<Stored>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    key: String,
    finding: WireFinding,
}

impl Cache {
    /// Uses a folder of the program's own; `build` tells one build of the program from another.
    pub fn open(folder: &Path, build: &str) -> Self {
        let name = hex_digest(build.as_bytes())[..16].to_owned();
        remove_others(folder, OsStr::new(&name));
        Self { folder: folder.join(name) }
    }

    /// Returns what was found, as findings of the checks in `names`.
    pub(crate) fn get(&self, key: &CacheKey, names: &[&'static str]) -> Option<Vec<Finding>> {
        let path = self.path(key);
        if fs::metadata(&path).ok()?.len() > MAX_ENTRY_BYTES {
            return None;
        }
        let entry: Entry = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        if entry.sha256 != digest_of(&entry.findings)? {
            return None;
        }
        let findings = entry.findings.into_iter().map(|it| {
            let check = names.iter().find(|name| **name == it.finding.check)?;
            Some(it.finding.into_finding(check, it.key))
        });
        findings.collect()
    }

    /// Keeps what was found. That it cannot is no reason to stop: the next run looks again.
    pub(crate) fn put(&self, key: &CacheKey, findings: &[Finding]) {
        let findings: Vec<Stored> =
            findings.iter().map(|it| Stored { key: it.key.clone(), finding: it.into() }).collect();
        let Some(sha256) = digest_of(&findings) else { return };
        let Ok(text) = serde_json::to_vec(&Entry { sha256, findings }) else { return };
        if text.len() as u64 <= MAX_ENTRY_BYTES
            && let Err(error) = self.write(key, &text)
        {
            tracing::debug!(%error, "a result is not kept");
        }
    }

    fn write(&self, key: &CacheKey, text: &[u8]) -> std::io::Result<()> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        if fs::read_dir(folder)?.count() > MAX_ENTRIES_PER_FOLDER {
            fs::remove_dir_all(folder)?;
            fs::create_dir_all(folder)?;
        }
        let temporary = folder.join(format!("{}.{}", key.0, std::process::id()));
        fs::write(&temporary, text)?;
        fs::rename(&temporary, &path)
    }

    fn path(&self, key: &CacheKey) -> PathBuf {
        self.folder.join(&key.0[..2]).join(&key.0[2..])
    }
}

fn digest_of(findings: &[Stored]) -> Option<String> {
    serde_json::to_vec(findings).ok().map(|it| hex_digest(&it))
}

/// Removes what other builds of the program have kept.
fn remove_others(folder: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|it| it.file_name() != name) {
        fs::remove_dir_all(entry.path()).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Finding {
        Finding::warning("c", "m").rule("r").cwe(vec![89]).at("a.py", Some(3)).evidence("e").hint("H.").key("k")
    }

    fn key(text: &str) -> CacheKey {
        CacheKey::of(&["c"], Path::new("a.py"), text)
    }

    #[test]
    fn what_was_kept_is_returned_for_the_same_text_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), "1");
        cache.put(&key("x"), &[finding()]);
        assert_eq!(cache.get(&key("x"), &["c"]), Some(vec![finding()]));
        assert_eq!(cache.get(&key("y"), &["c"]), None);
        assert_eq!(cache.get(&CacheKey::of(&["c"], Path::new("b.py"), "x"), &["c"]), None);
        assert_eq!(cache.get(&key("x"), &["other"]), None);
    }

    #[test]
    fn a_damaged_entry_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path(), "1");
        cache.put(&key("x"), &[finding()]);
        let path = cache.path(&key("x"));
        let whole = fs::read_to_string(&path).unwrap();
        for text in ["", "{}", "[1]", &whole[..whole.len() / 2], &whole.replace("warning", "note")] {
            fs::write(&path, text).unwrap();
            assert_eq!(cache.get(&key("x"), &["c"]), None, "{text}");
        }
    }

    #[test]
    fn another_build_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        Cache::open(folder.path(), "1").put(&key("x"), &[finding()]);
        assert_eq!(Cache::open(folder.path(), "2").get(&key("x"), &["c"]), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
