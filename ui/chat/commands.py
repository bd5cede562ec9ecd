"""Questions that begin with "/": with the name of a prompt, or asking which prompts there are.

Streamlit's chat input says nothing while somebody types, so this happens as the question is sent. The server reads the
name and puts the prompt to use; here it is asked first, so that an unknown name asks nothing and begins no chat.
"""

from __future__ import annotations

import streamlit as st

from ui import state, trouble
from ui.scrub import plain
from ui.trouble import careful
from ui.wire import Turn
from ui.wire.prompts import Command

HINT = "/ lists prompts"
_SHOWN = "commands"
_WHAT = {"answer": "answers from documents", "chat": "without documents"}


def may_be_asked(text: str) -> bool:
    """Return whether a text that was sent is a question; otherwise what there is, or what is wrong, is shown."""
    st.session_state.pop(_SHOWN, None)
    if not text.startswith("/"):
        return True
    _read(text)
    return not trouble.pending() and _SHOWN not in st.session_state


def show() -> None:
    """Show the prompts that a question may begin with, where they were asked for."""
    found: list[Command] = st.session_state.get(_SHOWN) or []
    if not found:
        return
    with st.container(key="commands", border=True):
        st.markdown("Begin your question with one of these, and it is asked with that prompt:")
        st.markdown(
            "\n".join(f"- **/{plain(one.name, 60)}** · {_WHAT.get(one.job, plain(one.job, 40))}" for one in found)
        )
        st.button("Close", key="commands-close", icon=":material/close:", type="tertiary", on_click=_close)


def again(turn: Turn, text: str) -> str:
    """Return the question as it was typed: the prompt that a turn was asked with stands before it."""
    steps = turn.answer.steps if turn.answer is not None else ()
    named = next((step.detail for step in steps if step.name == "prompt"), "")
    return f"{named} {text}" if named and not text.startswith("/") else text


@careful
def _read(text: str) -> None:
    found = state.api().read_command(text)
    if found:
        st.session_state[_SHOWN] = found


def _close() -> None:
    st.session_state.pop(_SHOWN, None)
