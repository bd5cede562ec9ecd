from __future__ import annotations

from dataclasses import replace

import pytest

from skills.errors import NameClash, UnknownSkill
from skills.fake import FixedSource, ScriptedSkill
from skills.guards import CallLimits
from skills.registry import Registry
from skills.secrets import Secrets
from skills.state import Decisions, StateFile
from skills.types import Skill, SkillCall, SkillResult
from skills.wrap import AuditLine
from tests.skills.conftest import ANNA, BOB

ALL = frozenset({"everyone"})


def source(name: str, *skills: Skill) -> FixedSource:
    return FixedSource(name, *(replace(skill, source=name) for skill in skills))


def decide(state: StateFile, **changes: object) -> None:
    state.change(lambda before: Decisions.model_validate({**before.model_dump(), **changes}))


async def test_refuses_a_clash_and_names_both_owners(registry: Registry) -> None:
    await registry.add(source("python:a.py", ScriptedSkill().skill("find")))
    other = source("openapi:shop", ScriptedSkill().skill("find"), ScriptedSkill().skill("buy"))
    with pytest.raises(NameClash, match=r"python:a\.py.*openapi:shop.*'find'"):
        await registry.add(other)
    assert [skill.source for skill in registry.skills(principals=ALL)] == ["python:a.py"]
    assert other.closed and "find" in registry.problems["openapi:shop"]


async def test_replaces_a_source_by_its_newer_self(registry: Registry) -> None:
    old = source("python:a.py", ScriptedSkill().skill("one"))
    await registry.add(old)
    await registry.add(source("python:a.py", ScriptedSkill().skill("two")))
    assert [skill.name for skill in registry.skills(principals=ALL)] == ["two"] and old.closed


async def test_shows_and_runs_a_skill_for_its_readers_only(registry: Registry, audit: list[AuditLine]) -> None:
    scripted = ScriptedSkill()
    await registry.add(source("x", scripted.skill("pay", readers=frozenset({"group:sales"}))))
    assert [skill.name for skill in registry.skills(principals=ANNA.principals)] == ["pay"]
    assert registry.skills(principals=BOB.principals) == [] and registry.skills(principals=frozenset()) == []
    with pytest.raises(UnknownSkill):
        registry.get("pay", principals=BOB.principals)
    assert (await registry.call(SkillCall("pay", {}, BOB))).status == "retry"
    held = registry.get("pay", principals=ANNA.principals)
    assert (await held.run(SkillCall("pay", {}, BOB))).status == "refused"
    assert not scripted.calls and audit[-1].status == "refused"


async def test_counts_calls_that_ask_and_approved_ones_each_once(
    state: StateFile, secrets: Secrets, audit: list[AuditLine]
) -> None:
    scripted = ScriptedSkill()
    registry = Registry(state, CallLimits(60.0, 8_000, 1_000_000, per_minute=2), audit.append, secrets.values)
    await registry.add(source("x", scripted.skill("pay", "write")))
    calls = [SkillCall("pay", {"to": n}, ANNA, str(n)) for n in range(3)]
    asked = [await registry.call(call) for call in calls]
    assert [result.status for result in asked] == ["ask", "ask", "failed"] and "2 times within a minute" in asked[
        2
    ].text
    approved = [replace(call, approval=result.data["digest"]) for call, result in zip(calls[:2], asked, strict=False)]
    assert [(await registry.call(call)).status for call in approved] == ["ok", "ok"] and len(scripted.calls) == 2
    assert (await registry.call(replace(calls[2], person=BOB))).status == "ask"


async def test_lets_a_skill_rest_for_the_person_alone_whose_calls_fail(registry: Registry) -> None:
    bad, good = SkillResult("failed", "no such address"), SkillResult("ok", "done")
    scripted = ScriptedSkill(bad, bad, bad, good, bad, bad, good)
    await registry.add(source("x", scripted.skill("fetch")))
    told = [(await registry.call(SkillCall("fetch", {}, person))).text for person in [*[ANNA] * 4, *[BOB] * 4, ANNA]]
    rests = "fetch failed 3 times in a row and rests for 30 s."
    assert told == [bad.text] * 3 + [rests, good.text, bad.text, bad.text, good.text, rests]


async def test_follows_what_administrators_decide_at_once(registry: Registry, state: StateFile) -> None:
    await registry.add(source("x", ScriptedSkill().skill("pay")))
    held = registry.get("pay", principals=ALL)
    decide(state, disabled=["pay"])
    assert registry.skills(principals=ALL) == []
    assert (await registry.call(SkillCall("pay", {}, ANNA))).status == "retry"
    assert (await held.run(SkillCall("pay", {}, ANNA))).status == "refused"
    assert not registry.listed()[0].enabled
    decide(state, disabled=[], readers={"pay": ["user:bob"]})
    assert registry.skills(principals=ANNA.principals) == []
    assert (await held.run(SkillCall("pay", {}, ANNA))).status == "refused"
    assert (await registry.call(SkillCall("pay", {}, BOB))).status == "ok"
    decide(state, readers={}, rules={"pay": "ask"})
    assert (await registry.call(SkillCall("pay", {}, ANNA))).status == "ask"


async def test_asks_before_writes_and_runs_the_approved_call_once_fitted(registry: Registry) -> None:
    scripted = ScriptedSkill()
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    await registry.add(source("x", scripted.skill("pay", effect="write", parameters=schema)))
    call = SkillCall("pay", {"n": "5"}, ANNA, call_id="c1")
    asked = await registry.call(call)
    assert asked.status == "ask" and asked.data["arguments"] == {"n": 5}
    approved = replace(call, arguments=asked.data["arguments"], approval=asked.data["digest"])
    assert (await registry.call(approved)).status == "ok"
    assert (await registry.call(replace(approved, arguments={"n": 6}))).status == "ask"
    assert [dict(call.arguments) for call in scripted.calls] == [{"n": 5}]


async def test_ends_every_call_with_a_result(registry: Registry, secrets: Secrets, audit: list[AuditLine]) -> None:
    secrets.put("api", "sk-secret-1")
    await registry.add(
        source(
            "x",
            ScriptedSkill(RuntimeError("db password")).skill("raises"),
            ScriptedSkill(SkillResult("ok", "x" * 50_000_000)).skill("huge"),
            ScriptedSkill(SkillResult("ok", "key sk-secret-1")).skill("leaks"),
        )
    )
    results = {name: await registry.call(SkillCall(name, {}, ANNA)) for name in ("raises", "huge", "leaks", "nothing")}
    assert results["raises"].status == "failed" and "password" not in results["raises"].text
    assert results["huge"].truncated and len(results["huge"].text) < 9_000 and results["huge"].data is None
    assert results["leaks"].text == "key [secret]"
    assert results["nothing"].status == "retry" and "nothing" in results["nothing"].text
    assert [line.skill for line in audit] == ["raises", "huge", "leaks"]
    assert all("sk-secret-1" not in line.text for line in audit) and all(line.ms >= 0 for line in audit)


def test_keeps_secrets_from_everybody_but_the_owner(secrets: Secrets, tmp_path: object) -> None:
    secrets.put("a", "one")
    secrets.put("b", "two")
    secrets.put("a", None)
    assert secrets.names() == ["b"] and secrets.get("b").get_secret_value() == "two"
    assert "two" not in repr(secrets.get("b")) and "two" not in repr(vars(secrets))
    assert secrets._path.stat().st_mode & 0o777 == 0o600  # noqa: SLF001


def test_keeps_decisions_across_objects(state: StateFile) -> None:
    decide(state, rules={"pay": "deny"})
    assert StateFile(state._path).now().rules == {"pay": "deny"}  # noqa: SLF001
