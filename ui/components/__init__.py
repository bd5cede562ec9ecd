"""Elements that Streamlit does not have: each is one JavaScript file that draws data handed over as JSON.

None of them parses HTML; texts are set as text. Python decides what is shown (the `*Data` shapes), the browser draws.
The data travels in a list of one: Streamlit searches a dictionary for data frames, for which it would import pandas
and pyarrow (67 MB of memory), and leaves a list alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import streamlit as st

from ui.markup import Node

_FOLDER = Path(__file__).parent


class Opened(TypedDict):
    """Which passage a person wants to read; `n` is its number in the answer, 0 when it has none."""

    chunk: str
    n: int


class SourceData(TypedDict):
    """A citation."""

    n: int
    chunk: str
    title: str
    page: int | None
    heading: str
    collection: str
    quote: str


class NearData(TypedDict):
    """A passage that an abstaining answer offers, with the sentence that is closest to the question."""

    chunk: str
    title: str
    page: int | None
    heading: str
    before: str
    best: str
    after: str


class StepData(TypedDict):
    """One line of the account of how an answer was made."""

    name: str
    detail: str
    time: str


class AnswerData(TypedDict):
    """All that is shown of one answer."""

    live: bool
    headline: str
    steps: list[StepData]
    notice: str
    tone: str  # "info" or "warn"
    blocks: list[Node]
    citations: list[SourceData]
    nearest: list[NearData]


class RowOfCells(TypedDict):
    """A row of a table."""

    cells: list[str]
    strong: bool


class PartData(TypedDict):
    """A run of text, or a table: then `rows` are there, the first being its header."""

    text: str
    strong: bool  # whether the run of text stands out
    rows: list[RowOfCells]


class PassageData(TypedDict):
    """A passage between the text before and after it."""

    id: str
    before: list[PartData]
    text: list[PartData]
    after: list[PartData]


class ScoreData(TypedDict):
    """A score as a bar."""

    name: str
    shown: str
    share: float  # 0..1 of the bar
    help: str


class ItemData(TypedDict):
    """A passage in a list."""

    id: str
    number: int
    title: str
    place: str
    parts: list[PartData]
    scores: list[ScoreData]
    opens: bool
    switchable: bool
    enabled: bool


class RowData(TypedDict):
    """A document in the table."""

    id: str
    title: str
    path: str
    status: str
    label: str
    icon: str
    note: str
    progress: float
    reason: str
    chunks: str
    size: str
    added: str


def _code(name: str, suffix: str) -> str:
    return (_FOLDER / f"{name}.{suffix}").read_text(encoding="utf-8")


def _javascript(name: str) -> str:
    return _code("dom", "js") + _code(name, "js")


def _styles(*names: str) -> str:
    return "".join(_code(name, "css") for name in ("look", *names))


_ANSWER = st.components.v2.component(
    "inhouse_answer", html=_code("answer", "html"), css=_styles("tables", "answer"), js=_javascript("answer")
)
_PASSAGE = st.components.v2.component(
    "inhouse_passage", html=_code("passage", "html"), css=_styles("tables", "passage"), js=_javascript("passage")
)
_PASSAGES = st.components.v2.component(
    "inhouse_passages", html=_code("passages", "html"), css=_styles("tables", "passages"), js=_javascript("passages")
)
_DOCUMENTS = st.components.v2.component(
    "inhouse_documents", html=_code("documents", "html"), css=_styles("documents"), js=_javascript("documents")
)
_COPY = st.components.v2.component(
    "inhouse_copy", html=_code("copy", "html"), css=_styles("copy"), js=_javascript("copy")
)
_GO = st.components.v2.component("inhouse_go", js=_javascript("go"))
_COMPOSER = st.components.v2.component("inhouse_composer", js=_code("composer", "js"))
_NEWEST = st.components.v2.component("inhouse_newest", js=_code("newest", "js"))


def _nothing() -> None:
    """Let a component have a trigger that is read from its result instead of in a callback."""


def answer(data: AnswerData, key: str) -> Opened | None:
    """Show an answer; return the passage that was just selected in it."""
    opened: Opened | None = _ANSWER(key=key, data=[data], on_open_change=_nothing).open
    return opened


def passage(data: PassageData, key: str) -> None:
    """Show a passage in its document and bring it into view."""
    _PASSAGE(key=key, data=[data])


def passages(items: Sequence[ItemData], key: str) -> tuple[Opened | None, dict[str, object] | None]:
    """Show a list of passages; return which was just selected and which switch was just turned."""
    result = _PASSAGES(key=key, data=[{"items": list(items)}], on_open_change=_nothing, on_toggle_change=_nothing)
    return result.open, result.toggle


def documents(rows: Sequence[RowData], key: str) -> tuple[list[str], str | None]:
    """Show the table of documents; return the ids that are ticked and the one just selected to be opened."""
    kept = st.session_state.get(key) or {}  # what the browser sent last, or `untick` since then
    selected = list(kept.get("selected") or [])
    data = [{"rows": list(rows), "selected": selected}]
    result = _DOCUMENTS(key=key, data=data, on_selected_change=_nothing, on_open_change=_nothing)
    return selected, result.open


def untick(key: str) -> None:
    """Take all ticks from a table of documents, before it is shown again."""
    st.session_state[key] = {"selected": []}


def copy_button(text: str, key: str) -> None:
    """Show a button that puts `text` on the clipboard."""
    _COPY(key=key, data=[{"text": text}], width="content")


def go(to: str, post: str = "") -> None:
    """Leave for another of our addresses, after a POST to `post` if one is given."""
    _GO(key=f"go-{to}-{post}", data=[{"to": to, "post": post}], height=0)


def newest(which: str) -> None:
    """Bring the last question into view when `which` is another than before, and keep it there while it is answered."""
    _NEWEST(key="newest", data=[{"id": which}], height=0)


def composer(which: str, ready: bool) -> None:
    """Put the cursor into the question field when `which` or `ready` changed, where the field takes questions."""
    _COMPOSER(key="composer-cursor", data=[{"id": f"{which}-{ready}", "ready": ready}], height=0)
