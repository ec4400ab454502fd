//! What is said, refused and still stopped where the kernel lacks a layer.

use std::os::unix::fs::MetadataExt;

use wright_sandbox::{Command, Exit, LayerKind, LayerState, Level, Policy, SandboxError};

use crate::escapes::{Attempt, Holds, assert_stopped, attempts};
use crate::{Test, Tree, run, sandbox, sandbox_without};

pub(crate) const TESTS: &[Test] = &[
    ("each_missing_layer_lowers_the_level_and_is_named", || {
        use LayerKind::{Identity, Landlock, Namespaces, Seccomp};
        let table: &[(&[LayerKind], Level)] = &[
            (&[], Level::A),
            (&[Landlock], Level::B),
            (&[Namespaces], Level::D),
            (&[Namespaces, Landlock], Level::E),
            (&[Seccomp], Level::E),
            (&[Identity], Level::E),
        ];
        for (missing, level) in table {
            let sandbox = sandbox_without(missing);
            assert_eq!(sandbox.level(), *level, "{missing:?}: {:?}", sandbox.report());
            for layer in sandbox.report() {
                let is_missing = missing.contains(&layer.kind);
                assert_eq!(layer.state == LayerState::Missing, is_missing, "{layer:?}");
                assert_eq!(layer.advice.is_some(), is_missing, "{layer:?}");
                assert_eq!(layer.detail == "missing on purpose", is_missing, "{layer:?}");
            }
        }
    }),
    ("a_level_below_the_policys_runs_nothing", || {
        let table = [
            (vec![LayerKind::Namespaces], Level::B, "sandbox level D reached, B required; missing: namespaces"),
            (vec![LayerKind::Seccomp], Level::E, "sandbox level E reached, D required; missing: seccomp"),
        ];
        for (missing, minimum_level, message) in table {
            let tree = Tree::new();
            let policy = Policy { minimum_level, ..tree.policy() };
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let sandbox = sandbox_without(&missing);
            let error = runtime.block_on(sandbox.run(&policy, &Command::new(["touch", "ran"]))).unwrap_err();
            assert!(matches!(error, SandboxError::LevelTooLow { .. }));
            assert_eq!(error.to_string(), message);
            assert!(!tree.file("ran").exists());
        }
    }),
    ("without_landlock_every_attack_is_still_stopped", || {
        let sandbox = sandbox_without(&[LayerKind::Landlock]);
        for attempt in attempts().filter(|attempt| is_quick(attempt)) {
            assert_stopped(&sandbox, attempt);
        }
    }),
    ("without_namespaces_only_the_documented_attacks_are_open", || {
        let sandbox = sandbox_without(&[LayerKind::Namespaces]);
        for attempt in attempts().filter(|attempt| attempt.holds == Holds::EveryLevel && is_quick(attempt)) {
            assert_stopped(&sandbox, attempt);
        }
    }),
    ("without_namespaces_a_command_still_works_in_its_tree", || {
        let tree = Tree::new();
        let script = "echo text > file && cat file && echo > $TMPDIR/x && echo home > $HOME/x && echo $TMPDIR";
        let outcome =
            run(&sandbox_without(&[LayerKind::Namespaces]), &tree.policy(), &Command::new(["sh", "-c", script]));
        assert_eq!((outcome.exit, outcome.level), (Exit::Code(0), Level::D), "{}", outcome.text());
        let text = outcome.text();
        let scratch = text.lines().last().unwrap();
        assert!(scratch.starts_with("/tmp/wright-sandbox-"), "{scratch}");
        assert!(!std::path::Path::new(scratch).exists(), "the scratch folder is left");
        let owner = |path| std::fs::metadata(path).unwrap().uid();
        assert_eq!(owner(tree.file("file")), owner(tree.path()), "the file changed hands");
        assert_eq!(owner(tree.path()), rustix::process::geteuid().as_raw(), "the tree changed hands");
    }),
    ("without_namespaces_a_daemon_does_not_outlive_its_command", || {
        let tree = Tree::new();
        let script = "(setsid sh -c 'while :; do date +%N > beat; sleep 0.05; done' &) ; sleep 0.3";
        let outcome =
            run(&sandbox_without(&[LayerKind::Namespaces]), &tree.policy(), &Command::new(["sh", "-c", script]));
        assert_eq!(outcome.exit, Exit::Code(0), "{}", outcome.text());
        crate::limits::assert_stands_still(&tree.file("beat"));
    }),
    ("a_protected_part_of_the_tree_is_refused_where_it_cannot_be_protected", || {
        let tree = Tree::new();
        std::fs::create_dir(tree.file("sub")).unwrap();
        let policy = Policy { read_only: vec![tree.file("sub")], ..tree.policy() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let sandbox = sandbox_without(&[LayerKind::Namespaces]);
        let error = runtime.block_on(sandbox.run(&policy, &Command::new(["true"]))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to build the sandbox (namespaces): a part of the tree can be made read-only only with namespaces of our own"
        );
    }),
    ("every_layer_says_what_was_seen", || {
        for layer in sandbox().report() {
            assert!(!layer.detail.is_empty() && layer.detail != "not tried", "{layer:?}");
        }
    }),
];

/// Limits do not depend on the layers that are left out here, and reaching them takes a while.
fn is_quick(attempt: &Attempt) -> bool {
    !attempt.case.starts_with('R')
}
