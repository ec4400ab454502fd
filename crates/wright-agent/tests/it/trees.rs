//! The trees of a task: their states are kept where nobody works, and commands that need git have one of their own.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use wright_agent::Toolchains;
use wright_agent::fix::{Deps, Outcome, Request, TREES, fix};
use wright_provider::Capabilities;
use wright_provider::replay::{Answer, ScriptedProvider};
use wright_repo::Repository;
use wright_store::Store;

use crate::world::{Planted, World};
use crate::{block_on, sandbox, trial};

/// Fixes what fails in a world, with a model that knows the answer.
fn fixed(world: &World, tests: &[&str]) -> Outcome {
    let capabilities = Capabilities { fills_in_the_middle: false, ranks: false, context_window: 0 };
    let answer = "```python\ndef total(prices):\n    return sum(prices)\n```\n";
    let provider = ScriptedProvider::from_fn(move |_| Answer::text(answer)).with_capabilities(capabilities);
    let command: Vec<String> =
        ["/usr/bin/python3", "-m", "unittest", "-v"].iter().chain(tests).map(|it| (*it).to_owned()).collect();
    let request = Request {
        command: Some(command),
        max_candidates: 3,
        test_time_limit: Duration::from_secs(30),
        ..Request::default()
    };
    block_on(async {
        let deps = Deps {
            provider: Arc::new(provider),
            sandbox: sandbox().clone(),
            store: Store::open(&world.tasks().join("store.db")).await.unwrap(),
            tasks_folder: world.tasks(),
            toolchains: Toolchains::default(),
            fetching: None,
            reporter: Arc::new(|_| {}),
        };
        fix(&deps, &Repository::discover(&world.checkout()).unwrap(), &request).await.unwrap()
    })
}

fn git(git_dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git").arg("--git-dir").arg(git_dir).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const TEST_OF_GIT: &str = "import subprocess, unittest\n\n\nclass GitTest(unittest.TestCase):\n    def test_git(self):\n        \
                           run = lambda *words: subprocess.check_output(['git', *words], text=True)\n        \
                           self.assertEqual(run('log', '--format=%s'), 'base\\n')\n        \
                           self.assertEqual(run('status', '--porcelain'), '')\n        \
                           self.assertIn('shop.py', run('ls-files'))\n";

/// The tests of trees.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("what was judged stays in a history outside of every tree", || {
            let world = World::new(&Planted::default());
            let Outcome::Proposed(proposal) = fixed(&world, &[]) else { panic!("nothing was proposed") };
            let history = proposal.folder.join("git");
            let states = git(&history, &["for-each-ref", "--format=%(objectname) %(subject)", "refs/wright/snapshots"]);
            let (commit, what) = states.trim().split_once(' ').unwrap();
            assert_eq!(what, "verified");
            let mended = git(&history, &["show", &format!("{commit}:shop.py")]);
            assert!(mended.contains("return sum(prices)\n") && !mended.contains("+ 1"), "{mended}");
            for tree in TREES {
                assert!(!proposal.folder.join(tree).exists(), "{tree} is left");
            }
            assert_eq!(world.damage(), Vec::<String>::new());
        }),
        trial("a test that asks git is answered by one of the trees own", || {
            let planted =
                Planted { files: vec![("test_git.py".to_owned(), TEST_OF_GIT.to_owned())], ..Planted::default() };
            let world = World::new(&planted);
            let Outcome::NothingToFix(run) = fixed(&world, &["test_git"]) else { panic!("the test fails") };
            assert!(run.is_passing(), "{}", run.output);
        }),
    ]
}
