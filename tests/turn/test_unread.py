"""What a person is told whose question the documents may answer once they have been read."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.models.fake import ScriptedModel
from assistant.types import Caller
from knowledge.types import Scope
from tests.turn.conftest import ABSTENTION, Bench

LEAVE = "How many days of paid leave do employees get?"
READ = {"handbook": "everyone", "board": "group:board"}


def made(bench: Any, said: str, **waiting: int) -> Bench:
    found: Bench = bench(ScriptedModel([said]), readers=READ, second_draft=False)
    found.search.waiting = waiting
    return found


@pytest.mark.parametrize(
    ("waiting", "told"),
    [
        (1, "1 document is still being read; ask again when it is ready."),
        (12, "12 documents are still being read; ask again when they are ready."),
        (0, None),
    ],
)
async def test_an_abstention_tells_of_documents_that_are_still_being_read(
    bench: Any, waiting: int, told: str | None
) -> None:
    ran = await made(bench, ABSTENTION, handbook=waiting).ask("Who founded the company?")
    assert ran.answer.abstained and ran.answer.text == ABSTENTION and ran.answer.notice == told


async def test_an_answer_does_not(bench: Any) -> None:
    ran = await made(bench, "Employees get 25 days of paid leave per year [1].", handbook=3).ask(LEAVE)
    assert not ran.answer.abstained and ran.answer.notice is None


async def test_nobody_hears_of_documents_that_are_not_theirs_or_not_asked(bench: Any) -> None:
    ran = await made(bench, ABSTENTION, board=3).ask("Who founded the company?")
    assert ran.answer.notice is None
    ran = await made(bench, ABSTENTION, other=3).ask("Who founded the company?", collections=("handbook",))
    assert ran.answer.notice is None


async def test_a_file_of_the_chat_counts(bench: Any) -> None:
    found = made(bench, ABSTENTION, attached=1)

    async def attached(scope: Scope, conversation: str) -> str | None:
        return "attached"

    found.turns._attachments = attached
    ran = await found.ask("Who founded the company?", conversation_id="conv", collections=("handbook",))
    assert ran.answer.notice and ran.answer.notice.startswith("1 document is")


async def test_a_visitor_does_not(bench: Any) -> None:
    visitor = Caller("widget:1", "Visitor", Scope(frozenset({"everyone"})), credential="widget")
    ran = await made(bench, ABSTENTION, handbook=3).ask("Who founded the company?", visitor)
    assert ran.answer.abstained and ran.answer.notice is None
