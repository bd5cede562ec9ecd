"""Somebody sets how the answers of a chat are worded, before the stand-in."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.site import Tab
from ui.fake_api.world import World


def test_own_values_are_set_before_a_chat_begins_and_changed_in_it(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    page = tab.page
    button = page.locator(".st-key-manner").get_by_role("button")
    button.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Creative", exact=True).click()
    dialog.get_by_label("Temperature", exact=True).fill("0.3")
    dialog.get_by_label("Seed", exact=True).fill("7")
    dialog.get_by_label("JSON schema").fill("{")
    dialog.get_by_role("button", name="Keep for this chat").click()
    expect(dialog.get_by_text("cannot be read")).to_be_visible()
    dialog.get_by_label("JSON schema").fill('{"type": "object"}')
    dialog.get_by_role("button", name="Keep for this chat").click()
    expect(dialog).to_have_count(0)
    expect(button).to_have_text("tuneCreative, own values")
    tab.ask("How are you?")
    (kept,) = [one for one in world.conversations.values() if one.manner]
    set_there = {"preset": "creative", "temperature": 0.3, "seed": 7, "json_schema": {"type": "object"}}
    assert kept.manner == set_there
    page.reload()  # it is the chat's, not the tab's
    expect(button).to_have_text("tuneCreative, own values")
    button.click()
    expect(dialog.get_by_label("Seed", exact=True)).to_have_value("7")
    dialog.get_by_role("button", name="As usual").click()
    expect(button).to_have_text("tuneWording")
    assert kept.manner == {} and not tab.bugs and not tab.foreign
