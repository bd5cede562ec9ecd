"""How the answers of one chat are worded: a preset, and what a person sets themselves in place of its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import streamlit as st

from ui import state
from ui.scrub import plain
from ui.trouble import told
from ui.wire import Manner

PRESETS = {
    "precise": "The most likely word each time.",
    "balanced": "A little variety, close to the documents.",
    "creative": "Free wording, for drafts and ideas.",
}
MOST_TOKENS, MOST_STOPS = 8192, 8  # as the API has it, which tells where it went by other numbers
_NEW = "manner-new"  # of a chat that is begun with its first question

Keep = Callable[[Manner], None]


def show(conversation_id: str | None, kept: Manner) -> None:
    """Show the button that tells the manner of the open chat, or of the one that is to be begun."""
    if conversation_id is None:
        _button(fresh(), lambda chosen: _hold(_NEW, chosen))
        return

    def keep(chosen: Manner) -> None:
        changes = {"manner": chosen.model_dump(exclude_none=True)}
        state.api().change_conversation(conversation_id, changes)
        state.forget_conversation()

    _button(kept, keep)


def show_passing(chat_id: str) -> None:
    """Show the same for a temporary chat, whose manner this tab alone holds."""
    _button(passing(chat_id), lambda chosen: _hold(f"manner-{chat_id}", chosen))


def fresh() -> Manner:
    """Return the manner of the chat that is to be begun."""
    return _held(_NEW)


def passing(chat_id: str) -> Manner:
    """Return the manner of a temporary chat."""
    return _held(f"manner-{chat_id}")


def begun() -> None:
    """Forget the manner that the chat just begun has taken over."""
    st.session_state.pop(_NEW, None)


def label(manner: Manner) -> str:
    """Return how a manner is called on its button."""
    own = bool(manner.model_dump(exclude_none=True, exclude={"preset"}))
    if manner.preset is None:
        return "Own values" if own else "Wording"
    return f"{manner.preset.capitalize()}, own values" if own else manner.preset.capitalize()


def read(given: Mapping[str, object], stops: str, schema: str) -> Manner:
    """Return the manner that a form holds. Raises ValueError with a sentence for whoever filled it in."""
    lines = [line for line in stops.splitlines() if line.strip()]
    if len(lines) > MOST_STOPS:
        raise ValueError(f"Give at most {MOST_STOPS} texts at which to stop; these are {len(lines)}.")
    form = None
    if schema.strip():
        try:
            form = json.loads(schema)
        except ValueError as error:
            raise ValueError(f"The JSON schema cannot be read: {error}.") from error
        if not isinstance(form, dict):
            raise ValueError('A JSON schema is an object, such as {"type": "object"}.')
    return Manner.model_validate({**given, "stop": lines or None, "json_schema": form})


def _held(slot: str) -> Manner:
    found = st.session_state.get(slot)
    return found if isinstance(found, Manner) else Manner()


def _hold(slot: str, chosen: Manner) -> None:
    st.session_state[slot] = chosen


def _button(now: Manner, keep: Keep) -> None:
    if st.button(label(now), key="manner", icon=":material/tune:", type="tertiary", help="How answers are worded"):
        _choose(now, keep)


@st.dialog("How answers are worded")
def _choose(now: Manner, keep: Keep) -> None:
    with st.form("manner-form", border=False, enter_to_submit=False):
        preset = st.segmented_control(
            "Wording", list(PRESETS), default=now.preset, format_func=str.capitalize, help=" ".join(_about())
        )
        st.caption("What is left empty is as the wording has it; nothing chosen is as an administrator set it.")
        given = _numbers(now)
        stops = st.text_area("Stop before one of these texts, one in a line", "\n".join(now.stop or ()), height=68)
        schema = json.dumps(now.json_schema, indent=1, ensure_ascii=False) if now.json_schema else ""
        form = st.text_area("JSON schema that the answer fits", schema, height=68)
        with st.container(horizontal=True, horizontal_alignment="right"):
            cleared = st.form_submit_button("As usual", type="tertiary")
            sent = st.form_submit_button("Keep for this chat", type="primary")
    if cleared:
        _kept(Manner(), keep)
    if sent:
        try:
            chosen = read({"preset": preset, **given}, stops or "", form or "")
        except ValueError as error:
            st.error(plain(str(error), 300), icon=":material/error:")
            return
        _kept(chosen, keep)


def _kept(chosen: Manner, keep: Keep) -> None:
    with told():
        keep(chosen)
        st.rerun()


def _about() -> list[str]:
    return [f"{name.capitalize()}: {about}" for name, about in PRESETS.items()]


def _numbers(now: Manner) -> dict[str, object]:
    left, right = st.columns(2)
    return {
        "temperature": left.number_input(
            "Temperature", 0.0, 2.0, now.temperature, 0.1, help="0 takes the likeliest word each time"
        ),
        "top_p": right.number_input(
            "Top-p", 0.001, 1.0, now.top_p, 0.05, help="Only the likeliest words that make up this share"
        ),
        "top_k": left.number_input("Top-k", 0, 1000, now.top_k, 1, help="Only so many of the likeliest words; 0: all"),
        "min_p": right.number_input(
            "Min-p", 0.0, 0.99, now.min_p, 0.05, help="Only words this likely, compared to the likeliest"
        ),
        "seed": left.number_input("Seed", 0, 2**31 - 1, now.seed, 1, help="The same seed makes the same choices"),
        "max_tokens": right.number_input(
            "Max tokens", 1, MOST_TOKENS, now.max_tokens, 16, help="Where an answer ends at the latest"
        ),
    }
