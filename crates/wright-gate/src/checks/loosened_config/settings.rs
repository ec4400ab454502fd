//! Settings of test runners, coverage tools, linters and pipelines.

use super::lines::Lines;
use crate::Severity;
use crate::tampering::marks::regex;
use crate::tampering::report::Reporter;

/// Words of a line and what they do, with how much that matters.
struct Rule {
    pattern: &'static str,
    rule: &'static str,
    message: &'static str,
    severity: Severity,
}

const fn rule(pattern: &'static str, rule: &'static str, message: &'static str, severity: Severity) -> Rule {
    Rule { pattern, rule, message, severity }
}

/// Lines that loosen a pipeline, a script or a setting when they are added.
const ADDED: &[Rule] = &[
    rule(
        r"(?:pytest|npm|pnpm|yarn|npx|cargo|go|mvn|gradlew?|tox|nox|jest|vitest|mocha|ruff|mypy|eslint|tsc|clippy|make|ctest|coverage|test)\b.*(?:\|\||;)\s*(?:true|:|exit 0|echo)\b",
        "failure-ignored",
        "the failure of a command is ignored",
        Severity::Error,
    ),
    rule(
        r"^-?\s*continue-on-error:\s*true|^-?\s*allow_failure:\s*true|^ignore_outcome\s*=\s*true|ignore_errors\s*=\s*true\s*#?.*(?:tox)?$|^-?\s*ignore_failure:\s*true",
        "failure-ignored",
        "the failure of a step is ignored",
        Severity::Error,
    ),
    rule(
        r"^set \+e\b|^-?\s*run:\s*set \+e|--exit-zero\b|--no-fail\b|^-\w*(?:pytest|cargo|npm|go) .*test",
        "failure-ignored",
        "failures are ignored",
        Severity::Error,
    ),
    rule(
        r"^if:\s*(?:false|\$\{\{\s*false)|^-?\s*when:\s*(?:never|manual)\s*$",
        "step-disabled",
        "a step never runs by itself",
        Severity::Error,
    ),
    rule(
        r"\bskipTests\b.*true|-DskipTests|-Dmaven\.test\.skip|<testFailureIgnore>\s*true|\bignoreFailures\s*=?\s*true|maven\.test\.failure\.ignore|\btest\.enabled\s*=\s*false|\btest\s*\{\s*enabled\s*=?\s*false|^enabled\s*=\s*false|onlyIf\s*\{\s*false|-x test\b",
        "tests-disabled",
        "tests do not run, or their failure does not count",
        Severity::Error,
    ),
    rule(
        r#"--deselect\b|exclude\w*['\x22]?\s*[:=].*\.(?:test|spec)\.|--ignore(?:-glob)?[= ]|(?:addopts|pytest)\b.*\s-[km]\s*[=\s]?['"\\]*not |(?:^|\s)-k\s+['"\\]*not |collect_ignore|norecursedirs\b.*test|--testPathIgnorePatterns|testPathIgnorePatterns|modulePathIgnorePatterns|--exclude-task test|^--?\s*--skip\b|cargo (?:nextest run|test)\b.*--skip\b|cargo test\b.*--exclude|\bgo test\b.*-skip\b|\bgo test\b.*-short\b|--grep\b.*--invert|--invert\b|-m\s+['\x22]?not "#,
        "tests-deselected",
        "tests are left out",
        Severity::Error,
    ),
    rule(
        r#"passWithNoTests|pass-with-no-tests|--no-tests=pass|--if-present\b.*test|"test":\s*"(?:echo|true|exit 0|:)[^"]*""#,
        "tests-optional",
        "a run without tests passes",
        Severity::Error,
    ),
    rule(
        r"^test\s*=\s*false|^autotests\s*=\s*false|^doctest\s*=\s*false|-p no:\w+|--no-cov\b|--co\b|--collect-only",
        "tests-disabled",
        "tests or their accounting are switched off",
        Severity::Error,
    ),
    rule(r"--no-verify\b|SKIP=\w+ git|HUSKY=0", "hooks-skipped", "hooks are skipped", Severity::Error),
    rule(
        r"^\*?[\w*./]*\s+.*(?:linguist-generated|-diff|binary)\b",
        "change-hidden",
        "changes of files are hidden from review",
        Severity::Warning,
    ),
    rule(
        r#"(?:noEmitOnError|strict\w*|noImplicit\w+|noUnchecked\w+|checkJs)"?\s*[:=]\s*(?:false|False)|ignore_errors\s*=\s*[Tt]rue|disallow_\w+\s*=\s*[Ff]alse|warn_unreachable\s*=\s*[Ff]alse"#,
        "checks-loosened",
        "a type check is switched off",
        Severity::Error,
    ),
    rule(
        r#"['"][@\w/-]+['"]\s*:\s*(?:['"]off['"]|0|\[\s*['"]off['"])|^\w+\s*=\s*"allow"|level\s*=\s*"allow""#,
        "checks-loosened",
        "a rule of a linter is switched off",
        Severity::Warning,
    ),
    rule(
        r"(?:--retries|--reruns|retries|retry|reruns|maxRetries|rerunFailingTestsCount)\b\D{0,5}[1-9]",
        "tests-retried",
        "failing tests run again until they pass",
        Severity::Warning,
    ),
];

/// Settings with a number that must not fall.
const MINIMA: &str = r#"(?i)["']?\b(fail[_-]under|cov-fail-under|branches|functions|lines|statements|minimum|target|threshold|line-coverage|min-coverage|fail-under-lines|fail-under-functions|coverage|mutationThreshold|break|high|low)["']?\s*(?:[:=>]|\s)\s*["']?(\d+(?:\.\d+)?)"#;

/// Settings with a number that must not grow.
const MAXIMA: &str = r"(?i)\b(max[_-]warnings|max[_-]complexity|timeout|testTimeout|max[_-]args|max[_-]failures|allowed[_-]failures)\b\D{0,6}(\d+(?:\.\d+)?)";

/// Reports what the lines of one file loosen.
pub(super) fn judge(file: &Lines<'_>, out: &mut Reporter<'_>) {
    if !is_setting(file) {
        return;
    }
    for (number, line) in &file.added {
        let is_comment = line.starts_with('#') || line.starts_with("//");
        for rule in ADDED.iter().filter(|_| !is_comment) {
            let before = file.removed.iter().any(|(_, old)| matches(rule.pattern, old));
            let is_strange = rule.rule == "change-hidden" && file.name != ".gitattributes";
            if !before && !is_strange && matches(rule.pattern, line) {
                out.at(rule.severity, rule.rule, file.path, Some(*number), None, format!("{}: `{line}`", rule.message));
            }
        }
    }
    numbers(file, out);
    narrowed(file, out);
    own_rules(file, out);
    baseline(file, out);
}

/// Compiles a pattern once for all; the tables are constants, and a test compiles them.
pub(super) fn matches(pattern: &'static str, line: &str) -> bool {
    use std::collections::BTreeMap;
    use std::sync::{LazyLock, Mutex};
    static COMPILED: LazyLock<Mutex<BTreeMap<&'static str, regex::Regex>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let pattern =
        compiled.entry(pattern).or_insert_with(|| regex::Regex::new(pattern).expect("the pattern is a constant"));
    pattern.is_match(line)
}

/// Says whether a file decides how a project is tested and checked.
pub(super) fn is_setting(file: &Lines<'_>) -> bool {
    let names = [
        "pytest.ini",
        "tox.ini",
        "setup.cfg",
        "pyproject.toml",
        "noxfile.py",
        "makefile",
        "justfile",
        "package.json",
        "cargo.toml",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "wright.toml",
        ".gitattributes",
        ".coveragerc",
        "codecov.yml",
        ".codecov.yml",
        "tsconfig.json",
        "jenkinsfile",
        ".gitlab-ci.yml",
        ".travis.yml",
        "azure-pipelines.yml",
        "mypy.ini",
        ".mypy.ini",
        "ruff.toml",
        ".ruff.toml",
        "clippy.toml",
        ".golangci.yml",
        ".golangci.yaml",
        "nextest.toml",
        ".nycrc",
        ".nycrc.json",
        "conftest.py",
        ".pre-commit-config.yaml",
        "lefthook.yml",
        "stryker.conf.json",
        "deny.toml",
        "tarpaulin.toml",
        "taskfile.yml",
        "run",
        ".c8rc.json",
        "bitbucket-pipelines.yml",
    ];
    let beginnings = [
        "jest.config",
        "vitest.config",
        "vite.config",
        "karma.conf",
        ".mocharc",
        ".eslintrc",
        "eslint.config",
        "tsconfig",
        "playwright.config",
        "cypress.config",
        "makefile",
    ];
    let is_pipeline =
        [".github/", ".circleci/", ".gitlab/", ".ci/", ".buildkite/", ".husky/", "ci/", ".config/nextest"]
            .iter()
            .any(|it| file.place.starts_with(it));
    let is_script = file.name.ends_with(".sh")
        && (file.place.contains("test") || file.place.contains("ci") || file.place.contains("check"));
    names.contains(&file.name.as_str())
        || beginnings.iter().any(|it| file.name.starts_with(it))
        || is_pipeline
        || is_script
        || is_list_of_exceptions(file)
}

/// Reports numbers that fall or grow, and minima that go.
fn numbers(file: &Lines<'_>, out: &mut Reporter<'_>) {
    let read = |lines: &[(usize, &str)], pattern: &regex::Regex| -> Vec<(String, f64, usize)> {
        let found = lines.iter().flat_map(|(number, line)| {
            pattern
                .captures_iter(line)
                .filter_map(|it| Some((it[1].to_lowercase(), it[2].parse().ok()?, *number)))
                .collect::<Vec<_>>()
        });
        found.collect()
    };
    let (old, new) = (read(&file.removed, regex!(MINIMA)), read(&file.added, regex!(MINIMA)));
    for (name, was, line) in &old {
        let is_limit = !matches!(
            name.as_str(),
            "high"
                | "low"
                | "coverage"
                | "target"
                | "lines"
                | "break"
                | "branches"
                | "functions"
                | "statements"
                | "threshold"
                | "minimum"
        ) || ["cov", "threshold", "nyc", "c8", "jest", "vitest", "stryker", "jacoco"]
            .iter()
            .any(|it| file.place.contains(it) || file.before.to_lowercase().contains(it));
        let now = new.iter().find(|it| it.0 == *name).map(|it| it.1);
        if is_limit && file.is_changed() && now.is_none_or(|now| now < *was) {
            let now = now.map_or("gone".to_owned(), |it| it.to_string());
            out.at(
                Severity::Error,
                "coverage-lowered",
                file.path,
                Some(*line),
                None,
                format!("the minimum `{name}` was {was}, now {now}"),
            );
        }
    }
    let (old, new) = (read(&file.removed, regex!(MAXIMA)), read(&file.added, regex!(MAXIMA)));
    for (name, now, line) in &new {
        if let Some((_, was, _)) = old.iter().find(|it| it.0 == *name && it.1 < *now) {
            out.at(
                Severity::Warning,
                "limit-raised",
                file.path,
                Some(*line),
                None,
                format!("the limit `{name}` was {was}, now {now}"),
            );
        }
    }
}

/// Reports lists of what is tested that lose an entry.
fn narrowed(file: &Lines<'_>, out: &mut Reporter<'_>) {
    let keys = regex!(
        r#"(?i)["']?\b(testpaths|testMatch|testRegex|roots|python_files|python_functions|python_classes|projects|members|include|spec|files|select|extend-select|source|packages)["']?\s*[:=]\s*(\[[^\]]*\]|.*$)"#
    );
    for (number, old) in &file.removed {
        let Some(was) = keys.captures(old) else { continue };
        let decides_tests = regex!(r"(?i)test|python_|spec|select|source").is_match(old)
            || file.name.contains("test")
            || file.name.contains("mocha");
        let new = file.added.iter().filter_map(|(_, line)| keys.captures(line)).find(|it| it[1] == was[1]);
        let words = |text: &str| {
            regex!(r"[\w./*{}\[\],^$|()?!\\+-]*[\w*]")
                .find_iter(text)
                .map(|it| it.as_str().trim_matches([',', '[', ']']).to_owned())
                .collect::<Vec<_>>()
        };
        let (was_words, now_words) = (words(&was[2]), new.map(|it| words(&it[2])).unwrap_or_default());
        let lost: Vec<&String> = was_words.iter().filter(|it| !now_words.contains(it)).collect();
        let gained = now_words.iter().filter(|it| !was_words.contains(it)).count();
        let is_finer = gained > 0
            && now_words
                .iter()
                .all(|it| was_words.iter().any(|old| it.len() > old.len() && it.starts_with(old.as_str())));
        if decides_tests && file.is_changed() && !lost.is_empty() && (gained < lost.len() || is_finer) {
            // Lists of what a tool looks at are trimmed for many reasons; lists of tests are not.
            let names_tests = regex!(r"(?i)^(?:testpaths|testmatch|testregex|python_|spec|roots)").is_match(&was[1]);
            let is_runner = ["jest", "vitest", "mocha", "karma", "playwright"].iter().any(|it| file.name.contains(it));
            let severity = if names_tests || is_runner { Severity::Error } else { Severity::Warning };
            out.at(
                severity,
                "tests-deselected",
                file.path,
                Some(*number),
                None,
                format!("what is tested or checked narrows: `{old}`"),
            );
        }
    }
}

/// Reports this gate's own rules when they loosen.
fn own_rules(file: &Lines<'_>, out: &mut Reporter<'_>) {
    if file.name != "wright.toml" {
        return;
    }
    let loosens = regex!(
        r#"(?i)=\s*(?:false|"(?:off|allow|warn|note|never|ignore)")|\b(?:ignore|exclude|suppress|allow|skip)\w*\s*=|\[\[?\s*(?:suppress|ignore|allow)"#
    );
    let forbids = regex!(r#"(?i)=\s*(?:true|"(?:error|deny|block|require)")|block\w*\s*=|require\w*\s*="#);
    let added = file.added.iter().filter(|(_, line)| loosens.is_match(line));
    let removed = file
        .removed
        .iter()
        .filter(|(_, line)| forbids.is_match(line) && !file.added.iter().any(|(_, new)| forbids.is_match(new)));
    if let Some((number, line)) = added.chain(removed).next() {
        out.at(
            Severity::Error,
            "gate-loosened",
            file.path,
            Some(*number),
            None,
            format!("the rules of this gate loosen: `{line}`"),
        );
    } else if file.after.is_empty() {
        out.at(
            Severity::Error,
            "gate-loosened",
            file.path,
            None,
            None,
            "the rules of this gate are removed".to_owned(),
        );
    }
}

fn is_list_of_exceptions(file: &Lines<'_>) -> bool {
    regex!(r"(?:baseline|known[_-]?fail|quarantine|skip[_-]?list|suppressions|flaky[_-]tests|expected[_-]failures|xfail|todo[_-]tests|\.betterer\.results)")
        .is_match(&file.name)
}

/// Reports lists of accepted problems that grow.
fn baseline(file: &Lines<'_>, out: &mut Reporter<'_>) {
    if is_list_of_exceptions(file) && file.added.len() > file.removed.len() {
        let message = format!("the list of accepted problems grows by {} lines", file.added.len() - file.removed.len());
        out.at(Severity::Error, "baseline-grown", file.path, file.added.first().map(|it| it.0), None, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_table_compiles() {
        for rule in ADDED {
            assert!(!matches(rule.pattern, ""), "{} matches everything", rule.pattern);
        }
    }
}
