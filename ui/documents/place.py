"""Where on the documents page somebody is, as it stands in the address."""

from __future__ import annotations

import streamlit as st

COLLECTION, DOCUMENT, VIEW = "collection", "document", "view"


def go_to_collection(collection_id: str | None) -> None:
    """Open a collection, or for None the list of all."""
    st.query_params.pop(DOCUMENT, None)
    st.session_state.pop("chunk_page", None)
    if collection_id is None:
        st.query_params.pop(COLLECTION, None)
        st.query_params.pop(VIEW, None)
    else:
        st.query_params[COLLECTION] = collection_id


def go_to_document(document_id: str) -> None:
    """Open a document."""
    st.session_state.pop("chunk_page", None)
    st.query_params[DOCUMENT] = document_id
