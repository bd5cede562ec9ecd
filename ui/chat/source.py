"""The pane at the side that shows a passage within its document."""

from __future__ import annotations

import streamlit as st

from ui import components, state
from ui.chat import asking, near
from ui.components import PassageData
from ui.errors import ApiRefused
from ui.passage_tables import parts
from ui.scrub import plain
from ui.wire import Answer, Citation, Neighbourhood, Turn

NEAR, FAR = 1, 4  # chunks of context at first and after "Show more"


def show(turns: tuple[Turn, ...]) -> None:
    """Show the passage that was selected, if one is."""
    selected = st.session_state.get("source")
    if selected is None:
        return
    chunk, number, turn_id = selected
    turn = next((turn for turn in turns if turn.id == turn_id), None)
    answer = turn.answer if turn else None
    with st.container(key="source-pane"):
        _bar(number, answer, turn_id)
        try:
            around = st.session_state.get("source_around", NEAR)
            place = state.api().passage(chunk, around)
        except ApiRefused as refused:
            st.info(f"This passage cannot be shown any more: {plain(str(refused), 300)}", icon=":material/info:")
            return
        cited = next((one for one in answer.citations if one.n == number), None) if answer else None
        page = (
            cited.page if cited else place.page
        )  # a passage may go on to another page before the place that it rests on
        _passage(chunk, place, near.resting(place.text, _said(turn, number)), page)


def _bar(number: int, answer: Answer | None, turn_id: str) -> None:
    with st.container(key="source-bar", horizontal=True, vertical_alignment="center"):
        st.markdown("**Source**" if number == 0 else f"**Source {number}**")
        for citation in answer.citations if answer else ():
            if citation.n != number:
                _switch(citation, turn_id)
        st.button(
            "Close the source",
            key="source-close",
            icon=":material/close:",
            type="tertiary",
            shortcut="Esc",
            on_click=_close,
        )


def _switch(citation: Citation, turn_id: str) -> None:
    st.button(
        str(citation.n),
        key=f"source-{citation.n}",
        help=f"Source {citation.n}: {plain(citation.title)}",
        on_click=asking.read_source,
        args=(citation.chunk, citation.n, turn_id),
    )


def _passage(chunk: str, place: Neighbourhood, quote: str, page: int | None) -> None:
    st.header(plain(place.title or "Document", 160), anchor=False)
    where = [f"Page {page}" if page else "", place.heading]
    st.caption(plain(" · ".join(part for part in where if part), 300))
    with st.container(key="source-text"):
        components.passage(
            PassageData(id=chunk, before=parts(place.before), text=parts(place.text, quote), after=parts(place.after)),
            key="source-passage",
        )
    with st.container(key="source-foot", horizontal=True):
        wide = st.session_state.get("source_around", NEAR) == FAR
        st.button(
            "Show less" if wide else "Show more around it",
            key="source-more",
            icon=":material/unfold_less:" if wide else ":material/unfold_more:",
            on_click=_set_around,
            args=(NEAR if wide else FAR,),
        )
        if place.document:
            st.link_button("Download the document", f"/files/{place.document}", icon=":material/download:")


def _said(turn: Turn | None, number: int) -> list[str]:
    """Return what the passage was taken for: what cites it, or the question where an answer only offers it."""
    if turn is None or turn.answer is None:
        return []
    return near.claims(turn.answer.answer, number) if number else [turn.question]


def _set_around(around: int) -> None:
    st.session_state["source_around"] = around


def _close() -> None:
    st.session_state.pop("source", None)
    st.session_state.pop("source_around", None)
