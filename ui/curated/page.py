"""Curated answers: what administrators write for questions that are often asked, with sources and readers."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.curated import writing
from ui.documents import wording
from ui.scrub import plain
from ui.trouble import told
from ui.wire.curated import Curated


def show() -> None:
    """Show all of them, and the way to a new one."""
    st.title("Curated answers", anchor=False)
    with st.container(key="people-bar", horizontal=True, vertical_alignment="center"):
        st.markdown("Write the answer to a question that is often asked. It is given word for word, without a model.")
        if st.button("New answer", key="new-curated", icon=":material/add:", type="primary"):
            writing.begin(None)
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
            writing.begin(one)
        if st.button("Delete", key=f"delete-curated-{one.id}", icon=":material/delete:", type="tertiary"):
            _delete(one)


@st.dialog("Delete this answer?")
def _delete(one: Curated) -> None:
    st.markdown(f"**{plain(one.questions[0], 200)}** will be answered from the documents again.")
    if st.button("Delete", key="really-delete-curated", type="primary"):
        with told():
            state.api().delete_curated(one.id)
            st.rerun()
