//! Level C: the namespaces come from an installed bubblewrap.

use std::fs;
use std::time::{Duration, Instant};

use wright_sandbox::{Command, Exit, LayerKind, LayerState, Level, Limits, Policy, Pretense, Sandbox, SandboxError};

use crate::escapes::{assert_stopped, attempts};
use crate::{Test, Tree, expected_level, find, helper, leave_out, run};

/// A sandbox where nobody but bubblewrap may make namespaces. Nothing for root, who does not use it, and where it does not
/// work.
fn sandbox() -> Option<Sandbox> {
    if rustix::process::geteuid().is_root() {
        return None;
    }
    if find("bwrap").is_none() {
        leave_out("level C", "bwrap");
        return None;
    }
    let sandbox = with_namespaces_missing();
    let is_expected = expected_level().is_some();
    assert!(!is_expected || sandbox.level() == Level::C, "{:?}", sandbox.report());
    (sandbox.level() == Level::C).then_some(sandbox)
}

fn with_namespaces_missing() -> Sandbox {
    let pretense = Pretense { missing: vec![LayerKind::Namespaces], ..Pretense::default() };
    Sandbox::probe_pretending(helper(), &pretense).unwrap()
}

fn sh(tree: &Tree, limits: Limits, script: &str) -> Option<(Exit, String)> {
    let policy = Policy { limits, ..tree.policy() };
    let outcome = run(&sandbox()?, &policy, &Command::new(["sh", "-c", script]));
    assert_eq!(outcome.level, Level::C);
    Some((outcome.exit, outcome.text()))
}

pub(crate) const TESTS: &[Test] = &[
    ("an_installed_bubblewrap_makes_namespaces_where_nobody_else_may", || {
        let Some(sandbox) = sandbox() else { return };
        let namespaces = &sandbox.report()[0];
        assert_eq!((namespaces.kind, namespaces.state), (LayerKind::Namespaces, LayerState::Present));
        assert!(namespaces.detail.contains("bwrap") && namespaces.detail.ends_with("missing on purpose"));
        assert!(namespaces.advice.is_some(), "it says how to reach level A");
    }),
    ("root_never_uses_bubblewrap", || {
        if rustix::process::geteuid().is_root() {
            assert_eq!(with_namespaces_missing().level(), Level::D);
        }
    }),
    ("in_bubblewrap_every_attack_is_still_stopped", || {
        let Some(sandbox) = sandbox() else { return };
        for attempt in attempts().filter(|attempt| !attempt.case.starts_with('R')) {
            assert_stopped(&sandbox, attempt);
        }
    }),
    ("in_bubblewrap_a_command_works_in_its_tree", || {
        let tree = Tree::new();
        let script = "echo text > file && cat file && echo > $TMPDIR/x && echo > /dev/shm/x && whoami && hostname && \
                      ls / | tr '\\n' ' '";
        let Some((exit, text)) = sh(&tree, Limits::default(), script) else { return };
        assert_eq!(exit, Exit::Code(0), "{text}");
        assert!(text.starts_with("text\nsandbox\nsandbox\n"), "{text}");
        assert!(!text.contains("home") && !text.contains("root"), "{text}");
        assert_eq!(fs::read_to_string(tree.file("file")).unwrap(), "text\n");
    }),
    ("in_bubblewrap_a_command_ends_in_time_with_all_it_started", || {
        let tree = Tree::new();
        let limits = Limits { wall: Duration::from_millis(700), ..Limits::default() };
        let start = Instant::now();
        let script = "(setsid sh -c 'trap \"\" TERM; while :; do date +%N > beat; sleep 0.05; done' &) ; sleep 60";
        let Some((exit, text)) = sh(&tree, limits, script) else { return };
        assert_eq!(exit, Exit::WallClock, "{text}");
        assert!(start.elapsed() < Duration::from_secs(10));
        crate::limits::assert_stands_still(&tree.file("beat"));
    }),
    ("in_bubblewrap_memory_is_limited", || {
        let limits = Limits { memory_bytes: 200 << 20, wall: Duration::from_secs(20), ..Limits::default() };
        let script =
            "for i in 1 2 3 4 5; do sh -c 'x=$(head -c 60000000 /dev/zero | tr \"\\0\" a); sleep 15' & done; wait";
        let Some((exit, text)) = sh(&Tree::new(), limits, script) else { return };
        assert_eq!(exit, Exit::Signal(9), "{text}");
        assert!(text.ends_with("[stopped: more than 200 MiB of memory in use]\n"), "{text}");
    }),
    ("in_bubblewrap_a_read_only_folder_can_be_read_and_not_changed", || {
        let Some(sandbox) = sandbox() else { return };
        let (tree, tools) = (Tree::new(), Tree::new());
        fs::write(tools.file("tool"), "text").unwrap();
        fs::write(tools.file("credentials.toml"), "canary").unwrap();
        let policy = Policy { read_only: vec![tools.path()], ..tree.policy() };
        let script =
            format!("cd {}; cat tool credentials.toml; echo > planted || echo unchanged", tools.path().display());
        let text = run(&sandbox, &policy, &Command::new(["sh", "-c", &script])).text();
        assert!(text.starts_with("text") && text.ends_with("unchanged\n") && !text.contains("canary"), "{text}");
    }),
    ("in_bubblewrap_a_protected_part_of_the_tree_is_refused", || {
        let Some(sandbox) = sandbox() else { return };
        let tree = Tree::new();
        fs::create_dir(tree.file("sub")).unwrap();
        let policy = Policy { read_only: vec![tree.file("sub")], ..tree.policy() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let error = runtime.block_on(sandbox.run(&policy, &Command::new(["true"]))).unwrap_err();
        assert!(matches!(error, SandboxError::Setup { layer: Some(LayerKind::Namespaces), .. }), "{error}");
    }),
];
