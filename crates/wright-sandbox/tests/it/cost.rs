//! What a sandbox costs each command: `/bin/true` bare, in ours, and in an installed bubblewrap, in turns.

use std::path::Path;
use std::process::{Command as Process, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use wright_sandbox::{Command, Exit};

use crate::{Tree, find, sandbox};

/// The first argument of this binary in this part.
pub(crate) const ARGUMENT: &str = "cost";

/// How often each is run, after a few runs that do not count.
const N_RUNS: usize = 200;
const N_WARM_UP: usize = 10;

/// Runs all of them in turns and prints a table.
pub(crate) fn measure() -> ExitCode {
    let (tree, runtime) = (Tree::new(), Runtime::new().unwrap());
    let mut bubblewrap = find("bwrap").map(|program| tight_bubblewrap(&program, &tree.path()));
    let (policy, command) = (tree.policy(), Command::new(["/bin/true"]));
    let (mut bare, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..N_RUNS + N_WARM_UP {
        bare.push(time(|| is_success(&mut Process::new("/bin/true"))));
        ours.push(time(|| {
            runtime.block_on(sandbox().run(&policy, &command)).is_ok_and(|outcome| outcome.exit == Exit::Code(0))
        }));
        if let Some(bubblewrap) = &mut bubblewrap {
            theirs.push(time(|| is_success(bubblewrap)));
        }
    }
    println!("{N_RUNS} runs of /bin/true each, in turns; sandbox level {}; milliseconds", sandbox().level());
    let base = quantiles(bare);
    show("bare", base, base);
    show("sandbox", quantiles(ours), base);
    if bubblewrap.is_some() {
        show("bubblewrap", quantiles(theirs), base);
    } else {
        println!("bubblewrap is not installed");
    }
    ExitCode::SUCCESS
}

/// The usual tight recipe, which is still fewer walls than ours.
fn tight_bubblewrap(program: &Path, tree: &Path) -> Process {
    let mut bubblewrap = Process::new(program);
    bubblewrap.args(["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]);
    for folder in ["/usr", "/bin", "/lib", "/lib64", "/etc/ssl"] {
        bubblewrap.args(["--ro-bind-try", folder, folder]);
    }
    bubblewrap.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind"]).arg(tree).arg(tree);
    bubblewrap.arg("/bin/true");
    bubblewrap
}

fn is_success(command: &mut Process) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn time(run: impl FnOnce() -> bool) -> Duration {
    let start = Instant::now();
    assert!(run(), "a run failed");
    start.elapsed()
}

/// Returns the middle one, and the one that is exceeded by one in twenty.
fn quantiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.drain(..N_WARM_UP);
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() * 95 / 100]]
}

fn show(name: &str, times: [Duration; 2], base: [Duration; 2]) {
    let [p50, p95] = times.map(|time| time.as_secs_f64() * 1000.0);
    let [base50, base95] = base.map(|time| time.as_secs_f64() * 1000.0);
    println!("  {name:10} p50 {p50:6.2}  p95 {p95:6.2}  over bare: p50 {:6.2}  p95 {:6.2}", p50 - base50, p95 - base95);
}
