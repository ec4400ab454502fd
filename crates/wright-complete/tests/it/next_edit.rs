//! Runs the folders of `tests/scenarios/next-edit`.
//!
//! `before.EXT` is the text, `edits.txt` what was done to it, one block after the other (`<<<<<<<`, the old text, `=======`,
//! the new one with `║` where the cursor is, `>>>>>>>`), and `expected.EXT` the text after every offer was accepted. A folder
//! without it is quiet: nothing may be offered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wright_complete::next_edit::{EditHistory, NextEditOptions, predict};
use wright_gate::quick::Surroundings;
use wright_provider::replay::ScriptedProvider;
use wright_text::{Document, Edit};

/// More offers than this in a row would not end by themselves.
const MAX_OFFERS: usize = 12;

struct Scenario {
    name: String,
    file: PathBuf,
    before: String,
    edits: Vec<(String, String)>,
    expected: Option<String>,
}

impl Scenario {
    fn load(folder: &Path) -> Scenario {
        let mut texts: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            texts.insert(stem, (path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
        let (file, before) = texts.remove("before").unwrap();
        let (_, edits) = texts.remove("edits").unwrap();
        let expected = texts.remove("expected").map(|(_, text)| text);
        assert!(texts.is_empty(), "{} has files that nothing reads", folder.display());
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        Scenario { name, file, before, edits: parse_edits(&edits), expected }
    }

    /// Makes the edits and accepts what is offered until nothing is; returns the text before and after the offers.
    async fn play(&self) -> (String, String) {
        let provider = ScriptedProvider::answering(&[]);
        let options = NextEditOptions { asks_model: false, ..NextEditOptions::default() };
        let around = Surroundings::default();
        let mut history = EditHistory::new();
        let (mut text, mut offset) = (self.before.clone(), 0);
        for (idx, (old, new)) in self.edits.iter().enumerate() {
            assert_eq!(text.matches(old.as_str()).count(), 1, "{}: {old:?}", self.name);
            let at = text.find(old.as_str()).unwrap();
            let cursor = new.find('║');
            let new = new.replace('║', "");
            offset = at + cursor.unwrap_or(new.len());
            record(&mut history, &self.file, &mut text, &minimal(at, old, &new), idx);
        }
        let edited = text.clone();
        for idx in 0..MAX_OFFERS {
            let doc = Document::new(&self.file, 1, text.as_str());
            let found = predict(&provider, &doc, &history, offset, &[], &around, options).await;
            let Some(found) = found.unwrap() else { break };
            offset = found.place;
            record(&mut history, &self.file, &mut text, found.edit.change(), self.edits.len() + idx);
        }
        (edited, text)
    }
}

fn record(history: &mut EditHistory, file: &Path, text: &mut String, edit: &Edit, idx: usize) {
    let doc = Document::new(file, 1, text.as_str());
    history.record(&doc, edit, Duration::from_secs(60 * idx as u64));
    *text = edit.apply(text).unwrap();
}

/// Drops what old and new have in common at their ends, as an editor does.
fn minimal(at: usize, old: &str, new: &str) -> Edit {
    let edit = Edit::between(old, new);
    let only = &edit.replacements()[0];
    Edit::single(at + only.range.start..at + only.range.end, only.text.as_str())
}

fn parse_edits(text: &str) -> Vec<(String, String)> {
    let blocks = text.split(">>>>>>>\n").filter(|it| !it.trim().is_empty());
    let block = |block: &str| {
        let inside = block.strip_prefix("<<<<<<<\n").unwrap();
        let (old, new) = inside.split_once("\n=======\n").unwrap();
        (old.to_owned(), new.strip_suffix('\n').unwrap().to_owned())
    };
    blocks.map(block).collect()
}

fn scenarios() -> Vec<Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/next-edit");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|it| it.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|it| Scenario::load(it)).collect()
}

/// Plays the scenarios and returns what went wrong, one text each.
async fn failures(is_wanted: fn(&Scenario) -> bool) -> Vec<String> {
    let mut failures = Vec::new();
    for scenario in scenarios().iter().filter(|it| is_wanted(it)) {
        let (edited, text) = scenario.play().await;
        let expected = scenario.expected.as_ref().unwrap_or(&edited);
        if text != *expected {
            failures.push(format!("{}\n--- expected\n{expected}\n--- got\n{text}", scenario.name));
        }
    }
    failures
}

#[tokio::test]
async fn accepting_every_offer_finishes_what_was_begun() {
    let failures = failures(|it| it.expected.is_some()).await;
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n\n"));
}

#[tokio::test]
async fn nothing_is_offered_where_nothing_is_left_to_do() {
    let failures = failures(|it| it.expected.is_none()).await;
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n\n"));
}
