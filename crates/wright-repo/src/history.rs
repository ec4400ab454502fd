//! The history of a task: commits in a bare repository of our own, outside the tree that is worked in.
//!
//! Whoever works in a tree with a `.git` decides what the next git command there executes, so there is none of ours. The
//! user's objects are borrowed read-only ([`objects/info/alternates`]), and nothing is ever written to their repository.
//!
//! A snapshot is made by plumbing, never by `git add`: we read each file ourselves, beneath the tree and without following
//! links, and hand its bytes to git, so that no filter runs, no nested repository is entered and no lock that somebody
//! left behind is waited for. Git drops names that it refuses and still reports success, so the tree it wrote is compared
//! with what was meant. All new objects go through `index-pack --strict`, which checks them as `git fsck --strict` does,
//! before they enter the history; until then they are in a quarantine that is deleted.
//!
//! [`objects/info/alternates`]: https://git-scm.com/docs/gitrepository-layout

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::fs::{FileType, RenameFlags};

use crate::beneath::{self, Beneath, temporary_name};
use crate::commit::{self, CommitId, FileMode};
use crate::export::{self, FreshFolder, SkipReason, Skipped, copy_hashed};
use crate::git::{Git, malformed};
use crate::walk::{Descend, Entry, walk};
use crate::worktree::{Committed, Worktree};
use crate::{RepoError, path_rules};

/// The largest file that a snapshot holds.
pub const MAX_SNAPSHOT_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Where the snapshots of a task are named, with a number that sorts as text.
const REFS: &str = "refs/wright/snapshots";

/// How many numbers are tried for a snapshot: a lock that a killed process left behind makes its number unusable.
const MAX_NUMBERS: usize = 32;

/// What the names of quarantines begin with.
const INCOMING: &str = "incoming-";

/// The repository that records what happened in one task's tree.
#[derive(Debug, Clone)]
pub struct History {
    git: Git,
    base: CommitId,
}

/// One recorded state of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The commit that holds it.
    pub commit: CommitId,
    /// What is in the tree and not in the commit.
    pub left_out: Vec<Skipped>,
}

impl History {
    /// Makes the repository in a folder that does not exist yet, or is empty.
    pub(crate) fn create(user: &Git, folder: &Path, base: &CommitId) -> Result<Self, RepoError> {
        let objects = user.objects_folder()?;
        if objects.as_os_str().as_bytes().contains(&b'\n') {
            return Err(RepoError::UnsafePath { path: objects, reason: "its name holds a line break" });
        }
        let fresh = FreshFolder::create(folder)?;
        let git = Git::init_bare(folder, &user.object_format()?)?;
        write_alternates(&git.git_dir.join("objects"), &objects)?;
        fresh.keep();
        Ok(Self { git, base: base.clone() })
    }

    /// Opens a repository that [`History::create`] made, and removes what an interrupted snapshot left there.
    pub(crate) fn open(folder: &Path, base: &CommitId) -> Result<Self, RepoError> {
        let git = Git::open_bare(folder)?;
        for entry in std::fs::read_dir(&git.git_dir).map_err(RepoError::io("list", folder))?.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(INCOMING.as_bytes()) {
                std::fs::remove_dir_all(entry.path()).map_err(RepoError::io("remove", &entry.path()))?;
            }
        }
        Ok(Self { git, base: base.clone() })
    }

    /// Returns the bare repository.
    pub fn folder(&self) -> &Path {
        &self.git.git_dir
    }

    /// Lists the snapshots, the oldest first.
    pub fn snapshots(&self) -> Result<Vec<CommitId>, RepoError> {
        let listed = self.git.run(["for-each-ref", "--sort=refname", "--format=%(objectname)", REFS])?;
        String::from_utf8_lossy(&listed).lines().map(CommitId::parse).collect()
    }

    /// Records the tree as it is now, as a child of the latest snapshot, or of the base commit.
    ///
    /// Ignored files and what builds leave behind are not recorded; the rules are those of the base commit. Nothing may
    /// write to the tree meanwhile if the snapshot is to be a state that existed. If something does, the snapshot is
    /// still sound, only mixed.
    pub fn snapshot(&self, worktree: &Worktree, message: &str) -> Result<Snapshot, RepoError> {
        let parent = self.snapshots()?.pop().unwrap_or_else(|| self.base.clone());
        let quarantine = Quarantine::create(&self.git)?;
        let mut gathered = Gathered::default();
        quarantine.gather(worktree, &mut gathered)?;
        let tree = quarantine.write_tree(&mut gathered)?;
        let arguments = ["commit-tree", "--no-gpg-sign", "-p", parent.as_str(), "-F", "-", &tree];
        let commit = quarantine.git.feed(&with_identity(&arguments), |stdin| {
            stdin.write_all(message.as_bytes()).map_err(RepoError::io("write to git in", self.folder()))
        })?;
        let commit = CommitId::parse(String::from_utf8_lossy(&commit).trim())?;
        quarantine.release(&self.git, &commit, Some(&parent))?;
        self.name(&commit)?;
        gathered.left_out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Snapshot { commit, left_out: gathered.left_out })
    }

    /// Copies a snapshot into a folder that does not exist yet, or is empty.
    pub fn export(&self, snapshot: &CommitId, dest: &Path) -> Result<Worktree, RepoError> {
        export::export(&self.git, snapshot, dest)
    }

    /// Gives the tree a `.git` of its own, for commands that need one, holding the base commit's files without their history.
    ///
    /// It is thrown away with the tree: the host never reads it, so whatever is done to it decides nothing. To be called
    /// before anything untrusted runs in the tree; a tree that has a `.git` is refused.
    pub fn lend_git(&self, worktree: &Worktree) -> Result<(), RepoError> {
        let folder = self.folder().join(format!("{INCOMING}{}", temporary_name("lent").to_string_lossy()));
        let fresh = FreshFolder::create(&folder)?;
        self.fill_lent(&folder)?;
        let tree = worktree.open()?;
        let moved = rename_into(&folder.join(".git"), &tree);
        drop(fresh);
        moved
    }

    fn fill_lent(&self, folder: &Path) -> Result<(), RepoError> {
        let lent = Git::init_checkout(folder, &self.git.object_format()?)?;
        let tree = format!("{}^{{tree}}", self.base);
        let quarantine = Quarantine::create(&self.git)?;
        let commit = quarantine.git.run_line(with_identity(&["commit-tree", "-m", "base", &tree]))?;
        let commit = CommitId::parse(&commit)?;
        quarantine.release(&lent, &commit, None)?;
        lent.run(["update-ref", "refs/heads/main", commit.as_str()])?;
        lent.run(["read-tree", commit.as_str()])?;
        Ok(())
    }

    /// Gives the commit the next number.
    fn name(&self, commit: &CommitId) -> Result<(), RepoError> {
        let listed =
            self.git.run(["for-each-ref", "--sort=-refname", "--count=1", "--format=%(refname:lstrip=3)", REFS])?;
        let latest: usize = String::from_utf8_lossy(&listed).trim().parse().unwrap_or_default();
        let mut outcome = Ok(());
        for number in latest + 1..=latest + MAX_NUMBERS {
            let name = format!("{REFS}/{number:08}");
            // The empty old value says that there must be none.
            outcome = self.git.run(["update-ref", &name, commit.as_str(), ""]).map(drop);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

/// Moves a folder of ours into a tree as its `.git`, where nothing may be.
fn rename_into(from: &Path, tree: &Beneath) -> Result<(), RepoError> {
    let taken = || RepoError::UnsafePath { path: ".git".into(), reason: "the tree has one already" };
    if rustix::fs::statat(tree.dir(), ".git", rustix::fs::AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Err(taken());
    }
    let moved = rustix::fs::renameat_with(rustix::fs::CWD, from, tree.dir(), ".git", RenameFlags::NOREPLACE);
    moved.map_err(|error| match error {
        rustix::io::Errno::EXIST => taken(),
        error => RepoError::io("move into the tree", from)(error),
    })
}

fn write_alternates(objects: &Path, others: &Path) -> Result<(), RepoError> {
    let info = objects.join("info");
    std::fs::create_dir_all(&info).map_err(RepoError::io("create the folder", &info))?;
    let mut line = others.as_os_str().as_bytes().to_vec();
    line.push(b'\n');
    let file = info.join("alternates");
    std::fs::write(&file, line).map_err(RepoError::io("write", &file))
}

/// Puts the author before a command; git otherwise looks for one in places that are not there.
fn with_identity<'a>(command: &[&'a str]) -> Vec<&'a str> {
    let mut words =
        vec!["-c", "user.name=Codewright", "-c", "user.email=codewright@localhost", "-c", "commit.gpgSign=false"];
    words.extend(command);
    words
}

/// What a tree holds, as git will record it.
#[derive(Default)]
struct Gathered {
    entries: BTreeMap<PathBuf, IndexEntry>,
    left_out: Vec<Skipped>,
    n_blobs: usize,
}

struct IndexEntry {
    mode: FileMode,
    blob: Blob,
}

/// Content, by its name in git or by its number among the new ones.
#[derive(Clone)]
enum Blob {
    Known(String),
    New(usize),
}

impl Gathered {
    fn skip(&mut self, path: &Path, reason: SkipReason) {
        self.left_out.push(Skipped { path: path.to_path_buf(), reason });
    }
}

/// A folder of objects that are not part of the history yet. It is removed with everything in it.
struct Quarantine {
    folder: PathBuf,
    git: Git,
}

impl Drop for Quarantine {
    fn drop(&mut self) {
        // What stays behind is removed when the history is opened again.
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

impl Quarantine {
    fn create(git: &Git) -> Result<Self, RepoError> {
        let folder = git.git_dir.join(format!("{INCOMING}{}", temporary_name("new").to_string_lossy()));
        for part in ["", "info", "pack"] {
            let part = folder.join(part);
            std::fs::create_dir(&part).map_err(RepoError::io("create the folder", &part))?;
        }
        write_alternates(&folder, &git.git_dir.join("objects"))?;
        let git = git
            .clone()
            .with_variable("GIT_OBJECT_DIRECTORY", &folder)
            // Never the repository's own index, so that a lock somebody left behind is nobody's business.
            .with_variable("GIT_INDEX_FILE", folder.join("index"));
        Ok(Self { folder, git })
    }

    /// Reads the tree, and stores the content that git does not have yet.
    fn gather(&self, worktree: &Worktree, gathered: &mut Gathered) -> Result<(), RepoError> {
        let tree = worktree.open()?;
        let marks = self.folder.join("marks");
        // Relative to the git folder, where the command runs: that one's name may be anything.
        let quarantine = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let option = format!("--export-marks={quarantine}/marks");
        let arguments = ["fast-import", "--quiet", "--done", "--date-format=now", &option];
        self.git.feed(&arguments, |stdin| {
            let mut reader = Reader { tree: &tree, committed: worktree.committed(), gathered, stdin };
            let too_deep = walk(&tree, &mut |entry| reader.entry(entry))?;
            for path in too_deep {
                reader.gathered.skip(&path, SkipReason::TooDeep);
            }
            reader.send(b"done\n")
        })?;
        let names = std::fs::read_to_string(&marks).map_err(RepoError::io("read", &marks))?;
        resolve(gathered, &names)
    }

    /// Writes the tree and makes sure that git wrote what was meant.
    fn write_tree(&self, gathered: &mut Gathered) -> Result<String, RepoError> {
        self.git.feed(&["update-index", "-z", "--index-info"], |stdin| {
            for (path, entry) in &gathered.entries {
                let Blob::Known(blob) = &entry.blob else { continue };
                write_entry(stdin, entry.mode, blob, path).map_err(RepoError::io("write to git in", &self.folder))?;
            }
            Ok(())
        })?;
        let tree = self.git.run_line(["write-tree"])?;
        let written = commit::parse_tree(&self.git.run(["ls-tree", "-r", "-l", "-z", "--full-tree", &tree])?)?;
        let mut meant = std::mem::take(&mut gathered.entries);
        for file in written {
            let is_meant = meant.remove(&file.path).is_some_and(|entry| {
                entry.mode == file.mode && matches!(&entry.blob, Blob::Known(blob) if *blob == file.blob)
            });
            if !is_meant {
                return Err(malformed("write-tree", &format!("{:?} was not asked for", file.path)));
            }
        }
        // Git says "ignoring path" for these, and exits with success.
        for path in meant.keys() {
            gathered.skip(path, SkipReason::RefusedByGit);
        }
        Ok(tree)
    }

    /// Moves a commit and everything that is new with it into a repository, once all of it has been checked.
    fn release(&self, to: &Git, commit: &CommitId, known: Option<&CommitId>) -> Result<(), RepoError> {
        let pack = self.folder.join("checked.pack");
        let revisions = self.folder.join("revisions");
        let known = known.map(|known| format!("^{known}\n")).unwrap_or_default();
        std::fs::write(&revisions, format!("{commit}\n{known}")).map_err(RepoError::io("write", &revisions))?;
        let open = |path: &Path| File::open(path).map_err(RepoError::io("open", path));
        let created = File::create_new(&pack).map_err(RepoError::io("create", &pack))?;
        // No search for deltas: a task's history is short-lived, and time is what matters.
        let pack_objects = ["pack-objects", "--revs", "--stdout", "-q", "--window=0", "--delta-base-offset"];
        self.git.pipe(&pack_objects, open(&revisions)?.into(), created.into())?;
        // Checked in a folder of its own, because a refused pack would otherwise stay behind half written.
        let checked = self.folder.join("checked");
        let packs = checked.join("pack");
        std::fs::create_dir_all(&packs).map_err(RepoError::io("create the folder", &packs))?;
        write_alternates(&checked, &to.git_dir.join("objects"))?;
        let index_pack = ["index-pack", "--stdin", "--strict", "--fsck-objects"];
        let checking = to.clone().with_variable("GIT_OBJECT_DIRECTORY", &checked);
        checking.pipe(&index_pack, open(&pack)?.into(), Stdio::null())?;
        move_packs(&packs, &to.git_dir.join("objects/pack"))
    }
}

/// Moves packs into a repository, each index last: a pack counts once its index is there.
fn move_packs(from: &Path, to: &Path) -> Result<(), RepoError> {
    std::fs::create_dir_all(to).map_err(RepoError::io("create the folder", to))?;
    let listed = std::fs::read_dir(from).map_err(RepoError::io("list", from))?;
    let mut files: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    files.sort_by_key(|file| file.extension().is_some_and(|extension| extension == "idx"));
    for file in &files {
        let place = to.join(file.file_name().unwrap_or_default());
        std::fs::rename(file, &place).map_err(RepoError::io("move", file))?;
    }
    let folder = File::open(to).map_err(RepoError::io("open the folder", to))?;
    folder.sync_all().map_err(RepoError::io("write the folder", to))
}

fn write_entry(stdin: &mut dyn Write, mode: FileMode, blob: &str, path: &Path) -> std::io::Result<()> {
    let mode = match mode {
        FileMode::Regular => "100644",
        FileMode::Executable => "100755",
        FileMode::Symlink => "120000",
        FileMode::Submodule => "160000",
    };
    write!(stdin, "{mode} {blob}\t")?;
    stdin.write_all(path.as_os_str().as_bytes())?;
    stdin.write_all(b"\0")
}

/// Gives the new content the names that git chose, which it lists as `:<number> <name>`.
fn resolve(gathered: &mut Gathered, names: &str) -> Result<(), RepoError> {
    let parse = |line: &str| {
        let (number, name) = line.strip_prefix(':')?.split_once(' ')?;
        Some((number.parse().ok()?, name.to_owned()))
    };
    let names: Option<BTreeMap<usize, String>> = names.lines().map(parse).collect();
    let names = names.ok_or_else(|| malformed("fast-import", "a mark"))?;
    for entry in gathered.entries.values_mut() {
        if let Blob::New(number) = entry.blob {
            let name = names.get(&number).ok_or_else(|| malformed("fast-import", "a mark is missing"))?;
            entry.blob = Blob::Known(name.clone());
        }
    }
    Ok(())
}

/// Reads a tree and hands what is new in it to `git fast-import`.
struct Reader<'a> {
    tree: &'a Beneath,
    committed: &'a Committed,
    gathered: &'a mut Gathered,
    stdin: &'a mut dyn Write,
}

impl Reader<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Descend, RepoError> {
        if self.committed.is_uninteresting(entry) {
            let is_git = entry.kind == FileType::Directory && path_rules::is_git_name(&entry.name.to_string_lossy());
            if is_git && entry.path.components().nth(1).is_some() {
                self.gathered.skip(entry.path, SkipReason::NestedRepository);
            }
            return Ok(Descend::Past);
        }
        match entry.kind {
            _ if path_rules::problem(entry.path).is_some() => self.gathered.skip(entry.path, SkipReason::UnsafePath),
            FileType::Directory => {}
            FileType::RegularFile => self.file(entry)?,
            FileType::Symlink => self.link(entry)?,
            _ => self.gathered.skip(entry.path, SkipReason::SpecialFile),
        }
        Ok(Descend::Into)
    }

    fn file(&mut self, entry: &Entry<'_>) -> Result<(), RepoError> {
        let found = match self.tree.find(entry.path) {
            Ok(Some(found)) => found,
            // Gone, or swapped for something else, since it was listed.
            Ok(None) => return Ok(()),
            Err(RepoError::NotAFile { .. }) => {
                self.gathered.skip(entry.path, SkipReason::SpecialFile);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let mode = if found.mode & 0o100 == 0 { FileMode::Regular } else { FileMode::Executable };
        let known = self.committed.files.get(entry.path).filter(|known| known.size == found.size);
        if let Some(known) = known {
            let digest =
                copy_hashed(&mut &found.file, &mut std::io::sink()).map_err(RepoError::io("read", entry.path))?;
            if digest == known.digest {
                self.add(entry.path, mode, Blob::Known(known.blob.clone()));
                return Ok(());
            }
        }
        match self.tree.read(entry.path, MAX_SNAPSHOT_FILE_BYTES) {
            Ok(Some(content)) => {
                let blob = self.store(&content)?;
                self.add(entry.path, mode, blob);
            }
            Ok(None) => {}
            Err(RepoError::TooLarge { .. }) => self.gathered.skip(entry.path, SkipReason::TooLarge),
            Err(RepoError::NotAFile { found: beneath::SHARED, .. }) => {
                self.gathered.skip(entry.path, SkipReason::SharedFile);
            }
            Err(RepoError::NotAFile { .. }) => self.gathered.skip(entry.path, SkipReason::SpecialFile),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Stores a link as what it is: a short text that says where it leads.
    fn link(&mut self, entry: &Entry<'_>) -> Result<(), RepoError> {
        let Ok(target) = rustix::fs::readlinkat(entry.dir, entry.name, Vec::new()) else { return Ok(()) };
        let blob = self.store(target.as_bytes())?;
        self.add(entry.path, FileMode::Symlink, blob);
        Ok(())
    }

    fn store(&mut self, content: &[u8]) -> Result<Blob, RepoError> {
        self.gathered.n_blobs += 1;
        let number = self.gathered.n_blobs;
        self.send(format!("blob\nmark :{number}\ndata {}\n", content.len()).as_bytes())?;
        self.send(content)?;
        self.send(b"\n")?;
        Ok(Blob::New(number))
    }

    fn add(&mut self, path: &Path, mode: FileMode, blob: Blob) {
        self.gathered.entries.insert(path.to_path_buf(), IndexEntry { mode, blob });
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), RepoError> {
        self.stdin.write_all(bytes).map_err(RepoError::io("write to git for", Path::new("the history")))
    }
}
