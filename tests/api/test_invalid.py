"""What people read where a request is not right: the field, and what to give, never the value."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.api.invalid import told


class Inner(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=3)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=1_200, pattern=r"^[a-z]*$")] = "a"
    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    number: Annotated[int, Field(ge=2, lt=9)] = 3
    rule: Literal["allow", "ask"] = "ask"
    rows: Annotated[list[Inner], Field(min_length=1, max_length=2)] = Field(default_factory=lambda: [Inner(name="a")])
    on: bool = True
    tags: dict[str, str] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "name: it is empty; give something."),
        ({"name": "a" * 1_201}, "name: it may have at most 1,200 characters."),
        ({"name": "S3CRET"}, "name: it has signs, or a form, that are not allowed here."),
        ({"name": 5}, "name: give a text."),
        ({"share": 0.0}, "share: give more than 0.0."),
        ({"share": 1.5}, "share: give 1.0 or less."),
        ({"share": "S3CRET"}, "share: give a number."),
        ({"share": float("inf")}, "share: give a finite number."),
        ({"number": 1}, "number: give 2 or more."),
        ({"number": 9}, "number: give less than 9."),
        ({"number": 2.5}, "number: give a whole number."),
        ({"rule": "S3CRET"}, "rule: give 'allow' or 'ask'."),
        ({"rows": []}, "rows: it is empty; give something."),
        ({"rows": [{"name": "a"}] * 3}, "rows: it may have at most 2 entries."),
        ({"rows": "S3CRET"}, "rows: give a list."),
        ({"rows": [{}]}, "rows.0.name: it is missing; give it."),
        ({"rows": [{"name": "S3CRET"}]}, "rows.0.name: it may have at most 3 characters."),
        ({"rows": ["S3CRET"]}, "rows.0: give an object."),
        ({"on": "S3CRET"}, "on: give true or false."),
        ({"tags": []}, "tags: give an object."),
        ({"more": "S3CRET"}, "more: nothing of this name is known here; leave it out."),
        ({"on": 2, "number": 1}, "number: give 2 or more. (1 more like this)"),
    ],
)
def test_it_says_what_to_give(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as found:
        Body.model_validate(given)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in found.value.errors()]
    sentence, field = told(errors)
    assert sentence == said and field == said.split(":")[0]


def test_it_says_something_of_a_body_that_is_nothing() -> None:
    assert told([]) == ("The request: is not right.", "body")
    assert told([{"type": "missing", "loc": ("body",), "msg": "?"}])[0] == "The request: it is missing; give it."
