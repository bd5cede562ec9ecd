"""What only a real browser shows of the pages Memory and Prompts."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.site import Tab
from ui.fake_api.world import World


def test_remembers_a_note_and_shows_prompts(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    tab.page.get_by_role("link", name="Memory").click()
    field = tab.page.get_by_placeholder("My office is in Graz")
    field.fill("My locker is <img src=x onerror=alert(1)> 17")
    field.press("Enter")
    expect(tab.page.get_by_text("My locker is <img")).to_be_visible()
    expect(tab.page).to_have_title("Memory · Inhouse")
    tab.page.get_by_role("button", name="Delete everything").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete everything").click()
    expect(tab.page.get_by_text("Nothing is remembered about you yet.")).to_be_visible()
    assert not world.notes and not tab.dialogs
    tab.page.get_by_role("link", name="Prompts").click()
    tab.page.get_by_role("button", name="Open").first.click()
    expect(tab.page.get_by_role("tab", name="Playground")).to_be_visible()
    tab.page.get_by_test_id("stSidebar").get_by_role("button", name="New chat").click()
    expect(tab.page).to_have_title("Inhouse")
    assert not tab.bugs and not tab.foreign
