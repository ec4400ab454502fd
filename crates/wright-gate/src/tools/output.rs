//! What a tool wrote, and how it is read: as data of a stranger, with limits, and with an error for everything unexpected.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use serde::de::DeserializeOwned;
use wright_sandbox::Exit;

use crate::Severity;

/// Longer output is not read.
pub(super) const MAX_OUTPUT_BYTES: u64 = 50 * 1024 * 1024;

/// More diagnostics than a person or a comparison has use for.
pub(super) const MAX_DIAGNOSTICS: usize = 20_000;

/// Longer messages are cut.
const MAX_MESSAGE_LENGTH: usize = 1_000;

/// What came of one run of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr.
    pub stderr: Vec<u8>,
    /// The folder it ran in, as its messages name it.
    pub project: PathBuf,
}

/// What a tool says about a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The problems.
    pub diagnostics: Vec<Diagnostic>,
    /// The files it did not look at, and why.
    pub skipped: Vec<(PathBuf, String)>,
}

/// One problem, as a tool reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, relative to the project.
    pub path: PathBuf,
    /// First line and column, counted from 1; columns are 0 where the tool knows none.
    pub start: (usize, usize),
    /// Last line and the column after it, counted from 1, where the tool knows it.
    pub end: Option<(usize, usize)>,
    /// The tool's name for the rule.
    pub rule: String,
    /// How much the tool thinks it matters.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Numbers of the Common Weakness Enumeration.
    pub cwe: Vec<u16>,
    /// What the tool advises.
    pub hint: Option<String>,
    /// Whether it is a problem whatever a project's conventions are: a text that does not parse, a name that does not exist.
    pub is_certain: bool,
}

impl Diagnostic {
    /// Returns a diagnostic of one place.
    pub(super) fn new(
        path: PathBuf,
        start: (usize, usize),
        rule: impl Into<String>,
        severity: Severity,
        message: &str,
    ) -> Self {
        let message = shortened(message);
        Self {
            path,
            start,
            end: None,
            rule: rule.into(),
            severity,
            message,
            cwe: Vec::new(),
            hint: None,
            is_certain: false,
        }
    }
}

/// Returns the first line of a message, as a fragment that is not too long.
fn shortened(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default().trim();
    let mut text: String = line.chars().take(MAX_MESSAGE_LENGTH).collect();
    if text.ends_with('.') && !text.ends_with("..") {
        text.pop();
    }
    text
}

impl Capture {
    /// Returns the exit code.
    pub(super) fn code(&self) -> Option<i32> {
        match self.exit {
            Exit::Code(code) => Some(code),
            Exit::Signal(_) | Exit::WallClock | Exit::OutputLimit => None,
        }
    }

    /// Says that the tool failed, unless it ended with a code that it uses for success or for findings.
    pub(super) fn expect_code(&self, fine: &[i32]) -> Result<(), String> {
        if self.code().is_some_and(|code| fine.contains(&code)) { Ok(()) } else { Err(self.failure()) }
    }

    /// Says how it failed, with the last thing it said about it.
    pub(super) fn failure(&self) -> String {
        let end = match self.exit {
            Exit::Code(127) => "could not be started".to_owned(),
            Exit::Code(code) => format!("ended with exit code {code}"),
            Exit::Signal(signal) => format!("was killed by signal {signal}"),
            Exit::WallClock => "was stopped at its time limit".to_owned(),
            Exit::OutputLimit => "was stopped at its output limit".to_owned(),
        };
        let said = [&self.stderr, &self.stdout].into_iter().find_map(|it| last_words(it));
        said.map_or(end.clone(), |said| format!("{end}: {}", self.without_place(&said)))
    }

    /// Returns what was written to stdout as JSON of a known shape.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        parse_json(&self.stdout).map_err(|error| if self.stdout.is_empty() { self.failure() } else { error })
    }

    /// Returns what was written to stdout as text.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Returns a path that the tool names, relative to the project; none for one outside of it.
    pub(super) fn relative(&self, raw: &str) -> Option<PathBuf> {
        let raw = raw.strip_prefix("file://").unwrap_or(raw);
        let path = Path::new(raw);
        let path = path.strip_prefix(&self.project).unwrap_or(path);
        let mut clean = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(part) => clean.push(part),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        (!clean.as_os_str().is_empty()).then_some(clean)
    }

    /// Returns a text without the folder of the copy, which is another one in every run.
    pub(super) fn without_place(&self, text: &str) -> String {
        let project = self.project.to_string_lossy();
        text.replace(&format!("{project}/"), "").replace(project.as_ref(), ".")
    }

    /// Makes the reading of these diagnostics, at most as many as are kept.
    pub(super) fn reading(&self, diagnostics: impl IntoIterator<Item = Diagnostic>) -> Reading {
        let mut reading = Reading::default();
        for mut diagnostic in diagnostics {
            if reading.diagnostics.len() == MAX_DIAGNOSTICS {
                let reason = format!("more than {MAX_DIAGNOSTICS} problems were reported; the rest was not read");
                reading.skipped.push((diagnostic.path, reason));
                break;
            }
            diagnostic.message = self.without_place(&diagnostic.message);
            reading.diagnostics.push(diagnostic);
        }
        reading
    }
}

/// Reads JSON of a known shape.
pub(super) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("wrote output that cannot be read: {error}"))
}

fn last_words(bytes: &[u8]) -> Option<String> {
    let tail = &bytes[bytes.len().saturating_sub(4_000)..];
    let text = String::from_utf8_lossy(tail);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(300).collect())
}

/// Returns the numbers in texts such as `CWE-78: …`.
pub(super) fn cwe_numbers<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<u16> {
    let number = |text: &str| {
        let digits = text.trim().strip_prefix("CWE-")?;
        digits.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
    };
    texts.into_iter().filter_map(number).collect()
}

macro_rules! regex {
    ($pattern:expr) => {{
        static PATTERN: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("the pattern is a constant"));
        &*PATTERN
    }};
}
pub(super) use regex;
