"""The conversations of a person in the sidebar: pinned ones first, then by date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import groupby
from typing import NoReturn

import streamlit as st

from ui import state
from ui.chat import asking, files, folder, share, temporary
from ui.scrub import plain
from ui.trouble import told
from ui.wire import ConversationHead

FIRST_SHOWN = 30


def show(conversation_id: str | None) -> None:
    """Show the search field and the list."""
    text = st.text_input(
        "Search conversations",
        key="history-search",
        type="search",
        placeholder="Search conversations",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    limit = st.session_state.get("history_limit", FIRST_SHOWN)
    heads = state.api().conversations((text or "").strip(), limit)
    if not heads:
        st.caption("No conversation matches." if text else "Your conversations will be listed here.")
    folders = sorted({head.folder for head in heads if head.folder and not head.pinned}, key=str.casefold)
    loose = [head for head in heads if head.pinned or not head.folder]
    groups = grouped(loose, _today())
    pinned = [group for group in groups if group[0] == "Pinned"]
    for name, members in pinned:
        _group_of(name, members, conversation_id, folders)
    for name in folders:
        _folder(name, [head for head in heads if head.folder == name and not head.pinned], conversation_id, folders)
    for name, members in groups[len(pinned) :]:
        _group_of(name, members, conversation_id, folders)
    if len(heads) >= limit:
        st.button("Show more", key="history-more", type="tertiary", on_click=_show_more, args=(limit,))


def grouped(heads: Sequence[ConversationHead], today: date) -> list[tuple[str, list[ConversationHead]]]:
    """Return the conversations under the names of their groups, in the order of the sidebar."""
    order = ("Pinned", "Today", "Yesterday", "Last 7 days", "Last 30 days", "Older")
    zone = _zone()
    named = [(_group(head, today, zone), head) for head in heads]
    ranked = sorted(named, key=lambda pair: (order.index(pair[0]), -pair[1].updated_at))
    return [(name, [head for _, head in members]) for name, members in groupby(ranked, key=lambda pair: pair[0])]


def _group(head: ConversationHead, today: date, zone: tzinfo) -> str:
    if head.pinned:
        return "Pinned"
    days = (today - datetime.fromtimestamp(head.updated_at, zone).date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    return "Last 7 days" if days < 7 else "Last 30 days" if days < 30 else "Older"


def _zone() -> tzinfo:
    """Return the time zone of the browser."""
    minutes = st.context.timezone_offset
    return timezone(-timedelta(minutes=minutes)) if minutes is not None else UTC


def _today() -> date:
    return datetime.now(_zone()).date()


def _group_of(name: str, members: Sequence[ConversationHead], opened: str | None, folders: Sequence[str]) -> None:
    st.caption(name)
    for head in members:
        _row(head, head.id == opened, folders)


def _folder(name: str, members: Sequence[ConversationHead], opened: str | None, folders: Sequence[str]) -> None:
    has_open = any(head.id == opened for head in members)
    with st.expander(f"{plain(name, 40)} ({len(members)})", icon=":material/folder:", expanded=has_open):
        for head in members:
            _row(head, head.id == opened, folders)
        chosen = st.menu_button(
            "Folder", ["Rename folder", "Delete folder"], key=f"folder-{name}", type="tertiary", width="stretch"
        )
    if chosen == "Rename folder":
        folder.rename(name)
    elif chosen:
        folder.delete(name)


def _row(head: ConversationHead, is_open: bool, folders: Sequence[str]) -> None:
    title = head.title or "New conversation"
    with st.container(key=f"{'here' if is_open else 'past'}-{head.id}", horizontal=True, gap=None):
        icon = ":material/link:" if head.shared else None
        if st.button(plain(title, 60), icon=icon, key=f"open-{head.id}", type="tertiary", width="stretch"):
            open_conversation(head.id)
        chosen = st.menu_button(
            "Actions",
            ["Rename", "Unpin" if head.pinned else "Pin", "Move to folder", "Share", "Export", "Delete"],
            key=f"menu-{head.id}",
            icon=":material/more_horiz:",
            type="tertiary",
        )
    if chosen == "Rename":
        _rename(head)
    elif chosen == "Move to folder":
        folder.move(head, folders)
    elif chosen == "Export":
        files.export(head)
    elif chosen == "Share":
        share.share(head)
    elif chosen == "Delete":
        _delete(head, is_open)
    elif chosen:
        state.api().change_conversation(head.id, {"pinned": not head.pinned})
        st.rerun()


def open_conversation(conversation_id: str | None) -> NoReturn:
    """Go to the chat page with a conversation open, or a new one for None."""
    for name in ("source", "editing", "reason_for", "shown_turns"):
        st.session_state.pop(name, None)
    temporary.leave()
    state.forget_conversation()
    state.forget("openers")
    st.query_params.pop(share.SHARED, None)
    st.switch_page(asking.PAGE, query_params={asking.CONVERSATION: conversation_id} if conversation_id else None)


def _show_more(limit: int) -> None:
    st.session_state["history_limit"] = limit + FIRST_SHOWN


@st.dialog("Rename this conversation")
def _rename(head: ConversationHead) -> None:
    with st.form(key=f"rename-{head.id}", border=False):
        title = st.text_input("Title", value=head.title, max_chars=200)
        if st.form_submit_button("Rename", type="primary") and title and title.strip():
            with told():
                state.api().change_conversation(head.id, {"title": title.strip()})
                st.rerun()


@st.dialog("Delete this conversation?")
def _delete(head: ConversationHead, is_open: bool) -> None:
    st.markdown(f"“{plain(head.title or 'New conversation')}” and the files attached to it will be gone for good.")
    if st.button("Delete", key=f"really-{head.id}", type="primary"):
        with told():
            state.api().delete_conversation(head.id)
            if is_open:
                open_conversation(None)
            st.rerun()
