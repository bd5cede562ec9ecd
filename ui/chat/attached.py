"""The files of one chat: which are attached to it, and taking one away."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents import wording
from ui.scrub import plain
from ui.trouble import careful
from ui.wire import Document

NAME_CHARS = 60


def show(conversation_id: str) -> None:
    """Show how many files are attached, their names behind it; nothing where there are none."""
    documents = state.api().attachments(conversation_id)
    if not documents:
        return
    many = "1 file" if len(documents) == 1 else f"{len(documents)} files"
    with st.popover(many, icon=":material/attach_file:", type="tertiary", key="attached"):
        st.caption("Answers in this chat rest on these files, too. Nobody else can search them.")
        for document in documents:
            _row(document)


def _row(document: Document) -> None:
    with st.container(key=f"attached-{document.id}", horizontal=True, vertical_alignment="center"):
        st.markdown(plain(document.path or document.title, NAME_CHARS))
        if document.status != "ready":
            st.caption(plain(document.reason or wording.STATUS[document.status][0], 200))
        st.button(
            "Remove",
            key=f"detach-{document.id}",
            icon=":material/close:",
            type="tertiary",
            help="Take this file away from the chat",
            on_click=_remove,
            args=(document.id,),
        )


@careful
def _remove(document_id: str) -> None:
    state.api().act_on_documents("delete", [document_id])
