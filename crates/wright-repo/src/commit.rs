//! What a commit contains: its id, and its files as git lists them.

use std::fmt;
use std::path::PathBuf;

use crate::RepoError;
use crate::git::{self, malformed};

/// The full hexadecimal id of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(String);

impl CommitId {
    /// Reads a full id, such as one that was stored earlier; short ids and names are refused.
    pub fn parse(text: &str) -> Result<Self, RepoError> {
        let is_full = matches!(text.len(), 40 | 64);
        let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_full && is_hex {
            return Ok(Self(text.to_owned()));
        }
        Err(RepoError::UnknownRevision { name: text.to_owned() })
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first letters of the id, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedFile {
    /// The path from the root of the repository.
    pub path: PathBuf,
    /// What kind of file it is.
    pub mode: FileMode,
    /// The size in bytes; 0 for a submodule.
    pub size: u64,
    /// The id of the content; the id of a commit for a submodule.
    pub blob: String,
}

/// What kind of file a commit records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// An ordinary file.
    Regular,
    /// An ordinary file that may be executed.
    Executable,
    /// A symbolic link; its content is where it leads.
    Symlink,
    /// A commit of another repository.
    Submodule,
}

impl FileMode {
    /// Reads a mode as git writes it; folders have none.
    pub(crate) fn parse(mode: &str) -> Option<Self> {
        match mode {
            "120000" => Some(Self::Symlink),
            "160000" => Some(Self::Submodule),
            "100755" => Some(Self::Executable),
            _ if mode.starts_with("100") => Some(Self::Regular),
            _ => None,
        }
    }
}

/// Reads the output of `git ls-tree -r -l -z`.
pub(crate) fn parse_tree(output: &[u8]) -> Result<Vec<TrackedFile>, RepoError> {
    git::records(output).map(|record| parse_entry(record).ok_or_else(|| malformed("ls-tree", "an entry"))).collect()
}

fn parse_entry(record: &[u8]) -> Option<TrackedFile> {
    let tab = record.iter().position(|&byte| byte == b'\t')?;
    let mut words = std::str::from_utf8(&record[..tab]).ok()?.split_ascii_whitespace();
    let (mode, _kind, blob, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let mode = FileMode::parse(mode)?;
    let size = if mode == FileMode::Submodule { 0 } else { size.parse().ok()? };
    Some(TrackedFile { path: git::path_from(&record[tab + 1..]), mode, size, blob: blob.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_id_is_a_commit_id() {
        assert!(CommitId::parse(&"a1".repeat(20)).is_ok());
        assert!(CommitId::parse(&"a1".repeat(32)).is_ok());
        for text in ["", "HEAD", "a1b2c3d", "--all", &"A1".repeat(20)] {
            assert!(CommitId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_listing_keeps_names_with_tabs_and_newlines() {
        let listing =
            b"100644 blob aa       3\ta\tb\nc\x00160000 commit bb       -\tsub\x00120000 blob cc       7\tlink\0";

        let files = parse_tree(listing).unwrap();

        let file =
            |path: &str, mode, size, blob: &str| TrackedFile { path: path.into(), mode, size, blob: blob.into() };
        let expected = [
            file("a\tb\nc", FileMode::Regular, 3, "aa"),
            file("sub", FileMode::Submodule, 0, "bb"),
            file("link", FileMode::Symlink, 7, "cc"),
        ];
        assert_eq!(files, expected);
    }

    #[test]
    fn a_malformed_listing_is_an_error() {
        assert!(parse_tree(b"100644 blob aa\0").is_err());
        assert!(parse_tree(b"040000 tree aa - \tx\0").is_err());
    }
}
