//! Measures what a task's tree costs, in time and in disk: copying a commit, copying a tree, comparing, recording.
//!
//! `cargo run --release -p wright-repo --example trees -- [--files N] [--in FOLDER]`
//!
//! It makes a repository of N files (50,000 by default; sizes as in ordinary source code) in a folder that it removes
//! again, and prints a table. The last rows are the plain tools on the same files, for comparison. Disk is what the file
//! system has less of afterwards, so nothing else should write to it meanwhile.
#![expect(clippy::disallowed_methods, reason = "plain git and cp are what this compares with")]
#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use wright_repo::{CommitId, RepoError, Repository};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut n_files, mut folder) = (50_000, std::env::temp_dir());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--files", Some(number)) => n_files = number.parse()?,
            ("--in", Some(path)) => folder = PathBuf::from(path),
            (other, _) => return Err(format!("unknown argument {other}").into()),
        }
    }
    let folder = tempfile::tempdir_in(folder)?;
    measure(folder.path(), n_files)?;
    Ok(())
}

fn measure(folder: &Path, n_files: usize) -> Result<(), Box<dyn std::error::Error>> {
    let place = |name: &str| folder.join(name);
    let n_bytes = generate(&place("repo"), n_files)?;
    println!("{n_files} files, {} MB of content\n", n_bytes / 1_000_000);
    println!("| step | seconds | MB on disk |");
    println!("|---|---|---|");
    let repo = Repository::discover(&place("repo"))?;
    let base = repo.head()?;
    let tree = row(folder, "export the commit", || repo.export(&base, &place("tree")))?;
    row(folder, "copy the tree", || tree.fork(&place("fork")))?;
    row(folder, "compare, nothing changed", || tree.changes(|_| true))?;
    let history = row(folder, "make the history", || repo.create_history(&base, &place("history")))?;
    row(folder, "record, nothing changed", || history.snapshot(&tree, "unchanged"))?;
    change(tree.root(), 1_000.min(n_files / 2))?;
    row(folder, "record, 1,000 files changed", || history.snapshot(&tree, "changed"))?;
    let latest = history.snapshots()?.pop().ok_or("no snapshot")?;
    row(folder, "restore a snapshot", || history.export(&latest, &place("restored")))?;
    row(folder, "lend a .git", || history.lend_git(&tree))?;
    row(folder, "open the tree again", || repo.open_worktree(&base, tree.root()))?;
    compare(folder, &base)
}

/// Measures the plain tools on the same files.
fn compare(folder: &Path, base: &CommitId) -> Result<(), Box<dyn std::error::Error>> {
    let place = |name: &str| folder.join(name).display().to_string();
    let (repo, tree, linked) = (place("repo"), place("tree"), place("linked"));
    let commands: [(&str, &[&str]); 4] = [
        ("git worktree add", &["git", "-C", &repo, "worktree", "add", "-q", "--detach", &linked, base.as_str()]),
        ("cp -a --reflink=auto", &["cp", "-a", "--reflink=auto", &tree, &place("copied")]),
        ("cp -al (hard links; unsafe)", &["cp", "-al", &tree, &place("hard")]),
        ("git status in the tree", &["git", "-C", &tree, "status", "--short"]),
    ];
    for (name, words) in commands {
        row(folder, name, || Command::new(words[0]).args(&words[1..]).output())?;
    }
    Ok(())
}

/// Runs one step and prints its row.
fn row<T, E>(folder: &Path, name: &str, step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let free = || rustix::fs::statvfs(folder).map_or(0, |disk| disk.f_bfree * disk.f_frsize);
    rustix::fs::sync();
    let before = free();
    let begun = Instant::now();
    let outcome = step()?;
    let seconds = begun.elapsed().as_secs_f64();
    rustix::fs::sync();
    let used = before.saturating_sub(free()) as f64 / 1e6;
    println!("| {name} | {seconds:.2} | {used:.0} |");
    Ok(outcome)
}

/// Makes the repository and returns how much its files hold.
fn generate(root: &Path, n_files: usize) -> Result<usize, Box<dyn std::error::Error>> {
    let mut n_bytes = 0;
    for file_idx in 0..n_files {
        let folder = root.join(format!("p{}/m{}", file_idx % 50, file_idx / 50 % 20));
        if file_idx < 1_000 {
            std::fs::create_dir_all(&folder)?;
        }
        // Most files of a repository are small and a few are not: 1 KB to 12 KB, with one in a hundred of 100 KB.
        let n_lines = if file_idx % 100 == 7 { 2_500 } else { 25 + file_idx % 11 * 27 };
        let lines = (0..n_lines).map(|line| format!("    value_{line} = compute({file_idx}, {line})\n"));
        let text: String = lines.collect();
        n_bytes += text.len();
        std::fs::write(folder.join(format!("f{file_idx}.py")), text)?;
    }
    for words in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "x"], &["gc", "-q"]] {
        let mut git = Command::new("git");
        git.current_dir(root)
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0"])
            .args(words);
        if !git.status()?.success() {
            return Err("git failed".into());
        }
    }
    Ok(n_bytes)
}

fn change(root: &Path, n_files: usize) -> Result<(), RepoError> {
    for file_idx in 0..n_files {
        let path = root.join(format!("p{}/m{}/f{file_idx}.py", file_idx % 50, file_idx / 50 % 20));
        let changed = std::fs::write(&path, format!("changed = {file_idx}\n"));
        changed.map_err(|source| RepoError::Io { action: "change", path, source })?;
    }
    Ok(())
}
