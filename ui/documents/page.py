"""The documents page as a whole: which of its three views is open stands in the address."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents import collection, detail, overview
from ui.documents.place import COLLECTION, DOCUMENT
from ui.errors import ApiRefused
from ui.wire import Collection


def show() -> None:
    """Show one document, one collection, or all collections."""
    me = state.me()
    document_id = st.query_params.get(DOCUMENT)
    if document_id is not None:
        _document(document_id, me.is_admin)
        return
    collections = state.api().collections()
    chosen = _chosen(collections)
    if chosen is None:
        overview.show(collections, me.is_admin)
    else:
        collection.show(chosen, me.is_admin)


def _document(document_id: str, is_admin: bool) -> None:
    try:
        document = state.api().document(document_id)
    except ApiRefused as refused:
        if refused.status != 404:
            raise
        st.info("This document does not exist any more, or you may not read it.", icon=":material/info:")
        st.page_link("app_pages/documents.py", label="All collections", icon=":material/arrow_back:")
        return
    detail.show(document, is_admin)


def _chosen(collections: list[Collection]) -> Collection | None:
    wanted = st.query_params.get(COLLECTION)
    return next((one for one in collections if one.id == wanted), None)
