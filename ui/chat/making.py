"""The answer that is being made: drawn anew a few times a second, without running the rest of the page."""

from __future__ import annotations

import streamlit as st

from ui import components, state, trouble
from ui.chat import asking, view
from ui.chat.turn import question
from ui.live import LiveTurn
from ui.scrub import plain

# Four looks a second read as a flow; each costs some 10 ms of this process.
LOOK_EVERY_S = 0.25


def show(conversation_id: str, turn: LiveTurn) -> None:
    """Show the question and the growing answer; once it is complete, the page runs again and shows the stored one."""
    question(turn.view.question, "live", turn.question.pictures)
    if turn.view.finished and turn.view.error is None:
        st.rerun()  # it was completed while the page was being drawn
    elif turn.view.finished:
        _ended(conversation_id, turn)
    else:
        _growing(conversation_id)


@st.fragment(run_every=LOOK_EVERY_S)
def _growing(conversation_id: str) -> None:
    turn = asking.live(conversation_id)
    if turn is None or turn.view.finished:
        st.rerun()
    opened = components.answer(view.running(turn.view, state.collection_names()), key="answer-live")
    if opened:
        asking.read_source(opened["chunk"], opened["n"], turn.turn_id)
        st.rerun()


def _ended(conversation_id: str, turn: LiveTurn) -> None:
    """Show what is left of an answer that failed."""
    assert turn.view.error is not None
    if turn.view.text:
        components.answer(view.running(turn.view, state.collection_names()), key="answer-live")
    with st.container(key="trouble-live", horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/error: {plain(trouble.sentence(turn.view.error), 400)}")
        st.button("Try again", key="again-live", on_click=asking.retry, args=(conversation_id,))
