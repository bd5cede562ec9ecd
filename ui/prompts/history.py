"""The versions of a prompt: what changed, which is live, and back again."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents.wording import ago
from ui.scrub import plain
from ui.trouble import careful
from ui.wire.prompts import Prompt, PromptVersion

_USUAL = "grounded_answer"  # it answers where no other prompt does


def show(prompt: Prompt, may_publish: bool) -> None:
    """Show the versions, newest first, each with what changed since the one that is live."""
    if not may_publish:
        st.caption("An administrator makes a version live.")
    elif prompt.live:
        _rollback(prompt.name)
    if may_publish and prompt.job == "answer" and ("fallback" in prompt.tiers or prompt.name == _USUAL):
        st.caption(
            "Answers of the small model from documents are found word for word, without it. While a version of your "
            "own is live here, it writes them instead, and makes more mistakes: try it on questions of yours first."
        )
    shipped = PromptVersion(n=0, note="The version that ships")
    for version in [*reversed(prompt.versions), *([shipped] if prompt.ships else [])]:
        _row(prompt, version, may_publish)


def numbers(prompt: Prompt) -> list[int]:
    """Return the versions that there are, newest first."""
    return [*(version.n for version in reversed(prompt.versions)), *([0] if prompt.ships else [])]


def _rollback(name: str) -> None:
    st.button(
        "Go back to the version before", key="roll-back", icon=":material/undo:", on_click=_roll_back, args=(name,)
    )


def _row(prompt: Prompt, version: PromptVersion, may_publish: bool) -> None:
    live = prompt.live == version.n
    label = f"Version {version.n}"
    when = ago(version.created_at) if version.created_at else ""
    said = " · ".join(part for part in (label, version.note, when, "live" if live else "") if part)
    with st.expander(plain(said, 200), icon=":material/check_circle:" if live else None):
        if prompt.live is not None and not live:
            st.caption(f"What changes against version {prompt.live}, which is live")
            st.code(
                state.api().prompt_diff(prompt.name, prompt.live, version.n) or "Nothing.",
                language="diff",
                wrap_lines=True,
            )
        else:
            st.code(state.api().prompt_text(prompt.name, version.n), language="yaml", wrap_lines=True)
        if may_publish and not live:
            st.button(
                "Make it live",
                key=f"publish-{version.n}",
                type="primary",
                on_click=_publish,
                args=(prompt.name, version.n),
            )


@careful
def _publish(name: str, n: int) -> None:
    state.api().publish_prompt(name, n)
    st.toast("It is live, from the next question on.", icon=":material/check:")


@careful
def _roll_back(name: str) -> None:
    state.api().roll_prompt_back(name)
