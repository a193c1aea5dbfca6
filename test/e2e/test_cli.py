"""The command line: streams, exit codes, help, configuration, results."""
import json
import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import time

import pytest
from conftest import BINARY, BAD_CODE, PLAN, ROOT, project, turn


def test_no_key_is_said_with_a_way_out(kiln):
    status, out, err = kiln("run", "Build it")
    assert status == 4
    assert out == "" and "error[no_api_key]" in err
    assert "ANTHROPIC_API_KEY" in err and "fix:" in err


def test_errors_as_json(kiln):
    status, out, _ = kiln("run", "Build it", "--json")
    assert status == 4
    error = json.loads(out)["error"]
    assert error["code"] == "no_api_key" and error["fix"] and error["retryable"] is False


@pytest.mark.parametrize("args,status", [
    ((), 2), (("fly",), 2), (("run",), 2), (("run", "x", "--iteratoins", "3"), 2),
    (("run", "x", "--iterations", "0"), 2), (("run", "x", "--iterations", "many"), 2),
    (("result", "nope"), 3), (("help", "nope"), 2), (("--version",), 0), (("help",), 0),
    (("run", "--help"), 0), (("help", "exit-codes"), 0), (("run", "-f", "/no/such/file"), 3),
    (("model", "serve", "/no/such/script"), 3),
])
def test_exit_codes(kiln, args, status):
    got, out, err = kiln(*args)
    assert got == status, out + err
    assert (out if status == 0 else err).strip()


def test_a_mistyped_command_gets_a_suggestion(kiln):
    _, _, err = kiln("rnu", "x")
    assert "run" in err and "did you mean" in err


def test_json_is_one_document(kiln):
    run = kiln.run(project(), turn(), args=("--json",))
    assert run.status == 0, run
    assert json.loads(run.out)["state"] == "succeeded"


def test_red_exits_5(kiln):
    run = kiln.run(project(code=BAD_CODE), turn(), args=("--iterations", "1"))
    assert run.status == 5, run


def test_result_and_watch_of_a_finished_task(kiln):
    run = kiln.run(project(), turn())
    task = run.result["task_id"]
    status, out, err = kiln("result", task, "--out", kiln.results)
    assert status == 0, err
    assert "succeeded" in out and "double.py" in out and "2 passed" in out
    status, out, _ = kiln("result", "last", "--out", kiln.results, "--json")
    assert status == 0 and json.loads(out)["task_id"] == task
    status, out, err = kiln("watch", task, "--out", kiln.results)
    assert status == 0 and "=== PROJECT READY ===" in out + err
    status, _, err = kiln("result", task, "--out", kiln.results, "--files", kiln.folder / "copy")
    assert status == 0, err
    assert (kiln.folder / "copy" / "double.py").exists()


def test_configuration_is_layered_and_shown(kiln):
    (kiln.folder / "kiln.yaml").write_text("task:\n  iterations: 4\nmodel:\n  name: sonnet\n")
    (kiln.folder / ".env").write_text(
        "KILN_MODEL_NAME=haiku\nANTHROPIC_API_KEY=test-key-12345f3A\n")
    (kiln.folder / ".env").chmod(0o600)
    status, out, err = kiln("config", "show", env={"KILN_TASK_BUDGET_USD": "1.5"})
    assert status == 0, err
    assert re.search(r"task\.iterations\s+4\b.*kiln\.yaml", out)
    assert re.search(r"model\.name\s+haiku\b.*\.env", out)
    assert re.search(r"task\.budget_usd\s+1\.5\b.*environment", out)
    assert "test-key" not in out and "f3A" in out


def test_unknown_settings_are_errors_with_a_suggestion(kiln):
    (kiln.folder / "kiln.yaml").write_text("task:\n  iteratoins: 4\n")
    status, _, err = kiln("config", "show")
    assert status == 7
    assert "kiln.yaml:2:3" in err and "did you mean 'iterations'?" in err


def test_doctor_says_what_this_machine_can_do(kiln):
    status, out, err = kiln("doctor", env={"ANTHROPIC_API_KEY": "test-key-12345f3A"})
    assert status == 0, out + err
    for word in ("sandbox", "seccomp", "landlock", "quota", "python3", "node"):
        assert word in out
    assert "test-key" not in out + err


def test_completion_is_shell_code(kiln):
    for shell in ("bash", "zsh", "fish"):
        status, out, _ = kiln("completion", shell)
        assert status == 0 and "iterations" in out
    _, out, _ = kiln("completion", "bash")
    subprocess.run(["bash", "-n"], input=out.encode(), check=True)


def test_sandbox_exec(kiln):
    status, out, err = kiln("sandbox", "exec", "--", "sh", "-c",
                            "id -u; pwd; echo oops >&2; exit 3")
    assert status == 3, err
    assert out == "1000\n/work\n" and "oops" in err
    status, out, _ = kiln("sandbox", "exec", "--", "cat", "/etc/shadow")
    assert status != 0 and out == ""


def read_until(controller, text, seconds=60):
    """What a terminal shows until a text appears, or to its end."""
    seen, deadline = b"", time.monotonic() + seconds
    while text not in seen and time.monotonic() < deadline:
        if select.select([controller], [], [], 0.2)[0]:
            try:
                seen += os.read(controller, 4096)
            except OSError:
                break
    return seen


def test_sandbox_shell_is_a_terminal(kiln):
    controller, terminal = pty.openpty()
    process = subprocess.Popen([BINARY, "sandbox", "shell"], stdin=terminal, stdout=terminal,
                               stderr=terminal, env={**kiln.env, "TERM": "xterm"}, cwd=kiln.folder,
                               start_new_session=True)
    os.close(terminal)
    seen = read_until(controller, b"$ ")
    os.write(controller, b"tty; echo sum $((40 + 2)); exit 7\n")
    seen += read_until(controller, b"never shown")
    assert process.wait(timeout=30) == 7, seen
    os.close(controller)
    assert b"/dev/pts/" in seen and b"sum 42" in seen


def test_sandbox_shell_ends_with_its_terminal(kiln):
    controller, terminal = pty.openpty()
    process = subprocess.Popen([BINARY, "sandbox", "shell"], stdin=terminal, stdout=terminal,
                               stderr=terminal, env=kiln.env, cwd=kiln.folder,
                               start_new_session=True)
    os.close(terminal)
    read_until(controller, b"$ ")
    os.close(controller)
    assert process.wait(timeout=30) != 0


def test_the_scripted_model_is_a_command(kiln):
    script = kiln.script(turn(text="Hi."))
    process = kiln.popen("model", "serve", script)
    url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline().decode()).group()
    body = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]}
    reply = subprocess.run(["curl", "-s", f"{url}/v1/messages", "-d", json.dumps(body),
                            "-H", "content-type: application/json", "-H", "x-api-key: dummy",
                            "-H", "anthropic-version: 2023-06-01"],
                           capture_output=True, check=True, timeout=30)
    assert json.loads(reply.stdout)["content"] == [{"type": "text", "text": "Hi."}]
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode in (0, 143)


def test_the_same_command_line_uses_any_server(kiln):
    """ANTHROPIC_BASE_URL and a key, no script: the same way as with the real API."""
    server = kiln.popen("model", "serve", kiln.script(PLAN, project(), turn()))
    url = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline().decode()).group()
    status, out, err = kiln("run", "Build it", "--out", kiln.results,
                            env={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "dummy-key-0001"})
    server.terminate()
    server.communicate(timeout=30)
    assert status == 0, out + err
    everything = b"".join(p.read_bytes() for p in kiln.results.rglob("*") if p.is_file())
    assert b"dummy-key-0001" not in everything


def test_a_crash_leaves_no_core_with_a_key_in_it(kiln):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        process = kiln.popen("run", "Build it", "--out", kiln.results, env={
            "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "dummy-key-0001"})
        server.accept()[0].close()
        most = resource.prlimit(process.pid, resource.RLIMIT_CORE)[1]
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (most, most))
        process.send_signal(signal.SIGSEGV)
        _, status = os.waitpid(process.pid, 0)
    assert not os.WCOREDUMP(status)


def test_man_pages_match_the_options():
    subprocess.run([ROOT / "tools" / "check-man", BINARY], check=True, timeout=60)
