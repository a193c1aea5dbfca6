"""Specifications of every kind reach the model as they are, or are refused with a reason."""
import json

import pytest
from conftest import PLAN, project, turn

ODD = {
    "quotes": "Say \"it's\" and ''' and \\ and `backticks`",
    "shell": "Use $(touch /tmp/kiln-pwned) and ${HOME}; rm -rf / | cat > x",
    "newlines": "First line\nsecond line\r\n\n\tthird",
    "control characters": "bell \x07 escape \x1b[31m red \x1b]0;title\x07 and \x08 back",
    "unicode": "Zähle Wörter: 数える, עִבְרִית, emoji 👩‍👩‍👧, and \u202e reversed",
    "yaml and json": "{\"a\": [1, 2]} --- !!python/object: &x *x",
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_text_arrives_unchanged(kiln, name):
    text = ODD[name]
    run = kiln.run(project(), turn(), spec=text,
                   plan=turn(text="Plan.", expect={"contains": [text]}))
    assert run.status == 0, run
    assert run.result["specification"] == text
    assert "\x1b" not in run.out + run.err and "\x07" not in run.out + run.err


def test_a_mebibyte_is_taken(kiln):
    text = "All work and no play. " * 47662
    path = kiln.folder / "spec.txt"
    path.write_text(text)
    script = kiln.script(PLAN, project(), turn())
    status, out, err = kiln("run", "-f", path, "--script", script, "--out", kiln.results)
    assert status == 0, out + err
    result = json.loads(next(kiln.results.glob("*/result.json")).read_text())
    assert result["specification"] == text


REFUSED = {
    "empty": (b"  \n", "empty"),
    "nul": (b"a\0b", "NUL"),
    "latin-1": "Zähle".encode("latin-1"),
    "too large": (b"x" * (1024 * 1024 + 1), "1048576"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_text_is_refused(kiln, name):
    case = REFUSED[name]
    data, reason = case if isinstance(case, tuple) else (case, "UTF-8")
    script = kiln.script(PLAN)
    status, out, err = kiln("run", "-", "--script", script, "--out", kiln.results, stdin=data)
    assert status == 7, out + err
    assert "error[" in err and reason in err
    assert not kiln.results.exists()


@pytest.mark.parametrize("content,reason", [
    ('{"specification": "x" "y"}', "task.json:1:"),
    ('{"specifcation": "x"}', "did you mean 'specification'?"),
    ('{"specification": 3}', "must be a string"),
    ('{"specification": "x", "task_id": "../up"}', "task_id"),
    ('[]', "must be a mapping"),
])
def test_bad_task_files_are_refused_with_their_place(kiln, content, reason):
    path = kiln.folder / "task.json"
    path.write_text(content)
    status, out, err = kiln("run", "-f", path, "--script", kiln.script(PLAN))
    assert status == 7, out + err
    assert reason in err
