"""The policy that learns: how it was judged, and the one switch that lets it act or not."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents import wording
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire.models import LearnedPolicies, LearnedPolicy


def show() -> None:
    """Show what acts, and what was trained."""
    found = state.api().policies()
    st.subheader("Learned choice", anchor=False)
    st.caption(_told(found))
    if st.button("Train from past answers", key="train-policy", icon=":material/school:"):
        with told():
            state.api().train_policy()
            st.rerun()
    if not found.policies:
        return
    with st.container(key="policy-list", gap=None, border=True):
        for one in found.policies:
            _row(one, found)


def _told(found: LearnedPolicies) -> str:
    acts = "A learned policy chooses for low-stakes questions." if found.active else "The rules above decide."
    tried = f"{found.explore:.0%} of such questions try another choice, to learn." if found.explore else ""
    allowed = "" if found.allowed else "The setting models.learned_policy is off, so none may act."
    return " ".join(part for part in (acts, tried, allowed) if part)


def _row(one: LearnedPolicy, found: LearnedPolicies) -> None:
    acts = one.id == found.active
    with st.container(key=f"policy-{one.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(plain(f"{one.estimate.sentence}.", 300))
            learned = f"learned {wording.ago(one.at)} from {one.estimate.experiences:,} answers"
            st.caption(plain(f"{one.id} · {learned}", 200))
        if acts:
            st.badge("Acts", icon=":material/check_circle:", color="green")
            st.button("Go back", key="policy-rollback", icon=":material/undo:", on_click=_go_back)
        elif one.estimate.good and found.allowed:
            st.button("Let it act", key=f"policy-act-{one.id}", icon=":material/bolt:", on_click=_act, args=(one.id,))


@careful
def _act(policy_id: str) -> None:
    state.api().activate_policy(policy_id)


@careful
def _go_back() -> None:
    state.api().roll_policy_back()
