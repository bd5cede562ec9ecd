"""The keyword index (BM25 by tantivy). Derived from SQL, so it can always be made anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tantivy import Document, IndexWriter, Occur, Query, Schema, SchemaBuilder, Searcher
from tantivy import Index as TantivyIndex

from knowledge.errors import IndexDamaged
from knowledge.index import Entry, Hit
from knowledge.words import LANGUAGES, analyzer, is_stop_word, language_of, plain_words, prepared

_HEAP_BYTES = 20_000_000  # of the writer while it writes; 15 MB is tantivy's least
_LONGEST_QUESTION = 64  # distinct words; the rest of a longer text does not count
# What a stop word of the question counts against another word. On the sets of benchmarks/retrieval.py 0.3 to 0.5 is
# best on average; leaving them out costs up to 0.005 nDCG@10, counting them fully 0.033 (on code).
_STOP_WORD_WEIGHT = 0.4


@dataclass(frozen=True, slots=True)
class KeywordHits:
    """What the keyword index found."""

    hits: list[Hit]  # best first; scores are BM25
    known: float  # 0..1, share of the question's distinct words that occur in the index, stop words aside


class KeywordIndex:
    """Title, headings and text of each chunk as one field, stemmed by the chunk's language."""

    def __init__(self, folder: Path) -> None:
        """Open the index in `folder`, or make an empty one there. Raises IndexDamaged if its files do not fit."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.name
        self._schema = _schema()
        self._analyzers = {language: analyzer(language) for language in LANGUAGES}
        with self._translated():
            self._index = TantivyIndex(self._schema, path=str(folder))
            for language, words in self._analyzers.items():
                self._index.register_tokenizer(language, words)
        self._refresh()

    def search(self, question: str, n: int, only: Sequence[int] | None = None) -> KeywordHits:
        """Return up to `n` entries that share a word with `question`, best first; of the rows `only` if given."""
        searcher, languages = self._searcher, self._languages
        parts: list[tuple[Occur, Query]] = []
        wanted = known = 0
        for word in self._words(question):
            weight = _STOP_WORD_WEIGHT if is_stop_word(word) else 1.0
            stems = {(language, stem) for language in languages for stem in self._analyzers[language].analyze(word)}
            present = [(language, stem) for language, stem in stems if searcher.doc_freq(language, stem)]
            wanted += weight == 1.0
            known += weight == 1.0 and bool(present)
            for language, stem in sorted(present):
                term = Query.term_query(self._schema, language, stem, "freq")
                parts.append((Occur.Should, Query.boost_query(term, weight)))
        hits = self._hits(searcher, self._among(Query.boolean_query(parts), only), n) if parts else []
        return KeywordHits(hits, known / wanted if wanted else float(bool(hits)))

    def put(self, entries: Sequence[Entry]) -> None:
        """Add the entries, or replace those that are there; durable when it returns."""
        with self._writing() as writer:
            for entry in entries:
                writer.delete_documents_by_term("row", entry.row)
                writer.add_document(_document(entry))

    def drop(self, rows: Sequence[int]) -> None:
        """Remove the entries that are there; durable when it returns."""
        with self._writing() as writer:
            for row in rows:
                writer.delete_documents_by_term("row", row)

    def rows(self) -> set[int]:
        """Return the rows of all entries."""
        return {hit.row for hit in self._hits(self._searcher, Query.all_query(), max(1, self.count()))}

    def count(self) -> int:
        """Return how many entries there are."""
        return self._searcher.num_docs

    def wrong(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows of those `entries` that are not held exactly once."""
        return [entry.row for entry in entries if not self._holds(entry, words=0)]

    def unfound(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows of those `entries` that a search for their own first words misses."""
        return [entry.row for entry in entries if not self._holds(entry, words=3)]

    def close(self) -> None:
        """Let go of the files; everything is written out already."""
        del self._searcher

    def _among(self, query: Query, rows: Sequence[int] | None) -> Query:
        if rows is None:
            return query
        chosen = Query.const_score_query(Query.term_set_query(self._schema, "row", list(rows)), 0.0)
        return Query.boolean_query([(Occur.Must, query), (Occur.Must, chosen)])

    def _holds(self, entry: Entry, words: int) -> bool:
        parts = [(Occur.Must, Query.term_query(self._schema, "row", entry.row))]
        language = _language(entry) if words else ""
        for stem in self._analyzers[language].analyze(_field(entry))[:words] if words else ():
            parts.append((Occur.Must, Query.term_query(self._schema, language, stem, "freq")))
        return len(self._hits(self._searcher, Query.boolean_query(parts), 2)) == 1

    def _words(self, question: str) -> list[str]:
        """Return the distinct words of `question` in order. Counting repeated ones again helps no set we know."""
        return list(dict.fromkeys(plain_words(prepared(question))))[:_LONGEST_QUESTION]

    def _hits(self, searcher: Searcher, query: Query, n: int) -> list[Hit]:
        with self._translated():
            found = searcher.search(query, n, count=False).hits
            rows = searcher.fast_field_values("row", [address for _, address in found])
        return [Hit(int(row), float(score)) for row, (score, _) in zip(rows, found, strict=True) if row is not None]

    @contextmanager
    def _writing(self) -> Iterator[IndexWriter]:
        with self._translated():
            writer = self._index.writer(_HEAP_BYTES, 1)
            yield writer
            writer.commit()
            writer.wait_merging_threads()  # and give back the memory
        self._refresh()

    def _refresh(self) -> None:
        with self._translated():
            self._index.reload()
            self._searcher = self._index.searcher()
            # A question is stemmed once per language, so languages without a text are left out.
            self._languages = [language for language in LANGUAGES if self._searcher.doc_freq("language", language) > 0]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, OSError, RuntimeError) as exc:
            raise IndexDamaged(f"The keyword index {self._folder!r} does not work ({exc}).") from exc


def _schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_integer_field("row", stored=False, indexed=True, fast=True)
    builder.add_text_field("language", stored=False, tokenizer_name="raw", index_option="basic")
    for language in LANGUAGES:
        builder.add_text_field(language, stored=False, tokenizer_name=language, index_option="freq")
    return builder.build()


def _document(entry: Entry) -> Document:
    language = _language(entry)
    document = Document()
    document.add_integer("row", entry.row)
    document.add_text("language", language)
    document.add_text(language, _field(entry))
    return document


def _language(entry: Entry) -> str:
    return language_of(entry.text or entry.heading or entry.title)


def _field(entry: Entry) -> str:
    # One field, not three: a title that all chunks of a document share is not worth a score of its own (a boosted
    # title field loses 0.06 nDCG@10 on covidqa against this).
    return prepared("\n".join((entry.title, entry.heading, entry.text)))
