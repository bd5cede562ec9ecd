"""The Widgets page in a real browser: what is typed shows in the preview before it is saved."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.conftest import ADMIN, PASSWORD, Site
from tests.browser.host_site import OPEN
from tests.browser.site import sign_in, tab


def test_the_preview_follows_what_is_typed(browser: Browser, stand_in: Site) -> None:
    with tab(browser, stand_in.base) as made:
        made.page.context.add_init_script(OPEN)
        sign_in(made, ADMIN, PASSWORD)
        made.open("/widgets", "A widget is a chat on another web site")
        made.page.get_by_role("button", name="New widget").click()
        made.page.get_by_label("Name", exact=True).fill("Shop help")
        made.page.get_by_label("Site that shows it").fill("https://www.example.com")
        made.page.get_by_role("button", name="Create").click()
        preview = made.page.frame_locator("iframe[src*='widget-preview']")
        expect(preview.locator("h2")).to_have_text("Shop help")
        made.page.get_by_label("Greeting").fill("Welcome to our **shop**!")
        made.page.get_by_label("Title").click()
        expect(preview.locator(".log strong")).to_have_text("shop")
        assert made.foreign == [] and made.dialogs == [] and made.bugs == []
