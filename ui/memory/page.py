"""What the assistant remembers of the person who is signed in: theirs to see, change, take away and delete."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.chat import asking
from ui.documents.wording import ago
from ui.memory import groups
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire.memory import LongChat, Memory, Note

MAX_CHARS = 500
_KINDS = {"fact": "Fact", "preference": "How to answer"}


def show() -> None:
    """Show the switch, the suggestions and the notes."""
    st.title("Memory", anchor=False)
    memory = state.api().memory()
    if not memory.available:
        st.info("This installation remembers nobody; an administrator can change that.", icon=":material/info:")
        return
    st.markdown(
        "Your own notes help to answer you, and nobody else sees them. Write one here, or say in a chat: "
        "*Remember that my office is in Graz.*"
    )
    st.toggle(
        "Use and take notes",
        value=memory.on,
        key="memory-switch",
        on_change=_switch,
        help="Switched off, nothing is recalled or remembered. Your notes stay until you delete them.",
    )
    _new()
    if memory.suggestions:
        st.header("Suggestions", anchor=False)
        st.caption("You said this in a chat. It counts only once you keep it.")
        with st.container(key="suggested-notes", gap=None, border=True):
            for note in memory.suggestions:
                _suggestion(note)
    _own(memory)
    _chats(memory.chats)
    groups.show(state.api().group_memory())


def _own(memory: Memory) -> None:
    st.header("Your notes", anchor=False)
    if not memory.notes:
        st.info("Nothing is remembered about you yet.", icon=":material/info:")
        return
    with st.container(key="note-list", gap=None, border=True):
        for note in memory.notes:
            _row(note)
    _foot(memory)


def _new() -> None:
    with st.form("new-note", clear_on_submit=True, border=False), st.container(horizontal=True):
        text = st.text_input(
            "What to remember",
            placeholder="My office is in Graz",
            max_chars=MAX_CHARS,
            label_visibility="collapsed",
        )
        sent = st.form_submit_button("Remember", icon=":material/add:", type="primary")
    if sent and (text or "").strip():
        with told():
            replaced = state.api().add_note((text or "").strip())
            named = plain(" and ".join(f"“{text}”" for text in replaced), 200)
            st.toast(f"It takes the place of {named}." if replaced else "It is remembered.", icon=":material/check:")
            st.rerun()


def _suggestion(note: Note) -> None:
    with st.container(key=f"suggested-{note.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.text(note.text)
            st.caption(_about(note))
        _source(note)
        st.button("Keep", key=f"keep-{note.id}", icon=":material/check:", on_click=_keep, args=(note.id,))
        st.button(
            "Dismiss",
            key=f"dismiss-{note.id}",
            icon=":material/close:",
            type="tertiary",
            on_click=_delete,
            args=(note.id,),
        )


def _row(note: Note) -> None:
    with st.container(key=f"note-{note.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.text(note.text)
            st.caption(_about(note))
        _source(note)
        if st.button("Edit", key=f"edit-note-{note.id}", icon=":material/edit:", type="tertiary"):
            _edit(note)
        st.button(
            "Delete",
            key=f"delete-note-{note.id}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_delete,
            args=(note.id,),
        )


def _about(note: Note) -> str:
    """Return what a note is, how sure it is, and when it was said."""
    when = ago(note.created_at or note.updated_at) if note.created_at or note.updated_at else ""
    sure = f"{note.certainty}, {100 * note.confidence:.0f} % sure"
    return plain(" · ".join(part for part in (_KINDS.get(note.kind, note.kind), sure, when) if part))


def _source(note: Note) -> None:
    """Offer the way to the chat in which a note was said, where it still exists."""
    if note.conversation_id and st.button(
        "Chat",
        key=f"source-{note.id}",
        icon=":material/chat:",
        type="tertiary",
        help="Open the chat in which it was said",
    ):
        st.switch_page(asking.PAGE, query_params={asking.CONVERSATION: note.conversation_id})


def _chats(chats: Sequence[LongChat]) -> None:
    """Show what is kept of long chats, each with the way to it."""
    if not chats:
        return
    st.header("Long chats", anchor=False)
    st.caption("What you stated in them, in your own words. It helps in that chat alone, and is deleted with it.")
    for chat in chats:
        with st.expander(plain(chat.title, 80) or "Chat"):
            for sentence in chat.summary:
                st.text(sentence)
            if st.button("Open the chat", key=f"chat-{chat.conversation}", icon=":material/chat:", type="tertiary"):
                st.switch_page(asking.PAGE, query_params={asking.CONVERSATION: chat.conversation})


def _foot(memory: Memory) -> None:
    kept = [{"text": note.text, "kind": note.kind} for note in memory.notes]
    with st.container(key="memory-foot", horizontal=True):
        st.download_button(
            "Export",
            json.dumps({"notes": kept}, ensure_ascii=False, indent=2),
            file_name="memory.json",
            mime="application/json",
            icon=":material/download:",
        )
        if st.button("Delete everything", key="forget-me", icon=":material/delete_forever:", type="tertiary"):
            _forget(len(memory.notes) + len(memory.suggestions))


@st.dialog("Edit this note")
def _edit(note: Note) -> None:
    text = st.text_area("Note", value=note.text, max_chars=MAX_CHARS)
    names = list(_KINDS)
    kind = st.radio(
        "It is",
        names,
        index=names.index(note.kind) if note.kind in names else 0,
        format_func=lambda name: _KINDS[name],
        help="A fact is recalled when a question is about it; how to answer counts for every question.",
    )
    if st.button("Save", key="save-note", type="primary"):
        with told():
            state.api().change_note(note.id, {"text": (text or "").strip(), "kind": kind})
            st.rerun()


@st.dialog("Delete everything?")
def _forget(count: int) -> None:
    st.markdown(f"All {count} notes and suggestions about you are deleted at once. Chats stay until you delete them.")
    if st.button("Delete everything", key="really-forget", type="primary"):
        with told():
            state.api().forget_me()
            st.rerun()


@careful
def _switch() -> None:
    state.api().switch_memory(bool(st.session_state.get("memory-switch")))


@careful
def _keep(note_id: str) -> None:
    state.api().change_note(note_id, {"keep": True})


@careful
def _delete(note_id: str) -> None:
    state.api().delete_note(note_id)
