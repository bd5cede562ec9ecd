"""Trying a collection's search: what comes back for a query, and how each stage saw it. It changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import components, state
from ui.chat.view import duration
from ui.components import ItemData, ScoreData
from ui.documents import place
from ui.passage_tables import parts
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Collection, Hit, SearchResult

STAGES = (
    ("dense", "Meaning", "Cosine similarity of the embeddings, -1 to 1"),
    ("keyword", "Words", "BM25 score; the bar is relative to the best hit"),
    ("fused", "Fused", "Reciprocal rank fusion of both; the bar is relative to the best hit"),
    ("rerank", "Reranked", "Cross-encoder score, 0 to 1"),
)


def show(collection: Collection) -> None:
    """Show the query field and, after a search, its hits with the scores of each stage."""
    with st.form("search-test", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        query = st.text_input("What would somebody ask?", max_chars=1000, placeholder="How long is parental leave?")
        limit = st.number_input("Hits", min_value=1, max_value=50, value=8, width=110)
        sent = st.form_submit_button("Search", type="primary", icon=":material/search:")
    kept = f"search-test-{collection.id}"
    if sent and (query or "").strip():
        with told():
            st.session_state[kept] = state.api().search((query or "").strip(), [collection.name], int(limit))
    result: SearchResult | None = st.session_state.get(kept)
    if result is None:
        st.caption("Search as a question would, and see which passages come back and why. Settings are not changed.")
        return
    _hits(result)


def _hits(result: SearchResult) -> None:
    times = " · ".join(f"{name} {duration(ms)}" for name, ms in result.timings_ms.items())
    count = "1 passage" if len(result.results) == 1 else f"{len(result.results)} passages"
    st.caption(plain(f"{count} · {times}", 300))
    if result.notice:
        st.warning(plain(result.notice, 300), icon=":material/warning:")
    if not result.results:
        st.info("Nothing in this collection is close to the query.", icon=":material/info:")
        return
    opened, _ = components.passages(items(result.results), key="search-hits")
    if opened:
        hit = next((one for one in result.results if one.chunk == opened["chunk"]), None)
        if hit is not None and hit.document:
            place.go_to_document(hit.document)
            st.rerun()


def items(hits: Sequence[Hit]) -> list[ItemData]:
    """Return the hits as entries of the list of passages, best first as they came."""
    return [
        ItemData(
            id=hit.chunk,
            number=rank,
            title=hit.title or hit.path,
            place=" · ".join(part for part in (f"Page {hit.page}" if hit.page else "", hit.heading) if part),
            parts=parts(hit.text),
            scores=scores(hit, hits),
            opens=bool(hit.document),
            switchable=False,
            enabled=True,
        )
        for rank, hit in enumerate(hits, start=1)
    ]


def scores(hit: Hit, hits: Sequence[Hit]) -> list[ScoreData]:
    """Return the stages' scores; a stage that did not find the passage says so, one that found nothing is left out."""
    found: list[ScoreData] = []
    for name, label, explained in STAGES:
        values = [value for one in hits if (value := getattr(one.scores, name)) is not None]
        if not values:
            continue
        value = getattr(hit.scores, name)
        best = 1.0 if name in ("dense", "rerank") else max(values)
        shown = "not found" if value is None else f"{value:.4f}" if name == "fused" else f"{value:.2f}"
        share = 0.0 if value is None or best <= 0 else value / best
        found.append(ScoreData(name=label, shown=shown, share=share, help=explained))
    return found
