//! How a command ended, and what it said.

use std::time::Duration;

use crate::Level;

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to stdout and stderr, in the order in which it arrived. When it was cut, the middle is replaced by one
    /// line that says how much is gone.
    pub output: Vec<u8>,
    /// Whether bytes are missing from `output`.
    pub output_cut: bool,
    /// From the start of the helper to the end of the last process.
    pub duration: Duration,
    /// How strongly the command was isolated.
    pub level: Level,
}

impl Outcome {
    /// Returns whether the command ended by itself with exit code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.exit == Exit::Code(0)
    }

    /// Returns the output as text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// How a command ended. A program that cannot be found ends with code 127, one that cannot be run with 126, as in a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself.
    Code(i32),
    /// A signal ended it. Signal 9 may be the memory limit; the last line of the output then says so.
    Signal(i32),
    /// It was still running when its time was over.
    WallClock,
    /// It wrote several times more than the output limit keeps.
    OutputLimit,
}
