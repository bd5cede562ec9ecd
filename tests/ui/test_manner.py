"""How the answers of a chat are worded, as a person sets it; the dialog itself is the browser test's."""

from __future__ import annotations

import pytest

from ui.chat import manner
from ui.client import Api, Question
from ui.fake_api import FakeApi
from ui.wire import Manner


def test_the_button_tells_what_is_set() -> None:
    assert manner.label(Manner()) == "Wording"
    assert manner.label(Manner(preset="creative")) == "Creative"
    assert manner.label(Manner(preset="creative", seed=0)) == "Creative, own values"
    assert manner.label(Manner(temperature=0.0)) == "Own values"


def test_it_reads_what_was_filled_in() -> None:
    read = manner.read({"preset": None, "top_k": 5}, "END\n\n###\n", '{"type": "object"}')
    assert read == Manner(top_k=5, stop=("END", "###"), json_schema={"type": "object"})
    assert manner.read({}, " ", " ") == Manner()


@pytest.mark.parametrize(
    ("stops", "schema", "sentence"),
    [("\n".join("abcdefghi"), "", "at most 8"), ("", "{", "cannot be read"), ("", "[1]", "is an object")],
)
def test_it_says_what_is_wrong_with_what_was_filled_in(stops: str, schema: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        manner.read({}, stops, schema)


def test_a_new_chat_keeps_it_and_a_temporary_one_sends_it_along(api: Api, fake: FakeApi) -> None:
    kept = Manner(preset="balanced", seed=3, stop=("END",))
    made = api.add_conversation(manner=kept)
    assert fake.world.conversations[made].manner == {"preset": "balanced", "seed": 3, "stop": ["END"]}
    assert api.conversation(made).manner == kept
    api.change_conversation(made, {"manner": {}})
    assert api.conversation(made).manner == Manner()
    schema = Manner(preset="precise", seed=3, json_schema={"type": "object"})
    assert list(api.ask(Question("Hello?", "", said=(), manner=schema)))
    sent = fake.world.chat_bodies[-1]
    assert sent["seed"] == 3 and sent["assistant"] == {"temporary": True, "preset": "precise"}
    assert sent["response_format"] == {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
