//! The one place that prints. Data goes to stdout, talk goes to stderr.
//!
//! Text that a model, a file or a test wrote may hold escape sequences that move the cursor, retitle the window or type
//! into the terminal. [`neutral`] takes their effect away; talk always passes through it, data does when stdout is a
//! terminal. A reader that goes away is no error: what is left to say is dropped.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use owo_colors::{OwoColorize, Stream, Style};
use tokio::sync::Notify;
pub(crate) use wright_text::{neutral, neutral_line};

/// Whether results are written for people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Lines for people.
    Text,
    /// One JSON document on stdout.
    Json,
}

/// Stdout and stderr, with what is known about them.
pub(crate) struct Terminal {
    format: Format,
    is_stdout_terminal: bool,
    is_stderr_terminal: bool,
    live_line: Mutex<Option<ProgressBar>>,
    is_reader_gone: AtomicBool,
    reader_gone: Notify,
}

impl Terminal {
    /// Looks at stdout and stderr.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            is_stdout_terminal: io::stdout().is_terminal(),
            is_stderr_terminal: io::stderr().is_terminal(),
            live_line: Mutex::new(None),
            is_reader_gone: AtomicBool::new(false),
            reader_gone: Notify::new(),
        }
    }

    /// Returns whether a program reads stdout as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Returns whether a person sees stdout.
    pub(crate) fn is_stdout_terminal(&self) -> bool {
        self.is_stdout_terminal
    }

    /// Returns whether a person sees stderr.
    pub(crate) fn is_stderr_terminal(&self) -> bool {
        self.is_stderr_terminal
    }

    /// Writes data to stdout as it is, without its effects when stdout is a terminal.
    pub(crate) fn data(&self, text: &str) {
        let text = if self.is_stdout_terminal { neutral(text) } else { Cow::Borrowed(text) };
        self.write_stdout(&text);
    }

    /// Writes text for people to stdout, in the colors it has. Untrusted parts must be [`neutral`].
    pub(crate) fn data_with_colors(&self, text: &str) {
        self.write_stdout(text);
    }

    /// Writes a line of a result for people to stdout. Untrusted parts must be [`neutral`].
    pub(crate) fn line(&self, text: &str) {
        self.write_stdout(&format!("{text}\n"));
    }

    /// Writes the JSON document that is the result.
    pub(crate) fn json(&self, document: &serde_json::Value) {
        self.write_stdout(&format!("{document:#}\n"));
    }

    /// Writes a line of talk to stderr, above the live line when there is one. Untrusted parts must be [`neutral`].
    pub(crate) fn say(&self, text: &str) {
        let print = || drop(writeln!(io::stderr().lock(), "{text}"));
        match &*self.live_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(live_line) => live_line.suspend(print),
            None => print(),
        }
    }

    /// Sets the line at the bottom of the terminal that other lines scroll past; `None` removes it.
    pub(crate) fn set_live_line(&self, line: Option<ProgressBar>) {
        let mut live_line = self.live_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(old) = std::mem::replace(&mut *live_line, line) {
            old.finish_and_clear();
        }
    }

    /// Says on the live line, when there is one, what goes on now.
    pub(crate) fn set_live_message(&self, message: &str) {
        if let Some(live_line) = &*self.live_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            live_line.set_message(neutral(message).into_owned());
        }
    }

    /// Waits until nobody reads stdout any more.
    pub(crate) async fn reader_gone(&self) {
        while !self.is_reader_gone.load(Ordering::Acquire) {
            self.reader_gone.notified().await;
        }
    }

    fn write_stdout(&self, text: &str) {
        if self.is_reader_gone.load(Ordering::Acquire) {
            return;
        }
        let write = || {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        };
        let live_line = self.live_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let result = live_line.map_or_else(write, |it| it.suspend(write));
        if let Err(error) = result {
            self.is_reader_gone.store(true, Ordering::Release);
            self.reader_gone.notify_one();
            if error.kind() != ErrorKind::BrokenPipe {
                drop(writeln!(io::stderr().lock(), "error: failed to write to stdout: {error}"));
            }
        }
    }
}

/// What a piece of text means, which decides its color. Nothing is said by color alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// Worth a look.
    Note,
    /// A heading or a name.
    Strong,
    /// Beside the point.
    Faint,
    /// A place in a diff.
    Place,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Good => Style::new().green(),
            Self::Bad => Style::new().red(),
            Self::Note => Style::new().yellow(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Place => Style::new().cyan(),
        }
    }

    /// Returns `text` for stderr, colored where that terminal shows colors.
    pub(crate) fn err(self, text: &str) -> String {
        text.if_supports_color(Stream::Stderr, |it| it.style(self.style())).to_string()
    }

    /// Returns `text` for stdout, colored where that terminal shows colors.
    pub(crate) fn out(self, text: &str) -> String {
        text.if_supports_color(Stream::Stdout, |it| it.style(self.style())).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_instead_of_obeyed() {
        assert_eq!(neutral("a\u{1b}[2Jb\u{7}\u{9b}0m\u{202e}c\r"), "a␛[2Jb␇\u{fffd}0m\u{fffd}c␍");
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        assert!(matches!(neutral("é\tx\n漢"), Cow::Borrowed(_)));
        assert_eq!(neutral("a\r\nb\r\n"), "a\nb\n");
    }
}
