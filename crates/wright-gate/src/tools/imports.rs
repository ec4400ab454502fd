//! Which files of a repository a file imports, by reading its import lines.
//!
//! Where a name could mean several files, it means all of them: this answers what a change can reach, and missing a file is
//! worse than naming one too many.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use super::output::regex;
use crate::change::Tree;

/// Longer texts are taken to import everything.
pub(super) const MAX_READ_BYTES: usize = 2_000_000;

/// More names than one file imports.
const MAX_IMPORTS: usize = 5_000;

/// The files of a repository, found by the end of their path.
pub(super) struct FileIndex<'t> {
    by_name: HashMap<&'t str, Vec<&'t Path>>,
}

impl<'t> FileIndex<'t> {
    pub(super) fn new(paths: impl IntoIterator<Item = &'t Path>) -> Self {
        let mut by_name: HashMap<&str, Vec<&Path>> = HashMap::new();
        for path in paths {
            if let Some(name) = path.file_name().and_then(|it| it.to_str()) {
                by_name.entry(name).or_default().push(path);
            }
        }
        Self { by_name }
    }

    /// Returns the files whose path ends like this.
    fn ending(&self, end: &Path) -> impl Iterator<Item = &'t Path> {
        let named = end.file_name().and_then(|it| it.to_str()).and_then(|name| self.by_name.get(name));
        let end = end.to_owned();
        named.into_iter().flatten().copied().filter(move |path| path.ends_with(&end))
    }

    fn exact(&self, path: &Path) -> Option<&'t Path> {
        self.ending(path).find(|it| *it == path)
    }
}

/// Returns the files that a Python file imports.
pub(super) fn python(path: &Path, text: &str, index: &FileIndex<'_>) -> BTreeSet<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = BTreeSet::new();
    for import in regex!(r"(?m)^[ \t]*import[ \t]+([^\n#;]+)").captures_iter(text).take(MAX_IMPORTS) {
        for module in import[1].split(',').filter_map(|it| it.split_whitespace().next()) {
            python_module(module, index, &mut found);
        }
    }
    let from = regex!(r"(?m)^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|([^\n#;]+))");
    for import in from.captures_iter(text).take(MAX_IMPORTS) {
        let (dots, module) = (import[1].len(), &import[2]);
        let names = import.get(3).or(import.get(4)).map_or("", |it| it.as_str());
        let names: Vec<&str> =
            names.split(',').filter_map(|it| it.split_whitespace().next()).filter(|it| *it != "#").collect();
        if dots == 0 {
            python_module(module, index, &mut found);
            names.iter().for_each(|name| python_module(&format!("{module}.{name}"), index, &mut found));
        } else if let Some(base) = folder.ancestors().nth(dots - 1) {
            let base = base.join(module.replace('.', "/"));
            let inner = names.iter().map(|name| base.join(name));
            for place in [base.clone()].into_iter().chain(inner) {
                found.extend(python_files(&place).into_iter().filter_map(|it| index.exact(&it)).map(Path::to_owned));
            }
        }
    }
    found
}

fn python_files(place: &Path) -> Vec<PathBuf> {
    let mut files = vec![place.join("__init__.py")];
    files.extend(
        ["py", "pyi"].map(|ending| place.with_extension(ending)).into_iter().filter(|_| place.file_name().is_some()),
    );
    files
}

/// Adds a module and the packages around it, each of which runs when it is imported.
fn python_module(module: &str, index: &FileIndex<'_>, found: &mut BTreeSet<PathBuf>) {
    let parts: Vec<&str> = module.split('.').filter(|it| !it.is_empty()).collect();
    for n in 1..=parts.len() {
        let place: PathBuf = parts[..n].iter().collect();
        for file in python_files(&place) {
            found.extend(index.ending(&file).map(Path::to_owned));
        }
    }
}

/// Returns whether a Python file imports by names that are made while it runs.
pub(super) fn python_is_dynamic(text: &str) -> bool {
    regex!(r#"(?:import_module|__import__|run_path|run_module|exec_module)\s*\(\s*[^"'\s)]"#).is_match(text)
}

/// Returns the words after `from`, `import` and `require` of a script.
fn specifiers(text: &str) -> impl Iterator<Item = &str> {
    let pattern =
        regex!(r#"(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\(|\bmock\s*\()\s*["'`]([^"'`\n]{1,500})["'`]"#);
    pattern.captures_iter(text).take(MAX_IMPORTS).filter_map(|it| Some(it.get(1)?.as_str()))
}

/// Returns whether a script imports by names that are made while it runs.
pub(super) fn script_is_dynamic(text: &str) -> bool {
    regex!(r#"(?:\brequire|\bimport)\s*\(\s*(?:[A-Za-z_$]|`[^`\n]*\$\{)"#).is_match(text)
}

/// Returns the files that a script imports. `packages` are the names and folders of the repository's own packages.
pub(super) fn script(
    path: &Path,
    text: &str,
    index: &FileIndex<'_>,
    packages: &[(String, PathBuf)],
) -> BTreeSet<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut found = BTreeSet::new();
    for specifier in specifiers(text) {
        if specifier.starts_with('.') {
            let place = joined(folder, specifier);
            found.extend(
                place
                    .into_iter()
                    .flat_map(|it| script_files(&it))
                    .filter_map(|it| index.exact(&it))
                    .map(Path::to_owned),
            );
            continue;
        }
        // An alias of the build stands before the path, whatever it is; a package of the repository has its name before it.
        let bare = specifier.trim_start_matches(['@', '~', '#', '/']);
        let own = packages.iter().find(|(name, _)| {
            specifier == name || specifier.strip_prefix(name.as_str()).is_some_and(|it| it.starts_with('/'))
        });
        let ends = match own {
            Some((name, folder)) => vec![
                folder.join(specifier[name.len()..].trim_start_matches('/')),
                folder.join("src"),
                folder.join("main"),
            ],
            None if bare.contains('/') => vec![PathBuf::from(bare)],
            None => continue,
        };
        found.extend(
            ends.iter()
                .flat_map(|end| script_files(end))
                .flat_map(|it| index.ending(&it).collect::<Vec<_>>())
                .map(Path::to_owned),
        );
    }
    found
}

const SCRIPT_ENDINGS: [&str; 9] = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts", "json"];

fn script_files(place: &Path) -> Vec<PathBuf> {
    let mut files = vec![place.to_owned()];
    for ending in SCRIPT_ENDINGS {
        files.push(PathBuf::from(format!("{}.{ending}", place.display())));
        files.push(place.join(format!("index.{ending}")));
    }
    // TypeScript names the file that it will become.
    let is_script =
        place.extension().and_then(|it| it.to_str()).is_some_and(|it| matches!(it, "js" | "jsx" | "mjs" | "cjs"));
    files.extend(
        ["ts", "tsx", "mts", "cts"].map(|ending| place.with_extension(ending)).into_iter().filter(|_| is_script),
    );
    files
}

/// Returns a relative specifier as a path of the repository; none for one that leaves it.
fn joined(folder: &Path, specifier: &str) -> Option<PathBuf> {
    let mut place = folder.to_owned();
    for part in Path::new(specifier).components() {
        match part {
            Component::Normal(part) => place.push(part),
            Component::CurDir => {}
            Component::ParentDir => place.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(place)
}

/// Returns the files beside it that a script imports.
pub(super) fn relative_scripts(tree: &dyn Tree, path: &Path, text: &str) -> BTreeSet<PathBuf> {
    let index = FileIndex::new(tree.paths().iter().map(PathBuf::as_path));
    script(path, text, &index, &[])
}
