"""The temporary chat: it lives in this browser tab alone, and is gone when the tab is reloaded or closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import streamlit as st
from streamlit.typing import ChatInputValue

from ui import components, state, upload_limits
from ui.chat import asking, commands, composer, making, manner, pictures, spoken, view
from ui.chat.turn import question as show_question
from ui.client import Question
from ui.live import LIVE, LiveTurn
from ui.transport import NamedFile
from ui.trouble import careful
from ui.wire import Answer, Turn

_SLOT = "temporary"
TURNS_SENT = 20  # earlier questions and answers that go along with a question


@dataclass(frozen=True, slots=True)
class Temporary:
    """A chat that nothing stores."""

    id: str  # under which this process finds the answer that is being made
    turns: tuple[Turn, ...] = ()


def opened() -> Temporary | None:
    """Return the temporary chat of this tab; None while the ordinary chat is open."""
    found = st.session_state.get(_SLOT)
    return found if isinstance(found, Temporary) else None


def begin() -> None:
    """Open an empty temporary chat in place of whatever is open."""
    st.query_params.pop(asking.CONVERSATION, None)
    st.session_state.pop("source", None)
    st.session_state[_SLOT] = Temporary(f"temporary-{uuid4().hex}")


def leave() -> None:
    """Forget the temporary chat at once; an answer that is being made is stopped."""
    chat = opened()
    if chat is not None:
        asking.stop(chat.id)
        LIVE.forget(state.api(), chat.id)
    st.session_state.pop(_SLOT, None)
    st.session_state.pop("source", None)


def show(chat: Temporary) -> tuple[Turn, ...]:
    """Show the chat and return its turns, whose sources may be opened."""
    live = asking.live(chat.id)
    if live is not None and live.view.finished and live.view.error is None:
        chat = _taken(chat, live)
        live = None
    _composer(chat, busy=live is not None and not live.view.finished)
    with st.container(key="chat"):
        _banner()
        for turn in chat.turns:
            _turn(turn)
        if live is not None:
            making.show(chat.id, live)
        components.newest(f"{chat.id}-{len(chat.turns) + (live is not None)}")
    components.composer(chat.id, ready=live is None)
    return chat.turns


def _taken(chat: Temporary, live: LiveTurn) -> Temporary:
    """Return the chat with the answer that was just made."""
    LIVE.forget(state.api(), chat.id)
    outcome = live.view.outcome.model_dump() if live.view.outcome else {"stopped_by": "cancelled"}
    answer = Answer.model_validate({**outcome, "answer": live.view.text})
    pictures.keep(live.turn_id, live.question.pictures)
    turn = Turn(id=live.turn_id or uuid4().hex, question=live.view.question, answer=answer)
    made = Temporary(chat.id, (*chat.turns, turn))
    st.session_state[_SLOT] = made
    return made


def _banner() -> None:
    with st.container(key="temporary-note"):
        st.markdown(
            ":material/visibility_off: **Temporary chat.** Nothing of it is stored: it is not in your history, nothing "
            "is recalled or remembered, and no skills are used. It is gone when you leave or reload this page."
        )


def _composer(chat: Temporary, busy: bool) -> None:
    with st.bottom, st.container(key="composer"):
        commands.show()
        with st.container(key="composer-bar", horizontal=True, vertical_alignment="center"):
            collections = state.api().collections()
            state.name_collections(collections)
            composer.picker(collections)
            manner.show_passing(chat.id)
            st.button("End temporary chat", key="temporary-end", icon=":material/close:", on_click=leave)
            if busy:
                composer.stop_button(chat.id)
        st.chat_input(
            f"Ask about your documents; nothing is stored ({commands.HINT})",
            key="temporary-question",
            max_chars=composer.MAX_QUESTION_CHARS,
            accept_file="multiple",
            accept_audio=spoken.on(),
            file_type=["png", "jpg", "jpeg", "webp"],
            max_upload_size=upload_limits.attachment_mb(),
            disabled=busy,
            on_submit=_send,
        )


def _send() -> None:
    sent: ChatInputValue | None = st.session_state["temporary-question"]
    if sent is not None and (sent.text.strip() or sent.files or composer.recorded(sent)):
        if not commands.may_be_asked(sent.text.strip()):
            return
        ask(sent.text.strip(), [composer.named(file) for file in sent.files], composer.recorded(sent))


@careful
def ask(text: str, files: Sequence[NamedFile] = (), recording: NamedFile | None = None) -> None:
    """Ask in the temporary chat; `files` are pictures, and what is said in `recording` is part of the question."""
    chat = opened()
    if chat is None:
        return
    text = spoken.words(state.api(), text, recording)
    names = st.session_state.get("collections")
    said = tuple((turn.question, turn.answer.answer) for turn in chat.turns if turn.answer and turn.answer.answer)
    urls = pictures.data_urls(files[: pictures.MOST])
    if urls is None:
        st.toast("This picture is damaged or too large to be shown. Send a smaller one.", icon=":material/error:")
        return
    if len(files) > pictures.MOST:
        st.toast(f"Only the first {pictures.MOST} pictures were sent.", icon=":material/info:")
    text = text or "What is in the picture?"
    LIVE.start(
        state.api(),
        Question(
            text,
            chat.id,
            tuple(names) if names else None,
            pictures=urls,
            said=said[-TURNS_SENT:],
            manner=manner.passing(chat.id),
        ),
    )
    st.session_state.pop("source", None)


def _turn(turn: Turn) -> None:
    show_question(turn.question, turn.id, pictures.of(turn.id))
    if turn.answer is None:
        return
    chosen = components.answer(
        view.stored(turn.answer, turn.question, state.collection_names()), key=f"answer-{turn.id}"
    )
    if chosen:
        asking.read_source(chosen["chunk"], chosen["n"], turn.id)
        st.rerun()
    with st.container(key=f"actions-{turn.id}", horizontal=True, vertical_alignment="center", gap="xxsmall"):
        components.copy_button(turn.answer.answer, key=f"copy-{turn.id}")
        st.caption(view.by(turn.answer))
