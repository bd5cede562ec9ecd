"""Test questions: each with the passages that a search would bring, its own among them or taken out.

answerable: the gold passage and near misses. removed: the near misses alone, none of which holds the answer.
adversarial: a question written to look answerable by its passage, with that passage and near misses.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assistant.adaptation.dataset import Corpus
from assistant.adaptation.metrics import Scored, score
from assistant.adaptation.neighbours import Embed
from assistant.adaptation.rows import Passage, Row
from assistant.orchestration import prompts
from assistant.orchestration.prompts import GroundedPrompt, Message

PASSAGES = (3, 4, 5)  # as many as a turn shows; drawn for each question

Complete = Callable[[Sequence[Sequence[Message]]], list[str]]  # conversations -> greedy replies, in order


@dataclass(frozen=True, slots=True)
class Task:
    """A question to passages that are given with it."""

    id: str
    kind: str  # answerable, removed or adversarial
    question: str
    passages: tuple[Passage, ...]
    gold: tuple[int, ...]  # 1-based; empty when unanswerable
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What an engine said to a task, and what that is worth."""

    task: Task
    text: str
    scored: Scored


def tasks(rows: Sequence[Row], embed: Embed, limit: int, seed: int) -> dict[str, list[Task]]:
    """Return at most `limit` tasks of each kind, drawn the same way for the same rows and seed.

    A question appears at most once in each kind; kinds without questions are left out.
    """
    dice = random.Random(seed)
    corpus = Corpus(rows, embed, depth=16)
    order = list(range(len(corpus.entries)))
    dice.shuffle(order)
    found: dict[str, list[Task]] = {}
    for number in order:
        for kind, task in _of(corpus, number, dice):
            if len(found.setdefault(kind, [])) < limit:
                found[kind].append(task)
    return found


def _of(corpus: Corpus, number: int, dice: random.Random) -> Iterable[tuple[str, Task]]:
    entry, size = corpus.entries[number], dice.choice(PASSAGES)
    if entry.gold:
        others = [n for n in corpus.found[number] if n not in entry.gold]
        silent = [n for n in others if not corpus.holds(n, entry.row.answers)]
        yield "answerable", _task(corpus, number, "answerable", [entry.gold[0], *others[: size - 1]], dice)
        yield "removed", _task(corpus, number, "removed", silent[:size], dice)
    elif entry.home >= 0 and not entry.row.answers:
        others = [n for n in corpus.found[number] if n != entry.home]
        yield "adversarial", _task(corpus, number, "adversarial", [entry.home, *others[: size - 1]], dice)


def _task(corpus: Corpus, number: int, kind: str, members: Sequence[int], dice: random.Random) -> Task:
    entry, order = corpus.entries[number], list(members)
    dice.shuffle(order)
    answerable = kind == "answerable"
    return Task(
        id=f"{entry.row.id}/{kind}",
        kind=kind,
        question=entry.row.question,
        passages=tuple(corpus.passages[n] for n in order),
        gold=tuple(place for place, n in enumerate(order, start=1) if n in entry.gold) if answerable else (),
        answers=entry.row.answers if answerable else (),
    )


def run(
    given: Sequence[Task], complete: Complete, prompt: GroundedPrompt, shots: Sequence[Message] = ()
) -> list[Reply]:
    """Return the replies of an engine, scored, in the order of `given`; `shots` are example turns put first."""
    conversations = [conversation(task, prompt, shots) for task in given]
    return [
        Reply(task, text, score(text, task.answers, task.gold, bool(task.gold), prompt.abstention))
        for task, text in zip(given, complete(conversations), strict=True)
    ]


def conversation(task: Task, prompt: GroundedPrompt, shots: Sequence[Message]) -> list[Message]:
    """Return the messages that ask a task; `shots` are example turns put between the system text and the question."""
    system, user = prompts.render(prompt, [(p.title, p.text) for p in task.passages], task.question)
    return [system, *shots, user]
