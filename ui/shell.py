"""What surrounds every page: the sidebar with places to go, the history of conversations, and the account."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ui import components, settings
from ui.chat import asking, history
from ui.scrub import plain
from ui.wire import User

_FOLDER = Path(__file__).parent


def set_up() -> None:
    """Set what holds for all pages: title, icon, layout, styles."""
    product = settings.current().product
    st.set_page_config(
        page_title=product,
        page_icon=str(_FOLDER / "theme" / "mark.svg"),
        layout="wide",
        initial_sidebar_state="auto",
    )
    st.html(_FOLDER / "theme" / "app.css")
    st.logo(_FOLDER / "theme" / "logo.svg", icon_image=_FOLDER / "theme" / "mark.svg", size="large")


def navigate(me: User) -> st.Page:
    """Draw the sidebar and return the page that the address names."""
    page = st.navigation(_pages(me), position="hidden")
    if page.url_path:  # tabs are told apart by it, and screen readers say it first
        st.set_page_config(page_title=f"{page.title} · {settings.current().product}")
    with st.sidebar:
        _places(me)
        with st.container(key="history"):
            history.show(asking.open_id() if page.url_path == "" else None)
        _account(me)
    return page


def _pages(me: User) -> list[st.Page]:
    pages = [
        st.Page(asking.PAGE, title="Chat", icon=":material/chat:", default=True),
        st.Page("app_pages/documents.py", title="Documents", icon=":material/folder_open:", url_path="documents"),
        st.Page("app_pages/assistants.py", title="Assistants", icon=":material/apps:", url_path="assistants"),
        st.Page("app_pages/skills.py", title="Skills", icon=":material/build:", url_path="skills"),
        st.Page("app_pages/account.py", title="Account", icon=":material/person:", url_path="account"),
    ]
    pages.append(st.Page("app_pages/memory.py", title="Memory", icon=":material/psychology:", url_path="memory"))
    pages.append(st.Page("app_pages/help.py", title="Help", icon=":material/help:", url_path="help"))
    if me.is_admin or me.prompt_author:
        page = st.Page("app_pages/prompts.py", title="Prompts", icon=":material/edit_note:", url_path="prompts")
        pages.append(page)
    if me.is_admin:
        pages += [
            st.Page("app_pages/people.py", title="People", icon=":material/group:", url_path="people"),
            st.Page("app_pages/curated.py", title="Curated answers", icon=":material/push_pin:", url_path="curated"),
            st.Page("app_pages/ratings.py", title="Ratings", icon=":material/thumbs_up_down:", url_path="ratings"),
            st.Page("app_pages/models.py", title="Models", icon=":material/alt_route:", url_path="models"),
            st.Page("app_pages/widgets.py", title="Widgets", icon=":material/forum:", url_path="widgets"),
            st.Page("app_pages/status.py", title="Status", icon=":material/monitor_heart:", url_path="status"),
        ]
    return pages


def _places(me: User) -> None:
    with st.container(key="places", gap=None):
        if st.button(
            "New chat", key="new-chat", icon=":material/edit_square:", width="stretch", shortcut="Ctrl+Shift+O"
        ):
            history.open_conversation(None)
        st.page_link("app_pages/assistants.py", label="Assistants", icon=":material/apps:", width="stretch")
        st.page_link("app_pages/documents.py", label="Documents", icon=":material/folder_open:", width="stretch")
        st.page_link("app_pages/skills.py", label="Skills", icon=":material/build:", width="stretch")
        st.page_link("app_pages/memory.py", label="Memory", icon=":material/psychology:", width="stretch")
        if me.is_admin or me.prompt_author:
            st.page_link("app_pages/prompts.py", label="Prompts", icon=":material/edit_note:", width="stretch")
        if me.is_admin:
            st.caption("Administration")
            st.page_link("app_pages/people.py", label="People", icon=":material/group:", width="stretch")
            st.page_link("app_pages/curated.py", label="Curated answers", icon=":material/push_pin:", width="stretch")
            st.page_link("app_pages/ratings.py", label="Ratings", icon=":material/thumbs_up_down:", width="stretch")
            st.page_link("app_pages/models.py", label="Models", icon=":material/alt_route:", width="stretch")
            st.page_link("app_pages/widgets.py", label="Widgets", icon=":material/forum:", width="stretch")
            st.page_link("app_pages/status.py", label="Status", icon=":material/monitor_heart:", width="stretch")


def _account(me: User) -> None:
    with st.container(key="account"):
        chosen = st.menu_button(
            plain(me.name, 40),
            ["Account", "Help", "Sign out"],
            key="account-menu",
            icon=":material/account_circle:",
            type="tertiary",
            width="stretch",
        )
    if chosen == "Account":
        st.switch_page("app_pages/account.py")
    if chosen == "Help":
        st.switch_page("app_pages/help.py")
    if chosen == "Sign out":
        st.session_state.clear()
        components.go("/sign-in", post="/sign-out")
        st.stop()
