//! The packages that are installed, read from the folders in which package clients put them. Nothing is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Ecosystem;

/// Folders with more entries are not read to the end.
const MAX_ENTRIES: usize = 20_000;

/// Longest list of a package manager that is read.
const MAX_LIST_BYTES: u64 = 8 << 20;

/// Packages found on this machine for one repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Versions of packages by ecosystem and name, as [`Ecosystem::normal`] spells it.
    pub packages: BTreeMap<(Ecosystem, String), String>,
    /// The Python modules that they bring, with the distribution.
    pub python_modules: BTreeMap<String, String>,
    /// The minor version of Python 3 that the environment is for.
    pub python_minor: Option<u32>,
    /// The folders that were read.
    pub folders: Vec<PathBuf>,
}

impl Installed {
    /// Reads the environments found directly in `roots` (a repository and its packages) and the folders in `more`: a
    /// `site-packages`, a `node_modules`, or sources as cargo or Go unpack them.
    pub fn read(roots: &[PathBuf], more: &[PathBuf]) -> Self {
        let mut found = Self::default();
        let mut folders: BTreeSet<PathBuf> = more.iter().cloned().collect();
        for root in roots {
            folders.extend(environments(root));
        }
        folders.into_iter().for_each(|folder| found.add(folder));
        found
    }

    /// Returns the version of a package that is installed.
    pub fn version(&self, ecosystem: Ecosystem, name: &str) -> Option<&str> {
        self.packages.get(&(ecosystem, ecosystem.normal(name))).map(String::as_str)
    }

    /// Returns whether something installed brings a module; `package` is what [`super::first_party::package_of`] returns.
    pub fn has(&self, ecosystem: Ecosystem, package: &str) -> bool {
        match ecosystem {
            Ecosystem::PyPi => self.python_modules.contains_key(package),
            Ecosystem::Go => {
                let below = |name: &str| {
                    package.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                self.packages.keys().any(|(of, name)| *of == ecosystem && below(name))
            }
            Ecosystem::Npm | Ecosystem::Crates | Ecosystem::Maven => self.version(ecosystem, package).is_some(),
        }
    }

    fn add(&mut self, folder: PathBuf) {
        let name = folder.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        if name == "node_modules" {
            self.add_node(&folder);
        } else if folder.join("modules.txt").is_file() {
            self.add_go_vendor(&folder);
        } else if name.ends_with("-packages") || entries(&folder).iter().any(|it| it.ends_with(".dist-info")) {
            self.add_python(&folder);
        } else {
            self.add_unpacked(&folder);
        }
        self.folders.push(folder);
    }

    fn add_python(&mut self, folder: &Path) {
        let minor = folder
            .components()
            .filter_map(|it| it.as_os_str().to_str())
            .find_map(|it| it.strip_prefix("python3.")?.parse().ok());
        self.python_minor = self.python_minor.or(minor);
        for name in entries(folder) {
            if let Some(stem) = name.strip_suffix(".dist-info").or_else(|| name.strip_suffix(".egg-info")) {
                let (dist, version) = stem.split_once('-').unwrap_or((stem, ""));
                let dist = Ecosystem::PyPi.normal(dist);
                for module in modules_of(&folder.join(&name)) {
                    self.python_modules.insert(module, dist.clone());
                }
                self.packages.insert((Ecosystem::PyPi, dist), version.to_owned());
            } else if let Some(module) = importable(&name) {
                self.python_modules.entry(module.to_owned()).or_default();
            }
        }
    }

    fn add_node(&mut self, folder: &Path) {
        let mut names = entries(folder);
        let scopes: Vec<_> = names.iter().filter(|it| it.starts_with('@')).cloned().collect();
        for scope in scopes {
            names.extend(entries(&folder.join(&scope)).into_iter().map(|it| format!("{scope}/{it}")));
        }
        for name in names.into_iter().filter(|it| !it.starts_with('.')) {
            let Some(manifest) = text_of(&folder.join(&name).join("package.json")) else { continue };
            let root: serde_json::Value = serde_json::from_str(&manifest).unwrap_or_default();
            let version = root.get("version").and_then(serde_json::Value::as_str).unwrap_or_default();
            self.packages.insert((Ecosystem::Npm, name), version.to_owned());
        }
    }

    fn add_go_vendor(&mut self, folder: &Path) {
        let list = text_of(&folder.join("modules.txt")).unwrap_or_default();
        for line in list.lines().filter_map(|it| it.strip_prefix("# ")) {
            let mut words = line.split_whitespace();
            if let (Some(name), Some(version)) = (words.next(), words.next()) {
                self.packages.insert((Ecosystem::Go, name.to_owned()), version.to_owned());
            }
        }
    }

    /// Reads folders named `crate-1.2.3`.
    fn add_unpacked(&mut self, folder: &Path) {
        for name in entries(folder) {
            let cut =
                name.match_indices('-').find(|(at, _)| name[at + 1..].starts_with(|it: char| it.is_ascii_digit()));
            if let Some((at, _)) = cut {
                let key = (Ecosystem::Crates, Ecosystem::Crates.normal(&name[..at]));
                self.packages.insert(key, name[at + 1..].to_owned());
            }
        }
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().take(MAX_ENTRIES).flatten();
    let mut names: Vec<String> = listed.filter_map(|it| it.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Returns the folders with installed packages that a repository's folder holds.
fn environments(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for name in entries(root) {
        let folder = root.join(&name);
        // A link could lead anywhere, and what a repository links to says nothing about what is installed.
        if !folder.symlink_metadata().is_ok_and(|it| it.is_dir()) {
            continue;
        }
        let is_vendor = name == "vendor" && folder.join("modules.txt").is_file();
        if name == "node_modules" || is_vendor {
            found.push(folder);
        } else if folder.join("pyvenv.cfg").is_file() {
            let lib = folder.join("lib");
            found.extend(
                entries(&lib).into_iter().map(|it| lib.join(it).join("site-packages")).filter(|it| it.is_dir()),
            );
        }
    }
    found
}

fn importable(name: &str) -> Option<&str> {
    let stem = name.split('.').next().filter(|it| !it.is_empty() && !it.starts_with("__"))?;
    let is_module = !name.contains('.') || [".py", ".so", ".pyd"].iter().any(|it| name.ends_with(it));
    let is_word = stem.chars().all(|it| it.is_alphanumeric() || it == '_');
    (is_module && is_word).then_some(stem)
}

/// Reads a list that a package manager wrote; a repository may have put something else there.
fn text_of(path: &Path) -> Option<String> {
    String::from_utf8(wright_repo::read_regular(path, MAX_LIST_BYTES)?).ok()
}

/// Returns the top-level modules that a distribution brings: by its own list, or by the files that it put down.
fn modules_of(info: &Path) -> BTreeSet<String> {
    if let Some(list) = text_of(&info.join("top_level.txt")) {
        return list
            .lines()
            .map(|it| it.trim().split('/').next().unwrap_or_default().to_owned())
            .filter(|it| !it.is_empty())
            .collect();
    }
    let record = text_of(&info.join("RECORD")).unwrap_or_default();
    let tops = record.lines().filter_map(|line| {
        let path = line.split(',').next()?;
        let first = path.split('/').next()?;
        let is_code = path.ends_with(".py") || path.ends_with(".so") || path.ends_with(".pyi");
        importable(first).filter(|_| is_code && !first.ends_with("-info")).map(str::to_owned)
    });
    tops.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn environments_beneath_a_repository_are_read() {
        let root = tempfile::tempdir().unwrap();
        let site = ".venv/lib/python3.12/site-packages";
        write(root.path(), ".venv/pyvenv.cfg", "");
        write(root.path(), &format!("{site}/PyYAML-6.0.dist-info/top_level.txt"), "_yaml\nyaml\n");
        write(root.path(), &format!("{site}/Own_Thing-1.dist-info/RECORD"), "own/a.py,,\nown-1.dist-info/METADATA,,\n");
        write(root.path(), "node_modules/@s/a/package.json", "{\"version\": \"2.0.0\"}");
        write(root.path(), "vendor/modules.txt", "# github.com/a/b v1.2.3\n## explicit\n");
        let found = Installed::read(&[root.path().to_owned()], &[]);
        assert_eq!(found.python_minor, Some(12));
        assert!(
            found.has(Ecosystem::PyPi, "yaml")
                && found.has(Ecosystem::PyPi, "own")
                && !found.has(Ecosystem::PyPi, "pyyaml")
        );
        assert_eq!(found.version(Ecosystem::PyPi, "pyyaml"), Some("6.0"));
        assert_eq!(found.version(Ecosystem::Npm, "@s/a"), Some("2.0.0"));
        assert!(found.has(Ecosystem::Go, "github.com/a/b/c") && !found.has(Ecosystem::Go, "github.com/a/bc"));
    }

    #[test]
    fn sources_as_cargo_unpacks_them_are_read() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "serde_json-1.0.1/Cargo.toml", "");
        let found = Installed::read(&[], &[root.path().to_owned()]);
        assert_eq!(found.version(Ecosystem::Crates, "serde-json"), Some("1.0.1"));
    }
}
