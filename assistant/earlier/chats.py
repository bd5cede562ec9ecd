"""Earlier turns of a long chat, for the turn that is running: the closest exchanges, the summary, what the person said.

Only the chat that the turn stands in is read, behind its owner's id. Questions are embedded once each, some at a time,
so a chat that was long before this existed costs no turn more than a moment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from assistant.earlier import store
from assistant.earlier.sentences import extended, stated
from assistant.earlier.store import Said, Summary
from assistant.guardrails.words import content
from assistant.logs import log
from assistant.memory.same import takes_place_of
from assistant.memory.store import packed, unpacked
from assistant.orchestration.earlier import NOTHING_EARLIER, Earlier
from assistant.threads import in_thread
from assistant.types import Turn
from knowledge.errors import KnowledgeError
from knowledge.types import Embedder, Vectors

EXCHANGES = 2  # recalled for one question at most
CLOSE = 0.4  # closeness from which an exchange fits: cosine plus 0.25 for shared rare words; see docs/memory.md
SURE = 0.55  # closeness from which a sentence is told as what the person said
_WORDS = 0.25
_RARE = 3  # messages of a chat that have a word at most, for it to be rare there
_EMBEDDED_AT_ONCE = 64  # some 0.3 s
_LOOKED_AT = 8  # sentences that are compared with the question
_WEIGHED = 100  # of the last sentences, each with each of the others: 0.2 s
_log = log("memory")


class Chats:
    """Looks into the chat that a turn stands in."""

    def __init__(self, engine: Engine, embedder: Embedder, seen: int, close: float = CLOSE, sure: float = SURE) -> None:
        """Read chats from `engine`; the last `seen` messages are what turns look at anyway."""
        self._close, self._sure = close, sure
        self._engine = engine
        self._embedder = embedder
        self._seen = max(0, seen // 2)  # exchanges

    async def earlier(self, turn: Turn) -> Earlier:
        """Return what was said earlier in the turn's own chat and fits its question.

        Nothing for a turn outside of a stored chat, and when the database or the embedder does not answer just now.
        """
        if turn.options.conversation_id is None or turn.options.temporary or not turn.history:
            return NOTHING_EARLIER
        try:
            return await in_thread(self._earlier, turn, turn.options.conversation_id)
        except (SQLAlchemyError, KnowledgeError) as error:
            _log.warning("a chat's earlier turns could not be read", error=type(error).__name__)
            return NOTHING_EARLIER

    def _earlier(self, turn: Turn, chat: str) -> Earlier:
        owner = turn.caller.user_id
        path = store.before(self._engine, owner, chat, turn.id)
        unseen = _unseen(path, self._seen)
        words = _Words(turn.question, [one.question for one in path])
        near = self._closest(turn.question, [one for one in unseen if one.answered], words) if unseen else []
        answers = store.answers(self._engine, owner, [one.turn_id for one in near])
        summary = self._summarised(owner, chat, unseen) if unseen else ()
        exchanges = tuple((one.question, answers[one.turn_id]) for one in near if one.turn_id in answers)
        return Earlier(summary, exchanges, self._said(turn.question, path, near, words))

    def _closest(self, question: str, among: Sequence[Said], words: _Words) -> list[Said]:
        """Return the exchanges that are closest to the question, in the order of the chat."""
        if not among:
            return []
        known = store.vectors(self._engine, self._embedder.name, [one.turn_id for one in among])
        missing = [one for one in among if one.turn_id not in known]
        missing = sorted(missing, key=lambda one: words.meets(one.question))[-_EMBEDDED_AT_ONCE:]  # likely ones first
        if missing:
            made = packed(self._embedder.embed([one.question for one in missing]))
            new = {one.turn_id: vector for one, vector in zip(missing, made, strict=True)}
            store.keep_vectors(self._engine, self._embedder.name, new)
            known |= new
        zero = np.zeros(self._embedder.dimension, np.float16).tobytes()  # not embedded yet: by its words alone
        rows = unpacked([known.get(one.turn_id, zero) for one in among], self._embedder.dimension)
        asked: Vectors = self._embedder.embed([question])[0]
        closeness = rows @ asked + _WORDS * np.asarray([words.shared(one.question) for one in among], np.float32)
        best = [int(i) for i in np.argsort(-closeness, kind="stable")[:EXCHANGES] if closeness[i] >= self._close]
        return [among[i] for i in sorted(best)]

    def _summarised(self, owner: str, chat: str, unseen: Sequence[Said]) -> tuple[str, ...]:
        """Return the summary of what lies before what is seen, extended by what was added since the last time."""
        ids = [one.turn_id for one in unseen]
        kept = store.summary(self._engine, owner, chat)
        if kept.upto not in ids:  # the first time, or another version of the chat is shown now
            kept = Summary()
        new = unseen[ids.index(kept.upto) + 1 :] if kept.upto else unseen
        if not new:
            return kept.sentences
        made = Summary(extended(kept.sentences, [one.question for one in new]), ids[-1])
        store.keep_summary(self._engine, owner, chat, made)
        return made.sentences

    def _said(self, question: str, path: Sequence[Said], near: Sequence[Said], words: _Words) -> tuple[str, ...]:
        """Return the person's sentences that surely fit the question, closest first; later ones in place of older."""
        found: list[str] = []
        for one in path:
            if one in near or words.meets(one.question):
                for sentence in stated(one.question)[-_WEIGHED:]:
                    found = [*(old for old in found if not takes_place_of(sentence, old)), sentence][-_WEIGHED:]
        found = sorted(found, key=lambda sentence: -words.shared(sentence))[:_LOOKED_AT]
        if not found:
            return ()
        asked, *rows = self._embedder.embed([question, *found])
        closeness = [float(row @ asked) + _WORDS * words.shared(said) for row, said in zip(rows, found, strict=True)]
        order = sorted(range(len(found)), key=lambda i: -closeness[i])
        return tuple(found[i] for i in order if closeness[i] >= self._sure)[:EXCHANGES]


class _Words:
    """The words of a question as far as they are rare in a chat."""

    def __init__(self, question: str, messages: Sequence[str]) -> None:
        counts = Counter(word for message in messages for word in set(content(message)))
        asked = frozenset(content(question))
        rare = frozenset(word for word in asked if 0 < counts[word] <= max(_RARE, len(messages) // 50))
        self._asked = rare or asked

    def shared(self, text: str) -> float:
        """Return the share of the question's words that a text has, 0..1."""
        return len(self._asked & frozenset(content(text))) / max(1, len(self._asked))

    def meets(self, text: str) -> bool:
        """Return whether a text has any of the question's words."""
        return not self._asked.isdisjoint(content(text))


def _unseen(path: Sequence[Said], seen: int) -> list[Said]:
    """Return the turns before the last `seen` ones that were answered."""
    answered = [n for n, one in enumerate(path) if one.answered]
    if len(answered) <= seen:
        return []
    return list(path[: answered[-seen]] if seen else path)
