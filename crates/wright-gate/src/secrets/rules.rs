//! The rules about issuers, read from `rules/secrets/*.toml`.
//!
//! A table is an issuer; each of its `secrets` has one of three forms:
//! - `prefix` and `body`: the token begins with these very letters, which follow no letter or digit;
//! - `near` and `value`: one of these words, whatever its case, is part of the name that the value is given to;
//! - `keywords` and `pattern`: where a keyword stands, the pattern is tried on the bytes around it (`before`, `after`); its
//!   first group that takes part is the value.
//!
//! The rest is optional: `entropy` (least bits per character), `mixed` (has letters and digits and reads like no word),
//! `check` (a structure the issuer publishes), `severity`, `strict` (only after `=` or `:`), and what a value may have that
//! usually gives a placeholder away: `repeats`, `sequences`, `text` (it may be words).

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

use super::Rank;
use crate::Severity;

const FILES: &[&str] = &[
    include_str!("../../rules/secrets/cloud.toml"),
    include_str!("../../rules/secrets/source.toml"),
    include_str!("../../rules/secrets/models.toml"),
    include_str!("../../rules/secrets/business.toml"),
    include_str!("../../rules/secrets/general.toml"),
];

/// Words in names that are given secrets, whoever issued those.
const TELLING: &[&str] = &["pass", "pwd", "secret", "token", "key", "auth", "cred"];

/// Everything that a text is searched for.
pub(super) struct Rules {
    pub(super) all: Vec<Rule>,
    pub(super) keywords: AhoCorasick,
    /// What each keyword calls for.
    pub(super) calls: Vec<Vec<Call>>,
}

/// What to try where a keyword stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// The rule with this index.
    Rule(usize),
    /// A telling name with a value.
    Assigned,
    /// An address with a password.
    Url,
    /// An armored private key.
    Pem,
}

/// One secret of one issuer.
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) what: String,
    pub(super) form: Form,
    pub(super) severity: Severity,
    pub(super) entropy: f64,
    pub(super) mixed: bool,
    pub(super) text: bool,
    pub(super) repeats: bool,
    pub(super) sequences: bool,
    pub(super) prose: bool,
    pub(super) check: Option<Structure>,
    source: String,
    pattern: OnceLock<Regex>,
}

/// How a rule is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// At the keyword, which is the start of the value.
    Prefix(String),
    /// At the keyword, which is part of a name.
    Near,
    /// In the bytes before and after the keyword.
    Around { before: usize, after: usize },
}

/// A structure that an issuer publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Structure {
    /// The last six characters are the CRC-32 of the others, in base 62.
    Base62Crc32,
    /// A JSON object that names an algorithm, in base 64, begins it.
    Jwt,
    /// A name, a colon and a password, in base 64.
    BasicCredentials,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issuer {
    name: String,
    secrets: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    what: String,
    prefix: Option<String>,
    body: Option<String>,
    near: Option<Vec<String>>,
    value: Option<String>,
    keywords: Option<Vec<String>>,
    pattern: Option<String>,
    before: Option<usize>,
    after: Option<usize>,
    entropy: Option<f64>,
    check: Option<Structure>,
    severity: Option<EntrySeverity>,
    #[serde(default)]
    mixed: bool,
    #[serde(default)]
    text: bool,
    #[serde(default)]
    repeats: bool,
    #[serde(default)]
    sequences: bool,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    prose: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EntrySeverity {
    Note,
    Warning,
}

/// Every rule, made on first use.
pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let issuers = FILES.iter().flat_map(|file| {
        toml::from_str::<BTreeMap<String, Issuer>>(file)
            .expect("the rules are part of the program and a test reads them")
    });
    let mut all = Vec::new();
    let mut by_keyword: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    for (id, issuer) in issuers {
        for entry in issuer.secrets {
            let (rule, keywords) = rule(&id, &issuer.name, entry);
            for keyword in keywords {
                by_keyword.entry(keyword.to_ascii_lowercase()).or_default().push(Call::Rule(all.len()));
            }
            all.push(rule);
        }
    }
    for telling in TELLING {
        by_keyword.entry((*telling).to_owned()).or_default().push(Call::Assigned);
    }
    by_keyword.entry("://".to_owned()).or_default().push(Call::Url);
    by_keyword.entry("-----begin".to_owned()).or_default().push(Call::Pem);
    let keywords = AhoCorasick::builder().ascii_case_insensitive(true).build(by_keyword.keys());
    let keywords = keywords.expect("a few hundred short words fit the automaton");
    Rules { all, keywords, calls: by_keyword.into_values().collect() }
});

/// Returns a rule and the words that call for it.
fn rule(issuer: &str, name: &str, entry: Entry) -> (Rule, Vec<String>) {
    const END: &str = r"(?:[^A-Za-z0-9]|\z)";
    let (form, source, keywords, least) = match (entry.prefix, entry.near, entry.pattern) {
        (Some(prefix), None, None) => {
            let body = entry.body.unwrap_or_default();
            let source = format!(r"\A({}(?:{body})){END}", regex::escape(&prefix));
            (Form::Prefix(prefix.clone()), source, vec![prefix], 2.7)
        }
        (None, Some(near), None) => {
            (Form::Near, near_pattern(&near, &entry.value.unwrap_or_default(), entry.strict), near, 3.0)
        }
        (_, _, pattern) => {
            let form = Form::Around { before: entry.before.unwrap_or(60), after: entry.after.unwrap_or(400) };
            (form, pattern.unwrap_or_default(), entry.keywords.unwrap_or_default(), 2.7)
        }
    };
    let severity = match entry.severity {
        None => Severity::Error,
        Some(EntrySeverity::Warning) => Severity::Warning,
        Some(EntrySeverity::Note) => Severity::Note,
    };
    let article = if name.starts_with("a ") || name.starts_with("an ") { "in" } else { "of" };
    let rule = Rule {
        id: format!("{issuer}/{}", entry.what.to_ascii_lowercase().replace([' ', '.'], "-")),
        what: format!("a secret: {} {article} {name}", entry.what),
        form,
        severity,
        entropy: entry.entropy.unwrap_or(least),
        mixed: entry.mixed,
        text: entry.text,
        repeats: entry.repeats,
        sequences: entry.sequences,
        prose: entry.prose,
        check: entry.check,
        source,
        pattern: OnceLock::new(),
    };
    (rule, keywords)
}

/// Returns the pattern of a value that is given to a name with one of these words in it.
fn near_pattern(words: &[String], value: &str, strict: bool) -> String {
    let words: Vec<String> = words.iter().map(|it| regex::escape(it)).collect();
    let between = if strict { r#"(?:=>|:=|[:=(,])"# } else { r#"(?:(?:=>|:=|[:=(,>|\]]|\s|\bis\b|&quot;){1,5})"# };
    format!(
        r#"(?i)\A(?:{})[\w.\-\[ ]{{0,40}}?["'`\\\])]{{0,3}}\s{{0,5}}{between}\s{{0,5}}(?:env\(["'][\w]{{1,40}}["'],\s?)?["'`\\]{{0,3}}(?-i:({value}))(?:[^A-Za-z0-9_\-+/]|\z)"#,
        words.join("|")
    )
}

impl Rule {
    /// Returns the compiled pattern; most rules are never called for, so it is made on first use.
    pub(super) fn pattern(&self) -> &Regex {
        self.pattern.get_or_init(|| {
            let pattern = RegexBuilder::new(&self.source).unicode(false).build();
            pattern.expect("the rules are part of the program and a test compiles each")
        })
    }

    pub(super) fn rank(&self) -> Rank {
        match (&self.form, self.severity) {
            (_, Severity::Note) => Rank::Identifier,
            (Form::Prefix(_) | Form::Around { .. }, _) => Rank::Issuer,
            (Form::Near, _) => Rank::Named,
        }
    }

    /// Returns the form of the value alone, for tests that make values.
    #[cfg(test)]
    pub(super) fn source(&self) -> &str {
        &self.source
    }
}
