//! Limits that a control group keeps: on a place that looks like one, and on a real one where the machine has it.

use std::fs;
use std::path::{Path, PathBuf};

use wright_sandbox::{Command, Exit, LimitKeeper, Limits, Policy, Pretense, Sandbox, SandboxError};

use crate::{Test, Tree, helper, run, sandbox};

/// A sandbox that makes its groups in a folder.
fn sandbox_with_groups_in(folder: &Path) -> Result<Sandbox, SandboxError> {
    Sandbox::probe_pretending(helper(), &Pretense { groups_in: Some(folder.to_owned()), ..Pretense::default() })
}

/// Lists the groups that were made, with what was written into one of their files.
fn groups(folder: &Path, file: &str) -> Vec<String> {
    let made = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let made: Vec<PathBuf> = made.collect();
    made.iter().map(|group| fs::read_to_string(group.join(file)).unwrap()).collect()
}

pub(crate) const TESTS: &[Test] = &[
    ("a_command_is_put_into_a_group_with_its_limits", || {
        let (tree, place) = (Tree::new(), tempfile::tempdir().unwrap());
        fs::write(place.path().join("cgroup.subtree_control"), "memory pids\n").unwrap();
        let sandbox = sandbox_with_groups_in(place.path()).unwrap();
        assert_eq!(sandbox.limits(), &LimitKeeper::ControlGroup(place.path().to_owned()));
        // In a real place the groups vanish; here they stay, because nothing but the kernel removes one with its files.
        for group in fs::read_dir(place.path()).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            fs::remove_dir_all(group.path()).unwrap();
        }
        let limits = Limits { memory_bytes: 300 << 20, processes: 20, ..Limits::default() };
        let outcome = run(&sandbox, &Policy { limits, ..tree.policy() }, &Command::new(["true"]));
        assert_eq!(outcome.exit, Exit::Code(0), "{}", outcome.text());
        assert_eq!(groups(place.path(), "memory.max"), [(300 << 20).to_string()]);
        assert_eq!(groups(place.path(), "pids.max"), ["21"]);
        assert!(groups(place.path(), "cgroup.procs")[0].parse::<u32>().is_ok_and(|pid| pid > 1));
    }),
    ("a_group_that_cannot_be_made_any_more_is_a_refusal", || {
        let (tree, place) = (Tree::new(), tempfile::tempdir().unwrap());
        fs::write(place.path().join("cgroup.subtree_control"), "memory pids\n").unwrap();
        let sandbox = sandbox_with_groups_in(place.path()).unwrap();
        fs::write(place.path().join("cgroup.subtree_control"), "memory\n").unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let error = runtime.block_on(sandbox.run(&tree.policy(), &Command::new(["touch", "ran"]))).unwrap_err();
        let expected = "failed to build the sandbox: make a control group: it does not hand on `pids`";
        assert_eq!(error.to_string(), expected);
        assert!(!tree.file("ran").exists());
    }),
    ("what_keeps_the_limits_is_known", || {
        let tree = Tree::new();
        let seen = run(sandbox(), &tree.policy(), &Command::new(["cat", "/proc/self/cgroup"])).text();
        match sandbox().limits() {
            LimitKeeper::Watcher { why } => assert!(!why.is_empty() && why != "not tried"),
            LimitKeeper::ControlGroup(place) => {
                assert!(seen.lines().any(|line| line == "0::/"), "the group shows its name: {seen}");
                let made = fs::read_dir(place).unwrap().flatten();
                let mut made = made.filter(|entry| entry.file_name().to_string_lossy().starts_with("wright-"));
                let own = std::process::id();
                assert!(made.all(|entry| entry.file_name().to_string_lossy() != format!("wright-{own}")));
            }
        }
    }),
];
