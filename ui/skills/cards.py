"""The list of skills: what each does, who may use it, and trying it out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import streamlit as st

from ui import state
from ui.documents import wording
from ui.documents.readers import options
from ui.scrub import plain
from ui.skills import approval
from ui.trouble import careful, told
from ui.wire import Skill, User

RULES = {"default": "As the skill says", "allow": "Runs", "ask": "Asks first", "deny": "Never runs"}


def show(skills: Sequence[Skill], me: User) -> None:
    """Show the skills by name."""
    if not skills:
        st.info("No skill is open to you yet. Administrators add skills and decide who may use them.")
        return
    st.markdown("Ask for what a skill does and the assistant uses it. What changes something waits for your approval.")
    with st.container(key="people-list", gap=None, border=True):
        for skill in skills:
            _row(skill, me)


def _row(skill: Skill, me: User) -> None:
    with st.container(key=f"person-{skill.name}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                st.markdown(f"**{plain(skill.name, 64)}**", width="content")
                _badges(skill, me)
            st.caption(plain(about(skill), 300))
        chosen = st.menu_button(
            "Actions", actions(skill, me), key=f"menu-{skill.name}", icon=":material/more_horiz:", type="tertiary"
        )
    if chosen == "Try it":
        _try(skill)
    elif chosen == "Access":
        _access(skill)
    elif chosen in ("Switch on", "Switch off"):
        _change(skill.name, {"enabled": chosen == "Switch on"})
        st.rerun()


def actions(skill: Skill, me: User) -> list[str]:
    """Return what may be done with a skill."""
    found = ["Try it"] if skill.usable and skill.enabled else []
    return [*found, "Access", "Switch off" if skill.enabled else "Switch on"] if me.is_admin else found


def about(skill: Skill) -> str:
    """Return the description without the example questions behind it."""
    return skill.description.partition(" For example: ")[0]


def _badges(skill: Skill, me: User) -> None:
    st.badge(plain(skill.source, 60), color="gray")
    if not skill.enabled:
        st.badge("Off", icon=":material/block:", color="red")
    if skill.asks or (not skill.usable and skill.effect == "write"):
        st.badge("Asks first", icon=":material/front_hand:", color="orange")
    if skill.rule == "deny":
        st.badge("Never runs", icon=":material/block:", color="red")
    if me.is_admin and "everyone" not in skill.readers:
        st.badge(plain(", ".join(skill.readers).replace("group:", "") or "Nobody", 60), icon=":material/group:")


@careful
def _change(name: str, changes: Mapping[str, object]) -> None:
    state.api().change_skill(name, changes)


@st.dialog("Access")
def _access(skill: Skill) -> None:
    st.markdown(f"**{plain(skill.name, 64)}**")
    with st.form("skill-access", border=False):
        readers = _readers(skill)
        names = list(RULES)
        rule = st.selectbox(
            "When it is called", names, index=names.index(skill.rule or "default"), format_func=lambda name: RULES[name]
        )
        sent = st.form_submit_button("Save", type="primary")
    if sent:
        with told():
            state.api().change_skill(skill.name, {"readers": list(readers), "rule": rule})
            st.rerun()


def _readers(skill: Skill) -> list[str]:
    """Show the field for who may use a skill, and return the chosen principals."""
    users, groups = state.api().users(), state.api().groups()
    names = {user.id: user.name for user in users}
    return st.multiselect(
        "Who may use it",
        options(skill.readers, users, groups),
        default=list(skill.readers),
        format_func=lambda principal: wording.reader(principal, names),
        placeholder="Nobody",
    )


@st.dialog("Try it")
def _try(skill: Skill) -> None:
    st.markdown(f"**{plain(skill.name, 64)}**  \n{plain(about(skill), 300)}")
    with st.form("skill-try", border=False):
        given = {name: _field(name, schema, skill) for name, schema in fields(skill).items()}
        sent = st.form_submit_button("Call", type="primary")
    if not sent:
        return
    with told():
        try:
            arguments = {name: read(text, fields(skill)[name]) for name, text in given.items() if text.strip()}
        except ValueError:
            st.error("A number, list or object is not written as JSON writes it.")
            return
        result = state.api().call_skill(skill.name, arguments)
        if result.approval is not None:
            approval.show(result.approval)
            return
        (st.success if result.status == "ok" else st.warning)(f"{plain(result.status, 20)} · {result.ms:.0f} ms")
        st.text(result.text[:4_000])


def fields(skill: Skill) -> dict[str, dict[str, object]]:
    """Return the schema of each argument."""
    found = skill.parameters.get("properties")
    return {name: dict(one) for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def _field(name: str, schema: dict[str, object], skill: Skill) -> str:
    required = skill.parameters.get("required")
    label = name if isinstance(required, list) and name in required else f"{name} (optional)"
    said = str(schema.get("description") or "")
    return st.text_input(plain(label, 80), help=plain(said, 300) or None, max_chars=5_000, key=f"try-{name}") or ""


def read(text: str, schema: Mapping[str, object]) -> object:
    """Return what was typed as the schema's type; raises ValueError when it is no JSON where JSON is needed."""
    kinds = schema.get("type")
    return text if kinds == "string" or (kinds is None and "enum" in schema) else json.loads(text)
