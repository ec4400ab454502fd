//! Code that asks whether tests are running, answers without looking, or ends the run.
//!
//! Regular expressions, because the words are names of variables and modules that say what they are for; each counts only
//! where a change has more of it than the state before.

use wright_text::Language;

use crate::Severity;
use crate::change::FileDelta;
use crate::tampering::marks::regex;
use crate::tampering::product::code_of;
use crate::tampering::report::Reporter;

/// Reports code that asks whether tests are running, or answers without looking.
pub(super) fn judge(file: &FileDelta, out: &mut Reporter<'_>) {
    let Some(language) = Language::from_path(&file.path) else { return };
    let (before, after) = (code_of(&file.path, file.text_before()), code_of(&file.path, file.text_after()));
    for (pattern, rule, message, severity) in patterns(language) {
        let pattern = pattern();
        let count = |text: &str| pattern.find_iter(text).count();
        if count(after) <= count(before) {
            continue;
        }
        let new = pattern.find_iter(after).find(|it| !before.contains(it.as_str())).or_else(|| pattern.find(after));
        let Some(found) = new else { continue };
        let line = after[..found.start()].matches('\n').count() + 1;
        let quoted = found.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
        // Programs end themselves; libraries do not.
        let is_program = rule == "run-ended"
            && (file.path.iter().any(|it| matches!(it.to_str(), Some("bin" | "scripts" | "cmd" | "cli")))
                || regex!(r"(?i)main|cli|command|__main__|script|argv")
                    .is_match(&format!("{}\n{before}", file.path.display())));
        let severity = if is_program { Severity::Note } else { severity };
        out.at(severity, rule, &file.path, Some(line), None, format!("{message}: `{quoted}`"));
    }
}

type Detection = (fn() -> &'static regex::Regex, &'static str, &'static str, Severity);

fn patterns(language: Language) -> Vec<Detection> {
    const KNOWS: &str = "the code asks whether a test runner is there";
    const EQUAL: &str = "a comparison has one answer whatever it compares";
    const ENDS: &str = "the code can end the whole run as a success";
    match language {
        Language::Python => vec![
            (
                || {
                    regex!(
                        r#"PYTEST_CURRENT_TEST|PYTEST_XDIST_WORKER|["'](?:pytest|unittest|_pytest)["']\s+(?:not\s+)?in\s+sys\s*\.\s*modules|sys\s*\.\s*modules\s*(?:\.get\(|\[)\s*["'](?:pytest|unittest)|["'](?:pytest|unittest|py\.test)["']\s+in\s+sys\s*\.\s*argv"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r#"environ(?:\.get\(|\[)\s*["'](?:CI|TESTING|TEST_MODE|GITHUB_ACTIONS)["']|getenv\(\s*["'](?:CI|TESTING|TEST_MODE|GITHUB_ACTIONS)["']"#
                    )
                },
                "test-detected",
                "the code behaves otherwise where tests run",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"\binspect\s*\.\s*(?:stack|currentframe)\s*\(|\bsys\s*\.\s*_getframe\b|\btraceback\s*\.\s*extract_stack\b"
                    )
                },
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"def\s+__(?:eq|ne|bool|lt|gt|le|ge|contains)__\s*\([^)]*\)[^:]*:\s*(?:#[^\n]*\s*|'''[^']*'''\s*|\x22\x22\x22[^\x22]*\x22\x22\x22\s*)*return\s+(?:True|False|1)\s*(?:\n|$)"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"\bos\s*\.\s*_exit\s*\(|\bsys\s*\.\s*exit\s*\(\s*0?\s*\)|raise\s+SystemExit(?:\(\s*0?\s*\))?\s*(?:\n|$)|(?:^|\n)\s*(?:exit|quit)\s*\(\s*0?\s*\)"
                    )
                },
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::JavaScript | Language::TypeScript | Language::Tsx => vec![
            (
                || {
                    regex!(
                        r#"JEST_WORKER_ID|VITEST_WORKER_ID|\bVITEST\b|\bMOCHA\w*\b|NODE_TEST_CONTEXT|typeof\s+(?:jest|describe|it|vi|expect)\s*[!=]==?|global(?:This)?\s*\.\s*(?:jest|describe|expect)\b|NODE_ENV['"\])]*\s*===?\s*['"]test['"]|env\s*\.\s*(?:CI|TESTING|TEST)\b"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"new\s+Error\s*\([^)]*\)\s*\.\s*stack\s*[!?]?\s*\.?\s*(?:\.includes|\.match|\.split|\.indexOf)|arguments\s*\.\s*callee|require\s*\.\s*main\s*\.\s*filename|module\s*\.\s*parent\s*\.\s*filename"
                    )
                },
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"\b(?:equals|isEqual|eq)\s*\([^)]*\)\s*(?::\s*boolean\s*)?\{\s*return\s+true\s*;?\s*\}|\bequals\s*=\s*\([^)]*\)\s*=>\s*true\b|Symbol\s*\.\s*toPrimitive\s*\]|asymmetricMatch\s*\("
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || regex!(r"\bprocess\s*\.\s*(?:exit|reallyExit)\s*\(\s*0?\s*\)|\bprocess\s*\.\s*exitCode\s*=\s*0"),
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::Rust => vec![
            (
                || {
                    regex!(
                        r#"\bcfg!\s*\(\s*(?:not\s*\(\s*)?test\b|#\[\s*cfg\s*\(\s*not\s*\(\s*test\s*\)\s*\)\s*\]|(?:var|var_os|option_env!|env!)\s*\(\s*"(?:NEXTEST\w*|CI|RUST_TEST_\w+|CARGO_TARGET_TMPDIR)"|thread::current\(\)\s*\.\s*name\(\)"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"fn\s+(?:eq|ne)\s*\(\s*&self\s*,[^)]*\)\s*->\s*bool\s*\{\s*(?:true|false)\s*\}|fn\s+partial_cmp\s*\([^)]*\)[^{]*\{\s*Some\s*\(\s*(?:[\w:]*::)?Equal\s*\)\s*\}"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (|| regex!(r"\bprocess\s*::\s*exit\s*\(\s*0\s*\)"), "run-ended", ENDS, Severity::Error),
        ],
        Language::Go => vec![
            (
                || {
                    regex!(
                        r#"\btesting\s*\.\s*Testing\s*\(\s*\)|flag\s*\.\s*Lookup\s*\(\s*"test\.|HasSuffix\s*\(\s*os\s*\.\s*Args\s*\[\s*0\s*\][^)]*\.test"|(?:Contains|HasPrefix|HasSuffix)\s*\(\s*(?:os\s*\.\s*Args|arg)[^)]*test|Getenv\s*\(\s*"(?:CI|TESTING|GO_TEST\w*|GO_ENV)"\s*\)"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || regex!(r#"\bruntime\s*\.\s*Callers?\s*\([^)]*\)[^\n]*(?:\n[^\n]*){0,4}_test"#),
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Error,
            ),
            (
                || regex!(r"func\s*\([^)]*\)\s*(?:Equal|Equals|Is)\s*\([^)]*\)\s*bool\s*\{\s*return\s+true\s*\}"),
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || regex!(r"\bos\s*\.\s*Exit\s*\(\s*0\s*\)|\bruntime\s*\.\s*Goexit\s*\("),
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::Java => vec![
            (
                || {
                    regex!(
                        r#"Class\s*\.\s*forName\s*\(\s*"org\.(?:junit|testng)|getProperty\s*\(\s*"(?:surefire|org\.gradle\.test|test)[\w.]*"|getenv\s*\(\s*"(?:CI|TESTING|GITHUB_ACTIONS)"|contains\s*\(\s*"(?:org\.junit|junit|surefire|Test)"\s*\)"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || regex!(r"getStackTrace\s*\(\s*\)|StackWalker\s*\.\s*getInstance"),
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Warning,
            ),
            (
                || {
                    regex!(
                        r"boolean\s+equals\s*\([^)]*\)\s*\{\s*return\s+true\s*;\s*\}|int\s+compareTo\s*\([^)]*\)\s*\{\s*return\s+0\s*;\s*\}"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || regex!(r"\bSystem\s*\.\s*exit\s*\(\s*0\s*\)|getRuntime\s*\(\s*\)\s*\.\s*halt\s*\("),
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::Cpp => vec![
            (
                || regex!(r#"getenv\s*\(\s*"(?:GTEST_\w+|CI|TESTING)"|\bGTEST_IS_|::testing::UnitTest"#),
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"bool\s+operator\s*(?:==|!=)\s*\([^)]*\)\s*(?:const\s*)?(?:noexcept\s*)?\{\s*return\s+(?:true|false)\s*;\s*\}"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"(?:\bstd\s*::\s*|^|[^\w.>:])(?:_exit|_Exit|quick_exit|exit)\s*\(\s*(?:0|EXIT_SUCCESS)\s*\)"
                    )
                },
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
    }
}
