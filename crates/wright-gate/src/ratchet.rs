//! The ratchet: which findings a change is answerable for.
//!
//! Findings of both sides are compared as multisets. A finding is the same as before where rule, file, function and code are
//! the same; failing that, where it was moved within its file or to another touched file, where names or a few words in it
//! changed and its function stayed. Each finding of before can answer for one of after, so that a copy is new. What a change
//! uncovers without touching its line, because a guard elsewhere went, is new as well.
//!
//! Lines play no part in it; they are for people.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};

use crate::change::{ChangeSet, FileDelta};
use crate::identity::{anonymous, complete, is_digest, normalized, similarity};
use crate::{Finding, Source};

/// How alike two findings in one function must be to be one that was edited.
const MIN_SIMILARITY: f64 = 0.6;

/// How alike they must be where the function is another one as well.
const MIN_SIMILARITY_ELSEWHERE: f64 = 0.8;

/// More findings of one rule in one file are not compared by likeness, pair by pair.
const MAX_COMPARED: usize = 200;

/// Shorter code is too common to be recognized in another file without its function.
const MIN_MOVED_BYTES: usize = 8;

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The change brings it.
    New,
    /// It was there before.
    Unchanged,
    /// It is gone.
    Absent,
}

impl State {
    /// Returns the word for it, SARIF's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Absent => "absent",
        }
    }
}

/// A finding with what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The finding, as it is after the change; as it was before, where it is gone.
    pub finding: Finding,
    /// What became of it.
    pub state: State,
    /// A digest that stays the same when lines move and files are renamed. Equal findings in one file have different ones,
    /// in two files the same.
    pub fingerprint: String,
}

/// Compares the findings of both sides; those of after come first, in their order.
pub fn compare(before: Vec<Finding>, after: Vec<Finding>, change: &ChangeSet) -> Vec<Judged> {
    let deltas = Deltas::of(change);
    let (before, after) = (deltas.identify(before, Side::Before), deltas.identify(after, Side::After));
    let is_known = matched(&before, &after);
    let n_after = after.len();
    let mut states: Vec<State> =
        (0..n_after).map(|it| if is_known.after[it] { State::Unchanged } else { State::New }).collect();
    let gone = before.into_iter().zip(is_known.before).filter(|(_, is_known)| !is_known).map(|(it, _)| it);
    let all: Vec<Identified> = after.into_iter().chain(gone).collect();
    states.resize(all.len(), State::Absent);
    let mut occurrences: HashMap<(State, Vec<String>), usize> = HashMap::new();
    let judged = all.into_iter().zip(states).map(|(it, state)| {
        let side = if state == State::Absent { State::Absent } else { State::New };
        let occurrence = occurrences.entry((side, it.place())).or_default();
        *occurrence += 1;
        let fingerprint = it.fingerprint(*occurrence);
        Judged { finding: it.finding, state, fingerprint }
    });
    judged.collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// The touched files by their paths on each side.
struct Deltas<'a> {
    before: HashMap<&'a Path, &'a FileDelta>,
    after: HashMap<&'a Path, &'a FileDelta>,
}

impl<'a> Deltas<'a> {
    fn of(change: &'a ChangeSet) -> Self {
        let before = change.files.iter().map(|it| (it.path_before(), it)).collect();
        let after = change.files.iter().map(|it| (it.path.as_path(), it)).collect();
        Self { before, after }
    }

    fn identify(&self, mut findings: Vec<Finding>, side: Side) -> Vec<Identified> {
        let files = if side == Side::Before { &self.before } else { &self.after };
        let mut by_path: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (idx, finding) in findings.iter().enumerate() {
            let is_complete = !finding.key.is_empty() && finding.symbol.is_some();
            if let Some(path) = finding.path.as_ref().filter(|_| !is_complete) {
                by_path.entry(path.clone()).or_default().push(idx);
            }
        }
        for (path, idxs) in by_path {
            let Some(delta) = files.get(path.as_path()) else { continue };
            let text = if side == Side::Before { delta.text_before() } else { delta.text_after() };
            let mut some: Vec<Finding> = idxs.iter().map(|idx| findings[*idx].clone()).collect();
            complete(&Source::new(&path, text), &mut some);
            for (idx, finding) in idxs.into_iter().zip(some) {
                findings[idx] = finding;
            }
        }
        let later_path = |finding: &Finding| -> String {
            let path = finding.path.as_deref().unwrap_or(Path::new(""));
            let moved = files.get(path).filter(|_| side == Side::Before).map_or(path, |delta| &delta.path);
            moved.to_string_lossy().into_owned()
        };
        findings
            .into_iter()
            .map(|finding| Identified { path: later_path(&finding), ..Identified::of(finding) })
            .collect()
    }
}

/// A finding with what is compared of it.
#[derive(Debug, Clone)]
struct Identified {
    finding: Finding,
    /// Where the file is after the change.
    path: String,
    symbol: String,
    key: String,
}

impl Identified {
    fn of(finding: Finding) -> Self {
        let symbol = finding.symbol.clone().unwrap_or_default();
        let key = if finding.key.is_empty() { normalized(&finding.message) } else { normalized(&finding.key) };
        Self { finding, path: String::new(), symbol, key }
    }

    fn place(&self) -> Vec<String> {
        vec![self.finding.rule.to_string(), self.path.clone(), self.symbol.clone(), self.key.clone()]
    }

    fn fingerprint(&self, occurrence: usize) -> String {
        let parts = ["wright/v1", &self.finding.rule, &self.symbol, &self.key, &occurrence.to_string()];
        crate::hex_digest(parts.join("\0").as_bytes())
    }

    /// Returns the function's own name, without those around it.
    fn own_symbol(&self) -> &str {
        self.symbol.rsplit('.').next().unwrap_or_default()
    }
}

/// Which findings of each side have found each other.
struct Known {
    before: Vec<bool>,
    after: Vec<bool>,
}

/// What two findings must have in common in one round; nothing where the round is not for them.
type Round = fn(&Identified) -> Option<Vec<String>>;

/// From the strictest to the most lenient. What an earlier round has joined is out of the later ones.
const ROUNDS: [Round; 7] = [
    |it| Some(it.place()),
    // Its function got another name, or it was moved within its file.
    |it| Some(vec![it.finding.rule.to_string(), it.path.clone(), it.key.clone()]),
    // It was moved to another touched file, with its function.
    |it| (!it.symbol.is_empty()).then(|| vec![it.finding.rule.to_string(), it.own_symbol().to_owned(), it.key.clone()]),
    |it| (it.key.len() >= MIN_MOVED_BYTES).then(|| vec![it.finding.rule.to_string(), it.key.clone()]),
    // Its names changed.
    |it| is_code(it).then(|| vec![it.finding.rule.to_string(), it.path.clone(), it.symbol.clone(), anonymous(&it.key)]),
    |it| is_code(it).then(|| vec![it.finding.rule.to_string(), it.path.clone(), anonymous(&it.key)]),
    |it| {
        let is_recognizable = is_code(it) && !it.symbol.is_empty() && it.key.len() >= 3 * MIN_MOVED_BYTES;
        is_recognizable.then(|| vec![it.finding.rule.to_string(), it.own_symbol().to_owned(), anonymous(&it.key)])
    },
];

/// Says whether a key may be compared by likeness: a digest is the same or is not.
fn is_code(it: &Identified) -> bool {
    !is_digest(&it.key)
}

fn matched(before: &[Identified], after: &[Identified]) -> Known {
    let mut known = Known { before: vec![false; before.len()], after: vec![false; after.len()] };
    for round in ROUNDS {
        join(before, after, &mut known, round);
    }
    let in_function = |it: &Identified| vec![it.finding.rule.to_string(), it.path.clone(), it.symbol.clone()];
    join_alike(before, after, &mut known, in_function, MIN_SIMILARITY);
    let in_file = |it: &Identified| vec![it.finding.rule.to_string(), it.path.clone()];
    join_alike(before, after, &mut known, in_file, MIN_SIMILARITY_ELSEWHERE);
    known
}

fn join(before: &[Identified], after: &[Identified], known: &mut Known, round: Round) {
    let mut free: HashMap<Vec<String>, VecDeque<usize>> = HashMap::new();
    for (idx, it) in before.iter().enumerate().filter(|(idx, _)| !known.before[*idx]) {
        if let Some(key) = round(it) {
            free.entry(key).or_default().push_back(idx);
        }
    }
    for (idx, it) in after.iter().enumerate() {
        if known.after[idx] {
            continue;
        }
        let earlier = round(it).and_then(|key| free.get_mut(&key)?.pop_front());
        if let Some(earlier) = earlier {
            (known.before[earlier], known.after[idx]) = (true, true);
        }
    }
}

/// Joins what is alike within a group, the most alike first.
fn join_alike(
    before: &[Identified],
    after: &[Identified],
    known: &mut Known,
    group: fn(&Identified) -> Vec<String>,
    least: f64,
) {
    let mut groups: HashMap<Vec<String>, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (idx, it) in before.iter().enumerate().filter(|(idx, it)| !known.before[*idx] && is_code(it)) {
        groups.entry(group(it)).or_default().0.push(idx);
    }
    for (idx, it) in after.iter().enumerate().filter(|(idx, it)| !known.after[*idx] && is_code(it)) {
        groups.entry(group(it)).or_default().1.push(idx);
    }
    for (earlier, later) in groups.into_values().filter(|(a, b)| a.len() * b.len() <= MAX_COMPARED * MAX_COMPARED) {
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for a in &earlier {
            pairs.extend(later.iter().map(|b| (similarity(&before[*a].key, &after[*b].key), *a, *b)));
        }
        pairs.retain(|it| it.0 >= least);
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (_, a, b) in pairs {
            if !known.before[a] && !known.after[b] {
                (known.before[a], known.after[b]) = (true, true);
            }
        }
    }
}

#[cfg(test)]
#[path = "ratchet/tests.rs"]
mod tests;
