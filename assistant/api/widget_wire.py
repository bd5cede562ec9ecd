"""What a visitor gets to see of an answer: the text and its quotes, not our models, paths, collections or steps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.api.sse import Wire
from assistant.conversations import StoredTurn
from assistant.types import Answer, Citation, Step
from assistant.wire import answer_json, citation_json

Json = dict[str, Any]
_NEAREST = 3


@dataclass(frozen=True)
class VisitorWire(Wire):
    """The frames of one answer as a widget reads them: small objects with one of a few fields each."""

    def begin(self) -> bytes:
        """Return the first frame, which names the turn."""
        return _json({"turn": self.turn_id})

    def text(self, text: str, cited: Sequence[Citation] = ()) -> bytes:
        """Return a frame with a piece of the answer, and the citations that it is the first to use."""
        if not cited:
            return _json({"text": text})
        return _json({"text": text, "citations": [_citation(dict(citation_json(one))) for one in cited]})

    def step(self, step: Step) -> bytes:
        """Return a frame that tells what kind of thing was just done."""
        return _json({"step": step.name})

    def notice(self, sentence: str) -> bytes:
        """Return a frame that tells that something does not go as usual."""
        return _json({"notice": sentence})

    def queued(self, position: int) -> bytes:
        """Return a frame that tells the place in the queue, from 1."""
        return _json({"queue": position})

    def end(self, answer: Answer, replaces_text: bool) -> list[bytes]:
        """Return the closing frames; the whole answer is repeated, since it is what counts."""
        return [_json({"answer": visible(dict(answer_json(answer)))}), b"[DONE]"]


def visible(answer: Mapping[str, Any]) -> Json:
    """Return what a visitor may see of an answer as it is stored.

    A call that waits for the visitor's approval is shown to the letter: nobody approves what they do not see.
    """
    return {
        "text": answer["answer"],
        "citations": [_citation(one) for one in answer["citations"]],
        "nearest": [_quote(one) for one in answer["nearest"][:_NEAREST]] if answer["abstained"] else [],
        "suggestions": answer["suggestions"],
        "approvals": [dict(one) for one in answer.get("approvals", [])],
        "notice": answer["notice"],
        "abstained": answer["abstained"],
        "grounded": answer["grounded"],
        "stopped": answer["stopped_by"] not in ("stop", "length"),
    }


def turn_json(turn: StoredTurn) -> Json:
    """Return a turn of a visitor's conversation."""
    answer = None if turn.answer is None else visible(dict(turn.answer))
    return {
        "id": turn.id,
        "question": turn.question,
        "status": turn.status,
        "answer": answer,
        "rating": turn.rating,
        "created_at": turn.created_at,
    }


def _citation(one: Mapping[str, Any]) -> Json:
    return {"n": one["n"], **_quote(one)}


def _quote(one: Mapping[str, Any]) -> Json:
    return {"title": one["title"], "page": one["page"], "heading": one["heading"], "quote": one["quote"]}


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
