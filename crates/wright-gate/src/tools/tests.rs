//! What the readers of tools make of recorded and of hostile output.

use std::path::PathBuf;

use wright_sandbox::Exit;

use super::findings::findings;
use super::*;
use crate::change::MemoryTree;
use crate::{Confidence, Severity};

fn kind(name: &str) -> &'static ToolKind {
    ALL.iter().find(|it| it.name == name).unwrap()
}

fn capture(code: i32, stdout: &[u8], stderr: &[u8]) -> Capture {
    Capture {
        exit: Exit::Code(code),
        stdout: stdout.to_vec(),
        stderr: stderr.to_vec(),
        project: PathBuf::from("/project"),
    }
}

/// What each tool wrote about the same few lines, with its exit code; what stands in `stderr` is written there.
const SAMPLES: &[(&str, i32, &str)] = &[
    ("ruff", 1, include_str!("samples/ruff.json")),
    ("mypy", 1, include_str!("samples/mypy.jsonl")),
    ("mypy", 2, include_str!("samples/mypy-stopped.jsonl")),
    ("ty", 1, include_str!("samples/ty.json")),
    ("pyright", 1, include_str!("samples/pyright.json")),
    ("bandit", 1, include_str!("samples/bandit.json")),
    ("semgrep", 0, include_str!("samples/semgrep.json")),
    ("shellcheck", 1, include_str!("samples/shellcheck.json")),
    ("tsc", 2, include_str!("samples/tsc.txt")),
    ("eslint", 1, include_str!("samples/eslint.json")),
    ("oxlint", 1, include_str!("samples/oxlint.json")),
    ("biome", 1, include_str!("samples/biome.json")),
    ("cargo-check", 101, include_str!("samples/cargo.jsonl")),
    ("javac", 1, include_str!("samples/javac.txt")),
    ("go-vet", 1, include_str!("samples/go-vet.txt")),
    ("staticcheck", 1, include_str!("samples/staticcheck.jsonl")),
    ("gitleaks", 0, include_str!("samples/gitleaks.json")),
];

/// Returns one line for each problem, and one for each file that was left out.
fn read(name: &str, code: i32, stdout: &str) -> Result<Vec<String>, String> {
    let reading = (kind(name).read)(&capture(code, stdout.as_bytes(), b""))?;
    let mut lines: Vec<String> = reading
        .diagnostics
        .iter()
        .map(|it| {
            let certain = if it.is_certain { "!" } else { "" };
            format!(
                "{}:{}:{} {:?}{certain} {} {}",
                it.path.display(),
                it.start.0,
                it.start.1,
                it.severity,
                it.rule,
                it.message
            )
        })
        .collect();
    lines.extend(reading.skipped.iter().map(|(path, reason)| format!("left out {}: {reason}", path.display())));
    Ok(lines)
}

fn sample(name: &str) -> Vec<String> {
    let (_, code, text) = SAMPLES.iter().find(|it| it.0 == name).unwrap();
    read(name, *code, text).unwrap()
}

#[test]
fn ruff_is_read_and_a_text_that_does_not_parse_is_left_out() {
    let found = sample("ruff");
    assert_eq!(found[0], "a.py:1:1 Error I001 Import block is un-sorted or un-formatted");
    assert_eq!(found[1], "a.py:4:16 Error! F821 Undefined name `undefined_name`");
    assert_eq!(found[2], "bad.py:1:7 Error! invalid-syntax Expected a parameter or the end of the parameter list");
    assert_eq!(found.last().unwrap(), "left out bad.py: does not parse, so no other rule looked at it");
}

#[test]
fn mypy_is_read_and_stops_at_a_text_that_does_not_parse() {
    let expected = [
        "a.py:4:16 Error! name-defined Name \"undefined_name\" is not defined",
        "a.py:6:1 Error! attr-defined Module has no attribute \"nothere\"",
    ];
    assert_eq!(sample("mypy"), expected);
    let stopped = read("mypy", 2, SAMPLES[2].2).unwrap();
    assert_eq!(stopped.last().unwrap(), "left out bad.py: does not parse, so no file was checked");
    let error = read("mypy", 2, "mypy: can't read file\n").unwrap_err();
    assert_eq!(error, "ended with exit code 2: mypy: can't read file");
}

#[test]
fn ty_and_pyright_are_read() {
    assert_eq!(sample("ty")[0], "a.py:4:16 Error! unresolved-reference Name `undefined_name` used when not defined");
    assert_eq!(sample("ty")[1], "a.py:6:1 Error! missing-attribute Module `os` has no member `nothere`");
    assert_eq!(sample("pyright")[0], "a.py:4:16 Error! reportUndefinedVariable \"undefined_name\" is not defined");
    assert_eq!(sample("pyright")[2], "bad.py:1:6 Error! syntax \"(\" was not closed");
}

#[test]
fn bandit_is_read_with_what_it_skipped_and_its_weaknesses() {
    let expected = [
        "a.py:2:1 Note B404 Consider possible security implications associated with the subprocess module",
        "a.py:5:1 Error B602 subprocess call with shell=True identified, security issue",
        "left out bad.py: syntax error while parsing AST from file",
    ];
    assert_eq!(sample("bandit"), expected);
    let (_, code, text) = SAMPLES.iter().find(|it| it.0 == "bandit").unwrap();
    let reading = (kind("bandit").read)(&capture(*code, text.as_bytes(), b"")).unwrap();
    assert_eq!(reading.diagnostics[1].cwe, [78]);
}

#[test]
fn semgrep_is_read_with_its_weaknesses() {
    let found = sample("semgrep");
    assert_eq!(found[0], "a.py:5:1 Error shell-true a shell runs the words of others");
    let failed = r#"{"results": [], "errors": [{"path": "bad.py", "message": "Syntax error at line /project/bad.py:1\nmore", "level": "warn"}]}"#;
    assert_eq!(read("semgrep", 0, failed).unwrap(), ["left out bad.py: Syntax error at line bad.py:1"]);
    let broken = r#"{"results": [], "errors": [{"message": "invalid configuration", "level": "error"}]}"#;
    assert_eq!(read("semgrep", 0, broken).unwrap_err(), "reported: invalid configuration");
}

#[test]
fn the_tools_of_the_web_are_read() {
    let expected = [
        "a.ts:1:19 Error! TS2307 Cannot find module './nothing' or its corresponding type declarations",
        "a.ts:2:7 Error TS2322 Type 'string' is not assignable to type 'number'",
    ];
    assert_eq!(sample("tsc"), expected);
    let expected = [
        "c.js:3:10 Error! parse Parsing error: Unexpected token (",
        "d.js:1:5 Warning no-unused-vars 'unused' is assigned a value but never used",
        "d.js:2:7 Error eqeqeq Expected '===' and instead saw '=='",
        "left out c.js: does not parse, so no rule looked at it",
    ];
    assert_eq!(sample("eslint"), expected);
    let oxlint = sample("oxlint");
    assert_eq!(
        oxlint[0],
        "d.js:1:5 Warning eslint(no-unused-vars) Variable 'unused' is declared but never used. Unused variables should start with a '_'"
    );
    assert!(oxlint.iter().any(|it| it.starts_with("left out c.js")), "{oxlint:?}");
    let biome = sample("biome");
    assert_eq!(biome[0], "a.ts:1:8 Warning correctness/noUnusedImports This import is unused");
    assert!(biome.iter().any(|it| it.starts_with("left out c.js")), "{biome:?}");
}

#[test]
fn an_ignored_file_was_not_looked_at() {
    let text = r#"[{"filePath": "/project/dist/a.js", "messages": [{"ruleId": null, "fatal": false, "severity": 1,
        "message": "File ignored because of a matching ignore pattern."}]}]"#;
    assert_eq!(read("eslint", 0, text).unwrap(), ["left out dist/a.js: is ignored by the configuration"]);
}

#[test]
fn compilers_are_read_and_what_several_targets_repeat_is_said_once() {
    let expected = ["src/lib.rs:3:5 Error! E0425 cannot find function `missing` in this scope"];
    assert_eq!(sample("cargo-check"), expected);
    let error =
        (kind("cargo-check").read)(&capture(101, b"", b"error: no matching package named `x` found\n")).unwrap_err();
    assert_eq!(error, "ended with exit code 101: error: no matching package named `x` found");
    let expected = [
        "sub/B.java:2:0 Error! compile incompatible types: String cannot be converted to int",
        "sub/B.java:3:0 Error! compile cannot find symbol",
        "sub/B.java:3:0 Warning rawtypes found raw type: List",
        "sub/B.java:3:0 Warning rawtypes found raw type: ArrayList",
        "sub/B.java:3:0 Warning unchecked unchecked call to add(E) as a member of the raw type List",
    ];
    assert_eq!(sample("javac"), expected);
    let expected = [
        "b/b.go:4:9 Error! compile undefined: missing",
        "a/a.go:6:2 Error printf fmt.Printf format %d has arg \"x\" of wrong type string",
    ];
    assert_eq!(sample("go-vet"), expected);
    assert_eq!(sample("staticcheck"), ["a.go:4:2 Error SA4006 this value of x is never used"]);
}

#[test]
fn shell_and_secrets_are_read() {
    let found = sample("shellcheck");
    assert_eq!(found[0], "b.sh:2:10 Error SC2045 Iterating over ls output is fragile. Use globs");
    assert_eq!(sample("gitleaks"), ["settings.py:2:5 Error generic-api-key Detected a Generic API Key"]);
}

#[test]
fn a_tool_that_fails_or_is_stopped_is_never_clean() {
    for kind in ALL {
        for exit in [Exit::Code(3), Exit::Code(127), Exit::Signal(9), Exit::WallClock, Exit::OutputLimit] {
            let failed =
                Capture { exit, stdout: Vec::new(), stderr: b"why\n".to_vec(), project: PathBuf::from("/project") };
            let reason = (kind.read)(&failed).unwrap_err();
            assert!(reason.ends_with(": why"), "{}: {reason}", kind.name);
        }
    }
}

#[test]
fn no_output_makes_a_reader_panic_and_cut_output_is_not_taken_as_whole() {
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % below.max(1)
    };
    for (name, code, text) in SAMPLES {
        let bytes = text.as_bytes();
        let is_one_document =
            text.starts_with(['{', '[']) && text.lines().nth(1).is_none_or(|line| !line.starts_with('{'));
        for cut in (1..bytes.len()).step_by(37) {
            let read = (kind(name).read)(&capture(*code, &bytes[..cut], b""));
            let is_whole = text[cut..].trim().is_empty();
            assert!(!is_one_document || is_whole || read.is_err(), "{name} cut at {cut}");
        }
        for _ in 0..300 {
            let mut hostile = bytes.to_vec();
            for _ in 0..1 + random(4) {
                let at = random(hostile.len());
                hostile[at] = [b'0', b'"', b'{', b'-', b'[', 0xff, b'\n', b'9'][random(8)];
            }
            let _ = (kind(name).read)(&capture(*code, &hostile, &hostile));
        }
        for other in [
            "null",
            "[]",
            "{}",
            "[1]",
            "[[]]",
            "\"x\"",
            "{\"results\": 1}",
            "[{\"filename\": {}}]",
            "18446744073709551616",
        ] {
            let _ = (kind(name).read)(&capture(*code, other.as_bytes(), b""));
        }
        let deep = "[".repeat(200_000);
        let _ = (kind(name).read)(&capture(*code, deep.as_bytes(), b""));
    }
}

#[test]
fn a_path_outside_of_the_project_is_no_finding() {
    let line = |path: &str| format!("{path}(1,1): error TS2322: x\n");
    for path in ["/etc/passwd", "../up.ts", "/project/../up.ts"] {
        assert!(read("tsc", 2, &line(path)).is_err(), "{path}");
    }
    assert_eq!(read("tsc", 2, &line("/project/in/a.ts")).unwrap(), ["in/a.ts:1:1 Error TS2322 x"]);
}

#[test]
fn what_a_project_did_not_ask_for_is_a_warning_unless_it_is_certain() {
    let tree: MemoryTree =
        [("a.py", "import os\nimport subprocess\ndef f(x):\n    return x + undefined_name\n")].into_iter().collect();
    let reading = (kind("ruff").read)(&capture(1, SAMPLES[0].2.as_bytes(), b"")).unwrap();
    let of = |is_asked: bool| {
        let found = findings(kind("ruff"), &reading.diagnostics[..2], &tree, is_asked);
        found.into_iter().map(|it| (it.rule.into_owned(), it.severity, it.confidence)).collect::<Vec<_>>()
    };
    let rules = ["ruff/I001", "ruff/F821"].map(str::to_owned);
    let [first, second] = rules.clone();
    assert_eq!(
        of(false),
        [(first, Severity::Warning, Confidence::Medium), (second, Severity::Error, Confidence::High)]
    );
    let [first, second] = rules;
    assert_eq!(of(true), [(first, Severity::Error, Confidence::High), (second, Severity::Error, Confidence::High)]);
}

#[test]
fn a_finding_has_its_place_in_bytes_and_keeps_its_key_when_lines_move() {
    let text = "\u{fc} = 1\nx = \u{fc} + y\n";
    let moved = format!("# note\n\n{text}");
    let diagnostic = |line: usize| Diagnostic {
        end: Some((line, 10)),
        ..Diagnostic::new("a.py".into(), (line, 9), "F821", Severity::Error, "m")
    };
    let find = |text: &str, line: usize| {
        let tree: MemoryTree = [("a.py", text)].into_iter().collect();
        findings(kind("ruff"), &[diagnostic(line)], &tree, true).remove(0)
    };
    let (first, second) = (find(text, 2), find(&moved, 4));
    let span = first.span.unwrap();
    assert_eq!(&text[span.start..span.end], "y");
    assert_eq!(first.key, second.key);
    assert_ne!(first.line, second.line);
}

#[test]
fn the_line_of_a_secret_is_not_repeated() {
    let tree: MemoryTree = [("settings.py", "a\nkey = 'hunter2hunter2'\n")].into_iter().collect();
    let reading = (kind("gitleaks").read)(&capture(0, include_str!("samples/gitleaks.json").as_bytes(), b"")).unwrap();
    let found = findings(kind("gitleaks"), &reading.diagnostics, &tree, true);
    assert!(!format!("{found:?}").contains("hunter2"));
}

#[test]
fn what_asks_for_a_tool_is_found() {
    let cases = [
        ("ruff", "ruff.toml", "", true),
        ("ruff", "pyproject.toml", "[tool.ruff.lint]\nselect = []\n", true),
        ("ruff", "pyproject.toml", "[tool.ruffian]\n", false),
        ("mypy", "setup.cfg", "[mypy]\nstrict = true\n", true),
        ("mypy", "setup.cfg", "[flake8]\n", false),
        ("eslint", "eslint.config.mjs", "", true),
        ("eslint", "package.json", r#"{"eslintConfig": {}}"#, true),
        ("tsc", "web/tsconfig.json", "{}", true),
        ("clippy", "Cargo.toml", "[workspace.lints.clippy]\nall = \"deny\"\n", true),
        ("cargo-check", "Cargo.toml", "[workspace.lints.clippy]\nall = \"deny\"\n", false),
        ("cargo-check", "Cargo.toml", "[package]\nname = \"a\"\n", true),
        ("go-vet", "go.mod", "module m\n", true),
        ("semgrep", ".semgrep/rules.yml", "", true),
    ];
    for (name, path, text, expected) in cases {
        let tree: MemoryTree = [(path, text)].into_iter().collect();
        assert_eq!((kind(name).asked)(&tree).is_some(), expected, "{name}: {path} {text}");
    }
}

#[test]
fn no_file_name_is_taken_as_an_option() {
    let tree = MemoryTree::default();
    let files = ["./-rf.py".to_owned()];
    let out = PathBuf::from("/out");
    let start = Start { tree: &tree, files: &files, out: &out, python: None, asked: Some("x"), installed: &[] };
    for kind in ALL.iter().filter(|it| matches!(it.scope, Scope::Files | Scope::ConfiguredFiles)) {
        let arguments = (kind.arguments)(&start);
        assert_eq!(arguments.last().map(String::as_str), Some("./-rf.py"), "{}", kind.name);
    }
}
