//! Code that runs around the tests and can change what becomes of them.

use wright_repo::project::is_test_path;
use wright_text::Language;

use super::lines::Lines;
use crate::Severity;
use crate::tampering::marks::regex;
use crate::tampering::report::Reporter;

/// Reports hooks, exits and replaced assertions that a change adds.
pub(super) fn judge(file: &Lines<'_>, out: &mut Reporter<'_>) {
    let Some(language) = Language::from_path(file.path) else { return };
    let is_startup = matches!(file.name.as_str(), "conftest.py" | "sitecustomize.py" | "usercustomize.py")
        || file.name.contains("setup")
        || file.name.contains("plugin")
        || file.name.contains("hooks");
    let holds_tests = language == Language::Rust && file.after.contains("#[test]");
    if !(is_test_path(file.path) || is_startup || holds_tests) {
        return;
    }
    if matches!(file.name.as_str(), "sitecustomize.py" | "usercustomize.py") && !file.added.is_empty() {
        let message = "code runs whenever the interpreter starts".to_owned();
        out.at(Severity::Error, "outcome-hook", file.path, Some(file.added[0].0), None, message);
    }
    let added: Vec<&str> = file.added.iter().map(|it| it.1).collect();
    let added = added.join("\n");
    for (pattern, message, severity) in rules(language) {
        let pattern = pattern();
        let Some(found) = pattern.find(&added) else { continue };
        let line = added[..found.start()].matches('\n').count();
        let number = file.added.get(line).map(|it| it.0);
        let quoted = found.as_str().lines().next().unwrap_or_default().trim();
        // A hook that obeys an option of the command line is the documented way to have slow tests.
        let is_optional = added.contains("getoption") && quoted.contains("collection_modifyitems");
        let severity = if is_optional { Severity::Note } else { severity };
        out.at(severity, "outcome-hook", file.path, number, None, format!("{message}: `{quoted}`"));
    }
}

type HookRule = (fn() -> &'static regex::Regex, &'static str, Severity);

/// Returns what is looked for in a language. Regular expressions see only added lines, joined, without indentation.
fn rules(language: Language) -> Vec<HookRule> {
    match language {
        Language::Python => vec![
            (
                || {
                    regex!(
                        r"(?m)^def (?:pytest_runtest_makereport|pytest_report_teststatus|pytest_pyfunc_call|pytest_runtest_call|pytest_runtest_protocol|pytest_ignore_collect|pytest_collection_modifyitems|pytest_sessionfinish|pytest_pycollect_makeitem|pytest_runtestloop)\b"
                    )
                },
                "a hook can change what becomes of tests",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"(?m)\b(?:outcome|report|rep)\.outcome\s*=|\bexitstatus\s*=\s*0|items\[:\]\s*=|force_result|\.wasxfail\s*=|session\.testsfailed\s*=|\bcollect_ignore\w*\s*=|\bcollect_ignore\w*\.(?:append|extend)"
                    )
                },
                "the outcome of tests is set",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"(?m)(?:TestCase|unittest\.\w+|builtins|np\.testing)\.(?:assert\w*|fail|run)\s*=|^def assert(?:Equal|True|Equals|Raises|In)\b|setattr\(\s*(?:unittest\.)?TestCase|setattr\(\s*builtins|sys\.excepthook\s*="
                    )
                },
                "an assertion of the library is replaced",
                Severity::Error,
            ),
            (
                || regex!(r"(?m)\bos\._exit\(|^(?:sys\.)?exit\(0?\)|^raise SystemExit|\batexit\.register\("),
                "the run can end early",
                Severity::Error,
            ),
            (
                || regex!(r"(?m)def __(?:eq|bool|ne)__\(.*\).*:\n(?:.*\n)?return (?:True|False)$"),
                "a value equals everything",
                Severity::Error,
            ),
        ],
        Language::JavaScript | Language::TypeScript | Language::Tsx => vec![
            (
                || {
                    regex!(
                        r"(?m)\bprocess\.exit\((?:0|)\)|process\.exitCode\s*=\s*0|process\.on\(\s*['\x22](?:uncaughtException|unhandledRejection|exit)['\x22]"
                    )
                },
                "the run can end early, or its failures are taken",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"(?m)(?:global|globalThis|window)\.(?:expect|it|test|describe|assert)\s*=|\bassert\.\w+\s*=\s*(?:\(|function|async|jest\.fn|vi\.fn)|^(?:const|let|var|function)\s+(?:expect|assert)\s*(?:=\s*(?:\(|function|async|new Proxy)|\()"
                    )
                },
                "an assertion of the library is replaced",
                Severity::Error,
            ),
            (
                || regex!(r"(?m)\bexpect\.extend\(\{?\s*\n?(?:toBe|toEqual|toStrictEqual|toThrow|toContain|toMatch)\b"),
                "a matcher of the library is replaced",
                Severity::Error,
            ),
            (
                || regex!(r"(?m)\b(?:jest|vi)\.retryTimes\(|this\.retries\("),
                "failing tests run again until they pass",
                Severity::Warning,
            ),
        ],
        Language::Rust => vec![
            (
                || regex!(r"(?m)^macro_rules! (?:assert|assert_eq|assert_ne|panic|assert_matches)\b"),
                "an assertion of the library is replaced",
                Severity::Error,
            ),
            (|| regex!(r"(?m)\bprocess::exit\(0\)|panic::set_hook\(.*exit"), "the run can end early", Severity::Error),
        ],
        Language::Go => vec![
            (
                || regex!(r"(?m)\bos\.Exit\(0\)|\bsyscall\.Exit\(0\)|runtime\.Goexit\(\)"),
                "the run can end early",
                Severity::Error,
            ),
            (|| regex!(r"(?m)^_ = m\.Run\(\)|^m\.Run\(\)$"), "the result of the tests is dropped", Severity::Error),
        ],
        Language::Java => vec![
            (
                || regex!(r"(?m)\bSystem\.exit\(0\)|Runtime\.getRuntime\(\)\.halt\("),
                "the run can end early",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"(?m)implements .*\b(?:TestExecutionExceptionHandler|ExecutionCondition|InvocationInterceptor|IRetryAnalyzer|IHookable|ITestListener)\b"
                    )
                },
                "an extension can change what becomes of tests",
                Severity::Error,
            ),
            (
                || regex!(r"(?m)(?:static\s+)?void assert(?:Equals|True|False|NotNull|Throws|Same)\s*\("),
                "an assertion of the library is replaced",
                Severity::Error,
            ),
        ],
        Language::Cpp => vec![
            (
                || regex!(r"(?m)^#\s*(?:define|undef)\s+(?:NDEBUG|assert|ASSERT_\w+|EXPECT_\w+|REQUIRE|CHECK)\b"),
                "an assertion of the library is replaced",
                Severity::Error,
            ),
            (
                || regex!(r"(?m)(?:^|[^\w.>])(?:std::)?(?:_?exit|quick_exit|_Exit)\(0\)"),
                "the run can end early",
                Severity::Error,
            ),
        ],
    }
}
