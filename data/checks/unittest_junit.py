"""Runs a project's unittest tests and writes what happened as JUnit XML.

    python3 -I unittest_junit.py REPORT.xml

Looks for test*.py and *_test.py in the current folder and below. Started with -I, so that nothing
in the project (a unittest.py, a sitecustomize.py) takes the place of the standard library: the
project's folders come last in the search path until everything of ours is loaded.

A skipped test and an expected failure are skips; an unexpected success is a failure. Every subtest
that fails is a case of its own. Works with Python 3.8 and later.
"""

import importlib
import importlib.util
import io
import os
import re
import sys
import time
import traceback
import unittest
from xml.sax.saxutils import escape, quoteattr

IGNORED = {"__pycache__", "node_modules", "venv", "build", "dist", "site-packages"}
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def test_files(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in IGNORED and not f.startswith("."))
        for name in sorted(files):
            if name.endswith(".py") and (name.startswith("test") or name.endswith("_test.py")):
                yield os.path.join(folder, name)


def module_root(path):
    """The folder from which the file is imported: the nearest one that is no package."""
    folder = os.path.dirname(path)
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder


def dotted(path, root):
    return os.path.splitext(os.path.relpath(path, root))[0].replace(os.sep, ".")


def import_file(path, root):
    """Imports a test file under the name that the project's own imports use for it."""
    top = module_root(path)
    if not os.path.commonpath([top, root]) == root:
        top = root
    if top not in sys.path:
        sys.path.insert(1, top)
    name = dotted(path, top)
    module = sys.modules.get(name)
    if module is None:
        module = importlib.import_module(name)
    if os.path.realpath(getattr(module, "__file__", None) or "") == os.path.realpath(path):
        return module
    # Another file has that name already: test_a.py in two folders.
    spec = importlib.util.spec_from_file_location(dotted(path, root), path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Report:
    def __init__(self):
        self.cases = []

    def add(self, name, status, message="", seconds=0.0):
        self.cases.append((name, status, message, seconds))

    def count(self, *statuses):
        return sum(1 for case in self.cases if case[1] in statuses)

    def write(self, path):
        out = io.StringIO()
        out.write('<?xml version="1.0" encoding="utf-8"?>\n')
        out.write('<testsuite name="unittest" tests="%d" failures="%d" errors="%d" skipped="%d">\n'
                  % (len(self.cases), self.count("failure"), self.count("error"),
                     self.count("skipped")))
        for name, status, message, seconds in self.cases:
            class_name, _, method = name.rpartition(".")
            out.write("<testcase classname=%s name=%s time=\"%.3f\">"
                      % (quoteattr(clean(class_name)), quoteattr(clean(method)), seconds))
            if status != "passed":
                out.write("<%s>%s</%s>" % (status, escape(clean(message)), status))
            out.write("</testcase>\n")
        out.write("</testsuite>\n")
        with open(path, "wb") as file:
            file.write(out.getvalue().encode("utf-8", "replace"))


def clean(text):
    return NOT_XML.sub("?", text)


class Result(unittest.TestResult):
    """Takes results as they come, one case a test."""

    def __init__(self, report, names):
        super().__init__()
        self.report = report
        self.names = names
        self.started = {}

    def name(self, test):
        own = getattr(test, "test_case", test)  # of a subtest
        method = getattr(own, "_testMethodName", None)
        if method is None:  # "setUpClass (tests.test_a.TestA)", which has no method
            return re.sub(r"^(\w+) \((.*)\)$", r"\2.\1", own.id())
        module = type(own).__module__
        text = "%s.%s.%s" % (self.names.get(module, module), type(own).__qualname__, method)
        return text if own is test else "%s %s" % (text, test._subDescription())

    def startTest(self, test):
        super().startTest(test)
        self.started[test.id()] = (time.perf_counter(), len(self.report.cases))

    def seconds(self, test):
        return time.perf_counter() - self.started.get(test.id(), (time.perf_counter(),))[0]

    def add(self, test, status, message=""):
        self.report.add(self.name(test), status, message, self.seconds(test))

    def addSuccess(self, test):
        self.add(test, "passed")

    def addFailure(self, test, err):
        self.add(test, "failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        self.add(test, "error", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        self.add(test, "skipped", reason)

    def addExpectedFailure(self, test, err):
        self.add(test, "skipped", "expected failure")

    def addUnexpectedSuccess(self, test):
        self.add(test, "failure", "this test was expected to fail, and passed")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            kind = "failure" if issubclass(err[0], test.failureException) else "error"
            self.add(subtest, kind, self._exc_info_to_string(err, test))


def say(report):
    for name, status, message, _ in report.cases:
        print("%-8s %s" % (status, name))
        if status in ("failure", "error"):
            print(message)
    failed = report.count("failure", "error")
    print("%d passed, %d failed, %d skipped"
          % (report.count("passed"), failed, report.count("skipped")))
    sys.stdout.flush()
    return failed


def main():
    report_path = os.path.abspath(sys.argv[1])
    root = os.getcwd()
    report = Report()
    suite = unittest.TestSuite()
    names = {}  # of modules, as the report shows them
    own_pid = os.getpid()

    sys.argv = ["unittest"]
    # Folders that programs run from the root import from, first the root itself.
    for folder in (os.environ.get("DEPS", ""), os.path.join(root, "src"), root):
        if os.path.isdir(folder):
            sys.path.insert(0, folder)
    for path in test_files(root):
        name = dotted(path, root)
        try:
            module = import_file(path, root)
            names[module.__name__] = name
            suite.addTests(unittest.defaultTestLoader.loadTestsFromModule(module))
        except unittest.SkipTest as skip:
            report.add(name + ".(module)", "skipped", str(skip))
        except KeyboardInterrupt:
            raise
        except BaseException:  # SystemExit too: leaving while being imported is no success
            report.add(name + ".(import)", "error", traceback.format_exc())
    suite.run(Result(report, names))
    if os.getpid() != own_pid:  # a test forked and its child came back here
        os._exit(70)
    failed = say(report)
    report.write(report_path)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
