"""Sharing a chat by link, and reading one that somebody shared."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import streamlit as st

from ui import components, state
from ui.chat import asking, source, view
from ui.chat.turn import question
from ui.errors import ApiRefused
from ui.scrub import plain
from ui.trouble import told
from ui.wire import ConversationHead, Link, SharedChat, SharedTurn, Turn

SHARED = "shared"  # the query parameter that names a shared chat
_HIDDEN = "A source you may not open"


@st.dialog("Share this chat")
def share(head: ConversationHead) -> None:
    """Show the link of a chat, or make one."""
    st.markdown(
        "Whoever has an account here and the link can read the questions as they are now, and those answers whose "
        "sources they may read."
    )
    with told():
        link = _link(head.id)
        if link is None:
            if st.button("Make a link", key="share-make", type="primary"):
                state.api().share(head.id)
                st.rerun(scope="fragment")
            return
        st.code(f"{_address()}/?{SHARED}={link.id}", language=None, wrap_lines=True)
        moment = datetime.fromtimestamp(link.created_at, UTC)
        answers = "1 answer" if link.turns == 1 else f"{link.turns} answers"
        st.caption(f"Shared on {moment:%d %B %Y}, {answers}. What was said later is not in it.")
        with st.container(horizontal=True):
            if st.button("Share anew", key="share-anew", help="A new link to the chat as it is now; the old one ends"):
                state.api().share(head.id)
                st.rerun(scope="fragment")
            if st.button("Stop sharing", key="share-stop"):
                state.api().revoke(head.id)
                st.rerun(scope="fragment")


def asked_for() -> str | None:
    """Return the id of the shared chat that the address names."""
    return st.query_params.get(SHARED)


def show(link_id: str) -> None:
    """Show a shared chat, read-only."""
    try:
        chat = state.remembered(f"shared-{link_id}", lambda: state.api().shared(link_id))
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        with st.container(key="trouble-page"):
            st.title("This chat is not shared any more", anchor=False)
            st.markdown("Whoever shared it has ended the link or deleted the chat. Ask them for a new one.")
        return
    turns = _turns(chat)
    with st.container(key="chat"):
        _head(chat)
        for turn in turns:
            _turn(turn)
    source.show(turns)


def _link(conversation_id: str) -> Link | None:
    try:
        return state.api().link(conversation_id)
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        return None


def _address() -> str:
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _head(chat: SharedChat) -> None:
    st.title(plain(chat.title or "A shared chat", 120), anchor=False)
    moment = datetime.fromtimestamp(chat.created_at, UTC)
    by = f" by {plain(chat.by, 40)}" if chat.by else ""
    st.caption(f"Shared{by} on {moment:%d %B %Y}. You can read it; to ask yourself, begin a new chat.")


def _turns(chat: SharedChat) -> tuple[Turn, ...]:
    """Return the turns as the page shows turns; sources that may not be opened have no name."""
    return tuple(_as_turn(number, turn) for number, turn in enumerate(chat.turns))


def _as_turn(number: int, shared: SharedTurn) -> Turn:
    cited = tuple(one if one.readable else one.model_copy(update={"title": _HIDDEN}) for one in shared.answer.citations)
    answer = shared.answer.model_copy(update={"citations": cited})
    return Turn(id=f"shared-{number}", question=shared.question, answer=answer)


def _turn(turn: Turn) -> None:
    assert turn.answer is not None
    question(turn.question, turn.id)
    chosen = components.answer(view.stored(turn.answer, turn.question), key=f"answer-{turn.id}")
    if not chosen:
        return
    if chosen["chunk"]:
        asking.read_source(chosen["chunk"], chosen["n"], turn.id)
        st.rerun()
    st.toast(f"{_HIDDEN}. Ask whoever looks after the collection.", icon=":material/lock:")
