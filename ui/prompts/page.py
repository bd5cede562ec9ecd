"""The prompt library: every prompt with its live version, and one prompt with its text, history and playground."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.prompts import editor, history, playground
from ui.scrub import plain
from ui.wire.prompts import Prompt, PromptEntry

_JOBS = {
    "answer": "Answers from documents",
    "strict": "Asks once more, stricter",
    "chat": "Chat without documents",
    "condense": "Understands follow-up questions",
}


def show() -> None:
    """Show the list, or the prompt that the address names."""
    entries = state.api().prompts()
    name = st.query_params.get("prompt", "")
    if any(entry.name == name for entry in entries):
        _prompt(state.api().prompt(name))
        return
    st.title("Prompts", anchor=False)
    st.markdown("What the models are told. A new version is tried first; an administrator makes it live.")
    with st.container(key="prompt-list", gap=None, border=True):
        for entry in entries:
            _row(entry)
    with st.expander("Add a prompt for some models alone", icon=":material/add:"):
        editor.new()


def used(entry: PromptEntry) -> str:
    """Return where a prompt is used, in words."""
    if entry.live is None:
        return "Not in use"
    version = f"Version {entry.live}" if entry.live else "The version that ships"
    places = ", ".join([*entry.tiers, *entry.routes])
    return f"{version} is live for {places}" if places else f"{version} is live"


def _row(entry: PromptEntry) -> None:
    with st.container(key=f"prompt-{entry.name}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"**{plain(entry.name, 60)}**")
            st.caption(plain(f"{_JOBS.get(entry.job, entry.job)} · {used(entry)}", 200))
        st.button("Open", key=f"open-{entry.name}", type="tertiary", on_click=_open, args=(entry.name,))


def _prompt(prompt: Prompt) -> None:
    st.button(
        "All prompts", key="all-prompts", icon=":material/arrow_back:", type="tertiary", on_click=_open, args=("",)
    )
    st.title(plain(prompt.name, 60), anchor=False)
    st.caption(plain(f"{_JOBS.get(prompt.job, prompt.job)} · {used(prompt)}", 200))
    text, versions, play = st.tabs(["Text", "Versions", "Playground"])
    with text:
        editor.show(prompt)
    with versions:
        history.show(prompt, state.me().is_admin)
    with play:
        playground.show(prompt)


def _open(name: str) -> None:
    if name:
        st.query_params["prompt"] = name
    else:
        st.query_params.pop("prompt", None)
