//! Git: a tree whose `.git`, attributes and nested repositories belong to someone hostile.
//!
//! The control is a plain git command in that tree, as a tool would run it. What is attacked is everything the host does
//! with a tree: comparing, copying, recording and reading it.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wright_repo::{CommitId, History, Repository, SkipReason, Snapshot, Worktree};

use super::{Control, Played, Row, Through};
use crate::fixture::Fixture;

pub(crate) const ROWS: &[Row] = &[
    Row { id: "G1", title: "hooks in .git/hooks", play: hooks },
    Row { id: "G2", title: "core.fsmonitor", play: fsmonitor },
    Row { id: "G3", title: "core.hooksPath", play: hooks_path },
    Row { id: "G4", title: "filter clean, smudge and process", play: filters },
    Row { id: "G5", title: "textconv, diff.command and diff.external", play: diffs },
    Row { id: "G6", title: "merge driver", play: merge_driver },
    Row { id: "G7", title: "core.sshCommand and ext:: transport", play: transports },
    Row { id: "G8", title: "gpg, editor, pager, credential helper", play: helpers },
    Row { id: "G9", title: ".git file that redirects", play: redirect },
    Row { id: "G10", title: ".git replaced by another repository", play: replaced },
    Row { id: "G11", title: "nested repository with hooks and configuration", play: nested },
    Row { id: "G12", title: "embedded bare repository", play: embedded_bare },
    Row { id: "G13", title: ".gitmodules with update=!command and CR in a path", play: gitmodules },
    Row { id: "G14", title: "alternates and objects that lead outside", play: alternates },
    Row { id: "G15", title: "hostile objects", play: objects },
    Row { id: "G16", title: "names that other file systems take for .git", play: names },
    Row { id: "G17", title: "refs named like options or with ..", play: refs },
    Row { id: "G18", title: "stale locks and an empty nested repository", play: locks },
];

/// A tree with a `.git` lent to it, its history, and a program that leaves a mark when it is run.
struct Hostile {
    fixture: Fixture,
    worktree: Worktree,
    history: History,
    through: Through,
    control: Control,
}

impl Hostile {
    fn new() -> Self {
        let fixture = Fixture::with(&[("a.txt", b"a\n"), ("dir/b.txt", b"b\n")]);
        let repo = fixture.repo();
        let head = repo.head().unwrap();
        let worktree = repo.export(&head, &fixture.beside("tree")).unwrap();
        let history = repo.create_history(&head, &fixture.beside("history")).unwrap();
        history.lend_git(&worktree).unwrap();
        let this = Self { fixture, worktree, history, through: Through::default(), control: Control::Succeeds };
        let script = format!("#!/bin/sh\ntouch {}\n", this.mark().display());
        std::fs::write(this.script(), script).unwrap();
        std::fs::set_permissions(this.script(), PermissionsExt::from_mode(0o755)).unwrap();
        this
    }

    fn tree(&self) -> &Path {
        self.worktree.root()
    }

    fn mark(&self) -> PathBuf {
        self.fixture.beside("mark")
    }

    fn script(&self) -> PathBuf {
        self.fixture.beside("evil")
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.tree().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Runs plain git in the tree, which may fail; returns what it said.
    fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> (bool, String) {
        self.git_in(self.tree(), args)
    }

    fn git_in<S: AsRef<OsStr>>(&self, folder: &Path, args: impl IntoIterator<Item = S>) -> (bool, String) {
        // Some tricks leave git waiting for an answer.
        let mut git = Command::new("timeout");
        git.args(["20", "git"])
            .current_dir(folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        git.env("GIT_AUTHOR_NAME", "a").env("GIT_AUTHOR_EMAIL", "a@example.com");
        git.env("GIT_COMMITTER_NAME", "a").env("GIT_COMMITTER_EMAIL", "a@example.com");
        let output = git.args(args).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said.trim().to_owned())
    }

    fn config(&self, key: &str, value: &str) {
        let (is_set, said) = self.git(["config", key, value]);
        assert!(is_set, "{said}");
    }

    fn config_script(&self, keys: &[&str]) {
        for key in keys {
            self.config(key, self.script().to_str().unwrap());
        }
    }

    /// Changes a file, keeping its size, so that git has to look at the content.
    fn touch(&self) {
        self.write("a.txt", "c\n");
    }

    /// Does everything that the host does with a tree, and notes when that ran something.
    fn attack(&mut self) -> Option<Snapshot> {
        let tree = &self.worktree;
        tree.changes(|_| true).unwrap();
        tree.patch_of(&["a.txt".into()]).ok();
        tree.source_files(10).unwrap();
        tree.fork(&self.fixture.beside("fork")).unwrap();
        std::fs::remove_dir_all(self.fixture.beside("fork")).unwrap();
        let snapshot = self.history.snapshot(tree, "attacked").ok();
        let repo = self.fixture.repo();
        repo.open_worktree(tree.base(), tree.root()).unwrap().changes(|_| true).unwrap();
        repo.status().unwrap();
        let ran = self.mark().exists();
        self.through.unless(!ran, "the host ran a program of the tree");
        snapshot
    }

    /// Runs plain git commands, the last of which must leave the mark.
    fn control(&mut self, commands: &[&[&str]]) {
        std::fs::remove_file(self.mark()).ok();
        let mut said = String::new();
        for command in commands {
            said = self.git(*command).1;
        }
        let ran = self.mark().exists();
        self.note_control(ran, &format!("git {} did not run it: {said}", commands.last().unwrap().join(" ")));
        std::fs::remove_file(self.mark()).ok();
    }

    fn note_control(&mut self, succeeds: bool, what: &str) {
        let control = std::mem::replace(&mut self.control, Control::Succeeds);
        self.control = control.and(Control::expect(succeeds, what));
    }

    fn played(self) -> Played {
        self.through.with(self.control)
    }

    /// Lists the paths of a recorded commit.
    fn recorded(&self, commit: &CommitId) -> Vec<String> {
        let git_dir = format!("--git-dir={}", self.history.folder().display());
        let listed = self.git([git_dir.as_str(), "ls-tree", "-r", "-z", "--name-only", commit.as_str()]).1;
        listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    /// Says whether the history, with what it borrows, has an object.
    fn history_has(&self, object: &str) -> bool {
        let git_dir = format!("--git-dir={}", self.history.folder().display());
        self.git([git_dir.as_str(), "cat-file", "-e", object]).0
    }
}

fn hooks() -> Played {
    let mut it = Hostile::new();
    for hook in ["pre-commit", "post-commit", "post-checkout", "reference-transaction", "post-index-change"] {
        std::fs::create_dir_all(it.tree().join(".git/hooks")).unwrap();
        std::fs::copy(it.script(), it.tree().join(".git/hooks").join(hook)).unwrap();
    }
    it.touch();
    it.attack();
    it.control(&[&["commit", "-q", "-a", "-m", "x"]]);
    it.control(&[&["checkout", "-q", "-b", "other"]]);
    it.played()
}

fn fsmonitor() -> Played {
    let mut it = Hostile::new();
    it.config_script(&["core.fsmonitor"]);
    it.touch();
    it.attack();
    it.control(&[&["status"]]);
    it.control(&[&["add", "-A"]]);
    it.played()
}

fn hooks_path() -> Played {
    let mut it = Hostile::new();
    it.write("hooks/pre-commit", std::fs::read(it.script()).unwrap());
    let hook = it.tree().join("hooks/pre-commit");
    std::fs::set_permissions(hook, PermissionsExt::from_mode(0o755)).unwrap();
    it.config("core.hooksPath", "hooks");
    it.touch();
    it.attack();
    it.control(&[&["commit", "-q", "-a", "-m", "x"]]);
    it.played()
}

fn filters() -> Played {
    let mut all = Hostile::new();
    for (key, command) in [
        ("filter.evil.clean", &["add", "a.txt"][..]),
        ("filter.evil.smudge", &["checkout", "--", "a.txt"]),
        ("filter.evil.process", &["add", "a.txt"]),
    ] {
        let mut it = Hostile::new();
        it.config_script(&[key]);
        it.write(".gitattributes", "* filter=evil\n");
        it.write(".git/info/attributes", "* filter=evil\n");
        it.touch();
        it.attack();
        it.control(&[command]);
        all.absorb(it);
    }
    all.played()
}

fn diffs() -> Played {
    let mut all = Hostile::new();
    for (key, attributes) in
        [("diff.evil.textconv", "* diff=evil\n"), ("diff.evil.command", "* diff=evil\n"), ("diff.external", "")]
    {
        let mut it = Hostile::new();
        it.config_script(&[key]);
        it.write(".gitattributes", attributes);
        it.touch();
        it.attack();
        it.control(&[&["diff"]]);
        all.absorb(it);
    }
    all.played()
}

impl Hostile {
    /// Adds what came of another case of the same row.
    fn absorb(&mut self, other: Self) {
        let played = other.played();
        self.through.0.extend(played.through);
        let control = std::mem::replace(&mut self.control, Control::Succeeds);
        self.control = control.and(played.control);
    }
}

fn merge_driver() -> Played {
    let mut it = Hostile::new();
    it.config_script(&["merge.evil.driver"]);
    it.write(".gitattributes", "* merge=evil\n");
    let branch = |name: &str, text: &str| {
        it.git(["checkout", "-q", "-f", "-b", name, "main"]);
        it.write("a.txt", text);
        it.git(["commit", "-q", "-a", "-m", name]);
    };
    branch("one", "one\n");
    branch("two", "two\n");
    it.attack();
    it.control(&[&["merge", "one"]]);
    it.played()
}

fn transports() -> Played {
    let mut all = Hostile::new();
    let mut ssh = Hostile::new();
    ssh.config_script(&["core.sshCommand"]);
    ssh.config("remote.origin.url", "ssh://example.invalid/x");
    ssh.attack();
    ssh.control(&[&["fetch", "origin"]]);
    all.absorb(ssh);
    let mut ext = Hostile::new();
    ext.config("protocol.ext.allow", "always");
    ext.config("remote.origin.url", &format!("ext::{}", ext.script().display()));
    ext.attack();
    ext.control(&[&["fetch", "origin"]]);
    all.absorb(ext);
    all.played()
}

fn helpers() -> Played {
    let mut all = Hostile::new();
    let mut gpg = Hostile::new();
    gpg.config_script(&["gpg.program"]);
    gpg.config("commit.gpgSign", "true");
    gpg.touch();
    gpg.attack();
    gpg.control(&[&["commit", "-q", "-a", "-m", "x"]]);
    all.absorb(gpg);
    let mut editor = Hostile::new();
    editor.config_script(&["core.editor"]);
    editor.touch();
    editor.attack();
    editor.control(&[&["commit", "-a"]]);
    all.absorb(editor);
    let mut pager = Hostile::new();
    pager.config_script(&["core.pager", "pager.log", "interactive.diffFilter"]);
    pager.attack();
    // A pager needs a terminal, which `script` makes.
    let line = format!("cd {} && timeout 20 git log", pager.tree().display());
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null());
    match terminal.output() {
        Ok(output) => {
            let ran = pager.mark().exists();
            pager.note_control(ran, &format!("the pager did not run: {}", String::from_utf8_lossy(&output.stdout)));
        }
        Err(_) => pager.control = Control::NotPossibleHere("a pager needs a terminal, and there is no `script`".into()),
    }
    all.absorb(pager);
    let mut credential = Hostile::new();
    credential.config_script(&["credential.helper"]);
    credential.attack();
    let ask = format!(
        "cd {} && printf 'protocol=https\\nhost=x\\n\\n' | GIT_TERMINAL_PROMPT=0 timeout 20 git credential fill",
        credential.tree().display()
    );
    Command::new("sh").args(["-c", &ask]).output().unwrap();
    let ran = credential.mark().exists();
    credential.note_control(ran, "the credential helper did not run");
    all.absorb(credential);
    all.played()
}

fn redirect() -> Played {
    let mut it = Hostile::new();
    it.config_script(&["core.fsmonitor"]);
    std::fs::rename(it.tree().join(".git"), it.tree().join("elsewhere")).unwrap();
    it.write(".git", "gitdir: elsewhere\n");
    it.touch();
    let snapshot = it.attack().unwrap();
    let recorded = it.recorded(&snapshot.commit);
    it.through.unless(!recorded.iter().any(|name| name == ".git"), "a .git file was recorded");
    it.control(&[&["status"]]);
    it.played()
}

fn replaced() -> Played {
    let mut it = Hostile::new();
    std::fs::remove_dir_all(it.tree().join(".git")).unwrap();
    it.git(["init", "-q"]);
    it.config_script(&["core.fsmonitor"]);
    it.write(".git/info/attributes", "* filter=evil\n");
    it.config_script(&["filter.evil.clean"]);
    it.touch();
    it.attack();
    it.control(&[&["status"]]);
    it.control(&[&["add", "-A"]]);
    it.played()
}

fn nested() -> Played {
    let mut it = Hostile::new();
    let sub = it.tree().join("vendor/sub");
    it.write("vendor/sub/code.py", "x = 1\n");
    it.git_in(&sub, ["init", "-q"]);
    it.git_in(&sub, ["add", "-A"]);
    it.git_in(&sub, ["commit", "-q", "-m", "x"]);
    it.git_in(&sub, ["config", "core.fsmonitor", it.script().to_str().unwrap()]);
    std::fs::create_dir_all(sub.join(".git/hooks")).unwrap();
    std::fs::copy(it.script(), sub.join(".git/hooks/pre-commit")).unwrap();
    let snapshot = it.attack().unwrap();
    let recorded = it.recorded(&snapshot.commit);
    it.through.unless(recorded.iter().any(|name| name == "vendor/sub/code.py"), "a nested file was not taken");
    it.through.unless(!recorded.iter().any(|name| name.contains(".git/")), "a nested git folder was recorded");
    let is_told = snapshot.left_out.iter().any(|it| it.reason == SkipReason::NestedRepository);
    it.through.unless(is_told, "the nested repository was not reported");
    it.control(&[&["-C", "vendor/sub", "status"]]);
    it.control(&[&["add", "vendor/sub"], &["status"]]);
    it.played()
}

fn embedded_bare() -> Played {
    let mut it = Hostile::new();
    let bare = it.tree().join("docs/bare");
    std::fs::create_dir_all(&bare).unwrap();
    it.git_in(&bare, ["init", "-q", "--bare", "."]);
    it.git_in(&bare, ["config", "core.bare", "false"]);
    it.git_in(&bare, ["config", "core.worktree", "../.."]);
    it.git_in(&bare, ["config", "core.fsmonitor", it.script().to_str().unwrap()]);
    it.attack();
    let found = Repository::discover(&bare);
    it.through.unless(!it.mark().exists(), "looking for a repository ran it");
    it.through.unless(found.map_or(true, |found| found.root() != it.tree()), "the bare repository was believed");
    it.control(&[&["-C", "docs/bare", "status"]]);
    it.played()
}

fn gitmodules() -> Played {
    let mut it = Hostile::new();
    let other = Fixture::with(&[("x", b"x")]);
    let url = other.root().display().to_string();
    it.git(["-c", "protocol.file.allow=always", "submodule", "add", "-q", &url, "sub"]);
    it.git(["commit", "-q", "-m", "sub"]);
    it.control(&[
        &["config", "submodule.sub.update", &format!("!{}", it.script().display())],
        &["-c", "protocol.file.allow=always", "submodule", "update", "--init", "--force"],
    ]);
    std::fs::remove_dir_all(it.tree().join("sub")).unwrap();
    for text in [
        "[submodule \"x\"]\n\tpath = sub\n\turl = ../x\n\tupdate = !touch ../mark\n".to_owned(),
        "[submodule \"x\"]\n\tpath = -u./payload\n\turl = ../x\n".to_owned(),
        "[submodule \"../../evil\"]\n\tpath = sub\n\turl = ../x\n".to_owned(),
        "[submodule \"x\"]\n\tpath = sub\n\turl = --upload-pack=touch\n".to_owned(),
        "[submodule \"x\"]\n\tpath = sub\n\turl = https://example.invalid%0ahost=evil/x\n".to_owned(),
    ] {
        it.write(".gitmodules", &text);
        let changes = it.worktree.changes(|_| true).unwrap();
        let listed = wright_repo::protected::protected_changes(&changes);
        it.through
            .unless(listed.iter().any(|it| it.path == Path::new(".gitmodules")), "nobody is asked about .gitmodules");
        let recorded = it.history.snapshot(&it.worktree, "x");
        it.through.unless(recorded.is_err(), format!("recorded {text:?}"));
    }
    // A carriage return at the end of a path (CVE-2025-48384): recorded as text at most, and acted on by nothing.
    it.write(".gitmodules", "[submodule \"x\"]\n\tpath = \"sub\r\"\n\turl = ../x\n");
    it.attack();
    it.played()
}

fn alternates() -> Played {
    let mut it = Hostile::new();
    let victim = Fixture::with(&[("id_rsa", b"a private key\n")]);
    let secret = victim.git(["rev-parse", "HEAD:id_rsa"]);
    let objects = victim.root().join(".git/objects");
    it.write(".git/objects/info/alternates", format!("{}\n", objects.display()));
    it.write(".git/info/alternates", format!("{}\n", objects.display()));
    let read = it.git(["cat-file", "-p", &secret]).1;
    it.note_control(read == "a private key", &format!("plain git did not read it: {read}"));
    it.attack();
    it.through.unless(!it.history_has(&secret), "the history borrows from where the tree says");
    std::fs::remove_dir_all(it.tree().join(".git/objects")).unwrap();
    symlink(&objects, it.tree().join(".git/objects")).unwrap();
    symlink(victim.root(), it.tree().join("objects")).unwrap();
    let snapshot = it.attack();
    it.through.unless(!it.history_has(&secret), "the history followed a link");
    let recorded = snapshot.map(|snapshot| it.recorded(&snapshot.commit)).unwrap_or_default();
    it.through.unless(recorded.iter().any(|name| name == "objects"), "a link was not recorded as a link");
    let borrowed = std::fs::read_to_string(it.history.folder().join("objects/info/alternates")).unwrap();
    let expected = format!("{}\n", it.fixture.root().join(".git/objects").display());
    it.through.unless(borrowed == expected, "the history borrows from somewhere else");
    it.played()
}

fn objects() -> Played {
    let mut it = Hostile::new();
    // A tree object that holds a `.git`, which git would never write by itself.
    let mut content = b"40000 .git\0".to_vec();
    let empty = it.git(["hash-object", "-w", "-t", "tree", "/dev/null"]).1;
    content.extend((0..empty.len()).step_by(2).map(|at| u8::from_str_radix(&empty[at..at + 2], 16).unwrap()));
    it.write("object", &content);
    let tree = it.git(["hash-object", "-w", "-t", "tree", "--literally", "object"]).1;
    let commit = it.git(["commit-tree", "-m", "x", &tree]).1;
    it.git(["update-ref", "refs/heads/main", &commit]);
    let clone = it.fixture.beside("clone");
    it.git(["init", "-q", clone.to_str().unwrap()]);
    it.git_in(&clone, ["fetch", "-q", it.tree().to_str().unwrap(), "main"]);
    let arrived = it.git_in(&clone, ["cat-file", "-e", &tree]).0;
    it.note_control(arrived, "a plain fetch did not bring the object");
    it.attack();
    it.through.unless(!it.history_has(&tree), "the object is in the history");
    // The same object in the user's repository, and an export of it.
    let written = it.fixture.git_with(["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &content);
    let commit = CommitId::parse(&it.fixture.git(["commit-tree", "-m", "x", &written])).unwrap();
    let exported = it.fixture.repo().export(&commit, &it.fixture.beside("exported"));
    let is_clean = exported.is_ok_and(|exported| !exported.root().join(".git").exists());
    it.through.unless(is_clean, "an export made a git folder");
    it.played()
}

fn names() -> Played {
    let mut it = Hostile::new();
    let hostile = [
        ".GIT/config",
        "git~1/config",
        "sub/.git /config",
        "sub/.git./config",
        "sub/.g\u{200c}it/config",
        "sub/.g\u{200b}it/hooks/x",
        "sub/.git::$INDEX_ALLOCATION/config",
        "sub/.Git/config",
        "sub\\.git\\config",
    ];
    for path in hostile {
        it.write(path, "[core]\n\tfsmonitor = touch ../mark\n");
    }
    let snapshot = it.attack().unwrap();
    let recorded = it.recorded(&snapshot.commit);
    it.through.unless(recorded == ["a.txt", "dir/b.txt"], format!("recorded: {recorded:?}"));
    let patch = it.worktree.changes(|_| true).unwrap().patch;
    it.through.unless(patch.files.is_empty(), format!("in the patch: {:?}", patch.files.keys()));
    for key in ["core.protectHFS", "core.protectNTFS"] {
        it.config(key, "false");
    }
    it.git(["add", "git~1"]);
    let added = it.git(["ls-files"]).1;
    it.note_control(added.contains("git~1/config"), &format!("plain git took none of them: {added}"));
    it.played()
}

fn refs() -> Played {
    let mut it = Hostile::new();
    let mark = it.mark();
    let name = format!("--output={}", mark.display());
    let head = it.fixture.git(["rev-parse", "HEAD"]);
    // The name of a branch may not hold slashes in a row, so it is written as git would keep it.
    let file = it.fixture.root().join(".git/packed-refs");
    std::fs::write(&file, format!("{head} refs/heads/{}\n", name.replace("//", "/"))).unwrap();
    let repo = it.fixture.repo();
    for name in [name.as_str(), "--all", "--exec=touch x", "../../HEAD", "a..b", "-", "@{-1}", "HEAD^{/x", ":/x"] {
        if let Ok(commit) = repo.resolve(name) {
            it.through.unless(commit.as_str() == head, format!("{name} leads elsewhere"));
        }
        it.through.unless(CommitId::parse(name).is_err(), format!("{name} is taken for a commit"));
    }
    it.through.unless(!mark.exists(), "a name was taken for an option");
    it.attack();
    it.fixture.try_git(["log", &name], b"");
    let written = mark.exists();
    it.note_control(written, "plain git did not take the name for an option");
    it.played()
}

fn locks() -> Played {
    let mut it = Hostile::new();
    std::fs::create_dir_all(it.tree().join("nested/.git")).unwrap();
    it.git_in(&it.tree().join("nested"), ["init", "-q"]);
    let add = it.git(["add", "-A"]);
    it.note_control(!add.0, "a nested repository without commits does not stop plain git");
    std::fs::remove_dir_all(it.tree().join("nested")).unwrap();
    it.write(".git/index.lock", "");
    let add = it.git(["add", "-A"]);
    it.note_control(!add.0, "a stale lock does not stop plain git");
    std::fs::create_dir(it.tree().join("nested")).unwrap();
    it.git_in(&it.tree().join("nested"), ["init", "-q"]);
    it.write("new.txt", "n\n");
    let folder = it.history.folder().to_path_buf();
    std::fs::create_dir_all(folder.join("refs/wright/snapshots")).unwrap();
    for lock in ["index.lock", "HEAD.lock", "config.lock", "refs/wright/snapshots/00000001.lock"] {
        std::fs::write(folder.join(lock), "").unwrap();
    }
    std::fs::create_dir(folder.join("incoming-left-behind")).unwrap();
    it.history = it.fixture.repo().open_history(it.worktree.base(), &folder).unwrap();
    it.through.unless(!folder.join("incoming-left-behind").exists(), "a quarantine was left behind");
    let snapshot = it.attack();
    let recorded = snapshot.map(|snapshot| it.recorded(&snapshot.commit)).unwrap_or_default();
    it.through.unless(recorded.iter().any(|name| name == "new.txt"), "a lock stopped the snapshot");
    it.played()
}
