"""The assistant of the gallery that a chat is with: chosen before the first question, kept with the chat."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from ui import state
from ui.chat import asking, temporary
from ui.errors import ApiRefused
from ui.scrub import plain
from ui.wire import Conversation
from ui.wire.assistants import Assistant

_COLOURS = ("blue", "green", "orange", "red", "violet", "gray")
_GONE = "That assistant was deleted or is no longer shared with you; this chat has the usual settings."


def begin(assistant_id: str) -> NoReturn:
    """Go to an empty chat with the assistant."""
    temporary.leave()
    state.forget_conversation()
    st.switch_page(asking.PAGE, query_params={asking.ASSISTANT: assistant_id})


def chosen() -> Assistant | None:
    """Return the assistant that the address names for a new chat; None without one, or when it is gone."""
    assistant_id = st.query_params.get(asking.ASSISTANT)
    if assistant_id is None:
        return None
    try:
        return state.api().assistant(assistant_id)
    except ApiRefused as refused:
        if refused.status not in (404, 422):
            raise
        st.query_params.pop(asking.ASSISTANT, None)
        st.toast(_GONE, icon=":material/info:")
        return None


def hero(one: Assistant) -> None:
    """Greet in the name of the assistant, and offer its example questions."""
    with st.container(key="hero"):
        st.title(plain(one.name, 80), anchor=False)
        st.markdown(plain(one.greeting or one.description or "What would you like to know?", 1_000))
        st.caption(plain(f"An assistant{f' by {one.owner}' if one.owner else ''}", 120))
        with st.container(key="openers"):
            for number, text in enumerate(one.questions):
                key = f"opener-{number}"
                st.button(plain(text, 200), key=key, width="stretch", on_click=asking.ask, args=(text,))


def banner(conversation: Conversation) -> None:
    """Show whom the chat is with, and what became of them."""
    kept = conversation.assistant
    if kept is None:
        return
    with st.container(key="chat-assistant"):
        st.markdown(title(kept.card) if kept.card else f"**{plain(kept.name, 80)}**")
        if kept.notice:
            st.caption(plain(kept.notice, 400))


def title(one: Assistant) -> str:
    """Return an assistant's icon and name as Markdown."""
    icon = one.icon if one.icon.replace("_", "").isalpha() else "smart_toy"
    colour = one.colour if one.colour in _COLOURS else "blue"
    return f":{colour}[:material/{icon}:] **{plain(one.name, 80)}**"
