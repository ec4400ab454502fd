//! Files: names, links and special files that would lead the host out of a tree, or make it wait for ever.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, RenameFlags};
use wright_repo::{History, Omission, Repository, SkipReason, Worktree};
use wright_text::{FileChange, Patch};

use super::{Control, Played, Row, Through};
use crate::fixture::Fixture;

pub(crate) const ROWS: &[Row] = &[
    Row { id: "F1", title: ".. in a path", play: dot_dot },
    Row { id: "F2", title: "absolute path", play: absolute },
    Row { id: "F3", title: "folder swapped for a link while it is used", play: swap },
    Row { id: "F4", title: "link in the place of a file", play: link },
    Row { id: "F5", title: "named pipe, device and socket", play: special },
    Row { id: "F6", title: "hard link to a file outside", play: hard_link },
    Row { id: "F7", title: "patch into .git/hooks", play: patch_into_git },
    Row { id: "F8", title: "patch beyond a link", play: patch_beyond_link },
    Row { id: "F9", title: "rename, copy and link modes in a patch", play: patch_modes },
    Row { id: "F10", title: "entries that unpack outside", play: slip },
    Row { id: "F11", title: "predictable temporary names", play: temporary_names },
    Row { id: "F12", title: "search that follows links out", play: search },
];

const SECRET: &str = "the host's secret";

/// A tree beside a folder of the host's that holds a secret.
struct Place {
    fixture: Fixture,
    repo: Repository,
    worktree: Worktree,
    history: History,
    through: Through,
    control: Control,
}

impl Place {
    fn new() -> Self {
        let fixture = Fixture::with(&[("a.py", b"a = 1\n"), ("dir/b.py", b"b = 1\n")]);
        let repo = fixture.repo();
        let head = repo.head().unwrap();
        let worktree = repo.export(&head, &fixture.beside("tree")).unwrap();
        let history = repo.create_history(&head, &fixture.beside("history")).unwrap();
        let this = Self { fixture, repo, worktree, history, through: Through::default(), control: Control::Succeeds };
        std::fs::create_dir(this.outside("")).unwrap();
        std::fs::write(this.outside("secret.py"), SECRET).unwrap();
        this
    }

    fn tree(&self) -> &Path {
        self.worktree.root()
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.fixture.beside("outside").join(name)
    }

    fn control(&mut self, succeeds: bool, what: &str) {
        let control = std::mem::replace(&mut self.control, Control::Succeeds);
        self.control = control.and(Control::expect(succeeds, what));
    }

    /// Does everything that reads a tree, and notes when the secret shows up in any of it.
    fn read_everything(&mut self) {
        let changes = self.worktree.changes(|_| true).unwrap();
        let in_patch = changes.patch.to_unified_diff().contains(SECRET);
        self.through.unless(!in_patch, "the secret is in the patch");
        let sources = self.worktree.source_files(100).unwrap();
        let in_sources = sources.iter().any(|path| self.worktree.read(path).is_ok_and(|text| text.contains(SECRET)));
        self.through.unless(!in_sources, "the secret is among the sources");
        let snapshot = self.history.snapshot(&self.worktree, "x").unwrap();
        let back = self.fixture.beside("back");
        self.history.export(&snapshot.commit, &back).unwrap();
        self.through.unless(!holds_secret(&back), "the secret is in the history");
        std::fs::remove_dir_all(&back).unwrap();
    }

    fn played(mut self) -> Played {
        let kept = std::fs::read_to_string(self.outside("secret.py")).unwrap();
        self.through.unless(kept == SECRET, "the secret was written to");
        let names = std::fs::read_dir(self.outside("")).unwrap().count();
        self.through.unless(names == 1, "something was put outside");
        self.through.with(self.control)
    }
}

fn holds_secret(folder: &Path) -> bool {
    let said = Command::new("grep").args(["-r", "-l", SECRET]).arg(folder).stdin(Stdio::null()).output().unwrap();
    !said.stdout.is_empty()
}

fn patch(path: &str, before: Option<&str>, after: Option<&str>) -> Patch {
    let change = FileChange { before: before.map(str::to_owned), after: after.map(str::to_owned) };
    Patch { files: [(PathBuf::from(path), change)].into() }
}

fn dot_dot() -> Played {
    let mut it = Place::new();
    for path in ["../outside/new", "dir/../../outside/new", "..", "dir/..", "./../outside/new", "..\\outside"] {
        it.through.unless(it.worktree.write(Path::new(path), "x").is_err(), format!("wrote {path}"));
        it.through.unless(it.worktree.read(Path::new(path)).is_err(), format!("read {path}"));
        it.through.unless(it.worktree.remove(Path::new(path)).is_err(), format!("removed {path}"));
        let applied = it.repo.apply(&patch(path, None, Some("x")), &it.repo.head().unwrap());
        it.through.unless(applied.is_err(), format!("applied {path}"));
    }
    let read = std::fs::read_to_string(it.tree().join("../outside/secret.py"));
    it.control(read.is_ok_and(|text| text == SECRET), "the plain way does not leave the tree");
    it.played()
}

fn absolute() -> Played {
    let mut it = Place::new();
    let path = it.outside("secret.py");
    it.through.unless(it.worktree.read(&path).is_err(), "read it");
    it.through.unless(it.worktree.write(&path, "x").is_err(), "wrote it");
    it.through.unless(it.worktree.remove(&path).is_err(), "removed it");
    let applied = it.repo.apply(&patch(path.to_str().unwrap(), Some(SECRET), Some("x")), &it.repo.head().unwrap());
    it.through.unless(applied.is_err(), "applied it");
    let read = std::fs::read_to_string(it.tree().join(&path));
    it.control(read.is_ok_and(|text| text == SECRET), "joining does not replace the root");
    it.played()
}

/// A thread that swaps a folder for a link to outside and back, until it is dropped.
fn swapping(tree: &Path, outside: &Path, work: impl FnOnce()) {
    symlink(outside, tree.join("other")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, tree.join("dir"), CWD, tree.join("other"), RenameFlags::EXCHANGE)
                    .unwrap();
            }
        });
        work();
        stop.store(true, Ordering::Relaxed);
    });
}

fn swap() -> Played {
    const N_TRIES: usize = 20_000;
    let mut it = Place::new();
    std::fs::write(it.tree().join("dir/secret.py"), "harmless").unwrap();
    let tree = it.tree().to_path_buf();
    let (mut n_escaped, mut n_escaped_plainly) = (0, 0);
    swapping(&tree, &it.outside(""), || {
        for _ in 0..N_TRIES {
            let read = it.worktree.read(Path::new("dir/secret.py"));
            n_escaped += usize::from(read.is_ok_and(|text| text == SECRET));
        }
        // The plain way: resolve, compare with the root, open. It gets as many tries as it needs, within reason.
        let begun = Instant::now();
        while n_escaped_plainly == 0 && begun.elapsed() < Duration::from_secs(60) {
            let path = tree.join("dir/secret.py");
            let is_inside = path.canonicalize().is_ok_and(|real| real.starts_with(&tree));
            let read = if is_inside { std::fs::read_to_string(&path).ok() } else { None };
            n_escaped_plainly += usize::from(read.is_some_and(|text| text == SECRET));
        }
    });
    it.through.unless(n_escaped == 0, format!("{n_escaped} of {N_TRIES} reads escaped"));
    it.control(n_escaped_plainly > 0, "resolve, compare and open did not lose the race");
    it.played()
}

fn link() -> Played {
    let mut it = Place::new();
    std::fs::remove_file(it.tree().join("a.py")).unwrap();
    symlink(it.outside("secret.py"), it.tree().join("a.py")).unwrap();
    symlink("../outside", it.tree().join("out")).unwrap();
    symlink("a.py", it.tree().join("chain.py")).unwrap();
    for path in ["a.py", "chain.py", "out/secret.py"] {
        it.through.unless(it.worktree.read(Path::new(path)).is_err(), format!("read {path}"));
        it.through.unless(it.worktree.write(Path::new(path), "x").is_err(), format!("wrote {path}"));
    }
    it.read_everything();
    let read = std::fs::read_to_string(it.tree().join("chain.py"));
    it.control(read.is_ok_and(|text| text == SECRET), "a plain read does not follow the link");
    it.played()
}

fn special() -> Played {
    let mut it = Place::new();
    let pipe = |path: &str| {
        let path = it.tree().join(path);
        std::fs::remove_file(&path).ok();
        rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    };
    pipe("a.py");
    pipe("new.py");
    pipe(".gitignore");
    pipe("dir/.gitignore");
    let _socket = std::os::unix::net::UnixListener::bind(it.tree().join("socket")).unwrap();
    let device = rustix::fs::makedev(1, 5);
    // Only root can make one; `/dev/zero` has no end.
    rustix::fs::mknodat(CWD, it.tree().join("zero"), FileType::CharacterDevice, Mode::from_raw_mode(0o666), device)
        .ok();
    it.through.unless(it.worktree.read(Path::new("a.py")).is_err(), "read a pipe");
    it.read_everything();
    let changes = it.worktree.changes(|_| true).unwrap();
    let is_told = changes.omitted.iter().any(|it| it.path == Path::new("a.py") && it.reason == Omission::NotAFile);
    it.through.unless(is_told, "the pipe in the place of a file was not reported");
    let fork = it.worktree.fork(&it.fixture.beside("fork")).unwrap();
    let is_told =
        fork.skipped().iter().any(|it| it.path == Path::new("new.py") && it.reason == SkipReason::SpecialFile);
    it.through.unless(is_told, "the copy did not report the pipe");
    let waits = waits_for_ever(&it.tree().join("a.py"));
    it.control(waits, "a plain read of a pipe does not wait");
    it.played()
}

/// Says whether reading a file takes longer than any file takes.
fn waits_for_ever(path: &Path) -> bool {
    let timeout = Command::new("timeout").arg("0.5").arg("cat").arg(path).stdin(Stdio::null()).output().unwrap();
    timeout.status.code() == Some(124)
}

fn hard_link() -> Played {
    let mut it = Place::new();
    let secret = it.outside("secret.py");
    for name in ["new.py", "a.py"] {
        std::fs::remove_file(it.tree().join(name)).ok();
        std::fs::hard_link(&secret, it.tree().join(name)).unwrap();
    }
    it.through.unless(it.worktree.read(Path::new("new.py")).is_err(), "read it");
    it.read_everything();
    it.worktree.write(Path::new("new.py"), "x").unwrap();
    it.control(std::fs::read_to_string(it.tree().join("a.py")).is_ok_and(|text| text == SECRET), "cannot be read");
    let kept = std::fs::read_to_string(&secret).unwrap();
    it.through.unless(kept == SECRET, "writing went through the link");
    std::fs::write(it.tree().join("a.py"), "overwritten").unwrap();
    let written = std::fs::read_to_string(&secret).unwrap() == "overwritten";
    it.control(written, "a plain write does not go through");
    std::fs::write(&secret, SECRET).unwrap();
    it.played()
}

/// Applies a diff in git's format the plain way.
fn apply_plainly<S: AsRef<OsStr>>(folder: &Path, program: &str, args: &[S], diff: &str) {
    let mut child = Command::new(program);
    child.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(diff.as_bytes()).unwrap();
    child.wait().unwrap();
}

fn patch_into_git() -> Played {
    let mut it = Place::new();
    let head = it.repo.head().unwrap();
    for path in [".git/hooks/pre-commit", ".GIT/hooks/pre-commit", "git~1/hooks/x", "sub/.git/config", ".g\u{200c}it/x"]
    {
        it.through.unless(it.repo.apply(&patch(path, None, Some("x")), &head).is_err(), format!("applied {path}"));
    }
    let hook = it.fixture.root().join(".git/hooks/pre-commit");
    it.through.unless(!hook.exists(), "the hook is there");
    let diff = "--- /dev/null\n+++ b/.git/hooks/pre-commit\n@@ -0,0 +1 @@\n+x\n";
    apply_plainly(&it.fixture.root(), "patch", &["-p1", "--silent"], diff);
    it.control(hook.exists(), "`patch` does not write hooks");
    it.played()
}

fn patch_beyond_link() -> Played {
    let mut it = Place::new();
    symlink(it.outside(""), it.fixture.root().join("out")).unwrap();
    let head = it.repo.head().unwrap();
    it.through.unless(it.repo.apply(&patch("out/new", None, Some("x")), &head).is_err(), "applied it");
    it.through.unless(it.repo.apply(&patch("out/secret.py", Some(SECRET), None), &head).is_err(), "removed it");
    std::fs::write(it.fixture.root().join("out/plain"), "x").unwrap();
    let plainly = it.outside("plain");
    it.control(plainly.exists(), "a plain write does not go beyond the link");
    std::fs::remove_file(plainly).unwrap();
    it.played()
}

fn patch_modes() -> Played {
    let mut it = Place::new();
    std::fs::remove_file(it.tree().join("a.py")).unwrap();
    symlink("/etc/passwd", it.tree().join("a.py")).unwrap();
    symlink("/etc/passwd", it.tree().join("new")).unwrap();
    std::fs::rename(it.tree().join("dir/b.py"), it.tree().join("conftest.py")).unwrap();
    let run = it.tree().join("run.sh");
    std::fs::write(&run, "x").unwrap();
    std::fs::set_permissions(&run, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let changes = it.worktree.changes(|_| true).unwrap();
    it.through.unless(it.worktree.patch(|_| true).is_err(), "a patch was made of a link");
    let asked = wright_repo::protected::protected_changes(&changes);
    for path in ["a.py", "new", "conftest.py"] {
        it.through.unless(asked.iter().any(|it| it.path == Path::new(path)), format!("nobody is asked about {path}"));
    }
    it.repo.apply(&changes.patch, &it.repo.head().unwrap()).unwrap();
    let metadata = |name: &str| it.fixture.root().join(name).symlink_metadata();
    it.through.unless(metadata("a.py").is_ok_and(|found| found.is_file()), "a file became a link");
    it.through.unless(metadata("new").is_err(), "a link was made");
    let mode = |name: &str| metadata(name).map(|found| std::os::unix::fs::PermissionsExt::mode(&found.permissions()));
    it.through.unless(mode("run.sh").is_ok_and(|mode| mode & 0o111 == 0), "a file became executable");
    let diff = "diff --git a/evil b/evil\nnew file mode 120000\n--- /dev/null\n+++ b/evil\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n";
    apply_plainly(&it.fixture.root(), "git", &["apply", "-"], diff);
    let is_link = metadata("evil").is_ok_and(|found| found.is_symlink());
    it.control(is_link, "`git apply` does not make links");
    it.played()
}

fn slip() -> Played {
    let mut it = Place::new();
    let evil = it.fixture.blob("evil");
    for name in ["../outside/new", "/tmp/wright-slipped", "dir/../../outside/new", "..\\outside\\new", ".git"] {
        let commit = it.fixture.commit_tree(&[("100644", name, &evil)]);
        let worktree = it.repo.export(&commit, &it.fixture.beside("slipped")).unwrap();
        it.through.unless(worktree.tracked_files().count() == 0, format!("unpacked {name}"));
        it.through.unless(worktree.skipped().len() == 1, format!("did not report {name}"));
        std::fs::remove_dir_all(it.fixture.beside("slipped")).unwrap();
    }
    let link = it.fixture.blob("../outside");
    let commit = it.fixture.commit_tree(&[("120000", "link", &link), ("100644", "link/new", &evil)]);
    it.repo.export(&commit, &it.fixture.beside("slipped")).unwrap();
    it.through.unless(!it.outside("new").exists(), "unpacked through a link");
    // The plain way: write each name of the listing below the root.
    let folder = it.fixture.beside("plain");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("../outside/new"), "evil").unwrap();
    let slipped = it.outside("new");
    it.control(slipped.exists(), "joining names does not leave the folder");
    std::fs::remove_file(slipped).unwrap();
    it.played()
}

fn temporary_names() -> Played {
    let mut it = Place::new();
    let secret = it.outside("secret.py");
    for number in 0..64 {
        for ending in ["tmp", "old"] {
            let name = format!(".wright-{}-{number}.{ending}", std::process::id());
            symlink(&secret, it.tree().join(&name)).unwrap();
            symlink(&secret, it.fixture.root().join(name)).unwrap();
        }
    }
    it.worktree.write(Path::new("a.py"), "written").unwrap();
    let head = it.repo.head().unwrap();
    it.repo.apply(&patch("a.py", Some("a = 1\n"), Some("applied")), &head).unwrap();
    it.through.unless(it.fixture.read("a.py") == b"applied", "the planted names stopped the patch");
    // A destination that somebody prepared.
    symlink(it.outside(""), it.fixture.beside("planted")).unwrap();
    it.through.unless(it.repo.export(&head, &it.fixture.beside("planted")).is_err(), "exported through a link");
    it.through.unless(it.repo.create_history(&head, &it.fixture.beside("planted")).is_err(), "history through a link");
    std::fs::write(it.tree().join(format!(".wright-{}-0.tmp", std::process::id())), "overwritten").unwrap();
    let written = std::fs::read_to_string(&secret).unwrap() == "overwritten";
    it.control(written, "a plain write does not follow the planted link");
    std::fs::write(&secret, SECRET).unwrap();
    it.played()
}

fn search() -> Played {
    let mut it = Place::new();
    symlink(it.outside(""), it.tree().join("lib")).unwrap();
    symlink("/", it.tree().join("all")).unwrap();
    symlink(".", it.tree().join("loop")).unwrap();
    std::fs::remove_dir_all(it.tree().join("dir")).unwrap();
    std::fs::create_dir(it.outside("sub")).unwrap();
    std::fs::write(it.outside("sub/b.py"), SECRET).unwrap();
    symlink(it.outside("sub"), it.tree().join("dir")).unwrap();
    it.read_everything();
    let fork = it.worktree.fork(&it.fixture.beside("fork")).unwrap();
    std::fs::remove_dir_all(it.outside("sub")).unwrap();
    it.through.unless(!holds_secret(fork.root()), "the copy holds the secret");
    let found = Command::new("grep").args(["-R", "-l", SECRET, "lib"]).current_dir(it.tree()).output().unwrap();
    it.control(!found.stdout.is_empty(), "a plain search does not follow links");
    it.played()
}
