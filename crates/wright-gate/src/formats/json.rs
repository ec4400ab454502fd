//! The result as one JSON document, `wright.check/1`; docs/check.md describes it.

use serde_json::{Value, json};

use super::Document;
use crate::assessment::Assessed;
use crate::ratchet::State;
use crate::receipt::{ReceiptCheck, ReceiptFinding};

/// Returns the result as JSON.
pub fn json(document: Document<'_>) -> Value {
    let assessment = document.assessment;
    let checks = assessment.checks.iter().map(|report| {
        let mut check = json!(ReceiptCheck::of(report));
        check["analysed"] = json!(report.analysed);
        check
    });
    json!({
        "schema": "wright.check/1",
        "verdict": assessment.outcome.as_str(),
        "subject": document.facts,
        "summary": {
            "new": assessment.new_findings().count(),
            "blocking": assessment.findings.iter().filter(|it| it.blocks).count(),
            "unchanged": assessment.count(State::Unchanged),
            "absent": assessment.count(State::Absent),
            "suppressed": assessment.n_suppressed(),
        },
        "undecided": assessment.undecided,
        "checks": checks.collect::<Vec<Value>>(),
        "findings": assessment.findings.iter().map(finding).collect::<Vec<Value>>(),
    })
}

fn finding(assessed: &Assessed) -> Value {
    let mut value = json!(ReceiptFinding::of(assessed));
    value["state"] = assessed.state.as_str().into();
    value["suppressed"] = assessed.suppressed.as_ref().map_or(Value::Null, |it| {
        json!({
            "reason": it.reason,
            "expires": it.expires.map(|it| it.to_string()),
            "path": it.origin.path,
            "line": it.origin.line,
        })
    });
    value
}
