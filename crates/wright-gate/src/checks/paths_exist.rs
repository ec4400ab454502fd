//! Every file of the repository that code opens by name is there.
//!
//! Only names that are written out and look relative to the repository are judged, and only where their folder exists: what
//! a program makes at run time usually lies in a folder of its own, which is in no repository.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

use regex::Regex;

use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, Confidence, Finding, Source};

/// The check's name.
pub const NAME: &str = "paths-exist";

/// Judges the file names in the files that a change touches, each side by its own tree.
pub fn report(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> CheckReport {
    let start = Instant::now();
    let mut report = CheckReport::ran(NAME);
    let (old, new) = (Files::of(before), Files::of(after));
    for file in &change.files {
        report.before.extend(old.findings(&Source::new(file.path_before(), file.text_before())));
        let source = Source::new(&file.path, file.text_after());
        report.after.extend(new.findings(&source));
        if file.after.text().is_some() && (source.language.is_some() || is_container_file(&file.path)) {
            report.analysed.push(file.path.clone());
        }
    }
    report.duration = start.elapsed();
    report
}

/// The files and folders of a tree.
struct Files<'a> {
    files: HashSet<&'a Path>,
    folders: HashSet<&'a Path>,
}

/// A file name in a text.
struct Named {
    name: String,
    range: Range<usize>,
    /// Whether it is relative to the file that names it, and to nothing else.
    is_fixed: bool,
}

impl<'a> Files<'a> {
    fn of(tree: &'a dyn Tree) -> Self {
        let files: HashSet<&Path> = tree.paths().iter().map(PathBuf::as_path).collect();
        let folders = files.iter().flat_map(|it| it.ancestors().skip(1)).collect();
        Self { files, folders }
    }

    fn findings(&self, source: &Source<'_>) -> Vec<Finding> {
        names(source).into_iter().filter_map(|named| self.finding(source, &named)).collect()
    }

    fn finding(&self, source: &Source<'_>, named: &Named) -> Option<Finding> {
        let folder = source.path.parent().unwrap_or(Path::new(""));
        let here = joined(folder, &named.name);
        let roots = if named.is_fixed {
            vec![here?]
        } else {
            [here, joined(Path::new(""), &named.name)].into_iter().flatten().collect()
        };
        let has = |path: &PathBuf| self.files.contains(path.as_path()) || self.folders.contains(path.as_path());
        let is_in_folder = |path: &PathBuf| path.parent().is_some_and(|it| self.folders.contains(it));
        // A bare name is what a program makes in the folder it runs in.
        let is_bare = !named.is_fixed && !named.name.contains('/');
        if is_bare || roots.iter().any(has) || !roots.iter().any(is_in_folder) {
            return None;
        }
        let message = format!("names the file `{}`, which does not exist", named.name.escape_debug());
        let finding = if named.is_fixed { Finding::error(NAME, message) } else { Finding::warning(NAME, message) };
        let finding = finding.confidence(if named.is_fixed { Confidence::High } else { Confidence::Medium });
        let finding = finding.within(source.path, source.span(named.range.clone())).key(&named.name);
        let name = Path::new(&named.name).file_name()?.to_str()?.to_owned();
        let near = self.files.iter().filter(|it| roots.iter().any(|root| root.parent() == it.parent()));
        let near =
            near.filter_map(|it| it.file_name()?.to_str()).filter(|it| strsim::osa_distance(it, &name) <= 2).min();
        let hint =
            near.map_or_else(|| "Name a file that exists, or add it.".to_owned(), |it| format!("Did you mean `{it}`?"));
        Some(finding.evidence("its folder is in the repository, and the file is not").hint(hint))
    }
}

/// Returns a path below a folder without `.` and `..`; `None` where it leaves the repository.
fn joined(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut path = folder.to_path_buf();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => path.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

fn is_container_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    name.starts_with("Dockerfile") || name.starts_with("Containerfile") || name.ends_with(".dockerfile")
}

fn names(source: &Source<'_>) -> Vec<Named> {
    if is_container_file(source.path) {
        return copied(source.text);
    }
    let Some(tree) = source.tree() else { return Vec::new() };
    static INCLUDED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\b(?:include_str|include_bytes|include)!\(\s*"([^"\\]+)"\s*\)"#).expect("it is tested")
    });
    static OPENED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?:\bopen|\bread_csv|\bread_json|\breadFile|\breadFileSync|\bcreateReadStream|os\.Open|os\.ReadFile|ioutil\.ReadFile|File::open|fs::read_to_string|fs::read)\(\s*["'`]([^"'`\\$\n]+)["'`]\s*([^)\n]*)"#)
            .expect("it is tested")
    });
    let included = INCLUDED.captures_iter(source.text).filter_map(|it| it.get(1)).map(|it| (it, true));
    // A mode with one of these letters makes the file.
    let is_read = |it: &regex::Captures<'_>| {
        !it[2].split(['"', '\'']).skip(1).step_by(2).any(|mode| mode.len() <= 3 && mode.contains(['w', 'a', 'x']))
    };
    let opened = OPENED.captures_iter(source.text).filter(is_read).filter_map(|it| it.get(1)).map(|it| (it, false));
    let all = included.chain(opened);
    // A call in a comment opens nothing; the name itself is inside of a string.
    let is_code = |at: usize| source.text[..at].rfind('(').is_some_and(|at| tree.is_code(at));
    let found = all.filter(|(it, _)| is_relative(it.as_str()) && is_code(it.start()));
    found.map(|(it, is_fixed)| Named { name: it.as_str().to_owned(), range: it.range(), is_fixed }).collect()
}

/// Returns the sources of `COPY` and `ADD` that come from the repository.
fn copied(text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_copy =
            matches!(words.first(), Some(&("COPY" | "ADD"))) && !line.contains("--from") && !line.contains('[');
        let sources = words.len().saturating_sub(1);
        for word in words.iter().take(sources).skip(1).filter(|it| is_copy && !it.starts_with("--") && is_relative(it))
        {
            let at = start + line.find(word).unwrap_or(0);
            found.push(Named {
                name: (*word).trim_end_matches('/').to_owned(),
                range: at..at + word.len(),
                is_fixed: false,
            });
        }
        start += line.len();
    }
    found
}

fn is_relative(name: &str) -> bool {
    let has_file = Path::new(name).file_name().is_some();
    let is_special = name.starts_with(['/', '~'])
        || name.contains("://")
        || name.contains(['*', '{', '}', '$', '%', '<', '?', ':', '|']);
    has_file && !is_special && name.contains(['/', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::MemoryTree;

    fn check(path: &str, code: &str) -> Vec<String> {
        let files =
            [("data/users.csv", ""), ("src/a.rs", ""), ("src/words.txt", ""), ("app/x.py", ""), ("setup.cfg", "")];
        let tree: MemoryTree = files.into_iter().collect();
        let found = Files::of(&tree).findings(&Source::new(Path::new(path), code));
        found.into_iter().map(|it| format!("{:?} {}", it.severity, it.key)).collect()
    }

    #[test]
    fn a_missing_file_in_a_folder_that_exists_is_found() {
        assert_eq!(check("app/x.py", "open('data/user.csv')\nopen('data/users.csv')\n"), ["Warning data/user.csv"]);
        assert_eq!(check("app/x.ts", "fs.readFileSync('../data/userz.csv')"), ["Warning ../data/userz.csv"]);
        assert_eq!(
            check(
                "src/a.rs",
                "const A: &str = include_str!(\"word.txt\");\nconst B: &str = include_str!(\"words.txt\");\n"
            ),
            ["Error word.txt"]
        );
        assert_eq!(
            check("Dockerfile", "COPY data/users.csv /x\nCOPY data/other.csv app/x.py /y/\nCOPY --from=a data/z /z\n"),
            ["Warning data/other.csv"]
        );
    }

    #[test]
    fn what_a_program_makes_or_finds_elsewhere_is_fine() {
        let code = "open('data/new.csv', 'w')\nopen('/etc/x')\nopen('out/result.txt')\nopen('log.txt')\nopen(f'data/{x}.csv')\n# open('data/no.csv')\n";
        assert_eq!(check("app/x.py", code), Vec::<String>::new());
    }
}
