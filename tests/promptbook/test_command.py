"""Questions that begin with the name of a prompt."""

from __future__ import annotations

import pytest

from assistant.promptbook import command
from assistant.promptbook.command import Command
from assistant.promptbook.errors import CommandUnknown

NAMES = ("few_shot_answer", "self_ask_answer", "letter")


@pytest.mark.parametrize(
    "text", ["How long is leave?", "/etc/passwd", "// a comment", "/* x */", "/Lettre x", "/1 x", ""]
)
def test_takes_what_names_no_prompt_as_it_stands(text: str) -> None:
    assert command.read(text, NAMES) is None


def test_parts_the_name_from_the_question() -> None:
    assert command.read(" /letter Dear\nAnn ", NAMES) == Command("letter", "Dear\nAnn")
    assert command.read("/Letter x", NAMES) == Command("letter", "x")
    assert command.read("/self-ask-answer How?", NAMES) == Command("self_ask_answer", "How?")
    for text in ("/", " / ", "/help", "/help me"):
        assert command.read(text, NAMES) == Command("", "")


def test_names_the_nearest_for_a_name_that_there_is_not() -> None:
    with pytest.raises(CommandUnknown, match="no prompt /leter. Did you mean /letter"):
        command.read("/leter Dear Ann", NAMES)
    with pytest.raises(CommandUnknown, match="no prompt /zzz. / alone lists them"):
        command.read("/zzz", NAMES)
    with pytest.raises(CommandUnknown, match="Write the question behind /letter"):
        command.read("/letter ", NAMES)


def test_lists_them_in_a_sentence() -> None:
    said = command.listed({"letter": "chat", "self_ask_answer": "answer"})
    assert "/letter (without documents), /self_ask_answer (from the documents)" in said
