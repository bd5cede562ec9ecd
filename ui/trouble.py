"""What a person sees when something did not work: a sentence and a way on, never a stack trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st

from ui import components
from ui.errors import ApiRefused, SignedOut, UiError
from ui.scrub import plain

P = ParamSpec("P")
_PENDING = "_trouble"


def careful(action: Callable[P, None]) -> Callable[P, None]:
    """Return `action` for use as a widget's callback: what fails is told at the top of the page that follows."""

    @wraps(action)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            action(*args, **kwargs)
        except UiError as error:
            st.session_state[_PENDING] = error

    return attempt


@contextmanager
def told() -> Iterator[None]:
    """Show what fails inside the `with` right there, as in a form or a dialog."""
    try:
        yield
    except SignedOut:
        components.go("/sign-in")
    except UiError as error:
        st.error(plain(sentence(error), 500), icon=":material/error:")


def pending() -> bool:
    """Return whether a careful action has just failed."""
    return _PENDING in st.session_state


def tell_pending() -> None:
    """Show what went wrong in the callback before this run, once."""
    error = st.session_state.pop(_PENDING, None)
    if isinstance(error, SignedOut):
        leave()
    elif isinstance(error, UiError):
        st.toast(plain(sentence(error), 500), icon=":material/error:", duration="long")


def show(error: UiError) -> None:
    """Show, in place of a page, why there is none."""
    if isinstance(error, SignedOut):
        leave()
    with st.container(key="trouble-page"):
        st.title("This page cannot be shown", anchor=False)
        st.markdown(plain(sentence(error), 500))
        st.button("Try again", key="trouble-again", icon=":material/refresh:", type="primary")


def leave() -> None:
    """Go to the sign-in page; nothing below this call runs."""
    components.go("/sign-in")
    st.stop()


def sentence(error: UiError) -> str:
    """Return what happened and, where the server said so, when to try again."""
    if isinstance(error, ApiRefused) and error.retry_after_s and "try again in" not in str(error).lower():
        return f"{error} Try again in {error.retry_after_s:.0f} seconds."
    return str(error)


def on_script_error(error: Exception) -> bool:
    """Show errors of ours that escaped from a part of a page that ran alone; leave the others to Streamlit."""
    if not isinstance(error, UiError):
        return False
    if isinstance(error, SignedOut):
        components.go("/sign-in")
    else:
        st.error(plain(sentence(error), 500), icon=":material/error:")
    return True
