"""All collections as cards."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.documents import place, wording
from ui.documents.readers import choose
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Collection


def show(collections: Sequence[Collection], is_admin: bool) -> None:
    """Show the cards, or what to do when there are none."""
    with st.container(key="page-head", horizontal=True, vertical_alignment="bottom"):
        st.title("Documents", anchor=False)
        if is_admin and collections:
            st.button("New collection", key="new-collection", icon=":material/add:", type="primary", on_click=_ask_new)
    if st.session_state.pop("asking_new_collection", False):
        _new()
    if not collections:
        _empty(is_admin)
        return
    st.markdown("A collection is a set of documents with the same readers. Answers only use what the asker may read.")
    with st.container(key="cards"):
        for collection in collections:
            _card(collection)


def _ask_new() -> None:
    st.session_state["asking_new_collection"] = True


def _empty(is_admin: bool) -> None:
    with st.container(key="empty", horizontal_alignment="center"):
        st.markdown(":material/folder_open:", text_alignment="center")
        st.header("No collections yet", anchor=False, text_alignment="center")
        if is_admin:
            st.markdown("Make one, say who may read it, and drop your first documents in.", text_alignment="center")
            st.button("New collection", key="first", icon=":material/add:", type="primary", on_click=_ask_new)
        else:
            st.markdown(
                "There is nothing that you may read. An administrator can open a collection to you.",
                text_alignment="center",
            )


def _card(collection: Collection) -> None:
    words, icon, colour = wording.access(collection.readers)
    with st.container(key=f"card-{collection.id}", border=True):
        st.button(
            plain(collection.name, 80),
            key=f"collection-{collection.id}",
            type="tertiary",
            on_click=place.go_to_collection,
            args=(collection.id,),
        )
        st.markdown(plain(collection.description, 160) or "No description")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(plain(words, 40), icon=f":material/{icon}:", color=colour)
            st.caption(wording.contents(collection))


@st.dialog("New collection")
def _new() -> None:
    with st.form("new-collection-form", border=False):
        name = st.text_input("Name", max_chars=120, placeholder="Handbook")
        description = st.text_input("What is in it", max_chars=400, placeholder="How we work")
        readers = choose([wording.EVERYONE], key="new-collection-readers")
        sent = st.form_submit_button("Create", type="primary", width="stretch")
    if sent and not (name or "").strip():
        st.error("Give the collection a name.", icon=":material/error:")
    elif sent:
        with told():
            made = state.api().add_collection((name or "").strip(), (description or "").strip(), readers)
            place.go_to_collection(made.id)
            st.rerun()
