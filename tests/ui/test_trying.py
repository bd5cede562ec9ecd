"""Trying a skill: the form that its schema makes, and what is sent of it, in process against the stand-in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui.fake_api import FakeApi, World
from ui.fake_api.records import FakeSkill
from ui.skills import fields
from ui.wire import Skill

from .conftest import user
from .test_pages import press

DEFS = {"Colour": {"enum": ["red", "blue"], "type": "string"}}
FORM: dict[str, Any] = {
    "type": "object",
    "$defs": DEFS,
    "properties": {
        "day": {
            "anyOf": [{"type": "string"}, {"type": "null"}],
            "default": None,
            "description": "A *day*, as people say it",
        },
        "title": {"type": "string"},
        "body": {"type": "string", "maxLength": 2000},
        "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
        "share": {"type": "number", "exclusiveMinimum": 0},
        "loud": {"type": "boolean", "default": True},
        "quiet": {"type": "boolean"},
        "colour": {"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}]},
        "size": {"enum": ["s", "m"], "default": "m"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "either": {"type": ["string", "null"]},
        "anything": {},
    },
    "required": ["title"],
}


def _form() -> None:
    from ui import state
    from ui.skills import trying

    trying.form(next(skill for skill in state.api().skills() if skill.name == "note"))


@pytest.fixture
def trial(fake: FakeApi, world: World) -> AppTest:
    """The form that tries a skill with an argument of each sort; it stands in a dialog, as the browser test sees it."""
    world.skills["note"] = FakeSkill("note", "Note it.<br>Soon.", parameters=FORM, result="Noted.")
    app = AppTest.from_function(_form, default_timeout=60)
    app.session_state["token"] = fake.world.sign_in(user(world, "ben"))
    return app.run()


def at(app: AppTest, name: str) -> Any:
    """Return the field of an argument."""
    return next(
        one
        for kind in (app.text_input, app.text_area, app.number_input, app.checkbox, app.selectbox)
        for one in kind
        if one.key == f"try-note-{name}"
    )


def test_has_the_field_that_fits_each_argument(trial: AppTest) -> None:
    assert not trial.exception
    kinds = {name: type(at(trial, name)).__name__ for name in FORM["properties"]}
    assert kinds == {
        "day": "TextInput", "title": "TextInput", "body": "TextArea", "count": "NumberInput", "share": "NumberInput",
        "loud": "Checkbox", "quiet": "Checkbox", "colour": "Selectbox", "size": "Selectbox", "tags": "TextArea",
        "either": "TextInput", "anything": "TextInput",
    }  # fmt: skip
    count = at(trial, "count")
    assert (count.min, count.max, count.value) == (1, 9, 3)
    assert at(trial, "loud").value is True and at(trial, "size").value == "m" and at(trial, "colour").value is None
    assert at(trial, "colour").options == ["red", "blue"] and at(trial, "tags").placeholder == '["text"]'
    assert "required" in at(trial, "title").label and at(trial, "day").label == "day"
    assert at(trial, "day").help == "A \\*day\\*, as people say it"


def test_sends_plain_text_and_what_is_usual_and_leaves_the_empty_out(trial: AppTest, world: World) -> None:
    at(trial, "day").set_value("Monday")
    at(trial, "title").set_value("7")
    at(trial, "anything").set_value("{not json")
    press(trial, "Call")
    assert not trial.error and trial.success[0].value.startswith("Done ")
    sent = {"day": "Monday", "title": "7", "count": 3, "loud": True, "size": "m", "anything": "{not json"}
    assert world.calls[-1]["arguments"] == sent


def test_sends_numbers_choices_and_lists(trial: AppTest, world: World) -> None:
    at(trial, "title").set_value("x")
    at(trial, "share").set_value(0.25)
    at(trial, "loud").uncheck()
    at(trial, "colour").set_value("blue")
    at(trial, "tags").set_value('["a", "b"]')
    press(trial, "Call")
    sent = world.calls[-1]["arguments"]
    assert isinstance(sent, dict)
    assert (sent["share"], sent["loud"], sent["colour"], sent["tags"]) == (0.25, False, "blue", ["a", "b"])


def test_says_what_is_missing_and_what_is_no_json(trial: AppTest, world: World) -> None:
    press(trial, "Call")
    assert "title" in trial.error[0].value and "required" in trial.error[0].value
    at(trial, "title").set_value("x")
    at(trial, "tags").set_value("a, b")
    press(trial, "Call")
    assert "JSON" in trial.error[0].value and not world.calls


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        ({"$ref": "#/$defs/Node"}, "json"),  # which refers to itself
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, "whole"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "any"),
        ({"const": 4}, "choice"),
        ({"type": ["array", "null"]}, "json"),
    ],
)
def test_finds_what_a_schema_holds_besides_null(schema: dict[str, Any], shape: str) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    parameters = {"properties": {"a": schema}, "$defs": {"Node": node}}
    (found,) = fields.arguments(Skill(name="s", parameters=parameters)).values()
    assert fields.shape(found) == shape
    json.loads(fields.example(found))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 5, "maximum": 1, "default": 3},
        {"type": "integer", "minimum": 0, "default": -1},
        {"type": "integer", "maximum": 1e300, "default": 10**30},
        {"type": "number", "default": "many"},
        {"type": "string", "maxLength": 2, "default": "longer"},
        {"type": "integer", "enum": []},
    ],
)
def test_draws_a_form_for_a_schema_that_contradicts_itself(fake: FakeApi, world: World, schema: dict[str, Any]) -> None:
    world.skills["note"] = FakeSkill("note", "Note it.", parameters={"properties": {"a": schema}})
    app = AppTest.from_function(_form, default_timeout=60)
    app.session_state["token"] = fake.world.sign_in(user(world, "ben"))
    assert not app.run().exception
