"""The list of accounts and what an administrator does with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire import Group, User


def show(users: Sequence[User], groups: Sequence[Group], me: User) -> None:
    """Show the accounts."""
    names = [group.name for group in groups]
    with st.container(key="people-bar", horizontal=True, vertical_alignment="center"):
        st.markdown("An account sees the collections that are open to it, to one of its groups or to everyone.")
        if st.button("New account", key="new-account", icon=":material/person_add:", type="primary"):
            _new(names)
    with st.container(key="people-list", gap=None, border=True):
        for user in users:
            _row(user, names, me)


def _row(user: User, groups: list[str], me: User) -> None:
    with st.container(key=f"person-{user.id}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(user.name, 80)}**{' (you)' if user.id == me.id else ''}", width=190)
        with st.container(key=f"person-marks-{user.id}", horizontal=True, gap="xsmall"):
            _badges(user)
        chosen = st.menu_button(
            "Actions", actions(user, me), key=f"menu-{user.id}", icon=":material/more_horiz:", type="tertiary"
        )
    if chosen == "Groups":
        _groups(user, groups)
    elif chosen == "Set a password":
        _password(user)
    elif chosen == "Delete":
        _delete(user)
    elif chosen is not None:
        _change(user.id, CHANGES[chosen])
        st.rerun()


CHANGES: dict[str, Mapping[str, object]] = {
    "Make administrator": {"is_admin": True},
    "Make ordinary account": {"is_admin": False},
    "Suspend": {"active": False},
    "Let in again": {"active": True},
}


def actions(user: User, me: User) -> list[str]:
    """Return what may be done with an account; nobody locks themselves out here."""
    own = user.id == me.id
    found = ["Groups", "Set a password"]
    if not own:
        found.append("Make ordinary account" if user.is_admin else "Make administrator")
        found.append("Suspend" if user.active else "Let in again")
        found.append("Delete")
    return found


def _badges(user: User) -> None:
    if not user.active:
        st.badge("Suspended", icon=":material/block:", color="red")
    if user.is_admin:
        st.badge("Administrator", icon=":material/shield_person:", color="green")
    for group in user.groups:
        st.badge(plain(group, 40), color="gray")


@careful
def _change(user_id: str, changes: Mapping[str, object]) -> None:
    state.api().change_user(user_id, changes)


@st.dialog("New account")
def _new(groups: list[str]) -> None:
    with st.form("new-account-form", border=False):
        name = st.text_input("Name", max_chars=120, autocomplete="off")
        password = st.text_input("First password", type="password", max_chars=1000, autocomplete="new-password")
        chosen = st.multiselect("Groups", groups, placeholder="None")
        is_admin = st.toggle("Administrator", help="Reads and changes everything, accounts included.")
        sent = st.form_submit_button("Create", type="primary", width="stretch")
    if sent:
        with told():
            state.api().add_user((name or "").strip(), password or "", is_admin, chosen)
            st.rerun()


@st.dialog("Groups")
def _groups(user: User, groups: list[str]) -> None:
    st.markdown(f"Groups of **{plain(user.name)}**")
    chosen = st.multiselect("Groups", groups, default=[one for one in user.groups if one in groups], placeholder="None")
    if st.button("Save", key="save-groups", type="primary"):
        with told():
            state.api().change_user(user.id, {"groups": chosen})
            st.rerun()


@st.dialog("Set a password")
def _password(user: User) -> None:
    with st.form("set-password", border=False):
        st.markdown(f"**{plain(user.name)}** is signed out everywhere and uses this password from then on.")
        password = st.text_input("New password", type="password", max_chars=1000, autocomplete="new-password")
        sent = st.form_submit_button("Set", type="primary")
    if sent:
        with told():
            state.api().change_user(user.id, {"password": password})
            st.rerun()


@st.dialog("Delete this account?")
def _delete(user: User) -> None:
    st.markdown(f"**{plain(user.name)}** and all their conversations will be gone for good. Suspending keeps them.")
    if st.button("Delete", key="really-delete-account", type="primary"):
        with told():
            state.api().delete_user(user.id)
            st.rerun()
