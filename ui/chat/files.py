"""Chats in and out of files: one from its menu, all of them on the page about oneself."""

from __future__ import annotations

import re

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import told
from ui.wire import ConversationHead

MAX_IMPORT_MB = 32


@st.dialog("Export this chat")
def export(head: ConversationHead) -> None:
    """Offer one chat as JSON and as Markdown."""
    st.markdown("JSON can be imported again, here or on another installation. Markdown is for reading.")
    name = re.sub(r"[^\w-]+", "-", head.title).strip("-")[:60] or "chat"
    with told(), st.container(horizontal=True):
        for label, form, ending, kind in (
            ("Markdown", "markdown", "md", "text/markdown"),
            ("JSON", "json", "json", "application/json"),
        ):
            content = state.api().export_chats(head.id, form)
            st.download_button(
                label, content, f"{name}.{ending}", kind, key=f"export-{form}", icon=":material/download:"
            )


def show_all() -> None:
    """Show export of all chats, and import."""
    st.header("Your chats", anchor=False)
    if st.button("Prepare an export of all chats", key="export-all", icon=":material/inventory_2:"):
        with told():
            content = state.api().export_chats()
            st.download_button("Download", content, "chats.json", "application/json", icon=":material/download:")
    file = st.file_uploader(
        "Import chats: our JSON, or the chat export of Open WebUI",
        type=["json"],
        max_upload_size=MAX_IMPORT_MB,
        key=state.unique("import-chats"),
    )
    if file is not None and st.button(f"Import {plain(file.name, 60)}", key="import-chats", type="primary"):
        with told():
            count = state.api().import_chats(file.getvalue())
            state.renew("import-chats")
            st.toast(f"{count} {'chat' if count == 1 else 'chats'} imported.", icon=":material/check:")
            st.rerun()
