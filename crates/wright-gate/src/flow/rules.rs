//! The rules and the models of the languages, read from `rules/<language>/*.yml`.
//!
//! A rule says what to look for in [`selectors`](super::selector); `model.yml` of a language says what comes from
//! outside, what makes it harmless, and which functions are called by a framework. A new sink is one line in a file.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;
use wright_text::Language;

use super::selector::{PathSet, Selector};
use crate::{Confidence, Severity};

include!(concat!(env!("OUT_DIR"), "/rule_files.rs"));

/// A rule as people read it: what is wrong, why it matters, and code that shows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name: the folder and the file, such as `python/sql-injection`.
    pub id: String,
    /// What it finds, in a few words.
    pub title: String,
    /// How much a finding matters when everything about it is certain.
    #[serde(deserialize_with = "severity")]
    pub severity: Severity,
    /// How sure a finding is.
    #[serde(deserialize_with = "confidence")]
    pub confidence: Confidence,
    /// The weaknesses, as numbers of the Common Weakness Enumeration, the closest first.
    pub cwe: Vec<u16>,
    /// The languages it reads.
    pub languages: Vec<String>,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What to do, as a sentence.
    pub hint: String,
    /// What a value must not reach unless it was made harmless for it; for rules that follow values.
    #[serde(default)]
    pub category: Option<String>,
    /// How much a value matters that is a parameter of a function here, not certainly from outside.
    #[serde(default, deserialize_with = "optional_severity")]
    pub parameters: Option<Severity>,
    /// Where a value from outside does harm.
    #[serde(default)]
    pub(crate) sinks: Vec<Selector>,
    /// Assignments in which such a value does harm.
    #[serde(default)]
    pub(crate) assigned: Vec<Selector>,
    /// A regular expression on imported modules: where one matches, what a request handler returns does harm.
    #[serde(default)]
    returned: Option<String>,
    /// Calls that are wrong as they stand.
    #[serde(default)]
    pub(crate) calls: Vec<Selector>,
    /// Assignments that are wrong as they stand.
    #[serde(default)]
    pub(crate) assignments: Vec<Selector>,
    /// Names that are wrong to use at all.
    #[serde(default)]
    pub(crate) references: Vec<Selector>,
    /// Regular expressions over code, for what has no shape of its own.
    #[serde(default)]
    pub(crate) text: Vec<String>,
    /// Code that breaks the rule and code that does not.
    pub examples: Examples,
}

/// Code that shows a rule. The line to find ends in a comment that says `bad`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Code that breaks it.
    pub bad: Vec<String>,
    /// The nearest code that does not.
    pub good: Vec<String>,
}

/// What a language and its libraries do with values.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFile {
    pub(crate) sources: HashMap<SourceKind, Vec<Selector>>,
    /// Regular expressions of decorators that make the parameters of a function come from a client.
    #[serde(default)]
    handler_decorators: Vec<String>,
    /// Regular expressions of annotations and types that make one parameter come from a client.
    #[serde(default)]
    handler_parameters: Vec<String>,
    /// What a parameter of this name stands for, whatever its type.
    #[serde(default)]
    pub(crate) parameter_names: HashMap<String, String>,
    /// Parameters of these names are never from outside.
    #[serde(default)]
    pub(crate) harmless_parameters: Vec<String>,
    /// Parameters of these types are never dangerous.
    #[serde(default)]
    pub(crate) harmless_types: Vec<String>,
    /// Calls that register a function for requests; its first parameter is one.
    #[serde(default)]
    handler_calls: Vec<Selector>,
    /// Members of a source that are not from outside.
    #[serde(default)]
    pub(crate) harmless: Vec<Selector>,
    /// What the result of a call is harmless for: `all` or categories.
    #[serde(default)]
    sanitizers: Vec<(Selector, Vec<String>)>,
    /// The same, for conditions that were true.
    #[serde(default)]
    validators: Vec<(Selector, Vec<String>)>,
    /// Calls that hand on what they are given, and nothing else.
    #[serde(default)]
    pub(crate) transparent: Vec<Selector>,
    /// Calls that resolve `..` in a path or take an address apart.
    #[serde(default)]
    pub(crate) resolving: Vec<Selector>,
    /// Calls that store their arguments in the object they are called on.
    #[serde(default)]
    pub(crate) storing: Vec<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SourceKind {
    /// A client of a network service.
    Web,
    /// The command line.
    Arguments,
    /// The environment.
    Environment,
    /// The terminal or a pipe.
    Stdin,
    /// A file, a socket or a database.
    Stored,
    /// The caller of a function.
    Parameter,
}

impl SourceKind {
    pub(crate) fn note(self) -> &'static str {
        match self {
            SourceKind::Web => "a client sends this",
            SourceKind::Arguments => "the command line gives this",
            SourceKind::Environment => "the environment gives this",
            SourceKind::Stdin => "standard input gives this",
            SourceKind::Stored => "this is read from outside the program",
            SourceKind::Parameter => "the caller passes this",
        }
    }
}

/// Everything about one language, ready to be looked up.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) rules: Vec<&'static Rule>,
    pub(crate) sinks: PathSet,
    pub(crate) assigned: PathSet,
    pub(crate) returned: Vec<(usize, Regex)>,
    pub(crate) calls: PathSet,
    pub(crate) assignments: PathSet,
    pub(crate) references: PathSet,
    pub(crate) sources: PathSet,
    pub(crate) source_kinds: Vec<SourceKind>,
    pub(crate) sanitizers: PathSet,
    pub(crate) sanitizer_masks: Vec<u32>,
    pub(crate) validators: PathSet,
    pub(crate) validator_masks: Vec<u32>,
    pub(crate) transparent: PathSet,
    pub(crate) resolving: PathSet,
    pub(crate) harmless: PathSet,
    pub(crate) handler_calls: PathSet,
    pub(crate) handler_decorators: Vec<Regex>,
    pub(crate) handler_parameters: Vec<Regex>,
    pub(crate) text: Vec<(usize, Regex)>,
    pub(crate) model: ModelFile,
}

/// Every category has a bit; a value that is harmless for all has all of them.
pub(crate) const ALL: u32 = u32::MAX;
const CATEGORIES: [&str; 20] = [
    "sql",
    "command",
    "code",
    "path",
    "template",
    "xss",
    "ssrf",
    "deserialization",
    "xml",
    "xpath",
    "ldap",
    "redirect",
    "trust",
    "log",
    "header",
    "nosql",
    "regex",
    "mail",
    "format",
    "allocation",
];

/// Returns the bit of a category.
pub(crate) fn category_bit(name: &str) -> Option<u32> {
    CATEGORIES.iter().position(|it| *it == name).map(|at| 1 << at)
}

/// Returns every rule, in the order of its files.
pub fn rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let files = RULE_FILES.iter().filter(|(name, _)| !name.ends_with("/model"));
        files.map(|(name, text)| serde_saphyr::from_str(text).unwrap_or_else(|error| malformed(name, &error))).collect()
    })
}

/// The files are part of the program and a test reads each; one that cannot be read is a broken build.
fn malformed(name: &str, error: &dyn std::fmt::Display) -> ! {
    unreachable!("rules/{name}.yml: {error}")
}

/// Returns the rules of a language; `None` where there are none.
pub(crate) fn rule_set(language: Language) -> Option<&'static RuleSet> {
    static SETS: [OnceLock<Option<RuleSet>>; 5] = [const { OnceLock::new() }; 5];
    let (at, name) = match language {
        Language::Python => (0, "python"),
        Language::JavaScript | Language::TypeScript | Language::Tsx => (1, "javascript"),
        Language::Go => (2, "go"),
        Language::Java => (3, "java"),
        Language::Rust => (4, "rust"),
        Language::Cpp => return None,
    };
    SETS[at].get_or_init(|| load(name)).as_ref()
}

fn load(language: &str) -> Option<RuleSet> {
    let name = format!("{language}/model");
    let (_, text) = RULE_FILES.iter().find(|(file, _)| *file == name)?;
    let mut model: ModelFile = serde_saphyr::from_str(text).unwrap_or_else(|error| malformed(&name, &error));
    let rules: Vec<&'static Rule> = rules().iter().filter(|it| it.languages.iter().any(|it| it == language)).collect();
    let select = |pick: fn(&Rule) -> &Vec<Selector>| {
        PathSet::new(
            rules.iter().enumerate().flat_map(|(idx, rule)| pick(rule).iter().map(move |it| (it.clone(), idx))),
        )
    };
    let kinds: Vec<SourceKind> = model.sources.keys().copied().collect();
    let sources =
        kinds.iter().enumerate().flat_map(|(idx, kind)| model.sources[kind].iter().map(move |it| (it.clone(), idx)));
    let sources = PathSet::new(sources);
    let (sanitizers, sanitizer_masks) = masked(std::mem::take(&mut model.sanitizers));
    let (validators, validator_masks) = masked(std::mem::take(&mut model.validators));
    let text = rules.iter().enumerate().flat_map(|(idx, rule)| rule.text.iter().map(move |it| (idx, pattern(it))));
    let returned = rules.iter().enumerate().filter_map(|(idx, rule)| Some((idx, pattern(rule.returned.as_ref()?))));
    Some(RuleSet {
        sinks: select(|rule| &rule.sinks),
        assigned: select(|rule| &rule.assigned),
        returned: returned.collect(),
        calls: select(|rule| &rule.calls),
        assignments: select(|rule| &rule.assignments),
        references: select(|rule| &rule.references),
        sources,
        source_kinds: kinds,
        sanitizers,
        sanitizer_masks,
        validators,
        validator_masks,
        transparent: unnumbered(&model.transparent),
        resolving: unnumbered(&model.resolving),
        harmless: unnumbered(&model.harmless),
        handler_calls: unnumbered(&model.handler_calls),
        handler_decorators: model.handler_decorators.iter().map(|it| pattern(it)).collect(),
        handler_parameters: model.handler_parameters.iter().map(|it| pattern(it)).collect(),
        text: text.collect(),
        rules,
        model,
    })
}

fn unnumbered(selectors: &[Selector]) -> PathSet {
    PathSet::new(selectors.iter().cloned().map(|it| (it, 0)))
}

fn masked(entries: Vec<(Selector, Vec<String>)>) -> (PathSet, Vec<u32>) {
    let mask = |names: &Vec<String>| {
        names.iter().fold(0, |mask, name| mask | if name == "all" { ALL } else { category_bit(name).unwrap_or(0) })
    };
    let masks = entries.iter().map(|(_, names)| mask(names)).collect();
    (PathSet::new(entries.into_iter().enumerate().map(|(idx, (selector, _))| (selector, idx))), masks)
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| malformed(text, &error))
}

fn severity<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "note" => Ok(Severity::Note),
        "warning" => Ok(Severity::Warning),
        "error" => Ok(Severity::Error),
        other => Err(serde::de::Error::unknown_variant(other, &["note", "warning", "error"])),
    }
}

fn optional_severity<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Severity>, D::Error> {
    severity(deserializer).map(Some)
}

fn confidence<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Confidence, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "low" => Ok(Confidence::Low),
        "medium" => Ok(Confidence::Medium),
        "high" => Ok(Confidence::High),
        other => Err(serde::de::Error::unknown_variant(other, &["low", "medium", "high"])),
    }
}
