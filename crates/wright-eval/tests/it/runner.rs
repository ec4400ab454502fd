//! The runner that stands in for pytest, which is embedded in the crate.

use wright_sandbox::Exit;

use crate::Test;
use crate::bench::sandboxed;

pub(crate) const TESTS: &[Test] = &[
    (
        "the_runner_knows_what_benchmark_tests_use_of_pytest",
        "python3",
        the_runner_knows_what_benchmark_tests_use_of_pytest,
    ),
    ("the_runner_runs_unittest_cases", "python3", the_runner_runs_unittest_cases),
    (
        "a_test_that_hangs_is_ended_and_the_rest_is_not_run",
        "python3",
        a_test_that_hangs_is_ended_and_the_rest_is_not_run,
    ),
    (
        "a_failure_shows_the_values_and_the_frames_of_the_task",
        "python3",
        a_failure_shows_the_values_and_the_frames_of_the_task,
    ),
    ("a_module_that_does_not_load_is_an_error", "python3", a_module_that_does_not_load_is_an_error),
    ("no_tests_are_not_a_success", "python3", no_tests_are_not_a_success),
    ("a_program_that_ends_the_process_prints_no_summary", "python3", a_program_that_ends_the_process_prints_no_summary),
    ("the_token_is_printed_only_when_all_tests_passed", "python3", the_token_is_printed_only_when_all_tests_passed),
    ("a_script_is_one_test", "python3", a_script_is_one_test),
];

/// Runs a test file with a module beside it. Returns the exit code and the output without times and folders.
fn run(module: &str, test: &str, options: &[&str]) -> (Exit, String) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().canonicalize().unwrap();
    std::fs::create_dir(folder.join("tests")).unwrap();
    let runner = concat!(env!("CARGO_MANIFEST_DIR"), "/src/python/run_tests.py");
    std::fs::copy(runner, folder.join("tests/run_tests.py")).unwrap();
    std::fs::write(folder.join("module.py"), module).unwrap();
    std::fs::write(folder.join("tests/test_it.py"), test).unwrap();
    std::fs::write(folder.join("token"), "the-token\n").unwrap();
    let mut argv = vec!["python3", "-B", "tests/run_tests.py"];
    argv.extend(options);
    if !options.contains(&"--script") {
        argv.push("tests/test_it.py");
    }
    let (exit, output) = sandboxed(&folder, &argv);
    let output = output.replace(&format!("{}/", folder.display()), "");
    let is_summary =
        |line: &str| line.contains(" in ") && line.ends_with('s') && line.starts_with(|it: char| it.is_ascii_digit());
    let lines = output.lines().map(|line| if is_summary(line) { line.rsplit_once(" in ").unwrap().0 } else { line });
    (exit, lines.collect::<Vec<_>>().join("\n"))
}

/// Returns the lines after the heading of the summary.
fn summary(output: &str) -> Vec<&str> {
    output.split("==== short test summary ====\n").nth(1).unwrap_or_default().lines().collect()
}

fn the_runner_knows_what_benchmark_tests_use_of_pytest() {
    let test = r#"
import pytest
if pytest.use_correct or pytest.run_slow:
    raise RuntimeError("the given program is tested, without the slow cases")

@pytest.fixture
def seven():
    yield 7

@pytest.fixture
def eight(seven):
    return seven + 1

class TestGroup:
    def setup_method(self):
        self.one = 1

    def test_fixtures(self, eight):
        assert eight == 8 and self.one == 1

    @pytest.mark.parametrize("a", [1, 2])
    @pytest.mark.parametrize("b,c", [("x y", [1]), (None, 2.5)])
    def test_axes(self, a, b, c):
        assert a != 2 or b is None

@pytest.mark.parametrize("value", [pytest.param(1, id="one"), pytest.param(2, marks=pytest.mark.xfail)], ids=["x", "two"])
def test_params(value):
    assert value == 1

@pytest.mark.skip(reason="later")
def test_skipped():
    assert False

@pytest.mark.skipif(True, reason="not here")
def test_skipped_here():
    assert False

def test_skips_itself():
    pytest.skip("takes long")

@pytest.mark.xfail
def test_known():
    assert False

def test_raises():
    with pytest.raises(ValueError, match="bad") as caught:
        raise ValueError("bad thing")
    assert "thing" in str(caught.value)

def test_raises_nothing():
    with pytest.raises(ValueError):
        pass

def test_close():
    assert 0.1 + 0.2 == pytest.approx(0.3)
    assert [1.0, 2.0] == pytest.approx([1, 2])
    assert 1.1 != pytest.approx(1, abs=0.01)
    assert 1.005 == pytest.approx(1, abs=0.01)
    assert float("nan") != pytest.approx(float("nan"))

def test_prints(capsys=None):
    print("1 failed, 2 passed in 0.01s")
"#;
    let (exit, output) = run("", test, &[]);
    let expected = [
        "PASSED tests/test_it.py::TestGroup::test_fixtures",
        "PASSED tests/test_it.py::TestGroup::test_axes[x_y-c0-1]",
        "FAILED tests/test_it.py::TestGroup::test_axes[x_y-c0-2] - AssertionError: assert a != 2 or b is None",
        "PASSED tests/test_it.py::TestGroup::test_axes[None-2.5-1]",
        "PASSED tests/test_it.py::TestGroup::test_axes[None-2.5-2]",
        "PASSED tests/test_it.py::test_params[one]",
        "XFAIL tests/test_it.py::test_params[two] - assert 2 == 1",
        "SKIPPED tests/test_it.py::test_skipped - later",
        "SKIPPED tests/test_it.py::test_skipped_here - not here",
        "SKIPPED tests/test_it.py::test_skips_itself - takes long",
        "XFAIL tests/test_it.py::test_known - assert False",
        "PASSED tests/test_it.py::test_raises",
        "FAILED tests/test_it.py::test_raises_nothing - Failed: DID NOT RAISE <class 'ValueError'>",
        "PASSED tests/test_it.py::test_close",
        "PASSED tests/test_it.py::test_prints",
        "2 failed, 8 passed, 3 skipped, 2 xfailed",
    ];
    assert_eq!(summary(&output), expected, "{output}");
    assert_eq!(exit, Exit::Code(1));
}

fn the_runner_runs_unittest_cases() {
    let test = "
import unittest

class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.one = 1

    def setUp(self):
        self.two = 2

    def test_sum(self):
        self.assertEqual(self.one + self.two, 3)

    def test_parts(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertNotEqual(i, 1)

    @unittest.skip('later')
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_known(self):
        self.fail('as expected')
";
    let (_, output) = run("", test, &[]);
    let expected = [
        "XFAIL tests/test_it.py::Case::test_known - as expected",
        "FAILED tests/test_it.py::Case::test_parts - AssertionError: 1 == 1",
        "SKIPPED tests/test_it.py::Case::test_skipped - later",
        "PASSED tests/test_it.py::Case::test_sum",
        "1 failed, 1 passed, 1 skipped, 1 xfailed",
    ];
    assert_eq!(summary(&output), expected, "{output}");
}

fn a_test_that_hangs_is_ended_and_the_rest_is_not_run() {
    let module = "
def swallow():
    while True:
        try:
            len('')
        except Exception:
            pass
";
    let test = "
from module import swallow

def test_a():
    pass

def test_b():
    swallow()

def test_c():
    pass
";
    let (exit, output) = run(module, test, &["--seconds", "0.2"]);
    let expected = [
        "PASSED tests/test_it.py::test_a",
        "FAILED tests/test_it.py::test_b - TimeoutError: still running after 0.2 s",
        "FAILED tests/test_it.py::test_c - not run: a test before it did not end",
        "2 failed, 1 passed",
    ];
    assert_eq!(summary(&output), expected, "{output}");
    assert!(output.contains("File \"module.py\", line ") && output.contains(", in swallow"), "{output}");
    assert_eq!(exit, Exit::Code(1));
}

fn a_failure_shows_the_values_and_the_frames_of_the_task() {
    let module =
        "def f(n):\n    return f(n + 1)\n\ndef big():\n    return [0] * 10**10\n\ndef half(n):\n    return n / 2\n";
    let test = "
import pytest
from module import *

@pytest.mark.parametrize('given', [4])
def test_half(given):
    assert half(given) == 3, 'wrong half'

def test_deep():
    f(0)

def test_big():
    big()

def test_exit():
    raise SystemExit(0)
";
    let (_, output) = run(module, test, &[]);
    let first = "____ tests/test_it.py::test_half[4] ____\ngiven = 4\nTraceback (most recent call last):\n  File \"tests/test_it.py\", line 7, in test_half\n";
    assert!(output.contains(first), "{output}");
    assert!(output.contains("AssertionError: wrong half\nassert 2.0 == 3\n"), "{output}");
    assert!(output.contains("more calls ..."), "{output}");
    assert!(!output.contains("run_tests.py"), "{output}");
    let expected = [
        "FAILED tests/test_it.py::test_half[4] - AssertionError: assert 2.0 == 3",
        "FAILED tests/test_it.py::test_deep - RecursionError: maximum recursion depth exceeded",
        "FAILED tests/test_it.py::test_big - MemoryError",
        "FAILED tests/test_it.py::test_exit - SystemExit: 0",
        "4 failed",
    ];
    assert_eq!(summary(&output), expected, "{output}");
}

fn a_module_that_does_not_load_is_an_error() {
    let (exit, output) = run("def f(:\n", "import module\n\ndef test_a():\n    pass\n", &[]);
    assert_eq!(
        summary(&output),
        ["ERROR tests/test_it.py - SyntaxError: invalid syntax (module.py, line 1)", "1 error"]
    );
    assert!(output.contains("File \"module.py\", line 1"), "{output}");
    assert_eq!(exit, Exit::Code(1));
}

fn no_tests_are_not_a_success() {
    let (exit, output) = run("", "def helper():\n    pass\n", &[]);
    assert_eq!(exit, Exit::Code(5));
    assert!(output.contains("no tests ran"), "{output}");
}

fn a_program_that_ends_the_process_prints_no_summary() {
    let module = "import os\n\ndef f():\n    os._exit(0)\n";
    let test = "from module import f\n\ndef test_a():\n    assert f() == 1\n";
    let (exit, output) = run(module, test, &["--token-file", "token"]);
    assert_eq!((exit, output.as_str()), (Exit::Code(0), ""));
}

fn the_token_is_printed_only_when_all_tests_passed() {
    let options = ["--token-file", "token"];
    let (_, output) = run("", "import os\n\ndef test_a():\n    assert not os.path.exists('token')\n", &options);
    assert!(output.ends_with("1 passed\nthe-token"), "{output}");
    let (_, output) = run("", "def test_a():\n    assert False\n", &options);
    assert!(!output.contains("the-token"), "{output}");
    let (_, output) = run("", "", &options);
    assert!(!output.contains("the-token"), "{output}");
}

fn a_script_is_one_test() {
    let options = ["--script", "tests/test_it.py", "--of", "module"];
    let script = "def check(f):\n    assert f(2) == 4, 'twice'\n\ncheck(double)\n";
    let (exit, output) = run("def double(x):\n    return x * 2\n", script, &options);
    assert_eq!((exit, summary(&output)), (Exit::Code(0), vec!["PASSED tests/test_it.py::script", "1 passed"]));
    let (_, output) = run("def double(x):\n    return x + 1\n", script, &options);
    assert_eq!(summary(&output)[0], "FAILED tests/test_it.py::script - AssertionError: assert 3 == 4");
}
