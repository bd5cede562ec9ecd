"""Folders of conversations: moving into one, renaming and deleting one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import told
from ui.wire import ConversationHead

MAX_CHARS = 60


@st.dialog("Move to a folder")
def move(head: ConversationHead, folders: Sequence[str]) -> None:
    """Ask for the folder of a conversation: one that is there, a new one, or none."""
    with st.form(key=f"move-{head.id}", border=False):
        names = [name for name in folders if name != head.folder]
        chosen = st.selectbox(
            "Folder", names, index=None, placeholder="Choose one, or type a new name", accept_new_options=True
        )
        with st.container(horizontal=True):
            moved = st.form_submit_button("Move", type="primary")
            out = head.folder != "" and st.form_submit_button("Take out of its folder")
    name = (chosen or "").strip()
    if out or (moved and name):
        with told():
            state.api().change_conversation(head.id, {"folder": "" if out else name[:MAX_CHARS]})
            st.rerun()


@st.dialog("Rename this folder")
def rename(name: str) -> None:
    """Ask for another name; the name of another folder makes one of the two."""
    with st.form(key="rename-folder", border=False):
        to = st.text_input("Name", value=name, max_chars=MAX_CHARS)
        if st.form_submit_button("Rename", type="primary") and to and to.strip():
            with told():
                state.api().rename_folder(name, to.strip())
                st.rerun()


@st.dialog("Delete this folder?")
def delete(name: str) -> None:
    """Ask once more, then delete a folder; its conversations stay."""
    st.markdown(f"The chats in “{plain(name)}” stay; they are listed by date again.")
    if st.button("Delete", key="really-folder", type="primary"):
        with told():
            state.api().delete_folder(name)
            st.rerun()
