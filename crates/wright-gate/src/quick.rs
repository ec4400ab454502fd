//! Judges an edit in memory, between two keystrokes: no I/O, no waiting.
//!
//! A [`Judge`] is made once for a version of a document and judges any number of candidates for it. `CHECKS` lists what
//! it looks at. Only what an edit inserts is judged: what the document had before does not count. To add a check, write
//! `quick/<name>.rs` and add a line to `CHECKS`.

mod brackets;
mod echo;
mod filler;
mod indentation;
mod insecure;
mod insecure_rules;
mod parse;
mod secret;
mod trial;
mod unknown_names;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wright_text::names::FileNames;
use wright_text::{Document, Edit, KnownNames, Language, SyntaxTree};

use self::trial::Trial;
use crate::{Against, CheckRecord, Finding, Verified, hex_digest};

/// Longer texts are not parsed between two keystrokes; the checks that need a tree do not apply to them.
const MAX_PARSED_BYTES: usize = 2_000_000;

/// What is known around a document. The default knows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// Names that exist elsewhere: in the index of the repository and in open files.
    pub names: Option<&'a KnownNames>,
    /// What the user deleted at this place not long ago, and does not want back.
    pub just_deleted: &'a [&'a str],
    /// What is assumed to follow the edit, such as the body of a block that it opens and that is yet to be written. It is
    /// parsed with the edit and judged as nothing of it.
    pub assumed: &'a str,
}

/// Judges one edit of one document. For several edits of the same version, keep a [`Judge`].
///
/// `Err` holds why the edit must not be shown, and [`Finding::code`] of each is one of the codes in [`CODES`].
pub fn judge(doc: &Document, edit: Edit, surroundings: &Surroundings<'_>) -> Result<Verified<Edit>, Vec<Finding>> {
    Judge::new(doc).judge(edit, surroundings)
}

/// Every code a refusal can have. They are stable: logs and statistics are kept by them.
pub const CODES: &[&str] = &[
    trial::DOES_NOT_FIT,
    trial::NO_CHANGE,
    filler::MARKER,
    filler::PLACEHOLDER,
    echo::RESTORES_DELETED,
    echo::SUFFIX,
    echo::PREFIX,
    echo::REPETITION,
    secret::CODE,
    parse::CODE,
    brackets::CODE,
    indentation::CODE,
    unknown_names::CODE,
    insecure::CODE,
];

/// What one check found: nothing at all when it does not apply to this edit, so that it is not listed as passed.
type Found = Option<Vec<Finding>>;

/// One check of an edit.
pub(crate) struct QuickCheck {
    /// The code of its refusals.
    pub(crate) code: &'static str,
    /// What a pass means.
    pub(crate) promise: &'static str,
    /// What it needs; an edit that fails at one stage is not put to the next.
    stage: Stage,
    check: fn(&Trial<'_>) -> Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Reads the text alone.
    Text,
    /// Parses it.
    Syntax,
    /// Asks what the code does; broken code is not asked.
    Meaning,
}

/// Every check, cheapest first.
pub(crate) const CHECKS: &[QuickCheck] = &[
    QuickCheck {
        code: trial::NO_CHANGE,
        promise: "changes something",
        stage: Stage::Text,
        check: trial::changes_something,
    },
    QuickCheck {
        code: filler::MARKER,
        promise: "no control token, fence or merge marker",
        stage: Stage::Text,
        check: filler::markers,
    },
    QuickCheck {
        code: filler::PLACEHOLDER,
        promise: "no placeholder",
        stage: Stage::Text,
        check: filler::placeholders,
    },
    QuickCheck {
        code: echo::RESTORES_DELETED,
        promise: "not what was just deleted",
        stage: Stage::Text,
        check: echo::restores_deleted,
    },
    QuickCheck { code: echo::SUFFIX, promise: "does not repeat what follows", stage: Stage::Text, check: echo::suffix },
    QuickCheck {
        code: echo::PREFIX,
        promise: "does not repeat what stands above",
        stage: Stage::Text,
        check: echo::prefix,
    },
    QuickCheck {
        code: echo::REPETITION,
        promise: "does not repeat itself",
        stage: Stage::Text,
        check: echo::repetition,
    },
    QuickCheck { code: secret::CODE, promise: "no secret added", stage: Stage::Text, check: secret::check },
    QuickCheck { code: parse::CODE, promise: "parses no worse than before", stage: Stage::Syntax, check: parse::check },
    QuickCheck {
        code: brackets::CODE,
        promise: "closes what it opens and nothing else",
        stage: Stage::Syntax,
        check: brackets::check,
    },
    QuickCheck {
        code: indentation::CODE,
        promise: "indented like the file",
        stage: Stage::Syntax,
        check: indentation::check,
    },
    QuickCheck {
        code: unknown_names::CODE,
        promise: "every name it uses is known",
        stage: Stage::Meaning,
        check: unknown_names::check,
    },
    QuickCheck {
        code: insecure::CODE,
        promise: "no pattern known to be insecure",
        stage: Stage::Meaning,
        check: insecure::check,
    },
];

/// How many judgements are remembered from one version of a document to the next.
const MAX_REMEMBERED: usize = 32;

/// Judges edits of one version of a document, and works out what concerns the document alone only once.
#[derive(Debug)]
pub struct Judge {
    doc: Document,
    language: Option<Language>,
    /// An earlier version of the document that was parsed.
    parsed: Option<Arc<Parsed>>,
    digest: OnceLock<String>,
    tree: OnceLock<SyntaxTree>,
    n_errors: OnceLock<usize>,
    names: OnceLock<FileNames>,
    /// What passed of this version and the earlier ones, the newest last.
    passed: Arc<Mutex<VecDeque<Passed>>>,
}

/// A text with its tree.
#[derive(Debug)]
struct Parsed {
    text: Arc<str>,
    tree: SyntaxTree,
}

/// An insertion that passed every check.
#[derive(Debug, Clone)]
struct Passed {
    /// SHA-256 of the text that it leads to.
    digest: String,
    /// Where it begins in that text.
    start: usize,
    /// Where it ends in that text.
    end: usize,
    /// Whether the names of other files were known.
    has_names: bool,
    checks: Vec<CheckRecord>,
}

impl Judge {
    /// Makes a judge of edits of `doc`. Nothing is parsed before the first edit that needs it.
    pub fn new(doc: &Document) -> Self {
        let language = Language::from_path(&doc.path).filter(|_| doc.text().len() <= MAX_PARSED_BYTES);
        Self {
            doc: doc.clone(),
            language,
            parsed: None,
            digest: OnceLock::new(),
            tree: OnceLock::new(),
            n_errors: OnceLock::new(),
            names: OnceLock::new(),
            passed: Arc::default(),
        }
    }

    /// Makes a judge of edits of `doc`, a later version of this judge's document. Only what changed since is parsed anew,
    /// and what passed is not put to the same checks when the user types a part of it.
    #[must_use]
    pub fn next(&self, doc: &Document) -> Self {
        let mut judge = Self::new(doc);
        if judge.language == self.language {
            let here = self.tree.get().map(|tree| Parsed { text: self.doc.shared_text(), tree: tree.clone() });
            judge.parsed = here.map(Arc::new).or_else(|| self.parsed.clone());
            judge.passed = Arc::clone(&self.passed);
        }
        judge
    }

    /// Returns the document.
    pub fn doc(&self) -> &Document {
        &self.doc
    }

    /// Returns the tree of the document, where its language has a grammar.
    pub fn syntax(&self) -> Option<&SyntaxTree> {
        self.tree()
    }

    /// Judges one edit.
    ///
    /// `Err` holds why it must not be shown, and [`Finding::code`] of each is one of the codes in [`CODES`].
    pub fn judge(&self, edit: Edit, surroundings: &Surroundings<'_>) -> Result<Verified<Edit>, Vec<Finding>> {
        let trial = Trial::new(self, &edit, surroundings).map_err(|it| vec![*it])?;
        let mut checks = stage(&trial, Stage::Text)?;
        let end = digest_of_end(&trial);
        match end.as_ref().and_then(|end| self.remembered(end)) {
            Some(earlier) => checks = earlier,
            None => {
                checks.extend(stage(&trial, Stage::Syntax)?);
                checks.extend(stage(&trial, Stage::Meaning)?);
                if let Some(end) = end {
                    self.remember(Passed { checks: checks.clone(), ..end });
                }
            }
        }
        drop(trial);
        let digest = self.digest.get_or_init(|| hex_digest(self.doc.text().as_bytes()));
        let against = Against::Document { version: self.doc.version, digest: digest.clone() };
        Ok(Verified::stamp(edit, against, checks))
    }

    /// Returns the checks that an insertion passed of which `asked` is the end: it leads to the same text.
    fn remembered(&self, asked: &Passed) -> Option<Vec<CheckRecord>> {
        let covers = |it: &&Passed| {
            it.start <= asked.start
                && it.end == asked.end
                && it.has_names == asked.has_names
                && it.digest == asked.digest
        };
        self.remembered_all().iter().find(covers).map(|it| it.checks.clone())
    }

    fn remember(&self, passed: Passed) {
        let mut all = self.remembered_all();
        all.push_back(passed);
        if all.len() > MAX_REMEMBERED {
            all.pop_front();
        }
    }

    fn remembered_all(&self) -> std::sync::MutexGuard<'_, VecDeque<Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the tree of the document, where its language has a grammar.
    fn tree(&self) -> Option<&SyntaxTree> {
        let language = self.language?;
        Some(self.tree.get_or_init(|| {
            let edited = self.parsed.as_ref().and_then(|it| {
                let edit = Edit::between(&it.text, self.doc.text());
                it.tree.edited(&edit).ok()
            });
            edited.unwrap_or_else(|| SyntaxTree::parse(language, self.doc.shared_text()))
        }))
    }

    /// Returns how many syntax errors the document has.
    fn n_errors(&self) -> usize {
        *self.n_errors.get_or_init(|| self.tree().map_or(0, SyntaxTree::error_count))
    }

    /// Returns what the document says about names.
    fn names(&self) -> Option<&FileNames> {
        let tree = self.tree()?;
        Some(self.names.get_or_init(|| FileNames::of(tree)))
    }

    fn path(&self) -> &Path {
        &self.doc.path
    }
}

/// Runs the checks of a stage, and returns a record of each that applies.
fn stage(trial: &Trial<'_>, stage: Stage) -> Result<Vec<CheckRecord>, Vec<Finding>> {
    let mut passed = Vec::new();
    let mut findings = Vec::new();
    for check in CHECKS.iter().filter(|it| it.stage == stage) {
        let Some(found) = (check.check)(trial) else { continue };
        findings.extend(found);
        passed.push(CheckRecord { check: check.code, detail: check.promise.to_owned() });
    }
    if findings.is_empty() { Ok(passed) } else { Err(findings) }
}

/// Returns what is remembered of an insertion in one place, but for its checks; nothing for other edits.
fn digest_of_end(trial: &Trial<'_>) -> Option<Passed> {
    let [piece] = trial.pieces.as_slice() else { return None };
    if !piece.replaced.is_empty() || !trial.around.assumed.is_empty() {
        return None;
    }
    Some(Passed {
        digest: hex_digest(trial.after.as_bytes()),
        start: piece.inserted.start,
        end: piece.inserted.end,
        has_names: trial.around.names.is_some(),
        checks: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Judges the insertion of `insert` at `║`, and returns the codes of the refusal.
    fn codes(path: &str, marked: &str, insert: &str) -> Vec<&'static str> {
        trial::tests::codes(path, marked, insert, &Surroundings::default())
    }

    #[test]
    fn what_is_left_of_an_insertion_while_it_is_typed_has_passed_already() {
        let first = Judge::new(&Document::new("a.py", 1, "def f(values):\n    return \n"));
        let whole = first.judge(Edit::single(26..26, "sum(values)"), &Surroundings::default()).unwrap();
        let typed = first.next(&Document::new("a.py", 2, "def f(values):\n    return su\n"));
        let rest = typed.judge(Edit::single(28..28, "m(values)"), &Surroundings::default()).unwrap();
        assert_eq!(rest.checks(), whole.checks());
        assert!(typed.tree.get().is_none(), "nothing was parsed");
        assert!(matches!(rest.against(), Against::Document { version: 2, .. }));
    }

    #[test]
    fn another_text_or_a_longer_insertion_is_judged_anew() {
        let first = Judge::new(&Document::new("a.py", 1, "def f(values):\n    return su\n"));
        first.judge(Edit::single(28..28, "m(values)"), &Surroundings::default()).unwrap();
        for (text, offset, insert) in [
            ("def f(values):\n    return \n", 26, "sum(values)"),
            ("def f(values):\n    return su\n", 28, "m(values, 1)"),
        ] {
            let next = first.next(&Document::new("a.py", 2, text));
            next.judge(Edit::single(offset..offset, insert), &Surroundings::default()).unwrap();
            assert!(next.tree.get().is_some(), "{text}");
        }
        let next = first.next(&Document::new("a.py", 2, "def f(values):\n    return su\n"));
        assert!(next.judge(Edit::single(28..28, "m(values"), &Surroundings::default()).is_err());
    }

    #[test]
    fn an_edit_that_parses_is_verified_against_this_version_and_lists_its_checks() {
        let doc = Document::new("a.py", 7, "x = \n");
        let verified = judge(&doc, Edit::single(4..4, "1"), &Surroundings::default()).unwrap();
        assert!(matches!(verified.against(), Against::Document { version: 7, .. }));
        let names: Vec<_> = verified.checks().iter().map(|it| it.check).collect();
        let applied = CHECKS.iter().map(|it| it.code).filter(|it| !["restores-deleted", "brackets"].contains(it));
        assert_eq!(names, applied.collect::<Vec<_>>(), "nothing was deleted, and the parser knows about brackets");
    }

    #[test]
    fn edits_that_must_not_be_shown_are_refused_with_the_reason() {
        assert_eq!(codes("a.py", "x = 1\n║", "y = (\n"), ["parses"]);
        assert_eq!(codes("a.py", "if x:\n║", "y = 1\n"), ["indentation"], "the block still has no body");
        assert_eq!(codes("a.py", "x = 1\n║\n\n\n\ny = = 2\n", "z = 1\n"), [""; 0], "broken elsewhere is not its fault");
        assert_eq!(codes("a.py", "x = 1\n║", ""), ["no-change"]);
        assert_eq!(codes("a.py", "a = 1\n║b = 2\nc = 3\n", "b = 2\nc = 3\n"), ["echo-suffix"]);
    }

    #[test]
    fn ordinary_suggestions_pass() {
        for (marked, insert) in [
            ("total = 1\nx = ║\n", "total + 1"),
            ("total = 1\nx = t║\n", "otal + 1"),
            ("x = 1║\n", "\ny = 2"),
            ("def f(x):\n    return ║\n", "x + 1"),
            ("def f(x):\n║\n\ndef g():\n    pass\n", "    y = x\n    return y"),
            ("def f(x):\n    if x:\n        return 1\n║\n\nprint(f(1))\n", "    else:\n        return 2"),
        ] {
            assert_eq!(codes("a.py", marked, insert), [""; 0], "{marked}");
        }
    }

    #[test]
    fn a_judge_of_a_later_version_knows_what_changed() {
        let first = Judge::new(&Document::new("a.py", 1, "def f(a):\n    return \n"));
        assert!(first.judge(Edit::single(21..21, "a"), &Surroundings::default()).is_ok());
        let second = first.next(&Document::new("a.py", 2, "def f(b):\n    return \n"));
        assert!(second.judge(Edit::single(21..21, "b"), &Surroundings::default()).is_ok());
        let stale = second.judge(Edit::single(21..21, "a"), &Surroundings::default());
        assert_eq!(stale.map_err(|it| it[0].code()), Err("unknown-name"));
    }

    #[test]
    #[ignore = "prints how long judging takes in a file of 5,000 lines"]
    fn times_in_a_long_file() {
        let python = "def f(first, second):\n    total = first + second\n    if total > first:\n        return [total, len(str(first))]\n    return second\n";
        let rust = "fn f(first: u32, second: u32) -> u32 {\n    let total = first + second;\n    if total > 3 { return total; }\n    second\n}\n";
        for (path, part, line) in
            [("a.py", python, "    print(total, first)\n"), ("a.rs", rust, "    drop((total, first));\n")]
        {
            let text = part.repeat(1_000);
            let doc = Document::new(path, 1, text.as_str());
            let at = text.len() / part.len() / 2 * part.len() + part[..part.len() - 3].rfind("\n    ").unwrap() + 1;
            let judge = Judge::new(&doc);
            for round in ["first", "second", "third"] {
                let started = std::time::Instant::now();
                let verdict = judge.judge(Edit::single(at..at, line), &Surroundings::default());
                println!("{path}: {round} candidate {:?}, shown: {}", started.elapsed(), verdict.is_ok());
            }
            let started = std::time::Instant::now();
            let next = judge.next(&Document::new(path, 2, format!("{text}\n")));
            let verdict = next.judge(Edit::single(at..at, line), &Surroundings::default());
            println!("{path}: after a keystroke {:?}, shown: {}", started.elapsed(), verdict.is_ok());
        }
    }

    #[test]
    fn every_check_has_its_code_in_the_list() {
        for check in CHECKS {
            assert!(CODES.contains(&check.code), "{}", check.code);
        }
    }

    #[test]
    fn an_edit_for_another_text_is_refused() {
        let doc = Document::new("a.py", 1, "é");
        for range in [0..9, 1..2, 7..7] {
            let refused = judge(&doc, Edit::single(range, "x"), &Surroundings::default());
            assert_eq!(refused.map_err(|it| it[0].code()), Err("does-not-fit"));
        }
    }

    const PATHS: &[&str] = &["a.py", "a.rs", "a.js", "a.ts", "a.tsx", "a.go", "A.java", "a.c", "notes.md"];
    const TEXT: &str = "([a-z \n\t(){}\\[\\]:;,.='\"`#/\\\\<>|%$@!?*+-]|\\PC|[\u{0}-\u{1f}]){0,60}";

    proptest! {
        #[test]
        fn no_text_and_no_edit_makes_it_panic(
            path in prop::sample::select(PATHS), text in TEXT, insert in TEXT, deleted in TEXT,
            start in 0usize..120, length in 0usize..40,
        ) {
            let doc = Document::new(path, 1, text);
            let names = KnownNames::from_iter(["x"]);
            let around = Surroundings { names: Some(&names), just_deleted: &[deleted.as_str()], assumed: "" };
            let edit = Edit::single(start..start + length, insert);
            let fits = edit.apply(doc.text()).is_ok();
            let verdict = judge(&doc, edit, &around);
            prop_assert!(fits || verdict.is_err());
            for finding in verdict.err().into_iter().flatten() {
                prop_assert!(CODES.contains(&finding.code()), "{finding}");
            }
        }

        #[test]
        fn no_code_and_no_edit_makes_it_panic(
            path in prop::sample::select(PATHS),
            words in prop::collection::vec(prop::sample::select(WORDS), 0..40),
            inserted in prop::collection::vec(prop::sample::select(WORDS), 0..20),
            cut in 0usize..200, length in 0usize..20,
        ) {
            let doc = Document::new(path, 1, words.concat());
            let start = cut.min(doc.text().len());
            let end = (start + length).min(doc.text().len());
            let _ = judge(&doc, Edit::single(start..end, inserted.concat()), &Surroundings::default());
        }
    }

    const WORDS: &[&str] = &[
        "def ",
        "f",
        "(",
        ")",
        ":",
        "\n",
        "    ",
        "\t",
        "x",
        " = ",
        "class ",
        "{",
        "}",
        "fn ",
        "let ",
        "import ",
        "from ",
        "*",
        "\"",
        "'",
        "`",
        "${",
        "lambda ",
        "for ",
        " in ",
        "[",
        "]",
        "func ",
        "package ",
        "match ",
        "case ",
        "=>",
        "|",
        "use ",
        "::",
        ";",
        "function ",
        "const ",
        "<",
        ">",
        "/",
        "#",
        "é",
        "global ",
        "async ",
        "await ",
        ".",
        ",",
        "f\"",
    ];
}
