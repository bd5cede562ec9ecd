"""The empty page: what this is, and questions to begin with."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from ui import settings, state
from ui.chat import asking
from ui.scrub import plain
from ui.wire import Collection, Document, User

SHOWN = 4
LOOKED_AT = 40  # of the documents that came last
MOST_TITLE_CHARS = 60
# Titles that the skill which summarises takes for the name of a document, whatever stands around them.
_SAYABLE = re.compile(
    r"(?!(?:on|for|about|of|in|from|that|which|chapter|section|we|i|you)\b)\w[^?!\n]{2,100}", re.IGNORECASE
)
_FILE = re.compile(r"\.[A-Za-z]{2,5}$")
_TABLES = ("csv", "spreadsheet", "excel")


def show(me: User, collections: Sequence[Collection]) -> None:
    """Greet; offer questions about what this person may read, or say how to get something to ask about."""
    with st.container(key="hero"):
        st.title(f"What would you like to know, {plain(me.name, 40)}?", anchor=False)
        if any(collection.n_documents for collection in collections):
            count = sum(collection.n_documents for collection in collections)
            st.markdown(
                f"Answers come from {count} {'document' if count == 1 else 'documents'} that you may read. "
                "Each numbered mark opens the passage that it rests on."
            )
            _questions()
        elif me.is_admin:
            st.markdown(f"{settings.current().product} answers from your documents, and there are none yet.")
            st.markdown(
                "1. **Add documents**: create a collection and drop files into it.\n"
                "2. **Ask** here; each answer cites the passages that it rests on.\n"
                "3. **Invite people**: each account sees what its groups may read."
            )
            with st.container(horizontal=True):
                st.page_link("app_pages/documents.py", label="Add your first documents", icon=":material/upload_file:")
                st.page_link("app_pages/people.py", label="Invite people", icon=":material/group_add:")
                st.page_link("app_pages/help.py", label="Help", icon=":material/help:")
        else:
            st.markdown(
                "There is nothing here that you may read yet. Attach a file to your question with the + below, "
                "or ask an administrator to open a collection to you."
            )
            st.page_link("app_pages/help.py", label="How asking works", icon=":material/help:")


def questions(documents: Sequence[Document]) -> list[str]:
    """Return up to four wishes for summaries of different documents: texts that carry a title first, no tables."""
    texts = [document for document in documents if not any(word in document.media_type for word in _TABLES)]
    titles = dict.fromkeys(one.title for one in sorted(texts, key=_unlikely) if _SAYABLE.fullmatch(one.title))
    return [f"Summarise the document {title}" for title in list(titles)[:SHOWN]]


def _unlikely(document: Document) -> int:
    """Return how little a title looks like one that people would say: 0 for most, more for file names and long ones."""
    return 2 * bool(_FILE.search(document.title)) + (len(document.title) > MOST_TITLE_CHARS)


def _questions() -> None:
    page = state.remembered("openers", lambda: state.api().documents(None, "ready", "", limit=LOOKED_AT, offset=0))
    with st.container(key="openers"):
        for number, text in enumerate(questions(page.documents)):
            st.button(plain(text, 110), key=f"opener-{number}", width="stretch", on_click=asking.ask, args=(text,))
