"""The dialog in which a curated answer is written."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import streamlit as st

from ui import state
from ui.documents import readers
from ui.trouble import told
from ui.wire import Citation
from ui.wire.curated import Curated, Draft

MOST_SOURCES = 9  # that one answer may have
SHOWN = 70  # characters of a passage in the list of sources
FOUND = "curated-found"  # passages that were found while writing, by id


def begin(one: Curated | None, question: str = "", sources: Iterable[Citation] = ()) -> None:
    """Open the dialog that writes an answer anew, or a new one to `question`; `sources` are offered, not chosen."""
    st.session_state[FOUND] = {cited.chunk: _line(cited.title, cited.quote) for cited in sources}
    _write(one, question)


@st.dialog("Curated answer", width="large")
def _write(one: Curated | None, asked: str) -> None:
    key = one.id if one else f"new-{zlib.crc32(asked.encode())}" if asked else "new"
    question = st.text_input("Question", one.questions[0] if one else asked, max_chars=2_000, key=f"question-{key}")
    others = st.text_area(
        "Other ways to ask it, one on each line",
        "\n".join(one.questions[1:]) if one else "",
        max_chars=20_000,
        key=f"others-{key}",
        height=80,
    )
    answer = st.text_area("Answer", one.answer if one else "", max_chars=20_000, key=f"answer-{key}", height=140)
    sources = _sources(one, key)
    who = readers.choose(one.readers if one else ["everyone"], key=f"readers-{key}", label="Who gets it")
    enabled = st.toggle("Given", value=one.enabled if one else True, key=f"enabled-{key}")
    if st.button("Save", key="save-curated", type="primary"):
        lines = [line.strip() for line in (question or "", *(others or "").splitlines()) if line.strip()]
        draft = Draft(tuple(lines), (answer or "").strip(), tuple(sources), tuple(who), enabled)
        with told():
            state.api().write_curated(one.id if one else None, draft)
            st.rerun()


def _sources(one: Curated | None, key: str) -> list[str]:
    """Show the chosen passages, and a search for more; return their ids in the order of their marks."""
    found: dict[str, str] = st.session_state.setdefault(FOUND, {})
    known = {citation.chunk: _line(citation.title, citation.quote) for citation in one.citations} if one else {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        query = st.text_input("Find sources", max_chars=1_000, key=f"find-{key}", placeholder="What stands in them")
        if st.button("Search", key=f"search-{key}", icon=":material/search:") and (query or "").strip():
            with told():
                hits = state.api().search((query or "").strip(), (), 8).results
                found.update({hit.chunk: _line(hit.title or hit.path, hit.text) for hit in hits})
    names = {**known, **found}
    return list(
        st.multiselect(
            "Sources, in the order of the marks [1], [2] in the answer",
            list(names),
            default=list(known),
            format_func=lambda chunk: names[chunk],
            placeholder="None",
            max_selections=MOST_SOURCES,  # without it, one click takes all that was found
            key=f"sources-{key}",
        )
    )


def _line(title: str, text: str) -> str:
    return f"{title}: {' '.join(text.split())[:SHOWN]}"
