"""The adapters of the vLLM server: loaded and unloaded while it runs, each with the questions that are its own."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import told
from ui.wire import AdapterInfo, ModelsOverview


def show(found: ModelsOverview) -> None:
    """Show the adapters, or why there are none."""
    st.header("Adapters", anchor=False)
    if found.adapters_problem:
        st.info(plain(found.adapters_problem, 400))
    if not found.adapters:
        return
    with st.container(key="people-list-adapters", gap=None, border=True):
        for adapter in found.adapters:
            _row(adapter)


def _row(adapter: AdapterInfo) -> None:
    with st.container(key=f"person-adapter-{adapter.name}", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(adapter.name, 80)}**", width=230)
        st.badge("Loaded" if adapter.loaded else "Not loaded", color="green" if adapter.loaded else "gray")
        st.caption(plain(adapter.problem or adapter.description or "No domain: answers only when named.", 240))
        if st.button("Domain", key=f"domain-{adapter.name}", icon=":material/edit:", type="tertiary"):
            _domain(adapter)
        label, icon = ("Unload", ":material/eject:") if adapter.loaded else ("Load", ":material/download:")
        unusable = bool(adapter.problem) and not adapter.loaded
        if st.button(label, key=f"load-{adapter.name}", icon=icon, disabled=unusable):
            with told():
                state.api().change_adapter(adapter.name, {"loaded": not adapter.loaded})
                st.rerun()


@st.dialog("Which questions are its own?")
def _domain(adapter: AdapterInfo) -> None:
    description = st.text_area("What it is about", adapter.description, max_chars=1_000)
    examples = st.text_area("Typical questions, one in a line", "\n".join(adapter.examples), height=160)
    if st.button("Save", key="save-domain", type="primary"):
        with told():
            lines = [line.strip() for line in (examples or "").splitlines() if line.strip()]
            state.api().change_adapter(adapter.name, {"description": description or "", "examples": lines[:50]})
            st.rerun()
