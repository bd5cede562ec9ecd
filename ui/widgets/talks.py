"""What visitors of a widget said, and who asked for a person."""

from __future__ import annotations

import streamlit as st

from ui import state
from ui.documents.wording import ago
from ui.scrub import plain
from ui.trouble import careful
from ui.wire import PersonRequest, VisitorTalk, Widget

SHOWN = 50


def show(widget: Widget) -> None:
    """Show the conversations of visitors, the last used first."""
    talks = state.api().visitor_talks(widget.id, SHOWN)
    if not talks:
        st.info("Nobody has asked anything yet.")
        return
    for talk in talks:
        _talk(widget.id, talk)


def show_requests(widget: Widget) -> None:
    """Show the visitors' requests for a person, newest first."""
    requests = state.api().person_requests(widget.id, SHOWN)
    if not requests:
        st.info("Nobody has asked for a person yet.")
    for request in requests:
        _request(widget.id, request)


def _talk(widget_id: str, talk: VisitorTalk) -> None:
    about = [talk.visitor or "anonymous", ago(talk.updated_at), f"{talk.turns} questions"]
    about += ["rated not helpful"] * bool(talk.rated_down) + ["asked for a person"] * talk.handed_over
    with st.container(border=True):
        st.markdown(f"**{plain(talk.title or 'Without words', 120)}**")
        st.caption(plain(" · ".join(about), 200))
        if st.toggle("Show the conversation", key=f"talk-{talk.conversation_id}"):
            for turn in state.api().visitor_turns(widget_id, talk.conversation_id):
                with st.chat_message("user"):
                    st.text(turn.question)
                with st.chat_message("assistant"):
                    st.text(turn.answer.text if turn.answer else "No answer.")
            st.button(
                "Delete for good",
                key=f"forget-{talk.conversation_id}",
                icon=":material/delete:",
                on_click=_forget,
                args=(widget_id, talk.conversation_id),
            )


def _request(widget_id: str, request: PersonRequest) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(request.contact or 'No address given', 120)}** · {ago(request.created_at)}")
        if request.note:
            st.text(request.note)
        if request.status == "sent":
            st.caption("Passed on.")
        else:
            st.caption(plain(request.detail or "Not passed on yet.", 320))
            st.button(
                "Send again",
                key=f"send-{request.id}",
                icon=":material/send:",
                on_click=_send,
                args=(widget_id, request.id),
            )


@careful
def _forget(widget_id: str, conversation_id: str) -> None:
    state.api().delete_visitor_talk(widget_id, conversation_id)


@careful
def _send(widget_id: str, request_id: str) -> None:
    state.api().send_person_request(widget_id, request_id)
