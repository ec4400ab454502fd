//! Manifests and lock files of cargo.

use toml::{Table, Value};

use super::{Collector, Found};
use crate::existence::Ecosystem::Crates;

const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn cargo_toml(text: &str) -> Found {
    let mut found = Collector::new(Crates, text);
    let root = text.parse::<Table>().unwrap_or_default();
    for section in SECTIONS {
        names(&mut found, root.get(section));
    }
    names(&mut found, root.get("workspace").and_then(|it| it.get("dependencies")));
    for (_, target) in root.get("target").and_then(Value::as_table).into_iter().flatten() {
        SECTIONS.iter().for_each(|section| names(&mut found, target.get(*section)));
    }
    // Code names the library, whose name may differ from the package's.
    let library = root.get("lib").and_then(|it| it.get("name"));
    let own = library.or_else(|| root.get("package").and_then(|it| it.get("name")));
    let own = own.and_then(Value::as_str).map(str::to_owned);
    found.done_as(own)
}

fn names(found: &mut Collector<'_>, section: Option<&Value>) {
    for (name, what) in section.and_then(Value::as_table).into_iter().flatten() {
        let is_elsewhere = ["path", "git", "workspace", "package", "registry"].iter().any(|it| what.get(it).is_some());
        found.add(name, !is_elsewhere);
    }
}

pub(super) fn cargo_lock(text: &str) -> Found {
    let mut found = Collector::locked(Crates, text);
    let root = text.parse::<Table>().unwrap_or_default();
    for package in root.get("package").and_then(Value::as_array).into_iter().flatten() {
        if let Some(name) = package.get("name").and_then(Value::as_str) {
            found.add(name, package.get("source").is_some());
        }
    }
    found.done()
}
