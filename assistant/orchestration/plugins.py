"""Skills as functions of semantic-kernel, one to one, under the plugin name "skills".

Imports semantic-kernel, which takes seconds: reach this module from the kernel's side of gate.py only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from semantic_kernel import Kernel
from semantic_kernel.filters import FunctionInvocationContext
from semantic_kernel.functions import FunctionResult, KernelFunction, KernelFunctionMetadata, KernelParameterMetadata

from assistant.orchestration.session import Called, Pending, SkillSession, reporting, shown
from skills.guard import new_marker
from skills.types import Skill, SkillCall, SkillResult

PLUGIN = "skills"
RESULT = "skill_result"  # where a FunctionResult carries the whole SkillResult
_PARAMETER = re.compile(r"[^0-9A-Za-z_-]")


SESSION: ContextVar[SkillSession | None] = ContextVar("skill_session", default=None)
CALL_ID: ContextVar[str] = ContextVar("skill_call_id", default="")  # of the call that runs in this task


class SkillFunction(KernelFunction):
    """A skill behind semantic-kernel. Arguments go to the skill as they are; nothing is filled in by name."""

    skill: Any  # a Skill; pydantic would copy it
    names: dict[str, str]  # semantic-kernel's name of a parameter -> the skill's own

    async def _invoke_internal(self, context: FunctionInvocationContext) -> None:
        session = SESSION.get()
        if session is None:
            result = SkillResult("refused", "Skills cannot be used here.")
        else:
            result = await self._call(dict(context.arguments), session)
        text = shown(result, self.skill, session.marker if session else new_marker())
        context.result = FunctionResult(function=self.metadata, value=text, metadata={RESULT: result})

    async def _invoke_internal_stream(self, context: FunctionInvocationContext) -> None:
        await self._invoke_internal(context)

    async def _call(self, given: dict[str, Any], session: SkillSession) -> SkillResult:
        arguments = {self.names.get(name, name): value for name, value in given.items()}
        call_id, tainted = CALL_ID.get(), session.tainted
        call = SkillCall(
            skill=self.skill.name,
            arguments=arguments,
            person=session.person,
            call_id=call_id,
            tainted=tainted,
            approval=session.approvals.get(call_id),
            report=reporting(session.tell, self.skill.name),
        )
        result: SkillResult = await self.skill.run(call)
        session.called.append(Called(call_id, self.skill.name, arguments, result))
        if result.status == "ask":
            asked = result.data
            session.pending.append(Pending(call_id, self.skill.name, asked["arguments"], asked["digest"], tainted))
        elif result.status == "ok" and "instructions" not in self.skill.tags:
            session.tainted = True
        return result


def register(kernel: Kernel, skills: Sequence[Skill]) -> frozenset[str]:
    """Make `skills` functions of `kernel`, replacing older versions; return their names, for Permit.functions.

    A name that is not in the returned set may belong to other people's skills: the permit decides, not the kernel.
    """
    plugin = kernel.plugins.get(PLUGIN)
    known = plugin.functions if plugin else {}
    for skill in skills:
        held = known.get(skill.name)
        if not isinstance(held, SkillFunction) or held.skill.run is not skill.run:
            kernel.add_function(PLUGIN, function_of(skill))
    return frozenset(f"{PLUGIN}-{skill.name}" for skill in skills)


def function_of(skill: Skill) -> SkillFunction:
    """Return the function that runs `skill`."""
    required = skill.parameters.get("required", [])
    names = {_PARAMETER.sub("_", name): name for name in skill.parameters["properties"]}
    parameters = [
        KernelParameterMetadata(
            name=safe,
            description=skill.parameters["properties"][name].get("description"),
            is_required=name in required,
            schema_data=skill.parameters["properties"][name],
        )
        for safe, name in names.items()
    ]
    metadata = KernelFunctionMetadata(
        name=skill.name,
        plugin_name=PLUGIN,
        description=skill.description,
        parameters=parameters,
        is_prompt=False,
        is_asynchronous=True,
    )
    return SkillFunction(metadata=metadata, skill=skill, names=names)
