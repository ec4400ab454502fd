//! An environment variable that a change reads is not a slip away from one that the repository documents.
//!
//! Programs may read any variable, so an unknown one is no finding; one that nearly is a known one is a warning.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use regex::Regex;

use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, Confidence, Finding, Source};

/// The check's name.
pub const NAME: &str = "settings";

/// Shorter names are a slip away from each other too often.
const MIN_LETTERS: usize = 6;

/// Judges the variables that the changed files read, against those that the rest of the repository knows.
pub fn report(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> CheckReport {
    let start = Instant::now();
    let mut report = CheckReport::ran(NAME);
    let known_before = documented(before);
    // What the change documents is known as well.
    let known: BTreeSet<String> = documented(after);
    for file in change.files.iter().filter(|it| it.after.text().is_some()) {
        report.before.extend(findings(&Source::new(file.path_before(), file.text_before()), &known_before));
        let source = Source::new(&file.path, file.text_after());
        report.after.extend(findings(&source, &known));
        if source.language.is_some() {
            report.analysed.push(file.path.clone());
        }
    }
    report.duration = start.elapsed();
    report
}

/// Returns the variables that a tree documents: in example environments, compose files and pages about the program.
pub fn documented(tree: &dyn Tree) -> BTreeSet<String> {
    static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^\s*(?:export\s+|-\s+|#\s*)?([A-Z][A-Z0-9_]{3,})\s*[=:]").expect("it is tested")
    });
    static QUOTED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)`").expect("it is tested"));
    let mut known = BTreeSet::new();
    for path in tree.paths() {
        let pattern: &Regex = match kind_of(path) {
            Kind::Assignments => &ASSIGNED,
            Kind::Page => &QUOTED,
            Kind::Other => continue,
        };
        let text = tree.read(path).unwrap_or_default();
        known.extend(pattern.captures_iter(&text).map(|it| it[1].to_owned()));
    }
    known
}

enum Kind {
    Assignments,
    Page,
    Other,
}

fn kind_of(path: &Path) -> Kind {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default().to_lowercase();
    let is_example = name.starts_with(".env")
        || name.ends_with(".env")
        || name.starts_with("env.")
        || name.ends_with(".env.example");
    let is_compose = name.contains("compose") && (name.ends_with(".yml") || name.ends_with(".yaml"));
    if is_example || is_compose {
        Kind::Assignments
    } else if name.ends_with(".md") || name.ends_with(".rst") {
        Kind::Page
    } else {
        Kind::Other
    }
}

/// Returns the variables of a text that nearly are known ones.
pub fn findings(source: &Source<'_>, known: &BTreeSet<String>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let read = variables(source).into_iter().filter(|(name, _)| name.len() >= MIN_LETTERS && !known.contains(name));
    let found = read.filter_map(|(name, range)| {
        let near = known
            .iter()
            .find(|it| it.len() >= MIN_LETTERS && strsim::osa_distance(it, &name) == 1 && !is_numbered(it, &name))?;
        let finding = Finding::warning(NAME, format!("reads the variable `{name}`, which nothing documents"));
        let finding = finding
            .evidence(format!("the repository documents {} variables, and one of them is `{near}`", known.len()));
        let finding = finding.within(source.path, source.span(range)).key(&name).confidence(Confidence::Medium);
        seen.insert(name).then(|| finding.hint(format!("Did you mean `{near}`?")))
    });
    found.collect()
}

/// Returns whether two names differ in a digit only, as `HOST_1` and `HOST_2` do.
fn is_numbered(a: &str, b: &str) -> bool {
    let without = |name: &str| name.replace(|it: char| it.is_ascii_digit(), "");
    without(a) == without(b)
}

fn variables(source: &Source<'_>) -> Vec<(String, Range<usize>)> {
    static READ: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r#"(?:os\.environ(?:\.get|\.pop|\.setdefault)?[\[(]|os\.getenv\(|\bgetenv\(|process\.env\[|env::var(?:_os)?\(|\benv!\(|os\.(?:Getenv|LookupEnv)\(|System\.getenv\()\s*["']([A-Z][A-Z0-9_]*)["']|(?:process|import\.meta)\.env\.([A-Z][A-Z0-9_]*)"#,
        )
        .expect("it is tested")
    });
    if source.language.is_none() {
        return Vec::new();
    }
    let names = READ.captures_iter(source.text).filter_map(|it| it.get(1).or_else(|| it.get(2)));
    names.map(|it| (it.as_str().to_owned(), it.range())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::MemoryTree;

    fn check(path: &str, code: &str) -> Vec<String> {
        let files = [
            (".env.example", "DATABASE_URL=x\nexport API_TOKEN=\nSHARD_HOST_1=a\n"),
            ("README.md", "Set `LOG_LEVEL`.\n"),
        ];
        let tree: MemoryTree = files.into_iter().collect();
        let found = findings(&Source::new(Path::new(path), code), &documented(&tree));
        found.into_iter().map(|it| it.key).collect()
    }

    #[test]
    fn a_slip_in_a_documented_variable_is_a_warning() {
        assert_eq!(check("a.py", "os.environ['DATABSE_URL']; os.getenv('API_TOKEN')"), ["DATABSE_URL"]);
        assert_eq!(check("a.ts", "process.env.LOG_LEVELS; process.env['DATABASE_URL']"), ["LOG_LEVELS"]);
        assert_eq!(check("a.rs", "fn f() { std::env::var(\"API_TOKN\"); }"), ["API_TOKN"]);
        assert_eq!(check("a.go", "var x = os.Getenv(\"API_TOKENS\")"), ["API_TOKENS"]);
    }

    #[test]
    fn a_variable_unlike_all_others_is_fine() {
        assert_eq!(
            check("a.py", "os.environ['HOME']; os.getenv('FEATURE_X'); os.getenv('SHARD_HOST_2')"),
            Vec::<String>::new()
        );
    }
}
