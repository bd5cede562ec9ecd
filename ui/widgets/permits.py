"""What visitors of a widget may read and do, and what is kept of what they said."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.documents import wording
from ui.scrub import plain
from ui.wire import Widget

ENDINGS = ("pdf", "docx", "xlsx", "pptx", "odt", "txt", "md", "csv", "png", "jpg")


def collections(widget: Widget) -> list[str]:
    """Show which collections the widget answers from and return their names."""
    known = {one.name: one for one in state.api().collections()}
    chosen = st.multiselect(
        "Collections it answers from",
        known_and_chosen(list(known), widget.profile.collections),
        default=list(widget.profile.collections),
        key=key(widget, "collections"),
        placeholder="All that the visitor may read",
        help="Of these, each visitor reads what is open to the public and to the visitor's groups.",
    )
    outside = _outside(widget)
    closed = [name for name in chosen or known if name not in known or outside.isdisjoint(known[name].readers)]
    how = f"On the page Documents, add the reader “{wording.reader(wording.PUBLIC, {})}”."
    if chosen and closed:
        st.caption(f"Not open to visitors yet: {plain(', '.join(closed), 300)}. {how}")
    elif len(closed) == len(known):
        st.caption(f"No collection is open to visitors yet, so the widget finds nothing. {how}")
    return chosen


def skills(widget: Widget) -> list[str]:
    """Show which skills visitors may use and return their names."""
    known = {skill.name: skill for skill in state.api().skills()}
    chosen = st.multiselect(
        "Skills that visitors may use",
        known_and_chosen(list(known), widget.profile.skills),
        default=list(widget.profile.skills),
        key=key(widget, "skills"),
        placeholder="None",
        help="What a skill would change is shown to the visitor first, and runs only when the visitor allows it.",
    )
    outside = _outside(widget)
    closed = [name for name in chosen if name not in known or outside.isdisjoint(known[name].readers)]
    if closed:
        names = plain(", ".join(closed), 300)
        st.caption(f"Not open to visitors yet: {names}. On the page Skills, add the reader `public`.")
    return chosen


def assistant(widget: Widget) -> str:
    """Show which assistant the widget is set up by and return its id, "" for none."""
    now, known = widget.profile.assistant, {one.id: one.name for one in state.api().assistants() if one.own}
    options = list(dict.fromkeys(["", *known, *([now] if now else [])]))
    return str(
        st.selectbox(
            "Assistant it answers as",
            options,
            index=options.index(now),
            format_func=lambda identifier: known.get(identifier, "Another administrator's") if identifier else "None",
            key=key(widget, "assistant"),
            help="One of your own: its model, prompt and instructions hold here. Of its collections and skills, only "
            "those that the widget has, too.",
        )
    )


def files(widget: Widget) -> dict[str, object]:
    """Show whether visitors may attach files, and which, and return that."""
    given = widget.profile.attachments
    st.header("Files of visitors", anchor=False)
    allowed = st.toggle(
        "Visitors may attach files",
        given.allowed,
        key=key(widget, "files"),
        help="A file is seen in that one conversation by that one visitor, and deleted with it.",
    )
    if not allowed:
        return given.model_dump() | {"allowed": False}
    endings = st.multiselect(
        "Kinds of files", ENDINGS, default=[one for one in given.endings if one in ENDINGS], key=key(widget, "endings")
    )
    with st.container(horizontal=True):
        most = st.number_input("Files in one conversation", 1, 20, given.max_files, key=key(widget, "max-files"))
        size = st.number_input("Megabytes at once", 1, 50, given.max_megabytes, key=key(widget, "max-megabytes"))
    return {"allowed": True, "endings": endings, "max_files": most, "max_megabytes": size}


def keeping(widget: Widget) -> dict[str, object]:
    """Show how long transcripts are kept and whether one may learn from them, and return that."""
    st.header("What is kept", anchor=False)
    days = st.number_input(
        "Days that transcripts are kept",
        0,
        3_650,
        widget.profile.keep_days,
        key=key(widget, "keep-days"),
        help="Counted from the last question. 0: they are kept until somebody deletes them.",
    )
    learn = st.toggle(
        "What visitors say may become training data",
        widget.profile.learn,
        key=key(widget, "learn"),
        help="While this is off, no data set takes in anything said here. Tell your visitors before you turn it on.",
    )
    return {"keep_days": days, "learn": learn}


def _outside(widget: Widget) -> set[str]:
    return {"public", *(f"group:{name}" for name in widget.profile.groups)}


def known_and_chosen(known: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Return the known names and those that are chosen though they are gone."""
    return [*known, *(name for name in chosen if name not in known)]


def key(widget: Widget, name: str) -> str:
    """Return the key under which the page keeps one field of a widget."""
    return f"widget-{widget.id}-{name}"
