"""The card of a call that waits: what exactly would run, and the two buttons that decide."""

from __future__ import annotations

import json
import time

import streamlit as st

from ui import state
from ui.documents.wording import ago
from ui.scrub import plain
from ui.trouble import careful
from ui.wire import Approval

STATES = {
    "running": (":material/hourglass_top:", "is running"),
    "done": (":material/check_circle:", "was run after your approval"),
    "failed": (":material/error:", "was approved and did not work"),
    "refused": (":material/block:", "was refused"),
    "expired": (":material/timer_off:", "waited too long and was not run"),
    "interrupted": (":material/warning:", "was interrupted: check by hand whether it went through"),
}


def show(approval: Approval, in_chat: bool = False) -> None:
    """Show a call with its arguments, for which question it is, and what became of it; with buttons while it waits.

    `in_chat`: it is the last thing in a chat, where a typed yes or no decides as the buttons do.
    """
    now = shown_state(approval, time.time())
    with st.container(key=f"approval-{approval.id}", border=True):
        if now != "waiting":
            icon, words = STATES.get(now, (":material/help:", plain(now, 40)))
            st.markdown(f"{icon} **{plain(approval.skill, 64)}** {words}.")
            st.text(written(approval))
            _asked(approval)
            return
        st.markdown(f":material/front_hand: **{plain(approval.skill, 64)}** waits for your approval")
        st.text(written(approval))
        _asked(approval)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Approve",
                key=f"approve-{approval.id}",
                type="primary",
                icon=":material/check:",
                on_click=_decide,
                args=(approval.id, True),
            )
            st.button("Refuse", key=f"refuse-{approval.id}", on_click=_decide, args=(approval.id, False))
            until = time.strftime("%d %B, %H:%M", time.localtime(approval.expires_at))
            typed = " You can also type yes or no." if in_chat else ""
            st.caption(f"Nothing happens before that; open until {until}.{typed}")


def _asked(approval: Approval) -> None:
    """Show when a call was to be made and for which question, where the question does not stand above the card."""
    when = ago(approval.created_at).capitalize()
    if approval.question:
        st.caption(plain(f"{when or 'Asked'}, for: {approval.question}", 400))


def shown_state(approval: Approval, now: float) -> str:
    """Return the state of a call at epoch second `now`: one that was stored as waiting may have expired since."""
    return "expired" if approval.state == "waiting" and approval.expires_at <= now else approval.state


def written(approval: Approval) -> str:
    """Return every argument of a call on a line of its own."""
    lines = [
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in approval.arguments.items()
    ]
    return "\n".join(lines) or "without arguments"


@careful
def _decide(approval_id: str, approved: bool) -> None:
    state.api().decide(approval_id, approved)
    state.forget_conversation()
