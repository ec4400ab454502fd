//! What is stored: tasks, their steps, and their proposals.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::StoreError;

/// Identifies a task on this machine and on any other. Ids of later tasks sort after those of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(Uuid);

impl TaskId {
    /// Returns an id that no other task has.
    pub(crate) fn unique() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TaskId {
    type Err = StoreError;

    /// Parses a whole id. For one that a person typed, see [`crate::Store::find_task`].
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let id = Uuid::try_parse(text).map_err(|_| StoreError::UnknownTask { id: text.to_owned() })?;
        Ok(Self(id))
    }
}

/// A task that is about to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// What kind of task it is, in the caller's words, as in `fix`.
    pub kind: String,
    /// The repository it is about.
    pub repository: PathBuf,
    /// The commit it starts from.
    pub base_commit: String,
    /// What was asked for.
    pub request: serde_json::Value,
}

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What kind of task it is, in the caller's words.
    pub kind: String,
    /// The repository it is about.
    pub repository: PathBuf,
    /// The commit it starts from.
    pub base_commit: String,
    /// What was asked for.
    pub request: serde_json::Value,
    /// What became of it.
    pub status: TaskStatus,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it first stopped running.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    /// It is under way, or its process was killed.
    Running,
    /// It ended with a verified patch that nobody has applied yet.
    Proposed,
    /// Every patch it tried was refused.
    Refused,
    /// A check could not run, so nothing could be decided.
    Inconclusive,
    /// Time, tokens or turns ran out.
    Exhausted,
    /// Someone stopped it.
    Interrupted,
    /// Its patch is in the user's checkout.
    Applied,
    /// Something broke that is neither the model's nor the patch's fault.
    Failed,
}

impl TaskStatus {
    const ALL: [Self; 8] = [
        Self::Running,
        Self::Proposed,
        Self::Refused,
        Self::Inconclusive,
        Self::Exhausted,
        Self::Interrupted,
        Self::Applied,
        Self::Failed,
    ];

    /// Returns the status as one lowercase word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Proposed => "proposed",
            Self::Refused => "refused",
            Self::Inconclusive => "inconclusive",
            Self::Exhausted => "exhausted",
            Self::Interrupted => "interrupted",
            Self::Applied => "applied",
            Self::Failed => "failed",
        }
    }

    /// Returns the status that `word` stands for.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The place of a step in its transcript, counted from 1 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepSeq(pub u64);

impl fmt::Display for StepSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry of a transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its place.
    pub seq: StepSeq,
    /// What kind of step it is, in the caller's words.
    pub kind: String,
    /// What happened.
    pub payload: serde_json::Value,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

/// What a task offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The patch, in the caller's JSON.
    pub patch: String,
    /// The patch as people read it.
    pub diff: String,
    /// What was checked, on what, and how it went.
    pub receipt: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_word() {
        for status in TaskStatus::ALL {
            assert_eq!(TaskStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(TaskStatus::parse("unheard-of"), None);
    }

    #[test]
    fn an_id_survives_being_written_and_parsed() {
        let id = TaskId::unique();
        assert_eq!(id.to_string().parse::<TaskId>().unwrap(), id);
        assert_eq!("7".parse::<TaskId>().unwrap_err().to_string(), "no task \"7\"");
    }
}
