"""Making an assistant, or changing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ui import state
from ui.documents import wording
from ui.scrub import plain
from ui.trouble import told
from ui.wire.assistants import Assistant, Choices

USUAL = "assistant"  # the model of those who leave the choice to us
EVERY, NONE, SOME = "All that are open to the person", "None", "Only these"


@st.dialog("Assistant", width="large")
def write(one: Assistant | None) -> None:
    """Show the form; nothing is kept before Save."""
    key, choices = one.id if one else "new", state.api().assistant_choices()
    body = _words(one, key) | _look(one, key, choices) | _makings(one, key, choices)
    body["readers"] = _readers(one, key)
    if st.button("Save", key="save-assistant", type="primary", icon=":material/save:"):
        with told():
            state.api().write_assistant(one.id if one else None, body)
            st.rerun()


def _words(one: Assistant | None, key: str) -> dict[str, object]:
    name = st.text_input("Name", one.name if one else "", max_chars=80, key=f"name-{key}")
    description = st.text_input(
        "What it is for, in one sentence", one.description if one else "", max_chars=200, key=f"description-{key}"
    )
    instructions = st.text_area(
        "Instructions",
        one.instructions if one else "",
        max_chars=4_000,
        key=f"instructions-{key}",
        help="How it is to answer. Everybody who may use it can read them. The small built-in model follows them "
        "only in chats without documents.",
    )
    greeting = st.text_area("Greeting", one.greeting if one else "", max_chars=1_000, height=68, key=f"greeting-{key}")
    questions = st.text_area(
        "Example questions, one on each line; six at most",
        "\n".join(one.questions) if one else "",
        max_chars=1_300,
        height=68,
        key=f"examples-{key}",
    )
    lines = [line.strip() for line in (questions or "").splitlines() if line.strip()]
    texts = {"name": name, "description": description, "instructions": instructions, "greeting": greeting}
    return {field: (text or "").strip() for field, text in texts.items()} | {"questions": lines}


def _look(one: Assistant | None, key: str, choices: Choices) -> dict[str, object]:
    with st.container(horizontal=True):
        icon = _pick("Icon", choices.icons, one.icon if one else "", f"icon-{key}", lambda name: name.replace("_", " "))
        colour = _pick("Colour", choices.colours, one.colour if one else "", f"colour-{key}", str)
    return {"icon": icon, "colour": colour}


def _makings(one: Assistant | None, key: str, choices: Choices) -> dict[str, object]:
    grounded = st.toggle("Answers from documents", one.grounded if one else True, key=f"grounded-{key}")
    body: dict[str, object] = {"grounded": grounded, "collections": None}
    if grounded:
        names = {each.id: each.name for each in choices.collections}
        chosen = st.multiselect(
            "Collections it reads",
            list(names),
            default=[each.id for each in (one.collections if one else None) or () if each.id in names],
            format_func=lambda identifier: plain(names[identifier], 120),
            placeholder="All that the person may read",
            key=f"collections-{key}",
            help="Each person gets answers from those of them that they may read, and from no others.",
        )
        body["collections"] = chosen or None
    body["skills"] = _skills(one, key, choices.skills)
    with st.expander("Model and prompt"):
        models = [USUAL, *choices.models]
        body["model"] = _pick(
            "Model", models, one.model if one else "", f"model-{key}",
            lambda name: "Chosen for each question" if name == USUAL else name,
        )  # fmt: skip
        prompts = ["", *(each.name for each in choices.prompts if each.job == ("answer" if grounded else "chat"))]
        body["prompt"] = _pick(
            "Prompt", prompts, one.prompt if one else "", f"prompt-{key}", lambda name: name or "The usual one"
        )
        about = {each.name: f"{each.name.capitalize()}: {each.about}" for each in choices.presets}
        preset = _pick(
            "Choice of words", ["", *about], (one.preset if one else "") or "", f"preset-{key}",
            lambda name: about.get(name, "As everywhere"),
        )  # fmt: skip
        body["preset"] = preset or None
    return body


def _skills(one: Assistant | None, key: str, offered: Sequence[str]) -> list[str] | None:
    now = SOME if one and one.skills else NONE if one and one.skills is not None else EVERY
    kinds = [EVERY, NONE, SOME] if offered else [EVERY, NONE]
    kind = st.radio("Skills it may call", kinds, index=kinds.index(now) if now in kinds else 0, key=f"skills-{key}")
    if kind != SOME:
        return [] if kind == NONE else None
    chosen = [name for name in (one.skills if one else None) or () if name in offered]
    return list(st.multiselect("Skills", list(offered), default=chosen, key=f"named-skills-{key}", placeholder="None"))


def _readers(one: Assistant | None, key: str) -> list[str]:
    me, current = state.me(), list((one.readers if one else None) or ())
    known = [wording.EVERYONE, *(f"group:{name}" for name in me.groups)]
    names: dict[str, str] = {}
    if me.is_admin:
        users = state.api().users()
        names = {user.id: user.name for user in users}
        known += [f"group:{group.name}" for group in state.api().groups()] + [f"user:{user.id}" for user in users]
    return list(
        st.multiselect(
            "Who else may use it",
            list(dict.fromkeys([*known, *current])),
            default=current,
            format_func=lambda principal: plain(wording.reader(principal, names), 120),
            placeholder="Nobody",
            key=f"assistant-readers-{key}",
        )
    )


def _pick(label: str, options: Sequence[str], current: str, key: str, shown: Callable[[str], str]) -> str:
    index = list(options).index(current) if current in options else 0
    return str(st.selectbox(label, list(options), index=index, key=key, format_func=shown))
