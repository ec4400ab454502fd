//! Every example of every rule, and properties that hold for any text.

use std::path::Path;

use proptest::prelude::*;

use super::rules::rules;
use crate::checks::injection;
use crate::{Finding, Severity, Source};

const FILES: [(&str, &str); 6] = [
    ("python", "a.py"),
    ("javascript", "a.tsx"),
    ("typescript", "a.ts"),
    ("go", "a.go"),
    ("java", "a.java"),
    ("rust", "a.rs"),
];

fn analyse(language: &str, text: &str) -> Vec<Finding> {
    let (_, path) = FILES.iter().find(|(name, _)| *name == language).unwrap();
    injection::findings(&Source::new(Path::new(path), text))
}

fn rules_of(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|it| it.rule.as_ref()).collect()
}

#[test]
fn every_rule_finds_the_marked_line_of_its_bad_examples() {
    let mut wrong = Vec::new();
    for rule in rules() {
        for example in &rule.examples.bad {
            let marked = example.lines().position(|it| it.ends_with(" bad")).map(|at| at + 1);
            let found = analyse(&rule.languages[0], example);
            if !found.iter().any(|it| it.rule == rule.id && it.line == marked) {
                wrong.push(format!("{}: line {marked:?}, found {found:#?}\n{example}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_rule_finds_anything_in_its_good_examples() {
    let mut wrong = Vec::new();
    for rule in rules() {
        for example in &rule.examples.good {
            let found = analyse(&rule.languages[0], example);
            if rules_of(&found).contains(&rule.id.as_str()) {
                wrong.push(format!("{}\n{example}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_examples_weaknesses_and_plain_words() {
    for rule in rules() {
        assert!(!rule.examples.bad.is_empty() && !rule.examples.good.is_empty(), "{}", rule.id);
        assert!(!rule.cwe.is_empty(), "{}", rule.id);
        assert!(rule.hint.ends_with('.') && !rule.message.ends_with('.'), "{}", rule.id);
        let category = rule.category.as_deref();
        assert!(category.is_none_or(|it| super::rules::category_bit(it).is_some()), "{}: {category:?}", rule.id);
    }
}

/// Returns the severity of the finding of `rule` in Python code.
fn severity(rule: &str, text: &str) -> Option<Severity> {
    analyse("python", text).into_iter().find(|it| it.rule == format!("python/{rule}")).map(|it| it.severity)
}

#[test]
fn a_client_gives_an_error_and_a_caller_a_warning() {
    let client = "import os\nfrom flask import request\ndef f():\n    os.system(request.args['a'])\n";
    let caller = "import os\ndef f(a):\n    os.system(a)\n";
    assert_eq!(severity("command-injection", client), Some(Severity::Error));
    assert_eq!(severity("command-injection", caller), Some(Severity::Warning));
}

#[test]
fn a_branch_that_cannot_run_does_not_count() {
    let text = "import os\nfrom flask import request\ndef f():\n    a = request.args['a']\n    b = 'x' if 7 * 18 + 106 > 200 else a\n    os.system(b)\n";
    assert_eq!(severity("command-injection", text), None);
}

#[test]
fn elements_of_containers_are_told_apart() {
    let text = |key: &str| {
        format!(
            "import os\nfrom flask import request\ndef f():\n    m = {{}}\n    m['a'] = 'x'\n    m['b'] = request.args['a']\n    os.system(m['{key}'])\n"
        )
    };
    assert_eq!(severity("command-injection", &text("a")), None);
    assert_eq!(severity("command-injection", &text("b")), Some(Severity::Error));
}

#[test]
fn a_value_is_followed_through_functions_of_the_file() {
    let text = "import os\nfrom flask import request\ndef run(a):\n    os.system('ls ' + a)\ndef f():\n    run(request.args['a'])\n";
    assert_eq!(severity("command-injection", text), Some(Severity::Error));
}

#[test]
fn a_checked_value_is_harmless() {
    let text = |check: &str| {
        format!(
            "import os\nfrom flask import request\ndef f():\n    a = request.args['a']\n    if {check}:\n        return\n    os.system(a)\n"
        )
    };
    assert_eq!(severity("command-injection", &text("not a.isalnum()")), None);
    assert_eq!(severity("command-injection", &text("a not in ('x', 'y')")), None);
    assert_eq!(severity("command-injection", &text("len(a) > 5")), Some(Severity::Error));
}

#[test]
fn the_key_stays_when_lines_move_and_spaces_change() {
    let key = |text: &str| analyse("python", text).into_iter().map(|it| it.key).next();
    let moved = "import os\n\n\ndef f(a):\n    os.system( a )\n";
    assert_eq!(key("import os\ndef f(a):\n    os.system(a)\n"), key(moved));
}

#[test]
fn deep_nesting_ends() {
    for (language, _) in FILES {
        for unit in ["(", "[", "{", "f(", "a.b(", "if x:\n ", "!", "-", "x=>", "if(x){", "a+", "a&&", "\"${"] {
            analyse(language, &format!("x = {}", unit.repeat(10_000)));
            analyse(language, &format!("x = {}1{}", unit.repeat(5_000), ")".repeat(5_000)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Examples cut and spliced at any place, of one language read as another.
    #[test]
    fn mutated_code_is_analysed_without_a_panic(
        first in any::<prop::sample::Index>(), second in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(), paste in any::<prop::sample::Index>(), language in 0..FILES.len(),
        noise in "[\\PC\\n]{0,12}",
    ) {
        let examples: Vec<&str> = rules().iter().flat_map(|it| it.examples.bad.iter().chain(&it.examples.good)).map(String::as_str).collect();
        let (first, second) = (first.get(&examples), second.get(&examples));
        let boundary = |text: &str, at: usize| (at..=text.len()).find(|it| text.is_char_boundary(*it)).unwrap();
        let (cut, paste) = (boundary(first, cut.index(first.len())), boundary(second, paste.index(second.len())));
        analyse(FILES[language].0, &format!("{}{noise}{}", &first[..cut], &second[paste..]));
    }
}
