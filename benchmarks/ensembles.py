"""Are several models worth their cost? Accuracy and calls of each member and of every way to join them.

    python -m benchmarks.ensembles [--data ../shared/data/H_domain/banking77_train.jsonl] [--questions 300]

The task is to name the intent of a bank customer's sentence, one of ten. Members that cost nothing to ask stand in for
language models: nearest neighbours over embeddings, and two that look at words, each made from different examples, so
that they err differently, as models do. Half of the questions teach skill and the stack, the other half are asked.
With --stack FILE, what was learned is kept for an ensemble of the method `stacked`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.guardrails.words import content
from assistant.models import votes
from assistant.models.stacking import Recorded, accuracy_weight, learn, stacked
from assistant.models.votes import Ballot, Outcome
from benchmarks.report import Figure, show
from knowledge.embed import OnnxEmbedder

INTENTS = 10
EXAMPLES = 30  # of each intent; each member knows some of them
Decide = Callable[[Sequence[Ballot]], Outcome | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A sentence and its intent."""

    text: str
    intent: str


class Nearest:
    """Answers with the intent of the closest known sentence."""

    def __init__(self, known: Sequence[Asked], embedder: OnnxEmbedder) -> None:
        """Embed what is known."""
        self._known = known
        self._embed = embedder.embed
        self._vectors = embedder.embed([one.text for one in known])

    def answer(self, text: str) -> str:
        """Return an intent."""
        return self._known[int((self._vectors @ self._embed([text])[0]).argmax())].intent


class Words:
    """Answers with the intent whose known sentences use the words of a sentence most."""

    def __init__(self, known: Sequence[Asked], letters: bool) -> None:
        """Count words, or with `letters` their first three letters."""
        self._letters = letters
        self._seen: dict[str, Counter[str]] = defaultdict(Counter)
        for one in known:
            self._seen[one.intent].update(self._words(one.text))

    def answer(self, text: str) -> str:
        """Return an intent."""
        words = self._words(text)
        return max(sorted(self._seen), key=lambda intent: self._score(intent, words))

    def _words(self, text: str) -> list[str]:
        return [word[:3] if self._letters else word for word in content(text)]

    def _score(self, intent: str, words: Sequence[str]) -> float:
        seen = self._seen[intent]
        return sum(seen[word] / (1 + sum(other[word] for other in self._seen.values())) for word in words)


def main() -> int:
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/H_domain/banking77_train.jsonl"))
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--stack", type=Path, help="Keep what was learned in this file")
    given = parser.parse_args()
    if not given.data.is_file():
        print(f"There is no file {given.data}; give one with lines of text and intent.", file=sys.stderr)
        return 1
    known, asked = sets(given.data, given.questions)
    draw, embedder = random.Random(0), OnnxEmbedder()
    members = {
        "nearest": Nearest(draw.sample(known, len(known) // 12), embedder),
        "words": Words(draw.sample(known, len(known) // 3), False),
        "stems": Words(draw.sample(known, len(known) // 3), True),
    }
    rows = [(one, [Ballot(member.answer(one.text)) for member in members.values()]) for one in asked]
    taught, held = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    stack = learn(list(members), [_recorded(*row) for row in taught])
    if given.stack:
        given.stack.write_text(stack.model_dump_json(indent=2) + "\n", "utf-8")
    skill = [_right(taught, _alone(place)) for place in range(len(members))]

    def weighted(ballots: Sequence[Ballot]) -> Outcome | None:
        pairs = zip(ballots, skill, strict=True)
        return votes.majority([Ballot(ballot.text, accuracy_weight(share)) for ballot, share in pairs])

    ways: dict[str, Decide] = {"majority": votes.majority, "ranked": votes.ranked, "weighted by skill": weighted}
    ways["stacked"] = lambda ballots: stacked(ballots, stack)
    figures = [
        Figure(f"{name} alone, 1 call", _right(held, _alone(place)), "right") for place, name in enumerate(members)
    ]
    best = max(figure.value for figure in figures)
    figures += [
        Figure(f"{name}, {len(members)} calls", _right(held, way), "right", "the best member", best)
        for name, way in ways.items()
    ]
    show("ensembles", figures, questions=len(held), taught=len(taught), intents=INTENTS)
    return 0


def sets(path: Path, questions: int) -> tuple[list[Asked], list[Asked]]:
    """Return what members may know, and what is asked of them; the same file gives the same sets."""
    by_intent: dict[str, list[Asked]] = defaultdict(list)
    with path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            by_intent[row["intent"]].append(Asked(row["text"], row["intent"]))
    chosen = sorted(by_intent, key=lambda intent: (-len(by_intent[intent]), intent))[:INTENTS]
    draw = random.Random(1)
    for intent in chosen:
        draw.shuffle(by_intent[intent])
    known = [one for intent in chosen for one in by_intent[intent][:EXAMPLES]]
    asked = [one for intent in chosen for one in by_intent[intent][EXAMPLES:]]
    draw.shuffle(asked)
    return known, asked[:questions]


def _recorded(one: Asked, ballots: Sequence[Ballot]) -> Recorded:
    return Recorded(tuple(ballots), tuple(ballot.text == one.intent for ballot in ballots))


def _alone(place: int) -> Decide:
    return lambda ballots: Outcome(place, 1, len(ballots))


def _right(rows: Sequence[tuple[Asked, list[Ballot]]], decide: Decide) -> float:
    right = 0
    for one, ballots in rows:
        found = decide(ballots)
        right += found is not None and ballots[found.winner].text == one.intent
    return right / len(rows)


if __name__ == "__main__":
    sys.exit(main())
