"""Choosing who may read something."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import state
from ui.documents import wording
from ui.wire import Group, User

MOST = 1_000  # readers of one thing


def choose(current: Sequence[str], key: str, label: str = "Who may read it") -> list[str]:
    """Show the field and return the chosen readers; none means administrators only."""
    users, groups = state.api().users(), state.api().groups()
    names = {user.id: user.name for user in users}
    return list(
        st.multiselect(
            label,
            options(current, users, groups),
            default=list(current),
            format_func=lambda principal: wording.reader(principal, names),
            placeholder="Administrators only",
            max_selections=MOST,  # without it, one click opens it to all, visitors without an account included
            key=key,
            help="Administrators may read everything. Nobody else finds, cites or sees what is not open to them.",
        )
    )


def options(current: Sequence[str], users: Sequence[User], groups: Sequence[Group]) -> list[str]:
    """Return all possible readers, the widest first; current ones that have gone stay, so that they can be removed."""
    known = [wording.EVERYONE, wording.PUBLIC]
    known += [f"group:{group.name}" for group in groups]
    known += [f"user:{user.id}" for user in users]
    return list(dict.fromkeys([*known, *current]))
