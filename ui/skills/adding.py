"""The dialog that adds skills: from a file, a text or an address, each kind with a form of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Protocol

import streamlit as st

from ui import state
from ui.trouble import told

KINDS = ("Python module", "OpenAPI document", "MCP server", "SKILL.md folder")
WAYS = ("File", "Text", "Address")  # in which an OpenAPI document comes
_MODULES = ["py", "yaml", "yml"]
_DOCUMENTS = ["json", "yaml", "yml"]
_FOLDERS = ["zip", "md", "txt", "csv", "json", "yaml", "yml"]
_DOCUMENT_MB = 10  # as the server has it unless told; a larger one comes by its address or by the command
_OPTIONS = '{"verbs": ["get", "post"], "prefix": "shop_"}'


class _File(Protocol):
    """What the browser sent."""

    name: str

    def getvalue(self) -> bytes:
        """Return its bytes."""
        ...


@st.dialog("Add skills")
def show() -> None:
    """Show the dialog."""
    kind = st.segmented_control("Kind", KINDS, default=KINDS[0], key="add-kind") or KINDS[0]
    if kind == "OpenAPI document":
        document()
    elif kind == "MCP server":
        _address("mcp", "https://wiki.example/mcp", '{"reads": ["search"]}')
    elif kind == "SKILL.md folder":
        _folder()
    else:
        _module()


def document() -> None:
    """Show the form for an OpenAPI document."""
    way = st.segmented_control("From", WAYS, default=WAYS[0], key="add-way") or WAYS[0]
    if way == "Address":
        _address("openapi", "https://shop.example/openapi.json", _OPTIONS)
        return
    with st.form("add-document", border=False):
        name = st.text_input("Name", max_chars=60, placeholder="shop")
        file, text = None, ""
        if way == "File":
            file = st.file_uploader("Document, JSON or YAML", type=_DOCUMENTS, max_upload_size=_DOCUMENT_MB)
        else:
            text = st.text_area("Document, JSON or YAML", height=240, placeholder="openapi: 3.1.0") or ""
        server = st.text_input(
            "Base address (where the document names none)", max_chars=2000, placeholder="https://shop.example/api"
        )
        options = st.text_area("Options (optional)", placeholder=_OPTIONS, max_chars=5000, height=68)
        st.caption("A document of the same name is replaced; its options stay unless you give others.")
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if not sent:
        return
    raw, origin = (file.getvalue(), file.name) if file is not None else (text.encode(), "")
    if not raw.strip():
        st.error("Choose a file, or paste the document.")
        return
    given, valid = _chosen(options or "")
    if not valid:
        return
    if (server or "").strip():
        given = {**(given or {}), "server": (server or "").strip()}
    with told():
        state.api().add_skill_document((name or "").strip() or stem(origin), raw, origin, given)
        st.rerun()


def _address(kind: str, example: str, options_like: str) -> None:
    with st.form("add-source", border=False):
        name = st.text_input("Name", max_chars=60, placeholder="shop")
        address = st.text_input("Address", max_chars=2000, placeholder=example)
        options = st.text_area("Options (optional)", placeholder=options_like, max_chars=5000)
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if not sent:
        return
    given, valid = _chosen(options or "")
    if valid:
        with told():
            state.api().add_skill_source((name or "").strip(), kind, (address or "").strip(), given or {})
            st.rerun()


def _module() -> None:
    with st.form("add-module", border=False):
        file = st.file_uploader("File", type=_MODULES)
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if sent and file is not None:
        _add_texts(file.name, [file])


def _folder() -> None:
    with st.form("add-folder", border=False):
        name = st.text_input("Name of the folder", max_chars=60, placeholder="triage")
        files = st.file_uploader("Its files, or a ZIP of it", type=_FOLDERS, accept_multiple_files=True)
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if not (sent and files):
        return
    named = (name or "").strip()
    if len(files) == 1 and files[0].name.lower().endswith(".zip"):
        with told():
            state.api().add_skill_folder(named or stem(files[0].name), files[0].getvalue())
            st.rerun()
    elif not named:
        st.error("Give the folder a name.")
    else:
        _add_texts(named, files)


def stem(file: str) -> str:
    """Return a name for a source, made of that of its file."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in PurePath(file).stem)
    return kept.strip("-")[:60]


def _add_texts(name: str, files: Sequence[_File]) -> None:
    try:
        texts = {file.name: file.getvalue().decode("utf-8") for file in files}
    except UnicodeDecodeError:
        st.error("These are no text files in UTF-8.")
        return
    with told():
        state.api().add_skill_files(name, texts)
        st.rerun()


def _chosen(text: str) -> tuple[Mapping[str, object] | None, bool]:
    """Return the options, None where none are given, and whether they can be used; says so where not."""
    if not text.strip():
        return None, True
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        st.error("The options have to be a JSON object.")
        return None, False
    return found, True
