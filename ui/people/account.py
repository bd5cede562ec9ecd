"""The page about oneself: password and API keys."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import components, settings, state
from ui.chat import files
from ui.documents.wording import ago
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire import Key, User


def show(me: User) -> None:
    """Show who one is, and what one may change about it."""
    st.title(plain(me.name, 120), anchor=False)
    with st.container(horizontal=True, gap="xsmall"):
        if me.is_admin:
            st.badge("Administrator", icon=":material/shield_person:", color="green")
        for group in me.groups:
            st.badge(plain(group, 40), color="gray")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _password()
        files.show_all()
    with right:
        _keys(state.api().keys())


def _password() -> None:
    st.header("Password", anchor=False)
    with st.form("password", border=True):
        old = st.text_input("Old password", type="password", max_chars=1000, autocomplete="current-password")
        new = st.text_input("New password", type="password", max_chars=1000, autocomplete="new-password")
        again = st.text_input("New password once more", type="password", max_chars=1000, autocomplete="new-password")
        sent = st.form_submit_button("Change password", type="primary")
        st.caption("All your sessions and API keys end; you sign in again with the new password.")
    if sent and new != again:
        st.error("The two new passwords differ.", icon=":material/error:")
    elif sent:
        with told():
            state.api().change_password(old or "", new or "")
            components.go("/sign-in", post="/sign-out")
            st.stop()


def _keys(keys: Sequence[Key]) -> None:
    st.header("API keys", anchor=False)
    address = f"{settings.current().api_url}/v1"
    st.markdown("A program that uses a key asks in your name and reads what you may read. Point any OpenAI client at")
    st.code(address, language=None, wrap_lines=True)
    made: Key | None = st.session_state.get("made_key")
    if made is not None and made.secret:
        with st.container(key="made-key", border=True):
            st.markdown(f"**{plain(made.name)}**: copy the key now. It is not shown again.")
            st.code(made.secret, language=None, wrap_lines=True)
            st.button("I have copied it", key="made-key-seen", on_click=_forget_made)
    with st.form("new-key", clear_on_submit=True, border=False), st.container(horizontal=True):
        name = st.text_input(
            "Name of a new key", placeholder="What it is for", max_chars=120, label_visibility="collapsed"
        )
        sent = st.form_submit_button("Create key", icon=":material/key:")
    if sent and (name or "").strip():
        with told():
            st.session_state["made_key"] = state.api().add_key((name or "").strip())
            st.rerun()
    if keys:
        with st.container(key="key-list", gap=None, border=True):
            for key in keys:
                _row(key)


def _row(key: Key) -> None:
    with st.container(key=f"person-{key.id}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(key.name or 'Without a name', 60)}**", width=150)
        used = f"last used {ago(key.last_used_at)}" if key.last_used_at else "never used"
        st.caption(plain(" · ".join(part for part in (f"{key.prefix}…" if key.prefix else "", used) if part)))
        st.button(
            "Revoke",
            key=f"revoke-{key.id}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_revoke,
            args=(key.id,),
        )


@careful
def _revoke(key_id: str) -> None:
    state.api().delete_key(key_id)


def _forget_made() -> None:
    st.session_state.pop("made_key", None)
