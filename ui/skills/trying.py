"""The dialog that tries a skill: a form made from the schema of its arguments, and what the call came to."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.skills import approval, fields, words
from ui.trouble import told
from ui.wire import CallResult, Skill


@st.dialog("Try it")
def show(skill: Skill) -> None:
    """Show the dialog."""
    form(skill)


def form(skill: Skill) -> None:
    """Show the form, and what comes of a call."""
    st.markdown(f"**{plain(words.title(skill.name), 64)}**  \n{plain(words.about(skill.description), 300)}")
    asked, needed = fields.arguments(skill), fields.required(skill)
    with st.form("skill-try", border=False):
        given = {
            name: fields.show(name, one, name in needed, f"try-{skill.name}-{name}") for name, one in asked.items()
        }
        if asked.keys() - needed:
            st.caption("What is not marked as required may stay empty.")
        sent = st.form_submit_button("Call", type="primary")
    if not sent:
        return
    arguments: dict[str, object] = {}
    try:
        for name, schema in asked.items():
            arguments |= fields.read(name, given[name], schema, name in needed)
    except fields.Unfilled as unfilled:
        st.error(plain(str(unfilled), 500))
        return
    with told():
        _came_to(state.api().call_skill(skill.name, arguments))


def _came_to(result: CallResult) -> None:
    if result.approval is not None:
        approval.show(result.approval)
        return
    said = words.STATUS.get(result.status, result.status)
    (st.success if result.status == "ok" else st.warning)(f"{plain(said, 40)} · {result.ms:.0f} ms")
    st.text(result.text[:4_000])
