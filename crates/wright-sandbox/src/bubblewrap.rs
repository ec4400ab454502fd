//! Level C: an installed bubblewrap makes the namespaces and the root, where the system lets nobody else do so.
//!
//! Some systems (Ubuntu with AppArmor) give user namespaces to `/usr/bin/bwrap` alone, others mark it as set-user-id. The
//! helper is started inside what it makes, finds its namespaces there, and puts up the other walls as ever: no new
//! privileges, Landlock, the system call filter, limits. Everything is taken from the same lists as the helper's own root.
//! Root never uses it: whoever is the kernel's user 0 inside is user 0 outside, whatever the capabilities.
//!
//! What is weaker than in the helper's own root is in docs/security.md.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::HelperCommand;
use crate::helper::layout::{
    CREDENTIAL_FILES, ETC_FILES, HOST_NAME, PROC_HIDDEN_DIRS, PROC_HIDDEN_FILES, SHM_BYTES, SYSTEM_DIRS, synthetic_etc,
};
use crate::wire::Spec;

/// Where systems install it. It is not looked for in `PATH`, which a project can have a say in.
const PLACES: &[&str] = &["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap", "/run/current-system/sw/bin/bwrap"];

/// Where the helper's program lies inside. Landlock hides it from the command.
const HELPER_INSIDE: &str = "/.wright-helper";

/// The bit by which a program runs as its owner.
const SET_USER_ID: u32 = 0o4000;

/// An installed bubblewrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bubblewrap {
    program: PathBuf,
    /// Whether it runs as root by itself. It takes fewer options then.
    is_set_user_id: bool,
}

/// The helper's process in a bubblewrap, and what has to exist as long as it runs.
pub(crate) struct Wrapped {
    pub(crate) process: Command,
    /// Holds the files of the made-up `/etc`.
    pub(crate) etc: tempfile::TempDir,
}

impl Bubblewrap {
    /// Finds the system's own.
    pub(crate) fn find() -> Option<Self> {
        PLACES.iter().find_map(|place| Self::at(Path::new(place)))
    }

    /// Returns the program at `place`, if it is one that only root can have put there.
    fn at(place: &Path) -> Option<Self> {
        let program = place.canonicalize().ok()?;
        let metadata = fs::metadata(&program).ok()?;
        let mode = metadata.permissions().mode();
        let is_roots = metadata.is_file() && metadata.uid() == 0 && mode & 0o022 == 0 && mode & 0o111 != 0;
        is_roots.then_some(Self { program, is_set_user_id: mode & SET_USER_ID != 0 })
    }

    /// Returns where it lies.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Returns whether the processes of this user's that are running already count against the limit on processes: where it
    /// runs as root there may be no user namespace, in which they would be counted apart.
    pub(crate) fn shares_process_limit(&self) -> bool {
        self.is_set_user_id
    }

    /// Returns the process that runs the helper inside a root that holds what `spec` grants.
    pub(crate) fn wrap(&self, helper: &HelperCommand, spec: &Spec) -> io::Result<Wrapped> {
        let etc = made_up_etc()?;
        let arguments = Arguments::of(self, helper, spec, etc.path())?;
        let mut process = Command::new(&self.program);
        process.args(arguments.words).env_clear().current_dir("/");
        Ok(Wrapped { process, etc })
    }
}

/// Writes the files that take the place of the host's in `/etc`.
fn made_up_etc() -> io::Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new().prefix("wright-etc-").tempdir()?;
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    for (name, text) in synthetic_etc(uid, gid) {
        fs::write(dir.path().join(name), text)?;
    }
    Ok(dir)
}

/// Bubblewrap's command line, which it works through in order.
#[derive(Default)]
struct Arguments {
    words: Vec<OsString>,
}

impl Arguments {
    fn of(bubblewrap: &Bubblewrap, helper: &HelperCommand, spec: &Spec, etc: &Path) -> io::Result<Self> {
        let mut all = Self::default();
        // With `--as-pid-1` the helper is the first process inside, so its end is the end of everything there.
        all.push(["--unshare-all", "--as-pid-1", "--die-with-parent", "--new-session", "--hostname", HOST_NAME]);
        all.push(["--cap-drop", "ALL"]);
        all.add_system(etc);
        let sized = !bubblewrap.is_set_user_id;
        all.add_memory("/dev/shm", sized.then_some(SHM_BYTES));
        all.add_memory("/tmp", sized.then_some(spec.limits.scratch_bytes.max(1)));
        all.add_folders(spec)?;
        all.bind(false, &helper.program.canonicalize()?, Path::new(HELPER_INSIDE));
        all.push(["--remount-ro", "/", "--chdir", "/", "--", HELPER_INSIDE]);
        all.words.extend(helper.args.iter().map(OsString::from));
        Ok(all)
    }

    fn push<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        self.words.extend(words.into_iter().map(OsString::from));
    }

    fn add_system(&mut self, etc: &Path) {
        for dir in SYSTEM_DIRS.iter().map(Path::new) {
            match fs::read_link(dir) {
                Ok(target) => self.words.extend(["--symlink".into(), target.into_os_string(), dir.into()]),
                Err(_) if dir.is_dir() => self.bind(false, dir, dir),
                Err(_) => {}
            }
        }
        for file in ETC_FILES.iter().map(|name| Path::new("/etc").join(name)).filter(|file| file.exists()) {
            self.bind(false, &file, &file);
        }
        for (name, _) in synthetic_etc(0, 0) {
            self.bind(false, &etc.join(name), &Path::new("/etc").join(name));
        }
        self.push(["--dev", "/dev", "--proc", "/proc"]);
        for file in PROC_HIDDEN_FILES.iter().map(|name| Path::new("/proc").join(name)).filter(|file| file.exists()) {
            self.bind(false, Path::new("/dev/null"), &file);
        }
        for dir in PROC_HIDDEN_DIRS.iter().map(|name| format!("/proc/{name}")).filter(|dir| Path::new(dir).is_dir()) {
            self.push(["--tmpfs", &dir, "--remount-ro", &dir]);
        }
    }

    /// Adds a file system in memory. Without a size the watcher has to do, which counts what is in it.
    fn add_memory(&mut self, place: &str, size: Option<u64>) {
        if let Some(size) = size {
            self.push(["--size", &size.to_string()]);
        }
        self.push(["--tmpfs", place]);
    }

    /// Adds the tree and the read-only folders, outer ones before those inside them. Parts of the tree are left to the helper,
    /// which refuses them: this program would follow a link that was planted there.
    fn add_folders(&mut self, spec: &Spec) -> io::Result<()> {
        let tree = spec.tree.canonicalize()?;
        let mut folders = vec![Folder { real: tree.clone(), given: spec.tree.clone(), is_tree: true }];
        for given in spec.read_only.iter().filter(|path| path.exists()) {
            let real = given.canonicalize()?;
            if !real.starts_with(&tree) && !given.starts_with(&spec.tree) {
                folders.push(Folder { real, given: given.clone(), is_tree: false });
            }
        }
        folders.sort_by_key(|folder| folder.real.components().count());
        for folder in &folders {
            folder.add_to(self);
        }
        Ok(())
    }

    fn bind(&mut self, writable: bool, from: &Path, to: &Path) {
        let option = if writable { "--bind" } else { "--ro-bind" };
        self.words.extend([option.into(), from.as_os_str().to_owned(), to.as_os_str().to_owned()]);
    }
}

/// A folder of the policy, under its real name and the one it was given by.
struct Folder {
    real: PathBuf,
    given: PathBuf,
    is_tree: bool,
}

impl Folder {
    fn add_to(&self, arguments: &mut Arguments) {
        // A name that goes through the system's folders works already.
        let is_reached = SYSTEM_DIRS.iter().any(|dir| self.given.starts_with(dir));
        let other = (self.given != self.real && !is_reached).then_some(&self.given);
        for name in [&self.real].into_iter().chain(other) {
            arguments.bind(self.is_tree, &self.real, name);
            let credentials = CREDENTIAL_FILES.iter().filter(|it| !self.is_tree && self.real.join(it).is_file());
            credentials.for_each(|it| arguments.bind(false, Path::new("/dev/null"), &name.join(it)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Action;
    use crate::{LayerKind, Policy};

    fn words(policy: &Policy, is_set_user_id: bool) -> String {
        let bubblewrap = Bubblewrap { program: PathBuf::from("/usr/bin/bwrap"), is_set_user_id };
        let helper = HelperCommand { program: PathBuf::from("/bin/sh"), args: vec!["help".to_owned()] };
        let action = Action::Run { argv: vec!["true".to_owned()], dir: PathBuf::new(), env: Vec::new() };
        let spec = Spec::new(policy, &LayerKind::ALL, action);
        let arguments = Arguments::of(&bubblewrap, &helper, &spec, Path::new("/made-up")).unwrap();
        let words: Vec<_> = arguments.words.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    #[test]
    fn the_tree_is_writable_and_nothing_else_of_the_host_is() {
        let (tree, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(tools.path().join("credentials"), "key").unwrap();
        let policy = Policy { read_only: vec![tools.path().to_owned()], ..Policy::new(tree.path()) };
        let words = words(&policy, false);
        let (tree, tools) = (tree.path().canonicalize().unwrap(), tools.path().canonicalize().unwrap());
        let writable: Vec<&str> = words.split(' ').skip_while(|word| *word != "--bind").skip(1).take(2).collect();
        assert_eq!(writable, [tree.to_str().unwrap(); 2]);
        assert_eq!(words.matches("--bind").count(), 1, "{words}");
        let tools = tools.display();
        assert!(words.contains(&format!("--ro-bind {tools} {tools} --ro-bind /dev/null {tools}/credentials")));
        assert!(words.contains("--ro-bind /made-up/passwd /etc/passwd"));
        assert!(words.ends_with("--remount-ro / --chdir / -- /.wright-helper help"));
    }

    #[test]
    fn a_part_of_the_tree_is_left_to_the_helper_which_refuses_it() {
        let tree = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", tree.path().join("protected")).unwrap();
        let policy = Policy { read_only: vec![tree.path().join("protected")], ..Policy::new(tree.path()) };
        assert!(!words(&policy, false).contains("protected"));
    }

    #[test]
    fn one_that_runs_as_root_is_asked_for_no_sizes() {
        let tree = tempfile::tempdir().unwrap();
        assert!(words(&Policy::new(tree.path()), false).contains("--size 1073741824 --tmpfs /tmp"));
        assert!(!words(&Policy::new(tree.path()), true).contains("--size"));
    }

    #[test]
    fn only_a_program_that_root_put_there_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("bwrap");
        fs::write(&program, "").unwrap();
        for mode in [0o644, 0o775, 0o757] {
            fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Bubblewrap::at(&program), None, "{mode:o}");
        }
        assert_eq!(Bubblewrap::at(Path::new("/nowhere/bwrap")), None);
    }
}
