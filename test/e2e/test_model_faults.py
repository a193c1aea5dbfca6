"""What the model can do wrong: retried, reported with whose fault it is, never a hang."""
import pytest
from conftest import GOOD_CODE, PLAN, bash, create, project, turn

FAST = {"KILN_MODEL_FIRST_BYTE_S": "2", "KILN_MODEL_IDLE_S": "2", "KILN_MODEL_MAX_RETRIES": "1"}


def fault(**fields):
    """A turn that fails."""
    return {"fault": fields}


PASSING = {
    "429 with retry-after": [fault(status=429, retry_after=1)],
    "500 once": [fault(status=500)],
    "529 once": [fault(status=529)],
    "cut stream": [{**turn(text="I am about to say"), "fault": {"after": "cut"}}],
    "error in mid-stream": [{**turn(text="I am about to"), "fault": {"after": "error"}}],
    "malformed event": [{**turn(text="I am about to"), "fault": {"after": "malformed"}}],
    "stall": [{**turn(text="I am about to"), "fault": {"after": "stall"}}],
    "slow first byte": [{**turn(text="late"), "fault": {"after": "slow_first_byte", "ms": 5000}}],
}


@pytest.mark.parametrize("name", sorted(PASSING))
def test_a_fault_that_passes_is_retried(kiln, name):
    run = kiln.run(*PASSING[name], project(), turn(), env=FAST)
    assert run.status == 0, run
    assert any(e["type"] == "model_retry" for e in run.events)


FATAL = {
    "401": ({"status": 401}, "key_refused", "key"),
    "403": ({"status": 403}, "key_refused", ""),
    "404": ({"status": 404}, "model_error", "model"),
    "400": ({"status": 400, "message": "max_tokens: bad"}, "model_error", "max_tokens: bad"),
    "413": ({"status": 413}, "model_error", "size"),
    "429 for ever": ({"status": 429, "retry_after": 1}, "model_error", "429"),
    "500 for ever": ({"status": 500}, "model_error", "500"),
    "529 for ever": ({"status": 529}, "model_error", "529"),
}


@pytest.mark.parametrize("name", sorted(FATAL))
def test_a_fault_that_stays_ends_the_task(kiln, name):
    fields, reason, text = FATAL[name]
    run = kiln.run(*[fault(**fields)] * 6, env=FAST, plan=None)
    assert run.status == (4 if reason == "key_refused" else 75), run
    assert (run.result["state"], run.result["reason"]) == ("failed", reason)
    assert run.result["blame"] == ("user" if reason == "key_refused" else "model")
    assert text in run.result["detail"]


def test_silence_for_ever_ends_the_task(kiln):
    run = kiln.run(*[{**turn(text="..."), "fault": {"after": "stall"}}] * 4, env=FAST)
    assert run.result["reason"] == "model_error"
    assert "2.0 s" in run.result["detail"]


def test_invalid_tool_input_is_answered_and_survived(kiln):
    run = kiln.run(
        turn({"bash": {"cmd": "ls"}}, {"bash": {}}, {"no_such_tool": {"x": 1}},
             {"str_replace_based_edit_tool": {"command": "fly", "path": "/work/x"}},
             {"str_replace_based_edit_tool": {"command": "create", "path": 7}},
             {"str_replace_based_edit_tool": {"command": "str_replace", "path": "/work/none",
                                              "old_str": "a", "new_str": "b"}}),
        project(), turn())
    assert run.status == 0, run
    assert sum(e["type"] == "engine_tool_end" and e["failed"] for e in run.events) == 6


def test_two_hundred_tool_calls_in_one_reply(kiln):
    many = [bash(f"echo {i} >>/work/log.txt") for i in range(200)]
    run = kiln.run(turn(*many), project(), turn())
    assert run.status == 0, run


def test_a_model_that_says_nothing(kiln):
    run = kiln.run(*[turn(text="")] * 30, plan=turn(text="Plan."))
    assert run.status == 5, run
    assert run.result["reason"] == "agent_error"
    assert run.result["detail"] == "the agent wrote no file"


def test_a_refusal_ends_the_task(kiln):
    run = kiln.run(turn(text="I can't help with that.", stop="refusal"))
    assert run.status == 5, run
    assert run.result["reason"] == "agent_error" and "refused" in run.result["detail"]


def test_a_contradiction_is_an_accepted_outcome(kiln):
    run = kiln.run(turn(text="BLOCKED: it asks for two and for three."))
    assert run.status == 5, run
    assert (run.result["reason"], run.result["blame"]) == ("blocked", "user")
    assert "two and for three" in run.result["detail"]


def test_cut_off_by_max_tokens_goes_on(kiln):
    run = kiln.run(turn(text="I will now", stop="max_tokens"), project(), turn())
    assert run.status == 0, run


def test_a_conversation_that_grew_too_long_is_renewed(kiln):
    """Also when the first request of a turn is the one that is too long."""
    too_long = fault(status=400, message="prompt is too long: 200001 tokens > 200000 maximum")
    run = kiln.run(project(code="def double(n: int) -> int:\n    return n\n"), turn(),
                   too_long, {**project(), "expect": {"contains": ["an earlier attempt"]}}, turn())
    assert run.status == 0, run
    assert [i["conversation"] for i in run.result["iterations"]] == [0, 0, 1]


def test_the_turn_limit_ends_an_engine_turn_not_the_task(kiln):
    chatter = [turn(bash("true")) for _ in range(3)]
    run = kiln.run(*chatter, project(), turn(), env={"KILN_ENGINE_TURNS": "3"})
    assert run.status == 0, run
    assert len(run.result["iterations"]) == 2


def test_the_budget_is_a_hard_limit(kiln):
    loop = [turn(bash(f"echo {'x' * 4000} {i}")) for i in range(60)]
    run = kiln.run(turn(create("/work/double.py", GOOD_CODE)), *loop,
                   args=("--budget-usd", "0.05", "--model", "claude-opus-5-5"))
    assert run.status == 6, run
    assert (run.result["reason"], run.result["blame"]) == ("budget", "limit")
    assert float(run.result["cost_usd"]) <= 0.05
    assert run.files() == ["double.py"]


def test_the_time_limit_ends_everything(kiln):
    run = kiln.run(turn(create("/work/double.py", GOOD_CODE)), turn(bash("sleep 600")),
                   turn(), args=("--timeout", "4s"))
    assert run.status == 6, run
    assert run.result["reason"] == "time_limit"
    assert run.files() == ["double.py"]


def test_unmet_expectations_of_a_script_are_reported(kiln):
    run = kiln.run(turn(text="x", expect={"contains": ["never said"]}), plan=PLAN)
    assert "never said" in run.err
    assert run.status != 0
