"""A thumb down on the chat page, found on the page Ratings and put right there."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.site import Tab
from ui.chat.turn import READ_BY
from ui.fake_api.world import World

QUESTION = "When does the <b>canteen</b> open?"


def test_a_thumb_down_is_found_and_put_right(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    page = tab.page
    tab.ask(QUESTION)
    page.get_by_test_id("stFeedbackButton").last.click()
    expect(page.get_by_text(READ_BY)).to_be_visible()
    page.get_by_label("Tell more (optional)").fill("It <i>opens</i> at eleven.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text(READ_BY)).to_be_hidden()
    page.get_by_role("link", name="Ratings").click()
    expect(page.get_by_text("It <i>opens</i> at eleven.")).to_be_visible()
    page.get_by_role("button", name="Write the right answer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Question", exact=True)).to_have_value(QUESTION)
    dialog.get_by_label("Answer", exact=True).fill("At eleven.")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Put right")).to_be_visible()
    (written,) = world.curated.values()
    assert written["questions"] == [QUESTION] and written["answer"] == "At eleven."
    world.curated.clear()
    assert not tab.bugs and not tab.foreign and not tab.dialogs
