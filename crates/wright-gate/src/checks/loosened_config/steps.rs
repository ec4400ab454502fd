//! Steps of pipelines and scripts that ran a test or a check, and are gone from all files of a change.

use super::lines::Lines;
use super::settings::{is_setting, matches};
use crate::Severity;
use crate::tampering::marks::regex;
use crate::tampering::report::Reporter;

/// Reports steps of pipelines and scripts that ran a test or a check and are gone from all files of the change.
pub(super) fn judge(files: &[Lines<'_>], out: &mut Reporter<'_>) {
    let kinds: &[(&str, &str)] = &[
        (
            "tests",
            r"\b(?:pytest|unittest|tox(?:\s|$)|nox(?:\s|$)|(?:npm|pnpm|yarn|bun|deno)(?: run)?(?: -\S+)* (?:t|test)\b|npm (?:ci )?test|cargo (?:\+\S+ )?(?:test|nextest)|go test|mvn\b.*(?:test|verify|install)|gradlew?\b.*(?:test|check|build)|ctest|jest|vitest|mocha|make (?:test|check)|rspec|phpunit)\b",
        ),
        (
            "checks",
            r"\b(?:ruff|flake8|pylint|mypy|pyright|eslint|tsc|oxlint|biome|clippy|rustfmt|cargo fmt|golangci-lint|go vet|staticcheck|checkstyle|spotbugs|pre-commit(?:\s|/action)|prek|bandit|semgrep|cargo (?:deny|audit)|npm audit|lint)\b",
        ),
    ];
    for (name, pattern) in kinds {
        let mentions = |lines: &[(usize, &str)]| {
            lines.iter().filter(|(_, it)| !it.starts_with('#') && runs(it) && matches(pattern, it)).count()
        };
        let steps: Vec<&Lines<'_>> = files.iter().filter(|it| is_setting(it) && runs_commands(it)).collect();
        let lost: usize = steps.iter().map(|it| mentions(&it.removed)).sum();
        let gained: usize = files.iter().map(|it| mentions(&it.added)).sum();
        if lost <= gained {
            continue;
        }
        let found = steps.iter().find_map(|file| {
            file.removed
                .iter()
                .find(|(_, it)| runs(it) && !it.starts_with('#') && matches(pattern, it))
                .map(|it| (file, it))
        });
        if let Some((file, (number, line))) = found {
            out.at(
                Severity::Error,
                "step-removed",
                file.path,
                Some(*number),
                None,
                format!("a step that ran {name} is gone: `{line}`"),
            );
        }
    }
}

/// A line that names a step, or declares what is installed, runs nothing.
fn runs(line: &str) -> bool {
    let declares = regex!(
        r#"^-?\s*(?:name|description|id|key|restore-keys|needs|uses: actions/cache)\s*:|^"(?:@?[\w/.-]+)"\s*:\s*"[\^~>=*]?\d|[=<>~]=\s*\d|\bpip install|npm (?:i|install) |cargo install|apt(?:-get)? install|^\w[\w-]*\s*=\s*["{]\s*(?:version|\^|~|\d)"#
    );
    !declares.is_match(line)
}

fn runs_commands(file: &Lines<'_>) -> bool {
    let is_named = [
        "makefile",
        "justfile",
        "package.json",
        "tox.ini",
        "noxfile.py",
        "jenkinsfile",
        ".gitlab-ci.yml",
        ".travis.yml",
        "azure-pipelines.yml",
        ".pre-commit-config.yaml",
        "lefthook.yml",
        "taskfile.yml",
        "bitbucket-pipelines.yml",
    ]
    .contains(&file.name.as_str());
    let is_pipeline = [".github/workflows", ".circleci/", ".gitlab/", ".ci/", ".buildkite/", ".husky/", "ci/"]
        .iter()
        .any(|it| file.place.starts_with(it));
    is_named || is_pipeline || file.name.ends_with(".sh")
}
