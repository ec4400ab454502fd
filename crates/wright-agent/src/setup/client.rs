//! The package clients: how each is asked, how it fetches without running a package's code, and how others find the result.

use std::io;
use std::path::{Path, PathBuf};

/// Variables in which users tell their clients where packages come from. They may hold secrets.
pub const CLIENT_VARIABLES: &[&str] = &[
    "CARGO_HTTP_CAINFO",
    "CARGO_REGISTRIES_CRATES_IO_PROTOCOL",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_REGISTRY",
    "PIP_CERT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "SSL_CERT_FILE",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "npm_config_registry",
];

/// Makes an environment for Python and installs into it.
const MAKE_ENVIRONMENT: &str = "python3 -m venv --system-site-packages --without-pip fetched/python && \
    fetched/python/bin/python -m pip install --no-input --only-binary :all: -r requirements.txt";

/// Variables that keep a client from the network, and are left out while it may use it.
pub(super) fn is_about_offline(name: &str) -> bool {
    matches!(name, "CARGO_NET_OFFLINE" | "GOPROXY" | "CARGO_HOME" | "GOMODCACHE")
}

/// A package client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Python's pip.
    Pip,
    /// uv, for Python.
    Uv,
    /// Node's npm.
    Npm,
    /// Rust's cargo.
    Cargo,
    /// Go's own.
    Go,
    /// Maven.
    Maven,
    /// Gradle.
    Gradle,
}

impl Client {
    /// Every client.
    pub const ALL: [Self; 7] = [Self::Pip, Self::Uv, Self::Npm, Self::Cargo, Self::Go, Self::Maven, Self::Gradle];

    /// Returns the clients whose manifests lie at the root of a project.
    #[must_use]
    pub fn of_project(root: &Path) -> Vec<Self> {
        let has = |name: &&str| root.join(name).is_file();
        let found = |it: &Self| match it {
            Self::Pip => has(&"requirements.txt") && !has(&"uv.lock"),
            Self::Uv => has(&"uv.lock"),
            Self::Npm => has(&"package-lock.json"),
            Self::Cargo => has(&"Cargo.lock"),
            Self::Go => has(&"go.sum"),
            Self::Maven => has(&"pom.xml"),
            Self::Gradle => ["build.gradle", "build.gradle.kts"].iter().any(has),
        };
        Self::ALL.into_iter().filter(found).collect()
    }

    /// Returns the client's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Npm => "npm",
            Self::Cargo => "cargo",
            Self::Go => "go",
            Self::Maven => "maven",
            Self::Gradle => "gradle",
        }
    }

    /// Returns whether fetching executes what the project or a package brings along. Such a client is given no settings.
    #[must_use]
    pub fn runs_project_code(self) -> bool {
        matches!(self, Self::Maven | Self::Gradle)
    }

    /// Returns the folders of a project any of which holds what the client would fetch. Who made one looks after it.
    pub(super) fn installed_folders(self) -> &'static [&'static str] {
        match self {
            Self::Pip | Self::Uv => &[".venv", "venv"],
            Self::Npm => &["node_modules"],
            Self::Go => &["vendor"],
            Self::Cargo | Self::Maven | Self::Gradle => &[],
        }
    }

    /// Returns a command that succeeds without a network exactly when nothing is missing. `None` where only folders tell.
    pub(super) fn check(self) -> Option<Vec<String>> {
        let line = match self {
            Self::Pip => "python3 -m pip install --dry-run --no-index --no-input -r requirements.txt",
            Self::Uv | Self::Npm => return None,
            Self::Cargo => "cargo fetch --locked --offline",
            Self::Go => "go mod download",
            Self::Maven => "mvn -B -q -o dependency:go-offline",
            Self::Gradle => "gradle --no-daemon --console=plain --offline dependencies",
        };
        Some(words(line))
    }

    /// Returns the files that the client is shown of a project.
    pub(super) fn is_manifest(self, name: &str) -> bool {
        match self {
            Self::Pip => name.starts_with("requirements") && name.ends_with(".txt") || name == "constraints.txt",
            Self::Uv => matches!(name, "pyproject.toml" | "uv.lock"),
            Self::Npm => matches!(name, "package.json" | "package-lock.json"),
            Self::Cargo => matches!(name, "Cargo.toml" | "Cargo.lock"),
            Self::Go => matches!(name, "go.mod" | "go.sum" | "go.work" | "go.work.sum"),
            Self::Maven => name == "pom.xml",
            Self::Gradle => {
                matches!(name, "gradle.properties" | "gradle.lockfile" | "libs.versions.toml")
                    || name.contains(".gradle")
            }
        }
    }

    /// Returns a command that fetches one small, well-known package in a folder of ours. `None` where only the project itself
    /// knows its sources.
    pub(super) fn question(self) -> Option<Vec<String>> {
        let line = match self {
            Self::Pip => "python3 -m pip download --no-deps --only-binary :all: --no-input --dest fetched six",
            Self::Uv => "uv pip install --target fetched --no-deps --only-binary :all: six",
            Self::Npm => "npm pack isarray --pack-destination .",
            Self::Cargo => "cargo fetch",
            Self::Go => "go mod download -x",
            Self::Maven => "mvn -B -q dependency:resolve",
            Self::Gradle => return None,
        };
        Some(words(line))
    }

    /// Writes the project of ours that the question is about.
    pub(super) fn write_question(self, folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder.join("src"))?;
        let (name, text) = match self {
            Self::Cargo => (
                "Cargo.toml",
                "[package]\nname = \"question\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[dependencies]\ncfg-if = \"1\"\n",
            ),
            Self::Go => ("go.mod", "module question\n\ngo 1.20\n\nrequire golang.org/x/sync v0.1.0\n"),
            Self::Maven => (
                "pom.xml",
                "<project><modelVersion>4.0.0</modelVersion><groupId>q</groupId><artifactId>q</artifactId>\
                 <version>1</version><packaging>pom</packaging></project>\n",
            ),
            Self::Pip | Self::Uv | Self::Npm | Self::Gradle => return Ok(()),
        };
        std::fs::write(folder.join("src/lib.rs"), "")?;
        std::fs::write(folder.join(name), text)
    }

    /// Returns the command that fetches what the manifests name, exactly as they were locked where they are, and without
    /// running anything that a package brings along where the client can do without.
    pub(super) fn fetch(self) -> Vec<String> {
        let line = match self {
            // What the system's Python has already, pip among it, serves in the environment too.
            Self::Pip => {
                return ["sh", "-c", MAKE_ENVIRONMENT].map(str::to_owned).to_vec();
            }
            Self::Uv => "uv sync --frozen --no-build --no-install-project --no-config",
            Self::Npm => "npm ci --ignore-scripts --no-audit --no-fund",
            Self::Cargo => "cargo fetch --locked",
            Self::Go => "go mod download",
            Self::Maven => "mvn -B -q dependency:go-offline",
            Self::Gradle => "gradle --no-daemon --console=plain dependencies",
        };
        words(line)
    }

    /// Returns the variables of a run that fetches into `fetched`. Nothing is tried twice: a refusal is an answer.
    pub(super) fn fetch_variables(self, fetched: &Path) -> Vec<(String, String)> {
        let at = |name: &str| fetched.join(name).display().to_string();
        let pairs = match self {
            Self::Pip => vec![("PIP_RETRIES", "0".to_owned()), ("PIP_DISABLE_PIP_VERSION_CHECK", "1".to_owned())],
            Self::Uv => vec![
                ("UV_HTTP_RETRIES", "0".to_owned()),
                ("UV_PROJECT_ENVIRONMENT", at("python")),
                ("UV_CACHE_DIR", at("uv-cache")),
                ("UV_LINK_MODE", "copy".to_owned()),
            ],
            Self::Npm => vec![
                ("npm_config_fetch_retries", "0".to_owned()),
                ("npm_config_cache", at("npm-cache")),
                ("npm_config_update_notifier", "false".to_owned()),
            ],
            Self::Cargo => vec![("CARGO_HOME", at("cargo")), ("CARGO_NET_RETRY", "0".to_owned())],
            Self::Go => {
                vec![("GOMODCACHE", at("go")), ("GOCACHE", at("go-build")), ("GOTOOLCHAIN", "local".to_owned())]
            }
            Self::Maven => vec![("MAVEN_ARGS", format!("-Dmaven.repo.local={}", at("maven")))],
            Self::Gradle => vec![("GRADLE_USER_HOME", at("gradle"))],
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Returns the variables by which later runs, without a way out, find what was fetched.
    pub(super) fn offline_variables(self, tree: &Path, fetched: &Path) -> Vec<(String, String)> {
        let at = |name: &str| fetched.join(name).display().to_string();
        let pairs = match self {
            Self::Pip => vec![("VIRTUAL_ENV", at("python"))],
            Self::Uv => vec![("VIRTUAL_ENV", at("python")), ("UV_OFFLINE", "1".to_owned())],
            Self::Npm => vec![("NODE_PATH", tree.join("node_modules").display().to_string())],
            Self::Cargo => vec![("CARGO_HOME", at("cargo")), ("CARGO_NET_OFFLINE", "true".to_owned())],
            Self::Go => vec![("GOMODCACHE", at("go")), ("GOPROXY", "off".to_owned())],
            Self::Maven => vec![("MAVEN_ARGS", format!("-o -Dmaven.repo.local={}", at("maven")))],
            Self::Gradle => vec![("GRADLE_USER_HOME", at("gradle"))],
        };
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Returns the folder of the programs that were fetched.
    pub(super) fn programs(self, tree: &Path, fetched: &Path) -> Option<PathBuf> {
        match self {
            Self::Pip | Self::Uv => Some(fetched.join("python/bin")),
            Self::Npm => Some(tree.join("node_modules/.bin")),
            Self::Cargo | Self::Go | Self::Maven | Self::Gradle => None,
        }
    }

    /// Returns the folder that belongs into the project under the same name, because nothing else leads there.
    pub(super) fn linked_folder(self) -> Option<&'static str> {
        (self == Self::Npm).then_some("node_modules")
    }

    /// Returns the client's command with what leads it to its settings among the user's files, where no variable does.
    pub(super) fn with_settings(self, mut argv: Vec<String>, files: &[PathBuf]) -> Vec<String> {
        let own = files.iter().find(|it| it.ends_with(".cargo/config.toml"));
        if let Some(file) = own.filter(|_| self == Self::Cargo) {
            argv.splice(1..1, ["--config".to_owned(), file.display().to_string()]);
        }
        argv
    }

    /// Returns the variables that lead the client to its settings among the user's files.
    pub(super) fn settings_variables(self, files: &[PathBuf]) -> Vec<(String, String)> {
        let (name, endings): (&str, &[&str]) = match self {
            Self::Pip => ("PIP_CONFIG_FILE", &["pip.conf", "pip.ini"]),
            Self::Uv => ("UV_CONFIG_FILE", &["uv.toml"]),
            Self::Npm => ("NPM_CONFIG_USERCONFIG", &[".npmrc"]),
            Self::Go => ("GOENV", &["go/env"]),
            Self::Cargo | Self::Maven | Self::Gradle => return Vec::new(),
        };
        let found = files.iter().find(|file| endings.iter().any(|it| file.ends_with(it)));
        found.map(|file| (name.to_owned(), file.display().to_string())).into_iter().collect()
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_of_a_project_are_known_by_its_manifests() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Client::of_project(root.path()), []);
        for name in ["requirements.txt", "package-lock.json", "Cargo.lock", "go.sum", "pom.xml", "build.gradle.kts"] {
            std::fs::write(root.path().join(name), "").unwrap();
        }
        use Client::{Cargo, Go, Gradle, Maven, Npm, Pip};
        assert_eq!(Client::of_project(root.path()), [Pip, Npm, Cargo, Go, Maven, Gradle]);
    }

    #[test]
    fn cargo_is_led_to_the_users_settings_by_an_argument() {
        let files = ["/home/u/.npmrc", "/home/u/.cargo/config.toml"].map(PathBuf::from);
        let argv = Client::Cargo.with_settings(Client::Cargo.fetch(), &files).join(" ");
        assert_eq!(argv, "cargo --config /home/u/.cargo/config.toml fetch --locked");
        assert_eq!(Client::Go.with_settings(Client::Go.fetch(), &files), Client::Go.fetch());
    }

    #[test]
    fn settings_of_a_repository_are_no_manifests() {
        for client in Client::ALL {
            for name in [".npmrc", "pip.conf", "config.toml", "settings.xml", ".yarnrc.yml", "uv.toml", "nuget.config"]
            {
                assert!(!client.is_manifest(name), "{} {name}", client.name());
            }
        }
    }

    #[test]
    fn no_package_runs_while_it_is_fetched_unless_the_client_says_so() {
        let promises = [(Client::Pip, ":all:"), (Client::Uv, "--no-build"), (Client::Npm, "--ignore-scripts")];
        for (client, promise) in promises {
            assert!(client.fetch().join(" ").contains(promise) && !client.runs_project_code());
        }
        assert!(Client::Maven.runs_project_code() && Client::Gradle.runs_project_code());
    }
}
