"""What one browser tab remembers between two runs of a page, and who it belongs to.

Nothing of a person is kept outside `st.session_state` (and `ui.live`, keyed by the session token): caches of Streamlit
are shared by all people, so they are not used at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar, cast

import httpx
import streamlit as st

from ui import settings
from ui.client import Api
from ui.transport import connect
from ui.wire import Collection, Conversation, User

COOKIE = "inhouse_session"
T = TypeVar("T")

_pools: dict[str, httpx.Client] = {}  # connections, by address of the API; no person's data


def api() -> Api:
    """Return the API in the name of the person at this tab; without a session it refuses everything."""
    return Api(api_pool(), token())


def api_pool() -> httpx.Client:
    """Return the connections to the API that all people share; they hold no credentials."""
    address = settings.current().api_url
    if address not in _pools:
        _pools[address] = connect(address)
    return _pools[address]


def token() -> str | None:
    """Return the session token that the browser's HttpOnly cookie held when this tab connected."""
    kept = st.session_state.get("token")
    return cast("str | None", kept) if kept else st.context.cookies.get(COOKIE)


def remembered(name: str, load: Callable[[], T]) -> T:
    """Return what `load` gave when it was first called under `name` in this tab; `forget` makes it load again."""
    slot = f"_kept_{name}"
    if slot not in st.session_state:
        st.session_state[slot] = load()
    return cast("T", st.session_state[slot])


def forget(*names: str) -> None:
    """Make `remembered` load again."""
    for name in names:
        st.session_state.pop(f"_kept_{name}", None)


def me() -> User:
    """Return who is signed in."""
    return remembered("me", api().me)


def name_collections(found: Iterable[Collection]) -> None:
    """Keep the names of the collections that this person may read, for what is drawn of answers."""
    st.session_state["_collection_names"] = {one.id: one.name for one in found}


def collection_names() -> dict[str, str]:
    """Return the names of the collections that were kept last, by id; one that is not here has no name to show."""
    return cast("dict[str, str]", st.session_state.get("_collection_names", {}))


def conversation(conversation_id: str) -> Conversation:
    """Return an open conversation; loaded once until `forget_conversation`."""
    kept = st.session_state.get("_conversation")
    if not isinstance(kept, Conversation) or kept.id != conversation_id:
        kept = st.session_state["_conversation"] = api().conversation(conversation_id)
    return kept


def forget_conversation() -> None:
    """Load the open conversation anew when it is next shown."""
    st.session_state.pop("_conversation", None)


def unique(name: str) -> str:
    """Return a widget key that stays the same until `renew`, so that a form or an uploader can be emptied."""
    return f"{name}-{st.session_state.setdefault(f'_round_{name}', 0)}"


def renew(name: str) -> None:
    """Empty the widget that uses `unique(name)`."""
    st.session_state[f"_round_{name}"] = st.session_state.get(f"_round_{name}", 0) + 1
