//! How much a command may use, and that its end is the end of all of it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use wright_sandbox::{Command, Exit, Limits, Outcome, Policy};

use crate::{Test, Tree, run, sandbox, sh};

const MIB: u64 = 1024 * 1024;

fn sh_with(tree: &Tree, limits: Limits, script: &str) -> Outcome {
    let policy = Policy { limits, ..tree.policy() };
    run(sandbox(), &policy, &Command::new(["sh", "-c", script]))
}

/// Asserts that nobody writes to a file any more. It must have been written to before.
pub(crate) fn assert_stands_still(beat: &Path) {
    let before = fs::read(beat).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(fs::read(beat).unwrap(), before, "something is still running");
}

pub(crate) const TESTS: &[Test] = &[
    ("the_tree_is_writable_and_its_files_belong_to_the_user", || {
        let tree = Tree::new();
        let outcome =
            sh(&tree, "mkdir sub && echo text > sub/file && mv sub/file sub/moved && ln -s moved sub/link && pwd");
        assert_eq!(outcome.exit, Exit::Code(0), "{}", outcome.text());
        assert_eq!(outcome.text(), format!("{}\n", tree.path().display()));
        for name in ["sub", "sub/moved"] {
            let metadata = fs::metadata(tree.file(name)).unwrap();
            let user = fs::metadata(tree.path()).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (user.uid(), user.gid()), "{name}");
        }
        assert_eq!(fs::read_to_string(tree.file("sub/link")).unwrap(), "text\n");
    }),
    ("existing_files_of_the_tree_can_be_changed", || {
        let tree = Tree::new();
        fs::write(tree.file("file"), "old").unwrap();
        let outcome = sh(&tree, "echo new > file && chmod 700 file && stat -c %U file");
        assert_eq!(outcome.exit, Exit::Code(0), "{}", outcome.text());
        assert_eq!(outcome.text(), "sandbox\n");
        assert_eq!(fs::read_to_string(tree.file("file")).unwrap(), "new\n");
    }),
    ("a_command_runs_in_the_folder_it_asked_for", || {
        let tree = Tree::new();
        fs::create_dir(tree.file("sub")).unwrap();
        let command = Command { dir: "sub".into(), ..Command::new(["pwd"]) };
        let outcome = run(sandbox(), &tree.policy(), &command);
        assert_eq!(outcome.text(), format!("{}\n", tree.file("sub").display()));
    }),
    ("exit_codes_and_signals_are_told_apart", || {
        let tree = Tree::new();
        for (script, exit) in [
            ("exit 0", Exit::Code(0)),
            ("exit 7", Exit::Code(7)),
            ("exit 137", Exit::Code(137)),
            ("kill -TERM $$", Exit::Signal(15)),
            ("kill -KILL $$", Exit::Signal(9)),
        ] {
            assert_eq!(sh(&tree, script).exit, exit, "{script}");
        }
    }),
    ("a_program_that_cannot_run_ends_as_in_a_shell", || {
        let tree = Tree::new();
        fs::write(tree.file("data"), "").unwrap();
        for (program, code, text) in [
            ("no-such-program", 127, "[cannot run \"no-such-program\": No such file or directory (os error 2)]\n"),
            ("./data", 126, "[cannot run \"./data\": Permission denied (os error 13)]\n"),
        ] {
            let outcome = run(sandbox(), &tree.policy(), &Command::new([program]));
            assert_eq!((outcome.exit, outcome.text().as_str()), (Exit::Code(code), text));
        }
    }),
    ("the_environment_holds_what_was_asked_for_and_the_sandboxs_own", || {
        let tree = Tree::new();
        let command = Command { env: vec![("GREETING".to_owned(), "hello".to_owned())], ..Command::new(["env"]) };
        let outcome = run(sandbox(), &tree.policy(), &command);
        let text = outcome.text();
        let mut names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["GREETING", "HOME", "LANG", "LC_ALL", "PATH", "TERM", "TMPDIR"]);
    }),
    ("both_streams_arrive_in_order", || {
        let tree = Tree::new();
        let outcome = sh(&tree, "echo one; echo two >&2; echo three; echo four > /dev/stderr");
        assert_eq!(outcome.text(), "one\ntwo\nthree\nfour\n");
        assert!(!outcome.output_cut);
    }),
    ("stdin_is_empty", || {
        assert_eq!(sh(&Tree::new(), "cat").exit, Exit::Code(0));
    }),
    ("a_command_that_sleeps_forever_is_ended_by_the_clock", || {
        let limits = Limits { wall: Duration::from_millis(500), ..Limits::default() };
        let tree = Tree::new();
        let start = Instant::now();
        let outcome =
            sh_with(&tree, limits, "trap '' TERM; echo started; while :; do date +%N > beat; sleep 0.05; done");
        assert_eq!((outcome.exit, outcome.text().as_str()), (Exit::WallClock, "started\n"));
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_stands_still(&tree.file("beat"));
    }),
    ("a_command_that_only_computes_is_ended_by_the_processor_limit", || {
        let limits = Limits { cpu: Duration::from_secs(1), ..Limits::default() };
        let outcome = sh_with(&Tree::new(), limits, "while :; do :; done");
        assert!(matches!(outcome.exit, Exit::Signal(9 | 24)), "{outcome:?}");
    }),
    ("long_output_keeps_its_beginning_and_its_end", || {
        let limits = Limits { output_bytes: 100, ..Limits::default() };
        let outcome = sh_with(&Tree::new(), limits, "echo first; printf %0200d 0; echo; echo last");
        let text = outcome.text();
        assert!(text.starts_with("first\n0") && text.ends_with("0\nlast\n"), "{text}");
        assert!(text.contains("[... 112 bytes cut ...]") && outcome.output_cut, "{text}");
        assert_eq!(outcome.exit, Exit::Code(0));
    }),
    ("endless_output_ends_the_command", || {
        let limits = Limits { output_bytes: MIB, ..Limits::default() };
        let outcome = sh_with(&Tree::new(), limits, "yes");
        assert_eq!(outcome.exit, Exit::OutputLimit);
        assert!(outcome.output_cut && (outcome.output.len() as u64) < MIB + 100);
    }),
    ("a_fork_bomb_stops_at_the_process_limit", || {
        let limits = Limits { processes: 30, wall: Duration::from_secs(10), ..Limits::default() };
        let script = "i=0; while [ $i -lt 100 ]; do sleep 30 & i=$((i+1)); done; echo survived";
        let outcome = sh_with(&Tree::new(), limits, script);
        assert!(outcome.text().contains("fork"), "{}", outcome.text());
        assert!(!outcome.text().contains("survived"), "{}", outcome.text());
    }),
    ("a_process_cannot_use_more_memory_than_allowed", || {
        let limits = Limits { memory_bytes: 256 * MIB, ..Limits::default() };
        let outcome = sh_with(&Tree::new(), limits, "dd if=/dev/zero of=/dev/null bs=1G count=1");
        assert_ne!(outcome.exit, Exit::Code(0), "{}", outcome.text());
        let enough = sh(&Tree::new(), "dd if=/dev/zero of=/dev/null bs=1G count=1");
        assert_eq!(enough.exit, Exit::Code(0), "{}", enough.text());
    }),
    ("many_processes_cannot_use_more_memory_together", || {
        let limits = Limits { memory_bytes: 200 * MIB, wall: Duration::from_secs(20), ..Limits::default() };
        // Each process holds 80 MiB while it waits for a reader that never comes.
        let script = "mkfifo never; for i in 1 2 3 4 5; do dd if=/dev/zero of=never bs=80M count=1 & done; \
                      for i in 1 2 3 4 5; do sh -c 'x=$(head -c 60000000 /dev/zero | tr \"\\0\" a); sleep 15' & done; wait";
        let outcome = sh_with(&Tree::new(), limits, script);
        assert_eq!(outcome.exit, Exit::Signal(9), "{}", outcome.text());
        assert!(outcome.text().ends_with("[stopped: more than 200 MiB of memory in use]\n"), "{}", outcome.text());
    }),
    ("a_file_cannot_grow_larger_than_allowed", || {
        let limits = Limits { file_bytes: MIB, ..Limits::default() };
        let tree = Tree::new();
        let outcome = sh_with(&tree, limits, "exec head -c 5000000 /dev/zero > big");
        assert_eq!(outcome.exit, Exit::Signal(libc::SIGXFSZ), "{}", outcome.text());
        assert_eq!(fs::metadata(tree.file("big")).unwrap().len(), MIB);
    }),
    ("the_folder_for_temporary_files_is_limited_and_private", || {
        let tree = Tree::new();
        let outcome = sh(&tree, "ls -A /tmp | grep -v home; echo > /tmp/left; df --output=size /tmp | tail -1");
        let size: u64 = outcome.text().lines().last().unwrap().trim().parse().unwrap();
        assert_eq!(size, 1024 * 1024);
        let again = sh(&tree, "test ! -e /tmp/left");
        assert_eq!(again.exit, Exit::Code(0));
    }),
    ("a_daemon_does_not_outlive_its_command", || {
        let tree = Tree::new();
        let script = "(setsid sh -c 'trap \"\" TERM HUP; while :; do date +%N > beat; sleep 0.05; done' &) ; sleep 0.3";
        let outcome = sh(&tree, script);
        assert_eq!(outcome.exit, Exit::Code(0), "{}", outcome.text());
        assert_stands_still(&tree.file("beat"));
    }),
    ("dropping_the_future_kills_everything", || {
        for missing in [&[][..], &[wright_sandbox::LayerKind::Namespaces]] {
            let tree = Tree::new();
            let sandbox = crate::sandbox_without(missing);
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let script = "(setsid sh -c 'while :; do date +%N > beat; sleep 0.05; done' &) ; sleep 60";
            let command = Command::new(["sh", "-c", script]);
            let policy = tree.policy();
            let finished = runtime
                .block_on(async { tokio::time::timeout(Duration::from_secs(1), sandbox.run(&policy, &command)).await });
            assert!(finished.is_err(), "{finished:?}");
            std::thread::sleep(Duration::from_millis(300));
            assert_stands_still(&tree.file("beat"));
        }
    }),
    ("a_read_only_folder_can_be_read_and_not_changed", || {
        let (tree, tools) = (Tree::new(), Tree::new());
        fs::write(tools.file("tool"), "text").unwrap();
        fs::write(tools.file("credentials.toml"), "canary").unwrap();
        let policy = Policy { read_only: vec![tools.path(), "/nowhere/at/all".into()], ..tree.policy() };
        let script =
            format!("cd {}; cat tool; cat credentials.toml; echo > planted || echo unchanged", tools.path().display());
        let outcome = run(sandbox(), &policy, &Command::new(["sh", "-c", &script]));
        let text = outcome.text();
        assert!(text.starts_with("text") && text.ends_with("unchanged\n") && !text.contains("canary"), "{text}");
        assert!(!tools.file("planted").exists());
    }),
    ("a_part_of_the_tree_can_be_protected", || {
        let tree = Tree::new();
        fs::create_dir(tree.file("protected")).unwrap();
        let policy = Policy { read_only: vec![tree.file("protected")], ..tree.policy() };
        let script = "touch free && ! touch protected/file && ! mv protected moved && ! rmdir protected";
        let outcome = run(sandbox(), &policy, &Command::new(["sh", "-c", script]));
        assert_eq!(outcome.exit, Exit::Code(0), "{}", outcome.text());
    }),
    ("a_planted_link_does_not_become_a_read_only_folder", || {
        let tree = Tree::new();
        std::os::unix::fs::symlink("/etc", tree.file("protected")).unwrap();
        let policy = Policy { read_only: vec![tree.file("protected")], ..tree.policy() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let result = runtime.block_on(sandbox().run(&policy, &Command::new(["true"])));
        assert!(result.is_err(), "{result:?}");
    }),
    ("a_tree_reached_through_a_link_keeps_both_names", || {
        let (tree, links) = (Tree::new(), Tree::new());
        let link = links.file("tree");
        std::os::unix::fs::symlink(tree.path(), &link).unwrap();
        fs::write(tree.file("file"), "text").unwrap();
        let script = format!("cat {}/file {}/file", link.display(), tree.path().display());
        let outcome = run(sandbox(), &Policy::new(&link), &Command::new(["sh", "-c", &script]));
        assert_eq!(outcome.text(), "texttext");
    }),
];
