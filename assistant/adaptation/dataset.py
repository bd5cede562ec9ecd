"""Rows become groups: a few passages once, then every question that these passages answer, nearly answer or miss.

A group is one packed training sequence. Its passages are the gold passage of a seed question and what the search brings
beside it. Its branches are (a) questions that one of them answers, (b) questions written to look answerable and (c)
questions whose own passage is not there although the search brings these. (b) and (c) get the abstention text.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.adaptation.errors import DatasetError
from assistant.adaptation.neighbours import Embed, Pool
from assistant.adaptation.recipe import Mixture, Recipe
from assistant.adaptation.rows import Passage, Row, normal
from assistant.guardrails import sentences

CHUNK_WORDS = 170  # about 256 word pieces, the most that a chunk of the product holds
CHUNK_TARGET_WORDS = 130  # about 200 word pieces, what it aims at


@dataclass(frozen=True, slots=True)
class Branch:
    """A question to the group's passages and the reply to learn."""

    id: str
    question: str
    answer: str
    kind: str  # answerable, cited, adversarial or removed


@dataclass(frozen=True, slots=True)
class Group:
    """Passages in the order in which they are numbered, and the branches that share them."""

    passages: tuple[Passage, ...]
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A question and where in its pool the answer stands."""

    row: Row
    gold: tuple[int, ...]  # passage numbers in the pool that hold an answer; empty when unanswerable
    home: int  # the passage the question was written for, or -1


class Corpus:
    """The passages and questions of one pool, with what the search finds for each question."""

    def __init__(self, rows: Sequence[Row], embed: Embed, depth: int) -> None:
        """Chunk and index the passages of `rows`; `depth` is how many results are kept for each question."""
        self.passages: list[Passage] = []
        numbers: dict[str, list[int]] = {}
        for passage in (p for row in rows for p in row.contexts):
            if passage.key not in numbers:
                pieces = chunk(passage)
                numbers[passage.key] = list(range(len(self.passages), len(self.passages) + len(pieces)))
                self.passages += pieces
        self.normal = [f" {normal(p.text)} " for p in self.passages]
        self.entries = [self._entry(row, numbers) for row in rows]
        pool = Pool([p.text for p in self.passages], embed)
        self.found = pool.rank([row.question for row in rows], depth)
        self.asked: dict[int, list[int]] = defaultdict(list)  # passage -> entries it answers
        self.tempted: dict[int, list[int]] = defaultdict(list)  # passage -> adversarial entries written for it
        self.near: dict[int, list[int]] = defaultdict(list)  # passage -> answerable entries that find it first
        for number, entry in enumerate(self.entries):
            for passage_number in entry.gold:
                self.asked[passage_number].append(number)
            if not entry.row.answers and entry.home >= 0:
                self.tempted[entry.home].append(number)
            if entry.gold:
                for passage_number in self.found[number][:6]:
                    self.near[passage_number].append(number)

    def _entry(self, row: Row, numbers: dict[str, list[int]]) -> Entry:
        home = [n for p in row.contexts for n in numbers[p.key]]
        if not row.answers:
            return Entry(row, (), home[0] if len(row.contexts) == 1 and len(home) == 1 else -1)
        gold = [n for position in row.gold for n in numbers[row.contexts[position].key]]
        return Entry(row, tuple(n for n in gold if self.holds(n, row.answers)), -1)

    def holds(self, number: int, answers: Iterable[str]) -> bool:
        """Return whether one of `answers` stands in a passage, word for word."""
        return any(f" {normal(answer)} " in self.normal[number] for answer in answers)


def chunk(passage: Passage) -> list[Passage]:
    """Return `passage` in pieces of whole sentences no longer than the product's chunks."""
    if len(passage.text.split()) <= CHUNK_WORDS:
        return [passage]
    pieces: list[list[str]] = [[]]
    for sentence in re.split(r"(?<=[.!?])\s+", passage.text):
        if pieces[-1] and len(" ".join([*pieces[-1], sentence]).split()) > CHUNK_TARGET_WORDS:
            pieces.append([])
        pieces[-1].append(sentence)
    return [Passage(passage.title, " ".join(piece)) for piece in pieces]


def build(recipe: Recipe, pools: dict[str, list[Row]], embed: Embed, abstention: str) -> list[Group]:
    """Return the groups of the rows of each pool, shuffled within each epoch; the same for the same recipe and rows."""
    dice = random.Random(recipe.seed)
    epochs: list[list[Group]] = [[] for _ in range(recipe.mixture.epochs)]
    for rows in pools.values():
        corpus = Corpus(rows, embed, depth=12)
        for groups in epochs:
            groups += _epoch(corpus, recipe.mixture, abstention, dice)
    for groups in epochs:
        dice.shuffle(groups)
    return [group for groups in epochs for group in groups]


def _epoch(corpus: Corpus, mixture: Mixture, abstention: str, dice: random.Random) -> list[Group]:
    groups: list[Group] = []
    unused = {n for n in range(len(corpus.passages)) if corpus.asked[n]}
    order = sorted(unused)
    dice.shuffle(order)
    cited = [n for n, entry in enumerate(corpus.entries) if entry.row.cited]
    for number in dice.sample(cited, min(mixture.cited_groups, len(cited))):
        groups.append(_cited_group(corpus, number, dice))
    for home in order:
        if home in unused:
            seeds = [n for n in corpus.asked[home] if not corpus.entries[n].row.cited] or corpus.asked[home]
            members = _members(corpus, home, dice.choice(seeds), unused, mixture, dice)
            unused -= set(members)
            branches = _branches(corpus, members, mixture, abstention, dice)
            if len(branches) >= mixture.min_branches:
                groups.append(_group(corpus, members, branches, dice))
    return groups


def _members(
    corpus: Corpus, home: int, seed: int, unused: set[int], mixture: Mixture, dice: random.Random
) -> list[int]:
    """Return the gold passage and its near misses, in random order; passages not used yet come first."""
    found = [n for n in corpus.found[seed] if n != home][: mixture.near_miss_rank]
    dice.shuffle(found)
    found.sort(key=lambda n: n not in unused)
    members = [home, *found[: dice.choice(mixture.passages) - 1]]
    dice.shuffle(members)
    return members


def _branches(
    corpus: Corpus, members: Sequence[int], mixture: Mixture, abstention: str, dice: random.Random
) -> list[Branch]:
    answerable = [
        branch
        for number in dict.fromkeys(n for m in members for n in corpus.asked[m])
        if (branch := _answered(corpus.entries[number], members, corpus, mixture))
    ]
    dice.shuffle(answerable)
    answerable = answerable[: mixture.max_answerable]
    wanted = round(mixture.abstain_per_answerable * len(answerable) + dice.random() - 0.5)
    tempting = [n for m in members for n in corpus.tempted[m]]
    dice.shuffle(tempting)
    absent = _absent(corpus, members, dice)
    adversarial = tempting[: max(wanted // 2, wanted - len(absent))]
    removed = absent[: wanted - len(adversarial)]
    refused = [
        Branch(corpus.entries[n].row.id, corpus.entries[n].row.question, abstention, kind)
        for kind, numbers in (("adversarial", adversarial), ("removed", removed))
        for n in numbers
    ]
    branches = answerable + refused
    dice.shuffle(branches)
    return [_as_asked(branch, dice) for branch in branches]


def _answered(entry: Entry, members: Sequence[int], corpus: Corpus, mixture: Mixture) -> Branch | None:
    home = next((m for m in members if m in entry.gold), None)
    if home is None or entry.row.cited:
        return None
    spoken = [a for a in entry.row.answers if f" {normal(a)} " in corpus.normal[home]]
    if not spoken or len(spoken[0].split()) > mixture.max_answer_words:
        return None
    answer = f"{spoken[0].rstrip(' .,;')} [{members.index(home) + 1}]."
    return Branch(entry.row.id, entry.row.question, answer, "answerable")


def _absent(corpus: Corpus, members: Sequence[int], dice: random.Random) -> list[int]:
    """Return questions that find these passages although their answer is in none of them, closest first."""
    hits: dict[int, int] = defaultdict(int)
    for member in members:
        for number in corpus.near[member]:
            hits[number] += 1
    near = [
        n
        for n in hits
        if not set(corpus.entries[n].gold) & set(members)
        and not any(corpus.holds(m, corpus.entries[n].row.answers) for m in members)
    ]
    dice.shuffle(near)
    return sorted(near, key=lambda n: -hits[n])


def _cited_group(corpus: Corpus, number: int, dice: random.Random) -> Group:
    """Return a group of one question whose long answer draws on several of the passages it came with."""
    row = corpus.entries[number].row
    order = list(range(len(row.contexts)))
    dice.shuffle(order)
    answer = re.sub(r"\[(\d+)\]", lambda m: f"[{order.index(int(m[1]) - 1) + 1}]", tidy_citations(row.cited))
    passages = tuple(chunk(row.contexts[n])[0] for n in order)
    return Group(passages, (Branch(row.id, row.question, answer, "cited"),))


def tidy_citations(text: str) -> str:
    """Return `text` with the citation of a sentence that rests on one source at its end, once."""
    return " ".join(_tidy(sentence) for sentence in sentences.split(text))


def _tidy(raw: str) -> str:
    sentence = sentences.parse(raw)
    if len(sentence.cited) != 1:
        return raw.strip()
    return f"{sentence.claim.rstrip('.')} [{sentence.cited[0]}]."


def _group(corpus: Corpus, members: Sequence[int], branches: Sequence[Branch], dice: random.Random) -> Group:
    style = dice.choices(["title", "none", "file"], [0.55, 0.3, 0.15])[0]
    passages = tuple(_titled(corpus.passages[m], style, dice) for m in members)
    return Group(passages, tuple(branches))


def _titled(passage: Passage, style: str, dice: random.Random) -> Passage:
    if style == "none" or not passage.title:
        return Passage("", passage.text)
    if style == "file":
        name = re.sub(r"\W+", "-", passage.title.lower()).strip("-")
        return Passage(f"{name}.{dice.choice(['pdf', 'docx', 'md', 'html'])}", passage.text)
    return passage


def _as_asked(branch: Branch, dice: random.Random) -> Branch:
    """Return the branch with half of the bare lower-case questions written as sentences."""
    question = branch.question
    if question[-1].isalnum() and dice.random() < 0.5:
        question = question[0].upper() + question[1:] + "?"
    return Branch(branch.id, question, branch.answer, branch.kind)


def save(groups: Sequence[Group], path: Path) -> str:
    """Write one JSON object a line, atomically; return the SHA-256 of the file, the data hash."""
    content = "".join(json.dumps(asdict(group), ensure_ascii=False) + "\n" for group in groups).encode()
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)
    return hashlib.sha256(content).hexdigest()


def load(path: Path) -> list[Group]:
    """Return the groups that `save` wrote; raises DatasetError when the file is missing, empty or damaged."""
    try:
        raw = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        groups = [
            Group(tuple(Passage(**p) for p in g["passages"]), tuple(Branch(**b) for b in g["branches"])) for g in raw
        ]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DatasetError(
            f"Cannot read the data set {str(path)!r}: {exc!r}. Build it again.", "dataset_damaged"
        ) from exc
    if not groups:
        raise DatasetError(
            f"The data set {str(path)!r} is empty. Build it again from rows with gold passages.", "dataset_damaged"
        )
    return groups
