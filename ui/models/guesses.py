"""What guessing tokens ahead brings a model, for each kind of request."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Guesses, ModelInfo, ModelsOverview

ABOUT = (
    "What comes next is guessed, and several tokens are checked in one step. The answer is the same; "
    "it comes faster where it repeats its sources. The local engine guesses only where that is faster."
)
_HOW = "A few prompts of each kind go to each model of the vLLM server; nobody else should be asking it meanwhile."


def measure(found: ModelsOverview) -> None:
    """Offer to measure what it brings the models of the vLLM server, where there are some."""
    if not any(model.tier == "domain" for model in found.models):
        return
    running = found.measuring is not None and found.measuring.running
    if st.button("Measure guessing", key="measure-guessing", icon=":material/speed:", disabled=running, help=_HOW):
        with told():
            state.api().measure_speculation()
            st.rerun()


def show(model: ModelInfo) -> None:
    """Show a line for each kind of request; nothing where nothing is guessed."""
    if not model.guesses:
        return
    with st.expander("Guessing ahead", icon=":material/fast_forward:", key=f"guesses-{model.name}"):
        for each in model.guesses:
            st.markdown(line(each, exact=model.tier == "domain"))
        if model.guessing_advice:
            st.markdown(plain(model.guessing_advice, 500))
        st.caption(ABOUT)


def line(each: Guesses, exact: bool = False) -> str:
    """Return a task with its figures; those that are not known are left out, `exact` ones are no lower bounds."""
    name = each.task.replace("_", " ") or "All requests together"
    state = {True: "on", False: "off", None: "being tried"}[each.on]
    least = "at least " if each.task and not exact else ""  # the local engine knows how many it guessed at most
    known = [
        f"{each.answers:,} answers" if each.answers else "",
        f"{least}{each.accepted / each.guessed:.0%} of guesses right" if each.guessed else "",
        f"{each.tokens_per_step:.1f} tokens a step" if each.tokens_per_step is not None else "",
        f"{each.speed_with:.0f} tokens/s with" if each.speed_with is not None else "",
        f"{each.speed_without:.0f} without" if each.speed_without is not None else "",
    ]
    return f"**{plain(name, 64)}**: {state}. " + plain(", ".join(part for part in known if part), 200)
