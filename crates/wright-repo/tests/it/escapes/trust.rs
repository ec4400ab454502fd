//! Trust files: what is harmless inside and decides what runs outside.
//!
//! The control puts the file into the checkout the plain way, and, where a tool for it is at hand, shows that the tool runs
//! it. What is attacked is the list that a person has to approve by name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wright_repo::protected::{Approvals, protected_changes};
use wright_repo::{Repository, Worktree};

use super::{Control, Played, Row, Through};
use crate::fixture::Fixture;

pub(crate) const ROWS: &[Row] = &[
    Row { id: "C1", title: "an agent's settings that did not exist", play: agents },
    Row { id: "C2", title: "continuous integration", play: ci },
    Row { id: "C3", title: "editor tasks and development containers", play: editors },
    Row { id: "C4", title: "shell and folder files", play: shells },
    Row { id: "C5", title: "build hooks", play: builds },
    Row { id: "C6", title: "settings of package managers", play: packages },
    Row { id: "C7", title: "language servers and formatters", play: formatters },
    Row { id: "C8", title: "project settings that loosen ours", play: own_settings },
    Row { id: "C9", title: "renaming folders to move a protected path", play: renames },
    Row { id: "C11", title: "other spellings of protected names", play: spellings },
    Row { id: "C12", title: "git's own files and hook managers", play: hooks },
    Row { id: "C13", title: "a script hidden in a package manifest", play: manifest },
];

/// A checkout, and a tree of its commit.
struct Place {
    fixture: Fixture,
    repo: Repository,
    worktree: Worktree,
    through: Through,
    control: Control,
}

impl Place {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let fixture = Fixture::with(files);
        let repo = fixture.repo();
        let worktree = repo.export(&repo.head().unwrap(), &fixture.beside("tree")).unwrap();
        Self { fixture, repo, worktree, through: Through::default(), control: Control::Succeeds }
    }

    /// Plays the creation of files that do not exist, in the root and far below it.
    fn created(paths: &[&str]) -> Self {
        let mut it = Self::with(&[("a.txt", b"a\n")]);
        let deep = paths.iter().map(|path| format!("packages/one/{path}"));
        let all: Vec<PathBuf> = paths.iter().map(PathBuf::from).chain(deep.map(PathBuf::from)).collect();
        for path in &all {
            it.write(path, "evil\n");
        }
        it.must_ask(&all);
        it.arrives(&all);
        it
    }

    fn write(&self, path: &Path, text: &str) {
        let path = self.worktree.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Notes each path that nobody is asked about, and each that the wrong approval lets through.
    fn must_ask(&mut self, paths: &[PathBuf]) {
        let changes = self.worktree.changes(|_| true).unwrap();
        let asked = protected_changes(&changes);
        for path in paths {
            let is_asked = asked.iter().any(|it| it.path == *path);
            self.through.unless(is_asked, format!("nobody is asked about {path:?}"));
            let others = Approvals::of([path.parent().unwrap().to_path_buf(), path.join("x"), "a.txt".into()]);
            self.through.unless(!others.allow(path), format!("{path:?} is approved by another name"));
        }
    }

    /// The control: without the gate, the patch puts the files into the checkout.
    fn arrives(&mut self, paths: &[PathBuf]) {
        let patch = self.worktree.changes(|_| true).unwrap().patch;
        let applied = self.repo.apply(&patch, self.worktree.base());
        let missing = paths.iter().find(|path| !self.fixture.root().join(path).exists());
        let arrived = applied.is_ok() && missing.is_none();
        self.note_control(Control::expect(arrived, &format!("{missing:?} does not arrive: {applied:?}")));
    }

    fn note_control(&mut self, control: Control) {
        let before = std::mem::replace(&mut self.control, Control::Succeeds);
        self.control = before.and(control);
    }

    /// A further control: a tool that the user runs in the checkout executes the file.
    fn runs(&mut self, program: &str, args: &[&str]) {
        let mark = self.fixture.root().join("mark");
        std::fs::remove_file(&mark).ok();
        let mut tool = Command::new(program);
        tool.args(args).current_dir(self.fixture.root()).env("PYTHONPATH", ".").stdin(Stdio::null());
        match tool.output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                self.note_control(Control::expect(mark.exists(), &format!("{program} did not run it: {said}")));
            }
            Err(_) => self.note_control(Control::NotPossibleHere(format!("there is no `{program}`"))),
        }
    }

    fn played(self) -> Played {
        self.through.with(self.control)
    }
}

fn agents() -> Played {
    Place::created(&[
        ".wright/config.toml",
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".claude/commands/x.md",
        ".codex/config.toml",
        ".cursor/mcp.json",
        ".cursor/rules/x.mdc",
        ".gemini/settings.json",
        ".mcp.json",
        "AGENTS.md",
        "CLAUDE.md",
        "GEMINI.md",
        ".cursorrules",
        ".windsurfrules",
        ".aider.conf.yml",
        ".goosehints",
        ".github/copilot-instructions.md",
        ".kiro/hooks/x.json",
        ".roo/mcp.json",
        ".junie/guidelines.md",
        "opencode.json",
        ".continue/config.yaml",
    ])
    .played()
}

fn ci() -> Played {
    Place::created(&[
        ".github/workflows/ci.yml",
        ".github/actions/x/action.yml",
        ".gitlab-ci.yml",
        ".circleci/config.yml",
        "Jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        ".drone.yml",
        "bitbucket-pipelines.yml",
        ".buildkite/pipeline.yml",
        ".forgejo/workflows/x.yaml",
        ".gitea/workflows/x.yaml",
        ".woodpecker.yml",
        ".cirrus.yml",
        "appveyor.yml",
        "cloudbuild.yaml",
        "buildspec.yml",
        ".builds/x.yml",
        "CODEOWNERS",
    ])
    .played()
}

fn editors() -> Played {
    Place::created(&[
        ".vscode/tasks.json",
        ".vscode/settings.json",
        ".vscode/launch.json",
        ".idea/workspace.xml",
        ".zed/tasks.json",
        ".nvim.lua",
        ".exrc",
        ".dir-locals.el",
        ".devcontainer/devcontainer.json",
        ".devcontainer.json",
        "x.code-workspace",
        "Dockerfile",
        "docker-compose.yml",
        "compose.yaml",
        ".gdbinit",
    ])
    .played()
}

fn shells() -> Played {
    let mut it = Place::created(&[
        ".envrc",
        ".env",
        ".env.local",
        ".tool-versions",
        "mise.toml",
        ".bashrc",
        ".python-version",
        ".nvmrc",
        "Makefile",
        "rules.mk",
        "justfile",
        "Rakefile",
        "Taskfile.yml",
    ]);
    std::fs::write(it.fixture.root().join("Makefile"), "include rules.mk\n").unwrap();
    std::fs::write(it.fixture.root().join("rules.mk"), "all:\n\ttouch mark\n").unwrap();
    it.runs("make", &[]);
    it.played()
}

fn builds() -> Played {
    let mut it = Place::created(&[
        "build.rs",
        "Cargo.toml",
        "setup.py",
        "pyproject.toml",
        "conftest.py",
        "sitecustomize.py",
        "usercustomize.py",
        "lib/evil.pth",
        "package.json",
        "binding.gyp",
        "CMakeLists.txt",
        "pom.xml",
        "build.gradle.kts",
        "gradlew",
        "gradle/wrapper/gradle-wrapper.jar",
        "mvnw",
        "noxfile.py",
        "jest.config.js",
        "vitest.config.ts",
        "webpack.config.js",
        "build.zig",
        "mix.exs",
        "x.gemspec",
    ]);
    std::fs::write(it.fixture.root().join("sitecustomize.py"), "open('mark', 'w')\n").unwrap();
    it.runs("python3", &["-c", "pass"]);
    it.played()
}

fn packages() -> Played {
    Place::created(&[
        ".npmrc",
        ".yarnrc",
        ".yarnrc.yml",
        ".yarn/plugins/evil.cjs",
        ".yarn/releases/yarn.cjs",
        ".pnpmfile.cjs",
        ".cargo/config.toml",
        ".cargo/config",
        "pip.conf",
        ".pypirc",
        "requirements.txt",
        "uv.toml",
        "bunfig.toml",
        "nuget.config",
        ".bundle/config",
        ".mvn/jvm.config",
        ".netrc",
    ])
    .played()
}

fn formatters() -> Played {
    Place::created(&[
        "eslint.config.js",
        ".eslintrc.cjs",
        ".prettierrc.js",
        "prettier.config.mjs",
        ".stylelintrc.js",
        ".pylintrc",
        "pylintrc",
        ".flake8",
        "mypy.ini",
        "rust-analyzer.toml",
        ".rust-analyzer.toml",
        "rust-project.json",
        ".clangd",
        ".ycm_extra_conf.py",
        "tsconfig.json",
        "pyrightconfig.json",
        ".rubocop.yml",
        ".php-cs-fixer.php",
        "rustfmt.toml",
        ".golangci.yml",
        "biome.json",
    ])
    .played()
}

fn own_settings() -> Played {
    Place::created(&[
        "wright.toml",
        ".wright.toml",
        ".wright/config.toml",
        ".wrightrc",
        "wright.json",
        ".config/wright/x",
    ])
    .played()
}

fn renames() -> Played {
    let files: &[(&str, &[u8])] = &[
        (".github/workflows/ci.yml", b"good\n"),
        ("evil/workflows/ci.yml", b"evil\n"),
        ("sub/.husky/pre-push", b"h\n"),
    ];
    let mut it = Place::with(files);
    let tree = it.worktree.root().to_path_buf();
    std::fs::rename(tree.join(".github"), tree.join("old")).unwrap();
    std::fs::rename(tree.join("evil"), tree.join(".github")).unwrap();
    std::fs::rename(tree.join("sub"), tree.join("moved")).unwrap();
    let asked = [".github/workflows/ci.yml", "sub/.husky/pre-push", "moved/.husky/pre-push"].map(PathBuf::from);
    it.must_ask(&asked);
    it.arrives(&[".github/workflows/ci.yml".into(), "moved/.husky/pre-push".into()]);
    let now = it.fixture.read(".github/workflows/ci.yml");
    it.note_control(Control::expect(now == b"evil\n", "the folder was not replaced"));
    it.played()
}

fn spellings() -> Played {
    Place::created(&[
        ".GitHub/workflows/ci.yml",
        "CONFTEST.py",
        "Agents.MD",
        ".VSCode/tasks.json",
        "\u{ff43}onftest.py",
        ".\u{200b}github/workflows/ci.yml",
        "conftest.py::$DATA",
        "Makefile.",
        "Makefile ",
        "GITHUB~1/workflows/ci.yml",
        "PACKAG~1.JSO",
        ".vscode\\tasks.json",
        ".cla\u{ad}ude/settings.json",
        "package\u{fe0f}.json",
        ".ﬂeet/run.json",
    ])
    .played()
}

fn hooks() -> Played {
    Place::created(&[
        ".gitattributes",
        ".gitmodules",
        ".gitconfig",
        "hooks/pre-commit",
        "tools/git-hooks/post-merge",
        ".husky/pre-push",
        ".githooks/pre-push",
        "lefthook.yml",
        ".pre-commit-config.yaml",
        ".lintstagedrc.js",
        ".overcommit.yml",
        "commitlint.config.js",
    ])
    .played()
}

fn manifest() -> Played {
    let before = r#"{"name": "a", "version": "1.0.0", "scripts": {"test": "node --test"}}"#;
    let mut it = Place::with(&[("package.json", before.as_bytes())]);
    let harmless = before.replace("1.0.0", "1.0.1");
    it.write(Path::new("package.json"), &harmless);
    let asked = protected_changes(&it.worktree.changes(|_| true).unwrap());
    it.through.unless(asked.is_empty(), "a version number needs an approval");
    for evil in [
        before.replace("node --test", "touch mark"),
        before.replace("\"scripts\"", "\"bin\": \"x\", \"scripts\""),
        before.replace("{\"test\"", "{\"postinstall\": \"touch mark\", \"test\""),
        before.replace("\"scripts\"", "\"scr\\u0069pts\": {}, \"scripts\"").replace("node --test", "true"),
        before.replace("\"scripts\"", "\"dependencies\": {\"x\": \"github:evil/x\"}, \"scripts\""),
        "not json".to_owned(),
    ] {
        it.write(Path::new("package.json"), &evil);
        it.must_ask(&["package.json".into()]);
    }
    it.arrives(&["package.json".into()]);
    it.played()
}
