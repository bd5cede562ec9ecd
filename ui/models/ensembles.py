"""Several models behind one name: who they are, whether they may be asked, and whether they are worth their cost."""

from __future__ import annotations

import json

import streamlit as st

from ui import state
from ui.documents import wording
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire import EnsembleInfo, ModelsOverview

_EXAMPLE = '{"question": "What is the capital of France?", "answer": "Paris"}'
_COLOURS = {"better": "green", "worse": "orange"}


def show(found: ModelsOverview) -> None:
    """Show all of them."""
    if not found.ensembles:
        return
    st.header("Ensembles", anchor=False)
    st.caption("Several models behind one name; programs ask for them by that name.")
    running = found.measuring is not None and found.measuring.running
    with st.container(key="people-list-ensembles", gap=None, border=True):
        for one in found.ensembles:
            _row(one, running)


def _row(one: EnsembleInfo, running: bool) -> None:
    with st.container(key=f"person-ensemble-{one.name}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"**{plain(one.name, 60)}**: {plain(one.about, 300)}")
            st.caption(plain(f"{one.rule}: {members(one)}".removesuffix(": "), 400))
            st.markdown(_worth(one))
        if st.button("Measure", key=f"measure-{one.name}", icon=":material/speed:", type="tertiary", disabled=running):
            _measure(one)
        st.toggle(
            "May answer",
            value=one.enabled,
            key=f"ensemble-on-{one.name}",
            on_change=_switch,
            args=(one.name, not one.enabled),
        )


def members(one: EnsembleInfo) -> str:
    """Return who is asked, each once, with how often."""
    counts = {name: one.members.count(name) for name in one.members}
    return ", ".join(name if count == 1 else f"{name} ({count} times)" for name, count in counts.items())


def _worth(one: EnsembleInfo) -> str:
    if one.worth is None:
        return "Whether it is worth its cost has not been measured here."
    since = "" if one.worth.current else " Its members have changed since."
    colour = _COLOURS.get(one.worth.verdict, "gray")
    return f":{colour}[{plain(one.worth.sentence, 400)}], measured {wording.ago(one.worth.at)}.{since}"


@careful
def _switch(name: str, enabled: bool) -> None:
    state.api().switch_model(name, enabled)


@st.dialog("Is it worth its cost?")
def _measure(one: EnsembleInfo) -> None:
    st.markdown("It and each of its members are asked the same, one after the other; how often they are right is kept.")
    lines = st.text_area(
        "A JSON line for each question, with words that a right answer holds", height=160, placeholder=_EXAMPLE
    )
    grounded = st.checkbox("Answer from the documents")
    if not st.button("Measure", key="measure-begin", type="primary"):
        return
    try:
        questions = read(lines or "")
    except ValueError as error:
        st.error(plain(str(error), 300), icon=":material/error:")
        return
    with told():
        state.api().measure_ensemble(one.name, questions, grounded)
        st.rerun()


def read(lines: str) -> list[dict[str, str]]:
    """Return the questions with their answers. Raises ValueError with a sentence that names the line."""
    found = []
    for number, line in enumerate(lines.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            found.append({"question": str(row["question"]), "answer": str(row["answer"])})
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"Line {number} is not of the form {_EXAMPLE}") from error
    if not found:
        raise ValueError(f"Give at least one line of the form {_EXAMPLE}")
    return found
