from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from skills import wrap
from skills.errors import SkillFailure, SkillRefusal
from skills.fake import ScriptedSkill
from skills.types import SkillCall, SkillResult, call_digest
from tests.skills.conftest import ANNA, BOB

CALL = SkillCall("scripted", {}, ANNA)
BAD = SkillResult("failed", "no")


def test_allow_list_without_names_allows_nothing() -> None:
    skills = [ScriptedSkill().skill("a"), ScriptedSkill().skill("b")]
    assert wrap.only(skills, frozenset()) == []
    assert [skill.name for skill in wrap.only(skills, frozenset({"b"}))] == ["b"]


async def test_checks_arguments_before_the_skill_sees_them() -> None:
    scripted = ScriptedSkill()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    checked = wrap.checked(scripted.skill(parameters=schema))
    assert (await checked.run(replace(CALL, arguments={"n": "x"}))).status == "retry"
    assert (await checked.run(replace(CALL, arguments={"n": "4"}))).status == "ok"
    assert [call.arguments for call in scripted.calls] == [{"n": 4}]


async def test_asks_with_the_exact_call_and_runs_it_once_approved() -> None:
    scripted = ScriptedSkill()
    skill = wrap.permitted(scripted.skill(effect="write"), lambda name: None, lambda name: None)
    call = replace(CALL, arguments={"to": "x"}, call_id="7")
    asked = await skill.run(call)
    assert asked.status == "ask" and asked.data["arguments"] == {"to": "x"} and not scripted.calls
    assert asked.data["digest"] == call_digest(skill, call)
    assert (await skill.run(replace(call, approval=asked.data["digest"]))).status == "ok"
    assert (await skill.run(replace(call, arguments={"to": "y"}, approval=asked.data["digest"]))).status == "ask"


async def test_notices_a_changed_rule_and_changed_readers_at_the_next_call() -> None:
    rules: dict[str, wrap.Rule] = {}
    readers: dict[str, frozenset[str]] = {}
    skill = wrap.permitted(ScriptedSkill().skill(), rules.get, readers.get)
    assert (await skill.run(CALL)).status == "ok"
    readers["scripted"] = frozenset({"user:bob"})
    assert (await skill.run(CALL)).status == "refused"
    assert (await skill.run(replace(CALL, person=BOB))).status == "ok"
    rules["scripted"] = "deny"
    assert (await skill.run(replace(CALL, person=BOB))).status == "refused"


async def test_stops_what_hangs() -> None:
    async def hang(call: SkillCall) -> SkillResult:
        await asyncio.sleep(60)
        raise AssertionError

    skill = wrap.within(replace(ScriptedSkill().skill(), run=hang), 0.02)
    result = await skill.run(CALL)
    assert result.status == "failed" and "0.02 s" in result.text


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (SkillRefusal("try x"), "retry", True),
        (SkillFailure("gone"), "failed", True),
        (KeyError("pw=1"), "failed", False),
    ],
)
async def test_contains_what_is_raised(error: Exception, status: str, said: bool) -> None:
    result = await wrap.contained(ScriptedSkill(error).skill()).run(CALL)
    assert result.status == status and (str(error) in result.text) == said


async def test_limits_the_calls_of_one_person_in_a_minute() -> None:
    now = 0.0
    skill = wrap.rated(ScriptedSkill().skill(), 2, lambda: now)
    assert [(await skill.run(CALL)).status for _ in range(3)] == ["ok", "ok", "failed"]
    assert (await skill.run(replace(CALL, person=BOB))).status == "ok"
    now = 61.0
    assert (await skill.run(CALL)).status == "ok"


async def test_leaves_a_failing_skill_alone_for_a_while() -> None:
    now = 0.0
    scripted = ScriptedSkill(BAD, BAD, BAD, SkillResult("ok", "back"))
    skill = wrap.breaking(scripted.skill(), after=3, rest_s=30, clock=lambda: now)
    for _ in range(5):
        await skill.run(CALL)
    assert len(scripted.calls) == 3
    now = 31.0
    assert (await skill.run(CALL)).text == "back"


async def test_cuts_long_results_and_says_so() -> None:
    result = await wrap.capped(ScriptedSkill(SkillResult("ok", "x" * 500, data=[1])).skill(), 100, 200).run(CALL)
    assert result.truncated and len(result.text) < 150 and "400 more" in result.text and result.data is None


async def test_takes_stored_secrets_out_of_results() -> None:
    echo = ScriptedSkill(SkillResult("ok", "your key is sk-123456", data="sk-123456")).skill()
    result = await wrap.redacted(echo, lambda: ["sk-123456"]).run(CALL)
    assert result.text == "your key is [secret]" and result.data is None


async def test_notes_each_call_even_a_cancelled_one() -> None:
    lines: list[wrap.AuditLine] = []
    await wrap.audited(ScriptedSkill().skill(), lines.append, lambda: 12.0).run(replace(CALL, arguments={"a": 1}))
    assert (lines[0].user_id, lines[0].arguments, lines[0].status, lines[0].at) == ("anna", {"a": 1}, "ok", 12.0)

    async def hang(call: SkillCall) -> SkillResult:
        await asyncio.sleep(60)
        raise AssertionError

    task = asyncio.create_task(wrap.audited(replace(ScriptedSkill().skill(), run=hang), lines.append).run(CALL))  # type: ignore[arg-type]
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (lines[1].status, lines[1].text) == ("failed", "cancelled")
