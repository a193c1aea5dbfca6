"""kill -9 and Ctrl-C at every phase: nothing is left, and the next run works."""
import json
import os
import signal
import subprocess
import time

import pytest
from conftest import BAD_CODE, PLAN, bash, project, turn

SLOW = [PLAN, turn(bash("sleep 30"), text="x"), project(), turn()]

# The event after which the process is killed, and the script that gets there.
PHASES = {
    "task_started": [PLAN, project(), turn()],
    "sandbox_opened": [PLAN, project(), turn()],
    "plan": [PLAN, project(), turn()],
    "engine_tool": [PLAN, turn(bash("sleep 60")), project(), turn()],
    "engine_file": [PLAN, project(), turn()],
    "tree_collected": [PLAN, project(code=BAD_CODE), turn(), turn(), turn()],
    "check_started": [PLAN, project(), turn()],
    "check_finished": [PLAN, project(), turn()],
    "verify_started": [PLAN, project(), turn()],
    "verify_finished": [PLAN, project(), turn()],
}


def wait_for_event(kiln, process, event, seconds=60):
    """Waits until the running task has written an event."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path in list(kiln.results.glob(".work/*/events.ndjson")) + \
                list(kiln.results.glob("*/events.ndjson")):
            if f'"type":"{event}"' in path.read_text():
                return
        if process.poll() is not None:
            return
        time.sleep(0.005)
    pytest.fail(f"no event {event}")


def start(kiln, turns, **options):
    """Starts kiln run in the background."""
    return kiln.popen("run", "Build it", "--script", kiln.script(*turns), "--out", kiln.results,
                      **options)


def next_run_works(kiln):
    run = kiln.run(project(), turn())
    assert run.status == 0, run
    assert not (kiln.results / ".work").exists()


@pytest.mark.parametrize("event", sorted(PHASES))
def test_kill_9(kiln, event):
    process = start(kiln, PHASES[event])
    wait_for_event(kiln, process, event)
    process.kill()
    process.communicate(timeout=30)
    time.sleep(0.2)
    next_run_works(kiln)
    results = [json.loads(p.read_text()) for p in kiln.results.glob("*/result.json")]
    assert len(results) == 2
    first = next(r for r in results if r["state"] != "succeeded" or len(results) == 1) \
        if any(r["state"] != "succeeded" for r in results) else None
    if first:
        assert (first["state"], first["reason"]) == ("cancelled", "interrupted")
        assert first["specification"] == "Build it"


def test_kill_9_of_everything_of_ours(kiln):
    from conftest import processes
    before = processes()
    process = start(kiln, PHASES["engine_tool"])
    wait_for_event(kiln, process, "engine_tool")
    for pid in sorted(processes() - before):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.communicate(timeout=30)
    next_run_works(kiln)


@pytest.mark.parametrize("event", ["plan", "engine_tool", "check_started"])
def test_ctrl_c_ends_at_once_and_says_what_was_kept(kiln, event):
    process = start(kiln, PHASES[event], start_new_session=True)
    wait_for_event(kiln, process, event)
    begun = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - begun < 10
    assert process.returncode == 130, (out, err)
    assert b"kept" in out + err
    result = json.loads(next(kiln.results.glob("*/result.json")).read_text())
    assert (result["state"], result["reason"]) == ("cancelled", "interrupted")
    assert not (kiln.results / ".work").exists()


def test_sigterm_too(kiln):
    process = start(kiln, PHASES["engine_tool"])
    wait_for_event(kiln, process, "engine_tool")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 143


def test_a_full_disk_under_results(kiln):
    """The results lie on a small file system of their own, in a mount namespace of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a small file system")
    kiln.results.mkdir()
    script = kiln.script(PLAN, turn(bash("head -c 3M /dev/urandom >/work/data.bin")), project(),
                         turn())
    from conftest import BINARY
    command = f"mount -t tmpfs -o size=1M none {kiln.results} && exec {BINARY} run x " \
              f"--script {script} --out {kiln.results}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", command], env=kiln.env, cwd=kiln.folder,
                          capture_output=True, timeout=120, check=False)
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == 9, text
    assert "No space left on device" in text
    next_run_works(kiln)
