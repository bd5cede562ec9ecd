"""Starting, stopping and finishing answers: what the widgets of the chat page do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from ui import state
from ui.chat import commands, manner, pictures, spoken
from ui.client import Question
from ui.live import LIVE, LiveTurn
from ui.scrub import plain
from ui.transport import NamedFile
from ui.trouble import careful
from ui.wire import Turn

PAGE = "app_pages/chat.py"
CONVERSATION = "c"  # the query parameter that names the open conversation
ASSISTANT = "a"  # the one that names the assistant of a new chat


@careful
def switch_memory(conversation_id: str) -> None:
    """Switch memory on or off in one conversation, as the toggle of the composer now stands."""
    on = bool(st.session_state.get(f"memory-{conversation_id}", True))
    state.api().change_conversation(conversation_id, {"memory": on})
    state.forget_conversation()


def open_id() -> str | None:
    """Return the id of the open conversation; None for a new one."""
    return st.query_params.get(CONVERSATION)


@careful
def ask(
    text: str,
    files: Sequence[NamedFile] = (),
    replace_turn: str | None = None,
    seen: tuple[str, ...] = (),
    recording: NamedFile | None = None,
) -> None:
    """Ask in the open conversation, or in a new one that is then open.

    Pictures among `files` go with the question, the others are attached; `seen` are pictures as they went before.
    What is said in `recording` is part of the question, and is not kept. Where all `files` were refused, nothing is
    asked and the question comes back.
    """
    api = state.api()
    text = spoken.words(api, text, recording)
    conversation_id = open_id()
    if conversation_id is None:
        chosen = st.query_params.get(ASSISTANT)
        on = bool(st.session_state.get("memory-new", True))
        conversation_id = api.add_conversation(on, chosen, manner.fresh())
        manner.begun()
        st.query_params.pop(ASSISTANT, None)
        st.query_params[CONVERSATION] = conversation_id
    shown, others = pictures.parted(files)
    urls = pictures.data_urls(shown) if shown else seen
    if urls is None:  # what cannot be shown may still be read, or is refused with a reason
        shown, others, urls = [], list(files), ()
    attached = _attach(conversation_id, others) if others else []
    if files and not (attached or urls):  # each was refused with its reason; the question waits for another file
        st.session_state["draft"] = text
        return
    collections = st.session_state.get("collections")
    question = Question(
        text=text or ("What is in the picture?" if urls else "What is in the attached files?"),
        conversation_id=conversation_id,
        collections=tuple(collections) if collections else None,
        replace_turn=replace_turn,
        pictures=urls,
    )
    LIVE.start(api, question, attached, originals=shown or pictures.files_of(urls))
    st.session_state.pop("source", None)


def _attach(conversation_id: str, files: Sequence[NamedFile]) -> list[str]:
    upload = state.api().attach(conversation_id, files)
    for refused in upload.refused:
        st.toast(f"{plain(refused.path)}: {plain(refused.reason)}", icon=":material/error:", duration="long")
    return [accepted.document for accepted in upload.documents]


@careful
def again(turn: Turn, text: str | None = None) -> None:
    """Ask a turn's question, or `text` in its place, once more; the earlier answer stays as a version."""
    ask(commands.again(turn, text or turn.question), replace_turn=turn.id, seen=pictures.of(turn.id))


def live(conversation_id: str | None) -> LiveTurn | None:
    """Return the answer that is being made in the open conversation."""
    return LIVE.find(state.api(), conversation_id)


def follow(conversation_id: str, turn: Turn) -> LiveTurn:
    """Take up an answer that is being made but was not asked from this process, as after a restart."""
    question = Question(text=turn.question, conversation_id=conversation_id, replace_turn=turn.id)
    return LIVE.start(state.api(), question, running_id=turn.id)


@careful
def stop(conversation_id: str) -> None:
    """Stop the answer that is being made; what was said so far stays."""
    running = live(conversation_id)
    if running is not None:
        running.stop()


def settle(conversation_id: str) -> None:
    """Show the stored answer in place of the one that has just been made."""
    made = live(conversation_id)
    if made is not None:
        pictures.keep(made.turn_id, made.question.pictures)
    LIVE.forget(state.api(), conversation_id)
    state.forget_conversation()


@careful
def retry(conversation_id: str) -> None:
    """Ask the question of a failed answer once more."""
    failed = live(conversation_id)
    if failed is None:
        return
    question = failed.question
    if failed.turn_id:  # the server has stored the failed attempt; the next one takes its place
        question = replace(question, replace_turn=failed.turn_id)
    LIVE.forget(state.api(), conversation_id)
    LIVE.start(state.api(), question, originals=pictures.files_of(question.pictures))
    state.forget_conversation()


def read_source(chunk: str, n: int, turn_id: str) -> None:
    """Show a passage in the pane at the side."""
    st.session_state["source"] = (chunk, n, turn_id)


@careful
def show_version(conversation_id: str, turn: Turn, version: int) -> None:
    """Show another version of a turn, with what followed it; `version` is 1-based."""
    state.api().change_conversation(conversation_id, {"show_turn": turn.version_ids[version - 1]})
    state.forget_conversation()
