//! What the model is shown around a position.
//!
//! Each part has its own budget and is cut at a line end; what was left out is part of the value, never silent.

use std::ops::Range;
use std::path::Path;

use wright_text::Document;

use crate::extent::Extent;

/// What the model is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Text before the position.
    pub prefix: String,
    /// Text after the position, without what an editor closes by itself on the same line: that comes and goes while
    /// someone types, and a suffix that stays the same need not be read again.
    pub suffix: String,
    /// The parts, with what was left out.
    pub sections: Vec<Section>,
    /// How much is expected at the position.
    pub extent: Extent,
}

/// One part of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is.
    pub name: &'static str,
    /// Bytes shown.
    pub shown: usize,
    /// Bytes there are.
    pub available: usize,
}

impl Context {
    /// Takes the text around `offset`, up to the given number of bytes on each side.
    pub(crate) fn around(doc: &Document, offset: usize, max_prefix: usize, max_suffix: usize) -> Self {
        let (before, after) = doc.text().split_at(offset);
        let extent = Extent::at(before, after);
        let after = match extent {
            Extent::RestOfLine | Extent::Block => after.trim_start_matches(|it| it != '\n'),
            Extent::WithinLine | Extent::FreshLine => after,
        };
        let prefix = &before[start_within(before, max_prefix)..];
        let suffix = &after[end_within(after, max_suffix)];
        let section = |name, shown: &str, all: &str| Section { name, shown: shown.len(), available: all.len() };
        Self {
            sections: vec![section("prefix", prefix, before), section("suffix", suffix, after)],
            extent,
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
        }
    }
}

/// Returns where the last `max` bytes of `text` begin, moved forward to the start of a line.
fn start_within(text: &str, max: usize) -> usize {
    if text.len() <= max {
        return 0;
    }
    let earliest = text.ceil_char_boundary(text.len() - max);
    text[earliest..].find('\n').map_or(earliest, |it| earliest + it + 1)
}

/// Returns the first `max` bytes of `text`, cut back to the end of a line.
fn end_within(text: &str, max: usize) -> Range<usize> {
    if text.len() <= max {
        return 0..text.len();
    }
    let latest = text.floor_char_boundary(max);
    0..text[..latest].rfind('\n').map_or(latest, |it| it + 1)
}

/// Returns whether files of this name hold secrets.
pub(crate) fn is_secret_file(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|it| it.to_string_lossy().to_ascii_lowercase()) else { return false };
    let is_env = name == ".env" || name.starts_with(".env.") && !name.ends_with(".example");
    let is_key = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx"].iter().any(|it| name.ends_with(it));
    let is_named = matches!(
        name.as_str(),
        ".netrc"
            | ".pgpass"
            | ".npmrc"
            | ".pypirc"
            | ".htpasswd"
            | "credentials"
            | "id_rsa"
            | "id_dsa"
            | "id_ecdsa"
            | "id_ed25519"
    );
    is_env || is_key || is_named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_line_ends_and_the_cut_is_stated() {
        let text = "aaaa\nbbbb\ncccc\ndddd\n";
        let context = Context::around(&Document::new("a.py", 1, text), 10, 7, 7);
        assert_eq!((context.prefix.as_str(), context.suffix.as_str()), ("bbbb\n", "cccc\n"));
        assert_eq!(context.sections[0], Section { name: "prefix", shown: 5, available: 10 });
    }

    #[test]
    fn names_of_secret_files_are_known() {
        for name in [".env", ".env.local", "server.pem", "id_rsa", "x/.npmrc"] {
            assert!(is_secret_file(Path::new(name)), "{name}");
        }
        assert!(!is_secret_file(Path::new("env.py")) && !is_secret_file(Path::new(".env.example")));
    }
}
