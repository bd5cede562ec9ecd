"""The place at the bottom where questions are typed, files are added and the collections are chosen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.typing import ChatInputValue, UploadedFile

from ui import state, trouble, upload_limits
from ui.chat import asking, attached, commands, manner, spoken
from ui.scrub import plain
from ui.transport import NamedFile
from ui.wire import Collection, Conversation

MAX_QUESTION_CHARS = 8000


def show(collections: Sequence[Collection], conversation: Conversation | None, busy: bool) -> None:
    """Show the composer of the open conversation, or of the one that is to be begun."""
    conversation_id = conversation.id if conversation is not None else None
    state.name_collections(collections)
    if "draft" in st.session_state:  # a question that could not be sent comes back to be sent again
        st.session_state["question"] = st.session_state.pop("draft")
    with st.bottom, st.container(key="composer"):
        commands.show()
        with st.container(key="composer-bar", horizontal=True, vertical_alignment="center"):
            picker(collections)
            if conversation_id is not None:
                attached.show(conversation_id)
            _memory(conversation_id, conversation is None or conversation.memory)
            manner.show(conversation_id, conversation.manner if conversation is not None else manner.fresh())
            if busy and conversation_id is not None:
                stop_button(conversation_id)
        st.chat_input(
            f"Ask about your documents ({commands.HINT})",
            key="question",
            accept_file="multiple",
            accept_audio=spoken.on(),
            max_upload_size=upload_limits.attachment_mb(),
            max_chars=MAX_QUESTION_CHARS,
            disabled=busy,
            on_submit=_send,
        )


def stop_button(conversation_id: str) -> None:
    """Show what stops the answer that is being made."""
    st.button(
        "Stop",
        key="stop",
        icon=":material/stop_circle:",
        shortcut="Esc",
        on_click=asking.stop,
        args=(conversation_id,),
    )


def _send() -> None:
    """Ask what was just typed, before the page is drawn, so that it is drawn once."""
    sent: ChatInputValue | None = st.session_state["question"]
    if sent is None or not (sent.text.strip() or sent.files or recorded(sent)):
        return
    if not commands.may_be_asked(sent.text.strip()):
        if trouble.pending():
            st.session_state["draft"] = sent.text
        return
    asking.ask(sent.text.strip(), [named(file) for file in sent.files], recording=recorded(sent))
    if trouble.pending():
        st.session_state["draft"] = sent.text


def _memory(conversation_id: str | None, on: bool) -> None:
    st.toggle(
        "Memory",
        value=on,
        key=f"memory-{conversation_id or 'new'}",
        on_change=asking.switch_memory if conversation_id else None,
        args=(conversation_id,) if conversation_id else None,
        help="Switched off, nothing is recalled or remembered in this chat.",
    )


def recorded(sent: ChatInputValue) -> NamedFile | None:
    """Return what was said in place of typing, where something was."""
    recording = sent.get("audio")  # there is none where speech is off
    return named(recording) if isinstance(recording, UploadedFile) else None


def named(file: UploadedFile) -> NamedFile:
    """Return an uploaded file as the API client takes it; the name may hold the path inside an uploaded folder."""
    return file.name, file, file.type or "application/octet-stream"


def picker(collections: Sequence[Collection]) -> None:
    """Show the choice of collections to search in, where there are several."""
    if len(collections) < 2:
        return
    chosen = _still_there(collections)
    label = ", ".join(chosen) if chosen else "All collections"
    with st.popover(plain(label, 48), icon=":material/folder_open:", type="tertiary"):
        st.pills(
            "Search in",
            [collection.name for collection in collections],
            selection_mode="multi",
            format_func=plain,
            key="collections",
            help="Nothing chosen means everything that you may read.",
        )


def _still_there(collections: Sequence[Collection]) -> list[str]:
    """Return the chosen names, without those of collections that have gone or may no longer be read."""
    names = {collection.name for collection in collections}
    chosen = [name for name in st.session_state.get("collections") or [] if name in names]
    if chosen != (st.session_state.get("collections") or []):
        st.session_state["collections"] = chosen
    return chosen
