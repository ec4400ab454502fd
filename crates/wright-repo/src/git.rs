//! Runs the `git` program without letting a repository choose what else gets run.
//!
//! A git folder can name programs: hooks, file monitors, filters, transports. Overrides on the command line switch most
//! of them off for good. Filters have names that the repository makes up, so the ones it defines are looked up first (git
//! executes nothing for that) and emptied one by one. What remains of the user's own settings is a short list that
//! cannot name a program.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use crate::RepoError;

/// The oldest git that has everything used here (Debian 12's).
const MIN_VERSION: (u32, u32) = (2, 39);
const MIN_VERSION_TEXT: &str = "2.39";

/// Settings that hold for every command, whatever the repository says.
const OVERRIDES: [&str; 16] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "core.editor=false",
    "core.pager=cat",
    "core.quotePath=false",
    "credential.helper=",
    "protocol.allow=never",
    "submodule.recurse=false",
    "diff.ignoreSubmodules=all",
    "status.submoduleSummary=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "gpg.program=false",
    "fetch.writeCommitGraph=false",
];

/// Variables that would point git at another repository, another program or another log.
const DROPPED_VARIABLES: [&str; 41] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ASKPASS",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PAGER",
    "GIT_PREFIX",
    "GIT_PROXY_COMMAND",
    "GIT_REPLACE_REF_BASE",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SHALLOW_FILE",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_TEMPLATE_DIR",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_SETUP",
    "GIT_WORK_TREE",
];

/// The user's own settings that are kept: they change what counts as a change, and name no program.
const KEPT_SETTINGS: [&str; 4] = ["core.autocrlf", "core.eol", "core.excludesfile", "safe.directory"];

/// Settings of the repositories that we make.
///
/// Names that any file system would take for `.git` are refused on all of them, what is acknowledged is on the disk, and
/// an object that is stored is one that `git fsck --strict` accepts.
const OWN_SETTINGS: [(&str, &str); 7] = [
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("core.fsync", "all"),
    ("core.logAllRefUpdates", "false"),
    ("transfer.fsckObjects", "true"),
    ("user.name", "Codewright"),
    ("user.email", "codewright@localhost"),
];

/// The `git` program, tied to one repository.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    pub(crate) root: PathBuf,
    pub(crate) git_dir: PathBuf,
    work_tree: WorkTree,
    settings: Vec<Setting>,
    variables: Vec<(&'static str, OsString)>,
}

/// Whether commands may look at files outside the git folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkTree {
    /// Those of the checkout.
    Root,
    /// None: the folder that commands run in is the git folder.
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    key: OsString,
    value: OsString,
}

impl Git {
    /// Finds the repository that encloses `start`.
    pub(crate) fn discover(start: &Path) -> Result<Self, RepoError> {
        check_version()?;
        let user = user_settings();
        let folder = |question: &str| {
            let output = outcome(base_command(start, &user).args(["rev-parse", question]))?;
            if output.status.success() {
                return Ok(path_from_line(&output.stdout));
            }
            Err(discovery_error(start, &output))
        };
        if folder("--is-bare-repository")?.as_os_str() == "true" {
            return Err(RepoError::BareRepository { path: start.to_path_buf() });
        }
        let root = folder("--show-toplevel")?;
        let git_dir = folder("--absolute-git-dir")?;
        // A repository can claim any folder as its checkout. Only the one that holds its `.git` is believed.
        if root.join(".git").symlink_metadata().is_err() {
            return Err(RepoError::NotARepository { path: start.to_path_buf() });
        }
        let mut git = Self { root, git_dir, work_tree: WorkTree::Root, settings: Vec::new(), variables: Vec::new() };
        git.settings = settings_for(&git.configured_names()?, user);
        Ok(git)
    }

    /// Makes a bare repository in an empty folder of ours, without templates, hooks or anything of the user's.
    pub(crate) fn init_bare(folder: &Path, object_format: &str) -> Result<Self, RepoError> {
        init(folder, &["--bare", &format!("--object-format={object_format}")])?;
        Self::open_bare(folder)
    }

    /// Makes a repository with a checkout in an empty folder of ours.
    pub(crate) fn init_checkout(folder: &Path, object_format: &str) -> Result<Self, RepoError> {
        init(folder, &[&format!("--object-format={object_format}")])?;
        Self::open_bare(&folder.join(".git"))
    }

    /// Opens a bare repository that we made: nobody else writes there, so its settings are ours.
    pub(crate) fn open_bare(folder: &Path) -> Result<Self, RepoError> {
        let folder = folder.canonicalize().map_err(RepoError::io("open the folder", folder))?;
        let settings = OWN_SETTINGS.map(|(key, value)| Setting { key: key.into(), value: value.into() });
        Ok(Self {
            root: folder.clone(),
            git_dir: folder,
            work_tree: WorkTree::None,
            settings: settings.to_vec(),
            variables: Vec::new(),
        })
    }

    /// Returns the same repository with a variable set for every command.
    pub(crate) fn with_variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Returns how the repository names objects: `sha1` or `sha256`.
    pub(crate) fn object_format(&self) -> Result<String, RepoError> {
        let format = self.run_line(["rev-parse", "--show-object-format"])?;
        match format.as_str() {
            "sha1" | "sha256" => Ok(format),
            _ => Err(malformed("rev-parse", "an unknown object format")),
        }
    }

    /// Returns the folder that holds the objects.
    pub(crate) fn objects_folder(&self) -> Result<PathBuf, RepoError> {
        let folder = path_from_line(&self.run(["rev-parse", "--git-path", "objects"])?);
        let folder = self.root.join(folder);
        folder.canonicalize().map_err(RepoError::io("open the folder", &folder))
    }

    /// Runs a command and returns the only line of its output.
    pub(crate) fn run_line<I, S>(&self, args: I) -> Result<String, RepoError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let output = self.run(args)?;
        Ok(String::from_utf8_lossy(&output).trim_end_matches('\n').to_owned())
    }

    /// Runs a command whose standard input `write` produces; anything but success is an error.
    pub(crate) fn feed(
        &self,
        args: &[&str],
        write: impl FnOnce(&mut dyn Write) -> Result<(), RepoError>,
    ) -> Result<Vec<u8>, RepoError> {
        let mut command = self.command();
        command.args(args).stderr(Stdio::piped());
        let mut child = ReapedChild(spawn(&mut command)?);
        let (stdin, stdout, stderr) = (child.0.stdin.take(), child.0.stdout.take(), child.0.stderr.take());
        std::thread::scope(|scope| {
            let stdout = scope.spawn(|| read_all(stdout));
            let stderr = scope.spawn(|| read_all(stderr));
            let written = stdin.map_or(Ok(()), |stdin| {
                let mut stdin = BufWriter::with_capacity(256 * 1024, stdin);
                write(&mut stdin)?;
                stdin.flush().map_err(RepoError::io("write to git in", &self.root))
            });
            if written.is_err() {
                child.0.kill().ok();
            }
            let status = child.0.wait().map_err(RepoError::io("wait for git in", &self.root))?;
            let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
            if !status.success() && !stderr.is_empty() {
                return Err(git_error(&command, &Output { status, stdout, stderr }));
            }
            written?;
            if status.success() { Ok(stdout) } else { Err(git_error(&command, &Output { status, stdout, stderr })) }
        })
    }

    /// Runs a command with files as its standard input and output.
    pub(crate) fn pipe(&self, args: &[&str], input: Stdio, output: Stdio) -> Result<Vec<u8>, RepoError> {
        let mut command = self.command();
        command.args(args).stdin(input).stdout(output).stderr(Stdio::piped());
        let child = command.spawn().map_err(|error| start_error(&command, error))?;
        let output = child.wait_with_output().map_err(RepoError::io("read the output of git in", &self.root))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(git_error(&command, &output))
    }

    /// Runs a command and returns its standard output; anything but success is an error.
    pub(crate) fn run<I, S>(&self, args: I) -> Result<Vec<u8>, RepoError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command();
        command.args(args);
        let output = outcome(&mut command)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(git_error(&command, &output))
    }

    /// Runs a command whose exit code 1 means "there is none".
    pub(crate) fn run_optional<I, S>(&self, args: I) -> Result<Option<Vec<u8>>, RepoError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command();
        command.args(args);
        let output = outcome(&mut command)?;
        match output.status.code() {
            Some(0) => Ok(Some(output.stdout)),
            Some(1) => Ok(None),
            _ => Err(git_error(&command, &output)),
        }
    }

    /// Runs a command with `input` on its standard input and returns its standard output.
    ///
    /// Exit code 1 is no error: the commands that read names say with it that they found none of them.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &[u8]) -> Result<Vec<u8>, RepoError> {
        let mut command = self.command();
        command.args(args);
        let mut child = spawn(command.stderr(Stdio::piped()))?;
        let stdin = child.stdin.take();
        let output = std::thread::scope(|scope| {
            scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(input)));
            child.wait_with_output()
        });
        let output = output.map_err(RepoError::io("read the output of git in", &self.root))?;
        match output.status.code() {
            Some(0 | 1) => Ok(output.stdout),
            _ => Err(git_error(&command, &output)),
        }
    }

    /// Hands the content of each blob to `visit`, in order, from one git process.
    ///
    /// The second argument of `visit` is the size; the reader ends with the blob.
    pub(crate) fn each_blob(
        &self,
        blobs: &[&str],
        mut visit: impl FnMut(usize, u64, &mut dyn Read) -> Result<(), RepoError>,
    ) -> Result<(), RepoError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let mut command = self.command();
        command.args(["cat-file", "--batch", "--buffer"]).stderr(Stdio::null());
        let mut child = ReapedChild(spawn(&mut command)?);
        let stdin = child.0.stdin.take();
        let Some(stdout) = child.0.stdout.take() else {
            return Err(malformed("cat-file", "no output"));
        };
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.map(|stdin| write_lines(stdin, blobs)));
            let mut stdout = BufReader::with_capacity(256 * 1024, stdout);
            let visited = visit_blobs(&mut stdout, blobs, &mut visit);
            if visited.is_err() {
                // Without this the writing thread could wait for a reader that has given up.
                child.0.kill().ok();
            }
            visited
        })
    }

    /// Starts a command that answers requests one by one, and returns it with both ends of the conversation.
    pub(crate) fn converse(
        &self,
        args: &[&str],
    ) -> Result<(ReapedChild, Option<ChildStdin>, Option<ChildStdout>), RepoError> {
        let mut command = self.command();
        command.args(args).stderr(Stdio::null());
        let mut child = ReapedChild(spawn(&mut command)?);
        let (stdin, stdout) = (child.0.stdin.take(), child.0.stdout.take());
        Ok((child, stdin, stdout))
    }

    /// Returns a setting of the repository's own, or else of the user's, whatever this program overrides.
    pub(crate) fn configured(&self, name: &str) -> Result<Option<OsString>, RepoError> {
        if let Some(value) = self.run_optional(["config", "--local", "--get", name])? {
            return Ok(Some(path_from_line(&value).into_os_string()));
        }
        let mut command = Command::new("git");
        for variable in DROPPED_VARIABLES {
            command.env_remove(variable);
        }
        command.current_dir("/").stdin(Stdio::null()).args(["config", "--global", "--get", name]);
        let output = outcome(&mut command)?;
        Ok(output.status.success().then(|| path_from_line(&output.stdout).into_os_string()))
    }

    fn command(&self) -> Command {
        let mut command = base_command(&self.root, &self.settings);
        command.env("GIT_DIR", &self.git_dir);
        if self.work_tree == WorkTree::Root {
            command.env("GIT_WORK_TREE", &self.root);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Returns the name of every setting the repository makes, included files too.
    fn configured_names(&self) -> Result<BTreeSet<OsString>, RepoError> {
        let listed = self.run(["config", "--list", "--name-only", "--includes", "-z"])?;
        Ok(records(&listed).map(|name| OsString::from_vec(name.to_vec())).collect())
    }
}

/// Splits output that was asked for with `-z`.
pub(crate) fn records(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.split(|&byte| byte == 0).filter(|record| !record.is_empty())
}

/// Returns the path that a record spells, byte for byte.
pub(crate) fn path_from(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// Returns the error for output that does not have the documented form.
pub(crate) fn malformed(command: &str, what: &str) -> RepoError {
    RepoError::Git { command: command.to_owned(), message: format!("unexpected output ({what})") }
}

fn base_command(folder: &Path, settings: &[Setting]) -> Command {
    let mut command = Command::new("git");
    for variable in DROPPED_VARIABLES {
        command.env_remove(variable);
    }
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_COUNT", settings.len().to_string())
        .stdin(Stdio::null());
    for (setting_idx, setting) in settings.iter().enumerate() {
        command
            .env(format!("GIT_CONFIG_KEY_{setting_idx}"), &setting.key)
            .env(format!("GIT_CONFIG_VALUE_{setting_idx}"), &setting.value);
    }
    command.arg("--no-pager");
    for setting in OVERRIDES {
        command.args(["-c", setting]);
    }
    command
}

fn init(folder: &Path, options: &[&str]) -> Result<(), RepoError> {
    let mut command = base_command(folder, &[]);
    command.args(["init", "--quiet", "--template=", "--initial-branch=main"]).args(options);
    let output = outcome(&mut command)?;
    if output.status.success() { Ok(()) } else { Err(git_error(&command, &output)) }
}

fn read_all(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What is cut short by a broken pipe is told by the exit status.
    stream.map(|mut stream| stream.read_to_end(&mut bytes).ok());
    bytes
}

fn check_version() -> Result<(), RepoError> {
    let output = outcome(Command::new("git").arg("version").stdin(Stdio::null()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.trim().trim_start_matches("git version ").to_owned();
    match parse_version(&found) {
        Some(version) if version < MIN_VERSION => Err(RepoError::GitTooOld { found, needed: MIN_VERSION_TEXT }),
        // An unknown form is more likely a vendor's build of a new git than an old one.
        _ => Ok(()),
    }
}

fn parse_version(found: &str) -> Option<(u32, u32)> {
    let mut numbers = found.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Reads the settings worth keeping from the user's and the machine's configuration.
///
/// Having none is normal, so a failure counts as none.
fn user_settings() -> Vec<Setting> {
    let mut command = Command::new("git");
    for variable in DROPPED_VARIABLES {
        command.env_remove(variable);
    }
    command.current_dir("/").stdin(Stdio::null());
    command.args(["config", "--list", "--show-scope", "--includes", "-z"]);
    outcome(&mut command).map(|output| parse_user_settings(&output.stdout)).unwrap_or_default()
}

fn parse_user_settings(output: &[u8]) -> Vec<Setting> {
    let fields: Vec<&[u8]> = output.split(|&byte| byte == 0).collect();
    let scoped = fields.chunks_exact(2).filter(|pair| matches!(pair[0], b"global" | b"system"));
    scoped
        .filter_map(|pair| {
            let line_end = pair[1].iter().position(|&byte| byte == b'\n')?;
            let (key, value) = (&pair[1][..line_end], &pair[1][line_end + 1..]);
            let is_kept = KEPT_SETTINGS.iter().any(|kept| kept.as_bytes() == key);
            is_kept.then(|| Setting { key: OsStr::from_bytes(key).into(), value: OsStr::from_bytes(value).into() })
        })
        .collect()
}

/// Returns the user's settings that the repository does not make itself, and an empty filter for each it defines.
fn settings_for(configured: &BTreeSet<OsString>, user: Vec<Setting>) -> Vec<Setting> {
    let emptied = configured.iter().filter_map(|name| {
        let bytes = name.as_bytes();
        if !bytes.starts_with(b"filter.") {
            return None;
        }
        let end = bytes.iter().rposition(|&byte| byte == b'.')?;
        let value = match &bytes[end + 1..] {
            b"required" => "false",
            b"clean" | b"smudge" | b"process" => "",
            _ => return None,
        };
        Some(Setting { key: name.clone(), value: value.into() })
    });
    // Settings given to a command win over the repository's, so the user's are given only where it has none.
    let kept = user.into_iter().filter(|setting| !configured.contains(&setting.key));
    emptied.chain(kept).collect()
}

fn discovery_error(start: &Path, output: &Output) -> RepoError {
    let said = String::from_utf8_lossy(&output.stderr);
    let path = start.to_path_buf();
    if said.contains("dubious ownership") {
        return RepoError::UntrustedOwner { path };
    }
    if said.contains("not a git repository") || said.contains("must be run in a work tree") {
        return RepoError::NotARepository { path };
    }
    RepoError::Git { command: "rev-parse".to_owned(), message: said.trim().to_owned() }
}

fn outcome(command: &mut Command) -> Result<Output, RepoError> {
    tracing::trace!(?command, "git");
    command.output().map_err(|error| start_error(command, error))
}

fn spawn(command: &mut Command) -> Result<Child, RepoError> {
    tracing::trace!(?command, "git");
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().map_err(|error| start_error(command, error))
}

fn start_error(command: &Command, error: std::io::Error) -> RepoError {
    let folder = command.get_current_dir().unwrap_or(Path::new("/"));
    // The system reports a missing program and a missing working folder in the same words.
    if error.kind() == std::io::ErrorKind::NotFound && folder.is_dir() {
        return RepoError::GitMissing;
    }
    RepoError::io("run git in", folder)(error)
}

fn git_error(command: &Command, output: &Output) -> RepoError {
    let said = String::from_utf8_lossy(&output.stderr);
    let message = said.trim().trim_start_matches("fatal: ").to_owned();
    let message = if message.is_empty() { output.status.to_string() } else { message };
    RepoError::Git { command: subcommand(command), message }
}

/// Returns the command's own words, without the options that every command gets.
fn subcommand(command: &Command) -> String {
    let n_shared = 1 + 2 * OVERRIDES.len();
    let words: Vec<_> = command.get_args().skip(n_shared).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

fn path_from_line(output: &[u8]) -> PathBuf {
    path_from(output.strip_suffix(b"\n").unwrap_or(output))
}

/// A child process that does not outlive its owner.
#[derive(Debug)]
pub(crate) struct ReapedChild(Child);

impl ReapedChild {
    /// Ends the process.
    pub(crate) fn end(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for ReapedChild {
    fn drop(&mut self) {
        self.end();
    }
}

fn write_lines(stdin: ChildStdin, lines: &[&str]) -> std::io::Result<()> {
    let mut stdin = BufWriter::new(stdin);
    for line in lines {
        writeln!(stdin, "{line}")?;
    }
    stdin.flush()
}

fn visit_blobs(
    stdout: &mut impl BufRead,
    blobs: &[&str],
    visit: &mut impl FnMut(usize, u64, &mut dyn Read) -> Result<(), RepoError>,
) -> Result<(), RepoError> {
    let read_error = |_| malformed("cat-file", "it ended early");
    for (blob_idx, blob) in blobs.iter().enumerate() {
        let mut header = Vec::new();
        stdout.read_until(b'\n', &mut header).map_err(read_error)?;
        let Some(size) = blob_size(&header) else {
            return Err(RepoError::Git { command: format!("cat-file {blob}"), message: "object is missing".into() });
        };
        let mut content = stdout.by_ref().take(size);
        visit(blob_idx, size, &mut content)?;
        std::io::copy(&mut content, &mut std::io::sink()).map_err(read_error)?;
        let mut line_end = [0];
        stdout.read_exact(&mut line_end).map_err(read_error)?;
    }
    Ok(())
}

/// Returns the size from a header such as `<object> blob 12`, or nothing when it announces anything else.
pub(crate) fn blob_size(header: &[u8]) -> Option<u64> {
    let header = std::str::from_utf8(header).ok()?;
    let mut words = header.strip_suffix('\n')?.split(' ');
    let is_object = words.next()?.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_blob = words.next()? == "blob";
    let size = words.next()?.parse().ok()?;
    (is_object && is_blob && words.next().is_none()).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_vendors_are_understood() {
        assert_eq!(parse_version("2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(parse_version("2.47.3"), Some((2, 47)));
        assert!(parse_version("2.9.1") < Some(MIN_VERSION));
        assert_eq!(parse_version("next"), None);
    }

    #[test]
    fn a_repository_of_another_user_is_not_mistaken_for_none() {
        use std::os::unix::process::ExitStatusExt;
        let said = |stderr: &str| Output {
            status: std::process::ExitStatus::from_raw(128 << 8),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        let error = |stderr: &str| discovery_error(Path::new("x"), &said(stderr));

        let owned = error("fatal: detected dubious ownership in repository at '/x'");
        let missing = error("fatal: not a git repository (or any of the parent directories): .git");
        let damaged = error("fatal: bad config line 1 in file .git/config");

        assert!(matches!(owned, RepoError::UntrustedOwner { .. }), "{owned}");
        assert!(matches!(missing, RepoError::NotARepository { .. }), "{missing}");
        assert_eq!(damaged.to_string(), "run `git rev-parse`: fatal: bad config line 1 in file .git/config");
    }

    #[test]
    fn only_harmless_settings_of_the_user_are_kept() {
        let listed =
            b"global\0core.autocrlf\ninput\0global\0core.fsmonitor\n/tmp/x\0local\0core.eol\nlf\0global\0core.eol\0";

        let kept = parse_user_settings(listed);

        assert_eq!(kept, [Setting { key: "core.autocrlf".into(), value: "input".into() }]);
    }

    #[test]
    fn a_filter_is_emptied_whatever_its_name() {
        let configured = ["filter.a=b.c\nd.clean", "filter.x.required", "filter.x.unknown", "core.autocrlf"];
        let configured = configured.into_iter().map(OsString::from).collect();
        let user = vec![Setting { key: "core.autocrlf".into(), value: "true".into() }];

        let settings = settings_for(&configured, user);

        let expected = [("filter.a=b.c\nd.clean", ""), ("filter.x.required", "false")];
        assert_eq!(settings, expected.map(|(key, value)| Setting { key: key.into(), value: value.into() }));
    }

    #[test]
    fn a_header_counts_only_when_it_announces_a_blob() {
        assert_eq!(blob_size(b"0a1b blob 12\n"), Some(12));
        assert_eq!(blob_size(b"0a1b tree 12\n"), None);
        assert_eq!(blob_size(b"0a1b:blob 12 missing\n"), None);
        assert_eq!(blob_size(b""), None);
    }

    /// Every kind of thing that a git command can be made to run, in a folder whose `.git` and attributes are hostile.
    fn hostile_tree(folder: &Path) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let (tree, mark, script) = (folder.join("tree"), folder.join("mark"), folder.join("evil"));
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(&script, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::write(tree.join("a.txt"), "changed\n").unwrap();
        std::fs::write(tree.join(".gitattributes"), "* filter=evil diff=evil merge=evil\n").unwrap();
        std::fs::write(tree.join(".gitmodules"), "[submodule \"x\"]\n\tpath = x\n\turl = ext::evil\n").unwrap();
        for repository in [tree.clone(), tree.join("nested")] {
            std::fs::create_dir_all(&repository).unwrap();
            let plain = |args: &[&str]| {
                let mut command = Command::new("git");
                command.current_dir(&repository).env("GIT_CONFIG_GLOBAL", "/dev/null").args(args);
                assert!(command.output().unwrap().status.success(), "{args:?}");
            };
            plain(&["init", "-q"]);
            plain(&["config", "core.hooksPath", folder.to_str().unwrap()]);
            for key in HOSTILE_KEYS {
                plain(&["config", key, script.to_str().unwrap()]);
            }
            std::fs::write(repository.join(".git/info/attributes"), "* filter=evil diff=evil merge=evil\n").unwrap();
        }
        for hook in ["pre-commit", "post-checkout", "post-index-change", "reference-transaction", "post-merge"] {
            std::fs::copy(&script, folder.join(hook)).unwrap();
        }
        tree
    }

    const HOSTILE_KEYS: [&str; 16] = [
        "core.fsmonitor",
        "core.sshCommand",
        "core.editor",
        "core.pager",
        "core.alternateRefsCommand",
        "core.gitProxy",
        "credential.helper",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "merge.evil.driver",
        "gpg.program",
        "uploadpack.packObjectsHook",
    ];

    /// Commands as a host would run them, with its own git folder and a tree of someone else's.
    const COMMANDS: [&[&str]; 30] = [
        &["status"],
        &["status", "--porcelain=v2", "--untracked-files=all"],
        &["add", "--all", "--ignore-errors"],
        &["add", "a.txt"],
        &["diff"],
        &["diff", "--cached"],
        &["diff", "HEAD"],
        &["diff-files", "-p"],
        &["diff-index", "-p", "HEAD"],
        &["diff-tree", "-p", "HEAD"],
        &["commit", "-q", "-a", "-m", "x"],
        &["log", "-p"],
        &["show", "HEAD"],
        &["ls-files", "--others", "--modified"],
        &["ls-tree", "-r", "HEAD"],
        &["check-ignore", "a.txt"],
        &["check-attr", "-a", "a.txt"],
        &["checkout-index", "-f", "-a"],
        &["checkout", "-f", "HEAD", "--", "a.txt"],
        &["reset", "--hard"],
        &["stash", "create"],
        &["merge", "HEAD"],
        &["cherry-pick", "--no-commit", "HEAD"],
        &["apply", "--check", "/dev/null"],
        &["blame", "a.txt"],
        &["grep", "changed"],
        &["submodule", "status"],
        &["fetch", "origin"],
        &["fsck", "--strict"],
        &["gc", "--auto"],
    ];

    #[test]
    fn with_a_git_folder_of_ours_no_command_runs_anything_of_a_hostile_tree() {
        let folder = tempfile::tempdir().unwrap();
        let tree = hostile_tree(folder.path());
        let own = folder.path().join("own");
        std::fs::create_dir(&own).unwrap();
        let git = Git::init_bare(&own, "sha1").unwrap().with_variable("GIT_WORK_TREE", &tree);
        std::fs::write(tree.join("a.txt"), "first\n").unwrap();
        git.run(["add", "a.txt", ".gitattributes"]).unwrap();
        git.run(["commit", "-q", "-m", "x"]).unwrap();
        std::fs::write(tree.join("a.txt"), "other\n").unwrap();

        for command in COMMANDS {
            // Whether it succeeds is not the question.
            git.run(command).ok();
            assert!(!folder.path().join("mark").exists(), "{command:?}");
        }

        // Plain git in the tree does run them.
        Command::new("git").current_dir(&tree).arg("status").output().unwrap();
        assert!(folder.path().join("mark").exists());
    }
}
