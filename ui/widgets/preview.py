"""A widget drawn by its own script, from settings that need not be saved; it talks to nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import streamlit as st

HEIGHT = 620


def show(
    name: str, look: Mapping[str, object], words: Mapping[str, object], languages: Sequence[str], hand_over: bool
) -> None:
    """Show the widget as it would look."""
    profile = {
        "look": {**look, "title": look["title"] or name},
        "words": words,
        "languages": list(languages) or ["en"],
        "hand_over": hand_over,
    }
    st.iframe(address(profile), height=HEIGHT, alt="Preview of the widget")


def address(profile: Mapping[str, object]) -> str:
    """Return where the preview of a profile is drawn."""
    return f"/door/widget-preview?profile={quote(json.dumps(profile, ensure_ascii=False), safe='')}"
