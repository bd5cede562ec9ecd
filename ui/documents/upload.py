"""Putting documents into a collection: files, a whole folder, a web address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.typing import UploadedFile

from ui import state, upload_limits
from ui.chat.composer import named
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Accepted, Collection, Refused

KINDS = "PDF, Word, PowerPoint, Excel, CSV, HTML, Markdown, text, mail, images and scans, ZIP of those"


def show(collection: Collection) -> None:
    """Show the drop field, and the other two ways beside it."""
    with st.container(key="add-documents"):
        how = st.segmented_control(
            "Add documents",
            ["Files", "Folder", "Web address"],
            default="Files",
            required=True,
            key="add-how",
            label_visibility="collapsed",
        )
        if how == "Web address":
            _address(collection)
        else:
            _files(collection, whole_folder=how == "Folder")
    _refused()


def _files(collection: Collection, whole_folder: bool) -> None:
    most = upload_limits.document_mb()
    given = st.file_uploader(
        f"Drop {'a folder' if whole_folder else 'documents'} here: {KINDS}",
        accept_multiple_files="directory" if whole_folder else True,
        key=state.unique(f"upload-{'folder' if whole_folder else 'files'}-{collection.id}"),
        max_upload_size=most,
    )
    if given:
        _send(collection, given)


def _send(collection: Collection, files: Sequence[UploadedFile]) -> None:
    with told():
        many = "1 document" if len(files) == 1 else f"{len(files)} documents"
        taken_in: list[Accepted] = []
        refused: list[Refused] = []
        with st.spinner(f"Handing over {many} …"):
            for batch in upload_limits.in_requests(files):
                upload = state.api().upload(collection.id, [named(file) for file in batch])
                taken_in += upload.documents
                refused += upload.refused
        st.session_state["refused"] = refused
        if taken_in:
            taken = "1 document is" if len(taken_in) == 1 else f"{len(taken_in)} documents are"
            st.toast(f"{taken} safe and will be read now.", icon=":material/check:")
        state.renew(f"upload-files-{collection.id}")
        state.renew(f"upload-folder-{collection.id}")
        st.rerun()


def _refused() -> None:
    refused: Sequence[Refused] = st.session_state.get("refused") or ()
    if not refused:
        return
    with st.container(key="refused", border=True):
        st.markdown(f"**{len(refused)} not taken**")
        for file in refused[:20]:
            st.markdown(f"{plain(file.path)}: {plain(file.reason, 300)}")
        if len(refused) > 20:
            st.caption(f"and {len(refused) - 20} more")
        st.button("Understood", key="refused-seen", on_click=_forget_refused)


def _forget_refused() -> None:
    st.session_state.pop("refused", None)


def _address(collection: Collection) -> None:
    with st.form("add-address", clear_on_submit=True, border=False):
        url = st.text_input("Address of a page or a file", type="url", placeholder="https://…", max_chars=2000)
        sent = st.form_submit_button("Add")
    if sent and (url or "").strip():
        with told():
            with st.spinner("Fetching the address …"):
                upload = state.api().add_url(collection.id, (url or "").strip())
            st.session_state["refused"] = upload.refused
            if upload.documents:
                st.toast("The address was fetched and is being read.", icon=":material/check:")
            st.rerun()
