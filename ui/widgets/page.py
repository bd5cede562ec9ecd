"""The Widgets page as a whole: the list, or one widget; which one stands in the address."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import careful, told
from ui.widgets import edit, install, talks
from ui.wire import Widget

WIDGET = "widget"


def show() -> None:
    """Show one widget, or all of them."""
    widgets = state.api().widgets()
    chosen = next((one for one in widgets if one.id == st.query_params.get(WIDGET)), None)
    if chosen is None:
        _list(widgets)
    else:
        _one(chosen)


def _list(widgets: list[Widget]) -> None:
    st.title("Widgets", anchor=False)
    with st.container(key="people-bar", horizontal=True, vertical_alignment="center"):
        st.markdown("A widget is a chat on another web site. It answers from what the public may read.")
        if st.button("New widget", key="new-widget", icon=":material/add:", type="primary"):
            _new()
    if not widgets:
        st.info("No widgets yet. Create one, name the sites that may show it, and paste one line into their pages.")
        return
    with st.container(key="people-list", gap=None, border=True):
        for widget in widgets:
            _row(widget)


def _row(widget: Widget) -> None:
    with st.container(key=f"person-{widget.id}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(widget.name, 80)}**", width=190)
        with st.container(key=f"person-marks-{widget.id}", horizontal=True, gap="xsmall"):
            _badge(widget)
            where = ", ".join(widget.profile.origins) or "no site yet"
            st.caption(plain(f"{where} · {widget.today.messages} questions today", 160))
        st.button("Open", key=f"open-{widget.id}", type="tertiary", on_click=_go, args=(widget.id,))


def _one(widget: Widget) -> None:
    st.button("All widgets", icon=":material/arrow_back:", type="tertiary", on_click=_go, args=(None,))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(plain(widget.name, 80), anchor=False, width="content")
        _badge(widget)
    with st.container(horizontal=True):
        st.button(
            "Switch off" if widget.enabled else "Switch on",
            key="widget-switch",
            icon=":material/power_settings_new:",
            type="secondary" if widget.enabled else "primary",
            on_click=_switch,
            args=(widget.id, not widget.enabled),
            help="Switching off ends every visit at once." if widget.enabled else None,
        )
        if st.button("Delete", key="widget-delete", icon=":material/delete:"):
            _delete(widget)
    tabs = ["Settings", "Install", "Transcripts", "Requests for a person"]
    opened = st.tabs(tabs, key="widget-view", on_change="rerun")
    for tab, draw in zip(opened, (edit.show, install.show, talks.show, talks.show_requests), strict=True):
        if tab.open:
            with tab:
                draw(widget)


def _badge(widget: Widget) -> None:
    if widget.enabled:
        st.badge("On", icon=":material/check:", color="green")
    else:
        st.badge("Off", icon=":material/block:", color="gray")


def _go(widget_id: str | None) -> None:
    st.session_state.pop("made_signing_key", None)
    if widget_id is None:
        st.query_params.pop(WIDGET, None)
    else:
        st.query_params[WIDGET] = widget_id


@careful
def _switch(widget_id: str, enabled: bool) -> None:
    state.api().change_widget(widget_id, {"enabled": enabled})


@st.dialog("New widget")
def _new() -> None:
    with st.form("new-widget-form", border=False):
        name = st.text_input("Name", max_chars=80, placeholder="Help on the shop's pages")
        origin = st.text_input("Site that shows it", max_chars=300, placeholder="https://www.example.com")
        sent = st.form_submit_button("Create", type="primary", width="stretch")
    if sent:
        with told():
            origins = [origin.strip()] if (origin or "").strip() else []
            made = state.api().add_widget((name or "").strip(), {"origins": origins})
            _go(made.id)
            st.rerun()


@st.dialog("Delete this widget?")
def _delete(widget: Widget) -> None:
    st.markdown(f"**{plain(widget.name)}**, its keys and all that its visitors said will be gone for good.")
    if st.button("Delete", key="really-delete-widget", type="primary"):
        with told():
            state.api().delete_widget(widget.id)
            _go(None)
            st.rerun()
