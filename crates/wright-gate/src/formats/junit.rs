//! JUnit's XML, for systems that show test results: one suite for each check, one case for each new finding.

use std::fmt::Write as _;

use wright_text::neutral_line;

use super::Document;
use crate::assessment::Assessed;
use crate::{CheckReport, CheckStatus};

/// Returns the results as XML.
pub fn junit(document: Document<'_>) -> String {
    let assessment = document.assessment;
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"wright check\">\n");
    for report in &assessment.checks {
        let findings: Vec<&Assessed> =
            assessment.new_findings().filter(|it| it.finding.check == report.check).collect();
        suite(&mut text, report, &findings);
    }
    let is_known = |it: &&Assessed| assessment.checks.iter().any(|report| report.check == it.finding.check);
    let rest: Vec<&Assessed> = assessment.new_findings().filter(|it| !is_known(it)).collect();
    if !rest.is_empty() {
        suite(&mut text, &CheckReport::ran("other"), &rest);
    }
    text + "</testsuites>\n"
}

fn suite(text: &mut String, report: &CheckReport, findings: &[&Assessed]) {
    let left_out = match &report.status {
        CheckStatus::Ran => Vec::new(),
        CheckStatus::Partial(left_out) => {
            left_out.iter().map(|(path, why)| (path.to_string_lossy().into_owned(), why.clone())).collect()
        }
        CheckStatus::NotRun(why) | CheckStatus::Failed(why) => vec![(report.check.to_owned(), why.clone())],
    };
    let is_error = matches!(report.status, CheckStatus::Failed(_));
    let n_failures = findings.iter().filter(|it| it.blocks).count();
    let passed = usize::from(findings.is_empty() && left_out.is_empty());
    let (n_errors, n_skipped) = if is_error { (left_out.len(), 0) } else { (0, left_out.len()) };
    let name = escaped(report.check);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{n_failures}\" errors=\"{n_errors}\" skipped=\"{n_skipped}\" time=\"{:.3}\">",
        findings.len() + left_out.len() + passed,
        report.duration.as_secs_f64(),
    );
    if passed == 1 {
        let _ = writeln!(text, "    <testcase classname=\"{name}\" name=\"{name}\"/>");
    }
    for (what, why) in left_out {
        let kind = if is_error { "error" } else { "skipped" };
        let _ = writeln!(
            text,
            "    <testcase classname=\"{name}\" name=\"{}\"><{kind} message=\"{}\"/></testcase>",
            escaped(&what),
            escaped(&why)
        );
    }
    findings.iter().for_each(|it| case(text, &name, it));
    text.push_str("  </testsuite>\n");
}

fn case(text: &mut String, suite: &str, assessed: &Assessed) {
    let finding = &assessed.finding;
    let place = match (&finding.path, finding.line) {
        (Some(path), Some(line)) => format!("{}:{line}", path.display()),
        (Some(path), None) => path.display().to_string(),
        (None, _) => String::new(),
    };
    let title = escaped(&format!("{} {place}", finding.rule));
    let details = [Some(&finding.message), finding.evidence.as_ref(), finding.hint.as_ref()];
    let details: Vec<String> = details.into_iter().flatten().map(|it| escaped(it)).collect();
    let details = details.join("\n");
    let body = match assessed.blocks {
        true => format!(
            "<failure type=\"{}\" message=\"{}\">{details}</failure>",
            escaped(&finding.rule),
            escaped(&finding.message)
        ),
        false => format!("<system-out>{details}</system-out>"),
    };
    let _ = writeln!(text, "    <testcase classname=\"{suite}\" name=\"{title}\">{body}</testcase>");
}

/// Escapes markup; what XML cannot hold has no effect left after [`neutral_line`] either.
fn escaped(text: &str) -> String {
    let text = neutral_line(text);
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}
