//! Tools that are scripts: each prints what ruff would, about what it sees.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use tempfile::TempDir;
use wright_gate::change::{ChangeSet, Content, FileDelta, MemoryTree, Tree as _};
use wright_gate::tools::{Progress, ToolReports, ToolSetup, run_tools};
use wright_gate::{CheckReport, CheckStatus};
use wright_sandbox::{Level, Limits};

use crate::{block_on, sandbox, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_tool_looks_at_both_states", a_tool_looks_at_both_states),
        trial("how_strict_a_tool_is_was_decided_before_the_change", how_strict_a_tool_is_was_decided_before_the_change),
        trial("a_tool_cannot_write_into_what_it_looks_at", a_tool_cannot_write_into_what_it_looks_at),
        trial("a_tool_that_fails_is_reported_as_failed", a_tool_that_fails_is_reported_as_failed),
        trial("a_tool_that_hangs_is_stopped_and_reported", a_tool_that_hangs_is_stopped_and_reported),
        trial("output_that_is_a_link_is_not_read", output_that_is_a_link_is_not_read),
        trial("the_same_run_is_not_made_twice", the_same_run_is_not_made_twice),
        trial(
            "a_missing_tool_is_missed_only_where_the_project_asks_for_it",
            a_missing_tool_is_missed_only_where_the_project_asks_for_it,
        ),
        trial("the_projects_own_tool_comes_first", the_projects_own_tool_comes_first),
    ]
}

/// A machine with one tool on its search path.
struct World {
    dir: TempDir,
}

const ANSWER_VERSION: &str = "case \"$1\" in --version) echo 'ruff 1.2.3'; exit 0;; esac\n";

impl World {
    fn new(script: &str) -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        world.install("bin/ruff", script);
        world
    }

    fn install(&self, place: &str, script: &str) {
        let path = self.dir.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{ANSWER_VERSION}{script}")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn setup(&self) -> ToolSetup {
        let bin = self.dir.path().join("bin");
        ToolSetup {
            env: vec![("PATH".to_owned(), bin.to_string_lossy().into_owned())],
            read_only: vec![bin],
            checkout: None,
            installed: Vec::new(),
            limits: Limits::default(),
            minimum_level: Level::D,
            cache: None,
            scratch: self.dir.path().join("scratch"),
        }
    }

    fn run(&self, setup: &ToolSetup, before: &[(&str, &str)], after: &[(&str, &str)]) -> ToolReports {
        let tree = |files: &[(&str, &str)]| files.iter().map(|(path, text)| (*path, *text)).collect::<MemoryTree>();
        let (before, after) = (tree(before), tree(after));
        let content = |tree: &MemoryTree, path: &Path| tree.read(path).map_or(Content::Absent, Content::Text);
        let mut paths: Vec<PathBuf> = before.paths().iter().chain(after.paths()).cloned().collect();
        paths.sort();
        paths.dedup();
        let deltas = paths.into_iter().map(|path| FileDelta {
            before: content(&before, &path),
            after: content(&after, &path),
            moved_from: None,
            path,
        });
        let change = ChangeSet { files: deltas.filter(|it| it.before != it.after).collect() };
        let mut n_told = 0;
        let reports = block_on(run_tools(sandbox(), setup, &change, &before, &after, |progress| match progress {
            Progress::Started(_) => {}
            Progress::Finished(_) => n_told += 1,
        }));
        assert!(n_told <= reports.reports.len());
        reports
    }

    fn report(&self, before: &[(&str, &str)], after: &[(&str, &str)]) -> CheckReport {
        let mut reports = self.run(&self.setup(), before, after).reports;
        assert_eq!(reports.len(), 1, "{reports:?}");
        reports.remove(0)
    }
}

/// Reports one problem for each line with `bad` in `a.py`.
const LINT: &str = r#"
sep=; printf '['
n=0
while IFS= read -r line; do
  n=$((n + 1))
  case "$line" in *bad*) printf '%s{"filename":"%s/a.py","code":"X1","message":"bad line","location":{"row":%d,"column":1}}' "$sep" "$PWD" $n; sep=,;; esac
done < a.py
printf ']'
"#;

fn messages(report: &CheckReport) -> (Vec<String>, Vec<String>) {
    let lines = |findings: &[wright_gate::Finding]| findings.iter().map(ToString::to_string).collect();
    (lines(&report.before), lines(&report.after))
}

fn a_tool_looks_at_both_states() {
    let report = World::new(LINT).report(&[("a.py", "bad\n")], &[("a.py", "fine\nbad\nbad\n")]);
    assert_eq!(report.status, CheckStatus::Ran);
    assert_eq!(report.tool.as_ref().map(|it| it.version.as_str()), Some("1.2.3"));
    assert_eq!(report.analysed, [PathBuf::from("a.py")]);
    let (before, after) = messages(&report);
    assert_eq!(before, ["a.py:1: bad line [ruff/X1]"]);
    assert_eq!(after, ["a.py:2: bad line [ruff/X1]", "a.py:3: bad line [ruff/X1]"]);
    assert_eq!(report.before[0].key, report.after[0].key);
}

fn how_strict_a_tool_is_was_decided_before_the_change() {
    let script = "read -r line < ruff.toml; if [ $line = strict ]; then printf '[{\"filename\":\"a.py\",\"code\":\"X1\",\"message\":\"m\",\"location\":{\"row\":1,\"column\":1}}]'; else printf '[]'; fi\n";
    let report = World::new(script)
        .report(&[("a.py", "1\n"), ("ruff.toml", "strict")], &[("a.py", "2\n"), ("ruff.toml", "loose")]);
    assert_eq!(messages(&report).1.len(), 1);
}

fn a_tool_cannot_write_into_what_it_looks_at() {
    let script = "if echo planted > a.py; then printf '[{\"filename\":\"a.py\",\"code\":\"X1\",\"message\":\"written\"}]'; else printf '[]'; fi 2>/dev/null\n";
    let report = World::new(script).report(&[], &[("a.py", "1\n")]);
    assert_eq!((report.status.clone(), messages(&report).1), (CheckStatus::Ran, Vec::new()));
}

fn a_tool_that_fails_is_reported_as_failed() {
    let report = World::new("echo 'cannot do it' >&2; exit 2\n").report(&[], &[("a.py", "1\n")]);
    assert_eq!(report.status, CheckStatus::Failed("ended with exit code 2: cannot do it".to_owned()));
    let report = World::new("echo '[{'\n").report(&[], &[("a.py", "1\n")]);
    assert!(
        matches!(&report.status, CheckStatus::Failed(reason) if reason.contains("output that cannot be read")),
        "{report:?}"
    );
}

fn a_tool_that_hangs_is_stopped_and_reported() {
    let world = World::new("exec sleep 60\n");
    let limits = Limits { wall: std::time::Duration::from_secs(1), ..Limits::default() };
    let mut setup = ToolSetup { limits, ..world.setup() };
    setup.env[0].1.push_str(":/usr/bin:/bin");
    let reports = world.run(&setup, &[], &[("a.py", "1\n")]).reports;
    assert_eq!(reports[0].status, CheckStatus::Failed("was stopped at its time limit".to_owned()));
}

fn output_that_is_a_link_is_not_read() {
    let script = "PATH=/usr/bin:/bin; cd ../out/ruff && rm stdout && ln -s /etc/hostname stdout\n";
    let report = World::new(script).report(&[], &[("a.py", "1\n")]);
    assert_eq!(report.status, CheckStatus::Failed("left no output that can be read".to_owned()));
}

fn the_same_run_is_not_made_twice() {
    let world = World::new(LINT);
    let setup = ToolSetup { cache: Some(world.dir.path().join("cache")), ..world.setup() };
    let first = world.run(&setup, &[("a.py", "bad\n")], &[("a.py", "bad\nbad\n")]).reports;
    // The same program by all that is looked at, which fails if it is run.
    let path = world.dir.path().join("bin/ruff");
    let modified = path.metadata().unwrap().modified().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, "#".repeat(text.len())).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let second = world.run(&setup, &[("a.py", "bad\n")], &[("a.py", "bad\nbad\n")]).reports;
    assert_eq!(messages(&second[0]), messages(&first[0]));
    let third = world.run(&setup, &[("a.py", "bad\n")], &[("a.py", "other\n")]).reports;
    assert!(matches!(third[0].status, CheckStatus::Failed(_)), "{third:?}");
}

fn a_missing_tool_is_missed_only_where_the_project_asks_for_it() {
    let world = World::new("exit 0\n");
    std::fs::remove_file(world.dir.path().join("bin/ruff")).unwrap();
    let found = world.run(&world.setup(), &[], &[("a.py", "1\n")]);
    assert!(found.reports.is_empty() && found.missing.contains(&"ruff"), "{found:?}");
    let found = world.run(&world.setup(), &[("ruff.toml", "")], &[("ruff.toml", ""), ("a.py", "1\n")]);
    assert!(
        matches!(&found.reports[0].status, CheckStatus::NotRun(reason) if reason.contains("pip install ruff")),
        "{found:?}"
    );
}

fn the_projects_own_tool_comes_first() {
    let world = World::new("exit 2\n");
    world.install("checkout/.venv/bin/ruff", "printf '[]'\n");
    let checkout = world.dir.path().join("checkout");
    let setup = ToolSetup { installed: vec![checkout.join(".venv")], checkout: Some(checkout), ..world.setup() };
    let reports = world.run(&setup, &[], &[("a.py", "1\n")]).reports;
    assert_eq!(reports[0].status, CheckStatus::Ran);
}
