//! What a caller can set.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// How the server behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which requests for code are checked when the client does not say.
    pub checked: Checked,
    /// What a client must present; needed when others than this machine can connect.
    pub token: Option<Token>,
    /// Host names, besides those of this machine, under which clients may address the server.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may use the server, as in `http://localhost:3000`.
    pub allowed_origins: Vec<String>,
    /// How many requests are worked on at a time; more are told to come again.
    pub max_requests: usize,
    /// How much related code that a client sends along may be shown to the model, in bytes.
    pub max_snippets: usize,
    /// How long one answer may take.
    pub max_answer: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            checked: Checked::Infill,
            token: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_requests: 16,
            max_snippets: 2_000,
            max_answer: Duration::from_secs(600),
        }
    }
}

/// Which requests for code are checked when the client does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// Every request that fills a hole.
    All,
    /// `/infill` only, whose clients show the answer to someone who types.
    Infill,
    /// None.
    None,
}

/// A secret that clients present. Only its digest is kept, and it is compared in constant time.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
}

impl Token {
    /// The shortest token that is accepted, in bytes.
    pub const MIN_LENGTH: usize = 16;

    /// Returns the token, or nothing when it is too short, or holds what cannot stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let is_usable = text.len() >= Self::MIN_LENGTH && text.bytes().all(|it| it.is_ascii_graphic());
        is_usable.then(|| Self { digest: Sha256::digest(text).into() })
    }

    /// Returns whether this is what was presented.
    pub(crate) fn is(&self, presented: &str) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        self.digest.ct_eq(&presented).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_itself_only_and_never_shown() {
        let token = Token::new("0123456789abcdef").unwrap();
        assert!(token.is("0123456789abcdef"));
        assert!(!token.is("0123456789abcdeF") && !token.is("") && !token.is("0123456789abcdef "));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn a_token_that_is_short_or_cannot_be_sent_is_refused() {
        for text in ["", "short", "0123456789abcde\n0", "0123456789 abcdef"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
    }
}
