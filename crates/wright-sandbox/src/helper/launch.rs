//! The process that becomes the command: it takes on the limits, Landlock and the filter, and executes the program.

use std::collections::BTreeMap;
use std::ffi::{CString, NulError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::{chdir, setsid};

use super::control::Control;
use super::init::Plan;
use super::processes::exit_now;
use super::refusal::{OrRefuse, Refusal};
use super::seccomp::Sockets;
use super::{landlock, rlimits, seccomp, self_test};
use crate::wire::{Action, Report, WireLayer};

/// Where programs are looked up if the command's variables do not say.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// Ends this process by becoming the command, or by saying why it cannot.
pub(super) fn run(control: &mut Control, plan: &Plan<'_>) -> ! {
    match confine_and_act(control, plan) {
        Ok(()) => exit_now(0),
        Err(refusal) => {
            control.send(&refusal.into());
            exit_now(1)
        }
    }
}

fn confine_and_act(control: &mut Control, plan: &Plan<'_>) -> Result<(), Refusal> {
    setsid().or_refuse("start a session")?;
    reset_signals().or_refuse("reset the signals")?;
    std::fs::create_dir_all(plan.layout.home()).or_refuse("create the home folder")?;
    let dir = match &plan.spec.action {
        Action::Run { dir, .. } => plan.layout.tree.join(dir),
        Action::SelfTest { .. } => plan.layout.tree.clone(),
    };
    let found = chdir(&dir);
    let n_outside = plan.spec.n_processes_outside;
    let n_already = rlimits::processes_already(plan.identity, plan.layout.has_fresh_root, n_outside);
    rlimits::apply(&plan.spec.limits, n_already)?;
    confine(plan)?;
    close_at_exec().or_refuse("close files")?;
    match &plan.spec.action {
        Action::SelfTest { secret, port } => self_test::run(control, plan, secret, *port),
        Action::Run { argv, env, .. } => {
            if let Err(error) = found {
                let detail = format!("cannot enter {:?}: {}", dir.display(), io::Error::from(error));
                control.send(&Report::NotRunnable { code: 126, detail });
                exit_now(126)
            }
            let program = Program::new(argv, env, plan).or_refuse("prepare the arguments")?;
            let (code, error) = program.execute();
            let detail = format!("cannot run {:?}: {error}", argv.first().map_or("", String::as_str));
            control.send(&Report::NotRunnable { code, detail });
            exit_now(code)
        }
    }
}

/// Puts up the last two walls. What they allow follows from whether there is a fresh root and an own network.
fn confine(plan: &Plan<'_>) -> Result<(), Refusal> {
    let wanted = |layer: WireLayer| {
        let is_wanted = plan.spec.layers.contains(&layer);
        if is_wanted && plan.spec.simulate_missing.contains(&layer) {
            return Err(Refusal::of(layer, "missing on purpose"));
        }
        Ok(is_wanted)
    };
    if wanted(WireLayer::Landlock)? {
        landlock::restrict(plan.layout)?;
    }
    if wanted(WireLayer::Seccomp)? {
        let sockets = if plan.layout.has_fresh_root { Sockets::OwnNetwork } else { Sockets::PairsOnly };
        seccomp::apply(sockets)?;
    }
    Ok(())
}

/// Undoes what the Rust runtime and the launcher did to signals: programs expect to be killed by a closed pipe.
fn reset_signals() -> io::Result<()> {
    // SAFETY: a set of signals is plain numbers, `sigemptyset` fills it before it is used, and restoring default handlers
    // runs no code of ours.
    let result = unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Marks every file above stderr to be closed when the program is executed; until then the control socket is needed.
fn close_at_exec() -> io::Result<()> {
    // SAFETY: only a flag of each open file changes.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A program with its arguments and variables, as the kernel wants them.
struct Program {
    candidates: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
}

impl Program {
    fn new(argv: &[String], env: &[(String, String)], plan: &Plan<'_>) -> Result<Self, NulError> {
        let variables = variables(env, &plan.layout.scratch, &plan.layout.home());
        let path = variables.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        let program = argv.first().map_or("", String::as_str);
        let candidates = candidates(program, path).into_iter().map(CString::new);
        let pairs = variables.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
        Ok(Self {
            candidates: candidates.collect::<Result<_, _>>()?,
            argv: argv.iter().map(|word| CString::new(word.as_bytes())).collect::<Result<_, _>>()?,
            env: pairs.collect::<Result<_, _>>()?,
        })
    }

    /// Replaces this process. Returns only if that fails, with a shell's exit code for the reason.
    fn execute(&self) -> (i32, io::Error) {
        let argv = pointers(&self.argv);
        let env = pointers(&self.env);
        let mut failure = io::Error::from_raw_os_error(libc::ENOENT);
        for program in &self.candidates {
            // SAFETY: all three are zero-terminated, and the strings behind the pointers live in `self`.
            unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
            let error = io::Error::last_os_error();
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                failure = error;
            }
        }
        let code = if failure.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
        (code, failure)
    }
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Returns the sandbox's own variables with the command's on top.
fn variables(env: &[(String, String)], scratch: &Path, home: &Path) -> BTreeMap<String, String> {
    let own = [
        ("PATH", DEFAULT_PATH.to_owned()),
        ("HOME", home.display().to_string()),
        ("TMPDIR", scratch.display().to_string()),
        ("LANG", "C.UTF-8".to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
        ("TERM", "dumb".to_owned()),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    own.chain(env.iter().cloned()).collect()
}

/// Returns where a program may lie: itself if it is written as a path, else its name in each folder of `path`.
fn candidates(program: &str, path: &str) -> Vec<Vec<u8>> {
    if program.contains('/') {
        return vec![program.as_bytes().to_vec()];
    }
    let folders = path.split(':').filter(|folder| !folder.is_empty());
    folders.map(|folder| Path::new(folder).join(program).as_os_str().as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_variables_win_over_the_sandboxs() {
        let env = [("LANG".to_owned(), "C".to_owned()), ("A".to_owned(), "1".to_owned())];
        let variables = variables(&env, Path::new("/tmp"), Path::new("/tmp/home"));
        assert_eq!(variables["LANG"], "C");
        assert_eq!(variables["A"], "1");
        assert_eq!(variables["HOME"], "/tmp/home");
        assert_eq!(variables.len(), 7);
    }

    #[test]
    fn a_program_is_looked_up_in_the_path_unless_it_is_one() {
        assert_eq!(candidates("./run", "/bin"), [b"./run".to_vec()]);
        assert_eq!(candidates("sh", "/a::/b"), [b"/a/sh".to_vec(), b"/b/sh".to_vec()]);
    }
}
