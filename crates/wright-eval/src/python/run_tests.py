"""Runs the tests of a benchmark task without any package installed.

Usage: run_tests.py [--seconds N] [--token-file FILE] [--script FILE --of MODULE] [FILE...]

Understands what such tests use of pytest and unittest: test functions, Test classes, parametrize, raises, approx, skip,
skipif, xfail, fixtures, and TestCase classes. Prints what pytest prints with -rA: tracebacks of the first failures, a line
per test, and the counts. The exit code is 0 when all tests passed, 1 when one did not, and 5 when there were none.

Each test may use N seconds of processor time (1 without --seconds), and five times as long by the clock. After a test
that did not end, the rest is reported as failed without being run: most programs that hang once hang every time. A token file is read and removed before any code of
the task is imported, and its content is printed at the very end: a process that ends early does not know it.
"""
import ast
import importlib
import inspect
import itertools
import math
import os
import re
import resource
import signal
import sys
import time
import traceback
import types

RUNNER = os.path.abspath(__file__)
HERE = os.path.dirname(RUNNER)
ROOT = os.path.dirname(HERE)
MAX_TRACEBACKS = 3
MAX_UNENDED = 1
MAX_MEMORY = 1 << 30


# What a test can say about itself


class Skipped(Exception):
    """The test does not apply."""


class Failed(AssertionError):
    """The test says that it failed."""


class ExpectedFailure(Exception):
    """The test says that it fails, and that this is known."""


# The part of pytest that tests import


def say_skip(reason="", **_):
    raise Skipped(reason)


def say_fail(reason="", **_):
    raise Failed(reason)


def say_xfail(reason="", **_):
    raise ExpectedFailure(reason)


class Raises:
    """The context manager that `pytest.raises` returns."""

    def __init__(self, expected, match=None):
        self.expected = expected
        self.match_pattern = match
        self.type = self.value = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, _traceback):
        if kind is None:
            raise Failed("DID NOT RAISE %r" % (self.expected,))
        if not issubclass(kind, self.expected):
            return False
        self.type, self.value = kind, value
        if self.match_pattern is not None and not re.search(self.match_pattern, str(value)):
            raise Failed("%r does not match %r" % (str(value), self.match_pattern))
        return True

    def match(self, pattern):
        if not re.search(pattern, str(self.value)):
            raise Failed("%r does not match %r" % (str(self.value), pattern))
        return True


def raises(expected, *call, match=None, **keywords):
    if not call:
        return Raises(expected, match)
    context = Raises(expected)
    with context:
        call[0](*call[1:], **keywords)
    return context


class Approx:
    """A number, or a collection of numbers, that equals what is close to it."""

    __hash__ = None
    __array_ufunc__ = None

    def __init__(self, expected, rel=None, abs=None, nan_ok=False):
        self.expected, self.nan_ok = expected, nan_ok
        # As in pytest: an absolute tolerance alone switches the relative one off.
        self.rel = rel if rel is not None else (0.0 if abs is not None else 1e-6)
        self.abs = abs if abs is not None else 1e-12

    def __eq__(self, actual):
        return self.fits(actual, self.expected)

    def fits(self, actual, expected):
        if isinstance(expected, dict):
            return (
                isinstance(actual, dict)
                and actual.keys() == expected.keys()
                and all(self.fits(actual[key], expected[key]) for key in expected)
            )
        if isinstance(expected, (list, tuple)):
            return (
                isinstance(actual, (list, tuple))
                and len(actual) == len(expected)
                and all(self.fits(a, b) for a, b in zip(actual, expected))
            )
        if actual == expected:
            return True
        try:
            if math.isnan(expected) or math.isnan(actual):
                return self.nan_ok and math.isnan(expected) and math.isnan(actual)
            if math.isinf(expected) or math.isinf(actual):
                return False
            return abs(actual - expected) <= max(self.rel * abs(expected), self.abs)
        except (TypeError, ValueError, OverflowError):
            return False

    def __repr__(self):
        return "approx(%r)" % (self.expected,)


class Parameters:
    """One set of arguments of a parametrized test."""

    def __init__(self, *values, id=None, marks=()):
        self.values, self.id = values, id
        self.marks = list(marks) if isinstance(marks, (list, tuple)) else [marks]


class Mark:
    """One mark, which also works as a decorator."""

    def __init__(self, name, args=(), keywords=None):
        self.name, self.args, self.keywords = name, args, keywords or {}

    def __call__(self, *args, **keywords):
        is_decorating = len(args) == 1 and not keywords and (inspect.isfunction(args[0]) or inspect.isclass(args[0]))
        if not is_decorating:
            return Mark(self.name, self.args + args, {**self.keywords, **keywords})
        target = args[0]
        target.test_marks = [*target.__dict__.get("test_marks", []), self]
        return target


class Marks:
    """`pytest.mark`: every attribute is a mark."""

    def __getattr__(self, name):
        return Mark(name)


def fixture(function=None, **keywords):
    def mark(target):
        target.fixture_keywords = keywords
        return target

    return mark(function) if callable(function) else mark


def import_or_skip(name, **_):
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Skipped(str(error)) from None


def stand_in():
    module = types.ModuleType("pytest")
    module.skip, module.fail, module.xfail = say_skip, say_fail, say_xfail
    module.raises, module.approx, module.param, module.fixture = raises, Approx, Parameters, fixture
    module.mark, module.importorskip = Marks(), import_or_skip
    module.main = lambda *_, **__: 0
    # Switches that the tests of some benchmarks read: test the given program, and leave out the slow cases.
    module.use_correct, module.run_slow = False, False
    return module


# Assertions that say what they compared


OPERATORS = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip


def shown(value):
    try:
        text = repr(value)
    except Exception as error:
        text = "<%s that cannot be shown: %s>" % (type(value).__name__, type(error).__name__)
    return text if len(text) <= 300 else text[:200] + " ... " + text[-90:]


def with_message(message, text):
    return text if message is None else "%s\n%s" % (message, text)


def explain_comparison(message, operator, left, right):
    return with_message(message, "assert %s %s %s" % (shown(left), operator, shown(right)))


class TellingAsserts(ast.NodeTransformer):
    """Gives each `assert` a message with the values it compared; each side is still evaluated once, in order."""

    def visit_Assert(self, node):
        message = node.msg or ast.Constant(None)
        is_comparison = isinstance(node.test, ast.Compare) and len(node.test.ops) == 1
        if not is_comparison:
            words = ast.Constant("assert " + ast.unparse(node.test))
            node.msg = self.call("with_message", message, words)
            return self.placed(node, [node])
        left = ast.Assign([ast.Name("@left", ast.Store())], node.test.left)
        right = ast.Assign([ast.Name("@right", ast.Store())], node.test.comparators[0])
        load = [ast.Name("@left", ast.Load()), ast.Name("@right", ast.Load())]
        operator = node.test.ops[0]
        test = ast.Compare(load[0], [operator], [load[1]])
        words = self.call("explain_comparison", message, ast.Constant(OPERATORS[type(operator)]), *load)
        return self.placed(node, [left, right, ast.Assert(test, words)])

    def call(self, name, *arguments):
        return ast.Call(ast.Name("@" + name, ast.Load()), list(arguments), [])

    def placed(self, origin, nodes):
        for node in nodes:
            ast.copy_location(node, origin)
            ast.fix_missing_locations(node)
        return nodes


def execute(path, namespace):
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    namespace["@with_message"], namespace["@explain_comparison"] = with_message, explain_comparison
    exec(compile(TellingAsserts().visit(tree), path, "exec"), namespace)


# Time


class TimeLimit:
    """Raises a `TimeoutError` in whatever runs when the time is over, again and again until it ends."""

    def __init__(self, seconds):
        self.seconds, self.is_running = seconds, False

    def ring(self, *_):
        if self.is_running:
            raise TimeoutError("still running after %g s" % self.seconds)

    def start(self):
        self.is_running = True
        for which, number, seconds in self.timers():
            signal.signal(number, self.ring)
            signal.setitimer(which, seconds, max(seconds / 5, 0.05))

    def stop(self):
        self.is_running = False
        for which, _, _ in self.timers():
            signal.setitimer(which, 0)

    def timers(self):
        return [(signal.ITIMER_PROF, signal.SIGPROF, self.seconds), (signal.ITIMER_REAL, signal.SIGALRM, self.seconds * 5)]


class Silence:
    """Takes what a test prints, and forgets it."""

    encoding, errors = "utf-8", "strict"

    def write(self, text):
        return len(text)

    def writelines(self, lines):
        for _ in lines:
            pass

    def flush(self):
        pass

    def isatty(self):
        return False


# One test after the other


class Test:
    """A test that can be run: its name, what it calls, and what it was given."""

    def __init__(self, name, call, marks=(), given=None):
        self.name, self.call, self.marks, self.given = name, call, list(marks), given or {}

    def reason_to_skip(self):
        for mark in self.marks:
            if mark.name == "skip":
                return mark.keywords.get("reason", mark.args[0] if mark.args else "skipped")
            if mark.name == "skipif" and any(mark.args[:1]):
                return mark.keywords.get("reason", "skipped")
        return None

    def is_expected_to_fail(self):
        conditions = [mark.args[:1] or (True,) for mark in self.marks if mark.name == "xfail"]
        return any(condition[0] for condition in conditions)


class Run:
    """All tests of one call of this program."""

    def __init__(self, seconds, out):
        self.time_limit, self.out = TimeLimit(seconds), out
        self.started = time.monotonic()
        self.results = []
        self.n_unended = self.n_tracebacks = 0

    def add(self, word, name, reason=""):
        self.results.append((word, name, reason))

    def guarded(self, call):
        """Calls within the time limit and returns what was raised."""
        kept = sys.stdout, sys.stderr
        try:
            try:
                sys.stdout = sys.stderr = Silence()
                self.time_limit.start()
                call()
            finally:
                self.time_limit.stop()
        except BaseException as error:
            # The bell may have rung between the end of the call and the line that stops it, or twice.
            self.time_limit.stop()
            while isinstance(error, TimeoutError) and isinstance(error.__context__, TimeoutError):
                error = error.__context__
            return error
        finally:
            sys.stdout, sys.stderr = kept
        return None

    def run(self, test):
        reason = test.reason_to_skip()
        if reason is not None:
            return self.add("SKIPPED", test.name, reason)
        if self.n_unended >= MAX_UNENDED:
            return self.add("FAILED", test.name, "not run: a test before it did not end")
        error = self.guarded(test.call)
        if is_skip(error):
            return self.add("SKIPPED", test.name, str(error))
        if isinstance(error, ExpectedFailure) or error is not None and test.is_expected_to_fail():
            return self.add("XFAIL", test.name, str(error))
        if error is None:
            return self.add("XPASS" if test.is_expected_to_fail() else "PASSED", test.name)
        self.n_unended += isinstance(error, TimeoutError)
        self.add("FAILED", test.name, first_line(error))
        return self.show(test.name, error, test.given)

    def show(self, name, error, given=()):
        self.n_tracebacks += 1
        if self.n_tracebacks > MAX_TRACEBACKS:
            return
        lines = ["", "____ %s ____" % name]
        lines += ["%s = %s" % (key, shown(given[key])) for key in given]
        print("\n".join(lines + telling_traceback(error)), file=self.out, flush=True)

    def finish(self):
        print("\n==== short test summary ====", file=self.out)
        for word, name, reason in self.results:
            print("%s %s%s" % (word, name, " - " + reason if reason else ""), file=self.out)
        words = [("FAILED", "failed"), ("PASSED", "passed"), ("SKIPPED", "skipped"), ("XFAIL", "xfailed"),
                 ("XPASS", "xpassed"), ("ERROR", "error")]  # fmt: skip
        counts = {word: sum(1 for result in self.results if result[0] == word) for word, _ in words}
        parts = ["%d %s" % (counts[word], label) for word, label in words if counts[word]]
        elapsed = time.monotonic() - self.started
        print("%s in %.2fs" % (", ".join(parts) or "no tests ran", elapsed), file=self.out, flush=True)
        if counts["FAILED"] or counts["ERROR"]:
            return 1
        return 0 if self.results else 5


def is_skip(error):
    # Asked by name, so that unittest is imported only by tests that use it.
    return isinstance(error, Skipped) or type(error).__name__ == "SkipTest"


def first_line(error):
    lines = str(error).strip().splitlines() or [""]
    telling = next((line for line in lines if line.startswith("assert ")), lines[0])
    return ("%s: %s" % (type(error).__name__, telling) if telling else type(error).__name__)[:200]


def telling_traceback(error):
    """The traceback without the frames of this program, and without the middle of a deep recursion."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != RUNNER]
    frames = [frame for frame in frames if os.sep + "unittest" + os.sep not in frame.filename]
    lines = ["Traceback (most recent call last):"]
    if len(frames) <= 14:
        lines += traceback.format_list(frames)
    else:
        lines += traceback.format_list(frames[:4]) + ["  ... %d more calls ...\n" % (len(frames) - 12)]
        lines += traceback.format_list(frames[-8:])
    lines += traceback.format_exception_only(type(error), error)
    return [line.rstrip("\n")[:1000] for line in lines]


# Finding the tests of a module


def marks_of(*targets):
    return [mark for target in targets for mark in getattr(target, "test_marks", [])]


def cases(name, marks):
    """Yields the name, the arguments and the marks of each case of a parametrized test."""
    axes = [list(axis(mark)) for mark in marks if mark.name == "parametrize"]
    if not axes:
        yield name, {}, []
        return
    seen = {}
    # As in pytest, the id of the decorator nearest to the function comes first.
    for combination in itertools.product(*axes):
        case_id = "-".join(part[0] for part in combination)
        seen[case_id] = seen.get(case_id, -1) + 1
        unique = case_id if seen[case_id] == 0 else "%s#%d" % (case_id, seen[case_id])
        arguments = {key: value for part in combination for key, value in part[1].items()}
        yield "%s[%s]" % (name, unique), arguments, [mark for part in combination for mark in part[2]]


def axis(mark):
    names, rows = mark.args[0], mark.args[1] if len(mark.args) > 1 else mark.keywords["argvalues"]
    names = [part.strip() for part in names.split(",") if part.strip()] if isinstance(names, str) else list(names)
    ids = mark.keywords.get("ids")
    for idx, row in enumerate(rows):
        row = row if isinstance(row, Parameters) else Parameters(*([row] if len(names) == 1 else row))
        if len(row.values) != len(names):
            raise Failed("parametrize names %d arguments and gives %d" % (len(names), len(row.values)))
        yield id_of(row, idx, names, ids), dict(zip(names, row.values)), row.marks


def id_of(row, idx, names, ids):
    if row.id is not None:
        return plain(row.id)
    if callable(ids):
        parts = [ids(value) for value in row.values]
        return "-".join(value_id(*it, idx) if part is None else plain(part) for part, it in zip(parts, zip(names, row.values)))
    if ids is not None and list(ids)[idx] is not None:
        return plain(list(ids)[idx])
    return "-".join(value_id(name, value, idx) for name, value in zip(names, row.values))


def value_id(name, value, idx):
    is_scalar = value is None or isinstance(value, (str, int, float, complex, bool))
    return plain(value) if is_scalar else "%s%d" % (name, idx)


def plain(value):
    """Test names stand on one line, and are cut at the first ` - `."""
    return str(value).encode("unicode_escape").decode("ascii").replace(" ", "_")[:80]


class Fixtures:
    """Calls fixtures by the names of a function's parameters, and ends them afterwards."""

    def __init__(self, module, instance=None):
        self.functions = {}
        for owner in (vars(module), {name: getattr(instance, name) for name in dir(type(instance))} if instance else {}):
            for name, value in list(owner.items()):
                if hasattr(value, "fixture_keywords"):
                    self.functions[value.fixture_keywords.get("name") or name] = value
        self.values, self.open = {}, []

    def arguments(self, function, given):
        for name, value in self.functions.items():
            if value.fixture_keywords.get("autouse"):
                self.value(name)
        parameters = inspect.signature(function).parameters.values()
        needed = [it.name for it in parameters if it.default is it.empty and it.kind in (it.POSITIONAL_OR_KEYWORD, it.KEYWORD_ONLY)]
        return {**given, **{name: self.value(name) for name in needed if name not in given}}

    def value(self, name):
        if name not in self.values:
            if name not in self.functions:
                raise Failed("fixture %r not found" % name)
            function = self.functions[name]
            value = function(**self.arguments_of_fixture(function))
            if inspect.isgenerator(value):
                self.open.append(value)
                value = next(value)
            self.values[name] = value
        return self.values[name]

    def arguments_of_fixture(self, function):
        return {name: self.value(name) for name in inspect.signature(function).parameters}

    def close(self):
        while self.open:
            next(self.open.pop(), None)


def optional_call(owner, name, *arguments):
    function = getattr(owner, name, None)
    if callable(function):
        function(*arguments[: len(inspect.signature(function).parameters)])


def function_call(module, owner_class, function, given):
    def call():
        instance = owner_class() if owner_class else None
        bound = getattr(instance, function.__name__) if instance else function
        fixtures = Fixtures(module, instance)
        optional_call(instance or module, "setup_method" if instance else "setup_function", bound)
        try:
            bound(**fixtures.arguments(bound, given))
        finally:
            fixtures.close()
            optional_call(instance or module, "teardown_method" if instance else "teardown_function", bound)

    return call


class OneResult:
    """What unittest tells its result: keeps the exception of a case, which its own class turns into text."""

    shouldStop = False
    failfast = False
    buffer = False

    def __init__(self):
        self.error = None

    def startTest(self, test):
        pass

    def stopTest(self, test):
        pass

    def addSuccess(self, test):
        pass

    def addError(self, test, err):
        self.error = self.error or err[1]

    def addFailure(self, test, err):
        self.error = self.error or err[1]

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.error = self.error or err[1]

    def addSkip(self, test, reason):
        self.error = self.error or Skipped(reason)

    def addExpectedFailure(self, test, err):
        self.error = self.error or ExpectedFailure(str(err[1]))

    def addUnexpectedSuccess(self, test):
        self.error = self.error or Failed("unexpected success")


def unittest_call(unittest, case_class, method):
    def call():
        result = OneResult()
        unittest.TestSuite([case_class(method)]).run(result)
        if result.error is not None:
            raise result.error

    return call


def tests_of(module, path):
    """Yields the tests of a module in the order in which they are written."""
    unittest = sys.modules.get("unittest")  # Importing it takes as long as running most tests.
    module_marks = getattr(module, "pytestmark", [])
    module_marks = module_marks if isinstance(module_marks, list) else [module_marks]
    for name, value in list(vars(module).items()):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        if unittest and inspect.isclass(value) and issubclass(value, unittest.TestCase):
            for method in unittest.defaultTestLoader.getTestCaseNames(value):
                yield Test("%s::%s::%s" % (path, name, method), unittest_call(unittest, value, method), module_marks)
        elif inspect.isclass(value) and name.startswith("Test"):
            optional_call(value, "setup_class")
            members = [(it, vars(base)[it]) for base in reversed(value.__mro__) for it in vars(base)]
            for method, function in {it: member for it, member in members}.items():
                if method.startswith("test") and inspect.isfunction(function):
                    marks = [*module_marks, *marks_of(value, function)]
                    yield from tests_of_function("%s::%s::%s" % (path, name, method), module, value, function, marks)
        elif inspect.isfunction(value) and name.startswith("test"):
            yield from tests_of_function("%s::%s" % (path, name), module, None, value, [*module_marks, *marks_of(value)])


def tests_of_function(name, module, owner_class, function, marks):
    for case_name, given, case_marks in cases(name, marks):
        call = function_call(module, owner_class, function, given)
        yield Test(case_name, call, [*marks, *case_marks], given)


# The command line


def run_file(run, path):
    module = types.ModuleType(os.path.splitext(os.path.basename(path))[0])
    module.__file__ = os.path.abspath(path)
    sys.modules[module.__name__] = module
    found = []

    def collect():
        execute(module.__file__, module.__dict__)
        optional_call(module, "setup_module", module)
        found.extend(tests_of(module, path))

    error = run.guarded(collect)
    if is_skip(error):
        return run.add("SKIPPED", path, str(error))
    if error is not None:
        run.show(path, error)
        return run.add("ERROR", path, first_line(error))
    for test in found:
        run.run(test)
    return None


def run_script(run, path, name):
    def call():
        namespace = dict(vars(importlib.import_module(name)))
        namespace["__name__"] = "script"
        execute(os.path.abspath(path), namespace)

    run.run(Test("%s::script" % path, call))


def options(words):
    values = {"--seconds": "1", "--token-file": None, "--script": None, "--of": None}
    files = []
    words = iter(words)
    for word in words:
        if word in values:
            values[word] = next(words)
        else:
            files.append(word)
    return values, files


def take_token(path):
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        token = file.read().strip()
    os.remove(path)
    return token


def main():
    values, files = options(sys.argv[1:])
    token = take_token(values["--token-file"])
    del sys.argv[1:]
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    except (OSError, ValueError):
        pass
    sys.path[:] = [HERE, ROOT] + [it for it in sys.path if os.path.abspath(it or ".") not in (HERE, ROOT)]
    sys.modules["pytest"] = stand_in()
    run = Run(float(values["--seconds"]), sys.stdout)
    for path in files:
        run_file(run, path)
    if values["--script"]:
        run_script(run, values["--script"], values["--of"])
    code = run.finish()
    if token is not None and code == 0:
        print(token, file=run.out)
    run.out.flush()
    # Threads and exit handlers that the tested code left behind have no say in the result.
    os._exit(code)


if __name__ == "__main__":
    main()
