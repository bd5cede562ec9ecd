"""Grounded questions: each goes through a turn, over its own contexts or over what is ingested, and is scored."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from assistant.adaptation.metrics import Scored, score
from assistant.evaluation.questions import Question
from assistant.guardrails.sentences import MARK
from assistant.orchestration.ports import Search
from assistant.record import MemoryRecords
from assistant.turn import Turns
from assistant.types import Answer, Caller, Citation, Turn, TurnOptions
from knowledge.types import Passage, Scope

ABSTENTION = "The documents do not say."
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_EVALUATOR = Caller("local", "evaluation", Scope(frozenset(), sees_all=True), is_admin=True, credential="local")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question with what the product made of it."""

    question: Question
    answer: Answer
    retrieved: tuple[Passage, ...]  # what the model was given, best first
    scored: Scored


class Asked(Protocol):
    """Answers one question; returns the answer and what was retrieved for it."""

    async def __call__(self, question: Question) -> tuple[Answer, tuple[Passage, ...]]:
        """Ask."""
        ...


async def outcomes(questions: Sequence[Question], ask: Asked, at_once: int = 1) -> AsyncIterator[Outcome]:
    """Yield one outcome per question, in order; `at_once` questions are asked at the same time."""
    waiting = list(questions)
    running: list[asyncio.Task[Outcome]] = []
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(asyncio.create_task(_outcome(waiting.pop(0), ask)))
            yield await running.pop(0)
    finally:
        for task in running:
            task.cancel()


def asking(turns: Turns, search_of: Callable[[Question], Search], options: TurnOptions) -> Asked:
    """Return a way to ask that runs `turns` over the search of each question."""

    async def ask(question: Question) -> tuple[Answer, tuple[Passage, ...]]:
        records = MemoryRecords()
        turn = Turn(uuid4().hex, question.text, question.history, _EVALUATOR, options)
        answer: Answer | None = None
        async with aclosing(turns.over(search_of(question), records).run(turn)) as events:
            async for event in events:
                answer = event.answer or answer
        assert answer is not None  # the last event of a turn is its answer
        return answer, records.records[-1].passages

    return ask


async def _outcome(question: Question, ask: Asked) -> Outcome:
    answer, retrieved = await ask(question)
    return Outcome(question, answer, retrieved, scored(question, answer))


def scored(question: Question, answer: Answer) -> Scored:
    """Return the scores of an answer; a citation is right when its document, or page, is one that holds what was asked.

    Words in bold within a sentence are the answer proper: references of a few words are compared with them, longer
    ones with the sentence, by what agrees better.
    """
    right = [c.n for c in answer.citations if names(c.document, c.path, c.title, c.page) & question.gold]
    gold = right if question.gold else None
    text = ABSTENTION if answer.abstained else answer.text
    proper = " ".join(_BOLD.findall(text))
    texts = [text, proper + "".join(mark[0] for mark in MARK.finditer(text))] if proper else [text]
    found = [score(each, question.answers, gold, question.answerable, ABSTENTION) for each in texts]
    return max(found, key=lambda one: one.f1)


def names(document: str, path: str, title: str, page: int | None) -> set[str]:
    """Return what questions may call a passage: its document's id, path or title, or the page of one."""
    found = {document, path, title}
    return found if page is None else found | {f"{name}#page={page}" for name in found}


def row(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as one line of `--rows`, from which anyone can score it again."""
    answer = outcome.answer
    return {
        "id": outcome.question.id,
        "question": outcome.question.text,
        "answer": answer.text,
        "citations": [_citation(citation) for citation in answer.citations],
        "retrieved": [_retrieved(passage) for passage in outcome.retrieved],
        "abstained": answer.abstained,
        "grounded": answer.grounded,
        "degraded": answer.degraded,
        "route": {
            "model": answer.route.model,
            "adapter": answer.route.adapter,
            "tier": answer.route.tier,
            "strategy": answer.route.strategy,
        },
        "timings_ms": {name: round(ms, 1) for name, ms in answer.timings_ms.items()},
        "tokens": {"input": answer.usage.input_tokens, "output": answer.usage.output_tokens},
        "f1": round(outcome.scored.f1, 4),
        "exact": outcome.scored.exact,
    }


def _citation(citation: Citation) -> dict[str, Any]:
    return {
        "n": citation.n,
        "document": citation.document,
        "title": citation.title,
        "page": citation.page,
        "chunk": citation.chunk,
        "quote": citation.quote,
    }


def _retrieved(passage: Passage) -> dict[str, Any]:
    score = round(passage.score, 4)
    return {"document": passage.document_id, "title": passage.title, "path": passage.path, "score": score}
