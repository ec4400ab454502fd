//! What the gate judges, taken from what the repository says: the change, the two trees, and a digest over all of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wright_repo::{Difference, FileContent, FileMode, FileTree};

use crate::change::{ChangeSet, Content, FileDelta, Tree};

impl Tree for FileTree {
    fn paths(&self) -> &[PathBuf] {
        FileTree::paths(self)
    }

    fn read(&self, path: &Path) -> Option<Arc<str>> {
        match FileTree::read(self, path) {
            Ok(FileContent::Text(text)) => Some(text),
            Ok(_) => None,
            Err(error) => {
                tracing::debug!(?path, %error, "a file cannot be read");
                None
            }
        }
    }
}

impl From<&Difference> for ChangeSet {
    fn from(difference: &Difference) -> Self {
        let files = difference.files.iter().map(|it| FileDelta {
            path: it.path.clone(),
            moved_from: it.moved_from.clone(),
            before: content(&it.before),
            after: content(&it.after),
        });
        Self { files: files.collect() }
    }
}

fn content(content: &FileContent) -> Content {
    match content {
        FileContent::Absent => Content::Absent,
        FileContent::Text(text) => Content::Text(Arc::clone(text)),
        FileContent::Binary { size, .. } => Content::Binary(*size),
        FileContent::Link(target) => Content::Link(target.clone()),
        FileContent::Submodule(_) => Content::Binary(0),
    }
}

/// Returns the SHA-256 of everything that a change does to files, in hexadecimal.
///
/// Of a file that is no text and larger than [`wright_repo::MAX_TEXT_BYTES`], only the size goes in.
pub fn digest_of(difference: &Difference) -> String {
    let mut sides: Vec<(&Path, [Vec<u8>; 2])> = Vec::new();
    for file in &difference.files {
        let before = encoded(&file.before, file.mode_before);
        let after = encoded(&file.after, file.mode_after);
        match &file.moved_from {
            Some(from) => {
                sides.push((from, [before, Vec::new()]));
                sides.push((&file.path, [Vec::new(), after]));
            }
            None => sides.push((&file.path, [before, after])),
        }
    }
    sides.sort();
    let mut hasher = Sha256::new();
    hasher.update(b"wright-change 1\n");
    for (path, [before, after]) in &sides {
        for field in [path.as_os_str().as_encoded_bytes(), before, after] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns bytes that are equal exactly when the contents are.
fn encoded(content: &FileContent, mode: Option<FileMode>) -> Vec<u8> {
    let mode = match mode {
        Some(FileMode::Executable) => b'x',
        Some(FileMode::Regular | FileMode::Symlink | FileMode::Submodule) | None => b'-',
    };
    let (kind, bytes) = match content {
        FileContent::Absent => return Vec::new(),
        FileContent::Text(text) => (b't', text.as_bytes().to_vec()),
        FileContent::Binary { size, sha256 } => {
            (b'b', size.to_be_bytes().into_iter().chain(sha256.unwrap_or_default()).collect())
        }
        FileContent::Link(target) => (b'l', target.as_bytes().to_vec()),
        FileContent::Submodule(id) => (b's', id.as_bytes().to_vec()),
    };
    [vec![kind, mode], bytes].concat()
}

#[cfg(test)]
mod tests {
    use wright_repo::FileDifference;

    use super::*;

    fn file(path: &str, moved_from: Option<&str>, before: &str, after: &str) -> FileDifference {
        let text = |it: &str| if it.is_empty() { FileContent::Absent } else { FileContent::Text(it.into()) };
        FileDifference {
            path: path.into(),
            moved_from: moved_from.map(Into::into),
            before: text(before),
            after: text(after),
            mode_before: None,
            mode_after: None,
        }
    }

    fn digest(files: Vec<FileDifference>) -> String {
        digest_of(&Difference { files, omitted: Vec::new() })
    }

    #[test]
    fn a_move_has_the_digest_of_what_it_does() {
        let moved = digest(vec![file("b", Some("a"), "x", "x")]);
        assert_eq!(moved, digest(vec![file("a", None, "x", ""), file("b", None, "", "x")]));
        assert_ne!(moved, digest(vec![file("a", None, "x", ""), file("b", None, "", "y")]));
    }

    #[test]
    fn no_content_imitates_another_file() {
        assert_ne!(digest(vec![file("a", None, "x", "bx")]), digest(vec![file("ab", None, "x", "x")]));
    }
}
