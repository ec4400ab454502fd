//! Shows what the gate makes of tools and versions, for measuring it from outside. See `evals/gate/tools/README.md`.
//!
//! `gate_tools versions` reads lines of an ecosystem and two versions, and writes which is older. `gate_tools locks FOLDER`
//! reads every lock file below a folder. `gate_tools tools PATH BEFORE AFTER` runs the tools that are found on a search path
//! on two folders, and lists what each found in the second and not in the first.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it is no part of the product"
)]

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use wright_gate::change::{ChangeSet, Content, FileDelta, MemoryTree, Tree as _};
use wright_gate::dependencies::{self, Ecosystem};
use wright_gate::tools::{Progress, ToolSetup, run_tools};
use wright_sandbox::{HelperCommand, Level, Limits, Sandbox};

const HELPER: &str = "internal-sandbox-helper";

fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [HELPER, ..] => return wright_sandbox::helper_main(),
        ["versions"] => versions(),
        ["locks", folder] => locks(Path::new(folder)),
        ["tools", path, before, after] => tools(path, Path::new(before), Path::new(after)),
        _ => println!("usage: gate_tools versions | locks FOLDER | tools PATH BEFORE AFTER"),
    }
    std::process::ExitCode::SUCCESS
}

fn versions() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split('\t');
        let (Some(ecosystem), Some(a), Some(b)) =
            (words.next().and_then(Ecosystem::from_name), words.next(), words.next())
        else {
            continue;
        };
        let order = dependencies::compare(ecosystem, a, b);
        println!("{}", order.map_or("none".to_owned(), |it| format!("{}", it as i8)));
    }
}

fn locks(folder: &Path) {
    let tree = read(folder);
    for (path, read) in dependencies::packages(&tree) {
        match read {
            Ok(packages) => println!("{}\t{}", path.display(), packages.len()),
            Err(error) => println!("{}\t{error}", path.display()),
        }
    }
}

fn tools(path: &str, before: &Path, after: &Path) {
    let program = std::env::current_exe().unwrap();
    let sandbox = Sandbox::probe(HelperCommand { program, args: vec![HELPER.to_owned()] }).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let home = |name: &str| std::env::var(name).ok().map(|it| (name.to_owned(), it));
    let folders: Vec<PathBuf> = std::env::split_paths(path).collect();
    // What a program needs lies beside the folder it is in.
    let roots =
        folders.iter().filter(|it| !it.starts_with("/usr") && !it.starts_with("/bin")).filter_map(|it| it.parent());
    let mut read_only: Vec<PathBuf> = roots.map(Path::to_owned).collect();
    read_only.extend(["CARGO_HOME", "RUSTUP_HOME"].iter().filter_map(|it| Some(home(it)?.1.into())));
    let mut env = vec![("PATH".to_owned(), path.to_owned())];
    env.extend(["CARGO_HOME", "RUSTUP_HOME"].iter().filter_map(|it| home(it)));
    let setup = ToolSetup {
        env,
        read_only,
        checkout: None,
        installed: Vec::new(),
        limits: Limits::default(),
        minimum_level: Level::D,
        cache: None,
        scratch: scratch.path().join("copies"),
    };
    let (before, after) = (read(before), read(after));
    let change = difference(&before, &after);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let all = runtime.block_on(run_tools(&sandbox, &setup, &change, &before, &after, |progress| {
        if let Progress::Finished(report) = progress {
            let version = report.tool.as_ref().map_or("", |it| it.version.as_str());
            println!("{} {version}: {:?} in {:.1} s", report.check, report.status, report.duration.as_secs_f64());
        }
    }));
    for report in &all.reports {
        let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        report.before.iter().for_each(|it| *known.entry((&it.rule, &it.key)).or_default() += 1);
        for finding in &report.after {
            match known.get_mut(&(finding.rule.as_ref(), finding.key.as_str())).filter(|it| **it > 0) {
                Some(n) => *n -= 1,
                None => println!("  new {:?} {finding}", finding.severity),
            }
        }
    }
    println!("not installed: {}", all.missing.join(", "));
}

fn difference(before: &MemoryTree, after: &MemoryTree) -> ChangeSet {
    let content = |tree: &MemoryTree, path: &Path| tree.read(path).map_or(Content::Absent, Content::Text);
    let paths: std::collections::BTreeSet<&PathBuf> = before.paths().iter().chain(after.paths()).collect();
    let deltas = paths.into_iter().map(|path| FileDelta {
        path: path.clone(),
        moved_from: None,
        before: content(before, path),
        after: content(after, path),
    });
    ChangeSet { files: deltas.filter(|it| it.before != it.after).collect() }
}

fn read(folder: &Path) -> MemoryTree {
    let mut files = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().filter_map(Result::ok) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && entry.file_name() != "node_modules" && entry.file_name() != ".git" {
                left.push(entry.path());
            } else if kind.is_file() {
                let text = std::fs::read_to_string(entry.path());
                files.extend(text.ok().map(|it| (entry.path().strip_prefix(folder).unwrap().to_owned(), it)));
            }
        }
    }
    files.into_iter().collect()
}
