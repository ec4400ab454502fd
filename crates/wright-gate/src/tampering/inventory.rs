//! The tests of a text: their names, what they demand, what switches them off, and the cases they run over.
//!
//! [`discovery`](super::discovery) finds the tests and [`body`](super::body) reads them; this file holds what is known
//! afterwards. Everything is by value, so that both sides of a change can be compared over all files at once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use wright_repo::project::is_test_path;
use wright_text::Language;

use super::assertion::{Assertion, Strength};
use super::tokens::Tokens;
use super::{body, discovery};
use crate::Source;

/// One test as it is written.
#[derive(Debug, Clone)]
pub(crate) struct TestCase {
    pub(crate) path: PathBuf,
    /// Its name behind those of the groups around it.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) facts: Facts,
}

/// What the code of a test or of a helper says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) assertions: Vec<Assertion>,
    pub(crate) marks: Vec<Mark>,
    /// The cases it runs over, one text each.
    pub(crate) rows: Vec<String>,
    /// What is replaced while it runs: the names as written.
    pub(crate) mocks: BTreeSet<String>,
    /// The names it calls.
    pub(crate) calls: BTreeSet<String>,
    /// Values it keeps under a name that says they are expected.
    pub(crate) expectations: Vec<(String, String)>,
    /// Seconds or milliseconds after which it gives up, as written.
    pub(crate) timeouts: Vec<f64>,
    /// How often each token occurs.
    pub(crate) words: BTreeMap<String, usize>,
}

/// Something that decides whether a test runs or counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) kind: MarkKind,
    pub(crate) text: String,
    /// Whether it depends on something that may be otherwise elsewhere, such as the platform.
    pub(crate) is_conditional: bool,
}

/// What a mark does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MarkKind {
    /// The test does not run.
    Skip,
    /// The test runs and its failure does not count.
    ExpectedFailure,
    /// Only this one runs, and no other.
    Only,
    /// The test runs again until it passes.
    Retry,
}

/// A named list of cases, or a helper, at the level of a file.
#[derive(Debug, Clone)]
pub(crate) struct Helper {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) facts: Facts,
}

/// All tests of one side of a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inventory {
    pub(crate) tests: Vec<TestCase>,
    pub(crate) helpers: Vec<Helper>,
    pub(crate) helper_names: BTreeSet<String>,
    /// Words of comments, to tell a test that was commented out.
    pub(crate) comments: String,
}

impl Inventory {
    /// Adds the tests of a text.
    pub(crate) fn add(&mut self, source: &Source<'_>) {
        let Some(language) = source.language else { return };
        if !may_hold_tests(language, source.path, source.text) {
            return;
        }
        let text = prepared(language, source.text);
        let prepared = Source::new(source.path, &text);
        let Some(tree) = prepared.tree() else { return };
        let tokens = Tokens::of(tree, &text);
        let found = discovery::discover(language, tree.root(), &text, &tokens);
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        for test in &found.tests {
            let facts = body::read(language, &tokens, &text, test);
            self.tests.push(TestCase {
                path: source.path.to_owned(),
                id: test.id(),
                name: test.name.clone(),
                line: line(test.range.start),
                facts,
            });
        }
        let tests_begin = body_of_tests(language, source.path, &text);
        for helper in found.helpers.iter().filter(|it| it.range.start >= tests_begin) {
            let facts = body::read(language, &tokens, &text, helper);
            let line = line(helper.range.start);
            self.helper_names.insert(helper.name.clone());
            self.helpers.push(Helper { path: source.path.to_owned(), name: helper.name.clone(), line, facts });
        }
        self.comments.push_str(&found.comments);
    }

    /// Returns what the helpers of a name demand, those that they call included.
    pub(crate) fn demands_of_helper(&self, name: &str) -> Vec<Assertion> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            if seen.len() > 20 || !seen.insert(name.clone()) {
                continue;
            }
            for helper in self.helpers.iter().filter(|it| it.name == name) {
                found.extend(helper.facts.assertions.iter().cloned());
                open.extend(helper.facts.calls.iter().cloned());
            }
        }
        found
    }
}

impl Facts {
    /// Returns the assertions that can fail.
    pub(crate) fn effective(&self) -> impl Iterator<Item = &Assertion> {
        self.assertions.iter().filter(|it| it.is_effective())
    }
}

impl Assertion {
    /// Says whether the assertion can fail its test.
    pub(crate) fn is_effective(&self) -> bool {
        use super::assertion::Reach;
        self.strength > Strength::Nothing && matches!(self.reach, Reach::Always | Reach::Sometimes)
    }
}

/// What discovery found: a test or a helper, by the bytes of its parts.
#[derive(Debug, Clone)]
pub(crate) struct Found<'n> {
    pub(crate) name: String,
    /// The names of the groups around it, outermost first.
    pub(crate) groups: Vec<String>,
    pub(crate) range: Range<usize>,
    pub(crate) node: wright_text::Node<'n>,
    pub(crate) body: wright_text::Node<'n>,
    /// Decorators, attributes, annotations, options, and those of the groups around it.
    pub(crate) heads: Vec<Range<usize>>,
}

impl Found<'_> {
    fn id(&self) -> String {
        let mut words: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        words.push(&self.name);
        words.join("::")
    }
}

/// Says whether a text is worth looking for tests in.
fn may_hold_tests(language: Language, path: &Path, text: &str) -> bool {
    match language {
        Language::Rust => is_test_path(path) || text.contains("test"),
        Language::Python => is_test_path(path) || text.contains("pytest") || text.contains("unittest"),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            is_test_path(path) || text.contains("vitest") || text.contains("describe(")
        }
        Language::Go => is_test_path(path) || text.contains("testing.T"),
        Language::Java => is_test_path(path) || text.contains("@Test"),
        Language::Cpp => ["TEST", "SCENARIO", "EXPECT_", "ASSERT_", "REQUIRE"].iter().any(|it| text.contains(it)),
    }
}

/// Returns where the tests of a text begin: helpers in front of it are product code.
fn body_of_tests(language: Language, path: &Path, text: &str) -> usize {
    if is_test_path(path) {
        return 0;
    }
    match language {
        Language::Rust => text.find("#[cfg(test)]").unwrap_or(usize::MAX),
        Language::Cpp => 0,
        _ => usize::MAX,
    }
}

/// Makes the tests inside of a `proptest!` visible to the grammar, without moving a byte.
fn prepared(language: Language, text: &str) -> Cow<'_, str> {
    if language != Language::Rust || !text.contains("proptest!") {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for (at, _) in text.match_indices("proptest!").take(100) {
        let Some(open) = text[at..].find(['{', '(']).map(|it| at + it) else { continue };
        let Some(close) = closing(text.as_bytes(), open) else { continue };
        for (function, _) in text[open..close].match_indices("fn ") {
            let start = open + function;
            let Some(arguments) = text[start..close].find('(').map(|it| start + it) else { continue };
            let Some(end) = closing(text.as_bytes(), arguments) else { continue };
            blank(&mut bytes[arguments + 1..end]);
        }
        blank(&mut bytes[at..=open]);
        blank(&mut bytes[close..=close]);
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Overwrites with spaces, and keeps the ends of lines.
fn blank(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Returns where the bracket closes that opens at `open`.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (index, byte) in bytes.iter().enumerate().skip(open) {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}
