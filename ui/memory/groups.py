"""What the person's groups remember: every member sees it, may add to it, and may delete from it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.documents.wording import ago
from ui.scrub import plain
from ui.trouble import careful, told
from ui.wire.memory import GroupMemory, GroupNote

MAX_CHARS = 500


def show(groups: Sequence[GroupMemory]) -> None:
    """Show each group of the person with its notes; nothing to those who are in none."""
    if not groups:
        return
    st.subheader("Notes of your groups", anchor=False)
    st.caption("Every member of a group sees its notes, and they help to answer all of them. Nobody else sees them.")
    for group in groups:
        with st.container(key=f"group-{group.name}", border=True):
            st.markdown(f"**{plain(group.name, 80)}**")
            for note in group.notes:
                _row(group.name, note)
            _new(group.name)


def _row(group: str, note: GroupNote) -> None:
    with st.container(key=f"group-note-{note.id}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.text(note.text)
            parts = ("Written by you" if note.mine else "", ago(note.updated_at) if note.updated_at else "")
            st.caption(plain(" · ".join(part for part in parts if part)))
        st.button(
            "Delete for everybody",
            key=f"delete-group-note-{note.id}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_delete,
            args=(group, note.id),
        )


def _new(group: str) -> None:
    with (
        st.form(f"new-group-note-{group}", clear_on_submit=True, border=False),
        st.container(horizontal=True),
    ):
        text = st.text_input(
            f"What {plain(group, 80)} should remember",
            placeholder="Our stand-up is at 9:30 on Tuesdays",
            max_chars=MAX_CHARS,
            label_visibility="collapsed",
        )
        sent = st.form_submit_button("Remember for the group", icon=":material/group_add:")
    if sent and (text or "").strip():
        with told():
            state.api().add_group_note(group, (text or "").strip())
            st.toast("The group remembers it.", icon=":material/check:")
            st.rerun()


@careful
def _delete(group: str, note_id: str) -> None:
    state.api().delete_group_note(group, note_id)
