"""The chat page as a whole."""

from __future__ import annotations

import streamlit as st

from ui import components, state
from ui.chat import asking, companion, composer, making, openers, share, source, temporary, turn
from ui.errors import ApiRefused
from ui.live import LiveTurn
from ui.wire import Conversation, Turn

# A long conversation must not slow the browser down: only the last turns are drawn, the rest on request.
TURNS_SHOWN = 8


def show() -> None:
    """Show the open conversation, the temporary chat, or the empty page."""
    link_id = share.asked_for()
    if link_id is not None:
        share.show(link_id)
        return
    conversation_id = asking.open_id()
    passing = temporary.opened()
    if passing is not None and conversation_id is None:
        source.show(temporary.show(passing))
        return
    conversation = _load(conversation_id)
    live = _live(conversation)
    if conversation_id is not None and live is not None and live.view.finished and live.view.error is None:
        asking.settle(conversation_id)  # it is stored now, and shown as such
        conversation = _load(conversation_id)
        live = _live(conversation)
    collections = state.api().collections()
    opened = conversation.id if conversation is not None else None  # not one that has gone
    composer.show(collections, conversation, busy=live is not None and not live.view.finished)
    with st.container(key="chat"):
        assistant = companion.chosen() if conversation is None else None
        if conversation is not None:
            companion.banner(conversation)
        if assistant is not None:
            companion.hero(assistant)
        elif conversation is None or not (conversation.turns or live):
            openers.show(state.me(), collections)
            if conversation is None:
                st.button(
                    "Temporary chat",
                    key="temporary-begin",
                    icon=":material/visibility_off:",
                    type="tertiary",
                    help="A chat of which nothing is stored",
                    on_click=temporary.begin,
                )
        else:
            _turns(conversation, live)
    components.composer(opened or "new", ready=live is None or live.view.finished)
    if conversation is not None:
        source.show(conversation.turns)


def before_live(turns: tuple[Turn, ...], live: LiveTurn | None) -> tuple[Turn, ...]:
    """Return the turns that stand above the one being made: not its earlier version, and not itself if stored."""
    if live is None:
        return turns
    hidden = {live.turn_id, live.view.replace_turn}
    for index, stored in enumerate(turns):
        if stored.id in hidden:
            return turns[:index]
    return turns


def _load(conversation_id: str | None) -> Conversation | None:
    if conversation_id is None:
        return None
    try:
        return state.conversation(conversation_id)
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        st.query_params.pop(asking.CONVERSATION, None)
        st.toast("That conversation does not exist any more.", icon=":material/info:")
        return None


def _live(conversation: Conversation | None) -> LiveTurn | None:
    """Return the answer being made; one that nobody here follows is taken up again."""
    if conversation is None:
        return None
    live = asking.live(conversation.id)
    if live is None and conversation.turns and conversation.turns[-1].status == "running":
        return asking.follow(conversation.id, conversation.turns[-1])
    return live


def _turns(conversation: Conversation, live: LiveTurn | None) -> None:
    turns = before_live(conversation.turns, live)
    count = st.session_state.get("shown_turns", TURNS_SHOWN)
    if len(turns) > count:
        st.button(
            f"Show earlier ({len(turns) - count})",
            key="earlier",
            icon=":material/expand_less:",
            type="tertiary",
            on_click=_show_more,
            args=(count,),
        )
    for stored in turns[-count:]:
        turn.show(conversation.id, stored, is_last=live is None and stored is turns[-1])
    if live is not None:
        making.show(conversation.id, live)
    components.newest(f"{conversation.id}-{len(turns) + (live is not None)}")


def _show_more(count: int) -> None:
    st.session_state["shown_turns"] = count + TURNS_SHOWN
