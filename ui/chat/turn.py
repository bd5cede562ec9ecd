"""One stored turn: the question at the right, the answer, and what can be done with both."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import components, state
from ui.chat import asking, pictures, view
from ui.scrub import plain
from ui.skills import approval
from ui.trouble import careful, told
from ui.wire import Answer, Feedback, Turn

REASONS = ("Wrong answer", "Incomplete", "Wrong source", "Hard to read", "Should not be said")
READ_BY = "Administrators read the question, the answer and what you write, and may improve answers with them."
DOWN, UP = 0, 1  # what st.feedback("thumbs") returns


def show(conversation_id: str, turn: Turn, is_last: bool) -> None:
    """Show a turn; only the last one offers follow-up questions."""
    if st.session_state.get("editing") == turn.id:
        _edit(turn)
    else:
        question(turn.question, turn.id, pictures.of(turn.id))
    if turn.answer is None:
        _unanswered(turn)
        return
    opened = components.answer(
        view.stored(turn.answer, turn.question, state.collection_names()), key=f"answer-{turn.id}"
    )
    if opened and not opened["chunk"]:
        st.toast("A source you may not open. Ask whoever looks after the collection.", icon=":material/lock:")
    elif opened:
        asking.read_source(opened["chunk"], opened["n"], turn.id)
        st.rerun()
    if turn.answer.pictures:
        pictures.show_drawn(turn.answer.pictures)
    for waiting in turn.answer.approvals:
        approval.show(waiting, in_chat=is_last and len(turn.answer.approvals) == 1)
    _actions(conversation_id, turn, turn.answer)
    if st.session_state.get("reason_for") == turn.id:
        _reason(turn)
    if is_last:
        _suggestions(turn)


def question(text: str, key: str, shown: Sequence[str] = ()) -> None:
    """Show what was asked, as plain text, under its pictures."""
    if shown:
        pictures.show(shown)
    with st.container(key=f"question-{key}", width="content"):
        st.text(text)


def _edit(turn: Turn) -> None:
    with st.form(key=f"edit-{turn.id}", border=True):
        text = st.text_area("Your question", value=turn.question, max_chars=8000, height="content")
        with st.container(horizontal=True, horizontal_alignment="right"):
            cancelled = st.form_submit_button("Cancel", type="tertiary")
            sent = st.form_submit_button("Ask again", type="primary")
    if cancelled or (sent and text and text.strip()):
        st.session_state.pop("editing", None)
        if sent:
            asking.again(turn, text)
        st.rerun()


def _unanswered(turn: Turn) -> None:
    with st.container(key=f"trouble-{turn.id}", horizontal=True, vertical_alignment="center"):
        st.markdown(":material/error: There is no answer to this question.")
        st.button("Try again", key=f"again-{turn.id}", on_click=asking.again, args=(turn,))


def _actions(conversation_id: str, turn: Turn, answer: Answer) -> None:
    with st.container(key=f"actions-{turn.id}", horizontal=True, vertical_alignment="center", gap="xxsmall"):
        components.copy_button(answer.answer, key=f"copy-{turn.id}")
        st.button(
            "Regenerate",
            key=f"regenerate-{turn.id}",
            icon=":material/refresh:",
            type="tertiary",
            help="Answer again",
            on_click=asking.again,
            args=(turn,),
        )
        st.button(
            "Edit question",
            key=f"change-{turn.id}",
            icon=":material/edit:",
            type="tertiary",
            help="Edit the question",
            on_click=_start_editing,
            args=(turn.id,),
        )
        _thumbs(turn, answer.feedback)
        if turn.versions > 1:
            _versions(conversation_id, turn)
        st.caption(view.by(answer))


def _start_editing(turn_id: str) -> None:
    st.session_state["editing"] = turn_id


def _thumbs(turn: Turn, feedback: Feedback | None) -> None:
    rating = feedback.rating if feedback else None
    default = {"up": UP, "down": DOWN}.get(rating or "")
    key = f"thumbs-{turn.id}"
    st.feedback("thumbs", key=key, default=default, on_change=_rate, args=(turn.id, key))


@careful
def _rate(turn_id: str, key: str) -> None:
    chosen = st.session_state.get(key)
    rating = "up" if chosen == UP else "down" if chosen == DOWN else None
    state.api().rate(turn_id, rating)
    st.session_state["reason_for"] = turn_id if rating == "down" else None
    if rating == "up":  # no form follows that could say it
        st.toast(f"Thank you. {READ_BY} Another click takes the rating back.", icon=":material/info:")
    state.forget_conversation()


def _reason(turn: Turn) -> None:
    with st.form(key=f"reason-{turn.id}", border=True):
        reason = st.pills("What was wrong?", REASONS)
        comment = st.text_input("Tell more (optional)", max_chars=1000)
        st.caption(READ_BY)
        with st.container(horizontal=True, horizontal_alignment="right"):
            skipped = st.form_submit_button("Skip", type="tertiary")
            sent = st.form_submit_button("Send", type="primary")
    if sent:
        with told():
            state.api().rate(turn.id, "down", reason, (comment or "").strip() or None)
            state.forget_conversation()
            st.toast("Thank you. Your rating helps to improve the answers.", icon=":material/check:")
    if sent or skipped:
        st.session_state.pop("reason_for", None)
        st.rerun()


def _versions(conversation_id: str, turn: Turn) -> None:
    st.button(
        "Earlier version",
        key=f"earlier-{turn.id}",
        icon=":material/chevron_left:",
        type="tertiary",
        disabled=turn.version <= 1,
        on_click=asking.show_version,
        args=(conversation_id, turn, turn.version - 1),
    )
    st.caption(f"{turn.version} / {turn.versions}", width="content")
    st.button(
        "Later version",
        key=f"later-{turn.id}",
        icon=":material/chevron_right:",
        type="tertiary",
        disabled=turn.version >= turn.versions,
        on_click=asking.show_version,
        args=(conversation_id, turn, turn.version + 1),
    )


def _suggestions(turn: Turn) -> None:
    if turn.answer is None or not turn.answer.suggestions:
        return
    with st.container(key=f"suggestions-{turn.id}", horizontal=True, gap="xsmall"):
        for number, text in enumerate(turn.answer.suggestions[:3]):
            st.button(
                plain(text, 90),
                key=f"suggest-{turn.id}-{number}",
                icon=":material/subdirectory_arrow_right:",
                on_click=asking.ask,
                args=(text,),
            )
