//! Measures how often the quick gate refuses what is right: each line of the functions below a folder is taken out and
//! judged as an insertion of itself.
//!
//! `cargo run --release -p wright-gate --example false_refusals -- [--lines N] [--bodies | --invent] [--show N] FOLDER…`
//!
//! It prints a table of languages and checks. `--lines` limits the lines for each language, spread over all files;
//! `--bodies` takes out whole function bodies instead. `--invent` puts a name that exists nowhere in place of one that each
//! line uses, so that every refusal is right. `--show` prints the first refusals of each check.
#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wright_gate::quick::{Judge, Surroundings};
use wright_text::{Document, Edit, Language, SyntaxTree};

/// Longer files are data more often than code.
const MAX_FILE_BYTES: u64 = 300_000;

fn main() {
    let mut options = Options { max_pieces: 3_000, n_shown: 0, takes: Takes::Lines, folders: Vec::new() };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        match arg.as_str() {
            "--lines" => options.max_pieces = number(),
            "--show" => options.n_shown = number(),
            "--bodies" => options.takes = Takes::Bodies,
            "--invent" => options.takes = Takes::Inventions,
            folder => options.folders.push(PathBuf::from(folder)),
        }
    }
    let mut files: BTreeMap<&'static str, Vec<PathBuf>> = BTreeMap::new();
    for folder in &options.folders {
        collect(folder, &mut files);
    }
    println!(
        "| language | files | judged | refused | % | mean | longest | by check |\n|---|---|---|---|---|---|---|---|"
    );
    for (language, paths) in &files {
        let tally = measure(paths, &options);
        println!("{}", tally.row(language));
    }
}

struct Options {
    max_pieces: usize,
    n_shown: usize,
    takes: Takes,
    folders: Vec<PathBuf>,
}

/// What is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Lines,
    Bodies,
    Inventions,
}

fn collect(path: &Path, files: &mut BTreeMap<&'static str, Vec<PathBuf>>) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if metadata.is_dir() {
        let Ok(entries) = fs::read_dir(path) else { return };
        let mut entries: Vec<_> = entries.filter_map(|it| it.ok().map(|it| it.path())).collect();
        entries.sort();
        entries.iter().for_each(|it| collect(it, files));
    } else if let Some(language) = Language::from_path(path)
        && metadata.len() <= MAX_FILE_BYTES
        && metadata.is_file()
    {
        files.entry(language.name()).or_default().push(path.to_owned());
    }
}

#[derive(Default)]
struct Tally {
    n_files: usize,
    n_judged: usize,
    n_refused: usize,
    by_code: BTreeMap<&'static str, usize>,
    total: Duration,
    longest: Duration,
}

impl Tally {
    fn row(&self, language: &str) -> String {
        let share = |n: usize| 100.0 * n as f64 / self.n_judged.max(1) as f64;
        let codes: Vec<_> = self.by_code.iter().map(|(code, n)| format!("{code} {n} ({:.2} %)", share(*n))).collect();
        format!(
            "| {language} | {} | {} | {} | {:.2} | {:?} | {:?} | {} |",
            self.n_files,
            self.n_judged,
            self.n_refused,
            share(self.n_refused),
            self.total / u32::try_from(self.n_judged.max(1)).unwrap_or(u32::MAX),
            self.longest,
            codes.join(", ")
        )
    }
}

fn measure(paths: &[PathBuf], options: &Options) -> Tally {
    let mut tally = Tally::default();
    let per_file = (options.max_pieces / paths.len().max(1)).max(1);
    let stride = (paths.len() / options.max_pieces.max(1)).max(1);
    for path in paths.iter().step_by(stride) {
        let Ok(text) = fs::read_to_string(path) else { continue };
        let Some(language) = Language::from_path(path) else { continue };
        let tree = SyntaxTree::parse(language, text.as_str());
        if tree.error_count() > 0 {
            continue;
        }
        tally.n_files += 1;
        let pieces = match options.takes {
            Takes::Lines | Takes::Inventions => lines(&tree),
            Takes::Bodies => bodies(&tree),
        };
        let step = (pieces.len() / per_file).max(1);
        let whole = Judge::new(&Document::new(path.as_path(), 0, text.as_str()));
        // The first edit parses the text; every later text is parsed from there.
        let _ = whole.judge(Edit::single(0..0, " "), &Surroundings::default());
        for piece in pieces.into_iter().step_by(step).take(per_file) {
            let inserted = match options.takes {
                Takes::Lines | Takes::Bodies => text[piece.clone()].to_owned(),
                Takes::Inventions => match with_invention(&tree, &piece) {
                    Some(inserted) => inserted,
                    None => continue,
                },
            };
            judge(&whole, piece, &inserted, options, &mut tally);
        }
    }
    tally
}

/// Returns the code of each line in a function, without its indentation.
fn lines(tree: &SyntaxTree) -> Vec<Range<usize>> {
    let text = tree.text();
    let bodies: Vec<_> = tree.functions().into_iter().map(|it| it.body).collect();
    let mut at = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let code = line.trim();
        let start = at + line.len() - line.trim_start().len();
        let is_inside = bodies.iter().any(|it| it.start <= start && start < it.end);
        if code.chars().any(char::is_alphanumeric) && is_inside && tree.is_code(start) {
            found.push(start..start + code.len());
        }
        at += line.len();
    }
    found
}

/// Returns the inside of each function's body.
fn bodies(tree: &SyntaxTree) -> Vec<Range<usize>> {
    let inside = |body: Range<usize>| {
        let is_braced = tree.text()[body.clone()].starts_with('{') && body.len() >= 2;
        if is_braced { body.start + 1..body.end - 1 } else { body }
    };
    let bodies = tree.functions().into_iter().map(|it| inside(it.body));
    bodies.filter(|it| !tree.text()[it.clone()].trim().is_empty()).collect()
}

/// Returns a line with the last name it surely uses replaced: one that is no member and no target, and was there above.
fn with_invention(tree: &SyntaxTree, line: &Range<usize>) -> Option<String> {
    let text = tree.text();
    let names = tree.identifiers(line.clone());
    let is_use = |(range, name): &&(Range<usize>, &str)| {
        let before = text[..range.start].trim_end();
        let after = text[range.end..].trim_start();
        let is_part = before.ends_with(['.', ':', '\'', '$']);
        let is_target = after.starts_with(['=', ':', ',', '!']) && !after.starts_with("==");
        let is_above = text[..line.start].contains(name);
        !is_part && !is_target && is_above && name.len() >= 3 && name.starts_with(|it: char| it.is_ascii_lowercase())
    };
    let (range, _) = names.iter().rev().find(is_use)?;
    Some(format!("{}zq_invented{}", &text[line.start..range.start], &text[range.end..line.end]))
}

fn judge(whole: &Judge, piece: Range<usize>, inserted: &str, options: &Options, tally: &mut Tally) {
    let text = whole.doc().text();
    let holed = format!("{}{}", &text[..piece.start], &text[piece.end..]);
    let judge = whole.next(&Document::new(whole.doc().path.clone(), 1, holed));
    let started = Instant::now();
    let verdict = judge.judge(Edit::single(piece.start..piece.start, inserted), &Surroundings::default());
    let elapsed = started.elapsed();
    tally.n_judged += 1;
    tally.total += elapsed;
    tally.longest = tally.longest.max(elapsed);
    let Err(findings) = verdict else { return };
    tally.n_refused += 1;
    for finding in &findings {
        let n = tally.by_code.entry(finding.code()).or_default();
        *n += 1;
        if *n <= options.n_shown {
            println!("  {finding}: {}", inserted.chars().take(120).collect::<String>());
        }
    }
}
