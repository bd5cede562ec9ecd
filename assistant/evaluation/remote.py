"""Questions put to the API over what is ingested: the path that every client takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from assistant.cli.session import call
from assistant.evaluation.questions import Question
from assistant.models.types import Usage
from assistant.threads import in_thread
from assistant.types import Answer, Citation, Route, Step
from knowledge.types import Passage

BEHIND = {"X-Assistant-Priority": "background"}  # nobody waits for it: people's questions are answered first
RETRIEVED = 8  # passages that a row names


class ApiAsked:
    """Asks the assistant behind an HTTP client."""

    def __init__(self, client: httpx.Client, collections: Sequence[str], model: str) -> None:
        """Ask `model` of the API over `collections`."""
        self._client = client
        self._collections = list(collections)
        self._model = model

    async def __call__(self, question: Question) -> tuple[Answer, tuple[Passage, ...]]:
        """Return the answer and what a search for the same question finds, best first."""
        return await in_thread(self._ask, question)

    def _ask(self, question: Question) -> tuple[Answer, tuple[Passage, ...]]:
        messages = [{"role": m.role, "content": m.content} for m in question.history]
        messages.append({"role": "user", "content": question.text})
        body = {
            "model": self._model,
            "messages": messages,
            "assistant": {"collections": self._collections, "memory": False},
        }
        reply = call(self._client, "POST", "/v1/chat/completions", json=body, headers=BEHIND)
        query = {"query": question.text, "collections": self._collections, "limit": RETRIEVED}
        found = call(self._client, "POST", "/api/search", json=query)
        return _answer(reply), tuple(_passage(hit) for hit in found["results"])


def _answer(reply: Mapping[str, Any]) -> Answer:
    extra, usage = reply["assistant"], reply.get("usage") or {}
    return Answer(
        text=reply["choices"][0]["message"]["content"],
        citations=tuple(Citation(**citation) for citation in extra["citations"]),
        abstained=extra["abstained"],
        grounded=extra["grounded"],
        degraded=extra["degraded"],
        route=Route(**extra["route"]),
        steps=tuple(Step(**step) for step in extra["steps"]),
        timings_ms=extra["timings_ms"],
        usage=Usage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)),
    )


def _passage(hit: Mapping[str, Any]) -> Passage:
    return Passage(
        chunk_id=hit["chunk"],
        document_id=hit["document"],
        collection_id=hit.get("collection") or "",
        title=hit["title"],
        path=hit.get("path") or "",
        text=hit["text"],
        heading=hit.get("heading") or "",
        page=hit["page"],
        anchor=hit.get("anchor") or "",
        score=hit["score"],
    )
