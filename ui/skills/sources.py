"""Where skills come from: what works, what does not and why, and adding more."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire import SkillSource

KINDS = ("Python module", "OpenAPI document", "MCP server", "SKILL.md folder")
_TEXTS = ["py", "json", "yaml", "yml", "md", "txt"]


def show(sources: Sequence[SkillSource]) -> None:
    """Show the sources."""
    with st.container(key="people-bar", horizontal=True, vertical_alignment="center"):
        st.markdown("Skills come from Python modules, OpenAPI documents, MCP servers and SKILL.md folders.")
        if st.button("Add skills", key="add-skills", icon=":material/add:", type="primary"):
            _add()
    with st.container(key="people-list", gap=None, border=True):
        for source in sources:
            _row(source)


def _row(source: SkillSource) -> None:
    with st.container(key=f"person-{source.source}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"{icon_of(source)} **{plain(source.source, 80)}**")
            st.caption(plain(state_of(source), 400))
        with st.container(horizontal=True, width="content"):
            if source.to_approve:
                st.button("Approve its tools", key=f"tools-{source.source}", on_click=_approve, args=(source.source,))
            if source.file:
                st.button(
                    "Remove",
                    key=f"remove-{source.source}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=_remove,
                    args=(source.file,),
                )


def icon_of(source: SkillSource) -> str:
    """Return the sign of how a source is doing."""
    if source.connecting:
        return ":material/hourglass_top:"
    return ":material/check_circle:" if source.ok else ":material/error:"


def state_of(source: SkillSource) -> str:
    """Return how a source is doing, in a sentence."""
    if source.connecting:
        before = f" Last time: {source.problem}" if source.problem else ""
        return f"Connecting; its skills appear once it answers.{before}"
    if source.problem:
        return source.problem
    left = f"; left out: {', '.join(source.left_out[:5])}" if source.left_out else ""
    return f"{source.skills} skill{'' if source.skills == 1 else 's'}{left}"


@careful
def _approve(source: str) -> None:
    state.api().approve_skill_source(source)


@careful
def _remove(file: str) -> None:
    state.api().remove_skill_source(file)


@st.dialog("Add skills")
def _add() -> None:
    kind = st.segmented_control("Kind", KINDS, default=KINDS[0], key="add-kind") or KINDS[0]
    with st.form("add-source", border=False):
        if kind in ("OpenAPI document", "MCP server"):
            name = st.text_input("Name", max_chars=60, placeholder="shop")
            address = st.text_input("Address", max_chars=2000, placeholder="https://shop.example/openapi.json")
            options = st.text_area(
                "Options (optional)", placeholder='{"verbs": ["get", "post"], "prefix": "shop_"}', max_chars=5000
            )
            sent = st.form_submit_button("Add", type="primary", width="stretch")
            if sent:
                _add_address((name or "").strip(), kind, (address or "").strip(), options or "{}")
            return
        folder = kind == "SKILL.md folder"
        name = st.text_input("Name of the folder", max_chars=60, placeholder="triage") if folder else ""
        files = st.file_uploader("Files" if folder else "File", type=_TEXTS, accept_multiple_files=folder)
        sent = st.form_submit_button("Add", type="primary", width="stretch")
    if sent and files:
        given = files if isinstance(files, list) else [files]
        _add_files((name or "").strip() or given[0].name, {file.name: file.getvalue() for file in given})


def _add_address(name: str, kind: str, address: str, options: str) -> None:
    try:
        chosen = json.loads(options or "{}")
    except ValueError:
        st.error("The options have to be a JSON object.")
        return
    with told():
        state.api().add_skill_source(name, "mcp" if kind == "MCP server" else "openapi", address, chosen)
        st.rerun()


def _add_files(name: str, files: dict[str, bytes]) -> None:
    try:
        texts = {file: content.decode("utf-8") for file, content in files.items()}
    except UnicodeDecodeError:
        st.error("These are no text files in UTF-8.")
        return
    with told():
        state.api().add_skill_files(name, texts)
        st.rerun()
