//! What is measured at one keystroke.

use serde::{Deserialize, Serialize};

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Our product path without the result cache: every keystroke asks the model.
    Engine,
    /// Our product path as users have it.
    Product,
    /// The peer, driven as llama.vim drives it: prefix, suffix, middle.
    PeerPrefixFirst,
    /// The peer, driven in our order: suffix, prefix.
    PeerSuffixFirst,
}

impl Side {
    /// Returns its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Product => "product",
            Self::PeerPrefixFirst => "peer-prefix-first",
            Self::PeerSuffixFirst => "peer-suffix-first",
        }
    }

    /// Returns whether it is one of ours.
    pub fn is_ours(self) -> bool {
        match self {
            Self::Engine | Self::Product => true,
            Self::PeerPrefixFirst | Self::PeerSuffixFirst => false,
        }
    }
}

/// How a keystroke was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The model wrote something, and it is shown.
    Shown,
    /// An earlier answer was taken up again, and it is shown.
    FromResultCache,
    /// The model was asked, and nothing is shown.
    Withheld,
    /// Nothing was asked and nothing is shown. Such a keystroke counts in no time.
    NotAsked,
    /// No answer within the time limit; the time is the limit.
    TimedOut,
}

impl Answer {
    /// Returns whether a suggestion is on the screen.
    pub(super) fn is_shown(self) -> bool {
        match self {
            Self::Shown | Self::FromResultCache => true,
            Self::Withheld | Self::NotAsked | Self::TimedOut => false,
        }
    }
}

/// What was measured at one keystroke.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which keystroke of the trace, from 0.
    pub keystroke: usize,
    /// Whether it follows a jump or is a paste.
    pub is_turn: bool,
    /// How it was answered.
    pub answer: Answer,
    /// From the keystroke to the first text of the answer.
    pub first_ms: Option<f64>,
    /// From the keystroke to the complete suggestion, or to the decision that there is none.
    pub complete_ms: f64,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of prompts that no cache held; nothing where that is not known.
    pub evaluated_tokens: Option<u64>,
    /// Tokens that were written.
    pub written_tokens: u64,
    /// Tokens of what is shown.
    pub shown_tokens: u64,
    /// What is shown.
    pub shown: String,
}

impl Sample {
    /// Returns whether its times count.
    pub(super) fn counts(&self) -> bool {
        self.answer != Answer::NotAsked
    }
}
