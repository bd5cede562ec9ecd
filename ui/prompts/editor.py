"""Writing a new version of a prompt."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.trouble import told
from ui.wire.prompts import Prompt

MAX_CHARS = 60_000
_NEW = """\
name: legal_answer
job: answer              # answer, strict, chat or condense
tiers: [domain]          # or routes: [name of a model or adapter]
system: >-
  Answer the question from the numbered passages only. Be short and cite the passage that says it, like [1].
  If the passages do not answer the question, reply: The documents do not say.
passage: "[{n}] {title}\\n{text}"
separator: "\\n\\n"
user: "{passages}\\n\\nQuestion: {question}"
abstention: The documents do not say.
examples:
  - passages:
      - {title: Returns, text: Customers may return goods within 30 days.}
    question: How long may goods be returned?
    answer: Goods may be returned within 30 days [1].
"""


def show(prompt: Prompt) -> None:
    """Show the text to be edited; saving stores a version that is not live yet."""
    with st.form(f"edit-{prompt.name}", border=False):
        text = st.text_area("Prompt (YAML)", value=prompt.text, height=420, max_chars=MAX_CHARS)
        note = st.text_input("Why this version (optional)", max_chars=200)
        sent = st.form_submit_button("Save as a new version", type="primary")
    if sent:
        with told():
            made = state.api().add_prompt_version(prompt.name, text or "", note or "")
            st.toast(f"Stored as version {made.n}. Try it in the playground.", icon=":material/check:")
            st.rerun()


def new() -> None:
    """Show the form for a prompt with a name of its own."""
    with st.form("new-prompt", border=False):
        name = st.text_input("Name, as in the text below", placeholder="legal_answer", max_chars=51)
        text = st.text_area("Prompt (YAML)", value=_NEW, height=420, max_chars=MAX_CHARS)
        sent = st.form_submit_button("Save", type="primary")
    if sent and (name or "").strip():
        with told():
            state.api().add_prompt_version((name or "").strip(), text or "", "")
            st.query_params["prompt"] = (name or "").strip()
            st.rerun()
