"""The gallery: the assistants that this person may use, and the way to a new one."""

from __future__ import annotations

import json

import streamlit as st

from ui import state
from ui.assistants import form
from ui.chat import companion
from ui.documents import wording
from ui.scrub import plain
from ui.trouble import told
from ui.wire.assistants import Assistant

MAX_FILE_MB = 1


def show() -> None:
    """Show the gallery."""
    st.title("Assistants", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            "An assistant is a chat that somebody has set up: what it is for, what it reads and how it answers."
        )
        if st.button("New assistant", key="new-assistant", icon=":material/add:", type="primary"):
            form.write(None)
        if st.button("Import", key="import-assistants", icon=":material/upload:"):
            _import()
    text = st.text_input("Search assistants", key="assistant-search", type="search", icon=":material/search:") or ""
    found = state.api().assistants(text.strip())
    if not found:
        _nothing(text.strip())
        return
    with st.container(key="assistant-list", border=True):
        for one in found:
            _row(one)


def _nothing(text: str) -> None:
    if text:
        st.info("No assistant matches.", icon=":material/search_off:")
        return
    st.info(
        "There is no assistant yet. Make one with New assistant: give it a name, say what it is to do, and choose who "
        "else may use it. What it reads is always cut down to what the person who asks may read.",
        icon=":material/info:",
    )


def _row(one: Assistant) -> None:
    with st.container(key=f"assistant-{one.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(companion.title(one))
            if one.description:
                st.markdown(plain(one.description, 200))
            st.caption(plain(about(one), 400))
            if one.withdrawn:
                st.warning("An administrator has withdrawn it from the gallery; only its owner can use it.")
        if st.button("Start a chat", key=f"begin-{one.id}", icon=":material/chat:"):
            companion.begin(one.id)
        # Beside the popover, not in it: it would stand on top of the dialogs that these open.
        if one.own and st.button("Edit", key=f"edit-assistant-{one.id}", icon=":material/edit:", type="tertiary"):
            form.write(one)
        allowed = one.own or (state.me().is_admin and one.shared)
        if allowed and st.button("Delete", key=f"delete-assistant-{one.id}", icon=":material/delete:", type="tertiary"):
            _delete(one)
        with st.popover("More", icon=":material/more_horiz:", type="tertiary", key=f"more-{one.id}"):
            _more(one)


def about(one: Assistant) -> str:
    """Return the line that tells whose an assistant is and what it is made of."""
    names = ", ".join(collection.name for collection in one.collections or ())
    made = [f"by {one.owner}" if one.owner else "its owner has left"]
    made.append("shared" if one.shared else "only you can see it")
    if not one.grounded:
        made.append("without documents")
    elif one.collections is not None:
        made.append(f"reads {names}" if names else "reads nothing that you may read")
    if one.model != "assistant":
        made.append(f"asks {one.model}")
    if one.skills is not None:
        made.append(f"skills: {', '.join(one.skills) or 'none'}")
    return " · ".join([*made, wording.ago(one.updated_at)])


def _more(one: Assistant) -> None:
    st.text(one.instructions or "It has no instructions of its own.")
    st.caption("Ask it from any OpenAI client under this model name:")
    st.code(one.model_name, language=None)
    if st.button("Duplicate", key=f"copy-assistant-{one.id}", icon=":material/content_copy:", width="stretch"):
        with told():
            copy = state.api().duplicate_assistant(one.id)
            st.toast(plain(f"{copy.name} is yours now.", 120), icon=":material/check:")
            st.rerun()
    st.download_button(
        "Export",
        lambda: json.dumps(state.api().export_assistants([one.id]), ensure_ascii=False, indent=2),
        f"{one.name}.json",
        "application/json",
        key=f"export-assistant-{one.id}",
        icon=":material/download:",
        width="stretch",
    )
    if state.me().is_admin and one.shared:
        label = "Put back into the gallery" if one.withdrawn else "Withdraw from the gallery"
        if st.button(label, key=f"withdraw-{one.id}", icon=":material/visibility_off:", width="stretch"):
            with told():
                state.api().withdraw_assistant(one.id, not one.withdrawn)
                st.rerun()


@st.dialog("Delete this assistant?")
def _delete(one: Assistant) -> None:
    st.markdown(f"Chats that were begun with **{plain(one.name, 80)}** stay, and go on with the usual settings.")
    if st.button("Delete", key="really-delete-assistant", type="primary"):
        with told():
            state.api().delete_assistant(one.id)
            st.rerun()


@st.dialog("Import assistants")
def _import() -> None:
    file = st.file_uploader("A file that Export made", type="json", key="assistant-file", max_upload_size=MAX_FILE_MB)
    if file is None or not st.button("Import", key="really-import-assistants", type="primary"):
        return
    try:
        given = json.loads(file.getvalue())
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        st.error("This is no file of assistants; choose one that Export made.", icon=":material/error:")
        return
    with told():
        made = state.api().import_assistants(given)
        names = ", ".join(one.name for one in made.assistants) or "nothing"
        st.success(plain(f"Taken in: {names}. They are yours and shared with nobody.", 400))
        for sentence in made.left_out:
            st.warning(plain(sentence, 300))
