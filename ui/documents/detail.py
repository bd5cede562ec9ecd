"""One document: what was read from it beside the passages that search sees."""

from __future__ import annotations

import streamlit as st

from ui import components, state
from ui.components import ItemData
from ui.documents import place, table, wording
from ui.documents.readers import choose
from ui.passage_tables import parts
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Chunk, Document

CHUNKS_SHOWN = 20
TEXT_SHOWN = 20_000  # characters; a book would slow the browser down
HEIGHT = 620


def show(document: Document, is_admin: bool) -> None:
    """Show the document."""
    st.button(
        "Back to the collection",
        key="back",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=place.go_to_collection,
        args=(document.collection_id,),
    )
    _head(document, is_admin)
    if document.status == "failed":
        st.error(plain(document.reason or "It could not be read.", 500), icon=":material/error:")
    if document.status in ("queued", "running"):
        _watch(document.id)
        return
    if document.is_refused:
        st.caption(
            "Nothing of a refused file is kept. Its row goes when it is deleted, or a file of this name is taken."
        )
        return
    left, right = st.columns([1, 1], gap="medium")
    with left:
        _text(document)
    with right:
        _chunks(document, is_admin)


def _head(document: Document, is_admin: bool) -> None:
    label, icon = wording.status(document)
    colour = wording.STATUS_COLOURS.get(document.status, "gray")
    with st.container(key="page-head", horizontal=True, vertical_alignment="center"):
        st.title(plain(document.title, 160), anchor=False, width="content")
        st.badge(label, icon=f":material/{icon}:", color=colour)
    added = f"added {wording.ago(document.created_at)}"
    size = "" if document.is_refused else wording.size(document.size)
    facts = [document.path, size, document.media_type, added]
    facts += [f"by {document.uploaded_by}"] if document.uploaded_by else []
    st.caption(plain(" · ".join(fact for fact in facts if fact), 500))
    with st.container(key="document-actions", horizontal=True, gap="xsmall"):
        if not document.is_refused:
            st.link_button("Download", f"/files/{document.id}", icon=":material/download:")
        if not is_admin:
            return
        if not document.is_refused and st.button("Read again", key="reread", icon=":material/refresh:"):
            _act(document, "retry")
        if st.button("Readers", key="readers", icon=":material/lock_open_right:"):
            _readers(document)
        if st.button("Delete", key="delete-document", icon=":material/delete:"):
            table.confirm_delete([document])


def _act(document: Document, action: str) -> None:
    with told():
        state.api().act_on_documents(action, [document.id])
        st.rerun()


@st.fragment(run_every=1.5)
def _watch(document_id: str) -> None:
    document = state.api().document(document_id)
    if document.status not in ("queued", "running"):
        st.rerun()
    st.progress(document.progress, text=plain(wording.progress(document) or "Waiting for its turn"))
    if st.button("Cancel", key="cancel-document", icon=":material/block:"):
        _act(document, "cancel")


@st.dialog("Who may read this document?")
def _readers(document: Document) -> None:
    st.markdown("Leave it empty to let the collection's readers decide.")
    readers = choose(document.readers, key="document-readers", label="Readers of this document only")
    if st.button("Save", key="save-readers", type="primary"):
        with told():
            state.api().change_document(document.id, {"readers": readers})
            st.rerun()


def _text(document: Document) -> None:
    st.header("What was read", anchor=False)
    text = state.api().document_text(document.id)
    with st.container(key="document-text", height=HEIGHT, border=True):
        st.text(text[:TEXT_SHOWN] or "No text was found in this document.")
        if len(text) > TEXT_SHOWN:
            st.caption(f"The first {TEXT_SHOWN:,} of {len(text):,} characters. Download the document for the rest.")


def _chunks(document: Document, is_admin: bool) -> None:
    number = st.session_state.get("chunk_page", 1)
    page = state.api().chunks(document.id, (number - 1) * CHUNKS_SHOWN, CHUNKS_SHOWN)
    st.header(f"Passages ({page.total:,})", anchor=False)
    with st.container(key="document-chunks", height=HEIGHT, border=False):
        items = [item(chunk, is_admin) for chunk in page.chunks]
        _, toggled = components.passages(items, key=f"chunks-{document.id}-{number}")
    if toggled and is_admin:
        with told():
            state.api().enable_chunk(str(toggled["chunk"]), toggled["enabled"] is True)
            st.rerun()
    if page.total > CHUNKS_SHOWN:
        st.pagination(-(-page.total // CHUNKS_SHOWN), key="chunk_page")


def item(chunk: Chunk, is_admin: bool) -> ItemData:
    """Return a chunk as an entry of the list of passages."""
    where = [f"Page {chunk.page}" if chunk.page else "", chunk.heading]
    return ItemData(
        id=chunk.id,
        number=chunk.n + 1,
        title="",
        place=" · ".join(part for part in where if part),
        parts=parts(chunk.text),
        scores=[],
        opens=False,
        switchable=is_admin,
        enabled=chunk.enabled,
    )
