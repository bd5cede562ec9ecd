"""A collection's name, description and readers, and its end."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents import place
from ui.documents.readers import choose
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Collection


def show(collection: Collection) -> None:
    """Show the form, and the way to delete the collection."""
    with st.form("collection-settings", border=True):
        readers = choose(collection.readers, key=f"readers-{collection.id}")
        st.caption("A change holds from the next question on, also for what has been indexed long ago.")
        name = st.text_input("Name", value=collection.name, max_chars=120)
        description = st.text_input("What is in it", value=collection.description, max_chars=400)
        sent = st.form_submit_button("Save", type="primary")
    if sent and (name or "").strip():
        with told():
            changes = {"name": (name or "").strip(), "description": (description or "").strip(), "readers": readers}
            state.api().change_collection(collection.id, changes)
            st.toast("Saved.", icon=":material/check:")
            st.rerun()
    with st.container(key="danger", border=True, horizontal=True, vertical_alignment="center"):
        st.markdown("**Delete this collection** with all its documents. This cannot be undone.")
        if st.button("Delete collection", key="delete-collection", icon=":material/delete:"):
            _delete(collection)


@st.dialog("Delete this collection?")
def _delete(collection: Collection) -> None:
    st.markdown(
        f"“{plain(collection.name)}” and its {collection.n_documents} documents will be gone for good. "
        "Type its name to confirm."
    )
    typed = st.text_input("Name of the collection", key="delete-collection-name")
    if st.button("Delete", key="really-delete-collection", type="primary", disabled=typed != collection.name):
        with told():
            state.api().delete_collection(collection.id)
            place.go_to_collection(None)
            st.rerun()
