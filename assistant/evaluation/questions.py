"""Labelled questions as files give them: one JSON object a line with a question, its contexts and the right answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.evaluation.errors import RowsUnusable
from assistant.orchestration.prompts import Message


@dataclass(frozen=True, slots=True)
class Given:
    """A context that a question brings along."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question, what it may be answered from, and what is right."""

    id: str
    text: str
    history: tuple[Message, ...]  # what was said before, oldest first
    contexts: tuple[Given, ...]
    answers: tuple[str, ...]  # each of them is right; empty when unanswerable
    answerable: bool
    gold: frozenset[str]  # what holds the answer: ids of contexts; names of documents, "NAME#page=7" for a page of one


def read(path: Path, limit: int | None = None) -> list[Question]:
    """Return the questions of a JSON Lines file in its order, at most `limit`.

    Raises RowsUnusable when the file is missing, empty, or a line is not such a question.
    """
    found: list[Question] = []
    for number, raw in lines(path):
        found.append(_question(raw, f"Line {number} of {path}"))
        if limit is not None and len(found) >= limit:
            break
    if not found:
        raise RowsUnusable(f"{path} holds no questions. Give a file with one JSON object a line.")
    return found


def of(rows: Iterable[dict[str, Any]]) -> list[Question]:
    """Return questions given as objects, in order. Raises RowsUnusable when one of them is no such question."""
    return [_question(row, f"Question {number}") for number, row in enumerate(rows, start=1)]


def lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the JSON objects of a file with their line numbers, blank lines left out. Raises RowsUnusable."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                raw = json.loads(line)
                if not isinstance(raw, dict):
                    raise RowsUnusable(f"Line {number} of {path} is not a JSON object. Give one object a line.")
                yield number, raw
    except (OSError, ValueError) as error:
        raise RowsUnusable(
            f"{path} cannot be read ({error}). Give a UTF-8 file with one JSON object a line."
        ) from error


def _question(raw: dict[str, Any], where: str) -> Question:
    try:
        if not isinstance(raw["question"], str):
            raise RowsUnusable(f"{where} has a question that is no text. Put it in quotes.")
        text = raw["question"].strip()
        if not text:
            raise RowsUnusable(f"{where} has an empty question. Fill it in, or remove the line.")
        turns = [Message(str(turn["role"]), str(turn["content"])) for turn in raw.get("turns") or ()]
        contexts = tuple(
            Given(str(context["id"]), str(context.get("title") or ""), str(context["text"]))
            for context in raw.get("contexts") or ()
        )
        answers = _answers(raw, where)
        answerable = bool(raw.get("answerable", bool(answers)))
        gold = frozenset(_named(entry) for entry in raw.get("gold") or ())
    except (KeyError, TypeError, AttributeError) as error:
        needs = "A question needs id, question, contexts (id, title, text), answers and answerable."
        raise RowsUnusable(f"{where} is not a question ({error!r}). {needs}") from error
    # The last turn of a conversation is the question itself.
    history = tuple(turns[:-1]) if turns and turns[-1].role == "user" else tuple(turns)
    gold = gold or _holding(contexts, answers)
    return Question(
        str(raw.get("id") or where), text, history, contexts, answers if answerable else (), answerable, gold
    )


def _answers(raw: dict[str, Any], where: str) -> tuple[str, ...]:
    """Return the right answers; where none are given, the row must say that there are none."""
    given = raw.get("answers")
    if given is None and not ("answerable" in raw and not raw["answerable"]):
        raise RowsUnusable(
            f"{where} has no answers. Give the right ones as a list in "
            '"answers", or say "answerable": false where the documents hold none.'
        )
    if given is not None and not isinstance(given, list):
        raise RowsUnusable(f"{where} has answers that are no list. Put them in brackets, one or more.")
    return tuple(str(answer) for answer in given or ())


def _named(gold: object) -> str:
    """Return the name of what holds an answer, given as an id or as {"file": ..., "page": ...}."""
    if not isinstance(gold, Mapping):
        return str(gold)
    return str(gold["file"]) + (f"#page={gold['page']}" if gold.get("page") is not None else "")


def _holding(contexts: tuple[Given, ...], answers: tuple[str, ...]) -> frozenset[str]:
    """Return the contexts that hold an answer word for word, for files that do not name them."""
    wanted = [answer.lower() for answer in answers if answer]
    return frozenset(c.id for c in contexts if any(answer in c.text.lower() for answer in wanted))
