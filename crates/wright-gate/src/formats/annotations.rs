//! Workflow commands of GitHub Actions: each new finding becomes an annotation in the diff.

use std::fmt::Write as _;

use wright_text::neutral;

use super::Document;
use crate::Severity;
use crate::assessment::Assessed;

/// Returns one line for each new finding.
pub fn github(document: Document<'_>) -> String {
    let mut text = String::new();
    for assessed in document.assessment.new_findings() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", annotation(assessed));
    }
    text
}

fn annotation(assessed: &Assessed) -> String {
    let finding = &assessed.finding;
    let kind = match finding.severity {
        _ if assessed.blocks => "error",
        Severity::Error | Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut properties = vec![("title", finding.rule.to_string())];
    if let Some(path) = &finding.path {
        properties.push(("file", path.to_string_lossy().into_owned()));
    }
    if let Some(line) = finding.line {
        properties.push(("line", line.to_string()));
    }
    if let Some(span) = finding.span {
        properties.push(("endLine", span.end_line.to_string()));
        if span.line == span.end_line {
            properties.extend([("col", span.column.to_string()), ("endColumn", span.end_column.to_string())]);
        }
    }
    let properties: Vec<String> =
        properties.into_iter().map(|(name, value)| format!("{name}={}", property(&value))).collect();
    let more = [&finding.evidence, &finding.hint].into_iter().flatten().map(|it| format!("\n{it}"));
    let message = finding.message.clone() + &more.collect::<String>();
    format!("::{kind} {}::{}", properties.join(","), escaped(&message))
}

/// Escapes what would end a command.
fn escaped(text: &str) -> String {
    neutral(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}
