//! What a change does to the code that is no test: which definitions go, and which values it openly replaces.

use std::collections::BTreeSet;
use std::path::Path;

use wright_repo::project::is_test_path;
use wright_text::Language;

use super::marks::regex;
use crate::Severity;
use crate::change::ChangeSet;

/// The product side of a change.
#[derive(Debug, Default)]
pub(crate) struct Product {
    /// Names that are defined before and nowhere after.
    gone: BTreeSet<String>,
    /// Words of removed lines that no touched file of the product has after the change.
    retired: BTreeSet<String>,
    added: BTreeSet<String>,
    is_changed: bool,
}

impl Product {
    /// Reads the product side of a change.
    pub(crate) fn of(change: &ChangeSet) -> Self {
        let mut product = Self::default();
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        let (mut words_removed, mut words_after) = (BTreeSet::new(), BTreeSet::new());
        for file in change.files.iter().filter(|it| is_product(&it.path)) {
            let (old, new) = (code_of(&file.path, file.text_before()), code_of(&file.path, file.text_after()));
            product.is_changed |= old != new;
            before.extend(definitions(old));
            after.extend(definitions(new));
            let lines = |text: &str| text.lines().map(|it| it.trim().to_owned()).collect::<BTreeSet<_>>();
            let (old, new) = (lines(old), lines(new));
            words_removed.extend(old.difference(&new).flat_map(|it| telling_words(it)));
            words_after.extend(new.iter().flat_map(|it| telling_words(it)));
            product.added.extend(new.difference(&old).flat_map(|it| literals(it)));
        }
        product.retired = words_removed.difference(&words_after).cloned().collect();
        product.gone = before.difference(&after).cloned().collect();
        product
    }

    /// Says whether a text speaks of something that the change removes from the product.
    pub(crate) fn is_gone_from(&self, text: &str) -> bool {
        !self.gone.is_empty()
            && text.split(|it: char| !it.is_alphanumeric() && it != '_').any(|it| self.gone.contains(it))
    }

    /// Says whether a text speaks of something that the change takes out of the product, though nothing defined it.
    pub(crate) fn is_retired_from(&self, text: &str) -> bool {
        !self.retired.is_empty() && telling_words(text).any(|it| self.retired.contains(&it))
    }

    /// Says how much it matters that a test expects another value.
    ///
    /// Where the product replaces the same value in plain sight, the test follows it. Where it does not, the test may
    /// have been bent to what the code happens to return.
    pub(crate) fn severity_of_new_expectation(&self, old: &[String], new: &[String]) -> Severity {
        let gained: Vec<&String> = new.iter().filter(|it| !old.contains(it)).collect();
        let lost: Vec<&String> = old.iter().filter(|it| !new.contains(it)).collect();
        let words = |literals: &[&String]| literals.iter().flat_map(|it| words_of(it)).collect::<BTreeSet<String>>();
        let (gained, lost) = (words(&gained), words(&lost));
        let gained: Vec<&String> = gained.difference(&lost).collect();
        let follows = self.is_changed && (gained.is_empty() || gained.iter().any(|it| self.added.contains(*it)));
        if follows { Severity::Note } else { Severity::Warning }
    }

    /// Says whether code that is no test changes.
    pub(crate) fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Says whether the lines that the change adds hold a word or number as a constant.
    pub(crate) fn adds(&self, word: &str) -> bool {
        self.added.contains(word)
    }
}

/// Says whether a path holds code that is no test.
pub(crate) fn is_product(path: &Path) -> bool {
    Language::from_path(path).is_some() && !is_test_path(path)
}

/// Leaves the tests inside of a file out.
pub(crate) fn code_of<'t>(path: &Path, text: &'t str) -> &'t str {
    let is_rust = Language::from_path(path) == Some(Language::Rust);
    let tests =
        is_rust.then(|| text.find("#[cfg(test)]\nmod ").or_else(|| text.find("#[cfg(test)]\n\nmod "))).flatten();
    tests.map_or(text, |at| &text[..at])
}

fn definitions(text: &str) -> Vec<String> {
    let pattern = regex!(
        r"(?m)\b(?:class|struct|enum|trait|interface|type|def|fn|func(?:\s*\([^)\n]*\))?|function|macro_rules!|const|let|var|static|final)\s+\*?\s*(\w{3,})|^\s*(?:(?:public|private|protected|static|final|async|abstract)\s+)+[\w<>\[\], ?]+\s(\w{3,})\s*\(|^([A-Za-z_]\w{2,})\s*=|\b(?:exports|prototype|module|app|res|req|proto)\.(\w{3,})\s*="
    );
    let names =
        pattern.captures_iter(text).filter_map(|it| (1..=4).find_map(|at| it.get(at)).map(|it| it.as_str().to_owned()));
    names.take(50_000).collect()
}

/// Returns the words that are long enough to mean one thing.
fn telling_words(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|it: char| !it.is_alphanumeric() && it != '_');
    words.filter(|it| it.len() >= 4 && !it.starts_with(|first: char| first.is_ascii_digit())).map(str::to_owned)
}

fn literals(line: &str) -> Vec<String> {
    let pattern =
        regex!(r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\b\d[\w.]*|\b(?:true|false|True|False|None|null|nil)\b"#);
    pattern.find_iter(line).take(200).flat_map(|it| words_of(it.as_str())).collect()
}

fn words_of(literal: &str) -> Vec<String> {
    let inner = literal.trim_matches(['"', '\'', '`']);
    let words = inner.split(|it: char| !it.is_alphanumeric() && it != '.' && it != '_').filter(|it| !it.is_empty());
    words.map(str::to_owned).collect()
}
