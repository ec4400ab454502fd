//! The change adds no code that skips, ends or detects a test run.
//!
//! A function that calls `pytest.skip()` or `os._exit(0)` makes a failing test run look like a passing one. The number of
//! tests that ran is compared as well, see [`crate::Comparison`]; this check also catches what would forge that number.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use wright_text::Language;

use super::Change;
use crate::Finding;

/// The check's name.
pub const NAME: &str = "tests-run";

/// Reports each kind of such code that occurs more often after the change than before.
pub fn check(change: Change<'_>) -> Vec<Finding> {
    let Some(pattern) = pattern_for(change.path) else { return Vec::new() };
    let before = pattern.find_iter(change.before).count();
    let mut found = pattern.find_iter(change.after);
    if pattern.find_iter(change.after).count() <= before {
        return Vec::new();
    }
    let first_new = found.find(|it| !change.before.contains(it.as_str())).or_else(|| pattern.find(change.after));
    let Some(first_new) = first_new else { return Vec::new() };
    let line = change.after[..first_new.start()].matches('\n').count() + 1;
    let message = format!("adds `{}`, which can skip, end or detect a test run", first_new.as_str().trim());
    vec![Finding::error(NAME, message).at(change.path, Some(line))]
}

fn pattern_for(path: &Path) -> Option<&'static Regex> {
    let pattern: &Regex = match Language::from_path(path)? {
        Language::Python => &PYTHON,
        Language::Rust => &RUST,
        Language::JavaScript | Language::TypeScript | Language::Tsx => &JAVASCRIPT,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::Cpp => &CPP,
    };
    Some(pattern)
}

macro_rules! pattern {
    ($name:ident, $($part:literal),+ $(,)?) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!("(?:", $($part),+, ")")).expect("the pattern is a constant and a test compiles it")
        });
    };
}

pattern!(
    PYTHON,
    r"\bpytest\s*\.|\bimport\s+pytest|\bSkipTest\b|\bunittest\s*\.|\bskip(?:If|Unless|Test)?\s*\(|\bsys\s*\.\s*(?:exit|modules|settrace)\b",
    r"|\bos\s*\.\s*(?:_exit|abort|kill|exec\w*)\b|\bSystemExit\b|(?:^|[^.\w])(?:exit|quit)\s*\(|PYTEST_CURRENT_TEST|\b__(?:eq|ne|bool|hash)__\b",
    r"|\binspect\s*\.\s*(?:stack|currentframe)\b|\bsys\s*\.\s*_getframe\b|\bimportlib\b|\batexit\b|\b__import__\b|\bbreakpoint\s*\("
);
pattern!(
    RUST,
    r"\bprocess\s*::\s*(?:exit|abort)\b|#\[\s*ignore|\bcfg!?\s*\(\s*(?:not\s*\(\s*)?test\b|CARGO_|NEXTEST|\bcatch_unwind\b"
);
pattern!(
    JAVASCRIPT,
    r"\bprocess\s*\.\s*(?:exit|abort|kill|exitCode|reallyExit)\b|\.\s*(?:skip|only|todo)\s*\(|\bJEST_WORKER_ID\b|\bNODE_ENV\b|\bVITEST\b"
);
pattern!(
    GO,
    r"\bos\s*\.\s*Exit\b|\.\s*Skip(?:Now|f)?\s*\(|\bruntime\s*\.\s*Goexit\b|\btesting\s*\.|\bsyscall\s*\.\s*Exit\b"
);
pattern!(
    JAVA,
    r"\bSystem\s*\.\s*exit\b|\.\s*halt\s*\(|@Disabled\b|@Ignore\b|\bassume(?:True|False|That)\b|\bAssumptions\b"
);

pattern!(
    CPP,
    r"(?:^|[^.\w>])(?:_exit|_Exit|exit|quick_exit|abort)\s*\(|\bGTEST_SKIP\b|\bSKIP\s*\(|\bdoctest\s*::\s*skip\b",
    r"|#\s*(?:define|undef)\s+(?:NDEBUG|assert|ASSERT_\w+|EXPECT_\w+|main)\b"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, before: &str, after: &str) -> usize {
        check(Change { path: Path::new(path), before, after }).len()
    }

    #[test]
    fn code_that_cheats_a_test_run_is_found_in_every_language() {
        let cases = [
            ("a.py", "import pytest\npytest.skip('later')"),
            ("a.py", "import os\nos._exit(0)"),
            ("a.py", "raise SystemExit(0)"),
            ("a.py", "exit(0)"),
            ("a.rs", "fn f() { std::process::exit(0) }"),
            ("a.rs", "fn f() { if cfg!(test) { return } }"),
            ("a.js", "process.exit(0)"),
            ("a.ts", "process.exitCode = 0"),
            ("a.go", "func f() { os.Exit(0) }"),
            ("a.cpp", "void f() { std::exit(0); }"),
            ("a.cc", "GTEST_SKIP() << 1;"),
            ("A.java", "class A { void f() { System.exit(0); } }"),
        ];
        for (path, after) in cases {
            assert_eq!(count(path, "", after), 1, "{after}");
        }
    }

    #[test]
    fn what_was_there_before_is_not_new() {
        assert_eq!(count("a.py", "import sys\nsys.exit(1)\n", "import sys\nsys.exit(2)\nx = 1\n"), 0);
    }

    #[test]
    fn ordinary_code_is_left_alone() {
        assert_eq!(count("a.py", "", "def f(items):\n    return self.exit(items)\n"), 0);
        assert_eq!(count("a.cpp", "", "void f(Door &door, int is_exit) { door.exit(is_exit); }"), 0);
        assert_eq!(count("a.js", "", "export const f = (x) => x.map((y) => y + 1)"), 0);
    }
}
