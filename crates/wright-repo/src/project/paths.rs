//! What a path says about a file: whether it is a test, whether a change to it needs a person, whether a build made it.
//!
//! Names are compared the way a careless file system would: without case and invisible letters, at every depth, whether
//! the file exists or not. A rule that only holds for existing files invites someone to create them.

use std::path::Path;

use crate::path_rules::folded;

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

/// Says why a change to a file needs a person's consent, if it does.
///
/// These files decide what the tests are, what a tool runs by itself, or what an agent is told and allowed.
pub fn is_protected_path(path: &Path) -> Option<&'static str> {
    let names = folded_names(path);
    let (name, folders) = names.split_last()?;
    let in_folder = names.iter().find_map(|name| protected_folder(name));
    in_folder.or_else(|| protected_name(name)).or_else(|| protected_in(folders, name))
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

const TEST_CONFIG: &str = "decides which tests run and how";
const BUILD: &str = "runs code when the project is built, installed or tested";
const CI: &str = "decides what continuous integration runs";
const GIT: &str = "changes how git treats the files";
const HOOKS: &str = "is run by git or by a hook manager";
const EDITOR: &str = "can make an editor run commands";
const AGENT: &str = "instructs or configures a coding agent";
const PACKAGES: &str = "configures a package manager or its downloads";
const SHELL: &str = "is run or read when someone enters the folder";
const STARTUP: &str = "is run whenever python starts";
const CONTAINER: &str = "decides what a container is built from and runs";

/// Folders in which everything is protected; a file or a link in the place of such a folder is too.
fn protected_folder(name: &str) -> Option<&'static str> {
    Some(match name {
        ".github" | ".gitlab" | ".circleci" | ".buildkite" | ".forgejo" | ".gitea" | ".woodpecker" | ".ci" => CI,
        ".git" | "git~1" => GIT,
        ".husky" | ".githooks" | ".git-hooks" | ".lefthook" => HOOKS,
        ".vscode" | ".idea" | ".zed" | ".fleet" | ".vim" | ".nvim" | ".helix" | ".vs" | ".run" => EDITOR,
        ".wright" | ".claude" | ".cursor" | ".codex" | ".gemini" | ".continue" | ".windsurf" | ".goose" | ".aider"
        | ".roo" | ".cline" | ".clinerules" | ".kiro" | ".opencode" | ".amazonq" | ".agents" | ".junie" => AGENT,
        ".cargo" | ".yarn" | ".bundle" | ".mvn" => PACKAGES,
        ".devcontainer" => CONTAINER,
        _ => return None,
    })
}

fn protected_name(name: &str) -> Option<&'static str> {
    exact_name(name).or_else(|| name_pattern(name))
}

fn exact_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "pytest.ini" | "tox.ini" | "setup.cfg" | "pyproject.toml" | "conftest.py" | "noxfile.py" | "package.json"
        | "nextest.toml" | "tarpaulin.toml" | "phpunit.xml" | "testng.xml" | "unittest.cfg" | "nose.cfg" => TEST_CONFIG,
        "build.rs"
        | "cargo.toml"
        | "setup.py"
        | "makefile"
        | "gnumakefile"
        | "justfile"
        | "taskfile.yml"
        | "taskfile.yaml"
        | "rakefile"
        | "cmakelists.txt"
        | "meson.build"
        | "pom.xml"
        | "build.gradle"
        | "build.gradle.kts"
        | "settings.gradle"
        | "settings.gradle.kts"
        | "gradle.properties"
        | "gradlew"
        | "mvnw"
        | "gradlew.bat"
        | "mvnw.cmd"
        | "gradle-wrapper.properties"
        | "gradle-wrapper.jar"
        | "binding.gyp"
        | "rust-toolchain"
        | "rust-toolchain.toml"
        | "flake.nix"
        | "shell.nix"
        | "default.nix"
        | "go.work"
        | "hatch_build.py"
        | "dodo.py"
        | "gruntfile.js"
        | "gulpfile.js"
        | "deno.json"
        | "deno.jsonc" => BUILD,
        "jenkinsfile"
        | ".gitlab-ci.yml"
        | ".travis.yml"
        | "azure-pipelines.yml"
        | "appveyor.yml"
        | ".appveyor.yml"
        | "bitbucket-pipelines.yml"
        | ".drone.yml"
        | ".cirrus.yml"
        | "cloudbuild.yaml"
        | "buildspec.yml"
        | "codeowners"
        | ".woodpecker.yml"
        | "codecov.yml"
        | ".codecov.yml" => CI,
        ".pre-commit-config.yaml"
        | ".pre-commit-config.yml"
        | ".pre-commit-hooks.yaml"
        | "lefthook.yml"
        | "lefthook.yaml"
        | ".lefthook.yml"
        | ".overcommit.yml" => HOOKS,
        ".exrc" | ".vimrc" | ".nvimrc" | ".nvim.lua" | ".dir-locals.el" | ".lvimrc" => EDITOR,
        "agents.md"
        | "claude.md"
        | "claude.local.md"
        | "gemini.md"
        | "copilot-instructions.md"
        | ".cursorrules"
        | ".windsurfrules"
        | ".clinerules"
        | ".goosehints"
        | ".mcp.json"
        | "mcp.json"
        | "wright.toml"
        | ".wright.toml"
        | ".roomodes"
        | "opencode.json"
        | ".rules" => AGENT,
        ".npmrc"
        | ".pnpmfile.cjs"
        | "pnpm-workspace.yaml"
        | "bunfig.toml"
        | ".bunfig.toml"
        | "pip.conf"
        | "pip.ini"
        | ".pypirc"
        | "poetry.toml"
        | "uv.toml"
        | ".condarc"
        | "nuget.config"
        | ".netrc"
        | "_netrc"
        | ".ripgreprc"
        | ".bowerrc" => PACKAGES,
        ".envrc" | ".env" | ".tool-versions" | "mise.toml" | ".mise.toml" | ".bashrc" | ".zshrc" | ".profile"
        | ".bash_profile" | ".zshenv" | ".zprofile" | ".direnvrc" | ".autoenv" | ".nvmrc" | ".python-version" => SHELL,
        "sitecustomize.py" | "usercustomize.py" => STARTUP,
        "dockerfile" | "containerfile" | ".dockerignore" | "compose.yaml" | "compose.yml" | "devcontainer.json"
        | ".devcontainer.json" | "vagrantfile" | "procfile" => CONTAINER,
        _ if GIT_HOOKS.contains(&name) => HOOKS,
        _ => return None,
    })
}

/// The hooks of git by name: a folder of them can have any name.
const GIT_HOOKS: [&str; 18] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "post-receive",
    "post-rewrite",
    "pre-auto-gc",
    "fsmonitor-watchman",
    "reference-transaction",
];

fn name_pattern(name: &str) -> Option<&'static str> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if name.starts_with(".git") && name != ".gitkeep" {
        return Some(GIT);
    }
    if starts(&[
        "jest.config.",
        "jest.setup.",
        "vitest.config.",
        "vitest.workspace.",
        "vitest.setup.",
        "vite.config.",
        "karma.conf",
        "playwright.config.",
        "cypress.config.",
        "babel.config.",
        ".babelrc",
        ".mocharc",
        ".nycrc",
        ".c8rc",
        ".coveragerc",
        "ava.config.",
        "jasmine.config.",
    ]) {
        return Some(TEST_CONFIG);
    }
    if starts(&[
        "webpack.config.",
        "rollup.config.",
        "esbuild.config.",
        "eslint.config.",
        ".eslintrc",
        ".prettierrc",
        "prettier.config.",
        ".lintstagedrc",
        "lint-staged.config.",
    ]) || ends(&[".mk", ".mak"])
    {
        return Some(BUILD);
    }
    if starts(&["dockerfile.", "containerfile.", "docker-compose"]) || ends(&[".dockerfile"]) {
        return Some(CONTAINER);
    }
    if starts(&[".yarnrc"]) {
        return Some(PACKAGES);
    }
    if starts(&[".env."]) {
        return Some(SHELL);
    }
    if starts(&[".aider"]) {
        return Some(AGENT);
    }
    if ends(&[".code-workspace", ".sublime-project"]) {
        return Some(EDITOR);
    }
    ends(&[".pth"]).then_some(STARTUP)
}

fn protected_in(folders: &[String], name: &str) -> Option<&'static str> {
    let is_jar_of_wrapper = folders.iter().any(|folder| folder == "wrapper") && name.ends_with(".jar");
    is_jar_of_wrapper.then_some(BUILD)
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
