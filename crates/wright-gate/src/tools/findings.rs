//! Turns what a tool says into findings: with the exact place, and with words that stay when lines move.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use wright_text::LineIndex;

use super::kind::ToolKind;
use super::output::Diagnostic;
use crate::change::Tree;
use crate::{Confidence, Finding, Severity, Span, hex_digest};

/// Returns the findings of a tool about one state. What a project did not ask for is not an error, unless it is certain.
pub(super) fn findings(kind: &ToolKind, diagnostics: &[Diagnostic], tree: &dyn Tree, is_asked: bool) -> Vec<Finding> {
    let mut texts: BTreeMap<&Path, Option<(Arc<str>, LineIndex)>> = BTreeMap::new();
    let mut found = Vec::with_capacity(diagnostics.len());
    for diagnostic in diagnostics {
        let read = || tree.read(&diagnostic.path).map(|text| (Arc::clone(&text), LineIndex::new(&text)));
        let text = texts.entry(&diagnostic.path).or_insert_with(read).as_ref();
        found.push(finding(kind, diagnostic, text.map(|(text, lines)| (&**text, lines)), is_asked));
    }
    found
}

fn finding(kind: &ToolKind, diagnostic: &Diagnostic, text: Option<(&str, &LineIndex)>, is_asked: bool) -> Finding {
    let is_sure = is_asked || diagnostic.is_certain;
    let severity = if is_sure { diagnostic.severity } else { diagnostic.severity.min(Severity::Warning) };
    let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
    let rule = diagnostic.rule.strip_prefix("clippy::").unwrap_or(&diagnostic.rule);
    let code =
        text.and_then(|(text, lines)| Some(&text[lines.line_range(text, diagnostic.start.0)?])).unwrap_or_default();
    let code: String = code.split_whitespace().collect::<Vec<_>>().join(" ");
    // The line of a secret is not repeated anywhere.
    let code = if kind.name == "gitleaks" { hex_digest(code.as_bytes()) } else { code };
    let finding = Finding::new(kind.name, severity, &diagnostic.message)
        .rule(format!("{}/{rule}", kind.name))
        .confidence(confidence)
        .cwe(diagnostic.cwe.clone())
        .key(format!("{}|{code}", diagnostic.message));
    let finding = match text.and_then(|(text, lines)| span(diagnostic, text, lines)) {
        Some(span) => finding.within(&diagnostic.path, span),
        None => finding.at(&diagnostic.path, Some(diagnostic.start.0)),
    };
    match &diagnostic.hint {
        Some(hint) => finding.hint(sentence(hint)),
        None => finding,
    }
}

fn sentence(hint: &str) -> String {
    let hint = hint.trim();
    if hint.ends_with(['.', '!', '?']) { hint.to_owned() } else { format!("{hint}.") }
}

/// Returns the exact place, where the tool names one that exists. Columns beyond the end of a line are its end: tools count
/// in different units.
fn span(diagnostic: &Diagnostic, text: &str, lines: &LineIndex) -> Option<Span> {
    let (line, column) = diagnostic.start;
    let (end_line, end_column) = diagnostic.end?;
    let (start, end) = (offset(text, lines, line, column)?, offset(text, lines, end_line, end_column)?);
    (column > 0 && start <= end).then_some(Span { start, end, line, column, end_line, end_column })
}

fn offset(text: &str, lines: &LineIndex, line: usize, column: usize) -> Option<usize> {
    let range = lines.line_range(text, line)?;
    let content = text[range.clone()].trim_end_matches(['\n', '\r']);
    let within = content.char_indices().nth(column.checked_sub(1)?).map_or(content.len(), |(at, _)| at);
    Some(range.start + within)
}
