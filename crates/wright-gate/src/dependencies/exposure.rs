//! Whether a project names the functions that an advisory is about: an import of their module, and their name, in one file.

use std::path::{Path, PathBuf};

use super::Ecosystem;
use crate::change::Tree;

/// More places than a finding lists.
const MAX_PLACES: usize = 3;

/// Returns the first places at which a project names one of `symbols`. Other packages may still call them.
pub(super) fn uses(tree: &dyn Tree, ecosystem: Ecosystem, symbols: &[(String, String)]) -> Vec<(PathBuf, usize)> {
    let files = tree.paths().iter().filter(|path| is_source(path, ecosystem));
    let mut places = Vec::new();
    for path in files {
        let Some(text) = tree.read(path) else { continue };
        let hit = symbols.iter().find_map(|(module, name)| line_of_use(&text, ecosystem, module, name));
        places.extend(hit.map(|line| (path.clone(), line)));
        if places.len() == MAX_PLACES {
            break;
        }
    }
    places
}

fn is_source(path: &Path, ecosystem: Ecosystem) -> bool {
    let endings: &[&str] = match ecosystem {
        Ecosystem::Cargo => &["rs"],
        Ecosystem::Go => &["go"],
        Ecosystem::Maven => &["java", "kt", "scala", "groovy"],
        Ecosystem::Npm => &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"],
        Ecosystem::PyPi => &["py", "pyi"],
    };
    path.extension().and_then(|it| it.to_str()).is_some_and(|it| endings.contains(&it))
}

fn line_of_use(text: &str, ecosystem: Ecosystem, module: &str, name: &str) -> Option<usize> {
    let root = match ecosystem {
        Ecosystem::Cargo => module.split("::").next().unwrap_or(module),
        Ecosystem::Go | Ecosystem::Maven | Ecosystem::Npm | Ecosystem::PyPi => module,
    };
    let imports = match ecosystem {
        Ecosystem::Go => text.contains(&format!("\"{root}\"")),
        Ecosystem::Cargo | Ecosystem::Maven | Ecosystem::Npm | Ecosystem::PyPi => {
            text.lines().any(|line| line.contains(root))
        }
    };
    // A method is named with its type; the call shows only the method.
    let called = name.rsplit('.').next().unwrap_or(name);
    let is_call = |line: &&str| line.split(|it: char| !(it.is_alphanumeric() || it == '_')).any(|word| word == called);
    if !imports || called.is_empty() {
        return None;
    }
    let at = text.lines().position(|line| is_call(&line))?;
    Some(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::MemoryTree;

    #[test]
    fn a_function_is_used_where_its_module_is_imported_and_it_is_named() {
        let tree: MemoryTree = [
            ("a.go", "package a\nimport \"example.org/text/language\"\nfunc f() { language.Parse(\"x\") }\n"),
            ("b.go", "package b\nfunc g() { Parse() }\n"),
            ("c.py", "Parse\n"),
        ]
        .into_iter()
        .collect();
        let symbols = [("example.org/text/language".to_owned(), "Parse".to_owned())];
        assert_eq!(uses(&tree, Ecosystem::Go, &symbols), [(PathBuf::from("a.go"), 3)]);
        let method = [("example.org/text/language".to_owned(), "Tag.Other".to_owned())];
        assert!(uses(&tree, Ecosystem::Go, &method).is_empty());
    }

    #[test]
    fn a_rust_function_is_used_through_its_crate() {
        let tree: MemoryTree =
            [("src/a.rs", "use smallvec::SmallVec;\nfn f(v: &mut SmallVec<[u8; 2]>) { v.insert_many(0, [1]); }\n")]
                .into_iter()
                .collect();
        let symbols = [("smallvec::SmallVec".to_owned(), "insert_many".to_owned())];
        assert_eq!(uses(&tree, Ecosystem::Cargo, &symbols), [(PathBuf::from("src/a.rs"), 2)]);
    }
}
