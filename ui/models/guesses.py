"""What guessing tokens ahead brings a model, for each kind of request."""

from __future__ import annotations

import streamlit as st

from ui.scrub import plain
from ui.wire import Guesses, ModelInfo

ABOUT = (
    "What comes next is guessed, and several tokens are checked in one step. The answer is the same; "
    "it comes faster where it repeats its sources. The local engine guesses only where that is faster."
)


def show(model: ModelInfo) -> None:
    """Show a line for each kind of request; nothing where nothing is guessed."""
    if not model.guesses:
        return
    with st.expander("Guessing ahead", icon=":material/fast_forward:", key=f"guesses-{model.name}"):
        for each in model.guesses:
            st.markdown(line(each))
        st.caption(ABOUT)


def line(each: Guesses) -> str:
    """Return a task with its figures; those that are not known are left out."""
    name = each.task.replace("_", " ") or "All requests together"
    state = {True: "on", False: "off", None: "being tried"}[each.on]
    least = "at least " if each.task else ""  # the local engine knows how many it guessed at most
    known = [
        f"{each.answers:,} answers" if each.answers else "",
        f"{least}{each.accepted / each.guessed:.0%} of guesses right" if each.guessed else "",
        f"{each.tokens_per_step:.1f} tokens a step" if each.tokens_per_step is not None else "",
        f"{each.speed_with:.0f} tokens/s with" if each.speed_with is not None else "",
        f"{each.speed_without:.0f} without" if each.speed_without is not None else "",
    ]
    return f"**{plain(name, 64)}**: {state}. " + plain(", ".join(part for part in known if part), 200)
