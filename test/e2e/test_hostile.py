"""Agents that attack: limits hold, kiln goes on, and nothing is left."""
import pytest
from conftest import GOOD_CODE, GOOD_TEST, bash, create, project, turn

SMALL = {"KILN_SANDBOX_MEMORY_MB": "512", "KILN_SANDBOX_DISK_MB": "128",
         "KILN_SANDBOX_TMP_MB": "64", "KILN_SANDBOX_PIDS": "128", "KILN_ENGINE_COMMAND_S": "10"}

BOMBS = {
    "fork bomb": "bomb() { bomb | bomb & }; bomb; sleep 2",
    "memory": "python3 -c 'x = []\nwhile True: x.append(bytes(10**7))'",
    "disk": "head -c 3G /dev/zero >/work/big; rm -f /work/big",
    "tmp": "head -c 3G /dev/zero >/tmp/big; rm -f /tmp/big",
    "inodes": "mkdir i; cd i; seq 200000 | xargs touch 2>&1 | tail -1; cd ..; rm -rf i",
    "output": "yes | head -c 300M",
    "long line": "head -c 50M /dev/zero | tr '\\0' x",
    "binary output": "head -c 1M /dev/urandom",
    "daemon": "(setsid sleep 1000 </dev/null >/dev/null 2>&1 &); echo started",
    "ignores SIGTERM": "trap '' TERM HUP INT; (trap '' TERM; sleep 1000) & "
                       "while :; do sleep 1; done",
    "never finishes": "sleep 1000",
    "kills everything": "kill -9 -1",
    "kills envd": "kill -9 1; kill -TERM 1; echo still here",
    "descriptors": "python3 -c 'import os\nwhile True: os.open(\"/dev/null\", 0)'",
    "fills the shell's own folder": "cd; head -c 1G /dev/zero >x; rm x",
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_the_task_goes_on_after(kiln, name):
    run = kiln.run(turn(bash(BOMBS[name])), project(), turn(), env=SMALL)
    assert run.status == 0, run
    assert run.result["verdict"]["green"]


NASTY = r"""
mkdir -p nasty/.git/hooks nasty/deep; cd nasty
ln -s /etc/passwd absolute; ln -s ../../../etc/passwd climbing; ln -s deep inside
mkfifo fifo; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
truncate -s 900M sparse
touch "$(printf 'new\nline')" "$(printf 'esc\033[31m')" "$(printf 'bad\377utf8')" -- -dash
echo '[core] fsmonitor = touch PWNED' >.git/config
chmod 000 deep; touch a.txt; chmod 4755 a.txt
seq 7000 | sed 's/^/f/' | (mkdir many; cd many; xargs touch)
"""


def test_a_nasty_tree_is_collected_safely(kiln):
    run = kiln.run(turn(bash(NASTY)), project(), turn(), args=("--iterations", "1"))
    assert run.status in (0, 5), run
    names = run.files()
    assert "double.py" in names
    for bad in ("nasty/absolute", "nasty/climbing", "nasty/fifo", "nasty/sock", "nasty/sparse",
                "nasty/.git/config"):
        assert bad not in names
    assert not any("\n" in n or "\x1b" in n for n in names)
    notes = "\n".join(run.result["notes"])
    for word in ("absolute", "climbing", "sparse", "more files"):
        assert word in notes
    assert (run.dir / "files" / "nasty" / "a.txt").stat().st_mode & 0o7777 == 0o644


def test_tests_that_hang_time_out(kiln):
    stacks = kiln.folder / "stacks"
    stacks.mkdir()
    slow = GOOD_TEST.replace("        self.assertEqual(double.double(2), 4)",
                             "        import time\n        time.sleep(1000)")
    run = kiln.run(project(test=slow), turn(), project(), turn(),
                   args=("--iterations", "2", "--timeout", "25s"))
    assert run.status == 6, run
    assert run.result["reason"] == "time_limit"


def test_a_test_that_leaves_a_daemon_leaves_nothing(kiln):
    daemon = GOOD_TEST.replace(
        "        self.assertEqual(double.double(2), 4)",
        "        import subprocess\n        subprocess.Popen(['sleep', '1000'], "
        "start_new_session=True)\n        self.assertEqual(double.double(2), 4)")
    run = kiln.run(project(test=daemon), turn())
    assert run.status == 0, run


@pytest.mark.parametrize("case", ["project", "hostile"])
def test_it_works_as_an_ordinary_user(user_kiln, case):
    if case == "project":
        run = user_kiln.run(project(), turn())
    else:
        run = user_kiln.run(turn(bash(BOMBS["fork bomb"])), turn(bash(BOMBS["disk"])),
                            turn(create("/work/double.py", GOOD_CODE),
                                 create("/work/test_double.py", GOOD_TEST)), turn(), env=SMALL)
    assert run.status == 0, run
    assert run.result["sandbox"]["layers"]["quota"] == "tmpfs"
