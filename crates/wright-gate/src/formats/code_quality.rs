//! GitLab's code quality report: new findings in the merge request.

use serde_json::{Value, json};

use super::Document;
use crate::assessment::Assessed;
use crate::{Severity, hex_digest};

/// Returns the report, an array of findings.
pub fn gitlab(document: Document<'_>) -> Value {
    document.assessment.new_findings().map(entry).collect()
}

fn entry(assessed: &Assessed) -> Value {
    let finding = &assessed.finding;
    let severity = match finding.severity {
        _ if assessed.blocks => "blocker",
        Severity::Error => "major",
        Severity::Warning => "minor",
        Severity::Note => "info",
    };
    let path = finding.path.as_ref().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    // GitLab wants each entry to have its own.
    let fingerprint = hex_digest(format!("{}\0{path}", assessed.fingerprint).as_bytes());
    json!({
        "description": format!("{} [{}]", finding.message, finding.rule),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": { "path": path, "lines": { "begin": finding.line.unwrap_or(1) } },
    })
}
