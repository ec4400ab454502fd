//! Attacks that must get through outside and must be stopped inside.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;

use libtest_mimic::Trial;
use wright_sandbox::{Command, Exit, Level, Policy, Sandbox};

use crate::attacks::{STOPPED, THROUGH};
use crate::host::Host;
use crate::{ATTACK, Test, Tree, is_ci, run, sandbox, this_program, trial};

/// What is expected of an attack where there is no sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// It gets through: the test would notice if the sandbox did nothing.
    Through,
    /// It gets through if the tests run as root.
    ThroughAsRoot,
    /// It depends on the machine, or would do damage.
    Untried,
}

/// Where an attack is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoppedAt {
    /// At every level that runs commands.
    EveryLevel,
    /// Only with namespaces. At level D this is open, and documented.
    Namespaces,
}

use Outside::{Through, ThroughAsRoot, Untried};
use StoppedAt::{EveryLevel, Namespaces};

/// What is attempted, what it does to the attack's arguments, and what stops it.
pub(crate) const ATTACKS: &[(&str, &[&str], Outside, StoppedAt)] = &[
    ("reading a file outside the tree", &["read", "$secret"], Through, EveryLevel),
    ("listing a folder outside the tree", &["list", "$dir"], Through, EveryLevel),
    ("reading the password hashes", &["open", "/etc/shadow"], ThroughAsRoot, EveryLevel),
    ("listing the homes", &["list", "/home"], Through, EveryLevel),
    ("writing outside the tree", &["write", "$outside"], Through, EveryLevel),
    ("writing into the system", &["write", "/usr/wright-test"], Untried, EveryLevel),
    ("writing into the system's settings", &["write", "/etc/wright-test"], Untried, EveryLevel),
    ("reading through a symbolic link", &["read-through-link", "$secret"], Through, EveryLevel),
    ("writing through a symbolic link", &["write-through-link", "$outside"], Through, EveryLevel),
    ("hard-linking a file into the tree", &["hard-link", "$secret"], Untried, EveryLevel),
    ("moving a file out of the tree", &["rename-out", "$outside"], Through, EveryLevel),
    ("the key in its own environment", &["own-environment"], Through, EveryLevel),
    ("the key in any environment", &["any-environment"], Through, EveryLevel),
    ("the environment of process 1", &["environment-of", "1"], Untried, EveryLevel),
    ("the environment of a process", &["environment-of", "$victim"], Through, EveryLevel),
    ("the command line of a process", &["command-line-of", "$victim"], Through, Namespaces),
    ("the root of a process", &["root-of", "$victim", "$secret"], Through, EveryLevel),
    ("overwriting the helper's program", &["overwrite-helper"], Untried, EveryLevel),
    ("reading the memory of process 1", &["memory-of-init"], Untried, EveryLevel),
    ("a leaked open file", &["leaked-file"], Through, EveryLevel),
    ("a TCP listener of the host", &["tcp", "$tcp"], Through, EveryLevel),
    ("a UDP socket of the host", &["udp", "$udp"], Through, EveryLevel),
    ("a route to the outside", &["outside-route"], Untried, EveryLevel),
    ("a unix socket by path", &["unix-socket", "$socket"], Through, EveryLevel),
    ("an abstract unix socket", &["abstract-socket", "$abstract"], Through, EveryLevel),
    ("a hypervisor socket", &["socket", "40", "1", "0"], Untried, EveryLevel),
    ("a raw packet socket", &["socket", "17", "3", "768"], ThroughAsRoot, EveryLevel),
    ("a kernel crypto socket", &["socket", "38", "5", "0"], Untried, EveryLevel),
    ("a firewall socket", &["socket", "16", "3", "12"], Untried, EveryLevel),
    ("signaling a process of the host", &["signal", "$victim"], Through, EveryLevel),
    ("tracing a process of the host", &["ptrace", "$victim"], Through, EveryLevel),
    ("reading memory of a process", &["read-memory"], Through, EveryLevel),
    ("taking an open file of a process", &["take-file", "$victim"], Through, EveryLevel),
    ("shared memory of the host", &["system-v-memory", "$shm"], Through, EveryLevel),
    ("io_uring", &["io-uring"], Untried, EveryLevel),
    ("kernel programs", &["bpf"], Untried, EveryLevel),
    ("the kernel's keys", &["keyring"], Untried, EveryLevel),
    ("page faults in user space", &["userfaultfd"], Untried, EveryLevel),
    ("performance counters", &["perf"], Untried, EveryLevel),
    ("a nested user namespace by unshare", &["unshare-user"], Untried, EveryLevel),
    ("a nested user namespace by clone", &["clone-user"], Untried, EveryLevel),
    ("a nested user namespace by clone3", &["clone3-user"], Untried, EveryLevel),
    ("mounting", &["mount"], Untried, EveryLevel),
    ("mounting by the newer interface", &["new-mount-interface"], ThroughAsRoot, EveryLevel),
    ("changing the root", &["chroot"], ThroughAsRoot, EveryLevel),
    ("the kernel's core pattern", &["open-to-write", "/proc/sys/kernel/core_pattern"], ThroughAsRoot, EveryLevel),
    ("the kernel's request keys", &["open-to-write", "/proc/sysrq-trigger"], Untried, EveryLevel),
    ("the kernel's messages", &["open", "/dev/kmsg"], Untried, EveryLevel),
    ("the kernel's memory", &["open", "/proc/kcore"], Untried, EveryLevel),
    ("a disk", &["open", "/dev/vda"], Untried, EveryLevel),
    ("making a device", &["device"], ThroughAsRoot, EveryLevel),
    ("opening files by number", &["file-by-number"], Untried, EveryLevel),
    ("typing into a terminal", &["type-into-terminal"], Untried, EveryLevel),
    ("calls of the 32-bit interface", &["old-calls"], Untried, EveryLevel),
    ("calls by their second numbers", &["second-numbering"], Untried, EveryLevel),
    ("being root", &["be-root"], ThroughAsRoot, EveryLevel),
    ("becoming root", &["become-root"], ThroughAsRoot, EveryLevel),
    ("capabilities", &["capabilities"], ThroughAsRoot, EveryLevel),
    // Without the right to shrink it, an ordinary user's set stays full at level D. Without new privileges it is of no use.
    ("capabilities to regain", &["capabilities-to-regain"], Through, Namespaces),
    ("new privileges", &["new-privileges"], Untried, EveryLevel),
    ("programs that change the user", &["make-setuid"], Untried, Namespaces),
];

/// One test per attack.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    ATTACKS.iter().map(|&(what, attack, outside, _)| {
        let name = format!("{}_is_stopped_inside", what.replace([' ', '-'], "_").replace('\'', ""));
        trial(name, move || check(attack, outside))
    })
}

pub(crate) const TESTS: &[Test] = &[("this_machine_reaches_the_best_level_or_says_why_not", || {
    let sandbox = sandbox();
    if sandbox.level() < Level::A {
        assert!(!is_ci(), "level {} on a machine that judges changes: {:?}", sandbox.level(), sandbox.report());
        eprintln!("sandbox level {}: {:?}", sandbox.level(), sandbox.report());
    }
})];

fn check(attack: &[&str], outside: Outside) {
    assert_outside(attack, outside);
    assert_stopped(sandbox(), attack);
}

/// Runs an attack inside and asserts that it was stopped.
pub(crate) fn assert_stopped(sandbox: &Sandbox, attack: &[&str]) {
    let tree = Tree::new();
    let program = ReachableProgram::new();
    let policy = Policy { read_only: vec![program.path()], ..tree.policy() };
    let outcome = run(sandbox, &policy, &Command::new(words(&program.path(), attack)));
    let stopped = match outcome.exit {
        Exit::Code(code) => code == i32::from(STOPPED),
        Exit::Signal(signal) => signal == libc::SIGSYS,
        Exit::WallClock | Exit::OutputLimit => false,
    };
    assert!(stopped, "{attack:?} inside: {outcome:?}\n{}", outcome.text());
    assert!(!Host::get().planted().exists(), "{attack:?} changed the host");
}

fn assert_outside(attack: &[&str], outside: Outside) {
    // SAFETY: asking who one is.
    let is_root = unsafe { libc::geteuid() } == 0;
    if outside == Untried || (outside == ThroughAsRoot && !is_root) {
        return;
    }
    let tree = Tree::new();
    let words = words(&this_program(), attack);
    let status = process::Command::new(&words[0]).args(&words[1..]).current_dir(tree.path()).status();
    let _ = std::fs::remove_file(Host::get().planted());
    assert_eq!(status.unwrap().code(), Some(i32::from(THROUGH)), "{attack:?} outside");
}

/// This program where every user can get at it: a build folder may lie in a home folder that is closed to others, and not
/// every level of isolation shows the command another way there.
struct ReachableProgram {
    folder: Tree,
}

impl ReachableProgram {
    fn new() -> Self {
        let folder = Tree::new();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = folder.file("it");
        fs::hard_link(this_program(), &copy).or_else(|_| fs::copy(this_program(), &copy).map(drop)).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.file("it")
    }
}

fn words(program: &Path, attack: &[&str]) -> Vec<String> {
    let program = program.display().to_string();
    let attack = attack.iter().map(|word| Host::get().resolve(word));
    [program, ATTACK.to_owned()].into_iter().chain(attack).collect()
}
