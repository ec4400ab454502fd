#!/usr/bin/env python3
"""Counts how many seeded names are caught, and how many true twins are flagged.

    measure_python.py CASES ORACLE [TY] [--list]

Run it with the interpreter of the environment that holds the packages. CASES is what `seed_python.py` wrote, ORACLE the
oracle of the check `symbols`. A name counts as caught when its line has a diagnostic that the original's line has not.
Both halves of the set (even and odd numbers) are printed: only the even one was looked at while rules were written.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

