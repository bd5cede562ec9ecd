"""The playground: a version on one question, or on a test set, beside what is live."""

from __future__ import annotations

import json

import streamlit as st

from ui import state
from ui.errors import ApiRefused
from ui.prompts.history import numbers
from ui.scrub import plain
from ui.trouble import told
from ui.wire.prompts import Interval, Prompt, Trial

_POLL_S = 1.0
_EXAMPLE = (
    '{"id": "1", "question": "How long is parental leave?", "answers": ["26 weeks"], "answerable": true, '
    '"contexts": [{"id": "a", "title": "Leave", "text": "Parental leave lasts 26 weeks."}]}'
)


def show(prompt: Prompt) -> None:
    """Show both ways to try a version."""
    version = st.selectbox("Version to try", numbers(prompt), format_func=lambda n: f"Version {n}")
    if version is None:
        return
    st.header("One question", anchor=False)
    _question(prompt, version)
    st.header("A test set", anchor=False)
    _test_set(prompt, version)


def _question(prompt: Prompt, version: int) -> None:
    with st.form("try-prompt", border=False), st.container(horizontal=True):
        question = st.text_input(
            "A question", placeholder="A question about your documents", max_chars=8000, label_visibility="collapsed"
        )
        sent = st.form_submit_button("Compare", icon=":material/compare_arrows:")
    if not sent or not (question or "").strip():
        return
    with told():
        with st.spinner("Asking twice"):
            both = state.api().try_prompt(prompt.name, version, (question or "").strip())
        for column, (side, label) in zip(
            st.columns(2), (("live", "Live"), ("candidate", f"Version {version}")), strict=True
        ):
            with column, st.container(border=True):
                st.markdown(f"**{label}**")
                st.text(both[side].answer)


def _test_set(prompt: Prompt, version: int) -> None:
    st.caption("One question a line, as JSON, like this:")
    st.code(_EXAMPLE, language="json", wrap_lines=True)
    file = st.file_uploader("Test set (JSON Lines)", type=["jsonl", "json"], key="test-set")
    if file is not None and st.button("Measure beside the live version", key="measure", icon=":material/speed:"):
        with told():
            rows = _rows(file.getvalue())
            st.session_state["trial"] = state.api().measure_prompt(prompt.name, version, rows).id
    if st.session_state.get("trial"):
        _progress()


@st.fragment(run_every=_POLL_S)
def _progress() -> None:
    identifier = st.session_state.get("trial")
    if not identifier:
        return
    try:
        trial = state.api().trial(identifier)
    except ApiRefused as refused:
        st.info(plain(str(refused), 300), icon=":material/info:")
        return
    if trial.state == "running":
        st.progress(trial.done / max(1, trial.of), text=f"{trial.done} of {trial.of}")
    elif trial.state == "failed":
        st.error(plain(trial.reason or "The measurement failed.", 300), icon=":material/error:")
    else:
        _scores(trial)


def _scores(trial: Trial) -> None:
    sides = [trial.scores[side].metrics for side in ("live", "candidate") if side in trial.scores]
    names = list(dict.fromkeys(name for metrics in sides for name in metrics))
    table = {
        "": [name.replace("_", " ") for name in names],
        "Live": [_interval(sides[0].get(name)) for name in names],
        f"{trial.name}, version {trial.n}": [_interval(sides[-1].get(name)) for name in names],
    }
    st.caption(f"{trial.of // 2} questions; mean with its 95 % interval")
    st.table(table)


def _interval(found: Interval | None) -> str:
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})" if found else "-"


def _rows(content: bytes) -> list[dict[str, object]]:
    try:
        rows = [json.loads(line) for line in content.decode("utf-8").splitlines() if line.strip()]
    except ValueError:
        rows = []
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise ApiRefused(
            422, "Not a test set", "The file is no list of questions; give one JSON object a line.", "rows"
        )
    return rows
