//! The packages that a repository says it needs: manifests, which ask for packages, and lock files, which have found them.

mod go;
mod java;
mod node;
mod python;
mod rust;

pub(crate) use python::requirement;

use std::path::{Path, PathBuf};

use super::Ecosystem;
use crate::change::Tree;

/// One package that a manifest or a lock file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its ecosystem.
    pub ecosystem: Ecosystem,
    /// Its name, as [`Ecosystem::normal`] spells it. A prefix of package names for Maven.
    pub name: String,
    /// The line that names it, counted from 1.
    pub line: usize,
    /// Whether the package client wrote this, who has found the package.
    pub is_locked: bool,
    /// Whether the package comes from a registry; not from a folder, an address or the workspace.
    pub is_registered: bool,
}

/// The packages that one file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file, relative to the repository.
    pub path: PathBuf,
    /// What it names.
    pub declarations: Vec<Declaration>,
    /// The name of the package that it describes, where it describes one.
    pub own_name: Option<String>,
}

/// Returns what a file names, if its name is that of a manifest or a lock file that we read. A broken one names nothing.
pub fn parse(path: &Path, text: &str) -> Option<Manifest> {
    const MAX_BYTES: usize = 20_000_000;
    let name = path.file_name()?.to_str()?;
    if text.len() > MAX_BYTES {
        return None;
    }
    let found = match name {
        "pyproject.toml" => python::pyproject(text),
        "setup.cfg" => python::setup_cfg(text),
        "setup.py" => python::setup_py(text),
        "Pipfile" => python::pipfile(text),
        "Pipfile.lock" => python::pipfile_lock(text),
        "poetry.lock" | "uv.lock" | "pdm.lock" => python::toml_lock(text),
        "environment.yml" | "environment.yaml" | "conda.yml" | "conda.yaml" => python::conda(text),
        "package.json" => node::package_json(text),
        "package-lock.json" | "npm-shrinkwrap.json" => node::package_lock(text),
        "yarn.lock" => node::yarn_lock(text),
        "pnpm-lock.yaml" => node::pnpm_lock(text),
        "Cargo.toml" => rust::cargo_toml(text),
        "Cargo.lock" => rust::cargo_lock(text),
        "go.mod" => go::go_mod(text),
        "go.sum" => go::go_sum(text),
        "pom.xml" => java::pom(text),
        "build.gradle" | "build.gradle.kts" => java::gradle(text),
        "libs.versions.toml" | "gradle.lockfile" => java::gradle(text),
        _ if is_requirements(path, name) => python::requirements(text),
        _ => return None,
    };
    Some(Manifest { path: path.to_owned(), declarations: found.0, own_name: found.1 })
}

/// Returns whether the name is that of a manifest or lock file that we read.
pub fn is_manifest(path: &Path) -> bool {
    parse(path, "").is_some()
}

fn is_requirements(path: &Path, name: &str) -> bool {
    let in_folder = path.parent().is_some_and(|it| it.ends_with("requirements"));
    let is_list = name.ends_with(".txt") || name.ends_with(".in");
    is_list && (in_folder || name.contains("requirements") || name.starts_with("constraints"))
}

/// Reads every manifest and lock file of a tree.
pub fn read_all(tree: &dyn Tree) -> Vec<Manifest> {
    const MAX_MANIFESTS: usize = 5_000;
    let candidates = tree.paths().iter().filter(|it| is_manifest(it)).take(MAX_MANIFESTS);
    candidates.filter_map(|path| parse(path, &tree.read(path)?)).collect()
}

type Found = (Vec<Declaration>, Option<String>);

/// Collects declarations of one text; lines are found by the name they hold.
struct Collector<'t> {
    ecosystem: Ecosystem,
    text: &'t str,
    is_locked: bool,
    found: Vec<Declaration>,
}

impl<'t> Collector<'t> {
    fn new(ecosystem: Ecosystem, text: &'t str) -> Self {
        Self { ecosystem, text, is_locked: false, found: Vec::new() }
    }

    fn locked(ecosystem: Ecosystem, text: &'t str) -> Self {
        Self { is_locked: true, ..Self::new(ecosystem, text) }
    }

    fn add_at(&mut self, name: &str, line: usize, is_registered: bool) {
        let name = self.ecosystem.normal(name);
        if !name.is_empty() {
            let (ecosystem, is_locked) = (self.ecosystem, self.is_locked);
            self.found.push(Declaration { ecosystem, name, line, is_locked, is_registered });
        }
    }

    /// Adds a name whose line is looked up; in a lock file nobody asks for the line.
    fn add(&mut self, name: &str, is_registered: bool) {
        let line = if self.is_locked { 1 } else { self.line_of(name) };
        self.add_at(name, line, is_registered);
    }

    fn line_of(&self, name: &str) -> usize {
        let holds = |line: &str| {
            line.match_indices(name).any(|(at, _)| {
                let is_part = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '/');
                !line[..at].ends_with(is_part) && !line[at + name.len()..].starts_with(is_part)
            })
        };
        self.text.lines().position(holds).map_or(1, |at| at + 1)
    }

    fn done(self) -> Found {
        (self.found, None)
    }

    fn done_as(self, own_name: Option<String>) -> Found {
        let own = own_name.map(|it| self.ecosystem.normal(&it));
        (self.found, own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        let manifest = parse(Path::new(path), text).unwrap();
        manifest.declarations.into_iter().map(|it| it.name).collect()
    }

    #[test]
    fn requirements_are_read_with_extras_markers_and_options() {
        let text = "# c\nFlask[async]>=2 ; python_version > '3'\n-r other.txt\n--hash=sha256:0\nruamel.yaml==1 # why\n\
                    git+https://x/y.git#egg=own_thing\nname @ https://x/z.whl\n";
        assert_eq!(names("requirements-dev.txt", text), ["flask", "ruamel-yaml", "own-thing", "name"]);
    }

    #[test]
    fn pyproject_is_read_in_all_its_dialects() {
        let text = "[project]\nname = 'Own'\ndependencies = ['a>=1']\n[project.optional-dependencies]\nx = ['b']\n\
                    [dependency-groups]\ndev = ['c', {include-group = 'x'}]\n[tool.poetry.dependencies]\npython = '^3'\nd = '*'\n\
                    [tool.poetry.group.t.dependencies]\ne = {path = '../e'}\n[tool.uv]\ndev-dependencies = ['f']\n\
                    [build-system]\nrequires = ['hatchling']\n";
        let manifest = parse(Path::new("pyproject.toml"), text).unwrap();
        let names: Vec<_> = manifest.declarations.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e", "f", "hatchling"]);
        assert_eq!(manifest.own_name.as_deref(), Some("own"));
        assert!(!manifest.declarations[4].is_registered);
        assert_eq!(manifest.declarations[0].line, 3);
    }

    #[test]
    fn older_manifests_of_python_are_read() {
        assert_eq!(
            names("setup.py", "setup(name='x', install_requires=['a>1', \"b\"], extras_require={'t': ['c']})"),
            ["a", "b", "c"]
        );
        assert_eq!(
            names("setup.cfg", "[options]\ninstall_requires =\n    a\n    b>1\n[options.extras_require]\nt =\n    c\n"),
            ["a", "b", "c"]
        );
        assert_eq!(names("Pipfile", "[packages]\na = '*'\n[dev-packages]\nb = '*'\n"), ["a", "b"]);
        assert_eq!(names("uv.lock", "[[package]]\nname = 'a'\n[[package]]\nname = 'b'\n"), ["a", "b"]);
    }

    #[test]
    fn package_json_and_its_locks_are_read() {
        let text = "{\"name\":\"own\",\"dependencies\":{\"a\":\"^1\",\"w\":\"workspace:*\"},\"devDependencies\":{\"@s/b\":\"1\"}}";
        assert_eq!(names("package.json", text), ["a", "w", "@s/b"]);
        let lock = "{\"packages\":{\"\":{},\"node_modules/a\":{},\"node_modules/a/node_modules/@s/b\":{}}}";
        assert_eq!(names("package-lock.json", lock), ["a", "@s/b"]);
        assert_eq!(names("yarn.lock", "\"@s/b@^1\":\n  version \"1\"\na@^1, a@^2:\n  version \"2\"\n"), ["@s/b", "a"]);
        assert_eq!(names("pnpm-lock.yaml", "packages:\n\n  '@s/b@1.0.0':\n    x: 1\n  /a@2.0.0:\n"), ["@s/b", "a"]);
    }

    #[test]
    fn cargo_go_and_java_manifests_are_read() {
        let cargo = "[package]\nname = 'own'\n[dependencies]\nserde_json = '1'\nold = { package = 'new', version = '1' }\nw = { workspace = true }\n\
                     [target.'cfg(unix)'.dependencies]\nnix = '1'\n[dev-dependencies]\np = { path = '../p' }\n";
        assert_eq!(names("Cargo.toml", cargo), ["old", "serde-json", "w", "p", "nix"]);
        let go = "module m\nrequire a.b/c v1\nrequire (\n\td.e/f v2 // indirect\n)\nreplace a.b/c => ../c\n";
        assert_eq!(names("go.mod", go), ["a.b/c", "d.e/f"]);
        let pom = "<project><dependencies><dependency><groupId>org.a</groupId><artifactId>x</artifactId></dependency></dependencies></project>";
        assert_eq!(names("pom.xml", pom), ["org.a:x"]);
        assert_eq!(names("build.gradle", "dependencies {\n  implementation 'org.a:x:1'\n}\n"), ["org.a:x"]);
    }

    #[test]
    fn a_broken_manifest_names_nothing() {
        for path in ["pyproject.toml", "package.json", "Cargo.toml", "go.mod", "pom.xml", "uv.lock", "pnpm-lock.yaml"] {
            assert_eq!(names(path, "{[(<"), Vec::<String>::new(), "{path}");
        }
    }
}
