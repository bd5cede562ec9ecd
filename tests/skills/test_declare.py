from __future__ import annotations

import asyncio
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel

from skills import Person, SkillCall, SkillFailure, SkillRefusal, skill
from skills.calling import Functions
from skills.declare import declaration_of, declare
from skills.errors import BadSkill
from skills.types import Skill
from tests.skills.conftest import ANNA


class Kind(Enum):
    NEW = "new"
    OLD = "old"


class Line(BaseModel):
    title: str
    count: int = 1


@skill
def order(
    number: Annotated[str, "as on the receipt"],
    lines: list[Line],
    person: Person,
    kind: Kind = Kind.NEW,
    how: Literal["fast", "slow"] = "slow",
    note: str | None = None,
) -> dict[str, object]:
    """Order things.

    Args:
        note: for the driver,
            over two lines

    Returns:
        nothing of interest
    """
    return {"number": number, "lines": lines, "kind": kind, "by": person.user_id, "note": note}


async def loaded(*functions: object) -> Skill:
    return (await Functions("test", list(functions)).load())[0]  # type: ignore[arg-type]


def test_describes_parameters_from_types_annotations_docstring_and_defaults() -> None:
    declared = declaration_of(order)
    assert declared is not None
    properties = declared.parameters["properties"]
    assert declared.description == "Order things."
    assert properties["number"] == {"type": "string", "description": "as on the receipt"}
    assert properties["lines"]["items"]["properties"]["title"] == {"type": "string"}
    assert properties["kind"]["enum"] == ["new", "old"] and properties["how"]["default"] == "slow"
    assert properties["note"]["description"] == "for the driver, over two lines"
    assert declared.parameters["required"] == ["number", "lines"]
    assert declared.parameters["additionalProperties"] is False


async def test_hands_the_caller_in_and_shows_no_parameter_for_it() -> None:
    made = await loaded(order)
    assert "person" not in made.parameters["properties"]
    result = await made.run(SkillCall("order", {"number": "1", "lines": [{"title": "pen"}], "kind": "old"}, ANNA))
    assert result.data == {
        "number": "1",
        "lines": [{"title": "pen", "count": 1}],
        "kind": "old",
        "by": "anna",
        "note": None,
    }


async def test_lets_no_argument_take_the_callers_place() -> None:
    made = await loaded(order)
    result = await made.run(SkillCall("order", {"number": "1", "lines": [], "person": {"user_id": "root"}}, ANNA))
    assert result.status == "retry" and "person" in result.text


async def test_leaves_the_function_callable_as_it_is() -> None:
    assert order("1", [], ANNA)["by"] == "anna"


async def test_runs_async_functions_and_sync_ones_off_the_event_loop() -> None:
    loop = asyncio.get_running_loop()

    async def inside() -> bool:
        """Tell."""
        return asyncio.get_running_loop() is loop

    def outside() -> bool:
        """Tell."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return True
        return False

    assert (await (await loaded(inside)).run(SkillCall("inside", {}, ANNA))).data is True
    assert (await (await loaded(outside)).run(SkillCall("outside", {}, ANNA))).data is True


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (SkillRefusal("use another number"), "retry", "use another number"),
        (SkillFailure("the shop is closed"), "failed", "the shop is closed"),
        (RuntimeError("password=hunter2"), "failed", "The skill raises failed (RuntimeError)."),
    ],
)
async def test_tells_errors_the_model_can_act_on_from_those_it_cannot_and_hides_what_exceptions_say(
    error: Exception, status: str, text: str
) -> None:
    def raises() -> str:
        """Raise."""
        raise error

    result = await (await loaded(raises)).run(SkillCall("raises", {}, ANNA))
    assert (result.status, result.text) == (status, text)


async def test_says_which_argument_is_wrong() -> None:
    made = await loaded(order)
    result = await made.run(SkillCall("order", {"number": "1", "lines": "no", "how": "x"}, ANNA))
    assert result.status == "retry" and "lines" in result.text and "how" in result.text


def test_refuses_functions_that_do_not_say_what_they_do_or_take() -> None:
    def silent(x: int) -> int:
        return x

    def untyped(x) -> int:  # type: ignore[no-untyped-def]
        """Do."""
        return 1

    def many(*x: int) -> int:
        """Do."""
        return 1

    def odd(x: object()) -> int:  # type: ignore[valid-type]
        """Do."""
        return 1

    for function, word in ((silent, "docstring"), (untyped, "annotation"), (many, "name and a type")):
        with pytest.raises(BadSkill, match=word):
            declare(function)
    with pytest.raises(BadSkill):
        declare(odd)
    with pytest.raises(BadSkill, match="no skill name"):
        declare(order, name="bad name!")


async def test_answers_what_is_no_json_with_an_error() -> None:
    def strange() -> object:
        """Return something odd."""
        return object()

    assert (await (await loaded(strange)).run(SkillCall("strange", {}, ANNA))).status == "failed"
