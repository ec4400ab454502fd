//! Reads the content of git objects one by one, on request, from one git process that stays.
//!
//! What was read is kept up to a cap, because several checks read the same manifest. Nothing is written, no filter runs.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};

use crate::RepoError;
use crate::git::{self, Git, ReapedChild, malformed};

/// How many bytes of content are kept for the next request.
const MAX_KEPT_BYTES: usize = 64 * 1024 * 1024;

/// The objects of one repository.
#[derive(Debug)]
pub(crate) struct Blobs {
    git: Git,
    process: Mutex<Option<Batch>>,
    kept: Mutex<Kept>,
}

/// The content of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blob {
    /// All of it.
    Bytes(Arc<[u8]>),
    /// It is larger than was asked for; its size.
    TooLarge(u64),
}

#[derive(Debug, Default)]
struct Kept {
    blobs: HashMap<String, Blob>,
    n_bytes: usize,
}

#[derive(Debug)]
struct Batch {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// Ends the process when the batch goes.
    _child: ReapedChild,
}

impl Blobs {
    pub(crate) fn new(git: Git) -> Self {
        Self { git, process: Mutex::default(), kept: Mutex::default() }
    }

    /// Returns the content of an object that is no larger than `max_bytes`.
    pub(crate) fn read(&self, id: &str, max_bytes: u64) -> Result<Blob, RepoError> {
        if let Some(blob) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).blobs.get(id) {
            return Ok(blob.clone());
        }
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = match process.take() {
            Some(batch) => batch,
            None => Batch::start(&self.git)?,
        };
        let blob = batch.read(id, max_bytes)?;
        // Only a process that answered in full is asked again.
        *process = Some(batch);
        drop(process);
        self.keep(id, &blob);
        Ok(blob)
    }

    fn keep(&self, id: &str, blob: &Blob) {
        let size = match blob {
            Blob::Bytes(bytes) => bytes.len(),
            Blob::TooLarge(_) => 0,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.n_bytes + size <= MAX_KEPT_BYTES && kept.blobs.insert(id.to_owned(), blob.clone()).is_none() {
            kept.n_bytes += size;
        }
    }
}

impl Batch {
    fn start(git: &Git) -> Result<Self, RepoError> {
        let (mut child, stdin, stdout) = git.converse(&["cat-file", "--batch"])?;
        match (stdin, stdout) {
            (Some(stdin), Some(stdout)) => Ok(Self { stdin, stdout: BufReader::new(stdout), _child: child }),
            _ => {
                child.end();
                Err(malformed("cat-file", "no output"))
            }
        }
    }

    fn read(&mut self, id: &str, max_bytes: u64) -> Result<Blob, RepoError> {
        let ended = |_| malformed("cat-file", "it ended early");
        writeln!(self.stdin, "{id}").and_then(|()| self.stdin.flush()).map_err(ended)?;
        let mut header = Vec::new();
        self.stdout.read_until(b'\n', &mut header).map_err(ended)?;
        let Some(size) = git::blob_size(&header) else {
            return Err(RepoError::Git { command: format!("cat-file {id}"), message: "object is missing".into() });
        };
        let mut content = self.stdout.by_ref().take(size);
        let blob = if size > max_bytes {
            std::io::copy(&mut content, &mut std::io::sink()).map_err(ended)?;
            Blob::TooLarge(size)
        } else {
            let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
            content.read_to_end(&mut bytes).map_err(ended)?;
            Blob::Bytes(bytes.into())
        };
        let mut line_end = [0];
        self.stdout.read_exact(&mut line_end).map_err(ended)?;
        Ok(blob)
    }
}
