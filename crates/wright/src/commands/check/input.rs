//! Which change is meant: the arguments as one of the ways that a change can be given.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use wright_repo::{CommitId, Comparison, MAX_TEXT_BYTES, RepoError, Repository, Revisions};

use super::Args;
use crate::app::App;
use crate::report::Failure;

/// A longer patch is refused.
const MAX_PATCH_BYTES: u64 = 64 * 1024 * 1024;

/// A change, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// From one commit to another.
    Range(String),
    /// The branch that is checked out, since it left another one; the one that work ends up in, where it has no name.
    Branch(Option<String>),
    /// Two commits.
    Commits(Revisions),
    /// What is staged, against a commit; the last one, where it has no name.
    Staged(Option<String>),
    /// What lies in the checkout.
    Checkout(Option<String>),
    /// A patch.
    Patch(Option<String>, String),
    /// The text of one file.
    Text(Option<String>, PathBuf, String),
}

impl Input {
    /// Reads the arguments, and stdin where they say so.
    pub(super) fn of(app: &App, args: &Args) -> Result<Self, Failure> {
        let baseline = args.baseline.clone();
        if let Some(range) = &args.range {
            return Ok(Self::Range(range.clone()));
        }
        if let Some(name) = &args.branch {
            return Ok(Self::Branch(Some(name.clone()).filter(|it| !it.is_empty())));
        }
        if let Some(patch) = &args.patch {
            return Ok(Self::Patch(baseline, read_text(app, patch, MAX_PATCH_BYTES)?));
        }
        if let (Some(file), Some(text)) = (&args.file, &args.text) {
            return Ok(Self::Text(baseline, file.clone(), read_text(app, text, MAX_TEXT_BYTES)?));
        }
        Ok(if args.staged { Self::Staged(baseline) } else { Self::Checkout(baseline) })
    }

    /// Returns the word for it in receipts.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Range(_) | Self::Branch(_) | Self::Commits(_) => "commit",
            Self::Staged(_) => "staged",
            Self::Checkout(_) => "checkout",
            Self::Patch(..) => "patch",
            Self::Text(..) => "text",
        }
    }

    /// Compares what was given with its base.
    pub(super) fn compare(&self, repo: &Repository, dir: &Path) -> Result<Comparison, RepoError> {
        let base = |name: &Option<String>| match name {
            Some(name) => repo.resolve(name).map(Some),
            None => repo.head_if_any(),
        };
        match self {
            Self::Range(range) => repo.compare_commits(&repo.revisions(range)?),
            Self::Branch(name) => repo.compare_commits(&branch(repo, name.as_deref())?),
            Self::Commits(revisions) => repo.compare_commits(revisions),
            Self::Staged(name) => repo.compare_staged(base(name)?),
            Self::Checkout(name) => repo.compare_checkout(base(name)?),
            Self::Patch(name, patch) => repo.compare_patch(base(name)?, patch),
            Self::Text(name, file, text) => repo.compare_text(base(name)?, &in_repository(repo, dir, file), text),
        }
    }
}

fn branch(repo: &Repository, name: Option<&str>) -> Result<Revisions, RepoError> {
    let head = repo.head()?;
    let main = match name {
        Some(name) => Some(repo.resolve(name)?),
        None => repo.main_branch()?,
    };
    let main = main.ok_or_else(|| RepoError::UnknownRevision { name: "main".to_owned() })?;
    Ok(Revisions { base: repo.merge_base(&main, &head)?, head })
}

/// Returns the path of a file from the root of the repository, wherever the command was started.
fn in_repository(repo: &Repository, dir: &Path, file: &Path) -> PathBuf {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let absolute = dir.join(file);
    let root = repo.root().canonicalize().unwrap_or_else(|_| repo.root().to_path_buf());
    let below = absolute.strip_prefix(&root).map_or(file, |it| it);
    // `./a.py` is what completion of shells writes.
    below.components().filter(|it| *it != Component::CurDir).collect()
}

/// Reads a file that the user names, or stdin.
pub(super) fn read_text(app: &App, path: &Path, max_bytes: u64) -> Result<String, Failure> {
    let read = |input: &mut dyn Read| {
        let mut text = Vec::new();
        input.take(max_bytes + 1).read_to_end(&mut text).map(|_| text)
    };
    let bytes = if path == Path::new("-") {
        read(&mut std::io::stdin().lock())
    } else {
        File::open(app.absolute(path)).and_then(|mut file| read(&mut file))
    };
    let bytes = bytes.map_err(|error| Failure::usage(format!("failed to read {path:?}: {error}")))?;
    if bytes.len() as u64 > max_bytes {
        return Err(Failure::usage(format!("failed to read {path:?}: it is longer than {max_bytes} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage(format!("failed to read {path:?} as text: it is not UTF-8")))
}

/// Returns the input that judges the same two states as a receipt states.
pub(super) fn of_receipt(kind: &str, base: Option<&str>, head: Option<&str>) -> Result<Option<Input>, RepoError> {
    let base_id = base.map(CommitId::parse).transpose()?;
    Ok(match (kind, head) {
        ("commit", Some(head)) => Some(Input::Commits(Revisions { base: base_id, head: CommitId::parse(head)? })),
        ("staged", _) => Some(Input::Staged(base.map(str::to_owned))),
        ("checkout", _) => Some(Input::Checkout(base.map(str::to_owned))),
        _ => None,
    })
}
