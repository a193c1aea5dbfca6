"""End-to-end tests: the real binary, real sandboxes, a scripted model behind the real protocol."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.path.abspath(os.environ.get("KILN", ROOT / "build" / "kiln"))


# ---- what a script for the model is made of ----

def create(path, text):
    """A call of the editor tool that writes a file."""
    return {"str_replace_based_edit_tool": {"command": "create", "path": path, "file_text": text}}


def bash(command):
    """A call of the bash tool."""
    return {"bash": {"command": command}}


def turn(*tools, text="Done.", **more):
    """One reply of the model: tool calls, or text that ends the engine's turn."""
    return {"tools": list(tools), **more} if tools else {"text": text, **more}


PLAN = turn(text="Plan: write it and test it.")

GOOD_CODE = (
    '"""Doubling."""\n\n\n'
    'def double(n: int) -> int:\n    """Return 2 n."""\n    return 2 * n\n'
)
BAD_CODE = GOOD_CODE.replace("2 * n", "3 * n")
GOOD_TEST = (
    '"""Tests."""\nimport unittest\n\nimport double\n\n\n'
    'class DoubleTest(unittest.TestCase):\n    """Doubling."""\n\n'
    '    def test_two(self) -> None:\n        self.assertEqual(double.double(2), 4)\n\n'
    '    def test_zero(self) -> None:\n        self.assertEqual(double.double(0), 0)\n'
)


def project(code=GOOD_CODE, test=GOOD_TEST):
    """A turn that writes a small Python project."""
    return turn(create("/work/double.py", code), create("/work/test_double.py", test))


# ---- the program ----

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "data" / "schema" / "result.json").read_text()))


class Kiln:
    """Runs kiln with a scrubbed environment in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.results = folder / "results"
        self.home = folder / "home"
        self.home.mkdir()
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8",
                    "TMPDIR": str(folder / "tmp")}
        (folder / "tmp").mkdir()

    def popen(self, *args, env=None, **options):
        """Starts it; the caller ends it."""
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([BINARY, *map(str, args)], cwd=self.folder,
                                env={**self.env, **(env or {})}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def __call__(self, *args, env=None, stdin=b"", timeout=240):
        """Runs it to its end; returns exit status, standard output and standard error."""
        process = self.popen(*args, env=env, stdin=subprocess.PIPE)
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
            pytest.fail(f"kiln {args} ran too long:\n{out.decode()}\n{err.decode()}")
        return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def script(self, *turns, **more):
        """Writes a model script (JSON is YAML) and returns its path."""
        path = self.folder / "model.yaml"
        path.write_text(json.dumps({"turns": list(turns), **more}, ensure_ascii=False))
        return path

    def run(self, *turns, spec="Build it", args=(), plan=PLAN, script=None, env=None, timeout=240):
        """kiln run with a script; returns a Run."""
        script = script or self.script(*([plan] if plan else []), *turns)
        status, out, err = self("run", spec, "--script", script, "--out", self.results, *args,
                                env=env, timeout=timeout)
        return Run(self, status, out, err)


class Run:
    """A finished kiln run; its result is held against the published schema."""

    def __init__(self, kiln, status, out, err):
        self.status, self.out, self.err = status, out, err
        done = [d for d in kiln.results.iterdir() if not d.name.startswith(".")] \
            if kiln.results.is_dir() else []
        self.dir = max(done, key=lambda d: d.stat().st_mtime, default=None)
        self.result = json.loads((self.dir / "result.json").read_text()) if self.dir else None
        if self.result:
            SCHEMA.validate(self.result)

    def __repr__(self):
        return f"exit {self.status}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    @property
    def events(self):
        """All events of the task."""
        return [json.loads(line) for line in (self.dir / "events.ndjson").open()]

    def check(self, kind):
        """The verdict's check of a kind."""
        return next(c for c in self.result["verdict"]["checks"] if c["check"] == kind)

    def files(self):
        """Names of the files of the result on disk."""
        base = self.dir / "files"
        return sorted(str(p.relative_to(base)) for p in base.rglob("*") if not p.is_dir())


# ---- nothing may be left behind ----

def processes():
    """Pids of everything that runs our binary (all roles, sandboxes included)."""
    found = set()
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "exe") == os.path.realpath(BINARY):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def leftovers():
    """What a sandbox or a run could leave on the host."""
    mounts = {line.split(" - ")[0].split(" ", 2)[2] for line in open("/proc/self/mountinfo")}
    loops = {str(p) for p in pathlib.Path("/sys/block").glob("loop*/loop")}
    sockets = {line.split()[-1] for line in open("/proc/net/unix") if "kiln" in line}
    cgroups = {str(p) for p in pathlib.Path("/sys/fs/cgroup").glob("**/kiln-*")}
    files = {str(p) for d in ("/tmp", "/var/tmp", "/run", "/dev/shm")
             for p in pathlib.Path(d).glob("*kiln-*") if "pytest" not in p.name}
    return {"mounts": mounts, "loops": loops, "sockets": sockets, "cgroups": cgroups,
            "files": files, "processes": processes()}


def assert_clean(before, seconds=10):
    """Waits for the kernel to finish its part, then compares."""
    deadline = time.monotonic() + seconds
    while True:
        after = leftovers()
        new = {k: sorted(after[k] - before[k]) for k in after if after[k] - before[k]}
        if not new:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: {new}")
        time.sleep(0.05)


@pytest.fixture
def kiln(tmp_path):
    """The program, and the proof that it left nothing behind."""
    before = leftovers()
    program = Kiln(tmp_path)
    yield program
    assert_clean(before)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture
def user_kiln(kiln):
    """The same as an ordinary user, when the tests run as root."""
    if os.geteuid() != 0:
        return kiln
    uid = 54321
    for path in (kiln.folder, kiln.home, kiln.folder / "tmp"):
        os.chown(path, uid, uid)
    parent = kiln.folder
    while parent != parent.parent:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
        parent = parent.parent
    # A copy, as that user may not reach the folder of the build.
    binary = shutil.copy(BINARY, kiln.folder / "kiln")
    command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", binary]

    def popen(*args, env=None, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([*command, *map(str, args)], cwd=kiln.folder,
                                env={**kiln.env, **(env or {})}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    kiln.popen = popen
    return kiln
