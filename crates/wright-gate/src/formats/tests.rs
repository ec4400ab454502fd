//! The same assessment in every format.

use chrono::NaiveDate;
use insta::assert_snapshot;
use serde_json::Value;

use super::*;
use crate::assessment::{Assessment, assess};
use crate::change::{ChangeSet, Content, FileDelta, MemoryTree};
use crate::policy::{Author, Policy};
use crate::{CheckReport, CheckStatus, Finding, Source, Step, Tool};

const BEFORE: &str = "def f(x):\n    eval(x)\n";
const AFTER: &str = "def f(x):\n    eval(x)\n\tquery(\"SELECT \" + x)\nkey = \"hunter2\"\n";

fn change() -> ChangeSet {
    let file = |path: &str, before: &str, after: &str| FileDelta {
        path: path.into(),
        moved_from: None,
        before: Content::Text(before.into()),
        after: Content::Text(after.into()),
    };
    ChangeSet { files: vec![file("src/a b.py", BEFORE, AFTER), file("evil\u{1b}[2J\n::error::x", "", "x\n")] }
}

fn assessment() -> Assessment {
    let path = std::path::Path::new("src/a b.py");
    let source = Source::new(path, AFTER);
    let at = |word: &str| {
        let start = AFTER.find(word).unwrap();
        source.span(start..start + word.len())
    };
    let old = |line| Finding::error("flow", "code from outside is run").rule("python/eval").at(path, Some(line));
    let sql = Finding::error("flow", "a query is built from outside & \"run\" <here>")
        .rule("python/sql-injection")
        .cwe(vec![89])
        .evidence("`x` is a parameter")
        .hint("Pass the value as a parameter of the query.")
        .within(path, at("query(\"SELECT \" + x)"));
    let sql = Finding { trace: vec![Step { line: 1, note: "`x` comes in".to_owned() }], ..sql };
    let secret = Finding::warning("no-secrets", "adds what looks like a password").within(path, at("\"hunter2\""));
    let evil =
        Finding::note("markers", "a name that is an order: 100%\r\n::error::x").at("evil\u{1b}[2J\n::error::x", None);
    let flow = CheckReport {
        before: vec![old(2)],
        after: vec![old(2), sql],
        analysed: vec![path.into()],
        status: CheckStatus::Partial(vec![("logo.png".into(), "it is no text".to_owned())]),
        ..CheckReport::ran("flow")
    };
    let secrets = CheckReport { after: vec![secret], analysed: vec![path.into()], ..CheckReport::ran("no-secrets") };
    let tool = Some(Tool { name: "ruff".to_owned(), version: "0.17.6".to_owned() });
    let ruff = CheckReport { tool, ..CheckReport::not_run("ruff", "no file it can read was touched") };
    let markers = CheckReport { after: vec![evil], ..CheckReport::ran("markers") };
    let mypy = CheckReport { status: CheckStatus::Failed("it crashed".to_owned()), ..CheckReport::ran("mypy") };
    let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    assess(&change(), vec![flow, secrets, ruff, markers, mypy], &Policy::default(), Author::Human, today)
}

fn with_document<R>(show: impl FnOnce(Document<'_>) -> R) -> R {
    let facts = Facts {
        author: "human".to_owned(),
        author_name: None,
        base_commit: Some("a".repeat(40)),
        base_tree: None,
        head_kind: "checkout".to_owned(),
        head_commit: None,
        head_tree: None,
        patch_sha256: "b".repeat(64),
        policy_sha256: "c".repeat(64),
        version: "1".to_owned(),
        judged_at: "2026-11-22T00:00:00Z".to_owned(),
    };
    let (assessment, change, after) = (assessment(), change(), MemoryTree::default());
    show(Document { assessment: &assessment, change: &change, after: &after, facts: &facts })
}

#[test]
fn text_shows_the_code_the_reason_and_what_ran() {
    let text = with_document(|it| text(it, &|_, text| text.to_owned()));
    assert_snapshot!(text);
}

#[test]
fn no_format_shows_a_secret_or_obeys_a_name() {
    let all = with_document(|it| {
        let text = text(it, &|_, text| text.to_owned());
        let documents = [json(it), sarif(it), gitlab(it)].map(|it| it.to_string());
        [text, documents.concat(), junit(it), github(it), agent_reason(it).unwrap()].concat()
    });
    assert!(!all.contains("hunter2") && !all.contains('\u{1b}'), "{all}");
    assert!(!all.contains("\n::error::x"), "{all}");
}

#[test]
fn annotations_are_one_line_each() {
    assert_snapshot!(with_document(github));
}

#[test]
fn junit_has_a_suite_for_each_check() {
    assert_snapshot!(with_document(junit));
}

#[test]
fn gitlab_gets_an_entry_for_each_new_finding() {
    let report = with_document(gitlab);
    let entries = report.as_array().unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[1]["location"], serde_json::json!({ "path": "src/a b.py", "lines": { "begin": 3 } }));
    assert_eq!(entries[1]["severity"], "blocker");
}

#[test]
fn an_agent_is_told_what_refuses_and_nothing_else() {
    assert_snapshot!(with_document(agent_reason).unwrap());
}

#[test]
fn json_counts_and_lists_everything() {
    let document = with_document(json);
    assert_eq!(document["schema"], "wright.check/1");
    assert_eq!(document["verdict"], "fail");
    let summary = serde_json::json!({ "new": 3, "blocking": 1, "unchanged": 1, "absent": 0, "suppressed": 0 });
    assert_eq!(document["summary"], summary);
    assert_eq!(document["undecided"], serde_json::json!(["mypy"]));
    let states: Vec<&Value> = document["findings"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["new", "unchanged", "new", "new"]);
}

/// What the standard asks of the parts that we write, in its own words: required members, closed sets of words, places that
/// begin with 1, relative references that are escaped.
#[test]
fn sarif_has_the_form_that_the_standard_asks_for() {
    let document = with_document(sarif);
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(run["tool"]["driver"]["name"].is_string());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    for result in results {
        assert!(result["message"]["text"].is_string());
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(["new", "unchanged", "updated", "absent"].contains(&result["baselineState"].as_str().unwrap()));
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|it| it.is_ascii_graphic()) && !uri.starts_with('/'), "{uri}");
        if let Some(region) = place["region"].as_object() {
            assert!(region.values().all(|it| it.as_u64().is_some_and(|it| it >= 1)), "{region:?}");
        }
    }
    let notified = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notified.len(), 3);
    assert_eq!(results[2]["codeFlows"][0]["threadFlows"][0]["locations"].as_array().unwrap().len(), 1);
}
