//! Which files of a repository a text imports, told by what the files are called.
//!
//! No language's rules for finding modules are followed: a file counts as imported when its name, and as many folders
//! above it as possible, are words of the import. That is right often enough to choose what a model is shown, costs no
//! parsing, and works the same in every language. It decides nothing else.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wright_text::Language;

use crate::RepoError;
use crate::beneath::Beneath;

/// How long a list of files is taken for current.
const LISTED_FOR: Duration = Duration::from_secs(30);

/// How many files are listed.
const MAX_FILES: usize = 50_000;

/// Longest file that is read, in bytes.
const MAX_FILE: u64 = 256 << 10;

/// Files that stand for the folder they are in.
const FOLDER_FILES: [&str; 4] = ["__init__", "mod", "index", "lib"];

/// The files around a text, in a repository or a plain folder.
#[derive(Debug)]
pub struct Neighbors {
    root: PathBuf,
    tree: Beneath,
    listed: Mutex<Option<(Instant, Arc<[PathBuf]>)>>,
}

impl Neighbors {
    /// Opens the repository that holds a folder, or else the folder by itself.
    pub fn around(folder: &Path) -> Result<Self, RepoError> {
        let root = crate::Repository::discover(folder).map_or_else(|_| folder.to_owned(), |it| it.root().to_owned());
        let tree = Beneath::open(&root)?;
        Ok(Self { root, tree, listed: Mutex::new(None) })
    }

    /// Returns the folder that the paths of files are relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the files that the import statements of a file speak of, the surest first, relative to the root.
    pub fn imported(&self, from: &Path, imports: &[String], max: usize) -> Vec<PathBuf> {
        let from = from.strip_prefix(&self.root).unwrap_or(from);
        if imports.is_empty() {
            return Vec::new();
        }
        imported(&self.paths(), from, imports, max)
    }

    /// Returns the text of a file; nothing where there is none, or it is no text, or too long.
    pub fn read(&self, path: &Path) -> Option<String> {
        String::from_utf8(self.tree.read(path, MAX_FILE).ok()??).ok()
    }

    /// Returns the source files, without what is ignored.
    fn paths(&self) -> Arc<[PathBuf]> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, paths)) = &*listed
            && at.elapsed() < LISTED_FOR
        {
            return Arc::clone(paths);
        }
        let files = ignore::WalkBuilder::new(&self.root).follow_links(false).build().flatten();
        let sources = files.filter(|it| it.file_type().is_some_and(|it| it.is_file()));
        let sources = sources.filter(|it| Language::from_path(it.path()).is_some()).take(MAX_FILES);
        let relative = sources.filter_map(|it| it.path().strip_prefix(&self.root).ok().map(Path::to_owned));
        let paths: Arc<[PathBuf]> = relative.collect();
        *listed = Some((Instant::now(), Arc::clone(&paths)));
        paths
    }
}

/// Returns those of `paths` that the imports of `from` speak of, the surest first.
fn imported(paths: &[PathBuf], from: &Path, imports: &[String], max: usize) -> Vec<PathBuf> {
    let Some(language) = Language::from_path(from) else { return Vec::new() };
    let statements: Vec<Vec<String>> = imports.iter().map(|it| words(it)).collect();
    let scored = paths.iter().filter(|path| *path != from).filter_map(|path| {
        Language::from_path(path).filter(|it| family(*it) == family(language))?;
        let names = names(path, language);
        let n_said = statements.iter().map(|words| n_trailing(&names, words)).max().filter(|it| *it > 0)?;
        let n_shared = path.components().zip(from.components()).take_while(|(a, b)| a == b).count();
        Some((n_said * 4 + n_shared, path))
    });
    let mut scored: Vec<(usize, &PathBuf)> = scored.collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().take(max).map(|(_, path)| path.clone()).collect()
}

/// Returns what the languages that import from each other have in common.
fn family(language: Language) -> Language {
    match language {
        Language::TypeScript | Language::Tsx => Language::JavaScript,
        other => other,
    }
}

/// Returns the names by which a file is imported: those of its folders and its own.
fn names(path: &Path, language: Language) -> Vec<String> {
    let mut names: Vec<String> = path.components().map(|it| plain(&it.as_os_str().to_string_lossy())).collect();
    names.pop();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    // A package of Go is a folder; its files are never named.
    if language != Language::Go && !FOLDER_FILES.contains(&&*stem) {
        names.push(plain(&stem));
    }
    names.retain(|it| it != "src");
    names
}

/// Returns how many of the last names the words have, in order; at least the last one, or none count.
fn n_trailing(names: &[String], words: &[String]) -> usize {
    let mut end = words.len();
    let mut n_said = 0;
    for name in names.iter().rev() {
        let Some(at) = words[..end].iter().rposition(|it| it == name) else { break };
        end = at;
        n_said += 1;
    }
    n_said
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|it: char| !it.is_alphanumeric() && it != '_' && it != '-');
    words.filter(|it| it.len() > 1).map(plain).collect()
}

/// Returns a name without what differs between the name of a file and the name of what is in it.
fn plain(name: &str) -> String {
    name.chars().filter(|it| *it != '_' && *it != '-').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_imported_whose_name_and_folders_the_import_says() {
        let cases = [
            ("app/main.py", "from lib.shapes import Box", "lib/shapes.py"),
            ("app/main.py", "from . import shapes", "app/shapes.py"),
            ("app/main.py", "from .shapes import Box", "app/shapes.py"),
            ("src/main.rs", "use crate::geometry::shapes::Box;", "src/geometry/shapes.rs"),
            ("crates/app/src/main.rs", "use my_shapes::Circle;", "crates/my-shapes/src/lib.rs"),
            ("web/main.ts", "import { Box } from './geometry/shapes';", "web/geometry/shapes.tsx"),
            ("web/main.ts", "import { Box } from './geometry';", "web/geometry/index.ts"),
            ("cmd/main.go", "import \"example.com/app/internal/shapes\"", "internal/shapes/box.go"),
            ("src/a/Main.java", "import com.example.shapes.Box;", "src/com/example/shapes/Box.java"),
            ("src/main.cpp", "#include \"geometry/shapes.h\"", "src/geometry/shapes.h"),
        ];
        let mut paths: Vec<PathBuf> = cases.iter().map(|(_, _, path)| PathBuf::from(path)).collect();
        paths.extend(["other/shapes.py", "other/box.go", "docs/other.rs"].map(PathBuf::from));
        for (from, import, path) in cases {
            let found = imported(&paths, Path::new(from), &[import.to_owned()], 8);
            assert_eq!(found.first().map(PathBuf::as_path), Some(Path::new(path)), "{import}");
        }
    }

    #[test]
    fn what_is_installed_and_what_the_import_does_not_say_is_left_out() {
        let paths = ["lib/shapes.py", "lib/colors.py", "lib/shapes.js"].map(PathBuf::from);
        let found = imported(&paths, Path::new("main.py"), &["import numpy".to_owned(), "import shapes".to_owned()], 8);
        assert_eq!(found, [PathBuf::from("lib/shapes.py")]);
    }

    #[test]
    fn ignored_files_and_links_out_of_the_folder_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        std::fs::create_dir_all(root.join("lib")).unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        std::fs::write(root.join(".gitignore"), "gone.py\n").unwrap();
        for name in ["lib/shapes.py", "gone.py"] {
            std::fs::write(root.join(name), "x = 1\n").unwrap();
        }
        std::fs::write(folder.path().join("secret.py"), "key = 1\n").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret.py"), root.join("outside.py")).unwrap();

        let neighbors = Neighbors::around(&root).unwrap();

        let imports = ["import lib.shapes", "import gone", "import outside"].map(str::to_owned);
        assert_eq!(neighbors.imported(&root.join("main.py"), &imports, 8), [PathBuf::from("lib/shapes.py")]);
        assert_eq!(neighbors.read(Path::new("lib/shapes.py")).as_deref(), Some("x = 1\n"));
        assert_eq!(neighbors.read(Path::new("outside.py")), None);
    }
}
