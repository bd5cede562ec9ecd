"""How a widget gets into a page, and the keys with which a site's server signs."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents.wording import ago
from ui.trouble import careful
from ui.wire import SigningKey, Widget


def show(widget: Widget) -> None:
    """Show the line for the page, and the keys."""
    st.header("In the page", anchor=False)
    st.markdown("Paste this line into every page that shall show the chat, before the end of its body.")
    st.code(widget.snippet, language="html", wrap_lines=True)
    if not widget.profile.origins:
        st.warning("No site is listed under Settings yet, so the chat would not answer anywhere.")
    if not widget.enabled:
        st.info("The widget is switched off.")
    st.header("Signing keys", anchor=False)
    st.markdown(
        "With a key, the site's server signs who its visitor is, and a help desk signs its messages. "
        "Two keys are good at a time: create a new one, change over, then retire the old one."
    )
    _made()
    st.button("New key", key="new-signing-key", icon=":material/key:", on_click=_add, args=(widget.id,))
    if widget.keys:
        with st.container(key="key-list", gap=None, border=True):
            for key in widget.keys:
                _row(widget.id, key)


def _made() -> None:
    made: SigningKey | None = st.session_state.get("made_signing_key")
    if made is not None and made.secret:
        with st.container(key="made-key", border=True):
            st.markdown("**Copy the secret now.** It is not shown again, and belongs on a server, never into a page.")
            st.code(made.secret, language=None, wrap_lines=True)
            st.button("I have copied it", key="made-signing-key-seen", on_click=_seen)


def _row(widget_id: str, key: SigningKey) -> None:
    with st.container(key=f"person-{key.id}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"`{key.id[:8]}…`", width=150)
        st.caption(f"created {ago(key.created_at)}")
        st.button(
            "Retire",
            key=f"retire-{key.id}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_retire,
            args=(widget_id, key.id),
        )


@careful
def _add(widget_id: str) -> None:
    st.session_state["made_signing_key"] = state.api().add_signing_key(widget_id)


@careful
def _retire(widget_id: str, key_id: str) -> None:
    state.api().retire_signing_key(widget_id, key_id)


def _seen() -> None:
    st.session_state.pop("made_signing_key", None)
