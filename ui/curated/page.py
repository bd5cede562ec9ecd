"""Curated answers: what administrators write for questions that are often asked, with sources and readers."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents import readers, wording
from ui.scrub import plain
from ui.trouble import told
from ui.wire.curated import Curated, Draft

MOST_SOURCES = 9  # that one answer may have
SHOWN = 70  # characters of a passage in the list of sources
FOUND = "curated-found"  # passages that were found while writing, by id


def show() -> None:
    """Show all of them, and the way to a new one."""
    st.title("Curated answers", anchor=False)
    with st.container(key="people-bar", horizontal=True, vertical_alignment="center"):
        st.markdown("Write the answer to a question that is often asked. It is given word for word, without a model.")
        if st.button("New answer", key="new-curated", icon=":material/add:", type="primary"):
            _begin()
            _write(None)
    found = state.api().curated()
    if not found:
        st.info("No answer is written yet.", icon=":material/info:")
        return
    names = {user.id: user.name for user in state.api().users()}
    with st.container(key="curated-list", gap=None, border=True):
        for one in found:
            _row(one, names)


def _row(one: Curated, names: dict[str, str]) -> None:
    with st.container(key=f"curated-{one.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"**{plain(one.questions[0], 200)}**")
            st.text(one.answer)
            who = ", ".join(wording.reader(reader, names) for reader in one.readers) or "Administrators only"
            given = "given once" if one.given == 1 else f"given {one.given:,} times"
            st.caption(plain(f"{who} · {given} · {wording.ago(one.updated_at)}", 300))
            if one.sources_gone:
                marks = ", ".join(f"[{n}]" for n in one.sources_gone)
                st.warning(plain(f"Not given any more: the source {marks} is gone. Choose another one.", 200))
        if not one.enabled:
            st.badge("Switched off", icon=":material/block:", color="gray")
        if st.button("Edit", key=f"edit-curated-{one.id}", icon=":material/edit:", type="tertiary"):
            _begin()
            _write(one)
        if st.button("Delete", key=f"delete-curated-{one.id}", icon=":material/delete:", type="tertiary"):
            _delete(one)


def _begin() -> None:
    st.session_state[FOUND] = {}


@st.dialog("Curated answer", width="large")
def _write(one: Curated | None) -> None:
    key = one.id if one else "new"
    question = st.text_input("Question", one.questions[0] if one else "", max_chars=2_000, key=f"question-{key}")
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


@st.dialog("Delete this answer?")
def _delete(one: Curated) -> None:
    st.markdown(f"**{plain(one.questions[0], 200)}** will be answered from the documents again.")
    if st.button("Delete", key="really-delete-curated", type="primary"):
        with told():
            state.api().delete_curated(one.id)
            st.rerun()
