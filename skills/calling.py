"""From a declared function to a Skill that runs in this process, and from a function's value to a SkillResult."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio.to_thread
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from skills.declare import Declaration, declaration_of, declare
from skills.errors import SkillFailure, SkillRefusal
from skills.outside import PROGRESS
from skills.types import Person, Skill, SkillCall, SkillResult, Status, content_version

log = logging.getLogger(__name__)


def in_process(declaration: Declaration, source: str, version: str, readers: frozenset[str]) -> Skill:
    """Return a skill that runs the declared function in this process: for functions of our own, not of teams."""

    async def run(call: SkillCall) -> SkillResult:
        listening = PROGRESS.set(call.report)
        try:
            return await invoke(declaration, dict(call.arguments), call.person)
        finally:
            PROGRESS.reset(listening)

    return Skill(
        name=declaration.name,
        description=declaration.description,
        parameters=declaration.parameters,
        effect=declaration.effect,
        run=run,
        source=source,
        version=version,
        readers=readers,
        tags=declaration.tags,
        reads=declaration.reads,
    )


async def invoke(declaration: Declaration, arguments: dict[str, Any], person: Person) -> SkillResult:
    """Run the function and return what it came to, whatever it does; sync functions run in a thread.

    What an unexpected exception says goes to the log only: it may hold a password or an address.
    """
    try:
        checked = declaration.arguments.model_validate(arguments)
    except ValidationError as exc:
        return SkillResult("retry", wrong_arguments(exc))
    values = {name: getattr(checked, name) for name in type(checked).model_fields}
    if declaration.person_parameter:
        values[declaration.person_parameter] = person
    try:
        return to_result(await _await(partial(declaration.function, **values)))
    except SkillRefusal as exc:
        return SkillResult("retry", str(exc))
    except SkillFailure as exc:
        return SkillResult("failed", str(exc))
    except Exception as exc:  # noqa: BLE001 - the function is a stranger's, and a turn has to end with an answer
        log.warning("skill %s raised", declaration.name, exc_info=exc)
        return SkillResult("failed", f"The skill {declaration.name} failed ({type(exc).__name__}).")


async def _await(function: Callable[[], object]) -> object:
    wrapped = function.func if isinstance(function, partial) else function
    if inspect.iscoroutinefunction(wrapped):
        return await function()  # type: ignore[misc]  # a coroutine function, as asked just above
    value = await anyio.to_thread.run_sync(function, abandon_on_cancel=True)
    return await value if inspect.isawaitable(value) else value


def wrong_arguments(error: ValidationError) -> str:
    """Return one line per problem, naming the parameter, without the library's links."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = (f"{'.'.join(str(part) for part in found['loc']) or 'arguments'}: {found['msg']}" for found in problems[:5])
    return "Wrong arguments: " + "; ".join(lines)


def to_result(value: object, status: Status = "ok") -> SkillResult:
    """Return a SkillResult of what a function returned: text as it is, everything else as compact JSON."""
    if isinstance(value, SkillResult):
        return value
    if isinstance(value, str):
        return SkillResult(status, value, data=value)
    try:
        data = to_jsonable_python(value, inf_nan_mode="strings")
    except (PydanticSerializationError, RecursionError, ValueError):
        return SkillResult("failed", f"The skill returned a {type(value).__name__}, which cannot be written as JSON.")
    return SkillResult(status, json.dumps(data, ensure_ascii=False), data=data)


class Functions:
    """A source of the given functions for everyone, declared with @skill or not, run in this process."""

    def __init__(self, name: str, functions: Sequence[Callable[..., object]]) -> None:
        self.name = name
        self._functions = functions

    async def load(self) -> list[Skill]:
        """Return one skill per function; raises BadSkill when one cannot be described."""
        return [self._skill(declaration_of(function) or declare(function)) for function in self._functions]

    async def close(self) -> None:
        """Nothing is kept open."""

    def _skill(self, declared: Declaration) -> Skill:
        version = content_version(declared.description, json.dumps(declared.parameters), declared.effect)
        return in_process(declared, self.name, version, frozenset({"everyone"}))
