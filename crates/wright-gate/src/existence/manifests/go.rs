//! `go.mod` and `go.sum`.

use super::{Collector, Found};
use crate::existence::Ecosystem::Go;

pub(super) fn go_mod(text: &str) -> Found {
    let mut found = Collector::new(Go, text);
    let mut block = "";
    let mut own = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let (verb, name) = match (first, line.ends_with('(')) {
            (")", _) => {
                block = "";
                continue;
            }
            ("module" | "require" | "replace" | "exclude" | "retract" | "tool", true) => {
                block = first;
                continue;
            }
            ("module" | "require" | "replace" | "tool", false) => (first, words.next().unwrap_or_default()),
            _ => (block, first),
        };
        let name = name.trim_matches('"');
        match verb {
            "module" => own = Some(name.to_owned()),
            "require" if name.contains(['.', '/']) => found.add_at(name, at + 1, true),
            _ => {}
        }
    }
    found.done_as(own)
}

pub(super) fn go_sum(text: &str) -> Found {
    let mut found = Collector::locked(Go, text);
    let names = text.lines().filter_map(|line| line.split_whitespace().next()).filter(|it| it.contains('.'));
    names.for_each(|name| found.add(name, true));
    found.done()
}
