//! The exit codes, which scripts rely on.

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// Done, and verified where there was something to verify.
    Done = 0,
    /// Checked and refused: there are findings, or something that is needed is missing.
    Refused = 1,
    /// The arguments, the configuration or the surroundings do not allow the command.
    Usage = 2,
    /// Nothing could be decided, because a check could not run.
    Inconclusive = 3,
    /// The time or the number of candidates was spent.
    BudgetSpent = 4,
    /// A bug in this program.
    Internal = 70,
    /// Interrupted by the user.
    Interrupted = 130,
}

/// The table for `wright --help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done and verified
  1    checked and refused
  2    usage, configuration or surroundings
  3    could not decide: a check could not run
  4    time or candidates spent
  130  interrupted";

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
