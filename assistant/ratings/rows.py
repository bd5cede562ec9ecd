"""Rows for an adapter, made of ratings: the format is that of assistant/adaptation/rows.py.

An answer rated up teaches itself, an abstention rated up that the documents do not say, and a curated answer to a rated
question teaches what would have been right. A rating down by itself teaches nothing: it does not say what is right.

What a widget's visitors rated is left out whatever the widget's profile says: they are strangers, who could teach the
model of everybody whatever they like by asking and rating often enough, and who were not told that anybody learns from
their thumbs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from assistant.adaptation.languages import language
from assistant.adaptation.rows import Passage, normal
from assistant.curated import store
from assistant.curated.store import Curated
from assistant.guardrails import sentences
from assistant.guardrails.abstentions import is_abstention
from assistant.orchestration.compose import load_prompts
from assistant.ratings import rated
from assistant.ratings.corrections import Corrections
from assistant.ratings.lesson import lesson
from assistant.ratings.rated import Place, Rated
from assistant.ratings.reasons import KINDS, Kind
from assistant.ratings.shelf import Shelf
from knowledge.types import Scope

MOST = 10_000  # ratings that are read, the newest
_AT_ONCE = 200
SOURCE, LICENCE = "own ratings", "internal: texts of the installation's own documents"


@dataclass(frozen=True, slots=True)
class Made:
    """A row, and what it was made of."""

    kind: Kind
    row: dict[str, object]
    language: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What the ratings came to."""

    rows: tuple[dict[str, object], ...]  # newest rating first
    made: dict[str, int]  # rows by kind
    left_out: dict[str, int]  # ratings by reason, one of reasons.LEFT_OUT


@dataclass(frozen=True, slots=True)
class _Left:
    """Why a rating makes no row."""

    reason: str


def collect(engine: Engine, scope: Scope, readers: Iterable[str], since: float = 0.0) -> Collected:
    """Return the rows of all ratings of `since` (seconds since the epoch) or later.

    An adapter answers everybody whom it serves, and remembers; so no passage is in a row that one of the principals
    `readers` may not read. Raises RatingsClosed unless `scope` is an administrator's.
    """
    left: Counter[str] = Counter({"widget_visitor": rated.count_of_visitors(engine, scope, since)})
    shelf = Shelf(engine, scope, readers)
    maker = _Maker(engine, shelf)
    kept: dict[str, Made] = {}
    for one in _all(engine, scope, since, shelf, left):
        made = maker.row(one)
        if isinstance(made, _Left):
            left[made.reason] += 1
            continue
        question = normal(one.standalone)
        if question in kept:
            left["same_question"] += 1
        if question not in kept or KINDS.index(made.kind) < KINDS.index(kept[question].kind):
            kept[question] = made
    rows = _of_one_language(list(kept.values()), left)
    made_of: Counter[str] = Counter(one.kind for one in rows)
    return Collected(tuple(one.row for one in rows), dict(made_of), {name: n for name, n in left.items() if n})


def _all(engine: Engine, scope: Scope, since: float, shelf: Shelf, left: Counter[str]) -> Iterator[Rated]:
    """Yield the ratings, the newest first; passages of many are looked up at once, which takes a tenth of the time."""
    before: Place | None = None
    read = 0
    while found := rated.newest(engine, scope, _AT_ONCE, None, before, since):
        if read < MOST:
            _fetch(shelf, found)
            yield from found
        left["too_many"] += len(found) if read >= MOST else 0
        read, before = read + len(found), found[-1].place


def _fetch(shelf: Shelf, some: Sequence[Rated]) -> None:
    wanted: dict[str, set[str]] = {}
    for one in some:
        shown = [*one.answer["citations"], *one.answer["nearest"]] if one.answer else []
        wanted.setdefault(one.owner_id, set()).update(one.passages, (each["chunk"] for each in shown))
    for owner, ids in wanted.items():
        if asker := shelf.asker(owner):
            shelf.fetch(asker, ids)


def _of_one_language(rows: list[Made], left: Counter[str]) -> list[Made]:
    """Return the rows in the language of most of them."""
    languages = Counter(one.language for one in rows)
    most = languages.most_common(1)[0][0] if languages else ""
    left["other_language"] += len(rows) - languages[most]
    return [one for one in rows if one.language == most]


class _Maker:
    """Makes a row of a rating, or says why there is none."""

    def __init__(self, engine: Engine, shelf: Shelf) -> None:
        self._engine = engine
        self._shelf = shelf
        self._corrections = Corrections(engine)
        self._abstention = load_prompts().grounded.abstention

    def row(self, one: Rated) -> Made | _Left:
        asker, right = self._shelf.asker(one.owner_id), self._corrections.of(one)
        if one.private:
            return _Left("personal_notes")
        if asker is None:
            return _Left("person_gone")
        if right is not None:
            return self._put_right(one, asker, right)
        if one.rating == "down":
            return _Left("rated_down")
        if one.answer is None:
            return _Left("no_answer")
        if one.answer["abstained"]:
            return self._unanswerable(one, asker)
        marks = {cited["n"]: cited["chunk"] for cited in one.answer["citations"]}
        return self._answered("rated_up", one, asker, one.answer["answer"], marks, ())

    def _put_right(self, one: Rated, asker: Scope, right: Curated) -> Made | _Left:
        if not all(store.readable(self._engine, reader, right) for reader in self._shelf.readers):
            return _Left("passage_closed")
        if is_abstention(sentences.parse(right.answer).claim, self._abstention):
            return self._unanswerable(one, asker, "put_right")
        marks = {cited.n: cited.chunk for cited in right.citations}
        return self._answered("put_right", one, asker, right.answer, marks, one.passages)

    def _answered(
        self, kind: Kind, one: Rated, asker: Scope, text: str, marks: Mapping[int, str], more: Iterable[str]
    ) -> Made | _Left:
        """Return the row of a right answer; its words may stand in the passages of `marks`, or of `more`."""
        near = list(dict.fromkeys([*marks.values(), *more]))
        if not near:
            return _Left("cites_nothing")
        found, closed = self._shelf.passages(asker, {*near, *one.passages})
        lost = [chunk for chunk in marks.values() if chunk not in found]
        if lost:
            return _Left("passage_closed" if closed.intersection(lost) else "passage_gone")
        taught = lesson(text, marks, {chunk: found[chunk].text for chunk in near if chunk in found})
        if taught is None:
            return _Left("words_not_in_passages")
        order = dict.fromkeys([*taught.gold, *near, *one.passages])
        contexts = {chunk: found[chunk] for chunk in order if chunk in found}
        cited: dict[str, object] = {"cited_answer": taught.cited} if taught.cited else {}
        return _made(kind, one, contexts, {"answers": list(taught.answers), "gold": list(taught.gold), **cited})

    def _unanswerable(self, one: Rated, asker: Scope, kind: Kind = "unanswerable") -> Made | _Left:
        """Return a question with the passage that came nearest to answering it, and does not.

        It is one passage: a row without an answer is read as written to look answerable by the passage that it brings.
        """
        nearest = [near["chunk"] for near in one.answer["nearest"]] if one.answer else []
        ids = [*nearest, *one.passages]
        found, closed = self._shelf.passages(asker, ids)
        first = next((chunk for chunk in ids if chunk in found), None)
        if first is None:
            return _Left("cites_nothing" if not ids else "passage_closed" if closed else "passage_gone")
        return _made(kind, one, {first: found[first]}, {"answers": [], "gold": []})


def _made(kind: Kind, one: Rated, contexts: Mapping[str, Passage], more: dict[str, object]) -> Made:
    """Return the row; the passage that answers comes first, so that rows are split by the place that it stands in."""
    shown = [{"id": chunk, "title": passage.title, "text": passage.text} for chunk, passage in contexts.items()]
    row: dict[str, object] = {
        "id": one.turn_id,
        "question": one.standalone,
        "contexts": shown,
        "answerable": bool(more["answers"]),
    }
    said: dict[str, object] = {"kind": kind, "source": SOURCE, "licence": LICENCE}
    return Made(kind, row | more | said, language(one.standalone, next(iter(contexts.values())).text))
