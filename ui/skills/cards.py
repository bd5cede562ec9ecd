"""The list of skills by kind: what each does, who may use it, and what may be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from ui import state
from ui.documents import wording
from ui.documents.readers import options
from ui.scrub import plain
from ui.skills import trying, words
from ui.trouble import careful, told
from ui.wire import Skill, User

_ALL = "All"
RULES = {"default": "As the skill says", "allow": "Runs", "ask": "Asks first", "deny": "Never runs"}


def show(skills: Sequence[Skill], me: User) -> None:
    """Show the skills by name."""
    if not skills:
        st.info("No skill is open to you yet. Administrators add skills and decide who may use them.")
        return
    st.markdown("Ask for what a skill does and the assistant uses it. What changes something waits for your approval.")
    chosen = of_kind(skills, _kind(skills))
    if not chosen:
        st.info("Administrators add skills of this kind on the tab Sources." if me.is_admin else "None is open to you.")
        return
    with st.container(key="people-list", gap=None, border=True):
        for skill in chosen:
            _row(skill, me)


def of_kind(skills: Sequence[Skill], kind: str) -> list[Skill]:
    """Return the skills that come from sources of a kind, by title; all of them where it is none of the kinds."""
    found = [skill for skill in skills if kind not in words.KINDS or words.kind(skill.source) == kind]
    return sorted(found, key=lambda skill: words.title(skill.name).lower())


def _kind(skills: Sequence[Skill]) -> str:
    """Show the choice of a kind, each with how many there are, and return what is chosen."""
    return (
        st.segmented_control(
            "Kind",
            [_ALL, *words.KINDS],
            default=_ALL,
            required=True,
            format_func=lambda kind: f"{kind} ({len(of_kind(skills, kind))})",
            key="skills-kind",
            label_visibility="collapsed",
        )
        or _ALL
    )


def _row(skill: Skill, me: User) -> None:
    with st.container(key=f"person-{skill.name}", horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
                st.markdown(f"**{plain(words.title(skill.name), 64)}**", width="content")
                _badges(skill, me)
            st.caption(plain(words.sentence(skill.description), 300))
            st.caption(f"{plain(skill.name, 64)} · {plain(skill.source, 60)}")
        chosen = st.menu_button(
            "Actions", actions(skill, me), key=f"menu-{skill.name}", icon=":material/more_horiz:", type="tertiary"
        )
    if chosen == "Try it":
        trying.show(skill)
    elif chosen == "Access":
        _access(skill)
    elif chosen in ("Switch on", "Switch off"):
        _change(skill.name, {"enabled": chosen == "Switch on"})
        st.rerun()


def actions(skill: Skill, me: User) -> list[str]:
    """Return what may be done with a skill."""
    found = ["Try it"] if skill.usable and skill.enabled else []
    return [*found, "Access", "Switch off" if skill.enabled else "Switch on"] if me.is_admin else found


def _badges(skill: Skill, me: User) -> None:
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
    st.markdown(f"**{plain(words.title(skill.name), 64)}**")
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
