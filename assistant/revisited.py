"""A person's own chat seen again, after rights may have changed (docs/decisions/0034-own-chats-after-rights-end.md).

What was said stays: the person has read it, and may have acted on it. What lies behind it, the words of a passage with
its title and place, is served again only while the person may read the document.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine

from assistant.conversations import Conversation, StoredTurn
from assistant.wire import AnswerJson, CitationJson
from knowledge.access import may_read
from knowledge.types import Scope


def as_readable(engine: Engine, scope: Scope, conversation: Conversation) -> Conversation:
    """Return `conversation` without what lies in documents that `scope` may not read now, or that are gone.

    Of such a citation only its number is left, as in a shared chat; passages near an abstention, and suggestions made
    of passages, are left out. Passages of no document, such as the text on a picture of the person's, stay.
    """
    answers = [turn.answer for turn in conversation.turns if turn.answer is not None]
    cited = {document for answer in answers for document in _documents(answer)} - {""}
    gone = cited - may_read(engine, scope, cited)
    return replace(conversation, turns=[_turn(turn, gone) for turn in conversation.turns]) if gone else conversation


def _turn(turn: StoredTurn, gone: set[str]) -> StoredTurn:
    answer = turn.answer
    if answer is None or gone.isdisjoint(_documents(answer)):
        return turn
    seen: AnswerJson = {
        **answer,
        "citations": [_hidden(one["n"]) if one["document"] in gone else one for one in answer["citations"]],
        "nearest": [one for one in answer["nearest"] if one["document"] not in gone],
        "suggestions": [],
    }
    return replace(turn, answer=seen)


def _documents(answer: AnswerJson) -> set[str]:
    return {one["document"] for one in (*answer["citations"], *answer["nearest"])}


def _hidden(n: int) -> CitationJson:
    return {
        "n": n, "document": "", "title": "", "page": None, "chunk": "", "quote": "", "heading": "", "path": "",
        "collection": "", "anchor": "", "readable": False,
    }  # fmt: skip
