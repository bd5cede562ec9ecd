"""Labelled claims for benchmarks/grounding_check.py, made of public question sets.

Spans: the right answer at its place against a span of the same kind elsewhere in the right passage, one in a near-miss
passage, and the plausible wrong answers of SQuAD 2.0. Statements: sentences that people wrote with a citation, or that
raters found faithful, against the same sentences with a number, name or negation changed and against passages about
something near. Documents are split: one third is held out.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.guardrails.sentences import MARK, parse, split
from assistant.guardrails.sources import Text

HELD_OUT = ("1973 oil crisis", "Normans", "Harvard University", "Scottish Parliament", "Imperialism")
Context = Mapping[str, str]  # id, title, text
Embed = Callable[[list[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Case:
    """A claim about a passage, and whether the passage bears it out as an answer to the question."""

    source: str  # data set
    kind: str  # "right", or how it was made wrong
    question: str
    claim: str
    title: str
    text: str
    statement: bool
    held_out: bool


def spans(data: Path, limit: int, embed: Embed) -> Iterator[Case]:
    """Yield bare answers, right and wrong, of four question sets."""
    for name in ("squad2_dev_half", "nq_oracle", "qed_dev", "covidqa"):
        dice = random.Random(name)
        rows = [json.loads(line) for line in (data / "A_grounded_qa" / f"{name}.jsonl").read_text("utf-8").splitlines()]
        rows = dice.sample(rows, min(len(rows), limit * (2 if name.startswith("squad") else 1)))
        pool = list({c["text"]: c for row in rows for c in row["contexts"]}.values())
        vectors = embed([c["text"] for c in pool])
        for row in rows:
            yield from _span_cases(name, row, pool, vectors @ embed([row["question"]])[0], dice)


def _span_cases(
    name: str, row: Mapping[str, Any], pool: Sequence[Context], near: NDArray[np.float32], dice: random.Random
) -> Iterator[Case]:
    question = row["question"]
    home = next(
        (c for c in row["contexts"] if not row["answers"] or any(_in(a, c["text"]) for a in row["answers"])), None
    )
    if home is None:
        return

    def case(kind: str, claim: str, context: Context) -> Case:
        held = context["title"] in HELD_OUT if name.startswith("squad") else _hash(home["title"]) % 3 == 0
        return Case(name, kind, question, claim, context["title"] or "", context["text"], False, held)

    if not row["answers"]:
        if row.get("plausible"):
            yield case("adversarial", row["plausible"][0], home)
        return
    right = [a for a in row["answers"] if _in(a, home["text"])][0]
    if len(right.split()) > 20:
        return
    yield case("right", right, home)
    if dice.random() < 0.5 and (wrong := _lookalike(question, home["text"], row["answers"], dice)):
        yield case("wrong span", wrong, home)
    for place in np.argsort(-near)[:4]:
        context = pool[int(place)]
        if context["text"] != home["text"] and not any(_in(a, context["text"]) for a in row["answers"]):
            if wrong := _lookalike(question, context["text"], row["answers"], dice):
                yield case("near miss", wrong, context)
            return


def _lookalike(question: str, text: str, answers: Sequence[str], dice: random.Random) -> str | None:
    """Return a span of `text` that could answer this kind of question but does not, or None."""
    asked = question.lower()
    if re.search(r"\bhow (?:many|much|long|old|far|large|big|tall|often|fast)|percent|what (?:number|amount)", asked):
        found = re.findall(r"\b\d[\d,.]*\d?\b(?: (?:million|billion|percent|years|days|hours))?", text)
    elif re.search(r"\bwhen\b|(?:what|which) (?:year|date|day|century|decade)", asked):
        found = re.findall(r"\b(?:1[0-9]|20)\d\d\b|\b[A-Z][a-z]+ \d{1,2}(?:, \d{4})?|\b\d+th century", text)
    else:
        found = re.findall(r"(?<=[a-z,] )[A-Z][\w’'-]+(?: (?:of |the )?[A-Z][\w’'-]+)*", text)
        if not found or not re.search(r"\b(?:who|whose|whom|where)\b", asked):
            found += [" ".join(m) for m in re.findall(r"\b(?:the|a|an) ([a-z]{4,}) ([a-z]{4,})\b", text)]
    known = [answer.lower() for answer in answers]
    found = [f for f in found if not any(f.lower() in a or a in f.lower() for a in known) and not _in(f, question)]
    return dice.choice(found) if found else None


def statements(data: Path, limit: int, embed: Embed) -> Iterator[Case]:
    """Yield whole sentences with the passage they cite, right and made wrong."""
    dice = random.Random("statements")
    drawn = list(_cited_sentences(data, limit))
    texts = [text for *_, text in drawn]
    vectors = embed(texts)
    for number, (name, question, claim, title, text) in enumerate(drawn):
        held = _hash(question) % 3 == 0

        def case(kind: str, said: str, about: tuple[str, str] = (title, text)) -> Case:
            return Case(name, kind, question, said, *about, True, held)  # noqa: B023 - called within the same round

        yield case("right", claim)
        for kind, wrong in (("number", _other_number(claim, text, dice)), ("negation", _denied(claim))):
            if wrong and wrong != claim:
                yield case(kind, wrong)
        if wrong := _other_name(claim, [d[4] for d in dice.sample(drawn, 3)], text, dice):
            yield case("name", wrong)
        near = vectors @ vectors[number]
        other = next(int(i) for i in np.argsort(-near) if texts[int(i)] != text and drawn[int(i)][1] != question)
        yield case("other passage", claim, (drawn[other][3], texts[other]))


def _cited_sentences(data: Path, limit: int) -> Iterator[tuple[str, str, str, str, str]]:
    for line in (data / "A_grounded_qa" / "quotesum_dev.jsonl").read_text("utf-8").splitlines()[:limit]:
        row = json.loads(line)
        contexts = {c["id"]: c for c in row["contexts"]}
        for raw in split(row["cited_answer"]):
            marks = {n for mark in MARK.finditer(raw) for n in re.findall(r"\d+", mark[1])}
            claim = parse(raw).claim
            if len(marks) == 1 and len(claim.split()) >= 7 and (cited := contexts.get(marks.pop())):
                yield "quotesum", row["question"], claim, cited["title"], cited["text"]
    for line in (data / "judge_calibration" / "mtrag_human_scores.jsonl").read_text("utf-8").splitlines()[:limit]:
        row = json.loads(line)
        if min(row["human_scores"].get("faithfulness") or [0]) < 4 or "ANSWERABLE" not in row["answerability"]:
            continue
        for raw in split(row["answer"])[:3]:
            said = Text(parse(raw).claim)
            if len(said.stems) >= 7:
                # Which context a sentence comes from is not recorded: the one that shares most words is taken.
                shared = [len(said.stems & Text(context["text"]).stems) for context in row["contexts"]]
                about = row["contexts"][shared.index(max(shared))]
                yield "mtrag", row["question"], said.text, about["title"] or "", about["text"]


def _other_number(claim: str, text: str, dice: random.Random) -> str | None:
    found = re.search(r"\b\d{1,4}\b", claim)
    if not found:
        return None
    other = next(n for n in (dice.randint(2, 2030) for _ in range(99)) if str(n) not in text and str(n) != found[0])
    return claim[: found.start()] + str(other) + claim[found.end() :]


def _other_name(claim: str, elsewhere: Sequence[str], text: str, dice: random.Random) -> str | None:
    name = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}\b")
    found, others = name.search(claim), [n for t in elsewhere for n in name.findall(t) if n.lower() not in text.lower()]
    return claim[: found.start()] + dice.choice(others) + claim[found.end() :] if found and others else None


def _denied(claim: str) -> str | None:
    changed, n = re.subn(r"\b(is|was|are|were|can|will|has|have|had|may|must|should)\b", r"\1 not", claim, count=1)
    return changed if n and " not not" not in changed else None


def _in(answer: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(answer.lower())}(?!\w)", text.lower()) is not None


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
