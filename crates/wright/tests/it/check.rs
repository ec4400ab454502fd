//! `wright check` on real repositories: every way to give a change, every way to write down what came of it.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::fixture::{Project, Run, Surroundings};

const GOOD: &str = "def total(prices):\n    return sum(prices)\n";
const BROKEN: &str = "def total prices):\n    return sum(prices)\n";

fn project() -> Project {
    Project::new(&[("shop.py", GOOD), ("tests/test_shop.py", "def test_total():\n    assert True\n")])
}

fn check(project: &Project, args: &[&str]) -> Run {
    Surroundings::new().run_in(project.root(), &[&["check"], args].concat())
}

/// Runs the check with text on stdin.
fn check_with(project: &Project, args: &[&str], input: &str) -> Run {
    let surroundings = Surroundings::new();
    let mut command = surroundings.command(&[&["check"], args].concat());
    command.current_dir(project.root()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Run {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Returns the new findings as `rule path:line`.
fn new(run: &Run) -> Vec<String> {
    let document = run.json();
    assert_eq!(document["schema"], "wright.check/1");
    let findings = document["findings"].as_array().unwrap().iter().filter(|it| it["state"] == "new");
    let shown = findings.map(|it| {
        let line = it["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
        format!("{} {}{line}", it["rule"].as_str().unwrap(), it["path"].as_str().unwrap())
    });
    shown.collect()
}

fn commit(project: &Project, message: &str) {
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message", message]);
}

#[test]
fn a_checkout_without_changes_passes() {
    let run = check(&project(), &[]);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.ends_with("pass: 0 new (0 blocking) in 0 files\n"), "{run:?}");
    assert_eq!(check(&project(), &["--quiet"]).stdout, "");
}

#[test]
fn what_was_wrong_before_does_not_count_and_what_is_new_does() {
    let project = Project::new(&[("old.py", BROKEN)]);
    project.write("old.py", &format!("import os\n\n{BROKEN}"));
    assert_eq!(check(&project, &[]).exit, 0);
    project.write("new.py", BROKEN);
    let run = check(&project, &["--json"]);
    assert_eq!((run.exit, new(&run)), (1, vec!["parses new.py:1".to_owned()]));
}

#[test]
fn every_way_to_give_a_change_finds_it() {
    let project = project();
    project.write("shop.py", BROKEN);
    let expected = vec!["parses shop.py:1".to_owned()];
    let patch = project.git(&["diff"]);
    assert_eq!(new(&check(&project, &["--json"])), expected);
    assert_eq!(new(&check(&project, &["--json", "--staged"])), Vec::<String>::new());
    project.git(&["add", "shop.py"]);
    assert_eq!(new(&check(&project, &["--json", "--staged"])), expected);
    project.git(&["checkout", "-q", "-b", "side"]);
    commit(&project, "break it");
    assert_eq!(new(&check(&project, &["--json"])), Vec::<String>::new());
    for args in [
        &["HEAD"][..],
        &["main..side"],
        &["main...side"],
        &["HEAD~1.."],
        &["--branch"],
        &["--branch", "main"],
        &["--baseline", "main"],
    ] {
        assert_eq!(new(&check(&project, &[&["--json"], args].concat())), expected, "{args:?}");
    }
    project.git(&["checkout", "-q", "main"]);
    assert_eq!(new(&check_with(&project, &["--json", "--patch", "-"], &patch)), expected);
    assert_eq!(new(&check_with(&project, &["--json", "--file", "shop.py", "--text", "-"], BROKEN)), expected);
    assert_eq!(project.read("shop.py"), GOOD);
}

#[test]
fn a_file_is_named_from_where_the_command_is_run() {
    let project = Project::new(&[("sub/a.py", GOOD)]);
    let surroundings = Surroundings::new();
    std::fs::write(project.root().join("sub/new.txt"), BROKEN).unwrap();
    let run =
        surroundings.run_in(&project.root().join("sub"), &["check", "--json", "--file", "./a.py", "--text", "new.txt"]);
    assert_eq!(new(&run), ["parses sub/a.py:1"], "{run:?}");
}

#[test]
fn what_cannot_be_judged_is_a_usage_error_with_the_place() {
    let project = project();
    let cases = [
        (check(&project, &["nowhere..HEAD"]), "failed to find the commit \"nowhere\""),
        (
            check_with(&project, &["--patch", "-"], "--- a/shop.py\n+++ b/shop.py\n@@ -1 +1 @@\n-nothing\n+x\n"),
            "failed to apply the patch to \"shop.py\": its lines from line 3 on are not there",
        ),
        (check(&project, &["--only", "what"]), "failed to run \"what\": there is no such check"),
        (check(&project, &["--explain", "what"]), "failed to explain \"what\": there is no such rule"),
        (check(&project, &["--note"]), "failed to attach a note: what was judged is no commit"),
    ];
    for (run, expected) in cases {
        assert_eq!(run.exit, 2, "{run:?}");
        assert!(run.stderr.contains(expected) && run.stderr.contains("hint: "), "{run:?}");
    }
}

#[test]
fn the_policy_counts_as_it_stands_in_the_base_commit() {
    let project = project();
    let off = "[[check.disable]]\nrule = \"parses\"\nreason = \"a template language\"\n";
    project.write("wright.toml", off);
    project.write("shop.py", BROKEN);
    assert_eq!(check(&project, &[]).exit, 1, "the change cannot loosen it");
    commit(&project, "policy");
    project.write("other.py", BROKEN);
    let run = check(&project, &["--json"]);
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(run.json()["summary"]["suppressed"], 1);

    project.write("wright.toml", "[check]\nblok = []\n");
    commit(&project, "a mistake");
    let run = check(&project, &[]);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("failed to read the policy at wright.toml:2: unknown field `blok`"), "{run:?}");
}

#[test]
fn an_exception_holds_once_it_is_committed_and_until_its_day() {
    let project = project();
    let entry = |day: &str| {
        format!("[[check.suppress]]\nrule = \"parses\"\npath = \"*.py\"\nreason = \"r\"\nexpires = {day}\n")
    };
    project.write("wright.toml", &entry("2999-01-01"));
    project.write("shop.py", BROKEN);
    let run = check(&project, &["--json", "--author", "agent"]);
    assert_eq!(new(&run), ["parses shop.py:1", "protected-paths wright.toml", "suppression-added wright.toml:2"]);
    project.git(&["add", "wright.toml"]);
    project.git(&["commit", "--quiet", "--message=x"]);
    assert_eq!(check(&project, &[]).exit, 0);
    project.write("wright.toml", &entry("2020-01-01"));
    project.git(&["add", "wright.toml"]);
    project.git(&["commit", "--quiet", "--message=x"]);
    let run = check(&project, &["--json"]);
    assert_eq!(
        (run.exit, new(&run)),
        (1, vec!["parses shop.py:1".to_owned(), "suppression-expired wright.toml:2".to_owned()])
    );
}

#[test]
fn a_required_check_that_could_not_look_decides_nothing() {
    let project = Project::new(&[("wright.toml", "[check]\nrequire = [\"no-secrets\"]\n")]);
    std::fs::write(project.root().join("image.bin"), b"\0\x01").unwrap();
    let run = check(&project, &[]);
    assert_eq!(run.exit, 3, "{run:?}");
    assert!(run.stdout.contains("nothing can be promised without: no-secrets"), "{run:?}");
    assert!(run.stdout.contains("image.bin (it is no text or too long (2 bytes))"), "{run:?}");
}

#[test]
fn an_agent_may_not_touch_a_test_and_a_person_may() {
    let project = project();
    project.write("tests/test_shop.py", "def test_total():\n    pass\n");
    assert_eq!(check(&project, &["--author", "agent"]).exit, 1);
    let run = check(&project, &["--json"]);
    let finding = &run.json()["findings"][0];
    assert_eq!((run.exit, &finding["rule"], &finding["severity"]), (0, &"protected-paths".into(), &"note".into()));
}

#[test]
fn the_result_shows_the_code_and_what_ran() {
    let project = project();
    project.write("shop.py", BROKEN);
    let run = check(&project, &[]);
    let text = run.stdout.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert!(text.contains("shop.py\n  1: error[parses] "), "{text}");
    assert!(text.contains("      1 | def total prices):"), "{text}");
    assert!(text.contains("ran      protected-paths, parses, no-secrets, tests-run, "), "{text}");
    assert!(text.ends_with("fail: 1 new (1 blocking) in 1 file"), "{text}");
}

#[test]
fn each_format_is_written_to_stdout_or_a_file() {
    let project = project();
    project.write("shop.py", BROKEN);
    let run = check(&project, &["--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.exit, &sarif["runs"][0]["results"][0]["ruleId"]), (1, &"parses".into()));
    assert!(check(&project, &["--format", "junit"]).stdout.starts_with("<?xml"));
    assert!(check(&project, &["--format", "github"]).stdout.starts_with("::error title=parses,file=shop.py,line=1"));
    let gitlab: Value = serde_json::from_str(&check(&project, &["--format", "gitlab"]).stdout).unwrap();
    assert_eq!(gitlab[0]["check_name"], "parses");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.sarif");
    let run = check(&project, &["--format", "sarif", "--output", file.to_str().unwrap()]);
    assert!(run.stdout.contains("fail: 1 new"), "{run:?}");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(written["version"], "2.1.0");
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_receipt_can_be_verified_until_something_changes() {
    let project = project();
    project.write("shop.py", "def total(prices):\n    return 0\n");
    let folder = tempfile::tempdir().unwrap();
    let [receipt, statement] = ["receipt.json", "statement.json"].map(|it| folder.path().join(it));
    let (receipt_arg, statement_arg) = (receipt.to_str().unwrap(), statement.to_str().unwrap());
    let args = ["--author", "agent", "--author-name", "x", "--receipt", receipt_arg, "--attest", statement_arg];
    assert_eq!(check(&project, &args).exit, 0);
    assert_eq!(json_of(&receipt)["author_name"], "x");
    assert_eq!(json_of(&statement)["predicate"]["verdict"], "pass");

    for path in [receipt_arg, statement_arg] {
        let run = check(&project, &["--json", "--verify", path]);
        assert_eq!((run.exit, &run.json()["matches"]), (0, &true.into()), "{run:?}");
    }
    project.write("shop.py", "def total(prices):\n    return 1\n");
    let run = check(&project, &["--verify", receipt_arg]);
    assert_eq!(run.exit, 1, "{run:?}");
    assert!(run.stdout.contains("differs  patch") && run.stdout.contains("matches  base tree"), "{run:?}");
    let run = check(&project, &["--verify", project.root().join("shop.py").to_str().unwrap()]);
    assert_eq!(run.exit, 2, "{run:?}");
}

#[test]
fn a_receipt_can_be_a_note_or_a_trailer_of_the_commit() {
    let project = project();
    project.write("shop.py", "def total(prices):\n    return 0\n");
    commit(&project, "change");
    assert_eq!(check(&project, &["HEAD", "--note"]).exit, 0);
    let note: Value = serde_json::from_str(&project.git(&["notes", "--ref=wright", "show", "HEAD"])).unwrap();
    assert_eq!(note["head_commit"], project.git(&["rev-parse", "HEAD"]).trim());
    let run = check(&project, &["HEAD", "--trailer"]);
    assert!(run.stdout.starts_with("Wright-Check: pass base=") && run.stdout.lines().count() == 1, "{run:?}");
}

#[test]
fn the_hooks_refuse_a_commit_and_a_push() {
    let project = project();
    let surroundings = Surroundings::new();
    let install = |hook: &str| surroundings.run_in(project.root(), &["check", "--install-hook", hook]);
    assert_eq!(install("pre-commit").exit, 0);
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let mut command = surroundings.command_of("git", &[&identity[..], args].concat());
        crate::fixture::finish(command.current_dir(project.root()))
    };
    project.write("shop.py", BROKEN);
    git(&["add", "--all"]);
    let refused = git(&["commit", "-m", "x"]);
    assert_ne!(refused.exit, 0);
    assert!((refused.stdout + &refused.stderr).contains("error[parses]"));
    assert_eq!(surroundings.run_in(project.root(), &["check", "--uninstall-hook", "pre-commit"]).exit, 0);
    assert_eq!(git(&["commit", "-m", "x"]).exit, 0);

    let remote = tempfile::tempdir().unwrap();
    let address = remote.path().to_str().unwrap();
    git(&["init", "--bare", "--quiet", address]);
    git(&["push", "--quiet", address, "HEAD~1:refs/heads/main"]);
    assert_eq!(install("pre-push").exit, 0);
    let refused = git(&["push", address, "HEAD:refs/heads/main"]);
    assert_ne!(refused.exit, 0);
    assert!((refused.stdout + &refused.stderr).contains("error[parses]"));
    assert_eq!(git(&["push", address, "HEAD~1:refs/heads/other"]).exit, 0);
}

#[test]
fn a_hook_of_someone_elses_stays() {
    let project = project();
    project.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 0\n");
    let run = check(&project, &["--install-hook", "pre-commit"]);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("it is not one of ours"), "{run:?}");
    assert_eq!(project.read(".git/hooks/pre-commit"), "#!/bin/sh\nexit 0\n");
    assert_eq!(check(&project, &["--install-hook", "pre-commit", "--force"]).exit, 0);
}

#[test]
fn an_agent_that_stops_is_sent_back_once() {
    let project = project();
    let stop = |input: &str| {
        let run = check_with(&project, &["--hook", "stop"], input);
        assert_eq!(run.exit, 0, "{run:?}");
        run.stdout
    };
    assert_eq!(stop(r#"{"hook_event_name":"Stop","stop_hook_active":false}"#), "");
    project.write("shop.py", BROKEN);
    let answer: Value = serde_json::from_str(&stop(r#"{"stop_hook_active":false}"#)).unwrap();
    assert_eq!(answer["decision"], "block");
    assert!(answer["reason"].as_str().unwrap().contains("shop.py:1: "), "{answer}");
    let again: Value = serde_json::from_str(&stop(r#"{"stop_hook_active":true}"#)).unwrap();
    assert!(again.get("decision").is_none() && again["systemMessage"].is_string(), "{again}");
    let broken: Value = serde_json::from_str(&stop("{not json")).unwrap();
    assert!(broken["systemMessage"].as_str().unwrap().contains("could not run"), "{broken}");
}

#[test]
fn rules_are_listed_and_explained() {
    let project = project();
    assert!(check(&project, &["--list-rules"]).stdout.contains("no-secrets"));
    assert!(check(&project, &["--explain", "suppression-added"]).stdout.contains("any change pass"));
    let rules = check(&project, &["--list-rules", "--json"]).json();
    assert_eq!(rules["schema"], "wright.rules/1");
}

#[test]
fn before_the_first_commit_everything_is_new() {
    let project = project();
    project.git(&["update-ref", "-d", "HEAD"]);
    project.write("shop.py", BROKEN);
    project.git(&["add", "--all"]);
    let run = check(&project, &["--staged", "--json"]);
    assert_eq!((run.exit, run.json()["subject"]["base_commit"].is_null()), (1, true), "{run:?}");
}

#[test]
fn the_repository_is_left_as_it_was() {
    let project = project();
    project.write("shop.py", BROKEN);
    project.git(&["status"]);
    let before = project.bytes();
    check(&project, &[]);
    check(&project, &["--staged"]);
    assert_eq!(project.bytes(), before);
}
