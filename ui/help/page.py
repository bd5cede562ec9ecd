"""The help page: a question finds topics, and without one all of them are there to read."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from ui.help.topics import Topic, fitting, topics
from ui.wire import User


def show(me: User) -> None:
    """Show the help."""
    st.title("Help", anchor=False)
    question = st.text_input(
        "What do you want to know?", key="help-question", placeholder="How do I share a chat?", icon=":material/search:"
    )
    known = topics(me.is_admin)
    if question and question.strip():
        _answers(fitting(known, question))
        return
    for title, members in groupby(known, key=lambda topic: topic.page):
        st.header(title, anchor=False)
        for topic in members:
            if topic.title != title:
                st.markdown(f"**{topic.title}**")
            st.markdown(topic.text)


def _answers(found: list[Topic]) -> None:
    if not found:
        st.info("No topic fits. Try other words, or ask an administrator.", icon=":material/info:")
    for topic in found:
        st.header(topic.title, anchor=False)
        if topic.page != topic.title:
            st.caption(topic.page)
        st.markdown(topic.text)
