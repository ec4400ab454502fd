"""Asks the installed packages themselves whether they have the names that Python code uses.

    oracle.py REQUEST ANSWER

REQUEST is a JSON file: `files` (each `path` and `text`), `own` (top-level modules that are the repository's own and must
not be imported), `repository` (names that the repository's code gives to something), `modules` (what the rest of the
repository imports), `paths` (further folders with packages). ANSWER gets `findings`, `skipped`, `versions`.

Modules of the standard library and of installed packages are imported; the repository's own never are. What a value is
comes from a light inference: a name has the types of all expressions that are bound to it, and one unknown expression
makes it unknown. Nothing that the judged code says is executed.
"""

import ast
import builtins
import importlib
import importlib.util
import inspect
import io
import json
import sys
import types
import typing

MAX_FORWARDS = 6
MAX_DEPTH = 40
MAX_CLASSES = 200_000

# What values are often made of, without the module being imported where they are used.
COMMON = ["argparse", "array", "asyncio", "base64", "codecs", "collections", "concurrent.futures", "configparser", "contextlib",
          "csv", "datetime", "decimal", "email.message", "enum", "fractions", "ftplib", "functools", "hashlib", "hmac", "html.parser",
          "http.client", "http.cookies", "io", "ipaddress", "itertools", "json", "logging.handlers", "mmap", "multiprocessing",
          "pathlib", "queue", "random", "re", "selectors", "shelve", "smtplib", "socket", "sqlite3", "ssl", "string", "struct",
          "subprocess", "tarfile", "tempfile", "threading", "traceback", "unittest", "urllib.request", "uuid", "weakref",
          "xml.dom.minidom", "xml.etree.ElementTree", "zipfile", "zoneinfo"]

# Short names by which many programs know a module.
SHORT = {"np": "numpy", "pd": "pandas", "plt": "matplotlib.pyplot", "tf": "tensorflow", "sns": "seaborn", "nx": "networkx",
         "ET": "xml.etree.ElementTree", "dt": "datetime", "sp": "scipy"}

STDLIB = getattr(sys, "stdlib_module_names", frozenset())

# Results of functions that say nothing about them and that many programs call.
KNOWN_RESULTS = {
    "requests.api.": "requests.models.Response",
    "requests.sessions.Session.": {
        "get": "requests.models.Response", "post": "requests.models.Response", "put": "requests.models.Response",
        "delete": "requests.models.Response", "patch": "requests.models.Response", "head": "requests.models.Response",
        "request": "requests.models.Response",
    },
    "lxml.etree.": {
        "fromstring": "lxml.etree._Element", "XML": "lxml.etree._Element", "HTML": "lxml.etree._Element",
        "Element": "lxml.etree._Element", "SubElement": "lxml.etree._Element", "parse": "lxml.etree._ElementTree",
    },
    "lxml.html.": {"fromstring": "lxml.html.HtmlElement", "parse": "lxml.etree._ElementTree"},
    "psycopg2.": {"connect": "psycopg2.extensions.connection"},
    "pymysql.": {"connect": "pymysql.connections.Connection"},
    "re.": {"compile": "re.Pattern"},
    "builtins.": {"open": "_io.TextIOWrapper _io.BufferedReader _io.BufferedWriter _io.FileIO _io.BufferedRandom",
                  "input": "builtins.str", "repr": "builtins.str", "sorted": "builtins.list", "len": "builtins.int",
                  "dir": "builtins.list", "chr": "builtins.str", "hex": "builtins.str", "ord": "builtins.int"},
    "os.": {"listdir": "builtins.list", "getcwd": "builtins.str"},
    "os.path.": {}, "posixpath.": {"join": "builtins.str builtins.bytes", "basename": "builtins.str builtins.bytes",
                                   "dirname": "builtins.str builtins.bytes", "abspath": "builtins.str builtins.bytes"},
    "str.": {"split": "builtins.list", "rsplit": "builtins.list", "splitlines": "builtins.list", "encode": "builtins.bytes",
             "partition": "builtins.tuple", "find": "builtins.int", "count": "builtins.int"},
    "bytes.": {"decode": "builtins.str", "hex": "builtins.str", "split": "builtins.list"},
    "dict.": {"copy": "builtins.dict"}, "list.": {"copy": "builtins.list"},
}
SAME_STRING = {"strip", "lstrip", "rstrip", "lower", "upper", "title", "replace", "join", "format", "capitalize", "center",
               "ljust", "rjust", "zfill", "swapcase", "casefold", "expandtabs", "translate", "format_map", "removeprefix",
               "removesuffix"}


class Known:
    """A module, class or function that exists: the thing itself."""

    def __init__(self, thing, owner=None):
        self.thing = thing
        self.owner = owner


class Instance:
    """A value of one of some classes."""

    def __init__(self, classes):
        self.classes = tuple(dict.fromkeys(classes))


def wrap(thing, owner=None):
    if isinstance(thing, (types.ModuleType, type)) or callable(thing):
        return Known(thing, owner)
    return Instance([type(thing)])


def joined(values):
    classes = []
    for value in values:
        if isinstance(value, Known) and len(values) == 1:
            return value
        if not isinstance(value, Instance):
            return None
        classes += value.classes
    return Instance(classes) if classes else None


class World:
    """What can be imported, with the answers remembered."""

    def __init__(self, own):
        self.own = set(own)
        self.modules = {}

    def module(self, name):
        """The module, None when it does not exist, False when nothing can be said."""
        if name not in self.modules:
            self.modules[name] = self.load(name)
        return self.modules[name]

    def load(self, name):
        top = name.split(".")[0]
        if top in self.own or not name or name in ("this", "antigravity", "__main__", "idlelib"):
            return False
        if "." in name:
            parent = self.module(name.rpartition(".")[0])
            if not parent:
                return parent
            found = getattr(parent, name.rpartition(".")[2], None)
            if isinstance(found, types.ModuleType):
                return found
            if not hasattr(parent, "__path__"):
                return None
        try:
            if importlib.util.find_spec(name) is None:
                return None
        except ModuleNotFoundError:
            return None
        except Exception:
            return False
        try:
            return importlib.import_module(name)
        except BaseException:
            return False

    def popular(self):
        """The top-level modules that distributions here bring."""
        if not hasattr(self, "tops"):
            import importlib.metadata as metadata
            self.tops = set(getattr(metadata, "packages_distributions", dict)())
        return self.tops

    def has(self, module, name):
        """Whether a module has a name; None when nothing can be said."""
        try:
            if hasattr(module, name):
                return True
        except BaseException:
            return None
        return bool(self.module(module.__name__ + "." + name)) if hasattr(module, "__path__") else False


def class_has(cls, name):
    if cls is type:
        return True
    for base in cls.__mro__:
        if name in vars(base) or name in instance_names(base):
            return True
        # Every class of C code has the second one; only one written in Python makes names up.
        made_up = isinstance(vars(base).get("__getattribute__"), types.FunctionType)
        if "__getattr__" in vars(base) or made_up:
            return True
    if any(base.__module__.startswith(("unittest.mock", "_pytest")) for base in cls.__mro__):
        return True
    return hasattr(cls, "__dataclass_fields__") and name in cls.__dataclass_fields__ or name in annotations_of(cls)


def annotations_of(cls):
    names = set()
    for base in cls.__mro__:
        names.update(vars(base).get("__annotations__", ()))
    return names


_instance_names = {}


def instance_names(cls):
    """The names that the code of a class's methods mentions: attributes of instances are among them."""
    if cls not in _instance_names:
        names = set()
        for member in list(vars(cls).values()):
            member = getattr(member, "__func__", getattr(member, "fget", None) or member)
            code = getattr(inspect.unwrap(member) if callable(member) else member, "__code__", None)
            if code is not None:
                names.update(code.co_names)
        _instance_names[cls] = names
    return _instance_names[cls]


def signature_of(thing):
    try:
        return inspect.signature(thing)
    except BaseException:
        return None


def accepted(thing, depth=0):
    """The keywords that a callable takes; None when it cannot be told or it takes any."""
    signature = signature_of(thing)
    if signature is None:
        return None
    kinds = inspect.Parameter
    names = {it.name for it in signature.parameters.values() if it.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)}
    if not any(it.kind == kinds.VAR_KEYWORD for it in signature.parameters.values()):
        return names
    more = forwarded(thing, depth) if depth < MAX_FORWARDS else None
    return None if more is None else names | more


def forwarded(thing, depth):
    """The keywords taken by what a function hands its own `**kwargs` to, where that is all it does with them."""
    function = inspect.unwrap(thing)
    owner = None
    if isinstance(function, type):
        owner, function = function, vars(function).get("__init__")
    elif inspect.ismethod(function):
        owner, function = type(function.__self__), function.__func__
    if not isinstance(function, types.FunctionType):
        return None
    try:
        tree = ast.parse(dedented(function)).body[0]
    except Exception:
        return None
    if not isinstance(tree, ast.FunctionDef) or tree.args.kwarg is None:
        return None
    name = tree.args.kwarg.arg
    uses = [it for it in ast.walk(tree) if isinstance(it, ast.Name) and it.id == name]
    calls = [it for it in ast.walk(tree) if isinstance(it, ast.Call)]
    handed = [(call, word) for call in calls for word in call.keywords
              if word.arg is None and isinstance(word.value, ast.Name) and word.value.id == name]
    set_names, harmless = written(tree, name)
    if not handed or len(handed) + harmless != len(uses):
        return None
    taken = set(set_names)
    for call, _ in handed:
        target = resolve(call.func, function, tree, owner)
        more = accepted(target, depth + 1) if target is not None else None
        if more is None:
            return None
        taken |= more
    return taken


def written(tree, name):
    """Names read from or defaulted in the keywords by `kwargs.get("x")` and the like, and how many uses that explains."""
    names, count = set(), 0
    for node in ast.walk(tree):
        key = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            if node.func.value.id == name and node.func.attr in ("get", "pop", "setdefault") and node.args:
                key = node.args[0]
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name:
            key = node.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            names.add(key.value)
            count += 1
    return names, count


def dedented(function):
    import textwrap
    return textwrap.dedent(inspect.getsource(function))


def resolve(func, function, tree, owner):
    """What a call in the body of a library's function calls: a global, a module's member, a method of a local."""
    if isinstance(func, ast.Name):
        return function.__globals__.get(func.id, getattr(builtins, func.id, None))
    if not isinstance(func, ast.Attribute):
        return None
    value = func.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super":
        for base in owner.__mro__[1:] if owner else ():
            if func.attr in vars(base):
                return getattr(base, func.attr)
        return None
    if isinstance(value, ast.Name):
        if value.id == "self" and owner is not None:
            return getattr(owner, func.attr, None)
        if value.id in function.__globals__:
            return getattr(function.__globals__[value.id], func.attr, None)
        for node in ast.walk(tree):
            made = None
            if isinstance(node, ast.With):
                made = next((it.context_expr for it in node.items
                             if isinstance(it.optional_vars, ast.Name) and it.optional_vars.id == value.id), None)
            elif isinstance(node, ast.Assign) and any(isinstance(it, ast.Name) and it.id == value.id for it in node.targets):
                made = node.value
            if isinstance(made, ast.Call):
                cls = resolve(made.func, function, tree, owner)
                return getattr(cls, func.attr, None) if isinstance(cls, type) else None
    return None


class Scope:
    def __init__(self, parent, is_class=False):
        self.parent = parent
        self.bindings = {}
        self.is_class = is_class
        self.busy = set()

    def bind(self, name, kind, node):
        self.bindings.setdefault(name, []).append((kind, node))


class Judge(ast.NodeVisitor):
    def __init__(self, world, path, text, universe):
        self.world, self.path, self.universe = world, path, universe
        self.findings, self.scopes = [], {}
        self.tree = ast.parse(text)
        self.lines = text.splitlines()
        self.guarded = guarded_lines(self.tree)
        self.asked = asked_names(self.tree)
        self.stored = {it.attr for it in ast.walk(self.tree) if isinstance(it, ast.Attribute) and not isinstance(it.ctx, ast.Load)}
        self.defined = {it.name for it in ast.walk(self.tree) if isinstance(it, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
        self.names = {it.id for it in ast.walk(self.tree) if isinstance(it, ast.Name)}
        self.called = {id(it.func) for it in ast.walk(self.tree) if isinstance(it, ast.Call)}
        self.memo = {}
        self.implied_modules = {}
        self.present = []
        self.depth = 0

    # Scopes and bindings

    def run(self):
        self.module_scope = Scope(None)
        self.collect(self.tree, self.module_scope)
        self.check(self.tree, self.module_scope)
        return self.findings

    def collect(self, node, scope):
        todo = [(child, scope) for child in ast.iter_child_nodes(node)]
        todo.reverse()
        while todo:
            node, scope = todo.pop()
            inner = scope
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                if not isinstance(node, ast.Lambda):
                    scope.bind(node.name, "opaque", node)
                inner = self.scopes[node] = Scope(scope)
                self.parameters(node, inner)
            elif isinstance(node, ast.ClassDef):
                scope.bind(node.name, "opaque", node)
                inner = self.scopes[node] = Scope(scope, True)
            elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
                inner = self.scopes[node] = Scope(scope)
            self.bindings(node, inner)
            todo += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]

    def parameters(self, node, scope):
        args = node.args
        for arg in args.posonlyargs + args.args + args.kwonlyargs:
            scope.bind(arg.arg, "annotation" if arg.annotation is not None else "opaque", arg.annotation)
        for arg, cls in ((args.vararg, tuple), (args.kwarg, dict)):
            if arg is not None:
                scope.bind(arg.arg, "instance", cls)

    def bindings(self, node, scope):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                scope.bind(name, "module", alias.name if alias.asname else alias.name.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                scope.bind(alias.asname or alias.name, "from", None if node.level else (node.module, alias.name))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self.target(target, node.value, scope)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            scope.bind(node.target.id, "annotation", node.annotation)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            scope.bind(node.target.id, "opaque", None)
        elif isinstance(node, ast.NamedExpr):
            scope.bind(node.target.id, "value", node.value)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            self.target(node.target, None, scope)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            if isinstance(node.optional_vars, ast.Name):
                scope.bind(node.optional_vars.id, "with", node.context_expr)
            else:
                self.target(node.optional_vars, None, scope)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            scope.bind(node.name, "caught", node.type)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in node.names:
                scope.bind(name, "opaque", None)
                self.module_scope.bind(name, "opaque", None)
        elif type(node).__name__ in ("MatchAs", "MatchStar") and node.name:
            scope.bind(node.name, "opaque", None)
        elif type(node).__name__ == "MatchMapping" and node.rest:
            scope.bind(node.rest, "opaque", None)

    def target(self, target, value, scope):
        if isinstance(target, ast.Name):
            scope.bind(target.id, "value" if value is not None else "opaque", value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self.target(part, None, scope)
        elif isinstance(target, ast.Starred):
            self.target(target.value, None, scope)

    # Inference

    def lookup(self, name, scope):
        first = True
        while scope is not None:
            if name in scope.bindings and (first or not scope.is_class):
                return self.bound(name, scope)
            first, scope = False, scope.parent
        return wrap(getattr(builtins, name)) if hasattr(builtins, name) else self.implied(name)

    def implied(self, name):
        """The module that a piece of a program means by a name that it does not bind: the rest of it imports that."""
        if name in self.implied_modules or name in self.world.own:
            return self.implied_modules.get(name)
        full = SHORT.get(name, name)
        is_module = name in SHORT or name in STDLIB or name in self.world.popular()
        module = self.world.module(full) if is_module else None
        # `from datetime import datetime` is as likely as `import datetime`.
        same = getattr(module, name, None) if module else None
        self.implied_modules[name] = Known(module) if module and same is None else None
        return self.implied_modules[name]

    def bound(self, name, scope):
        key = (id(scope), name)
        if key in self.memo:
            return self.memo[key]
        if name in scope.busy:
            return "busy"
        scope.busy.add(name)
        values = [self.binding(kind, node, scope) for kind, node in scope.bindings[name]]
        scope.busy.discard(name)
        values = [it for it in values if it != "busy"]
        self.memo[key] = joined(values) if values else None
        return self.memo[key]

    def binding(self, kind, node, scope):
        if kind == "instance":
            return Instance([node])
        if kind == "module":
            module = self.world.module(node)
            return Known(module) if module else None
        if kind == "from" and node and node[0]:
            module = self.world.module(node[0])
            if not module:
                return None
            try:
                return wrap(getattr(module, node[1]))
            except BaseException:
                inner = self.world.module(node[0] + "." + node[1])
                return Known(inner) if inner else None
        if kind == "value":
            return self.infer(node, scope)
        if kind == "with":
            return self.entered(self.infer(node, scope))
        if kind == "annotation":
            return self.annotated(node, scope)
        if kind == "caught" and node is not None and not isinstance(node, ast.Tuple):
            cls = self.infer(node, scope)
            return Instance([cls.thing]) if isinstance(cls, Known) and isinstance(cls.thing, type) else None
        return None

    def entered(self, value):
        """What `with value as name` binds: the value itself, for classes that are known to return themselves."""
        if not isinstance(value, Instance):
            return None
        for cls in value.classes:
            enter = getattr(cls, "__enter__", None)
            names = getattr(getattr(enter, "__code__", None), "co_names", None)
            if enter is None or cls.__module__ != "_io" and names not in ((), ("_checkClosed",)):
                return None
        return value

    def annotated(self, node, scope):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            parts = [self.annotated(it, scope) for it in (node.left, node.right) if not is_none(it)]
            return joined(parts) if parts else None
        if isinstance(node, ast.Subscript):
            value = self.infer(node.value, scope)
            if isinstance(value, Known) and value.thing is typing.Optional:
                return self.annotated(node.slice, scope)
            node = node.value
        value = self.infer(node, scope)
        return instance_of(value.thing) if isinstance(value, Known) else None

    def infer(self, node, scope):
        self.depth += 1
        try:
            return self.infer_one(node, scope) if self.depth < MAX_DEPTH else None
        finally:
            self.depth -= 1

    def infer_one(self, node, scope):
        if isinstance(node, ast.Constant):
            return Instance([type(node.value)]) if node.value is not None and node.value is not ... else None
        literal = {ast.JoinedStr: str, ast.List: list, ast.Tuple: tuple, ast.Dict: dict, ast.Set: set, ast.ListComp: list,
                   ast.DictComp: dict, ast.SetComp: set, ast.GeneratorExp: types.GeneratorType}.get(type(node))
        if literal:
            return Instance([literal])
        if isinstance(node, ast.Name):
            return self.lookup(node.id, scope)
        if isinstance(node, ast.Attribute):
            value = self.infer(node.value, scope)
            return member(self.world, value, node.attr)
        if isinstance(node, ast.Call):
            return self.result(node, scope)
        if isinstance(node, ast.Await):
            return None
        if isinstance(node, ast.IfExp):
            return joined([self.infer(node.body, scope), self.infer(node.orelse, scope)])
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
            left = self.infer(node.left, scope)
            right = self.infer(node.right, scope) if isinstance(node.op, ast.Add) else left
            if isinstance(left, Instance) and left.classes in ((str,), (bytes,)):
                return left
            if isinstance(left, Instance) and isinstance(right, Instance) and left.classes == right.classes == (list,):
                return left
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            value = self.infer(node.value, scope)
            if isinstance(value, Instance) and all(it in (str, bytes, list, tuple) for it in value.classes):
                return value
        return None

    def result(self, call, scope):
        callee = self.infer(call.func, scope)
        if not isinstance(callee, Known):
            return None
        return result_of(callee)

    # Judgement

    def check(self, node, scope):
        todo = [(node, scope)]
        while todo:
            node, scope = todo.pop()
            inner = self.scopes.get(node, scope)
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.check_module(node, alias.name)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self.check_from(node)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                self.check_attribute(node, scope)
            elif isinstance(node, ast.Call):
                self.check_keywords(node, scope)
            todo += [(child, inner) for child in ast.iter_child_nodes(node)]

    def report(self, node, rule, name, owner, message, sure=True):
        line = getattr(node, "end_lineno", node.lineno) if rule == "attribute" or rule == "method" else node.lineno
        if line in self.guarded or node.lineno in self.guarded:
            return
        self.findings.append({"path": self.path, "line": line, "rule": rule, "name": name, "owner": owner,
                              "message": message, "sure": sure})

    def check_module(self, node, name):
        if self.world.module(name) is None:
            parent = self.world.module(name.rpartition(".")[0]) if "." in name else None
            if parent or "." not in name:
                rule = "submodule" if parent else "module"
                self.report(node, rule, name, name.split(".")[0], f"no module named `{name}` is installed", bool(parent))

    def check_from(self, node):
        module = self.world.module(node.module)
        if module is None:
            self.check_module(node, node.module)
        for alias in node.names if module else ():
            found = alias.name == "*" or self.world.has(module, alias.name)
            if found:
                self.present.append([self.path, getattr(alias, "lineno", node.lineno), alias.name])
            elif found is False:
                self.report(alias if hasattr(alias, "lineno") else node, "name", alias.name, node.module,
                            f"`{node.module}` has no `{alias.name}`")

    def check_attribute(self, node, scope):
        value, name = self.infer(node.value, scope), node.attr
        if name in self.asked or name in self.stored or name.startswith("__"):
            return
        if isinstance(value, Known) and isinstance(value.thing, types.ModuleType):
            found = value.thing.__name__.split(".")[0] in self.world.own or self.world.has(value.thing, name)
            if found is False:
                sure = not self.is_implied(node, scope)
                self.report(node, "attribute", name, value.thing.__name__, f"`{value.thing.__name__}` has no `{name}`", sure)
            elif found:
                self.present.append([self.path, node.end_lineno, name])
        elif isinstance(value, Known) and isinstance(value.thing, type):
            cls = value.thing
            if not class_has(cls, name) and not class_has(type(cls), name) and not hasattr(cls, name):
                self.report(node, "attribute", name, label(cls), f"`{label(cls)}` has no `{name}`")
            else:
                self.present.append([self.path, node.end_lineno, name])
        elif isinstance(value, Instance):
            if not any(class_has(cls, name) for cls in value.classes):
                owner = " or ".join(label(cls) for cls in value.classes[:3])
                self.report(node, "method", name, owner, f"`{owner}` has no `{name}`")
        elif value is None and id(node) in self.called and self.universe is not None:
            is_known = name in self.universe or name in self.defined or name in self.names
            if not is_known and not self.is_unbound(node.value, scope):
                self.report(node, "method", name, "", f"nothing that is loaded has a method `{name}`", False)

    def is_unbound(self, node, scope, depth=0):
        """Whether nobody can say what made a value: a name that nothing binds, or a module that is not there."""
        while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call, ast.Await)):
            node = node.func if isinstance(node, ast.Call) else node.value
        if not isinstance(node, ast.Name) or hasattr(builtins, node.id) or depth > 5:
            return False
        while scope is not None and node.id not in scope.bindings:
            scope = scope.parent
        if scope is None:
            return self.implied(node.id) is None
        values = [value for kind, value in scope.bindings[node.id] if kind in ("value", "with")]
        if any(kind in ("module", "from") for kind, _ in scope.bindings[node.id]):
            return self.bound(node.id, scope) is None
        return any(self.is_unbound(value, scope, depth + 1) for value in values)

    def is_implied(self, node, scope):
        while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
            node = node.func if isinstance(node, ast.Call) else node.value
        while scope is not None and isinstance(node, ast.Name):
            if node.id in scope.bindings:
                return False
            scope = scope.parent
        return isinstance(node, ast.Name) and node.id in self.implied_modules

    def check_keywords(self, node, scope):
        callee = self.infer(node.func, scope)
        if not isinstance(callee, Known) or isinstance(callee.thing, types.ModuleType):
            return
        wanted = [it for it in node.keywords if it.arg]
        if not wanted:
            return
        names = accepted(callee.thing)
        if names is None:
            return
        for word in wanted:
            if word.arg not in names:
                sure = not self.is_implied(node.func, scope)
                self.report(word, "keyword", word.arg, label(callee.thing), f"`{label(callee.thing)}` takes no `{word.arg}`", sure)
            else:
                self.present.append([self.path, word.lineno, word.arg])


def is_none(node):
    return isinstance(node, ast.Constant) and node.value is None


def label(thing):
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", getattr(thing, "__name__", str(type(thing))))
    return name if module in (None, "builtins") else f"{module}.{name}"


def instance_of(thing):
    """The values that an annotation stands for."""
    origin = typing.get_origin(thing)
    if origin is typing.Union or origin is getattr(types, "UnionType", None):
        parts = [instance_of(it) for it in typing.get_args(thing) if it is not type(None)]
        return joined(parts) if parts else None
    thing = origin if isinstance(origin, type) else thing
    dynamic = (object, type, type(None))
    plain = isinstance(thing, type) and thing not in dynamic and not getattr(thing, "_is_protocol", False)
    if not plain or thing.__module__ in ("typing", "collections.abc", "typing_extensions", "numbers", "os") or inspect.isabstract(thing):
        return None
    return Instance([thing])


def member(world, value, name):
    if isinstance(value, Known):
        try:
            thing = getattr(value.thing, name)
        except BaseException:
            inner = world.module(value.thing.__name__ + "." + name) if isinstance(value.thing, types.ModuleType) else None
            return Known(inner) if inner else None
        # `None` at the head of a module is a place to be filled.
        return None if thing is None else wrap(thing, value.thing if isinstance(value.thing, type) else None)
    if isinstance(value, Instance) and len(value.classes) == 1:
        cls = value.classes[0]
        static = inspect.getattr_static(cls, name, None)
        if isinstance(static, property):
            return returned(static.fget) if static.fget else None
        if callable(static) or isinstance(static, (classmethod, staticmethod)):
            try:
                return Known(bound_method(cls, static, name), cls)
            except BaseException:
                return None
    return None


class Method:
    """A method as it is called on an instance that nobody makes."""

    def __init__(self, function, owner, name):
        self.function, self.owner, self.__name__ = function, owner, name
        self.__qualname__ = f"{owner.__name__}.{name}"
        self.__module__ = owner.__module__
        self.__wrapped__ = function
        signature = inspect.signature(function)
        self.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(self):
        raise TypeError("it is only looked at")


def bound_method(cls, static, name):
    return Method(static, cls, name) if isinstance(static, types.FunctionType) else getattr(cls, name)


def result_of(callee):
    thing = callee.thing
    if isinstance(thing, type):
        is_maker = thing in (type, super, property) or issubclass(thing, type)
        return None if is_maker else Instance([thing])
    if thing is open:
        return named_classes(KNOWN_RESULTS["builtins."]["open"])
    name = getattr(thing, "__name__", "")
    owner = callee.owner
    if owner in (str, bytes) and name in SAME_STRING:
        return Instance([owner])
    where = f"{owner.__name__}." if owner in (str, bytes, dict, list) else f"{getattr(thing, '__module__', '') or ''}."
    if isinstance(thing, Method):
        where = f"{owner.__module__}.{owner.__qualname__}."
    known = KNOWN_RESULTS.get(where)
    known = known.get(name) if isinstance(known, dict) else known
    return named_classes(known) if known else returned(thing)


def named_classes(names):
    classes = []
    for name in names.split():
        module, _, cls = name.rpartition(".")
        try:
            classes.append(getattr(importlib.import_module(module), cls))
        except Exception:
            return None
    return Instance(classes)


def returned(function):
    function = inspect.unwrap(function)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return None
    try:
        hint = typing.get_type_hints(function).get("return")
    except BaseException:
        return None
    return instance_of(hint) if hint is not None else None


def guarded_lines(tree):
    """Lines whose failure the code expects: bodies of `try` with a fitting handler, and branches on versions."""
    lines = set()
    names = {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException", "TypeError", "NameError"}
    for node in ast.walk(tree):
        body = None
        if isinstance(node, ast.Try):
            caught = {it.id for handler in node.handlers for it in ast.walk(handler.type) if isinstance(it, ast.Name)} \
                if all(it.type for it in node.handlers) else names
            # Catching every exception around whole programs is no sign that a name was expected to be missing.
            narrow = caught & (names - {"Exception", "BaseException", "TypeError"})
            only_imports = all(isinstance(it, (ast.Import, ast.ImportFrom, ast.Assign)) for it in node.body)
            body = node.body if narrow and (caught != names or only_imports) else None
        elif isinstance(node, ast.If):
            words = ast.dump(node.test)
            if any(it in words for it in ("version_info", "TYPE_CHECKING", "hexversion", "'PY2'", "'PY3'", "platform", "hasattr", "'name'")):
                body = node.body + node.orelse
        for part in body or ():
            lines.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return lines


def asked_names(tree):
    """Names that the code asks for by a string, or sets by one."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hasattr", "getattr", "setattr"):
            names.update(it.value for it in node.args[1:2] if isinstance(it, ast.Constant) and isinstance(it.value, str))
    return names


def universe_of():
    """Every name that a class in a loaded module has: whatever a value is, its class is one of them."""
    names, seen = set(), set()
    for module in list(sys.modules.values()):
        try:
            members = list(vars(module).values())
        except Exception:
            continue
        for member in members:
            if issubclass(type(member), type) and id(member) not in seen and len(seen) < MAX_CLASSES:
                seen.add(id(member))
                try:
                    names.update(dir(member))
                    names.update(instance_names(member))
                except BaseException:
                    continue
    # Classes without a name in a module, such as iterators of C code.
    for cls in object.__subclasses__():
        names.update(dir(cls))
    return names


def versions():
    import importlib.metadata as metadata
    found = {}
    for dist in metadata.distributions():
        try:
            tops = (dist.read_text("top_level.txt") or "").split() or \
                {str(it).split("/")[0].removesuffix(".py") for it in dist.files or () if str(it).endswith(".py")}
            for top in tops:
                found[top] = f"{dist.metadata['Name']} {dist.version}"
        except Exception:
            continue
    return found


def main(request_path, answer_path):
    # What packages print while they are imported is nobody's business.
    real_out, real_err = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = io.StringIO()
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    sys.path[:] = request.get("paths", []) + [it for it in sys.path if it and it != sys.path[0] or it.endswith("packages")]
    sys.setrecursionlimit(5_000)
    world = World(request.get("own", []))
    findings, present, skipped, parsed, complete = [], [], [], [], True
    for name in request.get("modules", []):
        world.module(name)
    for file in request["files"]:
        try:
            tree = ast.parse(file["text"])
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            skipped.append({"path": file["path"], "reason": f"not Python {sys.version_info[0]}.{sys.version_info[1]}: {error.__class__.__name__}"})
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                complete &= all(world.module(it.name) is not False or it.name.split(".")[0] in world.own for it in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                loaded = world.module(node.module)
                complete &= loaded is not False or node.module.split(".")[0] in world.own
                # A submodule that is imported by name is loaded when the code runs.
                for alias in node.names if loaded and hasattr(loaded, "__path__") else ():
                    if not hasattr(loaded, alias.name):
                        world.module(f"{node.module}.{alias.name}")
        parsed.append(file)
    for name in COMMON:
        world.module(name)
    for file in parsed:
        # A piece of a program may use modules that the rest of it imports.
        for node in ast.walk(ast.parse(file["text"])):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in world.own:
                name = SHORT.get(node.value.id, node.value.id)
                if name in SHORT.values() or name in STDLIB or name in world.popular():
                    world.module(name)
    universe = universe_of() | set(request.get("repository", [])) if complete else None
    for file in parsed:
        try:
            judge = Judge(world, file["path"], file["text"], universe)
            findings += judge.run()
            present += judge.present
        except RecursionError:
            skipped.append({"path": file["path"], "reason": "nested too deeply"})
    answer = {"findings": findings, "present": present, "skipped": skipped, "versions": versions(), "python": sys.version.split()[0]}
    with open(answer_path, "w", encoding="utf-8") as file:
        json.dump(answer, file)
    sys.stdout, sys.stderr = real_out, real_err


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
