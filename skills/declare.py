"""`@skill`: a typed function with a docstring becomes a skill.

@skill
async def order_status(order_id: Annotated[str, "as printed on the receipt, e.g. 'A-1042'"]) -> str:
    \"\"\"Tell where an order is and when it should arrive.\"\"\"
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError

from skills.errors import BadSkill
from skills.schema import tidy
from skills.types import Effect, Person, Reads, Schema

F = TypeVar("F", bound=Callable[..., object])
EXACT = frozenset({"exact"})  # what such a skill `reads` is a question for it alone: documents need not be asked
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SECTION = re.compile(r"^\s*(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?):\s*$", re.M)
_ARGUMENT = re.compile(r"^\s+\*{0,2}(\w+)(?:\s*\([^)]*\))?\s*:\s*(.+?)(?=^\s+\w+(?:\s*\([^)]*\))?\s*:|\Z)", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Declaration:
    """A function that was marked with `@skill`, with all that its signature and docstring say."""

    name: str
    description: str
    effect: Effect
    parameters: Schema
    function: Callable[..., object]
    arguments: type[BaseModel]  # validates a call's arguments
    person_parameter: str | None  # filled by the host, not part of the schema
    tags: frozenset[str]
    reads: Reads | None


@overload
def skill(function: F) -> F: ...
@overload
def skill(
    *,
    effect: Effect = "read",
    name: str | None = None,
    tags: frozenset[str] = frozenset(),
    long: bool = False,
    reads: Reads | None = None,
) -> Callable[[F], F]: ...
def skill(
    function: F | None = None,
    *,
    effect: Effect = "read",
    name: str | None = None,
    tags: frozenset[str] = frozenset(),
    long: bool = False,
    reads: Reads | None = None,
) -> F | Callable[[F], F]:
    """Mark a function as a skill; the function itself stays as it is.

    `effect="write"` says that a call changes something, so that a person has to approve it. `long` says that
    a call may take minutes: it may say how far it is (skills.outside.progress), can be cancelled, and is begun again
    after a restart unless it changes something. `reads` finds the arguments in a question by rules, for models that do
    not call functions; such a model then never fills them in by itself. A parameter annotated with
    `Person` gets the caller and is not shown to models. Raises BadSkill without a docstring or type annotations.
    """

    def mark(marked: F) -> F:
        tagged = tags | {"long"} if long else tags
        vars(marked)["__skill__"] = declare(marked, effect=effect, name=name, tags=tagged, reads=reads)
        return marked

    return mark if function is None else mark(function)


def declaration_of(value: object) -> Declaration | None:
    """Return what `@skill` noted on `value`, None when it was not marked."""
    noted = getattr(value, "__skill__", None) if inspect.isroutine(value) else None
    return noted if isinstance(noted, Declaration) else None


def declare(
    function: Callable[..., object],
    effect: Effect = "read",
    name: str | None = None,
    tags: frozenset[str] = frozenset(),
    reads: Reads | None = None,
) -> Declaration:
    """Return the declaration of `function`; raises BadSkill when its signature or docstring does not allow one."""
    title: str = name or str(getattr(function, "__name__", ""))
    if not NAME.fullmatch(title):
        raise BadSkill(f"{title!r} is no skill name: use letters, digits and underscores, at most 64.")
    description, about = _docstring(title, function)
    fields, person_parameter = _fields(title, function, about)
    try:
        arguments = create_model(
            f"{title}_arguments", __config__=ConfigDict(extra="forbid", coerce_numbers_to_str=True), **fields
        )
        schema = tidy(arguments.model_json_schema())
    except (PydanticUserError, NameError, TypeError) as exc:
        raise BadSkill(f"The parameters of skill {title!r} cannot be described as JSON: {exc}") from exc
    return Declaration(title, description, effect, schema, function, arguments, person_parameter, tags, reads)


def _docstring(title: str, function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    """Return what the docstring says of the function, with its examples, and of each parameter (Google style)."""
    text = inspect.cleandoc(function.__doc__ or "").strip()
    if not text:
        raise BadSkill(f"Skill {title!r} has no docstring: say what it does and when to use it.")
    sections = _SECTION.split(text)
    about: dict[str, str] = {}
    examples: list[str] = []
    for heading, body in zip(sections[1::2], sections[2::2], strict=False):
        if heading in ("Args", "Arguments", "Parameters"):
            about |= {name: " ".join(said.split()) for name, said in _ARGUMENT.findall(body)}
        elif heading.startswith("Example"):
            examples = [line.strip().strip('"') for line in body.splitlines() if line.strip()]
    description = " ".join(sections[0].split())
    quoted = ", ".join(f'"{question}"' for question in examples)
    return f"{description} For example: {quoted}." if quoted else description, about


def _fields(title: str, function: Callable[..., object], about: dict[str, str]) -> tuple[dict[str, Any], str | None]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as exc:
        raise BadSkill(f"Skill {title!r} has an annotation that cannot be resolved: {exc}.") from exc
    fields: dict[str, Any] = {}
    person_parameter = None
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise BadSkill(f"Skill {title!r} takes {parameter}: give every parameter a name and a type.")
        if parameter.name not in hints:
            raise BadSkill(f"Parameter {parameter.name!r} of skill {title!r} has no type annotation.")
        if hints[parameter.name] is Person:
            person_parameter = parameter.name
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (_described(hints[parameter.name], about.get(parameter.name)), default)
    return fields, person_parameter


def _described(hint: Any, said: str | None) -> Any:
    """Turn `Annotated[str, "what it means"]` into a described field, or take the docstring's words."""
    if get_origin(hint) is Annotated:
        kind, *notes = get_args(hint)
        described = [Field(description=note) if isinstance(note, str) else note for note in notes]
        return Annotated[(kind, *described)]
    return Annotated[hint, Field(description=said)] if said else hint
