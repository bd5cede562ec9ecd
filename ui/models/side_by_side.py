"""One question to several models at once: their answers beside each other, with how fast they came."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import told
from ui.wire.models import ModelsOverview, Side

MOST = 4  # as the API has it
_SHOWN = 4_000  # characters of an answer


def show(found: ModelsOverview) -> None:
    """Show the form, and the answers behind it."""
    names = [model.name for model in found.models if model.enabled] + [
        each.name for each in found.ensembles if each.enabled
    ]
    if len(names) < 2:
        return
    st.header("Side by side", anchor=False)
    with st.form("side-by-side", border=False):
        question = st.text_input("A question for all of them", max_chars=2_000)
        chosen = st.multiselect("Who is asked", names, default=names[:2], max_selections=MOST)
        grounded = st.checkbox("Answer from the documents")
        sent = st.form_submit_button("Ask them", icon=":material/compare:")
    if not sent or not (question or "").strip() or not chosen:
        return
    with told(), st.spinner("They are answering"):
        sides = state.api().try_models((question or "").strip(), chosen, grounded)
        for column, side in zip(st.columns(len(sides)), sides, strict=True):
            with column:
                _side(side)


def _side(side: Side) -> None:
    st.markdown(f"**{plain(side.asked, 80)}**")
    st.caption(plain(figures(side), 300))
    st.text(side.answer[:_SHOWN])
    if side.notice:
        st.info(plain(side.notice, 300))


def figures(side: Side) -> str:
    """Return the figures of an answer; those that are not known are left out."""
    known = [
        f"answered by {side.answered}" if side.answered not in ("", side.asked) else "",
        f"first word after {side.first_token_s:.2f} s" if side.first_token_s is not None else "",
        f"{side.tokens_per_s:.0f} tokens/s" if side.tokens_per_s is not None else "",
        f"{side.tokens} tokens in {side.total_s:.2f} s",
    ]
    return "  ·  ".join(part for part in known if part)
