//! Makes a database of advisories out of a published archive, such as the `all.zip` of an ecosystem.
//!
//! An archive comes from outside: nothing in it is written under a name of its own, and its sizes are counted while it is
//! unpacked, whatever it says about them. What is kept of each document is one line of a file, beside the packages that it
//! is about.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::database::MAX_DOCUMENT_BYTES;
use super::{Advisory, AdvisoryError, Ecosystem};

/// How the name of an imported file ends.
pub(super) const IMPORTED_SUFFIX: &str = ".advisories";

/// How the line begins that says when the newest advisory was changed.
pub(super) const NEWEST: &str = "#newest ";

/// More documents than all ecosystems have together.
const MAX_DOCUMENTS: usize = 3_000_000;

/// More than all ecosystems unpack to.
const MAX_UNPACKED_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// More times than its packed size a text grows when it is unpacked.
const MAX_GROWTH: u64 = 200;

/// What an import brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// The advisories that are kept.
    pub n_kept: usize,
    /// The documents that are about other ecosystems or withdrawn.
    pub n_left_out: usize,
    /// The documents that are no advisories.
    pub n_unreadable: usize,
    /// Where they are.
    pub path: PathBuf,
}

/// Imports an archive of OSV documents into a folder, as one file named after the archive's ecosystems in place of an
/// earlier import of them. The earlier one stays until the new one is complete.
///
/// # Errors
/// When the archive cannot be read, or holds more than a database of advisories does, or the folder cannot be written.
pub fn import_zip(archive: &Path, folder: &Path) -> Result<Imported, AdvisoryError> {
    std::fs::create_dir_all(folder).map_err(AdvisoryError::io(folder))?;
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(AdvisoryError::io(folder))?;
    let mut imported = Imported::default();
    let mut newest: BTreeMap<Ecosystem, String> = BTreeMap::new();
    let mut lines = BufWriter::new(draft.as_file_mut());
    each_document(archive, |document| {
        let Ok(advisory) = Advisory::parse(document) else {
            imported.n_unreadable += 1;
            return Ok(());
        };
        let keys: BTreeSet<(Ecosystem, String)> = advisory.packages().collect();
        if keys.is_empty() || advisory.withdrawn.is_some() {
            imported.n_left_out += 1;
            return Ok(());
        }
        for (ecosystem, _) in &keys {
            let latest = newest.entry(*ecosystem).or_default();
            if advisory.modified > *latest {
                latest.clone_from(&advisory.modified);
            }
        }
        imported.n_kept += 1;
        let words: Vec<String> = keys.iter().map(key_word).collect();
        let json = serde_json::to_string(&advisory).map_err(std::io::Error::from)?;
        writeln!(lines, "{}\t{json}", words.join(" "))
    })?;
    for (ecosystem, modified) in &newest {
        writeln!(lines, "{NEWEST}{} {modified}", ecosystem.name()).map_err(AdvisoryError::io(folder))?;
    }
    lines.flush().map_err(AdvisoryError::io(folder))?;
    drop(lines);
    if imported.n_kept == 0 {
        return Err(AdvisoryError::Archive {
            path: archive.to_owned(),
            reason: "holds no advisory for a known ecosystem".to_owned(),
        });
    }
    let names: Vec<String> = newest.keys().map(|it| format!("{it:?}").to_ascii_lowercase()).collect();
    imported.path = folder.join(format!("{}{IMPORTED_SUFFIX}", names.join("+")));
    draft.persist(&imported.path).map_err(|it| AdvisoryError::Io { path: folder.to_owned(), source: it.error })?;
    Ok(imported)
}

/// Returns the word that stands for a package at the beginning of a line. Names with spaces are no names.
fn key_word((ecosystem, name): &(Ecosystem, String)) -> String {
    format!("{}|{}", ecosystem.name(), name.replace([' ', '\t', '\n'], "?"))
}

/// Returns the package that a word stands for.
pub(super) fn key(word: &str) -> Option<(Ecosystem, String)> {
    let (ecosystem, name) = word.split_once('|')?;
    Some((Ecosystem::from_name(ecosystem)?, name.to_owned()))
}

/// Calls `found` with the content of each `.json` file of an archive.
pub(super) fn each_document(
    path: &Path,
    mut found: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), AdvisoryError> {
    let refuse = |reason: String| AdvisoryError::Archive { path: path.to_owned(), reason };
    let file = File::open(path).map_err(AdvisoryError::io(path))?;
    let packed = file.metadata().map_err(AdvisoryError::io(path))?.len();
    let mut archive = ZipArchive::new(file).map_err(|it| refuse(format!("is no archive that can be read: {it}")))?;
    if archive.len() > MAX_DOCUMENTS {
        return Err(refuse(format!("holds {} files, more than {MAX_DOCUMENTS}", archive.len())));
    }
    let max_bytes = MAX_UNPACKED_BYTES.min(packed.saturating_mul(MAX_GROWTH));
    let mut unpacked = 0;
    let mut document = Vec::new();
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|it| refuse(format!("is damaged: {it}")))?;
        // The name only tells whether to look; nothing is written under it.
        if !entry.is_file() || entry.is_symlink() || !entry.name().is_ok_and(|it| it.ends_with(".json")) {
            continue;
        }
        document.clear();
        let n_read = entry.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut document);
        let n_read = n_read.map_err(|it| refuse(format!("is damaged: {it}")))? as u64;
        unpacked += n_read;
        if n_read > MAX_DOCUMENT_BYTES || unpacked > max_bytes {
            return Err(refuse("unpacks to more than a database of advisories does".to_owned()));
        }
        found(&document).map_err(AdvisoryError::io(path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
