"""Calls that take minutes: how far each is, the button that ends one, and what the others came to."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.documents.wording import ago
from ui.scrub import plain
from ui.trouble import careful
from ui.wire import LongCall

EVERY_S = 2.0
UNDER_WAY = ("running", "cancelling")
STATES = {
    "cancelling": (":material/hourglass_top:", "is being cancelled"),
    "done": (":material/check_circle:", "is done"),
    "failed": (":material/error:", "did not work"),
    "cancelled": (":material/block:", "was cancelled"),
    "interrupted": (":material/warning:", "was interrupted: check by hand whether it went through"),
}


def show(calls: Sequence[LongCall]) -> None:
    """Show the calls, those that run first; while one runs, this part of the page looks again by itself."""
    if not calls:
        st.info("Calls that take minutes are shown here while they run.")
        return
    if any(call.state in UNDER_WAY for call in calls):
        _watch()
        return
    for call in calls:
        _card(call)


@st.fragment(run_every=EVERY_S)
def _watch() -> None:
    calls = state.api().long_calls()
    if not any(call.state in UNDER_WAY for call in calls):
        st.rerun()  # the whole page, which shows them without looking again
    for call in calls:
        _card(call)


def _card(call: LongCall) -> None:
    with st.container(key=f"long-call-{call.id}", border=True):
        if call.state != "running":
            icon, words = STATES.get(call.state, (":material/help:", plain(call.state, 40)))
            st.markdown(f"{icon} **{plain(call.skill, 64)}** {words}.")
            st.caption(f"{plain(json.dumps(call.arguments, ensure_ascii=False), 300)} · {ago(call.updated_at)}")
            if call.result:
                st.text(call.result[:1_000])
            return
        st.markdown(f":material/hourglass_top: **{plain(call.skill, 64)}** is running")
        st.caption(plain(json.dumps(call.arguments, ensure_ascii=False), 300))
        st.progress(call.done or 0.0, text=how_far(call))
        st.button("Cancel this call", key=f"cancel-call-{call.id}", icon=":material/close:",
                  on_click=_cancel, args=(call.id,))  # fmt: skip


def how_far(call: LongCall) -> str:
    """Return how far a call is in words: 40 %, 12 of 30 pages."""
    known = "" if call.done is None else f"{call.done * 100:.0f} %"
    return ", ".join(part for part in (known, plain(call.note, 200)) if part) or "It does not say how far it is."


@careful
def _cancel(call_id: str) -> None:
    state.api().cancel_long_call(call_id)
