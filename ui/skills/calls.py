"""The latest calls of skills, from the audit log."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import streamlit as st

from ui.scrub import line
from ui.skills.words import STATUS
from ui.wire import SkillCallLine, User


def show(calls: Sequence[SkillCallLine], users: Sequence[User]) -> None:
    """Show the calls, newest first."""
    if not calls:
        st.info("No skill has been called yet.")
        return
    st.dataframe([row(call, users) for call in calls], hide_index=True, key="skill-calls")


def row(call: SkillCallLine, users: Sequence[User]) -> dict[str, str]:
    """Return a call as a row: when, who, what exactly, and what came of it; a table shows text as it is."""
    who = next((user.name for user in users if user.id == call.user_id), call.user_id)
    return {
        "When": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call.at)),
        "Who": line(who, 80),
        "Skill": line(call.skill, 64),
        "Arguments": line(json.dumps(call.arguments, ensure_ascii=False), 300),
        "Came to": STATUS.get(call.status, call.status) + (", approved" if call.approved else ""),
        "Result": line(call.text, 200),
        "Time": f"{call.ms:.0f} ms",
    }
