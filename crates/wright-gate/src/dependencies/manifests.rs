//! What a project asks for: the packages that its manifests name, and how tightly each is held.

mod cargo;
mod package_json;
mod pyproject;

use std::path::Path;

use super::lock_files::{LockFormat, requirements};
use super::{Ecosystem, Origin, line_naming};

/// A package that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) ecosystem: Ecosystem,
    pub(super) name: String,
    pub(super) wish: Wish,
}

/// Which versions a manifest accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// One version.
    Exact(String),
    /// Several, as written.
    Range(String),
    /// Every version there is or will be.
    Any,
    /// Whatever lies at a place.
    Place(Origin),
    /// What another file says.
    Elsewhere,
}

/// The manifests that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ManifestFormat {
    Cargo,
    PackageJson,
    Pyproject,
    Pipfile,
    Requirements,
    GoMod,
    Pom,
}

impl ManifestFormat {
    pub(super) fn from_path(path: &Path) -> Option<Self> {
        Some(match path.file_name()?.to_str()? {
            "Cargo.toml" => Self::Cargo,
            "package.json" => Self::PackageJson,
            "pyproject.toml" => Self::Pyproject,
            "Pipfile" => Self::Pipfile,
            "go.mod" => Self::GoMod,
            "pom.xml" => Self::Pom,
            _ if requirements::is_requirements(path) => Self::Requirements,
            _ => return None,
        })
    }

    pub(super) fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Cargo => Ecosystem::Cargo,
            Self::PackageJson => Ecosystem::Npm,
            Self::Pyproject | Self::Pipfile | Self::Requirements => Ecosystem::PyPi,
            Self::GoMod => Ecosystem::Go,
            Self::Pom => Ecosystem::Maven,
        }
    }

    /// Reads a manifest; what is not of its format names nothing, and is for the tool that owns it to complain about.
    pub(super) fn parse(self, text: &str) -> Vec<Declared> {
        match self {
            Self::Cargo => cargo::parse(text),
            Self::PackageJson => package_json::parse(text),
            Self::Pyproject => pyproject::parse(text),
            Self::Pipfile => pyproject::pipfile(text),
            Self::Requirements => requirement_lines(text),
            Self::GoMod => locked(LockFormat::GoMod, text),
            Self::Pom => locked(LockFormat::Pom, text),
        }
    }
}

impl Declared {
    fn new(ecosystem: Ecosystem, name: &str, wish: Wish) -> Self {
        Self { ecosystem, name: ecosystem.normalized(name), wish }
    }

    /// Returns the line of a manifest that names the package.
    pub(super) fn line(&self, text: &str) -> Option<usize> {
        let version = match &self.wish {
            Wish::Exact(version) | Wish::Range(version) => version.as_str(),
            Wish::Any | Wish::Place(_) | Wish::Elsewhere => "",
        };
        let artifact = self.name.rsplit(':').next().unwrap_or(&self.name);
        line_naming(text, artifact, version)
    }
}

/// Returns how tightly a Python specifier holds a package.
fn python_wish(specifier: &str) -> Wish {
    match requirements::exact(specifier) {
        Some(version) => Wish::Exact(version),
        None if specifier.trim().is_empty() || specifier.trim() == "*" => Wish::Any,
        None => Wish::Range(specifier.trim().to_owned()),
    }
}

/// Reads a requirement as PEP 508 writes it.
fn python_requirement(text: &str) -> Option<Declared> {
    let line = requirements::lines(text).into_iter().next()?;
    let wish = line.place.map_or_else(|| python_wish(&line.specifier), Wish::Place);
    Some(Declared::new(Ecosystem::PyPi, &line.name, wish))
}

fn requirement_lines(text: &str) -> Vec<Declared> {
    let declared = requirements::lines(text).into_iter().filter(|line| !line.name.is_empty()).map(|line| {
        let wish = line.place.map_or_else(|| python_wish(&line.specifier), Wish::Place);
        Declared::new(Ecosystem::PyPi, &line.name, wish)
    });
    declared.collect()
}

/// Reads a manifest whose versions are exact already.
fn locked(format: LockFormat, text: &str) -> Vec<Declared> {
    let packages = format.parse(text).unwrap_or_default();
    let declared = |it: super::Package| match it.origin {
        Origin::Registry(_) => Declared { ecosystem: it.ecosystem, name: it.name, wish: Wish::Exact(it.version) },
        origin => Declared { ecosystem: it.ecosystem, name: it.name, wish: Wish::Place(origin) },
    };
    packages.into_iter().map(declared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: ManifestFormat, text: &str) -> Vec<String> {
        format.parse(text).into_iter().map(|it| format!("{} {:?}", it.name, it.wish)).collect()
    }

    #[test]
    fn a_cargo_manifest_names_packages_in_each_of_its_tables() {
        let text = r#"
            [dependencies]
            a = "1.2"
            b = { version = "=2.0.1", package = "real-b" }
            c = { git = "https://git.example/c" }
            d = { path = "../d" }
            e = { workspace = true }
            f = "*"
            [target.'cfg(unix)'.dev-dependencies]
            g = ">=1, <3"
            [workspace.dependencies]
            h = { version = "3" }
        "#;
        let expected = [
            r#"a Range("1.2")"#,
            r#"real-b Exact("2.0.1")"#,
            r#"c Place(Git("https://git.example/c"))"#,
            r#"d Place(Path("../d"))"#,
            "e Elsewhere",
            "f Any",
            r#"g Range(">=1, <3")"#,
            r#"h Range("3")"#,
        ];
        let mut found = read(ManifestFormat::Cargo, text);
        found.sort();
        let mut expected = expected.map(str::to_owned);
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_package_json_names_ranges_tags_places_and_aliases() {
        let text = r#"{"dependencies": {"a": "^1.2.0", "b": "2.0.1", "c": "latest", "d": "workspace:*", "e": "npm:real@~3.1",
            "f": "git+https://git.example/f.git", "g": "user/repo", "h": "file:../h", "i": ""}}"#;
        let expected = [
            r#"a Range("^1.2.0")"#,
            r#"b Exact("2.0.1")"#,
            "c Any",
            r#"d Place(Path("*"))"#,
            r#"real Range("~3.1")"#,
            r#"f Place(Git("git+https://git.example/f.git"))"#,
            r#"g Place(Git("user/repo"))"#,
            r#"h Place(Path("../h"))"#,
            "i Any",
        ];
        assert_eq!(read(ManifestFormat::PackageJson, text), expected);
    }

    #[test]
    fn a_pyproject_names_packages_in_the_tables_of_every_tool() {
        let text = r#"
            [project]
            dependencies = ["Flask>=2", "six==1.16.0", "x @ git+https://git.example/x", "y[extra] ; python_version < '3.9'"]
            [project.optional-dependencies]
            dev = ["pytest~=8.0"]
            [dependency-groups]
            lint = ["ruff", { include-group = "dev" }]
            [tool.poetry.dependencies]
            python = "^3.11"
            requests = "^2.31"
            numpy = { version = "1.26.4" }
            z = { git = "https://git.example/z" }
            [tool.poetry.group.test.dependencies]
            tox = "*"
        "#;
        let expected = [
            r#"flask Range(">=2")"#,
            r#"six Exact("1.16.0")"#,
            r#"x Place(Git("git+https://git.example/x"))"#,
            "y Any",
            r#"pytest Range("~=8.0")"#,
            "ruff Any",
            r#"requests Range("^2.31")"#,
            r#"numpy Exact("1.26.4")"#,
            r#"z Place(Git("https://git.example/z"))"#,
            "tox Any",
        ];
        let mut found = read(ManifestFormat::Pyproject, text);
        found.sort();
        let mut expected = expected.map(str::to_owned);
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn requirements_are_read_with_hashes_markers_options_and_continued_lines() {
        let text = "-r other.txt\n# note\nDjango==4.2.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nflask>=2 ; python_version > '3'\n\
                    six  # any\n-e git+https://git.example/p#egg=proj\nhttps://files.example/q-1.0.whl\n";
        let expected = [
            r#"django Exact("4.2.1")"#,
            r#"flask Range(">=2")"#,
            "six Any",
            r#"proj Place(Git("git+https://git.example/p#egg=proj"))"#,
        ];
        assert_eq!(read(ManifestFormat::Requirements, text), expected);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_names_nothing() {
        for format in
            [ManifestFormat::Cargo, ManifestFormat::PackageJson, ManifestFormat::Pyproject, ManifestFormat::Pom]
        {
            assert!(format.parse("{{{[[").is_empty(), "{format:?}");
        }
    }
}
