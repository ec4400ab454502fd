//! What a path says about a file: whether it is a test, whether a change to it needs a person, whether a build made it.
//!
//! Names are compared the way a careless file system would: without case and invisible letters, at every depth, whether
//! the file exists or not. A rule that only holds for existing files invites someone to create them.

use std::path::Path;

use crate::path_rules::folded;
use crate::protected;

/// Says whether a file is a test, or belongs to the tests: fixtures and their helpers too.
pub fn is_test_path(path: &Path) -> bool {
    let names = folded_names(path);
    let Some((name, folders)) = names.split_last() else { return false };
    let in_test_folder = folders.iter().any(|folder| {
        matches!(
            folder.as_str(),
            "test" | "tests" | "__tests__" | "spec" | "specs" | "testdata" | "__snapshots__" | "e2e"
        )
    });
    in_test_folder || is_test_name(name)
}

/// Says why a change to a file needs a person's approval, if it does; see [`crate::protected`].
///
/// These files decide what the tests are, what a tool runs by itself, or what an agent is told and allowed.
pub fn is_protected_path(path: &Path) -> Option<&'static str> {
    protected::rule_for(path).map(protected::Rule::why)
}

/// Says whether a path is what a build, a test run or an installation leaves behind.
pub fn is_build_output(path: &Path) -> bool {
    let names = folded_names(path);
    let is_output_folder = |name: &String| {
        matches!(
            name.as_str(),
            "__pycache__"
                | "node_modules"
                | ".venv"
                | "venv"
                | "__pypackages__"
                | "target"
                | ".pytest_cache"
                | ".mypy_cache"
                | ".ruff_cache"
                | ".hypothesis"
                | ".tox"
                | ".nox"
                | ".gradle"
                | ".nyc_output"
                | ".cache"
                | "htmlcov"
        ) || name.ends_with(".egg-info")
    };
    let Some(name) = names.last() else { return false };
    let endings = [".pyc", ".pyo", ".class", ".o", ".so", ".a", ".rlib", ".tsbuildinfo"];
    let is_output_file =
        matches!(name.as_str(), ".coverage" | ".ds_store") || endings.iter().any(|e| name.ends_with(e));
    is_output_file || names.iter().any(is_output_folder)
}

fn folded_names(path: &Path) -> Vec<String> {
    path.iter().map(|name| folded(&name.to_string_lossy())).collect()
}

fn is_test_name(name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    match extension {
        "py" => stem.starts_with("test_") || stem.ends_with("_test") || matches!(stem, "conftest" | "test" | "tests"),
        "rs" => {
            matches!(stem, "test" | "tests")
                || stem.starts_with("test_")
                || stem.ends_with("_test")
                || stem.ends_with("_tests")
        }
        "go" => stem.ends_with("_test"),
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" => {
            let marker = stem.rsplit_once(['.', '-', '_']).map_or("", |(_, marker)| marker);
            matches!(marker, "test" | "spec" | "cy") || stem == "test"
        }
        // The names that Maven and Gradle run; lower case by now, so `Contest.java` has to be told apart elsewhere.
        "java" | "kt" => stem.ends_with("test") && stem != "contest" && stem != "latest" || stem.ends_with("tests"),
        "rb" => stem.ends_with("_test") || stem.ends_with("_spec"),
        "snap" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_told_by_folder_and_by_name() {
        for path in [
            "tests/a.txt",
            "test_x.py",
            "pkg/x_test.py",
            "conftest.py",
            "a/b_test.go",
            "src/a.test.ts",
            "a.spec.js",
            "src/test/java/A.java",
            "UserTest.java",
            "__tests__/a.js",
            "src/parser/tests.rs",
            "TESTS/a.py",
            "a_spec.rb",
        ] {
            assert!(is_test_path(Path::new(path)), "{path}");
        }
        for path in
            ["src/main.py", "testing.py", "attest.go", "latest.js", "Contest.java", "protest.ts", "", "contest/a.py"]
        {
            assert!(!is_test_path(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn files_that_steer_tests_or_run_by_themselves_are_protected() {
        for path in [
            "pytest.ini",
            "tox.ini",
            "setup.cfg",
            "pyproject.toml",
            "a/conftest.py",
            "jest.config.mjs",
            "vitest.config.ts",
            "package.json",
            "Cargo.toml",
            "Makefile",
            "build.rs",
            ".github/workflows/ci.yml",
            ".gitlab-ci.yml",
            "hooks/pre-commit",
            ".husky/x",
            ".gitattributes",
            "sub/.gitmodules",
            ".envrc",
            ".vscode/tasks.json",
            ".idea/workspace.xml",
            ".claude/settings.json",
            ".cursor/rules",
            "AGENTS.md",
            "docs/CLAUDE.md",
            ".mcp.json",
            ".npmrc",
            ".yarnrc.yml",
            ".cargo/config.toml",
            "sitecustomize.py",
            "lib/x.pth",
            "Dockerfile",
            "Dockerfile.dev",
            ".devcontainer/devcontainer.json",
            ".pre-commit-config.yaml",
            ".git/hooks/post-merge",
            ".codex/config.toml",
            ".gemini/settings.json",
            ".wright/config.toml",
            "gradle/wrapper/gradle-wrapper.properties",
            "common.mk",
        ] {
            assert!(is_protected_path(Path::new(path)).is_some(), "{path}");
        }
        for path in [
            "src/main.rs",
            "README.md",
            "app/models.py",
            "package/index.js",
            "docs/make.md",
            ".gitkeep",
            "",
            "environment.py",
        ] {
            assert_eq!(is_protected_path(Path::new(path)), None, "{path}");
        }
    }

    #[test]
    fn another_spelling_of_a_protected_name_is_the_same_name() {
        for path in [
            ".GitHub/Workflows/ci.yml",
            "CONFTEST.PY",
            "agents.MD.",
            "\u{ff43}onftest.py",
            ".g\u{200b}itattributes",
            "pyte\u{17f}t.ini",
        ] {
            assert!(is_protected_path(Path::new(path)).is_some(), "{path}");
        }
    }

    #[test]
    fn what_a_build_leaves_behind_is_told_apart() {
        for path in [
            "src/__pycache__/a.cpython-312.pyc",
            "node_modules/x/index.js",
            "target/debug/x",
            "x.egg-info/PKG",
            ".coverage",
        ] {
            assert!(is_build_output(Path::new(path)), "{path}");
        }
        for path in ["src/targets.rs", "build/script.py", "dist.py", ""] {
            assert!(!is_build_output(Path::new(path)), "{path}");
        }
    }
}
