//! Refuses an insertion that leaves more brackets unmatched than there were.
//!
//! Asked only where the parser cannot tell: in a language without a grammar, or in a file that stays broken elsewhere. The
//! same simple reading of strings and comments is used before and after, so that what it gets wrong cancels out.

use wright_text::Language;

use super::Found;
use super::trial::Trial;

/// The code of an edit that leaves brackets unmatched.
pub(super) const CODE: &str = "brackets";

/// Extensions of texts in which brackets need not match.
const PROSE: &[&str] = &[
    "md", "markdown", "txt", "text", "rst", "adoc", "asciidoc", "tex", "org", "csv", "tsv", "log", "sh", "bash", "zsh",
];

/// Reports an edit after which more brackets have no partner.
pub(super) fn check(trial: &Trial<'_>) -> Found {
    let is_whole = || trial.judge.n_errors() == 0 || trial.errors().is_empty();
    let is_decided_by_the_parser = trial.tree().is_some() && is_whole();
    let extension = trial.doc().path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    if is_decided_by_the_parser || PROSE.contains(&extension) {
        return None;
    }
    let is_worse = n_unmatched(&trial.after, trial.language()) > n_unmatched(trial.doc().text(), trial.language());
    let at = trial.pieces.first().map_or(0, |it| it.inserted.start);
    let finding = || trial.finding(CODE, at, "leaves a bracket without its partner");
    Some(is_worse.then(finding).into_iter().collect())
}

/// Counts the brackets of a text that have no partner.
fn n_unmatched(text: &str, language: Option<Language>) -> usize {
    let mut open = Vec::new();
    let mut n_stray = 0;
    for bracket in Brackets::new(text, language) {
        match bracket {
            b'(' => open.push(b')'),
            b'[' => open.push(b']'),
            b'{' => open.push(b'}'),
            closer => match open.iter().rposition(|it| *it == closer) {
                // What was opened inside and not closed stays unmatched.
                Some(at) => {
                    n_stray += open.len() - 1 - at;
                    open.truncate(at);
                }
                None => n_stray += 1,
            },
        }
    }
    n_stray + open.len()
}

/// Goes through the brackets of a text that are outside strings and comments.
struct Brackets<'a> {
    bytes: &'a [u8],
    at: usize,
    comment: &'a [u8],
    is_python: bool,
}

impl<'a> Brackets<'a> {
    fn new(text: &'a str, language: Option<Language>) -> Self {
        let comment = language.map_or("//", Language::line_comment).as_bytes();
        Self { bytes: text.as_bytes(), at: 0, comment, is_python: language == Some(Language::Python) }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at.min(self.bytes.len())..]
    }

    fn skip_past(&mut self, n_opening: usize, end: &[u8]) {
        let from = self.at + n_opening;
        let rest = &self.bytes[from.min(self.bytes.len())..];
        let found = rest.windows(end.len()).position(|it| it == end);
        self.at = found.map_or(self.bytes.len(), |at| from + at + end.len());
    }

    /// Skips a string that ends on its line; a quote that does not is taken for a plain character.
    fn skip_string(&mut self, quote: u8) {
        let mut at = self.at + 1;
        while let Some(byte) = self.bytes.get(at) {
            match *byte {
                b'\\' => at += 2,
                b'\n' => break,
                byte if byte == quote => {
                    self.at = at + 1;
                    return;
                }
                _ => at += 1,
            }
        }
        self.at += 1;
    }
}

impl Iterator for Brackets<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        loop {
            let rest = self.rest();
            let byte = *rest.first()?;
            if rest.starts_with(self.comment) {
                self.skip_past(0, b"\n");
            } else if !self.is_python && rest.starts_with(b"/*") {
                self.skip_past(2, b"*/");
            } else if rest.starts_with(b"\"\"\"") {
                self.skip_past(3, b"\"\"\"");
            } else if rest.starts_with(b"'''") {
                self.skip_past(3, b"'''");
            } else if matches!(byte, b'"' | b'\'') {
                self.skip_string(byte);
            } else {
                self.at += 1;
                if matches!(byte, b'(' | b')' | b'[' | b']' | b'{' | b'}') {
                    return Some(byte);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Surroundings;
    use super::super::trial::tests;
    use super::*;

    fn codes(path: &str, marked: &str, insert: &str) -> Vec<&'static str> {
        tests::codes(path, marked, insert, &Surroundings::default())
    }

    #[test]
    fn an_insertion_closes_what_is_open_and_no_more() {
        assert_eq!(codes("a.c", "f(║;\n", "a, b)"), [""; 0]);
        assert_eq!(codes("a.c", "f(║);\n", "a, b)"), [CODE]);
        assert_eq!(codes("a.c", "f(║);\n", "a, g(b"), [CODE]);
        assert_eq!(codes("a.c", "f(║);\n", "a, g(b)"), [""; 0]);
        assert_eq!(codes("a.c", "int f() ║\n", "{ return 1; }"), [""; 0]);
        assert_eq!(codes("a.c", "║", "\"(\" /* [ */ // {\n"), [""; 0], "strings and comments do not count");
    }

    #[test]
    fn a_replacement_may_keep_what_was_unmatched() {
        assert_eq!(codes("a.c", "║f(a║\n", "g(a"), [""; 0]);
        assert_eq!(codes("a.c", "f(║a)║\n", "a"), [CODE]);
    }

    #[test]
    fn the_parser_decides_where_it_can() {
        let broken = "def broken(:\n    pass\n\n\n\n\n\ndef f(x):\n    ║\n    return x\n";
        assert_eq!(codes("a.py", broken, "x = (1 + 2)"), [""; 0]);
        assert!(!codes("a.py", broken, "x = 1 + 2)").is_empty());
        assert_eq!(codes("a.md", "a ║ b\n", ":)"), [""; 0], "prose is not code");
    }
}
