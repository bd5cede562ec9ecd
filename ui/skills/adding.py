"""The dialog that adds skills: from a file, a text or an address, each kind with a form of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Protocol

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.skills import source_options
from ui.trouble import told

KINDS = ("Python module", "OpenAPI document", "MCP server", "SKILL.md folder")
WAYS = ("File", "Text", "Address")  # in which an OpenAPI document comes; a module comes in the first two
_MODULES = ["py", "yaml", "yml"]
_DOCUMENTS = ["json", "yaml", "yml"]
_FOLDERS = ["zip", "md", "txt", "csv", "json", "yaml", "yml"]
# As the server has it: half a million characters a text, 5 MB a ZIP, and 10 MB a document unless told. A larger
# document comes by its address or by the command.
_TEXT_CHARS, _TEXT_MB, _ZIP_MB, _DOCUMENT_MB = 500_000, 1, 5, 10
_CODE = '''\
from typing import Annotated
from skills import skill


@skill
def order_status(order_id: Annotated[str, "as printed on the receipt"]) -> str:
    """Tell where an order is."""
    return f"{order_id} is on its way."
'''


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
        _address("mcp", "https://wiki.example/mcp")
    elif kind == "SKILL.md folder":
        _folder()
    else:
        module()


def document() -> None:
    """Show the form for an OpenAPI document."""
    way = st.segmented_control("From", WAYS, default=WAYS[0], key="add-way") or WAYS[0]
    if way == "Address":
        _address("openapi", "https://shop.example/openapi.json")
        return
    auth = source_options.signing("openapi")
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
        given = source_options.show("openapi", auth)
        st.caption("A document of the same name is replaced; its options stay unless you give others.")
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if not sent:
        return
    raw, origin = (file.getvalue(), file.name) if file is not None else (text.encode(), "")
    if not raw.strip():
        st.error("Choose a file, or paste the document.")
        return
    chosen = _chosen(given, auth)
    if chosen is None:
        return
    if (server or "").strip():
        chosen = {**chosen, "server": (server or "").strip()}
    with told():
        source_options.keep_secret(given)
        state.api().add_skill_document((name or "").strip() or stem(origin), raw, origin, chosen or None)
        st.rerun()


def _address(kind: source_options.Kind, example: str) -> None:
    auth = source_options.signing(kind)
    with st.form("add-source", border=False):
        name = st.text_input("Name", max_chars=60, placeholder="shop")
        address = st.text_input("Address", max_chars=2000, placeholder=example)
        given = source_options.show(kind, auth)
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if not sent:
        return
    chosen = _chosen(given, auth)
    if chosen is not None:
        with told():
            source_options.keep_secret(given)
            state.api().add_skill_source((name or "").strip(), kind, (address or "").strip(), chosen)
            st.rerun()


def module() -> None:
    """Show the form for a Python module."""
    way = st.segmented_control("From", WAYS[:2], default=WAYS[0], key="add-module-way") or WAYS[0]
    with st.form("add-module", border=False):
        name, code, file = "", "", None
        if way == "File":
            file = st.file_uploader(
                f"File, {_TEXT_CHARS:,} characters at most", type=_MODULES, max_upload_size=_TEXT_MB
            )
        else:
            name = st.text_input("Name", max_chars=60, placeholder="orders") or ""
            code = st.text_area("Code", height=300, placeholder=_CODE, max_chars=_TEXT_CHARS) or ""
        st.caption("It runs in a process of its own, without a network. Read what others wrote before you add it.")
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if not sent:
        return
    if file is not None:
        _add_texts(file.name, [file])
    elif not code.strip() or not name.strip():
        st.error("Choose a file." if way == "File" else "Give the module a name, and write or paste its code.")
    else:
        _send(f"{name.strip().removesuffix('.py')}.py", code)


def _folder() -> None:
    with st.form("add-folder", border=False):
        name = st.text_input("Name of the folder", max_chars=60, placeholder="triage")
        files = st.file_uploader(
            "Its files, or a ZIP of it", type=_FOLDERS, accept_multiple_files=True, max_upload_size=_ZIP_MB
        )
        st.caption(f"A text has {_TEXT_CHARS:,} characters at most.")
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
    long = next((file for file, text in texts.items() if len(text) > _TEXT_CHARS), None)
    if long is not None:
        st.error(
            plain(f"{long} has more than {_TEXT_CHARS:,} characters; split it, or put it on the server's disk.", 300)
        )
        return
    with told():
        state.api().add_skill_files(name, texts)
        st.rerun()


def _send(name: str, code: str) -> None:
    with told():
        state.api().add_skill_files(name, {name: code})
        st.rerun()


def _chosen(given: Mapping[str, object], auth: str) -> dict[str, object] | None:
    """Return the options, or None where they cannot be used, which is said."""
    try:
        return source_options.options(given, auth)
    except source_options.OptionsUnusable as unusable:
        st.error(plain(str(unusable), 300))
        return None
