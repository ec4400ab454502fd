//! Exceptions that people have written down, each with a reason and a day on which it ends: in `wright.toml`, or in a comment
//! `wright: allow RULE until 2027-01-31: reason` on the line of a finding or the one above.
//!
//! They count where they stood before the change. One that the change itself brings is a finding; so is one that has ended,
//! where it would have applied.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use chrono::NaiveDate;
use globset::GlobMatcher;
use regex::Regex;

use crate::change::{ChangeSet, FileDelta};
use crate::policy::{POLICY_FILE, Policy, matcher, names};
use crate::ratchet::Judged;
use crate::{CheckReport, Finding};

/// The check that looks at exceptions.
pub const NAME: &str = "suppressions";

/// The rule against an exception that a change makes for itself.
pub const SUPPRESSION_ADDED: &str = "suppression-added";

/// The rule about an exception that has ended.
pub const SUPPRESSION_EXPIRED: &str = "suppression-expired";

/// The rule about a comment that was meant to be an exception and is none.
pub const SUPPRESSION_MALFORMED: &str = "suppression-malformed";

/// An exception.
#[derive(Debug, Clone)]
pub(crate) struct Suppression {
    pub(crate) rule_name: String,
    pub(crate) rule: GlobMatcher,
    pub(crate) path: Option<GlobMatcher>,
    pub(crate) path_name: Option<String>,
    pub(crate) fingerprint: Option<String>,
    pub(crate) reason: String,
    pub(crate) expires: NaiveDate,
    pub(crate) origin: Origin,
}

/// Where an exception stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

/// Why a finding does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// The reason that was given.
    pub reason: String,
    /// The day after which it counts again; none for a rule that is switched off.
    pub expires: Option<NaiveDate>,
    /// Where the exception stands.
    pub origin: Origin,
}

/// Every exception that holds for a change, and what is wrong with them.
#[derive(Debug)]
pub(crate) struct Suppressions<'a> {
    policy: &'a [Suppression],
    inline: Vec<Suppression>,
    today: NaiveDate,
}

/// What the exceptions say about a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Nothing.
    None,
    /// It does not count.
    Holds(Suppressed),
    /// It did not count until a day that has passed.
    Ended(Suppressed),
}

impl<'a> Suppressions<'a> {
    /// Reads the exceptions that stood before the change.
    pub(crate) fn of(policy: &'a Policy, change: &ChangeSet, today: NaiveDate) -> Self {
        Self { policy: &policy.suppressions, inline: standing(change), today }
    }

    /// Returns what becomes of a finding.
    pub(crate) fn apply(&self, judged: &Judged) -> Applied {
        let mut ended = None;
        for it in self.policy.iter().chain(&self.inline).filter(|it| it.covers(judged)) {
            let suppressed =
                Suppressed { reason: it.reason.clone(), expires: Some(it.expires), origin: it.origin.clone() };
            if it.expires >= self.today {
                return Applied::Holds(suppressed);
            }
            ended.get_or_insert(suppressed);
        }
        ended.map_or(Applied::None, Applied::Ended)
    }
}

impl Suppression {
    fn covers(&self, judged: &Judged) -> bool {
        let finding = &judged.finding;
        let is_place = if self.origin.path == std::path::Path::new(POLICY_FILE) {
            let path = finding.path.as_deref();
            self.path.as_ref().is_none_or(|glob| path.is_some_and(|path| glob.is_match(path)))
        } else {
            let is_near = finding.line.is_some_and(|line| line == self.origin.line || line == self.origin.line + 1);
            is_near && finding.path.as_deref() == Some(&self.origin.path)
        };
        is_place && names(&self.rule, finding) && self.fingerprint.as_ref().is_none_or(|it| *it == judged.fingerprint)
    }

    /// Returns what makes two entries of a policy the same.
    fn words(&self) -> Vec<String> {
        let optional = |it: &Option<String>| it.clone().unwrap_or_default();
        vec![self.rule_name.clone(), optional(&self.path_name), optional(&self.fingerprint), self.expires.to_string()]
    }
}

/// Returns the finding about an exception that has ended and would have held.
pub(crate) fn ended(suppressed: &Suppressed) -> Finding {
    let day = suppressed.expires.map(|it| it.to_string()).unwrap_or_default();
    Finding::note(NAME, format!("an exception ended on {day}: {}", suppressed.reason))
        .rule(SUPPRESSION_EXPIRED)
        .at(&suppressed.origin.path, Some(suppressed.origin.line))
        .hint("Fix what it was made for, or give it a later day if the reason still holds.")
}

/// Reports every exception that the change itself brings, and every comment that looks like one and is none.
pub fn report(change: &ChangeSet) -> CheckReport {
    let mut report = CheckReport::ran(NAME);
    let mut known = counted(change.files.iter().flat_map(|it| comments(it, it.text_before())));
    for file in &change.files {
        if file.path == std::path::Path::new(POLICY_FILE) {
            report.after.extend(added_to_policy(file));
        }
        report.analysed.push(file.path.clone());
        for comment in comments(file, file.text_after()) {
            match known.get_mut(&comment.words).filter(|it| **it > 0) {
                Some(count) => *count -= 1,
                None => report.after.push(added(&comment)),
            }
        }
    }
    report
}

/// Returns the comments of the later texts that stood in the earlier ones.
fn standing(change: &ChangeSet) -> Vec<Suppression> {
    let mut known = counted(change.files.iter().flat_map(|it| comments(it, it.text_before())));
    let after = change.files.iter().flat_map(|it| comments(it, it.text_after()));
    let old = after.filter(|comment| match known.get_mut(&comment.words).filter(|it| **it > 0) {
        Some(count) => {
            *count -= 1;
            true
        }
        None => false,
    });
    old.filter_map(|it| it.suppression).collect()
}

/// A comment that is an exception, or was meant to be one.
struct Comment {
    words: String,
    origin: Origin,
    suppression: Option<Suppression>,
}

fn counted(comments: impl Iterator<Item = Comment>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for comment in comments {
        *counts.entry(comment.words).or_default() += 1;
    }
    counts
}

fn comments(file: &FileDelta, text: &str) -> Vec<Comment> {
    // One search over the text is cheaper than one over each line.
    if !text.contains("wright:") {
        return Vec::new();
    }
    let lines = text.lines().enumerate();
    let found = lines.filter_map(|(idx, line)| {
        let words = MARK.captures(line)?.name("words")?.as_str().trim();
        let origin = Origin { path: file.path.clone(), line: idx + 1 };
        Some(Comment { words: words.to_owned(), suppression: parse(words, &origin), origin })
    });
    found.collect()
}

static MARK: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?:#|//|/\*|--|<!--|;|%)\s*wright:\s*allow\b(?P<words>.*?)(?:\*/|-->)?\s*$";
    Regex::new(pattern).expect("the pattern is a constant and a test compiles it")
});

static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^(?P<rule>\S+)\s+until\s+(?P<day>\d{4}-\d{2}-\d{2})\s*:\s*(?P<reason>\S.*)$";
    Regex::new(pattern).expect("the pattern is a constant and a test compiles it")
});

fn parse(words: &str, origin: &Origin) -> Option<Suppression> {
    let found = WORDS.captures(words)?;
    Some(Suppression {
        rule_name: found["rule"].to_owned(),
        rule: matcher(&found["rule"])?,
        path: None,
        path_name: None,
        fingerprint: None,
        reason: found["reason"].trim().to_owned(),
        expires: NaiveDate::parse_from_str(&found["day"], "%Y-%m-%d").ok()?,
        origin: origin.clone(),
    })
}

fn added(comment: &Comment) -> Finding {
    let finding = match &comment.suppression {
        Some(it) => Finding::error(NAME, format!("the change makes an exception from `{}` for itself", it.rule_name))
            .rule(SUPPRESSION_ADDED)
            .hint("Let someone commit the exception on its own first; it counts from then on."),
        None => Finding::warning(NAME, "this comment is no valid exception")
            .rule(SUPPRESSION_MALFORMED)
            .hint("Write `wright: allow RULE until 2027-01-31: reason`."),
    };
    finding.at(&comment.origin.path, Some(comment.origin.line)).key(comment.words.clone())
}

/// Returns the entries of a policy that the change adds.
fn added_to_policy(file: &FileDelta) -> Vec<Finding> {
    let Ok(after) = Policy::parse(file.text_after()) else { return Vec::new() };
    let before = Policy::parse(file.text_before()).unwrap_or_default();
    let is_new = |it: &&Suppression| !before.suppressions.iter().any(|old| old.words() == it.words());
    let finding = |it: &Suppression| {
        Finding::error(NAME, format!("the change makes an exception from `{}` for itself", it.rule_name))
            .rule(SUPPRESSION_ADDED)
            .at(POLICY_FILE, Some(it.origin.line))
            .key(it.words().join(" "))
            .hint("Let someone commit the exception on its own first; it counts from then on.")
    };
    after.suppressions.iter().filter(is_new).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Content;
    use crate::ratchet::State;

    fn change(path: &str, before: &str, after: &str) -> ChangeSet {
        let content = |text: &str| Content::Text(text.into());
        ChangeSet {
            files: vec![FileDelta {
                path: path.into(),
                moved_from: None,
                before: content(before),
                after: content(after),
            }],
        }
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
    }

    fn applied(policy: &str, change: &ChangeSet, finding: Finding) -> Applied {
        let policy = Policy::parse(policy).unwrap();
        let judged = Judged { finding, state: State::New, fingerprint: "f".to_owned() };
        Suppressions::of(&policy, change, today()).apply(&judged)
    }

    const COMMENT: &str = "# wright: allow py/eval until 2027-01-31: a calculator\n";

    #[test]
    fn a_comment_that_stood_before_covers_its_line_and_the_next() {
        let before = format!("{COMMENT}eval(x)\n");
        let after = format!("import a\n{COMMENT}eval(x + y)\neval(z)\n");
        let change = change("a.py", &before, &after);
        let at = |line| Finding::error("c", "m").rule("py/eval").at("a.py", Some(line));
        assert!(matches!(applied("", &change, at(3)), Applied::Holds(_)));
        assert_eq!(applied("", &change, at(4)), Applied::None);
        assert_eq!(applied("", &change, at(3).rule("py/exec")), Applied::None);
    }

    #[test]
    fn a_comment_that_the_change_brings_covers_nothing_and_is_a_finding() {
        let change = change("a.py", "", &format!("{COMMENT}eval(x)\n"));
        assert_eq!(applied("", &change, Finding::error("c", "m").rule("py/eval").at("a.py", Some(2))), Applied::None);
        let findings = report(&change).after;
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].to_string(),
            "a.py:1: the change makes an exception from `py/eval` for itself [suppression-added]"
        );
    }

    #[test]
    fn a_comment_that_was_moved_or_copied_is_counted() {
        let moved = change("a.py", COMMENT, &format!("x = 1\n\n{COMMENT}"));
        assert!(report(&moved).after.is_empty());
        let copied = change("a.py", COMMENT, &format!("{COMMENT}{COMMENT}"));
        assert_eq!(report(&copied).after.len(), 1);
    }

    #[test]
    fn a_comment_without_a_day_or_a_reason_is_said_to_be_none() {
        for words in ["wright: allow x", "wright: allow x until 2027-01-31", "wright: allow x until someday: y"] {
            let change = change("a.rs", "", &format!("f(); // {words}\n"));
            assert_eq!(report(&change).after[0].rule, SUPPRESSION_MALFORMED, "{words}");
        }
        assert!(report(&change("a.py", "", "print('wright: allow x')\n")).after.is_empty());
    }

    #[test]
    fn an_entry_of_the_policy_covers_its_rule_path_and_fingerprint_until_its_day() {
        let none = ChangeSet::default();
        let finding = |path: &str| Finding::error("c", "m").rule("py/eval").at(path, Some(9));
        let policy = |more: &str, day: &str| {
            format!("[[check.suppress]]\nrule = \"py/*\"\nreason = \"r\"\nexpires = {day}\n{more}\n")
        };
        let holds = |it: &Applied| matches!(it, Applied::Holds(_));
        assert!(holds(&applied(&policy("path = \"vendor/**\"", "2027-01-31"), &none, finding("vendor/x/a.py"))));
        assert!(!holds(&applied(&policy("path = \"vendor/**\"", "2027-01-31"), &none, finding("src/a.py"))));
        assert!(holds(&applied(&policy("fingerprint = \"f\"", "2027-01-31"), &none, finding("a.py"))));
        assert!(!holds(&applied(&policy("fingerprint = \"g\"", "2027-01-31"), &none, finding("a.py"))));
        assert!(holds(&applied(&policy("", "2026-11-22"), &none, finding("a.py"))));
        let Applied::Ended(it) = applied(&policy("", "2026-11-21"), &none, finding("a.py")) else { panic!() };
        assert_eq!(ended(&it).to_string(), "wright.toml:2: an exception ended on 2026-11-21: r [suppression-expired]");
    }

    #[test]
    fn an_entry_that_the_change_adds_to_the_policy_is_a_finding() {
        let entry = "[[check.suppress]]\nrule = \"x\"\nreason = \"r\"\nexpires = 2027-01-31\n";
        let findings = report(&change(POLICY_FILE, "", entry)).after;
        assert_eq!(findings.len(), 1);
        assert!(report(&change(POLICY_FILE, entry, &format!("# more\n{entry}"))).after.is_empty());
        let later = entry.replace("2027", "2030");
        assert_eq!(report(&change(POLICY_FILE, entry, &later)).after.len(), 1);
    }
}
