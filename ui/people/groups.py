"""The list of groups."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Group, User


def show(groups: Sequence[Group], users: Sequence[User]) -> None:
    """Show the groups with their members."""
    with st.form("new-group", clear_on_submit=True, border=False), st.container(key="people-bar", horizontal=True):
        name = st.text_input("Name of a new group", max_chars=120, placeholder="support", label_visibility="collapsed")
        sent = st.form_submit_button("Add group", icon=":material/group_add:")
    if sent and (name or "").strip():
        with told():
            state.api().add_group((name or "").strip())
            st.rerun()
    if not groups:
        st.info("A group opens a collection to several people at once, such as “support” or “managers”.")
        return
    with st.container(key="people-list", gap=None, border=True):
        for group in groups:
            _row(group, [user.name for user in users if group.name in user.groups])


def _row(group: Group, members: list[str]) -> None:
    with st.container(key=f"person-{group.name}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(group.name, 80)}**", width=190)
        st.caption(plain(", ".join(members), 200) or "Nobody yet. Add people under Accounts.")
        if st.button("Delete", key=f"delete-group-{group.name}", icon=":material/delete:", type="tertiary"):
            _delete(group)


@st.dialog("Delete this group?")
def _delete(group: Group) -> None:
    st.markdown(f"Members of **{plain(group.name)}** lose what they may read through it. Their accounts stay.")
    if st.button("Delete", key="really-delete-group", type="primary"):
        with told():
            state.api().delete_group(group.name)
            st.rerun()
