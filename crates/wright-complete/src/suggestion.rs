//! What an editor is offered, or the reason why it is offered nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use wright_gate::{Finding, Verified};
use wright_text::Edit;

/// A checked edit to offer at the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Which one of this process.
    pub id: SuggestionId,
    /// The edit, which inserts [`Suggestion::text`].
    pub edit: Verified<Edit>,
    /// The text that is inserted.
    pub text: String,
}

/// Which suggestion of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SuggestionId(pub u64);

impl SuggestionId {
    /// Returns an id that no other suggestion of this process has.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Why nothing is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withheld {
    /// The file holds secrets by its name.
    SecretFile,
    /// The position is in the middle of a word.
    MidWord,
    /// The user has just taken something back.
    AfterUndo,
    /// Nothing is suggested in this language, by the user's settings.
    Disabled,
    /// The file is too large to be read while someone types.
    TooLarge,
    /// The user refused the last suggestions; a longer pause or a surer suggestion brings them back.
    BackingOff,
    /// The model is not sure enough for the eagerness that is set.
    Unsure,
    /// A newer request took its place.
    Superseded,
    /// The model had nothing to say here.
    Nothing,
    /// The gate refused every candidate; these are the findings of the first.
    Refused(Vec<Finding>),
}

impl Withheld {
    /// Returns the stable code of the reason, for logs and `--json`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SecretFile => "secret-file",
            Self::MidWord => "mid-word",
            Self::AfterUndo => "after-undo",
            Self::Disabled => "disabled",
            Self::TooLarge => "too-large",
            Self::BackingOff => "backing-off",
            Self::Unsure => "unsure",
            Self::Superseded => "superseded",
            Self::Nothing => "nothing",
            Self::Refused(_) => "refused",
        }
    }
}

impl std::fmt::Display for Withheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SecretFile => f.write_str("files like this hold secrets, so the model is not shown any of it"),
            Self::MidWord => f.write_str("the position is in the middle of a word"),
            Self::AfterUndo => f.write_str("the last change was taken back"),
            Self::Disabled => f.write_str("suggestions are off in this language"),
            Self::TooLarge => f.write_str("the file is too large"),
            Self::BackingOff => f.write_str("the last suggestions were refused"),
            Self::Unsure => f.write_str("the model is not sure enough"),
            Self::Superseded => f.write_str("a newer request took its place"),
            Self::Nothing => f.write_str("the model had nothing to add here"),
            Self::Refused(findings) => match findings.first() {
                Some(finding) => write!(f, "every candidate was refused: {finding}"),
                None => f.write_str("every candidate was refused"),
            },
        }
    }
}
