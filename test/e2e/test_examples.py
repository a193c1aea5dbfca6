"""The four examples of the demo, each really executed."""
import json
import subprocess

import pytest
from conftest import ROOT, Run

EXAMPLES = {
    "hello": {"iterations": 1, "files": ["hello.py", "test_hello.py"], "tests": 4},
    "calculator": {"iterations": 2, "files": ["calc.py", "test_calc.py"], "tests": 4},
    "password": {"iterations": 1, "tests": 8,
                 "files": ["cli.js", "package.json", "passgen.js", "passgen.test.js"]},
    "wordcount": {"iterations": 1, "tests": 6,
                  "files": ["Makefile", "main.c", "test_wc.c", "wc.c", "wc.h"]},
}


@pytest.fixture(params=sorted(EXAMPLES))
def example(request, kiln):
    """A finished run of an example."""
    folder = ROOT / "examples" / request.param
    status, out, err = kiln("run", "-f", folder / "spec.txt", "--script", folder / "model.yaml",
                            "--out", kiln.results)
    run = Run(kiln, status, out, err)
    assert status == 0, run
    return request.param, run


def test_it_becomes_verified_code(example):
    name, run = example
    want, result = EXAMPLES[name], run.result
    assert result["state"] == "succeeded" and result["reason"] == "ok"
    assert len(result["iterations"]) == want["iterations"]
    assert [f["path"] for f in result["files"]] == want["files"] == run.files()
    assert result["verdict"]["green"] and result["verdict"]["verified_in_fresh_sandbox"]
    tests = run.check("tests")
    assert tests["outcome"] == "pass"
    counts = {key: tests["tests"][key] for key in ("passed", "failed", "skipped")}
    assert counts == {"passed": want["tests"], "failed": 0, "skipped": 0}
    assert result["plan"].startswith("Plan")
    assert result["model"]["scripted"] is True
    assert "warning" not in run.err


def test_its_files_history_and_events_are_kept(example, tmp_path):
    name, run = example
    for entry in run.result["files"]:
        text = (run.dir / "files" / entry["path"]).read_text()
        assert entry["content"] == text and entry["bytes"] == len(text.encode())
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", run.dir / "history.git", clone], check=True)
    log = subprocess.run(["git", "-C", clone, "log", "--format=%s", "--reverse"], check=True,
                         capture_output=True, text=True).stdout.split("\n")
    assert log[:-1] == [f"iteration {i + 1}" for i in range(EXAMPLES[name]["iterations"])]
    types = [e["type"] for e in run.events]
    assert types[0] == "task_started" and types[-1] == "task_finished"
    assert types.count("iteration_started") == EXAMPLES[name]["iterations"]
    assert not (run.dir.parent / ".work").exists()


def test_a_failing_iteration_is_fixed_from_the_feedback(kiln):
    folder = ROOT / "examples" / "calculator"
    status, out, err = kiln("run", "-f", folder / "spec.txt", "--script", folder / "model.yaml",
                            "--out", kiln.results)
    assert status == 0, out + err
    text = out + err
    for line in ("=== ITERATION 1/10 ===", "=== ITERATION 2/10 ===", "test_divide_by_zero",
                 "=== PROJECT READY ==="):
        assert line in text
    result = json.loads(next(kiln.results.glob("*/result.json")).read_text())
    checks = result["iterations"][0]["round"]["checks"]
    first = next(c for c in checks if c["check"] == "tests")
    assert first["outcome"] == "fail" and first["tests"]["failed"] == 1
