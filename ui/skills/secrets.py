"""Secrets of skills: stored here, sent by the server, shown to nobody."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import careful, told


def show(names: Sequence[str]) -> None:
    """Show the names, and a form for another one."""
    st.markdown("An entry names the secret that its calls are signed with. What is stored here is never shown again.")
    with st.form("new-secret", clear_on_submit=True, border=False), st.container(horizontal=True, key="people-bar"):
        name = st.text_input("Name", max_chars=64, placeholder="Name, such as shop", label_visibility="collapsed")
        value = st.text_input(
            "Value", type="password", placeholder="Value", label_visibility="collapsed", autocomplete="off"
        )
        sent = st.form_submit_button("Store", icon=":material/key:")
    if sent and (name or "").strip() and value:
        with told():
            state.api().put_skill_secret((name or "").strip(), value)
            st.rerun()
    if not names:
        st.info("No secret is stored.")
        return
    with st.container(key="people-list", gap=None, border=True):
        for each in names:
            with st.container(key=f"person-{each}", horizontal=True, vertical_alignment="center"):
                st.markdown(f":material/key: **{plain(each, 64)}**")
                st.button(
                    "Remove",
                    key=f"remove-secret-{each}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=_remove,
                    args=(each,),
                )


@careful
def _remove(name: str) -> None:
    state.api().remove_skill_secret(name)
