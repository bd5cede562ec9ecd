"""The table of a collection's documents: status while they are being read, and actions on several at once."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import components, state
from ui.documents import place, wording
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire import Collection, Document

TABLE = "documents-table"
PAGE_SIZE = 50
WATCH_EVERY_S = 2.0
FILTERS = {"All": "", "Ready": "ready", "Reading": "running", "Waiting": "queued", "Failed": "failed"}


def show(collection: Collection, is_admin: bool) -> None:
    """Show filters and table; while something is being read the table looks again every other second."""
    text, status = _filters(collection)
    offset = (st.session_state.get("documents-page", 1) - 1) * PAGE_SIZE
    page = state.api().documents(collection.id, status, text, PAGE_SIZE, offset)
    if not page.total and not text and not status:
        _empty(is_admin)
        return
    active = any(document.status in ("queued", "running") for document in page.documents)
    draw = st.fragment(_table, run_every=WATCH_EVERY_S if active else None)
    draw(collection.id, status, text, offset, is_admin, active)
    if page.total > PAGE_SIZE:
        st.pagination(-(-page.total // PAGE_SIZE), key="documents-page")


def _filters(collection: Collection) -> tuple[str, str]:
    with st.container(key="documents-filters", horizontal=True, vertical_alignment="center"):
        text = st.text_input(
            "Find a document",
            type="search",
            placeholder="Find by name",
            icon=":material/search:",
            label_visibility="collapsed",
            key=f"find-{collection.id}",
            width=260,
        )
        chosen = st.pills(
            "Status", list(FILTERS), default="All", required=True, key="status-filter", label_visibility="collapsed"
        )
    return (text or "").strip(), FILTERS[chosen or "All"]


def _empty(is_admin: bool) -> None:
    with st.container(key="empty", horizontal_alignment="center"):
        st.markdown(":material/upload_file:", text_alignment="center")
        st.header("Nothing in here yet", anchor=False, text_alignment="center")
        st.markdown(
            "Drop documents on the field above. Each can be asked about as soon as it is ready."
            if is_admin
            else "An administrator has yet to add documents.",
            text_alignment="center",
        )


def _table(collection_id: str, status: str, text: str, offset: int, is_admin: bool, active: bool) -> None:
    page = state.api().documents(collection_id, status, text, PAGE_SIZE, offset)
    if active and not any(document.status in ("queued", "running") for document in page.documents):
        st.rerun()  # all has been read: the counts above change, and nothing needs watching any more
    with st.container(key="documents-bar", horizontal=True, vertical_alignment="center"):
        st.caption(wording.summary(page, status))
        bar = st.container(key="documents-acts", horizontal=True, vertical_alignment="center", gap="xsmall")
    ticked, opened = components.documents([wording.row(one) for one in page.documents], key=TABLE)
    if opened:
        place.go_to_document(opened)
        st.rerun()
    chosen = [document for document in page.documents if document.id in ticked]
    if chosen and is_admin:
        with bar:
            _actions(chosen)


def _actions(chosen: Sequence[Document]) -> None:
    st.caption(f"{len(chosen)} selected")
    retry = [one.id for one in chosen if one.status in ("failed", "cancelled", "ready") and not one.is_refused]
    cancel = [one.id for one in chosen if one.status in ("queued", "running")]
    if retry:
        st.button("Read again", key="bulk-retry", icon=":material/refresh:", on_click=_act, args=("retry", retry))
    if cancel:
        st.button("Cancel", key="bulk-cancel", icon=":material/block:", on_click=_act, args=("cancel", cancel))
    if st.button("Delete", key="bulk-delete", icon=":material/delete:"):
        confirm_delete(chosen)


@careful
def _act(action: str, ids: list[str]) -> None:
    state.api().act_on_documents(action, ids)
    components.untick(TABLE)


@st.dialog("Delete documents?")
def confirm_delete(chosen: Sequence[Document]) -> None:
    """Ask, and delete documents with all their passages."""
    names = ", ".join(f"“{plain(document.title, 60)}”" for document in chosen[:3])
    more = f" and {len(chosen) - 3} more" if len(chosen) > 3 else ""
    st.markdown(f"{names}{more} will be gone for good. Answers that cite them keep their quotes.")
    if st.button("Delete", key="really-delete", type="primary"):
        with told():
            state.api().act_on_documents("delete", [document.id for document in chosen])
            components.untick(TABLE)
            st.query_params.pop(place.DOCUMENT, None)
            st.rerun()
