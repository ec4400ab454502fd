"""Reads the cases that belong to the tests of a task: one JSON value a line."""
import json
import os

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")


def load_json_testcases(_name):
    with open(CASES, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]
