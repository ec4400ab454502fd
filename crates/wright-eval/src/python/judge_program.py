"""Judges one Python program: does it parse, and does it pass its test?

Reads job.json: `program`, `original` (the reference program, or null), `test` (or null), `answer` and `reference` (two calls
to compare, or null), `token`. Prints the token and one word for each thing that is so. The last word can only be printed by
this program, after the last line of the test: a program that ends early does not get it.
"""
import ast
import json
import re
import sys
import types

PROGRAM = "program.py"


def is_parsed(text):
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def call_of(text):
    """A call as its function, its arguments and its named arguments, whose order does not matter."""
    try:
        call = ast.parse(re.sub(r"\s+", "", text), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(call, ast.Call):
        return None
    named = {keyword.arg: ast.dump(keyword.value) for keyword in call.keywords}
    return ast.dump(call.func), [ast.dump(argument) for argument in call.args], named


def main():
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    say = lambda word: print("\n%s %s" % (job["token"], word), flush=True)
    if job["original"] is None or is_parsed(job["original"]):
        say("parses" if is_parsed(job["program"]) else "does-not-parse")
    if job["answer"] is not None and (call := call_of(job["answer"])) is not None and call == call_of(job["reference"]):
        say("same-call")
    if job["test"] is None:
        return
    text = job["program"] + "\n" + job["test"]
    with open(PROGRAM, "w", encoding="utf-8") as file:
        file.write(text)
    module = types.ModuleType("__main__")
    module.__file__ = PROGRAM
    sys.modules["__main__"] = module
    sys.argv = [PROGRAM]
    exec(compile(text, PROGRAM, "exec"), module.__dict__)
    say("passed")


if __name__ == "__main__":
    main()
