//! Reading what test runners print about themselves.
//!
//! Only the runner's own summary makes a [`Report`]: names that were printed before a crash do not. Unknown output gives
//! none, which callers treat as "not known", never as "fine".

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use wright_repo::project::TestKind;

/// What a runner says about one run. Names are empty where the runner does not list them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Names of the tests that passed.
    pub passed: BTreeSet<String>,
    /// Names of the tests that failed.
    pub failed: BTreeSet<String>,
    /// How many passed.
    pub n_passed: usize,
    /// How many failed.
    pub n_failed: usize,
    /// How many were skipped, expected to fail, or left to do.
    pub n_skipped: usize,
}

impl Report {
    /// Returns how many tests ran.
    pub fn n_run(&self) -> usize {
        self.n_passed + self.n_failed
    }
}

/// Reads the report out of a runner's output. A command of unknown kind may print any of them.
pub(crate) fn parse(kind: TestKind, output: &str) -> Option<Report> {
    let output = &strip_colors(output);
    match kind {
        TestKind::Pytest => pytest(output),
        TestKind::Unittest => unittest(output),
        TestKind::Cargo => cargo(output).or_else(|| nextest(output)),
        TestKind::Node => node(output),
        TestKind::Npm(_) => jest(output).or_else(|| vitest(output)).or_else(|| node(output)).or_else(|| mocha(output)),
        TestKind::Go => go(output),
        TestKind::Maven => maven(output),
        TestKind::Gradle => None,
        TestKind::Make | TestKind::Custom => ALL.iter().find_map(|parser| parser(output)),
    }
}

const ALL: &[fn(&str) -> Option<Report>] = &[pytest, unittest, cargo, nextest, jest, vitest, node, maven, mocha, go];

macro_rules! regex {
    ($pattern:expr) => {{
        static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("the pattern is a constant"));
        &*PATTERN
    }};
}

fn strip_colors(output: &str) -> String {
    regex!(r"\x1b\[[0-9;]*[A-Za-z]").replace_all(output, "").into_owned()
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or(0)
}

/// Adds up `N word` pairs such as `1 failed, 2 passed`.
fn add_counts(report: &mut Report, text: &str) {
    for pair in regex!(r"(\d+) ([a-z]+)").captures_iter(text) {
        let n = number(&pair[1]);
        match &pair[2] {
            "passed" | "passing" => report.n_passed += n,
            "failed" | "failing" | "error" | "errors" => report.n_failed += n,
            "skipped" | "xfailed" | "xpassed" | "pending" | "todo" | "ignored" => report.n_skipped += n,
            _ => {}
        }
    }
}

fn pytest(output: &str) -> Option<Report> {
    let summary = regex!(r"(?m)^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s(?: \([^)]*\))?\s*=*$");
    let counts = summary.captures_iter(output).last()?;
    let mut report = Report::default();
    add_counts(&mut report, &counts[1]);
    for line in output.lines() {
        if let Some(found) = regex!(r"^(PASSED|FAILED|ERROR) (\S.*?)(?: - .*)?$").captures(line) {
            insert(&mut report, &found[1], found[2].to_owned());
        } else if let Some(found) = regex!(r"^(\S+::.+?) (PASSED|FAILED|ERROR)(?:\s+\[\s*\d+%\])?$").captures(line) {
            insert(&mut report, &found[2], found[1].to_owned());
        }
    }
    Some(report)
}

fn insert(report: &mut Report, word: &str, name: String) {
    let is_pass = matches!(word, "PASSED" | "PASS" | "ok" | "✔" | "✓");
    let set = if is_pass { &mut report.passed } else { &mut report.failed };
    set.insert(name);
}

fn unittest(output: &str) -> Option<Report> {
    let n_run = regex!(r"(?m)^Ran (\d+) tests? in").captures_iter(output).last().map(|it| number(&it[1]))?;
    let end = regex!(r"(?m)^(OK|FAILED|NO TESTS RAN)(?: \(([^)]*)\))?$").captures_iter(output).last()?;
    let mut report = Report::default();
    let details = end.get(2).map_or("", |it| it.as_str());
    for pair in regex!(r"([a-z ]+)=(\d+)").captures_iter(details) {
        match pair[1].trim() {
            "failures" | "errors" => report.n_failed += number(&pair[2]),
            "skipped" | "expected failures" | "unexpected successes" => report.n_skipped += number(&pair[2]),
            _ => {}
        }
    }
    report.n_passed = n_run.saturating_sub(report.n_failed + report.n_skipped);
    for found in regex!(r"(?m)^(\w+ \([\w.]+\))(?:\n[^\n]*)? \.\.\. (ok|FAIL|ERROR)$").captures_iter(output) {
        insert(&mut report, &found[2], found[1].to_owned());
    }
    for found in regex!(r"(?m)^(?:FAIL|ERROR): (\w+ \([\w.]+\))").captures_iter(output) {
        report.passed.remove(&found[1]);
        report.failed.insert(found[1].to_owned());
    }
    Some(report)
}

fn cargo(output: &str) -> Option<Report> {
    let mut report = Report::default();
    let mut seen = false;
    for found in regex!(r"(?m)^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored").captures_iter(output) {
        seen = true;
        report.n_passed += number(&found[1]);
        report.n_failed += number(&found[2]);
        report.n_skipped += number(&found[3]);
    }
    for found in regex!(r"(?m)^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED)").captures_iter(output) {
        insert(&mut report, &found[2], found[1].to_owned());
    }
    seen.then_some(report)
}

fn nextest(output: &str) -> Option<Report> {
    let summary =
        regex!(r"(?m)^\s*Summary \[[^\]]*\]\s+\d+(?:/\d+)? tests? run: (.*)$").captures_iter(output).last()?;
    let mut report = Report::default();
    add_counts(&mut report, &summary[1]);
    // Tests that a filter left out are not skipped tests.
    report.n_skipped = 0;
    for found in regex!(r"(?m)^\s*(PASS|FAIL|SIGABRT|SIGSEGV|TIMEOUT) \[[^\]]*\]\s+(.+)$").captures_iter(output) {
        insert(&mut report, &found[1], found[2].trim().to_owned());
    }
    Some(report)
}

fn node(output: &str) -> Option<Report> {
    let count = |word: &str| {
        let lines = output.lines().rev();
        let mut counts = lines.filter_map(|line| line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")));
        counts.find_map(|it| it.strip_prefix(word)?.strip_prefix(' ')).map(number)
    };
    let mut report = Report {
        n_passed: count("pass")?,
        n_failed: count("fail")? + count("cancelled").unwrap_or(0),
        n_skipped: count("skipped").unwrap_or(0) + count("todo").unwrap_or(0),
        ..Report::default()
    };
    for found in regex!(r"(?m)^\s*(not ok|ok) \d+ - (.+?)(?: # .*)?$").captures_iter(output) {
        insert(&mut report, &found[1], found[2].to_owned());
    }
    for found in regex!(r"(?m)^\s*([✔✖]) (.+?) \([\d.]+ms\)").captures_iter(output) {
        insert(&mut report, &found[1], found[2].to_owned());
    }
    Some(report)
}

fn jest(output: &str) -> Option<Report> {
    let summary = regex!(r"(?m)^Tests:\s+(.*\d+ total)").captures_iter(output).last()?;
    let mut report = Report::default();
    add_counts(&mut report, &summary[1]);
    checkmarks(&mut report, output);
    Some(report)
}

fn vitest(output: &str) -> Option<Report> {
    let summary = regex!(r"(?m)^\s*Tests\s+((?:\d+ \w+(?: \| )?)+) \(\d+\)").captures_iter(output).last()?;
    let mut report = Report::default();
    add_counts(&mut report, &summary[1]);
    checkmarks(&mut report, output);
    Some(report)
}

fn mocha(output: &str) -> Option<Report> {
    regex!(r"(?m)^\s+\d+ passing \(").find(output)?;
    let mut report = Report::default();
    for found in regex!(r"(?m)^\s+(\d+ (?:passing|failing|pending))\b").captures_iter(output) {
        add_counts(&mut report, &found[1]);
    }
    checkmarks(&mut report, output);
    Some(report)
}

fn checkmarks(report: &mut Report, output: &str) {
    for found in regex!(r"(?m)^\s*([✓✔✕✗×✖]) (.+?)(?: \(?[\d.]+ ?m?s\)?)?$").captures_iter(output) {
        insert(report, &found[1], found[2].to_owned());
    }
}

fn go(output: &str) -> Option<Report> {
    regex!(r"(?m)^(?:ok|FAIL|---)\s").find(output)?;
    let mut report = Report::default();
    for found in regex!(r"(?m)^\s*--- (PASS|FAIL|SKIP): (\S+)").captures_iter(output) {
        match &found[1] {
            "SKIP" => report.n_skipped += 1,
            word => insert(&mut report, word, found[2].to_owned()),
        }
    }
    if report.passed.is_empty() {
        // Without -v only the packages are listed.
        for found in regex!(r"(?m)^ok\s+(\S+)").captures_iter(output) {
            report.passed.insert(found[1].to_owned());
        }
    }
    report.n_passed = report.passed.len();
    report.n_failed = report.failed.len();
    Some(report)
}

fn maven(output: &str) -> Option<Report> {
    let pattern = regex!(r"(?m)^(?:\[\w+\]\s+)?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)\s*$");
    let found = pattern.captures_iter(output).last()?;
    let n_failed = number(&found[2]) + number(&found[3]);
    let n_skipped = number(&found[4]);
    let n_passed = number(&found[1]).saturating_sub(n_failed + n_skipped);
    let mut report = Report { n_passed, n_failed, n_skipped, ..Report::default() };
    for found in regex!(r"(?m)^\[ERROR\]\s+([\w.$]+[.#]\w+):\d+").captures_iter(output) {
        report.failed.insert(found[1].to_owned());
    }
    Some(report)
}

#[cfg(test)]
mod tests {
    use wright_repo::project::NpmRunner;

    use super::*;

    fn counts(kind: TestKind, output: &str) -> Option<(usize, usize, usize, usize, usize)> {
        let report = parse(kind, output)?;
        Some((report.n_passed, report.n_failed, report.n_skipped, report.passed.len(), report.failed.len()))
    }

    #[test]
    fn the_summaries_of_known_runners_are_read() {
        let pytest = "PASSED t.py::a\nSKIPPED [1] t.py:3: later\nFAILED t.py::b[1-2] - assert 1 == 2\n1 failed, 1 passed, 1 skipped in 0.02s\n";
        let unittest = "test_a (t.T.test_a) ... ok\ntest_b (t.T.test_b)\nWhat b does. ... FAIL\n\nFAIL: test_b (t.T.test_b)\n\nRan 3 tests in 0.001s\n\nFAILED (failures=1, skipped=1)\n";
        let cargo =
            "test a::b ... ok\ntest a::c ... FAILED\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured\n";
        let tap = "TAP version 13\nok 1 - adds\nnot ok 2 - takes away\n# tests 2\n# pass 1\n# fail 1\n# cancelled 0\n# skipped 0\n# todo 0\n";
        let jest = "  ✓ adds (2 ms)\n  ✕ takes away\nTests:       1 failed, 1 passed, 2 total\n";
        let vitest = " ✓ adds 2ms\n × takes away 3ms\n      Tests  1 failed | 1 passed (2)\n";
        let go = "--- PASS: TestA (0.00s)\n--- FAIL: TestB (0.00s)\nFAIL\texample.com/a\t0.1s\n";
        let maven = "[ERROR]   CalcTest.adds:12 expected 1\n[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0\n";
        let nextest = "        PASS [   0.006s] a tests::b\n        FAIL [   0.006s] a tests::c\n     Summary [   0.009s] 2 tests run: 1 passed, 1 failed, 4 skipped\n";
        let cases = [
            (TestKind::Pytest, pytest, (1, 1, 1, 1, 1)),
            (TestKind::Unittest, unittest, (1, 1, 1, 1, 1)),
            (TestKind::Cargo, cargo, (1, 1, 0, 1, 1)),
            (TestKind::Cargo, nextest, (1, 1, 0, 1, 1)),
            (TestKind::Node, tap, (1, 1, 0, 1, 1)),
            (TestKind::Npm(NpmRunner::Jest), jest, (1, 1, 0, 1, 1)),
            (TestKind::Npm(NpmRunner::Vitest), vitest, (1, 1, 0, 1, 1)),
            (TestKind::Go, go, (1, 1, 0, 1, 1)),
            (TestKind::Maven, maven, (1, 1, 0, 0, 1)),
        ];
        for (kind, output, expected) in cases {
            assert_eq!(counts(kind, output), Some(expected), "{kind:?}");
            if kind != TestKind::Maven {
                assert_eq!(counts(TestKind::Custom, output), Some(expected), "{kind:?} as a command of unknown kind");
            }
        }
    }

    #[test]
    fn a_crash_before_the_summary_gives_no_report() {
        assert_eq!(parse(TestKind::Pytest, "PASSED t.py::a\nSegmentation fault\n"), None);
        assert_eq!(parse(TestKind::Unittest, "test_a (t.T.test_a) ... ok\n"), None);
        assert_eq!(parse(TestKind::Custom, "all good, 5 of 5\n"), None);
    }

    #[test]
    fn colors_do_not_hide_the_summary() {
        assert_eq!(
            counts(TestKind::Pytest, "\u{1b}[32m\u{1b}[1m2 passed\u{1b}[0m\u{1b}[32m in 0.01s\u{1b}[0m\n"),
            Some((2, 0, 0, 0, 0))
        );
    }
}
