"""Accounts and groups, for administrators."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.people import accounts, groups


def show() -> None:
    """Show accounts or groups."""
    st.title("People", anchor=False)
    api = state.api()
    first, second = st.tabs(["Accounts", "Groups"], key="people", on_change="rerun", bind="query-params")
    if first.open:
        with first:
            accounts.show(api.users(), api.groups(), state.me())
    if second.open:
        with second:
            groups.show(api.groups(), api.users())
