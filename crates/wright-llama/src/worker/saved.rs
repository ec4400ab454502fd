//! What was read for a repository, kept in files so that the first completion after a start need not read it again.
//!
//! A file holds the tokens of one slot and the engine's state of their cells, with a checksum over all of it. It contains
//! the user's code, so the folder and the files are for their owner alone. It is used only by the version, the model and
//! the scope that wrote it; what is cut or changed is removed. The number of files and their bytes are bounded.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::model::Token;
use super::slots::shared_len;
use crate::models::hex;

/// The first bytes of every file; the number is the format's version.
const MAGIC: &[u8; 16] = b"wright-state-001";

/// How many files there are at most, of all models and scopes.
const MAX_FILES: usize = 32;

/// How many bytes the files have at most.
const MAX_BYTES: u64 = 512 << 20;

/// How many slots of a scope are kept.
pub(super) const SLOTS_PER_SCOPE: usize = 2;

/// A shorter text is read again faster than it is worth keeping.
pub(super) const MIN_TOKENS: usize = 128;

/// A saved state is restored when it saves reading at least this many tokens.
const MIN_GAIN: usize = 64;

/// No context has more tokens; a file that says so is damaged.
const MAX_TOKENS: usize = 1 << 20;

const DIGEST_BYTES: usize = 32;

/// The saved states of one model.
#[derive(Debug)]
pub(super) struct SavedStates {
    folder: PathBuf,
    model_key: String,
    entries: Vec<Entry>,
}

/// A file that is there.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    path: PathBuf,
    scope_key: String,
    tokens: Vec<Token>,
}

/// A slot that is to be saved.
#[derive(Debug)]
pub(super) struct StateToSave {
    pub(super) tokens: Vec<Token>,
    pub(super) state: Vec<u8>,
}

impl SavedStates {
    /// Looks what is in `folder` for the model in the file `weights`. Files that cannot be read are removed.
    pub(super) fn open(folder: &Path, weights: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let metadata = fs::metadata(folder)?;
        if metadata.uid() != rustix::process::getuid().as_raw() || metadata.mode() & 0o077 != 0 {
            return Err(io::Error::other(format!("folder {} is open to others", folder.display())));
        }
        let model_key = model_key(weights)?;
        let mut states = Self { folder: folder.to_owned(), model_key, entries: Vec::new() };
        for entry in fs::read_dir(folder)?.flatten() {
            states.take_entry(&entry.path());
        }
        Ok(states)
    }

    fn take_entry(&mut self, path: &Path) {
        let Some((scope_key, model_key)) = keys_in_name(path) else { return };
        if model_key != self.model_key {
            return;
        }
        match read_tokens(path) {
            Ok(tokens) => self.entries.push(Entry { path: path.to_owned(), scope_key, tokens }),
            Err(error) => discard(path, &error),
        }
    }

    /// Returns the tokens and the state of the saved slot that begins most like `prompt`, when reading them anew would
    /// cost more than what `n_cached` tokens in a slot already spare. It is offered once.
    pub(super) fn take_best(
        &mut self,
        scope: &str,
        prompt: &[Token],
        n_cached: usize,
    ) -> Option<(Vec<Token>, Vec<u8>)> {
        let scope_key = short_hash(scope.as_bytes());
        let n_shared = |entry: &Entry| shared_len(&entry.tokens, prompt);
        let best = (0..self.entries.len())
            .filter(|&idx| self.entries[idx].scope_key == scope_key)
            .max_by_key(|&idx| n_shared(&self.entries[idx]))?;
        if n_shared(&self.entries[best]) < n_cached + MIN_GAIN {
            return None;
        }
        let entry = self.entries.remove(best);
        match read_state(&entry.path) {
            Ok(state) => Some((entry.tokens, state)),
            Err(error) => {
                discard(&entry.path, &error);
                None
            }
        }
    }

    /// Returns what saves the slots of a scope, to be run where nobody waits for it.
    pub(super) fn saver(&self, scope: &str) -> Saver {
        let prefix = format!("{}-{}", short_hash(scope.as_bytes()), self.model_key);
        Saver { folder: self.folder.clone(), prefix }
    }
}

/// Writes the slots of one scope of one model.
#[derive(Debug)]
pub(super) struct Saver {
    folder: PathBuf,
    prefix: String,
}

impl Saver {
    /// Writes the slots in place of those that were saved before, and removes what is too much.
    pub(super) fn save(&self, slots: &[StateToSave]) -> io::Result<()> {
        for (idx, slot) in slots.iter().enumerate().take(SLOTS_PER_SCOPE) {
            let path = self.folder.join(format!("{}-{idx}.state", self.prefix));
            let part = path.with_extension("part");
            write_file(&part, slot).and_then(|()| fs::rename(&part, &path)).inspect_err(|_| {
                let _ = fs::remove_file(&part);
            })?;
        }
        prune(&self.folder)
    }
}

fn write_file(path: &Path, slot: &StateToSave) -> io::Result<()> {
    let mut content = Vec::with_capacity(slot.state.len() + 4 * slot.tokens.len() + 64);
    content.extend_from_slice(MAGIC);
    content.extend_from_slice(&(slot.tokens.len() as u64).to_le_bytes());
    slot.tokens.iter().for_each(|token| content.extend_from_slice(&token.to_le_bytes()));
    content.extend_from_slice(&slot.state);
    let digest = Sha256::digest(&content);
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(&content)?;
    file.write_all(&digest)
}

/// Reads the tokens of a file and not its state.
fn read_tokens(path: &Path) -> io::Result<Vec<Token>> {
    let mut file = File::open(path)?;
    let mut head = [0; MAGIC.len() + 8];
    file.read_exact(&mut head)?;
    let n_tokens = n_tokens_in(&head)?;
    let mut bytes = vec![0; n_tokens * 4];
    file.read_exact(&mut bytes)?;
    Ok(tokens_in(&bytes))
}

/// Reads the state of a file after comparing all of it with its checksum.
fn read_state(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = fs::read(path)?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong");
    let n_content = content.len().checked_sub(DIGEST_BYTES).ok_or_else(damaged)?;
    let digest = content.split_off(n_content);
    if Sha256::digest(&content).as_slice() != digest {
        return Err(damaged());
    }
    let start = MAGIC.len() + 8;
    let n_tokens = n_tokens_in(content.get(..start).ok_or_else(damaged)?)?;
    Ok(content.get(start + 4 * n_tokens..).ok_or_else(damaged)?.to_vec())
}

fn n_tokens_in(head: &[u8]) -> io::Result<usize> {
    let (magic, length) = head.split_at(MAGIC.len());
    let length = length.try_into().map_or(u64::MAX, u64::from_le_bytes);
    match usize::try_from(length) {
        Ok(n_tokens) if magic == MAGIC && n_tokens <= MAX_TOKENS => Ok(n_tokens),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is no saved state")),
    }
}

fn tokens_in(bytes: &[u8]) -> Vec<Token> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| Token::from_le_bytes(*bytes)).collect()
}

/// Removes the oldest files while there are too many or too large ones.
fn prune(folder: &Path) -> io::Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if let (Some(_), Ok(metadata)) = (keys_in_name(&path), entry.metadata()) {
            files.push((metadata.modified()?, metadata.len(), path));
        }
    }
    files.sort();
    let mut n_files = files.len();
    let mut n_bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in files {
        if n_files <= MAX_FILES && n_bytes <= MAX_BYTES {
            break;
        }
        fs::remove_file(path)?;
        n_files -= 1;
        n_bytes -= bytes;
    }
    Ok(())
}

/// Removes a file that cannot be used.
fn discard(path: &Path, error: &io::Error) {
    tracing::info!("removed the saved state {}: {error}", path.display());
    let _ = fs::remove_file(path);
}

/// Returns the scope and the model that a file's name stands for.
fn keys_in_name(path: &Path) -> Option<(String, String)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".state")?;
    let mut parts = name.split('-');
    let keys = (parts.next()?.to_owned(), parts.next()?.to_owned());
    parts.next().map(|_| keys)
}

/// Returns what tells one file of weights, read by one version of this program, from all others. The beginning of the
/// file, which describes the weights, and its end stand for all of it.
fn model_key(weights: &Path) -> io::Result<String> {
    const SAMPLE: u64 = 1 << 16;
    let mut file = File::open(weights)?;
    let metadata = file.metadata()?;
    let mut content = Vec::new();
    Read::by_ref(&mut file).take(SAMPLE).read_to_end(&mut content)?;
    io::Seek::seek(&mut file, io::SeekFrom::Start(metadata.len().saturating_sub(SAMPLE)))?;
    file.take(SAMPLE).read_to_end(&mut content)?;
    content.extend_from_slice(format!("{}\n{}", metadata.len(), env!("CARGO_PKG_VERSION")).as_bytes());
    Ok(short_hash(&content))
}

fn short_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A folder for states, and a file that stands for weights.
    fn bench() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let (folder, weights) = (dir.path().join("states"), dir.path().join("model.gguf"));
        fs::write(&weights, b"GGUF one").unwrap();
        (dir, folder, weights)
    }

    fn slot(from: Token) -> StateToSave {
        StateToSave { tokens: (from..from + 200).collect(), state: vec![from as u8; 1000] }
    }

    fn saved(folder: &Path, weights: &Path, scope: &str, slots: &[StateToSave]) {
        SavedStates::open(folder, weights).unwrap().saver(scope).save(slots).unwrap();
    }

    fn best(folder: &Path, weights: &Path, scope: &str, prompt: &[Token], n_cached: usize) -> Option<Vec<u8>> {
        SavedStates::open(folder, weights).unwrap().take_best(scope, prompt, n_cached).map(|(_, state)| state)
    }

    fn prompt(from: Token) -> Vec<Token> {
        (from..from + 300).collect()
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn what_was_saved_comes_back_for_the_prompt_that_begins_like_it() {
        let (_dir, folder, weights) = bench();
        saved(&folder, &weights, "a", &[slot(0), slot(1000)]);
        assert_eq!(best(&folder, &weights, "a", &prompt(1000), 0), Some(slot(1000).state));
        assert_eq!(best(&folder, &weights, "a", &prompt(5000), 0), None);
    }

    #[test]
    fn another_scope_or_another_model_gets_nothing() {
        let (_dir, folder, weights) = bench();
        saved(&folder, &weights, "a", &[slot(0)]);
        assert_eq!(best(&folder, &weights, "b", &prompt(0), 0), None);
        fs::write(&weights, b"GGUF two").unwrap();
        assert_eq!(best(&folder, &weights, "a", &prompt(0), 0), None);
        assert_eq!(files(&folder).len(), 1, "the other model's file stays");
    }

    #[test]
    fn a_state_is_restored_only_when_it_spares_enough_and_only_once() {
        let (_dir, folder, weights) = bench();
        saved(&folder, &weights, "a", &[slot(0)]);
        assert_eq!(best(&folder, &weights, "a", &prompt(0), 150), None);
        let mut states = SavedStates::open(&folder, &weights).unwrap();
        assert!(states.take_best("a", &prompt(0), 136).is_some());
        assert_eq!(states.take_best("a", &prompt(0), 0), None);
    }

    #[test]
    fn a_damaged_file_is_ignored_and_removed_wherever_the_damage_is() {
        let (_dir, folder, weights) = bench();
        saved(&folder, &weights, "a", &[slot(0)]);
        let path = files(&folder).remove(0);
        let whole = fs::read(&path).unwrap();
        for at in [0, 16, 23, 30, 900, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x80;
            fs::write(&path, damaged).unwrap();
            assert_eq!(best(&folder, &weights, "a", &prompt(0), 0), None, "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(best(&folder, &weights, "a", &prompt(0), 0), None, "cut at {at}");
            assert!(!path.exists(), "cut at {at}");
        }
    }

    #[test]
    fn folder_and_files_are_for_their_owner_alone() {
        let (_dir, folder, weights) = bench();
        saved(&folder, &weights, "a", &[slot(0)]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&files(&folder)[0])), (0o700, 0o600));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(SavedStates::open(&folder, &weights).is_err());
    }

    #[test]
    fn the_oldest_files_make_room_for_new_ones() {
        let (_dir, folder, weights) = bench();
        for scope in 0..MAX_FILES as Token + 3 {
            saved(&folder, &weights, &scope.to_string(), &[slot(scope * 1000)]);
            let newest = folder.join(format!(
                "{}.state",
                SavedStates::open(&folder, &weights).unwrap().saver(&scope.to_string()).prefix + "-0"
            ));
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 + scope as u64);
            File::options().write(true).open(newest).unwrap().set_modified(time).unwrap();
        }
        assert_eq!(files(&folder).len(), MAX_FILES);
        assert_eq!(best(&folder, &weights, "0", &prompt(0), 0), None);
        assert!(best(&folder, &weights, "34", &prompt(34_000), 0).is_some());
    }

    #[test]
    fn a_scope_that_is_saved_again_replaces_what_it_had() {
        let (_dir, folder, weights) = bench();
        saved(&folder, &weights, "a", &[slot(0), slot(1000)]);
        saved(&folder, &weights, "a", &[slot(2000)]);
        assert_eq!(files(&folder).len(), 2);
        assert_eq!(best(&folder, &weights, "a", &prompt(0), 0), None);
        assert!(best(&folder, &weights, "a", &prompt(2000), 0).is_some());
    }
}
