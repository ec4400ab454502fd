//! Finds the layout of a model's weights that suits this machine, and keeps it beside the model.
//!
//! The same weights can be stored in several layouts of about the same size. Which of them the processor multiplies fastest
//! depends on the processor, and a model's publisher can choose only one. [`tune`] writes the others, measures each in a
//! process of its own, and keeps the fastest of those that know a text nearly as well as the shipped one.
//! [`crate::ModelFolder`] finds the result; what is measured is in `worker/measure.rs`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::client::WAITING;
use crate::models::{ModelError, ModelFolder};
use crate::worker::TrialTask;

/// The version of the record and of what is measured. A result of another version is ignored.
pub const TUNING_VERSION: u32 = 1;

/// How much of its mean natural-log probability per token a layout may lose against the shipped one. 0.05 is a token that
/// is 5 % less likely.
pub const MAX_LOSS: f64 = 0.05;

/// A layout that is faster by less than this is not worth a second file.
const MIN_GAIN: f64 = 1.05;

/// A completion as it is while someone types: so many tokens are read and so many written.
const TYPICAL_COMPLETION: (f64, f64) = (64.0, 24.0);

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// As the publisher made them.
    Shipped,
    /// Four bits in blocks of 32 with one scale, all of them.
    #[serde(rename = "q4_0")]
    Q4_0,
    /// The same, but the last layer keeps more bits.
    #[serde(rename = "q4_0-high-head")]
    Q4_0HighHead,
    /// Four bits in blocks of 32 on an uneven scale, all of them.
    #[serde(rename = "iq4_nl")]
    Iq4Nl,
}

impl Layout {
    /// Every layout that is tried.
    pub const ALL: [Self; 4] = [Self::Shipped, Self::Q4_0, Self::Iq4Nl, Self::Q4_0HighHead];

    /// Returns the name in files and on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Q4_0 => "q4_0",
            Self::Q4_0HighHead => "q4_0-high-head",
            Self::Iq4Nl => "iq4_nl",
        }
    }
}

/// What was measured of one layout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Tokens of a prompt read per second.
    pub read_per_second: f64,
    /// Tokens written per second.
    pub written_per_second: f64,
    /// Mean natural-log probability per token of a fixed text.
    pub mean_logprob: f64,
    /// What one decode costs, by its size.
    pub decode_costs: Vec<DecodeCost>,
}

/// What a decode of some size costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DecodeCost {
    /// Its tokens, each with logits.
    pub n_tokens: usize,
    /// The median time.
    pub milliseconds: f64,
}

/// A layout that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayoutTrial {
    /// The layout.
    pub layout: Layout,
    /// The file's length.
    pub bytes: u64,
    /// What was measured.
    pub figures: Figures,
}

/// The record of a tuning, kept beside the model as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// [`TUNING_VERSION`].
    pub version: u32,
    /// The model.
    pub id: String,
    /// The layout that is used.
    pub layout: Layout,
    /// The shipped file it was made from.
    pub source: SourceFile,
    /// Every layout that was tried, the shipped one first.
    pub trials: Vec<LayoutTrial>,
}

/// What tells one shipped file from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// When it was last changed, in milliseconds since 1970. It stands for the hash of a file that no catalogue pins.
    pub modified_ms: u64,
}

/// How far a tuning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TuneProgress {
    /// The layout that is being written and measured.
    pub layout: Layout,
    /// Its number, counted from 1.
    pub number: usize,
    /// How many there are.
    pub total: usize,
}

/// Why a model was not tuned.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// The model's file cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A trial failed.
    #[error("cannot measure layout {} of model {id:?}: {message}", layout.name())]
    Trial {
        /// The model.
        id: String,
        /// The layout.
        layout: Layout,
        /// What its process said.
        message: String,
    },
    /// The result could not be kept.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// What was written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl TuneError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::Model(error) => error.hint(),
            Self::Trial { .. } => {
                "Check that there is memory and disk space for a second copy of the model.".to_owned()
            }
            Self::Io { .. } => "Check the folder's permissions and the disk.".to_owned(),
        }
    }
}

/// Tries every layout of model `id` and keeps the best one. `command` is the program and arguments that run
/// [`crate::tuner_main`]; the task follows as one more argument, in JSON. Blocks for a minute or two.
pub fn tune(
    folder: &ModelFolder,
    id: &str,
    command: &[String],
    threads: usize,
    on_progress: &dyn Fn(TuneProgress),
) -> Result<Tuning, TuneError> {
    let source = folder.verify(id)?;
    let source_file = folder.source_file(id)?;
    let mut trials = Vec::new();
    let mut written = Written { paths: Vec::new() };
    for (idx, layout) in Layout::ALL.into_iter().enumerate() {
        on_progress(TuneProgress { layout, number: idx + 1, total: Layout::ALL.len() });
        let output = folder.tuned_path(id, layout).with_extension("gguf.part");
        if layout != Layout::Shipped {
            written.paths.push(output.clone());
        }
        let task = TrialTask { source: source.clone(), output: output.clone(), layout, threads };
        let fail = |message| TuneError::Trial { id: id.to_owned(), layout, message };
        let figures = run_trial(command, &task).map_err(fail)?;
        let measured = if layout == Layout::Shipped { &source } else { &output };
        let bytes = fs::metadata(measured).map_or(0, |metadata| metadata.len());
        trials.push(LayoutTrial { layout, bytes, figures });
    }
    let tuning =
        Tuning { version: TUNING_VERSION, id: id.to_owned(), layout: choose(&trials), source: source_file, trials };
    folder.forget_tuning(id)?;
    keep(folder, &tuning)?;
    Ok(tuning)
}

/// Files that are removed in the end, unless they were moved to their place.
struct Written {
    paths: Vec<PathBuf>,
}

impl Drop for Written {
    fn drop(&mut self) {
        for path in &self.paths {
            let _ = fs::remove_file(path);
        }
    }
}

/// Runs one trial in a process of its own.
fn run_trial(command: &[String], task: &TrialTask) -> Result<Figures, String> {
    let (program, arguments) = command.split_first().ok_or("no command to measure with")?;
    let json = serde_json::to_string(task).map_err(|error| error.to_string())?;
    let output = Command::new(program)
        .args(arguments)
        .arg(json)
        .envs(WAITING)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {program:?}: {error}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("its process ended with {}: {}", output.status, errors.trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("its figures cannot be read: {error}"))
}

/// Returns the fastest layout of those that lose little enough; the shipped one, which comes first, unless another is
/// clearly faster.
fn choose(trials: &[LayoutTrial]) -> Layout {
    let Some(shipped) = trials.first() else { return Layout::Shipped };
    let is_good = |trial: &&LayoutTrial| shipped.figures.mean_logprob - trial.figures.mean_logprob <= MAX_LOSS;
    let is_faster = |trial: &&LayoutTrial| seconds(&trial.figures) * MIN_GAIN < seconds(&shipped.figures);
    trials
        .iter()
        .filter(is_good)
        .filter(is_faster)
        .min_by(|a, b| seconds(&a.figures).total_cmp(&seconds(&b.figures)))
        .map_or(Layout::Shipped, |trial| trial.layout)
}

/// Returns how long a typical completion takes.
fn seconds(figures: &Figures) -> f64 {
    let (n_read, n_written) = TYPICAL_COMPLETION;
    n_read / figures.read_per_second + n_written / figures.written_per_second
}

/// Moves the chosen file to its place, then writes the record. Without the record the file counts for nothing.
fn keep(folder: &ModelFolder, tuning: &Tuning) -> Result<(), TuneError> {
    if tuning.layout != Layout::Shipped {
        let path = folder.tuned_path(&tuning.id, tuning.layout);
        let part = path.with_extension("gguf.part");
        let moved = File::open(&part).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&part, &path));
        moved.map_err(|source| TuneError::Io { path, source })?;
    }
    let path = folder.tuning_path(&tuning.id);
    write_whole(&path, tuning).map_err(|source| TuneError::Io { path, source })
}

fn write_whole(path: &Path, tuning: &Tuning) -> io::Result<()> {
    let part = path.with_extension("json.part");
    fs::write(&part, serde_json::to_vec_pretty(tuning)?)?;
    fs::rename(&part, path)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn trial(layout: Layout, read: f64, written: f64, mean_logprob: f64) -> LayoutTrial {
        let figures =
            Figures { read_per_second: read, written_per_second: written, mean_logprob, decode_costs: Vec::new() };
        LayoutTrial { layout, bytes: 1, figures }
    }

    fn check(trials: &[LayoutTrial], expected: Layout) {
        assert_eq!(choose(trials), expected);
    }

    #[test]
    fn the_fastest_layout_within_the_loss_is_chosen() {
        check(
            &[
                trial(Layout::Shipped, 120.0, 35.0, -1.0),
                trial(Layout::Q4_0, 170.0, 63.0, -1.2),
                trial(Layout::Iq4Nl, 160.0, 60.0, -1.04),
                trial(Layout::Q4_0HighHead, 170.0, 49.0, -1.01),
            ],
            Layout::Iq4Nl,
        );
    }

    #[test]
    fn a_layout_that_is_hardly_faster_is_not_worth_a_file() {
        check(&[trial(Layout::Shipped, 100.0, 40.0, -1.0), trial(Layout::Q4_0, 103.0, 41.0, -1.0)], Layout::Shipped);
    }

    #[test]
    fn a_layout_that_loses_too_much_is_not_chosen_however_fast() {
        check(&[trial(Layout::Shipped, 100.0, 40.0, -1.0), trial(Layout::Q4_0, 900.0, 900.0, -1.3)], Layout::Shipped);
    }

    #[test]
    fn a_trial_that_fails_is_reported_with_what_its_process_said_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine.gguf"), b"GGUF").unwrap();
        let command = ["sh", "-c", "echo no room >&2; exit 3"].map(str::to_owned);
        let error = tune(&ModelFolder::new(dir.path()), "mine", &command, 1, &|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot measure layout shipped of model \"mine\": its process ended with exit status: 3: no room"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// Pretends to be the measuring process: every layout but the shipped one is fast and writes a small file.
    const FAST: &str = r#"
        case "$1" in
            *'"layout":"shipped"'*) speed=10 ;;
            *) speed=100; out=${1#*'"output":"'}; printf GGUFtuned > "${out%%'"'*}" ;;
        esac
        echo "{\"read_per_second\":$speed,\"written_per_second\":$speed,\"mean_logprob\":-1,\"decode_costs\":[]}"
    "#;

    #[test]
    fn the_chosen_file_is_kept_and_used_until_it_is_reset() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mine.gguf"), b"GGUF").unwrap();
        let folder = ModelFolder::new(dir.path());
        let command = ["sh", "-c", FAST, "trial"].map(str::to_owned);
        let tuning = tune(&folder, "mine", &command, 1, &|_| ()).unwrap();
        assert_eq!((tuning.layout, tuning.trials.len()), (Layout::Q4_0, 4));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "shipped, tuned, record");
        assert_eq!(folder.weights_of("mine").unwrap(), dir.path().join("mine.q4_0.gguf"));
        assert_eq!(folder.list().unwrap().len(), 1, "a tuned file is no model of its own");
        assert!(folder.untune("mine").unwrap());
        assert_eq!(folder.weights_of("mine").unwrap(), dir.path().join("mine.gguf"));
        assert!(!folder.untune("mine").unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_tuned_file_of_another_source_or_version_or_of_the_wrong_length_is_ignored() {
        let dir = tempfile::tempdir().unwrap();
        let shipped = dir.path().join("mine.gguf");
        fs::write(&shipped, b"GGUF").unwrap();
        let folder = ModelFolder::new(dir.path());
        let command = ["sh", "-c", FAST, "trial"].map(str::to_owned);
        let tuning = tune(&folder, "mine", &command, 1, &|_| ()).unwrap();
        let with = |change: &dyn Fn(&mut Tuning)| {
            let mut changed = tuning.clone();
            change(&mut changed);
            write_whole(&folder.tuning_path("mine"), &changed).unwrap();
            folder.weights_of("mine").unwrap() == shipped
        };
        assert!(!with(&|_| ()));
        assert!(with(&|it| it.version += 1));
        assert!(with(&|it| it.source.bytes += 1));
        assert!(with(&|it| it.source.modified_ms += 1));
        assert!(with(&|it| it.id = "other".to_owned()));
        assert!(with(&|it| it.trials.iter_mut().for_each(|trial| trial.bytes += 1)));
        fs::write(folder.tuning_path("mine"), b"{").unwrap();
        assert_eq!(folder.weights_of("mine").unwrap(), shipped);
    }
}
