//! SARIF 2.1.0, the format of static analysis results that code hosts and editors read.
//!
//! Every finding is in it with its baseline state. The fingerprint is our own, `wright/v1`: hosts compute theirs from lines,
//! which move. What was not looked at is a notification of the run.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::Document;
use crate::assessment::Assessed;
use crate::checks::{self, RuleInfo};
use crate::identity::is_secret;
use crate::{CheckReport, CheckStatus, Finding, Severity, Span};

/// Returns the results as SARIF.
pub fn sarif(document: Document<'_>) -> Value {
    let assessment = document.assessment;
    let rules = rules(&assessment.findings);
    let index: BTreeMap<&str, usize> = rules.iter().enumerate().map(|(idx, it)| (it.id.as_str(), idx)).collect();
    let results: Vec<Value> = assessment.findings.iter().map(|it| result(it, &index)).collect();
    let notifications: Vec<Value> = assessment.checks.iter().flat_map(notifications).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "wright",
                "fullName": "Codewright",
                "version": document.facts.version,
                "rules": rules.iter().map(rule).collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "ROOT": { "description": { "text": "The root of the repository." } } },
            "invocations": [{
                "executionSuccessful": assessment.undecided.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": { "verdict": assessment.outcome.as_str(), "subject": document.facts },
        }],
    })
}

/// Returns what is known about every rule that was broken.
fn rules(findings: &[Assessed]) -> Vec<RuleInfo> {
    let mut known: BTreeMap<String, RuleInfo> = checks::rules().into_iter().map(|it| (it.id.clone(), it)).collect();
    let mut used: BTreeMap<String, RuleInfo> = BTreeMap::new();
    for finding in findings.iter().map(|it| &it.finding) {
        let id = finding.rule.to_string();
        let described = || known.remove(&id).unwrap_or_else(|| undescribed(finding));
        used.entry(id.clone()).or_insert_with(described);
    }
    used.into_values().collect()
}

fn undescribed(finding: &Finding) -> RuleInfo {
    RuleInfo {
        id: finding.rule.to_string(),
        check: finding.check.to_owned(),
        severity: finding.severity,
        title: finding.message.clone(),
        explanation: finding.hint.clone().unwrap_or_else(|| finding.message.clone()),
        cwe: finding.cwe.to_vec(),
    }
}

fn rule(rule: &RuleInfo) -> Value {
    let mut tags = vec![rule.check.clone()];
    tags.extend(rule.cwe.iter().map(|it| format!("external/cwe/cwe-{it:03}")));
    let mut properties = json!({ "tags": tags });
    if !rule.cwe.is_empty() {
        tags.push("security".to_owned());
        properties = json!({ "tags": tags, "security-severity": security_severity(rule.severity) });
    }
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "help": { "text": rule.explanation, "markdown": rule.explanation },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": properties,
    })
}

/// Returns the figure that code hosts sort by: the lower ends of the bands high, medium and low.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "7.0",
        Severity::Warning => "4.0",
        Severity::Note => "0.1",
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(assessed: &Assessed, index: &BTreeMap<&str, usize>) -> Value {
    let finding = &assessed.finding;
    let words = [Some(&finding.message), finding.evidence.as_ref(), finding.hint.as_ref()];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    let mut value = json!({
        "ruleId": finding.rule,
        "ruleIndex": index.get(finding.rule.as_ref()),
        "level": level(finding.severity),
        "message": { "text": words.join("\n") },
        "baselineState": assessed.state.as_str(),
        "partialFingerprints": { "wright/v1": assessed.fingerprint },
        "properties": { "check": finding.check, "blocks": assessed.blocks },
    });
    if let Some(path) = &finding.path {
        let mut location = location(path, finding.line, finding.span);
        if let Some(symbol) = &finding.symbol {
            location["logicalLocations"] = json!([{ "fullyQualifiedName": symbol }]);
        }
        value["locations"] = json!([location]);
        if !finding.trace.is_empty() && !is_secret(finding) {
            value["codeFlows"] = code_flow(path, finding);
        }
    }
    if let Some(suppressed) = &assessed.suppressed {
        let kind = if finding.path.as_deref() == Some(&suppressed.origin.path) { "inSource" } else { "external" };
        value["suppressions"] = json!([{ "kind": kind, "status": "accepted", "justification": suppressed.reason }]);
    }
    value
}

fn location(path: &Path, line: Option<usize>, span: Option<Span>) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(path), "uriBaseId": "ROOT" } });
    match (span, line) {
        (Some(it), _) => {
            physical["region"] = json!({
                "startLine": it.line,
                "startColumn": it.column,
                "endLine": it.end_line,
                "endColumn": it.end_column,
            });
        }
        (None, Some(line)) if line > 0 => physical["region"] = json!({ "startLine": line }),
        (None, _) => {}
    }
    json!({ "physicalLocation": physical })
}

fn code_flow(path: &Path, finding: &Finding) -> Value {
    let steps = finding.trace.iter().map(|step| {
        let mut location = location(path, Some(step.line), None);
        location["message"] = json!({ "text": step.note });
        json!({ "location": location })
    });
    json!([{ "threadFlows": [{ "locations": steps.collect::<Vec<Value>>() }] }])
}

/// Returns what a check did not do.
fn notifications(report: &CheckReport) -> Vec<Value> {
    let notification = |level: &str, text: String| json!({ "level": level, "message": { "text": text }, "descriptor": { "id": report.check } });
    match &report.status {
        CheckStatus::Ran => Vec::new(),
        CheckStatus::NotRun(why) => vec![notification("warning", format!("{} did not run: {why}", report.check))],
        CheckStatus::Failed(why) => vec![notification("error", format!("{} failed: {why}", report.check))],
        CheckStatus::Partial(left_out) => {
            let row = |(path, why): &(std::path::PathBuf, String)| {
                let mut value = notification("warning", format!("{} did not look at this file: {why}", report.check));
                value["locations"] = json!([location(path, None, None)]);
                value
            };
            left_out.iter().map(row).collect()
        }
    }
}

/// Returns a path as a relative URI.
fn uri(path: &Path) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~');
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match is_plain(*byte) {
            true => text.push(char::from(*byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
