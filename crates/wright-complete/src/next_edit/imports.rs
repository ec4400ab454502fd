//! A name was just used that is not imported, and the file's other imports leave no doubt about the form.

use wright_text::Language;
use wright_text::generalize::{TokenKind, tokens};

use super::scene::Scene;
use super::{Reason, Site};

/// Names of standard modules, where a use of the name can hardly mean anything else.
const PYTHON: [(&str, &[&str]); 7] = [
    ("collections", &["defaultdict", "Counter", "OrderedDict", "deque", "namedtuple", "ChainMap"]),
    ("dataclasses", &["dataclass", "field", "asdict", "astuple", "replace"]),
    (
        "typing",
        &[
            "Any",
            "Callable",
            "ClassVar",
            "Dict",
            "Iterable",
            "Iterator",
            "List",
            "Literal",
            "NamedTuple",
            "Optional",
            "Protocol",
            "Sequence",
            "Tuple",
            "TypeVar",
            "Union",
        ],
    ),
    ("functools", &["cache", "cached_property", "lru_cache", "partial", "reduce", "wraps"]),
    ("itertools", &["chain", "count", "cycle", "groupby", "islice", "product", "combinations", "permutations"]),
    ("datetime", &["date", "datetime", "timedelta", "timezone"]),
    ("pathlib", &["Path", "PurePath"]),
];

/// Types of `java.util`.
const JAVA: [&str; 12] = [
    "ArrayList",
    "Arrays",
    "Collections",
    "HashMap",
    "HashSet",
    "LinkedHashMap",
    "LinkedList",
    "List",
    "Map",
    "Objects",
    "Optional",
    "Set",
];

/// Predicts the import of a name that was just used.
pub(crate) fn needed(scene: &Scene<'_>) -> Vec<Site> {
    let text = scene.text();
    let used = scene.changes.iter().filter_map(|it| it.place.as_ref()).flat_map(|it| scene.tokens_of(scene.slice(it)));
    let used: Vec<&str> = used.filter(|it| it.kind == TokenKind::Word).map(|it| it.text).collect();
    let names = scene.tree.names();
    let is_missing = |it: &&&str| {
        let mut same = names.iter().filter(|name| name.text == **it).peekable();
        same.peek().is_some() && same.all(|name| name.binding.is_none() && !name.is_member)
    };
    let mut sites = Vec::new();
    match scene.language {
        Language::Python => {
            for (module, members) in PYTHON {
                let Some(end) = import_line(text, &format!("from {module} import ")) else { continue };
                let missing: Vec<&str> =
                    members.iter().filter(|it| used.contains(it)).filter(is_missing).copied().collect();
                if !missing.is_empty() {
                    let added = format!(", {}", missing.join(", "));
                    sites.push(scene.site(end..end, added, Reason::ImportNeeded, 0.9));
                }
            }
        }
        Language::Java => {
            let Some(end) = import_line(text, "import java.util.") else { return sites };
            for name in JAVA.iter().filter(|it| used.contains(it)).filter(is_missing) {
                sites.push(scene.site(end..end, format!("\nimport java.util.{name};"), Reason::ImportNeeded, 0.9));
            }
        }
        Language::Rust | Language::Go | Language::Cpp => {}
        Language::JavaScript | Language::TypeScript | Language::Tsx => {}
    }
    sites
}

/// Returns the end of the last line that starts so and whose list is not in parentheses.
fn import_line(text: &str, start: &str) -> Option<usize> {
    let mut at = 0;
    let mut found = None;
    for line in text.split_inclusive('\n') {
        let code_end = tokens(line, "#").iter().filter(|it| it.kind != TokenKind::Comment).map(|it| it.range.end).max();
        if line.starts_with(start) && !line.contains('(') {
            found = code_end.map(|it| at + it);
        }
        at += line.len();
    }
    found
}
