"""Search: both indexes at once, rights applied to row numbers before any text is read, and once more as it is read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import anyio.to_thread
from sqlalchemy import Connection, Engine

from knowledge import access, changes, documents, passages
from knowledge.database import reading
from knowledge.errors import EmbedderUnavailable, IndexDamaged, IndexUnavailable
from knowledge.exact import Loaded
from knowledge.fuse import Fused, fuse
from knowledge.index import Hit
from knowledge.indexes import Indexes
from knowledge.keyword import KeywordHits
from knowledge.modelfiles import encodable
from knowledge.named import within_named
from knowledge.rerank import RERANKED, reordered
from knowledge.rights import Rights
from knowledge.types import Embedder, Passage, Reranker, Scope, SearchResult, StageScores, Vectors

MAX_QUESTION = 2_000  # characters; the embedding model sees no more of them either
MAX_LIMIT = 100
CANDIDATES = 50  # readable hits of each index that fusion needs
OVER_FETCH = 200  # hits asked for at first; 2 ms at 100,000 chunks
WIDER = 1_000  # when too few of those may be read; 7 ms at 100,000 chunks
# When too few of even those may be read, the caller's whole share is compared exactly, if it is no larger than this
# (100 ms); with more, 1,000 hits hold enough of them unless the index has millions.
EXACT = 20_000
_ASIDE = 4  # threads that find by words, 1 to 2 ms for a search
TAIL = 2_000  # chunks too new for the dense index that a search still looks at


class Search:
    """Finds passages. Safe to share between tasks."""

    def __init__(
        self,
        engine: Engine,
        indexes: Indexes,
        embedder: Embedder,
        reranker: Reranker | None = None,
        max_per_document: int = 3,
        rerank_share: float = 0.35,
    ) -> None:
        """Search `engine` through `indexes`, which must be of `embedder`'s model.

        `rerank_share`, 0..1: how much the reranker's score counts beside the search's own.
        """
        self._engine = engine
        self._source = (indexes, embedder)
        self._reranker = reranker
        self._rerank_share = rerank_share
        self._max_per_document = max_per_document
        self._rights = Rights()
        self._aside = ThreadPoolExecutor(_ASIDE, thread_name_prefix="search")

    def use(self, indexes: Indexes, embedder: Embedder) -> None:
        """Search through another model's indexes from the next question on; those under way end with the old ones."""
        self._source = (indexes, embedder)

    def version(self) -> int:
        """Return a number that grows with every change of a document, a chunk, or a right to read one."""
        with reading(self._engine) as connection:
            return changes.latest(connection)

    def unread(self, scope: Scope, collections: tuple[str, ...] | None = None) -> int:
        """Return how many documents that `scope` may read there no search finds yet, because they are being read."""
        return documents.unread(self._engine, scope, collections)

    async def search(
        self, query: str, scope: Scope, collections: tuple[str, ...] | None = None, limit: int = 8
    ) -> list[Passage]:
        """Return the passages closest to `query` that `scope` may read; see `search_detailed`."""
        return (await self.search_detailed(query, scope, collections, limit)).passages

    async def search_detailed(
        self, query: str, scope: Scope, collections: tuple[str, ...] | None = None, limit: int = 8
    ) -> SearchResult:
        """Return at most `limit` (1..100) passages, best first, with what was searched and how long each stage took.

        `collections` are names or ids; None means all that belong to no conversation. One that does not exist or may
        not be read is simply not searched. No passages means that nothing readable was close enough, which is normal.

        Raises IndexUnavailable if neither the dense nor the keyword stage can answer; if only one can, its results
        are returned alone and `notice` says so.
        """
        run = _Run(encodable(query[:MAX_QUESTION]), scope, max(1, min(limit, MAX_LIMIT)), *self._source)
        if not run.question.strip():
            return SearchResult([], (), 0, {})
        return await anyio.to_thread.run_sync(self._find, run, collections)

    def _find(self, run: _Run, wanted: tuple[str, ...] | None) -> SearchResult:
        """Find by words in a second thread while the question is embedded: each hop less saves a tenth of a ms."""
        words = self._aside.submit(self._find_words, run, wanted)
        self._find_dense(run)
        if words.cancel():  # all threads are busy, so it is done here rather than waited for
            self._find_words(run, wanted)
        else:
            words.result()
        return self._settle(run)

    def _find_words(self, run: _Run, wanted: tuple[str, ...] | None) -> None:
        """Find what needs no vector of the question, and what is asked of SQL about it, while that is computed."""
        self._find_keyword(run)
        with reading(self._engine) as connection:
            latest = changes.latest(connection)
            run.names = self._rights.names(connection, latest, run.scope, wanted)
            run.ids = None if wanted is None else frozenset(run.names)
            best = self._allowed(connection, latest, run, run.keyword)[:CANDIDATES]
            run.loaded = run.indexes.exact.load(connection, frozenset(hit.row for hit in best))

    def _find_dense(self, run: _Run) -> None:
        started = time.perf_counter()
        try:
            run.vector = run.embedder.embed([run.question])[0]
        except EmbedderUnavailable as exc:
            run.gaps.append(str(exc))
            return
        run.took("embed", started)
        started = time.perf_counter()
        run.dense = _nearest(run, run.vector, OVER_FETCH)
        run.took("dense", started)

    def _find_keyword(self, run: _Run) -> None:
        started = time.perf_counter()
        found = _matching(run, OVER_FETCH)
        if found is None:
            run.gaps.append("The keyword index is being made anew; only similar passages were looked for.")
        else:
            run.keyword, run.known = found.hits, found.known
        run.took("keyword", started)

    def _settle(self, run: _Run) -> SearchResult:
        """Turn hits into passages: rights, fusion, text, rights again."""
        if len(run.gaps) == 2:
            raise IndexUnavailable("Neither index can answer now: " + " ".join(run.gaps))
        with reading(self._engine) as connection:  # begun now, so that it sees rights that were taken away since
            started = time.perf_counter()
            dense, keyword = self._readable(connection, run)
            run.took("access", started)
            started = time.perf_counter()
            # More than asked for: repetitions are left out afterwards.
            fused = fuse(_completed(connection, run, dense, keyword), keyword, run.known, max(3 * run.limit, RERANKED))
            run.took("fuse", started)
            started = time.perf_counter()
            found = within_named(run.question, _read(connection, run, fused))
            run.took("read", started)
        if self._reranker is not None and found:
            started = time.perf_counter()
            found = reordered(self._reranker, self._rerank_share, run.question, found)
            run.took("rerank", started)
        chosen = passages.diverse(found, run.limit, self._max_per_document)
        n_candidates = len({hit.row for hits in (dense, keyword) for hit in hits})
        searched = tuple(sorted(run.names.values()))
        return SearchResult(chosen, searched, n_candidates, run.timings_ms, " ".join(run.gaps) or None)

    def _readable(self, connection: Connection, run: _Run) -> tuple[list[Hit], list[Hit]]:
        """Return those of the dense and the keyword hits that the caller may read, fetching more if they are few."""
        dense, keyword = self._both_allowed(connection, run)
        if not (_starved(run.dense, dense) or _starved(run.keyword, keyword)):
            return dense, keyword
        more = _matching(run, WIDER)
        if run.vector is not None:
            run.dense = _nearest(run, run.vector, WIDER)
        run.keyword = more.hits if more else []
        dense, keyword = self._both_allowed(connection, run)
        if not (_starved(run.dense, dense) or _starved(run.keyword, keyword)):
            return dense, keyword
        share = access.all_allowed_rows(self._engine, run.scope, run.ids, EXACT + 1)
        if len(share) > EXACT:
            return dense, keyword
        if run.vector is not None:
            dense = run.indexes.exact.nearest_of(run.vector, share, CANDIDATES)
        found = _matching(run, CANDIDATES, share)
        return dense, found.hits if found else keyword

    def _both_allowed(self, connection: Connection, run: _Run) -> tuple[list[Hit], list[Hit]]:
        latest = changes.latest(connection)
        dense = _with_tail(connection, latest, run)
        return self._allowed(connection, latest, run, dense), self._allowed(connection, latest, run, run.keyword)

    def _allowed(self, connection: Connection, latest: int, run: _Run, hits: list[Hit]) -> list[Hit]:
        """Return those of `hits` that the caller may read by what `connection` sees."""
        rows = {hit.row for hit in hits}
        readable = self._rights.allowed_rows(connection, latest, run.scope, run.ids, rows)
        return hits if len(readable) == len(rows) else [hit for hit in hits if hit.row in readable]


@dataclass(slots=True)
class _Run:
    """One search on its way; each thread fills in its own fields."""

    question: str
    scope: Scope
    limit: int
    indexes: Indexes
    embedder: Embedder
    names: dict[str, str] = field(default_factory=dict)  # of the collections searched, by id
    ids: frozenset[str] | None = frozenset()  # None: all that belong to no conversation
    vector: Vectors | None = None
    dense: list[Hit] = field(default_factory=list)
    seq: int | None = None  # of the last change that the index had taken up; None: the exact scan found `dense`
    keyword: list[Hit] = field(default_factory=list)
    known: float = 0.0
    loaded: Loaded = field(default_factory=Loaded)  # vectors of the best keyword hits
    gaps: list[str] = field(default_factory=list)  # sentences on stages that could not answer
    timings_ms: dict[str, float] = field(default_factory=dict)

    def took(self, stage: str, started: float) -> None:
        self.timings_ms[stage] = (time.perf_counter() - started) * 1000


def _nearest(run: _Run, vector: Vectors, n: int) -> list[Hit]:
    follower = run.indexes.dense
    with follower.borrow() as index:
        if index is not None:
            run.seq = follower.seq  # before the hits: what comes in between is found twice, not missed
            try:
                return index.nearest(vector, n)
            except IndexDamaged as damage:
                follower.report(damage)
    run.seq = None
    return run.indexes.exact.nearest(vector, n)


def _with_tail(connection: Connection, latest: int, run: _Run) -> list[Hit]:
    """Return the dense hits together with chunks that came after the last change that their index has taken up."""
    if run.vector is None or run.seq is None or run.seq >= latest:
        return run.dense
    rows = {change.row for change in changes.after(connection, run.seq, TAIL) if change.kind == "add"}
    if not rows:
        return run.dense
    run.indexes.wake()
    tail = run.indexes.exact.load(connection, frozenset(rows)).nearest(run.vector, CANDIDATES)
    return sorted({hit.row: hit for hit in [*run.dense, *tail]}.values(), key=lambda hit: (-hit.score, hit.row))


def _matching(run: _Run, n: int, only: Sequence[int] | None = None) -> KeywordHits | None:
    follower = run.indexes.keyword
    with follower.borrow() as index:
        if index is not None:
            try:
                return index.search(run.question, n, only)
            except IndexDamaged as damage:
                follower.report(damage)
    return None


def _completed(connection: Connection, run: _Run, dense: list[Hit], keyword: list[Hit]) -> list[Hit]:
    """Return `dense` with the similarity of the best keyword hits that the dense stage did not return."""
    if run.vector is None:
        return dense
    best = frozenset(hit.row for hit in keyword[:CANDIDATES])
    if not best <= run.loaded.asked:  # more was fetched since
        run.loaded = run.indexes.exact.load(connection, best)
    missing = best - {hit.row for hit in dense}
    return [*dense, *(hit for hit in run.loaded.nearest(run.vector, len(best)) if hit.row in missing)]


def _read(connection: Connection, run: _Run, fused: Sequence[Fused]) -> list[Passage]:
    scores = {hit.row: StageScores(hit.dense, hit.keyword, hit.score) for hit in fused}
    found = passages.read(connection, run.scope, run.ids, scores)
    return [found[row] for row in scores if row in found]


def _starved(hits: Sequence[Hit], allowed: Sequence[Hit]) -> bool:
    """Return whether an index that had more to give gave too little that the caller may read."""
    return len(hits) >= OVER_FETCH and len(allowed) < CANDIDATES
