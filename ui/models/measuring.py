"""The measurement that runs, or why the last one came to nothing."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.wire import ModelsOverview

LOOK_EVERY_S = 2.0


def show(found: ModelsOverview) -> None:
    """Show how far it is; the page is drawn anew at its end."""
    now = found.measuring
    if now is not None and now.running:
        _underway()
    elif now is not None and now.problem:
        st.warning(
            plain(f"The measurement of {now.name} came to nothing: {now.problem}", 500), icon=":material/warning:"
        )


@st.fragment(run_every=LOOK_EVERY_S)
def _underway() -> None:
    now = state.api().models().measuring
    if now is None or not now.running:
        st.rerun()
    else:
        so_far = plain(f"Measuring {now.name}: {now.done} of {now.total} answers", 200)
        st.progress(now.done / max(1, now.total), so_far)
