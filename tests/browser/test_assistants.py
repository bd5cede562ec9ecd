"""The gallery in a real browser: an assistant is made, found, and a chat is begun with it."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.conftest import ADMIN, PASSWORD, Site
from tests.browser.site import sign_in, tab


def test_an_assistant_is_made_and_a_chat_begins_with_it(browser: Browser, stand_in: Site) -> None:
    with tab(browser, stand_in.base) as made:
        sign_in(made, ADMIN, PASSWORD)
        made.open("/assistants", "An assistant is a chat that somebody has set up")
        made.page.get_by_role("button", name="New assistant").click()
        form = made.page.get_by_role("dialog")
        form.get_by_label("Name", exact=True).fill("Leave helper")
        form.get_by_label("What it is for").fill("Questions on *leave*")
        form.get_by_label("Greeting").fill("Ask me about leave.")
        form.get_by_label("Example questions").fill("How long is parental leave?")
        form.get_by_role("button", name="Save").click()
        expect(form).to_have_count(0)
        expect(made.page.get_by_text("Questions on *leave*")).to_be_visible()
        made.page.get_by_role("button", name="Start a chat").click()
        expect(made.page.get_by_text("Ask me about leave.")).to_be_visible()
        made.page.get_by_role("button", name="How long is parental leave?").click()
        expect(made.page.locator(".st-key-chat-assistant")).to_contain_text("Leave helper")
        assert made.foreign == [] and made.dialogs == [] and made.bugs == []
