"""Where skills come from: what works, what does not and why, and testing, approving and removing it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.skills import adding
from ui.trouble import careful
from ui.wire import SkillSource

_TESTED = "skill-sources-tested"  # what came of tests in this session, by source
_IN_FOLDERS = ("openapi:", "mcp:", "python:", "skill.md:")


def show(sources: Sequence[SkillSource]) -> None:
    """Show the sources."""
    with st.container(key="people-bar", horizontal=True, vertical_alignment="center"):
        st.markdown("Skills come from Python modules, OpenAPI documents, MCP servers and SKILL.md folders.")
        if st.button("Add skills", key="add-skills", icon=":material/add:", type="primary"):
            adding.show()
    with st.container(key="people-list", gap=None, border=True):
        for source in sources:
            _row(source)


def _row(source: SkillSource) -> None:
    with st.container(key=f"person-{source.source}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"{icon_of(source)} **{plain(source.source, 80)}**")
            st.caption(plain(state_of(source), 400))
            if said := st.session_state.get(_TESTED, {}).get(source.source):
                st.caption(plain(said, 300))
        with st.container(horizontal=True, width="content"):
            if source.to_approve:
                st.button("Approve its tools", key=f"tools-{source.source}", on_click=_approve, args=(source.source,))
            if source.source.startswith(_IN_FOLDERS) and not source.connecting:
                st.button("Test", key=f"test-{source.source}", type="tertiary", on_click=_test, args=(source.source,))
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
    origin = f"; {source.origin}" if source.origin else ""
    return f"{source.skills} skill{'' if source.skills == 1 else 's'}{origin}{left}"


@careful
def _test(source: str) -> None:
    st.session_state.setdefault(_TESTED, {})[source] = state.api().test_skill_source(source)


@careful
def _approve(source: str) -> None:
    state.api().approve_skill_source(source)


@careful
def _remove(file: str) -> None:
    state.api().remove_skill_source(file)
