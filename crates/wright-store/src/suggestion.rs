//! What is recorded about suggestions: counts, times, names of languages and models, and nothing that was written.
//!
//! Every event is a value. [`crate::SuggestionLog`] takes them without waiting; [`crate::SuggestionStore`] writes them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::StoreError;

/// The longest name of a language, a model or a reason. What is longer is cut.
const MAX_LABEL_CHARS: usize = 96;

/// Identifies a suggestion on this machine and on any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SuggestionId(pub(crate) Uuid);

impl SuggestionId {
    /// Returns an id that no other suggestion has.
    pub fn unique() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for SuggestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SuggestionId {
    type Err = StoreError;

    /// Parses an id that an editor sent back.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let id = Uuid::try_parse(text).map_err(|_| StoreError::UnknownSuggestion { id: text.to_owned() })?;
        Ok(Self(id))
    }
}

/// What kind of suggestion it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuggestionKind {
    /// Text at the position where the user types.
    Inline,
    /// An edit elsewhere in the document.
    NextEdit,
}

impl SuggestionKind {
    const ALL: [Self; 2] = [Self::Inline, Self::NextEdit];

    /// Returns the kind as one lowercase word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::NextEdit => "next-edit",
        }
    }

    /// Returns the kind that `word` stands for.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A suggestion that is shown now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSuggestion {
    /// Its id.
    pub id: SuggestionId,
    /// What kind it is.
    pub kind: SuggestionKind,
    /// The document's language, as in `rust`.
    pub language: String,
    /// The model that wrote it, as in `local:qwen2.5-coder-0.5b`.
    pub model: String,
    /// The repository's root. Only a salted hash of it is stored.
    pub repository: Option<PathBuf>,
    /// When it is shown.
    pub at: DateTime<Utc>,
    /// How many characters it has.
    pub n_chars: u32,
    /// How many lines it has.
    pub n_lines: u32,
    /// How many tokens the model wrote for it.
    pub n_tokens: u32,
    /// How long it took from the request until it was ready.
    pub latency: Duration,
}

/// What the user did with a suggestion. When several are reported for one suggestion, the strongest counts; they are listed
/// from the strongest to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was taken.
    Accepted,
    /// Its beginning was taken.
    PartiallyAccepted {
        /// How many characters were taken in all, counted from its beginning.
        n_chars: u32,
    },
    /// The user refused it.
    Dismissed,
    /// The user typed on, or another one took its place.
    Superseded,
}

/// How long after it was accepted a suggestion is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeptAfter {
    /// 15 seconds.
    Seconds15,
    /// 30 seconds.
    Seconds30,
    /// 2 minutes.
    Minutes2,
    /// 5 minutes.
    Minutes5,
    /// 10 minutes.
    Minutes10,
}

impl KeptAfter {
    /// All of them, the earliest first.
    pub const ALL: [Self; 5] = [Self::Seconds15, Self::Seconds30, Self::Minutes2, Self::Minutes5, Self::Minutes10];

    /// Returns the time as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Seconds15 => 15,
            Self::Seconds30 => 30,
            Self::Minutes2 => 120,
            Self::Minutes5 => 300,
            Self::Minutes10 => 600,
        })
    }

    /// Returns the time that a number of seconds stands for.
    pub(crate) fn from_seconds(seconds: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|after| after.duration().as_secs() == seconds)
    }
}

/// How many characters were written or removed without a suggestion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Typed {
    /// Typed by hand.
    pub n_chars_typed: u64,
    /// Pasted, or put there by another tool.
    pub n_chars_pasted: u64,
    /// Deleted.
    pub n_chars_deleted: u64,
}

/// Something that happened to a suggestion, or instead of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A suggestion is shown. Showing it again changes nothing.
    Shown(NewSuggestion),
    /// The user did something with it.
    Outcome {
        /// Which one.
        id: SuggestionId,
        /// What the user did.
        outcome: Outcome,
        /// For how long it was in sight, where that is known.
        shown_for: Option<Duration>,
    },
    /// An accepted suggestion was looked at again.
    Kept {
        /// Which one.
        id: SuggestionId,
        /// How long after it was accepted.
        after: KeptAfter,
        /// Which share of what was accepted is still there, from 0 to 1.
        share: f32,
        /// How many of the accepted characters are still there.
        n_chars: u32,
    },
    /// An accepted suggestion is part of a commit.
    Committed {
        /// Which one.
        id: SuggestionId,
        /// How many of the accepted characters are in the commit.
        n_chars: u32,
    },
    /// Something was written without a suggestion. Added up for each hour.
    Typed {
        /// When.
        at: DateTime<Utc>,
        /// The document's language.
        language: String,
        /// The repository's root. Only a salted hash of it is stored.
        repository: Option<PathBuf>,
        /// How much.
        typed: Typed,
    },
    /// Nothing was shown, for a reason. Counted for each hour.
    Withheld {
        /// When.
        at: DateTime<Utc>,
        /// The reason's code, as in `unknown-name`.
        reason: String,
        /// The document's language.
        language: String,
        /// The model that was asked, or would have been.
        model: String,
    },
}

/// Returns a name of a language or a code of a reason as it is stored: what cannot be one is `other`, so that no source text
/// can get in by mistake.
pub(crate) fn code(text: &str) -> String {
    label(text, |it| matches!(it, '-' | '_' | '.' | '+' | '#'))
}

/// Returns a model's name as it is stored. Of a path only the file's name is left.
pub(crate) fn model_name(text: &str) -> String {
    let name = text.split_once(':').map_or(text, |(_, name)| name);
    let is_path = name.starts_with(['/', '~', '.']) || name.contains('\\');
    let text = if is_path { name.rsplit(['/', '\\']).next().unwrap_or_default() } else { text };
    label(text, |it| matches!(it, '-' | '_' | '.' | '+' | '#' | ':' | '/' | '@'))
}

fn label(text: &str, is_allowed_mark: impl Fn(char) -> bool) -> String {
    let is_label = !text.is_empty() && text.chars().all(|it| it.is_alphanumeric() || is_allowed_mark(it));
    if is_label { text.chars().take(MAX_LABEL_CHARS).collect() } else { "other".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_name_is_stored_as_other() {
        for text in ["", "let x = 1;", "a b", "/home/me/secret.rs", "x\ny"] {
            assert_eq!(code(text), "other", "{text:?}");
        }
        assert_eq!(["c++", "objective-c", "c#"].map(code), ["c++", "objective-c", "c#"]);
        assert_eq!(code(&"x".repeat(500)).len(), MAX_LABEL_CHARS);
    }

    #[test]
    fn a_model_is_named_without_the_folder_it_lies_in() {
        let table = [
            ("local:qwen2.5-coder-0.5b", "local:qwen2.5-coder-0.5b"),
            ("openai:org/model@2", "openai:org/model@2"),
            ("local:/home/me/models/mine.gguf", "mine.gguf"),
            ("~/m/mine.gguf", "mine.gguf"),
            ("not a name", "other"),
        ];
        for (text, stored) in table {
            assert_eq!(model_name(text), stored);
        }
    }

    #[test]
    fn an_id_survives_being_written_and_parsed() {
        let id = SuggestionId::unique();
        assert_eq!(id.to_string().parse::<SuggestionId>().unwrap(), id);
        assert_eq!("7".parse::<SuggestionId>().unwrap_err().to_string(), "no suggestion \"7\"");
    }
}
