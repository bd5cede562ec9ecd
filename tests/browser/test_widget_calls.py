"""A skill that changes something, in the widget: the exact call, and the visitor decides; by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from assistant.widgets import registry
from tests.browser.host_site import HostSite, site, visit
from tests.browser.test_widget_axe import violations

TEXT = 'Call me <b>back</b> at "5 pm"\nplease'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[HostSite]:
    with site(tmp_path_factory.mktemp("calls"), migrated) as made:
        registry.change(made.world.app.engine, made.widget.id, changes={"skills": ["write_note"]})
        _open_to_the_public(made, "write_note")
        yield made


def _open_to_the_public(shop: HostSite, skill: str) -> None:
    body = {"readers": ["everyone", "public"]}
    headers = shop.world.as_(shop.world.admin)
    httpx.patch(f"{shop.api}/api/skills/{skill}", json=body, headers=headers).raise_for_status()


def test_the_call_is_shown_to_the_letter_and_runs_when_allowed(browser: Browser, shop: HostSite) -> None:
    written = shop.world.notebook.write.calls
    before = len(written)
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        card = tab.ask(f"write {TEXT}".replace("\n", " ")).locator(".call")
        expect(card).to_contain_text("write_note")
        expect(card.locator("dd")).to_have_text(TEXT.replace("\n", " "))
        assert len(written) == before and violations(tab.page) == []
        card.get_by_role("button", name="Allow", exact=True).click()
        expect(tab.page.locator(".call")).to_contain_text("Done.")
        expect(tab.page.locator("article.bot").last).to_contain_text("Kept.")
        assert len(written) == before + 1 and violations(tab.page) == [] and tab.bugs == []


def test_a_call_that_waits_survives_a_reload_and_the_keyboard_is_enough(browser: Browser, shop: HostSite) -> None:
    written = shop.world.notebook.write.calls
    before = len(written)
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        tab.ask("write something")
        expect(tab.page.get_by_role("status")).to_contain_text("May this be done?")
        tab.page.reload()
        card = tab.page.get_by_role("group", name="May this be done? write_note")
        card.get_by_role("button", name="Do not allow").focus()
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator(".call")).to_contain_text("Not done.")
        expect(tab.page.get_by_role("textbox")).to_be_focused()
        assert tab.page.locator(".call button").count() == 0 and len(written) == before
        tab.page.reload()
        expect(tab.page.locator(".call")).to_contain_text("Not done.")


@pytest.mark.parametrize("language", ["de", "fr", "es", "zh", "ar"])
def test_the_card_speaks_the_pages_language(browser: Browser, shop: HostSite, language: str) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag(lang=language)))
        tab.open()
        card = tab.ask("write something").locator(".call")
        card.locator("button.main").wait_for()
        assert "undefined" not in card.inner_text() and "Allow" not in card.inner_text()
