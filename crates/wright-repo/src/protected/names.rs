//! The names of protected files and folders, in lower case. To add one, add a line.

use super::Rule;

/// Returns the rule for a folder in which everything is protected; a file or a link in its place is too.
pub(super) fn folder(name: &str) -> Option<Rule> {
    Some(match name {
        ".github" | ".gitlab" | ".circleci" | ".buildkite" | ".forgejo" | ".gitea" | ".woodpecker" | ".ci"
        | ".drone" | ".teamcity" | ".azure-pipelines" | ".azuredevops" | ".pipelines" | ".semaphore" | ".builds"
        | ".jenkins" | ".tekton" | ".zuul.d" | "zuul.d" | ".cirrus" | ".concourse" | ".harness" | ".dagger" => Rule::Ci,
        ".git" | "git~1" | ".hg" | ".svn" | ".jj" | ".bzr" | ".sl" | ".pijul" => Rule::Git,
        ".husky" | ".githooks" | ".git-hooks" | "githooks" | "git-hooks" | ".lefthook" | ".hooks"
        | ".captain-hooks" => Rule::Hook,
        ".vscode" | ".vscode-server" | ".vscode-test" | ".idea" | ".zed" | ".fleet" | ".vim" | ".nvim" | ".helix"
        | ".vs" | ".run" | ".nova" | ".eclipse" | ".settings" | ".metals" | ".bloop" | ".sublime" | ".emacs.d"
        | ".theia" | ".codesandbox" | ".stackblitz" | ".gitpod" | ".replit.d" | ".trunk" => Rule::Editor,
        ".wright" | ".claude" | ".claude-plugin" | ".cursor" | ".codex" | ".gemini" | ".continue" | ".windsurf"
        | ".goose" | ".aider" | ".roo" | ".cline" | ".clinerules" | ".kiro" | ".opencode" | ".amazonq" | ".agents"
        | ".agent" | ".junie" | ".augment" | ".kilocode" | ".crush" | ".openhands" | ".qwen" | ".trae" | ".tabnine"
        | ".codeium" | ".cody" | ".sourcegraph" | ".copilot" | ".devin" | ".factory" | ".jules" | ".zencoder"
        | ".qodo" | ".pr_agent" | ".mcp" | ".warp" | ".llm" | ".rules" | ".specstory" | ".void" | ".pearai"
        | ".plandex" | ".swe-agent" | ".bob" | ".antigravity" | ".iflow" | ".cagent" => Rule::Agent,
        ".cargo" | ".yarn" | ".bundle" | ".mvn" | ".nuget" | ".pnpm" | ".npm" | ".bun" | ".pip" | ".config" => {
            Rule::Packages
        }
        ".devcontainer" | ".docker" | ".vagrant" => Rule::Container,
        ".direnv" | ".mise" | ".asdf" | ".envrc.d" | ".flox" | ".devbox" | ".hermit" => Rule::Shell,
        _ => return None,
    })
}

/// Returns the rule for a file by its name and the folders above it.
pub(super) fn file(folders: &[String], name: &str) -> Option<Rule> {
    let rule = named(name).or_else(|| beginning(name)).or_else(|| ending(name));
    rule.or_else(|| placed(folders, name))
}

fn named(name: &str) -> Option<Rule> {
    Some(match name {
        "pytest.ini"
        | ".pytest.ini"
        | "tox.ini"
        | "setup.cfg"
        | "pyproject.toml"
        | "conftest.py"
        | "noxfile.py"
        | "nextest.toml"
        | "tarpaulin.toml"
        | ".tarpaulin.toml"
        | "phpunit.xml"
        | "phpunit.xml.dist"
        | "testng.xml"
        | "unittest.cfg"
        | "nose.cfg"
        | ".noserc"
        | "nose2.cfg"
        | ".rspec"
        | "junit-platform.properties"
        | "behave.ini"
        | "pytest.toml"
        | "wdio.conf.js"
        | "wdio.conf.ts"
        | ".coveragerc"
        | "ctestlist.txt"
        | "ctesttestfile.cmake" => Rule::TestSetup,
        "package.json"
        | "build.rs"
        | "cargo.toml"
        | "setup.py"
        | "makefile"
        | "gnumakefile"
        | "bsdmakefile"
        | "justfile"
        | ".justfile"
        | "taskfile.yml"
        | "taskfile.yaml"
        | "taskfile.dist.yml"
        | "taskfile.dist.yaml"
        | "rakefile"
        | "rakefile.rb"
        | "gemfile"
        | "gems.rb"
        | "guardfile"
        | "fastfile"
        | "podfile"
        | "cmakelists.txt"
        | "cmakepresets.json"
        | "cmakeuserpresets.json"
        | "meson.build"
        | "meson_options.txt"
        | "meson.options"
        | "wscript"
        | "sconstruct"
        | "sconscript"
        | "xmake.lua"
        | "premake5.lua"
        | "configure"
        | "configure.ac"
        | "configure.in"
        | "autogen.sh"
        | "bootstrap.sh"
        | "aclocal.m4"
        | "pom.xml"
        | "build.xml"
        | "ivy.xml"
        | "build.gradle"
        | "build.gradle.kts"
        | "settings.gradle"
        | "settings.gradle.kts"
        | "init.gradle"
        | "init.gradle.kts"
        | "gradle.properties"
        | "gradlew"
        | "mvnw"
        | "gradlew.bat"
        | "mvnw.cmd"
        | "gradle-wrapper.properties"
        | "gradle-wrapper.jar"
        | "maven-wrapper.properties"
        | "maven-wrapper.jar"
        | "maven-wrapper.jar.sha256"
        | "libs.versions.toml"
        | "build.sbt"
        | "build.sc"
        | "build.mill"
        | "project.clj"
        | "deps.edn"
        | "mix.exs"
        | "rebar.config"
        | "rebar.config.script"
        | "dune-project"
        | "dune-workspace"
        | "build.zig"
        | "build.zig.zon"
        | "package.swift"
        | "setup.hs"
        | "stack.yaml"
        | "cabal.project"
        | "cabal.project.local"
        | "composer.json"
        | "binding.gyp"
        | "common.gypi"
        | "rust-toolchain"
        | "rust-toolchain.toml"
        | "flake.nix"
        | "shell.nix"
        | "default.nix"
        | "devenv.nix"
        | "go.work"
        | "hatch_build.py"
        | "hatch.toml"
        | "pdm_build.py"
        | "_build_backend.py"
        | "dodo.py"
        | "fabfile.py"
        | "pavement.py"
        | "gruntfile.js"
        | "gruntfile.ts"
        | "gruntfile.coffee"
        | "gulpfile.js"
        | "gulpfile.ts"
        | "gulpfile.mjs"
        | "gulpfile.babel.js"
        | "deno.json"
        | "deno.jsonc"
        | "workspace.bazel"
        | "module.bazel"
        | "build.bazel"
        | ".bazelrc"
        | ".buckconfig"
        | "pants.toml"
        | "tiltfile"
        | "skaffold.yaml"
        | "earthfile"
        | "directory.build.props"
        | "directory.build.targets"
        | "directory.packages.props"
        | "global.json"
        | "nx.json"
        | "turbo.json"
        | "lerna.json"
        | "rush.json"
        | "angular.json"
        | "wrangler.toml"
        | "serverless.yml"
        | "netlify.toml"
        | "vercel.json"
        | "fly.toml"
        | "magefile.go"
        | "buf.gen.yaml"
        | "mkdocs.yml"
        | "dvc.yaml"
        | "snakefile"
        | "nextflow.config" => Rule::Build,
        "jenkinsfile"
        | ".travis.yml"
        | ".travis.yaml"
        | "appveyor.yml"
        | "appveyor.yaml"
        | ".appveyor.yml"
        | "bitbucket-pipelines.yml"
        | ".drone.yml"
        | ".drone.yaml"
        | ".drone.star"
        | ".drone.jsonnet"
        | ".cirrus.yml"
        | ".cirrus.star"
        | "cloudbuild.yaml"
        | "cloudbuild.yml"
        | "cloudbuild.json"
        | "buildspec.yml"
        | "buildspec.yaml"
        | "codeowners"
        | ".woodpecker.yml"
        | ".woodpecker.yaml"
        | "codecov.yml"
        | ".codecov.yml"
        | "codecov.yaml"
        | ".build.yml"
        | ".builds.yml"
        | "wercker.yml"
        | "shippable.yml"
        | "circle.yml"
        | ".scrutinizer.yml"
        | ".styleci.yml"
        | "bors.toml"
        | ".mergify.yml"
        | "renovate.json"
        | "renovate.json5"
        | ".renovaterc"
        | ".renovaterc.json"
        | ".zuul.yaml"
        | "zuul.yaml"
        | "azure-pipelines.yml"
        | "azure-pipelines.yaml"
        | "screwdriver.yaml"
        | "buddy.yml"
        | "nevercode.yml"
        | "bitrise.yml"
        | "codemagic.yaml"
        | "release-please-config.json"
        | ".releaserc"
        | ".goreleaser.yml"
        | ".goreleaser.yaml"
        | ".readthedocs.yml"
        | ".readthedocs.yaml"
        | "sonar-project.properties"
        | ".gitlab-ci.yaml" => Rule::Ci,
        ".hgrc" | "hgrc" | ".hgsub" | ".jjconfig.toml" => Rule::Git,
        "lefthook.yml"
        | "lefthook.yaml"
        | "lefthook.toml"
        | "lefthook.json"
        | ".lefthook.yml"
        | ".lefthook.yaml"
        | "lefthook-local.yml"
        | ".lefthook-local.yml"
        | "lefthook-local.yaml"
        | ".overcommit.yml"
        | "prek.toml"
        | ".huskyrc"
        | ".huskyrc.json"
        | ".huskyrc.js"
        | ".huskyrc.yaml"
        | "captainhook.json"
        | "grumphp.yml"
        | "commitlint.config.js"
        | ".commitlintrc.js"
        | ".simple-git-hooks.json"
        | ".simple-git-hooks.js"
        | "simple-git-hooks.json"
        | "simple-git-hooks.js"
        | ".czrc"
        | "hk.pkl"
        | ".cargo-husky" => Rule::Hook,
        ".exrc"
        | ".vimrc"
        | "_vimrc"
        | ".gvimrc"
        | ".nvimrc"
        | ".nvim.lua"
        | ".dir-locals.el"
        | ".dir-locals-2.el"
        | ".lvimrc"
        | ".kakrc"
        | ".emacs"
        | ".projectile"
        | ".project"
        | ".classpath"
        | ".netbeans"
        | ".replit"
        | "replit.nix"
        | ".gitpod.yml"
        | ".gitpod.yaml"
        | ".gitpod.dockerfile"
        | ".theia.json"
        | ".ycm_extra_conf.py"
        | "ycm_extra_conf.py"
        | ".ccls"
        | ".clangd"
        | "compile_commands.json"
        | "compile_flags.txt"
        | "rust-analyzer.toml"
        | ".rust-analyzer.toml"
        | "rust-project.json"
        | "pyrightconfig.json"
        | "jsconfig.json"
        | "tsconfig.json"
        | "coc-settings.json"
        | ".luarc.json"
        | ".luarc.jsonc"
        | "omnisharp.json"
        | ".solargraph.yml"
        | ".sorbet"
        | ".vsls.json"
        | ".neoconf.json"
        | ".nlsp.json"
        | "idea.properties"
        | "launch.json"
        | ".sublime-commands"
        | ".nova"
        | ".gdbinit"
        | ".lldbinit"
        | ".pdbrc"
        | ".pdbrc.py"
        | ".pryrc"
        | ".irbrc"
        | ".byebugrc"
        | ".rdbgrc"
        | ".inputrc" => Rule::Editor,
        "agents.md"
        | "agents.override.md"
        | "claude.md"
        | "claude.local.md"
        | "gemini.md"
        | "qwen.md"
        | "copilot-instructions.md"
        | ".cursorrules"
        | ".cursorignore"
        | ".windsurfrules"
        | ".clinerules"
        | ".goosehints"
        | ".mcp.json"
        | "mcp.json"
        | ".mcp.yaml"
        | "mcp_config.json"
        | "mcp-config.json"
        | "claude_desktop_config.json"
        | "wright.toml"
        | "wright.json"
        | "wright.yaml"
        | ".roomodes"
        | ".roorules"
        | "opencode.json"
        | "opencode.jsonc"
        | ".opencode.json"
        | ".rules"
        | "crush.json"
        | ".crush.json"
        | "crush.md"
        | ".crushignore"
        | "warp.md"
        | "codex.md"
        | "codex.toml"
        | "devin.md"
        | "jules.md"
        | "junie.md"
        | "replit.md"
        | ".replit.md"
        | "llms.txt"
        | "llms-full.txt"
        | "skill.md"
        | ".continuerc.json"
        | ".continuerules"
        | ".pr_agent.toml"
        | "greptile.json"
        | ".coderabbit.yaml"
        | ".coderabbit.yml"
        | "ellipsis.yaml"
        | ".sourcery.yaml"
        | ".sweep.yaml"
        | "sweep.yaml"
        | ".augment-guidelines"
        | ".kilocodemodes"
        | ".traerules"
        | ".voidrules"
        | ".junierules"
        | ".openhands_instructions"
        | "gemini-extension.json"
        | ".geminiignore"
        | ".claudeignore"
        | ".codexignore"
        | ".aiignore"
        | ".aiexclude"
        | ".agentignore"
        | "plandex.yaml" => Rule::Agent,
        ".npmrc"
        | "npmrc"
        | ".pnpmfile.cjs"
        | ".pnpmfile.mjs"
        | "pnpmfile.js"
        | "pnpm-workspace.yaml"
        | "bunfig.toml"
        | ".bunfig.toml"
        | "pip.conf"
        | "pip.ini"
        | ".pip.conf"
        | ".pypirc"
        | "poetry.toml"
        | "uv.toml"
        | ".uv.toml"
        | "pixi.toml"
        | ".condarc"
        | "condarc"
        | "environment.yml"
        | "nuget.config"
        | ".netrc"
        | "_netrc"
        | ".ripgreprc"
        | ".bowerrc"
        | ".gemrc"
        | ".composer"
        | ".pdm.toml"
        | "pdm.toml"
        | ".pydistutils.cfg"
        | "pydistutils.cfg"
        | "distutils.cfg"
        | ".m2"
        | ".sbtopts"
        | ".jvmopts"
        | ".curlrc"
        | ".wgetrc"
        | ".aptrc"
        | "sources.list"
        | "go.env"
        | "cpanfile"
        | ".terraformrc"
        | "terraform.rc"
        | ".yarnclean"
        | "brewfile"
        | "aqua.yaml" => Rule::Packages,
        ".envrc"
        | ".env"
        | ".tool-versions"
        | ".toolversions"
        | "mise.toml"
        | ".mise.toml"
        | "mise.local.toml"
        | ".rtx.toml"
        | ".bashrc"
        | ".bash_login"
        | ".bash_logout"
        | ".bash_aliases"
        | ".zshrc"
        | ".profile"
        | ".bash_profile"
        | ".zshenv"
        | ".zprofile"
        | ".zlogin"
        | ".zlogout"
        | ".kshrc"
        | ".cshrc"
        | ".tcshrc"
        | ".login"
        | "config.fish"
        | ".direnvrc"
        | "direnv.toml"
        | ".autoenv"
        | ".autoenv.zsh"
        | ".nvmrc"
        | ".node-version"
        | ".ruby-version"
        | ".ruby-gemset"
        | ".rvmrc"
        | ".python-version"
        | ".java-version"
        | ".go-version"
        | ".sdkmanrc"
        | ".jvmrc"
        | ".xprofile"
        | ".xinitrc"
        | ".screenrc"
        | ".tmux.conf"
        | ".tmuxinator.yml"
        | "devbox.json"
        | "devenv.yaml"
        | "profile.ps1"
        | "microsoft.powershell_profile.ps1"
        | "autorun.inf"
        | ".ssh"
        | ".pam_environment" => Rule::Shell,
        "sitecustomize.py"
        | "usercustomize.py"
        | ".pythonrc"
        | ".pythonrc.py"
        | ".rprofile"
        | ".renviron"
        | "startup.jl"
        | ".juliarc.jl"
        | ".phprc"
        | ".user.ini"
        | "php.ini"
        | ".htaccess"
        | ".htpasswd"
        | "web.config"
        | ".perltidyrc"
        | ".luarocks"
        | ".noderc"
        | "jvm.config"
        | "ipython_config.py"
        | "jupyter_notebook_config.py"
        | "pyvenv.cfg"
        | "ld.so.preload"
        | ".ghci"
        | ".octaverc"
        | ".sqliterc"
        | ".psqlrc"
        | ".my.cnf" => Rule::Startup,
        "dockerfile"
        | "containerfile"
        | ".dockerignore"
        | ".containerignore"
        | "compose.yaml"
        | "compose.yml"
        | "compose.override.yaml"
        | "compose.override.yml"
        | "docker-bake.hcl"
        | "docker-bake.json"
        | "devcontainer.json"
        | ".devcontainer.json"
        | "vagrantfile"
        | "procfile"
        | "procfile.dev"
        | "apptainer.def"
        | "singularity"
        | "chart.yaml"
        | "kustomization.yaml"
        | "werf.yaml"
        | "devfile.yaml"
        | ".devfile.yaml"
        | "heroku.yml"
        | "nixpacks.toml"
        | "railway.json"
        | "render.yaml" => Rule::Container,
        ".pylintrc"
        | "pylintrc"
        | ".pylintrc.toml"
        | "pylintrc.toml"
        | "mypy.ini"
        | ".mypy.ini"
        | ".flake8"
        | ".isort.cfg"
        | ".style.yapf"
        | "ruff.toml"
        | ".ruff.toml"
        | "bandit.yaml"
        | ".bandit"
        | ".rubocop.yml"
        | ".standard.yml"
        | ".reek.yml"
        | "rustfmt.toml"
        | ".rustfmt.toml"
        | "clippy.toml"
        | ".clippy.toml"
        | "deny.toml"
        | ".clang-format"
        | ".clang-tidy"
        | ".golangci.yml"
        | ".golangci.yaml"
        | ".golangci.toml"
        | ".golangci.json"
        | "biome.json"
        | "biome.jsonc"
        | "rome.json"
        | "dprint.json"
        | ".dprint.json"
        | ".php-cs-fixer.php"
        | ".php-cs-fixer.dist.php"
        | "phpstan.neon"
        | "phpstan.neon.dist"
        | "psalm.xml"
        | "checkstyle.xml"
        | ".scalafmt.conf"
        | ".scalafix.conf"
        | ".swiftlint.yml"
        | ".swiftformat"
        | "detekt.yml"
        | "stylecop.json"
        | "tslint.json"
        | ".jshintrc"
        | ".jscsrc"
        | ".xo-config.js"
        | ".credo.exs"
        | ".formatter.exs"
        | ".hlint.yaml"
        | ".perlcriticrc"
        | ".mega-linter.yml"
        | "treefmt.toml"
        | ".treefmt.toml"
        | "treefmt.nix" => Rule::Formatter,
        _ if GIT_HOOKS.contains(&name) => Rule::Hook,
        _ => return None,
    })
}

/// The hooks of git by name: a folder of them can have any name.
const GIT_HOOKS: [&str; 26] = [
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
    "proc-receive",
    "post-receive",
    "post-update",
    "push-to-checkout",
    "post-rewrite",
    "pre-auto-gc",
    "sendemail-validate",
    "fsmonitor-watchman",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
    "post-index-change",
    "reference-transaction",
];

/// What protected names begin with, where anything may follow.
const BEGINNINGS: [(&[&str], Rule); 11] = [
    (
        &[
            "jest.config.",
            "jest.setup.",
            "vitest.config.",
            "vitest.workspace.",
            "vitest.setup.",
            "vite.config.",
            "karma.conf",
            "playwright.config.",
            "cypress.config.",
            "cypress.json",
            "babel.config.",
            ".babelrc",
            ".swcrc",
            ".mocharc",
            ".nycrc",
            ".c8rc",
            ".taprc",
            "ava.config.",
            "jasmine.config.",
            "jasmine.json",
            "nightwatch.conf",
            "protractor.conf",
            "stryker.conf",
            "wdio.conf",
            "testcafe.",
            "codecept.conf",
        ],
        Rule::TestSetup,
    ),
    (
        &[
            "webpack.config.",
            "webpack.common.",
            "webpack.dev.",
            "webpack.prod.",
            "rollup.config.",
            "esbuild.config.",
            "tsup.config.",
            "rspack.config.",
            "rsbuild.config.",
            ".parcelrc",
            "metro.config.",
            "next.config.",
            "nuxt.config.",
            "astro.config.",
            "svelte.config.",
            "remix.config.",
            "gatsby-config.",
            "gatsby-node.",
            "vue.config.",
            "craco.config.",
            "tailwind.config.",
            "postcss.config.",
            ".postcssrc",
            "snowpack.config.",
            "electron-builder.",
            "forge.config.",
            "makefile.",
            "gnumakefile.",
            "drizzle.config.",
        ],
        Rule::Build,
    ),
    (
        &[
            "eslint.config.",
            ".eslintrc",
            ".prettierrc",
            "prettier.config.",
            ".stylelintrc",
            "stylelint.config.",
            ".textlintrc",
            ".remarkrc",
            "oxlint.config.",
            ".oxlintrc",
            ".xo-config",
            "xo.config.",
            ".pylintrc",
        ],
        Rule::Formatter,
    ),
    (
        &[
            ".lintstagedrc",
            "lint-staged.config.",
            ".huskyrc",
            ".commitlintrc",
            "commitlint.config.",
            ".pre-commit",
            "pre-commit-config.",
            "simple-git-hooks.",
        ],
        Rule::Hook,
    ),
    (&["dockerfile.", "containerfile.", "docker-compose", "podman-compose", "compose.override."], Rule::Container),
    (&[".yarnrc", "yarn.config.", ".pnp.", ".npmrc."], Rule::Packages),
    (&[".env.", ".env-", ".envrc.", ".mise.", "mise.local."], Rule::Shell),
    (&[".aider", ".wright", ".cursor", ".windsurf", ".copilot", ".claude", ".codex", ".gemini"], Rule::Agent),
    (
        &["jenkinsfile", ".gitlab-ci", "azure-pipelines", ".travis.", "buildspec", ".releaserc.", "release.config."],
        Rule::Ci,
    ),
    (&["tsconfig.", "pyrightconfig."], Rule::Editor),
    (&[".git"], Rule::Git),
];

/// What protected names end with.
const ENDINGS: [(&[&str], Rule); 7] = [
    (
        &[
            ".mk",
            ".mak",
            ".make",
            ".cmake",
            ".gradle",
            ".gradle.kts",
            ".bzl",
            ".bazel",
            ".nix",
            ".sbt",
            ".gemspec",
            ".podspec",
            ".cabal",
            ".opam",
            ".csproj",
            ".fsproj",
            ".vbproj",
            ".vcxproj",
            ".pbxproj",
            ".gyp",
            ".gypi",
            ".just",
            ".rake",
            ".am",
            ".m4",
            ".props",
            ".targets",
        ],
        Rule::Build,
    ),
    (&[".dockerfile", ".containerfile"], Rule::Container),
    (&[".code-workspace", ".sublime-project", ".iml", ".ipr", ".iws", ".sln.dotsettings"], Rule::Editor),
    (&[".pth", ".egg-link"], Rule::Startup),
    (&[".mdc", ".cursorrules", ".chatmode.md", ".prompt.md", ".instructions.md", ".agent.md"], Rule::Agent),
    (&[".gitlab-ci.yml"], Rule::Ci),
    (&[".desktop", ".lnk", ".command"], Rule::Shell),
];

/// Names that begin like protected ones and are harmless.
const HARMLESS: [&str; 1] = [".gitkeep"];

fn beginning(name: &str) -> Option<Rule> {
    if HARMLESS.contains(&name) {
        return None;
    }
    let rule = BEGINNINGS.iter().find(|(beginnings, _)| beginnings.iter().any(|it| name.starts_with(it)));
    rule.map(|(_, rule)| *rule)
}

fn ending(name: &str) -> Option<Rule> {
    let rule = ENDINGS.iter().find(|(endings, _)| endings.iter().any(|it| name.ends_with(it)));
    rule.map(|(_, rule)| *rule)
}

/// Names that are protected in certain folders only.
fn placed(folders: &[String], name: &str) -> Option<Rule> {
    let below = |folder: &str| folders.iter().any(|it| it == folder);
    if below("wrapper") && name.ends_with(".jar") || below("buildsrc") || below("build-logic") {
        return Some(Rule::Build);
    }
    if below("hooks") && !name.contains('.') {
        return Some(Rule::Hook);
    }
    let is_script = [".sh", ".bash", ".py", ".js", ".rb", ".pl", ".ps1"].iter().any(|ending| name.ends_with(ending));
    if is_script && folders.last().is_some_and(|folder| folder == "hooks") && name.contains("git") {
        return Some(Rule::Hook);
    }
    let is_requirements = name.starts_with("requirements") || below("requirements");
    if is_requirements && (name.ends_with(".txt") || name.ends_with(".in")) {
        return Some(Rule::Packages);
    }
    let is_github_action = matches!(name, "action.yml" | "action.yaml");
    is_github_action.then_some(Rule::Ci)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Rule, rule_for};

    #[test]
    fn each_kind_of_protected_file_has_its_rule() {
        let rows: [(Rule, &[&str]); 11] = [
            (
                Rule::TestSetup,
                &["pytest.ini", "a/conftest.py", "jest.config.mjs", "vitest.config.ts", "pyproject.toml"],
            ),
            (
                Rule::Build,
                &[
                    "package.json",
                    "Cargo.toml",
                    "Makefile",
                    "build.rs",
                    "crates/x/build.rs",
                    "setup.py",
                    "common.mk",
                    "rules/inc.make",
                    "gradle/wrapper/gradle-wrapper.jar",
                    "CMakeLists.txt",
                    "cmake/find.cmake",
                    "binding.gyp",
                    "Rakefile",
                    "x.gemspec",
                    "buildSrc/src/main/kotlin/a.kt",
                ],
            ),
            (
                Rule::Ci,
                &[
                    ".github/workflows/ci.yml",
                    ".gitlab-ci.yml",
                    "Jenkinsfile",
                    "azure-pipelines.yml",
                    ".circleci/config.yml",
                    ".forgejo/workflows/x.yml",
                    "bitbucket-pipelines.yml",
                    "actions/setup/action.yml",
                    ".woodpecker.yml",
                    ".buildkite/pipeline.yml",
                ],
            ),
            (Rule::Git, &[".gitattributes", "sub/.gitmodules", ".git/hooks/x", ".gitconfig", ".gitignore"]),
            (
                Rule::Hook,
                &[
                    ".husky/pre-push",
                    "hooks/pre-commit",
                    "tools/post-merge",
                    ".pre-commit-config.yaml",
                    "lefthook.yml",
                    ".githooks/x",
                    ".lintstagedrc.js",
                ],
            ),
            (
                Rule::Editor,
                &[
                    ".vscode/tasks.json",
                    ".idea/workspace.xml",
                    "x.code-workspace",
                    ".nvim.lua",
                    ".dir-locals.el",
                    "rust-analyzer.toml",
                    "rust-project.json",
                    ".zed/tasks.json",
                    ".gdbinit",
                ],
            ),
            (
                Rule::Agent,
                &[
                    ".claude/settings.json",
                    ".codex/config.toml",
                    ".gemini/settings.json",
                    ".cursor/rules",
                    ".wright/config.toml",
                    ".wrightrc",
                    "wright.toml",
                    "AGENTS.md",
                    "docs/CLAUDE.md",
                    "GEMINI.md",
                    ".cursorrules",
                    ".mcp.json",
                    ".aider.conf.yml",
                    ".agents/skills/x/SKILL.md",
                ],
            ),
            (
                Rule::Packages,
                &[
                    ".npmrc",
                    ".yarnrc.yml",
                    ".yarn/plugins/evil.cjs",
                    ".cargo/config.toml",
                    ".cargo/config",
                    "pip.conf",
                    ".pypirc",
                    "requirements-dev.txt",
                    ".pnpmfile.cjs",
                ],
            ),
            (Rule::Shell, &[".envrc", ".env", ".env.local", ".tool-versions", "mise.toml", ".bashrc"]),
            (Rule::Startup, &["sitecustomize.py", "usercustomize.py", "lib/x.pth", ".Rprofile"]),
            (Rule::Formatter, &["eslint.config.js", ".eslintrc.cjs", ".pylintrc", ".prettierrc.js", ".rubocop.yml"]),
        ];
        for (rule, paths) in rows {
            for path in paths {
                assert_eq!(rule_for(Path::new(path)), Some(rule), "{path}");
            }
        }
        for path in ["Dockerfile", "Dockerfile.dev", ".devcontainer/devcontainer.json", "docker-compose.prod.yml"] {
            assert_eq!(rule_for(Path::new(path)), Some(Rule::Container), "{path}");
        }
    }

    #[test]
    fn ordinary_files_are_not_protected() {
        for path in [
            "src/main.rs",
            "README.md",
            "app/models.py",
            "package/index.js",
            "docs/make.md",
            ".gitkeep",
            "",
            "environment.py",
            "src/hooks/use_state.ts",
            "src/webpack_loader.py",
            "lib/agent.py",
            "config/settings.yaml",
            "src/update.rs",
            "docs/env.md",
            "src/github.rs",
            "src/git.rs",
            "requirements.py",
            "tasks.py",
            "compose.py",
            "src/env",
            "include/make.h",
            "gatsby.rs",
        ] {
            assert_eq!(rule_for(Path::new(path)), None, "{path}");
        }
    }
}
