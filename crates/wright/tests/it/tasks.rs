//! Tasks after the fact: listing, showing, applying, and being interrupted.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::fake_server::{Answer, FakeServer};
use crate::fixture::{Project, RIGHT_TOTAL, Surroundings, TEST_COMMAND};

/// Proposes a patch for the shop and returns the task's id.
fn propose(surroundings: &Surroundings, project: &Project) -> String {
    let server = FakeServer::start(Answer::Text(format!("```python\n{RIGHT_TOTAL}```\n")));
    let url = server.base_url();
    let args = ["fix", "--json", "--model", "openai:fake", "--base-url", &url];
    let run = surroundings.run_in(project.root(), &[&args[..], &TEST_COMMAND].concat());
    assert_eq!(run.exit, 0, "{run:?}");
    run.json()["task"].as_str().unwrap().to_owned()
}

#[test]
fn a_proposal_is_listed_shown_and_applied_by_the_beginning_of_its_id() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let id = propose(&surroundings, &project);
    let listed = surroundings.run(&["tasks", "--json"]).json();
    assert_eq!(listed["tasks"][0]["id"], id.as_str());
    assert_eq!(listed["tasks"][0]["status"], "proposed");
    let prefix = &id[..13];
    let shown = surroundings.run(&["tasks", "show", prefix]);
    assert!(shown.stdout.contains("+    return result - result * discount / 100"), "{shown:?}");
    assert!(shown.stdout.contains("check     tests: "), "{shown:?}");
    let applied = surroundings.run(&["tasks", "apply", prefix]);
    assert_eq!((applied.exit, applied.stdout.as_str()), (0, "changed shop.py\n"), "{applied:?}");
    assert!(project.read("shop.py").contains("discount / 100\n"));
    let again = surroundings.run(&["tasks", "apply", prefix]);
    assert_eq!(again.exit, 1, "{again:?}");
    assert!(again.stderr.contains("is applied already"), "{again:?}");
}

#[test]
fn a_proposal_is_refused_where_the_file_has_changed_since() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let id = propose(&surroundings, &project);
    project.write("shop.py", "# mine\n");
    let run = surroundings.run(&["tasks", "apply", &id, "--json"]);
    assert_eq!(run.exit, 1, "{run:?}");
    assert_eq!(run.json()["schema"], "wright.error/1");
    assert!(run.json()["error"].as_str().unwrap().contains("shop.py"), "{run:?}");
    assert_eq!(project.read("shop.py"), "# mine\n");
    let listed = surroundings.run(&["tasks", "--json"]).json();
    assert_eq!(listed["tasks"][0]["status"], "proposed");
}

#[test]
fn a_proposal_that_was_tampered_with_gets_no_stamp() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let id = propose(&surroundings, &project);
    let store = surroundings.home().join("store.db");
    let forge = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                 c.execute(\"update proposals set patch = replace(patch, '/ 100', '/ 99')\"); c.commit()";
    let forged = surroundings.command_of("python3", &["-c", forge, &store.to_string_lossy()]).status().unwrap();
    assert!(forged.success());
    let run = surroundings.run(&["tasks", "apply", &id]);
    assert_eq!(run.exit, 1, "{run:?}");
    assert!(run.stderr.contains("is not the one that passed the checks"), "{run:?}");
    assert!(project.read("shop.py").contains("discount / 10\n"));
}

#[test]
fn an_interrupted_fix_leaves_the_checkout_and_closes_its_task() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let before = project.bytes();
    let server = FakeServer::start(Answer::Silence);
    let url = server.base_url();
    let args = ["fix", "--model", "openai:fake", "--base-url", &url];
    let mut command = surroundings.command(&[&args[..], &TEST_COMMAND].concat());
    let mut child = command.current_dir(project.root()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while server.requests().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "the model is never asked");
        assert!(child.try_wait().unwrap().is_none(), "the program ended by itself");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(project.bytes(), before);
    let listed = surroundings.run(&["tasks", "--json"]).json();
    assert_eq!(listed["tasks"][0]["status"], "interrupted");
    let folder = surroundings.home().join("tasks").join(listed["tasks"][0]["id"].as_str().unwrap());
    let left: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["git"], "the trees of the task are removed, and its history stays");
}
