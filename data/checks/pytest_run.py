"""Runs pytest on the project in the current folder.

    python3 -I pytest_run.py ARGUMENTS...

Started with -I and with pytest loaded first, so that a pytest.py or sitecustomize.py of the
project can't take its place; only then do the project's folders get into the search path.
"""

import os
import sys

import pytest

for folder in (os.environ.get("DEPS", ""), os.path.join(os.getcwd(), "src"), os.getcwd()):
    if os.path.isdir(folder):
        sys.path.insert(0, folder)

sys.exit(pytest.main(sys.argv[1:]))
