//! The modules and packages that the repository itself brings.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Ecosystem;
use super::manifests::Manifest;
use crate::change::Tree;

/// What of a repository can be imported.
#[derive(Debug, Clone, Default)]
pub struct FirstParty {
    /// Names of Python folders and modules, wherever they lie: which folder is on the path is decided at run time.
    python: HashSet<String>,
    /// Names of packages, by ecosystem.
    packages: HashSet<(Ecosystem, String)>,
    /// Beginnings of module names that a configuration maps to files.
    aliases: Vec<String>,
    /// Java packages.
    java: HashSet<String>,
}

impl FirstParty {
    /// Reads what a tree brings.
    pub fn of(tree: &dyn Tree, manifests: &[Manifest]) -> Self {
        let mut own = Self::default();
        for manifest in manifests {
            own.packages.extend(manifest.own_name.iter().filter_map(|name| {
                let ecosystem = ecosystem_of(&manifest.path)?;
                Some((ecosystem, name.clone()))
            }));
        }
        for path in tree.paths() {
            own.add_path(tree, path);
        }
        own
    }

    fn add_path(&mut self, tree: &dyn Tree, path: &Path) {
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        match extension {
            "py" | "pyi" | "so" | "pyx" | "pyd" | "ipynb" => {
                let stem = name.split('.').next().unwrap_or(name);
                self.python.insert(stem.to_owned());
                let folders = path.parent().into_iter().flat_map(Path::components);
                self.python.extend(folders.filter_map(|it| it.as_os_str().to_str()).map(str::to_owned));
            }
            // A generated module has the name of what it is generated from.
            "proto" => {
                let stem = name.trim_end_matches(".proto");
                self.python.extend([format!("{stem}_pb2"), format!("{stem}_pb2_grpc")]);
            }
            "java" | "kt" => {
                let folders: Vec<_> = path
                    .parent()
                    .into_iter()
                    .flat_map(Path::components)
                    .filter_map(|it| it.as_os_str().to_str())
                    .collect();
                // The package is the end of the path; where it starts is not known, so that every end counts.
                for start in 0..folders.len() {
                    self.java.insert(folders[start..].join("."));
                }
            }
            _ => {}
        }
        let is_mapping = name.starts_with("tsconfig") || name.starts_with("jsconfig");
        let is_bundler = [
            "vite.config",
            "webpack.config",
            "babel.config",
            "next.config",
            "jest.config",
            "vitest.config",
            "deno.json",
            "import_map",
        ];
        if is_mapping && extension == "json" {
            self.aliases.extend(tree.read(path).map(|it| path_mappings(&it)).unwrap_or_default());
        } else if is_bundler.iter().any(|it| name.starts_with(it)) || name == "package.json" {
            self.aliases.extend(tree.read(path).map(|it| bundler_aliases(&it)).unwrap_or_default());
        }
    }

    /// Returns whether the repository has the module or package that an import names.
    pub fn has(&self, ecosystem: Ecosystem, module: &str) -> bool {
        match ecosystem {
            Ecosystem::PyPi => self.python.contains(module.split('.').next().unwrap_or(module)),
            Ecosystem::Npm => {
                let is_alias = |alias: &String| {
                    alias
                        .strip_suffix('*')
                        .map_or(alias == module || module.starts_with(&format!("{alias}/")), |start| {
                            module.starts_with(start)
                        })
                };
                self.has_package(ecosystem, &package_of(ecosystem, module)) || self.aliases.iter().any(is_alias)
            }
            Ecosystem::Crates => self.has_package(ecosystem, &package_of(ecosystem, module)),
            Ecosystem::Go => {
                let mut modules = self.packages.iter().filter(|it| it.0 == ecosystem);
                modules.any(|(_, own)| {
                    module.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            }
            Ecosystem::Maven => {
                let prefixes = module.match_indices('.').map(|(at, _)| &module[..at]);
                // A package of one word would match any folder.
                prefixes.filter(|it| it.contains('.')).any(|it| self.java.contains(it))
            }
        }
    }

    fn has_package(&self, ecosystem: Ecosystem, name: &str) -> bool {
        self.packages.contains(&(ecosystem, name.to_owned()))
    }
}

fn ecosystem_of(manifest: &Path) -> Option<Ecosystem> {
    match manifest.file_name()?.to_str()? {
        "pyproject.toml" => Some(Ecosystem::PyPi),
        "package.json" => Some(Ecosystem::Npm),
        "Cargo.toml" => Some(Ecosystem::Crates),
        "go.mod" => Some(Ecosystem::Go),
        _ => None,
    }
}

/// Returns the package that a module belongs to, in the spelling of its ecosystem. For Python, the top-level module.
pub fn package_of(ecosystem: Ecosystem, module: &str) -> String {
    match ecosystem {
        Ecosystem::PyPi => module.split('.').next().unwrap_or(module).to_owned(),
        Ecosystem::Npm => {
            let parts = if module.starts_with('@') { 2 } else { 1 };
            module.split('/').take(parts).collect::<Vec<_>>().join("/")
        }
        Ecosystem::Crates => ecosystem.normal(module.split("::").next().unwrap_or(module)),
        Ecosystem::Go => {
            let parts = if ["github.com/", "gitlab.com/", "bitbucket.org/"].iter().any(|it| module.starts_with(it)) {
                3
            } else {
                2
            };
            module.split('/').take(parts).collect::<Vec<_>>().join("/")
        }
        Ecosystem::Maven => {
            let is_package = |it: &&str| it.starts_with(|first: char| first.is_ascii_lowercase());
            module.split('.').take_while(is_package).collect::<Vec<_>>().join(".")
        }
    }
}

/// Returns the beginnings that a `tsconfig.json` maps, and the folders below its `baseUrl`, without reading comments as JSON.
fn path_mappings(text: &str) -> Vec<String> {
    let json = without_comments(text);
    let root: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
    let paths = root.pointer("/compilerOptions/paths").and_then(serde_json::Value::as_object);
    paths.into_iter().flatten().map(|(name, _)| name.clone()).filter(|it| it != "*").collect()
}

/// Removes comments and trailing commas, which `tsconfig.json` may have.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_string = false;
    while let Some(letter) = rest.next() {
        match (in_string, letter, rest.peek()) {
            (true, '\\', _) => {
                plain.push(letter);
                plain.extend(rest.next());
                continue;
            }
            (_, '"', _) => in_string = !in_string,
            (false, '/', Some('/')) => {
                while rest.peek().is_some_and(|it| *it != '\n') {
                    rest.next();
                }
                continue;
            }
            (false, '/', Some('*')) => {
                let mut last = ' ';
                rest.next();
                for letter in rest.by_ref() {
                    if last == '*' && letter == '/' {
                        break;
                    }
                    last = letter;
                }
                continue;
            }
            (false, '}' | ']', _) => {
                let kept = plain.trim_end().trim_end_matches(',').len();
                plain.truncate(kept);
            }
            _ => {}
        }
        plain.push(letter);
    }
    plain
}

/// Returns the names before a colon in the `alias` or `moduleNameMapper` of a bundler's configuration.
fn bundler_aliases(text: &str) -> Vec<String> {
    const MAX_SECTION: usize = 3_000;
    let mut found = Vec::new();
    for word in ["alias", "moduleNameMapper", "\"imports\""] {
        for (at, _) in text.match_indices(word).take(10) {
            let end = (at + MAX_SECTION).min(text.len());
            let section = text.get(at + word.len()..end).unwrap_or_default();
            let section = section.split_once('}').map_or(section, |it| it.0);
            let keys = section.split(['{', ',', '\n']).filter_map(|entry| {
                let key = entry.split_once(':')?.0.trim().trim_matches(['"', '\'', '^', '$']);
                let key = key.split(['(', '$', '\\']).next().unwrap_or(key).trim_end_matches('/');
                (!key.is_empty() && !key.contains(' ')).then(|| key.to_owned())
            });
            found.extend(keys);
            let finds = section
                .split("find:")
                .skip(1)
                .filter_map(|it| it.trim().trim_start_matches(['"', '\'']).split(['"', '\'']).next());
            found.extend(finds.map(str::to_owned));
        }
    }
    found
}

/// Returns the folders from that of `path` up to the root, the nearest first.
pub fn folders_up(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    path.ancestors().skip(1).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::MemoryTree;
    use crate::existence::manifests;

    fn own(files: &[(&str, &str)]) -> FirstParty {
        let tree: MemoryTree = files.iter().map(|(path, text)| (*path, *text)).collect();
        FirstParty::of(&tree, &manifests::read_all(&tree))
    }

    #[test]
    fn python_modules_of_any_layout_are_the_repositorys_own() {
        let own = own(&[("src/pack/a.py", ""), ("name/space/b.py", ""), ("api/x.proto", "")]);
        for module in ["pack.a", "a", "name.space.b", "space", "x_pb2"] {
            assert!(own.has(Ecosystem::PyPi, module), "{module}");
        }
        assert!(!own.has(Ecosystem::PyPi, "other"));
    }

    #[test]
    fn workspaces_and_path_mappings_are_the_repositorys_own() {
        let own = own(&[
            ("p/a/package.json", "{\"name\": \"@me/a\"}"),
            (
                "tsconfig.json",
                "{ // why\n \"compilerOptions\": {\"paths\": {\"@app/*\": [\"src/*\"], \"env\": [\"x\"],}}}",
            ),
            ("vite.config.ts", "export default { resolve: { alias: { 'store': '/src/store' } } }"),
        ]);
        for module in ["@me/a/b", "@app/x", "env", "store/users"] {
            assert!(own.has(Ecosystem::Npm, module), "{module}");
        }
        assert!(!own.has(Ecosystem::Npm, "@me/b") && !own.has(Ecosystem::Npm, "envy"));
    }

    #[test]
    fn crates_modules_and_packages_of_the_repository_are_its_own() {
        let own = own(&[
            ("crates/a/Cargo.toml", "[package]\nname = 'my-lib'\n"),
            ("go.mod", "module example.org/m\n"),
            ("src/main/java/org/me/app/A.java", ""),
        ]);
        assert!(own.has(Ecosystem::Crates, "my_lib::x"));
        assert!(own.has(Ecosystem::Go, "example.org/m/sub") && !own.has(Ecosystem::Go, "example.org/mm"));
        assert!(own.has(Ecosystem::Maven, "org.me.app.A") && !own.has(Ecosystem::Maven, "org.other.B"));
    }
}
