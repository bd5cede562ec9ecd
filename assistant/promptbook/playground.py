"""The playground: a prompt tried on one question, or measured on a test set, always beside what is live.

A measurement is `assistant eval run`'s own: the same turns, search, scores and intervals, on the models of the server
that runs. One runs at a time; its scores are kept in memory until the server ends.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from assistant.errors import Overloaded
from assistant.evaluation import grounded, report
from assistant.evaluation.given import GivenSearch, cutter
from assistant.evaluation.questions import Question
from assistant.logs import log
from assistant.orchestration.compose import Prompts
from assistant.orchestration.prompts import Prompt
from assistant.promptbook.book import PromptBook
from assistant.promptbook.errors import PromptBroken
from assistant.promptbook.parse import job_of
from assistant.turn import Turns
from assistant.types import Answer, Caller, Turn, TurnOptions
from ingest.chunk import Chunker
from ingest.settings import IngestSettings
from ingest.tokens import TokenCounter
from knowledge.types import Embedder, Passage

Place = Callable[[], AbstractAsyncContextManager[None]]  # to be held while a question is asked
KEPT = 20  # measurements
MAX_QUESTIONS = 300
_log = log("prompts")


@dataclass(slots=True)
class Trial:
    """A measurement of one version beside the live prompts."""

    id: str
    name: str
    n: int
    of: int  # questions, both sides together
    done: int = 0
    state: str = "running"  # "done", "failed"
    reason: str | None = None
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)  # "live" and "candidate" -> summary


class Playground:
    """Tries prompts out with the models that are there, over nothing but the questions' own contexts or documents."""

    def __init__(self, turns: Turns, book: PromptBook, embedder: Embedder, ingest: IngestSettings) -> None:
        """Run `turns` with prompts of `book`."""
        self._turns = turns
        self._book = book
        self._embedder = embedder
        self._ingest = ingest
        self._trials: OrderedDict[str, Trial] = OrderedDict()
        self._task: asyncio.Task[None] | None = None

    async def compare(
        self, prompt: Prompt, question: str, caller: Caller, collections: tuple[str, ...] | None
    ) -> dict[str, Answer]:
        """Return the answers to one question with the live prompts and with `prompt`: "live", "candidate".

        The caller's own rights hold; nothing is recorded. Raises PromptBroken for a prompt that answers nothing.
        """
        job = job_of(prompt)
        if job == "condense":
            raise PromptBroken("A prompt for follow-up questions shows on a test set of conversations; evaluate it.")
        options = TurnOptions(collections=collections, grounded=job != "chat", fresh=True)
        sides: dict[str, Prompts | None] = {"live": None, "candidate": self._book.with_trial(prompt)}
        found = {}
        for side, prompts in sides.items():
            turn = Turn(uuid4().hex, question, (), caller, options)
            found[side] = await _answer(self._turns.trying(prompts), turn)
        return found

    def measure(self, prompt: Prompt, n: int, questions: Sequence[Question], place: Place = nullcontext) -> Trial:
        """Begin to measure a version beside the live prompts, and return the trial, which goes on by itself.

        Each question is asked within a `place`, which may be waited for and may be Overloaded: then it is tried again.

        Raises Overloaded while another one runs.
        """
        if self._task is not None and not self._task.done():
            raise Overloaded("Another prompt is being measured; try again when it is done.", 30.0)
        trial = Trial(uuid4().hex, prompt.name, n, 2 * len(questions))
        self._trials[trial.id] = trial
        while len(self._trials) > KEPT:
            self._trials.popitem(last=False)
        self._task = asyncio.create_task(self._run(trial, prompt, tuple(questions), place))
        return trial

    def trial(self, identifier: str) -> Trial | None:
        """Return a measurement, None when it is not known (any more)."""
        return self._trials.get(identifier)

    async def stop(self) -> None:
        """End what runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, trial: Trial, prompt: Prompt, questions: tuple[Question, ...], place: Place) -> None:
        try:
            for side, prompts in (("live", None), ("candidate", self._book.with_trial(prompt))):
                found = []
                asked = _placed(self._asked(prompts, job_of(prompt) != "chat"), place)
                async for outcome in grounded.outcomes(questions, asked):
                    found.append(outcome)
                    trial.done += 1
                without = sum(outcome.answer.degraded for outcome in found)
                if without:
                    trial.reason = f"No model gave {without} of {len(found)} answers; measure again once one does."
                    trial.state = "failed"
                    return
                trial.scores[side] = report.grounded_summary(found)
            trial.state = "done"
        except BaseException as error:
            trial.state, trial.reason = "failed", "The measurement failed on our side; the log says why."
            _log.error("a prompt could not be measured", prompt=trial.name, error=type(error).__name__)
            raise

    def _asked(self, prompts: Prompts | None, from_documents: bool) -> grounded.Asked:
        cut = cutter(Chunker(self._ingest, TokenCounter()))

        def search_of(question: Question) -> GivenSearch:
            return GivenSearch(question.contexts, lambda texts: self._embedder.embed(list(texts)), cut)

        options = TurnOptions(fresh=True, grounded=from_documents)
        return grounded.asking(self._turns.trying(prompts), search_of, options)


def _placed(asked: grounded.Asked, place: Place) -> grounded.Asked:
    async def within(question: Question) -> tuple[Answer, tuple[Passage, ...]]:
        while True:
            try:
                async with place():
                    return await asked(question)
            except Overloaded as full:
                await asyncio.sleep(full.retry_after_s)

    return within


async def _answer(turns: Turns, turn: Turn) -> Answer:
    answer: Answer | None = None
    async with aclosing(turns.run(turn)) as events:
        async for event in events:
            answer = event.answer or answer
    assert answer is not None  # the last event of a turn is its answer
    return answer
