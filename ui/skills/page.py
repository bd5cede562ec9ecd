"""Skills: what the assistant can do for this person; for administrators also where it comes from and who used it."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.skills import approval, calls, cards, running, secrets, sources
from ui.wire import Approval


def show() -> None:
    """Show the tabs that this person has a use for."""
    st.title("Skills", anchor=False)
    api, me = state.api(), state.me()
    names = [
        "Skills",
        "Your approvals",
        "Running calls",
        *(["Sources", "Secrets", "Recent calls"] if me.is_admin else []),
    ]
    tabs = st.tabs(names, key="skills-tab", on_change="rerun", bind="query-params")
    if tabs[0].open:
        with tabs[0]:
            cards.show(api.skills(), me)
    if tabs[1].open:
        with tabs[1]:
            _approvals(api.approvals())
    if tabs[2].open:
        with tabs[2]:
            running.show(api.long_calls())
    if me.is_admin and tabs[3].open:
        with tabs[3]:
            sources.show(api.skill_sources())
    if me.is_admin and tabs[4].open:
        with tabs[4]:
            secrets.show(api.skill_secrets())
    if me.is_admin and tabs[5].open:
        with tabs[5]:
            calls.show(api.skill_calls(100), api.users())


def _approvals(found: list[Approval]) -> None:
    if not found:
        st.info("What a skill would change waits here for your approval.")
    for each in found:
        approval.show(each)
