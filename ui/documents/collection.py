"""One collection: its documents, a try-out of its search, and its settings."""

from __future__ import annotations

import streamlit as st

from ui.documents import place, search_test, settings_view, table, upload, wording
from ui.scrub import plain
from ui.wire import Collection

DOCUMENTS, TEST, SETTINGS = "Documents", "Search test", "Access and settings"


def show(collection: Collection, is_admin: bool) -> None:
    """Show the collection."""
    st.button(
        "All collections",
        key="back",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=place.go_to_collection,
        args=(None,),
    )
    words, icon, colour = wording.access(collection.readers)
    with st.container(key="page-head", horizontal=True, vertical_alignment="center"):
        st.title(plain(collection.name, 120), anchor=False, width="content")
        st.badge(plain(words, 40), icon=f":material/{icon}:", color=colour)
    if collection.description:
        st.markdown(plain(collection.description, 400))
    views = [DOCUMENTS, TEST, SETTINGS] if is_admin else [DOCUMENTS, TEST]
    tabs = st.tabs(views, key=place.VIEW, on_change="rerun", bind="query-params")
    for name, tab in zip(views, tabs, strict=True):
        if tab.open:
            with tab:
                _view(name, collection, is_admin)


def _view(name: str, collection: Collection, is_admin: bool) -> None:
    if name == TEST:
        search_test.show(collection)
    elif name == SETTINGS:
        settings_view.show(collection)
    else:
        if is_admin:
            upload.show(collection)
        table.show(collection, is_admin)
