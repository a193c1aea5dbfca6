"""Agents that claim success: never a pass, and the right reason."""
import json

import pytest
from conftest import GOOD_CODE, BAD_CODE, GOOD_TEST, bash, create, project, turn

FEW = ("--iterations", "2")


def rounds(*tools, n=2):
    """The same turn again and again, each followed by the claim of success."""
    return [step for _ in range(n) for step in (turn(*tools), turn(text="All tests pass: OK"))]


def files(**named):
    """Calls that write Python files."""
    return [create(f"/work/{name}.py", text) for name, text in named.items()]


CASES = {
    "no tests": (files(double=GOOD_CODE), "no_tests"),
    "empty test file": (files(double=GOOD_CODE, test_double='"""None."""\n'), "no_tests"),
    "prints OK": (files(double=GOOD_CODE,
                        test_double='print("Ran 12 tests in 0.1s")\nprint("OK")\n'), "no_tests"),
    "all skipped": (files(double=GOOD_CODE, test_double=GOOD_TEST.replace(
        "class DoubleTest", "@unittest.skip('later')\nclass DoubleTest")), "all_skipped"),
    "exit(0) in a test": (files(double=BAD_CODE, test_double=GOOD_TEST.replace(
        "        self.assertEqual(double.double(2), 4)",
        "        import os\n        os._exit(0)")), "report_missing"),
    "exit(0) at import": (files(double=BAD_CODE, test_double=GOOD_TEST.replace(
        "import double\n", "import double\nimport sys\nsys.exit(0)\n")), None),
    "a unittest of its own": (files(double=BAD_CODE, test_double=GOOD_TEST, unittest=(
        "class TestCase:\n    pass\n\n\ndef main():\n    print('OK')\n")), "tests_fail"),
    "sitecustomize": (files(double=BAD_CODE, test_double=GOOD_TEST, sitecustomize=(
        "import os\nos._exit(0)\n")), "tests_fail"),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_it_is_never_a_pass(kiln, case):
    tools, reason = CASES[case]
    run = kiln.run(*rounds(*tools), args=FEW)
    assert run.status == 5, run
    assert run.result["state"] == "failed"
    assert not run.result["verdict"]["green"]
    tests = run.check("tests")
    assert tests["outcome"] == "fail"
    if reason:
        assert tests["reason"] == reason


def test_an_agent_that_never_fixes_ends_red(kiln):
    tries = [step for i in range(3) for step in (
        turn(create("/work/double.py", BAD_CODE + f"\n\nTRY = {i}\n")), turn(text="Fixed."))]
    tries[0] = project(code=BAD_CODE)
    run = kiln.run(*tries, args=("--iterations", "3"))
    assert run.status == 5, run
    assert (run.result["state"], run.result["reason"]) == ("failed", "checks_red")
    assert run.result["blame"] == "agent"
    assert "checks_red" in run.out and "test_two" in run.out
    assert len(run.result["iterations"]) == 3
    assert run.files() == ["double.py", "test_double.py"]


def test_an_agent_that_does_nothing_is_stopped_early(kiln):
    run = kiln.run(project(code=BAD_CODE), turn(text="Done."), *[turn(text="It is fine.")] * 8)
    assert run.status == 5, run
    assert run.result["reason"] == "no_progress"
    assert len(run.result["iterations"]) < 10


def checked_tests(run, iteration):
    """The tests check of an iteration."""
    checks = run.result["iterations"][iteration - 1]["round"]["checks"]
    return next(c for c in checks if c["check"] == "tests")


def test_deleted_tests_are_missed(kiln):
    one_test = GOOD_TEST[:GOOD_TEST.index("    def test_zero")]
    one_test = one_test.replace("double(2), 4", "double(2), 6")
    run = kiln.run(project(code=BAD_CODE), turn(text="Red."),
                   turn(create("/work/test_double.py", one_test)), turn(text="Green now."),
                   args=FEW)
    assert run.status == 5, run
    assert checked_tests(run, 2)["reason"] == "tests_dropped"


def test_weakened_tests_are_noticed(kiln):
    weak = GOOD_TEST.replace("self.assertEqual(double.double(2), 4)", "double.double(2)")
    run = kiln.run(project(code=BAD_CODE), turn(text="Red."),
                   turn(create("/work/test_double.py", weak)), turn(text="Green now."), args=FEW)
    assert run.status == 5, run
    assert checked_tests(run, 2)["reason"] == "tests_weakened"


def test_protected_tests_are_put_back(kiln):
    task = kiln.folder / "task.json"
    task.write_text(json.dumps({"specification": "Double numbers", "task_id": "t-protected",
                                "tests": {"test_double.py": GOOD_TEST}}))
    script = kiln.script(
        turn(text="Plan."),
        turn(create("/work/double.py", BAD_CODE),
             create("/work/test_double.py", GOOD_TEST.replace("4", "6"))),
        turn(text="Done."),
        turn(create("/work/double.py", GOOD_CODE), expect={"contains": ["is protected"]}),
        turn(text="Done."))
    status, out, err = kiln("run", "-f", task, "--script", script, "--out", kiln.results)
    assert status == 0, out + err


def test_what_works_only_in_the_agents_sandbox_is_found_out(kiln):
    code = '"""Reads a file."""\nimport pathlib\n\n\ndef double(n: int) -> int:\n' \
           '    """Return 2 n."""\n    return n * int(pathlib.Path("/tmp/two").read_text())\n'
    run = kiln.run(turn(bash("echo 2 >/tmp/two"), *project(code=code)["tools"]),
                   turn(text="Done."),
                   turn(create("/work/double.py", GOOD_CODE),
                        expect={"contains": ["in a fresh one"]}), turn(text="Done."))
    assert run.status == 0, run
    assert len(run.result["iterations"]) == 2
    assert run.result["iterations"][0]["verify"] is not None
