//! License headers that contradict the license of the repository.
//!
//! A header is an SPDX line (`SPDX-License-Identifier:`) or the words of a well-known notice. It conflicts when the code may
//! only be passed on under terms that the repository does not give: copyleft in a repository that is permissive.

use std::path::{Path, PathBuf};

use spdx::{Expression, LicenseItem, LicenseReq};

use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "license";

/// A header stands in the first lines.
const MAX_HEADER: usize = 4_000;

/// What a license asks of those who pass the code on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Terms {
    /// To name the authors.
    Permissive,
    /// To pass changes to these files on under the same license.
    Weak,
    /// To pass the whole work on under the same license.
    Strong,
}

/// Reports headers that contradict the repository's license, and ones that are no license expression.
pub fn report(change: &ChangeSet, after: &dyn Tree) -> CheckReport {
    let mut report = CheckReport::ran(NAME);
    let Some(license) = license_of(after) else {
        return CheckReport::not_run(NAME, "the repository states no license that is known");
    };
    for file in &change.files {
        let Some(text) = file.after.text() else { continue };
        report.analysed.push(file.path.clone());
        if is_license_text(&file.path) {
            continue;
        }
        let old = header(file.text_before());
        let new = header(text);
        if new != old {
            let source = Source::new(&file.path, text);
            report.after.extend(new.and_then(|header| conflict(&source, &header, &license)));
        }
    }
    report
}

fn conflict(source: &Source<'_>, header: &Header<'_>, license: &str) -> Option<Finding> {
    let finding = |severity, rule, message: String| {
        Finding::new(NAME, severity, message)
            .rule(rule)
            .confidence(Confidence::Medium)
            .within(source.path, source.span(header.range.clone()))
            .key(header.expression.to_owned())
    };
    let Some(asked) = terms(header.expression) else {
        return Some(finding(
            Severity::Note,
            "unknown-license",
            format!("`{}` is no license expression", header.expression),
        ));
    };
    let given = terms(license)?;
    let same = header.expression.trim_end_matches("-only").trim_end_matches("-or-later");
    let is_conflict = asked > given && !license.contains(same);
    is_conflict.then(|| {
        let severity = if asked == Terms::Strong { Severity::Warning } else { Severity::Note };
        let message = format!("the file is under {}, the repository under {license}", header.expression);
        finding(severity, "license-conflict", message).hint("Leave the file out, or ask its authors for other terms.")
    })
}

/// A license that a file states for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header<'t> {
    expression: &'t str,
    range: std::ops::Range<usize>,
}

fn header(text: &str) -> Option<Header<'_>> {
    const TAG: &str = concat!("SPDX-License-", "Identifier:");
    let mut end = text.len().min(MAX_HEADER);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = &text[..end];
    if let Some(at) = head.find(TAG) {
        let start = at + TAG.len();
        let line = head[start..].lines().next().unwrap_or_default();
        let expression =
            line.trim().trim_end_matches("*/").trim_end_matches("-->").trim_end_matches(['"', '\'', ',', ';']).trim();
        return (!expression.is_empty()).then(|| Header { expression, range: at..start + line.trim_end().len() });
    }
    NOTICES.iter().find_map(|(words, expression)| {
        let at = find_words(head, words)?;
        Some(Header { expression, range: at })
    })
}

/// The first words of notices, and the license they mean.
const NOTICES: &[(&str, &str)] = &[
    ("GNU Affero General Public License", "AGPL-3.0-or-later"),
    ("GNU Lesser General Public License", "LGPL-3.0-or-later"),
    ("GNU Library General Public License", "LGPL-2.0-or-later"),
    ("GNU General Public License", "GPL-3.0-or-later"),
    ("Mozilla Public License", "MPL-2.0"),
];

/// Returns where words stand, whatever white space and comment marks are between them.
fn find_words(text: &str, words: &str) -> Option<std::ops::Range<usize>> {
    let is_between = |it: char| it.is_whitespace() || matches!(it, '*' | '#' | '/' | ';');
    let mut words = words.split(' ');
    let first = words.next()?;
    let rest: Vec<&str> = words.collect();
    text.match_indices(first).find_map(|(start, _)| {
        let mut at = start + first.len();
        for word in &rest {
            at += text[at..].len() - text[at..].trim_start_matches(is_between).len();
            if !text[at..].to_ascii_lowercase().starts_with(&word.to_ascii_lowercase()) {
                return None;
            }
            at += word.len();
        }
        Some(start..at)
    })
}

/// Returns what the mildest reading of an expression asks; `None` when it is none.
fn terms(expression: &str) -> Option<Terms> {
    let expression = Expression::parse_mode(expression, spdx::ParseMode::LAX).ok()?;
    let allows = |most: Terms| expression.evaluate(|it| terms_of(it) <= most);
    [Terms::Permissive, Terms::Weak, Terms::Strong].into_iter().find(|it| allows(*it))
}

fn terms_of(license: &LicenseReq) -> Terms {
    let LicenseItem::Spdx { id, .. } = &license.license else { return Terms::Permissive };
    let is_weak =
        ["LGPL", "MPL", "EPL", "CDDL", "EUPL", "OSL", "CPL", "MS-RL"].iter().any(|it| id.name.starts_with(it));
    match () {
        // A linking exception takes the edge off.
        () if is_weak || license.addition.is_some() && id.name.starts_with("GPL") => Terms::Weak,
        () if id.is_copyleft() || id.name.starts_with("AGPL") || id.name.starts_with("SSPL") => Terms::Strong,
        () => Terms::Permissive,
    }
}

/// Returns the license of a repository, from its manifest or the text it comes with.
fn license_of(tree: &dyn Tree) -> Option<String> {
    const MANIFESTS: &[&str] = &["Cargo.toml", "pyproject.toml", "package.json"];
    let stated = MANIFESTS.iter().find_map(|path| {
        let text = tree.read(Path::new(path))?;
        let line = text
            .lines()
            .find(|it| it.trim_start().trim_start_matches('"').starts_with("license") && it.contains(['=', ':']))?;
        let value = line.split_once(['=', ':'])?.1.split(['"', '\'']).nth(1)?.to_owned();
        terms(&value).map(|_| value)
    });
    stated.or_else(|| {
        let paths: Vec<&PathBuf> =
            tree.paths().iter().filter(|it| it.components().count() == 1 && is_license_text(it)).collect();
        let named = paths.into_iter().filter_map(|path| named_license(&tree.read(path)?)).collect::<Vec<_>>();
        (!named.is_empty()).then(|| named.join(" OR "))
    })
}

fn is_license_text(path: &Path) -> bool {
    let name = path.file_name().map(|it| it.to_string_lossy().to_ascii_uppercase()).unwrap_or_default();
    ["LICENSE", "LICENCE", "COPYING", "NOTICE"].iter().any(|it| name.starts_with(it))
}

/// Returns which license a text is, by words that only that one has.
fn named_license(text: &str) -> Option<String> {
    const WORDS: &[(&str, &str)] = &[
        ("GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL-3.0-only"),
        ("GNU LESSER GENERAL PUBLIC LICENSE", "LGPL-3.0-only"),
        ("GNU GENERAL PUBLIC LICENSE", "GPL-3.0-only"),
        ("Mozilla Public License", "MPL-2.0"),
        ("Apache License", "Apache-2.0"),
        ("Permission is hereby granted, free of charge", "MIT"),
        ("Permission to use, copy, modify, and/or distribute", "ISC"),
        ("Redistribution and use in source and binary forms", "BSD-3-Clause"),
        ("This is free and unencumbered software", "Unlicense"),
    ];
    let mut end = text.len().min(MAX_HEADER);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    WORDS.iter().find(|(words, _)| find_words(&text[..end], words).is_some()).map(|(_, id)| (*id).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckStatus;
    use crate::change::{Content, FileDelta, MemoryTree};

    fn rules(manifest: (&str, &str), text: &str) -> Vec<String> {
        let tree: MemoryTree = [manifest].into_iter().collect();
        let file = FileDelta {
            path: "a.c".into(),
            moved_from: None,
            before: Content::Absent,
            after: Content::Text(text.into()),
        };
        report(&ChangeSet { files: vec![file] }, &tree).after.into_iter().map(|it| it.rule.to_string()).collect()
    }

    // Put together, so that no tool takes these for the license of this file.
    fn tag(expression: &str) -> String {
        format!("/* SPDX-License-{}: {expression} */\nint x;\n", "Identifier")
    }

    const PERMISSIVE: (&str, &str) = ("Cargo.toml", "[package]\nlicense = \"MIT OR Apache-2.0\"\n");

    #[test]
    fn copyleft_in_a_permissive_repository_is_a_conflict() {
        assert_eq!(rules(PERMISSIVE, &tag("GPL-2.0-only")), ["license-conflict"]);
        assert_eq!(rules(PERMISSIVE, &tag("MPL-2.0")), ["license-conflict"]);
        let notice =
            "/* This is distributed under the terms of the GNU General\n * Public License as published by the FSF */\n";
        assert_eq!(rules(PERMISSIVE, notice), ["license-conflict"]);
    }

    #[test]
    fn a_choice_a_milder_license_or_the_same_one_is_none() {
        assert_eq!(rules(PERMISSIVE, &tag("GPL-2.0-only OR MIT")), [""; 0]);
        assert_eq!(rules(PERMISSIVE, &tag("BSD-3-Clause")), [""; 0]);
        assert_eq!(rules(("LICENSE", "GNU GENERAL PUBLIC LICENSE\nVersion 3"), &tag("GPL-3.0-or-later")), [""; 0]);
        assert_eq!(rules(PERMISSIVE, "int x;\n"), [""; 0]);
    }

    #[test]
    fn an_unknown_expression_is_noted_and_an_unknown_repository_is_not_judged() {
        assert_eq!(rules(PERMISSIVE, &tag("My-Own-1.0")), ["unknown-license"]);
        let report = report(&ChangeSet::default(), &MemoryTree::default());
        assert!(matches!(report.status, CheckStatus::NotRun(_)));
    }
}
